/* Goal: under a flood every clean source gets what it needs before a bad one gets more than its floor,
   nobody falls below the floor, equals are treated as equals, and capacity is not left unused.
   Method: a second or more of simulated time: sources that send like Poisson, a ring
   of 1024 in front of one server that checks 100,000 signatures a second and takes 100 ns to refuse,
   and tells how much of the ring waits before each: as the verify tile does it. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "disco/verify/qs_fair.h"
#include "tango/base/qs_rng.h"

#define CAPACITY   100000u
#define CHECK_NS   (1000000000u / CAPACITY)
#define REFUSE_NS  100u
#define RING       1024u
#define STREAM_MAX 128u

/* Traffic of one kind: from one address, or from a new one each time (address 0). */
typedef struct stream {
    u32 address;
    u32 rate; /* per second */
    bool good;
    u64 next_ns;
    u64 sent, done;
} stream_t;

typedef struct frame {
    u32 address, stream;
} frame_t;

static stream_t stream[STREAM_MAX];
static u32 stream_cnt;
static u64 lost, checked, late_from;
static qs_fair_t fair;
static u32 believed; /* capacity, as measured: may be wrong */
static qs_rng_t rng;

static void
add(u32 address, double share, bool good)
{
    stream[stream_cnt++] =
        (stream_t){.address = address, .rate = (u32)(share * CAPACITY), .good = good};
}

static void
begin(void)
{
    stream_cnt = 0;
    believed = CAPACITY;
    qs_rng_init(&rng, 7, 1);
    qs_fair_init(&fair, (qs_hash_key_t){qs_rng_u64(&rng), 2}, CAPACITY, 0);
}

/* earliest returns the stream whose frame comes next. */
static stream_t *
earliest(void)
{
    stream_t *first = &stream[0];
    for (u32 i = 1; i < stream_cnt; i++)
        first = stream[i].next_ns < first->next_ns ? &stream[i] : first;
    return first;
}

static void
arrive(frame_t *ring, u64 *head, u64 tail, u64 now)
{
    for (stream_t *s; (s = earliest())->next_ns <= now;) {
        double u = (double)(qs_rng_u64(&rng) >> 11) * 0x1p-53;
        s->next_ns += (u64)(-log(1 - u) * 1e9 / s->rate);
        if (now >= late_from)
            s->sent++;
        if (*head - tail == RING) {
            lost += now >= late_from;
            continue;
        }
        u32 address = s->address ? s->address : (u32)qs_rng_u64(&rng) | 1u << 31;
        ring[(*head)++ % RING] = (frame_t){address, (u32)(s - stream)};
    }
}

/* run simulates that many seconds; what happens in the first ms, when nobody is known, does not
   count. */
static void
run_after(u64 unknown_ms, double seconds)
{
    static frame_t ring[RING];
    u64 now = 0, head = 0, tail = 0, end = (u64)(seconds * 1e9);

    late_from = unknown_ms * 1000000u;
    lost = checked = 0;
    while (now < end) {
        arrive(ring, &head, tail, now);
        if (head == tail) {
            now += 1000;
            continue;
        }
        qs_fair_load(&fair, head - tail, RING);
        frame_t f = ring[tail++ % RING];
        stream_t *s = &stream[f.stream];
        qs_fair_tick(&fair, believed, now);
        qs_fair_source_t who = qs_fair_look(&fair, f.address);
        if (!qs_fair_admit(&fair, &who, 1)) {
            now += REFUSE_NS;
            continue;
        }
        now += CHECK_NS;
        checked++;
        qs_fair_verdict(&fair, &who, 1, s->good);
        if (now >= late_from)
            s->done++;
    }
}

static void
run(double seconds)
{
    run_after(50, seconds);
}

/* through returns which part of streams low to high - 1 was checked. */
static double
through(u32 low, u32 high)
{
    u64 sent = 0, done = 0;
    for (u32 i = low; i < high; i++) {
        sent += stream[i].sent;
        done += stream[i].done;
    }
    return (double)done / (double)sent;
}

/* share returns what streams low to high - 1 got, in parts of the capacity. */
static double
share(u32 low, u32 high, double seconds)
{
    u64 done = 0;
    for (u32 i = low; i < high; i++)
        done += stream[i].done;
    return (double)done / ((seconds - 0.05) * CAPACITY);
}

/* 4 good sources that send 30 % of capacity, 16 others that send nine times as much garbage. */
Test(fair, ninety_percent_garbage_does_not_touch_the_good)
{
    begin();
    for (u32 i = 0; i < 4; i++)
        add(0x0a000001 + i, 0.3 / 4, true);
    for (u32 i = 0; i < 16; i++)
        add(0x0a000101 + i, 2.7 / 16, false);
    run(2);
    cr_assert(ge(dbl, through(0, 4), 0.99));
    cr_assert(eq(u64, lost, 0)); /* refusing is quick enough to keep the ring from filling up */
    cr_assert(ge(dbl, (double)checked, 0.9 * 2 * CAPACITY)); /* nothing is left unused */
    for (u32 i = 4; i < 20; i++)
        cr_assert(ge(dbl, share(i, i + 1, 2), 0.9 / 40)); /* the floor of garbage */
}

/* Others use our core: we believe in three times the capacity that we have. */
Test(fair, a_capacity_that_is_overrated_is_corrected)
{
    begin();
    believed = 3 * CAPACITY;
    for (u32 i = 0; i < 4; i++)
        add(0x0a000001 + i, 0.3 / 4, true);
    for (u32 i = 0; i < 16; i++)
        add(0x0a000101 + i, 2.7 / 16, false);
    run(2);
    cr_assert(ge(dbl, through(0, 4), 0.99));
    cr_assert(lost < 1000); /* of 600,000 */
}

/* As in the first, but the garbage carries the good ones' addresses: each address gets a quarter of the
   capacity, and of the good among it the same part as of all that came under that address. */
Test(fair, garbage_that_forges_the_good_addresses_leaves_them_their_share)
{
    begin();
    for (u32 i = 0; i < 4; i++)
        add(0x0a000001 + i, 0.3 / 4, true);
    for (u32 i = 0; i < 16; i++)
        add(0x0a000001 + i % 4, 2.7 / 16, false);
    run(2);
    for (u32 i = 0; i < 4; i++) {
        double address = share(i, i + 1, 2);
        for (u32 k = 4 + i; k < 20; k += 4)
            address += share(k, k + 1, 2);
        cr_assert(ge(dbl, address, 0.9 / 4));
        cr_assert(ge(dbl, through(i, i + 1), 0.9 * 0.25 / 0.75));
    }
}

/* One address is forged while three clean sources could use the capacity alone. */
Test(fair, a_forged_address_keeps_its_floor_beside_clean_sources_that_want_all)
{
    begin();
    add(0x0a000001, 0.05, true);
    add(0x0a000001, 1.0, false);
    for (u32 i = 1; i < 4; i++)
        add(0x0a000001 + i, 0.6, true);
    run(2);
    cr_assert(ge(dbl, share(0, 2, 2), 0.9 / 4)); /* N is the four that send */
    cr_assert(ge(dbl, share(2, 5, 2), 0.65));
    double least = share(2, 3, 2);
    for (u32 i = 3; i < 5; i++)
        cr_assert(share(i, i + 1, 2) / least - 1 < 0.1);
}

/* One in a hundred is good under the forged address, and all the rest of the capacity is asked for by
   nine clean sources and taken by as many that send garbage. */
Test(fair, a_forged_address_gets_its_nth_of_the_capacity_beside_clean_and_bad)
{
    begin();
    add(0x0a000001, 0.02, true);
    add(0x0a000001, 1.98, false);
    for (u32 i = 1; i < 10; i++)
        add(0x0a000001 + i, 0.5, true);
    for (u32 i = 0; i < 10; i++)
        add(0x0a000101 + i, 0.5, false);
    run_after(200, 2);
    u64 done[3] = {stream[0].done + stream[1].done}, all = done[0];
    for (u32 i = 2; i < 21; i++) {
        done[i < 11 ? 1 : 2] += stream[i].done;
        all += stream[i].done;
    }
    cr_assert(ge(dbl, (double)all, 0.85 * 1.8 * CAPACITY)); /* refusing 11 times as much costs */
    cr_assert(ge(dbl, (double)done[0], 0.9 / 20 * (double)all));
    cr_assert(ge(dbl, (double)done[1], 0.9 * 14 / 20 * (double)all)); /* ten halves are kept */
    cr_assert(ge(dbl, (double)done[2], 0.9 * 5 / 20 * (double)all));
    cr_assert(ge(dbl, through(0, 1), 0.9 / 2 * 0.85 / 20));
}

Test(fair, n_is_the_number_of_senders)
{
    begin();
    for (u32 i = 0; i < 20; i++)
        add(0x0a000001 + i, i % 2 ? 0.1 : 0.001, i % 3);
    run(1);
    cr_assert(le(u32, fair.sender_cnt, 20));
    cr_assert(ge(u32, fair.sender_cnt, 19)); /* two may share a bucket */
}

Test(fair, a_clean_source_that_sends_much_does_not_push_out_one_that_sends_little)
{
    begin();
    add(1, 0.05, true);
    add(2, 0.10, true);
    add(3, 5.0, true);
    run(2);
    cr_assert(ge(dbl, through(0, 1), 0.99));
    cr_assert(ge(dbl, through(1, 2), 0.99));
    cr_assert(ge(dbl, share(2, 3, 2), 0.75));
    cr_assert(lost < 500); /* of a million */
}

/* A flood from addresses that are new each time spreads over all buckets and is thin in each; it takes
   some 100 ms until each of them has been found to be bad. */
Test(fair, a_flood_from_ever_new_addresses_does_not_push_out_those_that_are_known)
{
    begin();
    for (u32 i = 0; i < 4; i++)
        add(0x0a000001 + i, 0.3 / 4, true);
    add(0, 2.7, false);
    run_after(200, 2);
    cr_assert(ge(dbl, through(0, 4), 0.99));
}

Test(fair, without_overload_nobody_is_refused)
{
    begin();
    for (u32 i = 0; i < 8; i++)
        add(1 + i, 0.9 / 8, i % 2);
    run(1);
    cr_assert(ge(dbl, through(0, 8), 0.999));
}

Test(fair, a_source_that_behaves_again_is_clean_again)
{
    begin();
    add(1, 0.3, false);
    add(2, 3.0, false);
    run(1);
    cr_assert(share(0, 1, 1) < 0.9);
    stream[0].good = true;
    for (u32 i = 0; i < stream_cnt; i++)
        stream[i].next_ns = stream[i].sent = stream[i].done = 0;
    fair.epoch_ns = 0;
    run(5);
    stream[0].sent = stream[0].done = 0;
    stream[0].next_ns = stream[1].next_ns = 0;
    fair.epoch_ns = 0;
    run(1);
    cr_assert(ge(dbl, through(0, 1), 0.99));
}

/* Sources that fell silent are forgotten, so that a long run stays as quick as a short one. */
Test(fair, the_silent_are_forgotten)
{
    begin();
    add(0, 0.9, true);
    run(0.5);
    cr_assert(fair.active_cnt > 1000);
    for (u64 now = 500000000u; now < 12000000000u; now += QS_FAIR_EPOCH_NS)
        qs_fair_tick(&fair, CAPACITY, now);
    cr_assert(eq(u32, fair.active_cnt, 0));
}

Test(fair, a_transaction_of_twelve_signatures_costs_twelve)
{
    begin();
    qs_fair_load(&fair, RING / 4 * 3, RING);
    qs_fair_source_t who = qs_fair_look(&fair, 1);
    cr_assert(qs_fair_admit(&fair, &who, 12)); /* on credit */
    for (u32 i = 0; i < 11; i++) {             /* 2 - 12 = -10 */
        cr_assert(not(qs_fair_admit(&fair, &who, 1)), "after %u", i);
        who.bucket->tokens++;
    }
    cr_assert(qs_fair_admit(&fair, &who, 1));
    cr_assert(not(qs_fair_admit(&fair, &who, 1)));
    qs_fair_load(&fair, RING / 4 * 3 - 1, RING);
    cr_assert(qs_fair_admit(&fair, &who, 1));
}

/* What the ring can hold is to be checked in time: here 700 at once from somebody clean, now and then,
   that come to two thirds of the capacity. */
Test(fair, bursts_of_the_clean_that_fit_the_ring_are_not_refused)
{
    begin();
    u64 now = 0, refused = 0;
    for (u32 burst = 0; burst < 100; burst++) {
        for (u32 left = 700; left; left--, now += CHECK_NS) {
            qs_fair_load(&fair, left, RING);
            qs_fair_tick(&fair, CAPACITY, now);
            qs_fair_source_t who = qs_fair_look(&fair, 1);
            refused += !qs_fair_admit(&fair, &who, 1);
            qs_fair_verdict(&fair, &who, 1, true);
        }
        now += 350 * CHECK_NS;
    }
    cr_assert(eq(u64, refused, 0));
}

/* Goal: a consumer gets each fragment whole and in order, or is told exactly how many it lost,
   whatever the producer does and wherever it is killed.
   Method: the header's contract line by line on one thread; a random run against a naive model;
   a kill is a copy of the ring in which only the first stores of a batch were performed. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <signal.h>

#include "tango/qs_mcache.h"
#include "tango/rand.h"

#define DEPTH   8u
#define MEM_MAX 4096u
#define BATCH   64u

static alignas(QS_ALIGN) u8 mem[MEM_MAX];
static qs_mcache_t *ring = (qs_mcache_t *)mem;
static qs_mcache_tx_t tx;
static qs_mcache_rx_t rx;
static qs_frag_t frag[BATCH];

static void
make_ring(u64 depth, u64 window, u64 seq0)
{
    cr_assert(eq(int, qs_mcache_new(mem, depth, window, seq0), 0));
    cr_assert(eq(int, qs_mcache_tx_join(&tx, mem, sizeof(mem)), 0));
    cr_assert(eq(int, qs_mcache_rx_join(&rx, mem, sizeof(mem), seq0), 0));
}

static void
make_default_ring(void)
{
    make_ring(DEPTH, DEPTH, 100);
}

/* Every field of fragment n is a function of n, so a torn or misplaced one cannot hide. */
static qs_frag_t
frag_of(u64 seq)
{
    u64 state = seq;
    u64 a = rand_next(&state);
    u64 b = rand_next(&state);
    return (qs_frag_t){.seq = seq,
                       .sig = rand_next(&state),
                       .chunk = (u32)a,
                       .sz = (u16)(a >> 32),
                       .ctl = (u16)(a >> 48),
                       .ts_origin = (u32)b,
                       .ts_publish = (u32)(b >> 32)};
}

static bool
same_frag(qs_frag_t const *a, qs_frag_t const *b)
{
    return a->seq == b->seq && a->sig == b->sig && a->chunk == b->chunk && a->sz == b->sz &&
           a->ctl == b->ctl && a->ts_origin == b->ts_origin && a->ts_publish == b->ts_publish;
}

static bool
is_whole(qs_frag_t const *f)
{
    qs_frag_t want = frag_of(f->seq);
    return same_frag(f, &want);
}

static void
publish_reserved(u64 cnt)
{
    for (u64 i = 0; i < cnt; i++) {
        qs_frag_t f = frag_of(tx.seq);
        f.seq = ~f.seq; /* publish does not read it */
        qs_mcache_publish(&tx, &f);
    }
}

static void
publish(u64 cnt)
{
    for (u64 i = 0; i < cnt; i++) {
        qs_mcache_reserve(&tx, 1);
        publish_reserved(1);
    }
}

/* read_all settles everything there is; returns how many were received whole. */
static u64
read_all(void)
{
    u64 received = 0;

    while (qs_mcache_ready(&rx)) {
        u32 cnt = qs_mcache_peek(&rx, frag, BATCH);
        for (u32 i = 0; i < cnt; i++)
            cr_assert(is_whole(&frag[i]), "fragment %lu is torn", frag[i].seq);
        received += cnt - (cnt ? qs_mcache_settle(&rx, cnt) : 0);
    }
    return received;
}

TestSuite(mcache, .init = make_default_ring);

Test(mcache, empty_ring_has_nothing_to_peek)
{
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 0));
    cr_assert(not(qs_mcache_ready(&rx)));
    cr_assert(eq(u64, rx.seq, 100));
    cr_assert(eq(u64, rx.lost, 0));
    cr_assert(eq(u64, tx.seq, 100));
    cr_assert(eq(u64, qs_mcache_seq0(mem), 100));
}

Test(mcache, a_reserved_batch_is_not_visible_before_it_is_published)
{
    qs_mcache_reserve(&tx, 3);
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 0));
    publish_reserved(2);
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 2));
    cr_assert(eq(u64, rx.lost, 0));
}

Test(mcache, fragments_arrive_whole_and_in_order_in_batches_of_any_size)
{
    u64 want = 100;

    for (u32 round = 0; round < 1000; round++) {
        u64 put = 1 + round % DEPTH;
        u32 max = 1 + round % 5;
        publish(put);
        for (u64 left = put; left;) {
            u32 cnt = qs_mcache_peek(&rx, frag, max);
            cr_assert(eq(u64, cnt, qs_min_u64(left, max)));
            for (u32 i = 0; i < cnt; i++, want++)
                cr_assert(frag[i].seq == want && is_whole(&frag[i]));
            if (round % 2)
                qs_mcache_advance(&rx, cnt);
            else
                cr_assert(eq(u32, qs_mcache_settle(&rx, cnt), 0));
            left -= cnt;
        }
        cr_assert(not(qs_mcache_ready(&rx)));
    }
    cr_assert(eq(u64, rx.lost, 0));
}

Test(mcache, peek_does_not_consume)
{
    publish(3);
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 3));
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, 2), 2));
    cr_assert(eq(u64, frag[0].seq, 100));
    cr_assert(eq(u32, qs_mcache_settle(&rx, 1), 0));
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 2));
    cr_assert(eq(u64, frag[0].seq, 101));
}

Test(mcache, every_field_survives_at_its_extremes)
{
    qs_frag_t const extreme[] = {
        {0},
        {.sig = UINT64_MAX},
        {.chunk = UINT32_MAX},
        {.sz = UINT16_MAX},
        {.ctl = UINT16_MAX},
        {.ts_origin = UINT32_MAX},
        {.ts_publish = UINT32_MAX},
        {.sig = UINT64_MAX,
         .chunk = UINT32_MAX,
         .sz = UINT16_MAX,
         .ctl = UINT16_MAX,
         .ts_origin = UINT32_MAX,
         .ts_publish = UINT32_MAX},
    };

    for (u64 i = 0; i < QS_COUNT(extreme); i++) {
        qs_frag_t want = extreme[i];
        want.seq = 100 + i;
        qs_mcache_reserve(&tx, 1);
        qs_mcache_publish(&tx, &extreme[i]);
        cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 1));
        cr_assert(same_frag(&frag[0], &want), "extreme %lu", i);
        qs_mcache_advance(&rx, 1);
    }
}

Test(mcache, ready_says_whether_peek_would_find_or_learn_something)
{
    publish(DEPTH);
    cr_assert(qs_mcache_ready(&rx)); /* finds 100 */
    publish(1);
    cr_assert(qs_mcache_ready(&rx)); /* learns that 100 is gone */
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 0));
    read_all();
    cr_assert(not(qs_mcache_ready(&rx)));
}

Test(mcache, a_line_is_born_owning_the_frame_it_was_given)
{
    make_default_ring();
    for (u64 i = 0; i < DEPTH; i++)
        cr_assert(eq(int, qs_mcache_give(mem, sizeof(mem), i, (u32)(1000 + i), (u16)i), 0));
    cr_assert(eq(int, qs_mcache_give(mem, sizeof(mem), DEPTH, 0, 0), -EINVAL));
    cr_assert(eq(int, qs_mcache_give(NULL, sizeof(mem), 0, 0, 0), -EFAULT));
    cr_assert(eq(int, qs_mcache_tx_join(&tx, mem, sizeof(mem)), 0));
    for (u64 i = 0; i < DEPTH; i++) {
        qs_frag_t old;
        qs_mcache_reserve(&tx, 1);
        qs_mcache_evictee(&tx, &old);
        cr_assert(eq(u32, old.chunk, (u32)(1000 + (tx.seq & (DEPTH - 1)))));
        cr_assert(eq(u16, old.ctl, (u16)(tx.seq & (DEPTH - 1))));
        qs_mcache_publish(&tx, &(qs_frag_t){.chunk = 7});
    }
}

Test(mcache, evictee_is_what_the_next_publish_overwrites)
{
    publish(DEPTH + 3);
    qs_mcache_reserve(&tx, 1);
    qs_mcache_evictee(&tx, frag);
    cr_assert(eq(u64, frag[0].seq, 103));
    cr_assert(is_whole(&frag[0]));
}

Test(mcache, consumer_lapped_before_peek_resumes_half_a_window_behind_reserve)
{
    publish(DEPTH + 1); /* reserve 108; line of 100 holds it */
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 0));
    cr_assert(eq(u64, rx.seq, 104));
    cr_assert(eq(u64, rx.lost, 4));
    cr_assert(eq(u64, read_all(), 5));
    cr_assert(eq(u64, rx.seq, 109));
    cr_assert(eq(u64, rx.lost, 4));
}

Test(mcache, resume_point_is_published_even_if_the_whole_announcement_is_not)
{
    publish(DEPTH + 1);
    qs_mcache_reserve(&tx, DEPTH / 2); /* announced to the limit, nothing of it published */
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 0));
    cr_assert(eq(u64, rx.seq, tx.seq - 1));
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), 1));
    cr_assert(eq(u32, qs_mcache_settle(&rx, 1), 0));
}

struct lap {
    u64 depth;
    u64 window;
    u32 before;   /* published, and all peeked */
    u32 after;    /* published between peek and settle ... */
    u32 announce; /* ... and announced beyond that */
    u32 void_cnt;
    u64 lost;
    u64 next; /* rx.seq - seq0 afterwards */
};

/* With seq0 = 0 fragment n is void when n <= reserve - window; here reserve is
   before + after + announce - 1. */
ParameterizedTestParameters(mcache, lapped_between_peek_and_settle)
{
    static struct lap lap[] = {
        /* reserve - window is just below the first: nothing is void */
        {8, 8, 8, 0, 0, 0, 0, 8},
        {8, 8, 1, 7, 0, 0, 0, 1},
        /* the first is reserve - window exactly, the second the first one valid */
        {8, 8, 8, 0, 1, 1, 1, 8},
        {8, 8, 8, 1, 0, 1, 1, 8},
        {8, 8, 2, 7, 0, 1, 3, 4}, /* 1 arrived whole, 2 and 3 are skipped to resume at 8 - 4 */
        {8, 8, 8, 0, 4, 4, 4, 8},
        {8, 8, 4, 8, 0, 4, 7, 7},
        /* all void, and many skipped */
        {8, 8, 1, 8, 0, 1, 4, 4},
        {8, 8, 4, 100, 0, 4, 99, 99},
        {8, 8, 4, 100, 4, 4, 103, 103},
        /* fewer payloads than lines: gone, though every line is still there */
        {8, 4, 4, 0, 0, 0, 0, 4},
        {8, 4, 5, 0, 0, 1, 1, 5},
        {8, 4, 8, 0, 0, 4, 4, 8},
        {8, 4, 8, 0, 2, 6, 6, 8},
        {8, 3, 8, 0, 0, 5, 5, 8},
        {8, 2, 8, 0, 1, 7, 7, 8},
        {8, 2, 1, 1, 0, 0, 0, 1},
        {8, 2, 1, 2, 0, 1, 1, 1},
        {2, 2, 2, 1, 0, 1, 1, 2},
        {2, 2, 2, 9, 0, 2, 9, 9},
    };
    return cr_make_param_array(struct lap, lap, QS_COUNT(lap));
}

ParameterizedTest(struct lap *p, mcache, lapped_between_peek_and_settle)
{
    u64 const seq0[] = {0, 100, UINT64_MAX - 3};

    for (u32 i = 0; i < QS_COUNT(seq0); i++) {
        make_ring(p->depth, p->window, seq0[i]);
        publish(p->before);
        cr_assert(eq(u32, qs_mcache_peek(&rx, frag, BATCH), p->before));
        publish(p->after);
        if (p->announce)
            qs_mcache_reserve(&tx, p->announce);
        cr_assert(eq(u32, qs_mcache_settle(&rx, p->before), p->void_cnt));
        cr_assert(eq(u64, rx.lost, p->lost));
        cr_assert(eq(u64, rx.seq - seq0[i], p->next));
    }
}

Test(mcache, sequence_numbers_wrap_around_two_to_the_64)
{
    for (u64 below = 0; below < 3 * DEPTH; below++) {
        make_ring(DEPTH, DEPTH, 0 - below);
        for (u32 i = 0; i < 4 * DEPTH; i++) {
            publish(1);
            cr_assert(eq(u64, read_all(), 1));
        }
        publish(DEPTH + 1);
        cr_assert(eq(u64, read_all(), DEPTH / 2 + 1));
        cr_assert(eq(u64, rx.lost, DEPTH / 2));

        cr_assert(eq(int, qs_mcache_tx_join(&tx, mem, sizeof(mem)), 0));
        cr_assert(eq(u64, tx.seq, rx.seq));
    }
}

/* step_settle consumes cnt peeked fragments and compares with what the header's sentences say,
   written as plainly as possible. */
static u64
step_settle(u32 cnt, u64 reserve, u64 window)
{
    u64 first_seq = rx.seq;
    u64 lost = rx.lost;
    u32 void_cnt = 0;

    for (u32 i = 0; i < cnt; i++)
        void_cnt += (i64)(first_seq + i - (reserve - window)) <= 0;
    u64 next = first_seq + cnt;
    u64 skipped = 0;
    if (void_cnt && (i64)(reserve - window / 2 - next) > 0) {
        skipped = reserve - window / 2 - next;
        next = reserve - window / 2;
    }

    cr_assert(eq(u32, qs_mcache_settle(&rx, cnt), void_cnt));
    cr_assert(eq(u64, rx.lost - lost, void_cnt + skipped));
    cr_assert(eq(u64, rx.seq, next));
    for (u32 i = void_cnt; i < cnt; i++)
        cr_assert(is_whole(&frag[i]));
    return cnt - void_cnt;
}

/* step_peek likewise: what is in the ring is known from what was published. */
static u32
step_peek(u32 max, u64 depth, u64 window, u64 reserve)
{
    u64 behind = tx.seq - rx.seq;
    u64 first_seq = rx.seq;
    bool lapped = behind > depth;

    u32 cnt = qs_mcache_peek(&rx, frag, max);
    cr_assert(eq(u64, cnt, lapped ? 0 : qs_min_u64(behind, max)));
    cr_assert(eq(u64, rx.seq, lapped ? reserve - window / 2 : first_seq));
    return cnt;
}

static void
random_run(u64 depth, u64 window, u64 seq0, u32 steps, u64 *state)
{
    u64 received = 0;

    make_ring(depth, window, seq0);
    for (u32 i = 0; i < steps; i++) {
        u64 batch = rand_upto(state, 1, window / 2);
        u64 turns = rand_next(state) % 16 ? 0 : rand_upto(state, 0, 3 * depth);
        u32 max = (u32)rand_upto(state, 1, BATCH);
        u32 cnt = step_peek(max, depth, window, tx.reserved);
        publish(turns);
        if (rand_next(state) % 2) {
            qs_mcache_reserve(&tx, batch);
            publish_reserved(rand_upto(state, 0, batch));
        }
        if (cnt)
            received += step_settle((u32)rand_upto(state, 1, cnt), tx.reserved, window);
        cr_assert(eq(u64, received + rx.lost, rx.seq - seq0));
        cr_assert(le(u64, rx.seq - seq0, tx.seq - seq0));
    }
    received += read_all();
    cr_assert(eq(u64, rx.seq, tx.seq));
    cr_assert(eq(u64, received + rx.lost, tx.seq - seq0));
    cr_assert(received > 0);
    cr_assert(rx.lost > 0);
}

Test(mcache, received_and_lost_always_add_up_to_published)
{
    u64 state = 1;

    random_run(8, 8, 0, 20000, &state);
    random_run(64, 64, UINT64_MAX - 1000, 20000, &state);
    random_run(16, 5, 1ull << 63, 20000, &state);
    random_run(2, 2, UINT64_MAX, 20000, &state);
    random_run(64, 2, 7, 20000, &state);
}

/* A batch of three behind a random history: what each store of it changed, in program order. */
struct store {
    u64 off; /* in mem */
    u64 val;
};

static u32
stores_of_batch(struct store *out, u64 seq, u64 cnt)
{
    u32 n = 0;

    out[n++] = (struct store){offsetof(qs_mcache_t, reserve), seq + cnt - 1};
    for (u64 i = 0; i < cnt; i++) {
        u64 off = offsetof(qs_mcache_t, line) + ((seq + i) & tx.mask) * sizeof(qs_mline_t);
        for (u32 w = 1; w <= 4; w++) {
            u64 word_off = off + w % 4 * sizeof(u64); /* the seq comes last */
            out[n++] = (struct store){word_off, *(u64 *)(mem + word_off)};
        }
    }
    return n;
}

/* take_over joins the copy of a killed producer's ring and checks where it goes on. */
static void
take_over(u64 seq, u64 reserve)
{
    qs_mcache_tx_t next;
    cr_assert(eq(int, qs_mcache_tx_join(&next, mem, sizeof(mem)), 0));
    cr_assert(eq(u64, next.seq, seq));
    cr_assert(eq(u64, next.reserved, reserve));
    qs_mcache_reserve(&next, 1);
    cr_assert(ge(i64, (i64)(ring->reserve - reserve), 0));
    cr_assert(ge(i64, (i64)(ring->reserve - seq), 0));
    tx = next;
}

Test(mcache, a_producer_killed_at_any_store_is_taken_over_without_gap_or_repeat)
{
    static alignas(QS_ALIGN) u8 before[MEM_MAX];
    struct store store[16];

    for (u32 history = 0; history < 5 * DEPTH; history++) {
        u32 stores = 1;
        for (u32 kill = 0; kill <= stores; kill++) {
            make_ring(DEPTH, DEPTH, UINT64_MAX - 9);
            publish(history);
            if (history % 3 == 0)
                qs_mcache_sync(&tx);
            read_all();
            u64 seq = tx.seq;
            memcpy(before, mem, sizeof(mem));

            qs_mcache_reserve(&tx, 3);
            publish_reserved(3);
            stores = stores_of_batch(store, seq, 3);
            memcpy(mem, before, sizeof(mem));
            for (u32 i = 0; i < kill; i++)
                *(u64 *)(mem + store[i].off) = store[i].val;

            u64 done = kill ? (kill - 1) / 4 : 0;
            take_over(seq + done, kill ? seq + 2 : seq - 1);
            cr_assert(eq(u64, read_all(), done));
            publish(DEPTH / 2);
            cr_assert(eq(u64, read_all(), DEPTH / 2));
        }
        cr_assert(eq(u32, stores, 13));
    }
}

Test(mcache, a_half_written_line_is_void_for_who_was_reading_it)
{
    publish(DEPTH);
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, 1), 1));
    qs_mcache_reserve(&tx, 1);
    ring->line[100 % DEPTH].word[2] = ~0ull; /* and killed here */
    cr_assert(eq(u32, qs_mcache_peek(&rx, frag, 1), 1));
    cr_assert(eq(u32, qs_mcache_settle(&rx, 1), 1));
}

Test(mcache, a_rare_sync_costs_a_longer_scan_and_nothing_else)
{
    for (u64 unsynced = 0; unsynced < 5 * DEPTH; unsynced++) {
        make_ring(DEPTH, DEPTH, 100);
        publish(3);
        qs_mcache_sync(&tx);
        publish(unsynced);
        cr_assert(eq(int, qs_mcache_tx_join(&tx, mem, sizeof(mem)), 0));
        cr_assert(eq(u64, tx.seq, 103 + unsynced), "%lu published since the sync", unsynced);
    }
}

Test(mcache, reserve_never_goes_back)
{
    qs_mcache_reserve(&tx, 4);
    cr_assert(eq(u64, ring->reserve, 103));
    qs_mcache_reserve(&tx, 2);
    cr_assert(eq(u64, ring->reserve, 103));
    publish_reserved(3);
    qs_mcache_reserve(&tx, 1);
    cr_assert(eq(u64, ring->reserve, 103));
    qs_mcache_reserve(&tx, 2);
    cr_assert(eq(u64, ring->reserve, 104));
}

Test(mcache, publishing_what_was_not_reserved_aborts, .signal = SIGABRT)
{
    publish_reserved(1);
}

/* lie writes garbage over everything, sometimes such that a reader falls for it. */
static void
lie(qs_mcache_t *m, u64 sz, u64 *state)
{
    for (u64 off = 0; off + sizeof(u64) <= sz; off += sizeof(u64))
        *(u64 *)((u8 *)m + off) = rand_next(state);
    if (rand_next(state) % 4)
        m->reserve = rx.seq + rand_upto(state, 0, 64) - 32;
    for (u64 i = rand_next(state) % 8; i < 8; i++)
        m->line[(rx.seq + i) & rx.mask].word[0] = rx.seq + i;
    if (rand_next(state) % 4 == 0)
        m->line[rx.seq & rx.mask].word[0] = rx.seq + rand_next(state) % 1000;
}

Test(mcache, a_lying_producer_cannot_make_a_reader_crash_or_go_back)
{
    u64 sz = qs_mcache_footprint(DEPTH);
    qs_mcache_t *m = aligned_alloc(QS_ALIGN, sz); /* its own block, so that ASan sees its end */
    u64 state = 2;
    u64 received = 0, lost_cnt = 0;

    cr_assert(eq(int, qs_mcache_new(m, DEPTH, DEPTH / 2, 0), 0));
    cr_assert(eq(int, qs_mcache_rx_join(&rx, m, sz, 0), 0));
    for (u32 i = 0; i < 100000; i++) {
        u64 seq = rx.seq, lost = rx.lost;
        lie(m, sz, &state);
        qs_mcache_ready(&rx);
        u32 cnt = qs_mcache_peek(&rx, frag, (u32)rand_upto(&state, 0, BATCH));
        cr_assert(le(u32, cnt, DEPTH));
        cr_assert(ge(i64, (i64)(rx.seq - seq), 0));
        cr_assert(eq(u64, rx.seq - seq, rx.lost - lost));
        if (rand_next(&state) % 2)
            lie(m, sz, &state);
        seq = rx.seq;
        lost_cnt += rx.lost > lost;
        lost = rx.lost;
        u32 void_cnt = qs_mcache_settle(&rx, cnt);
        cr_assert(le(u32, void_cnt, cnt));
        cr_assert(ge(i64, (i64)(rx.seq - seq), 0));
        cr_assert(eq(u64, rx.seq - seq, cnt - void_cnt + rx.lost - lost));
        received += cnt - void_cnt;
        lost_cnt += rx.lost > lost;
    }
    cr_assert(received > 1000);
    cr_assert(lost_cnt > 1000);
    free(m);
}

Test(mcache, joining_garbage_fails_or_stays_inside)
{
    u64 sz = qs_mcache_footprint(DEPTH);
    qs_mcache_t *m = aligned_alloc(QS_ALIGN, sz);
    u64 state = 3;
    u32 joined = 0;

    for (u32 i = 0; i < 100000; i++) {
        cr_assert(eq(int, qs_mcache_new(m, DEPTH, DEPTH, 0), 0));
        u64 magic = m->magic;
        lie(m, sz, &state);
        m->magic = magic;
        m->depth = rand_next(&state) % 4 ? 1ull << rand_next(&state) % 64 : m->depth;
        m->window = rand_upto(&state, 0, 16);
        int err = qs_mcache_rx_join(&rx, m, sz, rand_next(&state));
        cr_assert(err == 0 || err == -EPROTO);
        if (!err) {
            joined++;
            cr_assert(le(u64, rx.mask, DEPTH - 1));
            cr_assert(rx.window >= 2 && rx.window <= rx.mask + 1);
            qs_mcache_settle(&rx, qs_mcache_peek(&rx, frag, BATCH));
        }
        err = qs_mcache_tx_join(&tx, m, sz);
        cr_assert(err == 0 || err == -EPROTO);
    }
    cr_assert(joined > 500);
    free(m);
}

struct bad_new {
    u64 depth;
    u64 window;
    u64 off;
    int err;
};

ParameterizedTestParameters(mcache, new_rejects)
{
    static struct bad_new bad[] = {
        {0, 0, 0, -EINVAL},          {1, 1, 0, -EINVAL},          {1, 2, 0, -EINVAL},
        {3, 2, 0, -EINVAL},          {6, 4, 0, -EINVAL},          {8, 0, 0, -EINVAL},
        {8, 1, 0, -EINVAL},          {8, 9, 0, -EINVAL},          {1ull << 31, 8, 0, -EINVAL},
        {1ull << 63, 8, 0, -EINVAL}, {8, UINT64_MAX, 0, -EINVAL}, {8, 8, 8, -EFAULT},
        {8, 8, 64, -EFAULT},         {8, 8, 1, -EFAULT},          {3, 8, 8, -EFAULT},
    };
    return cr_make_param_array(struct bad_new, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_new *p, mcache, new_rejects)
{
    cr_assert(eq(int, qs_mcache_new(mem + p->off, p->depth, p->window, 0), p->err));
    cr_assert(eq(int, qs_mcache_new(NULL, 8, 8, 0), -EFAULT));
}

Test(mcache, footprint_holds_header_and_lines_or_is_zero)
{
    cr_assert(eq(u64, qs_mcache_footprint(0), 0));
    cr_assert(eq(u64, qs_mcache_footprint(1), 0));
    cr_assert(eq(u64, qs_mcache_footprint(12), 0));
    cr_assert(eq(u64, qs_mcache_footprint(1ull << 31), 0));
    cr_assert(eq(u64, qs_mcache_footprint(1ull << 63), 0));
    for (u64 depth = 2; depth <= QS_MCACHE_DEPTH_MAX; depth *= 2) {
        u64 sz = qs_mcache_footprint(depth);
        cr_assert(ge(u64, sz, sizeof(qs_mcache_t) + 32 * depth));
        cr_assert(sz < sizeof(qs_mcache_t) + 32 * depth + QS_ALIGN);
        cr_assert(eq(u64, sz % QS_ALIGN, 0));
    }
}

struct bad_join {
    u64 off;    /* of the word that is spoiled, in the header ... */
    u64 val;    /* ... by this; UINT64_MAX: none */
    u64 mem_sz; /* 0: the footprint */
    u64 shift;  /* of mem */
    int err;
};

ParameterizedTestParameters(mcache, join_rejects)
{
    static struct bad_join bad[] = {
        {offsetof(qs_mcache_t, magic), 0, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, magic), 0x3265686361636d71ull, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, depth), 0, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, depth), 1, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, depth), 7, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, depth), 16, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, depth), 1ull << 59, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, window), 0, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, window), 1, 0, 0, -EPROTO},
        {offsetof(qs_mcache_t, window), DEPTH + 1, 0, 0, -EPROTO},
        {0, UINT64_MAX, 1, 0, -EPROTO},
        {0, UINT64_MAX, sizeof(qs_mcache_t) - 1, 0, -EPROTO},
        {0, UINT64_MAX, sizeof(qs_mcache_t), 0, -EPROTO},
        {0, UINT64_MAX, sizeof(qs_mcache_t) + 32 * DEPTH - 1, 0, -EPROTO},
        {0, UINT64_MAX, 0, 8, -EFAULT},
        {0, UINT64_MAX, 0, 64, -EFAULT},
    };
    return cr_make_param_array(struct bad_join, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_join *p, mcache, join_rejects)
{
    u64 sz = p->mem_sz ? p->mem_sz : qs_mcache_footprint(DEPTH);

    make_default_ring();
    if (p->val != UINT64_MAX)
        *(u64 *)(mem + p->off) = p->val;
    cr_assert(eq(int, qs_mcache_tx_join(&tx, mem + p->shift, sz), p->err));
    cr_assert(eq(int, qs_mcache_rx_join(&rx, mem + p->shift, sz, 0), p->err));
    cr_assert(eq(int, qs_mcache_tx_join(&tx, NULL, sz), -EFAULT));
    cr_assert(eq(int, qs_mcache_rx_join(&rx, NULL, sz, 0), -EFAULT));
}

Test(mcache, tx_join_rejects_a_line_that_nobody_announced)
{
    publish(3);
    ring->reserve = 101;
    cr_assert(eq(int, qs_mcache_tx_join(&tx, mem, sizeof(mem)), -EPROTO));
}

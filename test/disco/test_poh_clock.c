/* Goal: whatever the clock does, a slot has all its ticks when they are due, all its hashes, and every
   transaction that was taken once.
   Method: the brain on a simulated clock.  What it makes is put together to batches and judged by those who
   judge other leaders' blocks: the entry reader, the tick rules, the checker of hashes. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/poh/qs_poh_clock.h"
#include "disco/poh/qs_ticks.h"
#include "tango/base/qs_rng.h"
#include "waltz/txn_sample.h"

#define TICKS   8u
#define HASHES  50u
#define SLOT_NS 8000000u
#define TICK_NS (SLOT_NS / TICKS)
#define MS      1000000u

static qs_poh_clock_t p;
static sample_t sample;
static qs_txn_t sample_txn;
static u8 room[65536];
static u64 now;

/* What came out, in order. */
typedef struct out {
    qs_entry_frag_t frag;
    u64 at, num_hashes;
    u32 txn_cnt;
    u8 hash[QS_POH_SZ];
} out_t;
static out_t out[65536];
static u32 out_cnt;
static u32 seen[1u << 20]; /* how often each transaction came out */
static u32 taken;

/* judge is a slot as a receiver sees it. */
static qs_ticks_t ticks;
static u8 state[QS_POH_SZ]; /* of the last entry */
static u64 judged_slot;

static qs_poh_conf_t
conf(void)
{
    return (qs_poh_conf_t){.slot_ns = SLOT_NS,
                           .hashes_per_tick = HASHES,
                           .ticks_per_slot = TICKS,
                           .step_max = 7,
                           .entry_txn_max = 64,
                           .entry_sz_max = 60000,
                           .entry_ns = 100000,
                           .slot_sz_max = 16u << 20,
                           .grace_ns = 3 * MS,
                           .genesis_hash = {1, 2, 3},
                           .leader_cnt = 1,
                           .rotation = 4};
}

static void
begin(qs_poh_conf_t const *c)
{
    now = 1000 * MS;
    out_cnt = taken = 0;
    judged_slot = 0;
    memset(seen, 0, sizeof(seen));
    memcpy(state, c->genesis_hash, QS_POH_SZ);
    sample_init(&sample, QS_TXN_LEGACY);
    sample_write(&sample);
    cr_assert(eq(int, qs_txn_parse(&sample_txn, sample.bytes, sample.sz, 0), QS_TXN_OK));
    cr_assert(eq(int, qs_poh_clock_init(&p, c, now), 0));
}

/* A transaction carries its number in its data and its signatures. */
static bool
give(void)
{
    u32 number = taken;
    memcpy(sample.bytes + qs_txn_instr(&sample_txn, 0)->data_off, &number, sizeof(number));
    memcpy(sample.bytes + sample_txn.signature_off + 64, &number, sizeof(number));
    bool ok = qs_poh_clock_take(&p, sample.bytes, &sample_txn, now);
    taken += ok;
    QS_ASSERT(taken < QS_COUNT(seen));
    return ok;
}

/* judge_entry reads what came out as a batch of one entry, checks its hash and the tick rules. */
static void
judge_entry(out_t *o, u8 const *bytes)
{
    static u8 batch[65536 + 8];
    static qs_poh_tree_t tree;
    qs_entry_reader_t r;
    qs_entry_t e;
    qs_txn_t txn;
    u32 off;

    qs_store_le64(batch, 1);
    memcpy(batch + 8, bytes, o->frag.sz);
    cr_assert(eq(int, qs_entry_open(&r, batch, 8 + o->frag.sz, QS_ENTRY_STRICT), QS_ENTRY_OK));
    cr_assert(eq(int, qs_entry_next(&r, &e), 1));
    qs_poh_check_t c = {.num_hashes = e.num_hashes, .mixed = e.txn_cnt != 0};
    qs_poh_tree_init(&tree);
    while (qs_entry_txn(&r, &txn, &off) == 1) {
        u32 number;
        memcpy(&number, batch + off + qs_txn_instr(&txn, 0)->data_off, sizeof(number));
        seen[number]++;
        qs_poh_tree_add(&tree, batch + off + txn.signature_off, txn.signature_cnt);
    }
    cr_assert(eq(int, qs_entry_next(&r, &e), 0));
    if (e.txn_cnt)
        qs_poh_tree_root(&tree, c.mixin);
    memcpy(c.start, state, QS_POH_SZ);
    memcpy(c.hash, e.hash, QS_POH_SZ);
    memcpy(state, e.hash, QS_POH_SZ);
    cr_assert(eq(u64, qs_poh_check_all(&c, 1), 0), "entry %u", out_cnt);
    o->num_hashes = e.num_hashes;
    o->txn_cnt = e.txn_cnt;
    memcpy(o->hash, e.hash, QS_POH_SZ);
}

static void
judge(u32 sz)
{
    out_t *o = &out[out_cnt];
    memcpy(&o->frag, room, sizeof(o->frag));
    o->at = now;
    cr_assert(eq(u32, sz, sizeof(o->frag) + o->frag.sz));
    if (o->frag.slot != judged_slot) {
        qs_ticks_init(&ticks, o->frag.slot, o->frag.slot - o->frag.parent_off, TICKS, HASHES);
        judged_slot = o->frag.slot;
    }
    judge_entry(o, room + sizeof(o->frag));
    out_cnt++;
    bool is_tick = o->txn_cnt == 0;
    cr_assert(eq(u64, o->frag.tick, ticks.tick_cnt));
    cr_assert(eq(int, is_tick, (o->frag.flags & QS_ENTRY_TICK) != 0));
    cr_assert(eq(int, qs_ticks_next(&ticks, o->num_hashes, is_tick), QS_TICKS_OK));
    if (o->frag.flags & QS_ENTRY_LAST_SLOT)
        cr_assert(eq(int, qs_ticks_end(&ticks), QS_TICKS_OK));
}

/* settle steps until there is nothing to do at this moment. */
static void
settle(void)
{
    for (;;) {
        qs_poh_step_t did = qs_poh_clock_step(&p, now, room);
        if (did.sz)
            judge(did.sz);
        if (!did.busy)
            return;
    }
}

/* pass lets time go by, waking when the brain asks to be woken. */
static void
pass(u64 until)
{
    for (;;) {
        settle();
        u64 wake = qs_poh_clock_wake(&p, now);
        cr_assert(wake > now, "asleep in the past");
        if (wake > until)
            break;
        now = wake;
    }
    now = until;
    settle();
}

Test(poh_clock, ticks_come_out_when_they_are_due)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    u64 begun = now;
    pass(now + 3 * SLOT_NS);
    cr_assert(eq(u32, out_cnt, 3 * TICKS));
    for (u32 i = 0; i < out_cnt; i++) {
        cr_assert(eq(u64, out[i].at, begun + (i + 1) * (u64)TICK_NS));
        cr_assert(out[i].frag.slot == 1 + i / TICKS && out[i].frag.parent_off == 1);
        cr_assert(eq(u64, out[i].frag.begin_ns, begun + i / TICKS * (u64)SLOT_NS));
        cr_assert(eq(int, (out[i].frag.flags & QS_ENTRY_LAST_SLOT) != 0, i % TICKS == TICKS - 1));
        cr_assert(eq(u64, out[i].num_hashes, HASHES));
    }
    cr_assert(p.counts.slot == 4 && p.counts.tick == 3 * TICKS && p.counts.late_max_ns == 0);
}

Test(poh_clock, a_tick_is_never_early_however_often_it_is_asked)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    u64 begun = now;
    for (; now < begun + SLOT_NS; now += 1013) {
        settle();
        cr_assert(eq(u64, out_cnt, (now - begun) / TICK_NS));
    }
}

Test(poh_clock, what_was_missed_is_caught_up_and_no_hash_is_left_out)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    settle();
    u64 begun = now;
    now += 5 * SLOT_NS + 10;
    settle(); /* the rules are checked as always */
    cr_assert(eq(u32, out_cnt, 5 * TICKS));
    cr_assert(eq(u64, p.counts.late_max_ns, 5 * SLOT_NS + 10 - TICK_NS));
    pass(begun + 6 * SLOT_NS);
    cr_assert(eq(u32, out_cnt, 6 * TICKS));
    cr_assert(eq(u64, p.counts.late_ns, 0));
    cr_assert(eq(u64, out[6 * TICKS - 1].frag.begin_ns, begun + 5 * (u64)SLOT_NS));
}

Test(poh_clock, a_step_does_a_bounded_number_of_hashes)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    settle();
    now += SLOT_NS;
    for (u64 before = p.counts.hash; out_cnt < TICKS; before = p.counts.hash) {
        qs_poh_step_t did = qs_poh_clock_step(&p, now, room);
        cr_assert(did.busy && p.counts.hash - before <= c.step_max);
        if (did.sz)
            judge(did.sz);
    }
}

Test(poh_clock, what_comes_just_before_a_tick_is_in_it)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    u64 due = now + TICK_NS;
    for (; now < due - 10; now += 10)
        settle();
    cr_assert(give());
    pass(due);
    cr_assert(eq(u32, out_cnt, 2));
    cr_assert(out[0].txn_cnt == 1 && out[1].txn_cnt == 0 && out[1].at == due);
}

static void
everything_taken_came_out_once(void)
{
    for (u32 i = 0; i < taken; i++)
        cr_assert(eq(u32, seen[i], 1), "transaction %u of %u", i, taken);
}

Test(poh_clock, a_transaction_waits_for_others_and_not_for_long)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    settle();
    now += 10;
    u64 came = now;
    cr_assert(give() && give() && give());
    pass(now + c.entry_ns - 1);
    cr_assert(eq(u32, out_cnt, 0));
    pass(now + 1);
    cr_assert(eq(u32, out_cnt, 1));
    cr_assert(out[0].txn_cnt == 3 && out[0].at == came + c.entry_ns);
    for (u32 i = 0; i < c.entry_txn_max; i++)
        cr_assert(give());
    cr_assert(not(give())); /* not before a step */
    settle();
    cr_assert(eq(u32, out[1].txn_cnt, c.entry_txn_max));
    cr_assert(give());
    pass(now + SLOT_NS);
    everything_taken_came_out_once();
}

/* flood gives as many as are taken, in random batches, for a time. */
static void
flood(u64 until)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 7, 0);
    while (now < until) {
        for (u64 i = qs_rng_bounded(&rng, 100); i && give(); i--) {
        }
        qs_poh_step_t did = qs_poh_clock_step(&p, now, qs_rng_bounded(&rng, 5) ? room : NULL);
        if (did.sz)
            judge(did.sz);
        now += qs_rng_bounded(&rng, 20000);
    }
    pass(now + SLOT_NS);
}

Test(poh_clock, a_flood_of_transactions_breaks_no_rule_and_loses_none)
{
    qs_poh_conf_t c = conf();
    begin(&c);
    flood(now + 10 * SLOT_NS);
    cr_assert(taken > 10000, "%u", taken);
    cr_assert(eq(u64, p.counts.txn, taken));
    cr_assert(eq(u64, p.counts.late_ns, 0));
    everything_taken_came_out_once();
}

Test(poh_clock, few_hashes_a_tick_hold_few_entries_and_the_rest_waits)
{
    for (u64 hashes = 2; hashes < 6; hashes++) {
        qs_poh_conf_t c = conf();
        c.hashes_per_tick = hashes;
        begin(&c);
        settle();
        u64 tick_end = now + TICK_NS;
        u32 entries = 0;
        for (; now < tick_end - 1000; now += 1000) {
            give();
            u64 before = p.tick_hash;
            qs_poh_step_t did = qs_poh_clock_step(&p, now, room);
            entries += did.sz != 0;
            cr_assert(p.tick_hash < hashes && p.tick_hash >= before);
            cr_assert(qs_poh_clock_wake(&p, now) > now || did.busy || p.tick_hash + 1 < hashes);
        }
        cr_assert(entries > 0 && entries < hashes, "%u of %lu", entries, hashes);
    }
}

Test(poh_clock, what_does_not_fit_the_slot_waits_for_the_next)
{
    qs_poh_conf_t c = conf();
    u64 ticks_sz = TICKS * (u64)(QS_POH_SKIP_MAX + 1) * QS_ENTRY_HEAD_SZ;
    c.slot_sz_max = ticks_sz + c.entry_sz_max;
    begin(&c);
    flood(now + 8 * SLOT_NS);
    u64 sz[16] = {0};
    for (u32 i = 0; i < out_cnt; i++)
        sz[out[i].frag.slot] += out[i].frag.sz;
    for (u64 slot = 1; slot <= 8; slot++)
        cr_assert(sz[slot] <= c.slot_sz_max && sz[slot] + 1000 > c.slot_sz_max, "%lu", sz[slot]);
    everything_taken_came_out_once();
}

static qs_slot_end_t
end_of(u64 slot, u8 byte)
{
    qs_slot_end_t end = {.slot = slot, .parent_slot = slot - 1};
    memset(end.hash, byte, sizeof(end.hash));
    return end;
}

Test(poh_clock, leaders_take_turns_and_a_turn_begins_with_the_slot_before)
{
    qs_poh_conf_t c = conf();
    c.leader_cnt = 2;
    c.leader_idx = 1;
    begin(&c);
    pass(now + 100 * SLOT_NS); /* nobody skips the first leader */
    cr_assert(eq(u32, out_cnt, 0));
    cr_assert(not(give()));
    for (u64 slot = 1; slot <= 3; slot++) {
        qs_slot_end_t end = end_of(slot, (u8)(0x50 + slot));
        pass(now + SLOT_NS);
        cr_assert(eq(u32, out_cnt, 0));
        qs_poh_clock_end(&p, &end, now);
        memcpy(state, end.hash, QS_POH_SZ);
    }
    u64 begun = now;
    settle();
    cr_assert(give());
    pass(now + 20 * SLOT_NS); /* 8 .. 11 would come only with 7 skipped: grace is not over */
    cr_assert(out[0].frag.slot == 4 && out[0].frag.begin_ns == begun);
    u32 n = 0;
    while (n < out_cnt && out[n].frag.slot < 8)
        n++;
    cr_assert(eq(u32, n, 4 * TICKS + 1)); /* then others'; ours again from 12 on */
    cr_assert(eq(u64, out[n].frag.slot, 12));
    everything_taken_came_out_once();
}

Test(poh_clock, slots_that_do_not_come_are_skipped_and_their_ticks_are_ours)
{
    qs_poh_conf_t c = conf();
    c.leader_cnt = 2;
    begin(&c);
    u64 begun = now;
    u64 ours_end = begun + 3 * SLOT_NS, again = ours_end + 4 * (u64)SLOT_NS + c.grace_ns;
    pass(again - 1);
    cr_assert(eq(u32, out_cnt, 3 * TICKS));
    now = again;
    qs_poh_clock_step(&p, now, room);
    for (u32 i = 0; i < c.entry_txn_max; i++)
        cr_assert(give());
    pass(again); /* those of 4 to 7, at once, and only then transactions */
    cr_assert(eq(u32, out_cnt, 3 * TICKS + 4 * TICKS + 1));
    cr_assert(eq(u32, out[out_cnt - 1].txn_cnt, c.entry_txn_max));
    pass(again + SLOT_NS);
    cr_assert(eq(u32, out_cnt, 3 * TICKS + 5 * TICKS + 1));
    for (u32 i = 3 * TICKS; i < out_cnt; i++) {
        cr_assert(out[i].frag.slot == 8 && out[i].frag.parent_off == 5);
        cr_assert(eq(u64, out[i].frag.begin_ns, again));
    }
    cr_assert(eq(u64, out[out_cnt - 1].frag.tick, 5 * TICKS - 1));
    cr_assert(eq(u64, p.counts.skipped, 4));
    everything_taken_came_out_once();
}

Test(poh_clock, only_what_is_missing_is_skipped)
{
    qs_poh_conf_t c = conf();
    c.leader_cnt = 2;
    begin(&c);
    pass(now + 3 * SLOT_NS);
    qs_slot_end_t end = end_of(5, 0x55), old = end_of(4, 0x44), own = end_of(3, 0x33);
    qs_poh_clock_end(&p, &own, now);
    cr_assert(eq(u64, p.newest, 3));
    qs_poh_clock_end(&p, &end, now);
    qs_poh_clock_end(&p, &old, now);
    memcpy(state, end.hash, QS_POH_SZ);
    pass(now + 2 * SLOT_NS + c.grace_ns + TICK_NS);
    out_t const *last = &out[out_cnt - 1];
    cr_assert(last->frag.slot == 8 && last->frag.parent_off == 3 && last->frag.tick == 2 * TICKS);
}

Test(poh_clock, who_leads_may_be_told_by_a_schedule)
{
    static u8 mem[1u << 20] __attribute__((aligned(128)));
    static u8 const key[2][32] = {{11}, {22}};
    qs_leaders_t leaders;
    qs_poh_conf_t c = conf();
    cr_assert(qs_leaders_footprint(4, 64) <= sizeof(mem));
    qs_leaders_init(&leaders, mem, 4, 64, (qs_hash_key_t){1, 2});
    qs_leaders_epoch_t *e = qs_leaders_open(&leaders);
    for (u64 slot = 0; slot < 16; slot++)
        cr_assert(eq(int, qs_leaders_set(&leaders, e, slot, key[slot / 4 == 2]), QS_LEADERS_R_OK));
    cr_assert(eq(int, qs_leaders_close(&leaders, e, 0, 0, 16), QS_LEADERS_R_OK));
    c.leaders = &leaders;
    memcpy(c.identity, key[1], 32);
    begin(&c);
    cr_assert(eq(u64, p.next, 8));
    qs_slot_end_t end = end_of(7, 0x77);
    qs_poh_clock_end(&p, &end, now);
    memcpy(state, end.hash, QS_POH_SZ);
    pass(now + 100 * SLOT_NS);
    cr_assert(eq(u32, out_cnt, 4 * TICKS)); /* 12 and on are the other's, 16 and on nobody's */
    cr_assert(eq(u64, out[out_cnt - 1].frag.slot, 11));
}

Test(poh_clock, a_slot_begins_no_sooner_than_it_may)
{
    qs_poh_conf_t c = conf();
    c.start_ns = 1000 * MS + 777;
    begin(&c);
    pass(c.start_ns + TICK_NS - 1);
    cr_assert(eq(u32, out_cnt, 0));
    pass(c.start_ns + TICK_NS);
    cr_assert(eq(u32, out_cnt, 1));
}

Test(poh_clock, what_cannot_be_is_refused)
{
    qs_poh_conf_t good = conf(), c;
#define REFUSED(field, value)                                                                      \
    c = good;                                                                                      \
    c.field = value;                                                                               \
    cr_expect(qs_poh_clock_init(&p, &c, 0) == -EINVAL, #field)
    REFUSED(hashes_per_tick, 1);
    REFUSED(ticks_per_slot, 0);
    REFUSED(ticks_per_slot, 66);
    REFUSED(step_max, 0);
    REFUSED(entry_txn_max, 0);
    REFUSED(entry_sz_max, 1000);
    REFUSED(entry_sz_max, QS_POH_ENTRY_SZ_MAX + 1);
    REFUSED(rotation, 0);
    REFUSED(slot_ns, TICKS * 4 - 1);
    REFUSED(slot_sz_max, 1u << 16);
    cr_expect(qs_poh_clock_init(&p, &good, 0) == 0);
}

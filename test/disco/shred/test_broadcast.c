/* Goal: a leader's entries come out as sets that every resolver takes: all of them, in order, in batches
   that end when they should, chained from slot to slot; nothing is ever made twice; what is not an
   entry of the slot in hand is refused and counted.
   Method: entries of random sizes go through a broadcast whose signatures a key of the test makes, late
   and in any order; the shreds go into a resolver; what is popped there is put together and
   compared byte for byte with what went in. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/shred/qs_broadcast.h"
#include "disco/shred/resolver_rig.h"
#include "disco/shred/shred_maker.h"

#define TAG0    (QS_BROADCAST_TAG_MASK - 5u) /* tags pass their end in every longer test */
#define WENT_SZ (4u << 20)

static qs_ends_t ends;
static qs_broadcast_t *b;
static maker_t key;
static rig_t rig;
static u8 went[WENT_SZ]; /* entries that were taken, one after another */
static u64 went_sz;
static u64 rng;

static void
begin(u32 batch_ticks, bool joining)
{
    memset(&ends, 0, sizeof(ends));
    b = qs_broadcast_init(rig_memory(qs_broadcast_footprint()), &ends, 777, batch_ticks, TAG0,
                          joining);
    maker_init(&key, 9, 777);
    u8 const *identity[] = {key.identity};
    memset(&rig, 0, sizeof(rig));
    rig.config = (qs_resolver_config_t){.set_cnt = 2048, .buf_cnt = 128, .slot_cnt = 64};
    rig_leaders(&rig, identity, 1, 64);
    rig_init(&rig, 777);
    went_sz = 0;
    rng = 5;
}

/* give presents one entry of sz bytes. */
static qs_broadcast_verdict_t
give(u64 slot, u16 parent_off, u16 tick, u8 flags, u32 sz)
{
    static u8 entry[QS_BROADCAST_ENTRY_MAX];
    qs_entry_frag_t head = {
        .slot = slot, .parent_off = parent_off, .tick = tick, .flags = flags, .sz = sz};
    maker_bytes(entry, sz, rng);
    u64 taken = b->counts.entry_taken;
    qs_broadcast_verdict_t v = qs_broadcast_add(b, &head, entry, sz);
    if (b->counts.entry_taken > taken) {
        QS_ASSERT(went_sz + sz <= WENT_SZ);
        memcpy(went + went_sz, entry, sz);
        went_sz += sz;
        rand_next(&rng);
    }
    return v;
}

static void
sign(qs_broadcast_set_t const *s)
{
    u8 sig[64];
    maker_sign(&key, sig, s->set.root);
    qs_broadcast_signed(b, s->tag, sig);
}

/* drain gives the shreds of what is signed to the resolver, every second of them: half must do. */
static u32
drain(void)
{
    u32 cnt = 0, sz;
    for (qs_broadcast_set_t *s; (s = qs_broadcast_oldest(b)); cnt++) {
        for (u32 leaf = cnt & 1; leaf < QS_BROADCAST_LEAF_CNT; leaf += 2) {
            u8 const *shred = qs_broadcast_shred(s, leaf, &sz);
            cr_assert(eq(u32, rig_add(&rig, shred, sz), QS_RESOLVER_R_ADMITTED));
        }
        rig_set_t const *got = &rig.set[rig.set_cnt - 1];
        cr_assert(eq(u64, got->head.slot, s->head.slot));
        cr_assert(eq(u32, got->head.fec_idx, s->head.fec_idx));
        cr_assert(eq(u32, got->head.flags & (QS_FEC_LAST_SLOT | QS_FEC_LAST_BATCH),
                     s->head.flags & (QS_FEC_LAST_SLOT | QS_FEC_LAST_BATCH)));
        cr_assert(eq(int, memcmp(got->head.chained_root, s->head.chained_root, 32), 0));
        cr_assert(eq(int, memcmp(got->data, s->set.data, sizeof(got->data)), 0));
        qs_broadcast_pop(b);
    }
    return cnt;
}

static void
make_and_sign(void)
{
    for (qs_broadcast_set_t *s; (s = qs_broadcast_make(b, 1));)
        sign(s);
    drain();
}

/* all gives an entry until it is taken. */
static void
all(u64 slot, u16 parent_off, u16 tick, u8 flags, u32 sz)
{
    while (give(slot, parent_off, tick, flags, sz) == QS_BROADCAST_NOT_NOW)
        make_and_sign();
}

/* put_together checks that the popped sets hold what went in, and returns how many batches it was. */
static u32
put_together(void)
{
    static u8 batch[256 * QS_SHREDDER_CHAINED_SZ];
    u64 at = 0, sz = 0, entries = 0;
    u32 batches = 0;
    qs_shred_filter_t any = {.root = QS_SHRED_NO_ROOT, .idx_limit = QS_SHRED_IDX_LIMIT};
    for (u32 i = 0; i < rig.set_cnt; i++) {
        qs_shred_t s;
        for (u32 k = 0; k < 32; k++) {
            cr_assert(eq(int, qs_shred_parse(&s, rig.set[i].data[k], QS_SHRED_DATA_SZ, &any), 0));
            memcpy(batch + sz, rig.set[i].data[k] + s.layout->hdr_sz, s.size - s.layout->hdr_sz);
            sz += s.size - s.layout->hdr_sz;
        }
        if (!(s.flags & QS_SHRED_DATA_COMPLETE))
            continue;
        batches++;
        entries += qs_load_le64(batch);
        cr_assert(eq(int, memcmp(batch + 8, went + at, sz - 8), 0), "batch %u", batches);
        at += sz - 8;
        sz = 0;
    }
    cr_assert(eq(u64, at, went_sz));
    cr_assert(eq(u64, sz, 0));
    cr_assert(eq(u64, entries, b->counts.entry_taken));
    cr_assert(eq(u32, batches, (u32)b->counts.batch));
    return batches;
}

/* slot makes one of 64 ticks, and extra entries of random sizes up to max before each. */
static void
whole_slot(u64 slot, u16 parent_off, u32 extra, u32 max)
{
    for (u16 tick = 0; tick < 64; tick++) {
        for (u32 i = 0; i < extra; i++)
            all(slot, parent_off, tick, 0, 48 + (u32)(rand_next(&rng) % max));
        all(slot, parent_off, tick, QS_ENTRY_TICK | (tick == 63 ? QS_ENTRY_LAST_SLOT : 0), 48);
    }
    make_and_sign();
}

Test(broadcast, entries_of_any_size_come_out_of_a_resolver_whole_and_in_order)
{
    begin(16, false);
    whole_slot(1, 1, 0, 1);
    whole_slot(2, 1, 3, 1500);
    whole_slot(3, 1, 1, 16000);
    put_together();
    cr_assert(eq(u64, b->counts.slot_done, 3));
    cr_assert(eq(u64, b->counts.parent_unknown, 0));
}

Test(broadcast, an_entry_larger_than_a_set_is_a_batch_of_several)
{
    begin(64, false);
    all(1, 1, 0, 0, 100);
    all(1, 1, 0, 0, QS_BROADCAST_ENTRY_MAX);
    all(1, 1, 0, QS_ENTRY_TICK | QS_ENTRY_LAST_SLOT, 48);
    make_and_sign();
    cr_assert(eq(u32, put_together(), 3));
    cr_assert(eq(u32, rig.set_cnt, 1 + 3 + 1));
}

Test(broadcast, no_batch_that_could_be_one_set_is_two)
{
    begin(64, false);
    all(1, 1, 0, 0, QS_SHREDDER_CHAINED_SZ - 8 - 48); /* leaves room for 48 */
    all(1, 1, 0, 0, 48);
    make_and_sign();
    cr_assert(eq(u32, rig.set_cnt, 1));
    all(1, 1, 0, 0, QS_SHREDDER_CHAINED_SZ - 8 - 48);
    all(1, 1, 0, 0, 49); /* one too many */
    make_and_sign();
    cr_assert(eq(u32, rig.set_cnt, 2));
}

Test(broadcast, ticks_alone_make_a_batch_after_as_many_as_was_said)
{
    u32 const ticks[] = {1, 4, 16, 64};
    for (u32 i = 0; i < QS_COUNT(ticks); i++) {
        begin(ticks[i], false);
        whole_slot(1, 1, 0, 1);
        cr_assert(eq(u32, put_together(), 64 / ticks[i]));
        for (u32 k = 0; k < rig.set_cnt; k++)
            cr_assert(eq(u32, rig.set[k].data[0][85] & QS_SHRED_TICK_MASK, k * ticks[i]));
    }
}

Test(broadcast, a_slots_last_set_is_resigned_and_its_child_names_it)
{
    begin(16, false);
    whole_slot(5, 1, 0, 1);
    whole_slot(7, 2, 2, 3000);
    rig_set_t const *last = &rig.set[3], *first = &rig.set[4], *end = &rig.set[rig.set_cnt - 1];
    cr_assert(eq(u32, last->data[0][64], QS_SHRED_DATA_RESIGNED));
    cr_assert(eq(u32, end->data[0][64], QS_SHRED_DATA_RESIGNED));
    cr_assert(eq(u32, last->head.flags & QS_FEC_LAST_SLOT, QS_FEC_LAST_SLOT));
    cr_assert(eq(u64, first->head.slot, 7));
    cr_assert(eq(u32, first->head.parent_off, 2));
    cr_assert(eq(int, memcmp(first->head.chained_root, last->head.root, 32), 0));
    cr_assert(eq(u32, first->head.flags & QS_FEC_CHAINED, QS_FEC_CHAINED));
    u8 const *root = qs_ends_find(&ends, 7);
    cr_assert(root && !memcmp(root, end->head.root, 32));
    for (u32 i = 0; i + 1 < rig.set_cnt; i++)
        cr_assert(eq(u32, rig.set[i].data[0][64] == QS_SHRED_DATA_RESIGNED, &rig.set[i] == last));
}

Test(broadcast, a_parent_that_others_made_is_named_if_its_end_is_known)
{
    u8 root[32] = {1, 2, 3};
    begin(64, false);
    qs_ends_put(&ends, 3, root);
    whole_slot(5, 2, 0, 1);
    cr_assert(eq(int, memcmp(rig.set[0].head.chained_root, root, 32), 0));
    cr_assert(eq(u64, b->counts.parent_unknown, 0));
    whole_slot(9, 2, 0, 1);
    cr_assert(eq(u64, b->counts.parent_unknown, 1));
    cr_assert(eq(u32, rig.set[1].head.chained_root[0], 0));
}

Test(broadcast, sets_wait_for_their_signatures_which_come_in_any_order)
{
    qs_broadcast_set_t *s[8];
    begin(1, false);
    for (u16 i = 0; i < 8; i++) {
        cr_assert(eq(int, give(1, 1, i, QS_ENTRY_TICK, 48), QS_BROADCAST_TAKEN));
        s[i] = qs_broadcast_make(b, 1);
        cr_assert(s[i] && !qs_broadcast_make(b, 1));
    }
    for (u32 i = 7; i; i--) {
        sign(s[i]);
        cr_assert(eq(u32, drain(), 0), "the oldest is not signed");
    }
    sign(s[0]);
    cr_assert(eq(u32, drain(), 8));
    put_together();
}

Test(broadcast, when_too_many_wait_entries_are_put_off_and_none_is_lost)
{
    qs_broadcast_set_t *s[QS_BROADCAST_SET_CNT];
    begin(1, false);
    for (u16 i = 0; i < QS_BROADCAST_SET_CNT; i++) {
        cr_assert(eq(int, give(1, 1, i, QS_ENTRY_TICK, 48), QS_BROADCAST_TAKEN));
        s[i] = qs_broadcast_make(b, 1);
        cr_assert(s[i] != NULL);
    }
    cr_assert(eq(int, give(1, 1, 32, QS_ENTRY_TICK, 48), QS_BROADCAST_TAKEN));
    cr_assert(qs_broadcast_make(b, 1) == NULL);
    cr_assert(eq(int, give(1, 1, 33, QS_ENTRY_TICK, 48), QS_BROADCAST_NOT_NOW));
    for (u32 i = 0; i < QS_BROADCAST_SET_CNT; i++)
        sign(s[i]);
    cr_assert(eq(u32, drain(), QS_BROADCAST_SET_CNT));
    make_and_sign();
    cr_assert(eq(int, give(1, 1, 33, QS_ENTRY_TICK, 48), QS_BROADCAST_TAKEN));
    make_and_sign();
    cr_assert(eq(u32, put_together(), QS_BROADCAST_SET_CNT + 2));
}

Test(broadcast, signatures_that_nobody_waits_for_change_nothing)
{
    u8 sig[64] = {1};
    begin(1, false);
    give(1, 1, 0, QS_ENTRY_TICK, 48);
    qs_broadcast_set_t *s = qs_broadcast_make(b, 1);
    u32 const stray[] = {s->tag + 1, s->tag - 1, s->tag ^ 1 << 20, 0x12345};
    for (u32 i = 0; i < QS_COUNT(stray); i++)
        qs_broadcast_signed(b, stray[i], sig);
    cr_assert(qs_broadcast_oldest(b) == NULL && !s->is_signed);
    sign(s);
    qs_broadcast_signed(b, s->tag, sig); /* once more */
    cr_assert(eq(u64, b->counts.signature_stray, QS_COUNT(stray) + 1));
    cr_assert(eq(u32, drain(), 1));
}

Test(broadcast, a_slot_that_was_left_or_is_complete_gets_no_second_version)
{
    begin(64, false);
    whole_slot(5, 1, 0, 1);
    u32 sets = rig.set_cnt;
    all(5, 1, 0, QS_ENTRY_TICK, 48); /* complete */
    all(4, 1, 0, QS_ENTRY_TICK, 48); /* before it */
    make_and_sign();
    cr_assert(eq(u64, b->counts.entry_order, 2));
    all(6, 1, 0, QS_ENTRY_TICK, 48);
    all(7, 1, 0, QS_ENTRY_TICK | QS_ENTRY_LAST_SLOT, 48); /* cuts 6 short */
    all(6, 1, 1, QS_ENTRY_TICK, 48);
    make_and_sign();
    cr_assert(eq(u64, b->counts.slot_cut, 1));
    cr_assert(eq(u64, b->counts.entry_order, 3));
    cr_assert(eq(u32, rig.set_cnt, sets + 1));
    cr_assert(eq(u64, rig.set[sets].head.slot, 7));
}

Test(broadcast, who_begins_in_the_middle_leaves_that_slot_alone)
{
    begin(1, true);
    all(8, 1, 0, QS_ENTRY_TICK, 48);
    all(8, 1, 1, QS_ENTRY_TICK, 48);
    cr_assert(qs_broadcast_make(b, 1) == NULL);
    cr_assert(eq(u64, b->counts.entry_restart, 2));
    whole_slot(9, 1, 0, 1);
    cr_assert(eq(u64, rig.set[0].head.slot, 9));
    cr_assert(eq(u64, b->counts.slot_done, 1));
}

Test(broadcast, what_is_no_entry_is_dropped_by_its_form)
{
    static u8 entry[64];
    struct {
        qs_entry_frag_t head;
        u32 sz;
    } const bad[] = {
        {{.slot = 1, .parent_off = 1, .sz = 0}, 0},
        {{.slot = 1, .parent_off = 1, .sz = 47}, 47},
        {{.slot = 1, .parent_off = 1, .sz = 49}, 48},
        {{.slot = 1, .parent_off = 1, .sz = 48}, 49},
        {{.slot = 1, .parent_off = 0, .sz = 48}, 48},
        {{.slot = 1, .parent_off = 2, .sz = 48}, 48},
        {{.slot = 0, .parent_off = 1, .sz = 48}, 48},
        {{.slot = 2, .parent_off = 2, .sz = 48}, 48}, /* slot 0 has no other child than 1 */
    };
    begin(1, false);
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        cr_assert(eq(int, qs_broadcast_add(b, &bad[i].head, entry, bad[i].sz), QS_BROADCAST_TAKEN));
        cr_assert(eq(u64, b->counts.entry_form, i + 1));
    }
    cr_assert(eq(u64, b->counts.slot_begun, 0));
}

Test(broadcast, a_slot_has_only_so_much_room_and_then_the_next_begins_as_ever)
{
    begin(1, false);
    for (u32 i = 0; i < QS_SHRED_IDX_LIMIT / 32; i++) {
        all(1, 1, 0, QS_ENTRY_TICK, 48);
        rig.set_cnt = rig.set_cnt > RIG_SET_MAX / 2 ? 0 : rig.set_cnt;
    }
    cr_assert(eq(u64, b->counts.slot_full, 0));
    all(1, 1, 0, QS_ENTRY_TICK, 48);
    cr_assert(eq(u64, b->counts.slot_full, 1));
    all(1, 1, 0, QS_ENTRY_TICK | QS_ENTRY_LAST_SLOT, 48);
    cr_assert(eq(u64, b->counts.entry_order, 1));
    cr_assert(eq(u64, b->counts.slot_done, 0));
    rig.set_cnt = 0;
    all(2, 1, 0, QS_ENTRY_TICK | QS_ENTRY_LAST_SLOT, 48);
    make_and_sign();
    cr_assert(eq(u64, b->counts.slot_done, 1));
}

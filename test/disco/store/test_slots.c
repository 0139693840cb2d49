/* Goal: the store's brain completes sound slots whatever the order of their sets, tells each entry and
   transaction once and in order, and stays within its room.
   Method: real blocks, shredded; the brain is stepped until it has nothing to do.  What is wrong with a
   block has a test of its own, test_slots_flaws. */

#include "disco/store/slots_rig.h"

Test(slots, a_sound_slot_is_complete_in_whatever_order_its_sets_come)
{
    rig_t *r = rig_new();
    for (u32 order = 0; order < 3; order++) {
        rig_start(r);
        r->entries = r->txns = 0;
        r->txn_sum = 0;
        r->a.txn_number = 0;
        block_begin(&r->a, 1, 0, genesis, zero);
        block_whole(&r->a, 4, 3);
        cr_assert(eq(u32, r->a.set_cnt, 4));
        static u32 const at[3][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}};
        for (u32 i = 0; i < 4; i++) {
            cr_assert(eq(int, add(r, &r->a.set[at[order][i]]), QS_SLOTS_TAKEN));
            work(r);
        }
        cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
        cr_assert(eq(u32, r->last.flags, QS_SLOT_START | QS_SLOT_GENESIS | QS_SLOT_SIGNED));
        cr_assert(eq(u32, r->entries, 68));
        cr_assert(eq(u32, r->txns, 12));
        cr_assert(r->in_order);
        cr_assert(eq(u64, r->txn_sum, 12 * 13 / 2));
        cr_assert(eq(u32, r->last_entries, order + 1));
        cr_assert(eq(u32, r->last.tick_cnt, 64));
        cr_assert(eq(u64, r->last.hash_cnt, 640));
        cr_assert(eq(u32, r->last.signature_cnt, 12));
        cr_assert(eq(u32, r->last.batch_cnt, 4));
        cr_assert(eq(int, memcmp(r->last.hash, r->a.hash, 32), 0));
        cr_assert(eq(int, memcmp(r->last.block_id, block_id(&r->a), 32), 0));
        cr_assert(eq(u32, qs_slots_in_progress(r->slots), 0));
        cr_assert(eq(u32, qs_slots_buffered(r->slots), 0));
    }
    rig_free(r);
}

Test(slots, several_slots_at_once_are_kept_apart_and_linked)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 4, 1);
    block_begin(&r->b, 2, 1, r->a.hash, block_id(&r->a));
    block_whole(&r->b, 4, 2);
    for (u32 i = 0; i < 4; i++) {
        add(r, &r->b.set[i]);
        add(r, &r->a.set[i]);
        if (i & 1)
            work(r);
    }
    qs_slot_info_t const *a = qs_slots_find(r->slots, 1), *b = qs_slots_find(r->slots, 2);
    cr_assert(a && b);
    cr_assert(eq(u32, a->status, QS_SLOT_COMPLETE));
    cr_assert(eq(u32, b->status, QS_SLOT_COMPLETE));
    cr_assert(eq(u32, b->flags, QS_SLOT_START | QS_SLOT_CHAINED | QS_SLOT_SIGNED));
    cr_assert(eq(u32, r->txns, 12));
    cr_assert(eq(u64, qs_slots_counts(r->slots)->complete, 2));
    qs_slot_end_t end;
    qs_slots_end(b, &end);
    cr_assert(eq(u64, end.slot, 2));
    cr_assert(eq(u64, end.parent_slot, 1));
    cr_assert(eq(int, memcmp(end.hash, r->b.hash, 32), 0));
    cr_assert(eq(int, memcmp(end.block_id, block_id(&r->b), 32), 0));
    rig_free(r);
}

Test(slots, an_unknown_parent_is_said_and_settled_when_it_comes)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 2, 1);
    block_begin(&r->b, 2, 1, r->a.hash, block_id(&r->a));
    block_whole(&r->b, 2, 1);
    add_all(r, &r->b);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    cr_assert(eq(u32, r->last.flags, QS_SLOT_SIGNED));
    cr_assert(eq(u32, r->unjudged, 1));
    cr_assert(eq(u64, qs_slots_counts(r->slots)->start_unknown, 1));
    add_all(r, &r->a);
    cr_assert(eq(u64, r->last.slot, 2));
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    cr_assert(eq(u32, r->last.flags, QS_SLOT_SIGNED | QS_SLOT_START | QS_SLOT_CHAINED));
    rig_free(r);
}

/* settled returns the child's reason when it was complete before its parent came, with its start or its
   chained root wrong. */
static u32
settled(bool wrong_hash, bool wrong_root)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 1, 0);
    block_begin(&r->b, 2, 1, wrong_hash ? zero : r->a.hash, wrong_root ? zero : block_id(&r->a));
    block_whole(&r->b, 2, 1);
    add_all(r, &r->b);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    add_all(r, &r->a);
    qs_slot_info_t const *child = qs_slots_find(r->slots, 2);
    u32 reason = child->reason;
    cr_assert(eq(u32, child->status, QS_SLOT_DEAD));
    cr_assert(eq(u64, r->last.slot, 2));
    cr_assert(eq(u64, qs_slots_counts(r->slots)->retracted, 1));
    rig_free(r);
    return reason;
}

Test(slots, a_complete_slot_that_does_not_follow_its_late_parent_is_dead)
{
    cr_assert(eq(u32, settled(true, false), QS_SLOTS_R_start));
    cr_assert(eq(u32, settled(false, true), QS_SLOTS_R_chained_parent));
}

Test(slots, trailing_zeros_are_tolerated_and_counted)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    ticks(&r->a, 32);
    block_flush(&r->a, 20000, false);
    ticks(&r->a, 32);
    block_flush(&r->a, 7, true);
    add_all(r, &r->a);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    cr_assert(eq(u64, r->last.trailing_bytes, 20007));
    cr_assert(eq(u32, r->last.flags & QS_SLOT_TRAILING, QS_SLOT_TRAILING));
    cr_assert(eq(u64, qs_slots_counts(r->slots)->trailing_batch, 2));
    rig_free(r);
}

Test(slots, a_batch_may_span_sets_and_a_slot_may_skip_others)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 3, 0, genesis, zero); /* its ticks and those of slots 1 and 2 */
    for (u32 i = 0; i < 192; i++) {
        block_txns(&r->a, 4, 5, 0);
        block_tick(&r->a, 6);
        if (i == 150)
            block_flush(&r->a, 0, false);
    }
    block_flush(&r->a, 0, true);
    cr_assert(ge(u32, r->a.set_cnt, 7));
    add_all(r, &r->a);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE), "%s",
              qs_slots_reason_name(r->last.reason));
    cr_assert(eq(u32, r->last.batch_cnt, 2));
    cr_assert(eq(u32, r->last.txn_cnt, 960));
    cr_assert(eq(u32, r->txns, 960));
    cr_assert(eq(u32, r->last.tick_cnt, 192));
    cr_assert(r->in_order);
    rig_free(r);
}

Test(slots, repeats_and_other_versions_and_late_sets_are_told_apart)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 2, 1);
    block_set_t *other = malloc(sizeof(*other));
    *other = r->a.set[0];
    other->head.root[0] ^= 1;
    cr_assert(eq(int, add(r, &r->a.set[0]), QS_SLOTS_TAKEN));
    cr_assert(eq(int, add(r, &r->a.set[0]), QS_SLOTS_DUPLICATE));
    cr_assert(eq(int, add(r, other), QS_SLOTS_OTHER));
    cr_assert(eq(u32, r->last.flags & QS_SLOT_CONFLICT, QS_SLOT_CONFLICT));
    cr_assert(eq(int, add(r, &r->a.set[1]), QS_SLOTS_TAKEN));
    work(r);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE)); /* the first version is kept */
    cr_assert(eq(u32, r->last.flags & QS_SLOT_CONFLICT, QS_SLOT_CONFLICT));
    cr_assert(eq(int, add(r, &r->a.set[1]), QS_SLOTS_LATE));
    cr_assert(eq(u64, qs_slots_counts(r->slots)->conflict, 1));
    free(other);
    rig_free(r);
}

Test(slots, a_set_that_is_none_is_refused)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 5, 4, genesis, zero);
    block_whole(&r->a, 1, 0);
    block_set_t *s = malloc(sizeof(*s));
    for (u32 i = 0; i < 9; i++) {
        *s = r->a.set[0];
        u8 *shred = s->data + 3 * QS_FEC_SHRED_SZ;
        switch (i) {
        case 0:
            s->head.fec_idx = 5;
            break;
        case 1:
            s->head.fec_idx = 32768;
            break;
        case 2:
            s->head.parent_off = 6;
            break;
        case 3:
            s->head.parent_off = 0;
            break;
        case 4:
            shred[64] = QS_SHRED_CODE_RESIGNED;
            break;
        case 5:
            qs_store_le16(shred + 86, 87);
            break;
        case 6:
            qs_store_le16(shred + 86, 988);
            break; /* resigned: 987 at most */
        case 7:
            s->head.data_cnt = QS_FEC_DATA_CNT + 1;
            break;
        default:
            shred[73] ^= 1;
            break;
        }
        cr_assert(eq(int, add(r, s), QS_SLOTS_BAD), "%u", i);
    }
    cr_assert(eq(u64, qs_slots_counts(r->slots)->take[QS_SLOTS_BAD], 9));
    cr_assert(eq(int, add(r, &r->a.set[0]), QS_SLOTS_TAKEN));
    free(s);
    rig_free(r);
}

Test(slots, whoever_waits_longest_is_given_up_when_there_is_no_room)
{
    rig_t *r = rig_new();
    rig_start(r);
    for (u64 slot = 10; slot < 15;
         slot++) { /* one more than there is room for; none gets its set 0 */
        block_begin(&r->a, slot, slot - 1, genesis, zero);
        block_whole(&r->a, 4, 0);
        r->a.set[3].head.data_cnt = 7;
        cr_assert(eq(int, add(r, &r->a.set[1]), QS_SLOTS_TAKEN));
        cr_assert(eq(int, add(r, &r->a.set[3]), QS_SLOTS_TAKEN));
    }
    cr_assert(eq(u64, qs_slots_counts(r->slots)->lost, 1));
    qs_slot_info_t const *lost = qs_slots_find(r->slots, 10);
    cr_assert(eq(u32, lost->status, QS_SLOT_LOST));
    cr_assert(eq(u32, lost->set_cnt, 2));
    cr_assert(eq(u32, lost->missing_cnt, 2)); /* 0 and 2 */
    cr_assert(eq(u32, lost->received_cnt, 32 + 7));
    cr_assert(eq(u32, qs_slots_in_progress(r->slots), 4));
    block_begin(&r->a, 10, 9, genesis, zero);
    block_whole(&r->a, 2, 0);
    cr_assert(eq(int, add(r, &r->a.set[0]), QS_SLOTS_LATE));
    rig_free(r);
}

Test(slots, sets_that_can_be_worked_on_are_not_given_up_for_others)
{
    rig_t *r = rig_new();
    r->config.slot_cnt = 4;
    r->config.set_cnt = 4;
    r->config.batch_cnt = 4;
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 4, 1);
    for (u32 i = 0; i < 4; i++)
        cr_assert(eq(int, add(r, &r->a.set[i]), QS_SLOTS_TAKEN));
    block_begin(&r->b, 2, 1, r->a.hash, block_id(&r->a));
    block_whole(&r->b, 4, 1);
    cr_assert(eq(int, add(r, &r->b.set[0]), QS_SLOTS_FULL));
    work(r);
    add_all(r, &r->b);
    cr_assert(eq(u64, qs_slots_counts(r->slots)->complete, 2));
    cr_assert(eq(u64, qs_slots_counts(r->slots)->lost, 0));
    rig_free(r);
}

Test(slots, a_cluster_may_have_fewer_ticks)
{
    rig_t *r = rig_new();
    r->config.ticks_per_slot = 8;
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    ticks(&r->a, 8);
    block_flush(&r->a, 0, true);
    add_all(r, &r->a);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    rig_free(r);
}

Test(slots, a_slot_may_be_larger_than_the_room_for_sets)
{
    rig_t *r = rig_new();
    r->config.set_cnt = 4;
    r->config.batch_cnt = 4;
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 16, 1);
    cr_assert(eq(u32, r->a.set_cnt, 16));
    add_all(r, &r->a);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    rig_free(r);
}

Test(slots, what_an_earlier_run_finished_is_gone_on_from)
{
    rig_t *r = rig_new();
    rig_start(r);
    block_begin(&r->a, 1, 0, genesis, zero);
    block_whole(&r->a, 1, 0);
    block_begin(&r->b, 2, 1, r->a.hash, block_id(&r->a));
    block_whole(&r->b, 1, 0);
    add_all(r, &r->a);
    qs_slot_info_t const end = r->last;
    rig_start(r);
    qs_slots_restore(r->slots, &end);
    cr_assert(eq(int, add(r, &r->a.set[0]), QS_SLOTS_LATE));
    add_all(r, &r->b);
    cr_assert(eq(u32, r->last.status, QS_SLOT_COMPLETE));
    cr_assert(eq(u32, r->last.flags, QS_SLOT_START | QS_SLOT_CHAINED | QS_SLOT_SIGNED));
    rig_free(r);
}

Test(slots, bounds_are_checked)
{
    qs_slots_config_t c = {.slot_cnt = 1, .set_cnt = 1, .batch_cnt = 1};
    cr_assert(ne(u64, qs_slots_footprint(&c), 0));
    c.slot_cnt = 1025;
    cr_assert(eq(u64, qs_slots_footprint(&c), 0));
    c.slot_cnt = 1;
    c.batch_cnt = QS_SLOTS_SET_MAX + 1;
    cr_assert(eq(u64, qs_slots_footprint(&c), 0));
    cr_assert(eq(str, (char *)qs_slots_reason_name(QS_SLOTS_R_poh), "poh"));
    cr_assert(eq(str, (char *)qs_slots_reason_name(9999), "unknown"));
    cr_assert(eq(str, (char *)qs_slot_status_name(QS_SLOT_LOST), "lost"));
}

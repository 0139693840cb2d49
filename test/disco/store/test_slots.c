/* Goal: the store's brain completes sound slots whatever the order of their sets, tells each entry and
   transaction once and in order, names why a slot is dead (each line of spec entry.md 6), and stays
   within its room.
   Method: real blocks, shredded, with one thing wrong each; the brain is stepped until it has nothing to
   do. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/store/block_maker.h"

#define HASHES 10u

static u8 const zero[32];
static u8 const genesis[32] = {7, 7, 7};

typedef struct rig {
    qs_slots_config_t config;
    qs_slots_t *slots;
    void *mem;
    qs_slot_info_t last; /* told */
    u32 told, entries, txns, unjudged, last_entries;
    u64 txn_sum; /* of numbers in memos */
    bool in_order;
    block_t a, b;
} rig_t;

static void
on_status(void *ctx, qs_slot_info_t const *slot)
{
    rig_t *r = ctx;
    r->last = *slot;
    r->told += slot->status != QS_SLOT_PROGRESS;
}

static void
on_entry(void *ctx, qs_slot_info_t const *slot, qs_slots_entry_t const *e)
{
    rig_t *r = ctx;
    r->in_order &= e->idx == slot->entry_cnt && e->txn_first == slot->txn_cnt;
    r->in_order &= e->batch->first_ns > 1000 && e->batch->full_ns > 2000;
    r->in_order &= e->batch->flags == (QS_FEC_SIGNED | QS_FEC_MERKLE);
    r->last_entries += e->last;
    r->entries++;
    r->unjudged += e->unjudged;
}

static void
on_txn(void *ctx, qs_slot_info_t const *slot, qs_slots_txn_t const *t)
{
    rig_t *r = ctx;
    qs_txn_t check;
    r->in_order &= t->idx == slot->txn_cnt && t->entry_idx == slot->entry_cnt;
    r->in_order &= !qs_txn_parse(&check, t->data, t->txn->sz, 0);
    r->txn_sum += qs_load_le64(t->data + t->txn->sz - 8);
    r->txns++;
}

static rig_t *
rig_new(void)
{
    rig_t *r = calloc(1, sizeof(*r));
    r->config = (qs_slots_config_t){.slot_cnt = 4,
                                    .set_cnt = 16,
                                    .batch_cnt = 8,
                                    .hashes_per_tick = HASHES,
                                    .genesis = true,
                                    .calls = {r, NULL, on_entry, on_txn, on_status}};
    memcpy(r->config.genesis_hash, genesis, 32);
    r->in_order = true;
    return r;
}

static void
rig_start(rig_t *r)
{
    free(r->mem);
    u64 sz = qs_slots_footprint(&r->config);
    cr_assert(ne(u64, sz, 0));
    cr_assert(eq(int, posix_memalign(&r->mem, QS_ALIGN, sz), 0));
    memset(r->mem, 0xee, sz);
    r->slots = qs_slots_init(r->mem, &r->config);
}

static void
rig_free(rig_t *r)
{
    free(r->mem);
    free(r);
}

static void
work(rig_t *r)
{
    for (u32 i = 0; qs_slots_step(r->slots, 5000); i++)
        cr_assert(lt(u32, i, 100000));
}

static qs_slots_take_t
add(rig_t *r, block_set_t const *s)
{
    return qs_slots_add(r->slots, &s->head, s->data, 5000);
}

static void
add_all(rig_t *r, block_t const *b)
{
    for (u32 i = 0; i < b->set_cnt; i++) {
        cr_assert(eq(int, add(r, &b->set[i]), QS_SLOTS_TAKEN));
        work(r);
    }
}

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

/* ---- one thing wrong: each writes block a, which begins with the genesis */

typedef struct flaw {
    char const *name;
    u32 reason;
    void (*make)(rig_t *r, block_t *b);
    void (*configure)(qs_slots_config_t *c);
} flaw_t;

static void
ticks(block_t *b, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        block_tick(b, HASHES);
}

static void
batch_short(rig_t *r, block_t *b)
{
    (void)r;
    block_shred(b, "1234567", 7, true);
}

static void
batch_empty(rig_t *r, block_t *b)
{
    (void)r;
    block_shred(b, "", 0, true);
}

static void
no_entries(rig_t *r, block_t *b)
{
    (void)r;
    block_shred(b, zero, 8, true);
}

static void
entry_cnt(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 64);
    b->entry_cnt = 66;
    block_flush(b, 40, true);
}

static void
entry_cnt_huge(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 64);
    b->entry_cnt = UINT32_MAX;
    block_flush(b, 0, true);
}

static void
entry_cut(rig_t *r, block_t *b)
{
    (void)r;
    block_txns(b, 4, 2, 0);
    b->entry_cnt++; /* the transactions' bytes would have room for it */
    ticks(b, 1);
    b->w.at -= 20;
    block_flush(b, 0, true);
}

static void
txn_cnt(rig_t *r, block_t *b)
{
    (void)r;
    block_txns(b, 4, 1, 0);
    qs_store_le64(b->batch + 8 + 40, 1000);
    block_flush(b, 0, true);
}

static void
txn_bad(rig_t *r, block_t *b)
{
    (void)r;
    block_txns(b, 4, 1, 0);
    b->batch[8 + 48] = 13; /* signatures */
    block_flush(b, 500, true);
}

static void
txn_v1(rig_t *r, block_t *b)
{
    (void)r;
    block_txns(b, 4, 1, 0);
    b->batch[8 + 48] = 0x81;
    block_flush(b, 500, true);
}

static void
txn_cut(rig_t *r, block_t *b)
{
    (void)r;
    block_txns(b, 4, 1, 0);
    b->w.at--;
    block_flush(b, 0, true);
}

static void
trailing(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 64);
    block_flush(b, 1, true);
}

static void
wrong_hash(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 40);
    b->batch[8 + 48 * 20 + 8 + 31] ^= 1;
    ticks(b, 24);
    block_flush(b, 0, true);
}

static void
wrong_mixin(rig_t *r, block_t *b)
{
    u8 txn[QS_TXN_SZ_MAX];
    (void)r;
    ticks(b, 2);
    block_txns(b, 4, 2, 0);
    u32 sz = block_txn(b, txn); /* in the place of the second, whose signature is in the hash */
    memcpy(b->w.data + b->w.at - sz, txn, sz);
    block_tick(b, 6);
    ticks(b, 61);
    block_flush(b, 0, true);
}

static void
wrong_start(rig_t *r, block_t *b)
{
    (void)r;
    b->hash[0] ^= 1;
    ticks(b, 64);
    block_flush(b, 0, true);
}

static void
signature(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 1);
    block_txns(b, 4, 3, 1);
    block_tick(b, 6);
    ticks(b, 62);
    block_flush(b, 0, true);
}

static void
tick_empty(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 3);
    block_tick(b, 0);
    ticks(b, 60);
    block_flush(b, 0, true);
}

static void
tick_hashes(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 3);
    block_tick(b, HASHES - 1);
    ticks(b, 60);
    block_flush(b, 0, true);
}

static void
tick_late(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 3);
    block_txns(b, 6, 1, 0);
    block_txns(b, 6, 1, 0);
    ticks(b, 61);
    block_flush(b, 0, true);
}

static void
entry_hashes(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 3);
    block_tick(b, HASHES + 1);
    ticks(b, 60);
    block_flush(b, 0, true);
}

static void
hashes_unbounded(rig_t *r, block_t *b)
{
    (void)r;
    block_tick(b, HASHES);
    qs_store_le64(b->batch + 8, 1ull << 60);
    block_flush(b, 0, true);
}

static void
unknown_hashes_per_tick(qs_slots_config_t *c)
{
    c->hashes_per_tick = 0;
}

static void
tick_many(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 65);
    block_flush(b, 0, true);
}

static void
tick_few(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 63);
    block_flush(b, 0, true);
}

static void
no_tick_last(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 63);
    block_txns(b, 4, 1, 0);
    block_flush(b, 0, true);
}

static void
after_last(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 64);
    block_txns(b, 4, 1, 0);
    block_flush(b, 0, true);
}

static void
set_after_last(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 64);
    block_flush(b, 0, true);
    ticks(b, 32);
    block_flush(b, 0, false);
}

static void
set_before_last(rig_t *r, block_t *b)
{
    set_after_last(r, b);
    block_set_t *first = malloc(sizeof(*first));
    *first = b->set[0];
    b->set[0] = b->set[1];
    b->set[1] = *first;
    free(first);
}

static void
two_lasts(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 32);
    block_flush(b, 0, true);
    ticks(b, 32);
    block_flush(b, 0, true);
}

static void
two_chains(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 32);
    block_flush(b, 0, false);
    b->maker.shredder.state.chained[5] ^= 1;
    ticks(b, 32);
    block_flush(b, 0, true);
}

static void
two_parents(rig_t *r, block_t *b)
{
    (void)r;
    ticks(b, 32);
    block_flush(b, 0, false);
    ticks(b, 32);
    block_flush(b, 0, true);
    b->set[1].head.parent_off++;
}

static void
flawed(rig_t *r, block_t *b)
{
    (void)r;
    block_whole(b, 2, 0);
    b->set[1].head.flags |= QS_FEC_FLAWED;
    memset(b->set[1].data, 0xff, sizeof(b->set[1].data));
}

static void
batch_room(rig_t *r, block_t *b)
{
    (void)r;
    static u8 bytes[4 * QS_SHREDDER_CHAINED_SZ];
    block_shred(b, bytes, sizeof(bytes), true);
}

static void
little_room(qs_slots_config_t *c)
{
    c->batch_cnt = 3;
}

static void
marker(rig_t *r, block_t *b)
{
    qs_writer_t w = {.data = b->batch, .sz = sizeof(b->batch)};
    (void)r;
    qs_entry_write_marker(&w, QS_ENTRY_MARKER_FOOTER, zero, 32);
    block_shred(b, b->batch, w.at, true);
}

static void
strict(qs_slots_config_t *c)
{
    c->how = QS_ENTRY_STRICT;
}

/* clang-format off */
static flaw_t const flaws[] = {
    {"a batch of 7 bytes",                QS_SLOTS_R_batch_short,    batch_short, NULL},
    {"a batch of no bytes",               QS_SLOTS_R_batch_short,    batch_empty, NULL},
    {"no entries",                        QS_SLOTS_R_no_entries,     no_entries, NULL},
    {"more entries than there is room",   QS_SLOTS_R_entry_cnt,      entry_cnt, NULL},
    {"2^32 - 1 entries",                  QS_SLOTS_R_entry_cnt,      entry_cnt_huge, NULL},
    {"an entry's head cut short",         QS_SLOTS_R_entry_cut,      entry_cut, NULL},
    {"more transactions than room",       QS_SLOTS_R_txn_cnt,        txn_cnt, NULL},
    {"a transaction that does not parse", QS_SLOTS_R_txn_bad,        txn_bad, NULL},
    {"version 1, switched off",           QS_SLOTS_R_txn_v1,         txn_v1, NULL},
    {"a transaction cut short",           QS_SLOTS_R_txn_cut,        txn_cut, NULL},
    {"a trailing byte, strictly",         QS_SLOTS_R_trailing,       trailing, strict},
    {"a hash that is wrong",              QS_SLOTS_R_poh,            wrong_hash, NULL},
    {"another transaction than hashed",   QS_SLOTS_R_poh,            wrong_mixin, NULL},
    {"another start than the genesis",    QS_SLOTS_R_start,          wrong_start, NULL},
    {"a signature that is not good",      QS_SLOTS_R_txn_signature,  signature, NULL},
    {"a tick of no hashes",               QS_SLOTS_R_tick_empty,     tick_empty, NULL},
    {"a tick too early",                  QS_SLOTS_R_tick_hashes,    tick_hashes, NULL},
    {"a tick too late",                   QS_SLOTS_R_tick_late,      tick_late, NULL},
    {"an entry of too many hashes",       QS_SLOTS_R_entry_hashes,   entry_hashes, NULL},
    {"... of 2^60, and no limit known",   QS_SLOTS_R_hashes_many,    hashes_unbounded, unknown_hashes_per_tick},
    {"a tick too many",                   QS_SLOTS_R_tick_many,      tick_many, NULL},
    {"a tick too few",                    QS_SLOTS_R_tick_few,       tick_few, NULL},
    {"transactions, and no tick last",    QS_SLOTS_R_no_tick_last,      no_tick_last, NULL},
    {"transactions behind the last tick", QS_SLOTS_R_after_last,     after_last, NULL},
    {"a set behind the last",             QS_SLOTS_R_set_after_last, set_after_last, NULL},
    {"... that comes before it",          QS_SLOTS_R_set_after_last, set_before_last, NULL},
    {"two last sets",                     QS_SLOTS_R_set_after_last, two_lasts, NULL},
    {"another chained root",              QS_SLOTS_R_chained_root,   two_chains, NULL},
    {"another parent",                    QS_SLOTS_R_parent_differs, two_parents, NULL},
    {"a flawed set",                      QS_SLOTS_R_flawed_set,     flawed, NULL},
    {"a batch beyond the room",           QS_SLOTS_R_batch_room,     batch_room, little_room},
    {"a block marker",                    QS_SLOTS_R_marker_off,     marker, NULL},
};
/* clang-format on */

Test(slots, what_is_wrong_with_a_slot_is_named)
{
    for (u32 i = 0; i < QS_COUNT(flaws); i++) {
        rig_t *r = rig_new();
        if (flaws[i].configure)
            flaws[i].configure(&r->config);
        rig_start(r);
        bool far = flaws[i].make == two_parents; /* its parent can be another */
        block_begin(&r->a, far ? 3 : 1, far ? 2 : 0, genesis, zero);
        flaws[i].make(r, &r->a);
        for (u32 k = 0; k < r->a.set_cnt; k++)
            add(r, &r->a.set[k]);
        work(r);
        cr_assert(eq(u32, r->last.status, QS_SLOT_DEAD), "%s: %s", flaws[i].name,
                  qs_slot_status_name(r->last.status));
        cr_assert(eq(u32, r->last.reason, flaws[i].reason), "%s: %s", flaws[i].name,
                  qs_slots_reason_name(r->last.reason));
        cr_assert(eq(u64, qs_slots_counts(r->slots)->reason[flaws[i].reason], 1));
        cr_assert(eq(u32, qs_slots_buffered(r->slots), 0), "%s", flaws[i].name);
        cr_assert(eq(u32, r->told, 1), "%s", flaws[i].name);
        rig_free(r);
    }
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
    for (u32 i = 0; i < 8; i++) {
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
        default:
            shred[73] ^= 1;
            break;
        }
        cr_assert(eq(int, add(r, s), QS_SLOTS_BAD), "%u", i);
    }
    cr_assert(eq(u64, qs_slots_counts(r->slots)->take[QS_SLOTS_BAD], 8));
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
        block_whole(&r->a, 2, 0);
        cr_assert(eq(int, add(r, &r->a.set[1]), QS_SLOTS_TAKEN));
    }
    cr_assert(eq(u64, qs_slots_counts(r->slots)->lost, 1));
    cr_assert(eq(u32, qs_slots_find(r->slots, 10)->status, QS_SLOT_LOST));
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

/* Goal: the store's brain names why a slot is dead, each line of spec entry.md 6.
   Method: real blocks, shredded, with one thing wrong each, in one table. */

#include "disco/store/slots_rig.h"

/* One thing wrong: each function writes block a, which begins with the genesis. */

typedef struct flaw {
    char const *name;
    u32 reason;
    void (*make)(rig_t *r, block_t *b);
    void (*configure)(qs_slots_config_t *c);
} flaw_t;

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

Test(slots_flaws, what_is_wrong_with_a_slot_is_named)
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

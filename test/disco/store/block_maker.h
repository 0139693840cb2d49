/* Real blocks for tests: entries that follow each other, transactions that are signed, and sets as the
   shred tile sends them. */

#ifndef TEST_DISCO_STORE_BLOCK_MAKER_H
#define TEST_DISCO_STORE_BLOCK_MAKER_H

#include "disco/shred/shred_maker.h"
#include "disco/store/qs_slots.h"
#include "waltz/codec/qs_txn_build.h"

#define BLOCK_BATCH_MAX 262144u
#define BLOCK_SET_MAX   24u
#define BLOCK_VERSION   777u

/* A set as it lies on the link. */
typedef struct block_set {
    qs_fec_set_t head;
    u8 data[QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ];
} block_set_t;

typedef struct block {
    maker_t maker;
    u64 slot, parent;
    u8 hash[32]; /* after the last entry */
    u8 batch[BLOCK_BATCH_MAX];
    qs_writer_t w;
    u64 entry_cnt; /* of the batch */
    u64 txn_number;
    u8 txn_key[2][32]; /* public, secret */
    u32 set_cnt;
    block_set_t set[BLOCK_SET_MAX];
} block_t;

static inline void
block_batch(block_t *b)
{
    b->w = (qs_writer_t){.data = b->batch, .sz = sizeof(b->batch)};
    b->entry_cnt = 0;
    qs_entry_write_batch(&b->w, 0);
}

/* block_begin begins a slot whose parent ended with hash and root. */
static inline void
block_begin(block_t *b, u64 slot, u64 parent, u8 const hash[32], u8 const root[32])
{
    if (!b->maker.shredder.sign) {
        maker_init(&b->maker, 9, BLOCK_VERSION);
        memset(b->txn_key[1], 3, 32);
        qs_ed25519_public_key(b->txn_key[0], b->txn_key[1]);
    }
    b->slot = slot;
    b->parent = parent;
    b->set_cnt = 0;
    memcpy(b->hash, hash, 32);
    qs_shredder_slot(&b->maker.shredder, slot, (u16)(slot - parent), root);
    block_batch(b);
}

static inline void
block_tick(block_t *b, u64 num_hashes)
{
    qs_poh_append(b->hash, num_hashes);
    qs_entry_write_head(&b->w, num_hashes, b->hash, 0);
    b->entry_cnt++;
}

/* block_txn writes a new transaction and returns its bytes. */
static inline u32
block_txn(block_t *b, u8 out[QS_TXN_SZ_MAX])
{
    b->txn_number++;
    u32 sz = qs_txn_build_memo(out, 1, (u8 const(*)[32]) & b->txn_key[0],
                               (u8 const(*)[32]) & b->txn_key[1], b->txn_key[1], &b->txn_number,
                               sizeof(b->txn_number));
    QS_ASSERT(sz);
    return sz;
}

/* block_txns adds an entry of cnt transactions; spoil: xor'ed into the last byte of the last one. */
static inline void
block_txns(block_t *b, u64 num_hashes, u32 cnt, u8 spoil)
{
    static u8 txn[64][QS_TXN_SZ_MAX];
    u32 sz[64];
    u8 mixin[32];
    qs_poh_tree_t tree;
    qs_poh_tree_init(&tree);
    for (u32 i = 0; i < cnt; i++) {
        sz[i] = block_txn(b, txn[i]);
        txn[i][sz[i] - 1] ^= i + 1 == cnt ? spoil : 0;
        qs_poh_tree_add(&tree, txn[i] + 1, 1);
    }
    qs_poh_append(b->hash, num_hashes - 1);
    qs_poh_tree_root(&tree, mixin);
    qs_poh_mix(b->hash, mixin);
    qs_entry_write_head(&b->w, num_hashes, b->hash, cnt);
    for (u32 i = 0; i < cnt; i++)
        qs_write_bytes(&b->w, txn[i], sz[i]);
    b->entry_cnt++;
}

/* block_shred makes the sets of a batch of any bytes; last: it ends the slot. */
static inline void
block_shred(block_t *b, void const *bytes, u64 sz, bool last)
{
    static qs_shredder_set_t out;
    int cnt = qs_shredder_begin(&b->maker.shredder, bytes, sz, 0, last);
    QS_ASSERT(cnt >= 0 && b->set_cnt + (u32)cnt <= BLOCK_SET_MAX);
    for (int i = 0; i < cnt; i++) {
        block_set_t *s = &b->set[b->set_cnt++];
        memset(&s->head, 0, sizeof(s->head));
        memcpy(s->head.chained_root, b->maker.shredder.state.chained, 32);
        QS_ASSERT(!qs_shredder_next(&b->maker.shredder, &out));
        s->head.slot = b->slot;
        s->head.fec_idx = out.fec_idx;
        s->head.version = BLOCK_VERSION;
        s->head.parent_off = (u16)(b->slot - b->parent);
        s->head.data_cnt = 32;
        s->head.flags = QS_FEC_SIGNED | QS_FEC_MERKLE;
        s->head.flags |= i + 1 == cnt ? QS_FEC_LAST_BATCH : 0;
        s->head.flags |= i + 1 == cnt && last ? QS_FEC_LAST_SLOT : 0;
        s->head.first_ns = 1000 + b->set_cnt;
        s->head.last_ns = 2000 + b->set_cnt;
        memcpy(s->head.root, out.root, 32);
        memcpy(s->data, out.data, sizeof(s->data));
    }
}

/* block_flush makes the sets of the batch in hand, pad zeros behind it, and begins another. */
static inline void
block_flush(block_t *b, u32 pad, bool last)
{
    qs_store_le64(b->batch, b->entry_cnt);
    for (u32 i = 0; i < pad; i++)
        qs_write_u8(&b->w, 0);
    QS_ASSERT(!b->w.full);
    block_shred(b, b->batch, b->w.at, last);
    block_batch(b);
}

/* block_whole makes a sound slot: batches of ticks, each behind an entry of txns transactions, 64 ticks
   of 10 hashes in all. */
static inline void
block_whole(block_t *b, u32 batches, u32 txns)
{
    for (u32 i = 0; i < 64; i++) {
        bool full = (i + 1) % (64 / batches) == 0;
        if (full && txns)
            block_txns(b, 4, txns, 0);
        block_tick(b, full && txns ? 6 : 10);
        if (full)
            block_flush(b, 0, i == 63);
    }
}

static inline u8 const *
block_id(block_t const *b)
{
    return b->set[b->set_cnt - 1].head.root;
}

#endif

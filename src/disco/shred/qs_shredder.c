#include "disco/shred/qs_shredder.h"

#include "waltz/fec/qs_reedsol.h"

#define LEAF_CNT (2 * QS_SHRED_SET_CNT)

void
qs_shredder_init(qs_shredder_t *s, qs_shredder_sign_t *sign, void *ctx, u16 version)
{
    memset(s, 0, sizeof(*s));
    s->sign = sign;
    s->ctx = ctx;
    s->version = version;
}

void
qs_shredder_slot(qs_shredder_t *s, u64 slot, u16 parent_off, u8 const parent_root[QS_SHRED_ROOT_SZ])
{
    s->slot = slot;
    s->parent_off = parent_off;
    s->idx = 0;
    s->set_left = 0;
    memcpy(s->chained, parent_root, QS_SHRED_ROOT_SZ);
}

int
qs_shredder_begin(qs_shredder_t *s, void const *batch, u64 sz, u32 tick, bool last)
{
    u64 plain = last ? sz - qs_min_u64(sz, QS_SHREDDER_RESIGNED_SZ) : sz;
    u64 cnt = (plain + QS_SHREDDER_CHAINED_SZ - 1) / QS_SHREDDER_CHAINED_SZ + last;
    cnt += !cnt; /* an empty batch */
    if (cnt > (QS_SHRED_IDX_LIMIT - s->idx) / QS_SHRED_SET_CNT)
        return -ENOSPC;
    s->at = batch;
    s->left = sz;
    s->tick = (u8)qs_min_u64(tick, QS_SHRED_TICK_MASK);
    s->last = last;
    s->set_left = (u32)cnt;
    return (int)cnt;
}

static u8 *
shred_at(qs_shredder_set_t *set, u32 leaf)
{
    return leaf < QS_SHRED_SET_CNT ? set->data[leaf] : set->code[leaf - QS_SHRED_SET_CNT];
}

/* fill writes headers, ledger bytes and the previous root.  sz bytes of the batch go into the set. */
static void
fill(qs_shredder_t const *s, qs_shredder_set_t *set, bool resigned, u64 sz)
{
    qs_shred_t h = {.slot = s->slot, .fec_idx = s->idx, .version = s->version};
    u8 const *at = s->at;
    h.parent_off = s->parent_off;
    h.data_cnt = h.code_cnt = QS_SHRED_SET_CNT;
    for (u32 i = 0; i < LEAF_CNT; i++) {
        u8 *shred = shred_at(set, i);
        u32 k = i % QS_SHRED_SET_CNT;
        h.layout = qs_shred_layout(qs_shred_variant(i >= QS_SHRED_SET_CNT, resigned));
        h.idx = s->idx + k;
        h.pos = (u16)k;
        if (!h.layout->code) {
            u64 piece = qs_min_u64(sz, h.layout->capacity);
            memcpy(shred + h.layout->hdr_sz, at, piece);
            memset(shred + h.layout->hdr_sz + piece, 0, h.layout->capacity - piece);
            h.size = (u16)(h.layout->hdr_sz + piece);
            h.flags = s->tick;
            if (k == QS_SHRED_SET_CNT - 1 && s->set_left == 1)
                h.flags |= s->last ? QS_SHRED_LAST_IN_SLOT : QS_SHRED_DATA_COMPLETE;
            at += piece;
            sz -= piece;
        }
        qs_shred_encode(shred, &h);
        memcpy(shred + h.layout->chained_off, s->chained, QS_SHRED_ROOT_SZ);
    }
}

/* prove makes the parity and the tree. */
static void
prove(qs_shredder_t *s, qs_shredder_set_t *set, bool resigned)
{
    u8 *shard[QS_REEDSOL_CNT];
    qs_merkle_text_t text[LEAF_CNT];
    qs_merkle_hash_t leaf[LEAF_CNT];
    qs_shred_layout_t const *l = NULL;
    for (u32 i = 0; i < LEAF_CNT; i++) {
        l = qs_shred_layout(qs_shred_variant(i >= QS_SHRED_SET_CNT, resigned));
        shard[i] = shred_at(set, i) + l->erasure_off;
        text[i] =
            (qs_merkle_text_t){shred_at(set, i) + QS_SHRED_SIG_SZ, l->proof_off - QS_SHRED_SIG_SZ};
    }
    qs_reedsol_encode(shard, l->erasure_sz);
    qs_merkle_leaves(leaf, text, LEAF_CNT);
    qs_merkle_build(&s->tree, leaf, LEAF_CNT);
    memcpy(set->root, s->tree.root.byte, QS_SHRED_ROOT_SZ);
}

/* seal writes what every shred carries after the tree is known. */
static void
seal(qs_shredder_t const *s, qs_shredder_set_t *set, bool resigned, u8 const sig[QS_SHRED_SIG_SZ])
{
    for (u32 i = 0; i < LEAF_CNT; i++) {
        u8 *shred = shred_at(set, i);
        qs_shred_layout_t const *l =
            qs_shred_layout(qs_shred_variant(i >= QS_SHRED_SET_CNT, resigned));
        memcpy(shred, sig, QS_SHRED_SIG_SZ);
        qs_merkle_proof(shred + l->proof_off, &s->tree, i);
        if (resigned)
            memset(shred + l->resign_off, 0, QS_SHRED_SIG_SZ);
    }
}

int
qs_shredder_next(qs_shredder_t *s, qs_shredder_set_t *out)
{
    u8 sig[QS_SHRED_SIG_SZ];
    if (!s->set_left)
        return -ENODATA;
    bool resigned = s->last && s->set_left == 1;
    u64 room = QS_SHREDDER_CHAINED_SZ; /* what the resigned set gets is kept back for it */
    u64 kept = s->last && !resigned ? QS_SHREDDER_RESIGNED_SZ : 0;
    u64 sz = qs_min_u64(s->left - kept, room);

    out->fec_idx = s->idx;
    fill(s, out, resigned, sz);
    prove(s, out, resigned);
    int err = s->sign(s->ctx, sig, out->root);
    if (err)
        return err;
    seal(s, out, resigned, sig);
    memcpy(s->chained, out->root, QS_SHRED_ROOT_SZ);
    s->at += sz;
    s->left -= sz;
    s->idx += QS_SHRED_SET_CNT;
    s->set_left--;
    return 0;
}

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
qs_shredder_sign_many(qs_shredder_t *s, qs_shredder_sign_many_t *sign_many)
{
    s->sign_many = sign_many;
}

void
qs_shredder_slot(qs_shredder_t *s, u64 slot, u16 parent_off, u8 const parent_root[QS_SHRED_ROOT_SZ])
{
    s->slot = slot;
    s->parent_off = parent_off;
    s->state.idx = 0;
    s->state.set_left = 0;
    memcpy(s->state.chained, parent_root, QS_SHRED_ROOT_SZ);
}

int
qs_shredder_begin(qs_shredder_t *s, void const *batch, u64 sz, u32 tick, bool last)
{
    u64 plain = last ? sz - qs_min_u64(sz, QS_SHREDDER_RESIGNED_SZ) : sz;
    u64 cnt = (plain + QS_SHREDDER_CHAINED_SZ - 1) / QS_SHREDDER_CHAINED_SZ + last;
    cnt += !cnt; /* an empty batch */
    if (cnt > (QS_SHRED_IDX_LIMIT - s->state.idx) / QS_SHRED_SET_CNT)
        return -ENOSPC;
    s->state.at = batch;
    s->state.left = sz;
    s->tick = (u8)qs_min_u64(tick, QS_SHRED_TICK_MASK);
    s->last = last;
    s->state.set_left = (u32)cnt;
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
    qs_shred_t h = {.slot = s->slot, .fec_idx = s->state.idx, .version = s->version};
    u8 const *at = s->state.at;
    h.parent_off = s->parent_off;
    h.data_cnt = h.code_cnt = QS_SHRED_SET_CNT;
    for (u32 i = 0; i < LEAF_CNT; i++) {
        u8 *shred = shred_at(set, i);
        u32 k = i % QS_SHRED_SET_CNT;
        h.layout = qs_shred_layout(qs_shred_variant(i >= QS_SHRED_SET_CNT, resigned));
        h.idx = s->state.idx + k;
        h.pos = (u16)k;
        if (!h.layout->code) {
            u64 piece = qs_min_u64(sz, h.layout->capacity);
            memcpy(shred + h.layout->hdr_sz, at, piece);
            memset(shred + h.layout->hdr_sz + piece, 0, h.layout->capacity - piece);
            h.size = (u16)(h.layout->hdr_sz + piece);
            h.flags = s->tick;
            if (k == QS_SHRED_SET_CNT - 1 && s->state.set_left == 1)
                h.flags |= s->last ? QS_SHRED_LAST_IN_SLOT : QS_SHRED_DATA_COMPLETE;
            at += piece;
            sz -= piece;
        }
        qs_shred_encode(shred, &h);
        memcpy(shred + h.layout->chained_off, s->state.chained, QS_SHRED_ROOT_SZ);
    }
}

/* prove makes the parity, the tree and the proofs. */
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
    for (u32 i = 0; i < LEAF_CNT; i++) {
        u8 *shred = shred_at(set, i);
        l = qs_shred_layout(qs_shred_variant(i >= QS_SHRED_SET_CNT, resigned));
        qs_merkle_proof(shred + l->proof_off, &s->tree, i);
        if (resigned)
            memset(shred + l->resign_off, 0, QS_SHRED_SIG_SZ);
    }
}

/* stamp writes the signature into every shred. */
static void
stamp(qs_shredder_set_t *set, u8 const sig[QS_SHRED_SIG_SZ])
{
    for (u32 i = 0; i < LEAF_CNT; i++)
        memcpy(shred_at(set, i), sig, QS_SHRED_SIG_SZ);
}

/* make makes the next set, but for its signature. */
static void
make(qs_shredder_t *s, qs_shredder_set_t *out)
{
    bool resigned = s->last && s->state.set_left == 1;
    u64 room = QS_SHREDDER_CHAINED_SZ; /* what the resigned set gets is kept back for it */
    u64 kept = s->last && !resigned ? QS_SHREDDER_RESIGNED_SZ : 0;
    u64 sz = qs_min_u64(s->state.left - kept, room);

    out->fec_idx = s->state.idx;
    fill(s, out, resigned, sz);
    prove(s, out, resigned);
    memcpy(s->state.chained, out->root, QS_SHRED_ROOT_SZ);
    s->state.at += sz;
    s->state.left -= sz;
    s->state.idx += QS_SHRED_SET_CNT;
    s->state.set_left--;
}

static int
sign(qs_shredder_t const *s, u8 (*sig)[QS_SHRED_SIG_SZ], u8 const (*root)[QS_SHRED_ROOT_SZ],
     u32 cnt)
{
    int err = 0;
    if (s->sign_many)
        return s->sign_many(s->ctx, sig, root, cnt);
    for (u32 i = 0; i < cnt && !err; i++)
        err = s->sign(s->ctx, sig[i], root[i]);
    return err;
}

int
qs_shredder_next_many(qs_shredder_t *s, qs_shredder_set_t *out, u32 max)
{
    u8 sig[QS_SHREDDER_MANY_MAX][QS_SHRED_SIG_SZ], root[QS_SHREDDER_MANY_MAX][QS_SHRED_ROOT_SZ];
    u32 cnt = max < QS_SHREDDER_MANY_MAX ? max : QS_SHREDDER_MANY_MAX;
    cnt = cnt < s->state.set_left ? cnt : s->state.set_left;
    if (!cnt)
        return -ENODATA;

    qs_shredder_state_t before = s->state;
    for (u32 i = 0; i < cnt; i++) {
        make(s, &out[i]);
        memcpy(root[i], out[i].root, QS_SHRED_ROOT_SZ);
    }
    int err = sign(s, sig, (u8 const(*)[QS_SHRED_ROOT_SZ])root, cnt);
    if (err) {
        s->state = before;
        return err;
    }
    for (u32 i = 0; i < cnt; i++)
        stamp(&out[i], sig[i]);
    return (int)cnt;
}

int
qs_shredder_next(qs_shredder_t *s, qs_shredder_set_t *out)
{
    int made = qs_shredder_next_many(s, out, 1);
    return made < 0 ? made : 0;
}

/* Real sets for tests: a leader with a key of its own, and batches of bytes that tell their place. */

#ifndef TEST_DISCO_SHRED_MAKER_H
#define TEST_DISCO_SHRED_MAKER_H

#include "disco/shred/qs_shredder.h"
#include "tango/rand.h"
#include "waltz/crypto/qs_ed25519.h"

typedef struct maker {
    u8 secret[32], identity[32];
    qs_shredder_t shredder;
} maker_t;

static inline int
maker_sign(void *ctx, u8 sig[QS_SHRED_SIG_SZ], u8 const root[QS_SHRED_ROOT_SZ])
{
    maker_t *m = ctx;
    qs_ed25519_sign(sig, root, QS_SHRED_ROOT_SZ, m->identity, m->secret);
    return 0;
}

static inline int
maker_sign_many(void *ctx, u8 (*sig)[QS_SHRED_SIG_SZ], u8 const (*root)[QS_SHRED_ROOT_SZ], u32 cnt)
{
    maker_t *m = ctx;
    qs_ed25519_order_t order[QS_SHREDDER_MANY_MAX];
    for (u32 i = 0; i < cnt; i++)
        order[i] = (qs_ed25519_order_t){sig[i], root[i], QS_SHRED_ROOT_SZ};
    qs_ed25519_sign_batch(order, cnt, m->identity, m->secret);
    return 0;
}

static inline void
maker_init(maker_t *m, u8 seed, u16 version)
{
    memset(m->secret, seed, sizeof(m->secret));
    qs_ed25519_public_key(m->identity, m->secret);
    qs_shredder_init(&m->shredder, maker_sign, m, version);
}

static inline void
maker_bytes(u8 *out, u64 sz, u64 seed)
{
    for (u64 i = 0; i < sz; i++)
        out[i] = (u8)(i % 8 ? seed >> i % 8 * 8 : rand_next(&seed));
}

/* maker_slot makes a slot of set_cnt sets; content chooses its bytes. */
static inline void
maker_slot(maker_t *m, qs_shredder_set_t *set, u32 set_cnt, u64 slot, u8 const parent_root[32],
           u64 content)
{
    static u8 bytes[64 * QS_SHREDDER_CHAINED_SZ];
    u64 sz = (set_cnt - 1) * QS_SHREDDER_CHAINED_SZ + QS_SHREDDER_RESIGNED_SZ - 5 * (set_cnt == 1);
    maker_bytes(bytes, sz, content);
    qs_shredder_slot(&m->shredder, slot, slot > 0, parent_root);
    QS_ASSERT(qs_shredder_begin(&m->shredder, bytes, sz, 7, true) == (int)set_cnt);
    for (u32 i = 0; i < set_cnt; i++)
        QS_ASSERT(!qs_shredder_next(&m->shredder, &set[i]));
}

/* maker_shred returns one of a set's 64 shreds, data first. */
static inline u8 *
maker_shred(qs_shredder_set_t *set, u32 leaf, u32 *sz)
{
    *sz = leaf < 32 ? QS_SHRED_DATA_SZ : QS_SHRED_CODE_SZ;
    return leaf < 32 ? set->data[leaf] : set->code[leaf - 32];
}

/* maker_reseal_odd makes the tree, the signature and the proofs of a set anew, whatever it holds: what
   a leader who breaks the rules can do.  Leaf `odd` is laid out as its own variant says. */
static inline void
maker_reseal_odd(maker_t *m, qs_shredder_set_t *set, u32 odd)
{
    static qs_merkle_tree_t tree;
    qs_shred_layout_t const *layout[64];
    qs_merkle_text_t text[64];
    qs_merkle_hash_t leaf[64];
    u8 sig[64];
    u32 sz;
    for (u32 i = 0; i < 64; i++) {
        u8 *shred = maker_shred(set, i, &sz);
        u8 variant = qs_shred_variant(i >= 32, set->data[31][64] == QS_SHRED_DATA_RESIGNED);
        layout[i] = qs_shred_layout(i == odd ? shred[64] : variant);
        text[i] = (qs_merkle_text_t){shred + 64, layout[i]->proof_off - 64u};
    }
    qs_merkle_leaves(leaf, text, 64);
    qs_merkle_build(&tree, leaf, 64);
    memcpy(set->root, tree.root.byte, 32);
    maker_sign(m, sig, set->root);
    for (u32 i = 0; i < 64; i++) {
        u8 *shred = maker_shred(set, i, &sz);
        memcpy(shred, sig, 64);
        qs_merkle_proof(shred + layout[i]->proof_off, &tree, i);
    }
}

static inline void
maker_reseal(maker_t *m, qs_shredder_set_t *set)
{
    maker_reseal_odd(m, set, 64);
}

#endif

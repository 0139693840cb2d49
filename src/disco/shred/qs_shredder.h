/* qs_shredder - a leader's entry batches as shreds.  Spec: shred.md 11.

       batch --begin--> [32 x 963 bytes][32 x 963]..[32 x 899, resigned: only a slot's last set]
                            | next          each set names the root of the one before it
                            v
                 32 data shreds -> 32 code shreds -> tree of 64 leaves -> one signature of its root

   A batch that ends a slot gives its last 28768 bytes to the resigned set; an empty batch is one set
   of empty shreds.  Signatures come from a callback, for the key is elsewhere.

   Threads: one.  Blocks: in the callback, if it does.  Allocates: never. */

#ifndef QS_DISCO_SHRED_SHREDDER_H
#define QS_DISCO_SHRED_SHREDDER_H

#include "waltz/codec/qs_shred.h"
#include "waltz/fec/qs_merkle.h"

#define QS_SHREDDER_CHAINED_SZ  (32u * 963u) /* bytes of a batch in a set */
#define QS_SHREDDER_RESIGNED_SZ (32u * 899u)
#define QS_SHREDDER_MANY_MAX    16u

/* qs_shredder_sign_t writes the leader's signature of a root.  Returns 0 or -errno. */
typedef int qs_shredder_sign_t(void *ctx, u8 sig[QS_SHRED_SIG_SZ], u8 const root[QS_SHRED_ROOT_SZ]);

/* qs_shredder_sign_many_t writes the leader's signatures of cnt roots.  Returns 0 or -errno. */
typedef int qs_shredder_sign_many_t(void *ctx, u8 (*sig)[QS_SHRED_SIG_SZ],
                                    u8 const (*root)[QS_SHRED_ROOT_SZ], u32 cnt);

/* What moves on with every set. */
typedef struct qs_shredder_state {
    u32 idx; /* of the next shred, data and code alike */
    u8 chained[QS_SHRED_ROOT_SZ];
    u8 const *at; /* in the batch */
    u64 left;
    u32 set_left;
} qs_shredder_state_t;

typedef struct qs_shredder {
    qs_shredder_sign_t *sign;
    qs_shredder_sign_many_t *sign_many;
    void *ctx;
    u64 slot;
    u16 parent_off;
    u16 version;
    u8 tick; /* of the batch in progress */
    bool last;
    qs_shredder_state_t state;

    qs_merkle_tree_t tree;
} qs_shredder_t;

typedef struct qs_shredder_set {
    u32 fec_idx;
    u8 root[QS_SHRED_ROOT_SZ];
    u8 data[QS_SHRED_SET_CNT][QS_SHRED_DATA_SZ];
    u8 code[QS_SHRED_SET_CNT][QS_SHRED_CODE_SZ];
} qs_shredder_set_t;

/* qs_shredder_init takes who signs, and the cluster's shred version. */
void qs_shredder_init(qs_shredder_t *s, qs_shredder_sign_t *sign, void *ctx, u16 version);

/* qs_shredder_sign_many takes who signs several roots at once, with the same ctx.  Without one they are
   signed one by one. */
void qs_shredder_sign_many(qs_shredder_t *s, qs_shredder_sign_many_t *sign_many);

/* qs_shredder_slot begins a slot, slot - parent_off being its parent, whose last set had root
   parent_root. */
void qs_shredder_slot(qs_shredder_t *s, u64 slot, u16 parent_off,
                      u8 const parent_root[QS_SHRED_ROOT_SZ]);

/* qs_shredder_begin takes an entry batch of sz bytes, which must stay where it is until the last set
   was made; tick counts the slot's ticks before it; last: it ends the slot.  Returns how many sets it
   makes, or -ENOSPC and takes nothing: more than a slot holds. */
int qs_shredder_begin(qs_shredder_t *s, void const *batch, u64 sz, u32 tick, bool last);

/* qs_shredder_next makes the next set.  Returns 0, -ENODATA after the last one, or the callback's
   error, and then the same set can be asked for again. */
int qs_shredder_next(qs_shredder_t *s, qs_shredder_set_t *out);

/* qs_shredder_next_many makes the next sets, max or QS_SHREDDER_MANY_MAX or what is left, and has them
   signed together: signatures cost half as much when there are several, and the first set waits for the
   last.  Returns how many, -ENODATA after the last one, or the callback's error, and then the same sets
   can be asked for again. */
int qs_shredder_next_many(qs_shredder_t *s, qs_shredder_set_t *out, u32 max);

#endif

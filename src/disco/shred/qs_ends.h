/* qs_ends - the root of the last set of each slot that is known to have one: what the first set of a
   child names.

   A table by slot, of the last QS_ENDS_CNT slots: a later slot takes the place of one that many before
   it.  Of two ends of one slot the first is kept.  It holds no pointers, so that it may lie in memory
   that outlives its process.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_ENDS_H
#define QS_DISCO_SHRED_ENDS_H

#include "waltz/codec/qs_shred.h"

#define QS_ENDS_CNT 1024u

typedef struct qs_ends {
    struct {
        u64 slot; /* + 1; 0: none */
        u8 root[QS_SHRED_ROOT_SZ];
    } at[QS_ENDS_CNT];
} qs_ends_t;

/* qs_ends_put notes where a slot ended. */
QS_INLINE void
qs_ends_put(qs_ends_t *ends, u64 slot, u8 const root[QS_SHRED_ROOT_SZ])
{
    u64 at = slot % QS_ENDS_CNT;
    if (slot < ends->at[at].slot)
        return;
    ends->at[at].slot = slot + 1;
    memcpy(ends->at[at].root, root, QS_SHRED_ROOT_SZ);
}

/* qs_ends_find returns the root of a slot's last set, or null. */
QS_INLINE u8 const *
qs_ends_find(qs_ends_t const *ends, u64 slot)
{
    u64 at = slot % QS_ENDS_CNT;
    return ends->at[at].slot == slot + 1 ? ends->at[at].root : NULL;
}

#endif

/* qs_fseq - how far one consumer of one link has come.

   The consumer writes the first sequence it still needs: everything derived from what lies
   before it has been published (DESIGN 9).  The producer of a reliable link reads it before
   it overwrites, and a restarted consumer goes on from it.

       consumer                                  producer
       reads descriptors and payloads
       F1  seq <- first still needed   release   F2  seq      acquire  (pairs with F1)
                                                     overwrites what lies before it

   Threads: one writer, many readers.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_FSEQ_H
#define QS_TANGO_FSEQ_H

#include "tango/base/qs_base.h"

typedef struct qs_fseq {
    alignas(QS_ALIGN) u64 seq;
    u64 pad[QS_ALIGN / sizeof(u64) - 1];
} qs_fseq_t;

_Static_assert(sizeof(qs_fseq_t) == QS_ALIGN, "a consumer's fseq shares no line pair");

QS_INLINE void
qs_fseq_update(qs_fseq_t *fseq, u64 seq)
{
    qs_store_release(&fseq->seq, seq); /* F1 */
}

QS_INLINE u64
qs_fseq_query(qs_fseq_t const *fseq)
{
    return qs_load_acquire(&fseq->seq); /* F2 */
}

#endif

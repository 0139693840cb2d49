/* qs_tempo - when a tile does its housekeeping.

   Work that must happen about every so often (heartbeat, fseq, metrics) happens at moments drawn
   from [0.75, 1.25] of the period, so that tiles started together do not fall into step and
   write their shared lines at once.

   Threads: one per tempo.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_TEMPO_H
#define QS_TANGO_TEMPO_H

#include "tango/base/qs_rng.h"

typedef struct qs_tempo {
    u64 next;  /* ticks at which housekeeping is due */
    u64 least; /* ticks between two, at least ...    */
    u64 span;  /* ... and how many more it may be    */
    qs_rng_t rng;
} qs_tempo_t;

/* qs_tempo_init starts at now (ticks) with period ticks on average.  Tiles of one instance differ
   in seed.  The first event is due at once.  Returns 0 or -EINVAL (period not in [1, 2^62]). */
int qs_tempo_init(qs_tempo_t *tempo, u64 period, u64 seed, u64 now);

/* qs_tempo_due returns whether housekeeping is due at now, and if so draws the next time.  A
   tile that comes late is told once, not once for each event it missed. */
QS_INLINE bool
qs_tempo_due(qs_tempo_t *tempo, u64 now)
{
    if ((i64)(now - tempo->next) < 0)
        return false;
    tempo->next = now + tempo->least + qs_rng_bounded(&tempo->rng, tempo->span + 1);
    return true;
}

#endif

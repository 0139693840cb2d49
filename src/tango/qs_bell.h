/* qs_bell - how a tile that found nothing to do sleeps, and is woken by its neighbours.

   Each tile has one word in a workspace that all tiles of the instance may write.  It is 0
   while the tile runs.  The one place of the program that needs seq_cst:

       sleeper                                   ringer (producer of an input, or consumer of an
                                                 out on whose credits the sleeper waits)
       B1  word <- why it sleeps    relaxed      R1  publishes (P4), or moves its fseq (F1)
       B2  fence                    seq_cst      R2  fence                       seq_cst
       B3  looks at its inputs and               R3  word                        relaxed
           credits once more                     R4  if set: word <- 0 (exchange), and if it
       B4  sleeps while word == why                  was set still: wake
       B5  word <- 0                relaxed

   B2 and R2 are in one order: either the sleeper's look B3 sees R1, or the ringer's look R3
   sees B1.  R4 changes the word before the wake, so a sleeper between B3 and B4 does not
   fall asleep (futex compares the word; an eventfd stays readable).  A late wake, of a
   sleeper that has gone on already, costs it one empty round.  A neighbour that lies in the
   word can delay us until our next deadline and no longer.

   Threads: one sleeper, any ringers.  Blocks: only qs_bell_wait.  Allocates: never. */

#ifndef QS_TANGO_BELL_H
#define QS_TANGO_BELL_H

#include "tango/base/qs_base.h"

enum {
    QS_BELL_IDLE = 1,   /* sleeps until something is published for it */
    QS_BELL_CREDIT = 2, /* sleeps until credits come back */
};

typedef struct qs_bell {
    alignas(QS_ALIGN) u32 word;
    u32 pad[QS_ALIGN / sizeof(u32) - 1];
} qs_bell_t;

_Static_assert(sizeof(qs_bell_t) == QS_ALIGN, "a tile's bell shares no line pair");

/* qs_bell_park: B1, B2.  The caller then looks once more and calls wait or unpark. */
QS_INLINE void
qs_bell_park(qs_bell_t *bell, u32 why)
{
    qs_store_relaxed(&bell->word, why); /* B1 */
    qs_fence(__ATOMIC_SEQ_CST);         /* B2 */
}

QS_INLINE void
qs_bell_unpark(qs_bell_t *bell)
{
    qs_store_relaxed(&bell->word, 0); /* B5 */
}

/* qs_bell_wait sleeps while the word still says why, at most timeout_ns: B4, B5.  A wake for
   no reason is possible. */
void qs_bell_wait(qs_bell_t *bell, u32 why, u64 timeout_ns);

/* qs_bell_wake_ is R4: it wakes the sleeper through eventfd if that is not -1, else through its
   futex.  Returns false if someone else had done so. */
bool qs_bell_wake_(qs_bell_t *bell, int eventfd);

/* qs_bell_fence is R2: once behind a batch, whoever is rung then. */
QS_INLINE void
qs_bell_fence(void)
{
    qs_fence(__ATOMIC_SEQ_CST); /* R2 */
}

/* qs_bell_ring wakes the sleeper if it sleeps for one of the reasons in why, and says whether it
   did: R3, R4. */
QS_INLINE bool
qs_bell_ring(qs_bell_t *bell, u32 why, int eventfd)
{
    return qs_load_relaxed(&bell->word) & why /* R3 */ && qs_bell_wake_(bell, eventfd);
}

#endif

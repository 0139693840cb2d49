/* race.h - what the race programs share: payloads that are functions of their sequence, and a
   pause that lets the others run when there are fewer cores than threads.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TEST_RACE_RACE_H
#define QS_TEST_RACE_RACE_H

#include <pthread.h>
#include <sched.h>

#include "tango/qs_dcache.h"
#include "tango/qs_mcache.h"
#include "tango/rand.h"

#define RACE_WORDS 24u /* of the largest payload */
#define RACE_MTU   ((u32)(RACE_WORDS * sizeof(u64)))

/* race_sz_of varies, so that payloads lie at ever different places; never 0. */
QS_INLINE u32
race_sz_of(u64 seq)
{
    return (u32)(1 + seq * 7 % RACE_WORDS) * (u32)sizeof(u64);
}

QS_INLINE qs_frag_t
race_frag_of(u64 seq, u32 chunk)
{
    return (qs_frag_t){.sig = ~seq,
                       .chunk = chunk,
                       .sz = (u16)race_sz_of(seq),
                       .ctl = (u16)seq,
                       .ts_origin = (u32)seq,
                       .ts_publish = (u32)~seq};
}

/* race_check_frag aborts unless every field is the one of fragment seq. */
QS_INLINE void
race_check_frag(qs_frag_t const *f, u64 seq)
{
    QS_ASSERT(f->seq == seq && f->sig == ~seq && f->sz == race_sz_of(seq) && f->ctl == (u16)seq);
    QS_ASSERT(f->ts_origin == (u32)seq && f->ts_publish == (u32)~seq);
}

/* race_check_words aborts unless all of a private copy is the payload of fragment seq. */
QS_INLINE void
race_check_words(u64 const *word, u64 seq)
{
    for (u32 i = 0; i < race_sz_of(seq) / sizeof(u64); i++)
        QS_ASSERT(word[i] == seq);
}

QS_INLINE void
race_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    QS_ASSERT(!pthread_create(thread, NULL, run, arg));
}

#endif

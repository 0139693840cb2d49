/* quickstep_ring - how a feed lies in shared memory.  For the library and for the node; programs use
   quickstep_client.h.

       head | line 0 .. line_cnt-1 | data_sz bytes of records, each contiguous, 64-aligned

   Record n has line n % line_cnt and lies at byte `pos` of an endless stream, of which the ring holds the
   last data_sz bytes.

       producer                                   reader
       R1  reserve_seq, reserve_end   relaxed     Q1  line.seq == n             acquire  (pairs with R4)
       R2  fence                      release     Q2  the line's other words    relaxed
           the record, only now                       copy the record
       R3  the line's other words     relaxed     Q3  fence                     acquire  (pairs with R2)
       R4  line.seq <- n              release     Q4  reserve_seq, reserve_end  relaxed
       R5  next_seq <- n + 1          release

   n + line_cnt > reserve_seq and pos + data_sz >= reserve_end at Q4 mean that the copy is record n,
   whole.  Reserves never go back, so a producer that starts anew finds its place from next_seq and the
   lines behind it.

   Threads: one producer, any number of readers.  Blocks: never.  Allocates: never. */

#ifndef QS_CLIENT_QUICKSTEP_RING_H
#define QS_CLIENT_QUICKSTEP_RING_H

#include <stdint.h>
#include <string.h>

#include "client/quickstep_client.h"

#define QS_FEED_MAGIC 0x31646565662d7371ull /* "qs-feed1" */
#define QS_FEED_FILE  "feed.wksp"           /* in the instance's directory */
#define QS_FEED_UNIT  64u                   /* records begin at multiples of it */

#define QS_FEED_DATA_MIN 262144u /* half of it holds any record */

typedef struct qs_feed_line {
    uint64_t seq; /* 0: none yet */
    uint64_t pos;
    uint32_t sz; /* of the whole record */
    uint32_t kind;
    uint64_t slot;
} qs_feed_line_t;

typedef struct qs_feed_head {
    uint64_t magic; /* stored last */
    uint32_t abi;
    uint32_t rec_sz;   /* sizeof(qs_feed_rec_t) */
    uint64_t sz;       /* of all */
    uint64_t line_cnt; /* a power of two */
    uint64_t line_off;
    uint64_t data_sz; /* a power of two */
    uint64_t data_off;
    uint64_t unix_ns; /* Unix time less CLOCK_MONOTONIC, when the feed was made */
    uint8_t pad[64];

    uint64_t reserve_seq; /* at 128 */
    uint64_t reserve_end;
    uint64_t next_seq;
    uint64_t beat_ns; /* CLOCK_MONOTONIC; UINT64_MAX: ended */
    uint8_t pad2[96];
} qs_feed_head_t;

/* qs_feed_racy copies what may be overwritten meanwhile: a reader asks Q4 afterwards.  Under a thread
   sanitizer both sides go through relaxed atomics, so that only other races are reported. */
static inline void
qs_feed_racy(void *dst, void const *src, uint64_t sz)
{
#if defined(__SANITIZE_THREAD__)
#define QS_FEED_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QS_FEED_TSAN 1
#endif
#endif
#ifdef QS_FEED_TSAN
    uint8_t *to = dst;
    uint8_t const *from = src;
    for (uint64_t i = 0; i < sz; i++)
        __atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
#else
    memcpy(dst, src, sz);
    __asm__ volatile("" ::: "memory");
#endif
}

#endif

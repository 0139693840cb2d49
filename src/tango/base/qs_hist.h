/* qs_hist - a log-linear histogram of ns (or bytes, or anything counted) in shared memory.

   Values 0..7 have a bucket each; above, every octave is cut into 8 equal buckets, so that a
   bucket is never wider than 1/8 of its lowest value:

       value   0 1 .. 7 | 8 9 .. 15 | 16 18 .. 30 | 32 36 .. 60 | ..  up to 2^40 (18 minutes in ns)
       bucket  0 1 .. 7 | 8 9 .. 15 | 16 17 .. 23 | 24 25 .. 31 | ..  303

   Larger values fall into the last bucket; their true sum and maximum are kept.  Zeroed memory is
   an empty histogram.  All stores and loads are relaxed: a reader of a live histogram may miss the
   newest values and see a sum a little older or younger than the buckets.  For figures that fit
   together, merge it into a zeroed one of your own and ask that.  Whatever the memory holds, no
   reader loops longer or reads further than the struct.

   Threads: one writer, any readers.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_HIST_H
#define QS_TANGO_BASE_HIST_H

#include "tango/base/qs_bits.h"

#define QS_HIST_SUB_LOG2   3u  /* 8 buckets an octave */
#define QS_HIST_VALUE_LOG2 40u /* 2^40 and above fall into the last bucket */
#define QS_HIST_BUCKET_CNT ((QS_HIST_VALUE_LOG2 - QS_HIST_SUB_LOG2 + 1) << QS_HIST_SUB_LOG2)

typedef struct qs_hist {
    u64 sum; /* of all values, modulo 2^64 */
    u64 max;
    u64 bucket[QS_HIST_BUCKET_CNT];
} qs_hist_t;

_Static_assert(sizeof(qs_hist_t) == 16 + 304 * 8, "qs_hist_t is shared memory ABI");

/* qs_hist_bucket returns the index of value's bucket. */
QS_INLINE u32
qs_hist_bucket(u64 value)
{
    if (value >> QS_HIST_VALUE_LOG2)
        return QS_HIST_BUCKET_CNT - 1;
    /* Values of the first two octaves, 0..15, are their own index: | 8 sends 0..7 to octave 0. */
    u32 octave = qs_log2(value | 1u << QS_HIST_SUB_LOG2) - QS_HIST_SUB_LOG2;
    return (octave << QS_HIST_SUB_LOG2) + (u32)(value >> octave);
}

/* qs_hist_add counts value. */
QS_INLINE void
qs_hist_add(qs_hist_t *hist, u64 value)
{
    u64 *bucket = &hist->bucket[qs_hist_bucket(value)];
    qs_store_relaxed(bucket, *bucket + 1);
    qs_store_relaxed(&hist->sum, hist->sum + value);
    if (value > hist->max)
        qs_store_relaxed(&hist->max, value);
}

/* qs_hist_upper returns the largest value that falls into bucket, UINT64_MAX for the last;
   bucket < QS_HIST_BUCKET_CNT. */
u64 qs_hist_upper(u32 bucket);

/* qs_hist_count returns how many values were added. */
u64 qs_hist_count(qs_hist_t const *hist);

/* qs_hist_percentile returns a value that at least ppm millionths of all values do not exceed
   (500000: the median, 999000: p99.9; more than 1000000 counts as that).  It is never below the
   exact percentile and, for values below 2^40, at most 1/8 above.  0 if there are no values. */
u64 qs_hist_percentile(qs_hist_t const *hist, u32 ppm);

/* qs_hist_merge adds all values of from to to, of which the caller is the writer. */
void qs_hist_merge(qs_hist_t *to, qs_hist_t const *from);

#endif

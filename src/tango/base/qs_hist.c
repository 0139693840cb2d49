#include "tango/base/qs_hist.h"

#define SUB_CNT (1u << QS_HIST_SUB_LOG2)

u64
qs_hist_upper(u32 bucket)
{
    if (bucket == QS_HIST_BUCKET_CNT - 1)
        return UINT64_MAX;
    if (bucket < SUB_CNT)
        return bucket;
    u32 octave = (bucket >> QS_HIST_SUB_LOG2) - 1;
    u64 next = (bucket & (SUB_CNT - 1)) + SUB_CNT + 1;
    return (next << octave) - 1;
}

u64
qs_hist_count(qs_hist_t const *hist)
{
    u64 count = 0;
    for (u32 i = 0; i < QS_HIST_BUCKET_CNT; i++)
        count += qs_load_relaxed(&hist->bucket[i]);
    return count;
}

u64
qs_hist_percentile(qs_hist_t const *hist, u32 ppm)
{
    u64 count = qs_hist_count(hist);
    if (!count)
        return 0;

    /* The rank-th smallest value, counted from 1. */
    u64 rank = (u64)(((u128)count * qs_min_u64(ppm, 1000000) + 999999) / 1000000);
    u64 max = qs_load_relaxed(&hist->max);
    u64 below = 0;
    for (u32 i = 0; i < QS_HIST_BUCKET_CNT; i++) {
        below += qs_load_relaxed(&hist->bucket[i]);
        if (below && below >= rank)
            return qs_min_u64(qs_hist_upper(i), max);
    }
    return max;
}

void
qs_hist_merge(qs_hist_t *to, qs_hist_t const *from)
{
    for (u32 i = 0; i < QS_HIST_BUCKET_CNT; i++)
        qs_store_relaxed(&to->bucket[i], to->bucket[i] + qs_load_relaxed(&from->bucket[i]));
    qs_store_relaxed(&to->sum, to->sum + qs_load_relaxed(&from->sum));
    qs_store_relaxed(&to->max, qs_max_u64(to->max, qs_load_relaxed(&from->max)));
}

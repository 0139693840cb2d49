/* Goal: percentiles are right to within a bucket, and sums to the unit.  Method: the bucket map at
   its edges; random samples of all magnitudes against their sorted array. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_hist.h"
#include "tango/base/qs_rng.h"

#define SAMPLE_CNT 20011u

static qs_hist_t hist;
static u64 sample[SAMPLE_CNT];

static int
by_value(void const *a, void const *b)
{
    u64 x = *(u64 const *)a;
    u64 y = *(u64 const *)b;
    return (x > y) - (x < y);
}

Test(hist, buckets_join_without_gap_and_are_an_eighth_wide)
{
    u64 lowest = 0;
    for (u32 i = 0; i < QS_HIST_BUCKET_CNT - 1; i++) {
        u64 highest = qs_hist_upper(i);
        cr_assert(eq(u32, qs_hist_bucket(lowest), i));
        cr_assert(eq(u32, qs_hist_bucket(highest), i));
        cr_assert(le(u64, highest - lowest, lowest / 8));
        lowest = highest + 1;
    }
    cr_assert(lowest < 1ull << 40);
    cr_assert(eq(u32, qs_hist_bucket((1ull << 40) - 1), QS_HIST_BUCKET_CNT - 1));
    cr_assert(eq(u32, qs_hist_bucket(1ull << 40), QS_HIST_BUCKET_CNT - 1));
    cr_assert(eq(u32, qs_hist_bucket(UINT64_MAX), QS_HIST_BUCKET_CNT - 1));
}

Test(hist, percentiles_are_those_of_the_sorted_samples_within_a_bucket)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 4, 0);
    u64 sum = 0;
    for (u32 i = 0; i < SAMPLE_CNT; i++) {
        sample[i] = qs_rng_u64(&rng) >> (25 + qs_rng_bounded(&rng, 39));
        sum += sample[i];
        qs_hist_add(&hist, sample[i]);
    }
    qsort(sample, SAMPLE_CNT, sizeof(*sample), by_value);

    cr_assert(eq(u64, qs_hist_count(&hist), SAMPLE_CNT));
    cr_assert(eq(u64, hist.sum, sum));
    cr_assert(eq(u64, hist.max, sample[SAMPLE_CNT - 1]));
    for (u32 ppm = 0; ppm <= 1000000; ppm += 500) {
        u64 rank = ((u64)SAMPLE_CNT * ppm + 999999) / 1000000;
        u64 exact = sample[rank ? rank - 1 : 0];
        u64 got = qs_hist_percentile(&hist, ppm);
        cr_assert(ge(u64, got, exact), "%u ppm", ppm);
        cr_assert(le(u64, got, exact + exact / 8), "%u ppm", ppm);
    }
}

Test(hist, empty_says_zero)
{
    cr_assert(eq(u64, qs_hist_count(&hist), 0));
    cr_assert(eq(u64, qs_hist_percentile(&hist, 500000), 0));
    cr_assert(eq(u64, qs_hist_percentile(&hist, 1000000), 0));
}

Test(hist, one_value_is_every_percentile)
{
    qs_hist_add(&hist, 1000);
    cr_assert(eq(u64, qs_hist_percentile(&hist, 0), 1000));
    cr_assert(eq(u64, qs_hist_percentile(&hist, 500000), 1000));
    cr_assert(eq(u64, qs_hist_percentile(&hist, UINT32_MAX), 1000));
}

Test(hist, huge_values_saturate_but_keep_their_maximum)
{
    qs_hist_add(&hist, 5);
    qs_hist_add(&hist, 1ull << 50);
    cr_assert(eq(u64, qs_hist_percentile(&hist, 1000000), 1ull << 50));
    cr_assert(eq(u64, qs_hist_percentile(&hist, 500000), 5));
    cr_assert(eq(u64, hist.sum, (1ull << 50) + 5));
}

Test(hist, merged_is_as_if_all_was_added_to_one)
{
    static qs_hist_t part[2];
    qs_rng_t rng;
    qs_rng_init(&rng, 5, 0);
    for (u32 i = 0; i < 1000; i++) {
        u64 value = qs_rng_u64(&rng) >> qs_rng_bounded(&rng, 64);
        qs_hist_add(&part[i % 2], value);
        qs_hist_add(&hist, value);
    }
    qs_hist_merge(&part[0], &part[1]);
    cr_assert(not(memcmp(&part[0], &hist, sizeof(hist))));
}

Test(hist, hostile_memory_gives_a_value_and_an_end)
{
    memset(&hist, 0xff, sizeof(hist));
    cr_assert(le(u64, qs_hist_percentile(&hist, 999999), UINT64_MAX));
    hist.max = 0;
    cr_assert(eq(u64, qs_hist_percentile(&hist, 999999), 0));
}

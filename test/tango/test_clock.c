/* Goal: ticks become ns of CLOCK_MONOTONIC, never backward, and short stamps become long again.
   Method: the arithmetic on clocks made by hand; a calibrated clock is bracketed between two
   readings of the OS clock, so that a preempted test cannot fail. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "tango/base/qs_clock.h"

#define MS 1000000ull
#define S  1000000000ull

/* 2.5 GHz: 0.4 ns a tick; the true product is computed apart, by division. */
static qs_clock_t const hand_made = {.source = QS_CLOCK_COUNTER,
                                     .mult = (2ull << QS_CLOCK_SHIFT) / 5,
                                     .tick0 = 1000 * S,
                                     .ns0 = 7000 * S};

Test(clock, conversion_is_exact_to_a_part_in_a_billion_over_a_century)
{
    for (u64 ns = 1; ns < 3000000000ull * S; ns *= 3) {
        u64 got = qs_clock_ns(&hand_made, hand_made.tick0 + ns / 2 * 5) - hand_made.ns0;
        u64 want = ns / 2 * 2;
        cr_assert(le(u64, got, want));
        cr_assert(le(u64, want - got, 1 + want / S));
    }
}

Test(clock, ns_never_decrease_also_across_the_anchor)
{
    u64 last = qs_clock_ns(&hand_made, hand_made.tick0 - 5000);
    cr_assert(last < hand_made.ns0);
    for (u64 tick = hand_made.tick0 - 5000; tick < hand_made.tick0 + 5000; tick++) {
        u64 ns = qs_clock_ns(&hand_made, tick);
        cr_assert(ge(u64, ns, last));
        cr_assert(le(u64, ns - last, 1));
        last = ns;
    }
    cr_assert(eq(u64, last, hand_made.ns0 + 1999));
}

Test(clock, ticks_from_ns_is_the_inverse)
{
    cr_assert(eq(u64, qs_clock_ticks_from_ns(&hand_made, 0), 0));
    cr_assert(eq(u64, qs_clock_ticks_from_ns(&hand_made, 1000), 2500));
    cr_assert(eq(u64, qs_clock_ticks_from_ns(&hand_made, UINT64_MAX), UINT64_MAX));
    qs_clock_t os = {.source = QS_CLOCK_OS, .mult = 1ull << QS_CLOCK_SHIFT};
    cr_assert(eq(u64, qs_clock_ticks_from_ns(&os, UINT64_MAX), UINT64_MAX));
    cr_assert(eq(u64, qs_clock_ticks_from_ns(&os, 12345), 12345));
}

Test(clock, calibrated_clock_agrees_with_the_os)
{
    qs_clock_t clock;
    cr_assert(eq(int, qs_clock_calibrate(&clock, 10 * MS), 0));
    u64 last = 0;
    for (u64 start = qs_clock_os_ns(); qs_clock_os_ns() - start < 50 * MS;) {
        u64 before = qs_clock_os_ns();
        u64 now = qs_clock_now(&clock);
        u64 after = qs_clock_os_ns();
        cr_assert(ge(u64, now + MS, before));
        cr_assert(le(u64, now, after + MS));
        cr_assert(ge(u64, now, last));
        last = now;
    }
}

Test(clock, recal_keeps_a_calibrated_clock_going_forward)
{
    qs_clock_t clock;
    cr_assert(eq(int, qs_clock_calibrate(&clock, MS), 0));
    for (u32 i = 0; i < 100; i++) {
        u64 before = qs_clock_now(&clock);
        cr_assert(eq(int, qs_clock_recal(&clock), 0));
        cr_assert(ge(u64, qs_clock_now(&clock), before));
    }
}

/* lead returns how far the clock is ahead of an OS whose true rate is 0.4 ns a tick. */
static i64
lead(qs_clock_t const *clock, u64 tick)
{
    u64 os = hand_made.ns0 + (tick - hand_made.tick0) / 5 * 2;
    return (i64)(qs_clock_ns(clock, tick) - os);
}

static void
settles(i64 wrong_ppm)
{
    qs_clock_t clock = hand_made;
    clock.mult = (u64)((i64)clock.mult + (i64)clock.mult / 1000000 * wrong_ppm);
    u64 tick = clock.tick0;
    for (u32 i = 0; i < 8; i++) {
        tick += 5 * S;
        u64 before = qs_clock_ns(&clock, tick);
        u64 os = hand_made.ns0 + (tick - hand_made.tick0) / 5 * 2;
        cr_assert(eq(int, qs_clock_reanchor(&clock, tick, os), 0));
        cr_assert(ge(u64, qs_clock_ns(&clock, tick), before));
    }
    i64 off = lead(&clock, tick + 5 * S);
    cr_assert(off > -10 && off < 10, "%ld ns off", (long)off);
}

Test(clock, a_wrong_rate_is_corrected_and_never_by_a_step_back)
{
    settles(+300);
    settles(-300);
    settles(0);
}

Test(clock, reanchor_refuses_what_no_drift_explains)
{
    qs_clock_t clock = hand_made;
    cr_assert(eq(int, qs_clock_reanchor(&clock, clock.tick0 - 1, clock.ns0), -ERANGE));
    cr_assert(eq(int, qs_clock_reanchor(&clock, clock.tick0 + 5 * S, clock.ns0 + 3 * S), -ERANGE));
    cr_assert(eq(int, qs_clock_reanchor(&clock, clock.tick0 + 5 * S, clock.ns0 - 1), -ERANGE));
    cr_assert(not(memcmp(&clock, &hand_made, sizeof(clock))));
}

Test(clock, calibrate_refuses_absurd_durations)
{
    qs_clock_t clock;
    cr_assert(eq(int, qs_clock_calibrate(&clock, 0), -EINVAL));
    cr_assert(eq(int, qs_clock_calibrate(&clock, 11 * S), -EINVAL));
}

struct shared {
    u64 source;
    u64 mult;
    int err;
};

ParameterizedTestParameters(clock, join_takes_calibrated_clocks_only)
{
    static struct shared row[] = {
        {.source = QS_CLOCK_COUNTER, .mult = 1ull << 31, .err = 0},
        {.source = QS_CLOCK_OS, .mult = 1ull << 32, .err = 0},
        {.source = QS_CLOCK_NONE, .mult = 1ull << 32, .err = -EPROTO},
        {.source = 3, .mult = 1ull << 32, .err = -EPROTO},
        {.source = QS_CLOCK_OS, .mult = 1ull << 31, .err = -EPROTO},
        {.source = QS_CLOCK_COUNTER, .mult = 0, .err = -EPROTO},
        {.source = QS_CLOCK_COUNTER, .mult = UINT64_MAX, .err = -EPROTO},
    };
    return cr_make_param_array(struct shared, row, QS_COUNT(row));
}

ParameterizedTest(struct shared *row, clock, join_takes_calibrated_clocks_only)
{
    qs_clock_t shared = {.source = row->source, .mult = row->mult};
    qs_clock_t clock;
    cr_assert(eq(int, qs_clock_join(&clock, &shared), row->err));
}

struct stamp {
    u64 ns;
    u64 near_ns;
};

ParameterizedTestParameters(clock, a_compressed_stamp_is_found_again_near_its_time)
{
    static struct stamp row[] = {
        {.ns = 1ull << 40, .near_ns = 1ull << 40},
        {.ns = (1ull << 40) - 1, .near_ns = 1ull << 40},
        {.ns = (1ull << 40) + 5, .near_ns = (1ull << 40) - 5},
        {.ns = (1ull << 40) + (1ull << 31) - 1, .near_ns = 1ull << 40},
        {.ns = (1ull << 40) - (1ull << 31), .near_ns = 1ull << 40},
        {.ns = 0xffffffffull, .near_ns = 0x100000000ull},
    };
    return cr_make_param_array(struct stamp, row, QS_COUNT(row));
}

ParameterizedTest(struct stamp *row, clock, a_compressed_stamp_is_found_again_near_its_time)
{
    cr_assert(eq(u64, qs_ts_decomp(qs_ts_comp(row->ns), row->near_ns), row->ns));
    i64 want = (i64)(row->ns - row->near_ns);
    cr_assert(qs_ts_diff(qs_ts_comp(row->ns), qs_ts_comp(row->near_ns)) == want);
}

/* qs_clock - the time source of all tiles.

   Ticks are the cheapest counter that all cores agree on: the TSC where it is invariant and the
   kernel has not rejected it, cntvct_el0 on aarch64, else CLOCK_MONOTONIC in ns.  A clock turns
   ticks into ns of CLOCK_MONOTONIC along a straight line:

       ns = ns0 + (ticks - tick0) * mult / 2^32

   One process calibrates; the clock goes to the others by value through shared memory, and each
   joins it once at boot, before its first tick.  Stamps of one instance are then comparable to
   the ns; with CLOCK_MONOTONIC itself they agree as well as the calibration did, less what the
   kernel has slewed since.  So compare stamps with qs_clock_now, never with clock_gettime.

   ticks is not a serialising read: the core may take it some instructions early or late.

   Threads: the counter of a process is chosen once (calibrate, join) before its threads start;
   after that any; a clock is written by its owner alone.  Blocks: calibrate sleeps, else never.
   Allocates: never.  System calls: calibrate and recal; ticks only when no counter is usable. */

#ifndef QS_TANGO_BASE_CLOCK_H
#define QS_TANGO_BASE_CLOCK_H

#include <time.h>

#include "tango/base/qs_base.h"

typedef enum qs_clock_source {
    QS_CLOCK_NONE,    /* not calibrated              */
    QS_CLOCK_OS,      /* CLOCK_MONOTONIC, 1 tick = 1 ns */
    QS_CLOCK_COUNTER, /* the core's own counter      */
} qs_clock_source_t;

#define QS_CLOCK_SHIFT 32u

typedef struct qs_clock {
    u64 source; /* qs_clock_source_t                       */
    u64 mult;   /* ns per tick, times 2^QS_CLOCK_SHIFT     */
    u64 tick0;  /* the anchor: these two are one instant   */
    u64 ns0;
} qs_clock_t;

_Static_assert(sizeof(qs_clock_t) == 32, "qs_clock_t is shared memory ABI");

/* The counter of this process.  Until calibrate or join chose one, ticks are OS ns. */
extern qs_clock_source_t qs_clock_source_;

/* qs_clock_calibrate chooses this process's counter and measures it for duration_ns, sleeping
   meanwhile.  A counter that does not behave is passed over for the OS clock.  Returns 0 or
   -EINVAL (duration_ns not in [1 us, 10 s]). */
int qs_clock_calibrate(qs_clock_t *clock, u64 duration_ns);

/* qs_clock_join copies a clock that another process calibrated and makes its counter this
   process's.  Returns 0 or -EPROTO if shared is not a calibrated clock. */
int qs_clock_join(qs_clock_t *clock, qs_clock_t const *shared);

/* qs_clock_reanchor moves the anchor to ticks, an instant at which CLOCK_MONOTONIC showed os_ns,
   and corrects the rate if the old anchor is at least 100 ms away.  The clock never steps
   back: if it was ahead it stays ahead and runs slower until the next time.  Returns 0, or
   -ERANGE with the clock as it was, if ticks is before the anchor or the rate would change by
   more than 1000 ppm (the machine slept: calibrate anew).  Copies held by others do not follow. */
int qs_clock_reanchor(qs_clock_t *clock, u64 ticks, u64 os_ns);

/* qs_clock_recal is qs_clock_reanchor at this instant. */
int qs_clock_recal(qs_clock_t *clock);

/* qs_clock_ticks_from_ns returns the ticks that pass in dur_ns, saturated at UINT64_MAX. */
u64 qs_clock_ticks_from_ns(qs_clock_t const *clock, u64 dur_ns);

QS_INLINE u64
qs_clock_os_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

QS_INLINE u64
qs_clock_counter_(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    u64 ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return qs_clock_os_ns();
#endif
}

QS_INLINE u64
qs_clock_ticks(void)
{
    return qs_clock_source_ == QS_CLOCK_COUNTER ? qs_clock_counter_() : qs_clock_os_ns();
}

/* qs_clock_ns converts ticks, which may lie before the anchor; never overflows within 2^63 ticks
   and never decreases as ticks increase. */
QS_INLINE u64
qs_clock_ns(qs_clock_t const *clock, u64 ticks)
{
    i128 ns = (i128)(i64)(ticks - clock->tick0) * (i64)clock->mult;
    return clock->ns0 + (u64)(ns >> QS_CLOCK_SHIFT);
}

QS_INLINE u64
qs_clock_now(qs_clock_t const *clock)
{
    return qs_clock_ns(clock, qs_clock_ticks());
}

/* Compressed stamps: the low 32 bits of ns, as carried by fragments. */
QS_INLINE u32
qs_ts_comp(u64 ns)
{
    return (u32)ns;
}

/* qs_ts_diff returns a - b, right if they lie less than 2^31 ns (2.1 s) apart. */
QS_INLINE i64
qs_ts_diff(u32 a, u32 b)
{
    return (i32)(a - b);
}

/* qs_ts_decomp returns the instant that ts stands for, given any instant near_ns at most 2^31 ns
   away from it. */
QS_INLINE u64
qs_ts_decomp(u32 ts, u64 near_ns)
{
    return near_ns + (u64)qs_ts_diff(ts, (u32)near_ns);
}

#endif

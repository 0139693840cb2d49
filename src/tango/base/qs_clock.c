#include "tango/base/qs_clock.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define ONE ((u64)1 << QS_CLOCK_SHIFT)

/* A counter outside 1 kHz to 64 GHz is no counter. */
#define MULT_MIN (ONE / 64)
#define MULT_MAX (ONE * 1000000)

#define PAIR_TRIES       32u
#define DURATION_MIN_NS  1000u
#define DURATION_MAX_NS  10000000000u
#define RATE_BASE_MIN_NS 100000000u
#define RATE_STEP_PPM    1000u

qs_clock_source_t qs_clock_source_ = QS_CLOCK_OS;

typedef struct pair {
    u64 ticks;
    u64 os_ns;
} pair_t;

/* read_pair reads both clocks at one instant, as nearly as can be told: of several tries the one
   whose two OS readings lie closest together, so that an interrupt in between does not count. */
static pair_t
read_pair(void)
{
    pair_t best = {0};
    u64 best_width = UINT64_MAX;
    for (u32 i = 0; i < PAIR_TRIES; i++) {
        u64 before = qs_clock_os_ns();
        u64 ticks = qs_clock_ticks();
        u64 width = qs_clock_os_ns() - before;
        if (width < best_width) {
            best_width = width;
            best = (pair_t){.ticks = ticks, .os_ns = before + width / 2};
        }
    }
    return best;
}

#if defined(__x86_64__)

/* The kernel watches the TSC and takes it off this list when cores disagree.  On a guest the
   current source may be the hypervisor's while the TSC is fine, so the list is what counts.
   Without sysfs there is nothing to be learned and the CPU's word stands. */
static bool
kernel_rejects_tsc(void)
{
    int fd = open("/sys/devices/system/clocksource/clocksource0/available_clocksource",
                  O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char list[256];
    ssize_t sz = read(fd, list, sizeof(list) - 1);
    close(fd);
    if (sz <= 0)
        return false;
    list[sz] = '\0';

    char *rest = list;
    for (char *name; (name = strtok_r(rest, " \n", &rest));)
        if (!strcmp(name, "tsc"))
            return false;
    return true;
}

static bool
counter_usable(void)
{
    u32 eax;
    u32 ebx;
    u32 ecx;
    u32 edx;
    if (!__get_cpuid(0x80000007u, &eax, &ebx, &ecx, &edx) || !(edx & 1u << 8))
        return false;
    int mode = PR_TSC_ENABLE;
    if (!prctl(PR_GET_TSC, &mode) && mode != PR_TSC_ENABLE)
        return false;
    return !kernel_rejects_tsc();
}

#else

static bool
counter_usable(void)
{
#if defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

#endif

static void
use_os(qs_clock_t *clock)
{
    qs_clock_source_ = QS_CLOCK_OS;
    u64 now = qs_clock_os_ns();
    *clock = (qs_clock_t){.source = QS_CLOCK_OS, .mult = ONE, .tick0 = now, .ns0 = now};
}

static bool
mult_sane(u64 mult)
{
    return mult >= MULT_MIN && mult <= MULT_MAX;
}

int
qs_clock_calibrate(qs_clock_t *clock, u64 duration_ns)
{
    if (duration_ns < DURATION_MIN_NS || duration_ns > DURATION_MAX_NS)
        return -EINVAL;
    if (!counter_usable()) {
        use_os(clock);
        return 0;
    }

    qs_clock_source_ = QS_CLOCK_COUNTER;
    pair_t start = read_pair();
    u64 until = start.os_ns + duration_ns;
    struct timespec wake = {.tv_sec = (time_t)(until / 1000000000u),
                            .tv_nsec = (long)(until % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR)
        ;
    pair_t end = read_pair();

    u64 ticks = end.ticks - start.ticks;
    u128 mult = ticks ? ((u128)(end.os_ns - start.os_ns) << QS_CLOCK_SHIFT) / ticks : 0;
    if ((i64)ticks <= 0 || mult > MULT_MAX || !mult_sane((u64)mult)) {
        use_os(clock);
        return 0;
    }
    *clock = (qs_clock_t){
        .source = QS_CLOCK_COUNTER, .mult = (u64)mult, .tick0 = end.ticks, .ns0 = end.os_ns};
    return 0;
}

int
qs_clock_join(qs_clock_t *clock, qs_clock_t const *shared)
{
    qs_clock_t copy = *shared;
    if (copy.source != QS_CLOCK_OS && copy.source != QS_CLOCK_COUNTER)
        return -EPROTO;
    if (!mult_sane(copy.mult) || (copy.source == QS_CLOCK_OS && copy.mult != ONE))
        return -EPROTO;
    qs_clock_source_ = (qs_clock_source_t)copy.source;
    *clock = copy;
    return 0;
}

int
qs_clock_reanchor(qs_clock_t *clock, u64 ticks, u64 os_ns)
{
    u64 passed = ticks - clock->tick0;
    u64 shown = qs_clock_ns(clock, ticks);
    if ((i64)passed < 0)
        return -ERANGE;

    /* The new rate would have led from the old anchor to os_ns.  Was the old anchor ahead of the
       OS, this is slower than the counter really runs, which is what takes the lead away. */
    u64 mult = clock->mult;
    if (clock->source == QS_CLOCK_COUNTER && shown - clock->ns0 >= RATE_BASE_MIN_NS) {
        if ((i64)(os_ns - clock->ns0) <= 0)
            return -ERANGE;
        u128 rate = ((u128)(os_ns - clock->ns0) << QS_CLOCK_SHIFT) / passed;
        u128 step = rate > mult ? rate - mult : mult - rate;
        if (step > (u128)mult * RATE_STEP_PPM / 1000000u)
            return -ERANGE;
        mult = (u64)rate;
    }
    clock->mult = mult;
    clock->tick0 = ticks;
    clock->ns0 = (i64)(os_ns - shown) > 0 ? os_ns : shown;
    return 0;
}

int
qs_clock_recal(qs_clock_t *clock)
{
    pair_t now = read_pair();
    return qs_clock_reanchor(clock, now.ticks, now.os_ns);
}

u64
qs_clock_ticks_from_ns(qs_clock_t const *clock, u64 dur_ns)
{
    u128 ticks = ((u128)dur_ns << QS_CLOCK_SHIFT) / clock->mult;
    return ticks > UINT64_MAX ? UINT64_MAX : (u64)ticks;
}

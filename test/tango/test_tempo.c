/* Goal: housekeeping comes at the right pace and never in step.  Method: time is a number here;
   thousands of periods are walked through tick by tick or by leaps. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/qs_tempo.h"

#define PERIOD 1000u

Test(tempo, events_lie_between_three_and_five_quarters_of_the_period_apart)
{
    qs_tempo_t tempo;
    cr_assert(eq(int, qs_tempo_init(&tempo, PERIOD, 1, 0), 0));
    u64 least = UINT64_MAX;
    u64 most = 0;
    u64 last = 0;
    cr_assert(qs_tempo_due(&tempo, 0));
    for (u64 now = 1; now < 5000 * PERIOD; now++) {
        if (!qs_tempo_due(&tempo, now))
            continue;
        least = now - last < least ? now - last : least;
        most = now - last > most ? now - last : most;
        last = now;
    }
    cr_assert(eq(u64, least, 750));
    cr_assert(eq(u64, most, 1250));
}

Test(tempo, tiles_started_together_part_company)
{
    qs_tempo_t a;
    qs_tempo_t b;
    qs_tempo_init(&a, PERIOD, 1, 0);
    qs_tempo_init(&b, PERIOD, 2, 0);
    u32 together = 0;
    for (u64 now = 0; now < 1000 * PERIOD; now++) {
        bool due = qs_tempo_due(&a, now);
        together += due & qs_tempo_due(&b, now);
    }
    cr_assert(together < 20);
}

Test(tempo, late_tile_is_told_once)
{
    qs_tempo_t tempo;
    qs_tempo_init(&tempo, PERIOD, 1, 0);
    cr_assert(qs_tempo_due(&tempo, 100 * PERIOD));
    cr_assert(not(qs_tempo_due(&tempo, 100 * PERIOD + 749)));
    cr_assert(qs_tempo_due(&tempo, 101 * PERIOD + 250));
}

Test(tempo, ticks_may_wrap)
{
    qs_tempo_t tempo;
    u64 start = UINT64_MAX - 100;
    qs_tempo_init(&tempo, PERIOD, 1, start);
    cr_assert(qs_tempo_due(&tempo, start));
    cr_assert(not(qs_tempo_due(&tempo, start + 1)));
    cr_assert(not(qs_tempo_due(&tempo, start + 749)));
    cr_assert(qs_tempo_due(&tempo, start + 1250));
}

Test(tempo, init_refuses_absurd_periods)
{
    qs_tempo_t tempo;
    cr_assert(eq(int, qs_tempo_init(&tempo, 0, 1, 0), -EINVAL));
    cr_assert(eq(int, qs_tempo_init(&tempo, (1ull << 62) + 1, 1, 0), -EINVAL));
    cr_assert(eq(int, qs_tempo_init(&tempo, 1, 1, 0), 0));
    cr_assert(qs_tempo_due(&tempo, 0));
    cr_assert(not(qs_tempo_due(&tempo, 0)));
    cr_assert(qs_tempo_due(&tempo, 1));
}

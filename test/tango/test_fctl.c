/* Goal: a producer never gets a credit that would let it overwrite what a consumer it waits for
   still needs, and an expendable consumer cannot hold it up longer than its patience.
   Method: fseqs are set by hand, the clock is a number; then a random run. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/qs_fctl.h"
#include "tango/rand.h"

#define WINDOW   16u
#define PATIENCE 100u

static qs_fctl_t fctl;
static qs_fseq_t slow, quick;

static void
two_consumers(void)
{
    qs_fctl_init(&fctl, WINDOW, PATIENCE);
    qs_fseq_update(&slow, 0);
    qs_fseq_update(&quick, 0);
}

static void
add(qs_fseq_t const *fseq, bool expendable)
{
    cr_assert(eq(int, qs_fctl_add(&fctl, fseq, expendable), 0));
}

TestSuite(fctl, .init = two_consumers);

Test(fctl, without_consumers_there_is_always_the_whole_window)
{
    cr_assert(eq(u64, qs_fctl_query(&fctl, 0, 0), WINDOW));
    cr_assert(eq(u64, qs_fctl_query(&fctl, UINT64_MAX, UINT64_MAX), WINDOW));
}

Test(fctl, credits_follow_the_slowest_consumer)
{
    add(&slow, false);
    add(&quick, false);
    for (u64 seq = 0; seq <= WINDOW; seq++) {
        qs_fseq_update(&quick, seq);
        cr_assert(eq(u64, qs_fctl_query(&fctl, seq, 0), WINDOW - seq));
    }
    qs_fseq_update(&slow, 1);
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, 0), 1));
    qs_fseq_update(&slow, WINDOW);
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, 0), WINDOW));
}

Test(fctl, credits_are_right_where_sequences_wrap)
{
    add(&slow, false);
    qs_fseq_update(&slow, UINT64_MAX - 2);
    cr_assert(eq(u64, qs_fctl_query(&fctl, UINT64_MAX, 0), WINDOW - 2));
    cr_assert(eq(u64, qs_fctl_query(&fctl, 5, 0), WINDOW - 8));
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW - 3, 0), 0));
}

Test(fctl, a_needed_consumer_that_stands_still_is_waited_for_without_end)
{
    add(&slow, false);
    for (u64 now = 0; now < 1000 * PATIENCE; now += PATIENCE)
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, now), 0));
    cr_assert(eq(u64, fctl.cut_total, 0));
}

Test(fctl, a_liar_ahead_of_the_producer_counts_as_level_with_it)
{
    add(&slow, false);
    add(&quick, false);
    qs_fseq_update(&slow, 100);
    qs_fseq_update(&quick, 101);
    cr_assert(eq(u64, qs_fctl_query(&fctl, 100, 0), WINDOW));
    qs_fseq_update(&quick, 100 + (1ull << 63) - 1);
    cr_assert(eq(u64, qs_fctl_query(&fctl, 100, 0), WINDOW));
}

Test(fctl, a_liar_further_behind_than_the_window_gets_its_owner_no_credit)
{
    add(&slow, false);
    qs_fseq_update(&slow, 100 - WINDOW - 1);
    cr_assert(eq(u64, qs_fctl_query(&fctl, 100, 0), 0));
    qs_fseq_update(&slow, 100 - (1ull << 62));
    cr_assert(eq(u64, qs_fctl_query(&fctl, 100, 0), 0));
}

Test(fctl, an_expendable_consumer_is_cut_when_patience_ends_and_not_before)
{
    u64 const start[] = {0, 1, 5000, UINT64_MAX - 10 * PATIENCE};

    for (u32 i = 0; i < QS_COUNT(start); i++) {
        two_consumers();
        add(&slow, true);
        add(&quick, false);
        qs_fseq_update(&quick, WINDOW);
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, start[i]), 0));
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, start[i]), 0));
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, start[i] + PATIENCE - 1), 0));
        cr_assert(eq(u64, fctl.cut_total, 0));
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, start[i] + PATIENCE), WINDOW));
        cr_assert(eq(u64, fctl.cut_total, 1));
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW + 1, start[i] + PATIENCE), WINDOW - 1));
        cr_assert(eq(u64, fctl.cut_total, 1));
    }
}

Test(fctl, patience_begins_anew_when_the_consumer_moves)
{
    add(&slow, true);
    for (u64 pos = 0; pos < 10; pos++) {
        qs_fseq_update(&slow, pos);
        u64 now = 1000 + pos * (PATIENCE - 1);
        cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW + pos, now), 0));
    }
    cr_assert(eq(u64, fctl.cut_total, 0));
}

Test(fctl, patience_counts_only_while_the_producer_has_no_credit)
{
    add(&slow, true);
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, 1000), 0));
    qs_fseq_update(&slow, 1);
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, 1001), 1));
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW + 1, 1000 + 2 * PATIENCE), 0));
    cr_assert(eq(u64, fctl.cut_total, 0));
}

Test(fctl, a_cut_consumer_is_waited_for_again_once_it_has_caught_up)
{
    add(&slow, true);
    qs_fctl_query(&fctl, WINDOW, 1000);
    cr_assert(eq(u64, qs_fctl_query(&fctl, WINDOW, 1000 + PATIENCE), WINDOW));

    qs_fseq_update(&slow, 5); /* it moves, but is still a window behind */
    cr_assert(eq(u64, qs_fctl_query(&fctl, 5 + WINDOW, 2000), WINDOW));
    qs_fseq_update(&slow, 6);
    cr_assert(eq(u64, qs_fctl_query(&fctl, 5 + WINDOW, 2001), 1));
    cr_assert(eq(u64, qs_fctl_query(&fctl, 6 + WINDOW, 3000), 0)); /* with patience anew */
    cr_assert(eq(u64, qs_fctl_query(&fctl, 6 + WINDOW, 3000 + PATIENCE - 1), 0));
    cr_assert(eq(u64, qs_fctl_query(&fctl, 6 + WINDOW, 3000 + PATIENCE), WINDOW));
    cr_assert(eq(u64, fctl.cut_total, 2));
}

Test(fctl, one_consumer_too_many_is_refused)
{
    for (u32 i = 0; i < QS_FCTL_RX_MAX; i++)
        add(&quick, false);
    cr_assert(eq(int, qs_fctl_add(&fctl, &slow, false), -ENOSPC));
    qs_fseq_update(&quick, 3);
    cr_assert(eq(u64, qs_fctl_query(&fctl, 3, 0), WINDOW)); /* slow is not looked at */
}

Test(fctl, credits_never_reach_what_a_needed_consumer_still_needs)
{
    u64 state = 1;
    u64 seq = UINT64_MAX - 5000;
    qs_fseq_t fseq[4];

    for (u32 i = 0; i < QS_COUNT(fseq); i++) {
        qs_fseq_update(&fseq[i], seq);
        add(&fseq[i], i == 3);
    }
    for (u32 step = 0; step < 100000; step++) {
        u64 credits = qs_fctl_query(&fctl, seq, step);
        cr_assert(le(u64, credits, WINDOW));
        for (u32 i = 0; i < 3; i++)
            cr_assert(le(u64, seq + credits - fseq[i].seq, WINDOW));
        seq += rand_upto(&state, 0, credits);
        qs_fseq_t *some = &fseq[rand_next(&state) % (step % 1000 < 500 ? 3 : 4)];
        qs_fseq_update(some, some->seq + rand_upto(&state, 0, seq - some->seq));
    }
    cr_assert(fctl.cut_total > 10);
    cr_assert(seq - (UINT64_MAX - 5000) > 10000);
}

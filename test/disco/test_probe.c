/* Goal: an account tells new, late and repeated numbers apart within its window, and says repeated
   beyond it.  Method: chosen sequences, then random ones against a plain set. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/qs_probe.h"
#include "tango/rand.h"

static qs_account_t account;

static void
empty(void)
{
    memset(&account, 0, sizeof(account));
}

TestSuite(probe, .init = empty);

static void
sums_are(u64 received, u64 late, u64 repeated, u64 next)
{
    cr_assert(eq(u64, account.received, received));
    cr_assert(eq(u64, account.late, late));
    cr_assert(eq(u64, account.repeated, repeated));
    cr_assert(eq(u64, account.next, next));
}

Test(probe, numbers_in_order_are_all_new)
{
    for (u64 n = 0; n < 3 * (u64)QS_ACCOUNT_WINDOW; n++)
        cr_assert(eq(int, qs_account_add(&account, n), QS_ARRIVAL_NEW));
    sums_are(3 * (u64)QS_ACCOUNT_WINDOW, 0, 0, 3 * (u64)QS_ACCOUNT_WINDOW);
}

Test(probe, a_gap_can_be_filled_later_and_only_once)
{
    qs_account_add(&account, 0);
    cr_assert(eq(int, qs_account_add(&account, 5), QS_ARRIVAL_NEW));
    cr_assert(eq(int, qs_account_add(&account, 3), QS_ARRIVAL_LATE));
    cr_assert(eq(int, qs_account_add(&account, 3), QS_ARRIVAL_REPEATED));
    cr_assert(eq(int, qs_account_add(&account, 5), QS_ARRIVAL_REPEATED));
    cr_assert(eq(int, qs_account_add(&account, 0), QS_ARRIVAL_REPEATED));
    sums_are(3, 1, 3, 6);
}

Test(probe, what_lies_behind_the_window_counts_as_repeated)
{
    u64 last = 10 + (u64)QS_ACCOUNT_WINDOW;
    qs_account_add(&account, last);
    cr_assert(eq(int, qs_account_add(&account, 11), QS_ARRIVAL_LATE));
    cr_assert(eq(int, qs_account_add(&account, 10), QS_ARRIVAL_REPEATED));
    cr_assert(
        eq(int, qs_account_add(&account, last + 1000 * (u64)QS_ACCOUNT_WINDOW), QS_ARRIVAL_NEW));
    cr_assert(eq(int, qs_account_add(&account, last), QS_ARRIVAL_REPEATED));
}

Test(probe, a_random_walk_agrees_with_a_plain_set)
{
    enum { NUMBERS = 40000 };
    static bool seen[NUMBERS];
    u64 rng = 3, middle = 0, received = 0, repeated = 0;

    for (u32 i = 0; i < 4 * NUMBERS && middle < NUMBERS - 200; i++) {
        u64 n = middle + rand_upto(&rng, 0, 199);
        middle += rand_upto(&rng, 0, 1);
        qs_arrival_t got = qs_account_add(&account, n);
        cr_assert(eq(int, got == QS_ARRIVAL_REPEATED, seen[n]));
        received += !seen[n];
        repeated += seen[n];
        seen[n] = true;
    }
    cr_assert(eq(u64, account.received, received));
    cr_assert(eq(u64, account.repeated, repeated));
}

Test(probe, the_check_notices_each_field)
{
    qs_probe_t p = {.magic = QS_PROBE_MAGIC, .number = 77, .sent_ns = 1ull << 40};
    u64 check = qs_probe_check(&p);
    p.number++;
    cr_assert(ne(u64, qs_probe_check(&p), check));
    p.number--;
    p.sent_ns ^= 1;
    cr_assert(ne(u64, qs_probe_check(&p), check));
    p.sent_ns ^= 1;
    p.magic ^= 1ull << 63;
    cr_assert(ne(u64, qs_probe_check(&p), check));
}

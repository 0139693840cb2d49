/* Goal: an account tells new, late and repeated numbers apart within its window, and says repeated
   beyond it.  Method: chosen sequences, then random ones against a plain set. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* expect_whole claims that what a kill left in the account is repaired to what a whole add makes, and
   that the stem may present the number again. */
static void
expect_whole(qs_account_t const *left, u64 number, u32 step)
{
    account = *left;
    qs_account_repair(&account);
    u64 counted = account.received - 4;
    qs_account_add(&account, number);
    cr_assert(eq(u64, account.received, 5), "%lu, step %u", number, step);
    cr_assert(eq(u64, account.repeated, counted), "%lu, step %u", number, step);
    cr_assert(eq(u64, account.late, number == 3), "%lu, step %u", number, step);
    cr_assert(eq(u64, account.next, number == 3 ? 5 : number + 1), "%lu, step %u", number, step);
    for (u64 n = 0; n <= number; n++) {
        bool had = n < 3 || n == 4 || n == number;
        cr_assert(eq(int, qs_account_add(&account, n) == QS_ARRIVAL_REPEATED, had),
                  "%lu, step %u: %lu", number, step, n);
    }
}

Test(probe, a_kill_at_any_instruction_miscounts_nothing)
{
    static u64 const numbers[] = {5, 3, 70}; /* at the end, into a gap, over a gap */
    qs_account_t *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(shared != MAP_FAILED);
    for (u32 i = 0; i < QS_COUNT(numbers); i++) {
        int status;
        u32 step = 0;
        memset(shared, 0, sizeof(*shared));
        for (u64 n = 0; n < 5; n++)
            if (n != 3)
                qs_account_add(shared, n);
        pid_t pid = fork();
        if (!pid) {
            ptrace(PTRACE_TRACEME, 0, NULL, NULL);
            raise(SIGSTOP);
            qs_account_add(shared, numbers[i]);
            raise(SIGSTOP);
            _exit(0);
        }
        cr_assert(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
        do {
            expect_whole(shared, numbers[i], step++);
            cr_assert(eq(int, (int)ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0));
            cr_assert(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
        } while (WSTOPSIG(status) != SIGSTOP);
        cr_assert(step > 20);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
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

#include "disco/qs_probe.h"

static u64 *
word_of(qs_account_t *a, u64 number)
{
    return &a->seen[number / 64 % QS_COUNT(a->seen)];
}

/* forget clears the numbers that enter the window: those from a->next up to number. */
static void
forget(qs_account_t *a, u64 number)
{
    if (number - a->next >= QS_ACCOUNT_WINDOW) {
        memset(a->seen, 0, sizeof(a->seen));
        return;
    }
    for (u64 n = a->next; n <= number; n++)
        *word_of(a, n) &= ~(1ull << n % 64);
}

/* carry_out does what a->then says; done again from any point, it comes to the same. */
static void
carry_out(qs_account_t *a)
{
    u64 number = a->then.number;

    if (number >= a->next && a->then.marks)
        forget(a, number);
    if (a->then.marks)
        *word_of(a, number) |= 1ull << number % 64;
    if (number >= a->next)
        qs_store_release(&a->next, number + 1);
    qs_store_relaxed(&a->received, a->then.received);
    qs_store_relaxed(&a->repeated, a->then.repeated);
    qs_store_relaxed(&a->late, a->then.late);
    qs_store_release(&a->busy, 0);
}

void
qs_account_repair(qs_account_t *a)
{
    if (qs_load_acquire(&a->busy))
        carry_out(a);
}

qs_arrival_t
qs_account_add(qs_account_t *a, u64 number)
{
    bool fresh = number >= a->next;
    bool old = !fresh && a->next - number > QS_ACCOUNT_WINDOW;
    bool repeated = old || (!fresh && *word_of(a, number) >> number % 64 & 1);

    a->then.number = number;
    a->then.marks = !repeated;
    a->then.received = a->received + !repeated;
    a->then.repeated = a->repeated + repeated;
    a->then.late = a->late + (!repeated && !fresh);
    qs_store_release(&a->busy, 1);
    carry_out(a);
    return repeated ? QS_ARRIVAL_REPEATED : fresh ? QS_ARRIVAL_NEW : QS_ARRIVAL_LATE;
}

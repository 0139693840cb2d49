#include "disco/qs_probe.h"

static bool
test_and_set(qs_account_t *a, u64 number)
{
    u64 *word = &a->seen[number / 64 % QS_COUNT(a->seen)];
    u64 bit = 1ull << number % 64;
    bool was = *word & bit;

    *word |= bit;
    return was;
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
        a->seen[n / 64 % QS_COUNT(a->seen)] &= ~(1ull << n % 64);
}

qs_arrival_t
qs_account_add(qs_account_t *a, u64 number)
{
    if (number >= a->next) {
        forget(a, number);
        test_and_set(a, number);
        qs_store_relaxed(&a->next, number + 1);
        qs_store_relaxed(&a->received, a->received + 1);
        return QS_ARRIVAL_NEW;
    }
    if (a->next - number > QS_ACCOUNT_WINDOW || test_and_set(a, number)) {
        qs_store_relaxed(&a->repeated, a->repeated + 1);
        return QS_ARRIVAL_REPEATED;
    }
    qs_store_relaxed(&a->received, a->received + 1);
    qs_store_relaxed(&a->late, a->late + 1);
    return QS_ARRIVAL_LATE;
}

/* Goal: known addresses keep an allowance each, however many there are and whatever strangers send.
   Mechanism: proofs, floods and the clock of a test's. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "disco/gossip/qs_admit.h"

#define NOW_MS 1790000000000ull

static qs_admit_t admit;

static void
begin(void)
{
    void *mem = calloc(1, qs_admit_footprint());
    cr_assert(ne(ptr, mem, NULL));
    qs_admit_init(&admit, mem, (qs_hash_key_t){1, 2});
}

static void
end(void)
{
    free(admit.sender);
}

TestSuite(admit, .init = begin, .fini = end);

static u32
taken(u32 ip, u32 cnt, u64 now_ms)
{
    u32 n = 0;
    for (u32 i = 0; i < cnt; i++)
        n += qs_admit_take(&admit, ip, now_ms);
    return n;
}

Test(admit, five_thousand_are_known_at_once_and_strangers_take_nothing_from_them)
{
    for (u32 i = 0; i < 5000; i++)
        qs_admit_prove(&admit, 0x0b000001 + i, NOW_MS + 1000);
    cr_assert(eq(u32, taken(0xc0000001, 100000, NOW_MS), QS_ADMIT_STRANGERS_BURST));
    for (u32 i = 0; i < 5000; i++)
        cr_assert(qs_admit_take(&admit, 0x0b000001 + i, NOW_MS), "%u is forgotten", i);
}

Test(admit, strangers_share_one_allowance_and_a_known_one_has_no_more_than_its_own)
{
    qs_admit_prove(&admit, 7, NOW_MS + 1000);
    cr_assert(eq(u32, taken(7, 100000, NOW_MS), QS_ADMIT_KNOWN_BURST));
    cr_assert(eq(u32, taken(7, 100000, NOW_MS + 10), 10 * QS_ADMIT_KNOWN_RATE));
    cr_assert(eq(u32, taken(8, 3000, NOW_MS), 3000));
    cr_assert(eq(u32, taken(9, 3000, NOW_MS), QS_ADMIT_STRANGERS_BURST - 3000));
    cr_assert(eq(u32, taken(10, 3000, NOW_MS + 10), 10 * QS_ADMIT_STRANGERS_RATE));
}

Test(admit, proof_ends_and_is_renewed_without_a_new_allowance)
{
    qs_admit_prove(&admit, 7, NOW_MS + 1000);
    cr_assert(qs_admit_known(&admit, 7, NOW_MS + 999));
    cr_assert(not(qs_admit_known(&admit, 7, NOW_MS + 1000)));
    taken(7, 100000, NOW_MS);
    qs_admit_prove(&admit, 7, NOW_MS + 2000);
    cr_assert(zero(u32, taken(7, 1, NOW_MS)));
    cr_assert(qs_admit_known(&admit, 7, NOW_MS + 1999));
}

Test(admit, newcomer_takes_the_place_of_whom_the_proof_ends_first)
{
    /* Many more than there are places: whoever was proven longest ago must have given way. */
    for (u32 i = 0; i < 8 * QS_ADMIT_SLOTS; i++)
        qs_admit_prove(&admit, 1 + i, NOW_MS + i);
    u32 late = 0, early = 0;
    for (u32 i = 0; i < 1000; i++) {
        early += qs_admit_known(&admit, 1 + i, 0);
        late += qs_admit_known(&admit, 8 * QS_ADMIT_SLOTS - i, 0);
    }
    cr_assert(early == 0 && late > 990);
}

/* Goal: after twenty new values of an origin the best relayers are kept, and enough stake among them,
   and the others named; records are bounded and the longest unheard go first.
   Method: rules one by one, with stakes told by the test. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_received.h"

#define ORIGINS 8u

static qs_received_t received;
static void *memory;
static u64 stakes[256]; /* by the first byte of a key */
static u8 named[QS_RECEIVED_RELAYERS][32];

static void
open_cache(void)
{
    memory = calloc(1, qs_received_footprint(ORIGINS));
    qs_received_init(&received, memory, ORIGINS, (qs_hash_key_t){1, 2});
    memset(stakes, 0, sizeof(stakes));
}

static void
close_cache(void)
{
    free(memory);
}

TestSuite(received, .init = open_cache, .fini = close_cache);

static u64
stake_of(void *ctx, u8 const key[32])
{
    (void)ctx;
    return stakes[key[0]];
}

static void
push(u8 origin, u8 relayer, u32 dups, u32 times)
{
    u8 o[32] = {origin}, r[32] = {relayer};
    for (u32 i = 0; i < times; i++)
        qs_received_record(&received, o, r, dups);
}

static u32
prune(u8 origin, u64 own_stake)
{
    u8 o[32] = {origin};
    return qs_received_prune(&received, o, own_stake, stake_of, NULL, named);
}

Test(received, nothing_is_pruned_before_twenty_new_values)
{
    push(1, 10, 0, QS_RECEIVED_UPSERTS - 1);
    push(1, 11, 5, 100);
    push(1, 12, 5, 100);
    cr_assert(eq(u32, prune(1, 0), 0));
    push(1, 10, 0, 1);
    cr_assert(eq(u32, prune(1, 0), 1));
    cr_assert(eq(u32, prune(1, 0), 0), "it counts anew");
}

Test(received, without_stake_the_two_best_stay)
{
    push(1, 10, 0, 12);
    push(1, 11, 1, 30);
    push(1, 12, 0, 8);
    push(1, 13, 2, 50);
    push(1, 14, QS_RECEIVED_STALE, 50);
    cr_assert(eq(u32, prune(1, 0), 3));
    cr_assert(eq(u32, named[0][0], 12));
    cr_assert(eq(u32, named[1][0] + named[2][0], 13 + 14));
}

Test(received, more_stay_until_there_is_enough_stake_among_them)
{
    stakes[1] = 1000; /* the origin */
    stakes[12] = 100;
    stakes[13] = 60;
    push(1, 10, 0, 40);
    push(1, 11, 0, 30);
    push(1, 12, 0, 20);
    push(1, 13, 0, 10);
    push(1, 14, 0, 5);
    cr_assert(eq(u32, prune(1, 5000), 1)); /* 15 % of 1000 is reached with 12 and 13 */
    cr_assert(eq(u32, named[0][0], 14));
}

Test(received, the_origin_itself_is_never_pruned)
{
    push(1, 10, 0, 40);
    push(1, 11, 0, 30);
    push(1, 1, 5, 1);
    push(1, 12, 5, 1);
    cr_assert(eq(u32, prune(1, 0), 1));
    cr_assert(eq(u32, named[0][0], 12));
}

Test(received, relayers_beyond_the_bound_are_not_scored_but_their_values_count)
{
    for (u32 r = 0; r < 200; r++)
        push(1, (u8)(20 + r), 0, 1);
    cr_assert(eq(u32, prune(1, 0), QS_RECEIVED_RELAYERS - QS_RECEIVED_KEEP));
}

Test(received, the_origin_unheard_of_for_longest_makes_place)
{
    for (u32 round = 0; round < 3; round++) {
        for (u8 o = 1; o <= ORIGINS; o++)
            push(o, 10, 0, 7);
        push(1, 10, 1, 1); /* 1 is heard of again */
        push((u8)(100 + round), 10, 0, 1);
        for (u8 o = 1; o <= ORIGINS; o++) {
            u8 key[32] = {o};
            bool there = false;
            for (u32 i = 0; i < received.origin_cnt; i++)
                there |= !memcmp(received.origin[i].key, key, 32);
            cr_assert(eq(int, there, o != 2), "round %u origin %u", round, o);
        }
    }
    cr_assert(eq(u32, received.origin_cnt, ORIGINS));
}

/* Goal: values go to at most nine peers of the right entry, never to who pruned their origin, and peers
   come and go one at a time, heavier ones more often.
   Method: rules one by one; draws counted over many rotations. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_active.h"

#define PEERS 40u
#define SOL   QS_LAMPORTS_A_SOL

static qs_active_t active;
static qs_peer_t peers[PEERS];
static qs_rng_t rng;
static void *memory;

static void
open_set(void)
{
    memory = calloc(1, qs_active_footprint());
    qs_active_init(&active, memory);
    qs_rng_init(&rng, 3, 0);
    for (u32 i = 0; i < PEERS; i++) {
        peers[i] = (qs_peer_t){.ip = i, .port = 8001, .stake = i < PEERS / 2 ? 0 : 1000 * SOL};
        qs_store_le32(peers[i].pubkey, i + 1);
    }
}

static void
close_set(void)
{
    free(memory);
}

TestSuite(active, .init = open_set, .fini = close_set);

Test(active, buckets_are_the_bits_of_the_stake_in_sol)
{
    static struct {
        u64 stake;
        u32 bucket;
    } const cases[] = {{0, 0},           {SOL - 1, 0},    {SOL, 1},
                       {2 * SOL, 2},     {3 * SOL, 2},    {4 * SOL, 3},
                       {1023 * SOL, 10}, {SOL << 23, 24}, {UINT64_MAX, 24}};
    for (u32 i = 0; i < QS_COUNT(cases); i++)
        cr_assert(eq(u32, qs_active_bucket(cases[i].stake), cases[i].bucket), "case %u", i);
}

Test(active, an_entry_fills_up_and_then_changes_one_peer_at_a_time)
{
    cr_assert(eq(u32, qs_active_rotate(&active, 3, peers, 5, &rng), 5));
    cr_assert(eq(u32, qs_active_rotate(&active, 3, peers, 5, &rng), 0));
    cr_assert(eq(u32, qs_active_rotate(&active, 3, peers, PEERS, &rng), QS_ACTIVE_PEERS - 5));
    for (u32 round = 0; round < 100; round++) {
        struct qs_active_entry before = active.entry[3];
        cr_assert(eq(u32, qs_active_rotate(&active, 3, peers, PEERS, &rng), 1));
        for (u32 i = 0; i + 1 < QS_ACTIVE_PEERS; i++)
            cr_assert(eq(
                int, memcmp(&active.entry[3].peer[i], &before.peer[i + 1], sizeof(before.peer[0])),
                0));
    }
    cr_assert(eq(u32, active.entry[2].cnt, 0));
}

Test(active, a_value_goes_to_nine_that_did_not_prune_its_origin)
{
    qs_active_peer_t const *target[QS_ACTIVE_FANOUT];
    u8 origin[32] = {99}, other[32] = {98};

    qs_active_rotate(&active, 0, peers, PEERS, &rng);
    u32 cnt = qs_active_targets(&active, origin, 0, false, target);
    cr_assert(eq(u32, cnt, QS_ACTIVE_FANOUT));
    u8 pruner[32];
    memcpy(pruner, target[4]->pubkey, 32);
    qs_active_prune(&active, pruner, origin, 0);
    cnt = qs_active_targets(&active, origin, 0, false, target);
    cr_assert(eq(u32, cnt, QS_ACTIVE_FANOUT));
    for (u32 i = 0; i < cnt; i++)
        cr_assert(ne(int, memcmp(target[i]->pubkey, pruner, 32), 0));
    bool there = false;
    for (u32 own = 0; own < 2;
         own++) { /* what is ours goes to it all the same; so does another's */
        cnt = qs_active_targets(&active, own ? origin : other, 0, own, target);
        there = false;
        for (u32 i = 0; i < cnt; i++)
            there |= !memcmp(target[i]->pubkey, pruner, 32);
        cr_assert(there);
    }
}

Test(active, a_peers_own_values_do_not_go_back_to_it)
{
    qs_active_peer_t const *target[QS_ACTIVE_FANOUT];

    qs_active_rotate(&active, 0, peers, 1, &rng);
    cr_assert(eq(u32, qs_active_targets(&active, peers[0].pubkey, 0, false, target), 0));
    cr_assert(eq(u32, qs_active_targets(&active, peers[1].pubkey, 0, false, target), 1));
}

Test(active, a_prune_goes_with_the_peer_that_sent_it)
{
    qs_active_peer_t const *target[QS_ACTIVE_FANOUT];
    u8 origin[32] = {99};

    qs_active_rotate(&active, 0, peers, QS_ACTIVE_PEERS, &rng);
    for (u32 i = 0; i < QS_ACTIVE_PEERS; i++)
        qs_active_prune(&active, peers[i].pubkey, origin, 0);
    cr_assert(eq(u32, qs_active_targets(&active, origin, 0, false, target), 0));
    qs_active_remove(&active, peers[3].pubkey);
    cr_assert(eq(u32, active.entry[0].cnt, QS_ACTIVE_PEERS - 1));
    cr_assert(eq(u32, qs_active_targets(&active, origin, 0, false, target), 0));
    cr_assert(eq(u32, qs_active_rotate(&active, 0, &peers[20], 1, &rng), 1));
    cr_assert(eq(u32, qs_active_targets(&active, origin, 0, false, target), 1));
    cr_assert(eq(int, memcmp(target[0]->pubkey, peers[20].pubkey, 32), 0));
}

Test(active, what_weighs_more_is_drawn_more_often_where_weight_counts)
{
    u32 heavy[2] = {0};
    u32 const buckets[2] = {0, 24};

    for (u32 b = 0; b < 2; b++) {
        qs_active_rotate(&active, buckets[b], peers, PEERS, &rng);
        for (u32 round = 0; round < 2000; round++) {
            qs_active_rotate(&active, buckets[b], peers, PEERS, &rng);
            heavy[b] += active.entry[buckets[b]].peer[QS_ACTIVE_PEERS - 1].ip >= PEERS / 2;
        }
    }
    cr_assert(ge(u32, heavy[0], 800 + 1)); /* half, within reason */
    cr_assert(heavy[0] < 1200);
    cr_assert(ge(u32, heavy[1], 1600 + 1));
}

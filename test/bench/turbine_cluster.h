/* turbine_cluster.h - a cluster of mainnet's size: 5,000 nodes with stake, 3,000 without, ourselves one of
   them.  Stakes fall as those of mainnet do: a few hold much, most hold little. */

#ifndef QS_TEST_BENCH_TURBINE_CLUSTER_H
#define QS_TEST_BENCH_TURBINE_CLUSTER_H

#include "bench/bench.h"
#include "disco/shred/qs_leaders.h"
#include "disco/shred/qs_turbine.h"
#include "tango/rand.h"

#define STAKED   5000u
#define UNSTAKED 3000u

static qs_turbine_t *turbine;
static u8 keys[STAKED + UNSTAKED][32];

static void *
cluster_memory(u64 sz)
{
    void *mem = NULL;
    QS_ASSERT(sz && !posix_memalign(&mem, QS_ALIGN, sz));
    return mem;
}

/* cluster_make fills turbine and keys; stake[] gets what a schedule is drawn from, if it is not null. */
static void
cluster_make(u32 self, qs_leaders_stake_t stake[STAKED])
{
    u64 rng = 1, rejected[QS_TURBINE_REASON_CNT];
    qs_turbine_rules_t rules = {0};
    turbine =
        qs_turbine_init(cluster_memory(qs_turbine_footprint(10000)), 10000, (qs_hash_key_t){1, 2});
    for (u32 i = 0; i < STAKED + UNSTAKED; i++)
        for (u32 k = 0; k < 32; k += 8)
            qs_store_le64(keys[i] + k, rand_next(&rng));
    memcpy(rules.self, keys[self], 32);
    qs_turbine_begin(turbine, &rules);
    for (u32 i = 0; i < STAKED + UNSTAKED; i++) {
        u64 lamports = 400000000000000000ull / ((i + 30) * 7ull);
        if (i < STAKED)
            QS_ASSERT(!qs_turbine_add_stake(turbine, keys[i], lamports));
        QS_ASSERT(!qs_turbine_add_peer(turbine, keys[i], 0x08000000 + i, 8003, 0));
        if (!stake || i >= STAKED)
            continue;
        memcpy(stake[i].key, keys[i], 32);
        memcpy(stake[i].ident, keys[i], 32);
        stake[i].stake = lamports;
    }
    qs_turbine_end(turbine, rejected);
}

#endif

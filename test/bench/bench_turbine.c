/* Children of the turbine tree, per shred: 5,000 nodes with stake, 3,000 without, ourselves one of the
   staked.  Stakes fall as those of mainnet do: a few hold much, most hold little.  Slots, leaders
   drawn by stake, and shreds are those of a whole epoch, sorted by where the tree puts us. */

#include "bench/bench.h"
#include "disco/shred/qs_leaders.h"
#include "disco/shred/qs_turbine.h"
#include "tango/rand.h"

#define WHAT                                                                                       \
    "turbine children per shred, 5,000 staked + 3,000 unstaked, mean over the slots of an epoch"
#define STAKED   5000u
#define UNSTAKED 3000u
#define SLOTS    432000u
#define ID_CNT   2048u

typedef struct job {
    u32 id_cnt, next;
    qs_turbine_id_t id[ID_CNT];
} job_t;

static qs_turbine_t *turbine;
static u8 keys[STAKED + UNSTAKED][32];
static qs_leaders_t leaders;

static void
children(void *ctx)
{
    job_t *job = ctx;
    u32 child[QS_TURBINE_FANOUT];
    qs_turbine_children(turbine, &job->id[job->next], child);
    job->next = job->next + 1 < job->id_cnt ? job->next + 1 : 0;
    bench_use(child);
}

static void *
memory(u64 sz)
{
    void *mem = NULL;
    QS_ASSERT(sz && !posix_memalign(&mem, QS_ALIGN, sz));
    return mem;
}

static void
make_cluster(u32 self)
{
    static qs_leaders_stake_t stake[STAKED];
    u64 rng = 1, rejected[QS_TURBINE_REASON_CNT];
    qs_turbine_rules_t rules = {0};
    turbine = qs_turbine_init(memory(qs_turbine_footprint(10000)), 10000, (qs_hash_key_t){1, 2});
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
        if (i >= STAKED)
            continue;
        memcpy(stake[i].key, keys[i], 32);
        memcpy(stake[i].ident, keys[i], 32);
        stake[i].stake = lamports;
    }
    qs_turbine_end(turbine, rejected);
    qs_leaders_init(&leaders, memory(qs_leaders_footprint(STAKED, SLOTS)), STAKED, SLOTS,
                    (qs_hash_key_t){3, 4});
    QS_ASSERT(!qs_leaders_compute(&leaders, 0, 0, SLOTS, stake, STAKED));
}

/* Who has children is in layer 1, or the root, of which there is one in thousands. */
static void
sort_ids(job_t *outside, job_t *inside)
{
    u64 rng = 2;
    while (outside->id_cnt < ID_CNT || inside->id_cnt < ID_CNT) {
        u64 slot = rand_next(&rng) % SLOTS;
        qs_turbine_id_t id = {.slot = slot, .idx = (u32)(rand_next(&rng) % 1024)};
        id.code = rand_next(&rng) & 1;
        id.leader = qs_leaders_find(&leaders, slot);
        u32 child[QS_TURBINE_FANOUT];
        job_t *job = qs_turbine_children(turbine, &id, child) ? inside : outside;
        if (job->id_cnt < ID_CNT)
            job->id[job->id_cnt++] = id;
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static job_t outside, inside;
    bench_init(&b, "turbine", argc, argv);
    make_cluster(500);
    sort_ids(&outside, &inside);
    bench_row_t row = {.what = WHAT, .fn = children, .ops = 1};
    row.variant = "outside layer 1", row.ctx = &outside;
    bench_add(&b, &row);
    row.variant = "in layer 1", row.ctx = &inside;
    bench_add(&b, &row);
    return bench_run(&b);
}

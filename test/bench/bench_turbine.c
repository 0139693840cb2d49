/* Children of the turbine tree, per shred, in a cluster of mainnet's size (turbine_cluster.h).  Slots,
   leaders drawn by stake, and shreds are those of a whole epoch, sorted by where the tree puts us. */

#include "bench/turbine_cluster.h"

#define WHAT                                                                                       \
    "turbine children per shred, 5,000 staked + 3,000 unstaked, mean over the slots of an epoch"
#define SLOTS  432000u
#define ID_CNT 2048u

typedef struct job {
    u32 id_cnt, next;
    qs_turbine_id_t id[ID_CNT];
} job_t;

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

static void
make_cluster(void)
{
    static qs_leaders_stake_t stake[STAKED];
    cluster_make(500, stake);
    qs_leaders_init(&leaders, cluster_memory(qs_leaders_footprint(STAKED, SLOTS)), STAKED, SLOTS,
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
    make_cluster();
    sort_ids(&outside, &inside);
    bench_row_t row = {.what = WHAT, .fn = children, .ops = 1};
    row.variant = "outside layer 1", row.ctx = &outside;
    bench_add(&b, &row);
    row.variant = "in layer 1", row.ctx = &inside;
    bench_add(&b, &row);
    return bench_run(&b);
}

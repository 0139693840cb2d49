/* What the shred tile does without its links: shreds in, verified, sets out and copied to where a ring
   would have them.  One core, the resolver of a tile.

   Shreds arrive as turbine delivers them: by set, a little out of order across neighbours.  Every
   proof is checked and one signature per set.  A call handles SET_CNT sets with a resolver that
   knows none of them; making it anew is part of the time.

   BATCH shreds at a time is a tile under load, which takes what has arrived meanwhile; 64 is one that
   keeps up with ease, and verifies signatures one or two at a time.  With retransmit the children of
   each shred that is new are found in a cluster of mainnet's size; sending is net's work. */

#include <sys/mman.h>

#include "bench/turbine_cluster.h"
#include "disco/shred/qs_resolver.h"
#include "disco/shred/shred_maker.h"

#define WHAT_ALL  "shred tile, 64 shreds in, set out, every proof checked"
#define WHAT_LOSS "same, 25 of 64 lost at random in every set"
#define SET_CNT   128u
#define LOST_CNT  25u
#define SPREAD    24u /* places that a shred may be late */
#define FRAG_SZ   (sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ)

typedef struct job {
    u32 cnt, batch;
    bool retransmits;
    qs_resolver_in_t in[64 * SET_CNT];
} job_t;

static qs_shredder_set_t *sets;
static qs_leaders_t leaders;
static qs_resolver_config_t config = {.set_cnt = 1024,
                                      .buf_cnt = 128,
                                      .slot_cnt = 64,
                                      .filter = {777, QS_SHRED_NO_ROOT, 0, QS_SHRED_IDX_LIMIT}};
static void *mem;
static u8 (*ring)[65536];

/* retransmit finds whom each new shred goes on to; all are one of the staked nodes'. */
static void
retransmit(qs_resolver_in_t const *in, qs_resolver_out_t const *out, u32 cnt)
{
    u32 child[QS_TURBINE_FANOUT];
    for (u32 i = 0; i < cnt; i++) {
        u8 const *shred = in[i].data;
        qs_turbine_id_t id = {.slot = qs_load_le64(shred + 65),
                              .idx = qs_load_le32(shred + 73),
                              .code = (shred[64] & 0xc0) == 0x40,
                              .leader = keys[7]};
        if (out[i].reason == QS_RESOLVER_R_ADMITTED || out[i].reason == QS_RESOLVER_R_LATE)
            qs_turbine_children(turbine, &id, child);
    }
    bench_use(child);
}

static void
run(void *ctx)
{
    job_t const *job = ctx;
    qs_resolver_out_t out[QS_RESOLVER_BATCH_MAX];
    u32 popped = 0;
    qs_resolver_t *r = qs_resolver_init(mem, &config, &leaders);
    for (u32 i = 0; i < job->cnt; i += job->batch) {
        u32 cnt = job->cnt - i < job->batch ? job->cnt - i : job->batch;
        qs_resolver_add(r, job->in + i, out, cnt);
        if (job->retransmits)
            retransmit(job->in + i, out, cnt);
        for (qs_fec_set_t const *s; (s = qs_resolver_pop(r));)
            memcpy(ring[popped++ % 16], s, FRAG_SZ);
    }
    QS_ASSERT(popped == SET_CNT && qs_resolver_counts(r)->set_flawed == 0);
    bench_use(ring[0]);
}

/* memory is in large pages where the kernel has them, as a tile's workspace is. */
static void *
memory(u64 sz)
{
    void *p = NULL;
    QS_ASSERT(sz && !posix_memalign(&p, 2u << 20, qs_align_up(sz, 2u << 20)));
    (void)madvise(p, qs_align_up(sz, 2u << 20), MADV_HUGEPAGE);
    memset(p, 0, sz);
    return p;
}

static void
make_sets(void)
{
    static maker_t maker;
    static u8 const parent[32];
    sets = memory(SET_CNT * sizeof(*sets));
    ring = memory(16 * sizeof(*ring));
    maker_init(&maker, 5, 777);
    maker_slot(&maker, sets, 64, 1, parent, 1);
    maker_slot(&maker, sets + 64, 64, 2, sets[63].root, 2);
    qs_leaders_init(&leaders, memory(qs_leaders_footprint(1, 8)), 1, 8, (qs_hash_key_t){1, 2});
    qs_leaders_epoch_t *e = qs_leaders_open(&leaders);
    for (u32 i = 0; i < 8; i++)
        QS_ASSERT(!qs_leaders_set(&leaders, e, i, maker.identity));
    QS_ASSERT(!qs_leaders_close(&leaders, e, 0, 0, 8));
}

/* deliver lists the shreds that arrive, lost ones left out, in the order in which they do. */
static void
deliver(job_t *job, u32 lost)
{
    u64 rng = 7;
    for (u32 i = 0; i < SET_CNT; i++) {
        u64 keep = UINT64_MAX;
        while (64 - (u32)__builtin_popcountll(keep) < lost)
            keep &= ~(1ull << rand_next(&rng) % 64);
        for (u32 k = 0; k < 64; k++) {
            qs_resolver_in_t *in = &job->in[job->cnt];
            in->data = maker_shred(&sets[i], k, &in->sz);
            job->cnt += keep >> k & 1;
        }
    }
    for (u32 i = 0; i + SPREAD < job->cnt; i++) {
        u32 with = i + (u32)(rand_next(&rng) % SPREAD);
        qs_resolver_in_t t = job->in[i];
        job->in[i] = job->in[with];
        job->in[with] = t;
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static job_t all, loss, all_64, loss_64, relay;
    bench_init(&b, "shred-tile", argc, argv);
    make_sets();
    cluster_make(500, NULL);
    mem = memory(qs_resolver_footprint(&config));
    deliver(&all, 0);
    deliver(&loss, LOST_CNT);
    all_64 = all, loss_64 = loss, relay = all;
    relay.retransmits = true;
    all.batch = loss.batch = QS_RESOLVER_BATCH_MAX;
    relay.batch = QS_RESOLVER_BATCH_MAX;
    all_64.batch = loss_64.batch = 64;
    bench_row_t row = {.what = WHAT_ALL, .fn = run, .ops = all.cnt};
    row.variant = "no retransmit", row.ctx = &all;
    bench_add(&b, &row);
    row.variant = "batches of 64", row.ctx = &all_64;
    bench_add(&b, &row);
    row.variant = "retransmit to a cluster of 8,000", row.ctx = &relay;
    bench_add(&b, &row);
    row.what = WHAT_LOSS, row.ops = loss.cnt;
    row.variant = "no retransmit", row.ctx = &loss;
    bench_add(&b, &row);
    row.variant = "batches of 64", row.ctx = &loss_64;
    bench_add(&b, &row);
    return bench_run(&b);
}

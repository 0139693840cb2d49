/* What one FEC set costs the resolver, by what arrived of it: 32 shreds in, 32 proofs and a signature
   checked, the other 32 recovered, all 64 hashed, the set out.  SET_CNT sets a call, their signatures
   verified together; the resolver, made anew for each call, is part of the time. */

#include "bench/bench.h"
#include "disco/shred/qs_resolver.h"
#include "disco/shred/shred_maker.h"

#define WHAT    "set recovered from 32 of its 64 shreds"
#define SET_CNT 16u

typedef struct job {
    qs_resolver_in_t in[32 * SET_CNT];
} job_t;

static qs_shredder_set_t sets[SET_CNT];
static qs_leaders_t leaders;
static void *mem;
static qs_resolver_config_t const config = {
    .set_cnt = 64, .buf_cnt = 32, .slot_cnt = 8, .filter = {777, QS_SHRED_NO_ROOT, 0, 32768}};

static void
run(void *ctx)
{
    job_t const *job = ctx;
    qs_resolver_out_t out[32 * SET_CNT];
    u32 popped = 0;
    qs_resolver_t *r = qs_resolver_init(mem, &config, &leaders);
    qs_resolver_add(r, job->in, out, 32 * SET_CNT);
    for (qs_fec_set_t const *s; (s = qs_resolver_pop(r)); popped++)
        bench_use(s);
    QS_ASSERT(popped == SET_CNT && !qs_resolver_counts(r)->set_flawed);
}

static void *
memory(u64 sz)
{
    void *p = NULL;
    QS_ASSERT(sz && !posix_memalign(&p, QS_ALIGN, sz));
    memset(p, 0, sz);
    return p;
}

static void
make_sets(void)
{
    static maker_t maker;
    static u8 const parent[32];
    maker_init(&maker, 5, 777);
    maker_slot(&maker, sets, SET_CNT, 1, parent, 1);
    qs_leaders_init(&leaders, memory(qs_leaders_footprint(1, 8)), 1, 8, (qs_hash_key_t){1, 2});
    qs_leaders_epoch_t *e = qs_leaders_open(&leaders);
    for (u32 i = 0; i < 8; i++)
        QS_ASSERT(!qs_leaders_set(&leaders, e, i, maker.identity));
    QS_ASSERT(!qs_leaders_close(&leaders, e, 0, 0, 8));
}

/* deliver takes the shreds whose bit is set in mask; 0: a random half. */
static void
deliver(job_t *job, u64 mask)
{
    u64 rng = 7;
    u32 cnt = 0;
    for (u32 i = 0; i < SET_CNT; i++) {
        u64 keep = mask;
        while (__builtin_popcountll(keep) < 32)
            keep |= 1ull << rand_next(&rng) % 64;
        for (; keep; keep &= keep - 1, cnt++)
            job->in[cnt].data = maker_shred(&sets[i], (u32)__builtin_ctzll(keep), &job->in[cnt].sz);
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static job_t jobs[3];
    static char const *const names[3] = {"all data", "all code", "a random half"};
    static u64 const masks[3] = {UINT32_MAX, ~(u64)UINT32_MAX, 0};
    bench_init(&b, "resolver", argc, argv);
    make_sets();
    mem = memory(qs_resolver_footprint(&config));
    for (u32 i = 0; i < 3; i++) {
        deliver(&jobs[i], masks[i]);
        bench_row_t row = {.what = WHAT, .variant = names[i], .fn = run, .ctx = &jobs[i]};
        row.ops = SET_CNT;
        bench_add(&b, &row);
    }
    return bench_run(&b);
}

/* dedup: what it takes to find out whether a transaction was seen, as the dedup tile does it: the lines
   of 16 tags are being fetched while one is looked up, and remembered in place of the oldest if it
   is new.

   The tags are random, so every look-up leaves the caches.  They are made beforehand, so many that one
   that comes again has been forgotten.  Memory is taken in 2 MiB pages if the pool has some, else
   as the kernel's transparent ones; what the kernel gave is looked up.

   The whole tile is measured too, in 4 KiB pages: 376 bytes of transaction and descriptor from a ring
   to a ring, what it costs to publish them for it included (one_thread.h). */

#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/txn_tiles.h"
#include "tango/base/qs_rng.h"
#include "tango/qs_tcache.h"

#define WHAT      "dedup, 4-million entries"
#define WHAT_TILE "dedup tile, ring to ring"
#define DEPTH     (4u << 20)
#define OPS       1024u
#define RECENT    (1u << 20)
#define FRESH     (5u << 20)

static qs_tcache_t cache;
static qs_rng_t rng;
static u64 recent[RECENT]; /* tags that were remembered at the start */
static u64 *fresh;         /* FRESH tags, taken in turn */

/* transparent_kb returns how much of this process lies in transparent huge pages. */
static u64
transparent_kb(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    unsigned long kb = 0;
    while (f && fgets(line, sizeof(line), f) && sscanf(line, "AnonHugePages: %lu", &kb) != 1)
        ;
    if (f)
        fclose(f);
    return kb;
}

static void *
take_memory(u64 sz, char const **pages)
{
    u64 huge = (sz + (2u << 20) - 1) & ~(u64)((2u << 20) - 1), before = transparent_kb();
    void *mem = mmap(NULL, huge, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
    *pages = "2 MiB pages";
    if (mem != MAP_FAILED)
        return mem;
    QS_ASSERT(!posix_memalign(&mem, 2u << 20, huge));
    madvise(mem, huge, MADV_HUGEPAGE);
    memset(mem, 0, huge);
    *pages = transparent_kb() - before >= huge / 1024 ? "transparent 2 MiB pages" : "4 KiB pages";
    return mem;
}

/* run_all is the tile's loop, without what publishing costs: the lines of so many tags ahead are always
   under way. */
QS_INLINE u32
run_all(u64 const *tag, u32 ahead)
{
    u32 passed = 0;
    for (u32 i = 0; i < ahead; i++)
        qs_tcache_prefetch(&cache, tag[i]);
    for (u32 i = 0; i < OPS; i++) {
        u64 place = 0;
        if (ahead && i + ahead < OPS)
            qs_tcache_prefetch(&cache, tag[i + ahead]);
        if (qs_tcache_seek(&cache, tag[i], &place))
            continue;
        qs_tcache_insert_at(&cache, place, tag[i]);
        passed++;
    }
    return passed;
}

QS_INLINE void
run_new(u32 ahead)
{
    static u32 at;
    QS_ASSERT(run_all(fresh + at, ahead) == OPS);
    at = (at + OPS) % FRESH;
}

static void
all_new(void *ctx)
{
    (void)ctx, run_new(16);
}
static void
all_new_32(void *ctx)
{
    (void)ctx, run_new(32);
}
static void
all_new_alone(void *ctx)
{
    (void)ctx, run_new(0);
}

/* all_seen looks up tags from anywhere in the ring. */
static void
all_seen(void *ctx)
{
    (void)ctx;
    static u32 at;
    at = (at + OPS) % RECENT;
    QS_ASSERT(run_all(recent + at, 16) <= OPS); /* some have aged meanwhile */
}

static bench_t b;
static qs_tile_t const gen = SOURCE_TILE("verify", "dedup");
static qs_tile_t const out = END_TILE("out", "dedup");

static void
through_tile(void *ctx)
{
    (void)ctx;
    u64 before = out_cnt;
    for (u32 i = 0; i < QS_BATCH; i++) {
        u8 *room = qs_stem_prepare(chain.stem[0], 0);
        QS_ASSERT(room);
        memset(room, (int)i, 376);
        qs_stem_publish(chain.stem[0], 0, qs_rng_u64(&rng), 376, 265, 0);
    }
    while (out_cnt < before + QS_BATCH) {
        chain_turn(1, &qs_tile_dedup);
        chain_turn(2, &out);
    }
}

static void
measure(void)
{
    bench_run(&b);
}

int
main(int argc, char **argv)
{
    static char variant[3][64];
    char const *pages;

    bench_init(&b, "dedup", argc, argv);
    void *mem = take_memory(qs_tcache_footprint(DEPTH), &pages);
    QS_ASSERT(!qs_tcache_new(mem, DEPTH) && !qs_tcache_join(&cache, mem, DEPTH));
    qs_rng_init(&rng, 1, 2);
    char const *unused;
    fresh = take_memory(FRESH * sizeof(u64), &unused);
    for (u32 i = 0; i < FRESH; i++)
        fresh[i] = qs_rng_u64(&rng);
    for (u32 i = 0; i < DEPTH + DEPTH / 2; i++) {
        recent[i % RECENT] = qs_rng_u64(&rng); /* the youngest in the end */
        qs_tcache_insert(&cache, recent[i % RECENT]);
    }
    snprintf(variant[0], sizeof(variant[0]), "new, 16 under way, %s", pages);
    snprintf(variant[1], sizeof(variant[1]), "seen, 16 under way");
    snprintf(variant[2], sizeof(variant[2]), "new, one by one");
    bench_add(&b, &(bench_row_t){.what = WHAT, .variant = variant[0], .fn = all_new, .ops = OPS});
    bench_add(&b, &(bench_row_t){.what = WHAT, .variant = variant[1], .fn = all_seen, .ops = OPS});
    bench_add(&b, &(bench_row_t){
                      .what = WHAT, .variant = "new, 32 under way", .fn = all_new_32, .ops = OPS});
    bench_add(&b,
              &(bench_row_t){.what = WHAT, .variant = variant[2], .fn = all_new_alone, .ops = OPS});
    static qs_link_row_t const links[] = {VERIFY_TO_DEDUP, DEDUP_TO_OUT, {0}};
    qs_tile_t const *const tiles[] = {&gen, &qs_tile_dedup, &out};
    static qs_config_t cfg;
    qs_config_init(&qs_config_table, &cfg);
    cfg.dedup.tag_depth = DEPTH;
    bench_add(&b, &(bench_row_t){
                      .what = WHAT_TILE, .variant = "new", .fn = through_tile, .ops = QS_BATCH});
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, measure);
    return 0;
}

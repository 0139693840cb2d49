/* The table of gossip's values with 100,000 in it: replacing, looking up, and answering a pull request.
   Values are contact infos of 250 bytes; keys are random, hashes given.  And all that a node does with
   pushes of values that it has not seen, beside the signatures of the same values alone. */

#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/gossip_push.h"
#include "disco/gossip/qs_bloom.h"
#include "disco/gossip/qs_crds_table.h"
#include "tango/base/qs_rng.h"

#define VALUES    100000u
#define BATCH     16u
#define VALUE_SZ  250u
#define WHAT      "CRDS upsert into 100,000 values, hash given / lookup, random keys in batches of 16"
#define WHAT_PULL "one pull request answered against 100,000 values"
#define WHAT_PUSH "values verified and inserted per core"
#define BARE      "bare ed25519 batch"

typedef struct job {
    qs_crds_table_t *t;
    qs_rng_t rng;
    u64 wallclock;
    u8 (*key)[32];
    qs_bloom_view_t bloom;
    u32 sent;
} job_t;

static u8 value[VALUE_SZ];

static void
item_of(job_t *j, qs_crds_item_t *item, u8 hash[32], u32 n)
{
    for (u32 i = 0; i < 4; i++)
        qs_store_le64(hash + 8 * i, qs_rng_u64(&j->rng));
    *item = (qs_crds_item_t){.value = value,
                             .origin = j->key[n],
                             .hash = hash,
                             .wallclock = ++j->wallclock,
                             .sz = VALUE_SZ,
                             .kind = QS_CRDS_CONTACT_INFO};
    item->label = qs_crds_label(j->t, item->kind, 0, item->origin);
}

/* What goes in is made before the clock runs; each time it goes in again it is newer by a little. */
#define ROUND 65536u
static qs_crds_item_t items[ROUND];
static u8 hashes[ROUND][32];

static void
warm(job_t *j, qs_crds_item_t const *item)
{
    u64 label[BATCH];
    for (u32 i = 0; i < BATCH; i++)
        label[i] = item[i].label;
    qs_crds_warm(j->t, label, BATCH);
}

static void
upsert(void *ctx)
{
    job_t *j = ctx;
    for (u32 i = 0; i < ROUND; i += BATCH) {
        warm(j, &items[i]);
        for (u32 k = 0; k < BATCH; k++) {
            items[i + k].wallclock = ++j->wallclock;
            hashes[i + k][i & 7]++;
            qs_crds_upsert(j->t, &items[i + k], QS_CRDS_BY_PUSH, 1, NULL);
        }
    }
}

static void
lookup(void *ctx)
{
    job_t *j = ctx;
    u32 sum = 0;
    for (u32 i = 0; i < ROUND; i += BATCH) {
        warm(j, &items[i]);
        for (u32 k = 0; k < BATCH; k++)
            sum += qs_crds_find(j->t, items[i + k].label, QS_CRDS_CONTACT_INFO, 0,
                                items[i + k].origin);
    }
    bench_use(&sum);
}

static void
answer(void *ctx)
{
    static u8 out[1232];
    job_t *j = ctx;
    u32 slot[64], next = 0, at = 44;

    j->sent = 0;
    while (next < j->t->conf.value_max) {
        u32 cnt = qs_crds_scan(j->t, 0x0400000000000000ull, 6, next, UINT32_MAX, slot, 64, &next);
        for (u32 i = 0; i < cnt; i++) {
            qs_crds_entry_t const *e = &j->t->entry[slot[i]];
            if (qs_bloom_contains(&j->bloom, e->hash))
                continue;
            if (at + e->sz > sizeof(out))
                at = 44, j->sent++;
            memcpy(out + at, qs_crds_value(j->t, slot[i]), e->sz);
            at += e->sz;
        }
    }
    bench_use(out);
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static qs_crds_table_t t;
    static u64 word[126], key[3] = {1, 2, 3};
    static job_t j = {.t = &t, .wallclock = 1};
    qs_crds_conf_t conf = {.value_max = VALUES,
                           .large_max = 32768,
                           .origin_max = 1u << 17,
                           .history_max = 65536,
                           .unstaked_max = 8,
                           .key = {7, 8}};

    bench_init(&b, "crds", argc, argv);
    qs_rng_init(&j.rng, 3, 0);
    u64 sz = qs_crds_table_footprint(&conf);
    void *mem = aligned_alloc(2u << 20, qs_align_up(sz, 2u << 20));
    QS_ASSERT(mem);
    madvise(mem, sz, MADV_HUGEPAGE);
    memset(mem, 0, sz);
    qs_crds_table_init(&t, mem, &conf);
    j.key = malloc(VALUES * sizeof(*j.key));
    for (u32 n = 0; n < VALUES; n++) {
        for (u32 i = 0; i < 4; i++)
            qs_store_le64(j.key[n] + 8 * i, qs_rng_u64(&j.rng));
        item_of(&j, &items[0], hashes[0], n);
        QS_ASSERT(qs_crds_upsert(&t, &items[0], QS_CRDS_BY_PULL, 1, NULL) == QS_CRDS_INSERTED);
    }
    for (u32 i = 0; i < ROUND; i++)
        item_of(&j, &items[i], hashes[i], (u32)(qs_rng_u64(&j.rng) % VALUES));
    for (u32 i = 0; i < QS_COUNT(word); i++) /* half of the bits: every eighth value is there */
        word[i] = qs_rng_u64(&j.rng);
    j.bloom =
        (qs_bloom_view_t){.key = (u8 *)key, .word = (u8 *)word, .key_cnt = 3, .bit_cnt = 8062};
    bench_add(&b, &(bench_row_t){
                      .what = WHAT, .variant = "upsert", .ops = ROUND, .fn = upsert, .ctx = &j});
    bench_add(&b, &(bench_row_t){
                      .what = WHAT, .variant = "lookup", .ops = ROUND, .fn = lookup, .ctx = &j});
    bench_add(
        &b,
        &(bench_row_t){
            .what = WHAT_PULL, .variant = "scan, filter, fill", .ops = 1, .fn = answer, .ctx = &j});
    push_bench_t *push = push_open();
    bench_add(&b, &(bench_row_t){.what = WHAT_PUSH,
                                 .variant = "pushes of 5 contact infos, 32 a batch",
                                 .against = BARE,
                                 .ops = PUSH_BATCH,
                                 .fn = push_receive,
                                 .ctx = push});
    bench_add(&b, &(bench_row_t){.what = WHAT_PUSH,
                                 .variant = "the same signatures",
                                 .peer = BARE,
                                 .ops = PUSH_BATCH,
                                 .fn = push_bare,
                                 .ctx = push});
    return bench_run(&b);
}

/* Gossip's Bloom filters, sized as for a pull request beside a ContactInfo of 200 bytes: 7,616 bits, 3 keys,
   1,589 hashes. */

#include "bench/bench.h"
#include "disco/gossip/qs_bloom.h"
#include "tango/base/qs_rng.h"

#define ITEMS 1589u
#define BITS  7616u
#define LOOKS 8192u

#define WHAT_ADD "one hash put into a pull request's filter"
#define WHAT_HAS "one hash looked up in a pull request's filter"

typedef struct job {
    qs_bloom_t bloom;
    u64 word[BITS / 64];
    u8 item[ITEMS][32];
    u8 other[LOOKS][32];
} job_t;

static void
draw(qs_rng_t *rng, u8 hash[32])
{
    for (u32 i = 0; i < 4; i++)
        qs_store_le64(hash + 8 * i, qs_rng_u64(rng));
}

static void
fill(void *ctx)
{
    job_t *j = ctx;

    memset(j->word, 0, sizeof(j->word));
    j->bloom.set_cnt = 0;
    for (u32 i = 0; i < ITEMS; i++)
        qs_bloom_add(&j->bloom, j->item[i]);
    bench_use(j->word);
}

static u32
count(job_t const *j, u8 const (*item)[32], u32 cnt)
{
    qs_bloom_view_t view = qs_bloom_view(&j->bloom);
    u32 found = 0;

    for (u32 i = 0; i < cnt; i++)
        found += qs_bloom_contains(&view, item[i]);
    return found;
}

static void
look_there(void *ctx)
{
    job_t *j = ctx;
    u32 found = count(j, j->item, ITEMS);

    QS_ASSERT(found == ITEMS);
}

static void
look_absent(void *ctx)
{
    u32 found = count(ctx, ((job_t *)ctx)->other, LOOKS);

    bench_use(&found);
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static job_t j;
    qs_rng_t rng;

    bench_init(&b, "bloom", argc, argv);
    qs_rng_init(&rng, 5, 0);
    j.bloom = (qs_bloom_t){.word = j.word, .key_cnt = 3, .bit_cnt = BITS};
    for (u32 k = 0; k < 3; k++)
        j.bloom.key[k] = qs_rng_u64(&rng);
    for (u32 i = 0; i < ITEMS; i++)
        draw(&rng, j.item[i]);
    for (u32 i = 0; i < LOOKS; i++)
        draw(&rng, j.other[i]);
    fill(&j);
    bench_add(&b, &(bench_row_t){.what = WHAT_ADD,
                                 .variant = "3 keys, 7,616 bits, emptied every 1,589",
                                 .ops = ITEMS,
                                 .fn = fill,
                                 .ctx = &j});
    bench_add(
        &b,
        &(bench_row_t){
            .what = WHAT_HAS, .variant = "is there", .ops = ITEMS, .fn = look_there, .ctx = &j});
    bench_add(&b, &(bench_row_t){.what = WHAT_HAS,
                                 .variant = "is not there",
                                 .ops = LOOKS,
                                 .fn = look_absent,
                                 .ctx = &j});
    return bench_run(&b);
}

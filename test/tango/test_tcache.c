/* Goal: exactly the last depth different tags are known, however they collide and however often
   the process is replaced.  Method: random operations beside a naive model (an array searched
   from end to end), at several depths and with tags chosen to collide. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tango/base/qs_rng.h"
#include "tango/qs_tcache.h"

#define DEPTH_MAX  64u
#define TAG_SPREAD 0x9e3779b97f4a7c15ull /* odd: different numbers make different tags */

static alignas(QS_ALIGN) u8 mem[4096];
static qs_tcache_t tcache;

/* The model: known[0] is the oldest. */
static u64 known[DEPTH_MAX];
static u64 known_cnt;

static bool
model_query(u64 tag)
{
    for (u64 i = 0; i < known_cnt; i++)
        if (known[i] == tag)
            return true;
    return false;
}

static void
model_insert(u64 tag, u64 depth)
{
    if (known_cnt == depth)
        memmove(known, known + 1, --known_cnt * sizeof(*known));
    known[known_cnt++] = tag;
}

/* A tag is one of choices values: (number << shift) + low. */
struct load {
    u64 depth;
    u64 choices;
    u64 low;
    u32 shift;
};

ParameterizedTestParameters(tcache, knows_exactly_the_last_depth_tags)
{
    static struct load loads[] = {
        {.depth = 1, .choices = 3},
        {.depth = 2, .choices = 5},
        {.depth = 7, .choices = 20},
        {.depth = 8, .choices = 16},
        {.depth = 64, .choices = 300},
        {.depth = 64, .choices = 100, .low = 77, .shift = 32},  /* all have one home      */
        {.depth = 64, .choices = 100, .low = 127, .shift = 32}, /* ... the map's last place */
        {.depth = 7, .choices = 12, .low = 13, .shift = 1},     /* long runs, many homes  */
        {.depth = 33, .choices = 60, .low = 120, .shift = 3},
    };
    return cr_make_param_array(struct load, loads, QS_COUNT(loads));
}

ParameterizedTest(struct load *load, tcache, knows_exactly_the_last_depth_tags)
{
    cr_assert(le(u64, qs_tcache_footprint(load->depth), sizeof(mem)));
    cr_assert(eq(int, qs_tcache_new(mem, load->depth), 0));
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, load->depth), 0));
    qs_rng_t rng;
    qs_rng_init(&rng, 6, load->depth);
    u32 dup_cnt = 0;
    for (u32 op = 0; op < 100000; op++) {
        u64 tag = (qs_rng_bounded(&rng, load->choices) << load->shift) + load->low;
        bool dup = model_query(tag);
        dup_cnt += dup;
        cr_assert(eq(int, qs_tcache_query(&tcache, tag), dup));
        if (qs_rng_bounded(&rng, 4)) {
            cr_assert(eq(int, qs_tcache_query_insert(&tcache, tag), dup));
            if (!dup)
                model_insert(tag, load->depth);
        }
        if (!qs_rng_bounded(&rng, 1000)) {
            memset(&tcache, 0xff, sizeof(tcache));
            cr_assert(eq(int, qs_tcache_join(&tcache, mem, load->depth), 0));
        }
    }
    cr_assert(dup_cnt > 1000 && dup_cnt < 99000, "%u duplicates", dup_cnt);
}

Test(tcache, oldest_leaves_first_and_a_repeat_does_not_make_young)
{
    qs_tcache_new(mem, 3);
    qs_tcache_join(&tcache, mem, 3);
    for (u64 tag = 1; tag <= 3; tag++)
        cr_assert(not(qs_tcache_query_insert(&tcache, tag)));
    cr_assert(qs_tcache_query_insert(&tcache, 1));
    qs_tcache_insert(&tcache, 4);
    cr_assert(not(qs_tcache_query(&tcache, 1)));
    cr_assert(qs_tcache_query(&tcache, 2));
    cr_assert(qs_tcache_query(&tcache, 4));
}

Test(tcache, tag_zero_is_a_tag)
{
    qs_tcache_new(mem, 2);
    qs_tcache_join(&tcache, mem, 2);
    cr_assert(not(qs_tcache_query(&tcache, 0)));
    cr_assert(not(qs_tcache_query_insert(&tcache, 0)));
    cr_assert(qs_tcache_query_insert(&tcache, 0));
    cr_assert(qs_tcache_query(&tcache, QS_TCACHE_TAG0));
    qs_tcache_insert(&tcache, 1);
    qs_tcache_insert(&tcache, 2);
    cr_assert(not(qs_tcache_query(&tcache, 0)));
}

/* A process can die between any two stores of an insert; what it leaves in the map, which
   fills the end of the memory, must not matter. */
Test(tcache, join_trusts_nothing_in_the_map)
{
    qs_tcache_new(mem, 64);
    qs_tcache_join(&tcache, mem, 64);
    for (u64 tag = 1; tag <= 100; tag++)
        qs_tcache_insert(&tcache, tag);
    u64 map_sz = 128 * sizeof(u64);
    memset(mem + qs_tcache_footprint(64) - map_sz, 0x55, map_sz);
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 64), 0));
    for (u64 tag = 1; tag <= 100; tag++)
        cr_assert(eq(int, qs_tcache_query(&tcache, tag), tag > 36));
    cr_assert(not(qs_tcache_query_insert(&tcache, 1000)));
    cr_assert(not(qs_tcache_query(&tcache, 37)));
}

/* The child counts every insert that returned, so all but perhaps the oldest of the last 64 must
   be there when it was killed.  It is killed after it was seen at work, 50 times. */
Test(tcache, a_killed_process_loses_at_most_the_oldest, .timeout = 60)
{
    int flags = MAP_SHARED | MAP_ANONYMOUS;
    u8 *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, -1, 0);
    cr_assert(shared != MAP_FAILED);
    u64 *done = (u64 *)(shared + 4096); /* tags 1 .. done are in, the last 64 remembered */
    cr_assert(eq(int, qs_tcache_new(shared, 64), 0));

    for (u32 round = 0; round < 50; round++) {
        u64 seen = *done;
        pid_t child = fork();
        cr_assert(ne(int, child, -1));
        if (!child) {
            cr_assert(eq(int, qs_tcache_join(&tcache, shared, 64), 0));
            for (u64 tag = seen + 1;; tag++) {
                qs_tcache_insert(&tcache, tag * TAG_SPREAD);
                qs_store_release(done, tag);
            }
        }
        while (qs_load_acquire(done) < seen + 1000 + round)
            qs_pause();
        kill(child, SIGKILL);
        cr_assert(eq(int, waitpid(child, NULL, 0), child));

        cr_assert(eq(int, qs_tcache_join(&tcache, shared, 64), 0));
        for (u64 tag = *done - 62; tag <= *done; tag++)
            cr_assert(qs_tcache_query(&tcache, tag * TAG_SPREAD));
        cr_assert(not(qs_tcache_query(&tcache, (*done - 64) * TAG_SPREAD)));
    }
}

/* A ring that holds a tag twice cannot come from us, but must not break us. */
Test(tcache, a_forged_ring_does_no_harm)
{
    qs_tcache_new(mem, 8);
    qs_tcache_join(&tcache, mem, 8);
    for (u32 i = 0; i < 8; i++)
        tcache.ring[i] = 7 + i / 4;
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 8), 0));
    for (u64 tag = 100; tag < 108; tag++)
        cr_assert(not(qs_tcache_query_insert(&tcache, tag)));
    for (u64 tag = 100; tag < 108; tag++)
        cr_assert(qs_tcache_query(&tcache, tag));
    cr_assert(not(qs_tcache_query(&tcache, 7)));
    cr_assert(not(qs_tcache_query(&tcache, 8)));
}

Test(tcache, prefetch_changes_nothing)
{
    qs_tcache_new(mem, 3);
    qs_tcache_join(&tcache, mem, 3);
    qs_tcache_insert(&tcache, 1);
    u64 tags[8] = {0, 1, 2, 3, 4, 5, 6, UINT64_MAX};
    qs_tcache_prefetch(&tcache, tags, QS_COUNT(tags), 0);
    for (u32 i = 0; i < QS_COUNT(tags); i++)
        cr_assert(eq(int, qs_tcache_query(&tcache, tags[i]), tags[i] == 1));
}

Test(tcache, footprint_grows_with_depth)
{
    cr_assert(eq(u64, qs_tcache_footprint(0), 0));
    cr_assert(eq(u64, qs_tcache_footprint((1ull << 30) + 1), 0));
    cr_assert(eq(u64, qs_tcache_footprint(1ull << 20), QS_ALIGN + 8 * (3ull << 20)));
}

struct bad_new {
    u64 depth;
    u64 off;
    int err;
};

ParameterizedTestParameters(tcache, new_rejects)
{
    static struct bad_new bad[] = {
        {.depth = 0, .err = -EINVAL},
        {.depth = (1ull << 30) + 1, .err = -EINVAL},
        {.depth = 4, .off = 64, .err = -EFAULT},
    };
    return cr_make_param_array(struct bad_new, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_new *p, tcache, new_rejects)
{
    cr_assert(eq(int, qs_tcache_new(mem + p->off, p->depth), p->err));
}

Test(tcache, join_rejects)
{
    cr_assert(eq(int, qs_tcache_new(NULL, 4), -EFAULT));
    cr_assert(eq(int, qs_tcache_join(&tcache, NULL, 4), -EFAULT));
    cr_assert(eq(int, qs_tcache_join(&tcache, mem + 8, 4), -EFAULT));
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 4), -EPROTO)); /* all zero */
    qs_tcache_new(mem, 4);
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 0), -EPROTO));
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 5), -EPROTO));
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 4), 0));
    for (u32 word = 0; word < 3; word++) { /* magic, depth, next */
        u64 kept;
        memcpy(&kept, mem + 8 * word, 8);
        memset(mem + 8 * word, 0xff, 8);
        cr_assert(eq(int, qs_tcache_join(&tcache, mem, 4), -EPROTO));
        memcpy(mem + 8 * word, &kept, 8);
    }
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 4), 0));
}

Test(tcache, forgetting_takes_the_oldest_and_leaves_the_rest)
{
    enum { N = 64 };
    qs_tcache_t t;
    void *mem = aligned_alloc(QS_ALIGN, qs_tcache_footprint(N));
    cr_assert(eq(int, qs_tcache_new(mem, N), 0));
    cr_assert(eq(int, qs_tcache_join(&t, mem, N), 0));
    for (u64 round = 0; round < 5; round++) { /* the ring full, and in the middle of its round */
        u64 base = 1 + round * 1000, cnt = 40 + round * 6;
        for (u64 i = 0; i < cnt; i++)
            qs_tcache_insert(&t, base + i);
        u64 held = cnt < N ? cnt : N;
        for (u64 i = 0; i < held; i++) {
            cr_assert(qs_tcache_forget(&t, held - i));
            for (u64 k = cnt - held; k < cnt; k++)
                cr_assert(qs_tcache_query(&t, base + k) == (k > cnt - held + i));
        }
        cr_assert(not(qs_tcache_forget(&t, 1)));
    }
    free(mem);
}

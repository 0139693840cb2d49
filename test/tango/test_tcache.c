/* Goal: exactly the last depth different tags are known (where a block is one tag; else those and a
   few more), however they collide and however often the process is replaced.  Method: random
   operations beside a naive model (an array searched from end to end), at several depths and with
   tags chosen to collide; stamps are driven round. */

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
        {.depth = 64, .choices = 100, .low = 77, .shift = 32},  /* all have one home    */
        {.depth = 64, .choices = 100, .low = 127, .shift = 32}, /* ... the last line   */
        {.depth = 7, .choices = 12, .low = 13, .shift = 1},     /* long runs, many homes */
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
    qs_tcache_insert(&tcache, 1);
    qs_tcache_insert(&tcache, 2);
    cr_assert(not(qs_tcache_query(&tcache, 0)));
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

/* Lines that are all full and live cannot come from us, but must not keep us for ever; and they age. */
Test(tcache, forged_lines_do_no_lasting_harm, .timeout = 10)
{
    qs_tcache_new(mem, 64);
    qs_tcache_join(&tcache, mem, 64);
    for (u64 tag = 1; tag <= 64; tag++)
        qs_tcache_insert(&tcache, tag);
    u16 youngest = (u16)(tcache.next - 1);
    for (u64 i = 0; i <= tcache.mask; i++) {
        for (u32 k = 0; k < QS_TCACHE_WAYS; k++) {
            tcache.line[i].tag[k] = 500 + k;
            tcache.line[i].stamp[k] = youngest;
        }
        tcache.line[i].passed = youngest;
    }
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 64), 0));
    cr_assert(qs_tcache_query(&tcache, 500));
    for (u64 tag = 1000; tag < 1064; tag++)
        cr_assert(not(qs_tcache_query_insert(&tcache, tag)));
    cr_assert(qs_tcache_query(&tcache, 1063));
    for (u64 tag = 500; tag < 506; tag++)
        cr_assert(not(qs_tcache_query(&tcache, tag)));
}

/* Nobody comes near the line of 7 any more, so that only the sweep keeps it from coming back when the
   stamps have come round. */
Test(tcache, what_was_forgotten_stays_forgotten_when_stamps_come_round)
{
    enum { N = 4096 };
    void *big = aligned_alloc(QS_ALIGN, qs_tcache_footprint(N));
    cr_assert(eq(int, qs_tcache_new(big, N), 0));
    cr_assert(eq(int, qs_tcache_join(&tcache, big, N), 0));
    qs_tcache_insert(&tcache, 7);
    for (u64 i = 1; i < 3 * 65536; i++) {
        qs_tcache_insert(&tcache, i << 12 | (8 + i % 1900)); /* lines before 7's are free, too */
        cr_assert(eq(int, qs_tcache_query(&tcache, 7), i < N), "after %lu", i);
    }
    free(big);
}

/* Blocks of four tags here, of which 64 are ended after their first. */
Test(tcache, the_last_depth_tags_are_known_whatever_a_block_is)
{
    enum { N = 65536, BLOCK = 4, MORE = (QS_TCACHE_CLOSED_MAX + 2) * BLOCK };
    void *big = aligned_alloc(QS_ALIGN, qs_tcache_footprint(N));
    cr_assert(eq(int, qs_tcache_new(big, N), 0));
    cr_assert(eq(int, qs_tcache_join(&tcache, big, N), 0));
    for (u64 round = 0; round < 2; round++) {
        u64 base = round * 4 * N, cnt = 2 * N + 1 + round;
        for (u64 i = 1; i <= cnt; i++) {
            qs_tcache_insert(&tcache, (base + i) * TAG_SPREAD);
            if (round && i % 1000 == 0 && i > cnt - 64000)
                qs_tcache_mark(&tcache);
        }
        cr_assert(eq(int, qs_tcache_join(&tcache, big, N), 0));
        for (u64 i = 1; i <= cnt; i++) {
            bool known = qs_tcache_query(&tcache, (base + i) * TAG_SPREAD);
            cr_assert(i + N <= cnt || known, "%lu of %lu", i, cnt);
            cr_assert(i + N + MORE > cnt || !known, "%lu of %lu", i, cnt);
        }
    }
    free(big);
}

Test(tcache, prefetch_changes_nothing)
{
    qs_tcache_new(mem, 3);
    qs_tcache_join(&tcache, mem, 3);
    qs_tcache_insert(&tcache, 1);
    u64 tags[8] = {0, 1, 2, 3, 4, 5, 6, UINT64_MAX};
    for (u32 i = 0; i < QS_COUNT(tags); i++)
        qs_tcache_prefetch(&tcache, tags[i]);
    for (u32 i = 0; i < QS_COUNT(tags); i++)
        cr_assert(eq(int, qs_tcache_query(&tcache, tags[i]), tags[i] == 1));
}

Test(tcache, footprint_grows_with_depth)
{
    cr_assert(eq(u64, qs_tcache_footprint(0), 0));
    cr_assert(eq(u64, qs_tcache_footprint((1ull << 30) + 1), 0));
    cr_assert(eq(u64, qs_tcache_footprint(1ull << 20), QS_ALIGN + (32ull << 20)));
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
    for (u32 word = 0; word < 4; word++) { /* magic, depth, next, first */
        u64 kept;
        memcpy(&kept, mem + 8 * word, 8);
        memset(mem + 8 * word, 0xff, 8);
        cr_assert(eq(int, qs_tcache_join(&tcache, mem, 4), -EPROTO));
        memcpy(mem + 8 * word, &kept, 8);
    }
    cr_assert(eq(int, qs_tcache_join(&tcache, mem, 4), 0));
}

/* Also across a join, and with nothing new since the mark. */
ParameterizedTestParameters(tcache, forgetting_takes_what_came_before_a_mark_and_leaves_the_rest)
{
    static u64 depths[] = {300, 65536};
    return cr_make_param_array(u64, depths, QS_COUNT(depths));
}

ParameterizedTest(u64 *depth, tcache, forgetting_takes_what_came_before_a_mark_and_leaves_the_rest)
{
    void *big = aligned_alloc(QS_ALIGN, qs_tcache_footprint(*depth));
    cr_assert(eq(int, qs_tcache_new(big, *depth), 0));
    cr_assert(eq(int, qs_tcache_join(&tcache, big, *depth), 0));
    for (u64 round = 0; round < 50; round++) {
        u64 base = 1 + round * 1000, before = round * 3 % 101, after = round * 7 % 97;
        for (u64 i = 0; i < before; i++)
            qs_tcache_insert(&tcache, (base + i) * TAG_SPREAD);
        u64 mark = qs_tcache_mark(&tcache);
        for (u64 i = 0; i < after; i++)
            qs_tcache_insert(&tcache, (base + before + i) * TAG_SPREAD);
        qs_tcache_forget(&tcache, mark);
        qs_tcache_forget(&tcache, mark - 1); /* is done already */
        cr_assert(eq(int, qs_tcache_join(&tcache, big, *depth), 0));
        for (u64 i = 0; i < before + after; i++)
            cr_assert(eq(int, qs_tcache_query(&tcache, (base + i) * TAG_SPREAD), i >= before));
        qs_tcache_forget(&tcache, qs_tcache_mark(&tcache));
        for (u64 i = 0; i < before + after; i++)
            cr_assert(not(qs_tcache_query(&tcache, (base + i) * TAG_SPREAD)));
    }
    free(big);
}

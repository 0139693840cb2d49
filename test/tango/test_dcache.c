/* Goal: the payloads that a consumer may still read are never where the producer writes, and no
   descriptor, however forged, leads outside.
   Method: the producer's walk is simulated with random sizes, windows and mtus while the window
   newest payloads are remembered; borders by table. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "tango/qs_dcache.h"
#include "tango/rand.h"

#define WINDOW_MAX 64u

typedef struct span {
    u32 begin;
    u32 end;
} span_t;

static qs_dcache_t dc;
static span_t live[WINDOW_MAX]; /* payload n at n % window */

static span_t
span_at(u32 chunk, u64 sz)
{
    return (span_t){chunk, chunk + (u32)(qs_align_up(sz, QS_CHUNK_SZ) / QS_CHUNK_SZ)};
}

static u64
some_sz(u64 *state, u64 mtu)
{
    switch (rand_next(state) % 4) {
    case 0:
        return mtu;
    case 1:
        return rand_upto(state, 0, qs_min_u64(mtu, 2 * QS_CHUNK_SZ));
    default:
        return rand_upto(state, 0, mtu);
    }
}

/* walk writes cnt payloads as a producer does, which knows a payload's size only afterwards: while
   it writes, all of an mtu may change. */
static void
walk(u64 window, u64 mtu, u32 cnt, u64 *state)
{
    u32 chunk = dc.chunk0;

    memset(live, 0, sizeof(live));
    for (u32 n = 0; n < cnt; n++) {
        span_t mine = span_at(chunk, mtu);
        cr_assert(qs_dcache_holds(&dc, chunk, 0, (u32)mtu));
        live[n % window] = (span_t){0, 0}; /* reserve has said so */
        for (u64 i = 0; i < window; i++)
            cr_assert(live[i].end <= mine.begin || live[i].begin >= mine.end,
                      "payload %u overwrites a live one: window %lu mtu %lu", n, window, mtu);
        u64 sz = some_sz(state, mtu);
        live[n % window] = span_at(chunk, sz);
        chunk = qs_dcache_next(&dc, chunk, (u32)sz);
    }
}

Test(dcache, the_window_newest_payloads_never_overlap_the_one_being_written)
{
    u64 state = 1;

    for (u32 round = 0; round < 400; round++) {
        u64 window = rand_upto(&state, 1, WINDOW_MAX);
        u64 mtu = round % 2 ? rand_upto(&state, 1, 300) : rand_upto(&state, 1, UINT16_MAX);
        u64 off = rand_upto(&state, 0, 1000) * QS_CHUNK_SZ;
        cr_assert(eq(int, qs_dcache_init(&dc, off, window, mtu), 0));
        walk(window, mtu, 1000, &state);
    }
}

Test(dcache, small_payloads_pack)
{
    cr_assert(eq(int, qs_dcache_init(&dc, 640, 4, 1232), 0));
    cr_assert(eq(u32, qs_dcache_next(&dc, 10, 64), 11));
    cr_assert(eq(u32, qs_dcache_next(&dc, 10, 65), 12));
    cr_assert(eq(u32, qs_dcache_next(&dc, 10, 1), 11));
    cr_assert(eq(u32, qs_dcache_next(&dc, 10, 0), 10));
}

Test(dcache, a_payload_may_begin_at_the_last_whole_mtu_and_not_behind_it)
{
    cr_assert(eq(int, qs_dcache_init(&dc, 640, 4, 1232), 0)); /* 20 chunks each, 5 of them */
    cr_assert(eq(u32, dc.chunk0, 10));
    cr_assert(eq(u32, dc.chunk1, 110));
    cr_assert(eq(u32, dc.wmark, 90));
    cr_assert(eq(u32, qs_dcache_next(&dc, 70, 1232), 90));
    cr_assert(eq(u32, qs_dcache_next(&dc, 71, 1232), 10));
    cr_assert(eq(u32, qs_dcache_next(&dc, 90, 0), 90));
    cr_assert(eq(u32, qs_dcache_next(&dc, 90, 1), 10));
}

Test(dcache, next_stays_inside_whatever_the_last_chunk_and_size_were)
{
    u32 const edge[] = {0,
                        1,
                        9,
                        10,
                        11,
                        89,
                        90,
                        91,
                        109,
                        110,
                        111,
                        1u << 31,
                        UINT32_MAX - 63,
                        UINT32_MAX - 1,
                        UINT32_MAX};
    u64 state = 2;

    for (u32 round = 0; round < 1000; round++) {
        u64 off = round ? rand_upto(&state, 0, 100) * QS_CHUNK_SZ : 640;
        cr_assert(eq(int, qs_dcache_init(&dc, off, 4, round ? 1 + round : 1232), 0));
        for (u32 i = 0; i < QS_COUNT(edge) * QS_COUNT(edge); i++) {
            u32 chunk = qs_dcache_next(&dc, edge[i / QS_COUNT(edge)], edge[i % QS_COUNT(edge)]);
            cr_assert(chunk >= dc.chunk0 && chunk <= dc.wmark);
        }
    }
}

struct hold {
    u32 chunk;
    u32 off;
    u32 sz;
    bool holds;
};

/* Of a dcache of chunks 10 to 109, that is bytes 640 to 7039. */
ParameterizedTestParameters(dcache, holds_what_lies_inside_and_nothing_else)
{
    static struct hold hold[] = {
        {10, 0, 0, true},
        {10, 0, 6400, true},
        {10, 0, 6401, false},
        {10, 63, 6337, true},
        {10, 63, 6338, false},
        {9, 64, 1, false}, /* begins inside, but a chunk number below ours is a lie */
        {9, 0, 64, false},
        {0, 0, 0, false},
        {109, 0, 64, true},
        {109, 1, 63, true},
        {109, 0, 65, false},
        {109, 63, 1, true},
        {109, 63, 2, false},
        {109, 64, 0, true},
        {109, 65, 0, false},
        {110, 0, 0, true},
        {110, 0, 1, false},
        {111, 0, 0, false},
        {UINT32_MAX, 0, 0, false},
        {UINT32_MAX, 63, 65535, false},
        {UINT32_MAX, UINT32_MAX, UINT32_MAX, false},
        {10, UINT32_MAX, UINT32_MAX, false},
        {10, 0, UINT32_MAX, false},
        {10, UINT32_MAX, 0, false},
    };
    return cr_make_param_array(struct hold, hold, QS_COUNT(hold));
}

ParameterizedTest(struct hold *p, dcache, holds_what_lies_inside_and_nothing_else)
{
    cr_assert(eq(int, qs_dcache_init(&dc, 640, 4, 1232), 0));
    cr_assert(eq(int, qs_dcache_holds(&dc, p->chunk, p->off, p->sz), p->holds));
}

Test(dcache, footprint_has_room_for_one_more_than_the_window)
{
    cr_assert(eq(u64, qs_dcache_footprint(1, 1), 128));
    cr_assert(eq(u64, qs_dcache_footprint(4, 1232), 6400));
    cr_assert(eq(u64, qs_dcache_footprint(1024, UINT16_MAX), 1025ull * 65536));
    cr_assert(eq(u64, qs_dcache_footprint(1ull << 30, 64), (1ull << 36) + 64));
}

Test(dcache, footprint_is_zero_for_what_cannot_be)
{
    cr_assert(eq(u64, qs_dcache_footprint(0, 64), 0));
    cr_assert(eq(u64, qs_dcache_footprint(64, 0), 0));
    cr_assert(eq(u64, qs_dcache_footprint(64, 65536), 0));
    cr_assert(eq(u64, qs_dcache_footprint(64, UINT64_MAX), 0));
    cr_assert(eq(u64, qs_dcache_footprint((1ull << 30) + 1, 64), 0));
    cr_assert(eq(u64, qs_dcache_footprint(UINT64_MAX, 64), 0));
    cr_assert(eq(u64, qs_dcache_footprint(1ull << 30, 65535), 0));
}

struct bad_init {
    u64 off;
    u64 window;
    u64 mtu;
    int err;
};

ParameterizedTestParameters(dcache, init_rejects)
{
    static struct bad_init bad[] = {
        {0, 0, 64, -EINVAL},
        {0, 4, 0, -EINVAL},
        {0, 4, 65536, -EINVAL},
        {1, 4, 64, -EINVAL},
        {63, 4, 64, -EINVAL},
        {UINT32_MAX * 64ull - 5 * 64, 4, 64, 0}, /* the last chunk that can be named is used */
        {UINT32_MAX * 64ull - 4 * 64, 4, 64, -EINVAL},
        {1ull << 38, 4, 64, -EINVAL},
        {1ull << 63, 4, 64, -EINVAL},
        {0 - 64ull, 4, 64, -EINVAL}, /* its end wraps to a small number */
        {0 - 320ull, 4, 64, -EINVAL},
    };
    return cr_make_param_array(struct bad_init, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_init *p, dcache, init_rejects)
{
    cr_assert(eq(int, qs_dcache_init(&dc, p->off, p->window, p->mtu), p->err));
}

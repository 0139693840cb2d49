#include "tango/qs_tcache.h"

#include "tango/base/qs_bits.h"

#define TCACHE_MAGIC  0x7174636163686532ull /* "qtcache2"; bump the digit on ABI change */
#define DEPTH_MAX     (1ull << 30)
#define LINE_CNT_MIN  2u
#define BLOCKS_LOG2   14u    /* depth is at most so many blocks */
#define AGE_SWEPT     20000u /* blocks: older than any that is live, and so young that it stays dead */
#define PROBE_MAX     64u    /* lines */
#define SWEEP_AHEAD   8u     /* lines */
#define TURN_INSERTS  4u     /* per line */
#define BLOCK_CNT_MAX ((1u << BLOCKS_LOG2) + 1 + QS_TCACHE_CLOSED_MAX)

/* A turn is TURN_INSERTS * lines = 2 * depth, rounded up: 2^15 blocks. */
_Static_assert(BLOCK_CNT_MAX < AGE_SWEPT && AGE_SWEPT + (2u << BLOCKS_LOG2) < 1u << 16,
               "dead stamps stay dead");

typedef struct tcache {
    u64 magic;
    u64 depth;
    u64 next;
    u64 first;
    alignas(QS_ALIGN) qs_tcache_line_t line[];
} tcache_t;

/* depth, rounded up to a power of two. */
static u64
depth_round(u64 depth)
{
    u64 half = 1ull << qs_log2(depth);
    return half < depth ? 2 * half : half;
}

static u64
line_cnt(u64 depth)
{
    return qs_max_u64(depth_round(depth) / 2, LINE_CNT_MIN);
}

static u32
block_shift(u64 depth)
{
    u32 log2 = (u32)qs_log2(depth_round(depth));
    return log2 > BLOCKS_LOG2 ? log2 - BLOCKS_LOG2 : 0;
}

/* block_max counts the one that is being filled, and those that were closed early. */
static u64
block_max(u64 depth)
{
    u32 shift = block_shift(depth);
    u64 full = ((depth - 1) >> shift) + 1;
    return shift ? full + 1 + QS_TCACHE_CLOSED_MAX : full;
}

static int
check_mem(void const *mem)
{
    return mem && !((uintptr_t)mem % QS_ALIGN) ? 0 : -EFAULT;
}

u64
qs_tcache_footprint(u64 depth)
{
    if (!depth || depth > DEPTH_MAX)
        return 0;
    return qs_align_up(sizeof(tcache_t) + line_cnt(depth) * sizeof(qs_tcache_line_t), QS_ALIGN);
}

int
qs_tcache_new(void *mem, u64 depth)
{
    int err = check_mem(mem);
    if (err)
        return err;
    u64 sz = qs_tcache_footprint(depth);
    if (!sz)
        return -EINVAL;

    tcache_t *t = mem;
    memset(t, 0, sz);
    t->depth = depth;
    t->first = AGE_SWEPT; /* so that a stamp of 0 is dead */
    t->next = t->first << block_shift(depth);
    qs_store_release(&t->magic, TCACHE_MAGIC); /* pairs with qs_tcache_join */
    return 0;
}

int
qs_tcache_join(qs_tcache_t *tcache, void *mem, u64 depth)
{
    tcache_t *t = mem;
    int err = check_mem(mem);
    if (err)
        return err;
    if (qs_load_acquire(&t->magic) != TCACHE_MAGIC)
        return -EPROTO;
    if (!qs_tcache_footprint(depth) || t->depth != depth)
        return -EPROTO;

    *tcache = (qs_tcache_t){.line = t->line,
                            .next_kept = &t->next,
                            .first_kept = &t->first,
                            .next = t->next,
                            .first = t->first,
                            .block_max = block_max(depth),
                            .mask = line_cnt(depth) - 1,
                            .shift = block_shift(depth)};
    u64 cnt = tcache_last_(tcache) + 1 - t->first;
    if (!t->next || cnt > tcache->block_max + 1) /* + 1: killed before it stored first */
        return -EPROTO;
    if (cnt)
        tcache_begin_(tcache, tcache_last_(tcache));
    return 0;
}

bool
qs_tcache_seek_far_(qs_tcache_t const *tcache, u64 tag, u64 *place)
{
    u64 idx = tag & tcache->mask;
    bool placed = false;

    *place = idx * 8 + (tag >> 32) % QS_TCACHE_WAYS; /* pushes one out, if all are full */
    for (u32 step = 0; step < PROBE_MAX; step++, idx = (idx + 1) & tcache->mask) {
        u32 look = tcache_look_(tcache, &tcache->line[idx], tag);
        u32 vacant = ~look & TCACHE_PLACES_;
        if (look >> TCACHE_FOUND_)
            return true;
        if (vacant && !placed)
            *place = idx * 8 + (u32)__builtin_ctz(vacant);
        placed = placed || vacant;
        if (placed && !(look & TCACHE_PASSED_))
            return false;
    }
    return false;
}

void
qs_tcache_pass_(qs_tcache_t *tcache, u64 tag, u64 idx, u16 stamp)
{
    for (u64 i = tag & tcache->mask; i != idx; i = (i + 1) & tcache->mask)
        qs_store_relaxed(&tcache->line[i].passed, stamp);
}

void
qs_tcache_sweep_(qs_tcache_t *tcache, u64 idx)
{
    qs_tcache_line_t *line = &tcache->line[idx & tcache->mask];
    u16 swept = (u16)(tcache_last_(tcache) - AGE_SWEPT);

    __builtin_prefetch(&tcache->line[(idx + SWEEP_AHEAD) & tcache->mask], 1);
#ifdef __SSE2__
    __m128i live = tcache_live8_(tcache, line), *stamps = (__m128i *)line->stamp;
    __m128i dead = _mm_andnot_si128(live, _mm_set1_epi16((short)swept));
    _mm_store_si128(stamps, _mm_or_si128(_mm_and_si128(live, _mm_load_si128(stamps)), dead));
#else
    u32 live = tcache_look_(tcache, line, 0);
    for (u32 i = 0; i < QS_TCACHE_WAYS; i++)
        line->stamp[i] = live >> i & 1 ? line->stamp[i] : swept;
    line->passed = live & TCACHE_PASSED_ ? line->passed : swept;
#endif
}

u64
qs_tcache_mark(qs_tcache_t *tcache)
{
    u64 block = (tcache->next + (1ull << tcache->shift) - 1) >> tcache->shift;

    for (; tcache->next < block << tcache->shift; tcache->next++)
        if (!(tcache->next % TURN_INSERTS))
            qs_tcache_sweep_(tcache, tcache->next / TURN_INSERTS);
    qs_store_relaxed(tcache->next_kept, tcache->next);
    return block;
}

void
qs_tcache_forget(qs_tcache_t *tcache, u64 mark)
{
    u64 none = tcache_last_(tcache) + 1;
    u64 first = qs_min_u64(mark, none);

    if (first <= tcache->first)
        return;
    tcache->first = first;
    qs_store_relaxed(tcache->first_kept, first);
}

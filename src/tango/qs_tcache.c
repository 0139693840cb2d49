#include "tango/qs_tcache.h"

#include "tango/base/qs_bits.h"

#define TCACHE_MAGIC 0x7174636163686531ull /* "qtcache1"; bump the digit on ABI change */
#define DEPTH_MAX    (1ull << 30)
#define MAP_CNT_MIN                                                                                \
    (2 * TCACHE_WAYS_) /* an insert stands there one moment before the oldest leaves */

typedef struct tcache {
    u64 magic;
    u64 depth;
    u64 next;
    alignas(QS_ALIGN) u64 words[]; /* the ring; the map begins at the next multiple of QS_ALIGN */
} tcache_t;

static u64
map_cnt(u64 depth)
{
    u64 half = 1ull << qs_log2(depth);
    return qs_max_u64(2 * (half < depth ? 2 * half : half), MAP_CNT_MIN);
}

static u64
ring_sz(u64 depth)
{
    return qs_align_up(depth * sizeof(u64), QS_ALIGN);
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
    return qs_align_up(sizeof(tcache_t) + ring_sz(depth) + map_cnt(depth) * sizeof(u64), QS_ALIGN);
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
    if (!qs_tcache_footprint(depth) || t->depth != depth || t->next >= depth)
        return -EPROTO;

    *tcache = (qs_tcache_t){.ring = t->words,
                            .map = t->words + ring_sz(depth) / sizeof(u64),
                            .next_kept = &t->next,
                            .next = t->next,
                            .depth = depth,
                            .mask = map_cnt(depth) / TCACHE_WAYS_ - 1};
    memset(tcache->map, 0, map_cnt(depth) * sizeof(u64));
    for (u64 i = 0; i < depth; i++) {
        u64 place = 0;
        if (tcache->ring[i] && !qs_tcache_seek(tcache, tcache->ring[i], &place))
            tcache->map[place] = tcache->ring[i];
    }
    return 0;
}

void
qs_tcache_refill_(qs_tcache_t *tcache, u64 hole)
{
    u64 bucket = hole / TCACHE_WAYS_;

    for (u64 from = (bucket + 1) & tcache->mask;; from = (from + 1) & tcache->mask) {
        u64 *place = tcache->map + from * TCACHE_WAYS_;
        bool full = !tcache_match_(tcache, from, 0);
        for (u32 i = 0; i < TCACHE_WAYS_; i++) {
            u64 passed = (from - (place[i] & tcache->mask)) & tcache->mask;
            if (!place[i] || passed < ((from - bucket) & tcache->mask))
                continue;
            tcache->map[hole] = place[i];
            place[i] = 0;
            hole = from * TCACHE_WAYS_ + i;
            bucket = from;
            break;
        }
        if (!full)
            return;
    }
}

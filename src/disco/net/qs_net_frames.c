#include "disco/net/qs_net_frames.h"

#define LOOKS 4u /* of an audit that saw the kernel in the middle of something */

static u64
bitmap_sz(u32 cnt)
{
    return ((u64)cnt + 63) / 64 * sizeof(u64);
}

void
qs_net_frames_layout(qs_net_frames_t *f, qs_layout_t *l, u32 cnt)
{
    u32 *spare = qs_layout_take(l, (u64)cnt * sizeof(*spare), QS_ALIGN);
    u64 *seen = qs_layout_take(l, bitmap_sz(cnt), QS_ALIGN);

    if (!l->base)
        return;
    f->spare = spare;
    f->seen = seen;
}

/* see marks a frame and says whether it was one, and not marked. */
static bool
see(qs_net_frames_t *f, u32 frame)
{
    if (frame == QS_FRAME_NONE || f->seen[frame / 64] >> (frame % 64) & 1)
        return false;
    f->seen[frame / 64] |= 1ull << (frame % 64);
    return true;
}

static bool
seen(qs_net_frames_t const *f, u32 frame)
{
    return f->seen[frame / 64] >> (frame % 64) & 1;
}

static u32
frame_of_line(qs_net_frames_t const *f, qs_mcache_tx_t const *ring, u64 idx)
{
    qs_frag_t frag;

    qs_mcache_line(ring, idx, &frag);
    return qs_net_frames_of(f, (u64)frag.chunk * QS_CHUNK_SZ);
}

/* lines marks the frames of all lines.  Returns how many there are; *bad counts the lines that own none
   of their own. */
static u32
lines(qs_net_frames_t *f, qs_mcache_tx_t const *const *ring, u32 cnt, u32 *bad)
{
    u32 good = 0;

    for (u32 r = 0; r < cnt; r++)
        for (u64 i = 0; i <= ring[r]->mask; i++)
            if (see(f, frame_of_line(f, ring[r], i)))
                good++;
            else
                *bad += 1;
    return good;
}

static void
give(qs_net_frames_t *f, qs_mcache_tx_t const *ring, u64 idx)
{
    QS_ASSERT(f->spare_cnt);
    u64 off = f->off + qs_net_frames_addr(f, qs_net_frames_take(f));
    qs_mcache_own(ring, idx, (u32)(off / QS_CHUNK_SZ));
}

u32
qs_net_frames_recover(qs_net_frames_t *f, qs_mcache_tx_t const *const *ring, u32 cnt)
{
    u32 bad = 0, left;

    memset(f->seen, 0, bitmap_sz(f->cnt));
    lines(f, ring, cnt, &bad);
    f->spare_cnt = 0;
    for (u32 i = f->cnt; i-- > 0;)
        if (!seen(f, i))
            qs_net_frames_put(f, i);
    left = bad;
    memset(f->seen, 0, bitmap_sz(f->cnt));
    for (u32 r = 0; left && r < cnt; r++) {
        for (u64 i = 0; left && i <= ring[r]->mask; i++) {
            if (see(f, frame_of_line(f, ring[r], i)))
                continue;
            give(f, ring[r], i);
            left--;
        }
    }
    return bad;
}

/* A look at one ring: where its entries begin and end. */
static u32
see_addrs(qs_net_frames_t *f, qs_xsk_ring_t const *r, u32 from, u32 to, u32 *twice)
{
    u32 cnt = to - from;

    for (u32 i = from; i != to && cnt <= r->mask + 1; i++)
        if (!see(f, qs_net_frames_of(f, f->off + ((u64 const *)r->entry)[i & r->mask])))
            *twice += 1;
    return cnt;
}

static u32
see_descs(qs_net_frames_t *f, qs_xsk_ring_t const *r, u32 from, u32 to, u32 *twice)
{
    u32 cnt = to - from;

    for (u32 i = from; i != to && cnt <= r->mask + 1; i++)
        if (!see(f,
                 qs_net_frames_of(f, f->off + ((qs_xsk_desc_t const *)r->entry)[i & r->mask].addr)))
            *twice += 1;
    return cnt;
}

/* see_rings: the far end of each way is read first, so that a frame that moves on meanwhile is
   counted where it was, and never as nowhere. */
static u32
see_rings(qs_net_frames_t *f, qs_xsk_t const *x, qs_net_audit_t *a)
{
    u32 rx_end = qs_load_acquire(x->rx.producer);
    u32 fill_begin = qs_load_acquire(x->fill.consumer);
    u32 completion_end = qs_load_acquire(x->completion.producer);
    u32 tx_begin = qs_load_acquire(x->tx.consumer);

    a->rx = see_descs(f, &x->rx, x->rx.own, rx_end, &a->twice);
    a->fill = see_addrs(f, &x->fill, fill_begin, x->fill.own, &a->twice);
    a->completion = see_addrs(f, &x->completion, x->completion.own, completion_end, &a->twice);
    a->tx = see_descs(f, &x->tx, tx_begin, x->tx.own, &a->twice);
    return (fill_begin - rx_end) + (tx_begin - completion_end);
}

static void
look(qs_net_frames_t *f, qs_mcache_tx_t const *const *ring, u32 cnt, qs_xsk_t const *x,
     qs_net_audit_t *a)
{
    u32 found = 0;

    *a = (qs_net_audit_t){0};
    memset(f->seen, 0, bitmap_sz(f->cnt));
    if (x)
        a->kernel = see_rings(f, x, a);
    a->line = lines(f, ring, cnt, &a->twice);
    a->spare = f->spare_cnt;
    for (u32 i = 0; i < f->spare_cnt; i++)
        if (!see(f, f->spare[i]))
            a->twice++;
    for (u32 i = 0; i < f->cnt; i++)
        found += seen(f, i);
    i64 missing = (i64)f->cnt - found - (i32)a->kernel;
    if (missing > 0)
        a->missing = (u32)missing;
    else
        a->twice += (u32)-missing;
}

void
qs_net_frames_audit(qs_net_frames_t *f, qs_mcache_tx_t const *const *ring, u32 cnt,
                    qs_xsk_t const *x, qs_net_audit_t *audit)
{
    for (u32 i = 0; i < LOOKS; i++) {
        look(f, ring, cnt, x, audit);
        if (!audit->missing && !audit->twice)
            return;
        for (u32 k = 0; k < 1000u << i; k++)
            qs_pause();
    }
}

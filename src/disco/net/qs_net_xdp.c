#include "disco/net/qs_net_xdp.h"

#include "disco/qs_fault.h"

#define AHEAD                                                                                      \
    8u /* frames prefetched: their headers share two sets of L1, of 8 lines each or more */
#define KICK_BATCH    32u /* as many packets as the kernel sends in one call, in copy mode */
#define KICKS_MAX     8u  /* of one flush */
#define KICK_AGAIN_NS 50000u
#define DOWN_NS       100000000u
#define STRIKES_MAX   10u /* looks with the signs of a stall: a second */

static void
refill(qs_net_t *n)
{
    qs_xsk_ring_t *fill = &n->xsk.fill;
    u32 want = n->rx_goal - n->rx_side;
    u32 cnt = qs_xsk_room(fill, want);

    cnt = cnt < want ? cnt : want;
    cnt = cnt < n->frames.spare_cnt ? cnt : n->frames.spare_cnt;
    if (!cnt)
        return;
    for (u32 i = 0; i < cnt; i++)
        qs_xsk_put_addr(fill, qs_net_frames_addr(&n->frames, qs_net_frames_take(&n->frames)));
    qs_xsk_submit(fill);
    n->rx_side += cnt;
}

void
qs_net_xdp_start(qs_net_t *n, u32 rx_depth, u32 tx_depth)
{
    n->rx_side = n->tx_side = 0;
    n->rx_goal = 2 * rx_depth;
    n->tx_max = 2 * tx_depth;
    n->tx_unkicked = 0;
    n->tx_completed = n->tx_done_before = 0;
    n->strikes = 0;
    n->gone = false;
    n->tx_down_until = 0;
    n->stats = (qs_xsk_stats_t){0};
    refill(n);
}

/* What a batch of received frames keeps in registers. */
typedef struct batch {
    qs_stem_run_t run; /* on out; */
    u32 out;
    bool direct; /* frames that become free go straight into the fill ring: it has room for all */
    u32 ts;
    u32 datagrams;
    u64 bytes;
} batch_t;

/* free_frame takes a frame that nobody needs any more; addr is anywhere in it. */
QS_INLINE void
free_frame(qs_net_t *n, batch_t const *b, u64 addr)
{
    if (qs_likely(b->direct))
        qs_xsk_put_addr(&n->xsk.fill, addr >> n->frames.shift << n->frames.shift);
    else
        qs_net_frames_put(&n->frames, (u32)(addr >> n->frames.shift));
}

/* why_not finds out why a frame is not published.  OK: it is to be published after all. */
static QS_NOINLINE qs_frame_reason_t
why_not(qs_net_t *n, u64 addr, u32 sz, qs_frame_t *frame)
{
    qs_frame_reason_t why = qs_frame_parse(n->mem + n->frames.off + addr, sz, frame);

    if (why == QS_FRAME_OK && frame->src_mac == n->mac)
        why = QS_FRAME_OWN_MAC;
    if (why != QS_FRAME_OK) {
        qs_metric_inc(&(&n->m->rx_short)[why - QS_FRAME_SHORT]);
        return why;
    }
    if (n->port_of[frame->dst_port] == QS_NET_NO_PORT)
        qs_metric_inc(&n->m->rx_unwanted);
    else if (frame->payload_sz > n->port[n->port_of[frame->dst_port]].room_sz)
        qs_metric_inc(&n->m->rx_oversize);
    else
        return QS_FRAME_OK;
    return QS_FRAME_REASON_CNT;
}

QS_INLINE void
publish(qs_net_t *n, qs_stem_t *stem, batch_t *b, u64 addr, qs_frame_t const *frame)
{
    u32 p = n->port_of[frame->dst_port];
    u32 out = n->port[p].out;
    qs_net_sig_t sig = {.src_ip = frame->src_ip,
                        .src_port = frame->src_port,
                        .port_idx = (u8)p,
                        .flow = qs_net_flow(frame->src_ip, frame->src_port)};

    if (qs_unlikely(out != b->out)) {
        if (b->out != UINT32_MAX)
            qs_stem_run_end(stem, &b->run);
        b->run = qs_stem_run_begin(stem, out);
        b->out = out;
    }
    u64 off = n->frames.off + addr + frame->payload_off;
    u64 old = qs_stem_run_swap(stem, &b->run, off, qs_net_sig_pack(sig), frame->payload_sz, b->ts);
    free_frame(n, b, old - n->frames.off);
    b->datagrams++;
    b->bytes += frame->payload_sz;
}

/* deliver publishes a frame, or not; either way another one, or this one, is free afterwards. */
QS_INLINE void
deliver(qs_net_t *n, qs_stem_t *stem, batch_t *b, u64 addr, u32 sz)
{
    u8 const *p = n->mem + n->frames.off + addr;
    qs_frame_t frame, other;

    if (qs_likely(qs_frame_parse_plain(p, sz, &frame) && frame.src_mac != n->mac)) {
        u32 idx = n->port_of[frame.dst_port];
        if (qs_likely(idx != QS_NET_NO_PORT && frame.payload_sz <= n->port[idx].room_sz)) {
            publish(n, stem, b, addr, &frame);
            return;
        }
    }
    if (why_not(n, addr, sz, &other) == QS_FRAME_OK)
        publish(n, stem, b, addr, &other);
    else
        free_frame(n, b, addr);
}

/* sound says whether a descriptor lies in one frame, as the kernel's do: what does not is left out of
   the account, and the audit misses its frame. */
QS_INLINE bool
sound(qs_net_frames_t const *f, u64 addr, u32 sz)
{
    u64 frame_sz = 1ull << f->shift;
    return (addr >> f->shift) < f->cnt && (addr & (frame_sz - 1)) + sz <= frame_sz;
}

static u32
received(qs_net_t *n)
{
    return qs_fault(QS_FAULT_NET_STALL) ? 0 : qs_xsk_ready(&n->xsk.rx, QS_NET_BATCH);
}

u32
qs_net_xdp_receive(qs_net_t *n, qs_stem_t *stem)
{
    qs_xsk_ring_t *rx = &n->xsk.rx;
    u32 cnt = received(n);

    if (!cnt && (n->xsk.busy_poll || qs_xsk_ring_sleeps(&n->xsk.fill))) {
        qs_xsk_wake_rx(&n->xsk);
        qs_metric_inc(&n->m->rx_call);
        cnt = received(n);
    }
    if (!cnt)
        return 0;
    n->rx_known = n->rx_done + (rx->other - rx->own);
    u8 const *umem = n->mem + n->frames.off;
    for (u32 i = 0; i < AHEAD && i < cnt; i++)
        __builtin_prefetch(umem + qs_xsk_desc(rx, i)->addr);
    batch_t b = {.out = UINT32_MAX,
                 .ts = qs_ts_comp(stem->now),
                 .direct = qs_xsk_room(&n->xsk.fill, cnt) >= cnt};
    for (u32 i = 0; i < cnt; i++) {
        qs_xsk_desc_t const *d = qs_xsk_desc(rx, i);
        if (i + AHEAD < cnt)
            __builtin_prefetch(umem + qs_xsk_desc(rx, i + AHEAD)->addr);
        if (qs_likely(sound(&n->frames, d->addr, d->len)))
            deliver(n, stem, &b, d->addr, d->len);
    }
    if (b.out != UINT32_MAX)
        qs_stem_run_end(stem, &b.run);
    if (b.direct)
        qs_xsk_submit(&n->xsk.fill);
    else
        n->rx_side -= cnt;
    if (qs_fault(QS_FAULT_NET_LEAK) && n->frames.spare_cnt)
        n->frames.spare_cnt--;
    qs_xsk_release(rx, cnt);
    n->rx_done += cnt;
    refill(n);
    qs_metric_add(&n->m->rx_datagram, b.datagrams);
    qs_metric_add(&n->m->rx_xdp, b.datagrams);
    qs_metric_add(&n->m->rx_bytes, b.bytes);
    return cnt;
}

u32
qs_net_xdp_reap(qs_net_t *n)
{
    qs_xsk_ring_t *r = &n->xsk.completion;
    u32 cnt = qs_fault(QS_FAULT_NET_TX_STUCK) ? 0 : qs_xsk_ready(r, r->mask + 1);

    for (u32 i = 0; i < cnt; i++) {
        u32 idx = qs_net_frames_of(&n->frames, n->frames.off + qs_xsk_addr(r, i));
        if (qs_likely(idx != QS_FRAME_NONE))
            qs_net_frames_put(&n->frames, idx);
    }
    if (!cnt)
        return 0;
    qs_xsk_release(r, cnt);
    n->tx_side -= cnt;
    n->tx_completed += cnt;
    return cnt;
}

bool
qs_net_xdp_make_room_(qs_net_t *n, u64 now)
{
    qs_net_xdp_flush(n, now, true);
    return n->frames.spare_cnt && n->tx_side < n->tx_max && qs_xsk_room(&n->xsk.tx, 1);
}

/* kick: the kernel may stop before it is through, so it is asked until nothing is left or it stands
   still. */
static void
kick(qs_net_t *n, u64 now)
{
    qs_xsk_ring_t *tx = &n->xsk.tx;
    u32 left = tx->own - qs_load_acquire(tx->consumer);

    for (u32 i = 0; i < KICKS_MAX && left; i++) {
        int err = qs_xsk_kick(&n->xsk);
        u32 now_left = tx->own - qs_load_acquire(tx->consumer);
        qs_metric_inc(&n->m->tx_call);
        n->kick_at = now + KICK_AGAIN_NS;
        if (err == -ENETDOWN)
            n->kick_at = n->tx_down_until = now + DOWN_NS;
        else if (err && err != -EAGAIN)
            n->gone = true;
        if (err != -EAGAIN || now_left == left)
            return;
        left = now_left;
    }
}

u32
qs_net_xdp_flush(qs_net_t *n, u64 now, bool must)
{
    qs_xsk_ring_t *tx = &n->xsk.tx;
    bool due = n->tx_unkicked &&
               (must || n->tx_unkicked >= KICK_BATCH || now - n->tx_oldest_ns >= n->flush_ns);

    if (!n->tx_side)
        return 0;
    if (due) {
        qs_xsk_submit(tx);
        n->tx_unkicked = 0;
    }
    u32 left = tx->own - n->tx_unkicked - qs_load_relaxed(tx->consumer);
    if (left && (due || must || now >= n->kick_at) && qs_xsk_ring_sleeps(tx))
        kick(n, now);
    return qs_net_xdp_reap(n);
}

/* read_stats adds up what the kernel counted since we last asked: its counters begin anew with each
   socket. */
static qs_xsk_stats_t
read_stats(qs_net_t *n)
{
    qs_xsk_stats_t now, was = n->stats;

    if (qs_xsk_stats(&n->xsk, &now))
        return was;
    qs_metric_add(&n->m->xsk_rx_dropped, now.rx_dropped - was.rx_dropped);
    qs_metric_add(&n->m->xsk_rx_invalid, now.rx_invalid - was.rx_invalid);
    qs_metric_add(&n->m->xsk_rx_full, now.rx_ring_full - was.rx_ring_full);
    qs_metric_add(&n->m->xsk_fill_empty, now.fill_ring_empty - was.fill_ring_empty);
    qs_metric_add(&n->m->xsk_tx_invalid, now.tx_invalid - was.tx_invalid);
    n->stats = now;
    return was;
}

/* count_strikes: a look at which the kernel had lost packets for want of room, and we had taken none
   although we looked all the time, is a strike; whatever we took forgives all. */
static void
count_strikes(qs_net_t *n, qs_xsk_stats_t const *was)
{
    bool lost = n->stats.rx_ring_full != was->rx_ring_full ||
                n->stats.fill_ring_empty != was->fill_ring_empty;

    n->strikes = n->rx_done != n->done_before ? 0 : n->strikes + lost;
    n->done_before = n->rx_done;
}

u32
qs_net_xdp_health(qs_net_t *n, u64 now)
{
    qs_xsk_stats_t was = read_stats(n);

    if (n->gone || qs_xsk_error(&n->xsk) == -ENETDOWN)
        return QS_NET_EXIT_GONE;
    count_strikes(n, &was);
    if (n->strikes >= STRIKES_MAX)
        return QS_NET_EXIT_STALL;
    if (!n->tx_side || n->tx_completed != n->tx_done_before || now < n->tx_down_until)
        n->progress_ns = now;
    n->tx_done_before = n->tx_completed;
    return now - n->progress_ns > QS_NET_STUCK_NS ? QS_NET_EXIT_TX_STUCK : 0;
}

#include "disco/net/qs_net_xdp.h"

#include "disco/qs_fault.h"

#define KICK_BATCH    32u /* as many packets as the kernel sends in one call, in copy mode */
#define KICKS_MAX     8u  /* of one flush */
#define KICK_AGAIN_NS 50000u
#define DOWN_NS       100000000u
#define STRIKES_MAX   10u /* looks in a row with the signs of a stall: a second */

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

/* reject counts a frame that is not published. */
static void
reject(qs_net_t *n, qs_frame_reason_t why)
{
    qs_metric_inc(&(&n->m->rx_short)[why - QS_FRAME_SHORT]);
}

/* The counters of a batch, added up in registers. */
typedef struct sums {
    u32 datagrams;
    u64 bytes;
} sums_t;

/* deliver publishes the frame that begins at byte off of the workspace, or not; either way the frame
   that is ours afterwards is spare. */
QS_INLINE void
deliver(qs_net_t *n, qs_stem_t *stem, u64 off, u32 sz, u32 ts, sums_t *sums)
{
    qs_net_frames_t *f = &n->frames;
    qs_frame_t frame;
    u32 idx = qs_net_frames_of(f, off);

    if (qs_unlikely(idx == QS_FRAME_NONE || sz > (1u << f->shift) - (off & ((1u << f->shift) - 1))))
        return; /* no frame of ours: the kernel would never */
    qs_frame_reason_t why = qs_frame_parse(n->mem + off, sz, &frame);
    if (qs_unlikely(why != QS_FRAME_OK || frame.src_mac == n->mac)) {
        reject(n, why != QS_FRAME_OK ? why : QS_FRAME_OWN_MAC);
        qs_net_frames_put(f, idx);
        return;
    }
    u32 p = n->port_of[frame.dst_port];
    qs_net_port_t const *port = &n->port[p & (QS_PORT_MAX - 1)];
    if (qs_unlikely(p == QS_NET_NO_PORT || frame.payload_sz > port->room_sz)) {
        qs_metric_inc(p == QS_NET_NO_PORT ? &n->m->rx_unwanted : &n->m->rx_oversize);
        qs_net_frames_put(f, idx);
        return;
    }
    qs_net_sig_t sig = {.src_ip = frame.src_ip,
                        .src_port = frame.src_port,
                        .port_idx = (u8)p,
                        .flow = qs_net_flow(frame.src_ip, frame.src_port)};
    u64 old = qs_stem_swap(stem, port->out, off + frame.payload_off, qs_net_sig_pack(sig),
                           frame.payload_sz, ts);
    qs_net_frames_put(f, qs_net_frames_of(f, old));
    sums->datagrams++;
    sums->bytes += frame.payload_sz;
}

u32
qs_net_xdp_receive(qs_net_t *n, qs_stem_t *stem)
{
    qs_xsk_ring_t *rx = &n->xsk.rx;
    sums_t sums = {0};
    u32 cnt = qs_fault(QS_FAULT_NET_STALL) ? 0 : qs_xsk_ready(rx, QS_NET_BATCH);

    if (!cnt) {
        if (qs_xsk_ring_sleeps(&n->xsk.fill)) {
            qs_xsk_wake_rx(&n->xsk);
            qs_metric_inc(&n->m->rx_call);
        }
        return 0;
    }
    n->rx_known = n->rx_done + (rx->other - rx->own);
    for (u32 i = 0; i < cnt; i++)
        __builtin_prefetch(n->mem + n->frames.off + qs_xsk_desc(rx, i)->addr);
    u32 ts = qs_ts_comp(stem->now);
    for (u32 i = 0; i < cnt; i++) {
        qs_xsk_desc_t const *d = qs_xsk_desc(rx, i);
        deliver(n, stem, n->frames.off + d->addr, d->len, ts, &sums);
    }
    if (qs_fault(QS_FAULT_NET_LEAK) && n->frames.spare_cnt)
        n->frames.spare_cnt--;
    qs_xsk_release(rx, cnt);
    n->rx_side -= cnt;
    n->rx_done += cnt;
    refill(n);
    qs_metric_add(&n->m->rx_datagram, sums.datagrams);
    qs_metric_add(&n->m->rx_xdp, sums.datagrams);
    qs_metric_add(&n->m->rx_bytes, sums.bytes);
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
qs_net_xdp_send(qs_net_t *n, qs_frame_to_t const *to, u8 const *payload, u32 sz, u64 now)
{
    qs_net_frames_t *f = &n->frames;
    qs_xsk_ring_t *tx = &n->xsk.tx;

    if (qs_unlikely(!f->spare_cnt || n->tx_side == n->tx_max || !qs_xsk_room(tx, 1))) {
        qs_net_xdp_flush(n, now, true);
        if (!f->spare_cnt || n->tx_side == n->tx_max || !qs_xsk_room(tx, 1))
            return false;
    }
    u64 addr = qs_net_frames_addr(f, qs_net_frames_take(f));
    u32 frame_sz = qs_frame_write(n->mem + f->off + addr, to, payload, sz);
    qs_xsk_put(tx, addr, frame_sz);
    n->tx_side++;
    if (!n->tx_unkicked++)
        n->tx_oldest_ns = now;
    return true;
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

/* stalls says whether this look shows a stall: the kernel lost packets for want of room while we took
   none, although we looked all the time. */
static bool
stalls(qs_net_t *n, qs_xsk_stats_t const *was)
{
    bool lost = n->stats.rx_ring_full != was->rx_ring_full ||
                n->stats.fill_ring_empty != was->fill_ring_empty;
    bool took = n->rx_done != n->done_before;

    n->done_before = n->rx_done;
    return lost && !took;
}

u32
qs_net_xdp_health(qs_net_t *n, u64 now)
{
    qs_xsk_stats_t was = read_stats(n);

    if (n->gone || qs_xsk_error(&n->xsk) == -ENETDOWN)
        return QS_NET_EXIT_GONE;
    n->strikes = stalls(n, &was) ? n->strikes + 1 : 0;
    if (n->strikes >= STRIKES_MAX)
        return QS_NET_EXIT_STALL;
    if (!n->tx_side || n->tx_completed != n->tx_done_before || now < n->tx_down_until)
        n->progress_ns = now;
    n->tx_done_before = n->tx_completed;
    return now - n->progress_ns > QS_NET_STUCK_NS ? QS_NET_EXIT_TX_STUCK : 0;
}

#include "disco/net/qs_net_unknown.h"

#include "disco/net/qs_net_xdp.h"

#define LOOK_NS 1000000u /* between two looks at whether neighbours became known */

void
qs_net_unknown_ask(qs_net_t *n, qs_stem_t *stem, qs_hop_t const *hop)
{
    qs_net_frames_t *f = &n->frames;

    if (n->ask_out == UINT32_MAX || !f->spare_cnt)
        return;
    u64 off = f->off + qs_net_frames_addr(f, qs_net_frames_take(f));
    u64 old = qs_stem_swap(stem, n->ask_out, off, qs_fib_ask(hop), 0, qs_ts_comp(stem->now));
    qs_net_frames_put(f, qs_net_frames_of(f, old));
}

void
qs_net_unknown_keep(qs_net_t *n, qs_stem_t *stem, qs_hop_t const *hop, qs_send_t const *req,
                    qs_send_dst_t const *dst)
{
    u8 const *payload = (u8 const *)&req->dst[req->dst_cnt];

    switch (qs_net_wait_put(&n->wait, qs_fib_ask(hop), *dst, req->src_port_idx, payload, req->sz,
                            stem->now)) {
    case QS_WAIT_KEPT:
        qs_metric_inc(&n->m->tx_neigh_wait);
        qs_net_unknown_ask(n, stem, hop);
        break;
    case QS_WAIT_TAKEN:
        qs_metric_inc(&n->m->tx_neigh_dropped);
        break;
    default:
        qs_metric_inc(&n->m->tx_neigh_full);
    }
    qs_metric_set(&n->m->tx_neigh_waiting, n->wait.cnt);
}

static void
count_sent(qs_net_t *n, u32 sz)
{
    qs_metric_inc(&n->m->tx_datagram);
    qs_metric_add(&n->m->tx_bytes, sz);
}

/* by_socket leaves datagram idx to the kernel.  Returns false if it is to be tried again. */
static bool
by_socket(qs_net_t *n, u32 idx)
{
    qs_net_waiting_t const *p = &n->wait.packet[idx];
    int err, fd = n->port[p->src_port_idx].fd;
    u32 sent = qs_net_socket_send(&n->tx_sock, fd, n->wait.payload[idx], p->sz, &p->dst, 1, &err);

    qs_metric_inc(&n->m->tx_call);
    if (sent)
        count_sent(n, p->sz);
    else if (err == -EAGAIN || err == -ENOBUFS)
        return false;
    else
        qs_metric_inc(&n->m->tx_refused);
    return true;
}

/* by_xdp returns false if there is no room. */
static bool
by_xdp(qs_net_t *n, qs_net_route_slot_t *way, u32 idx, u64 now)
{
    qs_net_waiting_t const *p = &n->wait.packet[idx];
    u32 ports = (u32)n->port[p->src_port_idx].number << 16 | p->dst.port;

    if (!qs_net_xdp_room(n, now))
        return false;
    qs_net_xdp_send(n, &way->way, ports, n->wait.payload[idx], p->sz, now);
    count_sent(n, p->sz);
    qs_metric_inc(&n->m->tx_xdp);
    return true;
}

/* settle deals with datagram idx.  Returns whether it is gone. */
static bool
settle(qs_net_t *n, qs_stem_t *stem, u32 idx)
{
    qs_net_waiting_t const *p = &n->wait.packet[idx];
    qs_net_route_slot_t *way = qs_net_route_find(&n->route, p->dst.ip);

    if (way && p->sz + QS_FRAME_IP_SZ + QS_FRAME_UDP_SZ <= way->hop.mtu)
        return by_xdp(n, way, idx, stem->now);
    qs_hop_t const *hop = way ? NULL : qs_net_route_unknown(&n->route, p->dst.ip);
    if (!hop)
        return by_socket(n, idx);
    switch (qs_net_wait_due(&n->wait, idx, stem->now)) {
    case QS_WAIT_EXPIRED:
        qs_metric_inc(&n->m->tx_neigh_expired);
        return true;
    case QS_WAIT_ASK:
        qs_net_unknown_ask(n, stem, hop);
        return false;
    default:
        return false;
    }
}

u32
qs_net_unknown_release(qs_net_t *n, qs_stem_t *stem)
{
    u32 gone = 0;
    u64 seq = qs_load_relaxed(n->route.fib.seq);

    if (n->wait.cnt && (stem->now >= n->wait_at || seq != n->wait_seq)) {
        n->wait_seq = seq;
        n->wait_at = stem->now + LOOK_NS;
        for (u32 i = 0; i < n->wait.cnt;) {
            bool out = settle(n, stem, i);
            if (out)
                qs_net_wait_drop(&n->wait, i);
            gone += out;
            i += !out;
        }
        qs_metric_set(&n->m->tx_neigh_waiting, n->wait.cnt);
    }
    if (n->wait.cnt)
        qs_stem_wake_at(stem, n->wait_at);
    return gone;
}

void
qs_net_unknown_end(qs_net_t *n)
{
    for (u32 i = 0; i < n->wait.cnt; i++)
        if (!by_socket(n, i))
            qs_metric_inc(&n->m->tx_refused);
    n->wait.cnt = 0;
    qs_metric_set(&n->m->tx_neigh_waiting, 0);
}

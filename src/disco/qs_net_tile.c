/* net - the wire.  Nothing else in the program knows where packets come from.

       wire  ~~~>  net:i  --->  whoever the port belongs to        (formats: qs_format.h)
       wire  <~~~  net:i  <===  load, shred, gossip, repair

   In:    requests to send, one payload and its destinations; checked before they are read.
   Out:   UDP payloads; each on exactly one link, chosen by destination port.  Never waits.
   How:   on one rung of a ladder (net/qs_net.h): XSK rings over the UMEM that its links out share
          (net/qs_net_xdp.h), and beside them one ordinary UDP socket per port, which receives what
          the XDP program passes and sends what goes another way; or those alone.
   Loss:  counted by reason.  A restart keeps the ordinary sockets and what is queued in them; what
          was in the XSK's rings is counted as restart_lost; requests that had not been given to the
          kernel are sent again, half sent ones from the start; a datagram that waited for its
          neighbour's MAC is gone.  A tile that is told to halt first sends all it was given.
   Trust: senders are neighbours: a request that is not whole is counted and dropped. */

#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disco/net/qs_net_keep.h"
#include "disco/net/qs_net_unknown.h"
#include "disco/net/qs_net_xdp.h"
#include "disco/qs_config.h"
#include "disco/qs_fault.h"
#include "disco/qs_tiles.h"

QS_METRICS_DESC(net, QS_NET_METRICS);

#define TX_RETRY_NS 50000u
#define TX_FLUSH_NS 20000u   /* a datagram waits for company that long */
#define DRAIN_NS    1000000u /* between two looks at the ordinary sockets beside an XSK */
#define AUDIT_FRAME_NS                                                                             \
    50000u                  /* between two audits, for each frame: looking at one takes a few ns */
#define DENSE_GAP_NS 25000u /* between packets on average, and less: dense traffic */
#define GAP_MAX_NS   1000000u
#define DEAF_NS      100000u
#define ASK_NS       1000000000u
#define FINISH_NS    50000000u /* a tile that halts waits so long for the kernel to have sent */

static void *
net_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    qs_net_frames_t measure;
    qs_net_t *n = qs_layout_take(l, sizeof(qs_net_t), QS_ALIGN);

    qs_net_frames_layout(n ? &n->frames : &measure, l, ctx->plan->tile[ctx->tile].frame_cnt);
    return n;
}

/* own_frames finds out whose each frame is: nothing has it that a line does not name. */
static int
own_frames(qs_net_t *n, qs_tile_ctx_t *ctx)
{
    qs_plan_tile_t const *me = &ctx->plan->tile[ctx->tile];

    n->frames.off = me->umem_off;
    n->frames.cnt = me->frame_cnt;
    n->frames.shift = (u32)__builtin_ctz(me->frame_sz);
    n->ring_cnt = me->out_cnt;
    for (u32 i = 0; i < me->out_cnt; i++) {
        qs_plan_link_t const *link = &ctx->plan->link[me->out[i]];
        int err = qs_mcache_tx_join(&n->ring[i], ctx->mem + link->mcache_off, link->mcache_sz);
        if (err)
            return err;
        n->ring_at[i] = &n->ring[i];
    }
    qs_net_frames_recover(&n->frames, n->ring_at, n->ring_cnt);
    qs_metric_set(&n->m->frames, n->frames.cnt);
    return 0;
}

static int
open_xsk(qs_net_t *n, qs_tile_ctx_t *ctx)
{
    qs_config_net_t const *net = &ctx->cfg->net;
    qs_xsk_conf_t conf = {
        .ifindex = (u32)ctx->note[QS_NET_NOTE_IFINDEX],
        .queue = ctx->idx,
        .mem = ctx->mem + n->frames.off,
        .mem_sz = (u64)n->frames.cnt << n->frames.shift,
        .frame_sz = 1u << n->frames.shift,
        .fill_depth = net->rx_depth,
        .rx_depth = net->rx_depth,
        .tx_depth = net->tx_depth,
        .completion_depth = net->tx_depth,
        .copy = n->rung == QS_NET_ZERO_COPY ? QS_XSK_ZERO_COPY : QS_XSK_COPY,
        .busy_poll_us = net->busy_poll_us,
    };
    int err = 0;

    if (qs_fault(QS_FAULT_NET_BIND_EBUSY) ||
        (qs_fault(QS_FAULT_NET_REBIND_EBUSY) && n->starts > 1 && n->starts < 4))
        err = -EBUSY;
    if (qs_fault(QS_FAULT_NET_BIND_EOPNOTSUPP) && n->rung < QS_NET_SKB)
        err = -EOPNOTSUPP;
    if (err)
        snprintf(ctx->err, sizeof(ctx->err), "AF_XDP: bind: %s (injected)", strerror(-err));
    else
        err = qs_xsk_open(&n->xsk, &conf, ctx->err, sizeof(ctx->err));
    if (err)
        return err;
    qs_net_xdp_start(n, net->rx_depth, net->tx_depth);
    u32 slot = ctx->idx;
    if (ctx->kept_cnt > ctx->plan->port_cnt &&
        bpf_map_update_elem(ctx->kept_fd[ctx->kept_cnt - 1], &slot, &n->xsk.fd, 0)) {
        err = -errno;
        snprintf(ctx->err, sizeof(ctx->err), "XSKMAP slot %u: %s", slot, strerror(-err));
        return err;
    }
    qs_tile_shared_t const *mirror = qs_tile_shared_of(ctx, "netlink");
    err = qs_net_link_open(&n->link, conf.ifindex);
    if (!err)
        err = qs_net_route_open(&n->route, conf.ifindex, n->ip, mirror ? mirror->mem : NULL,
                                mirror ? mirror->sz : 0);
    if (err)
        return err;
    ctx->own_fd[ctx->own_cnt++] = n->link.fd;
    ctx->wait_fd[ctx->wait_cnt++] = n->xsk.fd;
    qs_metric_set(&n->m->zero_copy, n->xsk.zero_copy);
    qs_metric_set(&n->m->busy_poll, n->xsk.busy_poll);
    return 0;
}

/* open_epoll: one descriptor tells which of the ordinary sockets have something. */
static int
open_epoll(qs_net_t *n, qs_tile_ctx_t *ctx)
{
    n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (n->epoll_fd < 0)
        return -errno;
    for (u32 i = 0; i < n->port_cnt; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        if (ctx->plan->port[i].link_row != UINT16_MAX &&
            epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, n->port[i].fd, &e))
            return -errno;
    }
    ctx->wait_fd[ctx->wait_cnt++] = n->epoll_fd;
    return 0;
}

/* settle_account: what the last run had taken and not published, or put and not seen sent. */
static void
settle_account(qs_net_t *n)
{
    qs_metric_add(&n->m->rx_restart_lost, n->taken - n->settled + n->rx_known - n->rx_done);
    qs_metric_add(&n->m->tx_restart_lost, n->tx_side + n->wait.cnt);
    n->settled = n->taken;
    n->rx_known = n->rx_done;
    n->tx_side = n->rx_side = n->tx_unkicked = 0;
    n->wait.cnt = 0;
}

static int
net_boot(void *self, qs_tile_ctx_t *ctx)
{
    qs_net_t *n = self;
    bool parks = ctx->plan->tile[ctx->tile].park;

    n->starts++;
    n->m = ctx->metrics;
    n->clock = ctx->clock;
    n->mem = ctx->mem;
    n->rung = (qs_net_rung_t)ctx->note[QS_NET_NOTE_RUNG];
    n->mac = ctx->note[QS_NET_NOTE_MAC];
    n->ip = (u32)ctx->note[QS_NET_NOTE_IP];
    n->drains = ctx->note[QS_NET_NOTE_DRAINS];
    n->flush_ns = parks ? 0 : TX_FLUSH_NS;
    if (parks)
        prctl(PR_SET_TIMERSLACK, 1000); /* ns; 50 us without */
    n->tx_done = 0;
    n->gap_ns = GAP_MAX_NS;
    n->drain_at = n->look_at = n->audit_at = n->ask_at = 0;
    memset(n->held, 0, sizeof(n->held));
    n->xsk = (qs_xsk_t){.fd = -1};
    n->port_cnt = ctx->plan->port_cnt;
    settle_account(n);
    memset(n->port_of, QS_NET_NO_PORT, sizeof(n->port_of));
    for (u32 i = 0; i < n->port_cnt; i++)
        n->port[i].fd = ctx->kept_fd[i];
    qs_metric_set(&n->m->rung, n->rung);
    qs_metric_set(&n->m->tx_neigh_waiting, 0);
    qs_metric_set(&n->m->zero_copy, 0);
    qs_metric_set(&n->m->filter, ctx->cfg->net.filter == QS_CONFIG_net_filter_user);
    int err = own_frames(n, ctx);
    if (!err && n->drains)
        err = open_epoll(n, ctx);
    if (err || n->rung == QS_NET_SOCKET)
        return err;
    err = open_xsk(n, ctx);
    if (err)
        ctx->exit_reason = err == -EBUSY ? QS_NET_EXIT_BUSY : QS_NET_EXIT_REFUSED;
    n->progress_ns = qs_clock_now(n->clock);
    return err;
}

static int
net_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    qs_net_t *n = self;
    qs_plan_tile_t const *me = &ctx->plan->tile[ctx->tile];

    n->ask_out = UINT32_MAX;
    for (u32 o = 0; o < stem->out_cnt; o++) {
        u32 reader = ctx->plan->link[me->out[o]].consumer[0];
        if (!strcmp(ctx->plan->tile[reader].name, "netlink"))
            n->ask_out = o;
    }
    for (u32 p = 0; p < n->port_cnt; p++) {
        n->port[p].out = UINT32_MAX;
        n->port[p].number = ctx->plan->port[p].port;
        for (u32 o = 0; o < stem->out_cnt; o++) {
            qs_plan_link_t const *link = &ctx->plan->link[me->out[o]];
            if (link->row != ctx->plan->port[p].link_row)
                continue;
            n->port[p].out = o;
            n->port[p].room_sz = link->mtu;
            n->port_of[n->port[p].number] = (u8)p;
        }
    }
    return 0;
}

static void
count_overflow(qs_net_t *n, qs_net_port_t *port, u32 overflow)
{
    qs_metric_add(&n->m->rx_overflow, overflow - port->overflow); /* both wrap at 32 bits */
    port->overflow = overflow;
}

/* drain takes one batch from a port's ordinary socket into spare frames and publishes it. */
static u32
drain(qs_net_t *n, qs_stem_t *stem, u32 idx)
{
    qs_net_port_t *port = &n->port[idx];
    qs_net_frames_t *f = &n->frames;
    qs_net_datagram_t d[QS_BATCH];
    u8 *room[QS_BATCH];
    u32 frame[QS_BATCH];
    u32 overflow = port->overflow, rooms = f->spare_cnt < QS_BATCH ? f->spare_cnt : QS_BATCH;

    if (port->out == UINT32_MAX)
        return 0;
    for (u32 i = 0; i < rooms; i++) {
        frame[i] = qs_net_frames_take(f);
        room[i] = n->mem + f->off + qs_net_frames_addr(f, frame[i]);
    }
    u32 cnt =
        qs_net_socket_receive(&n->rx_sock, port->fd, room, port->room_sz, rooms, d, &overflow);
    qs_metric_inc(&n->m->rx_call);
    qs_metric_add(&n->taken, cnt);
    if (cnt)
        count_overflow(n, port, overflow);
    u32 ts_origin = qs_ts_comp(qs_clock_now(n->clock));
    for (u32 i = 0; i < cnt; i++) {
        if (!d[i].src_port) {
            qs_metric_inc(&n->m->rx_src_port);
        } else if (d[i].whole) {
            qs_net_sig_t sig = {.src_ip = d[i].src_ip,
                                .src_port = d[i].src_port,
                                .port_idx = (u8)idx,
                                .flow = qs_net_flow(d[i].src_ip, d[i].src_port)};
            u64 old = qs_stem_swap(stem, port->out, (u64)(room[i] - n->mem), qs_net_sig_pack(sig),
                                   d[i].sz, ts_origin);
            frame[i] = qs_net_frames_of(f, old);
            qs_metric_inc(&n->m->rx_datagram);
            qs_metric_inc(&n->m->rx_socket);
            qs_metric_add(&n->m->rx_bytes, d[i].sz);
        } else {
            qs_metric_inc(&n->m->rx_oversize);
        }
        qs_metric_inc(&n->settled);
    }
    for (u32 i = rooms; i-- > 0;)
        qs_net_frames_put(f, frame[i]);
    return cnt;
}

/* drain_all: alone, the sockets are read each turn; beside an XSK little comes through them, and they
   are looked at now and then. */
static u32
drain_all(qs_net_t *n, qs_stem_t *stem)
{
    struct epoll_event ready[QS_PORT_MAX];
    u32 got = 0;

    if (!n->drains)
        return 0;
    n->next_port = (n->next_port + 1) % n->port_cnt;
    if (n->rung == QS_NET_SOCKET) {
        for (u32 i = 0; i < n->port_cnt; i++)
            got += drain(n, stem, (n->next_port + i) % n->port_cnt);
        return got;
    }
    if (stem->now < n->drain_at && !(stem->readable & 1)) /* wait_fd 0 is the epoll's */
        return 0;
    stem->readable = 0;
    int cnt = epoll_wait(n->epoll_fd, ready, QS_PORT_MAX, 0);
    qs_metric_inc(&n->m->rx_call);
    for (int i = 0; i < cnt; i++)
        got += drain(n, stem, ready[i].data.u32);
    n->drain_at = got ? 0 : stem->now + DRAIN_NS;
    return got;
}

static void
audit(qs_net_t *n)
{
    qs_net_audit_t a;
    net_metrics_t *m = n->m;

    qs_net_frames_audit(&n->frames, n->ring_at, n->ring_cnt, n->xsk.fd >= 0 ? &n->xsk : NULL, &a);
    qs_metric_set(&m->frames_fill, a.fill);
    qs_metric_set(&m->frames_kernel, a.kernel);
    qs_metric_set(&m->frames_rx, a.rx);
    qs_metric_set(&m->frames_line, a.line);
    qs_metric_set(&m->frames_tx, a.tx);
    qs_metric_set(&m->frames_completion, a.completion);
    qs_metric_set(&m->frames_spare, a.spare);
    qs_metric_set(&m->frames_missing, a.missing);
    qs_metric_set(&m->frames_twice, a.twice);
    qs_metric_add(&m->audit_bad, a.missing || a.twice);
    qs_metric_inc(&m->audit);
}

/* look: what need not be done with packets. */
static void
look(qs_net_t *n, qs_stem_t *stem)
{
    n->look_at = stem->now + QS_NET_LOOK_NS;
    if (stem->now >= n->audit_at) {
        n->audit_at = stem->now + (u64)AUDIT_FRAME_NS * n->frames.cnt;
        audit(n);
    }
    if (n->rung == QS_NET_SOCKET)
        return;
    if (qs_net_link_read(&n->link)) {
        qs_metric_set(&n->m->if_rx_packets, n->link.rx_packets);
        qs_metric_set(&n->m->if_rx_dropped, n->link.rx_dropped);
        qs_metric_set(&n->m->if_tx_packets, n->link.tx_packets);
        qs_metric_set(&n->m->if_tx_dropped, n->link.tx_dropped);
    }
    if (stem->now >= n->ask_at) {
        n->ask_at = stem->now + ASK_NS;
        qs_net_link_ask(&n->link);
    }
    u32 reason = qs_net_xdp_health(n, stem->now);
    if (reason)
        qs_stem_exit(stem, reason);
}

/* flush gives the kernel what waits, and lets go of the requests it came from. */
static u32
flush(qs_net_t *n, qs_stem_t *stem, bool must)
{
    u32 done = qs_net_xdp_flush(n, stem->now, must);

    for (u32 i = 0; !n->tx_unkicked && i < stem->in_cnt; i++) {
        if (n->held[i])
            qs_stem_release(stem, i);
        n->held[i] = false;
    }
    if (n->tx_unkicked)
        qs_stem_wake_at(stem, n->tx_oldest_ns + n->flush_ns);
    else if (n->tx_side)
        qs_stem_wake_at(stem, stem->now + TX_RETRY_NS);
    return done;
}

/* pace: a wake-up costs more than many packets, on both sides.  Where they come so densely that the
   next is due at once, a tile that parks sleeps by the clock and takes what came meanwhile; the first
   of a burst, and thin traffic, wake it.  Two that come close together are no dense traffic yet, or who
   sends a packet now and then would wait for each third: the gap is smoothed over 8. */
static void
pace(qs_net_t *n, qs_stem_t *stem, u32 got)
{
    n->paced_cnt += got;
    if (got || !n->paced_cnt)
        return;
    u64 gap_ns = qs_min_u64(stem->now - n->paced_ns, GAP_MAX_NS) / n->paced_cnt;
    u64 weight = qs_min_u64(n->paced_cnt, 8);
    n->gap_ns = (n->gap_ns * (8 - weight) + gap_ns * weight) / 8;
    if (n->gap_ns <= DENSE_GAP_NS)
        qs_stem_deaf_until(stem, stem->now + DEAF_NS);
    n->paced_ns = stem->now;
    n->paced_cnt = 0;
}

static u32
net_poll(void *self, qs_stem_t *stem)
{
    qs_net_t *n = self;
    u32 got = 0;

    if (n->rung != QS_NET_SOCKET) {
        got += qs_net_xdp_receive(n, stem);
        if (qs_unlikely(n->wait.cnt))
            got += qs_net_unknown_release(n, stem);
        got += flush(n, stem, false);
    }
    got += drain_all(n, stem);
    if (qs_unlikely(stem->now >= n->look_at))
        look(n, stem);
    pace(n, stem, got);
    return got;
}

/* way_of returns how a frame to this destination is addressed, or NULL: the ordinary socket sends the
   datagram, or, with *hop, it waits for that neighbour. */
QS_INLINE qs_net_route_slot_t *
way_of(qs_net_t *n, qs_stem_t const *stem, qs_send_t const *req, qs_send_dst_t const *dst,
       qs_hop_t const **hop)
{
    *hop = NULL;
    if (n->rung == QS_NET_SOCKET || stem->now < n->tx_down_until)
        return NULL;
    qs_net_route_slot_t *way = qs_net_route_find(&n->route, dst->ip);
    if (qs_unlikely(!way))
        *hop = qs_net_route_unknown(&n->route, dst->ip);
    return way && req->sz + QS_FRAME_IP_SZ + QS_FRAME_UDP_SZ <= way->hop.mtu ? way : NULL;
}

/* send_by_socket sends the next cnt destinations.  Returns false if the kernel's buffer is full. */
static bool
send_by_socket(qs_net_t *n, qs_send_t const *req, u32 cnt)
{
    u8 const *payload = (u8 const *)&req->dst[req->dst_cnt];
    int err, fd = n->port[req->src_port_idx].fd;
    u32 sent =
        qs_net_socket_send(&n->tx_sock, fd, payload, req->sz, &req->dst[n->tx_done], cnt, &err);

    qs_metric_inc(&n->m->tx_call);
    qs_metric_add(&n->m->tx_datagram, sent);
    qs_metric_add(&n->m->tx_bytes, (u64)sent * req->sz);
    n->tx_done += sent;
    if (sent)
        return true;
    if (err == -EAGAIN || err == -ENOBUFS) {
        qs_metric_inc(&n->m->tx_full);
        return false;
    }
    qs_metric_inc(&n->m->tx_refused);
    n->tx_done++;
    return true;
}

/* What was put into the tx ring for a batch of requests. */
typedef struct sums {
    u32 datagrams;
    u64 bytes;
} sums_t;

/* send_by_xdp sends one destination.  Returns false if there is no room. */
QS_INLINE bool
send_by_xdp(qs_net_t *n, qs_stem_t *stem, qs_send_t const *req, qs_net_route_slot_t *way,
            sums_t *sums)
{
    u32 ports = (u32)n->port[req->src_port_idx].number << 16 | req->dst[n->tx_done].port;

    if (!qs_net_xdp_room(n, stem->now)) {
        qs_metric_inc(&n->m->tx_full);
        return false;
    }
    qs_net_xdp_send(n, &way->way, ports, (u8 const *)&req->dst[req->dst_cnt], req->sz, stem->now);
    if (qs_net_route_stale(way, stem->now))
        qs_net_unknown_ask(n, stem, &way->hop);
    sums->datagrams++;
    sums->bytes += req->sz;
    n->tx_done++;
    return true;
}

/* send_one returns false if the kernel has no room and the request must be tried again. */
QS_INLINE bool
send_one(qs_net_t *n, qs_stem_t *stem, qs_send_t const *req, sums_t *sums)
{
    bool room = true;

    while (room && n->tx_done < req->dst_cnt) {
        qs_hop_t const *hop;
        qs_net_route_slot_t *way = way_of(n, stem, req, &req->dst[n->tx_done], &hop);
        if (way) {
            room = send_by_xdp(n, stem, req, way, sums);
            continue;
        }
        if (hop) {
            qs_net_unknown_keep(n, stem, hop, req, &req->dst[n->tx_done++]);
            continue;
        }
        u32 cnt = 1;
        while (cnt < QS_BATCH && n->tx_done + cnt < req->dst_cnt &&
               !way_of(n, stem, req, &req->dst[n->tx_done + cnt], &hop) && !hop)
            cnt++;
        room = send_by_socket(n, req, cnt);
    }
    if (room)
        n->tx_done = 0;
    return room;
}

/* net_frag holds what was put into the tx ring and not given to the kernel yet: should we die before,
   those requests are sent again. */
static u32
net_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    qs_net_t *n = self;
    sums_t sums = {0};
    u32 done = 0;

    if (!n->held[b->link]) {
        n->held[b->link] = true;
        qs_stem_hold(stem, b->link, b->frag[0].seq);
    }
    for (; done < b->cnt; done++) {
        qs_send_t const *req = (qs_send_t const *)b->data[done];
        if (!qs_send_valid(req, b->frag[done].sz) || req->src_port_idx >= n->port_cnt) {
            qs_metric_inc(&n->m->tx_bad_request);
            continue;
        }
        if (!send_one(n, stem, req, &sums)) {
            qs_stem_wake_at(stem, stem->now + TX_RETRY_NS);
            break;
        }
    }
    qs_metric_add(&n->m->tx_datagram, sums.datagrams);
    qs_metric_add(&n->m->tx_xdp, sums.datagrams);
    qs_metric_add(&n->m->tx_bytes, sums.bytes);
    flush(n, stem, false);
    return done;
}

/* finish: nobody looks after what was given to us when we are gone, so the kernel is to have it all. */
static void
finish(qs_net_t *n, qs_stem_t *stem)
{
    u64 until = qs_clock_now(n->clock) + FINISH_NS;

    qs_net_unknown_end(n);
    for (stem->now = qs_clock_now(n->clock); n->tx_side && stem->now < until;
         stem->now = qs_clock_now(n->clock))
        if (!flush(n, stem, true))
            qs_pause();
    qs_metric_add(&n->m->tx_restart_lost, n->tx_side);
    n->tx_side = n->tx_unkicked = 0;
}

static void
net_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_net, self, stem);
    if (stem->exit_reason < QS_EXIT_FIRST_OWN)
        finish(self, stem);
}

static int const net_syscalls[] = {
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#else
    SYS_epoll_pwait,
#endif
    SYS_recvmmsg,
    SYS_sendmmsg, /* the ordinary sockets */
    SYS_recvfrom,
    SYS_sendto,     /* the XSK, and the interface's own counters by netlink */
    SYS_getsockopt, /* the XSK's counters and errors */
    -1};

/* clang-format off */
qs_tile_t const qs_tile_net = {
    .name    = "net",
    .help    = "receives and sends UDP datagrams",
    .in      = {{.from = "*"}},
    .out     = {"*"},
    .metrics = net_metric_desc,
    .wait    = QS_WAIT_POLL,
    .is_net  = true,
    .umem    = true,
    .syscalls = net_syscalls,
    .keep    = qs_net_keep,
    .tend    = qs_net_tend,
    .drop    = qs_net_drop,
    .layout  = net_layout,
    .boot    = net_boot,
    .init    = net_init,
    .frag    = net_frag,
    .poll    = net_poll,
    .run     = net_run,
};
/* clang-format on */

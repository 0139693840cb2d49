/* net - the wire.  Nothing else in the program knows where packets come from.

       wire  ~~~>  net:i  --->  whoever the port belongs to        (formats: qs_format.h)
       wire  <~~~  net:i  <===  load, shred, gossip, repair

   In:    requests to send, one payload and its destinations; checked before they are read.
   Out:   UDP payloads; each on exactly one link, chosen by destination port.  Never waits.
   Loss:  counted by reason, below.  A restart keeps the sockets and what is queued in them;
          datagrams taken and not published are counted as restart_lost, requests half sent are
          sent again from the start.
   Trust: senders are neighbours: a request that is not whole is counted and dropped. */

#include <arpa/inet.h>

#include "disco/net/qs_net_socket.h"
#include "disco/qs_tiles.h"

/* clang-format off */
#define NET_METRICS(COUNTER, GAUGE)                                                           \
    COUNTER(rx_datagram,     "datagrams received and published")                              \
    COUNTER(rx_bytes,        "payload bytes of those")                                        \
    COUNTER(rx_overflow,     "datagrams the kernel dropped because a socket's buffer was full") \
    COUNTER(rx_oversize,     "datagrams longer than the link's mtu, dropped")                 \
    COUNTER(rx_restart_lost, "datagrams taken from a socket and lost because the tile died")  \
    COUNTER(tx_datagram,     "datagrams sent")                                                \
    COUNTER(tx_bytes,        "payload bytes of those")                                        \
    COUNTER(tx_bad_request,  "requests to send that were malformed, dropped")                 \
    COUNTER(tx_refused,      "datagrams the kernel refused to send")                          \
    COUNTER(tx_full,         "times sending waited because a socket's buffer was full")
/* clang-format on */

QS_METRICS(net, NET_METRICS);

#define TX_RETRY_NS 50000u

typedef struct net_port {
    int fd;
    u32 out; /* UINT32_MAX: nobody reads it */
    u32 room_sz;
    u32 overflow; /* the kernel's count when we last heard; survives a restart, as the socket does */
} net_port_t;

typedef struct net {
    net_metrics_t *m;
    qs_clock_t const *clock;
    u32 port_cnt;
    u32 next_port; /* whose turn it is to be drained first */
    u32 tx_done;   /* destinations of the request in hand that were served */
    u64 taken;     /* datagrams out of sockets, published or dropped by reason: see net_boot */
    u64 settled;
    net_port_t port[QS_PORT_MAX];
    qs_net_socket_t rx, tx;
} net_t;

static int
net_keep(qs_tile_ctx_t *ctx)
{
    struct in_addr address = {0};

    if (ctx->cfg->net.provider == QS_CONFIG_net_provider_xdp) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "net.provider = xdp: this version has no AF_XDP yet; auto or socket will do");
        return -EINVAL;
    }
    if (ctx->cfg->net.bind_address[0] &&
        inet_pton(AF_INET, ctx->cfg->net.bind_address, &address) != 1)
        return -EINVAL;
    for (u32 i = 0; i < ctx->plan->port_cnt; i++) {
        int fd = qs_net_socket_open(ntohl(address.s_addr), ctx->plan->port[i].port,
                                    ctx->cfg->net.socket_rcvbuf_bytes, ctx->cnt > 1, ctx->err,
                                    sizeof(ctx->err));
        if (fd < 0)
            return fd;
        ctx->kept_fd[ctx->kept_cnt++] = fd;
    }
    return 0;
}

static void *
net_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(net_t), QS_ALIGN);
}

static int
net_boot(void *self, qs_tile_ctx_t *ctx)
{
    net_t *n = self;

    n->m = ctx->metrics;
    n->clock = ctx->clock;
    n->tx_done = 0;
    n->port_cnt = ctx->kept_cnt;
    qs_metric_add(&n->m->rx_restart_lost, n->taken - n->settled);
    n->settled = n->taken;
    for (u32 i = 0; i < ctx->kept_cnt; i++) {
        n->port[i].fd = ctx->kept_fd[i];
        ctx->wait_fd[ctx->wait_cnt++] = ctx->kept_fd[i];
    }
    return 0;
}

static int
net_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    net_t *n = self;
    qs_plan_tile_t const *me = &ctx->plan->tile[ctx->tile];

    for (u32 p = 0; p < n->port_cnt; p++) {
        n->port[p].out = UINT32_MAX;
        for (u32 o = 0; o < stem->out_cnt; o++) {
            qs_plan_link_t const *link = &ctx->plan->link[me->out[o]];
            if (link->row != ctx->plan->port[p].link_row)
                continue;
            n->port[p].out = o;
            n->port[p].room_sz = link->mtu;
        }
    }
    return 0;
}

static void
count_overflow(net_t *n, net_port_t *port, u32 overflow)
{
    qs_metric_add(&n->m->rx_overflow, overflow - port->overflow); /* both wrap at 32 bits */
    port->overflow = overflow;
}

/* drain takes one batch from a port's socket and publishes it. */
static u32
drain(net_t *n, qs_stem_t *stem, u32 idx)
{
    net_port_t *port = &n->port[idx];
    qs_net_datagram_t d[QS_BATCH];
    u8 *room[QS_BATCH];
    u32 overflow = port->overflow, used = 0;

    if (port->out == UINT32_MAX)
        return 0;
    u32 rooms = qs_stem_prepare_batch(stem, port->out, room, QS_BATCH);
    u32 cnt = qs_net_socket_receive(&n->rx, port->fd, room, port->room_sz, rooms, d, &overflow);
    if (!cnt)
        return 0;
    qs_metric_add(&n->taken, cnt);
    count_overflow(n, port, overflow);
    u32 ts_origin = qs_ts_comp(qs_clock_now(n->clock));
    for (u32 i = 0; i < cnt; i++) {
        if (d[i].whole) {
            qs_net_sig_t sig = {.src_ip = d[i].src_ip,
                                .src_port = d[i].src_port,
                                .port_idx = (u8)idx,
                                .flow = qs_net_flow(d[i].src_ip, d[i].src_port)};
            if (used != i) /* an oversize one lay before it, and no room may be left out */
                memcpy(room[used], room[i], d[i].sz);
            qs_stem_publish_at(stem, port->out, room[used++], qs_net_sig_pack(sig), d[i].sz, 0,
                               ts_origin);
            qs_metric_inc(&n->m->rx_datagram);
            qs_metric_add(&n->m->rx_bytes, d[i].sz);
        } else {
            qs_metric_inc(&n->m->rx_oversize);
        }
        qs_metric_inc(&n->settled);
    }
    return cnt;
}

static u32
net_poll(void *self, qs_stem_t *stem)
{
    net_t *n = self;
    u32 got = 0;

    if (!n->port_cnt)
        return 0;
    n->next_port = (n->next_port + 1) % n->port_cnt;
    for (u32 i = 0; i < n->port_cnt; i++)
        got += drain(n, stem, (n->next_port + i) % n->port_cnt);
    return got;
}

/* send_one returns false if the kernel's buffer is full and the request must be tried again. */
static bool
send_one(net_t *n, qs_send_t const *req)
{
    u8 const *payload = (u8 const *)&req->dst[req->dst_cnt];
    int fd = n->port[req->src_port_idx].fd;

    while (n->tx_done < req->dst_cnt) {
        u32 left = req->dst_cnt - n->tx_done;
        int err;
        u32 sent = qs_net_socket_send(&n->tx, fd, payload, req->sz, &req->dst[n->tx_done],
                                      left < QS_BATCH ? left : QS_BATCH, &err);
        qs_metric_add(&n->m->tx_datagram, sent);
        qs_metric_add(&n->m->tx_bytes, (u64)sent * req->sz);
        n->tx_done += sent;
        if (sent)
            continue;
        if (err == -EAGAIN || err == -ENOBUFS) {
            qs_metric_inc(&n->m->tx_full);
            return false;
        }
        qs_metric_inc(&n->m->tx_refused);
        n->tx_done++;
    }
    n->tx_done = 0;
    return true;
}

static u32
net_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    net_t *n = self;

    for (u32 i = 0; i < b->cnt; i++) {
        qs_send_t const *req = (qs_send_t const *)b->data[i];
        if (!qs_send_valid(req, b->frag[i].sz) || req->src_port_idx >= n->port_cnt) {
            qs_metric_inc(&n->m->tx_bad_request);
            continue;
        }
        if (!send_one(n, req)) {
            qs_stem_wake_at(stem, stem->now + TX_RETRY_NS);
            return i;
        }
    }
    return b->cnt;
}

static void
net_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_net, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_net = {
    .name    = "net",
    .help    = "receives and sends UDP datagrams",
    .in      = {{.from = "*"}},
    .out     = {"*"},
    .metrics = net_metric_desc,
    .wait    = QS_WAIT_POLL,
    .is_net  = true,
    .keep    = net_keep,
    .layout  = net_layout,
    .boot    = net_boot,
    .init    = net_init,
    .frag    = net_frag,
    .poll    = net_poll,
    .run     = net_run,
};
/* clang-format on */

/* netlink - mirrors the kernel's routes and neighbours for those who send past it.

       kernel  ~~rtnetlink~~>  netlink  ==shared object==>  net:0..N      (qs_fib.h)
       net:0..N  -->  netlink  ~~an empty datagram~~>  kernel: it asks for the neighbour's MAC

   In:    fragments without a payload; sig is qs_fib_ask of a neighbour that a packet waits for, or
          that has not been heard of for long.
   Out:   nothing but the mirror.
   Loss:  news that the socket could not hold (overrun): then everything is read anew.  A question
          lost on the way is asked again by net.  A restart forgets nothing, unless it was killed in
          the middle of a change: then answers are "the kernel's business" until all is read.
   Trust: the kernel is believed, byte by byte within bounds; net may lie about whom it wants to
          know, and costs a rate-limited ARP request then. */

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disco/netlink/qs_netlink_ask.h"
#include "disco/netlink/qs_netlink_sync.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "tango/base/qs_rng.h"

/* clang-format off */
#define NETLINK_METRICS(COUNTER, GAUGE)                                                        \
    COUNTER(link,         "messages about interfaces")                                         \
    COUNTER(addr,         "messages about addresses")                                          \
    COUNTER(route,        "messages about routes")                                             \
    COUNTER(neigh,        "messages about neighbours")                                         \
    COUNTER(rule,         "messages about policy rules")                                       \
    COUNTER(other,        "messages that do not concern IPv4 sending")                         \
    COUNTER(bad,          "messages that were malformed or not the kernel's, dropped")         \
    COUNTER(overrun,      "times news were lost because the socket's buffer was full")         \
    COUNTER(picture,      "times everything was read from the kernel")                         \
    COUNTER(again,        "times that was begun anew, because tables changed or it failed")    \
    COUNTER(no_room,      "objects there was no room for: see [netlink] in the configuration") \
    COUNTER(ask,          "times the kernel was made to ask for a neighbour's MAC")            \
    COUNTER(ask_known,    "questions about neighbours that were known by then")                \
    COUNTER(ask_recent,   "questions about neighbours that had just been asked for")           \
    COUNTER(ask_flood,    "questions dropped because there were too many")                     \
    COUNTER(ask_refused,  "empty datagrams that the kernel refused to send")                   \
    GAUGE(routes,         "routes known now")                                                  \
    GAUGE(neighbours,     "neighbours known now")                                              \
    GAUGE(interfaces,     "interfaces known now")                                              \
    GAUGE(addresses,      "addresses known now")                                               \
    GAUGE(multipath,      "routes with several next hops, of which the first is used")         \
    GAUGE(policy_rules,   "policy rules there are now besides the standard three: not followed") \
    GAUGE(synced,         "1 when the mirror is complete")                                     \
    GAUGE(full,           "1 when something did not fit: sending is left to ordinary sockets")
/* clang-format on */

QS_METRICS(netlink, NETLINK_METRICS);

#define SOCKET_RCVBUF (4u << 20)
#define DATAGRAM_MAX  32768u /* the kernel makes dumps no larger */
#define READ_MAX      64u    /* datagrams a turn */
#define DISCARD_PORT  9u
#define TIDY_NS       10000000u

enum { KEPT_ROUTE, KEPT_PROBE, KEPT_CNT };

typedef struct netlink {
    netlink_metrics_t *m;
    qs_clock_t const *clock;
    int route_fd, probe_fd;
    qs_fib_tx_t tx;
    qs_netlink_sync_t sync;
    qs_netlink_ask_t ask;
    qs_sync_counts_t counts, told; /* told: as the metrics last heard */
    alignas(16) u8 datagram[DATAGRAM_MAX];
} netlink_t;

static qs_fib_conf_t
fib_conf(qs_config_t const *cfg)
{
    return (qs_fib_conf_t){.route_max = cfg->netlink.routes,
                           .neigh_max = cfg->netlink.neighbours,
                           .link_max = cfg->netlink.interfaces};
}

static u64
netlink_share_sz(qs_tile_ctx_t const *ctx)
{
    qs_fib_conf_t conf = fib_conf(ctx->cfg);
    return qs_fib_footprint(&conf);
}

static int
netlink_share_new(void *share, qs_tile_ctx_t const *ctx)
{
    qs_fib_conf_t conf = fib_conf(ctx->cfg);
    u64 seed;
    int err = qs_rng_seed_os(&seed);

    return err ? err : qs_fib_new(share, &conf, seed);
}

static int
open_route_socket(void)
{
    struct sockaddr_nl me = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
                                          RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    int sz = SOCKET_RCVBUF;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &sz, sizeof(sz))) /* needs CAP_NET_ADMIN */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &sz, sizeof(sz));
    if (!bind(fd, (struct sockaddr *)&me, sizeof(me)))
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

static int
open_probe_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;

    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_IP, IP_TTL, &one, sizeof(one)); /* it is for the link only */
    return fd;
}

static int
netlink_keep(qs_tile_ctx_t *ctx)
{
    int (*const open[KEPT_CNT])(void) = {
        [KEPT_ROUTE] = open_route_socket, [KEPT_PROBE] = open_probe_socket};

    for (u32 i = 0; i < KEPT_CNT; i++) {
        int fd = open[i]();
        if (fd < 0) {
            snprintf(ctx->err, sizeof(ctx->err), "cannot open the %s socket: %s",
                     i == KEPT_ROUTE ? "rtnetlink" : "probe", strerror(-fd));
            return fd;
        }
        ctx->kept_fd[ctx->kept_cnt++] = fd;
    }
    return 0;
}

static void *
netlink_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(netlink_t), QS_ALIGN);
}

static int
netlink_boot(void *self, qs_tile_ctx_t *ctx)
{
    netlink_t *n = self;
    u64 seed, now = qs_clock_now(ctx->clock);
    bool emptied;
    int err = qs_rng_seed_os(&seed);

    if (!err)
        err = qs_fib_tx_join(&n->tx, ctx->share, netlink_share_sz(ctx), &emptied);
    if (err)
        return err;
    n->m = ctx->metrics;
    n->clock = ctx->clock;
    n->route_fd = ctx->kept_fd[KEPT_ROUTE];
    n->probe_fd = ctx->kept_fd[KEPT_PROBE];
    n->told = n->counts;
    qs_netlink_ask_init(&n->ask, seed, now);
    qs_netlink_sync_init(&n->sync, &n->tx, &n->counts, (u32)now, now);
    ctx->wait_fd[ctx->wait_cnt++] = n->route_fd;
    return 0;
}

static void
send_request(netlink_t *n, u64 now)
{
    u8 request[QS_RTMSG_REQUEST_SZ];
    u32 sz = qs_netlink_sync_request(&n->sync, request, now);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    if (sz && sendto(n->route_fd, request, sz, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        qs_netlink_sync_refused(&n->sync, now);
}

/* read_some returns how many datagrams it took. */
static u32
read_some(netlink_t *n, u64 now)
{
    for (u32 i = 0; i < READ_MAX; i++) {
        struct sockaddr_nl from = {0};
        socklen_t from_sz = sizeof(from);
        ssize_t got = recvfrom(n->route_fd, n->datagram, sizeof(n->datagram), 0,
                               (struct sockaddr *)&from, &from_sz);
        if (got < 0 && errno == ENOBUFS) {
            qs_netlink_sync_lost(&n->sync, now);
            continue;
        }
        if (got < 0)
            return i;
        if (from.nl_pid) /* another process speaks */
            n->counts.bad++;
        else
            qs_netlink_sync_read(&n->sync, n->datagram, (u64)got, now);
    }
    return READ_MAX;
}

static u32
netlink_poll(void *self, qs_stem_t *stem)
{
    netlink_t *n = self;

    u32 did = read_some(n, stem->now);
    send_request(n, stem->now);
    u64 wake = qs_netlink_sync_wake(&n->sync);
    if (wake != UINT64_MAX)
        qs_stem_wake_at(stem, wake);
    return did;
}

/* provoke sends an empty datagram to the neighbour, by its device: the kernel must know its MAC
   then, and finds it out. */
static bool
provoke(netlink_t *n, u64 ask)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr.s_addr = htonl((u32)ask)};
    union {
        struct cmsghdr head;
        u8 room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {0};
    struct msghdr msg = {.msg_name = &to,
                         .msg_namelen = sizeof(to),
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    struct in_pktinfo by = {.ipi_ifindex = (int)(ask >> 32)};

    control.head.cmsg_level = IPPROTO_IP;
    control.head.cmsg_type = IP_PKTINFO;
    control.head.cmsg_len = CMSG_LEN(sizeof(by));
    memcpy(CMSG_DATA(&control.head), &by, sizeof(by));
    return sendmsg(n->probe_fd, &msg, MSG_DONTWAIT | MSG_DONTROUTE | MSG_NOSIGNAL) >= 0;
}

static u32
netlink_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    netlink_t *n = self;

    for (u32 i = 0; i < b->cnt; i++) {
        u64 ask = b->frag[i].sig;
        if (qs_fib_has_neigh(&n->tx, ask)) {
            qs_metric_inc(&n->m->ask_known);
            continue;
        }
        switch (qs_netlink_ask_may(&n->ask, ask, stem->now)) {
        case QS_ASK_RECENT:
            qs_metric_inc(&n->m->ask_recent);
            break;
        case QS_ASK_FLOOD:
            qs_metric_inc(&n->m->ask_flood);
            break;
        default:
            if (provoke(n, ask))
                qs_metric_inc(&n->m->ask);
            else
                qs_metric_inc(&n->m->ask_refused);
        }
    }
    return b->cnt;
}

/* tell_counters adds what was counted since to the metrics. */
static void
tell_counters(netlink_t *n)
{
    qs_sync_counts_t const *c = &n->counts, *t = &n->told;

    qs_metric_add(&n->m->link, c->message[QS_RTMSG_LINK] - t->message[QS_RTMSG_LINK]);
    qs_metric_add(&n->m->addr, c->message[QS_RTMSG_ADDR] - t->message[QS_RTMSG_ADDR]);
    qs_metric_add(&n->m->route, c->message[QS_RTMSG_ROUTE] - t->message[QS_RTMSG_ROUTE]);
    qs_metric_add(&n->m->neigh, c->message[QS_RTMSG_NEIGH] - t->message[QS_RTMSG_NEIGH]);
    qs_metric_add(&n->m->rule, c->message[QS_RTMSG_RULE] - t->message[QS_RTMSG_RULE]);
    qs_metric_add(&n->m->other, c->other - t->other);
    qs_metric_add(&n->m->bad, c->bad - t->bad);
    qs_metric_add(&n->m->overrun, c->overrun - t->overrun);
    qs_metric_add(&n->m->picture, c->picture - t->picture);
    qs_metric_add(&n->m->again, c->again - t->again);
    qs_metric_add(&n->m->no_room, c->no_room - t->no_room);
    n->told = *c;
}

static void
netlink_tidy(void *self, qs_stem_t *stem)
{
    netlink_t *n = self;
    qs_fib_counts_t c;
    (void)stem;

    tell_counters(n);
    qs_fib_counts(&n->tx, &c);
    qs_metric_set(&n->m->routes, c.route);
    qs_metric_set(&n->m->neighbours, c.neigh);
    qs_metric_set(&n->m->interfaces, c.link);
    qs_metric_set(&n->m->addresses, c.addr);
    qs_metric_set(&n->m->multipath, c.multipath);
    qs_metric_set(&n->m->policy_rules, c.rule);
    qs_metric_set(&n->m->synced, c.synced);
    qs_metric_set(&n->m->full, c.full);
}

static void
netlink_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_netlink, self, stem);
}

static int const netlink_syscalls[] = {SYS_recvfrom, SYS_sendto, SYS_sendmsg, -1};

/* clang-format off */
qs_tile_t const qs_tile_netlink = {
    .name      = "netlink",
    .help      = "mirrors the kernel's routes and neighbours",
    .in        = {{.from = "*"}},
    .metrics   = netlink_metric_desc,
    .wait      = QS_WAIT_POLL,
    .tidy_ns   = TIDY_NS,
    .syscalls  = netlink_syscalls,
    .share_sz  = netlink_share_sz,
    .share_new = netlink_share_new,
    .keep      = netlink_keep,
    .layout    = netlink_layout,
    .boot      = netlink_boot,
    .frag      = netlink_frag,
    .poll      = netlink_poll,
    .tidy      = netlink_tidy,
    .run       = netlink_run,
};
/* clang-format on */

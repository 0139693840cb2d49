/* What a sender pays to learn where a datagram goes: longest prefix match, neighbour, and the whole
   answer.  Prefix lengths are spread as in the internet's table; random addresses mostly match
   short prefixes or none, so a second row draws them inside the routes, which is the harder case.
   The mirror lies in ordinary 4 KiB pages.

   A route change is followed from the request to the kernel until this thread, which looks at a
   batch of 64 addresses again and again meanwhile, sees it: in a namespace, with a second thread
   that reads the kernel's news and writes the mirror, as the netlink tile does. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"
#include "disco/netlink/qs_netlink_sync.h"
#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_fib_layout.h"
#include "waltz/ip/qs_rtnl.h"

#define IP_CNT    65536u /* addresses of a run, so that no branch predictor learns them */
#define BATCH     64u
#define ETH0      2u
#define NEIGH_NET 0x0a000000u

typedef struct network {
    qs_fib_tx_t tx;
    qs_fib_rx_t rx;
    u32 route_cnt;
    u32 *prefix; /* of the routes */
    u8 *len;
    u32 next; /* where in the list of addresses the next run begins */
    u32 const *ip;
} network_t;

static qs_rng_t rng;
static u32 random_ip[IP_CNT];
static qs_hop_t hops[BATCH];

static u32
draw_len(void)
{
    static u16 const weight[33] = {
        [8] = 1,     [11] = 1,   [12] = 3,    [13] = 6,   [14] = 12,  [15] = 20,
        [16] = 130,  [17] = 80,  [18] = 130,  [19] = 240, [20] = 400, [21] = 500,
        [22] = 1000, [23] = 900, [24] = 6000, [32] = 100};
    u32 sum = 0, len = 0;
    for (u32 i = 0; i <= 32; i++)
        sum += weight[i];
    for (u64 at = qs_rng_bounded(&rng, sum); at >= weight[len]; len++)
        at -= weight[len];
    return len;
}

static void
make_network(network_t *n, u32 route_cnt, u32 neigh_cnt)
{
    qs_fib_conf_t conf = {.route_max = route_cnt + 8, .neigh_max = neigh_cnt, .link_max = 64};
    u64 sz = qs_fib_footprint(&conf);
    void *mem = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool emptied;

    QS_ASSERT(mem != MAP_FAILED && !qs_fib_new(mem, &conf, 0x5eed5eed5eed5eedull));
    QS_ASSERT(!qs_fib_tx_join(&n->tx, mem, sz, &emptied) && !qs_fib_rx_join(&n->rx, mem, sz));
    qs_rtmsg_t m = {.kind = QS_RTMSG_LINK,
                    .link = {.ifindex = ETH0, .mtu = 1500, .up = true, .plain = true}};
    qs_fib_apply(&n->tx, &m);
    m = (qs_rtmsg_t){.kind = QS_RTMSG_ROUTE,
                     .route = {.dst = NEIGH_NET, .len = 8, .ifindex = ETH0}};
    qs_fib_apply(&n->tx, &m);
    n->route_cnt = route_cnt;
    n->prefix = calloc(route_cnt, sizeof(*n->prefix));
    n->len = calloc(route_cnt, 1);
    for (u32 i = 0; i < route_cnt; i++) {
        n->len[i] = (u8)draw_len();
        n->prefix[i] = (u32)qs_rng_u64(&rng) & UINT32_MAX << (32 - n->len[i]);
        m.route = (qs_rtmsg_route_t){
            .dst = n->prefix[i], .len = n->len[i], .gw = NEIGH_NET + 1 + i % 64, .ifindex = ETH0};
        QS_ASSERT(!qs_fib_apply(&n->tx, &m));
    }
    for (u32 i = 0; i < neigh_cnt; i++) {
        m = (qs_rtmsg_t){.kind = QS_RTMSG_NEIGH,
                         .neigh = {.ifindex = ETH0, .ip = NEIGH_NET + 1 + i, .usable = true}};
        qs_store_be32(m.neigh.mac + 2, i);
        QS_ASSERT(!qs_fib_apply(&n->tx, &m));
    }
    qs_fib_sync_end(&n->tx);
}

/* inside draws addresses that lie in the routes of n. */
static u32 *
inside(network_t const *n)
{
    u32 *ip = calloc(IP_CNT, sizeof(u32));
    for (u32 i = 0; i < IP_CNT; i++) {
        u64 r = qs_rng_bounded(&rng, n->route_cnt);
        u32 host = n->len[r] < 32 ? UINT32_MAX >> n->len[r] : 0;
        ip[i] = n->prefix[r] | ((u32)qs_rng_u64(&rng) & host);
    }
    return ip;
}

static u32 const *
next_batch(network_t *n)
{
    u32 const *ip = n->ip + n->next;
    n->next = (n->next + BATCH) % IP_CNT;
    return ip;
}

static void
lpm_batch(void *ctx)
{
    network_t *n = ctx;
    static u32 hop[BATCH];
    qs_lpm_lookup_batch(&n->rx.lpm, next_batch(n), BATCH, hop);
    bench_use(hop);
}

static void
lpm_single(void *ctx)
{
    network_t *n = ctx;
    static u32 hop[BATCH];
    u32 const *ip = next_batch(n);
    for (u32 i = 0; i < BATCH; i++)
        hop[i] = qs_lpm_lookup(&n->rx.lpm, ip[i]);
    bench_use(hop);
}

static void
resolve_batch(void *ctx)
{
    network_t *n = ctx;
    qs_fib_resolve_batch(&n->rx, next_batch(n), BATCH, hops);
    bench_use(hops);
}

static void
resolve_single(void *ctx)
{
    network_t *n = ctx;
    u32 const *ip = next_batch(n);
    for (u32 i = 0; i < BATCH; i++)
        qs_fib_resolve(&n->rx, ip[i], &hops[i]);
    bench_use(hops);
}

static void
neigh_lookup(void *ctx)
{
    network_t *n = ctx;
    u32 const *ip = next_batch(n);
    u64 sum = 0;
    for (u32 i = 0; i < BATCH; i++) {
        u64 const *record = qs_wmap_find(&n->rx.neigh, (u64)ETH0 << 32 | ip[i]);
        sum += record ? qs_load_relaxed(&record[1]) : 0;
    }
    bench_use(&sum);
}

/* of_neighs makes a copy of n that asks for the first cnt neighbours. */
static network_t *
of_neighs(network_t const *n, u32 cnt)
{
    network_t *copy = malloc(sizeof(*copy));
    u32 *ip = calloc(IP_CNT, sizeof(u32));
    *copy = *n;
    for (u32 i = 0; i < IP_CNT; i++)
        ip[i] = NEIGH_NET + 1 + (u32)qs_rng_bounded(&rng, cnt);
    copy->ip = ip;
    return copy;
}

static network_t *
asking(network_t const *n, u32 const *ip)
{
    network_t *copy = malloc(sizeof(*copy));
    *copy = *n;
    copy->ip = ip;
    return copy;
}

/* --- following the kernel ---------------------------------------------------------------------- */

static struct {
    int news, requests; /* rtnetlink sockets */
    u32 ifindex, round;
    qs_fib_tx_t tx;
    qs_fib_rx_t rx;
} live;

static void *
follow(void *arg)
{
    static u8 datagram[32768], request[QS_RTMSG_REQUEST_SZ];
    static qs_sync_counts_t counts;
    qs_netlink_sync_t sync;
    bench_t clock = {.clock = CLOCK_MONOTONIC};
    (void)arg;

    qs_netlink_sync_init(&sync, &live.tx, &counts, 1, (u64)bench_now_ns(&clock));
    for (;;) {
        u64 now = (u64)bench_now_ns(&clock);
        u32 sz = qs_netlink_sync_request(&sync, request, now);
        QS_ASSERT(!sz || send(live.news, request, sz, 0) == (ssize_t)sz);
        struct pollfd p = {.fd = live.news, .events = POLLIN};
        poll(&p, 1, 10);
        ssize_t got = recv(live.news, datagram, sizeof(datagram), MSG_DONTWAIT);
        if (got > 0)
            qs_netlink_sync_read(&sync, datagram, (u64)got, now);
    }
    return NULL;
}

static void
change_route(u32 gw)
{
    struct {
        struct nlmsghdr head;
        struct rtmsg body;
        struct {
            struct nlattr head;
            u32 value;
        } dst, gw, oif;
    } m = {.head = {.nlmsg_len = sizeof(m),
                    .nlmsg_type = RTM_NEWROUTE,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE},
           .body = {.rtm_family = AF_INET,
                    .rtm_dst_len = 16,
                    .rtm_table = RT_TABLE_MAIN,
                    .rtm_protocol = RTPROT_STATIC,
                    .rtm_type = RTN_UNICAST},
           .dst = {{8, RTA_DST}, htonl(0xac100000)},
           .gw = {{8, RTA_GATEWAY}, htonl(gw)},
           .oif = {{8, RTA_OIF}, live.ifindex}};
    QS_ASSERT(send(live.requests, &m, sizeof(m), 0) == (ssize_t)sizeof(m));
}

/* follow_change changes a route and looks until it is seen. */
static void
follow_change(void *ctx)
{
    u32 ip[BATCH], gw = 0x0a090002 + live.round++ % 2;
    (void)ctx;

    for (u32 i = 0; i < BATCH; i++)
        ip[i] = 0xac100000 + i * 257;
    change_route(gw);
    do
        qs_fib_resolve_batch(&live.rx, ip, BATCH, hops);
    while (hops[BATCH - 1].next_ip != gw);
}

static int
open_rtnetlink(u32 groups)
{
    struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof(me)) ? -1 : fd;
}

/* go_live makes a namespace with a veth pair and a mirror of it; false without the right to. */
static bool
go_live(void)
{
    static qs_fib_conf_t const conf = {.route_max = 64, .neigh_max = 64, .link_max = 16};
    u64 sz = qs_fib_footprint(&conf);
    void *mem = aligned_alloc(QS_ALIGN, sz);
    qs_rtnl_link_t near, far;
    qs_rtnl_t nl;
    pthread_t thread;
    bool emptied;

    if (unshare(CLONE_NEWNET) || qs_rtnl_open(&nl))
        return false;
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (qs_rtnl_veth_create(&nl, "near", "far", here) || qs_rtnl_link_query(&nl, "near", &near) ||
        qs_rtnl_link_query(&nl, "far", &far) || qs_rtnl_link_up(&nl, near.ifindex) ||
        qs_rtnl_link_up(&nl, far.ifindex) ||
        qs_rtnl_addr_add(&nl, near.ifindex, htonl(0x0a090001), 24))
        return false;
    live.ifindex = near.ifindex;
    live.news = open_rtnetlink(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE);
    live.requests = open_rtnetlink(0);
    QS_ASSERT(!qs_fib_new(mem, &conf, 7) && !qs_fib_tx_join(&live.tx, mem, sz, &emptied));
    QS_ASSERT(!qs_fib_rx_join(&live.rx, mem, sz) && live.news >= 0 && live.requests >= 0);
    return !pthread_create(&thread, NULL, follow, NULL);
}

static void
add(bench_t *b, char const *what, char const *variant, void (*fn)(void *), network_t *n)
{
    bench_add(b,
              &(bench_row_t){.what = what, .variant = variant, .fn = fn, .ctx = n, .ops = BATCH});
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static network_t small, large;

    bench_init(&b, "route", argc, argv);
    qs_rng_init(&rng, 20, 26);
    make_network(&small, 10000, 100000);
    make_network(&large, 1000000, 1024);
    for (u32 i = 0; i < IP_CNT; i++)
        random_ip[i] = (u32)qs_rng_u64(&rng);
    add(&b, "longest-prefix match, 10,000 routes, random addresses, batches of 64", "batch",
        lpm_batch, asking(&small, random_ip));
    add(&b, "longest-prefix match, 10,000 routes, random addresses", "one by one", lpm_single,
        asking(&small, random_ip));
    add(&b, "longest-prefix match, 10,000 routes, addresses inside them", "batch", lpm_batch,
        asking(&small, inside(&small)));
    add(&b, "longest-prefix match, 1,000,000 routes, random addresses", "batch", lpm_batch,
        asking(&large, random_ip));
    add(&b, "longest-prefix match, 1,000,000 routes, addresses inside them", "batch", lpm_batch,
        asking(&large, inside(&large)));
    add(&b, "neighbour lookup", "of 1,024 among 100,000", neigh_lookup, of_neighs(&small, 1024));
    add(&b, "neighbour lookup, all 100,000 at random", "hash", neigh_lookup,
        of_neighs(&small, 100000));
    add(&b, "whole answer, 10,000 routes, addresses inside them", "batch", resolve_batch,
        asking(&small, inside(&small)));
    add(&b, "whole answer, 10,000 routes, addresses inside them", "one by one", resolve_single,
        asking(&small, inside(&small)));
    if (go_live())
        bench_add(&b, &(bench_row_t){.what = "route change followed",
                                     .variant = "kernel to reader",
                                     .fn = follow_change,
                                     .ops = 1});
    else
        fprintf(stderr, "bench route: no network namespace here: following is not measured\n");
    return bench_run(&b);
}

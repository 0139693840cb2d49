/* What a sender pays to learn where a datagram goes: longest prefix match, neighbour, and the whole
   answer.  Prefix lengths are spread as in the internet's table; random addresses mostly match
   short prefixes or none, so a second row draws them inside the routes, which is the harder case.
   The mirror lies in ordinary 4 KiB pages. */

#include <sys/mman.h>

#include "bench/bench.h"
#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_fib_layout.h"

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
    return bench_run(&b);
}

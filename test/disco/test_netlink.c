/* Goal: the netlink tile's mirror says at any time how the kernel would send, so that a frame made
   by it arrives; changes while running are followed; a neighbour that is asked for becomes known.
   Method: four hosts in namespaces of their own and the tile in one of them,

        us --n0-- router --c0-- far         us: 10.9.0.1, 10.7.0.1     router: 10.9.0.254, .253
        us --n1-- near                      far: 10.8.0.1              near: 10.7.0.2

   whose mirror the test reads while it changes things with ip(8).  Frames are sent as the mirror
   says, on a raw socket, and must come out of an ordinary one at the other end. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>

#include "disco/netns.h"
#include "disco/qs_group.h"
#include "disco/qs_tiles.h"
#include "tango/shm_host.h"
#include "waltz/ip/qs_fib.h"

#define IP(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define N0             300u /* above 255 */
#define N1             70000u
#define PORT           9000u
#define PATIENCE_MS    5000u

static int us, router, far, near; /* namespaces */
static qs_group_t g;
static qs_clock_t the_clock;
static qs_fib_rx_t rx;
static bool joined;
static u64 ask_box;
static u64 slowest_ns;

/* The tile that asks, as net would, and shows the test what netlink shares. */
static int
asker_boot(void *self, qs_tile_ctx_t *ctx)
{
    (void)self;
    qs_tile_shared_t const *s = qs_tile_shared_of(ctx, "netlink");
    if (!s || qs_tile_shared_of(ctx, "asker") || ctx->shared_cnt != 1)
        return -ENOENT;
    int err = qs_fib_rx_join(&rx, s->mem, s->sz);
    qs_store_release(&joined, !err);
    return err;
}

static u32
asker_poll(void *self, qs_stem_t *s)
{
    (void)self;
    u64 ask = qs_exchange(&ask_box, 0);
    qs_stem_wake_at(s, s->now + 1000000);
    if (!ask || !qs_stem_prepare(s, 0))
        return 0;
    qs_stem_publish(s, 0, ask, 0, 0, 0);
    return 1;
}

static void asker_run(void *self, qs_stem_t *s);
static qs_tile_t const tile_asker = {
    .name = "asker", .out = {"netlink"}, .boot = asker_boot, .poll = asker_poll, .run = asker_run};

static void
asker_run(void *self, qs_stem_t *s)
{
    qs_stem_loop(&tile_asker, self, s);
}

static qs_tile_row_t const tiles[] = {
    {.tile = &tile_asker, .cnt = 1}, {.tile = &qs_tile_netlink, .cnt = 1}, {0}};
static qs_link_row_t const links[] = {
    {"asker", "netlink", .depth = 64, .mtu = 64, .flow = QS_LOSSY}, {0}};
static qs_topo_t const trial = {.name = "trial", .tiles = tiles, .links = links};
static qs_topo_t const *const topos[] = {&trial, NULL};

static bool
wire(void)
{
    int bad = 0;

    bad |= netns_run(us, "ip link set lo up");
    bad |= netns_run(us, "ip link add n0 index %u type veth peer name r0 netns /proc/%d/fd/%d", N0,
                     getpid(), router);
    bad |= netns_run(us, "ip link add n1 index %u type veth peer name e0 netns /proc/%d/fd/%d", N1,
                     getpid(), near);
    bad |= netns_run(router, "ip link add r1 type veth peer name c0 netns /proc/%d/fd/%d", getpid(),
                     far);
    bad |= netns_run(router, "ip addr add 10.9.0.254/24 dev r0 && ip addr add 10.9.0.253/24 dev r0"
                             " && ip addr add 10.8.0.254/24 dev r1 && ip link set r0 up"
                             " && ip link set r1 up && echo 1 > /proc/sys/net/ipv4/ip_forward");
    bad |= netns_run(far, "ip addr add 10.8.0.1/24 dev c0 && ip link set c0 up"
                          " && ip route add default via 10.8.0.254");
    bad |= netns_run(near, "ip addr add 10.7.0.2/24 dev e0 && ip link set e0 up");
    bad |= netns_run(us, "ip addr add 10.9.0.1/24 dev n0 && ip addr add 10.7.0.1/24 dev n1"
                         " && ip link set n0 up && ip link set n1 up"
                         " && ip route add default via 10.9.0.254");
    return !bad;
}

static bool
start(void)
{
    static qs_config_t cfg;

    qs_config_init(&qs_config_table, &cfg);
    cfg.layout.idle = QS_CONFIG_layout_idle_park;
    qs_clock_calibrate(&the_clock, 5000000);
    qs_group_conf_t conf = {.instance = "mirror",
                            .topo = &trial,
                            .topos = topos,
                            .cfg = &cfg,
                            .clock = &the_clock,
                            .threads = true};
    return !qs_group_start(&g, &conf);
}

static bool
hosts(void)
{
    if (!private_host("") || unshare(CLONE_NEWNET)) {
        printf("skipped: no namespaces of our own: %s\n", strerror(errno));
        return false;
    }
    us = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    router = netns_new();
    far = netns_new();
    near = netns_new();
    cr_assert(wire());
    cr_assert(start(), "%s", g.err);
    for (u32 ms = 0; ms < PATIENCE_MS && !qs_load_acquire(&joined); ms++)
        usleep(1000);
    cr_assert(joined);
    return true;
}

static void
halt(void)
{
    if (joined)
        cr_assert(eq(int, qs_group_stop(&g), 0));
}

TestSuite(netlink, .fini = halt, .timeout = 60);

static qs_hop_t
resolve(u32 ip)
{
    qs_hop_t hop;
    qs_fib_resolve(&rx, ip, &hop);
    return hop;
}

/* until waits for the mirror to say `cond` of hop, and notes how long that took. */
#define until(ip, cond)                                                                            \
    do {                                                                                           \
        qs_hop_t hop = resolve(ip);                                                                \
        u64 begun = qs_clock_now(&the_clock), took = 0;                                            \
        for (; !(cond) && took < PATIENCE_MS * 1000000ull; usleep(200)) {                          \
            hop = resolve(ip);                                                                     \
            took = qs_clock_now(&the_clock) - begun;                                               \
        }                                                                                          \
        cr_assert(cond, "%s: %s via %08x", #cond, qs_hop_kind_name(hop.kind), hop.next_ip);        \
        slowest_ns = took > slowest_ns ? took : slowest_ns;                                        \
    } while (0)

/* known asks until the neighbour on the way to ip is known. */
static qs_hop_t
known(u32 ip)
{
    qs_hop_t hop = resolve(ip);
    for (u32 ms = 0; ms < PATIENCE_MS && hop.kind != QS_HOP_OK; ms++) {
        if (hop.kind == QS_HOP_NO_NEIGH)
            qs_store_release(&ask_box, qs_fib_ask(&hop));
        usleep(1000);
        hop = resolve(ip);
    }
    cr_assert(eq(int, hop.kind, QS_HOP_OK), "%s", qs_hop_kind_name((qs_hop_kind_t)hop.kind));
    return hop;
}

static u16
ip_sum(u8 const *head)
{
    u32 sum = 0;
    for (u32 i = 0; i < 20; i += 2)
        sum += qs_load_be16(head + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (u16)~sum;
}

/* send_frame sends a datagram of four bytes as the mirror says. */
static void
send_frame(qs_hop_t const *hop, u32 dst_ip, u32 number)
{
    u8 f[60] = {0};
    memcpy(f, hop->dst_mac, 6);
    memcpy(f + 6, hop->src_mac, 6);
    qs_store_be16(f + 12, ETHERTYPE_IP);
    f[14] = 0x45;
    qs_store_be16(f + 16, 32);
    f[20] = 0x40; /* DF */
    f[22] = 64;
    f[23] = IPPROTO_UDP;
    qs_store_be32(f + 26, hop->src_ip);
    qs_store_be32(f + 30, dst_ip);
    qs_store_be16(f + 24, ip_sum(f + 14));
    qs_store_be16(f + 34, PORT);
    qs_store_be16(f + 36, PORT);
    qs_store_be16(f + 38, 12);
    qs_store_be32(f + 42, number);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)hop->ifindex};
    cr_assert(eq(long, sendto(fd, f, 60, 0, (struct sockaddr *)&to, sizeof(to)), 60L));
    close(fd);
}

/* arrives sends a frame to ip and waits for it in ns, from the source that the mirror chose. */
static void
arrives(int ns, u32 ip)
{
    static u32 number;
    qs_hop_t hop = known(ip);
    int fd = netns_socket(ns, us, AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(PORT)}, from = {0};
    socklen_t from_sz = sizeof(from);
    u8 got[64];

    cr_assert(zero(int, bind(fd, (struct sockaddr *)&me, sizeof(me))));
    send_frame(&hop, ip, ++number);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    cr_assert(eq(int, poll(&p, 1, PATIENCE_MS), 1), "a frame to %08x got lost", ip);
    cr_assert(eq(long, recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from, &from_sz), 4L));
    cr_assert(eq(u32, qs_load_be32(got), number));
    cr_assert(eq(u32, ntohl(from.sin_addr.s_addr), hop.src_ip));
    close(fd);
}

static u64
metric(char const *name)
{
    int tile = qs_plan_tile_of(g.plan, "netlink");
    u64 const *value = qs_wksp_addr(&g.wksp[tile], g.plan->tile[tile].metrics_off, 8);
    qs_metric_desc_t const *desc = qs_tile_netlink.metrics;

    for (u32 i = 0; desc[i].kind; i++)
        if (!strcmp(desc[i].name, name))
            return qs_metric_get(&value[i]);
    cr_fatal("no metric %s", name);
}

static void
metric_becomes(char const *name, u64 value)
{
    for (u32 ms = 0; ms < PATIENCE_MS && metric(name) != value; ms++)
        usleep(1000);
    cr_assert(eq(u64, metric(name), value), "%s", name);
}

Test(netlink, frames_made_by_the_mirror_arrive_on_every_path)
{
    if (!hosts())
        return;
    until(IP(10, 8, 0, 1), hop.kind == QS_HOP_NO_NEIGH && hop.ask_ifindex == N0);
    arrives(far, IP(10, 8, 0, 1));      /* through the router */
    arrives(router, IP(10, 9, 0, 254)); /* the router itself */
    arrives(near, IP(10, 7, 0, 2));     /* on the link */
    cr_assert(eq(u32, resolve(IP(10, 7, 0, 2)).ifindex, N1));
    cr_assert(eq(int, resolve(IP(10, 9, 0, 1)).kind, QS_HOP_LOCAL));
    cr_assert(eq(int, resolve(IP(127, 0, 0, 1)).kind, QS_HOP_LOCAL));
    cr_assert(eq(int, resolve(IP(10, 9, 0, 255)).kind, QS_HOP_KERNEL)); /* broadcast */
    metric_becomes("synced", 1);
    metric_becomes("interfaces", 3);
    cr_assert(metric("ask") > 0);
}

Test(netlink, changes_are_followed)
{
    if (!hosts())
        return;
    u32 ip = IP(10, 8, 0, 1);
    known(ip);
    netns_run(us, "ip route replace default via 10.9.0.253");
    until(ip, hop.next_ip == IP(10, 9, 0, 253));
    arrives(far, ip);
    netns_run(us, "ip route add 10.8.0.0/16 via 10.7.0.2");
    until(ip, hop.next_ip == IP(10, 7, 0, 2) && hop.ask_ifindex == N1);
    netns_run(us, "ip route del 10.8.0.0/16");
    until(ip, hop.next_ip == IP(10, 9, 0, 253));
    netns_run(us, "ip route add blackhole 10.8.0.0/24");
    until(ip, hop.kind == QS_HOP_BLACKHOLE);
    netns_run(us, "ip route replace unreachable 10.8.0.0/24");
    until(ip, hop.kind == QS_HOP_UNREACHABLE);
    netns_run(us, "ip route del unreachable 10.8.0.0/24");
    until(ip, hop.kind == QS_HOP_OK);

    netns_run(us, "ip addr add 10.9.0.2/24 dev n0 && ip addr del 10.9.0.1/24 dev n0"
                  " && ip addr add 10.9.0.3/24 dev n0; ip route replace default via 10.9.0.254");
    until(ip, hop.src_ip == IP(10, 9, 0, 3) && hop.next_ip == IP(10, 9, 0, 254));
    until(IP(10, 9, 0, 1), hop.kind != QS_HOP_LOCAL);
    arrives(far, ip);

    netns_run(us, "ip neigh replace 10.9.0.254 lladdr 02:00:00:00:00:99 dev n0");
    until(ip, hop.dst_mac[5] == 0x99);
    netns_run(router, "ip link set r0 address 02:00:00:00:00:77");
    netns_run(us, "ip neigh del 10.9.0.254 dev n0");
    until(ip, hop.kind == QS_HOP_NO_NEIGH);
    arrives(far, ip);
    cr_assert(eq(int, resolve(ip).dst_mac[5], 0x77));

    netns_run(us, "ip link set n0 address 02:00:00:00:00:55");
    until(ip, hop.src_mac[5] == 0x55);
    netns_run(us, "ip link set n0 mtu 1400");
    until(ip, hop.mtu == 1400);
    netns_run(us, "ip route del default");
    until(ip, hop.kind == QS_HOP_NO_ROUTE);
    printf("slowest change was seen after %lu us\n", slowest_ns / 1000);
}

Test(netlink, routes_that_the_kernel_drops_silently_go_and_devices_may_come_back_as_others)
{
    if (!hosts())
        return;
    u32 ip = IP(10, 8, 0, 1);
    known(ip);
    netns_run(us, "ip link set n0 down"); /* routes go, and nobody is told */
    until(ip, hop.kind == QS_HOP_NO_ROUTE);
    netns_run(us, "ip link set n0 name lan0 && ip link set lan0 up"
                  " && ip route add default via 10.9.0.254");
    arrives(far, ip);
    netns_run(us, "ip link del lan0");
    until(ip, hop.kind == QS_HOP_NO_ROUTE);
    metric_becomes("interfaces", 2);
    netns_run(us, "ip link add n0 index 71000 type veth peer name r0 netns /proc/%d/fd/%d",
              getpid(), router);
    netns_run(router, "ip addr add 10.9.0.254/24 dev r0 && ip link set r0 up");
    netns_run(us, "ip addr add 10.9.0.1/24 dev n0 && ip link set n0 up"
                  " && ip route add default via 10.9.0.254");
    until(ip, hop.ask_ifindex == 71000);
    arrives(far, ip);
}

Test(netlink, several_next_hops_and_policy_rules_are_told)
{
    if (!hosts())
        return;
    u32 ip = IP(10, 8, 0, 1);
    netns_run(us, "ip route replace default nexthop via 10.9.0.253 nexthop via 10.7.0.2");
    until(ip, hop.next_ip == IP(10, 9, 0, 253) && hop.flags & QS_HOP_MULTIPATH);
    metric_becomes("multipath", 1);
    arrives(far, ip);
    netns_run(us, "ip link set n0 down"); /* its next hop is dead, the other lives */
    until(ip, hop.next_ip == IP(10, 7, 0, 2));
    netns_run(us, "ip rule add from 10.7.0.1 table 100");
    metric_becomes("policy_rules", 1);
    netns_run(us, "ip rule del from 10.7.0.1 table 100");
    metric_becomes("policy_rules", 0);
}

Test(netlink, news_lost_in_a_full_buffer_are_made_up_for)
{
    if (!hosts())
        return;
    int tile = qs_plan_tile_of(g.plan, "netlink"), sz = 1;
    int fd = g.tile[tile].handover.kept_fd[0];
    until(IP(10, 8, 0, 1), hop.kind == QS_HOP_NO_NEIGH);
    cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &sz, sizeof(sz))));
    for (u32 round = 0; round < 20 && !metric("overrun"); round++)
        netns_run(us, "for i in $(seq 0 255); do echo route replace 172.16.$i.0/24 via 10.7.0.2; "
                      "done | ip -batch -; for i in $(seq 0 254); do "
                      "echo route del 172.16.$i.0/24; done | ip -batch -");
    cr_assert(metric("overrun") > 0);
    until(IP(172, 16, 255, 1), hop.next_ip == IP(10, 9, 0, 254) || hop.next_ip == IP(10, 7, 0, 2));
    netns_run(us, "ip route replace 172.16.255.0/24 via 10.7.0.2");
    until(IP(172, 16, 255, 1), hop.next_ip == IP(10, 7, 0, 2));
    until(IP(172, 16, 254, 1), hop.next_ip == IP(10, 9, 0, 254));
}

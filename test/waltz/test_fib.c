/* Goal: a datagram goes where the kernel would send it, with what must stand in front of it; what
   cannot be followed is left to the kernel; readers see changes whole; garbage leads nowhere.
   Method: the mirror is told links, addresses, routes and neighbours one by one and asked.  A
   second process changes routes back and forth while this one reads.  A writer killed in the
   middle of a change is one whose seq is left odd. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_fib_layout.h"

#define ETH0           2u
#define ETH1           70000u /* an index far above 255 */
#define VLAN42         9u
#define TUN0           12u
#define IP(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static void *mem;
static u64 mem_sz;
static qs_fib_tx_t tx;
static qs_fib_rx_t rx;
static qs_hop_t hop;

static void
make(qs_fib_conf_t conf)
{
    bool emptied;
    mem_sz = qs_fib_footprint(&conf);
    cr_assert(ne(u64, mem_sz, 0));
    mem = mmap(NULL, mem_sz, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(ne(ptr, mem, MAP_FAILED));
    cr_assert(eq(int, qs_fib_new(mem, &conf, 0x1234567890abcdefull), 0));
    cr_assert(eq(int, qs_fib_tx_join(&tx, mem, mem_sz, &emptied), 0));
    cr_assert(eq(int, qs_fib_rx_join(&rx, mem, mem_sz), 0));
    cr_assert(not(emptied));
}

static void
clear(void)
{
    munmap(mem, mem_sz);
}

static int
link_is(u32 ifindex, u8 last, bool up)
{
    qs_rtmsg_t m = {.kind = QS_RTMSG_LINK,
                    .link = {.ifindex = ifindex,
                             .mtu = 1500,
                             .mac = {2, 0, 0, 0, 0, last},
                             .up = up,
                             .plain = true}};
    return qs_fib_apply(&tx, &m);
}

static void
addr_is(u32 ifindex, u32 ip, u8 len)
{
    qs_rtmsg_t m = {.kind = QS_RTMSG_ADDR,
                    .addr = {.ifindex = ifindex, .ip = ip, .net = ip, .len = len}};
    cr_assert(eq(int, qs_fib_apply(&tx, &m), 0));
}

static qs_rtmsg_t
route(u32 dst, u8 len, u32 gw, u32 ifindex)
{
    return (qs_rtmsg_t){.kind = QS_RTMSG_ROUTE,
                        .route = {.dst = dst,
                                  .len = len,
                                  .gw = gw,
                                  .ifindex = ifindex,
                                  .scope = gw ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK}};
}

static int
tell(qs_rtmsg_t m)
{
    return qs_fib_apply(&tx, &m);
}

static int
gone(qs_rtmsg_t m)
{
    m.gone = true;
    return qs_fib_apply(&tx, &m);
}

static qs_rtmsg_t
neigh(u32 ifindex, u32 ip, u8 last)
{
    return (qs_rtmsg_t){
        .kind = QS_RTMSG_NEIGH,
        .neigh = {.ifindex = ifindex, .ip = ip, .mac = {6, 0, 0, 0, 0, last}, .usable = true}};
}

/* A host with two Ethernet ports, a VLAN on the first, and a router on each. */
static void
host(void)
{
    make((qs_fib_conf_t){.route_max = 64, .neigh_max = 64, .link_max = 16});
    link_is(ETH0, 1, true);
    link_is(ETH1, 2, true);
    addr_is(ETH0, IP(10, 0, 0, 5), 24);
    addr_is(ETH1, IP(10, 1, 0, 5), 24);
    qs_rtmsg_t self = route(IP(10, 0, 0, 5), 32, 0, 0);
    self.route.local = true;
    self.route.way = QS_RTMSG_WAY_LOCAL;
    cr_assert(eq(int, tell(self), 0));
    tell(route(IP(10, 0, 0, 0), 24, 0, ETH0));
    tell(route(IP(10, 1, 0, 0), 24, 0, ETH1));
    tell(route(0, 0, IP(10, 0, 0, 1), ETH0));
    tell(neigh(ETH0, IP(10, 0, 0, 1), 0xa1));
    tell(neigh(ETH1, IP(10, 1, 0, 1), 0xb1));
    qs_fib_sync_end(&tx);
}

static qs_hop_kind_t
ask(u32 ip)
{
    qs_hop_t batch[3];
    u32 ips[3] = {IP(10, 0, 0, 5), ip, IP(10, 0, 0, 5)};

    qs_fib_resolve(&rx, ip, &hop);
    qs_fib_resolve_batch(&rx, ips, 3, batch);
    cr_assert(zero(int, memcmp(&batch[1], &hop, sizeof(hop))), "a batch says the same");
    return (qs_hop_kind_t)hop.kind;
}

TestSuite(fib, .fini = clear);

Test(fib, knows_nothing_until_a_full_picture_was_taken)
{
    make((qs_fib_conf_t){.route_max = 4, .neigh_max = 4, .link_max = 4});
    tell(route(0, 0, IP(10, 0, 0, 1), ETH0));
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_KERNEL));
    cr_assert(eq(int, ask(IP(127, 1, 2, 3)), QS_HOP_LOCAL));
    qs_fib_sync_end(&tx); /* nothing was mentioned since sync_begin: gen is the same */
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_LINK_DOWN));
}

Test(fib, answer_holds_all_that_a_frame_needs)
{
    host();
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_OK));
    cr_assert(hop.ifindex == ETH0 && hop.ask_ifindex == ETH0 && hop.vlan == 0);
    cr_assert(hop.next_ip == IP(10, 0, 0, 1) && hop.src_ip == IP(10, 0, 0, 5) && hop.mtu == 1500);
    cr_assert(zero(int, memcmp(hop.src_mac, (u8[]){2, 0, 0, 0, 0, 1}, 6)));
    cr_assert(zero(int, memcmp(hop.dst_mac, (u8[]){6, 0, 0, 0, 0, 0xa1}, 6)));
    cr_assert(eq(int, hop.flags, 0));

    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_OK)); /* on the link */
    cr_assert(hop.ifindex == ETH1 && hop.next_ip == IP(10, 1, 0, 1));
    cr_assert(eq(u32, hop.src_ip, IP(10, 1, 0, 5)));
}

Test(fib, this_host_and_what_goes_to_many_is_not_for_a_frame_of_ours)
{
    host();
    cr_assert(eq(int, ask(IP(10, 0, 0, 5)), QS_HOP_LOCAL));
    cr_assert(eq(int, ask(IP(127, 0, 0, 1)), QS_HOP_LOCAL));
    cr_assert(eq(int, ask(0), QS_HOP_LOCAL));
    cr_assert(eq(int, ask(IP(224, 0, 0, 1)), QS_HOP_KERNEL));
    cr_assert(eq(int, ask(IP(239, 255, 0, 1)), QS_HOP_KERNEL));
    cr_assert(eq(int, ask(UINT32_MAX), QS_HOP_KERNEL));
}

Test(fib, routes_that_lead_nowhere_say_why)
{
    static u8 const way[] = {QS_RTMSG_WAY_BLACKHOLE, QS_RTMSG_WAY_UNREACHABLE,
                             QS_RTMSG_WAY_PROHIBIT, QS_RTMSG_WAY_THROW, QS_RTMSG_WAY_KERNEL};
    static qs_hop_kind_t const want[] = {QS_HOP_BLACKHOLE, QS_HOP_UNREACHABLE, QS_HOP_PROHIBIT,
                                         QS_HOP_NO_ROUTE, QS_HOP_KERNEL};
    host();
    for (u32 i = 0; i < QS_COUNT(way); i++) {
        qs_rtmsg_t m = route(IP(192, 168, i, 0), 24, 0, 0);
        m.route.way = way[i];
        cr_assert(eq(int, tell(m), 0));
        cr_assert(eq(int, ask(IP(192, 168, i, 9)), want[i]));
    }
    gone(route(0, 0, IP(10, 0, 0, 1), ETH0));
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_NO_ROUTE));
}

Test(fib, longest_prefix_then_local_table_then_metric_then_order_decides)
{
    host();
    u32 ip = IP(172, 16, 1, 1);
    tell(neigh(ETH1, IP(10, 1, 0, 2), 0xb2));

    qs_rtmsg_t slow = route(IP(172, 16, 0, 0), 16, IP(10, 1, 0, 1), ETH1);
    slow.route.metric = 100;
    tell(slow);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 1, 0, 1)));
    qs_rtmsg_t fast = route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 1), ETH0);
    fast.route.metric = 50;
    tell(fast);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 0, 0, 1)));
    qs_rtmsg_t before = route(IP(172, 16, 0, 0), 16, IP(10, 1, 0, 2), ETH1);
    before.route.metric = 50; /* a twin goes in front ... */
    tell(before);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 1, 0, 2)));
    gone(before);
    before.flags = QS_RTMSG_APPEND; /* ... or behind, if it is appended */
    tell(before);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 0, 0, 1)));

    qs_rtmsg_t local = route(IP(172, 16, 0, 0), 16, 0, 0);
    local.route.local = true;
    local.route.way = QS_RTMSG_WAY_LOCAL;
    local.route.metric = 1000;
    tell(local);
    cr_assert(eq(int, ask(ip), QS_HOP_LOCAL));
    tell(route(IP(172, 16, 1, 0), 24, IP(10, 1, 0, 1), ETH1));
    cr_assert(eq(int, ask(ip), QS_HOP_OK));

    gone(route(IP(172, 16, 1, 0), 24, IP(10, 1, 0, 1), ETH1));
    gone(local);
    gone(fast);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 1, 0, 2)));
    gone(before);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 1, 0, 1)));
    gone(slow);
    ask(ip);
    cr_assert(eq(u32, hop.next_ip, IP(10, 0, 0, 1))); /* the default route */
}

Test(fib, replaced_route_takes_its_predecessors_place)
{
    host();
    qs_rtmsg_t other = route(0, 0, IP(10, 1, 0, 1), ETH1);
    other.flags = QS_RTMSG_REPLACE;
    tell(other);
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_OK));
    cr_assert(hop.ifindex == ETH1 && hop.src_ip == IP(10, 1, 0, 5));
    qs_fib_counts_t c;
    qs_fib_counts(&tx, &c);
    cr_assert(eq(u32, c.route, 4));
    gone(other);
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_NO_ROUTE));
}

Test(fib, route_that_went_and_cannot_be_told_from_its_twins_needs_a_full_picture)
{
    host();
    tell(route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 1), ETH0));
    tell(route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 2), ETH0));
    cr_assert(eq(int, gone(route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 3), ETH0)), -EAGAIN));
    cr_assert(eq(int, gone(route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 1), ETH0)), 0));
    cr_assert(eq(int, gone(route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 9), ETH0)), 0));
    cr_assert(eq(int, gone(route(IP(172, 99, 0, 0), 16, IP(10, 0, 0, 9), ETH0)), 0));
}

Test(fib, source_is_the_routes_own_or_the_gateways_network_or_the_devices_first)
{
    host();
    addr_is(ETH0, IP(10, 7, 0, 5), 24);
    qs_rtmsg_t second = {.kind = QS_RTMSG_ADDR,
                         .addr = {.ifindex = ETH0,
                                  .ip = IP(10, 8, 0, 6),
                                  .net = IP(10, 8, 0, 6),
                                  .len = 24,
                                  .secondary = true}};
    tell(second);
    tell(route(IP(172, 16, 0, 0), 16, IP(10, 7, 0, 1), ETH0)); /* in the second network */
    tell(route(IP(172, 17, 0, 0), 16, IP(10, 8, 0, 1), ETH0)); /* only a secondary one there */
    qs_rtmsg_t own = route(IP(172, 18, 0, 0), 16, IP(10, 7, 0, 1), ETH0);
    own.route.src = IP(10, 0, 0, 5);
    tell(own);
    link_is(30, 9, true);
    tell(route(IP(172, 19, 0, 0), 16, 0, 30)); /* a device without an address */
    qs_fib_settle(&tx);
    ask(IP(172, 16, 0, 1));
    cr_assert(eq(u32, hop.src_ip, IP(10, 7, 0, 5)));
    ask(IP(172, 17, 0, 1));
    cr_assert(eq(u32, hop.src_ip, IP(10, 0, 0, 5)));
    ask(IP(172, 18, 0, 1));
    cr_assert(eq(u32, hop.src_ip, IP(10, 0, 0, 5)));
    ask(IP(172, 19, 0, 1));
    cr_assert(eq(u32, hop.src_ip, IP(10, 0, 0, 5)));
}

Test(fib, changed_address_changes_the_source_of_the_routes_there)
{
    host();
    qs_rtmsg_t m = {
        .kind = QS_RTMSG_ADDR,
        .gone = true,
        .addr = {.ifindex = ETH0, .ip = IP(10, 0, 0, 5), .net = IP(10, 0, 0, 5), .len = 24}};
    tell(m);
    addr_is(ETH0, IP(10, 0, 0, 77), 24);
    qs_fib_settle(&tx);
    ask(IP(8, 8, 8, 8));
    cr_assert(eq(u32, hop.src_ip, IP(10, 0, 0, 77)));
}

Test(fib, neighbour_unknown_stale_moved_and_lost)
{
    host();
    cr_assert(eq(int, ask(IP(10, 0, 0, 9)), QS_HOP_NO_NEIGH));
    cr_assert(hop.next_ip == IP(10, 0, 0, 9) && hop.ask_ifindex == ETH0);
    cr_assert(eq(u64, qs_fib_ask(&hop), (u64)ETH0 << 32 | IP(10, 0, 0, 9)));
    tell(neigh(ETH0, IP(10, 0, 0, 9), 1));
    cr_assert(eq(int, ask(IP(10, 0, 0, 9)), QS_HOP_OK));
    qs_rtmsg_t moved = neigh(ETH0, IP(10, 0, 0, 9), 2);
    moved.neigh.stale = true;
    tell(moved);
    cr_assert(eq(int, ask(IP(10, 0, 0, 9)), QS_HOP_OK));
    cr_assert(hop.dst_mac[5] == 2 && hop.flags == QS_HOP_STALE);
    cr_assert(not(qs_fib_has_neigh(&tx, qs_fib_ask(&hop))));
    moved.neigh.usable = false; /* failed */
    tell(moved);
    cr_assert(eq(int, ask(IP(10, 0, 0, 9)), QS_HOP_NO_NEIGH));
}

Test(fib, vlan_leaves_by_its_parent_with_a_tag)
{
    host();
    qs_rtmsg_t vlan = {.kind = QS_RTMSG_LINK,
                       .link = {.ifindex = VLAN42,
                                .parent = ETH0,
                                .vlan = 42,
                                .mtu = 1400,
                                .mac = {2, 0, 0, 0, 0, 42},
                                .up = true,
                                .plain = true}};
    tell(vlan);
    tell(route(IP(10, 42, 0, 0), 24, 0, VLAN42));
    cr_assert(eq(int, ask(IP(10, 42, 0, 1)), QS_HOP_NO_NEIGH));
    cr_assert(eq(u32, hop.ask_ifindex, VLAN42));
    tell(neigh(VLAN42, IP(10, 42, 0, 1), 0xc1));
    cr_assert(eq(int, ask(IP(10, 42, 0, 1)), QS_HOP_OK));
    cr_assert(hop.ifindex == ETH0 && hop.ask_ifindex == VLAN42 && hop.vlan == 42);
    cr_assert(hop.mtu == 1400 && hop.src_mac[5] == 42);

    link_is(ETH0, 1, false);
    cr_assert(eq(int, ask(IP(10, 42, 0, 1)), QS_HOP_LINK_DOWN));
    link_is(ETH0, 1, true);
    vlan.link.parent = 0; /* one that cannot be followed */
    vlan.link.plain = false;
    tell(vlan);
    cr_assert(eq(int, ask(IP(10, 42, 0, 1)), QS_HOP_KERNEL));

    qs_rtmsg_t inner = vlan; /* a VLAN in a VLAN */
    inner.link.ifindex = 50;
    inner.link.parent = VLAN42;
    inner.link.plain = vlan.link.plain = true;
    vlan.link.parent = ETH0;
    tell(vlan);
    tell(inner);
    tell(route(IP(10, 43, 0, 0), 24, 0, 50));
    cr_assert(eq(int, ask(IP(10, 43, 0, 1)), QS_HOP_KERNEL));
}

Test(fib, device_down_gone_or_made_again_with_another_index_is_followed)
{
    host();
    link_is(ETH1, 2, false);
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_LINK_DOWN));
    qs_rtmsg_t m = {.kind = QS_RTMSG_LINK, .gone = true, .link = {.ifindex = ETH1}};
    tell(m);
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_LINK_DOWN));
    link_is(ETH1 + 1, 3, true);
    gone(route(IP(10, 1, 0, 0), 24, 0, ETH1));
    tell(route(IP(10, 1, 0, 0), 24, 0, ETH1 + 1));
    tell(neigh(ETH1 + 1, IP(10, 1, 0, 1), 0xb1));
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_OK));
    cr_assert(hop.ifindex == ETH1 + 1 && hop.src_mac[5] == 3);
}

Test(fib, mtu_is_the_smallest_on_the_way)
{
    host();
    qs_rtmsg_t m = route(IP(172, 16, 0, 0), 16, IP(10, 0, 0, 1), ETH0);
    m.route.mtu = 1300;
    m.route.multipath = true;
    tell(m);
    ask(IP(172, 16, 0, 1));
    cr_assert(hop.mtu == 1300 && hop.flags == QS_HOP_MULTIPATH);
    m = route(IP(172, 17, 0, 0), 16, IP(10, 0, 0, 1), ETH0);
    m.route.mtu = 9000;
    tell(m);
    ask(IP(172, 17, 0, 1));
    cr_assert(eq(u32, hop.mtu, 1500));
}

Test(fib, full_picture_drops_what_it_does_not_mention_and_disturbs_nobody_else)
{
    host();
    tell(route(IP(172, 16, 0, 0), 16, IP(10, 1, 0, 1), ETH1)); /* the kernel forgot it silently */
    u64 seq = *rx.seq;
    qs_fib_sync_begin(&tx);
    link_is(ETH0, 1, true);
    link_is(ETH1, 2, true);
    addr_is(ETH0, IP(10, 0, 0, 5), 24);
    tell(route(IP(10, 0, 0, 0), 24, 0, ETH0));
    tell(route(IP(10, 1, 0, 0), 24, 0, ETH1));
    tell(route(0, 0, IP(10, 0, 0, 1), ETH0));
    tell(neigh(ETH0, IP(10, 0, 0, 1), 0xa1));
    cr_assert(eq(u64, *rx.seq, seq));
    qs_fib_sync_end(&tx);
    qs_fib_counts_t c;
    qs_fib_counts(&tx, &c);
    cr_assert(c.route == 3 && c.neigh == 1 && c.link == 2 && c.addr == 1 && c.synced && !c.full);
    ask(IP(172, 16, 0, 1));
    cr_assert(eq(u32, hop.next_ip, IP(10, 0, 0, 1)));
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_NO_NEIGH));
    cr_assert(eq(u32, hop.src_ip, IP(10, 0, 0, 5))); /* its own address is gone */
}

/* What net tiles do: they look again only when seq has changed. */
static void
remembered(u32 ip, char const *what)
{
    static u64 seq = 1; /* odd: nothing yet */
    static qs_hop_t memory;

    if (*rx.seq != seq)
        qs_fib_resolve(&rx, ip, &memory);
    seq = *rx.seq;
    qs_fib_resolve(&rx, ip, &hop);
    cr_assert(zero(int, memcmp(&memory, &hop, sizeof(hop))), "%s", what);
}

Test(fib, answer_that_is_remembered_is_right_as_long_as_seq_stands)
{
    u32 const peer = IP(10, 0, 0, 9);
    make((qs_fib_conf_t){.route_max = 2, .neigh_max = 8, .link_max = 8});
    remembered(peer, "before the first picture");
    link_is(ETH0, 1, true);
    addr_is(ETH0, IP(10, 0, 0, 5), 24);
    tell(route(IP(10, 0, 0, 0), 24, 0, ETH0));
    tell(neigh(ETH0, peer, 1));
    remembered(peer, "all is there, but not complete yet");
    qs_fib_sync_end(&tx);
    remembered(peer, "complete");
    cr_assert(eq(int, hop.kind, QS_HOP_OK));
    tell(neigh(ETH0, peer, 2));
    remembered(peer, "another MAC");
    qs_rtmsg_t m = neigh(ETH0, peer, 2);
    m.neigh.stale = true;
    tell(m);
    remembered(peer, "stale");
    link_is(ETH0, 7, true);
    remembered(peer, "our MAC");
    link_is(ETH0, 7, false);
    remembered(peer, "down");
    link_is(ETH0, 7, true);
    addr_is(ETH0, IP(10, 0, 0, 6), 24);
    m = (qs_rtmsg_t){
        .kind = QS_RTMSG_ADDR,
        .gone = true,
        .addr = {.ifindex = ETH0, .ip = IP(10, 0, 0, 5), .net = IP(10, 0, 0, 5), .len = 24}};
    tell(m);
    remembered(peer, "our address, not settled yet");
    qs_fib_settle(&tx);
    remembered(peer, "our address");
    cr_assert(eq(u32, hop.src_ip, IP(10, 0, 0, 6)));
    tell(route(IP(10, 1, 0, 0), 24, 0, ETH0));
    cr_assert(eq(int, tell(route(IP(10, 2, 0, 0), 24, 0, ETH0)), -ENOSPC));
    remembered(peer, "no room");
    cr_assert(eq(int, hop.kind, QS_HOP_KERNEL));
}

Test(fib, what_has_no_room_leaves_all_to_the_kernel_until_it_fits)
{
    make((qs_fib_conf_t){.route_max = 3, .neigh_max = 2, .link_max = 2});
    link_is(ETH0, 1, true);
    for (u32 i = 0; i < 3; i++)
        cr_assert(eq(int, tell(route(IP(10, i, 0, 0), 16, 0, ETH0)), 0));
    qs_fib_sync_end(&tx);
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_NO_NEIGH));
    cr_assert(eq(int, tell(route(IP(10, 1, 1, 0), 24, 0, ETH0)), -ENOSPC));
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_KERNEL));
    qs_fib_sync_begin(&tx);
    link_is(ETH0, 1, true);
    tell(route(IP(10, 1, 0, 0), 16, 0, ETH0));
    qs_fib_sync_end(&tx);
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_NO_NEIGH));

    cr_assert(eq(int, link_is(3, 1, true), 0));
    cr_assert(eq(int, link_is(4, 1, true), -ENOSPC));
    tell(neigh(ETH0, 1, 1));
    tell(neigh(ETH0, 2, 1));
    cr_assert(eq(int, tell(neigh(ETH0, 3, 1)), -ENOSPC));
    cr_assert(eq(int, tell(neigh(ETH0, 2, 7)), 0));
    for (u32 i = 0; i < 2 * QS_FIB_ADDR_PER_DEV; i++)
        addr_is(ETH0, IP(10, 0, i, 1), 24);
    qs_rtmsg_t m = {.kind = QS_RTMSG_ADDR, .addr = {.ifindex = ETH0, .ip = 9, .net = 9}};
    cr_assert(eq(int, tell(m), -ENOSPC));
}

Test(fib, whoever_keeps_answers_hears_when_the_picture_is_complete_and_when_it_no_longer_is)
{
    make((qs_fib_conf_t){.route_max = 3, .neigh_max = 2, .link_max = 2});
    link_is(ETH0, 1, true);
    for (u32 i = 0; i < 3; i++)
        tell(route(IP(10, i, 0, 0), 16, 0, ETH0));
    qs_fib_sync_begin(&tx);
    link_is(ETH0, 1, true);
    for (u32 i = 0; i < 3; i++)
        tell(route(IP(10, i, 0, 0), 16, 0, ETH0));
    qs_fib_settle(&tx);
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_KERNEL));
    u64 seq = *rx.seq;
    qs_fib_sync_end(&tx);
    cr_assert(eq(int, ask(IP(10, 1, 0, 1)), QS_HOP_NO_NEIGH));
    cr_assert(eq(u64, *rx.seq, seq + 2));
    qs_fib_sync_begin(&tx);
    link_is(ETH0, 1, true);
    for (u32 i = 0; i < 3; i++)
        tell(route(IP(10, i, 0, 0), 16, 0, ETH0));
    qs_fib_sync_end(&tx); /* nothing new */
    cr_assert(eq(u64, *rx.seq, seq + 2));
    cr_assert(eq(int, tell(route(IP(10, 1, 1, 0), 24, 0, ETH0)), -ENOSPC));
    cr_assert(eq(u64, *rx.seq, seq + 4));
}

Test(fib, writer_killed_in_a_change_finds_the_mirror_emptied_else_as_it_was)
{
    bool emptied;
    host();
    cr_assert(eq(int, qs_fib_tx_join(&tx, mem, mem_sz, &emptied), 0));
    cr_assert(not(emptied));
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_OK));

    tx.fib->seq++;
    tx.route[2].next = 2; /* whatever it was in the middle of */
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_BUSY));
    cr_assert(rx.busy > 0);
    cr_assert(eq(int, qs_fib_tx_join(&tx, mem, mem_sz, &emptied), 0));
    cr_assert(emptied);
    cr_assert(eq(int, ask(IP(8, 8, 8, 8)), QS_HOP_KERNEL));
    qs_fib_counts_t c;
    qs_fib_counts(&tx, &c);
    cr_assert(c.route == 0 && c.neigh == 0 && !c.synced);
}

Test(fib, hundred_thousand_neighbours_are_found)
{
    make((qs_fib_conf_t){.route_max = 4, .neigh_max = 100000, .link_max = 4});
    link_is(ETH0, 1, true);
    tell(route(IP(10, 0, 0, 0), 8, 0, ETH0));
    qs_rtmsg_t m = neigh(ETH0, 0, 0);
    for (u32 i = 0; i < 100000; i++) {
        m.neigh.ip = IP(10, 0, 0, 0) + i;
        qs_store_be32(m.neigh.mac + 2, i);
        cr_assert(eq(int, qs_fib_apply(&tx, &m), 0));
    }
    qs_fib_sync_end(&tx);
    for (u32 i = 0; i < 100000; i++) {
        qs_fib_resolve(&rx, IP(10, 0, 0, 0) + i, &hop);
        cr_assert(hop.kind == QS_HOP_OK && qs_load_be32(hop.dst_mac + 2) == i);
    }
    for (u32 i = 0; i < 100000; i += 2) {
        m.neigh.ip = IP(10, 0, 0, 0) + i;
        gone(m);
    }
    for (u32 i = 0; i < 100000; i++) {
        qs_fib_resolve(&rx, IP(10, 0, 0, 0) + i, &hop);
        cr_assert(eq(int, hop.kind, i % 2 ? QS_HOP_OK : QS_HOP_NO_NEIGH));
    }
}

/* Two pictures of the same network in turn: each has its own gateway, device and source.  A reader
   that saw a mixture would find one's gateway with the other's device. */
static void
change_for_ever(void)
{
    qs_rtmsg_t a = route(0, 0, IP(10, 0, 0, 1), ETH0), b = route(0, 0, IP(10, 1, 0, 1), ETH1);
    a.flags = b.flags = QS_RTMSG_REPLACE;
    for (u32 i = 0;; i++) {
        qs_fib_apply(&tx, i % 2 ? &a : &b);
        qs_rtmsg_t n = neigh(ETH0, IP(10, 0, 9, i % 32), 9);
        n.gone = i & 32;
        qs_fib_apply(&tx, &n);
        for (u32 k = 0; k < i % 50; k++)
            qs_pause();
    }
}

Test(fib, readers_see_changes_whole)
{
    static u32 ip[QS_FIB_BATCH];
    static qs_hop_t hops[QS_FIB_BATCH];
    u64 seen[2] = {0}, busy = 0;

    host();
    for (u32 i = 0; i < QS_FIB_BATCH; i++)
        ip[i] = IP(8, 8, i, 8);
    pid_t writer = fork();
    if (!writer)
        change_for_ever();
    for (u64 k = 0; k < 10000000 && (seen[0] < 20000 || seen[1] < 20000); k++) {
        qs_fib_resolve_batch(&rx, ip, QS_FIB_BATCH, hops);
        for (u32 i = 0; i < QS_FIB_BATCH; i++) {
            if (hops[i].kind == QS_HOP_BUSY) {
                busy++;
                continue;
            }
            u32 net = hops[i].ifindex == ETH1;
            seen[net]++;
            cr_assert(hops[i].kind == QS_HOP_OK && hops[i].next_ip == IP(10, net, 0, 1) &&
                      hops[i].src_ip == IP(10, net, 0, 5) && hops[i].src_mac[5] == net + 1 &&
                      hops[i].dst_mac[5] == (net ? 0xb1 : 0xa1));
        }
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    cr_assert(eq(u64, rx.busy, busy));
    cr_assert(seen[0] && seen[1], "both pictures were seen");
}

Test(fib, garbage_leads_nowhere)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 5, 0);
    host();
    fib_parts_t p;
    fib_parts(&tx.fib->conf, &p);
    for (u64 off = p.lpm; off + 8 <= mem_sz; off += 8)
        *(u64 *)((u8 *)mem + off) = qs_rng_u64(&rng) & (off % 3 ? UINT64_MAX : 0xff000000000000ff);
    tx.fib->state = FIB_SYNCED;
    for (u32 k = 0; k < 20000; k++) {
        u32 ip[8];
        qs_hop_t hops[8];
        for (u32 i = 0; i < 8; i++)
            ip[i] = (u32)qs_rng_u64(&rng);
        qs_fib_resolve_batch(&rx, ip, 8, hops);
        for (u32 i = 0; i < 8; i++)
            cr_assert(hops[i].kind < QS_HOP_KIND_CNT);
    }
}

Test(fib, memory_that_is_no_mirror_is_refused)
{
    host();
    qs_fib_rx_t other;
    qs_fib_conf_t bad[] = {{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {QS_FIB_ROUTE_MAX + 1, 1, 1}};
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        cr_assert(eq(u64, qs_fib_footprint(&bad[i]), 0));
        cr_assert(eq(int, qs_fib_new(mem, &bad[i], 1), -EINVAL));
    }
    cr_assert(eq(int, qs_fib_rx_join(&other, NULL, mem_sz), -EFAULT));
    cr_assert(eq(int, qs_fib_rx_join(&other, (u8 *)mem + 8, mem_sz), -EFAULT));
    cr_assert(eq(int, qs_fib_rx_join(&other, mem, mem_sz - QS_ALIGN), -EPROTO));
    tx.fib->conf.route_max++;
    tx.fib->conf.neigh_max *= 64;
    cr_assert(eq(int, qs_fib_rx_join(&other, mem, mem_sz), -EPROTO));
    tx.fib->magic++;
    cr_assert(eq(int, qs_fib_rx_join(&other, mem, mem_sz), -EPROTO));
}

/* Goal: what the kernel says is understood, what it would never say is refused, and nothing is
   read outside the bytes, wherever they end.
   Method: messages are written attribute by attribute and read back; each is then cut short and
   damaged at every byte in a block of its exact size, where ASan sees a read past the end; and in
   a namespace the kernel's own dumps are compared with what was set up there. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "waltz/ip/qs_rtmsg.h"
#include "waltz/ip/qs_rtnl.h"
#include "waltz/rtmsg_build.h"

static u8 const mac[6] = {2, 0, 0, 0, 0, 1};
static build_t b;
static qs_rtmsg_t m;

#define IFF_GOOD (IFF_UP | IFF_RUNNING | 0x10000u)

static qs_rtmsg_verdict_t
read_it(void)
{
    build_end(&b);
    qs_rtmsg_iter_t iter = qs_rtmsg_iter(b.buf, b.sz);
    qs_rtmsg_verdict_t verdict = qs_rtmsg_next(&iter, &m);
    qs_rtmsg_t none;
    cr_assert(eq(int, qs_rtmsg_next(&iter, &none), QS_RTMSG_END));
    b = (build_t){0};
    return verdict;
}

Test(rtmsg, link_has_its_address_mtu_name_and_state)
{
    build_link(&b, RTM_NEWLINK, 70000, IFF_GOOD, "eth9", mac, 1500);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(eq(int, m.kind, QS_RTMSG_LINK));
    cr_assert(not(m.gone));
    cr_assert(eq(u32, m.link.ifindex, 70000));
    cr_assert(eq(u32, m.link.mtu, 1500));
    cr_assert(eq(str, m.link.name, "eth9"));
    cr_assert(zero(int, memcmp(m.link.mac, mac, 6)));
    cr_assert(m.link.up && m.link.plain && !m.link.vlan);

    build_link(&b, RTM_DELLINK, 3, IFF_UP, "eth9", mac, 1500);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(m.gone && !m.link.up); /* no carrier */
}

Test(rtmsg, devices_a_frame_cannot_be_made_for_are_not_plain)
{
    struct ifinfomsg tun = {.ifi_type = ARPHRD_NONE, .ifi_index = 4, .ifi_flags = IFF_GOOD};
    build_message(&b, RTM_NEWLINK, 0, &tun, sizeof(tun));
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(not(m.link.plain));

    build_link(&b, RTM_NEWLINK, 5, IFF_GOOD | IFF_NOARP, "dummy0", mac, 1500);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(not(m.link.plain));

    build_link(&b, RTM_NEWLINK, 6, IFF_GOOD, "x", NULL, 1500);
    build_attr(&b, IFLA_ADDRESS, "01234567890123456789", 20); /* InfiniBand's */
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(not(m.link.plain));
}

Test(rtmsg, vlan_has_its_tag_and_parent)
{
    build_link(&b, RTM_NEWLINK, 7, IFF_GOOD, "eth0.42", mac, 1500);
    build_vlan(&b, 2, 42, 0x8100);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(m.link.plain && m.link.vlan == 42 && m.link.parent == 2);

    build_link(&b, RTM_NEWLINK, 7, IFF_GOOD, "eth0.42", mac, 1500);
    build_vlan(&b, 2, 42, 0x88a8); /* a provider's tag */
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(not(m.link.plain));

    build_link(&b, RTM_NEWLINK, 7, IFF_GOOD, "eth0.42", mac, 1500);
    build_vlan(&b, 2, 42, 0x8100);
    build_u32(&b, IFLA_LINK_NETNSID, 0); /* its parent is elsewhere */
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(not(m.link.plain));

    build_link(&b, RTM_NEWLINK, 7, IFF_GOOD, "v0", mac, 1500);
    build_u32(&b, IFLA_LINK, 2); /* a veth's peer, say */
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(m.link.plain && !m.link.parent);
}

Test(rtmsg, what_a_bridge_says_of_its_ports_is_not_about_links)
{
    struct ifinfomsg info = {.ifi_family = AF_BRIDGE, .ifi_index = 4};
    build_message(&b, RTM_DELLINK, 0, &info, sizeof(info));
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));
    struct ndmsg fdb = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 4, .ndm_state = NUD_PERMANENT};
    build_message(&b, RTM_NEWNEIGH, 0, &fdb, sizeof(fdb));
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));
}

Test(rtmsg, address_of_a_point_to_point_link_knows_its_peer)
{
    struct ifaddrmsg info = {
        .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 9, .ifa_scope = RT_SCOPE_LINK};
    build_message(&b, RTM_NEWADDR, 0, &info, sizeof(info));
    build_ip(&b, IFA_ADDRESS, 0x0a000002);
    build_ip(&b, IFA_LOCAL, 0x0a000001);
    build_u32(&b, IFA_FLAGS, IFA_F_SECONDARY);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(m.addr.ip == 0x0a000001 && m.addr.net == 0x0a000002 && m.addr.len == 32);
    cr_assert(m.addr.secondary && m.addr.scope == RT_SCOPE_LINK && m.addr.ifindex == 9);
}

Test(rtmsg, route_has_gateway_device_source_metric_and_mtu)
{
    build_route(&b, RTM_NEWROUTE, NLM_F_REPLACE, RT_TABLE_MAIN, RTN_UNICAST, 0x0a0000ff, 24);
    build_u32(&b, RTA_OIF, 300);
    build_ip(&b, RTA_GATEWAY, 0x0a000101);
    build_ip(&b, RTA_PREFSRC, 0x0a000105);
    build_u32(&b, RTA_PRIORITY, 100);
    build_nest(&b, RTA_METRICS);
    build_u32(&b, RTAX_MTU, 1400);
    build_unnest(&b);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(eq(u32, m.route.dst, 0x0a000000)); /* bits behind the prefix do not count */
    cr_assert(m.route.len == 24 && m.route.way == QS_RTMSG_WAY_HOP && !m.route.local);
    cr_assert(m.route.ifindex == 300 && m.route.gw == 0x0a000101);
    cr_assert(m.route.src == 0x0a000105 && m.route.metric == 100 && m.route.mtu == 1400);
    cr_assert(eq(u32, m.flags, QS_RTMSG_REPLACE));
}

Test(rtmsg, every_type_of_route_has_its_way)
{
    static u8 const want[256] = {
        [RTN_UNICAST] = QS_RTMSG_WAY_HOP,
        [RTN_LOCAL] = QS_RTMSG_WAY_LOCAL,
        [RTN_THROW] = QS_RTMSG_WAY_THROW,
        [RTN_BLACKHOLE] = QS_RTMSG_WAY_BLACKHOLE,
        [RTN_UNREACHABLE] = QS_RTMSG_WAY_UNREACHABLE,
        [RTN_PROHIBIT] = QS_RTMSG_WAY_PROHIBIT,
    };
    for (u32 type = 0; type < 256; type++) {
        build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, (u8)type, 0x0a000000, 8);
        build_u32(&b, RTA_OIF, 3);
        cr_assert(eq(int, read_it(), QS_RTMSG_OK));
        u8 way = type == RTN_UNICAST || want[type] ? want[type] : QS_RTMSG_WAY_KERNEL;
        cr_assert(eq(int, m.route.way, way), "type %u", type);
    }
}

Test(rtmsg, ways_we_cannot_follow_are_left_to_the_kernel)
{
    struct {
        u16 attr;
        u32 sz;
    } const foreign[] = {{RTA_VIA, 18}, {RTA_ENCAP_TYPE, 2}, {RTA_ENCAP, 8}};
    u8 data[32] = {0};
    for (u32 i = 0; i < QS_COUNT(foreign); i++) {
        build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0a000000, 8);
        build_u32(&b, RTA_OIF, 3);
        build_attr(&b, foreign[i].attr, data, foreign[i].sz);
        cr_assert(eq(int, read_it(), QS_RTMSG_OK));
        cr_assert(eq(int, m.route.way, QS_RTMSG_WAY_KERNEL));
    }
    build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0a000000, 8);
    build_u32(&b, 30 /* RTA_NH_ID */, 7); /* a next hop object that is not spelled out */
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(eq(int, m.route.way, QS_RTMSG_WAY_KERNEL));
}

Test(rtmsg, of_several_next_hops_the_first_that_lives_is_taken)
{
    build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0, 0);
    build_nest(&b, RTA_MULTIPATH);
    build_next_hop(&b, 3, RTNH_F_DEAD, 0x0a000001);
    build_next_hop(&b, 4, 0, 0x0a000002);
    build_next_hop(&b, 5, 0, 0x0a000003);
    build_unnest(&b);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(m.route.multipath && m.route.ifindex == 4 && m.route.gw == 0x0a000002 && !m.gone);

    build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0, 0);
    build_nest(&b, RTA_MULTIPATH);
    build_next_hop(&b, 3, RTNH_F_DEAD, 0x0a000001);
    build_next_hop(&b, 4, RTNH_F_DEAD, 0x0a000002);
    build_unnest(&b);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(m.gone); /* the kernel passes over it */
}

Test(rtmsg, routes_of_other_tables_families_and_kinds_of_service_are_not_ours)
{
    build_route(&b, RTM_NEWROUTE, 0, 100, RTN_UNICAST, 0x0a000000, 8);
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));

    build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0a000000, 8);
    build_u32(&b, RTA_TABLE, 70000); /* does not fit the header's byte */
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));

    struct rtmsg v6 = {.rtm_family = AF_INET6, .rtm_table = RT_TABLE_MAIN};
    build_message(&b, RTM_NEWROUTE, 0, &v6, sizeof(v6));
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));

    struct rtmsg tos = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_tos = 16};
    build_message(&b, RTM_NEWROUTE, 0, &tos, sizeof(tos));
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));

    struct rtmsg cached = {
        .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_flags = RTM_F_CLONED};
    build_message(&b, RTM_NEWROUTE, 0, &cached, sizeof(cached));
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));
}

Test(rtmsg, neighbour_is_usable_in_the_states_in_which_the_kernel_sends)
{
    static struct {
        u16 state;
        bool usable, stale;
    } const table[] = {
        {NUD_INCOMPLETE, false, false}, {NUD_REACHABLE, true, false}, {NUD_STALE, true, true},
        {NUD_DELAY, true, false},       {NUD_PROBE, true, false},     {NUD_FAILED, false, false},
        {NUD_NOARP, true, false},       {NUD_PERMANENT, true, false}, {NUD_NONE, false, false},
    };
    for (u32 i = 0; i < QS_COUNT(table); i++) {
        build_neigh(&b, RTM_NEWNEIGH, 300, table[i].state, 0x0a000001, mac);
        cr_assert(eq(int, read_it(), QS_RTMSG_OK));
        cr_assert(m.neigh.usable == table[i].usable && m.neigh.stale == table[i].stale);
        cr_assert(m.neigh.ifindex == 300 && m.neigh.ip == 0x0a000001);
    }
    build_neigh(&b, RTM_NEWNEIGH, 300, NUD_REACHABLE, 0x0a000001, NULL);
    cr_assert(eq(int, read_it(), QS_RTMSG_OK));
    cr_assert(not(m.neigh.usable));
}

Test(rtmsg, rules_every_namespace_is_born_with_are_told_from_others)
{
    static struct {
        u32 priority;
        u8 table;
        bool standard;
    } const table[] = {{0, RT_TABLE_LOCAL, true},
                       {32766, RT_TABLE_MAIN, true},
                       {32767, RT_TABLE_DEFAULT, true},
                       {100, RT_TABLE_MAIN, false},
                       {32765, 100, false}};
    for (u32 i = 0; i < QS_COUNT(table); i++) {
        build_rule(&b, RTM_NEWRULE, table[i].priority, table[i].table);
        cr_assert(eq(int, read_it(), QS_RTMSG_OK));
        cr_assert(eq(int, m.rule.standard, table[i].standard));
    }
}

Test(rtmsg, verdicts_and_ends_carry_their_error)
{
    i32 busy = -EBUSY;
    build_message(&b, NLMSG_ERROR, 0, &busy, sizeof(busy));
    cr_assert(eq(int, read_it(), QS_RTMSG_ERROR));
    cr_assert(eq(int, m.error, -EBUSY));
    i32 none = 0;
    build_message(&b, NLMSG_DONE, NLM_F_MULTI, &none, sizeof(none));
    cr_assert(eq(int, read_it(), QS_RTMSG_DONE));
    cr_assert(eq(int, m.error, 0));
    build_message(&b, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, NULL, 0);
    cr_assert(eq(int, read_it(), QS_RTMSG_DONE));
    cr_assert(eq(u32, m.flags, QS_RTMSG_MULTI | QS_RTMSG_INTR));
    build_message(&b, NLMSG_OVERRUN, 0, NULL, 0);
    cr_assert(eq(int, read_it(), QS_RTMSG_OVERRUN));
    build_message(&b, NLMSG_NOOP, 0, NULL, 0);
    cr_assert(eq(int, read_it(), QS_RTMSG_OTHER));
    i32 wild = 5;
    build_message(&b, NLMSG_ERROR, 0, &wild, sizeof(wild));
    cr_assert(eq(int, read_it(), QS_RTMSG_BAD));
}

/* Messages with one thing wrong each. */
Test(rtmsg, known_attributes_of_a_wrong_length_make_the_message_bad)
{
    u8 junk[64] = {0};
    static struct {
        u16 type, attr;
        u32 body_sz, attr_sz;
        u8 family, byte1; /* prefix length, where there is one */
    } const table[] = {
        {RTM_NEWLINK, IFLA_MTU, 16, 2, 0, 0},
        {RTM_NEWLINK, IFLA_LINK, 16, 8, 0, 0},
        {RTM_NEWLINK, IFLA_IFNAME, 16, 0, 0, 0},
        {RTM_NEWLINK, IFLA_IFNAME, 16, 17, 0, 0},
        {RTM_NEWADDR, IFA_LOCAL, 8, 3, AF_INET, 24},
        {RTM_NEWADDR, IFA_LOCAL, 8, 16, AF_INET, 24},
        {RTM_NEWADDR, IFA_LABEL, 8, 4, AF_INET, 24}, /* no address at all */
        {RTM_NEWADDR, IFA_LOCAL, 8, 4, AF_INET, 33},
        {RTM_NEWROUTE, RTA_GATEWAY, 12, 16, AF_INET, 0},
        {RTM_NEWROUTE, RTA_OIF, 12, 1, AF_INET, 0},
        {RTM_NEWROUTE, RTA_OIF, 12, 4, AF_INET, 8}, /* a length and no prefix */
        {RTM_NEWROUTE, RTA_DST, 12, 4, AF_INET, 33},
        {RTM_NEWROUTE, RTA_MULTIPATH, 12, 8, AF_INET, 0}, /* a next hop of length 0 */
        {RTM_NEWROUTE, RTA_METRICS, 12, 6, AF_INET, 0},
        {RTM_NEWNEIGH, NDA_DST, 12, 16, AF_INET, 0},
        {RTM_NEWNEIGH, NDA_LLADDR, 12, 6, AF_INET, 0}, /* whose? */
        {RTM_NEWRULE, FRA_TABLE, 12, 2, AF_INET, 0},
    };
    for (u32 i = 0; i < QS_COUNT(table); i++) {
        u8 body[32] = {table[i].family, table[i].byte1};
        body[4] = table[i].type == RTM_NEWROUTE ? RT_TABLE_MAIN : 1; /* elsewhere the ifindex */
        build_message(&b, table[i].type, 0, body, table[i].body_sz);
        build_attr(&b, table[i].attr, junk, table[i].attr_sz);
        cr_assert(eq(int, read_it(), QS_RTMSG_BAD), "row %u", i);
    }
}

Test(rtmsg, too_short_bodies_and_impossible_devices_are_bad)
{
    u8 body[16] = {AF_INET};
    static u16 const type[] = {RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH, RTM_NEWRULE};
    for (u32 i = 0; i < QS_COUNT(type); i++) {
        build_message(&b, type[i], 0, body, 4);
        cr_assert(eq(int, read_it(), QS_RTMSG_BAD));
    }
    build_link(&b, RTM_NEWLINK, 0, IFF_UP, "x", mac, 1500);
    cr_assert(eq(int, read_it(), QS_RTMSG_BAD));
    build_link(&b, RTM_NEWLINK, 0x80000001, IFF_UP, "x", mac, 1500);
    cr_assert(eq(int, read_it(), QS_RTMSG_BAD));
    build_neigh(&b, RTM_NEWNEIGH, 0, NUD_REACHABLE, 1, mac);
    cr_assert(eq(int, read_it(), QS_RTMSG_BAD));
}

Test(rtmsg, a_datagram_ends_where_a_length_is_impossible)
{
    build_neigh(&b, RTM_NEWNEIGH, 3, NUD_REACHABLE, 1, mac);
    build_end(&b);
    u32 first = b.sz;
    build_neigh(&b, RTM_NEWNEIGH, 4, NUD_REACHABLE, 2, mac);
    build_end(&b);
    static u32 const len[] = {0, 1, 15, 4096, 0x7fffffff, 0xffffffff, 0xfffffffc};
    for (u32 i = 0; i < QS_COUNT(len); i++) {
        memcpy(b.buf + first, &len[i], 4);
        qs_rtmsg_iter_t iter = qs_rtmsg_iter(b.buf, b.sz);
        cr_assert(eq(int, qs_rtmsg_next(&iter, &m), QS_RTMSG_OK));
        cr_assert(eq(u32, m.neigh.ifindex, 3));
        cr_assert(eq(int, qs_rtmsg_next(&iter, &m), QS_RTMSG_TORN));
        cr_assert(eq(int, qs_rtmsg_next(&iter, &m), QS_RTMSG_END));
    }
}

/* everything writes one message of each kind, with every attribute we know. */
static void
everything(void)
{
    b = (build_t){0};
    build_link(&b, RTM_NEWLINK, 7, IFF_GOOD, "eth0.42", mac, 1500);
    build_vlan(&b, 2, 42, 0x8100);
    build_end(&b);
    build_addr(&b, RTM_NEWADDR, 7, 0x0a000001, 24);
    build_u32(&b, IFA_FLAGS, 0);
    build_end(&b);
    build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0a010000, 16);
    build_u32(&b, RTA_PRIORITY, 5);
    build_ip(&b, RTA_PREFSRC, 0x0a000001);
    build_nest(&b, RTA_METRICS);
    build_u32(&b, RTAX_MTU, 1400);
    build_unnest(&b);
    build_nest(&b, RTA_MULTIPATH);
    build_next_hop(&b, 7, 0, 0x0a000002);
    build_next_hop(&b, 7, 0, 0x0a000003);
    build_unnest(&b);
    build_end(&b);
    build_neigh(&b, RTM_NEWNEIGH, 7, NUD_STALE, 0x0a000002, mac);
    build_end(&b);
    build_rule(&b, RTM_NEWRULE, 32766, RT_TABLE_MAIN);
    build_end(&b);
}

static u32
read_all(u8 const *data, u32 sz)
{
    u8 *exact = malloc(sz ? sz : 1);
    memcpy(exact, data, sz);
    qs_rtmsg_iter_t iter = qs_rtmsg_iter(exact, sz);
    u32 cnt = 0;
    qs_rtmsg_verdict_t verdict;
    while ((verdict = qs_rtmsg_next(&iter, &m)) != QS_RTMSG_END) {
        cr_assert(verdict < QS_RTMSG_VERDICT_CNT);
        cnt += verdict == QS_RTMSG_OK;
    }
    free(exact);
    return cnt;
}

Test(rtmsg, nothing_outside_is_read_wherever_the_bytes_end_or_are_damaged)
{
    everything();
    cr_assert(eq(u32, read_all(b.buf, b.sz), 5));
    for (u32 sz = 0; sz < b.sz; sz++)
        cr_assert(read_all(b.buf, sz) < 5);
    static u8 const wrong[] = {0, 1, 3, 4, 0x7f, 0x80, 0xff};
    for (u32 at = 0; at < b.sz; at++)
        for (u32 i = 0; i < QS_COUNT(wrong); i++) {
            u8 was = b.buf[at];
            b.buf[at] = wrong[i];
            read_all(b.buf, b.sz);
            b.buf[at] = was;
        }
}

/* --- the kernel's own -------------------------------------------------------------------------- */

typedef struct seen {
    u32 cnt[QS_RTMSG_KIND_CNT];
    bool far_link, address, route, neigh;
} seen_t;

static void
look(seen_t *seen)
{
    seen->cnt[m.kind]++;
    if (m.kind == QS_RTMSG_LINK)
        seen->far_link |= !strcmp(m.link.name, "far") && m.link.up && m.link.plain;
    if (m.kind == QS_RTMSG_ADDR)
        seen->address |= m.addr.ip == 0x0a090001 && m.addr.len == 24;
    if (m.kind == QS_RTMSG_ROUTE)
        seen->route |= m.route.dst == 0x0a090000 && m.route.len == 24 && !m.route.local &&
                       m.route.src == 0x0a090001;
}

static void
dump(int fd, qs_rtmsg_kind_t kind, seen_t *seen)
{
    static u8 buf[32768];
    u8 request[QS_RTMSG_REQUEST_SZ];
    u32 sz = qs_rtmsg_dump_request(request, kind, 77);

    cr_assert(eq(long, send(fd, request, sz, 0), (long)sz));
    for (bool done = false; !done;) {
        ssize_t got = recv(fd, buf, sizeof(buf), 0);
        cr_assert(got > 0);
        qs_rtmsg_iter_t iter = qs_rtmsg_iter(buf, (u64)got);
        qs_rtmsg_verdict_t verdict;
        while ((verdict = qs_rtmsg_next(&iter, &m)) != QS_RTMSG_END) {
            cr_assert(eq(u32, m.seq, 77));
            done |= verdict == QS_RTMSG_DONE;
            cr_assert(verdict == QS_RTMSG_OK || verdict == QS_RTMSG_OTHER || done);
            if (verdict == QS_RTMSG_OK)
                look(seen);
        }
    }
}

Test(rtmsg, the_kernels_own_dumps_say_what_was_set_up)
{
    qs_rtnl_t nl;
    if (unshare(CLONE_NEWNET)) {
        printf("skipped: no network namespace of our own: %s\n", strerror(errno));
        return;
    }
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert(eq(int, qs_rtnl_open(&nl), 0));
    cr_assert(eq(int, qs_rtnl_veth_create(&nl, "near", "far", here), 0));
    qs_rtnl_link_t near, far;
    cr_assert(eq(int, qs_rtnl_link_query(&nl, "near", &near), 0));
    cr_assert(eq(int, qs_rtnl_link_query(&nl, "far", &far), 0));
    cr_assert(eq(int, qs_rtnl_link_up(&nl, near.ifindex), 0));
    cr_assert(eq(int, qs_rtnl_link_up(&nl, far.ifindex), 0));
    cr_assert(eq(int, qs_rtnl_addr_add(&nl, near.ifindex, htonl(0x0a090001), 24), 0));
    qs_rtnl_close(&nl);

    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    cr_assert(ge(int, fd, 0));
    seen_t seen = {0};
    for (u32 kind = 0; kind < QS_RTMSG_KIND_CNT; kind++)
        dump(fd, (qs_rtmsg_kind_t)kind, &seen);
    close(fd);
    close(here);
    cr_assert(seen.far_link && seen.address && seen.route);
    cr_assert(ge(u32, seen.cnt[QS_RTMSG_LINK], 3));
    cr_assert(eq(u32, seen.cnt[QS_RTMSG_RULE], 3));
}

/* --- the fuzzer's corpus ---------------------------------------------------------------------- */

static void
save(char const *dir, char const *name, u8 cut)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert(ne(ptr, f, NULL));
    cr_assert(eq(int, fputc(cut, f), cut));
    cr_assert(eq(u64, fwrite(b.buf, 1, b.sz, f), b.sz));
    fclose(f);
    b = (build_t){0};
}

/* QS_CORPUS=test/fuzz/corpus/rtmsg build/test/waltz/test_rtmsg writes the corpus anew. */
Test(rtmsg, corpus_of_the_fuzzer_is_written_when_asked_for)
{
    char const *dir = getenv("QS_CORPUS");
    if (!dir)
        return;
    everything();
    save(dir, "everything", 255);
    for (u8 kind = 0; kind < 13; kind++) {
        char name[32];
        build_route(&b, RTM_NEWROUTE, NLM_F_REPLACE, RT_TABLE_MAIN, kind, 0x0a000000, 8);
        build_u32(&b, RTA_OIF, 3);
        build_end(&b);
        snprintf(name, sizeof(name), "route_type_%u", kind);
        save(dir, name, 255);
    }
    for (u32 i = 0; i < 12; i++) { /* twins, and a table that fills up */
        build_route(&b, RTM_NEWROUTE, i % 3 ? NLM_F_APPEND : 0, RT_TABLE_MAIN, RTN_UNICAST,
                    0x0a000000 + (i / 2 << 12), (u8)(20 + i / 2));
        build_u32(&b, RTA_OIF, 3);
        build_ip(&b, RTA_GATEWAY, 0x0a000001 + i);
        build_end(&b);
    }
    build_route(&b, RTM_DELROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0a000000, 20);
    build_u32(&b, RTA_OIF, 9);
    build_end(&b);
    save(dir, "routes", 100);
    for (u32 i = 0; i < 10; i++) {
        build_neigh(&b, i % 4 == 3 ? RTM_DELNEIGH : RTM_NEWNEIGH, 3, i % 2 ? NUD_STALE : NUD_FAILED,
                    0x0a000001 + i / 2, mac);
        build_end(&b);
    }
    save(dir, "neighbours", 20);
    for (u32 i = 0; i < 6; i++) {
        build_link(&b, i == 4 ? RTM_DELLINK : RTM_NEWLINK, 2 + i % 5, IFF_GOOD, "e", mac, 1500);
        build_vlan(&b, 2, (u16)(i * 1000), i % 2 ? 0x8100 : 0x88a8);
        build_end(&b);
        build_addr(&b, i == 4 ? RTM_DELADDR : RTM_NEWADDR, 2 + i % 5, 0x0a000001 + i, 24);
        build_end(&b);
    }
    save(dir, "links", 60);
}

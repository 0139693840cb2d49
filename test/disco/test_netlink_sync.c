/* Goal: the mirror follows what a netlink socket says: everything first, then news; whatever made
   a picture doubtful makes a new one; questions and waiting packets stay within their bounds.
   Method: the kernel is played by hand: requests are read, answers are written message by message,
   and time is a number. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/netlink/qs_netlink_ask.h"
#include "disco/netlink/qs_netlink_sync.h"
#include "waltz/rtmsg_build.h"

#define MS       1000000ull
#define IFF_GOOD (IFF_UP | IFF_RUNNING | 0x10000u)
#define ETH0     2u
#define GATEWAY  0x0a000001u
#define FAR      0x08080808u

static qs_fib_conf_t const conf = {.route_max = 32, .neigh_max = 32, .link_max = 8};
static void *mem;
static qs_fib_tx_t tx;
static qs_fib_rx_t rx;
static qs_sync_counts_t counts;
static qs_netlink_sync_t sync;
static qs_hop_t hop;
static build_t b;
static u64 now = 1000 * MS;
static u8 const mac1[6] = {2, 0, 0, 0, 0, 1}, mac2[6] = {2, 0, 0, 0, 0, 2};

static void
make(void)
{
    bool emptied;
    mem = aligned_alloc(QS_ALIGN, qs_fib_footprint(&conf));
    cr_assert(zero(int, qs_fib_new(mem, &conf, 77)));
    cr_assert(zero(int, qs_fib_tx_join(&tx, mem, qs_fib_footprint(&conf), &emptied)));
    cr_assert(zero(int, qs_fib_rx_join(&rx, mem, qs_fib_footprint(&conf))));
    qs_netlink_sync_init(&sync, &tx, &counts, 500, now);
}

static void
clear(void)
{
    free(mem);
}

/* request returns the type of the request that is made now, 0 if none; *seq is its number. */
static u16
request(u32 *seq)
{
    u8 buf[QS_RTMSG_REQUEST_SZ];
    struct nlmsghdr head;
    u32 sz = qs_netlink_sync_request(&sync, buf, now);

    if (!sz)
        return 0;
    memcpy(&head, buf, sizeof(head));
    cr_assert(eq(u32, head.nlmsg_len, sz));
    cr_assert(eq(int, head.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP));
    *seq = head.nlmsg_seq;
    return head.nlmsg_type;
}

/* listed makes the message that was written last one of a dump. */
static void
listed(u32 seq, u16 flags)
{
    struct nlmsghdr *head = (struct nlmsghdr *)(b.buf + b.msg);
    build_end(&b);
    head->nlmsg_seq = seq;
    head->nlmsg_flags |= NLM_F_MULTI | flags;
}

static void
hand_over(void)
{
    if (b.sz)
        build_end(&b);
    qs_netlink_sync_read(&sync, b.buf, b.sz, now);
    b = (build_t){0};
}

static void
done(u32 seq, u16 flags)
{
    i32 none = 0;
    build_message(&b, NLMSG_DONE, 0, &none, sizeof(none));
    listed(seq, flags);
    hand_over();
}

/* What the kernel's tables hold; with and without a default route. */
static void
answer(u16 type, u32 seq, bool with_default)
{
    switch (type) {
    case RTM_GETLINK:
        build_link(&b, RTM_NEWLINK, ETH0, IFF_GOOD, "eth0", mac1, 1500);
        listed(seq, 0);
        break;
    case RTM_GETADDR:
        build_addr(&b, RTM_NEWADDR, ETH0, 0x0a000005, 24);
        listed(seq, 0);
        break;
    case RTM_GETROUTE:
        build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0a000000, 24);
        build_u32(&b, RTA_OIF, ETH0);
        listed(seq, 0);
        if (!with_default)
            break;
        build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0, 0);
        build_u32(&b, RTA_OIF, ETH0);
        build_ip(&b, RTA_GATEWAY, GATEWAY);
        listed(seq, 0);
        break;
    case RTM_GETNEIGH:
        build_neigh(&b, RTM_NEWNEIGH, ETH0, NUD_REACHABLE, GATEWAY, mac2);
        listed(seq, 0);
        break;
    default:
        build_rule(&b, RTM_NEWRULE, 100, RT_TABLE_MAIN);
        listed(seq, 0);
    }
    done(seq, 0);
}

/* picture plays the kernel for one whole picture and returns how many requests it took. */
static u32
picture(bool with_default)
{
    u32 cnt = 0, seq;
    for (u16 type; (type = request(&seq)); cnt++)
        answer(type, seq, with_default);
    return cnt;
}

static qs_hop_kind_t
ask(u32 ip)
{
    return qs_fib_resolve(&rx, ip, &hop);
}

TestSuite(netlink_sync, .init = make, .fini = clear);

Test(netlink_sync, first_picture_comes_at_once_table_by_table)
{
    static u16 const want[] = {RTM_GETRULE, RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH};
    for (u32 i = 0; i < QS_COUNT(want); i++) {
        u32 seq, none;
        cr_assert(eq(int, request(&seq), want[i]));
        cr_assert(eq(int, request(&none), 0)); /* one at a time */
        cr_assert(eq(int, ask(FAR), QS_HOP_KERNEL));
        answer(want[i], seq, true);
    }
    cr_assert(eq(int, ask(FAR), QS_HOP_OK));
    cr_assert(hop.src_ip == 0x0a000005 && !memcmp(hop.dst_mac, mac2, 6));
    cr_assert(eq(u64, counts.picture, 1));
    cr_assert(eq(u64, qs_netlink_sync_wake(&sync), UINT64_MAX));
    qs_fib_counts_t c;
    qs_fib_counts(&tx, &c);
    cr_assert(eq(u32, c.rule, 1));
}

Test(netlink_sync, news_of_routes_and_neighbours_are_followed_without_a_picture)
{
    picture(true);
    build_route(&b, RTM_DELROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0, 0);
    build_u32(&b, RTA_OIF, ETH0);
    build_ip(&b, RTA_GATEWAY, GATEWAY);
    hand_over();
    cr_assert(eq(int, ask(FAR), QS_HOP_NO_ROUTE));
    build_route(&b, RTM_NEWROUTE, NLM_F_CREATE, RT_TABLE_MAIN, RTN_UNICAST, 0, 0);
    build_u32(&b, RTA_OIF, ETH0);
    build_ip(&b, RTA_GATEWAY, GATEWAY);
    hand_over();
    build_neigh(&b, RTM_NEWNEIGH, ETH0, NUD_REACHABLE, GATEWAY, mac1);
    hand_over();
    cr_assert(eq(int, ask(FAR), QS_HOP_OK));
    cr_assert(zero(int, memcmp(hop.dst_mac, mac1, 6)));
    cr_assert(eq(u64, qs_netlink_sync_wake(&sync), UINT64_MAX));
}

Test(netlink_sync, a_vlan_made_while_running_is_followed)
{
    picture(true);
    build_link(&b, RTM_NEWLINK, 9, IFF_GOOD, "eth0.42", mac1, 1500);
    build_vlan(&b, ETH0, 42, 0x8100);
    build_end(&b);
    build_addr(&b, RTM_NEWADDR, 9, 0x0a2a0005, 24);
    build_end(&b);
    build_route(&b, RTM_NEWROUTE, NLM_F_CREATE, RT_TABLE_MAIN, RTN_UNICAST, 0x0a2a0000, 24);
    build_u32(&b, RTA_OIF, 9);
    build_end(&b);
    build_neigh(&b, RTM_NEWNEIGH, 9, NUD_REACHABLE, 0x0a2a0001, mac2);
    hand_over();
    cr_assert(eq(int, ask(0x0a2a0001), QS_HOP_OK));
    cr_assert(hop.vlan == 42 && hop.ifindex == ETH0 && hop.src_ip == 0x0a2a0005);
}

Test(netlink_sync, news_of_a_link_make_a_picture_soon_which_finds_what_went_silently)
{
    picture(true);
    now += 1000 * MS;
    build_link(&b, RTM_NEWLINK, ETH0, IFF_UP, "eth0", mac1, 1500); /* carrier lost */
    hand_over();
    cr_assert(eq(int, ask(FAR), QS_HOP_LINK_DOWN));
    u32 seq;
    cr_assert(eq(int, request(&seq), 0)); /* more news may come first */
    u64 wake = qs_netlink_sync_wake(&sync);
    cr_assert(wake > now && wake <= now + 30 * MS);
    now = wake;
    cr_assert(eq(u32, picture(false), 5));
    cr_assert(eq(int, ask(FAR), QS_HOP_NO_ROUTE));
}

Test(netlink_sync, pictures_are_not_taken_without_end_when_links_flap)
{
    u32 pictures = 0;
    picture(true);
    for (u64 end = now + 1000 * MS; now < end; now += MS) {
        build_link(&b, RTM_NEWLINK, ETH0, now & MS ? IFF_UP : IFF_GOOD, "eth0", mac1, 1500);
        hand_over();
        pictures += picture(true) != 0;
    }
    cr_assert(pictures >= 10 && pictures <= 51, "%u", pictures);
}

Test(netlink_sync, lost_news_make_a_picture_at_once)
{
    picture(true);
    qs_netlink_sync_lost(&sync, now);
    cr_assert(eq(int, ask(FAR), QS_HOP_OK)); /* what was true is served meanwhile */
    cr_assert(eq(u32, picture(false), 5));
    cr_assert(eq(int, ask(FAR), QS_HOP_NO_ROUTE));
    cr_assert(counts.overrun == 1 && counts.picture == 2);
}

Test(netlink_sync, picture_during_which_news_were_lost_or_tables_changed_is_not_believed)
{
    u32 seq;
    picture(true);
    now += 1000 * MS;
    qs_netlink_sync_lost(&sync, now);
    u16 type = request(&seq);
    qs_netlink_sync_lost(&sync, now);
    answer(type, seq, false);
    while ((type = request(&seq)) && counts.again == 0)
        answer(type, seq, false);
    cr_assert(eq(int, ask(FAR), QS_HOP_OK)); /* nothing was dropped */
    cr_assert(eq(u64, counts.picture, 1));

    now += 1000 * MS;
    while (counts.again == 1) {
        type = type ? type : request(&seq);
        done(seq, NLM_F_DUMP_INTR);
        type = 0;
        now += MS;
    }
    cr_assert(eq(u64, counts.picture, 1));
    now += 5000 * MS; /* that one took long, so the next may wait for long */
    cr_assert(eq(u32, picture(false), 5));
    cr_assert(eq(int, ask(FAR), QS_HOP_NO_ROUTE));
}

Test(netlink_sync, kernel_that_is_busy_or_silent_is_asked_again)
{
    u32 seq, again;
    i32 busy = -EBUSY;
    cr_assert(eq(int, request(&seq), RTM_GETRULE));
    build_message(&b, NLMSG_ERROR, 0, &busy, sizeof(busy));
    ((struct nlmsghdr *)b.buf)->nlmsg_seq = seq;
    hand_over();
    cr_assert(eq(int, request(&again), 0));
    now = qs_netlink_sync_wake(&sync);
    cr_assert(eq(int, request(&again), RTM_GETRULE));
    cr_assert(ne(u32, again, seq));
    qs_netlink_sync_refused(&sync, now); /* our send failed */
    now = qs_netlink_sync_wake(&sync);
    cr_assert(eq(int, request(&seq), RTM_GETRULE));
    now += QS_SYNC_TIMEOUT_NS;
    cr_assert(eq(int, request(&again), RTM_GETRULE));
    done(seq, 0); /* the old one's end, too late */
    cr_assert(eq(int, request(&seq), 0));
    done(again, 0);
    cr_assert(eq(int, request(&seq), RTM_GETLINK));
}

Test(netlink_sync, kernel_without_policy_rules_is_mirrored_all_the_same)
{
    u32 seq;
    i32 none = -EOPNOTSUPP;
    cr_assert(eq(int, request(&seq), RTM_GETRULE));
    build_message(&b, NLMSG_ERROR, 0, &none, sizeof(none));
    ((struct nlmsghdr *)b.buf)->nlmsg_seq = seq;
    hand_over();
    cr_assert(eq(u32, picture(true), 4));
    cr_assert(eq(int, ask(FAR), QS_HOP_OK));
    cr_assert(eq(u64, counts.picture, 1));
}

Test(netlink_sync, leftovers_of_a_dump_that_was_given_up_are_ignored)
{
    picture(true);
    build_route(&b, RTM_NEWROUTE, 0, RT_TABLE_MAIN, RTN_UNICAST, 0x0b000000, 8);
    build_u32(&b, RTA_OIF, ETH0);
    listed(3, 0);
    hand_over();
    ask(0x0b000001);
    cr_assert(eq(u32, hop.next_ip, GATEWAY));
}

Test(netlink_sync, malformed_messages_are_counted_and_change_nothing)
{
    picture(true);
    build_neigh(&b, RTM_DELNEIGH, 0, NUD_REACHABLE, GATEWAY, mac2);
    hand_over();
    u8 torn[] = {200, 0, 0, 0, 1};
    qs_netlink_sync_read(&sync, torn, sizeof(torn), now);
    cr_assert(eq(u64, counts.bad, 2));
    cr_assert(eq(int, ask(FAR), QS_HOP_OK));
}

Test(netlink_ask, a_neighbour_is_asked_for_once_in_a_while)
{
    static qs_netlink_ask_t a;
    qs_netlink_ask_init(&a, 9, now);
    u64 who = (u64)ETH0 << 32 | GATEWAY;
    cr_assert(eq(int, qs_netlink_ask_may(&a, who, now), QS_ASK_GO));
    cr_assert(eq(int, qs_netlink_ask_may(&a, who, now + 1), QS_ASK_RECENT));
    cr_assert(eq(int, qs_netlink_ask_may(&a, who + 1, now + 1), QS_ASK_GO));
    cr_assert(eq(int, qs_netlink_ask_may(&a, who, now + QS_ASK_HOST_NS), QS_ASK_GO));
}

Test(netlink_ask, a_flood_of_different_neighbours_is_held_to_the_rate)
{
    static qs_netlink_ask_t a;
    qs_netlink_ask_init(&a, 9, now);
    u32 go = 0;
    for (u32 i = 0; i < 1000000; i++)
        go += qs_netlink_ask_may(&a, (u64)ETH0 << 32 | i, now + i * 1000ull) == QS_ASK_GO;
    cr_assert(go >= QS_ASK_RATE && go <= QS_ASK_RATE + QS_ASK_BURST + 1, "%u in a second", go);
}

/* Goal: links are made, changed and deleted as asked, refusals say why, and an answer, however
   broken, is read inside its bounds only.
   Method: each test moves its own process into a fresh network namespace and looks at what the
   kernel shows there; answers are built by hand, then cut short and damaged at every byte. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "waltz/ip/qs_rtnl.h"

static qs_rtnl_t nl;
static int here = -1; /* the namespace nl speaks to */

static bool
fresh_namespace(void)
{
    if (unshare(CLONE_NEWNET)) {
        printf("skipped: no network namespace of our own: %s\n", strerror(errno));
        return false;
    }
    here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert(ge(int, here, 0));
    cr_assert(eq(int, qs_rtnl_open(&nl), 0));
    return true;
}

static qs_rtnl_link_t
query(char const *name)
{
    qs_rtnl_link_t link;
    cr_assert(eq(int, qs_rtnl_link_query(&nl, name, &link), 0));
    return link;
}

static void
leave(void)
{
    qs_rtnl_close(&nl);
}

TestSuite(rtnl, .fini = leave);

Test(rtnl, veth_pair_appears_with_its_far_end_in_the_other_namespace)
{
    if (!fresh_namespace())
        return;
    qs_rtnl_t first = nl;
    cr_assert(fresh_namespace());

    cr_assert(eq(int, qs_rtnl_veth_create(&nl, "near", "far", here), 0)); /* both ends here */
    cr_assert(ne(int, (int)if_nametoindex("near"), 0));
    cr_assert(ne(int, (int)if_nametoindex("far"), 0));

    cr_assert(eq(int, qs_rtnl_veth_create(&first, "a", "b", here), 0)); /* b here, a not */
    cr_assert(eq(int, (int)if_nametoindex("a"), 0));
    cr_assert(ne(int, (int)if_nametoindex("b"), 0));
    qs_rtnl_link_t link;
    cr_assert(eq(int, qs_rtnl_link_query(&first, "a", &link), 0));
    cr_assert(eq(int, qs_rtnl_link_query(&first, "b", &link), -ENODEV));
    qs_rtnl_close(&first);
}

Test(rtnl, link_shows_every_change_made_to_it)
{
    if (!fresh_namespace())
        return;
    static u8 const mac[] = {2, 0, 0, 1, 2, 3};
    cr_assert(eq(int, qs_rtnl_veth_create(&nl, "near", "far", here), 0));
    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, "switch"), 0));
    qs_rtnl_link_t link = query("near");
    cr_assert(eq(u32, link.flags & IFF_UP, 0));
    cr_assert(eq(u32, link.ifindex, if_nametoindex("near")));

    cr_assert(eq(int, qs_rtnl_link_mac(&nl, link.ifindex, mac), 0));
    cr_assert(eq(int, qs_rtnl_link_mtu(&nl, link.ifindex, 3000), 0));
    cr_assert(eq(int, qs_rtnl_link_master(&nl, link.ifindex, query("switch").ifindex), 0));
    cr_assert(eq(int, qs_rtnl_link_up(&nl, link.ifindex), 0));
    link = query("near");
    cr_assert(eq(int, memcmp(link.mac, mac, sizeof(mac)), 0));
    cr_assert(eq(u32, link.mtu, 3000));
    cr_assert(eq(u32, link.master, query("switch").ifindex));
    cr_assert(eq(u32, link.flags & IFF_UP, IFF_UP));

    cr_assert(eq(int, qs_rtnl_link_delete(&nl, link.ifindex), 0));
    cr_assert(eq(int, qs_rtnl_link_query(&nl, "near", &link), -ENODEV));
    cr_assert(eq(int, qs_rtnl_link_query(&nl, "far", &link), -ENODEV));
}

/* The source address the kernel would use towards a neighbour, 0 if it knows no way. */
static u32
source_towards(char const *neighbour)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(1)};
    socklen_t sz = sizeof(at);
    at.sin_addr.s_addr = inet_addr(neighbour);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    u32 source = 0;
    if (!connect(fd, (struct sockaddr *)&at, sz) && !getsockname(fd, (struct sockaddr *)&at, &sz))
        source = at.sin_addr.s_addr;
    close(fd);
    return source;
}

Test(rtnl, address_brings_the_route_to_its_prefix)
{
    if (!fresh_namespace())
        return;
    cr_assert(eq(int, qs_rtnl_veth_create(&nl, "near", "far", here), 0));
    u32 near = query("near").ifindex;
    u32 ip = inet_addr("10.9.8.7");
    cr_assert(eq(int, qs_rtnl_link_up(&nl, near), 0));
    cr_assert(eq(u32, source_towards("10.9.8.200"), 0));
    cr_assert(eq(int, qs_rtnl_addr_add(&nl, near, ip, 24), 0));
    cr_assert(eq(u32, source_towards("10.9.8.200"), ip));
    cr_assert(eq(u32, source_towards("10.9.9.200"), 0));
    cr_assert(eq(int, qs_rtnl_addr_add(&nl, near, ip, 24), -EEXIST));
    cr_assert(eq(int, qs_rtnl_addr_add(&nl, near, ip, 33), -EINVAL));
}

Test(rtnl, handle_stays_with_the_namespace_it_was_opened_in)
{
    if (!fresh_namespace())
        return;
    cr_assert(eq(int, unshare(CLONE_NEWNET), 0));
    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, "switch"), 0));
    cr_assert(eq(int, (int)if_nametoindex("switch"), 0));
    cr_assert(eq(int, setns(here, CLONE_NEWNET), 0));
    cr_assert(ne(int, (int)if_nametoindex("switch"), 0));
}

Test(rtnl, refusal_carries_the_errno_and_the_words_of_the_kernel)
{
    if (!fresh_namespace())
        return;
    qs_rtnl_link_t link;
    cr_assert(eq(int, qs_rtnl_link_query(&nl, "nosuch", &link), -ENODEV));
    cr_assert(eq(int, qs_rtnl_link_up(&nl, 4242), -ENODEV));
    cr_assert(eq(int, qs_rtnl_link_delete(&nl, 4242), -ENODEV));
    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, ""), -EINVAL));
    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, NULL), -EINVAL));
    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, "sixteen_chars_xx"), -EINVAL));
    cr_assert(eq(int, qs_rtnl_veth_create(&nl, "a", "", here), -EINVAL));
    cr_assert(ne(int, qs_rtnl_veth_create(&nl, "a", "b", -1), 0));

    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, "switch"), 0));
    cr_assert(eq(str, nl.why, ""));
    cr_assert(eq(int, qs_rtnl_bridge_create(&nl, "switch"), -EEXIST));
    int err = qs_rtnl_link_mtu(&nl, query("switch").ifindex, 0x7fffffff);
    cr_assert(eq(int, err, -EINVAL));
    cr_assert(ne(str, nl.why, "")); /* "mtu greater than device maximum", here */
    query("switch");
    cr_assert(eq(str, nl.why, ""));
}

#define SEQ 7u

/* An RTM_NEWLINK with MAC, MTU, then a refusal that repeats our request and explains itself. */
static u32
hand_made_answer(u8 *buf, bool capped)
{
    memset(buf, 0, 512);
    u32 off = 0;
    struct {
        struct nlmsghdr h;
        struct ifinfomsg info;
        struct nlattr mtu_attr;
        u32 mtu;
        struct nlattr mac_attr;
        u8 mac[8];
    } link = {.h = {sizeof(link), RTM_NEWLINK, 0, SEQ, 0},
              .info = {.ifi_index = 3, .ifi_flags = IFF_UP},
              .mtu_attr = {8, IFLA_MTU},
              .mtu = 1400,
              .mac_attr = {10, IFLA_ADDRESS},
              .mac = {1, 2, 3, 4, 5, 6}};
    memcpy(buf, &link, sizeof(link));
    off += sizeof(link);

    u32 echo = capped ? 0 : 16;
    u32 sz = (u32)(sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr)) + echo + 12;
    u16 flags = (u16)(NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0));
    struct nlmsghdr h = {sz, NLMSG_ERROR, flags, SEQ, 0};
    struct nlmsgerr e = {.error = -EPERM, .msg = {.nlmsg_len = 32, .nlmsg_seq = SEQ}};
    struct nlattr attr = {4 + 8, NLMSGERR_ATTR_MSG};
    memcpy(buf + off, &h, sizeof(h));
    memcpy(buf + off + sizeof(h), &e, sizeof(e));
    memcpy(buf + off + sizeof(h) + sizeof(e) + echo, &attr, sizeof(attr));
    memcpy(buf + off + sizeof(h) + sizeof(e) + echo + sizeof(attr), "because", 8);
    return off + sz;
}

Test(rtnl, hand_made_answer_is_read_whole)
{
    alignas(8) u8 buf[512];
    char why[QS_RTNL_WHY_MAX];
    for (int capped = 0; capped < 2; capped++) {
        qs_rtnl_link_t link = {0};
        u32 sz = hand_made_answer(buf, capped);
        cr_assert(eq(int, qs_rtnl_parse(buf, sz, SEQ, &link, why), -EPERM));
        cr_assert(eq(str, why, "because"));
        cr_assert(eq(u32, link.ifindex, 3));
        cr_assert(eq(u32, link.mtu, 1400));
        cr_assert(eq(int, link.mac[5], 6));
        cr_assert(eq(int, qs_rtnl_parse(buf, sz, SEQ + 1, &link, why), 1)); /* not ours */
        cr_assert(eq(str, why, ""));
    }
}

Test(rtnl, explanation_longer_than_its_place_is_cut)
{
    struct {
        struct nlmsghdr h;
        struct nlmsgerr e;
        struct nlattr attr;
        char text[300];
    } msg = {.h = {sizeof(msg), NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, SEQ, 0},
             .e = {.error = -EPERM},
             .attr = {sizeof(msg.attr) + sizeof(msg.text), NLMSGERR_ATTR_MSG}};
    memset(msg.text, 'x', sizeof(msg.text));
    char *why = malloc(QS_RTNL_WHY_MAX); /* its own block: ASan sees one byte too many */
    cr_assert(eq(int, qs_rtnl_parse(&msg, sizeof(msg), SEQ, NULL, why), -EPERM));
    cr_assert(eq(u64, strnlen(why, QS_RTNL_WHY_MAX), QS_RTNL_WHY_MAX - 1));
    free(why);
}

Test(rtnl, answer_cut_or_damaged_anywhere_is_read_inside_its_bounds)
{
    alignas(8) u8 whole[512];
    char why[QS_RTNL_WHY_MAX];
    qs_rtnl_link_t link;
    for (int capped = 0; capped < 2; capped++) {
        u32 sz = hand_made_answer(whole, capped);
        for (u32 cut = 0; cut < sz; cut++) {
            u8 *exact = malloc(cut ? cut : 1); /* its own block: ASan sees one byte too many */
            memcpy(exact, whole, cut);
            int err = qs_rtnl_parse(exact, cut, SEQ, &link, why);
            cr_expect(cut == 0 || cut == 52 ? err == 1 : err == -EBADMSG, "cut %u: %d", cut, err);
            free(exact);
        }
        for (u32 at = 0; at < sz; at++) {
            for (u32 value = 0; value < 256; value += 5) {
                u8 *exact = malloc(sz);
                memcpy(exact, whole, sz);
                exact[at] = (u8)value;
                int err = qs_rtnl_parse(exact, sz, SEQ, &link, why);
                cr_expect(err <= 1 && err >= -4095);
                cr_expect(strnlen(why, sizeof(why)) < sizeof(why));
                free(exact);
            }
        }
    }
}

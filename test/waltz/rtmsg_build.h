/* rtmsg_build.h - writes rtnetlink messages as the kernel would, for tests of who reads them. */

#ifndef QS_TEST_WALTZ_RTMSG_BUILD_H
#define QS_TEST_WALTZ_RTMSG_BUILD_H

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "tango/base/qs_bits.h"

/* A datagram being written; messages follow each other at multiples of 4. */
typedef struct build {
    u8 buf[8192];
    u32 sz;
    u32 msg;     /* where the last message begins */
    u32 nest[8]; /* where the open attributes begin */
    u32 depth;
} build_t;

static inline void
build_put(build_t *b, void const *data, u32 sz)
{
    QS_ASSERT(b->sz + sz + 4 <= sizeof(b->buf));
    if (sz)
        memcpy(b->buf + b->sz, data, sz);
    b->sz += sz;
    while (b->sz % 4)
        b->buf[b->sz++] = 0;
}

static inline void
build_message(build_t *b, u16 type, u16 flags, void const *body, u32 body_sz)
{
    struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = flags};
    b->msg = b->sz;
    build_put(b, &head, sizeof(head));
    build_put(b, body, body_sz);
}

/* build_end sets the length of the message that was begun last. */
static inline void
build_end(build_t *b)
{
    u32 len = b->sz - b->msg;
    memcpy(b->buf + b->msg, &len, sizeof(len));
}

static inline void
build_attr(build_t *b, u16 type, void const *data, u32 sz)
{
    struct nlattr head = {.nla_len = (u16)(sizeof(head) + sz), .nla_type = type};
    build_put(b, &head, sizeof(head));
    build_put(b, data, sz);
}

static inline void
build_u16(build_t *b, u16 type, u16 v)
{
    build_attr(b, type, &v, sizeof(v));
}

static inline void
build_u32(build_t *b, u16 type, u32 v)
{
    build_attr(b, type, &v, sizeof(v));
}

static inline void
build_ip(build_t *b, u16 type, u32 ip)
{
    u8 be[4];
    qs_store_be32(be, ip);
    build_attr(b, type, be, sizeof(be));
}

static inline void
build_nest(build_t *b, u16 type)
{
    b->nest[b->depth++] = b->sz;
    build_attr(b, type | NLA_F_NESTED, NULL, 0);
}

static inline void
build_unnest(build_t *b)
{
    u32 at = b->nest[--b->depth];
    u16 len = (u16)(b->sz - at);
    memcpy(b->buf + at, &len, sizeof(len));
}

static inline void
build_link(build_t *b, u16 type, u32 ifindex, u32 flags, char const *name, u8 const mac[6], u32 mtu)
{
    struct ifinfomsg info = {
        .ifi_type = ARPHRD_ETHER, .ifi_index = (int)ifindex, .ifi_flags = flags};
    build_message(b, type, 0, &info, sizeof(info));
    build_attr(b, IFLA_IFNAME, name, (u32)strlen(name) + 1);
    build_u32(b, IFLA_MTU, mtu);
    if (mac)
        build_attr(b, IFLA_ADDRESS, mac, 6);
}

/* build_vlan adds to a link what makes it a VLAN of parent. */
static inline void
build_vlan(build_t *b, u32 parent, u16 id, u16 protocol)
{
    u8 be[2];
    qs_store_be16(be, protocol);
    build_u32(b, IFLA_LINK, parent);
    build_nest(b, IFLA_LINKINFO);
    build_attr(b, IFLA_INFO_KIND, "vlan", 5);
    build_nest(b, IFLA_INFO_DATA);
    build_u16(b, IFLA_VLAN_ID, id);
    build_attr(b, IFLA_VLAN_PROTOCOL, be, sizeof(be));
    build_unnest(b);
    build_unnest(b);
}

static inline void
build_addr(build_t *b, u16 type, u32 ifindex, u32 ip, u8 len)
{
    struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_prefixlen = len, .ifa_index = ifindex};
    build_message(b, type, 0, &info, sizeof(info));
    build_ip(b, IFA_ADDRESS, ip);
    build_ip(b, IFA_LOCAL, ip);
}

static inline void
build_route(build_t *b, u16 type, u16 flags, u8 table, u8 kind, u32 dst, u8 len)
{
    struct rtmsg info = {
        .rtm_family = AF_INET, .rtm_dst_len = len, .rtm_table = table, .rtm_type = kind};
    build_message(b, type, flags, &info, sizeof(info));
    build_u32(b, RTA_TABLE, table);
    if (len)
        build_ip(b, RTA_DST, dst);
}

static inline void
build_next_hop(build_t *b, u32 ifindex, u8 flags, u32 gw)
{
    struct rtnexthop nh = {.rtnh_ifindex = (int)ifindex, .rtnh_flags = flags};
    u32 at = b->sz;
    build_put(b, &nh, sizeof(nh));
    if (gw)
        build_ip(b, RTA_GATEWAY, gw);
    u16 len = (u16)(b->sz - at);
    memcpy(b->buf + at, &len, sizeof(len));
}

static inline void
build_neigh(build_t *b, u16 type, u32 ifindex, u16 state, u32 ip, u8 const mac[6])
{
    struct ndmsg info = {.ndm_family = AF_INET, .ndm_ifindex = (i32)ifindex, .ndm_state = state};
    build_message(b, type, 0, &info, sizeof(info));
    build_ip(b, NDA_DST, ip);
    if (mac)
        build_attr(b, NDA_LLADDR, mac, 6);
}

static inline void
build_rule(build_t *b, u16 type, u32 priority, u8 table)
{
    struct fib_rule_hdr info = {.family = AF_INET, .table = table, .action = FR_ACT_TO_TBL};
    build_message(b, type, 0, &info, sizeof(info));
    build_u32(b, FRA_TABLE, table);
    if (priority)
        build_u32(b, FRA_PRIORITY, priority);
}

#endif

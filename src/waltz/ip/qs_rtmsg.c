#include "waltz/ip/qs_rtmsg.h"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define IFF_CARRIER  0x10000u /* IFF_LOWER_UP, which some versions of the header hide */
#define VLAN_ID_MAX  4094u
#define TYPE_MASK    0x3fffu /* of an attribute: without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
#define PRIO_MAIN    32766u
#define PRIO_DEFAULT 32767u

/* Netlink speaks the host's byte order; addresses are the network's. */
QS_INLINE u16
load16(u8 const *p)
{
    u16 v;
    memcpy(&v, p, sizeof(v));
    return v;
}

QS_INLINE u32
load32(u8 const *p)
{
    u32 v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* A run of attributes, or of next hops: both begin with their 16-bit length. */
typedef struct run {
    u8 const *at;
    u64 left;
    bool bad; /* something in it was not what it must be */
} run_t;

typedef struct attr {
    u32 type;
    u32 sz;
    u8 const *data;
} attr_t;

/* next_item returns the next length-prefixed item of at least min_sz bytes, or NULL at the end. */
static u8 const *
next_item(run_t *run, u32 min_sz, u32 *sz)
{
    if (run->bad || run->left < min_sz)
        return NULL; /* less than a header is padding */
    u8 const *item = run->at;
    *sz = load16(item);
    if (*sz < min_sz || *sz > run->left) {
        run->bad = true;
        return NULL;
    }
    u64 step = qs_min_u64(qs_align_up(*sz, 4), run->left);
    run->at += step;
    run->left -= step;
    return item;
}

static bool
next_attr(run_t *run, attr_t *a)
{
    u32 sz = 0;
    u8 const *item = next_item(run, sizeof(struct nlattr), &sz);

    if (!item)
        return false;
    *a = (attr_t){.type = load16(item + 2) & TYPE_MASK,
                  .sz = sz - (u32)sizeof(struct nlattr),
                  .data = item + sizeof(struct nlattr)};
    return true;
}

static run_t
nested(attr_t const *a)
{
    return (run_t){.at = a->data, .left = a->sz};
}

/* get_u16 and the like read an attribute that must have that size. */
static u16
get_u16(run_t *run, attr_t const *a)
{
    run->bad |= a->sz != sizeof(u16);
    return run->bad ? 0 : load16(a->data);
}

static u32
get_u32(run_t *run, attr_t const *a)
{
    run->bad |= a->sz != sizeof(u32);
    return run->bad ? 0 : load32(a->data);
}

static u32
get_ip(run_t *run, attr_t const *a)
{
    run->bad |= a->sz != sizeof(u32);
    return run->bad ? 0 : qs_load_be32(a->data);
}

static bool
is_string(attr_t const *a, char const *s)
{
    size_t len = strlen(s);
    return a->sz >= len && a->sz <= len + 1 && !memcmp(a->data, s, len) &&
           (a->sz == len || !a->data[len]);
}

/* --- links ---------------------------------------------------------------------------------- */

typedef struct vlan_info {
    bool is_vlan;
    u32 id;
    u32 protocol;
} vlan_info_t;

static void
read_vlan_data(run_t *data, vlan_info_t *vlan)
{
    attr_t a;

    while (next_attr(data, &a)) {
        if (a.type == IFLA_VLAN_ID)
            vlan->id = get_u16(data, &a);
        if (a.type == IFLA_VLAN_PROTOCOL) {
            u16 be = get_u16(data, &a);
            vlan->protocol = qs_load_be16(&be);
        }
    }
}

static bool
read_link_info(run_t info, vlan_info_t *vlan)
{
    run_t data = {0};
    attr_t a;

    while (next_attr(&info, &a)) {
        if (a.type == IFLA_INFO_KIND)
            vlan->is_vlan = is_string(&a, "vlan");
        if (a.type == IFLA_INFO_DATA)
            data = nested(&a);
    }
    if (vlan->is_vlan)
        read_vlan_data(&data, vlan);
    return !info.bad && !data.bad;
}

static void
read_link_attrs(run_t *run, qs_rtmsg_link_t *l, vlan_info_t *vlan, bool *has_mac)
{
    bool elsewhere = false;
    attr_t a;

    while (next_attr(run, &a)) {
        switch (a.type) {
        case IFLA_ADDRESS: /* has the length that the device's type needs */
            *has_mac = a.sz == sizeof(l->mac);
            if (*has_mac)
                memcpy(l->mac, a.data, sizeof(l->mac));
            break;
        case IFLA_IFNAME:
            run->bad |= !a.sz || a.sz > sizeof(l->name) || a.data[a.sz - 1];
            if (!run->bad)
                memcpy(l->name, a.data, a.sz);
            break;
        case IFLA_MTU:
            l->mtu = get_u32(run, &a);
            break;
        case IFLA_LINK:
            l->parent = get_u32(run, &a);
            break;
        case IFLA_LINK_NETNSID:
            elsewhere = true;
            break;
        case IFLA_LINKINFO:
            run->bad |= !read_link_info(nested(&a), vlan);
            break;
        default:
            break;
        }
    }
    if (elsewhere)
        l->parent = 0;
}

static qs_rtmsg_verdict_t
read_link(u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    struct ifinfomsg info;
    qs_rtmsg_link_t *l = &m->link;
    vlan_info_t vlan = {.protocol = ETH_P_8021Q};
    bool has_mac = false;

    if (sz < sizeof(info))
        return QS_RTMSG_BAD;
    memcpy(&info, body, sizeof(info));
    if (info.ifi_family != AF_UNSPEC) /* a bridge talks of its ports, not of links */
        return QS_RTMSG_OTHER;
    if (info.ifi_index <= 0)
        return QS_RTMSG_BAD;
    run_t run = {.at = body + sizeof(info), .left = sz - sizeof(info)};
    *l = (qs_rtmsg_link_t){.ifindex = (u32)info.ifi_index};
    read_link_attrs(&run, l, &vlan, &has_mac);
    l->up = (info.ifi_flags & IFF_UP) && (info.ifi_flags & IFF_CARRIER);
    l->plain =
        info.ifi_type == ARPHRD_ETHER && has_mac && !(info.ifi_flags & (IFF_NOARP | IFF_LOOPBACK));
    if (vlan.is_vlan) {
        l->plain &= vlan.id && vlan.id <= VLAN_ID_MAX && vlan.protocol == ETH_P_8021Q && l->parent;
        l->vlan = l->plain ? (u16)vlan.id : 0;
    }
    if (!l->vlan)
        l->parent = 0; /* of other devices on top of devices it says nothing about the frame */
    return run.bad ? QS_RTMSG_BAD : QS_RTMSG_OK;
}

/* --- addresses ------------------------------------------------------------------------------ */

static qs_rtmsg_verdict_t
read_addr(u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    struct ifaddrmsg info;
    qs_rtmsg_addr_t *to = &m->addr;
    bool has_local = false, has_net = false;
    attr_t a;

    if (sz < sizeof(info))
        return QS_RTMSG_BAD;
    memcpy(&info, body, sizeof(info));
    if (info.ifa_family != AF_INET)
        return QS_RTMSG_OTHER;
    if (!info.ifa_index || info.ifa_prefixlen > 32)
        return QS_RTMSG_BAD;
    *to = (qs_rtmsg_addr_t){.ifindex = info.ifa_index,
                            .len = info.ifa_prefixlen,
                            .scope = info.ifa_scope,
                            .secondary = info.ifa_flags & IFA_F_SECONDARY};
    run_t run = {.at = body + sizeof(info), .left = sz - sizeof(info)};
    while (next_attr(&run, &a)) {
        if (a.type == IFA_LOCAL) {
            to->ip = get_ip(&run, &a);
            has_local = true;
        }
        if (a.type == IFA_ADDRESS) {
            to->net = get_ip(&run, &a);
            has_net = true;
        }
        if (a.type == IFA_FLAGS)
            to->secondary = get_u32(&run, &a) & IFA_F_SECONDARY;
    }
    if (run.bad || (!has_local && !has_net))
        return QS_RTMSG_BAD;
    to->ip = has_local ? to->ip : to->net;
    to->net = has_net ? to->net : to->ip;
    return QS_RTMSG_OK;
}

/* --- routes ---------------------------------------------------------------------------------- */

/* One way a route may go. */
typedef struct hop {
    u32 gw, ifindex;
    bool foreign; /* tunnelled, or through a gateway that is not IPv4 */
    bool dead;
} hop_t;

typedef struct route_attrs {
    u32 table;
    u32 dst;
    bool has_dst;
    u32 prefsrc, priority, mtu;
    hop_t hop;
    u32 hop_cnt; /* of a multipath */
} route_attrs_t;

static void
read_hop_attr(run_t *run, attr_t const *a, hop_t *hop)
{
    if (a->type == RTA_GATEWAY)
        hop->gw = get_ip(run, a);
    if (a->type == RTA_OIF)
        hop->ifindex = get_u32(run, a);
    if (a->type == RTA_VIA || a->type == RTA_ENCAP || a->type == RTA_ENCAP_TYPE)
        hop->foreign = true;
}

/* read_multipath takes the first hop that is not dead. */
static bool
read_multipath(run_t hops, route_attrs_t *r)
{
    bool found = false;
    u8 const *item;
    u32 sz = 0;

    while ((item = next_item(&hops, sizeof(struct rtnexthop), &sz))) {
        struct rtnexthop nh;
        memcpy(&nh, item, sizeof(nh));
        run_t run = {.at = item + sizeof(nh), .left = sz - sizeof(nh)};
        hop_t hop = {.ifindex = (u32)nh.rtnh_ifindex, .dead = nh.rtnh_flags & RTNH_F_DEAD};
        attr_t a;
        while (next_attr(&run, &a))
            read_hop_attr(&run, &a, &hop);
        hops.bad |= run.bad || nh.rtnh_ifindex < 0;
        r->hop_cnt++;
        if (found)
            continue;
        r->hop = hop;
        found = !hop.dead;
    }
    return !hops.bad;
}

static bool
read_metrics(run_t metrics, u32 *mtu)
{
    attr_t a;

    while (next_attr(&metrics, &a))
        if (a.type == RTAX_MTU)
            *mtu = get_u32(&metrics, &a);
    return !metrics.bad;
}

static void
read_route_attrs(run_t *run, route_attrs_t *r)
{
    attr_t a;

    while (next_attr(run, &a)) {
        switch (a.type) {
        case RTA_TABLE:
            r->table = get_u32(run, &a);
            break;
        case RTA_DST:
            r->dst = get_ip(run, &a);
            r->has_dst = true;
            break;
        case RTA_PREFSRC:
            r->prefsrc = get_ip(run, &a);
            break;
        case RTA_PRIORITY:
            r->priority = get_u32(run, &a);
            break;
        case RTA_METRICS:
            run->bad |= !read_metrics(nested(&a), &r->mtu);
            break;
        case RTA_MULTIPATH:
            run->bad |= !read_multipath(nested(&a), r);
            break;
        default:
            read_hop_attr(run, &a, &r->hop);
            break;
        }
    }
}

static qs_rtmsg_way_t
way_of(u8 type, hop_t const *hop)
{
    switch (type) {
    case RTN_UNICAST:
        return hop->foreign || !hop->ifindex ? QS_RTMSG_WAY_KERNEL : QS_RTMSG_WAY_HOP;
    case RTN_LOCAL:
        return QS_RTMSG_WAY_LOCAL;
    case RTN_THROW:
        return QS_RTMSG_WAY_THROW;
    case RTN_BLACKHOLE:
        return QS_RTMSG_WAY_BLACKHOLE;
    case RTN_UNREACHABLE:
        return QS_RTMSG_WAY_UNREACHABLE;
    case RTN_PROHIBIT:
        return QS_RTMSG_WAY_PROHIBIT;
    default:
        return QS_RTMSG_WAY_KERNEL;
    }
}

static qs_rtmsg_verdict_t
read_route(u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    struct rtmsg info;

    if (sz < sizeof(info))
        return QS_RTMSG_BAD;
    memcpy(&info, body, sizeof(info));
    if (info.rtm_family != AF_INET)
        return QS_RTMSG_OTHER;
    run_t run = {.at = body + sizeof(info), .left = sz - sizeof(info)};
    route_attrs_t r = {.table = info.rtm_table, .hop.dead = info.rtm_flags & RTNH_F_DEAD};
    read_route_attrs(&run, &r);
    if (run.bad || info.rtm_dst_len > 32 || (info.rtm_dst_len && !r.has_dst))
        return QS_RTMSG_BAD;
    if (r.table != RT_TABLE_MAIN && r.table != RT_TABLE_LOCAL)
        return QS_RTMSG_OTHER;
    /* Cached copies, and routes for packets that are not like ours. */
    if (info.rtm_flags & RTM_F_CLONED || info.rtm_tos || info.rtm_src_len)
        return QS_RTMSG_OTHER;
    qs_rtmsg_way_t way = way_of(info.rtm_type, &r.hop);
    bool leads = way == QS_RTMSG_WAY_HOP;
    u32 mask = info.rtm_dst_len ? UINT32_MAX << (32 - info.rtm_dst_len) : 0;
    m->gone |= r.hop.dead; /* the kernel passes over it */
    m->route = (qs_rtmsg_route_t){.dst = r.dst & mask,
                                  .len = info.rtm_dst_len,
                                  .local = r.table == RT_TABLE_LOCAL,
                                  .way = (u8)way,
                                  .scope = info.rtm_scope,
                                  .metric = r.priority,
                                  .gw = leads ? r.hop.gw : 0,
                                  .ifindex = leads ? r.hop.ifindex : 0,
                                  .src = leads ? r.prefsrc : 0,
                                  .mtu = leads ? r.mtu : 0,
                                  .multipath = leads && r.hop_cnt > 1};
    return QS_RTMSG_OK;
}

/* --- neighbours and rules ------------------------------------------------------------------- */

static qs_rtmsg_verdict_t
read_neigh(u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    u32 const usable =
        NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
    struct ndmsg info;
    qs_rtmsg_neigh_t *n = &m->neigh;
    bool has_ip = false, has_mac = false;
    attr_t a;

    if (sz < sizeof(info))
        return QS_RTMSG_BAD;
    memcpy(&info, body, sizeof(info));
    if (info.ndm_family != AF_INET || info.ndm_flags & NTF_PROXY)
        return QS_RTMSG_OTHER;
    if (info.ndm_ifindex <= 0)
        return QS_RTMSG_BAD;
    *n = (qs_rtmsg_neigh_t){.ifindex = (u32)info.ndm_ifindex};
    run_t run = {.at = body + sizeof(info), .left = sz - sizeof(info)};
    while (next_attr(&run, &a)) {
        if (a.type == NDA_DST) {
            n->ip = get_ip(&run, &a);
            has_ip = true;
        }
        if (a.type == NDA_LLADDR && a.sz == sizeof(n->mac)) { /* others are other links' */
            memcpy(n->mac, a.data, sizeof(n->mac));
            has_mac = true;
        }
    }
    if (run.bad || !has_ip)
        return QS_RTMSG_BAD;
    n->usable = has_mac && info.ndm_state & usable;
    n->stale = n->usable && info.ndm_state & NUD_STALE;
    return QS_RTMSG_OK;
}

static qs_rtmsg_verdict_t
read_rule(u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    struct fib_rule_hdr info;
    u32 priority = 0;
    attr_t a;

    if (sz < sizeof(info))
        return QS_RTMSG_BAD;
    memcpy(&info, body, sizeof(info));
    if (info.family != AF_INET)
        return QS_RTMSG_OTHER;
    u32 table = info.table;
    run_t run = {.at = body + sizeof(info), .left = sz - sizeof(info)};
    while (next_attr(&run, &a)) {
        if (a.type == FRA_PRIORITY)
            priority = get_u32(&run, &a);
        if (a.type == FRA_TABLE)
            table = get_u32(&run, &a);
    }
    if (run.bad)
        return QS_RTMSG_BAD;
    bool born = (!priority && table == RT_TABLE_LOCAL) ||
                (priority == PRIO_MAIN && table == RT_TABLE_MAIN) ||
                (priority == PRIO_DEFAULT && table == RT_TABLE_DEFAULT);
    m->rule = (qs_rtmsg_rule_t){.priority = priority,
                                .standard = born && info.action == FR_ACT_TO_TBL && !info.src_len &&
                                            !info.dst_len && !info.tos};
    return QS_RTMSG_OK;
}

/* --- messages -------------------------------------------------------------------------------- */

static qs_rtmsg_verdict_t
read_control(u16 type, u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    if (type == NLMSG_OVERRUN)
        return QS_RTMSG_OVERRUN;
    if (type != NLMSG_ERROR && type != NLMSG_DONE)
        return QS_RTMSG_OTHER;
    if (sz < sizeof(i32) && type == NLMSG_ERROR)
        return QS_RTMSG_BAD;
    m->error = sz < sizeof(i32) ? 0 : (i32)load32(body);
    if (m->error > 0 || m->error < -4095)
        return QS_RTMSG_BAD;
    return type == NLMSG_DONE ? QS_RTMSG_DONE : QS_RTMSG_ERROR;
}

static qs_rtmsg_verdict_t
read_message(u16 type, u8 const *body, u64 sz, qs_rtmsg_t *m)
{
    static struct {
        qs_rtmsg_verdict_t (*read)(u8 const *body, u64 sz, qs_rtmsg_t *m);
        u16 new, del;
        qs_rtmsg_kind_t kind;
    } const reader[] = {
        {read_link, RTM_NEWLINK, RTM_DELLINK, QS_RTMSG_LINK},
        {read_addr, RTM_NEWADDR, RTM_DELADDR, QS_RTMSG_ADDR},
        {read_route, RTM_NEWROUTE, RTM_DELROUTE, QS_RTMSG_ROUTE},
        {read_neigh, RTM_NEWNEIGH, RTM_DELNEIGH, QS_RTMSG_NEIGH},
        {read_rule, RTM_NEWRULE, RTM_DELRULE, QS_RTMSG_RULE},
    };

    if (type < NLMSG_MIN_TYPE)
        return read_control(type, body, sz, m);
    for (u32 i = 0; i < QS_COUNT(reader); i++) {
        if (type != reader[i].new &&type != reader[i].del)
            continue;
        m->kind = reader[i].kind;
        m->gone = type == reader[i].del;
        return reader[i].read(body, sz, m);
    }
    return QS_RTMSG_OTHER;
}

static u32
flags_of(u16 type, u16 nlmsg_flags)
{
    u32 flags = 0;

    flags |= nlmsg_flags & NLM_F_MULTI ? QS_RTMSG_MULTI : 0;
    flags |= nlmsg_flags & NLM_F_DUMP_INTR ? QS_RTMSG_INTR : 0;
    /* The same bits mean something else in a request to get or delete. */
    if (type == RTM_NEWROUTE && !(nlmsg_flags & NLM_F_MULTI)) {
        flags |= nlmsg_flags & NLM_F_REPLACE ? QS_RTMSG_REPLACE : 0;
        flags |= nlmsg_flags & NLM_F_APPEND ? QS_RTMSG_APPEND : 0;
    }
    return flags;
}

qs_rtmsg_verdict_t
qs_rtmsg_next(qs_rtmsg_iter_t *iter, qs_rtmsg_t *m)
{
    struct nlmsghdr head;

    if (!iter->left)
        return QS_RTMSG_END;
    if (iter->left >= sizeof(head))
        memcpy(&head, iter->at, sizeof(head));
    if (iter->left < sizeof(head) || head.nlmsg_len < sizeof(head) || head.nlmsg_len > iter->left) {
        iter->left = 0;
        return QS_RTMSG_TORN;
    }
    u8 const *body = iter->at + sizeof(head);
    u64 step = qs_min_u64(qs_align_up(head.nlmsg_len, NLMSG_ALIGNTO), iter->left);
    iter->at += step;
    iter->left -= step;
    *m = (qs_rtmsg_t){.seq = head.nlmsg_seq, .flags = flags_of(head.nlmsg_type, head.nlmsg_flags)};
    return read_message(head.nlmsg_type, body, head.nlmsg_len - sizeof(head), m);
}

u32
qs_rtmsg_dump_request(u8 *buf, qs_rtmsg_kind_t kind, u32 seq)
{
    static struct {
        u16 type;
        u32 body_sz;
        u8 family; /* the first byte of every body */
    } const what[] = {
        [QS_RTMSG_LINK] = {RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC},
        [QS_RTMSG_ADDR] = {RTM_GETADDR, sizeof(struct ifaddrmsg), AF_INET},
        [QS_RTMSG_ROUTE] = {RTM_GETROUTE, sizeof(struct rtmsg), AF_INET},
        [QS_RTMSG_NEIGH] = {RTM_GETNEIGH, sizeof(struct ndmsg), AF_INET},
        [QS_RTMSG_RULE] = {RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET},
    };
    struct nlmsghdr head = {.nlmsg_len = (u32)sizeof(head) + what[kind].body_sz,
                            .nlmsg_type = what[kind].type,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                            .nlmsg_seq = seq};

    memset(buf, 0, QS_RTMSG_REQUEST_SZ);
    memcpy(buf, &head, sizeof(head));
    buf[sizeof(head)] = what[kind].family;
    return head.nlmsg_len;
}

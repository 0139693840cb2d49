#include "waltz/ip/qs_rtnl.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include "tango/base/qs_bits.h"

#define REQUEST_MAX 512u   /* the largest, a veth pair, has some 120 bytes */
#define ANSWER_MAX  16384u /* a link's description has some 2 KiB */
#define ERRNO_MAX   4095

static bool
is_name(char const *name)
{
    u64 len = name ? strnlen(name, IFNAMSIZ) : 0;
    return len && len < IFNAMSIZ;
}

/* libmnl's own test of a message takes a length above 2^31 for a negative, fitting one. */
static bool
message_fits(struct nlmsghdr const *nlh, int left)
{
    return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
           nlh->nlmsg_len <= (u32)left;
}

static bool
attr_fits(struct nlmsghdr const *nlh, struct nlattr const *attr)
{
    u8 const *tail = mnl_nlmsg_get_payload_tail(nlh);
    return mnl_attr_ok(attr, (int)(tail - (u8 const *)attr));
}

static void
read_why(struct nlmsghdr const *nlh, struct nlmsgerr const *e, char *why)
{
    if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
        return;
    /* Unless it was capped, our request is repeated between the error and the attributes. */
    u64 off = sizeof(*e);
    if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
        off += qs_align_up(e->msg.nlmsg_len, MNL_ALIGNTO) - sizeof(e->msg);
    if (off < sizeof(*e) || off > mnl_nlmsg_get_payload_len(nlh))
        return;

    struct nlattr const *attr = mnl_nlmsg_get_payload_offset(nlh, off);
    for (; attr_fits(nlh, attr); attr = mnl_attr_next(attr)) {
        if (mnl_attr_get_type(attr) != NLMSGERR_ATTR_MSG)
            continue;
        u64 len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
        len = len < QS_RTNL_WHY_MAX ? len : QS_RTNL_WHY_MAX - 1;
        memcpy(why, mnl_attr_get_payload(attr), len);
        why[len] = '\0';
    }
}

static int
read_verdict(struct nlmsghdr const *nlh, char *why)
{
    struct nlmsgerr const *e = mnl_nlmsg_get_payload(nlh);
    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
        return -EBADMSG;
    if (e->error > 0 || e->error < -ERRNO_MAX)
        return -EBADMSG;
    if (e->error)
        read_why(nlh, e, why);
    return e->error;
}

static int
read_link(struct nlmsghdr const *nlh, qs_rtnl_link_t *link)
{
    struct ifinfomsg const *info = mnl_nlmsg_get_payload(nlh);
    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info) || info->ifi_index <= 0)
        return -EBADMSG;
    *link = (qs_rtnl_link_t){.ifindex = (u32)info->ifi_index, .flags = info->ifi_flags};

    struct nlattr const *attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(*info));
    for (; attr_fits(nlh, attr); attr = mnl_attr_next(attr)) {
        u16 type = mnl_attr_get_type(attr);
        u16 sz = mnl_attr_get_payload_len(attr);
        if (type == IFLA_MTU && sz == sizeof(u32))
            link->mtu = mnl_attr_get_u32(attr);
        if (type == IFLA_MASTER && sz == sizeof(u32))
            link->master = mnl_attr_get_u32(attr);
        if (type == IFLA_ADDRESS && sz == sizeof(link->mac))
            memcpy(link->mac, mnl_attr_get_payload(attr), sizeof(link->mac));
    }
    return 0;
}

int
qs_rtnl_parse(void const *msg, u64 sz, u32 seq, qs_rtnl_link_t *link, char *why)
{
    why[0] = '\0';
    if (sz > ANSWER_MAX)
        return -EBADMSG;

    int left = (int)sz;
    struct nlmsghdr const *nlh = msg;
    for (; message_fits(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
        if (nlh->nlmsg_seq != seq)
            continue;
        if (nlh->nlmsg_type == NLMSG_ERROR)
            return read_verdict(nlh, why);
        if (nlh->nlmsg_type == RTM_NEWLINK && link) {
            int err = read_link(nlh, link);
            if (err)
                return err;
        }
    }
    return left > 0 ? -EBADMSG : 1;
}

/* transact sends the request and waits for the kernel's verdict on it. */
static int
transact(qs_rtnl_t *nl, struct nlmsghdr *nlh, qs_rtnl_link_t *link)
{
    alignas(struct nlmsghdr) u8 answer[ANSWER_MAX];

    nl->why[0] = '\0';
    nlh->nlmsg_seq = ++nl->seq;
    if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(nl->sock, answer, sizeof(answer));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        int err = qs_rtnl_parse(answer, (u64)got, nl->seq, link, nl->why);
        if (err <= 0)
            return err;
    }
}

int
qs_rtnl_open(qs_rtnl_t *nl)
{
    *nl = (qs_rtnl_t){.sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
    if (!nl->sock)
        return -errno;

    /* Kernels older than 4.12 do not explain themselves; everything else still works. */
    int on = 1;
    mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
    mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));

    if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
        int err = -errno;
        qs_rtnl_close(nl);
        return err;
    }
    return 0;
}

void
qs_rtnl_close(qs_rtnl_t *nl)
{
    if (nl->sock)
        mnl_socket_close(nl->sock);
    nl->sock = NULL;
}

/* link_request starts a request about one link in buf, which has REQUEST_MAX bytes. */
static struct nlmsghdr *
link_request(void *buf, u16 type, u16 flags, u32 ifindex)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = (u16)(NLM_F_REQUEST | NLM_F_ACK | flags);
    struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
    info->ifi_family = AF_UNSPEC;
    info->ifi_index = (int)ifindex;
    return nlh;
}

static void
put_queues(struct nlmsghdr *nlh, u32 queues)
{
    mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, queues);
    mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, queues);
}

int
qs_rtnl_veth_create(qs_rtnl_t *nl, char const *name, char const *peer, int peer_netns_fd)
{
    return qs_rtnl_veth_create_queues(nl, name, peer, peer_netns_fd, 1);
}

int
qs_rtnl_veth_create_queues(qs_rtnl_t *nl, char const *name, char const *peer, int peer_netns_fd,
                           u32 queues)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    if (!is_name(name) || !is_name(peer))
        return -EINVAL;

    struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    put_queues(nlh, queues);
    struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
    struct nlattr *far = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(nlh, IFLA_IFNAME, peer);
    put_queues(nlh, queues);
    mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (u32)peer_netns_fd);
    mnl_attr_nest_end(nlh, far);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, info);
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_bridge_create(qs_rtnl_t *nl, char const *name)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    if (!is_name(name))
        return -EINVAL;

    struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(nlh, info);
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_link_delete(qs_rtnl_t *nl, u32 ifindex)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    return transact(nl, link_request(buf, RTM_DELLINK, 0, ifindex), NULL);
}

static int
set_u32(qs_rtnl_t *nl, u32 ifindex, u16 attr, u32 value)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, 0, ifindex);
    mnl_attr_put_u32(nlh, attr, value);
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_link_master(qs_rtnl_t *nl, u32 ifindex, u32 master_ifindex)
{
    return set_u32(nl, ifindex, IFLA_MASTER, master_ifindex);
}

int
qs_rtnl_link_mtu(qs_rtnl_t *nl, u32 ifindex, u32 mtu)
{
    return set_u32(nl, ifindex, IFLA_MTU, mtu);
}

int
qs_rtnl_link_mac(qs_rtnl_t *nl, u32 ifindex, u8 const mac[QS_RTNL_MAC_SZ])
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, 0, ifindex);
    mnl_attr_put(nlh, IFLA_ADDRESS, QS_RTNL_MAC_SZ, mac);
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_link_up(qs_rtnl_t *nl, u32 ifindex)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, 0, ifindex);
    struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_addr_add(qs_rtnl_t *nl, u32 ifindex, u32 ip, u32 prefix)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    if (prefix > 32)
        return -EINVAL;

    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = RTM_NEWADDR;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
    info->ifa_family = AF_INET;
    info->ifa_prefixlen = (u8)prefix;
    info->ifa_index = ifindex;
    mnl_attr_put_u32(nlh, IFA_LOCAL, ip);
    mnl_attr_put_u32(nlh, IFA_ADDRESS, ip);
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_neigh_add(qs_rtnl_t *nl, u32 ifindex, u32 ip, u8 const mac[QS_RTNL_MAC_SZ])
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];

    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = RTM_NEWNEIGH;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    struct ndmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
    info->ndm_family = AF_INET;
    info->ndm_ifindex = (int)ifindex;
    info->ndm_state = NUD_REACHABLE;
    mnl_attr_put_u32(nlh, NDA_DST, ip);
    mnl_attr_put(nlh, NDA_LLADDR, QS_RTNL_MAC_SZ, mac);
    return transact(nl, nlh, NULL);
}

int
qs_rtnl_link_query(qs_rtnl_t *nl, char const *name, qs_rtnl_link_t *link)
{
    alignas(struct nlmsghdr) u8 buf[REQUEST_MAX];
    if (!is_name(name))
        return -EINVAL;

    *link = (qs_rtnl_link_t){0};
    struct nlmsghdr *nlh = link_request(buf, RTM_GETLINK, 0, 0);
    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    int err = transact(nl, nlh, link);
    if (err)
        return err;
    return link->ifindex ? 0 : -EBADMSG; /* granted, but nothing told */
}

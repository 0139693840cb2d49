#include "disco/net/qs_net_neigh.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "waltz/ip/qs_frame.h"

/* next returns the attribute behind a (NULL: the first of the *left bytes at data) that lies whole in
   them, or NULL. */
static struct rtattr const *
next(struct rtattr const *a, void const *data, u32 *left)
{
    if (a) {
        u32 sz = (u32)qs_align_up(a->rta_len, RTA_ALIGNTO);
        data = (u8 const *)a + sz;
        *left -= sz < *left ? sz : *left;
    }
    a = data;
    return *left >= sizeof(*a) && a->rta_len >= sizeof(*a) && a->rta_len <= *left ? a : NULL;
}

#define VALID     (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)
#define READS_MAX 64u /* of one call, whatever the kernel has to say */

int
qs_net_neigh_open(qs_net_neigh_t *n, u32 ifindex, u32 ip, u32 prefix)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};

    *n = (qs_net_neigh_t){.ifindex = ifindex,
                          .ip = ip,
                          .mask = prefix ? ~0u << (32 - prefix) : 0,
                          .link = {.up = true}};
    n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (n->fd < 0)
        return -errno;
    if (bind(n->fd, (struct sockaddr *)&addr, sizeof(addr))) {
        int err = -errno;
        close(n->fd);
        return err;
    }
    return 0;
}

void
qs_net_neigh_ask(qs_net_neigh_t *n)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg m;
    } link = {
        .h = {.nlmsg_len = sizeof(link), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
        .m = {.ifi_index = (int)n->ifindex}};
    struct {
        struct nlmsghdr h;
        struct ndmsg m;
    } all = {.h = {.nlmsg_len = sizeof(all),
                   .nlmsg_type = RTM_GETNEIGH,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
             .m = {.ndm_family = AF_INET}};

    if (n->asked)
        return;
    n->missed = false;
    n->cnt = 0;
    memset(n->slot[!n->use], 0, sizeof(n->slot[0]));
    if (send(n->fd, &link, sizeof(link), MSG_DONTWAIT) != (ssize_t)sizeof(link))
        return;
    n->asked = send(n->fd, &all, sizeof(all), MSG_DONTWAIT) == (ssize_t)sizeof(all);
}

static void
add(qs_net_neigh_t *n, struct nlmsghdr const *h)
{
    struct ndmsg const *m = NLMSG_DATA(h);
    u32 ip = 0;
    u64 mac = 0;
    u32 left = h->nlmsg_len - (u32)NLMSG_LENGTH(sizeof(*m));

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->ndm_family != AF_INET ||
        m->ndm_ifindex != (int)n->ifindex || !(m->ndm_state & VALID) ||
        n->cnt >= QS_NET_NEIGH_SLOTS / 2)
        return;
    for (struct rtattr const *a = NULL; (a = next(a, m + 1, &left));) {
        if (a->rta_type == NDA_DST && RTA_PAYLOAD(a) == 4)
            ip = qs_load_be32(RTA_DATA(a));
        if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == 6)
            mac = qs_frame_mac(RTA_DATA(a));
    }
    if (!ip || !mac)
        return;
    u32 i = qs_net_neigh_slot(ip);
    while (n->slot[!n->use][i].ip)
        i = (i + 1) & (QS_NET_NEIGH_SLOTS - 1);
    n->slot[!n->use][i] = (qs_net_neigh_slot_t){.ip = ip, .mac = mac};
    n->cnt++;
}

static void
read_link(qs_net_neigh_t *n, struct nlmsghdr const *h)
{
    struct ifinfomsg const *m = NLMSG_DATA(h);
    struct rtnl_link_stats64 s;
    u32 left = h->nlmsg_len - (u32)NLMSG_LENGTH(sizeof(*m));

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->ifi_index != (int)n->ifindex)
        return;
    n->link.up = (m->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
    for (struct rtattr const *a = NULL; (a = next(a, m + 1, &left));) {
        if (a->rta_type == IFLA_MTU && RTA_PAYLOAD(a) == sizeof(u32))
            memcpy(&n->link.mtu, RTA_DATA(a), sizeof(u32));
        if (a->rta_type != IFLA_STATS64 ||
            RTA_PAYLOAD(a) < offsetof(struct rtnl_link_stats64, multicast))
            continue;
        memset(&s, 0, sizeof(s));
        memcpy(&s, RTA_DATA(a), RTA_PAYLOAD(a) < sizeof(s) ? RTA_PAYLOAD(a) : sizeof(s));
        n->link.rx_packets = s.rx_packets;
        n->link.rx_dropped = s.rx_dropped + s.rx_missed_errors;
        n->link.tx_packets = s.tx_packets;
        n->link.tx_dropped = s.tx_dropped;
    }
}

bool
qs_net_neigh_read(qs_net_neigh_t *n)
{
    alignas(8) u8 buf[8192];
    bool fresh = false;

    for (u32 reads = 0; reads < READS_MAX; reads++) {
        ssize_t got = recv(n->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS) { /* an answer too many: ask again */
            n->asked = false;
            continue;
        }
        if (got <= 0)
            break;
        u32 left = (u32)got;
        for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == RTM_NEWNEIGH)
                add(n, h);
            else if (h->nlmsg_type == RTM_NEWLINK)
                read_link(n, h);
            else if (h->nlmsg_type == NLMSG_DONE && n->asked) {
                n->use = !n->use;
                n->asked = false;
                fresh = true;
            }
        }
    }
    return fresh;
}

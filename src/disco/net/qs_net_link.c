#include "disco/net/qs_net_link.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_MAX 8u /* of one call, whatever the kernel has to say */

int
qs_net_link_open(qs_net_link_t *link, u32 ifindex)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};

    *link = (qs_net_link_t){.ifindex = ifindex};
    link->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (link->fd < 0)
        return -errno;
    if (!bind(link->fd, (struct sockaddr *)&addr, sizeof(addr)))
        return 0;
    int err = -errno;
    close(link->fd);
    return err;
}

void
qs_net_link_ask(qs_net_link_t *link)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg m;
    } req = {
        .h = {.nlmsg_len = sizeof(req), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
        .m = {.ifi_index = (int)link->ifindex}};
    ssize_t sent = send(link->fd, &req, sizeof(req), MSG_DONTWAIT);
    (void)sent; /* the next question will do */
}

static bool
read_link(qs_net_link_t *link, struct nlmsghdr const *h)
{
    struct rtnl_link_stats64 s = {0};
    u8 const *end = mnl_nlmsg_get_payload_tail(h);

    if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(struct ifinfomsg))
        return false;
    struct nlattr const *a = mnl_nlmsg_get_payload_offset(h, sizeof(struct ifinfomsg));
    for (; mnl_attr_ok(a, (int)(end - (u8 const *)a)); a = mnl_attr_next(a)) {
        u32 sz = mnl_attr_get_payload_len(a);
        if (mnl_attr_get_type(a) != IFLA_STATS64)
            continue;
        memcpy(&s, mnl_attr_get_payload(a), sz < sizeof(s) ? sz : sizeof(s));
        link->rx_packets = s.rx_packets;
        link->rx_dropped = s.rx_dropped + s.rx_missed_errors;
        link->tx_packets = s.tx_packets;
        link->tx_dropped = s.tx_dropped;
        return true;
    }
    return false;
}

bool
qs_net_link_read(qs_net_link_t *link)
{
    alignas(8) u8 buf[8192];
    bool found = false;

    for (u32 reads = 0; reads < READS_MAX; reads++) {
        ssize_t got = recv(link->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (got <= 0)
            break;
        int left = (int)got;
        for (struct nlmsghdr const *h = (void *)buf; mnl_nlmsg_ok(h, left);
             h = mnl_nlmsg_next(h, &left))
            found |= read_link(link, h);
    }
    return found;
}

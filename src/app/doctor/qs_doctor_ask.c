#include <arpa/inet.h>
#include <cap-ng.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/doctor/qs_doctor.h"
#include "disco/netlink/qs_netlink_sync.h"
#include "tango/base/qs_rng.h"
#include "waltz/xdp/qs_ethtool.h"

/* The kernel's netdev family, since 6.3; headers of older systems do not have it. */
#define NETDEV_FAMILY       "netdev"
#define NETDEV_DEV_GET      1u
#define NETDEV_ATTR_IFINDEX 1u
#define NETDEV_ATTR_XDP     3u

#define ANSWER_MAX 8192u
#define ROUTES_MS  1000u

/* --- ethtool ---------------------------------------------------------------------------------- */

static bool
ethtool(qs_doctor_facts_t const *f, int fd, void *command)
{
    struct ifreq req = {.ifr_data = command};
    memcpy(req.ifr_name, f->ifname, sizeof(req.ifr_name));
    return fd >= 0 && !ioctl(fd, SIOCETHTOOL, &req);
}

static void
ask_driver(qs_doctor_facts_t *f, int fd)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    qs_ethtool_queues_t queues;
    struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};

    if (ethtool(f, fd, &info))
        snprintf(f->driver, sizeof(f->driver), "%.31s", info.driver);
    if (!qs_ethtool_queues_get(f->ifname, &queues))
        f->queues = (qs_known_t){true, queues.cnt};
    if (ethtool(f, fd, &ring)) {
        f->ring = (qs_known_t){true, ring.rx_pending};
        f->ring_max = (qs_known_t){true, ring.rx_max_pending};
    }
}

/* ask_rules: whether all that we receive is led to queues that have a tile, by rules or by the table of
   RSS. */
static void
ask_rules(qs_doctor_facts_t *f)
{
    qs_ethtool_rule_t rule;
    qs_ethtool_rss_t rss;

    f->steered = f->plan->port_cnt != 0;
    for (u32 p = 0; p < f->plan->port_cnt && f->steered; p++)
        if (f->plan->port[p].link_row != UINT16_MAX)
            f->steered = !qs_ethtool_rule_get(f->ifname, f->plan->port[p].port, &rule) &&
                         rule.queue < f->cfg->net.tiles;
    f->steered |= !qs_ethtool_rss_get(f->ifname, &rss) && rss.cnt <= f->cfg->net.tiles;
}

static void
ask_offloads(qs_doctor_facts_t *f)
{
    static char const *const name[QS_OFFLOAD_CNT] = {[QS_OFFLOAD_LRO] = "rx-lro",
                                                     [QS_OFFLOAD_GRO_HW] = "rx-gro-hw",
                                                     [QS_OFFLOAD_UDP_GRO] = "rx-udp-gro-forwarding",
                                                     [QS_OFFLOAD_VLAN] = "rx-vlan-hw-parse"};
    qs_ethtool_feature_t feature;

    for (u32 k = 0; k < QS_OFFLOAD_CNT; k++)
        if (!qs_ethtool_feature_get(f->ifname, name[k], &feature))
            f->offload[k] = (qs_known_t){true, feature.on};
}

/* --- links: /sys may show those of another namespace, netlink never does ------------------------- */

typedef struct link_facts {
    qs_doctor_facts_t *f;
    u32 master;
} link_facts_t;

static int
take_kind(struct nlattr const *attr, void *ctx)
{
    if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
        snprintf(ctx, 16, "%.*s", (int)mnl_attr_get_payload_len(attr),
                 (char const *)mnl_attr_get_payload(attr));
    return MNL_CB_OK;
}

/* take_link reads one link: ours, or one that may lie on top of it. */
static int
take_link(struct nlmsghdr const *nlh, void *ctx)
{
    link_facts_t *l = ctx;
    qs_doctor_facts_t *f = l->f;
    struct ifinfomsg const *info = mnl_nlmsg_get_payload(nlh);
    u32 parent = 0, master = 0, mtu = 0;
    struct nlattr const *attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(*info));
    u8 const *tail = mnl_nlmsg_get_payload_tail(nlh);
    char kind[16] = "";

    for (; mnl_attr_ok(attr, (int)(tail - (u8 const *)attr)); attr = mnl_attr_next(attr)) {
        u16 type = mnl_attr_get_type(attr), sz = mnl_attr_get_payload_len(attr);
        if (type == IFLA_LINK && sz == sizeof(u32))
            parent = mnl_attr_get_u32(attr);
        if (type == IFLA_MASTER && sz == sizeof(u32))
            master = mnl_attr_get_u32(attr);
        if (type == IFLA_MTU && sz == sizeof(u32))
            mtu = mnl_attr_get_u32(attr);
        if (type == IFLA_LINKINFO)
            mnl_attr_parse_nested(attr, take_kind, kind);
    }
    f->vlan_on_top |= parent == f->ifindex && !strcmp(kind, "vlan");
    if ((u32)info->ifi_index != f->ifindex)
        return MNL_CB_OK;
    f->mtu = mtu;
    f->loopback = info->ifi_flags & IFF_LOOPBACK;
    f->up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING);
    snprintf(f->kind, sizeof(f->kind), "%s", strcmp(kind, "veth") ? kind : "");
    l->master = master;
    return MNL_CB_OK;
}

static void
ask_links(qs_doctor_facts_t *f)
{
    alignas(8) u8 buf[QS_RTMSG_REQUEST_SZ];
    static alignas(8) u8 answer[32768];
    link_facts_t l = {.f = f};
    struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int more = MNL_CB_OK;

    if (!sock)
        return;
    f->vlan_on_top = false;
    u32 sz = qs_rtmsg_dump_request(buf, QS_RTMSG_LINK, 1);
    if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) || mnl_socket_sendto(sock, buf, sz) < 0)
        more = MNL_CB_STOP;
    while (more > MNL_CB_STOP) {
        ssize_t got = mnl_socket_recvfrom(sock, answer, sizeof(answer));
        more = got < 0
                   ? MNL_CB_ERROR
                   : mnl_cb_run(answer, (size_t)got, 1, mnl_socket_get_portid(sock), take_link, &l);
    }
    mnl_socket_close(sock);
    f->master[0] = 0;
    if (l.master)
        if_indextoname(l.master, f->master);
}

/* --- what XDP can do on the device -------------------------------------------------------------- */

typedef struct genl {
    struct mnl_socket *sock;
    u16 family;
    qs_known_t *features;
} genl_t;

static int
take_attr(struct nlattr const *attr, void *ctx)
{
    genl_t *g = ctx;
    u16 type = mnl_attr_get_type(attr), sz = mnl_attr_get_payload_len(attr);

    if (!g->family && type == CTRL_ATTR_FAMILY_ID && sz == sizeof(u16))
        g->family = mnl_attr_get_u16(attr);
    else if (g->features && type == NETDEV_ATTR_XDP && sz == sizeof(u64))
        *g->features = (qs_known_t){true, mnl_attr_get_u64(attr)};
    return MNL_CB_OK;
}

static int
take_message(struct nlmsghdr const *nlh, void *ctx)
{
    return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_attr, ctx);
}

static struct nlmsghdr *
genl_request(u8 *buf, u16 family, u8 cmd)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = family;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    nlh->nlmsg_seq = 1;
    struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
    genl->cmd = cmd;
    genl->version = 1;
    return nlh;
}

static void
transact(genl_t *g, struct nlmsghdr *nlh)
{
    alignas(8) u8 answer[ANSWER_MAX];

    if (mnl_socket_sendto(g->sock, nlh, nlh->nlmsg_len) < 0)
        return;
    for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
        ssize_t got = mnl_socket_recvfrom(g->sock, answer, sizeof(answer));
        if (got < 0)
            return;
        more = mnl_cb_run(answer, (size_t)got, 1, mnl_socket_get_portid(g->sock), take_message, g);
    }
}

static void
ask_features(qs_doctor_facts_t *f)
{
    alignas(8) u8 buf[256];
    genl_t g = {.sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC)};

    if (!g.sock)
        return;
    if (!mnl_socket_bind(g.sock, 0, MNL_SOCKET_AUTOPID)) {
        struct nlmsghdr *nlh = genl_request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
        mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
        transact(&g, nlh);
    }
    if (g.family) {
        g.features = &f->features;
        struct nlmsghdr *nlh = genl_request(buf, g.family, NETDEV_DEV_GET);
        mnl_attr_put_u32(nlh, NETDEV_ATTR_IFINDEX, f->ifindex);
        transact(&g, nlh);
    }
    mnl_socket_close(g.sock);
}

/* --- routes: the same mirror that the netlink tile keeps ---------------------------------------- */

static u64
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* take_picture reads everything once, or gives up after a second. */
static bool
take_picture(qs_fib_tx_t *tx, int fd)
{
    static u8 datagram[32768];
    u8 request[QS_RTMSG_REQUEST_SZ];
    qs_sync_counts_t counts = {0};
    qs_netlink_sync_t sync;
    u64 begun = now_ns();

    qs_netlink_sync_init(&sync, tx, &counts, 1, begun);
    while (!counts.picture) {
        u64 now = now_ns();
        if (now - begun > ROUTES_MS * 1000000ull)
            return false;
        u32 sz = qs_netlink_sync_request(&sync, request, now);
        if (sz && send(fd, request, sz, 0) < 0)
            return false;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got = poll(&p, 1, 10) == 1 ? recv(fd, datagram, sizeof(datagram), 0) : 0;
        if (got > 0)
            qs_netlink_sync_read(&sync, datagram, (u64)got, now);
    }
    return true;
}

static void
ask_routes(qs_doctor_facts_t *f)
{
    qs_fib_conf_t conf = {.route_max = f->cfg->netlink.routes,
                          .neigh_max = f->cfg->netlink.neighbours,
                          .link_max = f->cfg->netlink.interfaces};
    u64 sz = qs_fib_footprint(&conf), seed = 1;
    void *mem = aligned_alloc(QS_ALIGN, sz);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    qs_fib_tx_t tx;
    qs_fib_rx_t rx;
    qs_fib_counts_t counts;
    bool emptied;

    (void)qs_rng_seed_os(&seed);
    if (mem && fd >= 0 && !qs_fib_new(mem, &conf, seed) &&
        !qs_fib_tx_join(&tx, mem, sz, &emptied) && !qs_fib_rx_join(&rx, mem, sz) &&
        take_picture(&tx, fd)) {
        f->routes_known = true;
        qs_fib_counts(&tx, &counts);
        f->rule_cnt = counts.rule;
        qs_fib_resolve(&rx, f->peer, &f->hop);
    }
    if (fd >= 0)
        close(fd);
    free(mem);
}

/* --- ourselves ---------------------------------------------------------------------------------- */

static void
ask_rights(qs_doctor_facts_t *f)
{
    struct rlimit limit;

    capng_clear(CAPNG_SELECT_BOTH);
    if (!capng_get_caps_process()) {
        u64 caps = 0;
        caps |= capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) ? QS_DOCTOR_NET_ADMIN : 0;
        caps |= capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) ? QS_DOCTOR_NET_RAW : 0;
        caps |= capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) ? QS_DOCTOR_IPC_LOCK : 0;
        if (capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF) ||
            capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
            caps |= QS_DOCTOR_BPF;
        f->caps = (qs_known_t){true, caps};
    }
    f->memlock = UINT64_MAX;
    if (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur != RLIM_INFINITY)
        f->memlock = limit.rlim_cur;
    cpu_set_t set;
    f->cpus = sched_getaffinity(0, sizeof(set), &set) ? 0 : (u32)CPU_COUNT(&set);
}

static void
ask_addresses(qs_doctor_facts_t *f)
{
    struct ifaddrs *all;

    if (getifaddrs(&all))
        return;
    for (struct ifaddrs *a = all; a; a = a->ifa_next)
        f->addr_cnt +=
            a->ifa_addr && a->ifa_addr->sa_family == AF_INET && !strcmp(a->ifa_name, f->ifname);
    freeifaddrs(all);
}

void
qs_doctor_ask(qs_doctor_facts_t *f)
{
    ask_rights(f);
    ask_routes(f);
    f->ifindex = f->ifname[0] ? if_nametoindex(f->ifname) : 0;
    f->found = f->ifindex != 0;
    if (!f->found)
        return;
    ask_links(f);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ask_driver(f, fd);
    ask_rules(f);
    ask_offloads(f);
    if (fd >= 0)
        close(fd);
    ask_addresses(f);
    ask_features(f);
    f->xdp_known = !qs_xdp_query(f->ifindex, &f->xdp);
}

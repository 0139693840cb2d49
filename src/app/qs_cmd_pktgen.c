/* pktgen - a source of traffic: datagrams at a rate, to some ports of one address, with a share
   that nobody wants and a share that is broken.  Frames through an XSK, or sendmmsg without one. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_errors.h"
#include "app/qs_pktgen_send.h"
#include "app/qs_text.h"
#include "tango/base/qs_clock.h"
#include "waltz/ip/qs_rtnl.h"

#define SLEEP_MIN_NS 50000u /* a gap that is shorter is spun through */
#define FORGIVE_NS   1000000000u
#define DISCARD_PORT 9
#define NEIGH_TRIES  200 /* of 5 ms */
#define ERR_SZ       256u
#define UDP_IP_SZ    (QS_FRAME_IP_SZ + QS_FRAME_UDP_SZ)

typedef struct opts {
    char const *to, *ports, *size, *iface, *netns, *mac, *provider;
    u64 rate, count, queue, flows, src_port, unwanted, garbage, seed;
    double seconds;
    bool zero_copy, json, help;
} opts_t;

typedef struct pktgen {
    opts_t o;
    qs_pktgen_conf_t conf;
    qs_rtnl_link_t link;
    char ifname[IF_NAMESIZE];
    u32 mask; /* of the network that src_ip is in */
    qs_pktgen_t gen;
    qs_pktgen_send_t send;
} pktgen_t;

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
    (void)sig;
    stopped = 1;
}

static int
refuse(qs_error_id_t id, int code, char const *where, char const *text, char const *hint)
{
    qs_error_list_t errors = {0};
    qs_error_hint(qs_error_add(&errors, id, where, 0, 0, "%s", text), "%s", hint);
    qs_error_list_write(stderr, &errors);
    return code;
}

static int
usage(char const *option, char const *text, char const *hint)
{
    return refuse(QS_ERROR_GEN_OPTION, 2, option, text ? text : "", hint);
}

/* read_range reads "A" or "A-B", the end of which is returned, null if it is none within max. */
static char const *
read_range(char const *text, u32 max, u32 *from, u32 *to)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return NULL;
    u64 a = strtoull(text, &end, 10);
    u64 b = a;
    if (*end == '-') {
        if (end[1] < '0' || end[1] > '9')
            return NULL;
        b = strtoull(end + 1, &end, 10);
    }
    if (a > b || b > max)
        return NULL;
    *from = (u32)a;
    *to = (u32)b;
    return end;
}

static bool
read_ports(qs_pktgen_conf_t *c, char const *text)
{
    u32 from, to;
    while (text) {
        text = read_range(text, UINT16_MAX, &from, &to);
        if (!text || !from || c->port_cnt + to - from >= QS_PKTGEN_PORT_MAX)
            return false;
        for (u32 port = from; port <= to; port++)
            c->port[c->port_cnt++] = (u16)port;
        if (!*text)
            return true;
        if (*text++ != ',')
            return false;
    }
    return false;
}

static bool
read_mac(char const *text, u64 *mac)
{
    u8 m[6];
    int end = 0;
    if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4],
               &m[5], &end) != 6 ||
        text[end])
        return false;
    *mac = qs_frame_mac(m);
    return true;
}

/* read_opts fills the configuration from the command line alone. */
static int
read_opts(pktgen_t *p)
{
    opts_t const *o = &p->o;
    qs_pktgen_conf_t *c = &p->conf;
    struct in_addr to;
    if (!o->to || inet_pton(AF_INET, o->to, &to) != 1)
        return usage("--to", o->to, "an IPv4 address, such as --to 10.77.0.2");
    if (!read_ports(c, o->ports))
        return usage("--ports", o->ports, "ports and ranges, such as 9000,9100-9103; 64 at most");
    char const *end = read_range(o->size, QS_PKTGEN_SZ_MAX, &c->sz_min, &c->sz_max);
    if (!end || *end)
        return usage("--size", o->size, "payload bytes, or a range of them: 0 to 1472");
    if (o->unwanted > 100 || o->garbage > 100 - o->unwanted)
        return usage("--unwanted, --garbage", "shares", "percent, together at most 100");
    if (!o->flows || o->flows > QS_PKTGEN_FLOW_MAX || !o->src_port ||
        o->src_port + o->flows > 65536)
        return usage("--flows, --src-port", "source ports",
                     "1 to 256 flows, from a port up to 65535");
    if (strcmp(o->provider, "auto") && strcmp(o->provider, "xdp") && strcmp(o->provider, "socket"))
        return usage("--provider", o->provider, "auto, xdp or socket");
    if (o->mac && !read_mac(o->mac, &c->dst_mac))
        return usage("--mac", o->mac, "six bytes, such as 02:00:00:00:00:01");
    c->dst_ip = ntohl(to.s_addr);
    c->src_port = (u16)o->src_port;
    c->flow_cnt = (u32)o->flows;
    c->unwanted_pct = (u32)o->unwanted;
    c->garbage_pct = (u32)o->garbage;
    c->seed = o->seed;
    return 0;
}

static int
enter_netns(char const *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int code = fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

/* route asks the kernel from which of our addresses it would send to dst. */
static u32
route(u32 dst, char const *ifname)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(dst), .sin_port = htons(DISCARD_PORT)};
    socklen_t sz = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known =
        fd >= 0 &&
        (!ifname ||
         !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1)) &&
        !connect(fd, (struct sockaddr *)&at, sz) && !getsockname(fd, (struct sockaddr *)&at, &sz);
    if (fd >= 0)
        close(fd);
    return known ? ntohl(at.sin_addr.s_addr) : 0;
}

/* find_interface fills ifname and mask from the address that we send from. */
static bool
find_interface(pktgen_t *p)
{
    struct ifaddrs *all;
    bool found = false;
    if (getifaddrs(&all))
        return false;
    for (struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        struct sockaddr_in addr, mask;
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || !a->ifa_netmask)
            continue;
        memcpy(&addr, a->ifa_addr, sizeof(addr));
        memcpy(&mask, a->ifa_netmask, sizeof(mask));
        found = ntohl(addr.sin_addr.s_addr) == p->conf.src_ip;
        snprintf(p->ifname, sizeof(p->ifname), "%s", a->ifa_name);
        p->mask = ntohl(mask.sin_addr.s_addr);
    }
    freeifaddrs(all);
    return found;
}

/* find_mac asks the kernel for the neighbour, and has it look if it does not know: with a datagram
   of no bytes to the port that discards. */
static bool
find_mac(pktgen_t *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(p->conf.dst_ip),
                             .sin_port = htons(DISCARD_PORT)};
    struct arpreq req = {0};
    bool found = false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(&req.arp_pa, &to, sizeof(to));
    snprintf(req.arp_dev, sizeof(req.arp_dev), "%s", p->ifname);
    for (u32 i = 0; fd >= 0 && !found && !stopped && i < NEIGH_TRIES; i++) {
        found = !ioctl(fd, SIOCGARP, &req) && req.arp_flags & ATF_COM;
        if (found)
            break;
        if (i % 40 == 0)
            (void)sendto(fd, NULL, 0, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
        usleep(5000);
    }
    if (fd >= 0)
        close(fd);
    p->conf.dst_mac = qs_frame_mac((u8 const *)req.arp_ha.sa_data);
    return found;
}

/* look_around finds what the host knows: our address, the interface, its MAC and MTU. */
static int
look_around(pktgen_t *p)
{
    qs_rtnl_t nl;
    if (p->o.netns) {
        int code = enter_netns(p->o.netns);
        if (code)
            return refuse(QS_ERROR_GEN_HOST, 3, p->o.netns, strerror(-code),
                          "a name of `ip netns`, or a path such as /proc/PID/ns/net; needs root");
    }
    p->conf.src_ip = route(p->conf.dst_ip, p->o.iface);
    if (!p->conf.src_ip || !find_interface(p))
        return refuse(QS_ERROR_GEN_HOST, 3, p->o.to, "there is no way to it from here",
                      "`ip route get` says more; --interface and --netns choose from where");
    int code = qs_rtnl_open(&nl);
    if (!code) {
        code = qs_rtnl_link_query(&nl, p->ifname, &p->link);
        qs_rtnl_close(&nl);
    }
    if (code)
        return refuse(QS_ERROR_GEN_HOST, 3, p->ifname, strerror(-code), "`ip link` says more");
    p->conf.src_mac = qs_frame_mac(p->link.mac);
    if (p->conf.sz_max + UDP_IP_SZ > p->link.mtu)
        return usage("--size", p->o.size,
                     "datagrams must fit the interface's MTU with 28 bytes more");
    return 0;
}

/* open_xsk says in err why there is none. */
static int
open_xsk(pktgen_t *p, char err[ERR_SZ])
{
    bool on_link = !((p->conf.src_ip ^ p->conf.dst_ip) & p->mask);
    if (!p->conf.dst_mac && !on_link) {
        snprintf(err, ERR_SZ, "%s is not on the link of %s: --mac must name the gateway", p->o.to,
                 p->ifname);
        return -EHOSTUNREACH;
    }
    if (!p->conf.dst_mac && !find_mac(p)) {
        snprintf(err, ERR_SZ, "%s has no MAC address on %s", p->o.to, p->ifname);
        return -EHOSTUNREACH;
    }
    if (qs_pktgen_init(&p->gen, &p->conf))
        return -EINVAL;
    return qs_pktgen_send_xsk(&p->send, &p->gen, p->link.ifindex, (u32)p->o.queue, p->o.zero_copy,
                              err, ERR_SZ);
}

static int
open_send(pktgen_t *p)
{
    char err[ERR_SZ] = "";
    if (strcmp(p->o.provider, "socket")) {
        if (!open_xsk(p, err))
            return 0;
        if (!strcmp(p->o.provider, "xdp"))
            return refuse(QS_ERROR_GEN_HOST, 3, p->ifname, err,
                          "--provider socket needs no privileges");
        fprintf(stderr, "quickstep pktgen: sockets instead of XDP: %s\n", err);
    }
    if (qs_pktgen_init(&p->gen, &p->conf))
        return 2;
    if (qs_pktgen_send_socket(&p->send, &p->gen, p->o.iface ? p->o.iface : "", err, sizeof(err)))
        return refuse(QS_ERROR_GEN_HOST, 3, p->ifname, err, "--src-port chooses other ports");
    return 0;
}

/* due returns how many datagrams should be handed over now. */
static u32
due(opts_t const *o, u64 handed, u64 *start_ns, u64 now_ns)
{
    u64 want = handed + QS_PKTGEN_BATCH;
    if (o->rate) {
        want = (u64)((u128)(now_ns - *start_ns) * o->rate / 1000000000u) + 1;
        u64 at_ns = *start_ns + (u64)((u128)handed * 1000000000u / o->rate);
        if (now_ns > at_ns + FORGIVE_NS) {
            *start_ns += now_ns - at_ns; /* held up for a second: no burst to make up for it */
            want = handed + 1;
        }
    }
    if (o->count)
        want = qs_min_u64(want, o->count);
    return want > handed ? (u32)qs_min_u64(want - handed, QS_PKTGEN_BATCH) : 0;
}

static void
wait_until_due(opts_t const *o, u64 handed, u64 start_ns, u64 now_ns)
{
    u64 at_ns = start_ns + (u64)((u128)handed * 1000000000u / o->rate);
    if (at_ns > now_ns + SLEEP_MIN_NS) {
        u64 gap = qs_min_u64(at_ns - now_ns - SLEEP_MIN_NS / 2, 10000000u);
        nanosleep(&(struct timespec){.tv_nsec = (long)gap}, NULL);
    } else {
        qs_pause();
    }
}

/* generate sends until the time, the count or the user ends it.  Returns the ns it took. */
static u64
generate(pktgen_t *p)
{
    opts_t const *o = &p->o;
    u64 begin = qs_clock_os_ns();
    u64 end = o->seconds > 0 ? begin + (u64)(o->seconds * 1e9) : UINT64_MAX;
    u64 start = begin;
    u64 handed = 0;

    while (!stopped && !p->send.err) {
        u64 now = qs_clock_os_ns();
        if (now >= end || (o->count && handed >= o->count))
            break;
        u32 cnt = due(o, handed, &start, now);
        handed += qs_pktgen_send_batch(&p->send, cnt, now);
        if (!cnt && o->rate)
            wait_until_due(o, handed, start, now);
    }
    (void)qs_pktgen_send_finish(&p->send);
    return qs_clock_os_ns() - begin;
}

static void
print_summary(pktgen_t const *p, u64 took_ns)
{
    qs_pktgen_send_t const *s = &p->send;
    char const *provider = s->is_xsk ? "xdp" : "socket";
    double seconds = (double)took_ns / 1e9;
    double pps = (double)s->sent / seconds;
    if (!p->o.json) {
        fprintf(stderr, "%lu datagrams, %lu bytes in %.3f s: %.0f per second (%s on %s)\n", s->sent,
                s->sent_bytes, seconds, pps, provider, p->ifname);
        return;
    }
    printf("{\"provider\":\"%s\",\"zero_copy\":%s,\"interface\":", provider,
           s->xsk.zero_copy ? "true" : "false");
    qs_text_write_quoted(stdout, p->ifname);
    printf(",\"sent\":%lu,\"bytes\":%lu,\"seconds\":%.6f,\"pps\":%.0f,\"wanted\":%lu,"
           "\"unwanted\":%lu,\"garbage\":%lu,\"syscalls\":%lu}\n",
           s->sent, s->sent_bytes, seconds, pps, p->gen.cnt[QS_PKTGEN_WANTED],
           p->gen.cnt[QS_PKTGEN_UNWANTED], p->gen.cnt[QS_PKTGEN_GARBAGE], s->syscalls);
}

static int
run(pktgen_t *p)
{
    struct sigaction act = {.sa_handler = stop};
    int code = read_opts(p);
    if (!code)
        code = look_around(p);
    if (code)
        return code;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    code = open_send(p);
    if (code)
        return code;
    u64 took_ns = generate(p);
    print_summary(p, took_ns);
    if (p->send.err)
        code = refuse(QS_ERROR_GEN_BROKE, 1, p->ifname, strerror(-p->send.err),
                      "`ip link` tells whether the interface is up and there");
    qs_pktgen_send_close(&p->send);
    return code;
}

int
qs_cmd_pktgen(int argc, char **argv, qs_topo_t const *const *topos)
{
    static pktgen_t p;
    opts_t *o = &p.o;
    qs_args_t args;
    qs_arg_t const table[] = {
        {"--to", "ADDRESS", "where all of it goes", QS_ARG_STR, &o->to},
        {"--ports", "LIST", "9000,9100-9103: the ports that are wanted, each as often; 9000",
         QS_ARG_STR, &o->ports},
        {"--size", "BYTES", "of payload, or a range: 64-1232; 64", QS_ARG_STR, &o->size},
        {"--rate", "N", "datagrams per second; 0, the default: as many as it can", QS_ARG_U64,
         &o->rate},
        {"--count", "N", "end after so many", QS_ARG_U64, &o->count},
        {"--seconds", "S", "end after so long; else it ends with Ctrl-C", QS_ARG_REAL, &o->seconds},
        {"--unwanted", "PERCENT", "to ports that are not in the list", QS_ARG_U64, &o->unwanted},
        {"--garbage", "PERCENT", "malformed frames", QS_ARG_U64, &o->garbage},
        {"--flows", "N", "source ports, 1 to 256; 1", QS_ARG_U64, &o->flows},
        {"--src-port", "PORT", "the first of them; 40000", QS_ARG_U64, &o->src_port},
        {"--seed", "N", "another sequence of random choices", QS_ARG_U64, &o->seed},
        {"--interface", "NAME", "leave by this one", QS_ARG_STR, &o->iface},
        {"--netns", "NAME", "from this network namespace, or path", QS_ARG_STR, &o->netns},
        {"--mac", "MAC", "of the gateway; else the address is asked for it", QS_ARG_STR, &o->mac},
        {"--queue", "N", "of the interface, for XDP; 0", QS_ARG_U64, &o->queue},
        {"--zero-copy", NULL, "XDP zero copy; that queue then receives nothing", QS_ARG_FLAG,
         &o->zero_copy},
        {"--provider", "NAME", "xdp, socket, or auto: the first that works", QS_ARG_STR,
         &o->provider},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &o->json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &o->help},
        {0}};

    (void)topos;
    *o = (opts_t){.ports = "9000", .size = "64", .provider = "auto", .flows = 1, .src_port = 40000};
    int code = qs_args_parse(&args, table, argc, argv);
    if (o->help) {
        qs_args_usage_own("pktgen", "", table);
        return 0;
    }
    if (code)
        return code;
    if (args.rest_cnt)
        return usage("pktgen", args.rest[0], "it takes options only (see quickstep help pktgen)");
    return run(&p);
}

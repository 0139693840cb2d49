#include "disco/net/qs_net_keep.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "disco/net/qs_net_iface.h"
#include "disco/qs_config.h"
#include "disco/qs_topo.h"
#include "waltz/xdp/qs_nic.h"
#include "waltz/xdp/qs_xdp_attach.h"

#define BUSY_TRIES      3u /* starts, of a second each, while our last socket is still there */
#define COME_BACK_LOOKS 5u /* while sockets stand in: every that many looks XDP is tried again */

/* What all net tiles of a group share. */
typedef struct kept {
    qs_config_net_t const *net;
    qs_net_rung_t rung;
    u32 may;      /* rungs that options and experience leave, one bit each */
    bool standby; /* on SOCKET for want of the interface or of its XDP slot, not of the rungs */
    bool had;     /* a tile of ours has had an XSK and is gone */
    u32 busy;     /* starts that met it still there */
    u32 looks;
    u32 round;
    u32 address; /* net.bind_address */
    char ifname[IFNAMSIZ];
    qs_net_iface_t iface;
    qs_xdp_pair_t pair[QS_XDP_PAIR_MAX];
    u32 pair_cnt;
    qs_xdp_t xdp;
    u32 users;               /* tiles that have come to keep, and not to drop */
    bool share;              /* one socket per port, the first tile's to read */
    int socket[QS_PORT_MAX]; /* those */
} kept_t;

char const *
qs_net_rung_name(qs_net_rung_t rung)
{
    static char const *const name[] = {"XDP with zero copy", "XDP in the driver",
                                       "generic XDP (skb)", "ordinary sockets"};
    return (u32)rung < QS_COUNT(name) ? name[rung] : "?";
}

/* refuse writes the line for the user, with what to set instead, when an explicit option cannot be. */
static int
refuse(qs_tile_ctx_t *ctx, kept_t const *k, int code, char const *why)
{
    qs_config_net_t const *net = k->net;
    char const *option = "net.provider = xdp", *next = "net.provider = auto";

    if (net->zero_copy == QS_CONFIG_net_zero_copy_on) {
        option = "net.zero_copy = on";
        next = "net.zero_copy = auto";
    } else if (net->xdp_mode == QS_CONFIG_net_xdp_mode_hw) {
        option = "net.xdp_mode = hw";
        next = "net.xdp_mode = auto";
    } else if (net->xdp_mode == QS_CONFIG_net_xdp_mode_drv) {
        option = "net.xdp_mode = drv";
        next = "net.xdp_mode = skb";
    } else if (net->xdp_mode == QS_CONFIG_net_xdp_mode_skb) {
        option = "net.xdp_mode = skb";
    }
    snprintf(ctx->err, sizeof(ctx->err), "%s cannot be had: %s; %s will do", option, why, next);
    return code;
}

static bool
may(kept_t const *k, u32 rung)
{
    return k->may >> rung & 1;
}

/* rungs_of returns the rungs that the options leave. */
static u32
rungs_of(qs_config_net_t const *net)
{
    u32 rungs = 1u << QS_NET_ZERO_COPY | 1u << QS_NET_DRV | 1u << QS_NET_SKB;

    if (net->provider == QS_CONFIG_net_provider_socket)
        return 1u << QS_NET_SOCKET;
    if (net->xdp_mode == QS_CONFIG_net_xdp_mode_drv)
        rungs &= ~(1u << QS_NET_SKB);
    if (net->xdp_mode == QS_CONFIG_net_xdp_mode_skb)
        rungs = 1u << QS_NET_SKB;
    if (net->xdp_mode == QS_CONFIG_net_xdp_mode_hw)
        rungs = 0;
    if (net->zero_copy == QS_CONFIG_net_zero_copy_on)
        rungs &= 1u << QS_NET_ZERO_COPY;
    if (net->zero_copy == QS_CONFIG_net_zero_copy_off)
        rungs &= ~(1u << QS_NET_ZERO_COPY);
    bool explicit = net->provider == QS_CONFIG_net_provider_xdp ||
                    net->xdp_mode != QS_CONFIG_net_xdp_mode_auto ||
                    net->zero_copy == QS_CONFIG_net_zero_copy_on;
    return explicit ? rungs : rungs | 1u << QS_NET_SOCKET;
}

/* source_of returns the feed that a port is for, or null. */
static qs_config_shred_source_t const *
source_of(qs_tile_ctx_t const *ctx, u32 port)
{
    u32 source = ctx->plan->port[port].source;
    return source ? &ctx->cfg->shred_source[source - 1] : NULL;
}

/* group_of returns the multicast group that a port listens to instead of our addresses, or 0. */
static u32
group_of(qs_tile_ctx_t const *ctx, u32 port)
{
    qs_config_shred_source_t const *s = source_of(ctx, port);
    struct in_addr group = {0};

    return s && inet_pton(AF_INET, s->group, &group) == 1 ? ntohl(group.s_addr) : 0;
}

/* make_pairs: each address of ours, or the group, with each port that somebody reads. */
static void
make_pairs(kept_t *k, qs_tile_ctx_t const *ctx)
{
    k->pair_cnt = 0;
    for (u32 p = 0; p < ctx->plan->port_cnt; p++) {
        u32 group = group_of(ctx, p);
        u32 addrs = k->address || group ? 1 : k->iface.addr_cnt;
        for (u32 a = 0; a < addrs; a++)
            if (ctx->plan->port[p].link_row != UINT16_MAX && k->pair_cnt < QS_XDP_PAIR_MAX)
                k->pair[k->pair_cnt++] = (qs_xdp_pair_t){.ip = group ? group : k->iface.addr[a],
                                                         .port = ctx->plan->port[p].port};
    }
}

/* leave_alone takes the rungs away that are known not to be, or to do harm, with this driver and
   kernel, and that the options do not insist on. */
static void
leave_alone(kept_t *k)
{
    qs_nic_t const *nic = qs_nic_find(k->iface.driver);
    struct utsname u;
    u32 kernel = uname(&u) ? 0 : qs_nic_kernel(u.release);

    if (k->net->zero_copy == QS_CONFIG_net_zero_copy_auto &&
        ((nic && nic->zero_copy == QS_KERNEL_NEVER) ||
         qs_nic_deny_find(k->iface.driver, kernel, true)))
        k->may &= ~(1u << QS_NET_ZERO_COPY);
    if (k->net->zero_copy != QS_CONFIG_net_zero_copy_on &&
        k->net->xdp_mode == QS_CONFIG_net_xdp_mode_auto &&
        qs_nic_deny_find(k->iface.driver, kernel, false))
        k->may &= ~(1u << QS_NET_ZERO_COPY | 1u << QS_NET_DRV);
}

/* attach puts the program on the interface as the rung needs it.  A tile that only sends has no
   program; its XSK works without. */
static int
attach(kept_t *k, qs_net_rung_t rung)
{
    qs_xdp_mode_t mode = rung == QS_NET_SKB ? QS_XDP_SKB : QS_XDP_DRV;
    qs_xdp_spec_t spec = {.filter = k->net->filter == QS_CONFIG_net_filter_user
                                        ? QS_XDP_FILTER_USER
                                        : QS_XDP_FILTER_KERNEL,
                          .pair = k->pair,
                          .pair_cnt = k->pair_cnt,
                          .queue_cnt = k->net->tiles};

    if (!k->pair_cnt)
        return 0;
    if (k->xdp.map_fd < 0) {
        int err = qs_xdp_load(&k->xdp, &spec, stderr);
        if (err)
            return err;
    }
    if (k->xdp.link_fd >= 0 && k->xdp.mode == mode)
        return 0;
    qs_xdp_detach(&k->xdp);
    return qs_xdp_attach(&k->xdp, k->iface.index, mode);
}

/* climb takes the best rung left, from `from` down, whose program the interface takes.  why gets the
   first refusal.  Returns 0 or that refusal, when no rung is left. */
static int
climb(kept_t *k, u32 from, char *why, u64 why_sz)
{
    int first = 0;

    for (u32 r = from; r < QS_NET_RUNG_CNT; r++) {
        if (!may(k, r))
            continue;
        int err = r == QS_NET_SOCKET ? 0 : attach(k, (qs_net_rung_t)r);
        if (!err) {
            k->rung = (qs_net_rung_t)r;
            if (r == QS_NET_SOCKET)
                qs_xdp_close(&k->xdp);
            return 0;
        }
        if (!first) {
            first = err;
            snprintf(why, why_sz, "%s", k->xdp.why[0] ? k->xdp.why : strerror(-err));
        }
    }
    return first ? first : -EOPNOTSUPP;
}

/* look_at_iface finds the interface anew.  auto does not touch loopback: nothing is faster there. */
static int
look_at_iface(qs_tile_ctx_t *ctx, kept_t *k, char *why, u64 why_sz)
{
    int err = qs_net_iface_find(&k->iface, k->ifname, k->address, why, why_sz);

    if (err)
        return err;
    if (k->iface.loopback && may(k, QS_NET_SOCKET)) {
        snprintf(why, why_sz, "%s is loopback", k->iface.name);
        return -EOPNOTSUPP;
    }
    leave_alone(k);
    memcpy(k->ifname, k->iface.name, sizeof(k->ifname));
    make_pairs(k, ctx);
    return 0;
}

/* check_options: what cannot be whatever the host. */
static int
check_options(qs_tile_ctx_t *ctx, kept_t *k)
{
    struct in_addr address = {0};

    if (k->net->bind_address[0] && inet_pton(AF_INET, k->net->bind_address, &address) != 1)
        return -EINVAL;
    k->address = ntohl(address.s_addr);
    k->may = rungs_of(k->net);
    if (k->may)
        return 0;
    if (k->net->xdp_mode == QS_CONFIG_net_xdp_mode_hw)
        return refuse(ctx, k, -EINVAL, "programs on the NIC cannot hand packets to a socket");
    return refuse(ctx, k, -EINVAL, "zero copy needs XDP in the driver, and net.xdp_mode is skb");
}

/* start chooses the first rung. */
static int
start(qs_tile_ctx_t *ctx, kept_t *k)
{
    char why[QS_XDP_WHY_MAX] = "";
    int err = check_options(ctx, k);

    if (err)
        return err;
    k->rung = QS_NET_SOCKET;
    if (k->may == 1u << QS_NET_SOCKET)
        return 0;
    snprintf(k->ifname, sizeof(k->ifname), "%s", k->net->iface);
    err = look_at_iface(ctx, k, why, sizeof(why));
    if (!err && k->iface.default_route && k->net->filter == QS_CONFIG_net_filter_user) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "net.filter = user takes all UDP from this host, and %s carries its default "
                 "route; net.filter = kernel will do",
                 k->iface.name);
        return -EINVAL;
    }
    if (!err)
        err = climb(k, 0, why, sizeof(why));
    if (err && !may(k, QS_NET_SOCKET))
        return refuse(ctx, k, err == -EINVAL ? -EOPNOTSUPP : err, why);
    if (why[0])
        snprintf(ctx->err, sizeof(ctx->err), "net uses %s: %s", qs_net_rung_name(k->rung), why);
    return 0;
}

/* tell writes for this tile what holds now. */
static void
tell(qs_tile_ctx_t *ctx, kept_t const *k)
{
    u32 ports = ctx->plan->port_cnt;

    while (ctx->kept_cnt > ports)
        close(ctx->kept_fd[--ctx->kept_cnt]);
    if (k->rung != QS_NET_SOCKET && k->xdp.map_fd >= 0) {
        int fd = fcntl(k->xdp.map_fd, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0)
            ctx->kept_fd[ctx->kept_cnt++] = fd;
    }
    ctx->note[QS_NET_NOTE_RUNG] = k->rung;
    ctx->note[QS_NET_NOTE_IFINDEX] = k->iface.index;
    ctx->note[QS_NET_NOTE_MAC] = k->iface.mac;
    ctx->note[QS_NET_NOTE_IP] = k->address;
    ctx->note[QS_NET_NOTE_DRAINS] = ctx->idx == 0 || !k->share;
    ctx->note[QS_NET_NOTE_ROUND] = k->round;
}

/* open_one opens the socket of a port.  The kernel gives multicast to every socket that joined: one does. */
static int
open_one(qs_tile_ctx_t *ctx, kept_t const *k, u32 port)
{
    u32 group = group_of(ctx, port);
    int fd = qs_net_socket_open(group ? group : k->address, ctx->plan->port[port].port,
                                k->net->socket_rcvbuf_bytes, ctx->cnt > 1 && !k->share, ctx->err,
                                sizeof(ctx->err));

    if (fd < 0 || !group)
        return fd;
    char const *iface =
        source_of(ctx, port)->iface[0] ? source_of(ctx, port)->iface : k->net->iface;
    int err =
        qs_net_socket_join(fd, ctx->idx ? 0 : group, iface, k->address, ctx->err, sizeof(ctx->err));
    if (!err)
        return fd;
    close(fd);
    return err;
}

/* open_sockets: with XDP the first tile alone reads them, and all send from them.  Without it each
   tile has its own, and the kernel shares the senders out among them. */
static int
open_sockets(qs_tile_ctx_t *ctx, kept_t *k)
{
    for (u32 i = 0; i < ctx->plan->port_cnt; i++) {
        int fd =
            k->share && ctx->idx ? fcntl(k->socket[i], F_DUPFD_CLOEXEC, 0) : open_one(ctx, k, i);
        if (fd < 0)
            return ctx->err[0] ? fd : -errno;
        ctx->kept_fd[ctx->kept_cnt++] = fd;
        if (!ctx->idx)
            k->socket[i] = fd;
    }
    return 0;
}

int
qs_net_keep(qs_tile_ctx_t *ctx)
{
    kept_t *k = *ctx->common;

    if (!k) {
        k = calloc(1, sizeof(*k));
        if (!k)
            return -ENOMEM;
        *ctx->common = k; /* drop frees it, also after an error here */
        k->net = &ctx->cfg->net;
        k->xdp = (qs_xdp_t){.map_fd = -1, .prog_fd = -1, .link_fd = -1};
        int err = start(ctx, k);
        if (err)
            return err;
        k->share = k->rung != QS_NET_SOCKET;
    }
    k->users++;
    int err = open_sockets(ctx, k);
    if (!err)
        tell(ctx, k);
    return err;
}

/* step_down: the tile's rung is no good. */
static int
step_down(qs_tile_ctx_t *ctx, kept_t *k, u32 why)
{
    static char const *const reason[] = {"the kernel refused the XSK",
                                         "received packets did not come through",
                                         "packets were not sent", "the interface is gone",
                                         "the queue belongs to another AF_XDP socket"};
    char said[QS_XDP_WHY_MAX] = "";
    qs_net_rung_t was = k->rung;

    k->may &= ~(1u << was);
    if (why == QS_NET_EXIT_BUSY) /* whatever the mode */
        k->may &= 1u << QS_NET_SOCKET;
    int err = climb(k, was + 1, said, sizeof(said));
    if (err)
        return refuse(ctx, k, -EOPNOTSUPP, said[0] ? said : reason[why - QS_NET_EXIT_REFUSED]);
    k->round++;
    snprintf(ctx->err, sizeof(ctx->err), "net steps down from %s to %s: %s%s%s",
             qs_net_rung_name(was), qs_net_rung_name(k->rung), reason[why - QS_NET_EXIT_REFUSED],
             said[0] ? "; " : "", said);
    return 0;
}

/* still_busy says whether the queue may be busy with our last tile's socket: the kernel lets go of it
   when the last packet that it sent is freed, which takes a softirq of ours or of the far end; on a
   machine without time for those a second and more.  Then the rung is tried again. */
static bool
still_busy(qs_tile_ctx_t *ctx, kept_t *k, u32 why)
{
    if (why != QS_NET_EXIT_BUSY || !k->had || k->busy >= BUSY_TRIES)
        return false;
    k->busy++;
    snprintf(ctx->err, sizeof(ctx->err),
             "net: the queue is still busy with our last socket; %s is tried again (%u of %u)",
             qs_net_rung_name(k->rung), k->busy, BUSY_TRIES);
    return true;
}

/* remember notes what a later busy queue may come from. */
static void
remember(kept_t *k, u32 why)
{
    if (why == QS_TEND_LOOK || why == QS_NET_EXIT_REFUSED || why == QS_NET_EXIT_BUSY)
        return;
    k->had |= k->rung != QS_NET_SOCKET;
    k->busy = 0;
}

/* stand_by: sockets, until the interface or its slot is back. */
static void
stand_by(qs_tile_ctx_t *ctx, kept_t *k, char const *why)
{
    qs_xdp_close(&k->xdp);
    k->rung = QS_NET_SOCKET;
    k->standby = true;
    k->looks = 0;
    k->round++;
    snprintf(ctx->err, sizeof(ctx->err), "net uses %s for now: %s", qs_net_rung_name(k->rung), why);
}

/* come_back tries to leave standby, or finds out at once that an interface was only replaced. */
static void
come_back(qs_tile_ctx_t *ctx, kept_t *k)
{
    char why[QS_XDP_WHY_MAX] = "";
    u32 sockets = k->may & 1u << QS_NET_SOCKET;

    if (look_at_iface(ctx, k, why, sizeof(why)))
        return;
    k->may &= ~(1u << QS_NET_SOCKET); /* we are there already */
    int err = climb(k, 0, why, sizeof(why));
    k->may |= sockets;
    if (err) {
        qs_xdp_close(&k->xdp);
        return;
    }
    k->standby = false;
    k->round++;
    snprintf(ctx->err, sizeof(ctx->err), "net uses %s again, on %s", qs_net_rung_name(k->rung),
             k->iface.name);
}

static void
look(qs_tile_ctx_t *ctx, kept_t *k)
{
    if (k->standby) {
        if (++k->looks % COME_BACK_LOOKS == 0)
            come_back(ctx, k);
        return;
    }
    if (k->rung == QS_NET_SOCKET)
        return;
    if (if_nametoindex(k->ifname) != k->iface.index) {
        stand_by(ctx, k, "the interface is gone");
        come_back(ctx, k);
    } else if (k->pair_cnt && !qs_xdp_is_attached(&k->xdp)) {
        char why[QS_XDP_WHY_MAX];
        qs_xdp_detach(&k->xdp);
        if (!attach(k, k->rung)) {
            snprintf(ctx->err, sizeof(ctx->err),
                     "net: our XDP program was detached from %s by "
                     "somebody; it is attached again",
                     k->ifname);
            return;
        }
        snprintf(why, sizeof(why), "%s", k->xdp.why);
        stand_by(ctx, k, why);
    }
}

int
qs_net_tend(qs_tile_ctx_t *ctx, u32 why)
{
    kept_t *k = *ctx->common;
    bool current = ctx->note[QS_NET_NOTE_ROUND] == k->round;

    remember(k, why);
    if (still_busy(ctx, k, why))
        return QS_TEND_RENEW;
    if (why == QS_NET_EXIT_GONE || (why == QS_TEND_LOOK && ctx->idx == 0)) {
        look(ctx, k);
    } else if (why >= QS_NET_EXIT_REFUSED && why < QS_NET_EXIT_END && current) {
        int err = k->rung == QS_NET_SOCKET ? -EIO : step_down(ctx, k, why);
        if (err)
            return err;
    }
    if (ctx->note[QS_NET_NOTE_ROUND] == k->round)
        return why >= QS_NET_EXIT_REFUSED ? QS_TEND_RENEW : 0;
    tell(ctx, k);
    k->had |= why == QS_TEND_LOOK;
    return why == QS_TEND_KILLED ? 0 : QS_TEND_RENEW;
}

void
qs_net_drop(qs_tile_ctx_t *ctx)
{
    kept_t *k = *ctx->common;

    if (!k || (k->users && --k->users))
        return;
    qs_xdp_close(&k->xdp);
    free(k);
    *ctx->common = NULL;
}

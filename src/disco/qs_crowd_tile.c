/* crowd - the lab's large cluster: one tile that speaks for thousands of nodes (gossip/qs_crowd.h).

       crowd  <~~~ UDP on the loopback ~~~>  the node that gossip.entrypoints names first

   How:   one socket of its own, because each node of the crowd has an address of its own: all of
          127/8 is this host's, and packet info says which was meant.  It is bound to lo.
   Harm:  with crowd.hostile_pps it is an enemy too, after a while (gossip/qs_hostile.h).
   Loss:  what the kernel's buffers do not hold; gossip says all again.  A restart is another crowd.
   Trust: the node it talks to; this is a load, for the lab only.
   Death: it is started again. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "disco/gossip/qs_crowd.h"
#include "disco/gossip/qs_hostile.h"
#include "disco/gossip/qs_ip_echo_ask.h"
#include "disco/qs_config.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"

#define CROWD_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(pushed, "contact infos and pull requests sent")                                        \
    COUNTER(pongs, "pings answered")                                                               \
    COUNTER(answers, "pull requests answered")                                                     \
    COUNTER(prunes, "prunes sent")                                                                 \
    COUNTER(received, "well-formed datagrams received")                                            \
    COUNTER(unsent, "datagrams the kernel did not take")                                           \
    COUNTER(spread_quiet,                                                                          \
            "contact infos that came from one member to another, just before enemies do")          \
    COUNTER(spread_quiet_ms, "... and how long they took, in all")                                 \
    COUNTER(spread_hostile, "contact infos that did while there was an enemy")                     \
    COUNTER(spread_hostile_ms, "... and how long they took, in all")                               \
    COUNTER(hostile, "hostile datagrams sent")                                                     \
    COUNTER(hostile_bytes, "their bytes")                                                          \
    COUNTER(stranger_bytes, "bytes that came to the enemy's own addresses")                        \
    GAUGE(strangers_over, "of those: addresses that were sent more than they sent")                \
    GAUGE(members, "nodes it speaks for")

QS_METRICS(crowd, CROWD_METRICS);

#define BUFFER  (16 << 20)
#define TICK_NS 5000000u
#define BATCH   64u
#define BURST   128u /* hostile datagrams of one turn */
#define QUIET_NS                                                                                   \
    3000000000u /* before the enemy: what is compared with; until then all are being found */
#define LATE_NS 20000000u /* what it is behind by is not made up for beyond this */

typedef union control {
    struct cmsghdr head;
    u8 room[CMSG_SPACE(sizeof(struct in_pktinfo))];
} control_t;

typedef struct crowd {
    crowd_metrics_t *m;
    int fd;
    u64 next_ns;
    u64 told[5];
    u64 hostile_pps, hostile_at, hostile_ns; /* ns: when the next is due */
    u64 spread_cnt, spread_ms;               /* that were told */
    qs_hostile_t hostile;
    struct sockaddr_in target;
    qs_crowd_t crowd;
    u8 *mem;
    u64 mem_sz;
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    control_t control[BATCH];
    u8 room[BATCH][QS_GOSSIP_MTU + 8];
} crowd_t;

static u64
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static void *
crowd_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    crowd_t *c = qs_layout_take(l, sizeof(crowd_t), QS_ALIGN);
    u64 sz = qs_crowd_footprint(ctx->cfg->crowd.members);
    u8 *mem = qs_layout_take(l, sz, QS_ALIGN);

    if (c) {
        c->mem = mem;
        c->mem_sz = sz;
    }
    return c;
}

static int
open_socket(crowd_t *c, qs_tile_ctx_t *ctx)
{
    int on = 1, sz = BUFFER;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((u16)ctx->cfg->crowd.port)};

    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    ctx->wait_fd[ctx->wait_cnt++] = c->fd;
    if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &sz, sizeof(sz)))
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &sz, sizeof(sz));
    if (setsockopt(c->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) ||
        setsockopt(c->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ||
        bind(c->fd, (struct sockaddr *)&at, sizeof(at)))
        return -errno;
    return 0;
}

static void
send_from(void *ctx, u32 ip, u8 const *data, u32 sz)
{
    crowd_t *c = ctx;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = sz};
    control_t control = {0};
    struct in_pktinfo by = {.ipi_spec_dst.s_addr = htonl(ip)};
    struct msghdr msg = {.msg_name = &c->target,
                         .msg_namelen = sizeof(c->target),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};

    control.head.cmsg_level = IPPROTO_IP;
    control.head.cmsg_type = IP_PKTINFO;
    control.head.cmsg_len = CMSG_LEN(sizeof(by));
    memcpy(CMSG_DATA(&control.head), &by, sizeof(by));
    if (sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        qs_metric_inc(&c->m->unsent);
}

static int
crowd_boot(void *self, qs_tile_ctx_t *ctx)
{
    crowd_t *c = self;
    qs_config_t const *cfg = ctx->cfg;
    qs_ip_echo_peer_t target;
    char why[128] = "that is not host:port";

    c->m = ctx->metrics;
    c->next_ns = 0;
    memset(c->told, 0, sizeof(c->told));
    if (!cfg->gossip.entrypoints_cnt ||
        qs_ip_echo_find(&target, cfg->gossip.entrypoints[0], why, sizeof(why))) {
        snprintf(ctx->err, sizeof(ctx->err), "gossip.entrypoints: the crowd's target: %s", why);
        return -EINVAL;
    }
    c->target = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(target.port), .sin_addr.s_addr = htonl(target.ip)};
    int err = open_socket(c, ctx);
    if (err) {
        snprintf(ctx->err, sizeof(ctx->err), "UDP port %u on lo: %s", cfg->crowd.port,
                 strerror(-err));
        return err;
    }
    qs_crowd_conf_t conf = {.cnt = cfg->crowd.members,
                            .base_ip = 0x7f4d0101u, /* 127.77.1.1 */
                            .port = (u16)cfg->crowd.port,
                            .target_ip = target.ip,
                            .target_port = target.port,
                            .shred_version = (u16)cfg->shred.version,
                            .ctx = c,
                            .send = send_from};
    err = qs_rng_seed_os(&conf.seed);
    if (err)
        return err;
    memset(c->mem, 0, c->mem_sz);
    qs_crowd_init(&c->crowd, c->mem, &conf, now_ms());
    qs_hostile_init(&c->hostile, &c->crowd, 0x7f4e0101u /* 127.78.1.1 */, conf.seed + 1);
    c->spread_cnt = c->spread_ms = 0;
    c->hostile_pps = cfg->crowd.hostile_pps;
    c->hostile_at = qs_clock_now(ctx->clock) + cfg->crowd.hostile_after_s * 1000000000ull;
    c->hostile_ns = c->hostile_at;
    qs_metric_set(&c->m->members, conf.cnt);
    return 0;
}

static u32
destination(struct msghdr *hdr)
{
    struct in_pktinfo info;

    for (struct cmsghdr *m = CMSG_FIRSTHDR(hdr); m; m = CMSG_NXTHDR(hdr, m)) {
        if (m->cmsg_level != IPPROTO_IP || m->cmsg_type != IP_PKTINFO)
            continue;
        memcpy(&info, CMSG_DATA(m), sizeof(info));
        return ntohl(info.ipi_addr.s_addr);
    }
    return 0;
}

static u32
receive(crowd_t *c)
{
    for (u32 i = 0; i < BATCH; i++) {
        c->iov[i] = (struct iovec){.iov_base = c->room[i], .iov_len = sizeof(c->room[i])};
        c->msg[i].msg_hdr = (struct msghdr){.msg_iov = &c->iov[i],
                                            .msg_iovlen = 1,
                                            .msg_control = &c->control[i],
                                            .msg_controllen = sizeof(c->control[i])};
    }
    int got = recvmmsg(c->fd, c->msg, BATCH, MSG_DONTWAIT, NULL);
    u64 ms = got > 0 ? now_ms() : 0;
    for (int i = 0; i < got; i++) {
        u32 to = destination(&c->msg[i].msg_hdr);
        qs_crowd_receive(&c->crowd, to, c->room[i], c->msg[i].msg_len, ms);
        qs_hostile_received(&c->hostile, to, c->msg[i].msg_len);
    }
    return got > 0 ? (u32)got : 0;
}

static u32
harm(crowd_t *c, u64 now)
{
    u64 step = 1000000000u / c->hostile_pps, bytes = 0, ms = now_ms();
    u32 cnt = 0;

    if (now > c->hostile_ns + LATE_NS)
        c->hostile_ns = now - LATE_NS;
    for (; c->hostile_ns <= now && cnt < BURST; c->hostile_ns += step, cnt++) {
        u8 const *data;
        u32 from, sz = qs_hostile_make(&c->hostile, ms, &data, &from);
        send_from(c, from, data, sz);
        bytes += sz;
    }
    qs_metric_add(&c->m->hostile, cnt);
    qs_metric_add(&c->m->hostile_bytes, bytes);
    return cnt;
}

static u32
crowd_poll(void *self, qs_stem_t *stem)
{
    crowd_t *c = self;
    u32 did = receive(c);

    if (stem->now >= c->next_ns) {
        did += qs_crowd_tick(&c->crowd, now_ms());
        c->next_ns = stem->now + TICK_NS;
    }
    if (c->hostile_pps && stem->now >= c->hostile_at)
        did += harm(c, stem->now);
    qs_stem_wake_at(stem, c->next_ns);
    if (c->hostile_pps)
        qs_stem_wake_at(stem, c->hostile_ns);
    return did;
}

static void
tell_spread(crowd_t *c, u64 now_ns)
{
    qs_crowd_t const *now = &c->crowd;
    bool hostile = c->hostile_pps && now_ns >= c->hostile_at;

    if (now_ns + QUIET_NS >= c->hostile_at) {
        qs_metric_add(hostile ? &c->m->spread_hostile : &c->m->spread_quiet,
                      now->spread_cnt - c->spread_cnt);
        qs_metric_add(hostile ? &c->m->spread_hostile_ms : &c->m->spread_quiet_ms,
                      now->spread_ms - c->spread_ms);
    }
    c->spread_cnt = now->spread_cnt;
    c->spread_ms = now->spread_ms;
}

static void
crowd_tidy(void *self, qs_stem_t *stem)
{
    crowd_t *c = self;
    u64 const now[] = {c->crowd.pushed, c->crowd.pongs, c->crowd.answers, c->crowd.prunes,
                       c->crowd.received};

    for (u32 i = 0; i < QS_COUNT(now); i++) {
        qs_metric_add(&(&c->m->pushed)[i], now[i] - c->told[i]);
        c->told[i] = now[i];
    }
    tell_spread(c, stem->now);
    u64 got = 0;
    for (u32 i = 0; i < QS_HOSTILE_STRANGERS; i++)
        got += c->hostile.got[i];
    qs_metric_add(&c->m->stranger_bytes, got - qs_metric_get(&c->m->stranger_bytes));
    qs_metric_set(&c->m->strangers_over, qs_hostile_over(&c->hostile));
}

static void
crowd_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_crowd, self, stem);
}

static int const crowd_syscalls[] = {SYS_recvmmsg, SYS_sendmsg, -1};

/* clang-format off */
qs_tile_t const qs_tile_crowd = {
    .name     = "crowd",
    .help     = "plays thousands of nodes for one that gossips",
    .metrics  = crowd_metric_desc,
    .wait     = QS_WAIT_POLL,
    .tidy_ns  = 50000000u,
    .syscalls = crowd_syscalls,
    .layout   = crowd_layout,
    .boot     = crowd_boot,
    .poll     = crowd_poll,
    .tidy     = crowd_tidy,
    .run      = crowd_run,
};
/* clang-format on */

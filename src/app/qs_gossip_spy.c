#include "app/qs_gossip_spy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "disco/gossip/qs_gossip_node.h"
#include "disco/gossip/qs_ip_echo_ask.h"
#include "disco/net/qs_net_socket.h"
#include "waltz/crypto/qs_sha256.h"

#define RCVBUF (8u << 20)
#define ASK_MS 5000u

typedef struct spy {
    qs_gossip_spy_t *opt;
    qs_gossip_node_t node;
    qs_gossip_conf_t conf;
    int fd, signal_fd;
    u64 ms; /* now */
    u64 send_failed;
    u8 secret[32];
    u8 room[QS_GOSSIP_BATCH][2048];
    qs_net_socket_t sock;
} spy_t;

static u64
clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static void
send_out(void *ctx, u32 ip, u16 port, u8 const *data, u32 sz)
{
    spy_t *s = ctx;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};

    s->send_failed += sendto(s->fd, data, sz, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0;
}

static bool
sign_now(void *ctx, u32 tag, qs_gossip_role_t role, u8 const *data, u32 sz)
{
    spy_t *s = ctx;
    u8 signature[64], hash[32];

    if (role == QS_GOSSIP_SIGN_PONG) {
        qs_sha256(hash, data, sz);
        data = hash;
        sz = sizeof(hash);
    }
    qs_ed25519_sign(signature, data, sz, s->conf.self.pubkey, s->secret);
    qs_gossip_signed(&s->node, tag, signature, s->ms);
    return true;
}

static int
complain(int code, char const *what, char const *why)
{
    fprintf(stderr, "quickstep gossip spy: %s: %s\n", what, why);
    return code;
}

/* find resolves entrypoints and asks them who we are and which cluster that is. */
static int
find(spy_t *s)
{
    qs_config_t *cfg = &s->opt->cfg;
    qs_ip_echo_peer_t peer[QS_GOSSIP_ENTRYPOINT_MAX];
    qs_ip_echo_response_t answer = {0};
    char why[200] = "no entrypoint: give --entrypoint HOST:PORT, or gossip.entrypoints";
    struct in_addr own = {0};

    if (s->opt->entrypoint)
        snprintf(cfg->gossip.entrypoints[0], sizeof(cfg->gossip.entrypoints[0]), "%s",
                 s->opt->entrypoint);
    u32 cnt = s->opt->entrypoint ? 1 : cfg->gossip.entrypoints_cnt, found = 0;
    for (u32 i = 0; i < cnt; i++) {
        int err = qs_ip_echo_find(&peer[found], cfg->gossip.entrypoints[i], why, sizeof(why));
        if (err == -EINVAL)
            return complain(2, cfg->gossip.entrypoints[i], "not host:port");
        found += !err;
    }
    if (!found)
        return complain(cnt ? 3 : 2, "cannot begin", why);
    inet_pton(AF_INET, cfg->net.bind_address, &own);
    int who = qs_ip_echo_ask(&answer, peer, found, ntohl(own.s_addr), ASK_MS, why, sizeof(why));
    qs_contact_t *self = &s->conf.self;
    self->shred_version = (u16)(cfg->shred.version ? cfg->shred.version : answer.shred_version);
    if (!self->shred_version)
        return complain(3, "shred version unknown (shred.version, or ip_echo of an entrypoint)",
                        who < 0 ? why : "the entrypoint does not tell");
    if (inet_pton(AF_INET, cfg->gossip.address, &own) == 1 || !answer.ip)
        answer.ip = ntohl(own.s_addr);
    if (!answer.ip)
        return complain(3, "our own address is unknown (gossip.address)", why);
    self->socket[QS_CONTACT_GOSSIP].ip = answer.ip;
    s->conf.entrypoint_cnt = found;
    for (u32 i = 0; i < found; i++) {
        s->conf.entrypoint[i].ip = peer[i].ip;
        s->conf.entrypoint[i].port = peer[i].port;
    }
    return 0;
}

static int
open_socket(spy_t *s)
{
    struct in_addr own = {0};
    struct sockaddr_in at;
    socklen_t at_sz = sizeof(at);
    char why[200];

    inet_pton(AF_INET, s->opt->cfg.net.bind_address, &own);
    s->fd =
        qs_net_socket_open(ntohl(own.s_addr), (u16)s->opt->port, RCVBUF, false, why, sizeof(why));
    if (s->fd < 0)
        return complain(3, "cannot open a socket", why);
    if (getsockname(s->fd, (struct sockaddr *)&at, &at_sz))
        return complain(3, "cannot open a socket", strerror(errno));
    s->conf.self.socket[QS_CONTACT_GOSSIP].port = ntohs(at.sin_port);
    return 0;
}

/* begin makes the node: tables as large as the configuration says, a key of its own for this run. */
static int
begin(spy_t *s)
{
    qs_config_gossip_t const *g = &s->opt->cfg.gossip;
    qs_gossip_conf_t *c = &s->conf;

    c->value_max = g->values;
    c->large_max = g->large_values < g->values ? g->large_values : g->values;
    c->origin_max = g->origins;
    c->history_max = g->history;
    c->ping_max = g->pings;
    c->received_max = g->relayed_origins;
    c->private_ok = g->private_addresses;
    c->ctx = s;
    c->send = send_out;
    c->sign = sign_now;
    c->self.outset = clock_ms() * 1000;
    c->self.minor = QS_GOSSIP_MINOR;
    c->self.client = QS_GOSSIP_CLIENT;
    if (getrandom(s->secret, 32, 0) != 32 || getrandom(&c->seed, sizeof(c->seed), 0) != 8)
        return complain(3, "no random numbers", strerror(errno));
    qs_ed25519_public_key(c->self.pubkey, s->secret);
    u64 sz = qs_gossip_footprint(c);
    void *mem = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem == MAP_FAILED)
        return complain(3, "no memory for the table", strerror(errno));
    qs_gossip_init(&s->node, mem, c);
    return 0;
}

/* receive takes all that is there. */
static void
receive(spy_t *s)
{
    u8 *room[QS_BATCH];
    qs_net_datagram_t got[QS_BATCH];
    qs_gossip_datagram_t d[QS_GOSSIP_BATCH];
    u32 overflow = 0, cnt;

    for (u32 i = 0; i < QS_GOSSIP_BATCH; i++)
        room[i] = s->room[i];
    while ((cnt = qs_net_socket_receive(&s->sock, s->fd, room, sizeof(s->room[0]), QS_GOSSIP_BATCH,
                                        got, &overflow))) {
        for (u32 i = 0; i < cnt; i++)
            d[i] = (qs_gossip_datagram_t){.data = room[i],
                                          .sz = got[i].sz,
                                          .src_ip = got[i].src_ip,
                                          .src_port = got[i].src_port};
        s->ms = clock_ms();
        qs_gossip_receive(&s->node, d, cnt, s->ms);
    }
}

/* watch goes on until the time is up or a signal comes. */
static void
watch(spy_t *s)
{
    u64 begun = clock_ms(), next = begun, told = 0;

    for (;;) {
        struct pollfd p[] = {{.fd = s->fd, .events = POLLIN},
                             {.fd = s->signal_fd, .events = POLLIN}};
        s->ms = clock_ms();
        if (s->ms >= next) {
            qs_gossip_tick(&s->node, s->ms);
            next = s->ms + QS_GOSSIP_TICK_MS;
        }
        poll(p, 2, (int)(next - s->ms));
        receive(s);
        u64 passed = (clock_ms() - begun) / 1000;
        if (p[1].revents || (s->opt->seconds && passed >= s->opt->seconds))
            return;
        if (passed != told && !s->opt->list.json)
            fprintf(stderr, "%3lu s: %u nodes, %u of them answer, %u values\n", passed,
                    s->node.contact_cnt, s->node.peer_cnt, s->node.table.cnt);
        told = passed;
    }
}

static void
print_values(spy_t const *s)
{
    static char const *const names[QS_CRDS_KIND_CNT] = {
        [QS_CRDS_VOTE] = "vote",
        [QS_CRDS_LOWEST_SLOT] = "lowest_slot",
        [QS_CRDS_EPOCH_SLOTS] = "epoch_slots",
        [QS_CRDS_DUPLICATE_SHRED] = "duplicate_shred",
        [QS_CRDS_SNAPSHOT_HASHES] = "snapshot_hashes",
        [QS_CRDS_CONTACT_INFO] = "contact_info",
        [QS_CRDS_RESTART_SLOTS] = "restart_slots",
        [QS_CRDS_RESTART_FORK] = "restart_fork"};
    u32 cnt[QS_CRDS_KIND_CNT] = {0};
    char const *comma = "";

    for (u32 i = 0; i < s->node.table.conf.value_max; i++)
        if (s->node.table.entry[i].used)
            cnt[s->node.table.entry[i].kind]++;
    for (u32 k = 0; k < QS_CRDS_KIND_CNT; k++) {
        if (!cnt[k])
            continue;
        printf(s->opt->list.json ? "%s\"%s\":%u" : "%s%s %u", comma, names[k], cnt[k]);
        comma = s->opt->list.json ? "," : ", ";
    }
}

static int
report(spy_t *s)
{
    u32 max = s->node.table.conf.origin_max, cnt = 0;
    qs_peers_row_t *rows = calloc(max, sizeof(*rows));
    bool json = s->opt->list.json;

    s->opt->list.now_ms = clock_ms();
    for (u32 i = 0; i < max; i++)
        if (qs_gossip_row(&s->node, i, s->ms, &rows[cnt]) && !rows[cnt].own)
            cnt++;
    if (json)
        printf("{\"ok\":%s,\"shred_version\":%u,\"contacts\":%u,\"peers\":%u,\"values\":{",
               cnt ? "true" : "false", s->conf.self.shred_version, cnt, s->node.peer_cnt);
    if (json)
        print_values(s);
    if (json)
        printf("},\"nodes\":");
    qs_gossip_list_print(&s->opt->list, rows, cnt);
    if (json) {
        printf("}\n");
    } else {
        printf("%u nodes of shred version %u, %u of them answer; values: ", cnt,
               s->conf.self.shred_version, s->node.peer_cnt);
        print_values(s);
        printf("\n");
    }
    free(rows);
    return cnt ? 0 : 4;
}

int
qs_gossip_spy(qs_gossip_spy_t *opt)
{
    spy_t *s = calloc(1, sizeof(*s));
    sigset_t set;

    s->opt = opt;
    int code = find(s);
    if (!code)
        code = open_socket(s);
    if (!code)
        code = begin(s);
    if (!code) {
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
        watch(s);
        code = report(s);
    }
    explicit_bzero(s->secret, sizeof(s->secret));
    free(s);
    return code;
}

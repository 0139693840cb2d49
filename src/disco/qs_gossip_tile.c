/* gossip - joins the cluster: is found, finds the others, and tells the rest of the program who they are.

       net:i  --->  gossip  ===>  net          datagrams              (formats: qs_format.h); or
   gossvf:k   ===>  gossip                     datagrams that were checked (gossip/qs_gossvf.h)
                    gossip  ===>  sign  ===>  gossip                  what is to be signed, and the signature
                    gossip  ~~~~  shared rows: who is where           (gossip/qs_peers.h); a link to
                                  whoever reads them makes it a neighbour, and carries nothing
       TCP    ~~~>  gossip                     ip_echo, for those who start after us

   In:    whatever the world sends to port.gossip; signatures, and once our public key.
   Out:   datagrams to addresses that were proven, and pings to those that were not.  Until the public
          key is known it does nothing but ask for it.
   How:   one qs_gossip_node_t; this file gives it a clock, a network, and the tile that signs.  What comes
          waits by what it is worth (gossip/qs_triage.h), so that no flood overruns the ring.
   Loss:  without credit to net or to sign a message is dropped and counted; gossip says all again.
          A restart forgets the table, who answered pings, whom we push to, and what was asked to be
          signed: the entrypoints, and peers that push to us, bring it back within seconds.  It keeps
          what ip_echo said, so that an entrypoint that is down holds up no restart.
   Trust: nothing that comes in; each refusal is counted by its reason. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disco/gossip/qs_contacts_file.h"
#include "disco/gossip/qs_gossip_join.h"
#include "disco/gossip/qs_gossvf.h"
#include "disco/gossip/qs_ip_echo_serve.h"
#include "disco/gossip/qs_peers.h"
#include "disco/gossip/qs_triage.h"
#include "disco/qs_config.h"
#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "disco/sign/qs_sign_check.h"
#include "tango/base/qs_log.h"

/* clang-format off */
#define GOSSIP_KINDS(X, arg)                          \
    X(arg, pull_request,  "pull requests")            \
    X(arg, pull_response, "pull responses")           \
    X(arg, push,          "pushes")                   \
    X(arg, prune,         "prunes")                   \
    X(arg, ping,          "pings")                    \
    X(arg, pong,          "pongs")

#define EVENT_(COUNTER, name, help)  COUNTER(name, help)
#define REASON_(COUNTER, name, text) COUNTER(refused_##name, "datagrams refused: " text)
#define RX_(COUNTER, name, what)     COUNTER(rx_##name, "well-formed " what " received")
#define TX_(COUNTER, name, what)     COUNTER(tx_##name, what " sent")

#define GOSSIP_METRICS(COUNTER, GAUGE)                                                             \
    GOSSIP_KINDS(RX_, COUNTER)                                                                     \
    GOSSIP_KINDS(TX_, COUNTER)                                                                     \
    QS_GOSSIP_EVENTS(EVENT_, COUNTER)                                                              \
    QS_GOSSIP_REASONS(REASON_, COUNTER)                                                            \
    COUNTER(rx_bytes,      "bytes received, of all datagrams")                                     \
    COUNTER(tx_bytes,      "bytes sent")                                                           \
    COUNTER(early,         "datagrams dropped because our own key was not known yet")              \
    COUNTER(tx_no_credit,  "messages dropped because the net tile lags")                           \
    COUNTER(evicted,       "values that made room for others")                                     \
    COUNTER(names_moved,   "entrypoints whose name stands for another address now")                \
    COUNTER(names_refused, "answers of name servers that were none")                               \
    COUNTER(echo_answered, "ip_echo questions answered")                                           \
    COUNTER(echo_refused,  "ip_echo questions that were none")                                     \
    COUNTER(echo_cut,      "ip_echo connections ended without an answer")                          \
    GAUGE(peers,           "nodes that can be asked and pushed to: their address is proven")       \
    GAUGE(contacts,        "contact infos of others in the table")                                 \
    GAUGE(values,          "values in the table")                                                  \
    GAUGE(origins,         "nodes known of, staked ones that say nothing too")                     \
    GAUGE(own_shred_version, "the cluster's")                                                        \
    GAUGE(own_address,       "our own address as a number: 10.0.0.1 is 167772161")
/* clang-format on */

QS_METRICS(gossip, GOSSIP_METRICS);

static qs_log_site_t moved = {.id = "QS-GSP-004", .level = QS_LOG_NOTICE};
static qs_log_site_t twin = {.id = "QS-GSP-003", .level = QS_LOG_ERROR};

enum { IN_NET, IN_SIGN, IN_GOSSVF };
enum { OUT_NET, OUT_SIGN, OUT_READER };
enum { EXIT_TWIN = QS_EXIT_FIRST_OWN };

#define TICK_NS       100000000u
#define TICK_SOON_NS  10000000u /* after something new came */
#define HELLO_NS      250000000u
#define ECHO_NS       1000000u
#define TIDY_NS       50000000u
#define FIRST_SAVE_NS 5000000000u

/* What of qs_gossip_node_t the metrics were told of last. */
typedef struct told {
    u64 rx[QS_GOSSIP_KIND_CNT], tx[QS_GOSSIP_KIND_CNT];
    u64 event[QS_GOSSIP_EVENT_CNT], refused[QS_GOSSIP_REASON_CNT];
    u64 rx_bytes, tx_bytes, evicted, answered, echo_refused, cut, names_refused;
} told_t;

typedef struct gossip {
    gossip_metrics_t *m;
    qs_stem_t *stem;
    qs_peers_t *peers;
    u8 *mem;
    u64 mem_sz;
    qs_gossip_conf_t conf;
    bool known;            /* our key, and so the node is alive */
    qs_gossip_join_t join; /* its address and shred version are what a restart keeps */
    u32 net_out, sign_out;
    u16 src_port_idx;
    u64 hello_at, tick_at, rows_at, echo_at;
    u64 ms; /* the time of day when this turn began */
    qs_triage_t triage;
    u8 *triage_mem;
    u64 new_cnt; /* inserted and replaced when the last tick was */
    told_t told;
    qs_ip_echo_serve_t echo;
    int room_fd[QS_IP_ECHO_SLOTS + 1]; /* numbers that connections may have in the sandbox */
    qs_gossip_node_t node;
} gossip_t;

static u64
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static qs_gossip_conf_t
sizes(qs_config_gossip_t const *g)
{
    return (qs_gossip_conf_t){.value_max = g->values,
                              .large_max =
                                  g->large_values < g->values ? g->large_values : g->values,
                              .origin_max = g->origins,
                              .history_max = g->history,
                              .ping_max = g->pings,
                              .received_max = g->relayed_origins};
}

/* ---- the supervisor's half ---- */

static u64
gossip_share_sz(qs_tile_ctx_t const *ctx)
{
    return qs_peers_footprint(ctx->cfg->gossip.origins);
}

static int
gossip_share_new(void *share, qs_tile_ctx_t const *ctx)
{
    return qs_peers_new(share, ctx->cfg->gossip.origins);
}

static int
gossip_keep(qs_tile_ctx_t *ctx)
{
    u16 port = (u16)ctx->cfg->port.gossip;

    if (!ctx->cfg->gossip.ip_echo)
        return 0;
    int fd = qs_ip_echo_listen(qs_gossip_bind_address(ctx->cfg), port);
    if (fd < 0) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "TCP port %u, for ip_echo: %s (gossip.ip_echo = false does without)", port,
                 strerror(-fd));
        return fd;
    }
    ctx->kept_fd[ctx->kept_cnt++] = fd;
    return 0;
}

/* save_contacts writes gossip.contacts_path when it is time.  note[0]: when, 0: not known yet. */
static void
save_contacts(qs_tile_ctx_t *ctx)
{
    qs_config_gossip_t const *c = &ctx->cfg->gossip;
    u64 now = qs_clock_os_ns(), every = c->contacts_s * 1000000000ull;

    if (!c->contacts_path[0] || !ctx->share || now < ctx->note[0])
        return;
    int cnt = ctx->note[0] ? qs_contacts_save(c->contacts_path, ctx->share) : 0;
    ctx->note[0] = now + (ctx->note[0] ? every : qs_min_u64(every, FIRST_SAVE_NS));
    if (cnt < 0)
        snprintf(ctx->err, sizeof(ctx->err), "gossip.contacts_path %.200s cannot be written: %s",
                 c->contacts_path, strerror(-cnt));
}

static int
gossip_tend(qs_tile_ctx_t *ctx, u32 why)
{
    if (why == QS_TEND_LOOK)
        save_contacts(ctx);
    if (why != EXIT_TWIN)
        return 0;
    snprintf(ctx->err, sizeof(ctx->err),
             "another node runs with our identity and began later (QS-GSP-003)");
    return -EEXIST;
}

/* ---- boot ---- */

static void *
gossip_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    qs_gossip_conf_t conf = sizes(&ctx->cfg->gossip);
    u64 sz = qs_gossip_footprint(&conf);
    gossip_t *g = qs_layout_take(l, sizeof(gossip_t), QS_ALIGN);
    u8 *mem = qs_layout_take(l, sz, 4096);
    u8 *triage_mem = qs_layout_take(l, qs_triage_footprint(), QS_ALIGN);

    if (g) {
        g->mem = mem;
        g->mem_sz = sz;
        g->triage_mem = triage_mem;
    }
    return g;
}

static u16
port_of(qs_plan_t const *plan, char const *name, u16 *idx)
{
    for (u32 i = 0; i < plan->port_cnt; i++) {
        if (strcmp(plan->port[i].name, name) || plan->port[i].link_row == UINT16_MAX)
            continue;
        *idx = (u16)i;
        return plan->port[i].port;
    }
    return 0;
}

/* describe_us fills in our ContactInfo: only sockets that the topology really reads. */
static int
describe_us(gossip_t *g, qs_tile_ctx_t *ctx)
{
    qs_contact_t *self = &g->conf.self;
    u16 other;
    u16 gossip = port_of(ctx->plan, "gossip", &g->src_port_idx);

    if (!gossip) {
        snprintf(ctx->err, sizeof(ctx->err), "the topology does not receive on port.gossip");
        return -EINVAL;
    }
    *self = (qs_contact_t){.shred_version = g->join.shred_version,
                           .client = QS_GOSSIP_CLIENT,
                           .minor = QS_GOSSIP_MINOR};
    self->socket[QS_CONTACT_GOSSIP] = (qs_contact_socket_t){g->join.address, gossip};
    self->socket[QS_CONTACT_TVU] =
        (qs_contact_socket_t){g->join.address, port_of(ctx->plan, "tvu", &other)};
    self->socket[QS_CONTACT_TPU] =
        (qs_contact_socket_t){g->join.address, port_of(ctx->plan, "tpu", &other)};
    self->outset = now_ms() * 1000;
    return 0;
}

/* open_echo reserves descriptors: in the sandbox none can be had beyond those that are open now. */
static void
open_echo(gossip_t *g, qs_tile_ctx_t *ctx)
{
    int fd = ctx->kept_cnt ? ctx->kept_fd[0] : -1;

    qs_ip_echo_serve_init(&g->echo, fd, g->join.shred_version);
    for (u32 i = 0; i < QS_COUNT(g->room_fd); i++) {
        g->room_fd[i] = fd < 0 ? -1 : dup(fd);
        if (g->room_fd[i] >= 0)
            ctx->own_fd[ctx->own_cnt++] = g->room_fd[i];
    }
    if (fd >= 0)
        ctx->wait_fd[ctx->wait_cnt++] = fd;
}

static int
gossip_boot(void *self, qs_tile_ctx_t *ctx)
{
    gossip_t *g = self;
    u64 seed;

    g->m = ctx->metrics;
    g->peers = ctx->share;
    g->known = false;
    g->hello_at = g->tick_at = g->rows_at = g->echo_at = 0;
    g->told = (told_t){0};
    g->conf = sizes(&ctx->cfg->gossip);
    g->conf.private_ok = ctx->cfg->gossip.private_addresses;
    g->conf.answer = true;
    memset(g->mem, 0, g->mem_sz);
    qs_triage_init(&g->triage, g->triage_mem);
    qs_peers_clear(g->peers);
    int err = qs_rng_seed_os(&seed);
    g->conf.seed = seed;
    if (!err)
        err = qs_gossip_join(&g->join, &g->conf, ctx);
    if (!err)
        err = describe_us(g, ctx);
    if (err)
        return err;
    open_echo(g, ctx);
    qs_metric_set(&g->m->own_shred_version, g->join.shred_version);
    qs_metric_set(&g->m->own_address, g->join.address);
    return 0;
}

static int
gossip_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    gossip_t *g = self;

    (void)ctx;
    g->stem = stem;
    g->net_out = qs_stem_out_of(stem, OUT_NET);
    g->sign_out = qs_stem_out_of(stem, OUT_SIGN);
    for (u32 i = 0; i < QS_COUNT(g->room_fd); i++)
        if (g->room_fd[i] >= 0)
            close(g->room_fd[i]);
    return 0;
}

/* ---- what the node asks for ---- */

static void
send_out(void *ctx, u32 ip, u16 port, u8 const *data, u32 sz)
{
    gossip_t *g = ctx;
    u8 *room = qs_stem_prepare(g->stem, g->net_out);
    qs_send_t *req = (qs_send_t *)(void *)room;

    if (!room) {
        qs_metric_inc(&g->m->tx_no_credit);
        return;
    }
    *req = (qs_send_t){.dst_cnt = 1, .src_port_idx = g->src_port_idx, .sz = (u16)sz};
    req->dst[0] = (qs_send_dst_t){.ip = ip, .port = port};
    memcpy(&req->dst[1], data, sz);
    qs_stem_publish(g->stem, g->net_out, 0, qs_send_sz(1, sz), 0, qs_ts_comp(g->stem->now));
}

static bool
ask_sign(gossip_t *g, u32 tag, u32 kind, u8 const *data, u32 sz)
{
    u8 *room = qs_stem_prepare(g->stem, g->sign_out);

    if (!room || sz > qs_stem_out_mtu(g->stem, g->sign_out))
        return false;
    memcpy(room, data, sz);
    qs_stem_publish(g->stem, g->sign_out, qs_sign_sig(tag, kind), sz, 0, qs_ts_comp(g->stem->now));
    return true;
}

static bool
sign_out(void *ctx, u32 tag, qs_gossip_role_t role, u8 const *data, u32 sz)
{
    static u32 const kinds[] = {[QS_GOSSIP_SIGN_VALUE] = QS_SIGN_VALUE,
                                [QS_GOSSIP_SIGN_PRUNE] = QS_SIGN_PRUNE,
                                [QS_GOSSIP_SIGN_PING] = QS_SIGN_PING,
                                [QS_GOSSIP_SIGN_PONG] = QS_SIGN_PONG};
    return ask_sign(ctx, tag, kinds[role], data, sz);
}

/* come_alive begins, now that we know who we are. */
static void
come_alive(gossip_t *g, u8 const key[32])
{
    memcpy(g->conf.self.pubkey, key, 32);
    g->conf.ctx = g;
    g->conf.send = send_out;
    g->conf.sign = sign_out;
    qs_gossip_init(&g->node, g->mem, &g->conf);
    qs_gossip_join_stakes(&g->join, &g->node, now_ms());
    g->new_cnt = 0;
    g->known = true;
}

/* ---- the loop ---- */

static bool
gossip_want(void *self, u32 in, u64 sig)
{
    gossip_t *g = self;
    return in != IN_NET || !g->known ||
           qs_gossip_admit(&g->node, qs_net_sig_unpack(sig).src_ip, g->ms);
}

static void
look_for_twin(gossip_t *g)
{
    if (!g->node.twin)
        return;
    qs_log(&twin, "another node runs with our identity and began later than we did; we stop");
    qs_stem_exit(g->stem, EXIT_TWIN);
}

/* sort_in takes datagrams off the ring, whatever they are: they are checked in slices, between which it
   is looked at again. */
static u32
sort_in(gossip_t *g, qs_batch_t const *b)
{
    if (!g->known) {
        qs_metric_add(&g->m->early, b->cnt);
        return b->cnt;
    }
    for (u32 i = 0; i < b->cnt; i++) {
        qs_net_sig_t sig = qs_net_sig_unpack(b->frag[i].sig);
        qs_gossip_datagram_t d = {.data = b->data[i],
                                  .sz = b->frag[i].sz,
                                  .src_ip = sig.src_ip,
                                  .src_port = sig.src_port};
        bool known = qs_admit_known(&g->node.admit, sig.src_ip, g->ms);
        qs_triage_put(&g->triage, &g->node.counts, &d, known, b->frag[i].sig, b->frag[i].ts_origin);
    }
    return b->cnt;
}

static void
take_slice(gossip_t *g)
{
    qs_gossip_datagram_t d[QS_GOSSIP_BATCH];
    qs_triage_item_t const *item[QS_GOSSIP_BATCH];
    u32 cnt = qs_triage_take(&g->triage, item, QS_GOSSIP_BATCH);

    for (u32 i = 0; i < cnt; i++)
        d[i] = (qs_gossip_datagram_t){.data = item[i]->data,
                                      .sz = item[i]->sz,
                                      .src_ip = item[i]->src_ip,
                                      .src_port = item[i]->src_port};
    qs_gossip_receive(&g->node, d, cnt, now_ms());
    look_for_twin(g);
}

static u32
take_verified(gossip_t *g, qs_batch_t const *b)
{
    qs_gossip_datagram_t d[QS_GOSSIP_BATCH];
    qs_gossip_verified_t verified[QS_GOSSIP_BATCH];
    u32 take = b->cnt < QS_GOSSIP_BATCH ? b->cnt : QS_GOSSIP_BATCH, cnt = 0;

    if (!g->known) {
        qs_metric_add(&g->m->early, b->cnt);
        return b->cnt;
    }
    for (u32 i = 0; i < take; i++) {
        qs_gossvf_frag_t const *frag = (qs_gossvf_frag_t const *)(void const *)b->data[i];
        if (!qs_gossvf_frag_sound(frag, b->frag[i].sz)) {
            g->node.counts.event[QS_GOSSIP_ON_garbled]++;
            continue;
        }
        u8 const *hash = b->data[i] + sizeof(*frag);
        d[cnt] = (qs_gossip_datagram_t){.data = hash + 32ul * frag->value_cnt,
                                        .sz = frag->sz,
                                        .src_ip = frag->src_ip,
                                        .src_port = frag->src_port};
        verified[cnt++] = (qs_gossip_verified_t){
            .good = frag->good, .value_cnt = frag->value_cnt, .hash = (u8 const(*)[32])hash};
    }
    qs_gossip_receive_verified(&g->node, d, verified, cnt, now_ms());
    look_for_twin(g);
    return take;
}

static void
take_signature(gossip_t *g, qs_frag_t const *frag, u8 const *data)
{
    bool hello = qs_sign_kind_of(frag->sig) == QS_SIGN_HELLO;

    if (hello && frag->sz == 32 && !g->known)
        come_alive(g, data);
    if (!hello && frag->sz == QS_ED25519_SIGNATURE_SZ && g->known)
        qs_gossip_signed(&g->node, qs_sign_tag_of(frag->sig), data, now_ms());
}

static u32
gossip_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    gossip_t *g = self;
    (void)stem;

    if (b->in == IN_NET)
        return sort_in(g, b);
    if (b->in == IN_GOSSVF)
        return take_verified(g, b);
    for (u32 i = 0; i < b->cnt; i++)
        take_signature(g, &b->frag[i], b->data[i]);
    return b->cnt;
}

/* renew_names follows entrypoints to where their names say they are now. */
static void
renew_names(gossip_t *g)
{
    u32 name, ip;

    if (!qs_renew_step(&g->join.renew, g->ms, &name, &ip))
        return;
    u32 *entry = &g->join.entry_of[name];
    u32 idx = *entry == UINT32_MAX ? g->node.conf.entrypoint_cnt : *entry;
    if (!qs_gossip_entrypoint(&g->node, idx, ip, g->join.entry_port[name]))
        return;
    *entry = idx;
    qs_metric_inc(&g->m->names_moved);
    qs_log(&moved, "entrypoint %s is at %u.%u.%u.%u now", g->join.renew.name[name], ip >> 24,
           ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

/* tick_due says whether it is time for a tick: always a while after the last, and sooner if there is
   something that should travel on. */
static bool
tick_due(gossip_t const *g, u64 now)
{
    u64 const *e = g->node.counts.event;
    bool news = e[QS_GOSSIP_ON_inserted] + e[QS_GOSSIP_ON_replaced] != g->new_cnt;

    return now >= g->tick_at || (news && now + TICK_NS >= g->tick_at + TICK_SOON_NS);
}

static u32
gossip_poll(void *self, qs_stem_t *stem)
{
    gossip_t *g = self;
    u32 did = 0;

    g->ms = now_ms();
    if (stem->now >= g->echo_at) {
        did += qs_ip_echo_serve(&g->echo, stem->now);
        g->echo_at = stem->now + ECHO_NS;
    }
    if (g->echo.open_cnt)
        qs_stem_wake_at(stem, g->echo_at);
    if (!g->known) {
        if (stem->now >= g->hello_at && ask_sign(g, 0, QS_SIGN_HELLO, (u8 const *)"", 0))
            g->hello_at = stem->now + HELLO_NS;
        qs_stem_wake_at(stem, stem->now + HELLO_NS);
        return did;
    }
    if (tick_due(g, stem->now)) {
        qs_gossip_tick(&g->node, g->ms);
        renew_names(g);
        g->new_cnt = g->node.counts.event[QS_GOSSIP_ON_inserted] +
                     g->node.counts.event[QS_GOSSIP_ON_replaced];
        g->tick_at = stem->now + TICK_NS;
        did++;
    }
    if (stem->now >= g->rows_at) { /* however often there are ticks */
        qs_gossip_rows(&g->node, g->peers, g->ms);
        g->rows_at = stem->now + TICK_NS;
    }
    if (qs_triage_due(&g->triage))
        take_slice(g);
    qs_stem_wake_at(stem, g->tick_at);
    return did + g->triage.cnt;
}

/* tell adds what was counted since to cnt metrics in a row. */
static void
tell(u64 *metric, u64 const *now, u64 *told, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++) {
        qs_metric_add(&metric[i], now[i] - told[i]);
        told[i] = now[i];
    }
}

static void
gossip_tidy(void *self, qs_stem_t *stem)
{
    gossip_t *g = self;
    gossip_metrics_t *m = g->m;
    qs_gossip_node_t const *n = &g->node;
    (void)stem;

    tell(&m->names_refused, &g->join.renew.refused, &g->told.names_refused, 1);
    tell(&m->echo_answered, &g->echo.answered, &g->told.answered, 1);
    tell(&m->echo_refused, &g->echo.refused, &g->told.echo_refused, 1);
    tell(&m->echo_cut, &g->echo.cut, &g->told.cut, 1);
    if (!g->known)
        return;
    tell(&m->rx_pull_request, n->counts.rx, g->told.rx, QS_GOSSIP_KIND_CNT);
    tell(&m->tx_pull_request, n->tx, g->told.tx, QS_GOSSIP_KIND_CNT);
    tell(&m->signature, n->counts.event, g->told.event, QS_GOSSIP_EVENT_CNT);
    tell(&m->refused_oversize, n->counts.refused + 1, g->told.refused + 1,
         QS_GOSSIP_REASON_CNT - 1);
    tell(&m->rx_bytes, &n->counts.rx_bytes, &g->told.rx_bytes, 1);
    tell(&m->tx_bytes, &n->tx_bytes, &g->told.tx_bytes, 1);
    tell(&m->evicted, &n->table.evicted, &g->told.evicted, 1);
    qs_metric_set(&m->peers, n->peer_cnt);
    qs_metric_set(&m->contacts, n->contact_cnt);
    qs_metric_set(&m->values, n->table.cnt);
    qs_metric_set(&m->origins, n->table.origin_cnt);
}

static void
gossip_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_gossip, self, stem);
}

static int const gossip_syscalls[] = {SYS_accept4, SYS_recvfrom, SYS_sendto, SYS_close, -1};

/* clang-format off */
qs_tile_t const qs_tile_gossip = {
    .name      = "gossip",
    .help      = "joins the cluster: finds the others and is found",
    .in        = {[IN_NET] = {.from = "net"}, [IN_SIGN] = {.from = "sign"},
                  [IN_GOSSVF] = {.from = "gossvf"}},
    .out       = {[OUT_NET] = "net", [OUT_SIGN] = "sign", [OUT_READER] = "*"},
    .must_out  = 1u << OUT_NET | 1u << OUT_SIGN,
    .metrics   = gossip_metric_desc,
    .wait      = QS_WAIT_POLL,
    .tidy_ns   = TIDY_NS,
    .syscalls  = gossip_syscalls,
    .share_sz  = gossip_share_sz,
    .share_new = gossip_share_new,
    .keep      = gossip_keep,
    .tend      = gossip_tend,
    .layout    = gossip_layout,
    .boot      = gossip_boot,
    .init      = gossip_init,
    .want      = gossip_want,
    .frag      = gossip_frag,
    .poll      = gossip_poll,
    .tidy      = gossip_tidy,
    .run       = gossip_run,
};
/* clang-format on */

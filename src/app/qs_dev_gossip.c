#include "app/qs_dev_gossip.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/qs_dev_crowd.h"
#include "disco/gossip/qs_crowd.h"
#include "disco/gossip/qs_gossip_node.h"
#include "disco/gossip/qs_peers.h"
#include "disco/qs_topos.h"
#include "tango/base/qs_log.h"
#include "waltz/codec/qs_keypair.h"
#include "waltz/crypto/qs_ed25519.h"

#define LAB_VERSION 4711u /* shred version, if the configuration names none */
#define LOOK_MS     20
#define SETTLED_NS  3000000000ull /* after a start; then it counts how long news take */
#define GRACE_NS    8000000000ull /* the last restart is waited for that long */
#define DOWN_NS     2000000000ull /* a node that is stopped stays down that long */

/* How a node stands, as its shared rows say. */
typedef struct standing {
    u8 key[32];
    u64 outset; /* of its present life; 0: it has not said anything of itself yet */
    u32 sees;   /* others, as they are now */
    u64 converged_ns;
    u64 said_ms, said_ns; /* its newest ContactInfo, and when we saw that; said_ns 0: all have it */
    u8 pair[QS_KEYPAIR_SZ];
} standing_t;

typedef struct cluster {
    qs_dev_nodes_t all;
    qs_dev_gossip_opt_t opt;
    bool json;
    u64 since_ns;      /* when the last node was started */
    u64 converged_ns;  /* from there until all saw all, the first time; UINT64_MAX: not yet */
    u64 again_ns;      /* the longest it took after a restart */
    u64 spread_max_ns; /* the longest that a ContactInfo took to be everywhere */
    u64 restart_at, up_at;
    u32 restarts, victim;
    bool whole; /* all see all now */
    standing_t at[QS_LAB_NODE_MAX];
} cluster_t;

bool
qs_dev_gossip_wanted(qs_dev_gossip_opt_t const *opt)
{
    return opt->on || opt->restart || opt->crowd;
}

int
qs_dev_gossip_check(qs_dev_gossip_opt_t const *opt, bool traffic)
{
    if (opt->nodes && (opt->nodes < 2 || opt->nodes > QS_LAB_NODE_MAX)) {
        fprintf(stderr, "quickstep dev: --nodes %lu: 2 to %u\n", opt->nodes, QS_LAB_NODE_MAX);
        return 2;
    }
    if (opt->crowd > QS_CROWD_MAX || (opt->crowd && (opt->nodes || opt->restart))) {
        fprintf(stderr, "quickstep dev: --crowd %lu: 1 to %u, without --nodes and --restart\n",
                opt->crowd, QS_CROWD_MAX);
        return 2;
    }
    if (opt->hostile && (!opt->crowd || opt->hostile > 1000000)) {
        fprintf(stderr, "quickstep dev: --hostile %lu: 1 to 1000000, with --crowd\n", opt->hostile);
        return 2;
    }
    if (qs_dev_gossip_wanted(opt) && traffic) {
        fprintf(stderr, "quickstep dev: load and replay need the lab of two nodes: without "
                        "--gossip, --crowd, --restart and --nodes above 2\n");
        return 2;
    }
    return 0;
}

static u32
at_most(u32 option, u32 lab)
{
    return option < lab ? option : lab;
}

/* configure: small tables, so that many nodes fit into a small machine. */
static void
configure(cluster_t *c, u32 node, qs_config_t const *cfg)
{
    qs_dev_node_t *n = &c->all.node[node];
    qs_config_gossip_t *g = &n->cfg.gossip;

    qs_dev_base(&c->all, node, cfg);
    n->topo = &qs_topo_gossip;
    g->private_addresses = true;
    g->values = at_most(g->values, 4096);
    g->large_values = at_most(g->large_values, 512);
    g->origins = at_most(g->origins, 1024);
    g->history = at_most(g->history, 4096);
    g->pings = at_most(g->pings, 2048);
    g->relayed_origins = at_most(g->relayed_origins, 256);
    g->entrypoints_cnt = 0;
    memset(g->entrypoints, 0, sizeof(g->entrypoints));
    if (!node) {
        if (!n->cfg.shred.version)
            n->cfg.shred.version = LAB_VERSION;
        return;
    }
    char first[16];
    qs_dev_addr(c->all.lab, 0, first);
    snprintf(g->entrypoints[0], sizeof(g->entrypoints[0]), "%s:%u", first, n->cfg.port.gossip);
    g->entrypoints_cnt = 1;
    n->cfg.shred.version = 0; /* the entrypoint tells */
}

/* lend_key writes the node's key into a file for as long as it starts: who comes back must be the same. */
static int
lend_key(cluster_t *c, u32 node)
{
    qs_config_identity_t *id = &c->all.node[node].cfg.identity;
    char text[QS_KEYPAIR_TEXT_MAX];
    u8 *pair = c->at[node].pair;
    static u8 const none[QS_KEYPAIR_SZ];

    if (!memcmp(pair, none, sizeof(none))) {
        if (getrandom(pair, 32, 0) != 32)
            return -EIO;
        qs_ed25519_public_key(pair + 32, pair);
    }
    char const *dir = getenv("TMPDIR");
    snprintf(id->key_path, sizeof(id->key_path), "%.200s/quickstep-%s.json", dir ? dir : "/tmp",
             c->all.node[node].instance);
    u32 sz = qs_keypair_encode(text, pair);
    int fd = open(id->key_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text, sz) == (ssize_t)sz;
    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof(text));
    return ok ? 0 : -EIO;
}

static int
start(cluster_t *c, u32 node)
{
    char const *path = c->all.node[node].cfg.identity.key_path;
    bool lent = c->opt.restart && !path[0];

    if (lent && lend_key(c, node)) {
        qs_log(&qs_dev_fails, "node %u: cannot write a key to %s", node, path);
        return 1;
    }
    int code = qs_dev_start(&c->all, node);
    if (lent) {
        unlink(path);
        c->all.node[node].cfg.identity.key_path[0] = 0;
    }
    c->at[node].outset = 0;
    c->since_ns = qs_clock_now(c->all.clock);
    return code;
}

/* ---- who sees whom ---- */

static qs_peers_t const *
rows_of(cluster_t const *c, u32 node)
{
    qs_attach_t const *a = &c->all.node[node].attach;
    int tile = c->all.node[node].attached ? qs_plan_tile_of(a->plan, "gossip") : -1;
    qs_plan_tile_t const *t = tile < 0 ? NULL : &a->plan->tile[tile];
    void const *mem = t ? qs_attach_at(a, (u32)tile, t->share_off, t->share_sz) : NULL;

    return qs_peers_sound(mem, t ? t->share_sz : 0) ? mem : NULL;
}

/* find_out_who each node is now. */
static void
find_out_who(cluster_t *c, u64 now)
{
    for (u32 i = 0; i < c->all.cnt; i++) {
        qs_peers_t const *p = rows_of(c, i);
        qs_peers_row_t row;
        for (u32 k = 0; p && k < p->max; k++) {
            if (!qs_peers_get(p, k, &row) || !row.own)
                continue;
            memcpy(c->at[i].key, row.pubkey, 32);
            c->at[i].outset = row.outset;
            if (row.wallclock == c->at[i].said_ms)
                continue;
            c->at[i].said_ms = row.wallclock;
            c->at[i].said_ns = now;
        }
    }
}

/* node_of returns which node that is, or -1. */
static int
node_of(cluster_t const *c, qs_peers_row_t const *row)
{
    for (u32 i = 0; i < c->all.cnt; i++)
        if (!memcmp(c->at[i].key, row->pubkey, 32) && c->at[i].outset == row->outset)
            return (int)i;
    return -1;
}

/* follow: each node has[i] of the others that have the newest that node i said. */
static void
follow(cluster_t *c, u32 const *has, u64 now)
{
    for (u32 i = 0; i < c->all.cnt; i++) {
        standing_t *s = &c->at[i];
        if (!s->said_ns || has[i] != c->all.cnt - 1)
            continue;
        if (c->whole && s->said_ns > c->since_ns + SETTLED_NS)
            c->spread_max_ns = qs_max_u64(c->spread_max_ns, now - s->said_ns);
        s->said_ns = 0;
    }
}

static void
look(cluster_t *c)
{
    u64 now = qs_clock_now(c->all.clock), took = now - c->since_ns;
    u32 has[QS_LAB_NODE_MAX] = {0};
    bool whole = true;

    find_out_who(c, now);
    for (u32 i = 0; i < c->all.cnt; i++) {
        qs_peers_t const *p = rows_of(c, i);
        qs_peers_row_t row;
        u32 sees = 0;
        for (u32 k = 0; p && k < p->max; k++) {
            int who = qs_peers_get(p, k, &row) && row.proven && !row.own ? node_of(c, &row) : -1;
            sees += who >= 0;
            if (who >= 0 && row.wallclock >= c->at[who].said_ms)
                has[who]++;
        }
        c->at[i].sees = sees;
        bool all = sees == c->all.cnt - 1;
        if (all && c->at[i].converged_ns == UINT64_MAX)
            c->at[i].converged_ns = took;
        whole &= all;
    }
    if (whole && c->converged_ns == UINT64_MAX) {
        c->converged_ns = took;
        qs_log(&qs_dev_progress, "all %u nodes see each other, %lu ms after the last start",
               c->all.cnt, took / 1000000);
    } else if (whole && !c->whole && c->restarts) {
        c->again_ns = qs_max_u64(c->again_ns, took);
        qs_log(&qs_dev_progress, "all see all again, %lu ms after node %u is back", took / 1000000,
               c->victim);
    }
    c->whole = whole;
    follow(c, has, now);
}

/* ---- stop and start ---- */

/* restart stops a node, or starts the one that was stopped, when it is time. */
static int
restart(cluster_t *c)
{
    u64 now = qs_clock_now(c->all.clock);

    if (c->up_at && now >= c->up_at) {
        c->up_at = 0;
        c->restart_at = now + c->opt.restart * 1000000000u;
        return start(c, c->victim);
    }
    if (!c->opt.restart || c->up_at || now < c->restart_at || !c->whole)
        return 0;
    c->victim = c->restarts++ % c->all.cnt;
    qs_log(&qs_dev_progress, "node %u is stopped", c->victim);
    qs_dev_stop(&c->all, c->victim);
    c->whole = false;
    c->at[c->victim].outset = 0;
    c->up_at = now + DOWN_NS;
    return 0;
}

static int
watch(cluster_t *c, u64 seconds)
{
    u64 begun = qs_clock_now(c->all.clock);
    int code = 0;

    c->restart_at = begun + c->opt.restart * 1000000000u;
    for (;;) {
        struct pollfd p = {.fd = c->all.signal_fd, .events = POLLIN};
        struct signalfd_siginfo got;
        if (poll(&p, 1, LOOK_MS) == 1 && read(p.fd, &got, sizeof(got)) > 0 &&
            got.ssi_signo != SIGCHLD)
            return 0;
        if (qs_dev_gone(&c->all, &code) >= 0)
            return code;
        look(c);
        code = restart(c);
        if (code)
            return code;
        u64 passed = qs_clock_now(c->all.clock) - begun, end = seconds * 1000000000u;
        bool late = passed >= end + GRACE_NS;
        if (seconds && passed >= end && ((!c->up_at && (c->whole || !c->restarts)) || late))
            return 0;
    }
}

/* ---- the report ---- */

static u64
sum_of(qs_dev_node_t const *n, char const *prefix, char const *name)
{
    char metric[80];

    snprintf(metric, sizeof(metric), "%s%s", prefix, name);
    if (!n->attached)
        return 0;
    return qs_attach_sum(&n->attach, "gossip", "gossip", metric) +
           qs_attach_sum(&n->attach, "gossvf", "gossvf", metric);
}

static char const *const kinds[QS_GOSSIP_KIND_CNT] = {"pull_request", "pull_response", "push",
                                                      "prune",        "ping",          "pong"};

/* is_rejection: the other events are what should happen. */
static bool
is_rejection(u32 event)
{
    switch (event) {
    case QS_GOSSIP_ON_inserted:
    case QS_GOSSIP_ON_replaced:
    case QS_GOSSIP_ON_duplicate:
    case QS_GOSSIP_ON_older:
    case QS_GOSSIP_ON_pull_answered:
    case QS_GOSSIP_ON_prune_taken:
    case QS_GOSSIP_ON_ping_answered:
    case QS_GOSSIP_ON_pong_taken:
        return false;
    default:
        return true;
    }
}

/* for_rejected calls each for every reason that was not 0. */
static void
for_rejected(qs_dev_node_t const *n, void (*each)(u32 nth, char const *name, u64 cnt))
{
    u32 nth = 0;

    for (u32 r = 1; r < QS_GOSSIP_REASON_CNT; r++) {
        char const *name = qs_gossip_reason_name((qs_gossip_reason_t)r);
        u64 cnt = sum_of(n, "refused_", name);
        if (cnt)
            each(nth++, name, cnt);
    }
    for (u32 e = 0; e < QS_GOSSIP_EVENT_CNT; e++) {
        char const *name = qs_gossip_event_name((qs_gossip_event_t)e);
        u64 cnt = is_rejection(e) ? sum_of(n, "", name) : 0;
        if (cnt)
            each(nth++, name, cnt);
    }
}

static void
reject_json(u32 nth, char const *name, u64 cnt)
{
    printf("%s\"%s\":%lu", nth ? "," : "", name, cnt);
}

static void
reject_text(u32 nth, char const *name, u64 cnt)
{
    printf("%s%s %lu", nth ? ", " : "    rejected: ", name, cnt);
}

static void
print_counts(qs_dev_node_t const *n, char const *prefix, bool json)
{
    for (u32 k = 0; k < QS_GOSSIP_KIND_CNT; k++)
        printf(json ? "%s\"%s\":%lu" : "%s%s %lu", k ? json ? "," : ", " : "", kinds[k],
               sum_of(n, prefix, kinds[k]));
}

static u32
least_peers(cluster_t const *c)
{
    u32 least = UINT32_MAX;

    for (u32 i = 0; i < c->all.cnt; i++)
        least = c->at[i].sees < least ? c->at[i].sees : least;
    return least;
}

static void
print_time(char const *key, u64 ns)
{
    if (ns == UINT64_MAX)
        printf("\"%s\":null", key);
    else
        printf("\"%s\":%lu", key, ns);
}

void
qs_dev_gossip_node_json(qs_dev_node_t const *n, u32 peers, u64 converged_ns)
{
    printf("{\"peers\":%u,", peers);
    print_time("converged_ns", converged_ns);
    printf(",\"received\":{");
    print_counts(n, "rx_", true);
    printf("},\"sent\":{");
    print_counts(n, "tx_", true);
    printf("},\"rejected\":{");
    for_rejected(n, reject_json);
    printf("}}");
}

static void
print_json(cluster_t const *c, u64 seconds, bool ok)
{
    printf("{\"ok\":%s,\"nodes\":%u,\"seconds\":%lu,", ok ? "true" : "false", c->all.cnt, seconds);
    qs_dev_provider_json(&c->all.node[0].attach);
    printf("\"network\":\"%s\",\"gossip\":{\"peers_min\":%u,", qs_lab_level_name(c->all.lab->level),
           least_peers(c));
    print_time("converged_ns", c->converged_ns);
    printf(",\"spread_max_ns\":%lu", c->spread_max_ns);
    printf(",\"restarts\":%u,\"reconverged_max_ns\":%lu,\"nodes\":[", c->restarts, c->again_ns);
    for (u32 i = 0; i < c->all.cnt; i++) {
        printf("%s", i ? "," : "");
        qs_dev_gossip_node_json(&c->all.node[i], c->at[i].sees, c->at[i].converged_ns);
    }
    printf("]}}\n");
}

static void
print_text(cluster_t const *c, bool ok)
{
    for (u32 i = 0; i < c->all.cnt; i++) {
        printf("node %u: sees %u others", i, c->at[i].sees);
        if (c->at[i].converged_ns != UINT64_MAX)
            printf(", all of them %lu ms after the last start", c->at[i].converged_ns / 1000000);
        printf("\n    received: ");
        print_counts(&c->all.node[i], "rx_", false);
        printf("\n    sent:     ");
        print_counts(&c->all.node[i], "tx_", false);
        printf("\n");
        for_rejected(&c->all.node[i], reject_text);
        printf("\n");
    }
    printf("received by %s\n", qs_dev_provider_text(&c->all.node[0].attach));
    if (c->restarts)
        printf("%u times a node was stopped and started; all saw all again within %lu ms\n",
               c->restarts, c->again_ns / 1000000);
    if (c->spread_max_ns)
        printf("a new ContactInfo was everywhere within %lu ms\n", c->spread_max_ns / 1000000);
    if (c->converged_ns == UINT64_MAX)
        printf("FAILED: not all nodes saw each other\n");
    else
        printf("%s: all saw all %lu ms after the last start%s\n", ok ? "ok" : "FAILED",
               c->converged_ns / 1000000, ok ? "" : ", and not at the end");
}

static int
run(cluster_t *c, qs_config_t const *cfg, u64 seconds)
{
    int code = 0;

    for (u32 i = 0; i < c->all.cnt; i++) {
        configure(c, i, cfg);
        c->at[i].converged_ns = UINT64_MAX;
    }
    for (u32 i = 0; !code && i < c->all.cnt; i++)
        code = start(c, i);
    if (code)
        return code;
    qs_log(&qs_dev_says, "%u nodes on network level %s, %s; instances %s to %s", c->all.cnt,
           qs_lab_level_name(c->all.lab->level), qs_dev_provider_text(&c->all.node[0].attach),
           c->all.node[0].instance, c->all.node[c->all.cnt - 1].instance);
    u64 begun = qs_clock_now(c->all.clock);
    code = watch(c, seconds);
    if (code)
        return code;
    look(c);
    bool ok = c->whole;
    seconds = (qs_clock_now(c->all.clock) - begun) / 1000000000u;
    if (c->json)
        print_json(c, seconds, ok);
    else
        print_text(c, ok);
    return ok ? 0 : 4;
}

int
qs_dev_gossip(qs_dev_nodes_t const *base, qs_dev_gossip_opt_t const *opt, qs_config_t const *cfg,
              char const *level, u64 seconds, bool json)
{
    if (opt->crowd)
        return qs_dev_crowd(base, opt, cfg, seconds, json);

    cluster_t *c = calloc(1, sizeof(*c));
    c->all = *base;
    c->all.cnt = opt->nodes ? (u32)opt->nodes : 2;
    c->all.node = calloc(c->all.cnt, sizeof(*c->all.node));
    c->opt = *opt;
    c->json = json;
    c->converged_ns = UINT64_MAX;
    int code = qs_dev_open(c->all.lab, c->all.cnt, level, cfg->net.tiles);
    if (!code) {
        code = run(c, cfg, seconds);
        code = qs_dev_end(&c->all, code);
        qs_lab_close(c->all.lab);
    }
    explicit_bzero(c->at, sizeof(c->at));
    free(c->all.node);
    free(c);
    return code;
}

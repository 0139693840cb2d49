#include "app/qs_dev_cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/qs_dev_blocks.h"
#include "app/qs_dev_report.h"
#include "disco/gossip/qs_peers.h"
#include "disco/qs_topos.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/codec/qs_keypair.h"
#include "waltz/crypto/qs_ed25519.h"

#define LAB_VERSION    4711u /* shred version, if the configuration names none */
#define LOOK_MS        5
#define START_MS       2500u /* the first slot begins that long after its leader, and ... */
#define START_EACH_MS  300u  /* ... for each node that is to follow it */
#define MEET_MAX_NS    20000000000ull
#define SETTLE_MAX_NS  60000000000ull
#define SETTLE_SLOTS   8u /* without news: what is missing does not come any more */
#define LEADER_STAKE   1000000000000ull
#define SCHEDULE_SLOTS 100000u
#define TURN           4u

static char const *const files[] = {"genesis.bin", "schedule.json"};

/* ---- who they are ---- */

static void
path_of(qs_dev_cluster_t const *c, char const *name, char out[256])
{
    snprintf(out, 256, "%.200s/%s", c->dir, name);
}

static int
write_file(qs_dev_cluster_t const *c, char const *name, void const *data, u64 sz)
{
    char path[256];

    path_of(c, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, data, sz) == (ssize_t)sz;
    if (fd >= 0)
        close(fd);
    return ok ? 0 : -EIO;
}

static int
write_key(qs_dev_cluster_t *c, u32 node)
{
    char text[QS_KEYPAIR_TEXT_MAX], name[24];
    u8 pair[QS_KEYPAIR_SZ];

    if (getrandom(pair, 32, 0) != 32)
        return -EIO;
    qs_ed25519_public_key(pair + 32, pair);
    qs_base58_encode_32(c->identity[node], pair + 32);
    snprintf(name, sizeof(name), "node%u.json", node);
    int err = write_file(c, name, text, qs_keypair_encode(text, pair));
    explicit_bzero(text, sizeof(text));
    explicit_bzero(pair, sizeof(pair));
    return err;
}

/* write_schedule: one leader has all stake; several take turns, and then the file says each slot. */
static int
write_schedule(qs_dev_cluster_t *c)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *f = open_memstream(&text, &sz);

    if (!f)
        return -ENOMEM;
    if (c->leaders == 1)
        fprintf(
            f,
            "{\"current\":[{\"votePubkey\":\"%s\",\"nodePubkey\":\"%s\",\"activatedStake\":%llu}],"
            "\"delinquent\":[]}\n",
            c->identity[0], c->identity[0], LEADER_STAKE);
    for (u32 i = 0; c->leaders > 1 && i < c->leaders; i++) {
        fprintf(f, "%s\"%s\":[", i ? "," : "{", c->identity[i]);
        for (u32 slot = i * TURN; slot < SCHEDULE_SLOTS; slot += c->leaders * TURN)
            for (u32 k = 0; k < TURN && slot + k < SCHEDULE_SLOTS; k++)
                fprintf(f, "%s%u", k || slot > i * TURN ? "," : "", slot + k);
        fprintf(f, "]%s", i == c->leaders - 1 ? "}\n" : "");
    }
    fclose(f);
    int err = write_file(c, files[1], text, sz);
    free(text);
    return err;
}

static int
write_files(qs_dev_cluster_t *c)
{
    char const *tmp = getenv("TMPDIR");
    u8 genesis[64];
    int err = 0;

    snprintf(c->dir, sizeof(c->dir), "%.150s/quickstep-lab-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(c->dir)) {
        c->dir[0] = 0;
        return -errno;
    }
    for (u32 i = 0; !err && i < c->members; i++)
        err = write_key(c, i);
    if (!err && getrandom(genesis, sizeof(genesis), 0) != sizeof(genesis))
        err = -EIO;
    err = err ? err : write_file(c, files[0], genesis, sizeof(genesis));
    return err ? err : write_schedule(c);
}

static void
remove_files(qs_dev_cluster_t const *c)
{
    char path[256], name[24];

    if (!c->dir[0])
        return;
    for (u32 i = 0; i < c->members; i++) {
        snprintf(name, sizeof(name), "node%u.json", i);
        path_of(c, name, path);
        unlink(path);
    }
    for (u32 i = 0; i < QS_COUNT(files); i++) {
        path_of(c, files[i], path);
        unlink(path);
    }
    rmdir(c->dir);
}

/* ---- what they are told ---- */

static u32
at_most(u32 option, u32 lab)
{
    return option < lab ? option : lab;
}

static void
small(qs_config_t *cfg)
{
    qs_config_gossip_t *g = &cfg->gossip;

    g->values = at_most(g->values, 4096);
    g->large_values = at_most(g->large_values, 512);
    g->origins = at_most(g->origins, 1024);
    g->history = at_most(g->history, 4096);
    g->pings = at_most(g->pings, 2048);
    g->relayed_origins = at_most(g->relayed_origins, 256);
    cfg->verify.tag_depth = at_most(cfg->verify.tag_depth, 1u << 16);
    cfg->dedup.tag_depth = at_most(cfg->dedup.tag_depth, 1u << 18);
    cfg->shred.sets = at_most(cfg->shred.sets, 1024);
    cfg->shred.buffers = at_most(cfg->shred.buffers, 128);
    cfg->store.slots = at_most(cfg->store.slots, 16);
    cfg->store.sets = at_most(cfg->store.sets, 256);
    cfg->store.batch_sets = at_most(cfg->store.batch_sets, 64);
    cfg->feed.bytes = at_most(cfg->feed.bytes, 1u << 23);
}

static void
configure_member(qs_dev_cluster_t *c, u32 node, qs_config_t const *base)
{
    qs_dev_node_t *n = &c->all.node[node];
    qs_config_t *cfg = &n->cfg;
    bool leads = node < c->leaders;
    char name[24], first[16];

    qs_dev_base(&c->all, node, base);
    n->topo = leads ? &qs_topo_leader : &qs_topo_follower;
    small(cfg);
    cfg->gossip.private_addresses = true;
    cfg->gossip.entrypoints_cnt = 0;
    memset(cfg->gossip.entrypoints, 0, sizeof(cfg->gossip.entrypoints));
    if (!node && !cfg->shred.version)
        cfg->shred.version = LAB_VERSION;
    if (node) {
        qs_dev_addr(c->all.lab, 0, first);
        snprintf(cfg->gossip.entrypoints[0], sizeof(cfg->gossip.entrypoints[0]), "%s:%u", first,
                 cfg->port.gossip);
        cfg->gossip.entrypoints_cnt = 1;
        cfg->shred.version = 0; /* the entrypoint tells */
    }
    snprintf(name, sizeof(name), "node%u.json", node);
    path_of(c, name, cfg->identity.key_path);
    path_of(c, files[1], cfg->shred.leader_schedule);
    path_of(c, files[0], cfg->poh.genesis);
    path_of(c, files[0], cfg->store.genesis);
    snprintf(cfg->poh.identity, sizeof(cfg->poh.identity), "%s", c->identity[node]);
    if (c->opt.speed > 0)
        cfg->poh.speed_permille = (u32)(c->opt.speed * 1000 + 0.5);
    cfg->poh.start_ms = START_MS + START_EACH_MS * c->members;
    cfg->store.hashes_per_tick = cfg->poh.hashes_per_tick;
    cfg->lab.loss_permille = (u32)(c->opt.loss * 10 + 0.5);
    if (cfg->store.dir[0]) { /* a part of it for each */
        u64 len = strlen(cfg->store.dir);
        snprintf(cfg->store.dir + len, sizeof(cfg->store.dir) - len, "/node%u", node);
        (void)mkdir(base->store.dir, 0755);
        (void)mkdir(cfg->store.dir, 0755);
    }
    if (leads)
        cfg->feed.records = 0; /* a follower's is the one to read */
}

static int
configure(qs_dev_cluster_t *c, qs_config_t const *base)
{
    qs_dev_node_t *load = &c->all.node[c->members];

    for (u32 i = 0; i < c->members; i++)
        configure_member(c, i, base);
    qs_dev_base(&c->all, c->members, base);
    load->topo = &qs_topo_txnload;
    if (!c->opt.txn.tps && base->txnload.rate_tps < QS_DEV_CLUSTER_TPS)
        load->cfg.txnload.rate_tps = QS_DEV_CLUSTER_TPS;
    for (u32 i = 0; i < c->leaders; i++)
        qs_dev_addr(c->all.lab, i, load->cfg.txnload.targets[i]);
    load->cfg.txnload.targets_cnt = c->leaders;
    int code = qs_dev_txn_configure(&load->cfg, &c->opt.txn);
    qs_lab_txn_init(&c->txn, load->cfg.txnload.seed, load->cfg.txnload.signers);
    return code;
}

/* ---- watching ---- */

/* sees returns how many others a node knows from proven addresses. */
static u32
sees(qs_dev_cluster_t const *c, u32 node)
{
    qs_attach_t const *a = &c->all.node[node].attach;
    int tile = c->all.node[node].attached ? qs_plan_tile_of(a->plan, "gossip") : -1;
    qs_plan_tile_t const *t = tile < 0 ? NULL : &a->plan->tile[tile];
    qs_peers_t const *p = t ? qs_attach_at(a, (u32)tile, t->share_off, t->share_sz) : NULL;
    qs_peers_row_t row;
    u32 cnt = 0;

    if (!qs_peers_sound(p, t ? t->share_sz : 0))
        return 0;
    for (u32 k = 0; k < p->max; k++)
        cnt += qs_peers_get(p, k, &row) && row.proven && !row.own;
    return cnt;
}

static void
look(qs_dev_cluster_t *c)
{
    u32 least = UINT32_MAX;

    for (u32 i = 0; i < c->members; i++)
        if (c->blocks[i].feed)
            qs_dev_blocks_turn(&c->blocks[i]);
    u64 now = qs_clock_now(c->all.clock);
    if (now < c->look_at)
        return;
    c->look_at = now + 50000000u;
    for (u32 i = 0; i < c->members; i++) {
        c->sees[i] = sees(c, i);
        least = c->sees[i] < least ? c->sees[i] : least;
        if (c->sees[i] == c->members - 1 && c->saw_all_ns[i] == UINT64_MAX)
            c->saw_all_ns[i] = now - c->since_ns;
    }
    c->peers_min = least;
    if (least == c->members - 1 && c->converged_ns == UINT64_MAX) {
        c->converged_ns = now - c->since_ns;
        qs_log(&qs_dev_progress, "all %u nodes see each other, %lu ms after the last start",
               c->members, c->converged_ns / 1000000);
    }
}

/* wait looks until done says so, a signal, a node's end, or limit_ns.  Returns 0, or a node's exit code. */
static int
wait_until(qs_dev_cluster_t *c, bool (*done)(qs_dev_cluster_t *c), u64 limit_ns)
{
    u64 begun = qs_clock_now(c->all.clock);
    int code = 0;

    for (;;) {
        struct pollfd p = {.fd = c->all.signal_fd, .events = POLLIN};
        struct signalfd_siginfo got;
        if (poll(&p, 1, LOOK_MS) == 1 && read(p.fd, &got, sizeof(got)) > 0 &&
            got.ssi_signo != SIGCHLD) {
            c->interrupted = true;
            return 0;
        }
        if (qs_dev_gone(&c->all, &code) >= 0)
            return code;
        look(c);
        if (done(c) || (limit_ns && qs_clock_now(c->all.clock) - begun >= limit_ns))
            return 0;
    }
}

static bool
all_follow(qs_dev_cluster_t *c)
{
    for (u32 i = c->leaders; i < c->members; i++)
        if (!c->blocks[i].complete)
            return false;
    return c->converged_ns != UINT64_MAX;
}

static bool
load_is_through(qs_dev_cluster_t *c)
{
    u64 passed = (qs_clock_now(c->all.clock) - c->load_ns) / 1000000000u;

    if (passed != c->seconds) {
        c->seconds = passed;
        qs_dev_cluster_progress(c);
    }
    return qs_dev_txn_sent_all(&c->all.node[c->members].attach);
}

/* came_out says whether everything that was sent has come to an end somewhere, or nothing more will. */
static bool
came_out(qs_dev_cluster_t *c)
{
    u64 lost = c->sum.lost, now = qs_clock_now(c->all.clock);
    qs_config_t const *cfg = &c->all.node[0].cfg;
    u64 slot_ns = cfg->poh.slot_ns * 1000 / cfg->poh.speed_permille;

    qs_dev_cluster_take(c);
    if (lost != c->sum.lost || !c->moved_ns)
        c->moved_ns = now;
    return !c->sum.lost || now - c->moved_ns > SETTLE_SLOTS * slot_ns;
}

/* ---- start and end ---- */

static int
start_members(qs_dev_cluster_t *c)
{
    int code = 0;

    for (u32 node = 0; !code && node < c->members; node++) {
        code = qs_dev_start(&c->all, node);
        c->since_ns = qs_clock_now(c->all.clock);
        if (code || !c->all.node[node].cfg.feed.records)
            continue;
        qs_dev_blocks_t *b = &c->blocks[node];
        int err = qs_dev_blocks_open(b, c->all.node[node].instance, c->since_ns);
        b->txn = &c->txn;
        if (err) {
            qs_log(&qs_dev_fails, "node %u has no feed: %s", node, strerror(-err));
            return 3;
        }
    }
    return code;
}

static int
run(qs_dev_cluster_t *c, u64 seconds)
{
    int code = start_members(c);

    if (code)
        return code;
    qs_log(&qs_dev_says,
           "%u nodes (%u of them leaders) and a load on network level %s, %s; instances %s to %s",
           c->members, c->leaders, qs_lab_level_name(c->all.lab->level),
           qs_dev_provider_text(&c->all.node[c->members - 1].attach), c->all.node[0].instance,
           c->all.node[c->members - 1].instance);
    code = wait_until(c, all_follow, MEET_MAX_NS);
    if (!code && !c->interrupted && !all_follow(c)) {
        qs_log(&qs_dev_fails, "no complete block at every follower after %llu s",
               MEET_MAX_NS / 1000000000u);
        code = 4;
    }
    if (!code)
        code = qs_dev_start(&c->all, c->members);
    if (code)
        return code;
    c->load_ns = qs_clock_now(c->all.clock);
    if (!c->interrupted)
        code = wait_until(c, load_is_through, seconds * 1000000000u);
    if (code)
        return code;
    kill(c->all.node[c->members].pid, SIGUSR1);
    c->interrupted = false;
    code = wait_until(c, came_out, SETTLE_MAX_NS);
    if (code)
        return code;
    look(c);
    qs_dev_cluster_take(c);
    return qs_dev_cluster_report(c);
}

int
qs_dev_cluster_check(qs_dev_cluster_opt_t const *opt)
{
    u64 nodes = opt->nodes ? opt->nodes : 2, leaders = opt->leaders ? opt->leaders : 1;

    if (nodes < 2 || nodes > QS_LAB_NODE_MAX - 1) {
        fprintf(stderr, "quickstep dev: --nodes %lu: 2 to %u\n", nodes, QS_LAB_NODE_MAX - 1);
        return 2;
    }
    if (leaders >= nodes || leaders > QS_DEV_CLUSTER_LEADERS) {
        fprintf(stderr, "quickstep dev: --leaders %lu: 1 to %u, and one node less than all\n",
                leaders, QS_DEV_CLUSTER_LEADERS);
        return 2;
    }
    if (!(opt->loss >= 0 && opt->loss <= 100)) {
        fprintf(stderr, "quickstep dev: --loss: 0 to 100 percent\n");
        return 2;
    }
    return 0;
}

int
qs_dev_cluster(qs_dev_nodes_t const *base, qs_dev_cluster_opt_t const *opt, qs_config_t const *cfg,
               char const *level, u64 seconds, bool json)
{
    qs_dev_cluster_t *c = calloc(1, sizeof(*c));
    c->all = *base;
    c->opt = *opt;
    c->json = json;
    c->members = opt->nodes ? (u32)opt->nodes : 2;
    c->leaders = opt->leaders ? (u32)opt->leaders : 1;
    c->all.cnt = c->members + 1;
    c->all.node = calloc(c->all.cnt, sizeof(*c->all.node));
    c->blocks = calloc(c->members, sizeof(*c->blocks));
    c->converged_ns = UINT64_MAX;
    memset(c->saw_all_ns, 0xff, sizeof(c->saw_all_ns));
    int code = qs_dev_open(c->all.lab, c->all.cnt, level, cfg->net.tiles);
    bool opened = !code;
    if (!code && write_files(c)) {
        qs_log(&qs_dev_fails, "cannot write keys and a schedule to %s: %s", c->dir,
               strerror(errno));
        code = 1;
    }
    if (!code)
        code = configure(c, cfg);
    if (!code)
        code = run(c, seconds);
    code = qs_dev_end(&c->all, code);
    for (u32 i = 0; i < c->members; i++)
        qs_dev_blocks_close(&c->blocks[i]);
    if (opened)
        qs_lab_close(c->all.lab);
    remove_files(c);
    free(c->blocks);
    free(c->all.node);
    free(c);
    return code;
}

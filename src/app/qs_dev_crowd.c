#include "app/qs_dev_crowd.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "disco/gossip/qs_crowd.h"
#include "disco/qs_topos.h"

#define LAB_VERSION  4711u
#define LOOK_MS      50
#define GROWN_MAX    (1u << 20) /* bytes of stack and libraries, touched for the first time */
#define HOSTILE_AT_S 30u
#define NODE         0u
#define CROWD        1u

/* A tile whose time is watched. */
typedef struct cost {
    char const *name;
    u32 node;
    u64 ticks; /* of the kernel's clock, at the begin */
    double percent;
} cost_t;

typedef struct crowd_run {
    qs_dev_nodes_t all;
    qs_dev_node_t node[2];
    u32 members;
    u64 begun_ns, contacts_ns, values_ns; /* UINT64_MAX: not yet */
    u64 steady_ns;                        /* since when the costs are counted */
    cost_t cost[4];
    u64 hostile_pps, hostile_at_s;
    u64 pages; /* of the gossip tile, when the enemy came */
} crowd_run_t;

static u64
gossip(crowd_run_t const *r, char const *name)
{
    return qs_attach_sum(&r->node[NODE].attach, "gossip", "gossip", name);
}

static u64
crowd(crowd_run_t const *r, char const *name)
{
    return qs_attach_sum(&r->node[CROWD].attach, "crowd", "crowd", name);
}

static u64
mean_ns(crowd_run_t const *r, char const *cnt, char const *sum_ms)
{
    u64 n = crowd(r, cnt);
    return n ? crowd(r, sum_ms) * 1000000 / n : 0;
}

/* pages_of_gossip returns how many pages of memory the gossip tile's process has. */
static u64
pages_of_gossip(crowd_run_t const *r)
{
    qs_attach_t const *a = &r->node[NODE].attach;
    int tile = qs_plan_tile_of(a->plan, "gossip");
    unsigned long all, resident = 0;
    char path[64];

    if (tile < 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", qs_load_relaxed(&a->boot->tile[tile].pid));
    FILE *f = fopen(path, "r");
    int got = f ? fscanf(f, "%lu %lu", &all, &resident) : 0;
    if (f)
        fclose(f);
    return got == 2 ? resident : 0;
}

static u64
grown_bytes(crowd_run_t const *r)
{
    u64 now = pages_of_gossip(r);
    return r->pages && now > r->pages ? (now - r->pages) * (u64)sysconf(_SC_PAGESIZE) : 0;
}

/* withstood says whether the enemy did no harm that could be seen. */
static bool
withstood(crowd_run_t const *r)
{
    return crowd(r, "hostile") && !crowd(r, "strangers_over") && grown_bytes(r) < GROWN_MAX &&
           crowd(r, "spread_hostile");
}

/* ticks_of reads how long a tile's process has run, in it and in the kernel; 0 if it is not there. */
static u64
ticks_of(crowd_run_t const *r, cost_t const *c)
{
    qs_attach_t const *a = &r->node[c->node].attach;
    int tile = qs_plan_tile_of(a->plan, c->name);
    char path[64], text[512];
    unsigned long user = 0, kernel = 0;

    if (tile < 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", qs_load_relaxed(&a->boot->tile[tile].pid));
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    char *read = fgets(text, sizeof(text), f);
    char *rest = read ? strrchr(text, ')') : NULL;
    fclose(f);
    if (!rest ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
        return 0;
    return user + kernel;
}

static void
configure(crowd_run_t *r, qs_config_t const *cfg)
{
    for (u32 i = 0; i < 2; i++) {
        qs_config_t *c = &r->node[i].cfg;
        qs_dev_base(&r->all, i, cfg);
        c->gossip.private_addresses = true;
        c->gossip.entrypoints_cnt = 0;
        if (!c->shred.version)
            c->shred.version = LAB_VERSION;
        c->crowd.members = r->members;
        c->crowd.hostile_pps = (u32)r->hostile_pps;
        c->crowd.hostile_after_s = (u32)r->hostile_at_s;
    }
    qs_config_gossip_t *g = &r->node[CROWD].cfg.gossip;
    char target[16];
    qs_dev_addr(r->all.lab, NODE, target);
    snprintf(g->entrypoints[0], sizeof(g->entrypoints[0]), "%s:%u", target, cfg->port.gossip);
    g->entrypoints_cnt = 1;
    r->node[NODE].topo = &qs_topo_gossip;
    r->node[CROWD].topo = &qs_topo_crowd;
}

static void
look(crowd_run_t *r)
{
    u64 now = qs_clock_now(r->all.clock), took = now - r->begun_ns;

    if (r->contacts_ns == UINT64_MAX && gossip(r, "contacts") >= r->members &&
        gossip(r, "peers") >= r->members) {
        r->contacts_ns = took;
        qs_log(&qs_dev_progress, "all %u nodes are known, %lu ms after the start", r->members,
               took / 1000000);
    }
    if (r->values_ns == UINT64_MAX &&
        gossip(r, "values") >= (u64)r->members * (1 + QS_CROWD_EXTRA)) {
        r->values_ns = took;
        qs_log(&qs_dev_progress, "and all they say, %lu values, %lu ms after the start",
               gossip(r, "values"), took / 1000000);
    }
    if (r->steady_ns || r->contacts_ns == UINT64_MAX || r->values_ns == UINT64_MAX)
        return;
    r->steady_ns = now;
    for (u32 i = 0; i < QS_COUNT(r->cost); i++)
        r->cost[i].ticks = ticks_of(r, &r->cost[i]);
}

static int
watch(crowd_run_t *r, u64 seconds)
{
    int code = 0;

    for (u64 told = 0;;) {
        struct pollfd p = {.fd = r->all.signal_fd, .events = POLLIN};
        struct signalfd_siginfo got;
        if (poll(&p, 1, LOOK_MS) == 1 && read(p.fd, &got, sizeof(got)) > 0 &&
            got.ssi_signo != SIGCHLD)
            return 0;
        if (qs_dev_gone(&r->all, &code) >= 0)
            return code;
        look(r);
        u64 passed = (qs_clock_now(r->all.clock) - r->begun_ns) / 1000000000u;
        if (r->hostile_pps && !r->pages && passed >= r->hostile_at_s)
            r->pages = pages_of_gossip(r);
        if (passed != told && passed % 5 == 0)
            qs_log(&qs_dev_progress, "%2lu s: %lu nodes, %lu of them answer, %lu values", passed,
                   gossip(r, "contacts"), gossip(r, "peers"), gossip(r, "values"));
        told = passed;
        if (seconds && passed >= seconds)
            return 0;
    }
}

static void
take_costs(crowd_run_t *r)
{
    u64 now = qs_clock_now(r->all.clock);
    double hz = (double)sysconf(_SC_CLK_TCK), span = (double)(now - r->steady_ns) / 1e9;

    for (u32 i = 0; r->steady_ns && i < QS_COUNT(r->cost); i++)
        r->cost[i].percent =
            100.0 * (double)(ticks_of(r, &r->cost[i]) - r->cost[i].ticks) / hz / span;
}

static u64
memory_of(crowd_run_t const *r)
{
    qs_plan_t const *p = r->node[NODE].attach.plan;
    int tile = qs_plan_tile_of(p, "gossip");
    return tile < 0 ? 0 : p->tile[tile].wksp_sz;
}

static void
print_json(crowd_run_t const *r, u64 seconds, bool ok)
{
    printf("{\"ok\":%s,\"nodes\":1,\"seconds\":%lu,", ok ? "true" : "false", seconds);
    qs_dev_provider_json(&r->node[NODE].attach);
    printf("\"network\":\"%s\",\"gossip\":{\"peers_min\":%lu,\"converged_ns\":",
           qs_lab_level_name(r->all.lab->level), gossip(r, "peers"));
    printf(r->contacts_ns == UINT64_MAX ? "null" : "%lu", r->contacts_ns);
    printf(",\"crowd\":%u,\"contacts\":%lu,\"values\":%lu,\"values_complete_ns\":", r->members,
           gossip(r, "contacts"), gossip(r, "values"));
    printf(r->values_ns == UINT64_MAX ? "null" : "%lu", r->values_ns);
    printf(",\"memory_bytes\":%lu,\"cpu_percent\":{", memory_of(r));
    for (u32 i = 0; i < QS_COUNT(r->cost); i++)
        printf("%s\"%s\":%.1f", i ? "," : "", r->cost[i].name, r->cost[i].percent);
    printf("}");
    if (r->hostile_pps)
        printf(",\"hostile\":{\"sent\":%lu,\"sent_bytes\":%lu,\"returned_bytes\":%lu,"
               "\"addresses_over\":%lu,\"memory_growth_bytes\":%lu,\"flood\":%lu,"
               "\"spread_quiet_ns\":%lu,\"spread_hostile_ns\":%lu,\"honest\":%lu}",
               crowd(r, "hostile"), crowd(r, "hostile_bytes"), crowd(r, "stranger_bytes"),
               crowd(r, "strangers_over"), grown_bytes(r), gossip(r, "flood"),
               mean_ns(r, "spread_quiet", "spread_quiet_ms"),
               mean_ns(r, "spread_hostile", "spread_hostile_ms"), crowd(r, "spread_hostile"));
    printf("}}\n");
}

static void
print_text(crowd_run_t const *r, bool ok)
{
    if (r->contacts_ns != UINT64_MAX)
        printf("all %u nodes known %lu ms after the start\n", r->members, r->contacts_ns / 1000000);
    if (r->values_ns != UINT64_MAX)
        printf("all their values known %lu ms after the start\n", r->values_ns / 1000000);
    printf("at the end %lu nodes, %lu of them answer, %lu values\n", gossip(r, "contacts"),
           gossip(r, "peers"), gossip(r, "values"));
    printf("memory of the gossip tile: %lu MiB, all of it taken at the start\n",
           memory_of(r) >> 20);
    for (u32 i = 0; r->steady_ns && i < QS_COUNT(r->cost); i++)
        printf("%s %-6s took %5.1f %% of one core since then\n",
               r->cost[i].node == NODE ? "node:" : "load:", r->cost[i].name, r->cost[i].percent);
    if (r->hostile_pps)
        printf("%lu hostile datagrams, %lu bytes; %lu bytes came back, %lu addresses were sent "
               "more than "
               "they sent; memory grew by %lu bytes\na new ContactInfo took %lu ms before, %lu ms "
               "with them\n",
               crowd(r, "hostile"), crowd(r, "hostile_bytes"), crowd(r, "stranger_bytes"),
               crowd(r, "strangers_over"), grown_bytes(r),
               mean_ns(r, "spread_quiet", "spread_quiet_ms") / 1000000,
               mean_ns(r, "spread_hostile", "spread_hostile_ms") / 1000000);
    printf("%s\n", ok ? "ok: the node knows everybody"
                      : "FAILED: the node does not know everybody, or an enemy did harm");
}

static int
run(crowd_run_t *r, qs_config_t const *cfg, u64 seconds, bool json)
{
    configure(r, cfg);
    r->begun_ns = qs_clock_now(r->all.clock);
    int code = qs_dev_start(&r->all, NODE);
    if (!code)
        code = qs_dev_start(&r->all, CROWD);
    if (code)
        return code;
    r->begun_ns = qs_clock_now(r->all.clock);
    qs_log(&qs_dev_says, "one node and a crowd of %u on the loopback; instances %s and %s",
           r->members, r->node[NODE].instance, r->node[CROWD].instance);
    code = watch(r, seconds);
    if (code)
        return code;
    take_costs(r);
    bool ok = r->contacts_ns != UINT64_MAX && gossip(r, "contacts") >= r->members &&
              (!r->hostile_pps || withstood(r));
    seconds = (qs_clock_now(r->all.clock) - r->begun_ns) / 1000000000u;
    if (json)
        print_json(r, seconds, ok);
    else
        print_text(r, ok);
    return ok ? 0 : 4;
}

int
qs_dev_crowd(qs_dev_nodes_t const *base, qs_dev_gossip_opt_t const *opt, qs_config_t const *cfg,
             u64 seconds, bool json)
{
    crowd_run_t *r = calloc(1, sizeof(*r));

    r->all = *base;
    r->all.node = r->node;
    r->all.cnt = 2;
    r->members = (u32)opt->crowd;
    r->hostile_pps = opt->hostile;
    r->hostile_at_s = seconds ? seconds / 2 : HOSTILE_AT_S;
    r->contacts_ns = r->values_ns = UINT64_MAX;
    cost_t const cost[] = {
        {.name = "gossip"}, {.name = "sign"}, {.name = "net"}, {.name = "crowd", .node = CROWD}};
    memcpy(r->cost, cost, sizeof(cost));
    int code = qs_dev_open(r->all.lab, 2, "loopback", 1);
    if (!code) {
        code = run(r, cfg, seconds, json);
        code = qs_dev_end(&r->all, code);
        qs_lab_close(r->all.lab);
    }
    free(r);
    return code;
}

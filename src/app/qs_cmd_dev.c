/* dev - the lab: nodes in network namespaces, real frames between them, and an account of every
   one.

       node 0                                   node 1
       load or replay ===> net ~~~ veth ~~~> net ---> sink

   Each node is a process that supervises its own group of tiles, as `run` does.  This process
   makes the network, starts the nodes, reads their metrics from shared memory while they run,
   and at the end asks of each missing datagram which counter it is in. */

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <poll.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_dev_cluster.h"
#include "app/qs_dev_gossip.h"
#include "app/qs_dev_node.h"
#include "app/qs_dev_shred.h"
#include "app/qs_dev_store.h"
#include "app/qs_dev_txn.h"
#include "app/qs_lab_snmp.h"
#include "disco/qs_probe.h"
#include "tango/base/qs_log.h"
#include "waltz/pcap/qs_pcap.h"

#define NODES          2u
#define SENDER         0u
#define RECEIVER       1u
#define CALIBRATE_NS   20000000u
#define SETTLE_NS      300000000ull /* nothing new arrives for this long: the wire is empty */
#define SETTLE_MAX_NS  3000000000ull
#define REVIVAL_MAX_NS 8000000000ull /* longer than the supervisor's longest back-off */
#define REASON_MAX     20u

typedef struct options {
    u64 seconds;
    bool json, help, threads, front;
    char const *replay, *level;
    double speed;
    u64 rate, port, times;
    qs_dev_txn_opt_t txn;
    qs_dev_gossip_opt_t gossip;
    qs_dev_cluster_opt_t cluster;
    qs_args_t args;
} options_t;

typedef qs_dev_node_t node_t;

/* Where a datagram that did not arrive may have been counted. */
typedef struct reason {
    char const *name;
    u64 cnt;
} reason_t;

typedef struct account {
    u64 sent, received, reordered, repeated;
    u64 p50, p99;
    reason_t reason[REASON_MAX];
    u32 reason_cnt;
    u64 counted; /* sum of the reasons */
    qs_dev_txn_t txn;
} account_t;

typedef struct lab_run {
    options_t opt;
    bool txns; /* the receiver is a front: what is sent are transactions */
    qs_lab_t lab;
    qs_clock_t clock;
    node_t node[NODES];
    qs_topo_t const *const *topos;
    qs_dev_nodes_t nodes; /* the same, for those who start them */
    qs_cpus_t *cpus;
    int signal_fd;
    u64 started_ns, seconds;
} lab_run_t;

/* wants_cluster: blocks are made unless another lab is asked for. */
static bool
wants_cluster(options_t const *o)
{
    return !o->replay && !o->rate && !o->front && !qs_dev_gossip_wanted(&o->gossip);
}

static int
parse(options_t *o, int argc, char **argv)
{
    qs_arg_t const table[] = {
        {"--seconds", "N", "end by itself; 0: until Ctrl-C", QS_ARG_U64, &o->seconds},
        {"--json", NULL, "one object at the end", QS_ARG_FLAG, &o->json},
        {"--replay", "FILE", "send a capture's UDP payloads instead of load", QS_ARG_STR,
         &o->replay},
        {"--port", "N", "replay: only datagrams to this port", QS_ARG_U64, &o->port},
        {"--speed", "X", "times the capture's own pace; of slots: times 400 ms each", QS_ARG_REAL,
         &o->speed},
        {"--times", "N", "replay: how often", QS_ARG_U64, &o->times},
        {"--rate", "PPS",
         "numbered datagrams instead of transactions, so many per second; replay: "
         "instead of the capture's pace",
         QS_ARG_U64, &o->rate},
        {"--txns", "N", "end after N signed transactions", QS_ARG_U64, &o->txn.cnt},
        {"--tps", "N", "transactions per second", QS_ARG_U64, &o->txn.tps},
        {"--signers", "N", "signatures of each", QS_ARG_U64, &o->txn.signers},
        {"--bad-percent", "P", "transactions spoiled, each way in turn", QS_ARG_REAL,
         &o->txn.bad_percent},
        {"--repeat-percent", "P", "transactions sent a second time", QS_ARG_REAL,
         &o->txn.repeat_percent},
        {"--nodes", "N", "leaders and followers together", QS_ARG_U64, &o->cluster.nodes},
        {"--leaders", "N", "of them leaders, who take turns of four slots", QS_ARG_U64,
         &o->cluster.leaders},
        {"--loss", "PERCENT", "of a leader's shreds that are not sent, at random", QS_ARG_REAL,
         &o->cluster.loss},
        {"--front", NULL, "transactions through the other node's front only, no blocks",
         QS_ARG_FLAG, &o->front},
        {"--gossip", NULL, "nodes find each other, and nothing else happens", QS_ARG_FLAG,
         &o->gossip.on},
        {"--crowd", "N", "gossip: one node, and N more that a tile plays, on the loopback",
         QS_ARG_U64, &o->gossip.crowd},
        {"--hostile", "N", "crowd: in the second half N hostile datagrams a second besides",
         QS_ARG_U64, &o->gossip.hostile},
        {"--restart", "S", "gossip: every S seconds a node is stopped, and started 2 s later",
         QS_ARG_U64, &o->gossip.restart},
        {"--level", "L", "best network tried: root, user, loopback", QS_ARG_STR, &o->level},
        {"--threads", NULL, "one process per node, for debuggers", QS_ARG_FLAG, &o->threads},
        {"--help", NULL, "this text", QS_ARG_FLAG, &o->help},
        {0}};
    int code = qs_args_parse(&o->args, table, argc, argv);

    if (!code && o->help)
        qs_args_usage("dev", "[exec NODE COMMAND...]", table);
    o->gossip.nodes = o->cluster.nodes;
    o->cluster.txn = o->txn;
    o->cluster.speed = o->speed;
    if (!code)
        code = qs_dev_gossip_check(&o->gossip, o->replay || o->rate || o->txn.cnt || o->txn.tps);
    if (!code && wants_cluster(o))
        code = qs_dev_cluster_check(&o->cluster);
    if (!code && !wants_cluster(o) && !qs_dev_gossip_wanted(&o->gossip) &&
        (o->cluster.nodes > 2 || o->cluster.leaders || o->cluster.loss > 0)) {
        fprintf(stderr,
                "quickstep dev: --nodes, --leaders and --loss are for blocks and gossip: without "
                "--replay, --rate and --front\n");
        return 2;
    }
    if (!code && o->port > UINT16_MAX) {
        fprintf(stderr, "quickstep dev: --port %lu: 1..65535\n", o->port);
        return 2;
    }
    return code;
}

static bool
port_is_known(qs_config_t const *cfg, u16 port)
{
    qs_config_port_t const *p = &cfg->port;

    for (u32 i = 0; i < cfg->net.extra_ports_cnt; i++)
        if (cfg->net.extra_ports[i] == port)
            return true;
    return port == p->gossip || port == p->tvu || port == p->repair || port == p->tpu;
}

/* bind_captured_ports makes the receiver listen on every port that the replay will send to. */
static int
bind_captured_ports(qs_config_t *cfg, options_t const *o)
{
    qs_pcap_t pcap;
    qs_pcap_pkt_t pkt;
    u64 found = 0;
    u32 skipped = 0;
    int err = qs_pcap_open(&pcap, o->replay);

    while (!err && (err = qs_pcap_next(&pcap, &pkt)) == 1) {
        err = 0;
        if ((o->port && pkt.dst_port != o->port) || !pkt.dst_port)
            continue;
        found++;
        if (port_is_known(cfg, pkt.dst_port))
            continue;
        if (cfg->net.extra_ports_cnt < QS_COUNT(cfg->net.extra_ports))
            cfg->net.extra_ports[cfg->net.extra_ports_cnt++] = pkt.dst_port;
        else
            skipped++;
    }
    if (err)
        fprintf(stderr, "quickstep dev: --replay %s: %s\n", o->replay, pcap.why);
    else if (skipped)
        fprintf(stderr,
                "quickstep dev: --replay %s: more than %zu ports beside the lab's own; choose one "
                "with --port\n",
                o->replay, QS_COUNT(cfg->net.extra_ports));
    else if (!found)
        fprintf(stderr, "quickstep dev: --replay %s: it holds no UDP datagram%s\n", o->replay,
                o->port ? " to that port" : "");
    qs_pcap_close(&pcap);
    return err || skipped || !found ? 2 : 0;
}

static int
configure_nodes(lab_run_t *r, qs_config_t const *cfg)
{
    options_t const *o = &r->opt;

    for (u32 i = 0; i < NODES; i++) {
        node_t *n = &r->node[i];
        qs_dev_base(&r->nodes, i, cfg);
        qs_dev_addr(&r->lab, RECEIVER, n->cfg.load.target);
    }
    qs_config_t *s = &r->node[SENDER].cfg;
    r->txns = o->replay ? o->port && o->port == cfg->port.tpu : o->front;
    bool shreds =
        cfg->shred.leader_schedule[0] || cfg->shred.unverified == QS_CONFIG_shred_unverified_mark;
    r->node[RECEIVER].topo = r->txns ? &qs_topo_front : shreds ? &qs_topo_shreds : &qs_topo_listen;
    r->node[SENDER].topo = o->replay ? &qs_topo_replay : r->txns ? &qs_topo_txnload : &qs_topo_load;
    if (r->txns && !o->replay)
        return qs_dev_txn_configure(s, &o->txn);
    if (!o->replay) {
        if (o->rate)
            s->load.rate_pps = o->rate;
        return 0;
    }
    if (strlen(o->replay) >= sizeof(s->replay.path)) {
        fprintf(stderr, "quickstep dev: --replay: the path is too long\n");
        return 2;
    }
    snprintf(s->replay.path, sizeof(s->replay.path), "%s", o->replay);
    s->replay.port = (u32)o->port;
    s->replay.rate_pps = o->rate;
    if (o->times)
        s->replay.times = (u32)(o->times < 100000 ? o->times : 100000);
    if (o->speed > 0)
        s->replay.speed_permille = (u32)(o->speed * 1000 < 1e6 ? o->speed * 1000 : 1e6);
    return bind_captured_ports(&r->node[RECEIVER].cfg, o);
}

static qs_account_t const *
sink_account(qs_attach_t const *a)
{
    int sink = qs_plan_tile_of(a->plan, "sink");
    QS_ASSERT(sink >= 0);
    qs_plan_tile_t const *t = &a->plan->tile[sink];
    return qs_attach_at(a, (u32)sink, t->state_off, sizeof(qs_account_t));
}

static void
add_reason(account_t *acc, char const *name, u64 cnt)
{
    if (!cnt || acc->reason_cnt == REASON_MAX)
        return;
    acc->reason[acc->reason_cnt++] = (reason_t){name, cnt};
    acc->counted += cnt;
}

static u64
lost_of(account_t const *acc)
{
    return acc->sent > acc->received ? acc->sent - acc->received : 0;
}

/* ring_counts adds what was lost between the interface and the receiver's XSK: what the kernel counted,
   and of a tile that was killed, what left the interface and came neither to the tile nor to a
   socket.  (Some ARP is in there too.) */
static void
ring_counts(lab_run_t *r, account_t *acc, qs_lab_snmp_t const *snmp)
{
    qs_attach_t const *to = &r->node[RECEIVER].attach;
    qs_boot_tile_t const *net = &to->boot->tile[qs_plan_tile_of(to->plan, "net")];
    u64 full = qs_attach_sum(to, "net", "net", "xsk_rx_full");
    u64 dropped = qs_attach_sum(to, "net", "net", "xsk_rx_dropped");
    u64 found = qs_attach_sum(to, "net", "net", "rx_xdp") + snmp->udp_in + snmp->udp_no_ports +
                snmp->udp_in_errors + full + dropped;

    add_reason(acc, "xsk_rx_full", full);
    add_reason(acc, "xsk_rx_dropped", dropped);
    if (qs_load_relaxed(&net->starts) > 1 && snmp->if_rx_packets > found &&
        lost_of(acc) > acc->counted)
        add_reason(acc, "xsk_restart_lost",
                   qs_min_u64(snmp->if_rx_packets - found, lost_of(acc) - acc->counted));
}

/* kernel_counts adds what the receiver's kernel knows and no tile can: datagrams that found no
   socket, or a full one, and those that a tile had taken when it was killed. */
static void
kernel_counts(lab_run_t *r, account_t *acc, u64 published, u64 oversize)
{
    qs_lab_snmp_t snmp, sender;
    qs_attach_t const *to = &r->node[RECEIVER].attach;
    u64 overflow = qs_attach_sum(to, "net", "net", "rx_overflow");
    bool own = r->lab.level != QS_LAB_LOOPBACK; /* else the counters are the whole host's */

    if (!own || qs_lab_snmp_read((u32)r->node[RECEIVER].pid, qs_lab_ifname(&r->lab), &snmp)) {
        add_reason(acc, "net_rx_overflow", overflow);
        add_reason(acc, "net_rx_restart_lost", qs_attach_sum(to, "net", "net", "rx_restart_lost"));
        return;
    }
    add_reason(acc, "kernel_rcvbuf_full", snmp.udp_rcvbuf_errors);
    add_reason(acc, "kernel_no_port", snmp.udp_no_ports);
    add_reason(acc, "kernel_checksum", snmp.udp_in_csum_errors);
    add_reason(acc, "interface_rx_drop", snmp.if_rx_drops);
    if (!qs_lab_snmp_read((u32)r->node[SENDER].pid, qs_lab_ifname(&r->lab), &sender))
        add_reason(acc, "interface_tx_drop", sender.if_tx_drops);
    ring_counts(r, acc, &snmp);
    if (snmp.udp_in > published + oversize)
        add_reason(acc, "net_restart_lost", snmp.udp_in - published - oversize);
}

static void
take_account(lab_run_t *r, account_t *acc)
{
    qs_attach_t const *from = &r->node[SENDER].attach, *to = &r->node[RECEIVER].attach;
    qs_account_t const *seen = r->txns ? NULL : sink_account(to);
    bool replay = r->opt.replay != NULL;

    *acc = (account_t){0};
    acc->sent = replay ? qs_attach_sum(from, "replay", "replay", "sent")
                       : qs_attach_sum(from, "load", "load", "sent");
    acc->received = qs_attach_sum(to, "sink", "sink", replay ? "other" : "received");
    acc->repeated = qs_attach_sum(to, "sink", "sink", "repeated");
    acc->reordered = qs_attach_sum(to, "sink", "sink", "late");
    if (replay) { /* without numbers, what of a capture looks like one of ours is counted there */
        acc->received += qs_attach_sum(to, "sink", "sink", "received") + acc->repeated;
        acc->received += qs_dev_shred_received(to);
        acc->repeated = acc->reordered = 0;
    }
    if (r->txns) {
        qs_dev_txn_take(&acc->txn, from, to);
        acc->sent = acc->txn.sent;
        acc->received = acc->txn.looked_at;
        acc->repeated = acc->txn.repeated;
        acc->reordered = acc->txn.late;
    }
    acc->p50 = seen ? qs_hist_percentile(&seen->latency, 500000) : acc->txn.p50;
    acc->p99 = seen ? qs_hist_percentile(&seen->latency, 990000) : acc->txn.p99;

    u64 published = qs_attach_sum(to, "net", "net", "rx_socket");
    u64 oversize = qs_attach_sum(to, "net", "net", "rx_oversize");
    add_reason(acc, "net_tx_refused", qs_attach_sum(from, "net", "net", "tx_refused"));
    add_reason(acc, "net_tx_restart_lost", qs_attach_sum(from, "net", "net", "tx_restart_lost"));
    add_reason(acc, "net_tx_neigh",
               qs_attach_sum(from, "net", "net", "tx_neigh_dropped") +
                   qs_attach_sum(from, "net", "net", "tx_neigh_full") +
                   qs_attach_sum(from, "net", "net", "tx_neigh_expired"));
    add_reason(acc, "net_tx_bad_request", qs_attach_sum(from, "net", "net", "tx_bad_request"));
    add_reason(acc, "link_in_bad",
               qs_attach_sum(from, NULL, "link_in", "bad") +
                   qs_attach_sum(to, NULL, "link_in", "bad"));
    add_reason(acc, "link_in_lost", qs_attach_sum(to, NULL, "link_in", "lost"));
    add_reason(acc, "net_rx_oversize", oversize);
    add_reason(acc, "sink_damaged", qs_attach_sum(to, "sink", "sink", "damaged"));
    kernel_counts(r, acc, published, oversize);
}

static void
say_progress(lab_run_t *r)
{
    account_t acc;

    take_account(r, &acc);
    qs_log(&qs_dev_progress,
           "%2lu s: sent %lu, received %lu, under way or lost %lu, p50 %lu us, p99 %lu us",
           r->seconds, acc.sent, acc.received, lost_of(&acc), acc.p50 / 1000, acc.p99 / 1000);
}

static bool
replay_done(lab_run_t const *r)
{
    qs_attach_t const *from = &r->node[SENDER].attach;

    return r->opt.replay && qs_attach_sum(from, "replay", "replay", "sent") ==
                                qs_attach_sum(from, "replay", "replay", "total");
}

/* watch runs until the time is up, Ctrl-C, the end of the capture, or the death of a node, which
   is the only case that returns other than 0. */
static int
watch(lab_run_t *r)
{
    int code = 0;

    for (;;) {
        struct pollfd p = {.fd = r->signal_fd, .events = POLLIN};
        struct signalfd_siginfo got;
        if (poll(&p, 1, 50) == 1 && read(r->signal_fd, &got, sizeof(got)) > 0 &&
            got.ssi_signo != SIGCHLD)
            return 0;
        if (qs_dev_gone(&r->nodes, &code) >= 0)
            return code;
        u64 passed = (qs_clock_now(&r->clock) - r->started_ns) / 1000000000u;
        if (passed != r->seconds) {
            r->seconds = passed;
            say_progress(r);
        }
        if ((r->opt.seconds && passed >= r->opt.seconds) || replay_done(r) ||
            qs_dev_txn_sent_all(&r->node[SENDER].attach))
            return 0;
    }
}

/* between_lives says whether a tile of node n died and its next life does not run yet: what waits
   for it is neither received nor counted. */
static bool
between_lives(node_t const *n)
{
    for (u32 i = 0; i < n->attach.plan->tile_cnt; i++) {
        qs_boot_tile_t const *record = &n->attach.boot->tile[i];
        u64 cnc_off = n->attach.plan->tile[i].cnc_off;
        qs_cnc_rx_t rx;
        if (qs_load_relaxed(&record->starts) < 2 ||
            qs_cnc_rx_join(&rx, qs_attach_at(&n->attach, i, cnc_off, qs_cnc_footprint())))
            continue;
        qs_cnc_state_t state = qs_cnc_query(&rx).state;
        if (state != QS_CNC_HALTED && (state != QS_CNC_RUN || !qs_load_relaxed(&record->pid)))
            return true;
    }
    return false;
}

/* settle lets the sender stop and waits until what is on the way has arrived. */
static void
settle(lab_run_t *r)
{
    u64 begun = qs_clock_now(&r->clock), quiet_since = begun, calm_since = begun, last = 0;
    account_t acc;

    kill(r->node[SENDER].pid, SIGUSR1);
    for (;;) {
        usleep(20000);
        take_account(r, &acc);
        u64 now = qs_clock_now(&r->clock), moving = acc.received + acc.sent + acc.txn.delivered;
        bool revives = between_lives(&r->node[SENDER]) || between_lives(&r->node[RECEIVER]) ||
                       qs_dev_store_busy(&r->node[RECEIVER].attach);
        if (moving != last || revives)
            quiet_since = now;
        last = moving;
        bool whole = acc.received >= acc.sent && now - quiet_since > SETTLE_NS / 3;
        if (revives && now - begun < REVIVAL_MAX_NS)
            calm_since = now;
        if (whole || now - quiet_since > SETTLE_NS || now - calm_since > SETTLE_MAX_NS)
            return;
    }
}

static void
print_json(lab_run_t const *r, account_t const *acc, bool ok)
{
    printf("{\"ok\":%s,\"nodes\":%u,\"seconds\":%lu,", ok ? "true" : "false", NODES, r->seconds);
    qs_dev_provider_json(&r->node[RECEIVER].attach);
    printf("\"network\":\"%s\",\"sent\":%lu,\"received\":%lu,\"lost\":%lu,\"reordered\":%lu,"
           "\"repeated\":%lu,",
           qs_lab_level_name(r->lab.level), acc->sent, acc->received, lost_of(acc), acc->reordered,
           acc->repeated);
    if (!r->opt.replay)
        printf("\"latency_p50_ns\":%lu,\"latency_p99_ns\":%lu,", acc->p50, acc->p99);
    if (r->txns)
        qs_dev_txn_json(&acc->txn);
    printf("\"counted\":{");
    for (u32 i = 0; i < acc->reason_cnt; i++)
        printf("%s\"%s\":%lu", i ? "," : "", acc->reason[i].name, acc->reason[i].cnt);
    printf("}");
    qs_dev_shred_json(&r->node[RECEIVER].attach);
    qs_dev_store_json(&r->node[RECEIVER].attach);
    printf("}\n");
}

static void
print_text(lab_run_t const *r, account_t const *acc, bool ok)
{
    printf("sent %lu, received %lu, lost %lu, reordered %lu, repeated %lu in %lu s\n", acc->sent,
           acc->received, lost_of(acc), acc->reordered, acc->repeated, r->seconds);
    printf("received by %s\n", qs_dev_provider_text(&r->node[RECEIVER].attach));
    if (!r->opt.replay)
        printf("latency from load to sink: p50 %lu us, p99 %lu us\n", acc->p50 / 1000,
               acc->p99 / 1000);
    if (r->txns)
        qs_dev_txn_text(&acc->txn);
    for (u32 i = 0; i < acc->reason_cnt; i++)
        printf("counted: %s %lu\n", acc->reason[i].name, acc->reason[i].cnt);
    qs_dev_shred_text(&r->node[RECEIVER].attach);
    qs_dev_store_text(&r->node[RECEIVER].attach);
    printf("%s\n", ok ? "ok: every datagram is accounted for"
                      : "FAILED: datagrams were lost that no counter accounts for");
}

static int
report(lab_run_t *r)
{
    account_t acc;

    take_account(r, &acc);
    bool ok = lost_of(&acc) <= acc.counted && acc.received <= acc.sent && acc.sent > 0;
    if (r->txns)
        ok = qs_dev_txn_ok(&acc.txn, acc.counted);
    if (r->opt.json)
        print_json(r, &acc, ok);
    else
        print_text(r, &acc, ok);
    return ok ? 0 : 4;
}

static int
run_lab(lab_run_t *r, qs_config_t const *cfg)
{
    int code = qs_dev_open(&r->lab, NODES, r->opt.level, cfg->net.tiles);

    if (!code)
        code = configure_nodes(r, cfg);
    if (code)
        return code;
    for (u32 i = NODES; !code && i-- > 0;)
        code = qs_dev_start(&r->nodes, i);
    if (!code) {
        r->started_ns = qs_clock_now(&r->clock);
        qs_log(&qs_dev_says, "%u nodes on network level %s, %s; instances %s and %s", NODES,
               qs_lab_level_name(r->lab.level), qs_dev_provider_text(&r->node[RECEIVER].attach),
               r->node[0].instance, r->node[1].instance);
        code = watch(r);
    }
    if (!code) {
        settle(r);
        code = report(r);
    }
    code = qs_dev_end(&r->nodes, code);
    qs_lab_close(&r->lab);
    return code;
}

typedef struct found {
    char suffix[16];
    int pid;
    u32 cnt;
} found_t;

static int
find_node(void *ctx, qs_instance_info_t const *info)
{
    found_t *f = ctx;
    size_t len = strlen(info->name), tail = strlen(f->suffix);

    if (info->alive && !strncmp(info->name, "dev-", 4) && len > tail &&
        !strcmp(info->name + len - tail, f->suffix)) {
        f->pid = info->pid;
        f->cnt++;
    }
    return 0;
}

static int
dev_exec(int argc, char **argv)
{
    found_t f = {0};

    if (argc < 4 || strspn(argv[2], "0123456789") != strlen(argv[2]) || strlen(argv[2]) > 2) {
        fprintf(stderr, "usage: quickstep dev exec NODE COMMAND...\n");
        return 2;
    }
    snprintf(f.suffix, sizeof(f.suffix), "-n%s", argv[2]);
    qs_instance_list(geteuid(), find_node, &f);
    if (f.cnt != 1) {
        fprintf(stderr, "quickstep dev exec: %s\n",
                f.cnt ? "more than one lab runs" : "no lab with such a node runs");
        return 1;
    }
    qs_lab_exec(f.pid, argv + 3);
    return 1;
}

int
qs_cmd_dev(int argc, char **argv, qs_topo_t const *const *topos)
{
    qs_config_t cfg;
    sigset_t set;

    if (argc > 1 && !strcmp(argv[1], "exec"))
        return dev_exec(argc, argv);
    lab_run_t *r = calloc(1, sizeof(*r));
    r->topos = topos;
    r->opt.speed = 1;
    int code = parse(&r->opt, argc, argv);
    if (!code && r->opt.help)
        return 0;
    if (!code)
        code = qs_args_load(&r->opt.args, &cfg);
    if (!code) {
        qs_log_init(&(qs_log_conf_t){.fd = 2,
                                     .min_level = (qs_log_level_t)cfg.log.level,
                                     .format = (qs_log_format_t)cfg.log.format});
        qs_log_name("lab");
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_BLOCK, &set, NULL);
        r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
        qs_clock_calibrate(&r->clock, CALIBRATE_NS);
        r->cpus = calloc(1, sizeof(*r->cpus));
        qs_cpus_look(r->cpus, NULL);
        r->nodes = (qs_dev_nodes_t){.lab = &r->lab,
                                    .node = r->node,
                                    .cnt = NODES,
                                    .clock = &r->clock,
                                    .topos = topos,
                                    .cpus = r->cpus,
                                    .signal_fd = r->signal_fd,
                                    .threads = r->opt.threads};
        if (qs_dev_gossip_wanted(&r->opt.gossip))
            code = qs_dev_gossip(&r->nodes, &r->opt.gossip, &cfg, r->opt.level, r->opt.seconds,
                                 r->opt.json);
        else if (wants_cluster(&r->opt))
            code = qs_dev_cluster(&r->nodes, &r->opt.cluster, &cfg, r->opt.level, r->opt.seconds,
                                  r->opt.json);
        else
            code = run_lab(r, &cfg);
    }
    free(r->cpus);
    free(r);
    return code;
}

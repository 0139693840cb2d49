#include "app/qs_dev_node.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/qs_supervise.h"
#include "disco/net/qs_net.h"
#include "tango/base/qs_log.h"

#define READY_MS 10000

qs_log_site_t qs_dev_says = {.id = "QS-LAB-001", .level = QS_LOG_NOTICE};
static qs_log_site_t steps_down = {.id = "QS-LAB-004", .level = QS_LOG_NOTICE};
qs_log_site_t qs_dev_fails = {.id = "QS-LAB-002", .level = QS_LOG_ERROR};
qs_log_site_t qs_dev_progress = {.id = "QS-LAB-003", .level = QS_LOG_INFO};

void
qs_dev_addr(qs_lab_t const *lab, u32 node, char out[16])
{
    u32 net_order = qs_lab_addr(lab, node);
    inet_ntop(AF_INET, &net_order, out, 16);
}

int
qs_dev_open(qs_lab_t *lab, u32 nodes, char const *level, u32 queues)
{
    qs_lab_level_t want = QS_LAB_ROOT;

    for (u32 l = 0; level && l <= QS_LAB_LEVEL_CNT; l++) {
        if (l == QS_LAB_LEVEL_CNT) {
            fprintf(stderr, "quickstep dev: --level %s: root, user or loopback\n", level);
            return 2;
        }
        want = (qs_lab_level_t)l;
        if (!strcmp(level, qs_lab_level_name(want)))
            break;
    }
    int err = qs_lab_open_queues(lab, nodes, want, queues);
    if (err) {
        qs_log(&qs_dev_fails, "no network for the lab: %s", lab->why[QS_LAB_LOOPBACK]);
        return 3;
    }
    for (u32 l = want; l < (u32)lab->level; l++)
        qs_log(&steps_down, "the lab steps down from level %s: %s",
               qs_lab_level_name((qs_lab_level_t)l), lab->why[l]);
    return 0;
}

void
qs_dev_base(qs_dev_nodes_t const *all, u32 node, qs_config_t const *cfg)
{
    qs_dev_node_t *n = &all->node[node];

    n->cfg = *cfg;
    snprintf(n->instance, sizeof(n->instance), "dev-%d-n%u", (int)getpid(), node);
    qs_dev_addr(all->lab, node, n->cfg.net.bind_address);
    snprintf(n->cfg.net.iface, sizeof(n->cfg.net.iface), "%s", qs_lab_ifname(all->lab));
    if (all->lab->level != QS_LAB_ROOT && n->cfg.net.provider == QS_CONFIG_net_provider_auto)
        n->cfg.net.provider = QS_CONFIG_net_provider_socket; /* nothing better is allowed there */
    if (all->lab->level ==
        QS_LAB_LOOPBACK) /* there the nodes share one, and elsewhere each has its own */
        memcpy(n->cfg.metric.address, n->cfg.net.bind_address, sizeof(n->cfg.metric.address));
    if (n->cfg.log.level < QS_CONFIG_log_level_notice)
        n->cfg.log.level = QS_CONFIG_log_level_notice;
}

typedef struct entry {
    qs_lab_t const *lab;
    u32 node;
} entry_t;

static int
enter_node(void *arg)
{
    entry_t const *e = arg;
    return qs_lab_enter(e->lab, e->node);
}

/* tiles_of counts the tiles of nodes low to high - 1. */
static u32
tiles_of(qs_dev_nodes_t const *all, u32 low, u32 high)
{
    u32 cnt = 0;

    for (u32 i = low; i < high; i++)
        cnt += qs_topo_tile_cnt(all->node[i].topo, &all->node[i].cfg);
    return cnt;
}

static void
become_node(qs_dev_nodes_t const *all, u32 node, int ready_fd)
{
    qs_dev_node_t *n = &all->node[node];
    entry_t entry = {.lab = all->lab, .node = node};
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close(all->signal_fd);
    qs_supervise_t s = {
        .group = {.instance = n->instance,
                  .topo = n->topo,
                  .topos = all->topos,
                  .cfg = &n->cfg,
                  .clock = all->clock,
                  .threads = all->threads,
                  .cpus = all->cpus,
                  .others = tiles_of(all, 0, all->cnt) - tiles_of(all, node, node + 1),
                  .first = tiles_of(all, 0, node),
                  .enter = enter_node,
                  .enter_arg = &entry},
        .ignore_sigint = true,
        .quiet = true,
        .ready_fd = ready_fd};
    _exit(qs_supervise(&s));
}

int
qs_dev_start(qs_dev_nodes_t const *all, u32 node)
{
    qs_dev_node_t *n = &all->node[node];
    int ready[2], status = 0;
    char byte;

    if (pipe(ready))
        return 1;
    fflush(NULL);
    n->pid = fork();
    if (n->pid == 0) {
        close(ready[0]);
        become_node(all, node, ready[1]);
    }
    close(ready[1]);
    struct pollfd p = {.fd = ready[0], .events = POLLIN};
    bool ok = n->pid > 0 && poll(&p, 1, READY_MS) == 1 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (ok && !qs_attach_open(&n->attach, n->instance, all->topos)) {
        n->attached = true;
        return 0;
    }
    if (ok)
        qs_log(&qs_dev_fails, "node %u: %s", node, n->attach.why);
    if (n->pid > 0) {
        kill(n->pid, SIGTERM);
        waitpid(n->pid, &status, 0);
        n->pid = 0;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
}

/* bury_node waits for the node to end and lets go of it. */
static int
bury_node(qs_dev_node_t *n)
{
    int status = 0, code = 0;

    if (n->pid && waitpid(n->pid, &status, 0) > 0 && status)
        code = 1;
    if (n->attached)
        qs_attach_close(&n->attach);
    n->attached = false;
    n->pid = 0;
    return code;
}

int
qs_dev_stop(qs_dev_nodes_t const *all, u32 node)
{
    if (all->node[node].pid)
        kill(all->node[node].pid, SIGTERM);
    return bury_node(&all->node[node]);
}

int
qs_dev_end(qs_dev_nodes_t const *all, int code)
{
    u64 bytes;
    int stopped = 0;

    for (u32 i = 0; i < all->cnt; i++)
        if (all->node[i].pid)
            kill(all->node[i].pid, SIGTERM);
    for (u32 i = 0; i < all->cnt; i++)
        stopped |= bury_node(&all->node[i]);
    code = code ? code : stopped;
    for (u32 i = 0; i < all->cnt && !code; i++)
        (void)qs_instance_remove(all->node[i].instance, &bytes);
    return code;
}

int
qs_dev_gone(qs_dev_nodes_t const *all, int *code)
{
    for (u32 i = 0; i < all->cnt; i++) {
        int status;
        if (!all->node[i].pid || waitpid(all->node[i].pid, &status, WNOHANG) != all->node[i].pid)
            continue;
        all->node[i].pid = 0;
        *code = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
        qs_log(&qs_dev_fails, "node %u ended; the lab ends with it", i);
        return (int)i;
    }
    return -1;
}

static qs_net_rung_t
rung_of(qs_attach_t const *node)
{
    int net = qs_plan_tile_of(node->plan, "net");
    u64 tiles = net < 0 ? 1 : node->plan->tile[net].cnt;
    return (qs_net_rung_t)(qs_attach_sum(node, "net", "net", "rung") / (tiles ? tiles : 1));
}

static char const *
filter_of(qs_attach_t const *node)
{
    return qs_attach_sum(node, "net", "net", "filter") ? "user" : "kernel";
}

char const *
qs_dev_provider_text(qs_attach_t const *node)
{
    static char text[96];
    qs_net_rung_t rung = rung_of(node);

    if (rung == QS_NET_SOCKET)
        return "provider socket";
    snprintf(text, sizeof(text), "provider xdp (mode %s, %s, filter %s)",
             rung == QS_NET_SKB ? "skb" : "drv", rung == QS_NET_ZERO_COPY ? "zero copy" : "copy",
             filter_of(node));
    return text;
}

void
qs_dev_provider_json(qs_attach_t const *node)
{
    qs_net_rung_t rung = rung_of(node);

    if (rung == QS_NET_SOCKET)
        printf("\"provider\":\"socket\",");
    else
        printf("\"provider\":\"xdp\",\"xdp_mode\":\"%s\",\"zero_copy\":%s,\"filter\":\"%s\",",
               rung == QS_NET_SKB ? "skb" : "drv", rung == QS_NET_ZERO_COPY ? "true" : "false",
               filter_of(node));
}

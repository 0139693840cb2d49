#include "disco/qs_group.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disco/qs_fault.h"
#include "tango/base/qs_log.h"

#define BACKOFF_MIN_NS 20000000ull
#define BACKOFF_MAX_NS 5000000000ull
#define SETTLED_NS     10000000000ull /* a tile that ran this long failed for a new reason */
#define HALT_GRACE_NS  3000000000ull
#define LOOK_NS        20000000u /* between looks whether a tile without pidfd lives */
#define BOOT_FAILURES  3u        /* before its first good start */
#define TEND_NS        200000000ull

static qs_log_site_t group_stops = {.id = "QS-GRP-003", .level = QS_LOG_ERROR};
static qs_log_site_t kills = {.id = "QS-GRP-004", .level = QS_LOG_WARNING};
static qs_log_site_t tended = {.id = "QS-GRP-006", .level = QS_LOG_NOTICE};

__attribute__((format(printf, 3, 4))) static int
refuse(qs_group_t *g, int exit_code, char const *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(g->err, sizeof(g->err), format, ap);
    va_end(ap);
    return exit_code;
}

static u64
now_ns(qs_group_t const *g)
{
    return qs_clock_now(&g->boot->clock);
}

static char const *
label(qs_group_t const *g, u32 tile, char buf[QS_NAME_MAX + 4])
{
    return qs_plan_label(g->plan, tile, buf, QS_NAME_MAX + 4);
}

static qs_tile_row_t const *
row_of(qs_group_t const *g, u32 tile)
{
    return &g->conf.topo->tiles[g->plan->tile[tile].row];
}

/* status_of reads what the tile says of itself; a block that was overwritten says UNKNOWN. */
static qs_cnc_view_t
status_of(qs_group_t const *g, u32 tile)
{
    qs_cnc_rx_t rx;

    if (qs_cnc_rx_join(
            &rx, qs_wksp_addr(&g->wksp[tile], g->plan->tile[tile].cnc_off, qs_cnc_footprint())))
        return (qs_cnc_view_t){.state = QS_CNC_UNKNOWN};
    return qs_cnc_query(&rx);
}

static void
command(qs_group_t *g, u32 tile, qs_cmd_t cmd)
{
    qs_cmd_tx_t tx;

    if (!qs_cmd_tx_join(&tx, &g->boot->cmd[tile]))
        qs_cmd_set(&tx, cmd);
}

/* ring_tile wakes a tile that sleeps, after a command and a fence. */
static void
ring_tile(qs_group_t *g, u32 tile)
{
    qs_bell_t *bell = qs_wksp_object_addr(&g->bells_wksp, "bells", QS_TILE_MAX * sizeof(*bell));

    qs_bell_ring(&bell[tile], QS_BELL_IDLE | QS_BELL_CREDIT, g->tile[tile].handover.eventfd[tile]);
}

static int
place_on_cpus(qs_group_t *g)
{
    qs_group_conf_t const *conf = &g->conf;
    qs_cpus_t *seen = conf->cpus ? NULL : calloc(1, sizeof(*seen));
    qs_cpus_t const *cpus = conf->cpus ? conf->cpus : seen;

    if (seen)
        qs_cpus_look(seen, conf->cfg->net.iface);
    int err = qs_cpus_place(g->plan, cpus, &conf->cfg->layout, conf->first, conf->others, g->placed,
                            sizeof(g->placed));
    g->bind = cpus->node_cnt > 1;
    free(seen);
    return err ? refuse(g, 2, "%s", g->placed) : 0;
}

u64
qs_group_page_max(qs_config_t const *cfg)
{
    switch (cfg->hugetlbfs.pages) {
    case QS_CONFIG_hugetlbfs_pages_4k:
        return 4096;
    case QS_CONFIG_hugetlbfs_pages_2m:
        return QS_SHM_PAGE_2M;
    default:
        return QS_SHM_AUTO;
    }
}

static int
make_workspace(qs_group_t *g, qs_shm_t *shm, qs_wksp_t *wksp, char const *name,
               qs_wksp_plan_t const *plan, u64 hash, u64 page_sz_max, int node)
{
    u64 sz = qs_wksp_plan_size(plan);
    int err = qs_shm_create(shm, &g->instance, name, sz, page_sz_max, node);
    char said[256], tile[QS_INSTANCE_NAME_MAX + 1], options[160];

    if (err) {
        snprintf(tile, sizeof(tile), "%.*s", (int)strcspn(name, "-"), name);
        return refuse(g, 3, "memory for %s (%lu KiB): %s; %s%s", name, sz >> 10, strerror(-err),
                      qs_shm_say(shm, said, sizeof(said)),
                      qs_plan_options(g->plan, g->conf.cfg, tile, options, sizeof(options)));
    }
    err = qs_wksp_create(wksp, shm, plan, hash);
    if (err)
        return refuse(g, 3, "workspace %s: %s", name, wksp->why[0] ? wksp->why : strerror(-err));
    g->bytes += shm->sz;
    return 0;
}

static int
make_boot(qs_group_t *g)
{
    qs_wksp_plan_t plan = {0};

    qs_boot_wksp_plan(&plan);
    int err = make_workspace(g, &g->boot_shm, &g->boot_wksp, "boot", &plan, 0, 4096, -1);
    if (err)
        return err;
    g->boot = qs_wksp_object_addr(&g->boot_wksp, "boot", sizeof(qs_boot_t));
    QS_ASSERT(g->boot);
    g->boot->cfg = *g->conf.cfg;
    g->boot->plan = *g->plan;
    g->boot->clock = *g->conf.clock;
    g->boot->started_ns = qs_clock_now(g->conf.clock);
    g->boot->supervisor_pid = (i32)getpid();
    qs_log_errs(&g->boot->errs);
    for (u32 i = 0; i < QS_TILE_MAX; i++)
        if (qs_cmd_new(&g->boot->cmd[i]))
            return refuse(g, 2, "workspace boot: no room for commands");
    if (qs_rng_seed_os(&g->boot->seed))
        return refuse(g, 3, "the kernel gives no random numbers");

    qs_wksp_plan_t bells = {0};
    qs_boot_bells_plan(&bells);
    return make_workspace(g, &g->bells_shm, &g->bells_wksp, "bells", &bells, g->plan->layout_hash,
                          4096, -1);
}

static int
make_rings(qs_group_t *g, u32 tile)
{
    qs_plan_t const *p = g->plan;
    qs_plan_tile_t const *t = &p->tile[tile];

    for (u32 i = 0; i < t->out_cnt; i++) {
        qs_plan_link_t const *link = &p->link[t->out[i]];
        void *mem = qs_wksp_addr(&g->wksp[tile], link->mcache_off, link->mcache_sz);
        if (qs_mcache_new(mem, link->depth, link->window, 0))
            return refuse(g, 2, "link %s: its ring cannot be made", link->name);
    }
    void *cnc = qs_wksp_addr(&g->wksp[tile], t->cnc_off, qs_cnc_footprint());
    return qs_cnc_new(cnc) ? refuse(g, 2, "tile %s: no status block", t->name) : 0;
}

/* check_memory refuses what cannot fit before anything is touched: where memory runs out, the kernel
   would rather kill somebody. */
static int
check_memory(qs_group_t *g)
{
    qs_shm_host_t host;
    u64 need = 0;
    char options[160];

    for (u32 i = 0; i < g->plan->tile_cnt; i++)
        need += g->plan->tile[i].wksp_sz;
    qs_shm_host(&host);
    u64 have = host.mem_available;
    for (u32 i = 0; i < host.pool_cnt && have != UINT64_MAX; i++)
        if (host.pool[i].node < 0)
            have += host.pool[i].free * host.pool[i].page_sz;
    return need <= have
               ? 0
               : refuse(g, 3, "the workspaces need %lu MiB, %lu MiB are available%s", need >> 20,
                        have >> 20,
                        qs_plan_options(g->plan, g->conf.cfg, NULL, options, sizeof(options)));
}

/* make_share formats what the tile lets its neighbours read. */
static int
make_share(qs_group_t *g, u32 tile)
{
    qs_plan_tile_t const *t = &g->plan->tile[tile];
    qs_tile_t const *table = row_of(g, tile)->tile;
    qs_tile_ctx_t ctx = {
        .cfg = &g->boot->cfg, .plan = g->plan, .tile = tile, .idx = t->idx, .cnt = t->cnt};
    void *mem = t->share_sz ? qs_wksp_addr(&g->wksp[tile], t->share_off, t->share_sz) : NULL;
    int err = mem && table->share_new ? table->share_new(mem, &ctx) : 0;

    return err ? refuse(g, 3, "tile %s: what it shares: %s", t->name, strerror(-err)) : 0;
}

static int
make_memory(qs_group_t *g, qs_wksp_plan_t const *wksp)
{
    int err = check_memory(g);

    if (!err)
        err = make_boot(g);

    for (u32 i = 0; !err && i < g->plan->tile_cnt; i++) {
        char name[QS_INSTANCE_NAME_MAX + 1];
        qs_boot_workspace_name(g->plan, i, name);
        err = make_workspace(g, &g->shm[i], &g->wksp[i], name, &wksp[i], g->plan->layout_hash,
                             qs_group_page_max(g->conf.cfg), g->bind ? g->plan->tile[i].node : -1);
        if (!err)
            err = make_rings(g, i);
        if (!err)
            err = make_share(g, i);
    }
    return err;
}

/* keep_open lets each tile open, once and with our privileges, what must outlive it. */
static int
keep_open(qs_group_t *g, u32 tile)
{
    qs_tile_t const *table = row_of(g, tile)->tile;
    qs_group_tile_t *gt = &g->tile[tile];

    char option[64];

    gt->ctx = (qs_tile_ctx_t){.cfg = &g->boot->cfg,
                              .plan = g->plan,
                              .clock = &g->boot->clock,
                              .tile = tile,
                              .idx = g->plan->tile[tile].idx,
                              .cnt = g->plan->tile[tile].cnt,
                              .instance = &g->instance,
                              .common = &g->common[g->plan->tile[tile].row]};
    gt->pidfd = gt->log_fd = -1;
    if (!table->keep)
        return 0;
    int err = table->keep(&gt->ctx);
    if (err)
        return refuse(g, err == -EINVAL ? 2 : 3, "%s: %s%s", g->plan->tile[tile].name,
                      gt->ctx.err[0] ? gt->ctx.err : strerror(-err),
                      qs_group_name_port_(g, gt->ctx.err, err, option, sizeof(option)));
    if (gt->ctx.err[0])
        qs_log(&tended, "%s", gt->ctx.err);
    return 0;
}

/* tend has the tile's row look after what it keeps.  Returns what that answers. */
static int
tend(qs_group_t *g, u32 tile, u32 why)
{
    qs_tile_t const *table = row_of(g, tile)->tile;
    qs_group_tile_t *gt = &g->tile[tile];

    if (!table->tend || g->conf.threads)
        return 0;
    qs_plan_tile_t const *t = &g->plan->tile[tile];
    gt->ctx.share = t->share_sz ? qs_wksp_addr(&g->wksp[tile], t->share_off, t->share_sz) : NULL;
    gt->ctx.err[0] = 0;
    int err = table->tend(&gt->ctx, why);
    if (gt->ctx.err[0] && err >= 0)
        qs_log(&tended, "%s", gt->ctx.err);
    return err;
}

static int
make_handovers(qs_group_t *g)
{
    int bell_fd[QS_TILE_MAX];

    for (u32 i = 0; i < g->plan->tile_cnt; i++) {
        bool poll = row_of(g, i)->tile->wait == QS_WAIT_POLL && g->plan->tile[i].park;
        bell_fd[i] = poll ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
        if (poll && bell_fd[i] < 0)
            return refuse(g, 3, "eventfd: %s", strerror(errno));
    }
    for (u32 i = 0; i < g->plan->tile_cnt; i++) {
        qs_handover_t *h = &g->tile[i].handover;
        bool near[QS_TILE_MAX];
        int err = keep_open(g, i);
        if (err)
            return err;
        qs_boot_neighbours(g->plan, i, near);
        h->magic = QS_HANDOVER_MAGIC;
        h->tile = i;
        h->first_start = true;
        h->boot_fd = g->boot_shm.fd_ro;
        h->bells_fd = g->bells_shm.fd_rw;
        for (u32 t = 0; t < QS_TILE_MAX; t++) {
            bool rung = t < g->plan->tile_cnt && near[t];
            bool mapped = rung || (t < g->plan->tile_cnt && g->plan->tile[i].reads_all);
            h->wksp_fd[t] = mapped ? t == i ? g->shm[t].fd_rw : g->shm[t].fd_ro : -1;
            h->eventfd[t] = rung ? bell_fd[t] : -1;
        }
    }
    return 0;
}

static int
start_process(qs_group_t *g, u32 tile)
{
    qs_group_tile_t *gt = &g->tile[tile];
    int pipe_fd[2];

    if (gt->log_fd >= 0)
        close(gt->log_fd);
    if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    pid_t pid = qs_group_spawn_(g, tile, pipe_fd[1]);
    close(pipe_fd[1]);
    gt->log_fd = pipe_fd[0];
    if (pid < 0)
        return -errno;
    gt->handover.first_start = false; /* from now on the tile's memory is not new */
    gt->pid = pid;
    gt->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* refused in some containers: then -1 */
    gt->started_ns = now_ns(g);
    gt->retry_at = 0;
    gt->part_sz = 0;
    g->boot->tile[tile].pid = pid;
    g->boot->tile[tile].starts++;
    return 0;
}

typedef struct thread_arg {
    qs_group_t *group;
    u32 tile;
} thread_arg_t;

static void *
thread_main(void *arg)
{
    thread_arg_t a = *(thread_arg_t *)arg;
    free(arg);
    qs_group_tile_t *gt = &a.group->tile[a.tile];
    qs_group_bind_self_(a.group, a.tile);
    qs_boot_maps_t maps = {
        .boot = &a.group->boot_wksp, .bells = &a.group->bells_wksp, .wksp = a.group->wksp};
    int code = qs_boot_run(&gt->handover, a.group->conf.topos, &maps);
    qs_store_release(&gt->ended, true);
    if (code)
        qs_store_release(&gt->failures, 1);
    return NULL;
}

static int
start_thread(qs_group_t *g, u32 tile)
{
    thread_arg_t *arg = malloc(sizeof(*arg));
    *arg = (thread_arg_t){.group = g, .tile = tile};
    return -pthread_create((pthread_t *)&g->thread[tile], NULL, thread_main, arg);
}

/* makes_work says whether a tile has neither inputs nor a wire. */
static bool
makes_work(qs_group_t const *g, u32 tile)
{
    return !g->plan->tile[tile].in_cnt && !row_of(g, tile)->tile->is_net;
}

static int
start_tile(qs_group_t *g, u32 tile)
{
    qs_group_tile_t *gt = &g->tile[tile];

    gt->handover.kept_cnt = gt->ctx.kept_cnt;
    memcpy(gt->handover.kept_fd, gt->ctx.kept_fd, sizeof(gt->ctx.kept_fd));
    memcpy(gt->handover.note, gt->ctx.note, sizeof(gt->ctx.note));
    gt->renewed = false;
    command(g, tile, g->draining && makes_work(g, tile) ? QS_CMD_HALT : QS_CMD_RUN);
    return g->conf.threads ? start_thread(g, tile) : start_process(g, tile);
}

int
qs_group_start(qs_group_t *g, qs_group_conf_t const *conf)
{
    memset(g, 0, sizeof(*g));
    g->conf = *conf;
    g->plan = calloc(1, sizeof(*g->plan));
    qs_wksp_plan_t *wksp = calloc(QS_TILE_MAX, sizeof(*wksp));
    int code =
        qs_plan_make(g->plan, wksp, conf->topo, conf->cfg, false, g->err, sizeof(g->err)) ? 2 : 0;
    if (!code)
        code = place_on_cpus(g);
    if (!code) {
        int err = qs_instance_create(&g->instance, conf->instance, false, &g->stale_bytes);
        u64 reaped = 0;
        if (err == -EBUSY)
            code =
                refuse(g, 2, "instance %s runs already (pid %d)", conf->instance, g->instance.pid);
        else if (err)
            code = refuse(g, 3, "instance %s: %s", conf->instance, strerror(-err));
        else if (qs_instance_reap(conf->instance, &reaped) > 0)
            g->stale_bytes += reaped;
    }
    if (!code)
        code = make_memory(g, wksp);
    int entered = !code && conf->enter ? conf->enter(conf->enter_arg) : 0;
    if (entered)
        code = refuse(g, 3, "cannot enter the node's namespaces: %s", strerror(-entered));
    if (!code)
        code = make_handovers(g);
    free(wksp);
    if (!code)
        qs_group_say_unguarded_(g);
    for (u32 i = 0; !code && i < g->plan->tile_cnt; i++) {
        int err = start_tile(g, i);
        if (err)
            code = refuse(g, 3, "tile %s: %s", g->plan->tile[i].name, strerror(-err));
    }
    if (code) {
        g->state = QS_GROUP_FAILED;
        qs_group_stop(g);
    }
    return code;
}

static void
give_up(qs_group_t *g, u32 tile, char const *why)
{
    char name[QS_NAME_MAX + 4];

    snprintf(g->err, sizeof(g->err), "%s: %s", label(g, tile, name), why);
    qs_log(&group_stops, "%s", g->err);
    g->state = QS_GROUP_FAILED;
}

static u64
backoff_ns(u32 failures)
{
    u64 wait = BACKOFF_MIN_NS << (failures < 10 ? failures : 10);
    return wait < BACKOFF_MAX_NS ? wait : BACKOFF_MAX_NS;
}

/* bury_tended lets the tile's row deal with an end that has a reason of its own.  Returns whether it
   did: then the tile starts again at once, or the group ends. */
static bool
bury_tended(qs_group_t *g, u32 tile, int status)
{
    qs_group_tile_t *gt = &g->tile[tile];
    u32 reason = WIFEXITED(status) ? status_of(g, tile).reason : 0;
    bool own = reason >= QS_EXIT_FIRST_OWN;
    int err = tend(g, tile, own ? reason : QS_TEND_KILLED);

    if (err < 0) {
        give_up(g, tile, gt->ctx.err[0] ? gt->ctx.err : strerror(-err));
        g->exit_code = err == -EINVAL ? 2 : 3;
        return true;
    }
    if (!own || err != QS_TEND_RENEW)
        return false;
    gt->line_cnt = 0;
    gt->retry_at = now_ns(g);
    return true;
}

static void
bury(qs_group_t *g, u32 tile, int status)
{
    qs_group_tile_t *gt = &g->tile[tile];
    qs_boot_tile_t *record = &g->boot->tile[tile];
    u64 now = now_ns(g);

    if (gt->log_fd >= 0)
        qs_group_read_log_(gt);
    close(gt->pidfd);
    gt->pidfd = -1;
    if (WIFEXITED(status))
        qs_group_tell_denied_(g, tile, status_of(g, tile).reason);
    record->last_status = status;
    record->pid = 0;
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || g->state == QS_GROUP_STOPPING) {
        gt->ended = true;
    } else if (gt->renewed && WIFEXITED(status)) {
        gt->retry_at = now;
    } else if (!bury_tended(g, tile, status)) {
        record->deaths++;
        gt->failures = now - gt->started_ns > SETTLED_NS ? 0 : gt->failures + 1;
        u32 reason = status_of(g, tile).reason;
        bool config = reason == QS_EXIT_CONFIG,
             stop = row_of(g, tile)->death == QS_STOP && !qs_fault_attack;
        bool never_ran =
            g->state == QS_GROUP_STARTING &&
            (config || gt->failures >= BOOT_FAILURES || (stop && reason == QS_EXIT_BOOT));
        if (stop || never_ran) {
            qs_group_tell_death_(g, tile, status, status_of(g, tile).reason,
                                 "it is not to be restarted");
            give_up(g, tile, never_ran ? "it does not start" : "it died, and the group with it");
            g->exit_code = !never_ran ? 1 : config ? 2 : 3;
        } else {
            qs_group_tell_death_(g, tile, status, status_of(g, tile).reason, "it is started again");
            gt->retry_at = now + (gt->failures > 1 ? backoff_ns(gt->failures) : 0);
        }
    }
    gt->pid = 0;
}

static void
restart_due(qs_group_t *g)
{
    u64 now = now_ns(g);

    for (u32 i = 0; i < g->plan->tile_cnt; i++) {
        qs_group_tile_t *gt = &g->tile[i];
        if (g->state > QS_GROUP_RUNNING || gt->pid || !gt->retry_at || gt->retry_at > now)
            continue;
        if (start_tile(g, i))
            gt->retry_at = now + backoff_ns(++gt->failures);
    }
}

static int
until_next_restart(qs_group_t const *g, int timeout_ms)
{
    u64 now = now_ns(g);

    for (u32 i = 0; i < g->plan->tile_cnt; i++) {
        u64 at = g->tile[i].retry_at;
        if (g->tile[i].pid && g->tile[i].pidfd < 0)
            at = now + LOOK_NS;
        else if (!at || g->tile[i].pid)
            continue;
        int ms = at > now ? (int)((at - now) / 1000000u) + 1 : 0;
        timeout_ms = timeout_ms < 0 || ms < timeout_ms ? ms : timeout_ms;
    }
    return timeout_ms;
}

static void
look_at_threads(qs_group_t *g)
{
    for (u32 i = 0; i < g->plan->tile_cnt; i++)
        if (qs_load_acquire(&g->tile[i].failures) && g->state <= QS_GROUP_RUNNING)
            give_up(g, i, "its thread failed");
}

/* tend_all: a tile that is to be started anew is told to end, and woken to hear it. */
static void
tend_all(qs_group_t *g)
{
    u64 now = now_ns(g);

    if (now < g->tend_at || g->state > QS_GROUP_RUNNING)
        return;
    g->tend_at = now + TEND_NS;
    for (u32 i = 0; i < g->plan->tile_cnt && g->state <= QS_GROUP_RUNNING; i++) {
        qs_group_tile_t *gt = &g->tile[i];
        if (!gt->pid || gt->renewed)
            continue;
        int err = tend(g, i, QS_TEND_LOOK);
        if (err == QS_TEND_RENEW) {
            gt->renewed = true;
            command(g, i, QS_CMD_RENEW);
            qs_bell_fence();
            ring_tile(g, i);
        } else if (err < 0) {
            give_up(g, i, gt->ctx.err[0] ? gt->ctx.err : strerror(-err));
            g->exit_code = 3;
        }
    }
}

bool
qs_group_poll(qs_group_t *g, int fd, int timeout_ms)
{
    struct pollfd p[1 + 2 * QS_TILE_MAX];
    u32 owner[1 + 2 * QS_TILE_MAX];
    nfds_t cnt = 0;

    p[cnt++] = (struct pollfd){.fd = fd, .events = POLLIN};
    for (u32 i = 0; !g->conf.threads && i < g->plan->tile_cnt; i++) {
        owner[cnt] = i;
        p[cnt++] = (struct pollfd){.fd = g->tile[i].log_fd, .events = POLLIN};
        owner[cnt] = i;
        p[cnt++] = (struct pollfd){.fd = g->tile[i].pidfd, .events = POLLIN};
    }
    poll(p, cnt, until_next_restart(g, timeout_ms));
    for (nfds_t k = 1; k < cnt; k += 2) {
        qs_group_tile_t *gt = &g->tile[owner[k]];
        int status;
        if (p[k].revents && gt->log_fd >= 0)
            qs_group_read_log_(gt);
        bool look = gt->pidfd < 0 || p[k + 1].revents;
        if (look && gt->pid && waitpid(gt->pid, &status, WNOHANG) == gt->pid)
            bury(g, owner[k], status);
    }
    if (g->conf.threads)
        look_at_threads(g);
    tend_all(g);
    restart_due(g);
    if (g->state == QS_GROUP_STARTING && qs_group_ready(g))
        g->state = QS_GROUP_RUNNING;
    g->boot->group_state = g->state;
    return fd >= 0 && p[0].revents & POLLIN;
}

bool
qs_group_ready(qs_group_t *g)
{
    for (u32 i = 0; i < g->plan->tile_cnt; i++)
        if (status_of(g, i).state != QS_CNC_RUN && !qs_load_acquire(&g->tile[i].ended))
            return false;
    return true;
}

bool
qs_group_done(qs_group_t const *g)
{
    for (u32 i = 0; i < g->plan->tile_cnt; i++)
        if (!qs_load_acquire(&g->tile[i].ended))
            return false;
    return true;
}

/* command_halt tells all tiles, or only those that make work. */
static void
command_halt(qs_group_t *g, bool all)
{
    for (u32 i = 0; i < g->plan->tile_cnt; i++)
        if (all || makes_work(g, i))
            command(g, i, QS_CMD_HALT);
    qs_bell_fence();
    for (u32 i = 0; i < g->plan->tile_cnt; i++)
        ring_tile(g, i);
}

void
qs_group_drain(qs_group_t *g)
{
    g->draining = true;
    command_halt(g, false);
}

static void
halt_tiles(qs_group_t *g)
{
    u64 deadline = now_ns(g) + HALT_GRACE_NS;
    char name[QS_NAME_MAX + 4];

    command_halt(g, true);
    if (g->conf.threads) {
        for (u32 i = 0; i < g->plan->tile_cnt; i++)
            if (g->thread[i])
                pthread_join((pthread_t)g->thread[i], NULL);
        return;
    }
    for (;;) {
        u32 left = 0;
        for (u32 i = 0; i < g->plan->tile_cnt; i++)
            left += g->tile[i].pid != 0;
        if (!left)
            return;
        if (now_ns(g) > deadline) {
            for (u32 i = 0; i < g->plan->tile_cnt; i++) {
                if (!g->tile[i].pid)
                    continue;
                qs_log(&kills, "%s does not halt and is killed", label(g, i, name));
                kill(g->tile[i].pid, SIGKILL);
            }
            deadline = UINT64_MAX;
        }
        qs_group_poll(g, -1, 50);
    }
}

static void
drop(qs_group_t *g, u32 tile)
{
    qs_tile_t const *table = row_of(g, tile)->tile;
    qs_tile_ctx_t *ctx = &g->tile[tile].ctx;

    if (!ctx->plan)
        return; /* it has not come to keep */
    if (table->drop)
        table->drop(ctx);
    for (u32 k = 0; k < ctx->kept_cnt; k++)
        close(ctx->kept_fd[k]);
}

int
qs_group_stop(qs_group_t *g)
{
    bool failed = g->state == QS_GROUP_FAILED;

    g->state = QS_GROUP_STOPPING;
    if (g->boot && g->bells_wksp.mem)
        halt_tiles(g);
    if (g->boot)
        g->boot->group_state = failed ? QS_GROUP_FAILED : QS_GROUP_STOPPED;
    for (u32 i = 0; g->plan && i < g->plan->tile_cnt; i++) {
        qs_handover_t const *h = &g->tile[i].handover;
        drop(g, i);
        if (h->magic && h->eventfd[i] >= 0)
            close(h->eventfd[i]);
        if (h->magic && g->tile[i].log_fd >= 0)
            close(g->tile[i].log_fd);
        if (h->magic && g->tile[i].pidfd >= 0)
            close(g->tile[i].pidfd);
        if (g->wksp[i].mem) {
            qs_wksp_unmap(&g->wksp[i]);
            qs_shm_close(&g->shm[i]);
        }
    }
    if (g->bells_wksp.mem) {
        qs_wksp_unmap(&g->bells_wksp);
        qs_shm_close(&g->bells_shm);
    }
    if (g->boot_wksp.mem) {
        qs_log_errs(NULL);
        qs_wksp_unmap(&g->boot_wksp);
        qs_shm_close(&g->boot_shm);
    }
    if (g->instance.name[0] && g->instance.owner)
        qs_instance_close(&g->instance);
    free(g->plan);
    g->plan = NULL;
    g->boot = NULL;
    g->state = failed ? QS_GROUP_FAILED : QS_GROUP_STOPPED;
    return failed ? g->exit_code ? g->exit_code : 1 : 0;
}

#include "app/qs_supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/qs_notify.h"
#include "disco/qs_metric_page.h"
#include "tango/base/qs_log.h"

static qs_log_site_t runs = {.id = "QS-RUN-001", .level = QS_LOG_NOTICE};
static qs_log_site_t fails = {.id = "QS-RUN-002", .level = QS_LOG_ERROR};
static qs_log_site_t memory = {.id = "QS-RUN-003", .level = QS_LOG_NOTICE};
static qs_log_site_t removed = {.id = "QS-RUN-004", .level = QS_LOG_NOTICE};
static qs_log_site_t placed = {.id = "QS-RUN-005", .level = QS_LOG_NOTICE};

static qs_log_site_t reopened = {.id = "QS-RUN-006", .level = QS_LOG_NOTICE};
static qs_log_site_t no_log = {.id = "QS-RUN-007", .level = QS_LOG_ERROR};
static qs_log_site_t no_manager = {.id = "QS-RUN-008", .level = QS_LOG_WARNING};

#define STATUS_NS 1000000000u

/* What is told to the service manager, and when next. */
typedef struct teller {
    qs_notify_t to;
    u64 status_at, watchdog_at;
} teller_t;

static int
catch_signals(bool ignore_sigint, bool catch_sighup)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    if (catch_sighup)
        sigaddset(&set, SIGHUP);
    if (ignore_sigint)
        signal(SIGINT, SIG_IGN);
    else
        sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* open_log makes standard error, which all lines come through, the log file.  Returns 0 or -errno. */
static int
open_log(char const *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    int err = fd < 0 || dup2(fd, 2) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return err;
}

static void
reopen_log(char const *path)
{
    int err = open_log(path);

    if (err)
        qs_log(&no_log, "log.path = %s: %s; the old file goes on", path, strerror(-err));
    else
        qs_log(&reopened, "log opened anew");
}

/* all_live says whether no tile that runs has been silent for ns. */
static bool
all_live(qs_group_t const *g, u64 ns, u32 *running)
{
    qs_metric_view_t const view = {
        .plan = g->plan, .topo = g->conf.topo, .boot = g->boot, .wksp = g->wksp};
    u64 now = qs_clock_now(&g->boot->clock);
    bool live = true;

    *running = 0;
    for (u32 i = 0; i < g->plan->tile_cnt; i++) {
        qs_life_metrics_t life = qs_metric_life(&view, i, now);
        *running += life.up != 0;
        live &= !life.up || life.heartbeat_age_ns < ns;
    }
    return live;
}

/* tell says how we are, once a second, and that we live, twice as often as is asked for: as long as no
   tile stands still. */
static void
tell(teller_t *t, qs_group_t const *g)
{
    u64 now = qs_clock_now(&g->boot->clock);
    u32 running;

    if (t->to.fd < 0)
        return;
    bool live = all_live(g, t->to.watchdog_ns ? t->to.watchdog_ns : UINT64_MAX, &running);
    if (now >= t->status_at) {
        t->status_at = now + STATUS_NS;
        qs_notify_send(&t->to, "STATUS=%s: %u of %u tiles run", g->plan->topo, running,
                       g->plan->tile_cnt);
    }
    if (t->to.watchdog_ns && live && now >= t->watchdog_at) {
        t->watchdog_at = now + t->to.watchdog_ns / 2;
        qs_notify_send(&t->to, "WATCHDOG=1");
    }
}

/* say_memory prints one line if large pages were wanted and not got. */
static void
say_memory(qs_group_t const *g)
{
    qs_shm_t const *largest = &g->shm[0];
    char said[256];

    for (u32 i = 1; i < g->plan->tile_cnt; i++)
        if (g->shm[i].sz > largest->sz)
            largest = &g->shm[i];
    qs_log(&memory, "memory %lu KiB in all; largest workspace %s", g->bytes >> 10,
           qs_shm_say(largest, said, sizeof(said)));
    for (u32 i = 0; i < g->plan->tile_cnt; i++) {
        qs_plan_tile_t const *t = &g->plan->tile[i];
        if (t->frame_cnt && !t->idx)
            qs_log(&memory, "UMEM of each %s: %u frames of %u bytes", t->name, t->frame_cnt,
                   t->frame_sz);
    }
}

static void
say_ready(qs_supervise_t const *s, qs_group_t const *g)
{
    if (!s->quiet) {
        u64 took = qs_clock_now(&g->boot->clock) - g->boot->started_ns;
        qs_log(&runs, "%s: %u tiles run, %lu ms after the start; instance %s", g->plan->topo,
               g->plan->tile_cnt, took / 1000000u, g->instance.name);
    }
    if (s->ready_fd >= 0 && write(s->ready_fd, "", 1) != 1)
        qs_log(&fails, "nobody waits for this node");
}

/* heed returns whether we are to stop. */
static bool
heed(qs_supervise_t const *s, qs_group_t *g, int signal_fd)
{
    struct signalfd_siginfo got;

    if (read(signal_fd, &got, sizeof(got)) != (ssize_t)sizeof(got))
        return false;
    if (got.ssi_signo == SIGUSR1)
        qs_group_drain(g);
    else if (got.ssi_signo == SIGHUP)
        reopen_log(s->group.cfg->log.path);
    else
        return true;
    return false;
}

/* wait_ms: short enough for whoever waits for us to be ready, or to live. */
static int
wait_ms(teller_t const *t, bool ready)
{
    u64 ms = t->to.watchdog_ns ? t->to.watchdog_ns / 4000000u + 1 : 100;
    return ready ? (int)qs_min_u64(ms, 100) : 1;
}

static int
live(qs_supervise_t const *s, qs_group_t *g, int signal_fd, teller_t *t)
{
    u64 end = s->seconds ? qs_clock_now(&g->boot->clock) + s->seconds * 1000000000u : UINT64_MAX;
    bool ready = false;

    while (g->state <= QS_GROUP_RUNNING && !qs_group_done(g)) {
        if (qs_group_poll(g, signal_fd, wait_ms(t, ready)) && heed(s, g, signal_fd))
            break;
        tell(t, g);
        if (!ready && g->state == QS_GROUP_RUNNING) {
            ready = true;
            say_ready(s, g);
            qs_notify_send(&t->to, "READY=1");
        }
        if (qs_clock_now(&g->boot->clock) >= end)
            break;
    }
    qs_notify_send(&t->to, "STOPPING=1");
    return qs_group_stop(g);
}

int
qs_supervise(qs_supervise_t const *s)
{
    char const *path = s->group.cfg->log.path;
    teller_t t = {.to = {.fd = -1}};
    int err = path[0] ? open_log(path) : 0;

    if (err) {
        qs_log(&no_log, "log.path = %s: %s", path, strerror(-err));
        return 3;
    }
    err = s->notify ? qs_notify_open(&t.to) : 0;
    if (err)
        qs_log(&no_manager, "NOTIFY_SOCKET: %s; the service manager is told nothing",
               strerror(-err));
    qs_group_t *g = calloc(1, sizeof(*g));
    int signal_fd = catch_signals(s->ignore_sigint, path[0] != 0);
    int code = qs_group_start(g, &s->group);

    if (code) {
        qs_log(&fails, "%s", g->err);
        qs_notify_send(&t.to, "STATUS=%s", g->err);
    } else {
        if (g->stale_bytes)
            qs_log(&removed, "removed what dead instances had left: %lu KiB", g->stale_bytes >> 10);
        if (!s->quiet) {
            say_memory(g);
            qs_log(&placed, "%s", g->placed);
        }
        code = live(s, g, signal_fd, &t);
    }
    qs_notify_close(&t.to);
    close(signal_fd);
    free(g);
    return code;
}

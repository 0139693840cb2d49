#include "app/qs_supervise.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tango/base/qs_log.h"

static qs_log_site_t runs = {.id = "QS-RUN-001", .level = QS_LOG_NOTICE};
static qs_log_site_t fails = {.id = "QS-RUN-002", .level = QS_LOG_ERROR};
static qs_log_site_t memory = {.id = "QS-RUN-003", .level = QS_LOG_NOTICE};
static qs_log_site_t removed = {.id = "QS-RUN-004", .level = QS_LOG_NOTICE};
static qs_log_site_t placed = {.id = "QS-RUN-005", .level = QS_LOG_NOTICE};

static int
catch_signals(bool ignore_sigint)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    if (ignore_sigint)
        signal(SIGINT, SIG_IGN);
    else
        sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
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

static int
live(qs_supervise_t const *s, qs_group_t *g, int signal_fd)
{
    u64 end = s->seconds ? qs_clock_now(&g->boot->clock) + s->seconds * 1000000000u : UINT64_MAX;
    bool ready = false;

    while (g->state <= QS_GROUP_RUNNING && !qs_group_done(g)) {
        if (qs_group_poll(g, signal_fd, ready ? 100 : 1)) {
            struct signalfd_siginfo got;
            if (read(signal_fd, &got, sizeof(got)) != (ssize_t)sizeof(got))
                continue;
            if (got.ssi_signo != SIGUSR1)
                break;
            qs_group_drain(g);
        }
        if (!ready && g->state == QS_GROUP_RUNNING) {
            ready = true;
            say_ready(s, g);
        }
        if (qs_clock_now(&g->boot->clock) >= end)
            break;
    }
    return qs_group_stop(g);
}

int
qs_supervise(qs_supervise_t const *s)
{
    qs_group_t *g = calloc(1, sizeof(*g));
    int signal_fd = catch_signals(s->ignore_sigint);
    int code = qs_group_start(g, &s->group);

    if (code) {
        qs_log(&fails, "%s", g->err);
    } else {
        if (g->stale_bytes)
            qs_log(&removed, "removed what dead instances had left: %lu KiB", g->stale_bytes >> 10);
        if (!s->quiet) {
            say_memory(g);
            qs_log(&placed, "%s", g->placed);
        }
        code = live(s, g, signal_fd);
    }
    close(signal_fd);
    free(g);
    return code;
}

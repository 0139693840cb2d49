#include <sys/wait.h>
#include <unistd.h>

#include "disco/qs_group.h"
#include "disco/qs_sandbox_calls.h"
#include "tango/base/qs_log.h"

static qs_log_site_t tile_died = {.id = "QS-GRP-001", .level = QS_LOG_WARNING};
static qs_log_site_t made_call = {.id = "QS-TIL-004", .level = QS_LOG_ERROR};
static qs_log_site_t trespassed = {.id = "QS-TIL-005", .level = QS_LOG_ERROR};
static qs_log_site_t last_words = {.id = "QS-GRP-002", .level = QS_LOG_WARNING};

/* keep_line remembers what a tile said, for the case that it dies, and passes it on. */
static void
keep_line(qs_group_tile_t *gt, char const *text, u32 sz)
{
    char *line = gt->line[gt->line_cnt++ % QS_GROUP_LAST_LINES];
    u32 kept = sz < QS_GROUP_LINE_SZ - 1 ? sz : QS_GROUP_LINE_SZ - 1;

    memcpy(line, text, kept);
    line[kept] = 0;
}

void
qs_group_read_log_(qs_group_tile_t *gt)
{
    char buf[4096];
    ssize_t got;

    while ((got = read(gt->log_fd, buf, sizeof(buf))) > 0) {
        ssize_t wrote = write(2, buf, (size_t)got);
        (void)wrote;
        for (ssize_t i = 0; i < got; i++) {
            if (buf[i] == '\n') {
                keep_line(gt, gt->part, gt->part_sz);
                gt->part_sz = 0;
            } else if (gt->part_sz < sizeof(gt->part)) {
                gt->part[gt->part_sz++] = buf[i];
            }
        }
    }
    if (got == 0) {
        close(gt->log_fd);
        gt->log_fd = -1;
    }
}

char const *
qs_group_name_port_(qs_group_t const *g, char const *said, int err, char *out, u64 out_sz)
{
    char const *at = strstr(said, "port ");
    u64 number = at ? strtoull(at + 5, NULL, 10) : 0;
    char option[32];

    out[0] = 0;
    if (err == -EADDRNOTAVAIL && g->conf.cfg->net.bind_address[0]) {
        snprintf(out, out_sz, " (net.bind_address = %s)", g->conf.cfg->net.bind_address);
        return out;
    }
    for (u32 i = 0; number && i < g->plan->port_cnt; i++)
        if (g->plan->port[i].port == number)
            snprintf(out, out_sz, " (%s)",
                     qs_plan_port_option(&g->plan->port[i], option, sizeof(option)));
    return out;
}

void
qs_group_tell_denied_(qs_group_t *g, u32 tile, u32 reason)
{
    qs_stem_metrics_t const *m =
        qs_wksp_addr(&g->wksp[tile], g->plan->tile[tile].stem_metrics_off, sizeof(*m));
    u64 denied = qs_metric_get(&m->denied), what = qs_metric_get(&m->denied_call);
    u64 arg0 = qs_metric_get(&m->denied_first), arg1 = qs_metric_get(&m->denied_second);
    char name[QS_NAME_MAX + 4], other[QS_NAME_MAX + 4] = "boot", call[32];

    if (denied == g->tile[tile].denied)
        return;
    g->tile[tile].denied = denied;
    qs_plan_label(g->plan, tile, name, sizeof(name));
    if (reason == QS_EXIT_DENIED)
        qs_log(&made_call,
               "tile %s made the system call %s (%lu), which it may not: it was ended; arguments "
               "0x%lx, 0x%lx",
               name, qs_sandbox_call_name(what, call, sizeof(call)), what, arg0, arg1);
    if (reason == QS_EXIT_TRESPASS) {
        if (what < g->plan->tile_cnt)
            qs_plan_label(g->plan, (u32)what, other, sizeof(other));
        qs_log(&trespassed,
               "tile %s wrote to the workspace of %s, which it may only read: it was ended; offset "
               "0x%lx",
               name, other, arg0);
    }
}

void
qs_group_tell_death_(qs_group_t *g, u32 tile, int status, u32 reason, char const *then)
{
    qs_group_tile_t *gt = &g->tile[tile];
    char name[QS_NAME_MAX + 4];

    if (WIFSIGNALED(status))
        qs_log(&tile_died, "%s (pid %d) was killed by signal %d (%s); %s",
               qs_plan_label(g->plan, tile, name, sizeof(name)), gt->pid, WTERMSIG(status),
               strsignal(WTERMSIG(status)), then);
    else if (reason == QS_EXIT_ABORT)
        qs_log(&tile_died, "%s (pid %d) found itself broken and aborted; %s",
               qs_plan_label(g->plan, tile, name, sizeof(name)), gt->pid, then);
    else
        qs_log(&tile_died, "%s (pid %d) ended with code %d, reason %u; %s",
               qs_plan_label(g->plan, tile, name, sizeof(name)), gt->pid, WEXITSTATUS(status),
               reason, then);
    u32 cnt = gt->line_cnt < QS_GROUP_LAST_LINES ? gt->line_cnt : QS_GROUP_LAST_LINES;
    for (u32 i = gt->line_cnt - cnt; i < gt->line_cnt; i++)
        qs_log(&last_words, "%s had said: %s", name, gt->line[i % QS_GROUP_LAST_LINES]);
    gt->line_cnt = 0;
}

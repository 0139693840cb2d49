#include "app/monitor/qs_mon_model.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define STALE_NS 1000000000u

/* copy reads shared words one by one, and zeroes what is not there. */
static void
copy(qs_attach_t const *a, u32 tile, u64 off, void *to, u64 sz)
{
    u64 const *from = qs_attach_at(a, tile, off, sz);

    for (u64 i = 0; i < sz / sizeof(u64); i++)
        ((u64 *)to)[i] = from ? qs_load_relaxed(&from[i]) : 0;
}

static void
take_own(void *ctx, qs_attach_metric_t const *m)
{
    qs_mon_look_t *l = ctx;

    if (!m->link && !strcmp(m->group, m->tile->name) && l->own_cnt < QS_MON_OWN_MAX)
        l->own[l->own_cnt++] = *m;
}

/* switches_of reads how often the kernel took the process off its core; 0 if nobody tells. */
static u64
switches_of(i32 pid)
{
    char path[48], text[4096];
    u64 sum = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t sz = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[sz > 0 ? sz : 0] = 0;
    for (char *at = text; (at = strstr(at, "voluntary_ctxt_switches:")); at++)
        sum += strtoul(at + 24, NULL, 10);
    return sum;
}

static void
take_tile(qs_attach_t const *a, qs_mon_look_t *l, u32 i)
{
    qs_plan_tile_t const *t = &a->plan->tile[i];
    qs_boot_tile_t const *life = &a->boot->tile[i];
    qs_cnc_rx_t rx;

    copy(a, i, t->stem_metrics_off, &l->stem[i], sizeof(l->stem[i]));
    l->cnc[i] = (qs_cnc_view_t){.state = QS_CNC_UNKNOWN};
    if (!qs_cnc_rx_join(&rx, qs_attach_at(a, i, t->cnc_off, qs_cnc_footprint())))
        l->cnc[i] = qs_cnc_query(&rx);
    l->life[i] = (qs_boot_tile_t){.starts = qs_load_relaxed(&life->starts),
                                  .deaths = qs_load_relaxed(&life->deaths),
                                  .last_status = qs_load_relaxed(&life->last_status),
                                  .pid = qs_load_relaxed(&life->pid)};
    l->switches[i] = l->alive ? switches_of(l->life[i].pid) : 0;
}

static void
take_link(qs_attach_t const *a, qs_mon_look_t *l, u32 i)
{
    qs_plan_link_t const *link = &a->plan->link[i];
    void const *ring = qs_attach_at(a, link->producer, link->mcache_off, link->mcache_sz);

    copy(a, link->producer, link->out_metrics_off, &l->out[i], sizeof(l->out[i]));
    for (u32 c = 0; c < link->consumer_cnt; c++) {
        u32 t = link->consumer[c];
        qs_fseq_t const *fseq = qs_attach_at(a, t, link->fseq_off[c], sizeof(*fseq));
        qs_hist_t const *hist = qs_attach_at(a, t, link->latency_off[c], sizeof(*hist));
        copy(a, t, link->in_metrics_off[c], &l->in[i][c], sizeof(l->in[i][c]));
        i64 used =
            ring && fseq ? (i64)(qs_mcache_seq0(ring) + l->out[i].frag - qs_fseq_query(fseq)) : 0;
        l->used[i][c] = used < 0 ? 0 : used < (i64)link->depth ? (u64)used : link->depth;
        l->p50[i][c] = hist ? qs_hist_percentile(hist, 500000) : 0;
        l->p99[i][c] = hist ? qs_hist_percentile(hist, 990000) : 0;
    }
}

void
qs_mon_take(qs_attach_t const *a, qs_mon_look_t *l)
{
    qs_clock_t clock;

    l->at_ns = qs_clock_os_ns();
    l->now_ns = qs_clock_join(&clock, &a->boot->clock) ? l->at_ns : qs_clock_now(&clock);
    l->alive = qs_instance_alive(&a->instance);
    l->own_cnt = 0;
    qs_attach_metrics(a, take_own, l);
    for (u32 i = 0; i < a->plan->tile_cnt; i++)
        take_tile(a, l, i);
    for (u32 i = 0; i < a->plan->link_cnt; i++)
        take_link(a, l, i);
}

void
qs_mon_step(qs_mon_t *m)
{
    qs_mon_look_t *older = m->was;

    m->was = m->is;
    m->is = older;
    qs_mon_take(m->a, m->is);
    bool full = m->past_cnt == QS_MON_PAST_MAX;
    for (u32 i = 0; i < m->a->plan->tile_cnt; i++) {
        if (full)
            memmove(m->past[i], m->past[i] + 1, QS_MON_PAST_MAX - 1);
        m->past[i][m->past_cnt - full] = (u8)qs_mon_share(&m->was->stem[i], &m->is->stem[i]).busy;
    }
    m->past_cnt += !full;
}

qs_mon_share_t
qs_mon_share(qs_stem_metrics_t const *was, qs_stem_metrics_t const *is)
{
    double busy = (double)(is->processing_ns - was->processing_ns);
    double blocked = (double)(is->backpressured_ns - was->backpressured_ns);
    double idle = (double)(is->caught_up_ns - was->caught_up_ns);
    double all = busy + blocked + idle;

    if (all <= 0)
        return (qs_mon_share_t){0};
    return (qs_mon_share_t){100 * busy / all, 100 * blocked / all, 100 * idle / all};
}

double
qs_mon_seconds(qs_mon_t const *m)
{
    return (double)(m->is->at_ns - m->was->at_ns) / 1e9;
}

double
qs_mon_rate(u64 was, u64 is, double seconds)
{
    return seconds > 0 && is >= was ? (double)(is - was) / seconds : 0;
}

u64
qs_mon_own_since(qs_mon_t const *m, u32 i)
{
    qs_attach_metric_t const *v = &m->is->own[i];
    bool since = m->zero && v->desc->kind == QS_METRIC_COUNTER && i < m->zero->own_cnt &&
                 m->zero->own[i].value <= v->value;

    return v->value - (since ? m->zero->own[i].value : 0);
}

static bool
is_own(qs_attach_metric_t const *v, char const *row, char const *name)
{
    return !strcmp(v->desc->name, name) && !strcmp(v->tile->name, row);
}

u64
qs_mon_own(qs_mon_t const *m, char const *row, char const *name)
{
    u64 sum = 0;

    for (u32 i = 0; i < m->is->own_cnt; i++)
        if (is_own(&m->is->own[i], row, name))
            sum += qs_mon_own_since(m, i);
    return sum;
}

double
qs_mon_own_rate(qs_mon_t const *m, char const *row, char const *name)
{
    double sum = 0;

    for (u32 i = 0; i < m->is->own_cnt && i < m->was->own_cnt; i++)
        if (is_own(&m->is->own[i], row, name))
            sum += qs_mon_rate(m->was->own[i].value, m->is->own[i].value, qs_mon_seconds(m));
    return sum;
}

u64
qs_mon_age_ns(qs_mon_t const *m, u32 tile)
{
    u64 at = m->is->cnc[tile].heartbeat_ns;
    return at && at < m->is->now_ns ? m->is->now_ns - at : 0;
}

bool
qs_mon_stale(qs_mon_t const *m, u32 tile)
{
    return m->is->cnc[tile].state == QS_CNC_RUN && qs_mon_age_ns(m, tile) > STALE_NS;
}

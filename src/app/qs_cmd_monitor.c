/* monitor - tiles, links and the tiles' own metrics of an instance, once a second.

   Shares and rates are of the time since the last table; --once takes two looks. */

#include <time.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"

#define OWN_MAX 2048u

/* What one look sees of a link as one consumer reads it, and of a tile. */
typedef struct look {
    u64 at_ns;
    qs_stem_metrics_t stem[QS_TILE_MAX];
    qs_cnc_view_t cnc[QS_TILE_MAX];
    qs_out_metrics_t out[QS_LINK_MAX];
    qs_in_metrics_t in[QS_LINK_MAX][QS_CONSUMER_MAX];
    u64 p50[QS_LINK_MAX][QS_CONSUMER_MAX], p99[QS_LINK_MAX][QS_CONSUMER_MAX];
    u32 own_cnt;
    qs_attach_metric_t own[OWN_MAX]; /* each look finds the same ones in the same order */
} look_t;

static u64
clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

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
    look_t *l = ctx;

    if (!m->link && !strcmp(m->group, m->tile->name) && l->own_cnt < OWN_MAX)
        l->own[l->own_cnt++] = *m;
}

static void
take(qs_attach_t const *a, look_t *l)
{
    l->at_ns = clock_ns();
    l->own_cnt = 0;
    qs_attach_metrics(a, take_own, l);
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        qs_plan_tile_t const *t = &a->plan->tile[i];
        qs_cnc_rx_t rx;
        copy(a, i, t->stem_metrics_off, &l->stem[i], sizeof(l->stem[i]));
        l->cnc[i] = (qs_cnc_view_t){.state = QS_CNC_UNKNOWN};
        if (!qs_cnc_rx_join(&rx, qs_attach_at(a, i, t->cnc_off, qs_cnc_footprint())))
            l->cnc[i] = qs_cnc_query(&rx);
    }
    for (u32 i = 0; i < a->plan->link_cnt; i++) {
        qs_plan_link_t const *link = &a->plan->link[i];
        copy(a, link->producer, link->out_metrics_off, &l->out[i], sizeof(l->out[i]));
        for (u32 c = 0; c < link->consumer_cnt; c++) {
            u32 t = link->consumer[c];
            copy(a, t, link->in_metrics_off[c], &l->in[i][c], sizeof(l->in[i][c]));
            qs_hist_t const *hist = qs_attach_at(a, t, link->latency_off[c], sizeof(*hist));
            l->p50[i][c] = hist ? qs_hist_percentile(hist, 500000) : 0;
            l->p99[i][c] = hist ? qs_hist_percentile(hist, 990000) : 0;
        }
    }
}

typedef struct share {
    double busy, blocked, idle; /* per cent of the time between two looks */
} share_t;

static share_t
share_of(qs_stem_metrics_t const *was, qs_stem_metrics_t const *is)
{
    double busy = (double)(is->processing_ns - was->processing_ns);
    double blocked = (double)(is->backpressured_ns - was->backpressured_ns);
    double idle = (double)(is->caught_up_ns - was->caught_up_ns);
    double all = busy + blocked + idle;

    if (all <= 0)
        return (share_t){0};
    return (share_t){100 * busy / all, 100 * blocked / all, 100 * idle / all};
}

static double
rate(u64 was, u64 is, double seconds)
{
    return seconds > 0 ? (double)(is - was) / seconds : 0;
}

/* own_rate is how fast a counter grows; a gauge has none. */
static double
own_rate(look_t const *was, look_t const *is, u32 i)
{
    return is->own[i].desc->kind == QS_METRIC_COUNTER
               ? rate(was->own[i].value, is->own[i].value, (double)(is->at_ns - was->at_ns) / 1e9)
               : 0;
}

/* print_own_text leaves out what is 0: most metrics count what should not happen. */
static void
print_own_text(qs_attach_t const *a, look_t const *was, look_t const *is)
{
    char label[QS_NAME_MAX + 4];

    printf("\n%-12s %-24s %20s %12s\n", "tile", "metric", "value", "per s");
    for (u32 i = 0; i < is->own_cnt; i++) {
        qs_attach_metric_t const *m = &is->own[i];
        if (!m->value)
            continue;
        printf("%-12s %-24s %20lu",
               qs_plan_label(a->plan, (u32)(m->tile - a->plan->tile), label, sizeof(label)),
               m->desc->name, m->value);
        if (m->desc->kind == QS_METRIC_COUNTER)
            printf(" %12.0f", own_rate(was, is, i));
        putchar('\n');
    }
}

static void
print_own_json(qs_attach_t const *a, look_t const *was, look_t const *is)
{
    char label[QS_NAME_MAX + 4];

    printf("],\"metrics\":[");
    for (u32 i = 0; i < is->own_cnt; i++) {
        qs_attach_metric_t const *m = &is->own[i];
        printf("%s{\"tile\":\"%s\",\"name\":\"%s\",\"value\":%lu", i ? "," : "",
               qs_plan_label(a->plan, (u32)(m->tile - a->plan->tile), label, sizeof(label)),
               m->desc->name, m->value);
        if (m->desc->kind == QS_METRIC_COUNTER)
            printf(",\"per_s\":%.0f", own_rate(was, is, i));
        putchar('}');
    }
}

static void
print_text(qs_attach_t const *a, look_t const *was, look_t const *is)
{
    double s = (double)(is->at_ns - was->at_ns) / 1e9;
    char label[QS_NAME_MAX + 4], to[QS_NAME_MAX + 4];

    printf("%s  %s  supervisor %d\n\n", a->instance.name,
           qs_instance_alive(&a->instance) ? "alive" : "dead", a->boot->supervisor_pid);
    printf("%-12s %-7s %8s %4s %6s %6s %6s %6s %7s\n", "tile", "state", "pid", "cpu", "busy%",
           "block%", "idle%", "starts", "parks/s");
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        share_t sh = share_of(&was->stem[i], &is->stem[i]);
        printf("%-12s %-7s %8u %4d %6.1f %6.1f %6.1f %6lu %7.0f\n",
               qs_plan_label(a->plan, i, label, sizeof(label)), qs_cnc_state_name(is->cnc[i].state),
               is->cnc[i].pid, a->plan->tile[i].cpu, sh.busy, sh.blocked, sh.idle,
               is->stem[i].start, rate(was->stem[i].park, is->stem[i].park, s));
    }
    printf("\n%-18s %-10s %12s %12s %10s %8s %6s %9s %9s\n", "link", "reader", "published/s",
           "read/s", "read", "lost", "bad", "p50 ns", "p99 ns");
    for (u32 i = 0; i < a->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &a->plan->link[i];
        for (u32 c = 0; c < l->consumer_cnt; c++) {
            qs_in_metrics_t const *in = &is->in[i][c];
            printf("%-18s %-10s %12.0f %12.0f %10lu %8lu %6lu %9lu %9lu\n", l->name,
                   qs_plan_label(a->plan, l->consumer[c], to, sizeof(to)),
                   rate(was->out[i].frag, is->out[i].frag, s),
                   rate(was->in[i][c].frag, in->frag, s), in->frag, in->lost, in->bad,
                   is->p50[i][c], is->p99[i][c]);
        }
    }
    print_own_text(a, was, is);
}

static void
print_json(qs_attach_t const *a, look_t const *was, look_t const *is)
{
    double s = (double)(is->at_ns - was->at_ns) / 1e9;
    char label[QS_NAME_MAX + 4], to[QS_NAME_MAX + 4];

    printf("{\"instance\":\"%s\",\"alive\":%s,\"supervisor_pid\":%d,\"tiles\":[", a->instance.name,
           qs_instance_alive(&a->instance) ? "true" : "false", a->boot->supervisor_pid);
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        share_t sh = share_of(&was->stem[i], &is->stem[i]);
        printf("%s{\"name\":\"%s\",\"state\":\"%s\",\"pid\":%u,\"cpu\":%d,\"busy_permille\":%.0f,"
               "\"blocked_permille\":%.0f,\"idle_permille\":%.0f,\"starts\":%lu}",
               i ? "," : "", qs_plan_label(a->plan, i, label, sizeof(label)),
               qs_cnc_state_name(is->cnc[i].state), is->cnc[i].pid, a->plan->tile[i].cpu,
               10 * sh.busy, 10 * sh.blocked, 10 * sh.idle, is->stem[i].start);
    }
    printf("],\"links\":[");
    bool first = true;
    for (u32 i = 0; i < a->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &a->plan->link[i];
        for (u32 c = 0; c < l->consumer_cnt; c++) {
            qs_in_metrics_t const *in = &is->in[i][c];
            printf("%s{\"name\":\"%s\",\"reader\":\"%s\",\"published\":%lu,\"published_pps\":%.0f,"
                   "\"read\":%lu,\"read_pps\":%.0f,\"lost\":%lu,\"bad\":%lu,"
                   "\"latency_p50_ns\":%lu,\"latency_p99_ns\":%lu}",
                   first ? "" : ",", l->name,
                   qs_plan_label(a->plan, l->consumer[c], to, sizeof(to)), is->out[i].frag,
                   rate(was->out[i].frag, is->out[i].frag, s), in->frag,
                   rate(was->in[i][c].frag, in->frag, s), in->lost, in->bad, is->p50[i][c],
                   is->p99[i][c]);
            first = false;
        }
    }
    print_own_json(a, was, is);
    printf("]}\n");
}

static void
watch(qs_attach_t const *a, bool once, bool json)
{
    look_t *was = calloc(1, sizeof(*was)), *is = calloc(1, sizeof(*is));

    take(a, was);
    usleep(once ? 200000 : 1000000);
    for (;;) {
        take(a, is);
        if (!once && !json && isatty(1))
            printf("\033[H\033[2J");
        if (json)
            print_json(a, was, is);
        else
            print_text(a, was, is);
        fflush(stdout);
        if (once || ferror(stdout) || !qs_instance_alive(&a->instance))
            break;
        look_t *older = was;
        was = is;
        is = older;
        usleep(1000000);
    }
    free(was);
    free(is);
}

int
qs_cmd_monitor(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = NULL;
    bool once = false, json = false, help = false;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR, &instance},
        {"--once", NULL, "one table", QS_ARG_FLAG, &once},
        {"--json", NULL, "one object a table", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_attach_t a;

    int code = qs_args_parse(&args, table, argc, argv);
    if (code)
        return code;
    if (help) {
        qs_args_usage("monitor", "", table);
        return 0;
    }
    if (qs_attach_open(&a, instance, topos)) {
        fprintf(stderr, "%s monitor: %s\n", qs_text_program(), a.why);
        return 1;
    }
    watch(&a, once, json);
    qs_attach_close(&a);
    return 0;
}

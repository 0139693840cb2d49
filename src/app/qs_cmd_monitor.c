/* monitor - an instance, on the whole terminal; or as tables, where there is none.

   Shares and rates are of the time since the last look; --once takes two. */

#include <unistd.h>

#include "app/monitor/qs_mon_loop.h"
#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"

/* own_rate is how fast a counter grows; a gauge has none. */
static double
own_rate(qs_mon_look_t const *was, qs_mon_look_t const *is, u32 i)
{
    return is->own[i].desc->kind == QS_METRIC_COUNTER
               ? qs_mon_rate(was->own[i].value, is->own[i].value,
                             (double)(is->at_ns - was->at_ns) / 1e9)
               : 0;
}

/* print_own_text leaves out what is 0: most metrics count what should not happen. */
static void
print_own_text(qs_attach_t const *a, qs_mon_look_t const *was, qs_mon_look_t const *is)
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
print_own_json(qs_attach_t const *a, qs_mon_look_t const *was, qs_mon_look_t const *is)
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
print_text(qs_attach_t const *a, qs_mon_look_t const *was, qs_mon_look_t const *is)
{
    double s = (double)(is->at_ns - was->at_ns) / 1e9;
    char label[QS_NAME_MAX + 4], to[QS_NAME_MAX + 4];

    printf("%s  %s  supervisor %d\n\n", a->instance.name,
           qs_instance_alive(&a->instance) ? "alive" : "dead", a->boot->supervisor_pid);
    printf("%-12s %-7s %8s %4s %6s %6s %6s %6s %7s\n", "tile", "state", "pid", "cpu", "busy%",
           "block%", "idle%", "starts", "parks/s");
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        qs_mon_share_t sh = qs_mon_share(&was->stem[i], &is->stem[i]);
        printf("%-12s %-7s %8u %4d %6.1f %6.1f %6.1f %6lu %7.0f\n",
               qs_plan_label(a->plan, i, label, sizeof(label)), qs_cnc_state_name(is->cnc[i].state),
               is->cnc[i].pid, a->plan->tile[i].cpu, sh.busy, sh.blocked, sh.idle,
               is->stem[i].start, qs_mon_rate(was->stem[i].park, is->stem[i].park, s));
    }
    printf("\n%-18s %-10s %12s %12s %10s %8s %6s %9s %9s\n", "link", "reader", "published/s",
           "read/s", "read", "lost", "bad", "p50 ns", "p99 ns");
    for (u32 i = 0; i < a->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &a->plan->link[i];
        for (u32 c = 0; c < l->consumer_cnt; c++) {
            qs_in_metrics_t const *in = &is->in[i][c];
            printf("%-18s %-10s %12.0f %12.0f %10lu %8lu %6lu %9lu %9lu\n", l->name,
                   qs_plan_label(a->plan, l->consumer[c], to, sizeof(to)),
                   qs_mon_rate(was->out[i].frag, is->out[i].frag, s),
                   qs_mon_rate(was->in[i][c].frag, in->frag, s), in->frag, in->lost, in->bad,
                   is->p50[i][c], is->p99[i][c]);
        }
    }
    print_own_text(a, was, is);
}

static void
print_json(qs_attach_t const *a, qs_mon_look_t const *was, qs_mon_look_t const *is)
{
    double s = (double)(is->at_ns - was->at_ns) / 1e9;
    char label[QS_NAME_MAX + 4], to[QS_NAME_MAX + 4];

    printf("{\"instance\":\"%s\",\"alive\":%s,\"supervisor_pid\":%d,\"tiles\":[", a->instance.name,
           qs_instance_alive(&a->instance) ? "true" : "false", a->boot->supervisor_pid);
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        qs_mon_share_t sh = qs_mon_share(&was->stem[i], &is->stem[i]);
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
                   qs_mon_rate(was->out[i].frag, is->out[i].frag, s), in->frag,
                   qs_mon_rate(was->in[i][c].frag, in->frag, s), in->lost, in->bad, is->p50[i][c],
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
    qs_mon_look_t *was = calloc(1, sizeof(*was)), *is = calloc(1, sizeof(*is));

    qs_mon_take(a, was);
    usleep(once ? 200000 : 1000000);
    for (;;) {
        qs_mon_take(a, is);
        if (json)
            print_json(a, was, is);
        else
            print_text(a, was, is);
        fflush(stdout);
        if (once || ferror(stdout) || !qs_instance_alive(&a->instance))
            break;
        qs_mon_look_t *older = was;
        was = is;
        is = older;
        usleep(1000000);
    }
    free(was);
    free(is);
}

/* print_view prints one view as text. */
static void
print_view(qs_attach_t const *a, qs_mon_ui_t *ui)
{
    static qs_mon_cells_t cells;
    qs_mon_t m = {.a = a, .was = calloc(1, sizeof(*m.was)), .is = calloc(1, sizeof(*m.is))};

    QS_ASSERT(m.was && m.is);
    qs_mon_take(a, m.is);
    usleep(200000);
    qs_mon_step(&m);
    qs_mon_cells_clear(&cells, QS_MON_W_MAX, QS_MON_H_MAX);
    qs_mon_draw(&m, &cells, ui);
    qs_mon_cells_write(&cells, stdout);
    free(m.was);
    free(m.is);
}

/* view_of finds the view that --view names.  Returns 0, or 2 after saying that there is none. */
static int
view_of(char const *name, qs_mon_ui_t *ui)
{
    int view = name ? qs_mon_view_of(name) : 0;

    if (view < 0) {
        fprintf(stderr, "%s monitor: --view %s:", qs_text_program(), name);
        for (u32 i = 0; i < QS_MON_VIEW_CNT; i++)
            fprintf(stderr, " %s", qs_mon_view[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    ui->view = (u32)view;
    return 0;
}

int
qs_cmd_monitor(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = NULL, *view = NULL;
    bool once = false, json = false, help = false;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR, &instance},
        {"--view", "NAME", "overview, tiles, links, net, shreds, peers, txns or errors", QS_ARG_STR,
         &view},
        {"--once", NULL, "one table, or one view as text", QS_ARG_FLAG, &once},
        {"--json", NULL, "one object a table", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_attach_t a;
    qs_mon_ui_t ui = {0};
    char first[QS_INSTANCE_NAME_MAX + 1];

    int code = qs_args_parse(&args, table, argc, argv);
    if (code)
        return code;
    if (help) {
        qs_args_usage("monitor", "", table);
        return 0;
    }
    code = view_of(view, &ui);
    if (code)
        return code;
    bool full = !once && !json && isatty(0) && isatty(1);
    if (full && !instance && qs_mon_next("", first))
        instance = first;
    if (qs_attach_open(&a, instance, topos)) {
        fprintf(stderr, "%s monitor: %s\n", qs_text_program(), a.why);
        return 1;
    }
    if (once && view && !json)
        print_view(&a, &ui);
    else if (!full || qs_mon_loop(&a, &ui, topos))
        watch(&a, once, json);
    qs_attach_close(&a);
    return 0;
}

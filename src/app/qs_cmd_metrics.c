/* metrics - every number of an instance, as Prometheus text or JSON; and docs/metrics.md, which lists
   what the tiles of all topologies count. */

#include <time.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"
#include "disco/qs_metric_page.h"

#define SAMPLE_MAX 16384u

typedef struct samples {
    u32 cnt;
    qs_attach_metric_t at[SAMPLE_MAX];
} samples_t;

static void
collect(void *ctx, qs_attach_metric_t const *m)
{
    samples_t *s = ctx;

    if (s->cnt < SAMPLE_MAX)
        s->at[s->cnt++] = *m;
}

static void
print_text(qs_attach_t const *a)
{
    qs_metric_view_t const view = {
        .plan = a->plan, .topo = a->topo, .boot = a->boot, .wksp = a->wksp};
    u64 room = qs_metric_page_text_max(a->plan, a->topo);
    char *text = malloc(room);
    qs_metric_page_t *page =
        qs_metric_page_init(malloc(qs_metric_page_footprint(a->plan, a->topo)), &view);
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    u64 sz =
        qs_metric_page_write(page, text, room, (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec);
    fwrite(text, 1, sz, stdout);
    free(page);
    free(text);
}

static void
print_json(samples_t const *s, qs_attach_t const *a)
{
    printf("{\"instance\":\"%s\",\"alive\":%s,\"metrics\":[", a->instance.name,
           qs_instance_alive(&a->instance) ? "true" : "false");
    for (u32 i = 0; i < s->cnt; i++) {
        qs_attach_metric_t const *m = &s->at[i];
        printf("%s{\"group\":\"%s\",\"name\":\"%s\",\"tile\":\"%s\",\"idx\":%u,", i ? "," : "",
               m->group, m->desc->name, m->tile->name, m->tile->idx);
        if (m->link)
            printf("\"link\":\"%s\",", m->link);
        printf("\"value\":%lu}", m->value);
    }
    printf("]}\n");
}

/* ---- docs/metrics.md ---- */

static void
write_list(char const *group, qs_metric_desc_t const *desc)
{
    char name[QS_METRIC_NAME_MAX];

    for (; desc && desc->kind; desc++)
        printf("| `%s` | %s | %s |\n", qs_metric_name(name, group, desc),
               desc->kind == QS_METRIC_COUNTER ? "counter" : "gauge", desc->help);
}

static void
write_title(char const *title, char const *labels, char const *help)
{
    printf("\n## %s\n\n%s  Labels: %s.\n\n| name | type | what |\n|---|---|---|\n", title, help,
           labels);
}

/* seen_before says whether a row of that name stands before row of topology topo. */
static bool
seen_before(qs_topo_t const *const *topos, u32 topo, u32 row, char const *name)
{
    for (u32 i = 0; i <= topo; i++)
        for (u32 r = 0; topos[i]->tiles[r].tile && (i < topo || r < row); r++)
            if (!strcmp(qs_topo_row_name(&topos[i]->tiles[r]), name))
                return true;
    return false;
}

static void
write_docs(qs_topo_t const *const *topos)
{
    printf("# Metrics\n\n"
           "<!-- written by `quickstep metrics --md` from the tiles' own lists -->\n\n"
           "What the metric tile serves at `http://127.0.0.1:7990/metrics` (`[metric]` in "
           "[config.md](config.md)), and what\n`quickstep metrics` prints, of a dead instance too. "
           "Names are stable within a major version.  Counters grow\nacross restarts of a tile and "
           "begin at 0 with the instance.  `tile` and `idx` say which tile, `link` which ring.\n"
           "`/healthz` answers 200 as long as no tile has fallen silent, `/readyz` when all tiles "
           "run; else 503, and which.\n");
    write_title("Every tile", "`tile`, `idx`",
                "What each tile's loop counts, and what the supervisor knows.");
    write_list("tile", qs_stem_metric_desc);
    write_list("tile", qs_life_metric_desc);
    write_title("Links, where they are read", "`tile`, `idx`, `link`", "Counted by each reader.");
    write_list("link_in", qs_in_metric_desc);
    printf("| `quickstep_link_in_latency_seconds` | histogram | %s |\n", QS_METRIC_LATENCY_HELP);
    write_title("Links, where they are written", "`tile`, `idx`, `link`",
                "Counted by the producer.");
    write_list("link_out", qs_out_metric_desc);
    for (u32 i = 0; topos[i]; i++)
        for (u32 r = 0; topos[i]->tiles[r].tile; r++) {
            qs_tile_t const *tile = topos[i]->tiles[r].tile;
            char const *name = qs_topo_row_name(&topos[i]->tiles[r]);
            char help[160];
            if (!tile->metrics || seen_before(topos, i, r, name))
                continue;
            snprintf(help, sizeof(help), "The tile %s.", tile->help);
            write_title(name, "`tile`, `idx`", help);
            write_list(name, tile->metrics);
        }
}

int
qs_cmd_metrics(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = NULL;
    bool json = false, md = false, help = false;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR, &instance},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--md", NULL, "the docs: all that there are, of no instance", QS_ARG_FLAG, &md},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_attach_t a;

    int code = qs_args_parse(&args, table, argc, argv);
    if (code)
        return code;
    if (help) {
        qs_args_usage("metrics", "", table);
        return 0;
    }
    if (md) {
        write_docs(topos);
        return 0;
    }
    if (qs_attach_open(&a, instance, topos)) {
        fprintf(stderr, "%s metrics: %s\n", qs_text_program(), a.why);
        return 1;
    }
    if (json) {
        samples_t *s = calloc(1, sizeof(*s));
        qs_attach_metrics(&a, collect, s);
        print_json(s, &a);
        free(s);
    } else {
        print_text(&a);
    }
    qs_attach_close(&a);
    return 0;
}

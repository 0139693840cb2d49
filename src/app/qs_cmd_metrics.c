/* metrics - every number of an instance, as Prometheus text or JSON.

   Prometheus wants all samples of one name together, under one HELP and TYPE line, so the
   samples are collected first and printed name by name in the order they were found. */

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"

#define SAMPLE_MAX 16384u

typedef struct sample {
    qs_attach_metric_t m;
    bool printed;
} sample_t;

typedef struct samples {
    u32 cnt;
    sample_t at[SAMPLE_MAX];
} samples_t;

static void
collect(void *ctx, qs_attach_metric_t const *m)
{
    samples_t *s = ctx;

    if (s->cnt < SAMPLE_MAX)
        s->at[s->cnt++] = (sample_t){.m = *m};
}

static bool
same_name(qs_attach_metric_t const *a, qs_attach_metric_t const *b)
{
    return !strcmp(a->group, b->group) && a->desc == b->desc;
}

static void
print_text(samples_t *s)
{
    for (u32 i = 0; i < s->cnt; i++) {
        qs_attach_metric_t const *m = &s->at[i].m;
        bool counter = m->desc->kind == QS_METRIC_COUNTER;
        char name[128];
        if (s->at[i].printed)
            continue;
        snprintf(name, sizeof(name), "quickstep_%s_%s%s", m->group, m->desc->name,
                 counter ? "_total" : "");
        printf("# HELP %s %s\n# TYPE %s %s\n", name, m->desc->help, name,
               counter ? "counter" : "gauge");
        for (u32 k = i; k < s->cnt; k++) {
            qs_attach_metric_t const *o = &s->at[k].m;
            if (!same_name(m, o))
                continue;
            s->at[k].printed = true;
            printf("%s{tile=\"%s\",idx=\"%u\"", name, o->tile->name, o->tile->idx);
            if (o->link)
                printf(",link=\"%s\"", o->link);
            printf("} %lu\n", o->value);
        }
    }
}

static void
print_json(samples_t const *s, qs_attach_t const *a)
{
    printf("{\"instance\":\"%s\",\"alive\":%s,\"metrics\":[", a->instance.name,
           qs_instance_alive(&a->instance) ? "true" : "false");
    for (u32 i = 0; i < s->cnt; i++) {
        qs_attach_metric_t const *m = &s->at[i].m;
        printf("%s{\"group\":\"%s\",\"name\":\"%s\",\"tile\":\"%s\",\"idx\":%u,", i ? "," : "",
               m->group, m->desc->name, m->tile->name, m->tile->idx);
        if (m->link)
            printf("\"link\":\"%s\",", m->link);
        printf("\"value\":%lu}", m->value);
    }
    printf("]}\n");
}

int
qs_cmd_metrics(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = NULL;
    bool json = false, help = false;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR, &instance},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
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
    if (qs_attach_open(&a, instance, topos)) {
        fprintf(stderr, "%s metrics: %s\n", qs_text_program(), a.why);
        return 1;
    }
    samples_t *s = calloc(1, sizeof(*s));
    qs_attach_metrics(&a, collect, s);
    if (json)
        print_json(s, &a);
    else
        print_text(s);
    free(s);
    qs_attach_close(&a);
    return 0;
}

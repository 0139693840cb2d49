#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_supervise.h"
#include "app/qs_text.h"
#include "disco/qs_cpus.h"
#include "tango/base/qs_log.h"

#define CALIBRATE_NS 20000000u

qs_topo_t const *
qs_cmd_topo_find(qs_topo_t const *const *topos, char const *name)
{
    for (u32 i = 0; topos[i]; i++)
        if (!strcmp(topos[i]->name, name))
            return topos[i];
    fprintf(stderr, "%s: no topology '%s'; there are:", qs_text_program(), name);
    for (u32 i = 0; topos[i]; i++)
        fprintf(stderr, " %s", topos[i]->name);
    fputc('\n', stderr);
    return NULL;
}

int
qs_cmd_run(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = "quickstep";
    char const *name = topos[0]->name;
    u64 seconds = 0;
    bool threads = false, help = false;
    qs_arg_t const table[] = {
        {"--topology", "NAME", "what to run; topo lists them", QS_ARG_STR, &name},
        {"--instance", "NAME", "what this run is called", QS_ARG_STR, &instance},
        {"--seconds", "N", "end by itself; 0: never", QS_ARG_U64, &seconds},
        {"--threads", NULL, "all tiles in one process, for debuggers", QS_ARG_FLAG, &threads},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_config_t cfg;
    qs_clock_t clock;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage("run", "", table);
        return 0;
    }
    if (!code)
        code = qs_args_load(&args, &cfg);
    qs_topo_t const *topo = code ? NULL : qs_cmd_topo_find(topos, name);
    if (!topo)
        return 2;
    if (!qs_instance_name_ok(instance)) {
        fprintf(stderr, "%s run: --instance %s: 1 to 32 of a-z 0-9 _ -\n", qs_text_program(),
                instance);
        return 2;
    }
    qs_log_init(&(qs_log_conf_t){.fd = 2,
                                 .min_level = (qs_log_level_t)cfg.log.level,
                                 .format = (qs_log_format_t)cfg.log.format});
    qs_clock_calibrate(&clock, CALIBRATE_NS);
    qs_supervise_t s = {.group = {.instance = instance,
                                  .topo = topo,
                                  .topos = topos,
                                  .cfg = &cfg,
                                  .clock = &clock,
                                  .threads = threads},
                        .seconds = seconds,
                        .notify = true,
                        .ready_fd = -1};
    return qs_supervise(&s);
}

static void
list_topos(qs_topo_t const *const *topos, bool json)
{
    printf("%s", json ? "{\"topologies\":[" : "");
    for (u32 i = 0; topos[i]; i++)
        printf(json ? "%s{\"name\":\"%s\",\"help\":\"%s\"}" : "%s%-10s %s\n", json && i ? "," : "",
               topos[i]->name, topos[i]->help);
    printf("%s", json ? "]}\n" : "");
}

typedef enum view { VIEW_TEXT, VIEW_JSON, VIEW_DOT } view_t;

/* show_topo prints one topology as this machine would run it. */
static int
show_topo(qs_topo_t const *topo, qs_config_t const *cfg, view_t view, bool cpu)
{
    qs_plan_t *plan = calloc(1, sizeof(*plan));
    qs_wksp_plan_t *wksp = calloc(QS_TILE_MAX, sizeof(*wksp));
    qs_cpus_t *cpus = calloc(1, sizeof(*cpus));
    char err[256];

    int code = qs_plan_make(plan, wksp, topo, cfg, false, err, sizeof(err)) ? 2 : 0;
    if (!code) {
        qs_cpus_look(cpus, cfg->net.iface);
        code = qs_cpus_place(plan, cpus, &cfg->layout, 0, 0, err, sizeof(err)) ? 2 : 0;
    }
    if (code)
        fprintf(stderr, "%s: %s\n", qs_text_program(), err);
    else if (cpu && view == VIEW_JSON)
        qs_cpus_write_json(stdout, cpus, &cfg->layout, plan);
    else if (cpu)
        qs_cpus_write_text(stdout, cpus, &cfg->layout, plan);
    else if (view == VIEW_JSON)
        qs_topo_write_json(stdout, topo, plan);
    else if (view == VIEW_DOT)
        qs_topo_write_dot(stdout, topo, plan);
    else
        qs_topo_write_text(stdout, topo, plan);
    free(cpus);
    free(plan);
    free(wksp);
    return code;
}

int
qs_cmd_topo(int argc, char **argv, qs_topo_t const *const *topos)
{
    bool cpu = false, dot = false, json = false, help = false;
    qs_arg_t const table[] = {
        {"--cpu", NULL, "the cores, and the tiles on them", QS_ARG_FLAG, &cpu},
        {"--dot", NULL, "for graphviz", QS_ARG_FLAG, &dot},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_config_t cfg;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage("topo", "[NAME]", table);
        return 0;
    }
    if (!code)
        code = qs_args_load(&args, &cfg);
    if (code)
        return code;
    if (!args.rest_cnt) {
        list_topos(topos, json);
        return 0;
    }
    qs_topo_t const *topo = qs_cmd_topo_find(topos, args.rest[0]);
    if (!topo)
        return 2;
    return show_topo(topo, &cfg, json ? VIEW_JSON : dot ? VIEW_DOT : VIEW_TEXT, cpu);
}

/* ready - waits until every tile of an instance runs, for scripts and service managers. */

#include <time.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_errors.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"

#define LOOK_EVERY_US 20000u

/* What one look saw. */
typedef struct look {
    bool ready;
    char name[QS_INSTANCE_NAME_MAX + 1];
    u32 tile_cnt, running;
    char missing[256]; /* why, or which tiles */
} look_t;

static double
now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
look_at_tiles(qs_attach_t const *a, look_t *l)
{
    char label[QS_NAME_MAX + 4];
    u64 used = 0;

    memcpy(l->name, a->instance.name, sizeof(l->name));
    l->tile_cnt = a->plan->tile_cnt;
    for (u32 i = 0; i < l->tile_cnt; i++) {
        qs_cnc_state_t state = qs_attach_tile_state(a, i);
        if (state == QS_CNC_RUN || state == QS_CNC_HALTED) {
            l->running++;
            continue;
        }
        int sz = snprintf(l->missing + used, sizeof(l->missing) - used, "%s%s", used ? " " : "",
                          qs_plan_label(a->plan, i, label, sizeof(label)));
        used += sz > 0 && used + (u64)sz < sizeof(l->missing) ? (u64)sz : 0;
    }
    l->ready = l->running == l->tile_cnt;
}

static void
look(look_t *l, char const *instance, qs_topo_t const *const *topos)
{
    qs_attach_t *a = malloc(sizeof(*a));

    *l = (look_t){0};
    if (qs_attach_open(a, instance, topos)) {
        snprintf(l->missing, sizeof(l->missing), "%s", a->why);
    } else {
        if (qs_instance_alive(&a->instance))
            look_at_tiles(a, l);
        else
            snprintf(l->missing, sizeof(l->missing), "instance %s is dead", a->instance.name);
        qs_attach_close(a);
    }
    free(a);
}

static void
print_json(look_t const *l, double waited_s)
{
    printf("{\"ready\":%s,\"instance\":\"%s\",\"tiles\":%u,\"running\":%u,\"waited_ns\":%.0f,"
           "\"missing\":",
           l->ready ? "true" : "false", l->name, l->tile_cnt, l->running, waited_s * 1e9);
    qs_text_write_quoted(stdout, l->missing);
    printf("}\n");
}

static void
print_text(look_t const *l, u64 timeout_s)
{
    qs_error_list_t errors = {0};

    if (l->ready) {
        fprintf(stderr, "%s: all %u tiles run\n", l->name, l->tile_cnt);
        return;
    }
    qs_error_t *e = qs_error_add(&errors, QS_ERROR_RDY_TIMEOUT, l->name[0] ? l->name : "ready", 0,
                                 0, "not ready after %lu s: %s", timeout_s, l->missing);
    qs_error_hint(e, "the log of `quickstep run` says why; `quickstep ps` lists instances");
    qs_error_list_write(stderr, &errors);
}

int
qs_cmd_ready(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = NULL;
    u64 timeout_s = 30;
    bool json = false, help = false;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR, &instance},
        {"--timeout", "S", "how many seconds to wait; 30 if not given", QS_ARG_U64, &timeout_s},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    look_t l;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage_own("ready", "", table);
        return 0;
    }
    if (code)
        return code;
    double start = now_s();
    for (look(&l, instance, topos); !l.ready && now_s() - start < (double)timeout_s;
         look(&l, instance, topos))
        usleep(LOOK_EVERY_US);
    if (json)
        print_json(&l, now_s() - start);
    else
        print_text(&l, timeout_s);
    return l.ready ? 0 : 1;
}

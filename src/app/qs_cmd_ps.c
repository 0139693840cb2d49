/* ps - the instances of this host, and the sandboxes of their tiles.  Of other users' it tells what their files tell. */

#include <dirent.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "disco/qs_attach.h"
#include "disco/qs_sandbox.h"

typedef struct ps {
    qs_topo_t const *const *topos;
    uid_t uid;
    bool json;
    u32 cnt;
} ps_t;

/* What only the instance's own user can see. */
typedef struct inner {
    bool known;
    char topo[QS_NAME_MAX];
    u32 tile_cnt, running;
    u64 restarts;
    char label[QS_TILE_MAX][QS_NAME_MAX + 4];
    u32 sandbox[QS_TILE_MAX]; /* steps that the tile is in */
} inner_t;

static void
look_inside(qs_topo_t const *const *topos, char const *name, inner_t *in)
{
    qs_attach_t *a = malloc(sizeof(*a));

    *in = (inner_t){0};
    if (!qs_attach_open(a, name, topos)) {
        in->known = true;
        snprintf(in->topo, sizeof(in->topo), "%s", a->topo->name);
        in->tile_cnt = a->plan->tile_cnt;
        for (u32 i = 0; i < in->tile_cnt; i++) {
            u64 starts = qs_load_relaxed(&a->boot->tile[i].starts);
            in->running += qs_attach_tile_state(a, i) == QS_CNC_RUN;
            in->restarts += starts ? starts - 1 : 0;
            in->sandbox[i] = qs_attach_tile_sandbox(a, i);
            qs_plan_label(a->plan, i, in->label[i], sizeof(in->label[i]));
        }
        qs_attach_close(a);
    }
    free(a);
}

static void
print_steps(char const *key, u32 steps)
{
    char const *comma = "";

    printf(",\"%s\":[", key);
    for (u32 i = 0; i < QS_SANDBOX_STEP_CNT; i++) {
        if (!(steps >> i & 1))
            continue;
        printf("%s\"%s\"", comma, qs_sandbox_step_name(i));
        comma = ",";
    }
    printf("]");
}

static void
print_sandbox_json(inner_t const *in)
{
    printf(",\"sandbox\":[");
    for (u32 i = 0; i < in->tile_cnt; i++) {
        printf("%s{\"tile\":\"%s\"", i ? "," : "", in->label[i]);
        print_steps("has", in->sandbox[i]);
        print_steps("lacks", QS_SANDBOX_ALL & ~in->sandbox[i]);
        printf("}");
    }
    printf("]");
}

/* print_sandbox prints a line for each level that tiles have, and which they are. */
static void
print_sandbox(inner_t const *in)
{
    char names[128];

    for (u32 i = 0; i < in->tile_cnt; i++) {
        u32 level = in->sandbox[i], first = 0;
        while (in->sandbox[first] != level)
            first++;
        if (first < i)
            continue;
        if (level == QS_SANDBOX_ALL)
            printf("  sandbox full (%s):", qs_sandbox_names(level, names, sizeof(names)));
        else if (level)
            printf("  sandbox without %s:",
                   qs_sandbox_names(QS_SANDBOX_ALL & ~level, names, sizeof(names)));
        else
            printf("  no sandbox:");
        for (u32 k = i; k < in->tile_cnt; k++)
            if (in->sandbox[k] == level)
                printf(" %s", in->label[k]);
        printf("\n");
    }
}

static void
print_json(ps_t const *ps, qs_instance_info_t const *info, inner_t const *in)
{
    printf("%s{\"instance\":\"%s\",\"uid\":%u,\"alive\":%s,\"pid\":%d,\"memory_bytes\":%lu",
           ps->cnt ? "," : "", info->name, ps->uid, info->alive ? "true" : "false", info->pid,
           info->bytes);
    if (in->known)
        printf(",\"topology\":\"%s\",\"tiles\":%u,\"running\":%u,\"restarts\":%lu", in->topo,
               in->tile_cnt, in->running, in->restarts);
    if (in->known)
        print_sandbox_json(in);
    printf("}");
}

static void
print_text(ps_t const *ps, qs_instance_info_t const *info, inner_t const *in)
{
    if (!ps->cnt)
        printf("%-20s %6s %-5s %8s %-10s %7s %8s %10s\n", "instance", "uid", "state", "pid",
               "topology", "tiles", "restarts", "memory KiB");
    printf("%-20s %6u %-5s %8d ", info->name, ps->uid, info->alive ? "alive" : "dead", info->pid);
    if (in->known)
        printf("%-10s %3u/%-3u %8lu ", in->topo, in->running, in->tile_cnt, in->restarts);
    else
        printf("%-10s %7s %8s ", "-", "-", "-");
    printf("%10lu\n", info->bytes >> 10);
    if (in->known)
        print_sandbox(in);
}

static int
print_one(void *ctx, qs_instance_info_t const *info)
{
    ps_t *ps = ctx;
    inner_t in = {0};

    if (ps->uid == geteuid())
        look_inside(ps->topos, info->name, &in);
    if (ps->json)
        print_json(ps, info, &in);
    else
        print_text(ps, info, &in);
    ps->cnt++;
    return 0;
}

/* list_all lists our own instances first, then those of other users that we may see. */
static void
list_all(ps_t *ps)
{
    char root[QS_INSTANCE_PATH_MAX];
    uid_t own = geteuid();

    ps->uid = own;
    (void)qs_instance_list(own, print_one, ps);
    DIR *dir = qs_instance_root(root, sizeof(root)) ? NULL : opendir(root);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        u32 uid;
        int end = 0;
        if (sscanf(e->d_name, "quickstep-%u%n", &uid, &end) != 1 || e->d_name[end] || uid == own)
            continue;
        ps->uid = uid;
        (void)qs_instance_list(uid, print_one, ps);
    }
    if (dir)
        closedir(dir);
}

int
qs_cmd_ps(int argc, char **argv, qs_topo_t const *const *topos)
{
    bool json = false, help = false;
    qs_arg_t const table[] = {{"--json", NULL, "for programs", QS_ARG_FLAG, &json},
                              {"--help", NULL, "this text", QS_ARG_FLAG, &help},
                              {0}};
    qs_args_t args;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage_own("ps", "", table);
        return 0;
    }
    if (code)
        return code;
    ps_t ps = {.topos = topos, .json = json};
    printf("%s", json ? "{\"instances\":[" : "");
    list_all(&ps);
    if (json)
        printf("]}\n");
    else if (!ps.cnt)
        fprintf(stderr, "no instances\n");
    return 0;
}

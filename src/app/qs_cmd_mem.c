/* mem - what workspaces, links and tiles take: of a topology before it runs, by its plan; of an
   instance, alive or dead, with the pages it got. */

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_errors.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"
#include "disco/qs_group.h"

typedef struct row {
    char name[QS_INSTANCE_NAME_MAX + 1];
    u64 bytes;       /* laid out */
    u64 taken_bytes; /* in whole pages */
    u64 page_sz;     /* got, or what run will try first */
} row_t;

typedef struct mem {
    char const *topo;
    char const *instance; /* NULL: not running */
    qs_plan_t const *plan;
    row_t row[QS_TILE_MAX + 2];
    u32 row_cnt;
} mem_t;

static void
add_row(mem_t *m, char const *name, u64 bytes, u64 page_sz)
{
    row_t *r = &m->row[m->row_cnt++];

    *r = (row_t){.bytes = bytes, .page_sz = page_sz, .taken_bytes = qs_align_up(bytes, page_sz)};
    snprintf(r->name, sizeof(r->name), "%s", name);
}

/* add_planned lists the workspaces of a plan, in the pages that run will try first. */
static void
add_planned(mem_t *m, qs_config_t const *cfg)
{
    qs_wksp_plan_t *own = malloc(sizeof(*own));
    u64 max = qs_group_page_max(cfg);

    for (u32 i = 0; i < m->plan->tile_cnt; i++) {
        char name[QS_INSTANCE_NAME_MAX + 1];
        u64 sz = m->plan->tile[i].wksp_sz;
        qs_boot_workspace_name(m->plan, i, name);
        add_row(m, name, sz, qs_shm_page_fit(sz, max));
    }
    qs_boot_wksp_plan(own);
    add_row(m, "boot", qs_wksp_plan_size(own), 4096);
    qs_boot_bells_plan(own);
    add_row(m, "bells", qs_wksp_plan_size(own), 4096);
    free(own);
}

/* add_got replaces what was planned by what the instance has. */
static void
add_got(mem_t *m, qs_instance_t const *instance)
{
    for (u32 i = 0; i < m->row_cnt; i++) {
        qs_shm_t shm;
        if (qs_shm_open(&shm, instance, m->row[i].name))
            continue;
        m->row[i].page_sz = shm.page_sz;
        m->row[i].taken_bytes = shm.sz;
        qs_shm_close(&shm);
    }
}

/* payload_bytes: of a UMEM that links share, a link owns a frame for each of its lines. */
static u64
payload_bytes(qs_plan_t const *plan, qs_plan_link_t const *l)
{
    qs_plan_tile_t const *t = &plan->tile[l->producer];

    if (t->frame_cnt)
        return (u64)l->depth * t->frame_sz;
    return (u64)(l->dcache.chunk1 - l->dcache.chunk0) * QS_CHUNK_SZ;
}

/* reader_bytes lie in the workspaces of a link's readers. */
static u64
reader_bytes(qs_plan_link_t const *l)
{
    return l->consumer_cnt * (sizeof(qs_fseq_t) + sizeof(qs_in_metrics_t) + sizeof(qs_hist_t));
}

static u64
total(mem_t const *m)
{
    u64 sum = 0;
    for (u32 i = 0; i < m->row_cnt; i++)
        sum += m->row[i].taken_bytes;
    return sum;
}

static void
print_text(mem_t const *m)
{
    char label[QS_NAME_MAX + 4];

    printf("%-20s %12s %12s %10s\n", "workspace", "bytes", "in pages", "page KiB");
    for (u32 i = 0; i < m->row_cnt; i++)
        printf("%-20s %12lu %12lu %10lu\n", m->row[i].name, m->row[i].bytes, m->row[i].taken_bytes,
               m->row[i].page_sz >> 10);
    printf("\n%-20s %12s %12s %10s\n", "link", "ring", "payloads", "readers");
    for (u32 i = 0; i < m->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &m->plan->link[i];
        printf("%-20s %12lu %12lu %10lu\n", l->name, l->mcache_sz, payload_bytes(m->plan, l),
               reader_bytes(l));
    }
    printf("\n%-20s %12s %12s %10s\n", "tile", "state", "metrics", "umem");
    for (u32 i = 0; i < m->plan->tile_cnt; i++)
        printf("%-20s %12lu %12lu %10lu\n", qs_plan_label(m->plan, i, label, sizeof(label)),
               m->plan->tile[i].state_sz, m->plan->tile[i].metrics_sz,
               (u64)m->plan->tile[i].frame_cnt * m->plan->tile[i].frame_sz);
    printf("\n%s%s%s: %lu KiB\n", m->topo, m->instance ? ", instance " : "",
           m->instance ? m->instance : ", by its plan", total(m) >> 10);
}

static void
print_json(mem_t const *m)
{
    char label[QS_NAME_MAX + 4];

    printf("{\"topology\":\"%s\",\"instance\":%s%s%s,\"total_bytes\":%lu,\"workspaces\":[", m->topo,
           m->instance ? "\"" : "", m->instance ? m->instance : "null", m->instance ? "\"" : "",
           total(m));
    for (u32 i = 0; i < m->row_cnt; i++)
        printf("%s{\"name\":\"%s\",\"bytes\":%lu,\"taken_bytes\":%lu,\"page_bytes\":%lu}",
               i ? "," : "", m->row[i].name, m->row[i].bytes, m->row[i].taken_bytes,
               m->row[i].page_sz);
    printf("],\"links\":[");
    for (u32 i = 0; i < m->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &m->plan->link[i];
        printf("%s{\"name\":\"%s\",\"ring_bytes\":%lu,\"payload_bytes\":%lu,\"reader_bytes\":%lu}",
               i ? "," : "", l->name, l->mcache_sz, payload_bytes(m->plan, l), reader_bytes(l));
    }
    printf("],\"tiles\":[");
    for (u32 i = 0; i < m->plan->tile_cnt; i++)
        printf("%s{\"name\":\"%s\",\"state_bytes\":%lu,\"metrics_bytes\":%lu,\"umem_bytes\":%lu}",
               i ? "," : "", qs_plan_label(m->plan, i, label, sizeof(label)),
               m->plan->tile[i].state_sz, m->plan->tile[i].metrics_sz,
               (u64)m->plan->tile[i].frame_cnt * m->plan->tile[i].frame_sz);
    printf("]}\n");
}

static void
print(mem_t const *m, bool json)
{
    if (json)
        print_json(m);
    else
        print_text(m);
}

static int
show_plan(qs_topo_t const *topo, qs_config_t const *cfg, bool json)
{
    qs_plan_t *plan = calloc(1, sizeof(*plan));
    qs_wksp_plan_t *wksp = calloc(QS_TILE_MAX, sizeof(*wksp));
    mem_t m = {.topo = topo->name, .plan = plan};
    char err[256];
    int code = 0;

    if (qs_plan_make(plan, wksp, topo, cfg, false, err, sizeof(err))) {
        fprintf(stderr, "%s mem: %s\n", qs_text_program(), err);
        code = 2;
    } else {
        add_planned(&m, cfg);
        print(&m, json);
    }
    free(wksp);
    free(plan);
    return code;
}

static int
show_instance(char const *name, qs_topo_t const *const *topos, bool json)
{
    qs_attach_t *a = malloc(sizeof(*a));
    int code = 0;

    if (qs_attach_open(a, name, topos)) {
        qs_error_list_t errors = {0};
        qs_error_hint(qs_error_add(&errors, QS_ERROR_INS_NONE, name, 0, 0, "%s", a->why),
                      "`quickstep ps` lists the instances of this host");
        qs_error_list_write(stderr, &errors);
        code = 1;
    } else {
        mem_t m = {.topo = a->topo->name, .instance = a->instance.name, .plan = a->plan};
        add_planned(&m, &a->boot->cfg);
        add_got(&m, &a->instance);
        print(&m, json);
        qs_attach_close(a);
    }
    free(a);
    return code;
}

int
qs_cmd_mem(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *name = topos[0]->name, *instance = NULL;
    bool json = false, help = false;
    qs_arg_t const table[] = {
        {"--topology", "NAME", "of the plan of this one", QS_ARG_STR, &name},
        {"--instance", "NAME", "of this one, alive or dead", QS_ARG_STR, &instance},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_config_t cfg;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage("mem", "", table);
        return 0;
    }
    if (code)
        return code;
    if (instance)
        return show_instance(instance, topos, json);
    code = qs_args_load(&args, &cfg);
    qs_topo_t const *topo = code ? NULL : qs_cmd_topo_find(topos, name);
    return topo ? show_plan(topo, &cfg, json) : 2;
}

#include "disco/qs_attach.h"

#include "disco/qs_sandbox.h"

#include <unistd.h>

typedef struct pick {
    char name[QS_INSTANCE_NAME_MAX + 1];
    u32 alive, dead;
} pick_t;

static int
pick_one(void *ctx, qs_instance_info_t const *info)
{
    pick_t *p = ctx;

    if (info->alive ? p->alive++ == 0 : p->alive == 0 && p->dead == 0)
        memcpy(p->name, info->name, sizeof(p->name));
    p->dead += !info->alive;
    return 0;
}

static int
choose(qs_attach_t *a, char const *name, char out[QS_INSTANCE_NAME_MAX + 1])
{
    if (name && name[0]) {
        if (!qs_instance_name_ok(name)) {
            snprintf(a->why, sizeof(a->why), "'%s' is no name of an instance", name);
            return -EINVAL;
        }
        snprintf(out, QS_INSTANCE_NAME_MAX + 1, "%s", name);
        return 0;
    }
    pick_t p = {0};
    qs_instance_list(geteuid(), pick_one, &p);
    if (p.alive == 1 || (!p.alive && p.dead == 1)) {
        memcpy(out, p.name, sizeof(p.name));
        return 0;
    }
    snprintf(a->why, sizeof(a->why), "%u instances run and %u are dead: name one with --instance",
             p.alive, p.dead);
    return -ENOENT;
}

/* plan_sound checks every index and count of a plan that others could have written. */
static bool
plan_sound(qs_plan_t const *p, qs_topo_t const *topo)
{
    u32 rows = 0;

    while (topo->tiles[rows].tile)
        rows++;
    if (p->tile_cnt > QS_TILE_MAX || p->link_cnt > QS_LINK_MAX || p->port_cnt > QS_PORT_MAX)
        return false;
    for (u32 i = 0; i < p->tile_cnt; i++) {
        qs_plan_tile_t const *t = &p->tile[i];
        if (t->row >= rows || t->in_cnt > QS_IN_MAX || t->out_cnt > QS_OUT_MAX ||
            !memchr(t->name, 0, sizeof(t->name)))
            return false;
        for (u32 k = 0; k < t->in_cnt; k++)
            if (t->in[k] >= p->link_cnt || t->in_consumer[k] >= QS_CONSUMER_MAX)
                return false;
        for (u32 k = 0; k < t->out_cnt; k++)
            if (t->out[k] >= p->link_cnt)
                return false;
    }
    for (u32 i = 0; i < p->link_cnt; i++) {
        qs_plan_link_t const *l = &p->link[i];
        if (l->producer >= p->tile_cnt || l->consumer_cnt > QS_CONSUMER_MAX ||
            !memchr(l->name, 0, sizeof(l->name)))
            return false;
        for (u32 c = 0; c < l->consumer_cnt; c++)
            if (l->consumer[c] >= p->tile_cnt)
                return false;
    }
    return true;
}

/* same_lists says whether this program's tables name what the instance's tiles count.  They do not
   when it was built anew, with other metrics, while the instance ran. */
static bool
same_lists(qs_plan_t const *p, qs_topo_t const *topo)
{
    for (u32 i = 0; i < p->tile_cnt; i++)
        if (p->tile[i].metrics_hash != qs_metric_hash(topo->tiles[p->tile[i].row].tile->metrics))
            return false;
    return true;
}

static int
refuse(qs_attach_t *a, int err, char const *what, char const *why)
{
    snprintf(a->why, sizeof(a->why), "%s: %s", what, why);
    qs_attach_close(a);
    return err;
}

static int
join_one(qs_attach_t *a, char const *name, u64 hash, qs_wksp_t *w)
{
    qs_shm_t shm;
    int err = qs_shm_open(&shm, &a->instance, name);

    if (err)
        return refuse(a, err, name, strerror(-err));
    err = qs_wksp_join(w, shm.fd_ro, hash, QS_WKSP_RO);
    qs_shm_close(&shm);
    return err ? refuse(a, err, name, w->why) : 0;
}

int
qs_attach_open(qs_attach_t *a, char const *name, qs_topo_t const *const *topos)
{
    char chosen[QS_INSTANCE_NAME_MAX + 1] = "";

    memset(a, 0, sizeof(*a));
    a->instance.dir_fd = a->instance.lock_fd = -1;
    int err = choose(a, name, chosen);
    if (err)
        return err;
    err = qs_instance_open(&a->instance, geteuid(), chosen);
    if (err) {
        char root[QS_INSTANCE_PATH_MAX];
        bool nowhere = err == -ENOENT && qs_instance_root(root, sizeof(root));
        snprintf(a->why, sizeof(a->why), "instance %s: %s", chosen,
                 nowhere ? "there is no tmpfs that we may write to, such as /dev/shm, and so no "
                           "instance can be found"
                         : strerror(-err));
        return err;
    }
    err = join_one(a, "boot", 0, &a->boot_wksp);
    if (err)
        return err;
    a->boot = qs_wksp_object_addr(&a->boot_wksp, "boot", sizeof(*a->boot));
    if (!a->boot)
        return refuse(a, -EPROTO, "boot", "made by another version");
    a->plan = malloc(sizeof(*a->plan));
    memcpy(a->plan, &a->boot->plan, sizeof(*a->plan));
    for (u32 i = 0; topos[i]; i++)
        if (!strncmp(topos[i]->name, a->plan->topo, sizeof(a->plan->topo)))
            a->topo = topos[i];
    if (!a->topo)
        return refuse(a, -EPROTO, "boot", "a topology that this program does not know");
    if (!plan_sound(a->plan, a->topo))
        return refuse(a, -EILSEQ, "boot", "its plan is corrupt");
    if (!same_lists(a->plan, a->topo))
        return refuse(a, -EPROTO, "boot", "this program's tiles have other metrics than the run's");
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        char file[QS_INSTANCE_NAME_MAX + 1];
        qs_boot_workspace_name(a->plan, i, file);
        err = join_one(a, file, a->plan->layout_hash, &a->wksp[i]);
        if (err)
            return err;
    }
    return 0;
}

void
qs_attach_close(qs_attach_t *a)
{
    for (u32 i = 0; i < QS_TILE_MAX; i++)
        qs_wksp_unmap(&a->wksp[i]);
    qs_wksp_unmap(&a->boot_wksp);
    if (a->instance.dir_fd >= 0)
        qs_instance_close(&a->instance);
    free(a->plan);
    a->plan = NULL;
    a->boot = NULL;
    a->instance.dir_fd = -1;
}

void const *
qs_attach_at(qs_attach_t const *a, u32 tile, u64 off, u64 sz)
{
    return tile < a->plan->tile_cnt ? qs_wksp_addr(&a->wksp[tile], off, sz) : NULL;
}

qs_cnc_state_t
qs_attach_tile_state(qs_attach_t const *a, u32 tile)
{
    qs_cnc_rx_t rx;

    if (tile >= a->plan->tile_cnt ||
        qs_cnc_rx_join(&rx, qs_attach_at(a, tile, a->plan->tile[tile].cnc_off, qs_cnc_footprint())))
        return QS_CNC_UNKNOWN;
    qs_cnc_view_t view = qs_cnc_query(&rx);
    if (view.state == QS_CNC_HALTED || view.state == QS_CNC_FAILED)
        return view.state; /* its last word: it has no process any more */
    u32 pid = (u32)qs_load_relaxed(&a->boot->tile[tile].pid);
    bool thread = view.pid == (u32)a->boot->supervisor_pid;
    return qs_instance_alive(&a->instance) && (view.pid == pid || thread) ? view.state
                                                                          : QS_CNC_UNKNOWN;
}

u32
qs_attach_tile_sandbox(qs_attach_t const *a, u32 tile)
{
    qs_stem_metrics_t const *m =
        tile < a->plan->tile_cnt
            ? qs_attach_at(a, tile, a->plan->tile[tile].stem_metrics_off, sizeof(*m))
            : NULL;

    return m ? (u32)qs_metric_get(&m->sandbox) & QS_SANDBOX_ALL : 0;
}

static void
each_of(qs_attach_t const *a, u32 tile, char const *group, char const *link,
        qs_metric_desc_t const *desc, u64 off, void (*each)(void *ctx, qs_attach_metric_t const *m),
        void *ctx)
{
    u32 cnt = qs_metric_cnt(desc);
    u64 const *value = qs_attach_at(a, tile, off, cnt * sizeof(u64));

    for (u32 i = 0; value && i < cnt; i++)
        each(ctx, &(qs_attach_metric_t){.tile = &a->plan->tile[tile],
                                        .group = group,
                                        .link = link,
                                        .desc = &desc[i],
                                        .value = qs_metric_get(&value[i])});
}

void
qs_attach_metrics(qs_attach_t const *a, void (*each)(void *ctx, qs_attach_metric_t const *m),
                  void *ctx)
{
    for (u32 i = 0; i < a->plan->tile_cnt; i++) {
        qs_plan_tile_t const *t = &a->plan->tile[i];
        qs_tile_t const *table = a->topo->tiles[t->row].tile;
        each_of(a, i, t->name, NULL, table->metrics, t->metrics_off, each, ctx);
        each_of(a, i, "tile", NULL, qs_stem_metric_desc, t->stem_metrics_off, each, ctx);
        for (u32 k = 0; k < t->in_cnt; k++) {
            qs_plan_link_t const *l = &a->plan->link[t->in[k]];
            each_of(a, i, "link_in", l->name, qs_in_metric_desc,
                    l->in_metrics_off[t->in_consumer[k]], each, ctx);
        }
        for (u32 k = 0; k < t->out_cnt; k++) {
            qs_plan_link_t const *l = &a->plan->link[t->out[k]];
            each_of(a, i, "link_out", l->name, qs_out_metric_desc, l->out_metrics_off, each, ctx);
        }
    }
}

typedef struct sum {
    char const *row, *group, *name;
    u64 total;
} sum_t;

static void
add_if_meant(void *ctx, qs_attach_metric_t const *m)
{
    sum_t *s = ctx;

    if ((!s->row || !strcmp(m->tile->name, s->row)) && !strcmp(m->group, s->group) &&
        !strcmp(m->desc->name, s->name))
        s->total += m->value;
}

u64
qs_attach_sum(qs_attach_t const *a, char const *row, char const *group, char const *name)
{
    sum_t s = {.row = row, .group = group, .name = name};
    qs_attach_metrics(a, add_if_meant, &s);
    return s.total;
}

#include "disco/qs_boot.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disco/qs_fault.h"
#include "disco/qs_sandbox.h"
#include "disco/qs_sandbox_trap.h"
#include "tango/base/qs_log.h"

/* Everything a tile holds while it is being made.  Too large for a stack. */
typedef struct room {
    qs_handover_t const *h;
    qs_boot_maps_t const *maps; /* NULL: a process of its own */
    qs_tile_t const *tile;
    qs_topo_t const *topo;
    qs_boot_t const *boot;
    qs_plan_t const *plan;
    qs_plan_tile_t const *me;
    qs_wksp_t boot_wksp, bells_wksp;
    qs_wksp_t wksp[QS_TILE_MAX];
    qs_bell_t *bell;
    void *self;
    qs_cnc_tx_t cnc;
    qs_tile_ctx_t ctx;
    qs_stem_t stem;
} room_t;

static qs_log_site_t cannot_boot = {.id = "QS-TIL-001", .level = QS_LOG_ERROR};
static qs_log_site_t gives_up = {.id = "QS-TIL-003", .level = QS_LOG_NOTICE};
static qs_log_site_t sandbox_lacks = {.id = "QS-TIL-002", .level = QS_LOG_NOTICE};

void
qs_boot_neighbours(qs_plan_t const *plan, u32 tile, bool is[QS_TILE_MAX])
{
    qs_plan_tile_t const *t = &plan->tile[tile];

    memset(is, 0, QS_TILE_MAX * sizeof(is[0]));
    is[tile] = true;
    for (u32 i = 0; i < t->in_cnt; i++)
        is[plan->link[t->in[i]].producer] = true;
    for (u32 i = 0; i < t->out_cnt; i++)
        for (u32 c = 0; c < plan->link[t->out[i]].consumer_cnt; c++)
            is[plan->link[t->out[i]].consumer[c]] = true;
}

void
qs_boot_wksp_plan(qs_wksp_plan_t *plan)
{
    *plan = (qs_wksp_plan_t){0};
    qs_wksp_plan_add(plan, "boot", 0, sizeof(qs_boot_t), QS_ALIGN);
}

void
qs_boot_bells_plan(qs_wksp_plan_t *plan)
{
    *plan = (qs_wksp_plan_t){0};
    qs_wksp_plan_add(plan, "bells", 0, QS_TILE_MAX * sizeof(qs_bell_t), QS_ALIGN);
}

void
qs_boot_workspace_name(qs_plan_t const *plan, u32 tile, char name[QS_INSTANCE_NAME_MAX + 1])
{
    snprintf(name, QS_INSTANCE_NAME_MAX + 1, "%s-%u", plan->tile[tile].name, plan->tile[tile].idx);
}

static int
fail(char const *what, char const *why)
{
    qs_log(&cannot_boot, "cannot start: %s: %s", what, why);
    return -EPROTO;
}

/* join makes w the workspace in fd, or the supervisor's mapping of it. */
static int
join(room_t *r, qs_wksp_t *w, int fd, u64 hash, qs_wksp_mode_t mode, qs_wksp_t const *mapped)
{
    if (!r->maps)
        return qs_wksp_join(w, fd, hash, mode);
    *w = *mapped;
    return 0;
}

static int
join_workspaces(room_t *r)
{
    qs_handover_t const *h = r->h;
    qs_boot_maps_t const maps = r->maps ? *r->maps : (qs_boot_maps_t){0};
    int err = join(r, &r->boot_wksp, h->boot_fd, 0, QS_WKSP_RO_WARM, maps.boot);
    if (err)
        return fail("workspace boot", r->boot_wksp.why);
    r->boot = qs_wksp_object_addr(&r->boot_wksp, "boot", sizeof(*r->boot));
    if (!r->boot || h->tile >= r->boot->plan.tile_cnt)
        return fail("workspace boot", "it holds no such tile");
    r->plan = &r->boot->plan;
    r->me = &r->plan->tile[h->tile];

    u64 hash = r->plan->layout_hash;
    err = join(r, &r->bells_wksp, h->bells_fd, hash, QS_WKSP_RW_WARM, maps.bells);
    if (err)
        return fail("workspace bells", r->bells_wksp.why);
    r->bell = qs_wksp_object_addr(&r->bells_wksp, "bells", QS_TILE_MAX * sizeof(qs_bell_t));
    if (!r->bell)
        return fail("workspace bells", "it holds no bells");
    bool near[QS_TILE_MAX];
    qs_boot_neighbours(r->plan, h->tile, near);
    for (u32 t = 0; t < r->plan->tile_cnt; t++) {
        if (h->wksp_fd[t] < 0)
            continue;
        qs_wksp_mode_t mode = t == h->tile ? QS_WKSP_RW_WARM
                              : near[t]    ? QS_WKSP_RO_WARM
                                           : QS_WKSP_RO;
        err = join(r, &r->wksp[t], h->wksp_fd[t], hash, mode, r->maps ? &maps.wksp[t] : NULL);
        if (err)
            return fail(r->plan->tile[t].name, r->wksp[t].why);
    }
    return 0;
}

/* at returns sz bytes at off of a tile's workspace.  Offsets come from the supervisor's plan and
   the size of the mapping was checked, so what is missing is our own mistake. */
static void *
at(room_t *r, u32 tile, u64 off, u64 sz)
{
    void *p = qs_wksp_addr(&r->wksp[tile], off, sz);
    QS_ASSERT(p);
    return p;
}

static int
join_input(room_t *r, u32 i)
{
    u32 link_idx = r->me->in[i], c = r->me->in_consumer[i];
    qs_plan_link_t const *link = &r->plan->link[link_idx];
    qs_plan_tile_t const *producer = &r->plan->tile[link->producer];
    qs_stem_in_t *in = &r->stem.in[i];
    u32 me = r->h->tile;
    void const *mcache = at(r, link->producer, link->mcache_off, link->mcache_sz);

    in->fseq = at(r, me, link->fseq_off[c], sizeof(qs_fseq_t));
    u64 seq = qs_fseq_query(in->fseq);
    if (qs_mcache_rx_join(&in->rx, mcache, link->mcache_sz, seq))
        return fail(link->name, "there is no ring");
    in->fseq_written = seq;
    in->base = r->wksp[link->producer].mem;
    in->dcache = link->dcache;
    in->mtu = link->mtu;
    in->off_mask = link->off_mask;
    in->kind = r->me->in_kind[i];
    in->from = (u8)producer->idx;
    in->lossy = link->flow != QS_RELIABLE;
    in->in_place = r->tile->in[in->kind].in_place;
    in->ring = producer->park && link->flow != QS_LOSSY;
    in->producer = (qs_stem_peer_t){.bell = &r->bell[link->producer],
                                    .eventfd = r->h->eventfd[link->producer]};
    in->metrics = at(r, me, link->in_metrics_off[c], sizeof(*in->metrics));
    in->latency = at(r, me, link->latency_off[c], sizeof(*in->latency));
    in->lost_before = in->metrics->lost;
    in->scratch_stride = (u32)qs_align_up(link->mtu, QS_CHUNK_SZ);
    if (r->me->scratch_off[i])
        in->scratch = at(r, me, r->me->scratch_off[i], (u64)QS_BATCH * in->scratch_stride);
    return 0;
}

static int
join_output(room_t *r, u32 i)
{
    qs_plan_link_t const *link = &r->plan->link[r->me->out[i]];
    qs_stem_out_t *out = &r->stem.out[i];
    u32 me = r->h->tile;

    if (qs_mcache_tx_join(&out->tx, at(r, me, link->mcache_off, link->mcache_sz), link->mcache_sz))
        return fail(link->name, "there is no ring");
    qs_frag_t last;
    qs_mcache_last(&out->tx, &last);
    out->base = r->wksp[me].mem;
    out->dcache = link->dcache;
    out->mtu = link->mtu;
    out->chunk = qs_dcache_next(&link->dcache, last.chunk, last.sz);
    out->kind = r->me->out_kind[i];
    out->limited = link->flow != QS_LOSSY;
    out->metrics = at(r, me, link->out_metrics_off, sizeof(*out->metrics));
    out->cut_before = out->metrics->cut;
    qs_fctl_init(&out->fctl, link->window, QS_PATIENCE_NS);
    for (u32 c = 0; c < link->consumer_cnt; c++) {
        u32 t = link->consumer[c];
        if (out->limited)
            qs_fctl_add(&out->fctl, at(r, t, link->fseq_off[c], sizeof(qs_fseq_t)),
                        link->flow == QS_EXPENDABLE);
        if (r->plan->tile[t].park)
            out->peer[out->peer_cnt++] =
                (qs_stem_peer_t){.bell = &r->bell[t], .eventfd = r->h->eventfd[t]};
    }
    return 0;
}

static int
make_stem(room_t *r)
{
    qs_stem_t *s = &r->stem;
    u32 me = r->h->tile;
    int err = 0;

    s->clock = *r->ctx.clock;
    s->now = s->last_turn = qs_clock_now(&s->clock);
    s->wake_at = UINT64_MAX;
    s->park = r->me->park;
    u64 tidy_ns = r->tile->tidy_ns ? r->tile->tidy_ns : QS_STEM_TIDY_NS;
    u32 chores = 1u + r->me->in_cnt + r->me->out_cnt;
    if (qs_tempo_init(&s->tempo, qs_max_u64(tidy_ns / chores, 1), r->boot->seed + me, s->now))
        return fail(r->me->name, "tidy_ns is out of range");
    s->bell = &r->bell[me];
    s->eventfd = r->h->eventfd[me];
    s->cnc = r->cnc;
    if (qs_cmd_rx_join(&s->cmd, &r->boot->cmd[me]))
        return fail("workspace boot", "it holds no commands");
    s->metrics = at(r, me, r->me->stem_metrics_off, sizeof(*s->metrics));
    s->in_cnt = r->me->in_cnt;
    s->out_cnt = r->me->out_cnt;
    for (u32 i = 0; !err && i < s->in_cnt; i++)
        err = join_input(r, i);
    for (u32 i = 0; !err && i < s->out_cnt; i++)
        err = join_output(r, i);
    return err;
}

/* find_shared looks for what the neighbours share.  More than there is room for is a topology's
   mistake, which shows at once: the tile does not find what it needs. */
static void
find_shared(room_t *r)
{
    qs_tile_ctx_t *ctx = &r->ctx;
    qs_plan_tile_t const *t = r->plan->tile;
    bool near[QS_TILE_MAX];

    qs_boot_neighbours(r->plan, r->h->tile, near);
    if (r->me->share_sz)
        ctx->share = at(r, r->h->tile, r->me->share_off, r->me->share_sz);
    for (u32 i = 0; i < r->plan->tile_cnt && ctx->shared_cnt < QS_TILE_SHARED_MAX; i++)
        if (t[i].share_sz && i != r->h->tile && near[i])
            ctx->shared[ctx->shared_cnt++] = (qs_tile_shared_t){
                .tile = i, .sz = t[i].share_sz, .mem = at(r, i, t[i].share_off, t[i].share_sz)};
}

static void
make_ctx(room_t *r)
{
    qs_tile_ctx_t *ctx = &r->ctx;

    ctx->cfg = &r->boot->cfg;
    ctx->plan = r->plan;
    ctx->topo = r->topo;
    ctx->all = r->me->reads_all ? r->wksp : NULL;
    ctx->boot = r->me->reads_all ? r->boot : NULL;
    ctx->clock = &r->boot->clock;
    ctx->tile = r->h->tile;
    ctx->idx = r->me->idx;
    ctx->cnt = r->me->cnt;
    ctx->fresh = r->h->first_start;
    ctx->seed = r->boot->seed;
    ctx->metrics = at(r, r->h->tile, r->me->metrics_off, r->me->metrics_sz);
    ctx->kept_cnt = r->h->kept_cnt;
    memcpy(ctx->kept_fd, r->h->kept_fd, sizeof(ctx->kept_fd));
    memcpy(ctx->note, r->h->note, sizeof(ctx->note));
    ctx->mem = r->wksp[r->h->tile].mem;
    find_shared(r);
    if (r->tile->layout) {
        qs_layout_t l = {.base = at(r, r->h->tile, r->me->state_off, r->me->state_sz)};
        r->self = r->tile->layout(&l, ctx);
        QS_ASSERT(l.sz <= r->me->state_sz);
    }
}

#define KEEP_MAX (3 * QS_TILE_FD_MAX + QS_TILE_MAX)

/* kept lists what the tile still needs: its files, and the eventfds it rings. */
static u32
kept(room_t const *r, int keep[KEEP_MAX])
{
    u32 cnt = 0;

    for (u32 i = 0; i < r->ctx.kept_cnt; i++)
        keep[cnt++] = r->ctx.kept_fd[i];
    for (u32 i = 0; i < r->ctx.wait_cnt; i++)
        keep[cnt++] = r->ctx.wait_fd[i];
    for (u32 i = 0; i < r->ctx.own_cnt; i++)
        keep[cnt++] = r->ctx.own_fd[i];
    for (u32 t = 0; t < QS_TILE_MAX; t++)
        if (r->h->eventfd[t] >= 0)
            keep[cnt++] = r->h->eventfd[t];
    return cnt;
}

static void
set_trap(room_t *r)
{
    qs_sandbox_trap_t trap = {.metrics = r->stem.metrics,
                              .cnc = r->cnc,
                              .tile = r->h->tile,
                              .wksp = r->wksp,
                              .boot = &r->boot_wksp};

    if (qs_sandbox_trap_set(&trap, r->h->own_pids))
        qs_log(&sandbox_lacks, "cannot tell what the sandbox will deny: %s", strerror(errno));
}

static void
enter_sandbox(room_t *r)
{
    u64 begun = qs_clock_os_ns();
    u32 want = qs_sandbox_want(r->boot->cfg.sandbox.level);
    int keep[KEEP_MAX];
    qs_sandbox_conf_t conf = {.want = want,
                              .fd = keep,
                              .fd_cnt = kept(r, keep),
                              .file_max = r->ctx.file_max,
                              .syscalls = r->tile->syscalls};
    qs_stem_metrics_t *m = r->stem.metrics;
    char lacks[128];

    if (want & QS_SANDBOX_SECCOMP)
        set_trap(r);
    u32 got = qs_sandbox_enter(&conf) | (r->h->own_pids ? QS_SANDBOX_PID : 0);
    qs_metric_set(&m->sandbox, got);
    qs_metric_set(&m->sandbox_ns, qs_clock_os_ns() - begun);
    if (want & ~got)
        qs_log(&sandbox_lacks, "runs without part of the sandbox: %s",
               qs_sandbox_names(want & ~got, lacks, sizeof(lacks)));
}

/* attack is for tests (qs_fault.h): the first start of a tile does what its sandbox denies. */
static void
attack(room_t const *r)
{
    qs_fault_attack_t attack = {.supervisor = r->boot->supervisor_pid};

    for (u32 t = 0; t < QS_TILE_MAX; t++)
        if (t != r->h->tile && r->wksp[t].mem)
            attack.foreign = r->wksp[t].mem;
    if (qs_fault_attack && r->h->first_start)
        qs_fault_attack(&attack);
}

static int
run_callback(room_t *r, char const *what, int err)
{
    char const *why = r->ctx.err[0] ? r->ctx.err : strerror(-err);

    if (err && r->ctx.exit_reason) /* the supervisor knows what to do about it */
        qs_log(&gives_up, "%s", why);
    else if (err)
        fail(what, why);
    return err;
}

static qs_topo_t const *
find_topo(qs_plan_t const *plan, qs_topo_t const *const *topos)
{
    for (u32 i = 0; topos[i]; i++)
        if (!strcmp(topos[i]->name, plan->topo))
            return topos[i];
    return NULL;
}

static int
live(room_t *r)
{
    qs_tile_t const *tile = r->tile;
    qs_stem_t *s = &r->stem;
    int err = make_stem(r);

    if (err)
        return err;
    qs_bell_unpark(s->bell);
    qs_metric_inc(&s->metrics->start);
    if (tile->boot)
        err = run_callback(r, "boot", tile->boot(r->self, &r->ctx));
    if (err)
        return err;
    if (!r->maps) {
        enter_sandbox(r);
        attack(r);
    }
    qs_cnc_state_set(&s->cnc, QS_CNC_INIT);
    if (tile->init)
        err = run_callback(r, "init", tile->init(r->self, &r->ctx, s));
    if (err)
        return err;
    s->wait_fd = r->ctx.wait_fd;
    s->wait_cnt = r->ctx.wait_cnt;
    qs_cnc_state_set(&s->cnc, QS_CNC_RUN);
    tile->run(r->self, s);
    qs_stem_leave(s);
    return 0;
}

/* own_pid is as the supervisor and people know it, also from within a process namespace. */
static u32
own_pid(qs_handover_t const *h)
{
    char text[16] = {0};

    if (h->own_pids && readlink("/proc/self", text, sizeof(text) - 1) > 0)
        return (u32)atoi(text);
    return (u32)getpid();
}

int
qs_boot_run(qs_handover_t const *h, qs_topo_t const *const *topos, qs_boot_maps_t const *maps)
{
    room_t *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED)
        return 1;
    r->h = h;
    r->maps = maps;
    if (join_workspaces(r))
        return 1;
    char label[QS_NAME_MAX + 4];
    qs_log_name(qs_plan_label(r->plan, h->tile, label, sizeof(label)));
    qs_log_errs(at(r, h->tile, r->me->errs_off, sizeof(qs_errs_t)));
    if (!maps) {
        prctl(PR_SET_NAME, label);
        qs_log_init(&(qs_log_conf_t){.fd = 2,
                                     .min_level = (qs_log_level_t)r->boot->cfg.log.level,
                                     .format = (qs_log_format_t)r->boot->cfg.log.format});
        qs_clock_t clock;
        if (qs_clock_join(&clock, &r->boot->clock))
            return 1;
    }
    r->topo = find_topo(r->plan, topos);
    if (!r->topo) {
        fail(r->plan->topo, "this program has no such topology");
        return 1;
    }
    r->tile = r->topo->tiles[r->me->row].tile;
    if (qs_cnc_tx_join(&r->cnc, at(r, h->tile, r->me->cnc_off, qs_cnc_footprint()))) {
        fail(r->me->name, "it has no status block");
        return 1;
    }
    qs_cnc_boot(&r->cnc, own_pid(h));
    make_ctx(r);
    int err = live(r);
    u32 reason = err == -EINVAL ? QS_EXIT_CONFIG : err ? QS_EXIT_BOOT : r->stem.exit_reason;
    if (err && r->ctx.exit_reason)
        reason = r->ctx.exit_reason;
    bool again = err || reason >= QS_EXIT_FIRST_OWN || reason == QS_EXIT_RENEW;
    qs_log_errs(NULL);
    qs_cnc_end(&r->cnc, again ? QS_CNC_FAILED : QS_CNC_HALTED, reason);
    for (u32 t = 0; !maps && t < QS_TILE_MAX; t++)
        qs_wksp_unmap(&r->wksp[t]);
    if (!maps) {
        qs_wksp_unmap(&r->bells_wksp);
        qs_wksp_unmap(&r->boot_wksp);
    }
    munmap(r, sizeof(*r));
    return again;
}

int
qs_boot_main(int fd, qs_topo_t const *const *topos)
{
    static qs_handover_t h;

    if (read(fd, &h, sizeof(h)) != (ssize_t)sizeof(h) || h.magic != QS_HANDOVER_MAGIC) {
        qs_log(&cannot_boot, "this subcommand is for the supervisor's own use");
        return 2;
    }
    return qs_boot_run(&h, topos, NULL);
}

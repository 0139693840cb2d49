/* one_thread.h - a chain of tiles, booted for real in workspaces as the supervisor makes them, all in
   one thread: a bench turns them one by one, and nothing but their work is measured.

   Each tile is a copy of its table whose run hands the stem over and boots the next; the last runs
   the bench. */

#ifndef QS_TEST_BENCH_ONE_THREAD_H
#define QS_TEST_BENCH_ONE_THREAD_H

#include <sys/mman.h>
#include <unistd.h>

#include "disco/qs_boot.h"

#define CHAIN_MAX 6u

typedef struct chain {
    qs_topo_t topo;
    qs_topo_t const *topos[2];
    qs_tile_row_t rows[CHAIN_MAX + 1];
    qs_tile_t table[CHAIN_MAX]; /* our copies */
    u32 cnt;
    qs_plan_t plan;
    qs_wksp_t wksp[QS_TILE_MAX], boot_wksp, bells_wksp;
    qs_handover_t handover[CHAIN_MAX];
    qs_boot_t *boot;
    qs_stem_t *stem[CHAIN_MAX];
    void *self[CHAIN_MAX];
    u32 booted;
    void (*bench)(void);
} chain_t;

static chain_t chain;

static int
chain_boot(u32 i)
{
    qs_boot_maps_t const maps = {
        .boot = &chain.boot_wksp, .bells = &chain.bells_wksp, .wksp = chain.wksp};
    return qs_boot_run(&chain.handover[i], chain.topos, &maps);
}

static void
chain_run(void *self, qs_stem_t *s)
{
    u32 i = chain.booted++;
    chain.stem[i] = s;
    chain.self[i] = self;
    if (chain.booted == chain.cnt)
        chain.bench();
    else
        QS_ASSERT(!chain_boot(i + 1));
}

/* chain_turn lets tile i make one turn. */
static inline void
chain_turn(u32 i, qs_tile_t const *tile)
{
    qs_stem_t *s = chain.stem[i];
    qs_stem_turn_(s);
    if (tile->poll)
        s->busy |= tile->poll(chain.self[i], s) != 0;
    for (u32 k = 0; tile->frag && k < s->in_cnt; k++)
        qs_stem_serve_(tile, chain.self[i], s, k);
    if (!s->busy)
        qs_stem_idle_(s);
}

static int
chain_workspace(qs_wksp_plan_t const *plan, u64 hash, qs_wksp_t *w)
{
    qs_shm_t shm = {.sz = qs_align_up(qs_wksp_plan_size(plan), 4096), .page_sz = 4096, .node = -1};
    shm.fd_rw = shm.fd_ro = memfd_create("bench", MFD_CLOEXEC);
    QS_ASSERT(!ftruncate(shm.fd_rw, (off_t)shm.sz) && !qs_wksp_create(w, &shm, plan, hash));
    return shm.fd_rw;
}

static void
chain_make_boot(qs_config_t const *cfg)
{
    static qs_wksp_plan_t boot_plan, bells_plan;
    qs_boot_wksp_plan(&boot_plan);
    qs_boot_bells_plan(&bells_plan);
    int bells_fd = chain_workspace(&bells_plan, chain.plan.layout_hash, &chain.bells_wksp);
    int boot_fd = chain_workspace(&boot_plan, 0, &chain.boot_wksp);
    chain.boot = qs_wksp_object_addr(&chain.boot_wksp, "boot", sizeof(qs_boot_t));
    chain.boot->cfg = *cfg;
    chain.boot->plan = chain.plan;
    QS_ASSERT(!qs_clock_calibrate(&chain.boot->clock, 20000000));
    for (u32 i = 0; i < QS_TILE_MAX; i++)
        qs_cmd_new(&chain.boot->cmd[i]);
    for (u32 i = 0; i < chain.cnt; i++) {
        chain.handover[i] = (qs_handover_t){.magic = QS_HANDOVER_MAGIC,
                                            .tile = i,
                                            .first_start = true,
                                            .boot_fd = boot_fd,
                                            .bells_fd = bells_fd};
        for (u32 t = 0; t < QS_TILE_MAX; t++)
            chain.handover[i].wksp_fd[t] = chain.handover[i].eventfd[t] = -1;
    }
}

/* chain_go boots the tiles of tables[], joined by links, and calls bench when all are there. */
static void
chain_go(qs_tile_t const *const *tables, u32 cnt, qs_link_row_t const *links,
         qs_config_t const *cfg, void (*bench)(void))
{
    static qs_wksp_plan_t wksp_plan[QS_TILE_MAX];
    char err[256];

    chain = (chain_t){.cnt = cnt, .bench = bench};
    for (u32 i = 0; i < cnt; i++) {
        chain.table[i] = *tables[i];
        chain.table[i].run = chain_run;
        chain.rows[i] = (qs_tile_row_t){.tile = &chain.table[i], .cnt = 1};
    }
    chain.topo = (qs_topo_t){.name = "bench", .picture = "", .tiles = chain.rows, .links = links};
    chain.topos[0] = &chain.topo;
    int bad = qs_plan_make(&chain.plan, wksp_plan, &chain.topo, cfg, false, err, sizeof(err));
    if (bad)
        fprintf(stderr, "%s\n", err);
    QS_ASSERT(!bad);
    chain_make_boot(cfg);
    for (u32 i = 0; i < cnt; i++) {
        int fd = chain_workspace(&wksp_plan[i], chain.plan.layout_hash, &chain.wksp[i]);
        for (u32 k = 0; k < cnt; k++)
            chain.handover[k].wksp_fd[i] = fd;
        qs_cnc_new(qs_wksp_addr(&chain.wksp[i], chain.plan.tile[i].cnc_off, qs_cnc_footprint()));
    }
    for (u32 l = 0; l < chain.plan.link_cnt; l++) {
        qs_plan_link_t const *link = &chain.plan.link[l];
        void *ring = qs_wksp_addr(&chain.wksp[link->producer], link->mcache_off, link->mcache_sz);
        QS_ASSERT(!qs_mcache_new(ring, link->depth, link->window, 0));
    }
    QS_ASSERT(!chain_boot(0));
}

#endif

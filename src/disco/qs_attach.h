/* qs_attach - looking at an instance from outside, alive or dead, read-only.

   Nothing found there is trusted: a plan whose indices or offsets lead outside is refused, and
   every access is bounded by the mapping.

   Threads: one per handle.  Blocks: never.  Allocates: open does. */

#ifndef QS_DISCO_ATTACH_H
#define QS_DISCO_ATTACH_H

#include "disco/qs_boot.h"
#include "tango/qs_instance.h"

typedef struct qs_attach {
    qs_instance_t instance;
    qs_wksp_t boot_wksp;
    qs_boot_t const *boot;
    qs_plan_t *plan; /* a checked copy */
    qs_topo_t const *topo;
    qs_wksp_t wksp[QS_TILE_MAX];
    char why[256];
} qs_attach_t;

/* qs_attach_open finds the caller's instance of that name; NULL or "" means the only one alive, or
   the only one there is.  Returns 0, or -errno with one line in why. */
int qs_attach_open(qs_attach_t *a, char const *name, qs_topo_t const *const *topos);
void qs_attach_close(qs_attach_t *a);

/* qs_attach_at returns sz bytes at off of a tile's workspace, or NULL. */
void const *qs_attach_at(qs_attach_t const *a, u32 tile, u64 off, u64 sz);

/* qs_attach_tile_state returns the state of a tile that runs now as the supervisor started it last;
   UNKNOWN if it does not: dead, not started yet, or started anew and not that far. */
qs_cnc_state_t qs_attach_tile_state(qs_attach_t const *a, u32 tile);

/* qs_attach_tile_sandbox returns the steps of the sandbox (QS_SANDBOX_*) that the tile says it is in;
   0: none, or it has not come to it.  It is the tile's word; /proc/PID/status has the kernel's. */
u32 qs_attach_tile_sandbox(qs_attach_t const *a, u32 tile);

/* One number, and whose it is. */
typedef struct qs_attach_metric {
    qs_plan_tile_t const *tile;
    char const *group; /* the tile's own name, or "tile", "link_in", "link_out" */
    char const *link;  /* of the last two, else NULL */
    qs_metric_desc_t const *desc;
    u64 value;
} qs_attach_metric_t;

/* qs_attach_metrics calls each for every metric of every tile. */
void qs_attach_metrics(qs_attach_t const *a, void (*each)(void *ctx, qs_attach_metric_t const *m),
                       void *ctx);

/* qs_attach_sum adds up metric `name` of group over all tiles of a row (NULL: of all rows); 0 if
   there is none. */
u64 qs_attach_sum(qs_attach_t const *a, char const *row, char const *group, char const *name);

#endif

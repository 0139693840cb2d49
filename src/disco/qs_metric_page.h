/* qs_metric_page - every number of an instance, as Prometheus text: what the metric tile serves and
   `quickstep metrics` prints.

   Prometheus wants all samples of one name together under one HELP and TYPE line, so the samples are
   found once, in that order, and a page is one walk over them.

       quickstep_<tile>_<name>_total{tile,idx}             a tile's own list
       quickstep_tile_<name>{tile,idx}                     the stem's, and the supervisor's
       quickstep_link_in_<name>{tile,idx,link}             of each reader; link_out: of each producer
       quickstep_link_in_latency_seconds                   a histogram, from publish to the reading batch

   Times are seconds there, whatever unit the list has.

   Threads: one per page.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_METRIC_PAGE_H
#define QS_DISCO_METRIC_PAGE_H

#include "disco/qs_boot.h"

/* What the supervisor knows of each tile, and its status block says. */
/* clang-format off */
#define QS_LIFE_METRICS(COUNTER, GAUGE)                                                       \
    GAUGE(up,               "1 if the tile runs its loop")                                    \
    COUNTER(death,          "times the tile ended and nobody had asked for it")               \
    GAUGE(heartbeat_age_ns, "time since the tile last said that it is alive")
/* clang-format on */

QS_METRICS_STRUCT(qs_life, QS_LIFE_METRICS);
extern qs_metric_desc_t const qs_life_metric_desc[];

/* Where an instance's numbers are.  wksp: one per tile of the plan; what is not mapped is left out. */
typedef struct qs_metric_view {
    qs_plan_t const *plan;
    qs_topo_t const *topo;
    qs_boot_t const *boot;
    qs_wksp_t const *wksp;
} qs_metric_view_t;

typedef struct qs_metric_place {
    qs_plan_tile_t const *tile;
    char const *group;
    char const *link; /* NULL: not a link's */
    qs_metric_desc_t const *desc;
    u64 const *value;
    qs_hist_t const *hist; /* NULL: value */
} qs_metric_place_t;

typedef struct qs_metric_page {
    qs_metric_view_t view;
    qs_life_metrics_t life[QS_TILE_MAX];
    u32 cnt, max;
    qs_metric_place_t at[];
} qs_metric_page_t;

/* qs_metric_page_footprint returns the bytes of a page of that plan, of which only the tiles and
   links need be known. */
u64 qs_metric_page_footprint(qs_plan_t const *plan, qs_topo_t const *topo);

/* qs_metric_page_text_max returns how long its text can be. */
u64 qs_metric_page_text_max(qs_plan_t const *plan, qs_topo_t const *topo);

/* qs_metric_page_init finds all places.  mem: footprint bytes, aligned to 8.  What view points to must
   stay.  Returns the page, which is mem. */
qs_metric_page_t *qs_metric_page_init(void *mem, qs_metric_view_t const *view);

/* qs_metric_page_write writes the text as of now_ns (CLOCK_MONOTONIC), without a 0 at its end, and
   returns its size: room at most, and then it ends where a line does. */
u64 qs_metric_page_write(qs_metric_page_t *page, char *text, u64 room, u64 now_ns);

/* qs_metric_life returns what is to be told of a tile. */
qs_life_metrics_t qs_metric_life(qs_metric_view_t const *view, u32 tile, u64 now_ns);

/* qs_metric_tile_state returns the state of a tile that runs now as the supervisor started it last, or
   its last word; UNKNOWN if it is dead or not that far. */
qs_cnc_state_t qs_metric_tile_state(qs_metric_view_t const *view, u32 tile);

#define QS_METRIC_NAME_MAX 128u

/* qs_metric_name writes the name that Prometheus knows desc by, and returns buf. */
char const *qs_metric_name(char buf[QS_METRIC_NAME_MAX], char const *group,
                           qs_metric_desc_t const *desc);

#define QS_METRIC_LATENCY_HELP "time from publish to the batch that reads it"

#endif

/* qs_mon_model - two looks at an instance and what follows from them: rates and shares.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_APP_MONITOR_MON_MODEL_H
#define QS_APP_MONITOR_MON_MODEL_H

#include "disco/qs_attach.h"

#define QS_MON_OWN_MAX  2048u
#define QS_MON_PAST_MAX 16u /* shares remembered of each tile */

/* What one look sees of tiles, and of a link as one consumer reads it. */
typedef struct qs_mon_look {
    u64 at_ns;  /* CLOCK_MONOTONIC */
    u64 now_ns; /* the instance's clock */
    bool alive;
    qs_stem_metrics_t stem[QS_TILE_MAX];
    qs_cnc_view_t cnc[QS_TILE_MAX];
    qs_boot_tile_t life[QS_TILE_MAX];
    u64 switches[QS_TILE_MAX]; /* context switches of its process */
    qs_out_metrics_t out[QS_LINK_MAX];
    qs_in_metrics_t in[QS_LINK_MAX][QS_CONSUMER_MAX];
    u64 used[QS_LINK_MAX][QS_CONSUMER_MAX]; /* fragments published and not let go */
    u64 p50[QS_LINK_MAX][QS_CONSUMER_MAX], p99[QS_LINK_MAX][QS_CONSUMER_MAX];
    u32 own_cnt;
    qs_attach_metric_t own[QS_MON_OWN_MAX]; /* each look finds the same ones in the same order */
} qs_mon_look_t;

typedef struct qs_mon {
    qs_attach_t const *a;
    qs_mon_look_t *was, *is;
    qs_mon_look_t *zero; /* counts are shown since this look; NULL: since the beginning */
    u32 past_cnt;        /* shares in past, the newest last */
    u8 past[QS_TILE_MAX][QS_MON_PAST_MAX]; /* busy, per cent */
} qs_mon_t;

/* Per cent of the time between two looks. */
typedef struct qs_mon_share {
    double busy, blocked, idle;
} qs_mon_share_t;

/* qs_mon_take fills a look. */
void qs_mon_take(qs_attach_t const *a, qs_mon_look_t *look);

/* qs_mon_step makes the newer look the older one, takes a new one, and remembers shares. */
void qs_mon_step(qs_mon_t *m);

qs_mon_share_t qs_mon_share(qs_stem_metrics_t const *was, qs_stem_metrics_t const *is);
double qs_mon_seconds(qs_mon_t const *m);

/* qs_mon_rate returns the growth per second; 0 if the count went back: that is another run. */
double qs_mon_rate(u64 was, u64 is, double seconds);

/* qs_mon_own adds up metric `name` of the tiles of a row at the newer look (since the reset for
   counters); qs_mon_own_rate how fast it grows. */
u64 qs_mon_own(qs_mon_t const *m, char const *row, char const *name);
double qs_mon_own_rate(qs_mon_t const *m, char const *row, char const *name);

/* qs_mon_own_since returns own metric i, since the reset if it is a counter. */
u64 qs_mon_own_since(qs_mon_t const *m, u32 i);

/* qs_mon_stale says whether tile said last that it lives longer ago than a parked tile may. */
u64 qs_mon_age_ns(qs_mon_t const *m, u32 tile);
bool qs_mon_stale(qs_mon_t const *m, u32 tile);

#endif

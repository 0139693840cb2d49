/* qs_topo - a topology is two tables, the tiles and the links between them, with the picture
   above; everything else derives.

   A link row joins each instance of `from` to all instances of `to`: one ring per producer,
   read by all consumers, called from_to.  The plan (qs_plan_t) is what the rows come to for
   one configuration: every instance, ring, offset and reader, without pointers, in shared
   memory for the tiles and for the commands that look at a running or dead instance.

   Threads: building is boot's; a plan is constant.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_TOPO_H
#define QS_DISCO_TOPO_H

#include <stdio.h>

#include "disco/qs_config.h"
#include "disco/qs_tile.h"
#include "tango/qs_dcache.h"
#include "tango/qs_wksp.h"

#define QS_NAME_MAX     16u /* of a row, with its 0 */
#define QS_TILE_MAX     64u
#define QS_LINK_MAX     192u
#define QS_IN_MAX       64u /* links into one tile */
#define QS_OUT_MAX      16u /* links out of one tile */
#define QS_CONSUMER_MAX 32u
#define QS_PORT_MAX     64u

/* What a slow consumer costs, and whom. */
typedef enum qs_flow {
    QS_LOSSY,      /* it is overrun, and counts what it lost */
    QS_RELIABLE,   /* the producer waits for it */
    QS_EXPENDABLE, /* the producer waits for a while (QS_PATIENCE_NS), then overruns it */
} qs_flow_t;

#define QS_PATIENCE_NS 10000000u

/* A net tile with a UMEM has frames for all of fill, rx, tx and completion ring, one for each line of
   its links, and one batch. */
#define QS_UMEM_BATCH     64u
#define QS_UMEM_HEADROOM  256u /* XDP takes the first bytes of a frame for itself */
#define QS_UMEM_SMALL_MTU 1750u

/* What the supervisor does when a tile dies. */
typedef enum qs_death {
    QS_RESTART, /* starts it anew, with back-off; the rings keep their places */
    QS_STOP,    /* stops the group: its memory was its state */
} qs_death_t;

typedef struct qs_tile_row {
    char const *name; /* NULL: the tile's own */
    qs_tile_t const *tile;
    u32 cnt;                               /* instances ... */
    u32 (*cnt_of)(qs_config_t const *cfg); /* ... unless an option says; cnt 0: that may say none,
                                              and its links are not there then either */
    qs_death_t death;
} qs_tile_row_t;

typedef struct qs_link_row {
    char const *from, *to;
    u32 depth;  /* descriptors; a power of two */
    u32 window; /* payloads alive at once; 0: depth */
    u32 mtu;    /* largest payload, bytes; 0, from a tile with a UMEM: what net.mtu allows */
    qs_flow_t flow;
    char const *ports; /* from net: names of [port] options, by spaces; "extra": net.extra_ports,
                          of which there are none by default: then nothing is received; "source":
                          the ports of [[shred.source]], likewise.
                          "-x": the link is there only while there is no tile x */
} qs_link_row_t;

typedef struct qs_topo {
    char const *name;
    char const *help;
    char const *picture;
    qs_tile_row_t const *tiles; /* ended by tile NULL */
    qs_link_row_t const *links; /* ended by from NULL */
} qs_topo_t;

/* An object in the workspace of the tile that writes it. */
typedef struct qs_plan_link {
    char name[2 * QS_NAME_MAX + 4]; /* "net_verify", "net:1_verify" */
    u16 row;
    u16 producer; /* tile */
    u16 consumer_cnt;
    u16 flow;
    u16 consumer[QS_CONSUMER_MAX];
    u32 depth, window, mtu;
    u32 off_mask;              /* bits of ctl that are part of the payload's address */
    u64 mcache_off, mcache_sz; /* in the producer's workspace, as are the next two */
    u64 out_metrics_off;
    qs_dcache_t dcache;
    u64 fseq_off[QS_CONSUMER_MAX]; /* in that consumer's workspace, as are the next two */
    u64 in_metrics_off[QS_CONSUMER_MAX];
    u64 latency_off[QS_CONSUMER_MAX]; /* qs_hist_t: from publish to the batch that reads it */
} qs_plan_link_t;

typedef struct qs_plan_tile {
    char name[QS_NAME_MAX]; /* of its row */
    u16 row;
    u16 idx, cnt;
    u16 in_cnt, out_cnt;
    u16 in[QS_IN_MAX];         /* links */
    u8 in_kind[QS_IN_MAX];     /* the tile's own enum */
    u8 in_consumer[QS_IN_MAX]; /* which consumer of that link it is */
    u16 out[QS_OUT_MAX];
    u8 out_kind[QS_OUT_MAX];
    i32 cpu;        /* -1: floats; this and the next four: qs_cpus.h */
    i32 core, node; /* of that cpu; -1: unknown */
    u32 place;
    u32 park;      /* sleeps when idle */
    u32 reads_all; /* maps every workspace */
    u64 wksp_sz;
    u64 cnc_off, errs_off;
    u64 stem_metrics_off, metrics_off, metrics_sz;
    u64 metrics_hash;           /* qs_metric_hash of its list */
    u64 state_off, state_sz;    /* what layout placed */
    u64 share_off, share_sz;    /* what it shares with its neighbours; sz 0: nothing */
    u64 scratch_off[QS_IN_MAX]; /* private copies of a batch; 0: read in place */
    u64 umem_off;               /* frame_cnt frames of frame_sz that its links out share, or */
    u32 frame_cnt, frame_sz;    /* ... frame_cnt is 0 */
} qs_plan_tile_t;

typedef struct qs_plan_port {
    char name[16];
    u16 port;
    u16 link_row; /* row of the link its datagrams go to; UINT16_MAX: only sent from */
    u16 source;   /* [[shred.source]] number, from 1 on; 0: none */
} qs_plan_port_t;

typedef struct qs_plan {
    char topo[QS_NAME_MAX];
    u64 layout_hash; /* of everything below: who maps a workspace must mean the same one */
    u32 tile_cnt, link_cnt, port_cnt;
    qs_plan_port_t port[QS_PORT_MAX];
    qs_plan_tile_t tile[QS_TILE_MAX];
    qs_plan_link_t link[QS_LINK_MAX];
} qs_plan_t;

/* qs_plan_make derives the plan of topo for cfg, and in wksp[QS_TILE_MAX] what the workspace of
   each tile will hold.  park: tiles sleep when idle.  Returns 0, or -EINVAL with one line in
   err that names the row and what is impossible about it. */
int qs_plan_make(qs_plan_t *plan, qs_wksp_plan_t *wksp, qs_topo_t const *topo,
                 qs_config_t const *cfg, bool park, char *err, u64 err_sz);

/* qs_topo_row_name returns what the tiles of a row are called. */
char const *qs_topo_row_name(qs_tile_row_t const *row);

/* qs_topo_tile_cnt returns how many tiles the rows of topo come to for cfg. */
u32 qs_topo_tile_cnt(qs_topo_t const *topo, qs_config_t const *cfg);

/* qs_plan_tile_of returns the index of name ("net", "verify:3"; no number: instance 0), or -1. */
int qs_plan_tile_of(qs_plan_t const *plan, char const *name);

/* qs_plan_port_option writes the option that sets a port, "port.tpu", and returns buf. */
char const *qs_plan_port_option(qs_plan_port_t const *port, char *buf, u64 buf_sz);

/* qs_plan_options writes which numbers in the sections that are called like a tile (NULL: like any tile
   of the plan) are above their defaults: "; above the default: dedup.tag_depth = 67108864", the
   first to look at when memory is short.  Empty if there are none.  Returns buf. */
char const *qs_plan_options(qs_plan_t const *plan, qs_config_t const *cfg, char const *tile,
                            char *buf, u64 buf_sz);

/* qs_tile_shared_of returns what the neighbour of that row (its first instance) shares, or NULL if
   there is no such neighbour or it shares nothing. */
qs_tile_shared_t const *qs_tile_shared_of(qs_tile_ctx_t const *ctx, char const *row);

/* qs_plan_label writes "verify:3", or "dedup" if there is one only, and returns buf. */
char const *qs_plan_label(qs_plan_t const *plan, u32 tile, char *buf, u64 buf_sz);

/* What `quickstep topo` prints. */
void qs_topo_write_text(FILE *f, qs_topo_t const *topo, qs_plan_t const *plan);
void qs_topo_write_dot(FILE *f, qs_topo_t const *topo, qs_plan_t const *plan);
void qs_topo_write_json(FILE *f, qs_topo_t const *topo, qs_plan_t const *plan);

#endif

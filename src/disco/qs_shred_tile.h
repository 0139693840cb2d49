/* qs_shred_tile - what the shred tile leaves in its workspace for others to read: the sets that it
   completed last.

   Threads: the tile writes, anybody reads, and may see a set in the making.  Blocks: never.
   Allocates: never. */

#ifndef QS_DISCO_SHRED_TILE_H
#define QS_DISCO_SHRED_TILE_H

#include "tango/base/qs_base.h"

#define QS_SHRED_VIEW_CNT 256u

typedef struct qs_shred_view_set {
    u64 slot;
    u32 fec_idx;
    u8 flags;    /* QS_FEC_* */
    u8 data_cnt; /* data shreds received of QS_FEC_DATA_CNT; the others were recovered */
    u8 pad[2];
    u8 root[32];
} qs_shred_view_set_t;

typedef struct qs_shred_view {
    u64 set_cnt; /* completed in this life; the last is set[(set_cnt - 1) % QS_SHRED_VIEW_CNT] */
    qs_shred_view_set_t set[QS_SHRED_VIEW_CNT];
} qs_shred_view_t;

#endif

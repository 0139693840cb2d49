/* qs_store_tile - what the store tile leaves in its workspace for others to read: the slots that it
   finished last.

   Threads: the tile writes, anybody reads, and may see an info in the making.  Blocks: never.
   Allocates: never. */

#ifndef QS_DISCO_STORE_TILE_H
#define QS_DISCO_STORE_TILE_H

#include "disco/store/qs_slots.h"

#define QS_STORE_VIEW_CNT 256u

typedef struct qs_store_view {
    u64 cnt; /* told in all runs; the last is slot[(cnt - 1) % QS_STORE_VIEW_CNT].  A slot that is told
                again has changed: the later one counts */
    qs_slot_info_t slot[QS_STORE_VIEW_CNT];
} qs_store_view_t;

#endif

/* qs_tiles - the tiles that quickstep brings along, for the tile rows of any topology.

   A tile's file includes this header before it defines its table, so that its run function can
   name the table; a program with tiles of its own keeps a header like this one for them.

   Threads: constant tables. */

#ifndef QS_DISCO_TILES_H
#define QS_DISCO_TILES_H

#include "disco/qs_tile.h"

/* the wire */
extern qs_tile_t const qs_tile_net, qs_tile_netlink;
/* the pipeline */
extern qs_tile_t const qs_tile_verify, qs_tile_dedup, qs_tile_poh, qs_tile_shred, qs_tile_sign,
    qs_tile_gossip, qs_tile_gossvf, qs_tile_store;
/* the operator's */
extern qs_tile_t const qs_tile_metric;
/* the lab */
extern qs_tile_t const qs_tile_load, qs_tile_replay, qs_tile_sink, qs_tile_txnload, qs_tile_txnsink,
    qs_tile_crowd;

#endif

/* qs_feed_node - the feed of a node: its memory, which the supervisor makes so that it outlives the tile, and
   the records of what the store found out.

       supervisor   keep     a file "feed.wksp" in the instance's directory, readable as feed.readers says
       store tile   boot     maps it and goes on where the last run stopped
                    set, entry, txn, status     one record each

   Threads: one.  Blocks: keep, boot.  Allocates: the feed's memory. */

#ifndef QS_DISCO_FEED_NODE_H
#define QS_DISCO_FEED_NODE_H

#include "disco/feed/qs_feed_tx.h"
#include "disco/qs_tile.h"
#include "disco/store/qs_slots.h"

typedef struct qs_feed_node {
    qs_feed_tx_t tx;
    u64 restarted_ns; /* what arrived before may have been told before; 0: first life */
    bool on;          /* false: feed.records is 0, and nothing below does anything */
} qs_feed_node_t;

/* qs_feed_node_keep makes the file and keeps its descriptor, the next of ctx->kept_fd.  Returns 0, or
   -errno with a line in ctx->err.  An instance without a directory has no feed, and the line
   says so. */
int qs_feed_node_keep(qs_tile_ctx_t *ctx);

/* qs_feed_node_boot joins the feed behind descriptor fd, -1 if keep made none.  restarted_ns: when a tile
   that goes on with another's feed began, CLOCK_MONOTONIC; what arrived before is marked
   QS_FEED_AGAIN.  Returns 0 or -errno. */
int qs_feed_node_boot(qs_feed_node_t *n, int fd, u64 restarted_ns);

/* Each publishes a record; now: CLOCK_MONOTONIC.  A set is only published when it is new. */
void qs_feed_node_set(qs_feed_node_t *n, qs_fec_set_t const *set, u8 const *data, u64 now);
void qs_feed_node_entry(qs_feed_node_t *n, qs_slot_info_t const *slot, qs_slots_entry_t const *e,
                        u64 now);
void qs_feed_node_txn(qs_feed_node_t *n, qs_slot_info_t const *slot, qs_slots_txn_t const *t,
                      u64 now);
void qs_feed_node_status(qs_feed_node_t *n, qs_slot_info_t const *slot, u64 now);

/* qs_feed_node_beat says that the node lives: call it at least once a second. */
void qs_feed_node_beat(qs_feed_node_t *n, u64 now);

/* qs_feed_node_end says that it ended in order. */
void qs_feed_node_end(qs_feed_node_t *n);

#endif

/* qs_dev_crowd - the lab as a large cluster: one full node, and a tile that plays all the others; how
   long its table takes to be complete, and what it costs to keep it so.

   Threads: one.  Blocks: until the end.  Allocates: the nodes. */

#ifndef QS_APP_DEV_CROWD_H
#define QS_APP_DEV_CROWD_H

#include "app/qs_dev_gossip.h"

/* qs_dev_crowd runs it for seconds (0: until a signal comes in base's signal_fd) and returns the exit code:
   4 if the node does not know all members at the end; or if there was an enemy, and some address was sent
   more than it sent, or the gossip tile has taken more memory, or nothing honest came through. */
int qs_dev_crowd(qs_dev_nodes_t const *base, qs_dev_gossip_opt_t const *opt, qs_config_t const *cfg,
                 u64 seconds, bool json);

#endif

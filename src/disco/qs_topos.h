/* qs_topos - the topologies that quickstep itself knows; the first is what `run` runs. */

#ifndef QS_DISCO_TOPOS_H
#define QS_DISCO_TOPOS_H

#include "disco/qs_topo.h"

extern qs_topo_t const qs_topo_listen, qs_topo_load, qs_topo_replay;
extern qs_topo_t const qs_topo_shreds, qs_topo_relay;
extern qs_topo_t const qs_topo_gossip, qs_topo_crowd;
extern qs_topo_t const qs_topo_front, qs_topo_txnload;
extern qs_topo_t const qs_topo_leader, qs_topo_follower;

/* Ended by NULL. */
extern qs_topo_t const *const qs_topos[];

#endif

/* qs_dev_gossip - the lab as a cluster: full nodes that know node 0 as their entrypoint and find each
   other, and a report of how fast and at what price.

       node 0 <~~~ the others ask it: shred version by ip_echo, everybody else by gossip
       "all see all": every node has every node's ContactInfo of its present life, from a proven address

   Threads: one.  Blocks: until the end.  Allocates: the nodes. */

#ifndef QS_APP_DEV_GOSSIP_H
#define QS_APP_DEV_GOSSIP_H

#include "app/qs_dev_node.h"

typedef struct qs_dev_gossip_opt {
    bool on;
    u64 nodes;   /* 0: not said */
    u64 crowd;   /* nodes that one tile plays; 0: none */
    u64 hostile; /* hostile datagrams a second, beside the crowd's, in the second half */
    u64 restart; /* s between two stops of a node; 0: none is stopped */
} qs_dev_gossip_opt_t;

/* qs_dev_gossip_wanted says whether the options choose this lab. */
bool qs_dev_gossip_wanted(qs_dev_gossip_opt_t const *opt);

/* qs_dev_gossip_check returns 0, or 2 after saying what cannot be; traffic: options for load or replay
   were given too. */
int qs_dev_gossip_check(qs_dev_gossip_opt_t const *opt, bool traffic);

/* qs_dev_gossip_node_json prints what gossip did at a node: {"peers":..,"converged_ns":..,"received":{..},
   "sent":{..},"rejected":{..}}; UINT64_MAX: it never saw all. */
void qs_dev_gossip_node_json(qs_dev_node_t const *n, u32 peers, u64 converged_ns);

/* qs_dev_gossip runs it for seconds (0: until a signal comes in base's signal_fd) and returns the exit
   code.  base says everything but the nodes. */
int qs_dev_gossip(qs_dev_nodes_t const *base, qs_dev_gossip_opt_t const *opt,
                  qs_config_t const *cfg, char const *level, u64 seconds, bool json);

#endif

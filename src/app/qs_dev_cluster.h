/* qs_dev_cluster - the lab as a cluster: transactions go in at leaders, blocks come out at followers, and
   every transaction is accounted for.

       load ~~~ udp ~~~> leader (verify ==> dedup ==> poh ==> shred) ~~~ turbine ~~~> followers (shred ==> store)
                            '----------------- gossip ------------------------------------'       |
                                                           this process  <--- feed of each -------+

   Each is a node of its own in a network namespace.  The first node is a leader and everybody's
   entrypoint; with several leaders turns of four slots go round.  The load starts when all nodes see
   each other and every follower has had a complete block; at the end it stops, and the last
   transactions have some slots' time to come out.

   ok: every transaction that was sent came out of a complete block at every follower, byte for byte, or
   is a duplicate or rejected by name, or was lost in a named counter of the network; and no block
   died.

   Threads: one.  Blocks: until the end.  Allocates: the nodes, and what their readers need. */

#ifndef QS_APP_DEV_CLUSTER_H
#define QS_APP_DEV_CLUSTER_H

#include "app/qs_dev_node.h"
#include "app/qs_dev_txn.h"

#define QS_DEV_CLUSTER_TPS 1000u

typedef struct qs_dev_cluster_opt {
    u64 nodes;   /* leaders and followers; 0: 2 */
    u64 leaders; /* 0: 1 */
    double loss; /* percent of a leader's shreds that are not sent */
    double speed;
    qs_dev_txn_opt_t txn;
} qs_dev_cluster_opt_t;

/* qs_dev_cluster_check returns 0, or 2 after saying what cannot be. */
int qs_dev_cluster_check(qs_dev_cluster_opt_t const *opt);

/* qs_dev_cluster runs it for seconds after the load's start (0: until a signal comes in base's signal_fd, or
   all of opt->txn.cnt is through) and returns the exit code.  base says everything but the nodes. */
int qs_dev_cluster(qs_dev_nodes_t const *base, qs_dev_cluster_opt_t const *opt,
                   qs_config_t const *cfg, char const *level, u64 seconds, bool json);

#endif

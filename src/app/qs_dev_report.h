/* qs_dev_report - what the lab's cluster says while it runs and at its end.

   Threads: one.  Blocks: on the terminal.  Allocates: never. */

#ifndef QS_APP_DEV_REPORT_H
#define QS_APP_DEV_REPORT_H

#include "app/qs_dev_blocks.h"
#include "app/qs_dev_cluster.h"

#define QS_DEV_CLUSTER_LEADERS 8u

typedef struct qs_dev_cluster {
    qs_dev_nodes_t all; /* the members, and the load as the last */
    qs_dev_cluster_opt_t opt;
    bool json, interrupted;
    u32 members, leaders;
    char dir[200]; /* keys, genesis, schedule */
    char identity[QS_LAB_NODE_MAX][48];
    qs_lab_txn_t txn;
    qs_dev_blocks_t *blocks; /* of each member; the leaders' are not read */
    u64 since_ns, look_at, load_ns, seconds;
    u64 moved_ns; /* when, after the load's end, the last transaction came out */
    u32 peers_min;
    u64 converged_ns;
    u32 sees[QS_LAB_NODE_MAX];       /* others that a node knows from proven addresses */
    u64 saw_all_ns[QS_LAB_NODE_MAX]; /* after the last start; UINT64_MAX: not yet */
    qs_dev_txn_t sum;                /* of all leaders; delivered: at every follower */
} qs_dev_cluster_t;

/* qs_dev_cluster_take sums up where the transactions are. */
void qs_dev_cluster_take(qs_dev_cluster_t *c);

/* qs_dev_cluster_progress says it in a line. */
void qs_dev_cluster_progress(qs_dev_cluster_t *c);

/* qs_dev_cluster_report prints the summary and returns the exit code: 0, or 4 if it is not ok. */
int qs_dev_cluster_report(qs_dev_cluster_t const *c);

#endif

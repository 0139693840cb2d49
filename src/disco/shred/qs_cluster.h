/* qs_cluster - keeps the turbine tree's node list up to date with gossip's rows and the epoch's stakes.

       gossip's rows (qs_peers.h) --some a turn--> did any change? --+
       stakes of the schedule ------------------------- new? --------+--> qs_turbine: a new list

   Rows are looked at in parts, so that no turn takes long; what one depends on for the tree (identity,
   address, version) is summed up, and a new list is made when a pass comes to another sum, at most
   every QS_CLUSTER_NS.  Making one sorts all nodes: some milliseconds for thousands of them.

   Without stakes of the schedule those that gossip's rows name count; without any all are equal.

   Threads: one; the rows are another's and may change while they are read.  Blocks: never.
   Allocates: never. */

#ifndef QS_DISCO_SHRED_CLUSTER_H
#define QS_DISCO_SHRED_CLUSTER_H

#include "disco/gossip/qs_peers.h"
#include "disco/shred/qs_leaders.h"
#include "disco/shred/qs_turbine.h"

#define QS_CLUSTER_NS   1000000000u /* between two lists */
#define QS_CLUSTER_PART 2048u       /* rows a turn */

typedef struct qs_cluster {
    qs_turbine_t *turbine; /* has nodes only while ready */
    bool ready;
    qs_turbine_rules_t rules;
    qs_hash_key_t key;

    u32 stake_cnt, stake_max;
    qs_leaders_stake_t *stake;
    bool stakes_new;

    qs_peers_t const *peers; /* null: there are none */
    u32 peer_max;            /* as it was at first: the object is another's to write */
    u32 row;                 /* the next to be looked at */
    u32 addr_cnt;
    u64 sum, sum_used; /* of the pass in hand; of the one that the list is made of */
    u64 next_ns;       /* when the next list may be made */
    u64 made_cnt;
    u64 rejected[QS_TURBINE_REASON_CNT]; /* peers, in all lists */
} qs_cluster_t;

/* qs_cluster_footprint returns the bytes for node_max nodes, of which stake_max have stake; 0 if that is
   more than a tree can have. */
u64 qs_cluster_footprint(u32 node_max, u32 stake_max);

/* qs_cluster_init places what the cluster needs in mem, aligned to QS_ALIGN.  rules: self and version come
   later. */
void qs_cluster_init(qs_cluster_t *c, void *mem, u32 node_max, u32 stake_max,
                     qs_turbine_rules_t const *rules, qs_hash_key_t key);

/* qs_cluster_self says who we are; until then there is no list. */
void qs_cluster_self(qs_cluster_t *c, u8 const self[QS_TURBINE_KEY_SZ], u16 version);

/* qs_cluster_stakes takes the stakes of an epoch; they are copied. */
void qs_cluster_stakes(qs_cluster_t *c, qs_leaders_stake_t const *stake, u32 cnt);

/* qs_cluster_peers takes gossip's rows, sz bytes at mem.  Returns false if that is no such object. */
bool qs_cluster_peers(qs_cluster_t *c, void const *mem, u64 sz);

/* qs_cluster_turn looks at the next rows, and makes a new list if it is time for one.  Returns whether it
   did. */
bool qs_cluster_turn(qs_cluster_t *c, u64 now_ns);

/* qs_cluster_own_version returns the shred version of our own row, 0 if there is none yet. */
u16 qs_cluster_own_version(qs_cluster_t const *c);

#endif

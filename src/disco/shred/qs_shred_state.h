/* qs_shred_state - what the files of the shred tile share, and nobody else.

       qs_shred_tile.c    shreds in, sets out; the tile's table
       qs_shred_lead.c    entries in, our own block's shreds out
       qs_shred_relay.c   verified shreds on to our children in the turbine tree

   Threads: the tile's.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_STATE_H
#define QS_DISCO_SHRED_STATE_H

#include "disco/qs_config.h"
#include "disco/qs_format.h"
#include "disco/qs_shred_tile.h"
#include "disco/qs_stem.h"
#include "disco/shred/qs_broadcast.h"
#include "disco/shred/qs_cluster.h"
#include "disco/shred/qs_resign.h"
#include "disco/shred/qs_resolver.h"
#include "disco/shred/qs_sources.h"
#include "tango/base/qs_rng.h"

#define QS_SHRED_IDENT_MAX 16384u
#define QS_SHRED_SLOT_MAX  (1u << 20)
#define QS_SHRED_STAGE_SZ  1280u /* a shred and a repair nonce, in whole cache lines */
#define QS_SHRED_FRAG_SZ   ((u32)sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ)
#define QS_SHRED_LIST_MAX  16u /* shred.broadcast */

/* Tags of what is to be signed: a set of ours, or one that we send on. */
#define QS_SHRED_TAG_RESIGN 0x800000u
#define QS_SHRED_TAG_SHIFT  24 /* above: which shred tile asks */
_Static_assert(!((QS_BROADCAST_TAG_MASK | QS_RESIGN_TAG_MASK) & QS_SHRED_TAG_RESIGN), "told apart");

enum { QS_SHRED_IN_NET, QS_SHRED_IN_POH, QS_SHRED_IN_SIGN, QS_SHRED_IN_GOSSIP, QS_SHRED_IN_STORE };
enum { QS_SHRED_OUT_NET, QS_SHRED_OUT_SIGN, QS_SHRED_OUT_SETS };

#define QS_SHRED_METRICS(COUNTER, GAUGE)                                                           \
    COUNTER(received, "datagrams received")                                                        \
    COUNTER(set_done, "sets completed")                                                            \
    COUNTER(set_flawed, "... of which the signature is good and the content is not")               \
    COUNTER(set_recovered, "... of which data shreds had to be recovered")                         \
    COUNTER(set_evicted, "sets in progress dropped for want of room")                              \
    COUNTER(shred_recovered, "shreds recovered, data and code")                                    \
    COUNTER(signature, "signatures verified")                                                      \
    COUNTER(equivocation, "contradictions that a leader signed")                                   \
    GAUGE(version, "shred version that is taken; 0: none known")                                   \
    GAUGE(root, "slot up to which shreds are too old; 0: none is known")                           \
    COUNTER(tree, "times the turbine tree's node list was made anew")                              \
    GAUGE(node, "nodes in that list")                                                              \
    GAUGE(node_staked, "... of which have stake")                                                  \
    GAUGE(node_reachable, "... of which the address is known")                                     \
    COUNTER(broadcast_sent, "shreds of our own blocks handed to the net tile")                     \
    COUNTER(broadcast_nobody, "shreds of our own blocks not sent: there is nobody to send to")     \
    COUNTER(broadcast_no_address, "shreds of our own blocks not sent: their root's address is "    \
                                  "not known")                                                     \
    COUNTER(broadcast_dropped, "shreds of our own blocks not sent on purpose: "                    \
                               "lab.loss_permille")                                                \
    COUNTER(broadcast_sign_ns, "time that sets of ours waited to be signed and sent")              \
    COUNTER(relay_sent, "shreds sent on to our children in the turbine tree")                      \
    COUNTER(relay_copies, "datagrams that these came to")                                          \
    COUNTER(relay_leaf, "verified shreds not sent on: we have no children with an address")        \
    COUNTER(relay_no_tree, "verified shreds not sent on: no tree or no leader is known yet")       \
    COUNTER(relay_unsigned, "verified shreds not sent on: they could not wait for our signature")

/* Lists follow, a counter for each. */
typedef struct qs_shred_metrics {
    QS_SHRED_METRICS(QS_METRIC_FIELD_, QS_METRIC_FIELD_)
    qs_broadcast_counts_t broadcast;
    u64 turbine[QS_TURBINE_REASON_CNT];
    qs_source_counts_t source[QS_SOURCES_CNT];
    u64 reason[QS_RESOLVER_REASON_CNT];
} qs_shred_metrics_t;

typedef struct qs_shred_state {
    qs_shred_view_t view; /* first: the lab reads it in the object "state" */
    qs_shred_metrics_t *m;
    qs_resolver_t *resolver;
    qs_leaders_t leaders;
    void *leaders_mem, *resolver_mem, *cluster_mem, *broadcast_mem, *relay_mem;
    u8 (*stage)[QS_SHRED_STAGE_SZ];
    u32 staged;
    bool arrived;                /* something, since the last turn */
    qs_fec_set_t const *waiting; /* for credit */
    qs_resolver_counts_t seen;   /* what the metrics know of */
    qs_resolver_in_t in[QS_RESOLVER_BATCH_MAX];
    qs_resolver_out_t out[QS_RESOLVER_BATCH_MAX];

    qs_sources_t *sources;
    u8 source_of[QS_PORT_MAX]; /* port -> feed */

    u32 idx, cnt; /* of how many shred tiles this is which: each has the sets of its share */
    qs_hash_key_t share_key;
    u32 net_out, sign_out; /* UINT32_MAX: none */
    u16 src_port_idx;
    bool known; /* our identity */
    bool marks; /* shreds without a known leader are taken */
    u8 self[32];
    u64 hello_at;
    u64 cluster_at;
    qs_cluster_t cluster;
    qs_ends_t *ends; /* outlives the process */
    u64 root;        /* slots up to it are settled; 0: none known */

    /* as leader */
    bool leads; /* entries come to this tile */
    qs_broadcast_t *broadcast;
    u32 list_cnt; /* shred.broadcast */
    qs_send_dst_t list[QS_SHRED_LIST_MAX];
    u32 loss_permille;
    qs_rng_t rng;

    /* in the tree: in[relay_at .. relay_cnt) were judged, and may have to be sent on */
    bool relays, checks_sender;
    int repair_idx; /* port that repaired shreds come from; -1: none */
    u32 relay_at, relay_cnt;
    qs_relay_t relay;
    qs_resign_t *resign;
} qs_shred_state_t;

/* qs_shred_ask has a root signed under a tag of this tile.  The caller knows that there is credit. */
void qs_shred_ask(qs_shred_state_t *t, qs_stem_t *stem, u32 tag, u8 const root[QS_SHRED_ROOT_SZ]);

/* qs_shred_publish_set hands a set and its 32 data shreds to all who take sets.  Returns false if one of
   them lags; nobody has it then. */
bool qs_shred_publish_set(qs_shred_state_t *t, qs_stem_t *stem, qs_fec_set_t const *head,
                          void const *data);

/* qs_shred_lead_boot prepares for entries, if the topology sends any.  Returns 0, or -EINVAL with one line in
   ctx->err. */
int qs_shred_lead_boot(qs_shred_state_t *t, qs_tile_ctx_t *ctx);

/* qs_shred_lead_poll makes sets, asks for signatures, and sends what is signed.  Returns how much it did. */
u32 qs_shred_lead_poll(qs_shred_state_t *t, qs_stem_t *stem);

/* qs_shred_lead_entries takes a batch of entries, and returns how many of them. */
u32 qs_shred_lead_entries(qs_shred_state_t *t, qs_batch_t const *b);

/* qs_shred_relay_footprint and boot: what relaying needs, and mem of that size for it.  boot returns 0 or
   -errno. */
u64 qs_shred_relay_footprint(void);
int qs_shred_relay_boot(qs_shred_state_t *t, qs_tile_ctx_t *ctx, void *mem, qs_hash_key_t key);

/* qs_shred_relay_senders says of in[0..cnt), before they are judged, whose signature resigned ones must
   carry. */
void qs_shred_relay_senders(qs_shred_state_t *t, u32 cnt);

/* qs_shred_relay_poll sends on what was judged, as far as there is credit.  Returns how much it did. */
u32 qs_shred_relay_poll(qs_shred_state_t *t, qs_stem_t *stem);

#endif

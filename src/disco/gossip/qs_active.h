/* qs_active - whom we push to: for each range of an origin's stake up to twelve peers, changed one at a
   time, each with a filter of the origins that it does not want from us.

       bucket(stake) = bits of the stake in SOL, 24 at most          0, 1, 2..3, 4..7, ..
       entry[bucket of min(our stake, origin's)] --> peers, oldest first --> the first nine that
                                                     have not pruned the origin

   A peer is drawn with weight (min(its bucket, the entry's) + 1) squared, so that what weighs much
   travels among those that weigh much, and what weighs nothing still reaches all.

   Source: spec of gossip §7.1, 7.2, 7.6; weights are local policy, these are Agave's static ones.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_ACTIVE_H
#define QS_DISCO_GOSSIP_ACTIVE_H

#include "disco/gossip/qs_bloom.h"
#include "tango/base/qs_rng.h"

#define QS_ACTIVE_BUCKETS 25u
#define QS_ACTIVE_PEERS   12u
#define QS_ACTIVE_FANOUT  9u
#define QS_ACTIVE_BITS    32768u /* of a peer's filter */
#define QS_LAMPORTS_A_SOL 1000000000ull

typedef struct qs_peer {
    u8 pubkey[32];
    u64 stake; /* lamports */
    u32 ip;
    u16 port;
} qs_peer_t;

typedef struct qs_active_peer {
    u8 pubkey[32];
    u32 ip;
    u16 port;
    u32 filter; /* which one is its: filters move with their peer */
} qs_active_peer_t;

typedef struct qs_active {
    struct qs_active_entry {
        qs_active_peer_t peer[QS_ACTIVE_PEERS]; /* oldest first */
        u32 cnt;
        u64 key[QS_ACTIVE_PEERS][3];
    } entry[QS_ACTIVE_BUCKETS];
    u64 (*word)[QS_ACTIVE_BITS / 64]; /* of filter i of entry e: e * QS_ACTIVE_PEERS + i */
} qs_active_t;

/* qs_active_footprint returns the bytes of the filters. */
u64 qs_active_footprint(void);

/* qs_active_init makes a without peers; mem has footprint bytes. */
void qs_active_init(qs_active_t *a, void *mem);

u32 qs_active_bucket(u64 stake);

/* qs_active_rotate adds one peer to an entry, drawn from candidates[cnt] (distinct keys), as long as
   there is one that it has not; while it is not full yet, until it is; then the oldest goes.
   Returns how many were added. */
u32 qs_active_rotate(qs_active_t *a, u32 bucket, qs_peer_t const *candidates, u32 cnt,
                     qs_rng_t *rng);

/* qs_active_remove drops a peer from all entries, for one that is not reachable any more. */
void qs_active_remove(qs_active_t *a, u8 const pubkey[32]);

/* qs_active_targets lists whom a value of origin goes to; stake is the lesser of ours and the origin's;
   own: we are the origin, and nobody's filter counts.  Returns how many. */
u32 qs_active_targets(qs_active_t const *a, u8 const origin[32], u64 stake, bool own,
                      qs_active_peer_t const *target[QS_ACTIVE_FANOUT]);

/* qs_active_prune remembers that peer does not want origin's values from us. */
void qs_active_prune(qs_active_t *a, u8 const peer[32], u8 const origin[32], u64 stake);

#endif

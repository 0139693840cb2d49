/* qs_received - who brings us whose values, and how usefully: the reason for prunes.

   Of an origin each relayer has a score: how often it was the first or second to bring something.
   After QS_RECEIVED_UPSERTS new values of an origin the relayers are ranked; the first two stay, more
   as long as those before them have less than QS_RECEIVED_STAKE_PERCENT of the lesser of the
   origin's stake and ours, and the rest is to be told not to send that origin's values any more.

   Room is fixed: of origin_max origins the one not heard of for longest makes place; of an origin
   QS_RECEIVED_RELAYERS relayers are scored.

   Source: spec of gossip §7.5.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_RECEIVED_H
#define QS_DISCO_GOSSIP_RECEIVED_H

#include "tango/base/qs_bits.h"
#include "tango/base/qs_hash.h"

#define QS_RECEIVED_RELAYERS      50u
#define QS_RECEIVED_UPSERTS       20u
#define QS_RECEIVED_KEEP          2u
#define QS_RECEIVED_STAKE_PERCENT 15u
#define QS_RECEIVED_STALE         UINT32_MAX /* as dups: what came was older than what we have */

typedef struct qs_received {
    struct qs_received_origin {
        u8 key[32];
        u32 upserts, relayer_cnt;
        u32 newer, older, next; /* by when they were heard of; next with the same hash */
        struct qs_received_relayer {
            u8 key[32];
            u32 score;
        } relayer[QS_RECEIVED_RELAYERS];
    } * origin;
    u32 *bucket; /* origin + 1 */
    u32 origin_max, origin_cnt, bucket_mask;
    u32 newest, oldest;
    qs_hash_key_t hash;
} qs_received_t;

/* qs_received_footprint returns the bytes for origin_max origins, 1 .. 2^20, or 0. */
u64 qs_received_footprint(u32 origin_max);

/* qs_received_init makes r empty over mem: footprint bytes, zeroed. */
void qs_received_init(qs_received_t *r, void *mem, u32 origin_max, qs_hash_key_t hash);

/* qs_received_record notes that relayer pushed a value of origin: dups 0 if it was new, else how often
   it had come before, or QS_RECEIVED_STALE. */
void qs_received_record(qs_received_t *r, u8 const origin[32], u8 const relayer[32], u32 dups);

/* Stakes, as the caller knows them. */
typedef u64 (*qs_received_stake_fn)(void *ctx, u8 const pubkey[32]);

/* qs_received_prune lists the relayers that are to be told not to send origin's values, and begins to
   count anew; 0 as long as too few new values came. */
u32 qs_received_prune(qs_received_t *r, u8 const origin[32], u64 own_stake,
                      qs_received_stake_fn stake_of, void *ctx,
                      u8 relayer[QS_RECEIVED_RELAYERS][32]);

#endif

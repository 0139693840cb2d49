/* qs_merkle_hash.h - the two kinds of messages that a Merkle tree hashes, many of one length at a
   time.  Private to qs_merkle*.c.

   The batches of qs_sha256.h take messages of any length in any parts; half of what two blocks
   cost there is finding out where the next one lies.  Here all lanes do the same thing.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_FEC_MERKLE_HASH_H
#define QS_WALTZ_FEC_MERKLE_HASH_H

#include "waltz/crypto/qs_sha256.h"
#include "waltz/fec/qs_merkle.h"

#define QS_MERKLE_JOIN_MAX 64u

/* qs_merkle_joins_t collects pairs of nodes, as the blocks that are hashed. */
typedef struct qs_merkle_joins {
    u32 prefix_sz;
    u32 cnt;
    u8 *out[QS_MERKLE_JOIN_MAX];
    alignas(64) u8 empty[2 * QS_SHA256_BLOCK_SZ]; /* prefix and padding */
    alignas(64) u8 block[QS_MERKLE_JOIN_MAX][2 * QS_SHA256_BLOCK_SZ];
} qs_merkle_joins_t;

void qs_merkle_joins_init(qs_merkle_joins_t *joins, u32 prefix_sz);

/* qs_merkle_joins_add takes a pair, and hashes all there are first if there is no room.  out is
   written when they are hashed. */
void qs_merkle_joins_add(qs_merkle_joins_t *joins, qs_merkle_hash_t *out, void const *left,
                         void const *right);
void qs_merkle_joins_flush(qs_merkle_joins_t *joins);

#endif

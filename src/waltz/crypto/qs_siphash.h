/* qs_siphash.h - SipHash, the keyed 64-bit hash for tables whose keys come from outside: without the
   key nobody can make inputs that collide.

   1-3 (one round per word, three at the end) is for tables and tags, 2-4 for whoever wants the
   margin its authors first proposed.  Their 64-bit outputs are read as little-endian numbers.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SIPHASH_H
#define QS_WALTZ_CRYPTO_SIPHASH_H

#include "tango/base/qs_base.h"

#define QS_SIPHASH_KEY_SZ 16u

typedef struct qs_siphash_key {
    u64 k0, k1;
} qs_siphash_key_t;

/* qs_siphash_key_load reads a key from its bytes, as other implementations take it. */
qs_siphash_key_t qs_siphash_key_load(u8 const key[QS_SIPHASH_KEY_SZ]);

/* qs_siphash13 and qs_siphash24 hash sz bytes; data may be null if sz is 0. */
u64 qs_siphash13(qs_siphash_key_t key, void const *data, u64 sz);
u64 qs_siphash24(qs_siphash_key_t key, void const *data, u64 sz);

#endif

/* qs_hash - hashes of short inputs: one for tables whose keys the world chooses, one for layouts.

   qs_hash_words, keyed: SipHash-1-3 over whole 64-bit words.  Who does not know the key cannot
   make keys collide better than by guessing, so a table keyed by addresses or public keys cannot
   be turned into a list.  Draw the key with qs_rng_seed_os at boot, keep it out of the metrics,
   and give no stranger the hash itself.  It is a table hash: it authenticates nothing.

   qs_hash_bytes, unkeyed: FNV-1a.  For layouts, names and ABI checks, where all input is ours.
   Never for what the world sends: collisions can be written down at will.

   Both give the same value on every machine (words are hashed as their little-endian bytes).

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_HASH_H
#define QS_TANGO_BASE_HASH_H

#include "tango/base/qs_base.h"

typedef struct qs_hash_key {
    u64 k0;
    u64 k1;
} qs_hash_key_t;

QS_INLINE u64
hash_rotl_(u64 x, u32 by)
{
    return x << by | x >> (64 - by);
}

/* hash_round_ is one SipRound. */
QS_INLINE void
hash_round_(u64 v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = hash_rotl_(v[1], 13) ^ v[0];
    v[3] = hash_rotl_(v[3], 16) ^ v[2];
    v[0] = hash_rotl_(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = hash_rotl_(v[1], 17) ^ v[2];
    v[3] = hash_rotl_(v[3], 21) ^ v[0];
    v[2] = hash_rotl_(v[2], 32);
}

/* qs_hash_words returns SipHash-1-3 of cnt words.  With a constant cnt the loop unrolls: an IPv4
   address and port is 1 word, a public key 4. */
QS_INLINE u64
qs_hash_words(qs_hash_key_t const *key, u64 const *words, u64 cnt)
{
    u64 v[4] = {key->k0 ^ 0x736f6d6570736575ull, key->k1 ^ 0x646f72616e646f6dull,
                key->k0 ^ 0x6c7967656e657261ull, key->k1 ^ 0x7465646279746573ull};
    for (u64 i = 0; i < cnt; i++) {
        v[3] ^= words[i];
        hash_round_(v);
        v[0] ^= words[i];
    }
    u64 tail = cnt * sizeof(u64) << 56; /* no bytes left over, and the length */
    v[3] ^= tail;
    hash_round_(v);
    v[0] ^= tail;
    v[2] ^= 0xff;
    hash_round_(v);
    hash_round_(v);
    hash_round_(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

QS_INLINE u64
qs_hash_u64(qs_hash_key_t const *key, u64 word)
{
    return qs_hash_words(key, &word, 1);
}

QS_INLINE u64
qs_hash_2u64(qs_hash_key_t const *key, u64 first, u64 second)
{
    u64 words[2] = {first, second};
    return qs_hash_words(key, words, 2);
}

/* qs_hash_bytes returns FNV-1a of sz bytes; with seed 0 it is the published function.  To hash
   several pieces give each the hash of the one before as seed. */
QS_INLINE u64
qs_hash_bytes(u64 seed, void const *data, u64 sz)
{
    u8 const *bytes = data;
    u64 hash = 0xcbf29ce484222325ull ^ seed;
    for (u64 i = 0; i < sz; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

#endif

/* qs_ed25519_cache - verifies faster what comes from keys that return: votes, gossip, leaders.

   The cache holds, for up to key_max public keys, a table of 4 KiB that saves more than half of a
   verification.  Verdicts are those of qs_ed25519_verify_batch for every input and both rules; a
   key that is no canonical encoding, no point or of small order is never kept.

       signature --> key has a table? --yes--> short verification
                          | no
                          +--> full verification;  key seen before? --yes--> queue --> table

   Only signatures that hold count as a key's: what else a stranger sends changes nothing here.
   What he can do with keys of his own, or with bad signatures:

       new keys, each once     they pass through: a table is made on the second sight only, and first
                               sights are remembered in a fixed set of marks that overwrite each other
       new keys, each twice    at most one making of tables (of up to eight keys at once) per
                               QS_ED25519_CACHE_PACE signatures: a few percent of their verification
       evict who returns       a key has one of sixteen places, chosen by a keyed hash; each signature
                               makes it older, up to 15; who wants a place in a full set makes all
                               its keys younger by one and gets one only where that is 0.  Candidates
                               are paced too, so a key stays if it signs once in some 30 key_max
                               signatures
       bad signatures          of known keys cost the short verification and the decoding of R,
                               which is less than a full one

   Threads: one.  Blocks: never.  Allocates: never (the stack: up to 96 KiB). */

#ifndef QS_WALTZ_CRYPTO_ED25519_CACHE_H
#define QS_WALTZ_CRYPTO_ED25519_CACHE_H

#include "waltz/crypto/qs_ed25519.h"
#include "waltz/crypto/qs_siphash.h"

#define QS_ED25519_CACHE_ALIGN 64u
#define QS_ED25519_CACHE_PACE  256u
#define QS_ED25519_CACHE_MIN   16u
#define QS_ED25519_CACHE_MAX   (1u << 20)

typedef struct qs_ed25519_cache qs_ed25519_cache_t;

typedef struct qs_ed25519_cache_stats {
    u64 hit_cnt;     /* signatures of keys that have a table */
    u64 miss_cnt;    /* signatures of others */
    u64 made_cnt;    /* tables made */
    u64 evicted_cnt; /* tables given up for another key's */
    u64 refused_cnt; /* keys in the queue that got no place, or were bad */
} qs_ed25519_cache_stats_t;

/* qs_ed25519_cache_footprint returns the bytes that a cache of key_max keys takes, or 0 if key_max
   is no power of two from QS_ED25519_CACHE_MIN to QS_ED25519_CACHE_MAX.  With twice as many places
   as keys nearly all find one. */
u64 qs_ed25519_cache_footprint(u32 key_max);

/* qs_ed25519_cache_init makes an empty cache of mem and returns it, or null if key_max is bad or
   mem is null or not aligned.  hash_key must be random and secret: who knows it can crowd one set
   out.  kernel null means the best of this machine; one without tables (plain C) makes the cache
   forward everything.  mem remains the caller's; there is nothing to undo. */
qs_ed25519_cache_t *qs_ed25519_cache_init(void *mem, u32 key_max, qs_siphash_key_t hash_key,
                                          qs_ed25519_kernel_t const *kernel);

/* qs_ed25519_cache_trust says that no stranger chooses the keys, as where only leaders' signatures are
   verified: a table is made as soon as its key has signed twice, however few signatures there were. */
void qs_ed25519_cache_trust(qs_ed25519_cache_t *cache);

/* qs_ed25519_verify_batch_cached is qs_ed25519_verify_batch with the help of a cache. */
void qs_ed25519_verify_batch_cached(qs_ed25519_cache_t *cache, qs_ed25519_verdict_t *verdict,
                                    qs_ed25519_item_t const *item, u64 cnt, qs_ed25519_rule_t rule);

/* qs_ed25519_cache_has says whether a key has a table. */
bool qs_ed25519_cache_has(qs_ed25519_cache_t const *cache, u8 const key[QS_ED25519_KEY_SZ]);

qs_ed25519_cache_stats_t qs_ed25519_cache_stats(qs_ed25519_cache_t const *cache);

#endif

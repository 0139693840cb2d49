/* qs_ping - who was proven to be reachable where: (public key, address) pairs that were sent a token
   and sent back its hash.

   Nothing that amplifies, and no ContactInfo, is taken from or sent to a pair before.  A pair is good
   for QS_PING_TTL_MS and is asked again when QS_PING_REFRESH_MS are over; one that does not answer
   is asked again after QS_PING_RETRY_MS.

   Room is fixed: sets of QS_PING_WAY pairs, chosen by a keyed hash.  A new pair takes the place of one
   that is free, expired, or has owed its answer the longest, and at least QS_PING_RETRY_MS; pairs that
   answered stay.  No address is asked more than QS_PING_RATE times a second, whatever pairs name it,
   so that nobody can have us flood a third.

   Source: spec of gossip §8; the numbers are Agave's of 2026.  Times are ms of any steady clock.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_PING_H
#define QS_DISCO_GOSSIP_PING_H

#include "tango/base/qs_bits.h"
#include "tango/base/qs_hash.h"

#define QS_PING_TTL_MS     1280000ull
#define QS_PING_REFRESH_MS 160000ull
#define QS_PING_RETRY_MS   2000ull
#define QS_PING_WAY        8u
#define QS_PING_RATE       10u

typedef struct qs_ping_pair {
    u8 pubkey[32];
    u32 ip;
    u16 port;
} qs_ping_pair_t;

typedef struct qs_ping {
    struct qs_ping_entry {
        u8 pubkey[32];
        u8 hash[32]; /* that answers what was asked last */
        u64 asked_ms, answered_ms;
        u32 ip;
        u16 port;
        bool used, asked, answered; /* asked: an answer is owed */
    } * entry;
    struct qs_ping_rate {
        u64 second;
        u32 cnt;
    } * rate;
    u32 set_mask, rate_mask;
    qs_hash_key_t key;
    u64 refused; /* pairs for which there was no room */
    u64 slowed;  /* questions that the rate did not allow */
} qs_ping_t;

/* qs_ping_footprint returns the bytes for pair_max pairs, a power of two from 8 to 2^24, or 0. */
u64 qs_ping_footprint(u32 pair_max);

/* qs_ping_init makes p an empty cache over mem: footprint bytes, zeroed. */
void qs_ping_init(qs_ping_t *p, void *mem, u32 pair_max, qs_hash_key_t key);

/* qs_ping_warm fetches what the other calls will look at of a pair. */
void qs_ping_warm(qs_ping_t const *p, qs_ping_pair_t const *pair);

/* qs_ping_check says whether the pair is proven now.  *want says whether it should be asked. */
bool qs_ping_check(qs_ping_t const *p, qs_ping_pair_t const *pair, u64 now_ms, bool *want);

/* qs_ping_owes says whether the pair was asked just now and owes its answer: it will not be asked again yet. */
bool qs_ping_owes(qs_ping_t const *p, qs_ping_pair_t const *pair, u64 now_ms);

/* qs_ping_ask remembers that the pair is asked with token, which then is to be sent.  Returns false
   if it is not: an answer is still owed, there is no room, or the address was asked enough. */
bool qs_ping_ask(qs_ping_t *p, qs_ping_pair_t const *pair, u8 const token[32], u64 now_ms);

/* qs_ping_answer takes the hash of a pong, whose signature was verified, from the pair's address.
   Returns whether it proves the pair; each question can be answered once. */
bool qs_ping_answer(qs_ping_t *p, qs_ping_pair_t const *pair, u8 const hash[32], u64 now_ms);

#endif

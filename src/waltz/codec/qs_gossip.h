/* qs_gossip - the messages of gossip and the values in them: one pass over a datagram, which says
   where everything lies.

       tag u32   0 pull request   filter, caller's ContactInfo as a value
                 1 pull response  from 32, u64 n, n values
                 2 push           the same
                 3 prune          from 32, data: pubkey 32, u64 n, n origins, signature 64,
                                  destination 32, wallclock u64
                 4 ping           from 32, token 32, signature 64
                 5 pong           from 32, hash 32, signature 64
       value     signature 64 | tag u32 | fields            signature over all behind it
       filter    u64 k, k keys | bits | u64 bits set | mask u64 | mask bits u32

   What parse accepts is well-formed by the rules of 2026 (spec of gossip §1-4, of each version
   the safe choice): whatever a receiver can judge by the bytes alone.  Signatures, times, shred
   versions and pings are for who asked.  A value is known by its bytes as they came: they are
   what is verified, hashed, kept and forwarded, never a re-encoding (§4.12).

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_GOSSIP_H
#define QS_WALTZ_CODEC_GOSSIP_H

#include "waltz/codec/qs_crds.h"

#define QS_GOSSIP_MTU        1232u /* bytes of a datagram */
#define QS_GOSSIP_VALUES_OFF 44u   /* of the first value in a push or pull response */
#define QS_GOSSIP_VALUES_SZ  (QS_GOSSIP_MTU - QS_GOSSIP_VALUES_OFF)
#define QS_GOSSIP_VALUE_MAX  17u /* values of 68 bytes at least that fit */
#define QS_GOSSIP_PRUNE_MAX  32u /* origins that fit */
#define QS_GOSSIP_PING_SZ    132u
#define QS_GOSSIP_MASK_MIN   6u
#define QS_GOSSIP_PRUNE_MAGIC                                                                      \
    "\xff"                                                                                         \
    "SOLANA_PRUNE_DATA"

typedef enum qs_gossip_kind {
    QS_GOSSIP_PULL_REQUEST,
    QS_GOSSIP_PULL_RESPONSE,
    QS_GOSSIP_PUSH,
    QS_GOSSIP_PRUNE,
    QS_GOSSIP_PING,
    QS_GOSSIP_PONG,
    QS_GOSSIP_KIND_CNT
} qs_gossip_kind_t;

/* A pull request's filter. */
typedef struct qs_gossip_filter {
    u16 key_off, key_cnt;
    u16 word_off, word_cnt; /* of 8 bytes, unaligned */
    u32 bit_cnt;
    u32 mask_bits; /* 6 .. 63 */
    u64 bits_set;  /* as claimed: worth nothing */
    u64 mask;
} qs_gossip_filter_t;

typedef struct qs_gossip_msg {
    u8 kind;      /* qs_gossip_kind_t */
    u8 value_cnt; /* of a pull request 1: the caller */
    u16 from_off; /* 32 bytes; unsigned in push and pull response; of a pull request the caller's */
    union {
        struct {
            u16 origin_off, origin_cnt;
            u16 sig_off, dest_off;
            u64 wallclock;
        } prune;
        struct {
            u16 token_off; /* the 32 bytes that are signed: a ping's token, a pong's hash */
            u16 sig_off;
        } ping;
        qs_gossip_filter_t filter;
    };
    qs_crds_t value[QS_GOSSIP_VALUE_MAX];
} qs_gossip_msg_t;

/* qs_gossip_parse says where the parts of the sz bytes at data lie.  Returns QS_GOSSIP_ok, or why
   the datagram is refused; *msg is worth nothing then. */
qs_gossip_reason_t qs_gossip_parse(u8 const *data, u32 sz, qs_gossip_msg_t *msg);

/* The writers return the bytes written, 0 if room_sz does not do.  Signatures are the caller's: a
   value, prune, ping or pong is written with one that was made of the bytes to sign. */

/* qs_gossip_write_values writes a push or pull response without values; each qs_gossip_add_value
   then puts one behind and returns the new size, or 0 (and the message is as before). */
u32 qs_gossip_write_values(u8 *room, u32 room_sz, qs_gossip_kind_t kind, u8 const from[32]);
u32 qs_gossip_add_value(u8 *room, u32 room_sz, u32 sz, u8 const *value, u32 value_sz);

/* qs_gossip_write_pull_request writes a filter and the caller's value. */
typedef struct qs_gossip_filter_out {
    u64 const *key;
    u64 const *word; /* as in memory */
    u32 key_cnt, word_cnt, bit_cnt, mask_bits;
    u64 bits_set, mask;
} qs_gossip_filter_out_t;

u32 qs_gossip_write_pull_request(u8 *room, u32 room_sz, qs_gossip_filter_out_t const *filter,
                                 u8 const *value, u32 value_sz);

/* qs_gossip_write_prune writes a prune of cnt origins (32 at most), its signature left zero at
   *sig_off.  qs_gossip_prune_to_sign writes the bytes that are signed, with the prefix or, as
   nodes of before 2025 want it, without; both forms are to be accepted. */
typedef struct qs_gossip_prune {
    u8 const *from, *dest;
    u8 const *origins; /* cnt * 32 bytes */
    u32 cnt;
    u64 wallclock;
} qs_gossip_prune_t;

u32 qs_gossip_write_prune(u8 *room, u32 room_sz, qs_gossip_prune_t const *prune, u32 *sig_off);
u32 qs_gossip_prune_to_sign(u8 *room, u32 room_sz, qs_gossip_prune_t const *prune, bool prefixed);

/* qs_gossip_write_ping writes a ping or pong: signed is the token or the hash. */
u32 qs_gossip_write_ping(u8 *room, u32 room_sz, qs_gossip_kind_t kind, u8 const from[32],
                         u8 const token[32], u8 const sig[64]);

/* qs_gossip_pong_hash makes the hash that answers token. */
void qs_gossip_pong_hash(u8 hash[32], u8 const token[32]);

#endif

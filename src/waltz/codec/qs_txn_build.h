/* qs_txn_build - transactions made here: for tests, the lab and its load.

   qs_txn_build writes what it is told, also what no parser accepts: counts stand apart from what
   they count, so that a test can lie about each.  qs_txn_sign fills the signatures in.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_TXN_BUILD_H
#define QS_WALTZ_CODEC_TXN_BUILD_H

#include "waltz/codec/qs_txn.h"

typedef struct qs_txn_build_instr {
    u8 program;
    u16 account_cnt; /* version 1: the low 8 bits */
    u16 data_sz;
    u8 const *account;
    u8 const *data;
} qs_txn_build_instr_t;

typedef struct qs_txn_build_lookup {
    u8 const *key;
    u16 writable_cnt, readonly_cnt;
    u8 const *writable, *readonly;
} qs_txn_build_lookup_t;

typedef struct qs_txn_build {
    u8 version; /* qs_txn_version_t */
    u8 signature_cnt;
    u8 required_cnt; /* what the header says; signature_cnt in a sound one */
    u8 readonly_signed_cnt, readonly_unsigned_cnt;
    u16 account_cnt, instr_cnt, lookup_cnt;
    u8 const (*account)[QS_TXN_KEY_SZ]; /* account_cnt of them; the signers first */
    u8 const *blockhash;
    qs_txn_build_instr_t const *instr;
    qs_txn_build_lookup_t const *lookup;
    u32 config_mask; /* version 1, and the values its bits announce */
    u64 fee;
    u32 cu_limit, data_limit, heap_sz;
} qs_txn_build_t;

/* qs_txn_build writes the transaction to out, with zeros for signatures.  Returns its bytes, or 0 if
   max is not enough. */
u32 qs_txn_build(u8 *out, u64 max, qs_txn_build_t const *b);

/* qs_txn_unbuild is the way back from bytes that parsed as txn: build then writes the same bytes,
   but for the signatures.  instr and lookup have room for all that txn counts. */
void qs_txn_unbuild(qs_txn_build_t *b, qs_txn_build_instr_t *instr, qs_txn_build_lookup_t *lookup,
                    qs_txn_t const *txn, u8 const *data);

/* qs_txn_sign writes signature idx of the transaction at data, which parsed as txn, by the secret
   key that belongs to account idx. */
void qs_txn_sign(u8 *data, qs_txn_t const *txn, u32 idx, u8 const secret[32]);

/* qs_txn_build_memo writes and signs a legacy transaction that carries sz bytes of data, paid and
   signed by the first of the pairs of keys, signed by the others too.  Returns its bytes, or 0: it
   would be longer than QS_TXN_SZ_MAX, or cnt is not in 1..12. */
u32 qs_txn_build_memo(u8 out[QS_TXN_SZ_MAX], u32 cnt, u8 const (*public_key)[32],
                      u8 const (*secret)[32], u8 const blockhash[32], void const *data, u32 sz);

/* qs_txn_build_vote writes and signs a simple vote as a validator sends it: identity pays,
   authority signs too unless it is null; each is {public, secret}; data is the vote's own.
   Returns as build_memo. */
u32 qs_txn_build_vote(u8 out[QS_TXN_SZ_MAX], u8 const identity[2][32], u8 const authority[2][32],
                      u8 const vote_account[32], u8 const blockhash[32], void const *data, u32 sz);

#endif

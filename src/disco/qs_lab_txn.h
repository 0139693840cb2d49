/* qs_lab_txn - the lab's transactions: what txnload sends, so that who receives one can make it again and
   compare.

   Transaction `number` is a memo of a qs_probe_t, signed by keys that come from a seed; fee payers take
   turns.

   Threads: keys are constant once made.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_LAB_TXN_H
#define QS_DISCO_LAB_TXN_H

#include "disco/qs_probe.h"
#include "waltz/codec/qs_txn_build.h"

#define QS_LAB_TXN_PAYERS 32u /* different fee payers, used in turn */

typedef struct qs_lab_txn {
    u32 signers;
    u8 public_key[QS_LAB_TXN_PAYERS + QS_TXN_SIGNATURE_MAX][32];
    u8 secret[QS_LAB_TXN_PAYERS + QS_TXN_SIGNATURE_MAX][32];
} qs_lab_txn_t;

/* qs_lab_txn_init makes the keys; signers: signatures of each transaction, 1 .. 11. */
void qs_lab_txn_init(qs_lab_txn_t *l, u64 seed, u32 signers);

/* qs_lab_txn_make writes transaction number, sent at sent_ns, and returns its size. */
u32 qs_lab_txn_make(qs_lab_txn_t const *l, u8 out[QS_TXN_SZ_MAX], u64 number, u64 sent_ns);

#endif

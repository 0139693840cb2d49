/* qs_dev_txn - the part of the lab that is about transactions: signed ones from txnload, or those of a
   capture, through the front of the other node, and where each of them went.

   Threads: the main one.  Blocks: never.  Allocates: never. */

#ifndef QS_APP_DEV_TXN_H
#define QS_APP_DEV_TXN_H

#include "disco/qs_attach.h"

typedef struct qs_dev_txn_opt {
    u64 cnt, tps; /* --txns, --tps */
    u64 signers;
    double bad_percent, repeat_percent;
} qs_dev_txn_opt_t;

#define QS_DEV_TXN_REJECTED_MAX 40u

/* Where transactions went. */
typedef struct qs_dev_txn {
    u64 sent, looked_at, verified, duplicate, delivered, damaged;
    u64 spoiled, again; /* of those sent, on purpose; 0 for a capture */
    u64 rejected, lost;
    u64 unaccounted; /* verified, and neither duplicate nor delivered */
    u64 p50, p99;
    u64 late, repeated;
    u32 rejected_cnt;
    struct {
        char const *name; /* without "rejected_" */
        u64 cnt;
    } reason[QS_DEV_TXN_REJECTED_MAX];
} qs_dev_txn_t;

/* qs_dev_txn_configure makes the sender's configuration that of a transaction load.  Returns 0, or 2
   after a line on stderr. */
int qs_dev_txn_configure(qs_config_t *sender, qs_dev_txn_opt_t const *opt);

/* qs_dev_txn_take reads where the transactions went, from the metrics of both nodes. */
void qs_dev_txn_take(qs_dev_txn_t *t, qs_attach_t const *from, qs_attach_t const *to);

/* qs_dev_txn_sent_all says whether the sender has no more to send. */
bool qs_dev_txn_sent_all(qs_attach_t const *from);

/* qs_dev_txn_ok says whether each is accounted for, when `counted` were lost in named counters of the
   network. */
bool qs_dev_txn_ok(qs_dev_txn_t const *t, u64 counted);

/* qs_dev_txn_json prints the member "txns":{..} and a comma; qs_dev_txn_text lines for people. */
void qs_dev_txn_json(qs_dev_txn_t const *t);
void qs_dev_txn_text(qs_dev_txn_t const *t);

#endif

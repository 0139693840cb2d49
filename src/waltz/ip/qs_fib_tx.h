/* qs_fib_tx - the writer's side of the mirror (qs_fib.h): takes what qs_rtmsg read.

   A full picture is taken by mark and sweep, so readers never see less than there is:

       qs_fib_sync_begin -> qs_fib_apply for every object of the dumps, and for news in between
                         -> qs_fib_sync_end: what was not mentioned is gone

   An object that is as it was costs readers nothing.  If the dump fails, begin again.

   Threads: one writer in one process at a time.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_IP_FIB_TX_H
#define QS_WALTZ_IP_FIB_TX_H

#include "waltz/ip/qs_fib.h"
#include "waltz/ip/qs_rtmsg.h"

typedef struct qs_fib_tx {
    qs_fib_t *fib;
    qs_lpm_tx_t lpm;
    qs_wmap_tx_t link, neigh;
    struct qs_fib_hop_ *hop; /* hops, routes and addresses are the writer's own bookkeeping */
    struct qs_fib_route_ *route;
    struct qs_fib_addr_ *addr;
    u64 *hop_word;
    u32 *hop_bucket, *route_bucket;
    u32 bucket_mask;
} qs_fib_tx_t;

typedef struct qs_fib_counts {
    u32 route, neigh, link, addr, hop;
    u32 rule;      /* policy rules beyond the standard three: not followed */
    u32 multipath; /* routes of which only the first next hop is used */
    bool synced, full;
} qs_fib_counts_t;

/* qs_fib_tx_join makes tx the writer of the mirror at mem.  What the last writer knew is still
   there, unless it was killed in the middle of a change: then the mirror is emptied and *emptied
   set.  Returns 0, -EFAULT, or -EPROTO as qs_fib_rx_join. */
int qs_fib_tx_join(qs_fib_tx_t *tx, void *mem, u64 mem_sz, bool *emptied);

/* qs_fib_apply carries one object of the kernel over.  Returns 0; -ENOSPC: there was no room, and
   answers are QS_HOP_KERNEL until a full picture fits; -EAGAIN: a route went that we cannot tell
   from its twins: take a full picture. */
int qs_fib_apply(qs_fib_tx_t *tx, qs_rtmsg_t const *m);

/* qs_fib_settle chooses source addresses anew if addresses or links changed since: call it when
   the messages at hand are through. */
void qs_fib_settle(qs_fib_tx_t *tx);

void qs_fib_sync_begin(qs_fib_tx_t *tx);
void qs_fib_sync_end(qs_fib_tx_t *tx);

void qs_fib_counts(qs_fib_tx_t const *tx, qs_fib_counts_t *counts);

/* qs_fib_has_neigh says whether the MAC of (ifindex, ip), packed as qs_fib_ask, is known and fresh. */
bool qs_fib_has_neigh(qs_fib_tx_t const *tx, u64 ask);

#endif

/* qs_dev_blocks - what comes out of a lab node's blocks: reads the node's feed, as any program would, and
   accounts for the lab's transactions.

   A transaction counts as delivered once the block that it is in is complete: until then it is pending,
   and in a block that dies it is lost there.  It is the lab's own if its first instruction carries a
   qs_probe_t whose check is right; the store verified its signatures.  One of QS_DEV_BLOCKS_AGAIN is made
   anew and compared byte by byte.

   Threads: one.  Blocks: never.  Allocates: open, and turn when a block is larger than any before. */

#ifndef QS_APP_DEV_BLOCKS_H
#define QS_APP_DEV_BLOCKS_H

#include "client/quickstep_client.h"
#include "disco/qs_lab_txn.h"

#define QS_DEV_BLOCKS_SLOTS 64u /* blocks in progress at once */
#define QS_DEV_BLOCKS_SHOWN 512u
#define QS_DEV_BLOCKS_AGAIN 16u

typedef struct qs_dev_pending {
    u64 number, sent_ns, published_ns;
} qs_dev_pending_t;

typedef struct qs_dev_block {
    u64 slot; /* 0: free */
    u32 cnt, room;
    qs_dev_pending_t *txn;
} qs_dev_block_t;

/* A block that was complete. */
typedef struct qs_dev_shown {
    u64 slot, parent_slot;
    u32 sets, entries, ticks, txns, votes;
    bool poh; /* from its first entry on */
    u8 block_id[32];
} qs_dev_shown_t;

typedef struct qs_dev_blocks {
    qs_feed_t *feed;
    u64 complete, dead, lost; /* blocks */
    u64 unlinked;             /* ... complete, whose first entry could not be judged */
    u64 txns, votes;          /* in complete blocks */
    u64 damaged;              /* carried our mark and were not what was sent */
    u64 in_dead;              /* transactions in blocks that died or were lost */
    u64 pending;              /* in blocks in progress */
    u64 missed;               /* records that we were too slow for */
    u64 last_slot;            /* highest complete one */
    u64 unix_ns;              /* Unix time less the lab's clock */
    char why[64];             /* the last block that died */
    qs_account_t account;     /* of delivered numbers; latency: from sent to published */
    qs_hist_t complete_in;    /* from sent to when the block was complete */
    qs_dev_block_t block[QS_DEV_BLOCKS_SLOTS];
    u32 shown_cnt; /* of all; the last QS_DEV_BLOCKS_SHOWN are kept */
    qs_dev_shown_t shown[QS_DEV_BLOCKS_SHOWN];
    qs_lab_txn_t const *txn; /* null: none is made anew */
} qs_dev_blocks_t;

/* qs_dev_blocks_open attaches to the feed of an instance, from its oldest record on.  now: the lab's clock.
   Returns 0 or -errno. */
int qs_dev_blocks_open(qs_dev_blocks_t *b, char const *instance, u64 now);
void qs_dev_blocks_close(qs_dev_blocks_t *b);

/* qs_dev_blocks_turn reads all that is there. */
void qs_dev_blocks_turn(qs_dev_blocks_t *b);

#endif

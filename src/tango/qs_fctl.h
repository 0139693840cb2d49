/* qs_fctl - how many fragments a producer may publish before it would overwrite one that a
   reliable consumer still needs.

       credits = window - (next to publish - slowest consumer's fseq)

   A consumer that the topology calls expendable is waited for only so long: if it has not
   moved for `patience` while the producer had no credit, the producer goes on without it.
   It is lapped then, counts its own loss, and is waited for again once it has caught up.

   Threads: the producer's own.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_FCTL_H
#define QS_TANGO_FCTL_H

#include "tango/qs_fseq.h"

#define QS_FCTL_RX_MAX 64u

typedef struct qs_fctl_rx {
    qs_fseq_t const *fseq;
    u64 seen;  /* its position when it was last seen to move */
    u64 since; /* ... and when that was, in the caller's clock */
    bool expendable;
    bool stuck; /* has left the producer no credit since then */
    bool cut;   /* given up for now */
} qs_fctl_rx_t;

typedef struct qs_fctl {
    qs_fctl_rx_t rx[QS_FCTL_RX_MAX];
    u32 rx_cnt;
    u64 window;
    u64 patience;  /* how long an expendable consumer may stand still, in the caller's clock */
    u64 cut_total; /* how often one was given up */
} qs_fctl_t;

/* qs_fctl_init: no consumers yet; window as the ring's. */
void qs_fctl_init(qs_fctl_t *fctl, u64 window, u64 patience);

/* qs_fctl_add adds a consumer.  Returns 0 or -ENOSPC. */
int qs_fctl_add(qs_fctl_t *fctl, qs_fseq_t const *fseq, bool expendable);

/* qs_fctl_query returns the credits of a producer whose next fragment is seq, at most window.
   A position that lies, ahead of seq or further behind than the window, costs its owner:
   ahead is as good as seq, further behind gives no credit. */
u64 qs_fctl_query(qs_fctl_t *fctl, u64 seq, u64 now);

#endif

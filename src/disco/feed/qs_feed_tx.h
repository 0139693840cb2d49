/* qs_feed_tx - the node's end of a feed: writes records that any program on the host may read
   (client/quickstep_client.h; how they lie there: client/quickstep_ring.h).

   Threads: one.  Blocks: never.  Allocates: never.  Needs: memory of footprint bytes, 128-aligned. */

#ifndef QS_DISCO_FEED_TX_H
#define QS_DISCO_FEED_TX_H

#include "client/quickstep_ring.h"
#include "tango/base/qs_bits.h"

#define QS_FEED_LINE_MAX (1u << 26)
#define QS_FEED_DATA_MAX (1ull << 36)

typedef struct qs_feed_tx {
    qs_feed_head_t *head;
    qs_feed_line_t *line;
    u8 *data;
    u64 line_mask, data_mask;
    u64 seq; /* of the next record */
    u64 pos;
    u64 unix_ns;
} qs_feed_tx_t;

/* qs_feed_tx_footprint returns the bytes of a feed of line_cnt records and data_sz bytes of them, or 0:
   both are powers of two, 2 to QS_FEED_LINE_MAX, and QS_FEED_DATA_MIN to
   QS_FEED_DATA_MAX. */
u64 qs_feed_tx_footprint(u64 line_cnt, u64 data_sz);

/* qs_feed_tx_new formats zeroed memory; unix_ns is Unix time less CLOCK_MONOTONIC.  Returns 0 or -EINVAL. */
int qs_feed_tx_new(void *mem, u64 line_cnt, u64 data_sz, u64 unix_ns);

/* qs_feed_tx_join goes on where the last producer of mem, sz bytes, stopped.  Returns 0 or -EPROTO. */
int qs_feed_tx_join(qs_feed_tx_t *tx, void *mem, u64 sz);

/* qs_feed_tx_publish writes a record: rec says all but seq, sz and published_ns; its payload is head and
   then body, together at most QS_FEED_REC_MAX - sizeof(qs_feed_rec_t) bytes (asserted).  Times in rec are
   CLOCK_MONOTONIC as now_ns is, 0 for unknown, and become Unix time.  Returns its number. */
u64 qs_feed_tx_publish(qs_feed_tx_t *tx, qs_feed_rec_t const *rec, void const *head, u64 head_sz,
                       void const *body, u64 body_sz, u64 now_ns);

/* qs_feed_tx_beat says that the node lives; qs_feed_tx_end that it ended in order. */
void qs_feed_tx_beat(qs_feed_tx_t *tx, u64 now_ns);
void qs_feed_tx_end(qs_feed_tx_t *tx);

#endif

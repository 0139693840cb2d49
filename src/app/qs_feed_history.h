/* qs_feed_history - what a store has on disk, as the records that its feed had of it: for readers who begin
   before the oldest record in shared memory.

   Complete slots only, in the order in which the store finished them; records have no number (seq 0).
   The store judged them when they came, and nothing is judged again.  Times are right as long as the
   host has not been started anew since.

   Threads: one.  Blocks: on the disk.  Allocates: what a store needs to take sets apart. */

#ifndef QS_APP_FEED_HISTORY_H
#define QS_APP_FEED_HISTORY_H

#include "client/quickstep_client.h"
#include "tango/base/qs_base.h"

/* Who is given each record, good until it returns; false ends it. */
typedef bool qs_feed_history_each_t(void *ctx, qs_feed_rec_t const *rec);

/* qs_feed_history reads slots first to last of the store in dir.  *next is then the slot behind the highest
   that was found complete, or first.  Returns 0 or -errno. */
int qs_feed_history(char const *dir, u64 first, u64 last, u64 *next, qs_feed_history_each_t *each,
                    void *ctx);

#endif

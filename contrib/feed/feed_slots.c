/* feed_slots - the smallest reader of a quickstep feed: says of each slot when it was complete, and how many
   transactions it held.

       cc feed_slots.c $(pkg-config --cflags --libs quickstep-client) -o feed_slots
       ./feed_slots [INSTANCE or PATH] [RECORDS]                                        */

#include <inttypes.h>
#include <quickstep_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
    qs_feed_t *feed;
    qs_feed_rec_t const *rec;
    uint64_t seen = 0, txns = 0, most = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX;
    int err = qs_feed_open(&feed, argc > 1 ? argv[1] : NULL, QS_FEED_OLDEST);

    if (err) {
        fprintf(stderr, "no feed: %s\n", strerror(-err));
        return 1;
    }
    while (seen + qs_feed_missed(feed) < most) {
        if (qs_feed_next(feed, &rec) != 1) {
            if (!qs_feed_wait(feed, 1000000000) && qs_feed_silent_ns(feed) > 5000000000u)
                break; /* the node ended */
            continue;
        }
        seen++;
        txns += rec->kind == QS_FEED_TXN;
        qs_feed_status_t const *s = qs_feed_payload(rec);
        if (rec->kind == QS_FEED_STATUS && s->state == QS_FEED_COMPLETE)
            printf("slot %" PRIu64 ": %u transactions, complete %.1f ms after its first shred\n",
                   rec->slot, s->txn_cnt, (double)(rec->complete_ns - rec->arrival_ns) / 1e6);
    }
    printf("%" PRIu64 " records, %" PRIu64 " of them transactions, %" PRIu64 " missed\n", seen,
           txns, qs_feed_missed(feed));
    qs_feed_close(feed);
    return 0;
}

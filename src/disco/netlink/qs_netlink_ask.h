/* qs_netlink_ask - how often the kernel may be provoked to ask for a neighbour's MAC.

   Who sends to many addresses of a large network asks for as many neighbours; each costs a
   broadcast.  Each neighbour is asked for once in QS_ASK_HOST_NS, and all together as the bucket
   allows.  What is remembered has a fixed size: a neighbour that was pushed out of its place by
   another is asked for again early, never late.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NETLINK_ASK_H
#define QS_DISCO_NETLINK_ASK_H

#include "tango/base/qs_base.h"

#define QS_ASK_HOST_NS   250000000u /* between two provocations of one neighbour */
#define QS_ASK_RATE      500u       /* of all, a second */
#define QS_ASK_BURST     128u
#define QS_ASK_PLACE_CNT 1024u /* a power of two */

typedef struct qs_netlink_ask {
    u64 seed;
    u64 bucket_ns; /* time saved up: one provocation costs 1 s / QS_ASK_RATE */
    u64 last_ns;
    struct {
        u64 ask; /* qs_fib_ask */
        u64 at_ns;
    } place[QS_ASK_PLACE_CNT];
} qs_netlink_ask_t;

/* qs_netlink_ask_init: nobody was asked for yet, and the bucket is full.  seed: the system's. */
void qs_netlink_ask_init(qs_netlink_ask_t *a, u64 seed, u64 now_ns);

typedef enum qs_ask_verdict {
    QS_ASK_GO,
    QS_ASK_RECENT, /* the same neighbour, a moment ago */
    QS_ASK_FLOOD   /* too many different ones */
} qs_ask_verdict_t;

/* qs_netlink_ask_may says whether the kernel may be provoked now; GO is remembered. */
qs_ask_verdict_t qs_netlink_ask_may(qs_netlink_ask_t *a, u64 ask, u64 now_ns);

#endif

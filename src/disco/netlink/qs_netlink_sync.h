/* qs_netlink_sync - follows the kernel through one rtnetlink socket: first everything, then news.

   The socket is subscribed before anything is asked for, and dumps come through the same socket as
   the news, so what is read last is what is true:

       due -> dump rules, links, addresses, routes, neighbours, one after the other -> settled
        ^                                                                                |
        +-- news were lost; tables changed under a dump; the kernel may have dropped ----+
            routes without a word (a link or an address changed); a route went that we
            cannot tell from its twins

   While a picture is taken news are applied as ever, and readers of the mirror (qs_fib) see no
   less than before.  Pictures are at least as far apart as the last one took, twice over.

   Pure but for the clock it is told and the requests it hands out: a socket is the caller's.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NETLINK_SYNC_H
#define QS_DISCO_NETLINK_SYNC_H

#include "waltz/ip/qs_fib_tx.h"

#define QS_SYNC_SOON_NS    5000000u    /* from a reason to the picture: more may come */
#define QS_SYNC_GAP_NS     20000000u   /* between two pictures, at least */
#define QS_SYNC_TIMEOUT_NS 2000000000u /* a dump that is silent for so long is asked for again */
#define QS_SYNC_BUSY_NS    2000000u    /* the kernel still works on the last dump */

typedef struct qs_sync_counts {
    u64 message[QS_RTMSG_KIND_CNT]; /* applied */
    u64 other, bad, no_room;
    u64 overrun; /* times news were lost */
    u64 picture; /* full pictures taken */
    u64 again;   /* ... begun anew because tables changed meanwhile, or a dump failed */
} qs_sync_counts_t;

typedef struct qs_netlink_sync {
    qs_fib_tx_t *tx;
    qs_sync_counts_t *counts;
    bool dumping; /* a request is on its way ... */
    bool asked;   /* ... or its answer is coming in */
    bool failed;  /* this picture cannot be trusted */
    u32 step;     /* which table */
    u32 seq;      /* of the request */
    u64 due_ns;   /* when the next picture is to be begun; UINT64_MAX: no reason to */
    u64 ask_ns;   /* when the request may be sent (again) */
    u64 begun_ns; /* this picture */
    u64 ended_ns; /* the last one */
    u64 took_ns;
} qs_netlink_sync_t;

/* qs_netlink_sync_init: a picture is due now.  counts outlive it.  seq: where to begin, not the
   one of another run. */
void qs_netlink_sync_init(qs_netlink_sync_t *s, qs_fib_tx_t *tx, qs_sync_counts_t *counts, u32 seq,
                          u64 now_ns);

/* qs_netlink_sync_request returns the size of a request to send now, written to buf
   (QS_RTMSG_REQUEST_SZ bytes), or 0.  If it could not be sent say so with qs_netlink_sync_refused. */
u32 qs_netlink_sync_request(qs_netlink_sync_t *s, u8 *buf, u64 now_ns);
void qs_netlink_sync_refused(qs_netlink_sync_t *s, u64 now_ns);

/* qs_netlink_sync_read takes one datagram of the kernel. */
void qs_netlink_sync_read(qs_netlink_sync_t *s, void const *data, u64 sz, u64 now_ns);

/* qs_netlink_sync_lost says that the socket lost messages (ENOBUFS). */
void qs_netlink_sync_lost(qs_netlink_sync_t *s, u64 now_ns);

/* qs_netlink_sync_wake returns when request wants to be called next; UINT64_MAX: only after news. */
u64 qs_netlink_sync_wake(qs_netlink_sync_t const *s);

#endif

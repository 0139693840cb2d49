/* qs_net_wait - packets that wait for their neighbour's MAC: one per neighbour, a bounded number.

       resolve says NO_NEIGH -> put(ask, packet): kept -> ask the netlink tile
                                                  else -> drop it, counted by reason
       now and then -> next(): each that waits, with what became of it:
                           known    resolve it again and send it
                           ask      its question may have been lost: ask again
                           expired  drop it, counted

   A packet is the caller's: a number here, a frame of the UMEM, say.  The table owns none: what
   comes out of take or next as EXPIRED, or was refused by put, is the caller's to free.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NET_WAIT_H
#define QS_DISCO_NET_WAIT_H

#include "tango/base/qs_base.h"

#define QS_WAIT_MAX      256u
#define QS_WAIT_ASK_NS   300000000u  /* between two questions; the netlink tile allows 250 ms */
#define QS_WAIT_LIMIT_NS 3000000000u /* the kernel gives up after three requests, a second apart */

typedef struct qs_net_waiting {
    u64 packet;
    u32 dst_ip; /* to resolve anew: the route may have changed meanwhile */
    u32 sz;
    u64 since_ns, ask_ns;
} qs_net_waiting_t;

/* Zeroed it is empty. */
typedef struct qs_net_wait {
    u32 cnt;
    u64 ask[QS_WAIT_MAX]; /* the first cnt: qs_fib_ask */
    qs_net_waiting_t packet[QS_WAIT_MAX];
} qs_net_wait_t;

typedef enum qs_wait_verdict {
    QS_WAIT_KEPT,
    QS_WAIT_TAKEN, /* another packet waits for that neighbour already */
    QS_WAIT_FULL   /* as many packets wait as there is room for */
} qs_wait_verdict_t;

/* qs_net_wait_put keeps the packet, of sz bytes and for dst_ip, until the neighbour is known.  Ask
   for it after KEPT. */
qs_wait_verdict_t qs_net_wait_put(qs_net_wait_t *w, u64 ask, u64 packet, u32 dst_ip, u32 sz,
                                  u64 now_ns);

/* qs_net_wait_take takes the packet that stands at idx out; the last one takes its place. */
qs_net_waiting_t qs_net_wait_take(qs_net_wait_t *w, u32 idx);

typedef enum qs_wait_due {
    QS_WAIT_NOTHING, /* it goes on waiting */
    QS_WAIT_ASK,     /* ask again; noted */
    QS_WAIT_EXPIRED  /* take it out */
} qs_wait_due_t;

/* qs_net_wait_due says what packet idx, whose neighbour is still unknown, is due for.

       for (u32 i = 0; i < w->cnt;)
           if (it can be sent now || qs_net_wait_due(w, i, now) == QS_WAIT_EXPIRED)
               take(i);
           else
               i++; */
qs_wait_due_t qs_net_wait_due(qs_net_wait_t *w, u32 idx, u64 now_ns);

#endif

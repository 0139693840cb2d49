/* qs_net_wait - datagrams that wait for their neighbour's MAC: one per neighbour, a bounded number.

       put    keeps a copy, or says why not
       due    what one that waits is due for: another question, or to be given up
       drop   takes one out, whatever became of it

   Copies lie here and not in frames of the UMEM: there are a few at a time, most of them are sent within
   a millisecond, and the account of the frames needs no further place for them.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NET_WAIT_H
#define QS_DISCO_NET_WAIT_H

#include "disco/qs_format.h"

#define QS_WAIT_MAX      256u
#define QS_WAIT_ASK_NS   300000000u  /* between two questions; the netlink tile allows 250 ms */
#define QS_WAIT_LIMIT_NS 3000000000u /* the kernel gives up after three requests, a second apart */

typedef struct qs_net_waiting {
    qs_send_dst_t dst; /* to resolve anew: the route may have changed meanwhile */
    u16 src_port_idx;
    u16 sz;
    u64 since_ns, ask_ns;
} qs_net_waiting_t;

/* Zeroed it is empty. */
typedef struct qs_net_wait {
    u32 cnt;
    u64 ask[QS_WAIT_MAX]; /* the first cnt: qs_fib_ask */
    qs_net_waiting_t packet[QS_WAIT_MAX];
    u8 payload[QS_WAIT_MAX][QS_UDP_MAX];
} qs_net_wait_t;

typedef enum qs_wait_verdict {
    QS_WAIT_KEPT,
    QS_WAIT_TAKEN, /* another one waits for that neighbour already */
    QS_WAIT_FULL   /* as many wait as there is room for */
} qs_wait_verdict_t;

/* qs_net_wait_put keeps a datagram of sz bytes, QS_UDP_MAX at most, until the neighbour is known.  Ask
   for it after KEPT. */
qs_wait_verdict_t qs_net_wait_put(qs_net_wait_t *w, u64 ask, qs_send_dst_t dst, u16 src_port_idx,
                                  u8 const *payload, u16 sz, u64 now_ns);

/* qs_net_wait_drop takes the datagram that stands at idx out; the last one takes its place. */
void qs_net_wait_drop(qs_net_wait_t *w, u32 idx);

typedef enum qs_wait_due {
    QS_WAIT_NOTHING, /* it goes on waiting */
    QS_WAIT_ASK,     /* ask again; noted */
    QS_WAIT_EXPIRED  /* take it out */
} qs_wait_due_t;

/* qs_net_wait_due says what datagram idx, whose neighbour is still unknown, is due for.

       for (u32 i = 0; i < w->cnt;)
           if (it was sent || qs_net_wait_due(w, i, now) == QS_WAIT_EXPIRED)
               drop(i);
           else
               i++; */
qs_wait_due_t qs_net_wait_due(qs_net_wait_t *w, u32 idx, u64 now_ns);

#endif

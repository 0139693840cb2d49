/* qs_net_link - the counters of the interface, as the kernel last told.

   Threads: the net tile's.  Blocks: never.  Allocates: never.  Needs: a netlink socket, opened at
   boot. */

#ifndef QS_DISCO_NET_LINK_H
#define QS_DISCO_NET_LINK_H

#include "tango/base/qs_base.h"

typedef struct qs_net_link {
    int fd;
    u32 ifindex;
    u64 rx_packets, rx_dropped, tx_packets, tx_dropped;
} qs_net_link_t;

/* qs_net_link_open returns 0 or -errno. */
int qs_net_link_open(qs_net_link_t *link, u32 ifindex);

/* qs_net_link_ask asks the kernel; qs_net_link_read takes what it has answered, and returns whether
   that was something. */
void qs_net_link_ask(qs_net_link_t *link);
bool qs_net_link_read(qs_net_link_t *link);

#endif

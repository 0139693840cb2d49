/* qs_net_unknown - what is sent to neighbours whose MAC the kernel has not told yet.

       keep      one datagram per neighbour waits (qs_net_wait), and the netlink tile is asked to
                 provoke the kernel's ARP; the rest is dropped, each by a counter of its own
       release   sends those whose neighbour is known by now, asks again for others, gives up
                 those that nobody answered for

   Why not by the ordinary socket, whose kernel would keep some 250 of them: it charges them to the
   socket until the neighbour answers, three seconds if it is dead, and one or two dead neighbours
   fill the socket's buffer: then nothing can be sent by it to anybody.

   Threads: the net tile's.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NET_UNKNOWN_H
#define QS_DISCO_NET_UNKNOWN_H

#include "disco/net/qs_net.h"

/* qs_net_unknown_ask has the netlink tile ask for a neighbour: an empty fragment, which takes a frame
   as any other does. */
void qs_net_unknown_ask(qs_net_t *n, qs_stem_t *stem, qs_hop_t const *hop);

/* qs_net_unknown_keep keeps or drops the datagram, counted; hop is of kind NO_NEIGH. */
void qs_net_unknown_keep(qs_net_t *n, qs_stem_t *stem, qs_hop_t const *hop, qs_send_t const *req,
                         qs_send_dst_t const *dst);

/* qs_net_unknown_release is for each turn while something waits.  Returns how many left. */
u32 qs_net_unknown_release(qs_net_t *n, qs_stem_t *stem);

/* qs_net_unknown_end gives what still waits to the ordinary sockets: the kernel goes on asking when we
   are gone. */
void qs_net_unknown_end(qs_net_t *n);

#endif

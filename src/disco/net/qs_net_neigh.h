/* qs_net_neigh - the MAC addresses of neighbours on our own link, as the kernel knows them.

   The tile asks the kernel for its table (a dump over a netlink socket opened at boot) now and then
   and after a miss; what comes back is a new table.  Whatever is not a neighbour known to the kernel
   on this link, with a valid entry, goes by the ordinary socket: the kernel resolves it, and the
   next table has it.  Nothing is ever learnt from packets.

   Threads: the net tile's.  Blocks: never.  Allocates: never.  Needs: a netlink socket. */

#ifndef QS_DISCO_NET_NEIGH_H
#define QS_DISCO_NET_NEIGH_H

#include "tango/base/qs_bits.h"

#define QS_NET_NEIGH_SLOTS 512u /* a power of two; half of them are used at most */

typedef struct qs_net_neigh_slot {
    u32 ip; /* 0: free */
    u64 mac;
} qs_net_neigh_slot_t;

/* The interface's counters, as the kernel last told. */
typedef struct qs_net_if {
    u64 rx_packets, rx_dropped, tx_packets, tx_dropped;
    bool up; /* IFF_UP and IFF_RUNNING */
    u32 mtu;
} qs_net_if_t;

typedef struct qs_net_neigh {
    int fd;
    u32 ifindex;
    u32 ip, mask; /* ours, and of the network on the link */
    bool asked;   /* an answer is on its way */
    bool missed;  /* lookup missed since the last question */
    u32 use;      /* which table is in use */
    u32 cnt;      /* in the other one, that is being filled */
    qs_net_if_t link;
    qs_net_neigh_slot_t slot[2][QS_NET_NEIGH_SLOTS];
} qs_net_neigh_t;

/* qs_net_neigh_open makes an empty table for the network ip/prefix on ifindex.  Returns 0 or -errno. */
int qs_net_neigh_open(qs_net_neigh_t *n, u32 ifindex, u32 ip, u32 prefix);

/* qs_net_neigh_ask asks the kernel for its neighbours, and for the link; qs_net_neigh_read takes what
   has been answered.  ask does nothing while an answer is on its way.  read returns true when a new
   table is in use. */
void qs_net_neigh_ask(qs_net_neigh_t *n);
bool qs_net_neigh_read(qs_net_neigh_t *n);

QS_INLINE u32
qs_net_neigh_slot(u32 ip)
{
    return (u32)(ip * 0x9e3779b1u) >> 23 & (QS_NET_NEIGH_SLOTS - 1);
}

/* qs_net_neigh_find returns the MAC address (qs_frame_mac) of ip, or 0: ask the kernel to send. */
QS_INLINE u64
qs_net_neigh_find(qs_net_neigh_t *n, u32 ip)
{
    qs_net_neigh_slot_t const *slot = n->slot[n->use];

    if ((ip ^ n->ip) & n->mask || ip == n->ip || !(ip & ~n->mask) || !(~ip & ~n->mask))
        return 0; /* not on the link, ourselves, the network, the broadcast */
    for (u32 i = qs_net_neigh_slot(ip); slot[i].ip; i = (i + 1) & (QS_NET_NEIGH_SLOTS - 1))
        if (slot[i].ip == ip)
            return slot[i].mac;
    n->missed = true;
    return 0;
}

#endif

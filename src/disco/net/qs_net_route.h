/* qs_net_route - where a datagram goes: the netlink tile's mirror, and a small memory of its answers.

   An answer holds as long as nothing in the mirror changed; then it is looked up anew.  Whoever is
   not a neighbour behind our interface is left to the ordinary socket: the kernel routes and refuses
   as it does for everybody.  What is for a neighbour without a known MAC waits (qs_net_unknown).

   Threads: the net tile's.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NET_ROUTE_H
#define QS_DISCO_NET_ROUTE_H

#include "waltz/ip/qs_fib.h"
#include "waltz/ip/qs_frame.h"

#define QS_NET_ROUTE_SLOTS  256u
#define QS_NET_ROUTE_ASK_NS 1000000000u /* between two questions for one stale neighbour */

typedef struct qs_net_route_slot {
    u64 seq; /* of the mirror when it answered; odd: empty */
    u64 ask_at;
    u32 ip;
    qs_hop_t hop;
    qs_frame_way_t way; /* of kind OK: the headers */
} qs_net_route_slot_t;

typedef struct qs_net_route {
    bool on;
    u32 ifindex; /* ours */
    u32 ip;      /* what we send from; 0: what the route says */
    qs_fib_rx_t fib;
    qs_net_route_slot_t slot[QS_NET_ROUTE_SLOTS];
} qs_net_route_t;

/* qs_net_route_open joins the mirror; mem NULL: there is none, and nothing is ever found. */
int qs_net_route_open(qs_net_route_t *r, u32 ifindex, u32 ip, void const *mem, u64 mem_sz);

/* qs_net_route_way writes the headers of a slot whose hop is OK. */
void qs_net_route_way(qs_net_route_t const *r, qs_net_route_slot_t *slot);

/* qs_net_route_look_ asks the mirror. */
void qs_net_route_look_(qs_net_route_t *r, qs_net_route_slot_t *slot, u32 ip);

/* qs_net_route_find returns the slot that says how a frame to ip is addressed, or NULL: the kernel's
   business. */
QS_INLINE qs_net_route_slot_t *
qs_net_route_find(qs_net_route_t *r, u32 ip)
{
    if (!r->on)
        return NULL;
    qs_net_route_slot_t *slot = &r->slot[(u32)(ip * 0x9e3779b1u) >> 24];
    if (qs_unlikely(slot->ip != ip || slot->seq != qs_load_relaxed(r->fib.seq)))
        qs_net_route_look_(r, slot, ip);
    return slot->hop.kind == QS_HOP_OK && slot->hop.ifindex == r->ifindex ? slot : NULL;
}

/* qs_net_route_unknown returns the hop of a destination that find just returned NULL for, if all that is
   missing is the MAC of a neighbour behind our interface, or NULL. */
QS_INLINE qs_hop_t const *
qs_net_route_unknown(qs_net_route_t const *r, u32 ip)
{
    if (!r->on)
        return NULL;
    qs_net_route_slot_t const *slot = &r->slot[(u32)(ip * 0x9e3779b1u) >> 24];
    bool ours = slot->hop.kind == QS_HOP_NO_NEIGH && slot->hop.ifindex == r->ifindex;
    return slot->ip == ip && ours ? &slot->hop : NULL;
}

/* qs_net_route_stale says whether the netlink tile is to be asked for this neighbour now. */
QS_INLINE bool
qs_net_route_stale(qs_net_route_slot_t *slot, u64 now)
{
    if (qs_likely(!(slot->hop.flags & QS_HOP_STALE)) || now < slot->ask_at)
        return false;
    slot->ask_at = now + QS_NET_ROUTE_ASK_NS;
    return true;
}

#endif

#include "disco/net/qs_net_route.h"

int
qs_net_route_open(qs_net_route_t *r, u32 ifindex, void const *mem, u64 mem_sz)
{
    *r = (qs_net_route_t){.ifindex = ifindex, .on = mem != NULL};
    for (u32 i = 0; i < QS_NET_ROUTE_SLOTS; i++)
        r->slot[i].seq = 1;
    return mem ? qs_fib_rx_join(&r->fib, mem, mem_sz) : 0;
}

void
qs_net_route_look_(qs_net_route_t *r, qs_net_route_slot_t *slot, u32 ip)
{
    u64 seq = qs_load_acquire(r->fib.seq);

    if (slot->ip != ip)
        slot->ask_at = 0;
    slot->ip = ip;
    qs_hop_kind_t kind = qs_fib_resolve(&r->fib, ip, &slot->hop);
    slot->seq = kind == QS_HOP_BUSY ? 1 : seq; /* odd while it was changed: never found again */
}

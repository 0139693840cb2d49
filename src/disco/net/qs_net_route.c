#include "disco/net/qs_net_route.h"

int
qs_net_route_open(qs_net_route_t *r, u32 ifindex, u32 ip, void const *mem, u64 mem_sz)
{
    *r = (qs_net_route_t){.ifindex = ifindex, .ip = ip, .on = mem != NULL};
    for (u32 i = 0; i < QS_NET_ROUTE_SLOTS; i++)
        r->slot[i].seq = 1;
    return mem ? qs_fib_rx_join(&r->fib, mem, mem_sz) : 0;
}

void
qs_net_route_way(qs_net_route_t const *r, qs_net_route_slot_t *slot)
{
    qs_hop_t const *hop = &slot->hop;
    qs_frame_to_t to = {.dst_mac = qs_frame_mac(hop->dst_mac),
                        .src_mac = qs_frame_mac(hop->src_mac),
                        .src_ip = r->ip ? r->ip : hop->src_ip,
                        .dst_ip = slot->ip,
                        .vlan = hop->vlan ? hop->vlan : QS_FRAME_NO_VLAN};
    qs_frame_way_make(&slot->way, &to);
}

void
qs_net_route_look_(qs_net_route_t *r, qs_net_route_slot_t *slot, u32 ip)
{
    u64 seq = qs_load_acquire(r->fib.seq);

    if (slot->ip != ip)
        slot->ask_at = 0;
    slot->ip = ip;
    qs_hop_kind_t kind = qs_fib_resolve(&r->fib, ip, &slot->hop);
    if (kind == QS_HOP_OK)
        qs_net_route_way(r, slot);
    slot->seq = kind == QS_HOP_BUSY ? 1 : seq; /* odd while it was changed: never found again */
}

#include "disco/netlink/qs_netlink_ask.h"

#define COST_NS (1000000000u / QS_ASK_RATE)

void
qs_netlink_ask_init(qs_netlink_ask_t *a, u64 seed, u64 now_ns)
{
    *a = (qs_netlink_ask_t){
        .seed = seed | 1, .bucket_ns = (u64)QS_ASK_BURST * COST_NS, .last_ns = now_ns};
}

qs_ask_verdict_t
qs_netlink_ask_may(qs_netlink_ask_t *a, u64 ask, u64 now_ns)
{
    u64 h = (ask ^ a->seed) * 0x9e3779b97f4a7c15ull;
    u64 at = ((h ^ h >> 32) * a->seed) >> 32 & (QS_ASK_PLACE_CNT - 1);

    if (a->place[at].ask == ask && now_ns - a->place[at].at_ns < QS_ASK_HOST_NS)
        return QS_ASK_RECENT;
    u64 passed = now_ns > a->last_ns ? now_ns - a->last_ns : 0;
    u64 full = (u64)QS_ASK_BURST * COST_NS;
    a->bucket_ns = passed < full - a->bucket_ns ? a->bucket_ns + passed : full;
    a->last_ns = now_ns;
    if (a->bucket_ns < COST_NS)
        return QS_ASK_FLOOD;
    a->bucket_ns -= COST_NS;
    a->place[at].ask = ask;
    a->place[at].at_ns = now_ns;
    return QS_ASK_GO;
}

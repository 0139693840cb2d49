#include "disco/net/qs_net_wait.h"

qs_wait_verdict_t
qs_net_wait_put(qs_net_wait_t *w, u64 ask, u64 packet, u32 dst_ip, u32 sz, u64 now_ns)
{
    for (u32 i = 0; i < w->cnt; i++)
        if (w->ask[i] == ask)
            return QS_WAIT_TAKEN;
    if (w->cnt == QS_WAIT_MAX)
        return QS_WAIT_FULL;
    w->ask[w->cnt] = ask;
    w->packet[w->cnt++] = (qs_net_waiting_t){
        .packet = packet, .dst_ip = dst_ip, .sz = sz, .since_ns = now_ns, .ask_ns = now_ns};
    return QS_WAIT_KEPT;
}

qs_net_waiting_t
qs_net_wait_take(qs_net_wait_t *w, u32 idx)
{
    QS_ASSERT(idx < w->cnt);
    qs_net_waiting_t taken = w->packet[idx];

    w->cnt--;
    w->ask[idx] = w->ask[w->cnt];
    w->packet[idx] = w->packet[w->cnt];
    return taken;
}

qs_wait_due_t
qs_net_wait_due(qs_net_wait_t *w, u32 idx, u64 now_ns)
{
    qs_net_waiting_t *p = &w->packet[idx];

    QS_ASSERT(idx < w->cnt);
    if (now_ns - p->since_ns >= QS_WAIT_LIMIT_NS)
        return QS_WAIT_EXPIRED;
    if (now_ns - p->ask_ns < QS_WAIT_ASK_NS)
        return QS_WAIT_NOTHING;
    p->ask_ns = now_ns;
    return QS_WAIT_ASK;
}

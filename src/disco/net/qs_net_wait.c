#include "disco/net/qs_net_wait.h"

qs_wait_verdict_t
qs_net_wait_put(qs_net_wait_t *w, u64 ask, qs_send_dst_t dst, u16 src_port_idx, u8 const *payload,
                u16 sz, u64 now_ns)
{
    for (u32 i = 0; i < w->cnt; i++)
        if (w->ask[i] == ask)
            return QS_WAIT_TAKEN;
    if (w->cnt == QS_WAIT_MAX)
        return QS_WAIT_FULL;
    QS_ASSERT(sz <= QS_UDP_MAX);
    memcpy(w->payload[w->cnt], payload, sz);
    w->ask[w->cnt] = ask;
    w->packet[w->cnt++] = (qs_net_waiting_t){
        .dst = dst, .src_port_idx = src_port_idx, .sz = sz, .since_ns = now_ns, .ask_ns = now_ns};
    return QS_WAIT_KEPT;
}

void
qs_net_wait_drop(qs_net_wait_t *w, u32 idx)
{
    QS_ASSERT(idx < w->cnt);
    u32 last = --w->cnt;

    if (idx == last)
        return;
    w->ask[idx] = w->ask[last];
    w->packet[idx] = w->packet[last];
    memcpy(w->payload[idx], w->payload[last], w->packet[last].sz);
}

qs_wait_due_t
qs_net_wait_due(qs_net_wait_t *w, u32 idx, u64 now_ns)
{
    QS_ASSERT(idx < w->cnt);
    qs_net_waiting_t *p = &w->packet[idx];

    if (now_ns - p->since_ns >= QS_WAIT_LIMIT_NS)
        return QS_WAIT_EXPIRED;
    if (now_ns - p->ask_ns < QS_WAIT_ASK_NS)
        return QS_WAIT_NOTHING;
    p->ask_ns = now_ns;
    return QS_WAIT_ASK;
}

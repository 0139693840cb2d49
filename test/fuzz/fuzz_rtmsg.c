/* Goal: whatever a netlink socket hands over, each message has a verdict, what is called good keeps
   its promises, and the mirror that is told of it stays whole.
   Method: byte 0 says how the rest is cut into datagrams; every good message is applied to a small
   mirror, whose counts must stay in bounds and which is then asked. */

#include <sys/mman.h>

#include "waltz/ip/qs_fib_tx.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static qs_fib_conf_t const conf = {.route_max = 24, .neigh_max = 8, .link_max = 4};
static u8 *mem;

static void
check_message(qs_rtmsg_t const *m)
{
    QS_ASSERT((u32)m->kind < QS_RTMSG_KIND_CNT);
    if (m->kind == QS_RTMSG_LINK) {
        QS_ASSERT(m->link.ifindex && m->link.ifindex <= INT32_MAX && m->link.vlan <= 4094);
        QS_ASSERT(!m->link.name[QS_RTMSG_NAME_SZ - 1]);
        QS_ASSERT(!m->link.vlan == !m->link.parent);
    }
    if (m->kind == QS_RTMSG_ADDR)
        QS_ASSERT(m->addr.ifindex && m->addr.len <= 32);
    if (m->kind == QS_RTMSG_NEIGH)
        QS_ASSERT(m->neigh.ifindex && (m->neigh.usable || !m->neigh.stale));
    if (m->kind != QS_RTMSG_ROUTE)
        return;
    u32 mask = m->route.len ? UINT32_MAX << (32 - m->route.len) : 0;
    QS_ASSERT(m->route.len <= 32 && m->route.way < QS_RTMSG_WAY_CNT);
    QS_ASSERT(!(m->route.dst & ~mask));
    QS_ASSERT(m->route.way == QS_RTMSG_WAY_HOP ? m->route.ifindex : !m->route.gw);
}

static void
read_datagram(qs_fib_tx_t *tx, u8 const *data, u64 sz)
{
    qs_rtmsg_iter_t iter = qs_rtmsg_iter(data, sz);
    qs_rtmsg_verdict_t verdict;
    qs_rtmsg_t m;

    while ((verdict = qs_rtmsg_next(&iter, &m)) != QS_RTMSG_END) {
        QS_ASSERT((u32)verdict < QS_RTMSG_VERDICT_CNT && iter.left <= sz);
        if (verdict != QS_RTMSG_OK)
            continue;
        check_message(&m);
        int err = qs_fib_apply(tx, &m);
        QS_ASSERT(!err || err == -ENOSPC || err == -EAGAIN);
    }
}

static void
ask(qs_fib_rx_t *rx)
{
    static u32 const ip[] = {0, 0x0a000001, 0x0a010203, 0x7f000001, 0xc0a80101, 0xe0000001, ~0u};
    qs_hop_t hop[QS_COUNT(ip)], one;

    qs_fib_resolve_batch(rx, ip, QS_COUNT(ip), hop);
    for (u32 i = 0; i < QS_COUNT(ip); i++) {
        QS_ASSERT(hop[i].kind < QS_HOP_BUSY);
        QS_ASSERT(qs_fib_resolve(rx, ip[i], &one) == hop[i].kind);
        QS_ASSERT(!memcmp(&one, &hop[i], sizeof(one)));
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    u64 mem_sz = qs_fib_footprint(&conf);
    qs_fib_tx_t tx;
    qs_fib_rx_t rx;
    qs_fib_counts_t c;
    bool emptied;

    if (!mem)
        mem = aligned_alloc(QS_ALIGN, mem_sz);
    if (!sz)
        return 0;
    QS_ASSERT(!qs_fib_new(mem, &conf, 1) && !qs_fib_tx_join(&tx, mem, mem_sz, &emptied));
    QS_ASSERT(!qs_fib_rx_join(&rx, mem, mem_sz) && !emptied);
    u64 first = (u64)data[0] * 4 < sz - 1 ? (u64)data[0] * 4 : sz - 1;
    qs_fib_sync_begin(&tx);
    read_datagram(&tx, data + 1, first);
    qs_fib_sync_end(&tx);
    ask(&rx);
    if (data[0] & 1)
        qs_fib_sync_begin(&tx);
    read_datagram(&tx, data + 1 + first, sz - 1 - first);
    qs_fib_sync_end(&tx);
    ask(&rx);
    qs_fib_counts(&tx, &c);
    QS_ASSERT(c.route <= conf.route_max && c.neigh <= conf.neigh_max && c.link <= conf.link_max);
    QS_ASSERT(c.hop <= c.route && c.multipath <= c.route);
    qs_fib_sync_begin(&tx);
    qs_fib_sync_end(&tx); /* nothing is mentioned: all must go */
    qs_fib_counts(&tx, &c);
    QS_ASSERT(!c.route && !c.neigh && !c.link && !c.addr && !c.hop && !c.multipath);
    return 0;
}

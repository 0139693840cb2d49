#include "waltz/ip/qs_fib.h"

#include "waltz/ip/qs_fib_layout.h"

#define BATCH_TRIES  4u
#define SINGLE_TRIES 16u

static bool
conf_ok(qs_fib_conf_t const *c)
{
    return c->route_max && c->route_max <= QS_FIB_ROUTE_MAX && c->neigh_max &&
           c->neigh_max <= QS_FIB_NEIGH_MAX && c->link_max && c->link_max <= QS_FIB_LINK_MAX;
}

static u64
take(u64 *end, u64 sz)
{
    u64 off = qs_align_up(*end, QS_ALIGN);
    *end = off + sz;
    return off;
}

void
fib_parts(qs_fib_conf_t const *c, fib_parts_t *p)
{
    u32 dense = c->route_max < FIB_BLOCK_DENSE ? c->route_max : FIB_BLOCK_DENSE;

    *p = (fib_parts_t){.end = sizeof(qs_fib_t)};
    p->block_cnt = 1 + QS_LPM_PREFIX_COST * dense + 2 * (c->route_max - dense);
    p->route_cnt = p->hop_cnt = c->route_max + 1; /* entry 0 of both means none */
    p->addr_cnt = c->link_max * QS_FIB_ADDR_PER_DEV;
    p->bucket_cnt = 1u << (qs_log2(c->route_max) + 1);
    p->lpm = take(&p->end, qs_lpm_footprint(p->block_cnt));
    p->hop_word = take(&p->end, (u64)p->hop_cnt * FIB_HOP_WORDS * sizeof(u64));
    p->link = take(&p->end, qs_wmap_footprint(c->link_max, FIB_LINK_WORDS));
    p->neigh = take(&p->end, qs_wmap_footprint(c->neigh_max, FIB_NEIGH_WORDS));
    p->hop = take(&p->end, (u64)p->hop_cnt * sizeof(qs_fib_hop_t_));
    p->route = take(&p->end, (u64)p->route_cnt * sizeof(qs_fib_route_t_));
    p->addr = take(&p->end, (u64)p->addr_cnt * sizeof(qs_fib_addr_t_));
    p->hop_bucket = take(&p->end, (u64)p->bucket_cnt * sizeof(u32));
    p->route_bucket = take(&p->end, (u64)p->bucket_cnt * sizeof(u32));
    p->end = qs_align_up(p->end, QS_ALIGN);
}

u64
qs_fib_footprint(qs_fib_conf_t const *conf)
{
    fib_parts_t p;

    if (!conf_ok(conf))
        return 0;
    fib_parts(conf, &p);
    return p.end;
}

void
fib_format(qs_fib_t *fib)
{
    u8 *mem = (u8 *)fib;
    fib_parts_t p;

    fib_parts(&fib->conf, &p);
    memset(mem + p.lpm, 0, p.end - p.lpm);
    qs_lpm_new(mem + p.lpm, p.block_cnt);
    qs_store_relaxed(&fib->state, 0);
    u64 from = offsetof(qs_fib_t, route_cnt);
    memset(mem + from, 0, sizeof(*fib) - from);
    fib->route_used = fib->hop_used = 1;
}

int
qs_fib_new(void *mem, qs_fib_conf_t const *conf, u64 seed)
{
    qs_fib_t *fib = mem;

    if (!mem || (uintptr_t)mem % QS_ALIGN)
        return -EFAULT;
    if (!conf_ok(conf))
        return -EINVAL;
    memset(fib, 0, sizeof(*fib));
    fib->conf = *conf;
    fib->seed = seed;
    fib_format(fib);
    qs_store_release(&fib->magic, FIB_MAGIC); /* pairs with qs_fib_rx_join, qs_fib_tx_join */
    return 0;
}

int
qs_fib_rx_join(qs_fib_rx_t *rx, void const *mem, u64 mem_sz)
{
    qs_fib_t const *fib = mem;
    u8 const *base = mem;
    fib_parts_t p;

    if (!mem || (uintptr_t)mem % QS_ALIGN)
        return -EFAULT;
    if (mem_sz < sizeof(*fib) || qs_load_acquire(&fib->magic) != FIB_MAGIC)
        return -EPROTO;
    qs_fib_conf_t conf = {.route_max = qs_load_relaxed(&fib->conf.route_max),
                          .neigh_max = qs_load_relaxed(&fib->conf.neigh_max),
                          .link_max = qs_load_relaxed(&fib->conf.link_max)};
    u64 sz = qs_fib_footprint(&conf);
    if (!sz || sz > mem_sz)
        return -EPROTO;

    u64 seed = qs_load_relaxed(&fib->seed);
    fib_parts(&conf, &p);
    *rx = (qs_fib_rx_t){.seq = &fib->seq,
                        .state = &fib->state,
                        .hop = (u64 const *)(base + p.hop_word),
                        .hop_cnt = p.hop_cnt};
    qs_lpm_rx_join(&rx->lpm, base + p.lpm, p.block_cnt);
    qs_wmap_rx_join(&rx->link, base + p.link, conf.link_max, FIB_LINK_WORDS, seed);
    qs_wmap_rx_join(&rx->neigh, base + p.neigh, conf.neigh_max, FIB_NEIGH_WORDS, seed);
    return 0;
}

/* What needs no mirror: the destinations that are nowhere else, and those that are many. */
static bool
is_special(u32 ip, qs_hop_kind_t *kind)
{
    if (!ip || ip >> 24 == 127) {
        *kind = QS_HOP_LOCAL;
        return true;
    }
    if (ip >> 28 == 14 || ip == UINT32_MAX) {
        *kind = QS_HOP_KERNEL;
        return true;
    }
    return false;
}

static qs_hop_kind_t
kind_of_way(u32 way)
{
    switch (way) {
    case QS_RTMSG_WAY_HOP:
        return QS_HOP_OK;
    case QS_RTMSG_WAY_LOCAL:
        return QS_HOP_LOCAL;
    case QS_RTMSG_WAY_THROW:
        return QS_HOP_NO_ROUTE;
    case QS_RTMSG_WAY_BLACKHOLE:
        return QS_HOP_BLACKHOLE;
    case QS_RTMSG_WAY_UNREACHABLE:
        return QS_HOP_UNREACHABLE;
    case QS_RTMSG_WAY_PROHIBIT:
        return QS_HOP_PROHIBIT;
    default:
        return QS_HOP_KERNEL;
    }
}

/* fill_hop begins the answer with what the route says, and starts to fetch the neighbour. */
static void
fill_hop(qs_fib_rx_t const *rx, u32 dst_ip, u32 idx, bool synced, qs_hop_t *hop)
{
    qs_hop_kind_t special;

    *hop = (qs_hop_t){.kind = QS_HOP_KERNEL, .next_ip = dst_ip};
    if (qs_unlikely(is_special(dst_ip, &special)))
        hop->kind = (u8)special;
    else if (synced && !idx)
        hop->kind = QS_HOP_NO_ROUTE;
    else if (synced && idx < rx->hop_cnt) {
        u64 w0 = qs_load_relaxed(&rx->hop[idx * FIB_HOP_WORDS]);
        u64 w1 = qs_load_relaxed(&rx->hop[idx * FIB_HOP_WORDS + 1]);
        hop->kind = (u8)kind_of_way((u32)(w1 >> 8) & 255);
        hop->flags = (u8)w1;
        hop->mtu = (u16)(w1 >> 16);
        hop->src_ip = (u32)(w1 >> 32);
        hop->ask_ifindex = (u32)w0;
        hop->next_ip = w0 >> 32 ? (u32)(w0 >> 32) : dst_ip;
        qs_wmap_prefetch(&rx->neigh, qs_fib_ask(hop));
    }
}

typedef struct link_view {
    u64 mac;
    u32 vlan, flags, parent, mtu;
} link_view_t;

static bool
find_link(qs_fib_rx_t const *rx, u32 ifindex, link_view_t *link)
{
    u64 const *record = ifindex ? qs_wmap_find(&rx->link, ifindex) : NULL;

    if (!record)
        return false;
    u64 w1 = qs_load_relaxed(&record[1]), w2 = qs_load_relaxed(&record[2]);
    *link = (link_view_t){.mac = w1 & FIB_MAC_MASK,
                          .vlan = (u32)(w1 >> 48) & 4095,
                          .flags = (u32)(w1 >> 60),
                          .parent = (u32)(w2 >> 32),
                          .mtu = (u32)w2};
    return true;
}

/* fill_link says by which device, and returns QS_HOP_OK if a frame can be made for it. */
static qs_hop_kind_t
fill_link(qs_fib_rx_t const *rx, qs_hop_t *hop)
{
    link_view_t link, parent;

    if (!find_link(rx, hop->ask_ifindex, &link) || !(link.flags & FIB_LINK_UP))
        return QS_HOP_LINK_DOWN;
    hop->ifindex = hop->ask_ifindex;
    hop->mtu = hop->mtu && hop->mtu < link.mtu ? hop->mtu : link.mtu;
    fib_mac_store(hop->src_mac, link.mac);
    if (!(link.flags & FIB_LINK_PLAIN))
        return QS_HOP_KERNEL;
    if (!link.vlan)
        return QS_HOP_OK;
    if (!link.parent)
        return QS_HOP_KERNEL;
    if (!find_link(rx, link.parent, &parent) || !(parent.flags & FIB_LINK_UP))
        return QS_HOP_LINK_DOWN;
    hop->vlan = (u16)link.vlan;
    hop->ifindex = link.parent;
    hop->mtu = hop->mtu < parent.mtu ? hop->mtu : parent.mtu;
    return parent.flags & FIB_LINK_PLAIN && !parent.vlan ? QS_HOP_OK : QS_HOP_KERNEL;
}

/* fill_rest completes an answer that fill_hop began. */
static void
fill_rest(qs_fib_rx_t const *rx, qs_hop_t *hop)
{
    if (hop->kind != QS_HOP_OK)
        return;
    hop->kind = (u8)fill_link(rx, hop);
    if (hop->kind != QS_HOP_OK)
        return;
    u64 const *record = qs_wmap_find(&rx->neigh, qs_fib_ask(hop));
    if (!record) {
        hop->kind = QS_HOP_NO_NEIGH;
        return;
    }
    u64 w1 = qs_load_relaxed(&record[1]);
    fib_mac_store(hop->dst_mac, w1 & FIB_MAC_MASK);
    if (w1 >> 48 & FIB_NEIGH_STALE)
        hop->flags |= QS_HOP_STALE;
}

/* read_once answers cnt questions and returns whether the mirror stood still meanwhile. */
static bool
read_once(qs_fib_rx_t const *rx, u32 const *dst_ip, u32 cnt, qs_hop_t *hop)
{
    u32 idx[QS_FIB_BATCH];
    u64 seq = qs_load_acquire(rx->seq); /* R1 */

    if (seq & 1)
        return false;
    bool synced = qs_load_relaxed(rx->state) == FIB_SYNCED; /* R2, as is all of the next */
    if (cnt == 1)
        idx[0] = qs_lpm_lookup(&rx->lpm, dst_ip[0]);
    else
        qs_lpm_lookup_batch(&rx->lpm, dst_ip, cnt, idx);
    for (u32 i = 0; i < cnt; i++)
        fill_hop(rx, dst_ip[i], idx[i], synced, &hop[i]);
    for (u32 i = 0; i < cnt; i++)
        fill_rest(rx, &hop[i]);
    qs_fence(__ATOMIC_ACQUIRE);             /* R3 */
    return qs_load_relaxed(rx->seq) == seq; /* R4 */
}

static bool
read_some(qs_fib_rx_t *rx, u32 const *dst_ip, u32 cnt, qs_hop_t *hop, u32 tries)
{
    for (u32 i = 0; i < tries; i++) {
        if (qs_likely(read_once(rx, dst_ip, cnt, hop)))
            return true;
        rx->retry++;
        qs_pause();
    }
    return false;
}

qs_hop_kind_t
qs_fib_resolve(qs_fib_rx_t *rx, u32 dst_ip, qs_hop_t *hop)
{
    if (!read_some(rx, &dst_ip, 1, hop, SINGLE_TRIES)) {
        *hop = (qs_hop_t){.kind = QS_HOP_BUSY, .next_ip = dst_ip};
        rx->busy++;
    }
    return (qs_hop_kind_t)hop->kind;
}

void
qs_fib_resolve_batch(qs_fib_rx_t *rx, u32 const *dst_ip, u32 cnt, qs_hop_t *hop)
{
    QS_ASSERT(cnt <= QS_FIB_BATCH);
    if (read_some(rx, dst_ip, cnt, hop, BATCH_TRIES))
        return;
    /* Changes come faster than a batch is read: each question alone is short enough. */
    for (u32 i = 0; i < cnt; i++)
        qs_fib_resolve(rx, dst_ip[i], &hop[i]);
}

char const *
qs_hop_kind_name(qs_hop_kind_t kind)
{
    static char const *const name[] = {
        [QS_HOP_OK] = "ok",
        [QS_HOP_LOCAL] = "local",
        [QS_HOP_KERNEL] = "kernel",
        [QS_HOP_NO_ROUTE] = "no_route",
        [QS_HOP_BLACKHOLE] = "blackhole",
        [QS_HOP_UNREACHABLE] = "unreachable",
        [QS_HOP_PROHIBIT] = "prohibit",
        [QS_HOP_LINK_DOWN] = "link_down",
        [QS_HOP_NO_NEIGH] = "no_neigh",
        [QS_HOP_BUSY] = "busy",
    };
    _Static_assert(QS_COUNT(name) == QS_HOP_KIND_CNT, "every kind has a name");

    return (u32)kind < QS_HOP_KIND_CNT ? name[kind] : "unknown";
}

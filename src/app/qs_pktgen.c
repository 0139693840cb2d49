#include "app/qs_pktgen.h"

#include "disco/qs_probe.h"

int
qs_pktgen_init(qs_pktgen_t *g, qs_pktgen_conf_t const *c)
{
    if (!c->port_cnt || c->port_cnt > QS_PKTGEN_PORT_MAX || !c->src_port || !c->flow_cnt ||
        c->flow_cnt > QS_PKTGEN_FLOW_MAX || c->src_port + c->flow_cnt > 65536 ||
        c->sz_min > c->sz_max || c->sz_max > QS_PKTGEN_SZ_MAX || c->unwanted_pct > 100 ||
        c->garbage_pct > 100 - c->unwanted_pct)
        return -EINVAL;
    memset(g, 0, sizeof(*g));
    g->conf = *c;
    qs_rng_init(&g->rng, c->seed, 0);
    return 0;
}

static bool
is_wanted(qs_pktgen_conf_t const *c, u16 port)
{
    for (u32 i = 0; i < c->port_cnt; i++)
        if (c->port[i] == port)
            return true;
    return false;
}

static u16
unwanted_port(qs_pktgen_t *g)
{
    for (;;) {
        u16 port = (u16)(1 + qs_rng_bounded(&g->rng, 65535));
        if (!is_wanted(&g->conf, port))
            return port;
    }
}

static qs_pktgen_kind_t
draw_kind(qs_pktgen_t *g)
{
    qs_pktgen_conf_t const *c = &g->conf;
    if (!c->unwanted_pct && !c->garbage_pct)
        return QS_PKTGEN_WANTED;
    u64 r = qs_rng_bounded(&g->rng, 100);
    if (r < c->unwanted_pct)
        return QS_PKTGEN_UNWANTED;
    return r < c->unwanted_pct + c->garbage_pct ? QS_PKTGEN_GARBAGE : QS_PKTGEN_WANTED;
}

static void
fill_random(qs_pktgen_t *g, u32 sz)
{
    for (u32 i = 0; i < sz; i += 8) {
        u64 r = qs_rng_u64(&g->rng);
        memcpy(g->payload + i, &r, qs_min_u64(8, sz - i));
    }
    g->dirty_sz = sz;
}

u8 const *
qs_pktgen_next(qs_pktgen_t *g, u64 now_ns, qs_pktgen_pkt_t *pkt)
{
    qs_pktgen_conf_t const *c = &g->conf;
    qs_probe_t probe = {.magic = QS_PROBE_MAGIC, .number = g->number, .sent_ns = now_ns};
    u16 port = c->port[c->port_cnt == 1 ? 0 : qs_rng_bounded(&g->rng, c->port_cnt)];
    u64 flow = c->flow_cnt == 1 ? 0 : qs_rng_bounded(&g->rng, c->flow_cnt);

    *pkt = (qs_pktgen_pkt_t){.kind = draw_kind(g),
                             .src_port = (u16)(c->src_port + flow),
                             .dst_port = port,
                             .sz = c->sz_min};
    if (c->sz_max != c->sz_min)
        pkt->sz += (u32)qs_rng_bounded(&g->rng, c->sz_max - c->sz_min + 1);
    g->cnt[pkt->kind]++;
    memset(g->payload, 0, qs_max_u64(g->dirty_sz, sizeof(probe)));
    g->dirty_sz = 0;
    switch (pkt->kind) {
    case QS_PKTGEN_WANTED:
        g->number++;
        probe.check = qs_probe_check(&probe);
        if (pkt->sz >= sizeof(probe))
            memcpy(g->payload, &probe, sizeof(probe));
        break;
    case QS_PKTGEN_UNWANTED:
        pkt->dst_port = unwanted_port(g);
        break;
    default:
        fill_random(g, pkt->sz);
        break;
    }
    return g->payload;
}

/* insert opens room for the bytes of one more VLAN tag. */
static u32
insert_tag(u8 *frame, u32 sz, u16 type)
{
    memmove(frame + 16, frame + 12, sz - 12);
    qs_store_be16(frame + 12, type);
    qs_store_be16(frame + 14, 7);
    return sz + QS_FRAME_VLAN_SZ;
}

u32
qs_pktgen_damage(u8 *frame, u32 sz, u32 way, qs_rng_t *rng)
{
    u8 *ip = frame + QS_FRAME_ETH_SZ;
    u8 *udp = ip + QS_FRAME_IP_SZ;
    switch (way) {
    case 0:
        qs_store_be16(udp + 4, 0);
        return sz;
    case 1:
        qs_store_be16(udp + 4, (u16)(sz + 1));
        return sz;
    case 2:
        qs_store_be16(udp + 4, 7);
        return sz;
    case 3:
        qs_store_be16(ip + 2, (u16)(sz + 1));
        return sz;
    case 4:
        qs_store_be16(ip + 2, 20);
        return sz;
    case 5:
        ip[0] = 0x44;
        return sz;
    case 6:
        qs_store_be16(udp, 0);
        return sz;
    case 7:
        qs_store_be16(ip + 6, 0x2000);
        return sz;
    case 8:
        qs_store_be32(ip + 12, 0x7f000001);
        return sz;
    case 9: /* as if the receiver had sent it */
        memcpy(frame + 6, frame, 6);
        return sz;
    case 10:
        return insert_tag(frame, sz, 0x88a8);
    case 11:
        return QS_FRAME_ETH_SZ + (u32)qs_rng_bounded(rng, sz - QS_FRAME_ETH_SZ);
    default:
        for (u32 i = 12; i < sz; i++)
            frame[i] = (u8)qs_rng_u64(rng);
        return sz;
    }
}

u32
qs_pktgen_frame(qs_pktgen_t *g, u64 now_ns, u8 *frame)
{
    qs_pktgen_pkt_t pkt;
    u8 const *payload = qs_pktgen_next(g, now_ns, &pkt);
    qs_frame_to_t to = {.dst_mac = g->conf.dst_mac,
                        .src_mac = g->conf.src_mac,
                        .src_ip = g->conf.src_ip,
                        .dst_ip = g->conf.dst_ip,
                        .src_port = pkt.src_port,
                        .dst_port = pkt.dst_port,
                        .vlan = QS_FRAME_NO_VLAN};
    u32 sz = qs_frame_write(frame, &to, payload, pkt.sz);
    if (pkt.kind != QS_PKTGEN_GARBAGE)
        return sz;
    return qs_pktgen_damage(frame, sz, (u32)qs_rng_bounded(&g->rng, QS_PKTGEN_FAULT_CNT), &g->rng);
}

/* gossip_net.h - a cluster of gossip nodes in one process: real messages and signatures, a network that
   is a queue, and a clock of the test's. */

#ifndef QS_TEST_GOSSIP_NET_H
#define QS_TEST_GOSSIP_NET_H

#include "disco/gossip/qs_gossip_node.h"
#include "waltz/crypto/qs_sha256.h"

#define NET_MAX     32u
#define NET_LATENCY 1u /* ms */
#define NET_BEGIN   1790000000000ull

typedef struct net_packet {
    struct net_packet *next;
    u64 at_ms;
    u32 src_ip, dst_ip;
    u16 src_port, dst_port;
    u32 sz;
    u8 data[QS_GOSSIP_MTU + 8];
} net_packet_t;

typedef struct net_node {
    qs_gossip_node_t node;
    struct net *net;
    void *mem;
    u8 secret[32];
    u32 ip;
    u16 port;
    bool up;
    u64 next_tick_ms;
    u64 bytes_to_unproven;
} net_node_t;

typedef struct net {
    u64 now_ms;
    u32 cnt;
    net_packet_t *first, **last;
    net_node_t at[NET_MAX];
    /* A test may look at, and swallow (return false), everything that is sent. */
    bool (*look)(struct net *net, net_packet_t const *p);
    u64 dropped;
} net_t;

static void
net_put(net_t *net, u32 src_ip, u16 src_port, u32 dst_ip, u16 dst_port, u8 const *data, u32 sz)
{
    net_packet_t *p = malloc(sizeof(*p));
    *p = (net_packet_t){.at_ms = net->now_ms + NET_LATENCY,
                        .src_ip = src_ip,
                        .src_port = src_port,
                        .dst_ip = dst_ip,
                        .dst_port = dst_port,
                        .sz = sz};
    memcpy(p->data, data, sz);
    if (net->look && !net->look(net, p)) {
        net->dropped++;
        free(p);
        return;
    }
    *net->last = p;
    net->last = &p->next;
}

static void
net_send_(void *ctx, u32 ip, u16 port, u8 const *data, u32 sz)
{
    net_node_t *from = ctx;
    net_put(from->net, from->ip, from->port, ip, port, data, sz);
}

static bool
net_sign_(void *ctx, u32 tag, qs_gossip_role_t role, u8 const *data, u32 sz)
{
    net_node_t *n = ctx;
    u8 sig[64], hash[32];

    if (role == QS_GOSSIP_SIGN_PONG) {
        qs_sha256(hash, data, sz);
        data = hash, sz = 32;
    }
    qs_ed25519_sign(sig, data, sz, n->node.conf.self.pubkey, n->secret);
    qs_gossip_signed(&n->node, tag, sig, n->net->now_ms);
    return true;
}

/* net_add starts a node at 10.0.0.(1 + its number) with node 0 as entrypoint. */
static net_node_t *
net_add(net_t *net)
{
    net_node_t *n = &net->at[net->cnt];
    qs_gossip_conf_t conf = {.value_max = 2000,
                             .large_max = 100,
                             .origin_max = 500,
                             .history_max = 1000,
                             .ping_max = 1024,
                             .received_max = 200,
                             .private_ok = true,
                             .answer = true,
                             .seed = net->cnt + 77,
                             .ctx = n,
                             .send = net_send_,
                             .sign = net_sign_};

    n->net = net;
    n->ip = 0x0a000001 + net->cnt;
    n->port = 8001;
    qs_store_le32(n->secret, net->cnt + 1000);
    qs_ed25519_public_key(conf.self.pubkey, n->secret);
    conf.self.outset = net->now_ms * 1000;
    conf.self.shred_version = 4711;
    conf.self.socket[QS_CONTACT_GOSSIP] = (qs_contact_socket_t){n->ip, n->port};
    conf.self.socket[QS_CONTACT_TVU] = (qs_contact_socket_t){n->ip, 8003};
    if (net->cnt) {
        conf.entrypoint_cnt = 1;
        conf.entrypoint[0].ip = net->at[0].ip;
        conf.entrypoint[0].port = net->at[0].port;
    }
    u64 sz = qs_align_up(qs_gossip_footprint(&conf), QS_ALIGN);
    n->mem = aligned_alloc(QS_ALIGN, sz);
    memset(n->mem, 0, sz);
    qs_gossip_init(&n->node, n->mem, &conf);
    n->up = true;
    n->next_tick_ms = net->now_ms;
    net->cnt++;
    return n;
}

static void
net_open(net_t *net, u32 cnt)
{
    memset(net, 0, sizeof(*net));
    net->now_ms = NET_BEGIN;
    net->last = &net->first;
    for (u32 i = 0; i < cnt; i++)
        net_add(net);
}

static void
net_close(net_t *net)
{
    while (net->first) {
        net_packet_t *p = net->first;
        net->first = p->next;
        free(p);
    }
    for (u32 i = 0; i < net->cnt; i++)
        free(net->at[i].mem);
}

static void
net_deliver_(net_t *net)
{
    while (net->first && net->first->at_ms <= net->now_ms) {
        net_packet_t *p = net->first;
        net->first = p->next;
        if (!net->first)
            net->last = &net->first;
        u32 i = p->dst_ip - 0x0a000001;
        if (i < net->cnt && net->at[i].up && p->dst_port == net->at[i].port) {
            qs_gossip_datagram_t d = {
                .data = p->data, .sz = p->sz, .src_ip = p->src_ip, .src_port = p->src_port};
            qs_gossip_receive(&net->at[i].node, &d, 1, net->now_ms);
        }
        free(p);
    }
}

/* net_run lets ms pass. */
__attribute__((unused)) static void
net_run(net_t *net, u64 ms)
{
    for (u64 end = net->now_ms + ms; net->now_ms < end; net->now_ms++) {
        net_deliver_(net);
        for (u32 i = 0; i < net->cnt; i++) {
            if (!net->at[i].up || net->now_ms < net->at[i].next_tick_ms)
                continue;
            qs_gossip_tick(&net->at[i].node, net->now_ms);
            net->at[i].next_tick_ms = net->now_ms + QS_GOSSIP_TICK_MS;
        }
    }
}

/* net_knows says whether node a has node b's ContactInfo. */
__attribute__((unused)) static bool
net_knows(net_t const *net, u32 a, u32 b)
{
    qs_crds_origin_t const *o =
        qs_crds_origin_of(&net->at[a].node.table, net->at[b].node.conf.self.pubkey);
    return o && o->contact != QS_CRDS_NONE;
}

__attribute__((unused)) static u32
net_known_pairs(net_t const *net)
{
    u32 cnt = 0;
    for (u32 a = 0; a < net->cnt; a++)
        for (u32 b = 0; b < net->cnt; b++)
            cnt += net->at[a].up && net->at[b].up && net_knows(net, a, b);
    return cnt;
}

#endif

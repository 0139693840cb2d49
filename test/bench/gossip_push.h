/* gossip_push.h - pushes of signed ContactInfos that a node has not seen yet, a batch a call, and the same
   signatures bare: what the rest of gossip costs beside them. */

#ifndef QS_TEST_BENCH_GOSSIP_PUSH_H
#define QS_TEST_BENCH_GOSSIP_PUSH_H

#include <sys/mman.h>

#include "bench/bench.h"
#include "disco/gossip/qs_gossip_node.h"
#include "tango/base/qs_rng.h"

#define PUSH_BATCHES 192u /* prepared; after the last the node forgets all and they come again */
#define PUSH_VALUES  5u   /* that fit a datagram */
#define PUSH_BATCH   (QS_GOSSIP_BATCH * PUSH_VALUES)
#define PUSH_ORIGINS 5120u
#define PUSH_NOW_MS  1790000000000ull

typedef struct push_bench {
    qs_gossip_node_t node;
    qs_gossip_conf_t conf;
    void *mem;
    u64 mem_sz;
    u32 at, bare_at;
    qs_gossip_datagram_t d[PUSH_BATCHES][QS_GOSSIP_BATCH];
    qs_ed25519_item_t item[PUSH_BATCHES][PUSH_BATCH];
    u8 data[PUSH_BATCHES][QS_GOSSIP_BATCH][QS_GOSSIP_MTU];
    u8 secret[PUSH_ORIGINS][32], pubkey[PUSH_ORIGINS][32];
} push_bench_t;

static void
push_send_(void *ctx, u32 ip, u16 port, u8 const *data, u32 sz)
{
    (void)ctx, (void)ip, (void)port, (void)data, (void)sz;
}

static bool
push_sign_(void *ctx, u32 tag, qs_gossip_role_t role, u8 const *data, u32 sz)
{
    (void)ctx, (void)tag, (void)role, (void)data, (void)sz;
    return true;
}

static qs_ping_pair_t
push_pair_(push_bench_t const *p, u32 origin)
{
    qs_ping_pair_t pair = {.ip = 0x0b000001 + origin, .port = 8001};

    memcpy(pair.pubkey, p->pubkey[origin], 32);
    return pair;
}

/* push_begin_ makes a node that knows nobody, but that everybody answered its ping. */
static void
push_begin_(push_bench_t *p)
{
    memset(p->mem, 0, p->mem_sz);
    qs_gossip_init(&p->node, p->mem, &p->conf);
    for (u32 i = 0; i < PUSH_ORIGINS; i++) {
        qs_ping_pair_t pair = push_pair_(p, i);
        u8 token[32] = {0}, hash[32];
        qs_gossip_pong_hash(hash, token);
        QS_ASSERT(qs_ping_ask(&p->node.ping, &pair, token, PUSH_NOW_MS));
        QS_ASSERT(qs_ping_answer(&p->node.ping, &pair, hash, PUSH_NOW_MS));
    }
}

/* push_value_ signs what origin says the nth time. */
static u32
push_value_(push_bench_t *p, u8 *value, u32 origin, u32 nth)
{
    qs_contact_t c = {.wallclock = PUSH_NOW_MS + nth, .outset = 1, .shred_version = 4711};

    memcpy(c.pubkey, p->pubkey[origin], 32);
    for (u32 k = 0; k < 12; k++)
        c.socket[k] = (qs_contact_socket_t){0x0b000001 + origin, (u16)(8001 + k)};
    u32 sz = qs_contact_write(&c, value + QS_CRDS_SIG_SZ, QS_GOSSIP_MTU - QS_CRDS_SIG_SZ);
    qs_ed25519_sign(value, value + QS_CRDS_SIG_SZ, sz, p->pubkey[origin], p->secret[origin]);
    return QS_CRDS_SIG_SZ + sz;
}

static void
push_datagram_(push_bench_t *p, u32 batch, u32 i)
{
    u8 value[QS_GOSSIP_MTU], *out = p->data[batch][i];
    u32 first = (batch * QS_GOSSIP_BATCH + i) * PUSH_VALUES;
    u32 sz =
        qs_gossip_write_values(out, QS_GOSSIP_MTU, QS_GOSSIP_PUSH, p->pubkey[first % PUSH_ORIGINS]);

    for (u32 v = 0; v < PUSH_VALUES; v++) {
        u32 origin = (first + v) % PUSH_ORIGINS;
        u32 value_sz = push_value_(p, value, origin, (first + v) / PUSH_ORIGINS);
        u8 const *at = out + sz;
        sz = qs_gossip_add_value(out, QS_GOSSIP_MTU, sz, value, value_sz);
        QS_ASSERT(sz);
        p->item[batch][i * PUSH_VALUES + v] =
            (qs_ed25519_item_t){.signature = at,
                                .public_key = p->pubkey[origin],
                                .msg = at + QS_CRDS_SIG_SZ,
                                .msg_sz = value_sz - QS_CRDS_SIG_SZ};
    }
    p->d[batch][i] = (qs_gossip_datagram_t){
        .data = out, .sz = sz, .src_ip = 0x0b000001 + first % PUSH_ORIGINS, .src_port = 8001};
}

static push_bench_t *
push_open(void)
{
    push_bench_t *p = calloc(1, sizeof(*p));
    qs_rng_t rng;

    QS_ASSERT(p);
    qs_rng_init(&rng, 11, 0);
    p->conf = (qs_gossip_conf_t){.value_max = 100000,
                                 .large_max = 1000,
                                 .origin_max = 16384,
                                 .history_max = 65536,
                                 .ping_max = 65536,
                                 .received_max = 8192,
                                 .private_ok = true,
                                 .send = push_send_,
                                 .sign = push_sign_};
    p->conf.self.shred_version = 4711;
    p->conf.self.pubkey[0] = 1;
    /* in large pages where the kernel has them, as a tile's workspace is */
    p->mem_sz = qs_align_up(qs_gossip_footprint(&p->conf), 2u << 20);
    p->mem = aligned_alloc(2u << 20, p->mem_sz);
    QS_ASSERT(p->mem);
    madvise(p->mem, p->mem_sz, MADV_HUGEPAGE);
    for (u32 i = 0; i < PUSH_ORIGINS; i++) {
        for (u32 k = 0; k < 4; k++)
            qs_store_le64(p->secret[i] + 8 * k, qs_rng_u64(&rng));
        qs_ed25519_public_key(p->pubkey[i], p->secret[i]);
    }
    for (u32 b = 0; b < PUSH_BATCHES; b++)
        for (u32 i = 0; i < QS_GOSSIP_BATCH; i++)
            push_datagram_(p, b, i);
    push_begin_(p);
    return p;
}

static void
push_receive(void *ctx)
{
    push_bench_t *p = ctx;
    u64 const *e = p->node.counts.event;

    if (p->at == PUSH_BATCHES) {
        p->at = 0;
        push_begin_(p);
    }
    u64 before = e[QS_GOSSIP_ON_inserted] + e[QS_GOSSIP_ON_replaced];
    qs_gossip_receive(&p->node, p->d[p->at++], QS_GOSSIP_BATCH, PUSH_NOW_MS);
    QS_ASSERT(e[QS_GOSSIP_ON_inserted] + e[QS_GOSSIP_ON_replaced] == before + PUSH_BATCH);
}

static void
push_bare(void *ctx)
{
    push_bench_t *p = ctx;
    qs_ed25519_verdict_t verdict[PUSH_BATCH];

    qs_ed25519_verify_batch(verdict, p->item[p->bare_at++ % PUSH_BATCHES], PUSH_BATCH,
                            QS_ED25519_STRICT);
    QS_ASSERT(verdict[PUSH_BATCH - 1] == QS_ED25519_OK);
}

#endif

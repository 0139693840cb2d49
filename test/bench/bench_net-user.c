/* What the net tile's own half of AF_XDP costs, a packet: the rings lie in plain memory, and a simulated
   kernel moves addresses from one to the next.  That kernel is part of what is timed, and has a row
   of its own so that it can be subtracted.

   Receive: frames with whole headers are in the rx ring; qs_net_xdp_receive parses, classifies,
   publishes into a ring of DEPTH lines and refills.  Warm: few enough frames that their headers
   stay in L2; cold: so many that none does.
   Send: requests with 64 bytes for one destination go through the tile's frag callback, batches of
   QS_BATCH, into frames, tx and completion ring, and back. */

#include <sys/mman.h>

#include "bench/bench.h"
#include "disco/net/qs_net_xdp.h"
#include "disco/qs_tiles.h"
#include "waltz/ip/qs_frame.h"

#define WHAT_RX                                                                                    \
    "RX user half on simulated rings (a memory-resident \"kernel\" fills descriptors; parse, "     \
    "classify, publish, refill, batch 64), headers warm in L2/L3"
#define WHAT_TX   "TX user half on simulated rings, 64-byte payload"
#define RING      1024u
#define DEPTH     1024u
#define COLD      (1u << 17) /* lines, and frames, of the cold run: 256 MiB */
#define SZ        64u
#define PORT      9001u
#define ROUNDS    16u /* batches a call */
#define FRAME_OFF 4096u

typedef struct side {
    u32 words[4][48] __attribute__((aligned(64)));
    u64 fill[RING], completion[RING];
    qs_xsk_desc_t rx[RING], tx[RING];
    qs_xsk_ring_t far_fill, far_rx, far_tx, far_completion;
    qs_net_t net;
    net_metrics_t metrics;
    qs_stem_t stem;
    qs_out_metrics_t out_metrics;
    qs_in_metrics_t in_metrics;
    u64 fib_seq;
    u32 frame_sz;
    u8 *request[QS_BATCH];
    qs_frag_t frag[QS_BATCH];
} side_t;

static void *
pages(u64 sz)
{
    void *p =
        mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    QS_ASSERT(p != MAP_FAILED);
    return p;
}

static void
make_rings(side_t *s)
{
    qs_xsk_t *x = &s->net.xsk;

    qs_xsk_ring_of(&x->fill, s->words[0], s->fill, RING);
    qs_xsk_ring_of(&x->completion, s->words[1], s->completion, RING);
    qs_xsk_ring_of(&x->rx, s->words[2], s->rx, RING);
    qs_xsk_ring_of(&x->tx, s->words[3], s->tx, RING);
    s->far_fill = x->fill;
    s->far_completion = x->completion;
    s->far_rx = x->rx;
    s->far_tx = x->tx;
    x->fd = 0;
}

/* write_frames puts a whole datagram where the kernel would into every frame. */
static void
write_frames(side_t *s, u32 cnt)
{
    u8 payload[SZ] = {1};

    for (u32 i = 0; i < cnt; i++) {
        qs_frame_to_t to = {.dst_mac = 1,
                            .src_mac = 2,
                            .src_ip = 0x0a000000 + i % 250 + 1,
                            .dst_ip = 0x0a000001,
                            .src_port = (u16)(1024 + i),
                            .dst_port = PORT,
                            .vlan = QS_FRAME_NO_VLAN};
        s->frame_sz = qs_frame_write(s->net.mem + FRAME_OFF + ((u64)i << 11) + QS_XSK_HEADROOM, &to,
                                     payload, SZ);
    }
}

static side_t *
make(u32 depth)
{
    side_t *s = pages(sizeof(*s));
    qs_net_t *n = &s->net;
    u32 frames = 4 * RING + depth + QS_UMEM_BATCH;
    u64 mcache_sz = qs_mcache_footprint(depth);
    void *mcache = pages(mcache_sz);
    qs_layout_t l = {.base = pages((u64)frames * 8 + 8192)};

    n->m = &s->metrics;
    n->mem = pages(FRAME_OFF + ((u64)frames << 11));
    n->rung = QS_NET_DRV;
    n->mac = 3;
    n->frames = (qs_net_frames_t){.off = FRAME_OFF, .cnt = frames, .shift = 11};
    qs_net_frames_layout(&n->frames, &l, frames);
    QS_ASSERT(!qs_mcache_new(mcache, depth, depth, 0));
    QS_ASSERT(!qs_mcache_tx_join(&s->stem.out[0].tx, mcache, mcache_sz));
    s->stem.out_cnt = s->stem.in_cnt = 1;
    s->stem.out[0].metrics = &s->out_metrics;
    s->stem.now = 1000000000;
    n->ring_at[0] = &s->stem.out[0].tx;
    qs_net_frames_recover(&n->frames, n->ring_at, 1);
    memset(n->port_of, QS_NET_NO_PORT, sizeof(n->port_of));
    n->port_cnt = 1;
    n->port[0] = (qs_net_port_t){.out = 0, .room_sz = 1472, .number = PORT};
    n->port_of[PORT] = 0;
    write_frames(s, frames);
    make_rings(s);
    qs_net_xdp_start(n, RING, RING);
    return s;
}

/* kernel_rx receives as many packets as a batch has. */
static void
kernel_rx(side_t *s)
{
    u32 cnt = qs_xsk_ready(&s->far_fill, QS_NET_BATCH);

    qs_xsk_room(&s->far_rx, QS_NET_BATCH);
    for (u32 i = 0; i < cnt; i++)
        qs_xsk_put(&s->far_rx, qs_xsk_addr(&s->far_fill, i) + QS_XSK_HEADROOM, s->frame_sz);
    qs_xsk_release(&s->far_fill, cnt);
    qs_xsk_submit(&s->far_rx);
}

static void
run_rx(void *ctx)
{
    side_t *s = ctx;

    for (u32 i = 0; i < ROUNDS; i++) {
        kernel_rx(s);
        u32 got = qs_net_xdp_receive(&s->net, &s->stem);
        QS_ASSERT(got == QS_NET_BATCH);
    }
    QS_ASSERT(s->metrics.rx_xdp == s->stem.out[0].tx.seq);
}

/* run_kernel_rx is that kernel alone, with the other end of the rings played as cheaply as can be. */
static void
run_kernel_rx(void *ctx)
{
    side_t *s = ctx;

    for (u32 i = 0; i < ROUNDS; i++) {
        kernel_rx(s);
        u32 got = qs_xsk_ready(&s->net.xsk.rx, QS_NET_BATCH);
        qs_xsk_release(&s->net.xsk.rx, got);
        s->net.xsk.fill.own += got; /* the same addresses once more */
        qs_xsk_submit(&s->net.xsk.fill);
    }
}

static void
kernel_tx(side_t *s)
{
    u32 cnt = qs_xsk_ready(&s->far_tx, RING);

    qs_xsk_room(&s->far_completion, cnt);
    for (u32 i = 0; i < cnt; i++)
        qs_xsk_put_addr(&s->far_completion, qs_xsk_desc(&s->far_tx, i)->addr);
    qs_xsk_release(&s->far_tx, cnt);
    qs_xsk_submit(&s->far_completion);
}

static void
run_tx(void *ctx)
{
    side_t *s = ctx;
    qs_batch_t b = {.cnt = QS_BATCH, .frag = s->frag, .data = (u8 const *const *)s->request};

    for (u32 i = 0; i < ROUNDS; i++) {
        u32 did = qs_tile_net.frag(&s->net, &s->stem, &b);
        QS_ASSERT(did == QS_BATCH);
        kernel_tx(s);
    }
    QS_ASSERT(s->metrics.tx_xdp == s->metrics.tx_datagram);
}

/* run_kernel_tx is the kernel alone, and the cheapest that can be at the other end. */
static void
run_kernel_tx(void *ctx)
{
    side_t *s = ctx;

    for (u32 i = 0; i < ROUNDS; i++) {
        qs_xsk_room(&s->net.xsk.tx, QS_BATCH);
        s->net.xsk.tx.own += QS_BATCH;
        qs_xsk_submit(&s->net.xsk.tx);
        kernel_tx(s);
        qs_xsk_release(&s->net.xsk.completion, qs_xsk_ready(&s->net.xsk.completion, RING));
    }
}

/* make_requests: the destination is known, as to a tile that sent there before. */
static void
make_requests(side_t *s)
{
    u32 ip = 0x0a000007;
    qs_net_route_t *r = &s->net.route;

    s->fib_seq = 2;
    r->on = true;
    r->ifindex = 1;
    r->fib.seq = &s->fib_seq;
    r->slot[(u32)(ip * 0x9e3779b1u) >> 24] =
        (qs_net_route_slot_t){.ip = ip,
                              .seq = 2,
                              .hop = {.kind = QS_HOP_OK,
                                      .ifindex = 1,
                                      .mtu = 1500,
                                      .src_ip = 0x0a000001,
                                      .src_mac = {2, 0, 0, 0, 0, 1},
                                      .dst_mac = {2, 0, 0, 0, 0, 7}}};
    qs_net_route_way(r, &r->slot[(u32)(ip * 0x9e3779b1u) >> 24]);
    for (u32 i = 0; i < QS_BATCH; i++) {
        s->request[i] = pages(4096);
        qs_send_t *req = (qs_send_t *)s->request[i];
        *req = (qs_send_t){.dst_cnt = 1, .sz = SZ};
        req->dst[0] = (qs_send_dst_t){.ip = ip, .port = PORT};
        s->frag[i].sz = (u16)qs_send_sz(1, SZ);
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    side_t *warm = make(DEPTH), *cold = make(COLD), *alone = make(DEPTH), *send = make(DEPTH);

    make_requests(send);
    bench_init(&b, "net-user", argc, argv);
    bench_add(&b, &(bench_row_t){.what = WHAT_RX,
                                 .variant = "warm, simulated kernel included",
                                 .fn = run_rx,
                                 .ctx = warm,
                                 .ops = ROUNDS * QS_NET_BATCH});
    bench_add(&b, &(bench_row_t){.what = WHAT_RX,
                                 .variant = "cold: 131072 frames, 256 MiB",
                                 .fn = run_rx,
                                 .ctx = cold,
                                 .ops = ROUNDS * QS_NET_BATCH});
    bench_add(&b, &(bench_row_t){.what = WHAT_RX,
                                 .variant = "the simulated kernel alone",
                                 .fn = run_kernel_rx,
                                 .ctx = alone,
                                 .ops = ROUNDS * QS_NET_BATCH});
    bench_add(&b, &(bench_row_t){.what = WHAT_TX,
                                 .variant = "simulated kernel included",
                                 .fn = run_tx,
                                 .ctx = send,
                                 .ops = ROUNDS * QS_BATCH});
    bench_add(&b, &(bench_row_t){.what = WHAT_TX,
                                 .variant = "the simulated kernel alone",
                                 .fn = run_kernel_tx,
                                 .ctx = make(DEPTH),
                                 .ops = ROUNDS * QS_BATCH});
    return bench_run(&b);
}

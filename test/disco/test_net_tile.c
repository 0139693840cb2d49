/* Goal: the net tile's own decisions.  A tile that is told to halt first has the kernel send what it was
   given, and waits for that, but not for ever; a datagram for a neighbour without a known MAC waits,
   one for each, and leaves when the MAC is known, or is given up; all others are counted.
   Method: the tile's own callbacks over XSK rings in plain memory, with the test as the kernel. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#include "disco/net/qs_net_unknown.h"
#include "disco/net/qs_net_xdp.h"
#include "disco/qs_tiles.h"

#define RING      64u
#define DEPTH     128u /* of the link to the netlink tile */
#define FRAMES    (4 * RING + DEPTH + QS_UMEM_BATCH)
#define FRAME_OFF 4096u
#define PEER      0x0a000007u
#define SLOT      ((u32)(PEER * 0x9e3779b1u) >> 24)
#define PORT      9001u
#define SZ        100u

static struct {
    alignas(64) u32 words[4][48];
    u64 fill[RING], completion[RING];
    qs_xsk_desc_t rx[RING], tx[RING];
    qs_xsk_ring_t far_tx, far_completion;
    qs_net_t net;
    net_metrics_t m;
    qs_stem_t stem;
    qs_stem_metrics_t stem_metrics;
    qs_out_metrics_t out_metrics;
    qs_in_metrics_t in_metrics;
    qs_fseq_t fseq;
    u64 fib_seq;
    alignas(QS_ALIGN) u8 mcache[DEPTH * 64 + 4096];
    alignas(QS_ALIGN) u8 umem[FRAME_OFF + ((u64)FRAMES << 11)];
    u8 room[FRAMES * 16 + 8192];
    alignas(8) u8 request[4096];
} t;

static void
make_ways(void)
{
    qs_net_route_t *r = &t.net.route;

    t.fib_seq = 2;
    *r = (qs_net_route_t){.on = true, .ifindex = 1, .fib.seq = &t.fib_seq};
    r->slot[SLOT] = (qs_net_route_slot_t){.ip = PEER,
                                          .seq = 2,
                                          .hop = {.kind = QS_HOP_OK,
                                                  .ifindex = 1,
                                                  .ask_ifindex = 1,
                                                  .next_ip = PEER,
                                                  .mtu = 1500,
                                                  .src_ip = 0x0a000001,
                                                  .dst_mac = {2, 0, 0, 0, 0, 7}}};
    qs_net_route_way(r, &r->slot[SLOT]);
}

static void
make(void)
{
    qs_net_t *n = &t.net;
    qs_layout_t l = {.base = t.room};

    memset(&t, 0, sizeof(t));
    cr_assert(le(u64, qs_mcache_footprint(DEPTH), sizeof(t.mcache)));
    cr_assert(eq(int, qs_mcache_new(t.mcache, DEPTH, DEPTH, 0), 0));
    cr_assert(eq(int, qs_mcache_tx_join(&t.stem.out[0].tx, t.mcache, sizeof(t.mcache)), 0));
    cr_assert(eq(int, qs_clock_calibrate(&t.stem.clock, 1000000), 0));
    t.stem.metrics = &t.stem_metrics;
    t.stem.in_cnt = t.stem.out_cnt = 1;
    t.stem.in[0].metrics = &t.in_metrics;
    t.stem.in[0].fseq = &t.fseq;
    t.stem.out[0].metrics = &t.out_metrics;
    t.stem.now = qs_clock_now(&t.stem.clock);
    t.stem.wake_at = UINT64_MAX;
    n->m = &t.m;
    n->clock = &t.stem.clock;
    n->mem = t.umem;
    n->rung = QS_NET_DRV;
    n->look_at = UINT64_MAX;
    n->flush_ns = 1000000000; /* nothing leaves by itself */
    n->frames = (qs_net_frames_t){.off = FRAME_OFF, .cnt = FRAMES, .shift = 11};
    qs_net_frames_layout(&n->frames, &l, FRAMES);
    n->ring_at[0] = &t.stem.out[0].tx;
    qs_net_frames_recover(&n->frames, n->ring_at, 1);
    n->port_cnt = 1;
    n->port[0] = (qs_net_port_t){.fd = -1, .out = UINT32_MAX, .number = PORT};
    qs_xsk_ring_of(&n->xsk.fill, t.words[0], t.fill, RING);
    qs_xsk_ring_of(&n->xsk.completion, t.words[1], t.completion, RING);
    qs_xsk_ring_of(&n->xsk.rx, t.words[2], t.rx, RING);
    qs_xsk_ring_of(&n->xsk.tx, t.words[3], t.tx, RING);
    t.far_completion = n->xsk.completion;
    t.far_tx = n->xsk.tx;
    n->xsk.fd = -1;
    qs_net_xdp_start(n, RING, RING);
    make_ways();
}

TestSuite(net_tile, .init = make, .timeout = 30);

/* send_one has the tile send one datagram to PEER. */
static void
send_one(void)
{
    qs_send_t *req = (qs_send_t *)t.request;
    qs_frag_t frag = {.sz = (u16)qs_send_sz(1, SZ)};
    u8 const *data = t.request;
    qs_batch_t b = {.cnt = 1, .frag = &frag, .data = &data};

    *req = (qs_send_t){.dst_cnt = 1, .sz = SZ};
    req->dst[0] = (qs_send_dst_t){.ip = PEER, .port = PORT};
    memset(&req->dst[1], 0x5a, SZ);
    cr_assert(eq(u32, qs_tile_net.frag(&t.net, &t.stem, &b), 1));
}

/* kernel_sends completes what is in the tx ring.  Returns how much. */
static u32
kernel_sends(void)
{
    u32 cnt = qs_xsk_ready(&t.far_tx, RING);

    qs_xsk_room(&t.far_completion, cnt);
    for (u32 i = 0; i < cnt; i++)
        qs_xsk_put_addr(&t.far_completion, qs_xsk_desc(&t.far_tx, i)->addr);
    qs_xsk_release(&t.far_tx, cnt);
    qs_xsk_submit(&t.far_completion);
    return cnt;
}

Test(net_tile, an_empty_ring_is_polled_where_busy_polling_is_preferred)
{
    qs_tile_net.poll(&t.net, &t.stem);
    cr_expect(eq(u64, t.m.rx_call, 0));
    t.net.xsk.busy_poll = true;
    qs_tile_net.poll(&t.net, &t.stem);
    cr_expect(eq(u64, t.m.rx_call, 1));
}

static void *
be_kernel(void *want)
{
    for (u32 sent = 0; sent < *(u32 *)want;)
        sent += kernel_sends();
    return NULL;
}

Test(net_tile, a_tile_that_halts_first_has_the_kernel_send_all_it_was_given)
{
    pthread_t kernel;
    u32 want = 5;

    for (u32 i = 0; i < want; i++)
        send_one();
    cr_assert(eq(u32, kernel_sends(), 0)); /* it waits for company */
    pthread_create(&kernel, NULL, be_kernel, &want);
    qs_stem_exit(&t.stem, QS_EXIT_HALT);
    qs_tile_net.run(&t.net, &t.stem);
    pthread_join(kernel, NULL);
    cr_expect(eq(u32, t.net.tx_completed, want));
    cr_expect(eq(u64, t.m.tx_restart_lost, 0));
    cr_expect(not(t.stem.in[0].held));
}

Test(net_tile, a_kernel_that_never_sends_does_not_hold_a_halt_up)
{
    send_one();
    send_one();
    qs_stem_exit(&t.stem, QS_EXIT_HALT);
    qs_tile_net.run(&t.net, &t.stem); /* returns */
    cr_expect(eq(u64, t.m.tx_restart_lost, 2));
    cr_expect(eq(u32, kernel_sends(), 2)); /* it was asked to */
}

Test(net_tile, a_tile_that_gives_up_leaves_what_is_held_to_the_next_run)
{
    send_one();
    qs_stem_exit(&t.stem, QS_NET_EXIT_TX_STUCK);
    qs_tile_net.run(&t.net, &t.stem);
    cr_expect(t.stem.in[0].held);
    cr_expect(eq(u32, kernel_sends(), 0));
}

/* forget: the mirror does not know the neighbour's MAC any more; learn: it does. */
static void
forget(void)
{
    t.net.route.slot[SLOT].hop.kind = QS_HOP_NO_NEIGH;
}

static void
learn(void)
{
    t.fib_seq += 2;
    t.net.route.slot[SLOT].hop.kind = QS_HOP_OK;
    t.net.route.slot[SLOT].seq = t.fib_seq;
}

Test(net_tile, one_datagram_waits_for_its_neighbour_and_the_rest_is_counted)
{
    forget();
    for (u32 i = 0; i < 4; i++)
        send_one();
    cr_expect(eq(u64, t.m.tx_neigh_wait, 1));
    cr_expect(eq(u64, t.m.tx_neigh_dropped, 3));
    cr_expect(eq(u64, t.m.tx_neigh_waiting, 1));
    cr_expect(eq(u64, t.m.tx_datagram, 0));
    cr_expect(eq(u64, t.stem.out[0].tx.seq, 1)); /* the netlink tile is asked, once */
    qs_tile_net.poll(&t.net, &t.stem);
    cr_expect(eq(u64, t.m.tx_neigh_waiting, 1));
    cr_expect(t.stem.wake_at != UINT64_MAX); /* a tile that parks looks again soon */

    learn();
    qs_tile_net.poll(&t.net, &t.stem);
    cr_expect(eq(u64, t.m.tx_neigh_waiting, 0));
    cr_expect(eq(u64, t.m.tx_xdp, 1));
    qs_net_xdp_flush(&t.net, t.stem.now, true);
    cr_assert(eq(u32, qs_xsk_ready(&t.far_tx, RING), 1));
    qs_xsk_desc_t const *d = qs_xsk_desc(&t.far_tx, 0);
    cr_expect(eq(u32, d->len, QS_FRAME_ETH_SZ + QS_FRAME_IP_SZ + QS_FRAME_UDP_SZ + SZ));
    u8 const *frame = t.umem + FRAME_OFF + d->addr;
    cr_expect(eq(u32, frame[5], 7));
    cr_expect(eq(u32, frame[d->len - 1], 0x5a));
    cr_expect(eq(u32, frame[d->len - SZ], 0x5a));
}

Test(net_tile, a_neighbour_that_never_answers_is_asked_for_again_and_given_up)
{
    forget();
    send_one();
    t.stem.now += QS_WAIT_ASK_NS;
    qs_tile_net.poll(&t.net, &t.stem);
    cr_expect(eq(u64, t.stem.out[0].tx.seq, 2));
    cr_expect(eq(u64, t.m.tx_neigh_waiting, 1));
    t.stem.now += QS_WAIT_LIMIT_NS;
    qs_tile_net.poll(&t.net, &t.stem);
    cr_expect(eq(u64, t.m.tx_neigh_expired, 1));
    cr_expect(eq(u64, t.m.tx_neigh_waiting, 0));
    send_one(); /* the next one may wait in its turn */
    cr_expect(eq(u64, t.m.tx_neigh_wait, 2));
}

Test(net_tile, as_many_wait_as_there_is_room_for)
{
    qs_net_wait_t *w = &t.net.wait;
    u8 payload[2] = {0};

    for (u64 i = 0; i < QS_WAIT_MAX; i++) {
        payload[0] = (u8)i;
        cr_assert(eq(int,
                     (int)qs_net_wait_put(w, i, (qs_send_dst_t){.ip = (u32)i}, 3, payload, 2, 9),
                     QS_WAIT_KEPT));
    }
    cr_expect(
        eq(int, (int)qs_net_wait_put(w, 1000, (qs_send_dst_t){0}, 0, payload, 2, 9), QS_WAIT_FULL));
    cr_expect(
        eq(int, (int)qs_net_wait_put(w, 7, (qs_send_dst_t){0}, 0, payload, 2, 9), QS_WAIT_TAKEN));
    qs_net_wait_drop(w, 7); /* the last takes its place, whole */
    cr_expect(eq(u32, w->cnt, QS_WAIT_MAX - 1));
    cr_expect(eq(u64, w->ask[7], QS_WAIT_MAX - 1));
    cr_expect(eq(u32, w->packet[7].dst.ip, QS_WAIT_MAX - 1));
    cr_expect(eq(u32, w->payload[7][0], (u8)(QS_WAIT_MAX - 1)));
    cr_expect(
        eq(int, (int)qs_net_wait_put(w, 7, (qs_send_dst_t){0}, 0, payload, 2, 9), QS_WAIT_KEPT));
}

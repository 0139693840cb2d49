/* The ring between two cores: descriptors, payloads, and one descriptor's way, against DPDK's
   rte_ring, a plain memcpy and the cache line itself.

   Producer and consumer do what the tiles' stem does: batches of 32, credits cached and asked for
   when short, the fseq told every window / 8 fragments or when nothing is there.  What travels is
   the same on both sides, written and checked by the same functions. */

#include "bench/duo.h"
#include "tango/qs_dcache.h"
#include "tango/qs_fctl.h"
#include "tango/qs_mcache.h"

#ifdef QS_PEER_DPDK
#include <rte_ring.h>
#include <rte_ring_elem.h>
#endif

#define BATCH    32u
#define FRAG_CNT 81920u /* per turn: some 0.5 ms */

#define WHAT_DESC  "descriptors, two cores, batch 32, lossless"
#define WHAT_SMALL "64-byte payload written and checked, lossless"
#define WHAT_BIG   "1472-byte payload, default depth"
#define WHAT_HOP   "single descriptor, publish to seen, p50"

#define DESC_DEPTH  4096u
#define SMALL_DEPTH 4096u
#define SMALL_SZ    64u
#define BIG_DEPTH   1024u
#define BIG_SZ      1472u
#define BIG_CNT     4096u /* payloads per turn */
#define HOP_CNT     2000u /* round trips per turn */

typedef struct duo_link {
    alignas(QS_ALIGN) qs_mcache_tx_t tx;
    qs_fctl_t fctl;
    u64 credits;
    u32 chunk; /* of the next payload */
    alignas(QS_ALIGN) qs_mcache_rx_t rx;
    qs_fseq_t *fseq;
    u64 told;                  /* what fseq says */
    alignas(QS_ALIGN) u64 end; /* of this turn */
    qs_dcache_t dcache;
    u8 *wksp;
} duo_link_t;

typedef struct payload {
    u64 word[SMALL_SZ / sizeof(u64)];
} payload_t;

QS_INLINE void
frag_fill(qs_frag_t *frag, u64 seq)
{
    *frag = (qs_frag_t){.seq = seq,
                        .sig = seq * 3,
                        .chunk = (u32)seq,
                        .sz = SMALL_SZ,
                        .ctl = 7,
                        .ts_origin = (u32)seq,
                        .ts_publish = (u32)seq};
}

/* frag_wrong is 0 if every field is the one that frag_fill gave fragment seq. */
QS_INLINE u64
frag_wrong(qs_frag_t const *frag, u64 seq)
{
    return (frag->seq ^ seq) | (frag->sig ^ seq * 3) | (frag->chunk ^ (u32)seq) |
           (u64)(frag->sz ^ SMALL_SZ) | (u64)(frag->ctl ^ 7) | (frag->ts_origin ^ (u32)seq) |
           (frag->ts_publish ^ (u32)seq);
}

QS_INLINE void
payload_fill(payload_t *p, u64 seq)
{
    for (u32 i = 0; i < QS_COUNT(p->word); i++)
        p->word[i] = seq + i;
}

QS_INLINE u64
payload_wrong(payload_t const *p, u64 seq)
{
    u64 wrong = 0;
    for (u32 i = 0; i < QS_COUNT(p->word); i++)
        wrong |= p->word[i] ^ (seq + i);
    return wrong;
}

/* link_new makes a ring of depth lines and, if mtu is not 0, a dcache of window payloads. */
static duo_link_t *
link_new(u64 depth, u64 window, u64 mtu)
{
    u64 ring_sz = qs_mcache_footprint(depth);
    u64 data_sz = mtu ? qs_dcache_footprint(window, mtu) : 0;
    u64 data_off = qs_align_up(ring_sz, 4096) + 4096;
    u8 *mem = duo_arena(data_off + data_sz);
    duo_link_t *l = (duo_link_t *)duo_arena(sizeof(*l));

    l->wksp = mem;
    l->fseq = (qs_fseq_t *)(mem + qs_align_up(ring_sz, 4096));
    QS_ASSERT(!qs_mcache_new(mem, depth, window, 1));
    qs_fseq_update(l->fseq, 1);
    l->told = 1;
    QS_ASSERT(!qs_mcache_tx_join(&l->tx, mem, ring_sz));
    QS_ASSERT(!qs_mcache_rx_join(&l->rx, mem, ring_sz, 1));
    qs_fctl_init(&l->fctl, window, 0);
    QS_ASSERT(!qs_fctl_add(&l->fctl, l->fseq, false));
    if (mtu) {
        QS_ASSERT(!qs_dcache_init(&l->dcache, data_off, window, mtu));
        l->chunk = l->dcache.chunk0;
    }
    return l;
}

QS_INLINE void *
link_payload(duo_link_t const *l, u32 chunk)
{
    return l->wksp + (u64)chunk * QS_CHUNK_SZ;
}

/* link_begin_batch waits until a batch may be published and announces it. */
QS_INLINE void
link_begin_batch(duo_link_t *l, qs_mcache_tx_t *tx)
{
    while (l->credits < BATCH) {
        l->credits = qs_fctl_query(&l->fctl, tx->seq, 0);
        if (l->credits < BATCH)
            qs_pause();
    }
    l->credits -= BATCH;
    qs_mcache_reserve(tx, BATCH);
}

/* link_end_batch consumes cnt fragments and tells the producer now and then. */
QS_INLINE void
link_end_batch(duo_link_t *l, qs_mcache_rx_t *rx, u32 cnt)
{
    qs_mcache_advance(rx, cnt);
    if (rx->seq - l->told >= rx->window / 8 || (!cnt && rx->seq != l->told)) {
        qs_fseq_update(l->fseq, rx->seq);
        l->told = rx->seq;
    }
    if (!cnt)
        qs_pause();
}

/* turn_ns runs one turn of cnt fragments and returns ns per fragment. */
QS_INLINE double
turn_ns(duo_link_t *l, void (*consume)(void *), void (*produce)(duo_link_t *), u64 cnt)
{
    l->end = l->tx.seq + cnt;
    duo_start(consume, l);
    u64 start = duo_now_ns();
    produce(l);
    duo_join();
    return (double)(duo_now_ns() - start) / (double)cnt;
}

static void
desc_produce(duo_link_t *l)
{
    qs_mcache_tx_t tx = l->tx;
    while (tx.seq < l->end) {
        link_begin_batch(l, &tx);
        for (u32 i = 0; i < BATCH; i++) {
            qs_frag_t frag;
            frag_fill(&frag, tx.seq);
            qs_mcache_publish(&tx, &frag);
        }
    }
    l->tx = tx;
}

static void
desc_consume(void *ctx)
{
    duo_link_t *l = ctx;
    qs_mcache_rx_t rx = l->rx;
    qs_frag_t frag[BATCH];
    u64 wrong = 0;

    while (rx.seq < l->end) {
        u32 cnt = qs_mcache_peek(&rx, frag, BATCH);
        for (u32 i = 0; i < cnt; i++)
            wrong |= frag_wrong(&frag[i], rx.seq + i);
        link_end_batch(l, &rx, cnt);
    }
    QS_ASSERT(!wrong);
    l->rx = rx;
}

static double
desc_turn(void *ctx)
{
    return turn_ns(ctx, desc_consume, desc_produce, FRAG_CNT);
}

static void
small_produce(duo_link_t *l)
{
    qs_mcache_tx_t tx = l->tx;
    qs_dcache_t dcache = l->dcache; /* local: a payload's stores might alias it otherwise */
    u8 *wksp = l->wksp;
    u32 chunk = l->chunk;
    while (tx.seq < l->end) {
        link_begin_batch(l, &tx);
        for (u32 i = 0; i < BATCH; i++) {
            payload_fill((payload_t *)(wksp + (u64)chunk * QS_CHUNK_SZ), tx.seq);
            qs_mcache_publish(&tx, &(qs_frag_t){.sig = tx.seq, .chunk = chunk, .sz = SMALL_SZ});
            chunk = qs_dcache_next(&dcache, chunk, SMALL_SZ);
        }
    }
    l->chunk = chunk;
    l->tx = tx;
}

static void
small_consume(void *ctx)
{
    duo_link_t *l = ctx;
    qs_mcache_rx_t rx = l->rx;
    qs_dcache_t dcache = l->dcache;
    u8 const *wksp = l->wksp;
    qs_frag_t frag[BATCH];
    u64 wrong = 0;

    while (rx.seq < l->end) {
        u32 cnt = qs_mcache_peek(&rx, frag, BATCH);
        for (u32 i = 0; i < cnt; i++) {
            QS_ASSERT(qs_dcache_holds(&dcache, frag[i].chunk, 0, frag[i].sz));
            wrong |= payload_wrong((payload_t const *)(wksp + (u64)frag[i].chunk * QS_CHUNK_SZ),
                                   rx.seq + i);
        }
        link_end_batch(l, &rx, cnt);
    }
    QS_ASSERT(!wrong);
    l->rx = rx;
}

static double
small_turn(void *ctx)
{
    return turn_ns(ctx, small_consume, small_produce, FRAG_CNT);
}

static u8 big_source[BIG_SZ];

static void
big_produce(duo_link_t *l)
{
    qs_mcache_tx_t tx = l->tx;
    u32 chunk = l->chunk;
    while (tx.seq < l->end) {
        link_begin_batch(l, &tx);
        for (u32 i = 0; i < BATCH; i++) {
            memcpy(link_payload(l, chunk), big_source, BIG_SZ);
            qs_mcache_publish(&tx, &(qs_frag_t){.sig = tx.seq, .chunk = chunk, .sz = BIG_SZ});
            chunk = qs_dcache_next(&l->dcache, chunk, BIG_SZ);
        }
    }
    l->chunk = chunk;
    l->tx = tx;
}

static void
big_consume(void *ctx)
{
    duo_link_t *l = ctx;
    qs_mcache_rx_t rx = l->rx;
    qs_frag_t frag[BATCH];
    u8 copy[BIG_SZ];

    while (rx.seq < l->end) {
        u32 cnt = qs_mcache_peek(&rx, frag, BATCH);
        for (u32 i = 0; i < cnt; i++) {
            QS_ASSERT(qs_dcache_holds(&l->dcache, frag[i].chunk, 0, BIG_SZ));
            memcpy(copy, link_payload(l, frag[i].chunk), BIG_SZ);
            bench_use(copy);
        }
        link_end_batch(l, &rx, cnt);
    }
    l->rx = rx;
}

static double
big_turn(void *ctx)
{
    return turn_ns(ctx, big_consume, big_produce, BIG_CNT);
}

/* The same blocks handed over with nothing but two counters, told once per batch. */
typedef struct blocks {
    alignas(QS_ALIGN) u64 head; /* blocks written */
    alignas(QS_ALIGN) u64 tail; /* blocks read */
    alignas(QS_ALIGN) u64 end;
    u64 cnt; /* how many there are, a power of two: a division per block would slow the peer */
    u8 *mem;
} blocks_t;

static void
blocks_consume(void *ctx)
{
    blocks_t *b = ctx;
    u8 copy[BIG_SZ];
    for (u64 at = b->tail; at < b->end; at += BATCH) {
        while (qs_load_acquire(&b->head) < at + BATCH)
            qs_pause();
        for (u64 i = at; i < at + BATCH; i++) {
            memcpy(copy, b->mem + (i & (b->cnt - 1)) * BIG_SZ, BIG_SZ);
            bench_use(copy);
        }
        qs_store_release(&b->tail, at + BATCH);
    }
}

static double
blocks_turn(void *ctx)
{
    blocks_t *b = ctx;
    b->end = b->head + BIG_CNT;
    duo_start(blocks_consume, b);
    u64 start = duo_now_ns();
    for (u64 at = b->head; at < b->end; at += BATCH) {
        while (at + BATCH - qs_load_acquire(&b->tail) > b->cnt)
            qs_pause();
        for (u64 i = at; i < at + BATCH; i++)
            memcpy(b->mem + (i & (b->cnt - 1)) * BIG_SZ, big_source, BIG_SZ);
        qs_store_release(&b->head, at + BATCH);
    }
    duo_join();
    return (double)(duo_now_ns() - start) / BIG_CNT;
}

/* A hop is half of a round trip: there over one ring, back over another. */
typedef struct hop {
    duo_link_t *there;
    duo_link_t *back;
} hop_t;

QS_INLINE void
hop_send(qs_mcache_tx_t *tx)
{
    qs_frag_t frag;
    frag_fill(&frag, tx->seq);
    qs_mcache_reserve(tx, 1);
    qs_mcache_publish(tx, &frag);
}

QS_INLINE void
hop_await(qs_mcache_rx_t *rx)
{
    qs_frag_t frag;
    while (!qs_mcache_peek(rx, &frag, 1))
        ;
    QS_ASSERT(!frag_wrong(&frag, rx->seq));
    qs_mcache_advance(rx, 1);
}

static void
hop_answer(void *ctx)
{
    hop_t *h = ctx;
    qs_mcache_tx_t tx = h->back->tx;
    qs_mcache_rx_t rx = h->there->rx;
    for (u32 i = 0; i < HOP_CNT; i++) {
        hop_await(&rx);
        hop_send(&tx);
    }
    h->back->tx = tx;
    h->there->rx = rx;
}

static double
hop_turn(void *ctx)
{
    static double span[HOP_CNT];
    hop_t *h = ctx;
    qs_mcache_tx_t tx = h->there->tx;
    qs_mcache_rx_t rx = h->back->rx;

    duo_start(hop_answer, h);
    for (u32 i = 0; i < HOP_CNT; i++) {
        u64 start = duo_ticks();
        hop_send(&tx);
        hop_await(&rx);
        span[i] = (double)(duo_ticks() - start);
    }
    duo_join();
    h->there->tx = tx;
    h->back->rx = rx;
    return duo_median(span, HOP_CNT) * duo_ns_per_tick() / 2;
}

/* The floor: one word in one cache line each way. */
typedef struct lines {
    alignas(QS_ALIGN) u64 there;
    alignas(QS_ALIGN) u64 back;
} lines_t;

static void
lines_answer(void *ctx)
{
    lines_t *p = ctx;
    u64 n = p->back;
    for (u32 i = 0; i < HOP_CNT; i++) {
        n++;
        while (qs_load_acquire(&p->there) != n)
            ;
        qs_store_release(&p->back, n);
    }
}

static double
lines_turn(void *ctx)
{
    static double span[HOP_CNT];
    lines_t *p = ctx;
    u64 n = p->there;

    duo_start(lines_answer, p);
    for (u32 i = 0; i < HOP_CNT; i++) {
        u64 start = duo_ticks();
        qs_store_release(&p->there, ++n);
        while (qs_load_acquire(&p->back) != n)
            ;
        span[i] = (double)(duo_ticks() - start);
    }
    duo_join();
    return duo_median(span, HOP_CNT) * duo_ns_per_tick() / 2;
}

#ifdef QS_PEER_DPDK
typedef struct peer {
    struct rte_ring *ring;
    alignas(QS_ALIGN) u64 tx_seq;
    payload_t *pool;
    u64 pool_cnt; /* ring and both sides' hands: a slot is free again when its turn comes */
    alignas(QS_ALIGN) u64 rx_seq;
    alignas(QS_ALIGN) u64 end;
} peer_t;

static peer_t *
peer_new(u32 elem_sz, u32 depth)
{
    peer_t *p = (peer_t *)duo_arena(sizeof(*p));
    p->ring = (struct rte_ring *)duo_arena((u64)rte_ring_get_memsize_elem(elem_sz, depth));
    QS_ASSERT(!rte_ring_init(p->ring, "bench", depth, RING_F_SP_ENQ | RING_F_SC_DEQ));
    p->pool_cnt = 2 * depth;
    p->pool = (payload_t *)duo_arena(p->pool_cnt * sizeof(payload_t));
    return p;
}

static void
peer_desc_consume(void *ctx)
{
    peer_t *p = ctx;
    qs_frag_t frag[BATCH];
    u64 wrong = 0, seq = p->rx_seq;

    while (seq < p->end) {
        u32 cnt = rte_ring_sc_dequeue_burst_elem(p->ring, frag, sizeof(*frag), BATCH, NULL);
        for (u32 i = 0; i < cnt; i++)
            wrong |= frag_wrong(&frag[i], seq + i);
        seq += cnt;
        if (!cnt)
            qs_pause();
    }
    QS_ASSERT(!wrong);
    p->rx_seq = seq;
}

static double
peer_desc_turn(void *ctx)
{
    peer_t *p = ctx;
    u64 seq = p->tx_seq;
    p->end = seq + FRAG_CNT;
    duo_start(peer_desc_consume, p);
    u64 start = duo_now_ns();
    for (; seq < p->end; seq += BATCH) {
        qs_frag_t frag[BATCH];
        for (u32 i = 0; i < BATCH; i++)
            frag_fill(&frag[i], seq + i);
        for (u32 sent = 0; sent < BATCH;) {
            u32 cnt = rte_ring_sp_enqueue_burst_elem(p->ring, frag + sent, sizeof(*frag),
                                                     BATCH - sent, NULL);
            sent += cnt;
            if (!cnt)
                qs_pause();
        }
    }
    duo_join();
    p->tx_seq = seq;
    return (double)(duo_now_ns() - start) / FRAG_CNT;
}

static void
peer_small_consume(void *ctx)
{
    peer_t *p = ctx;
    void *payload[BATCH];
    u64 wrong = 0, seq = p->rx_seq;

    while (seq < p->end) {
        u32 cnt = rte_ring_sc_dequeue_burst(p->ring, payload, BATCH, NULL);
        for (u32 i = 0; i < cnt; i++)
            wrong |= payload_wrong(payload[i], seq + i);
        seq += cnt;
        if (!cnt)
            qs_pause();
    }
    QS_ASSERT(!wrong);
    p->rx_seq = seq;
}

static double
peer_small_turn(void *ctx)
{
    peer_t *p = ctx;
    u64 seq = p->tx_seq;
    p->end = seq + FRAG_CNT;
    duo_start(peer_small_consume, p);
    u64 start = duo_now_ns();
    for (; seq < p->end; seq += BATCH) {
        void *payload[BATCH];
        for (u32 i = 0; i < BATCH; i++) {
            payload[i] = &p->pool[(seq + i) & (p->pool_cnt - 1)];
            payload_fill(payload[i], seq + i);
        }
        for (u32 sent = 0; sent < BATCH;) {
            u32 cnt = rte_ring_sp_enqueue_burst(p->ring, payload + sent, BATCH - sent, NULL);
            sent += cnt;
            if (!cnt)
                qs_pause();
        }
    }
    duo_join();
    p->tx_seq = seq;
    return (double)(duo_now_ns() - start) / FRAG_CNT;
}
#endif

static void
add(bench_t *b, bench_row_t row, double (*turn)(void *), void *ctx)
{
    static duo_row_t duo_row[BENCH_ROW_MAX];
    duo_row_t *r = &duo_row[b->row_cnt];
    *r = (duo_row_t){.turn = turn, .ctx = ctx};
    row.ctx = r;
    row.ops = 1;
    bench_add(b, &row);
}

/* add_rings adds the two rows with rte_ring as peer, rings of the same depth on both sides. */
static void
add_rings(bench_t *b)
{
    add(b, (bench_row_t){.what = WHAT_DESC, .variant = "4096 lines", .against = "rte_ring"},
        desc_turn, link_new(DESC_DEPTH, DESC_DEPTH, 0));
    add(b, (bench_row_t){.what = WHAT_SMALL, .variant = "4096 lines", .against = "rte_ring"},
        small_turn, link_new(SMALL_DEPTH, SMALL_DEPTH, SMALL_SZ));
#ifdef QS_PEER_DPDK
    add(b, (bench_row_t){.what = WHAT_DESC, .variant = "elem, 4096", .peer = "rte_ring"},
        peer_desc_turn, peer_new(sizeof(qs_frag_t), DESC_DEPTH));
    add(b, (bench_row_t){.what = WHAT_SMALL, .variant = "pointers, 4096", .peer = "rte_ring"},
        peer_small_turn, peer_new(sizeof(void *), SMALL_DEPTH));
#else
    bench_absent(b, "rte_ring", "built without libdpdk");
#endif
}

static void
add_big(bench_t *b, u64 window, char const *variant, char const *peer)
{
    blocks_t *blocks = (blocks_t *)duo_arena(sizeof(*blocks));
    blocks->cnt = window;
    blocks->mem = duo_arena(window * BIG_SZ);
    add(b, (bench_row_t){.what = WHAT_BIG, .variant = variant, .against = peer}, big_turn,
        link_new(BIG_DEPTH, window, BIG_SZ));
    add(b, (bench_row_t){.what = WHAT_BIG, .variant = variant, .peer = peer}, blocks_turn, blocks);
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "ring", argc, argv);
    add_rings(&b);
    add_big(&b, 128, "window 128", "memcpy/128");
    add_big(&b, 256, "window 256", "memcpy/256");
    add_big(&b, 512, "window 512", "memcpy/512");
    add_big(&b, 1024, "window 1024", "memcpy/1024");

    static hop_t hop;
    hop = (hop_t){.there = link_new(BIG_DEPTH, BIG_DEPTH, 0),
                  .back = link_new(BIG_DEPTH, BIG_DEPTH, 0)};
    add(&b, (bench_row_t){.what = WHAT_HOP, .variant = "ring", .against = "cache line"}, hop_turn,
        &hop);
    add(&b, (bench_row_t){.what = WHAT_HOP, .variant = "ping-pong", .peer = "cache line"},
        lines_turn, duo_arena(sizeof(lines_t)));
    return duo_run(&b);
}

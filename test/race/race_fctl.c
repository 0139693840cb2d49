/* Goal: a producer goes on without an expendable consumer that stands still, never overwrites what
   the needed one still reads, and waits for the expendable one again once it has caught up; that
   one knows exactly what it lost.
   Method: the expendable consumer stands still until it has been lapped, again and again.  The needed
   one checks every payload without asking the ring afterwards. */

#include "race.h"
#include "tango/qs_fctl.h"
#include "tango/qs_racy.h"

#define DEPTH    8u
#define WINDOW   4u
#define PATIENCE 20u /* the clock counts the producer's queries */
#define RECEIVE  20000u
#define CUTS     300u

static alignas(QS_ALIGN) u8 mem[1024];
static alignas(QS_ALIGN) u64 data[(WINDOW + 1) * RACE_WORDS];
static qs_dcache_t dc;
static qs_fseq_t needed, expendable;
static u64 cut_total;
static u64 taken_back;
static bool enough;
static u64 end; /* valid once published_all is set */
static bool published_all;

static u64 *
payload_at(u32 chunk)
{
    return &data[chunk * (QS_CHUNK_SZ / sizeof(u64))];
}

static void
publish_batch(qs_mcache_tx_t *tx, u32 *chunk, u64 cnt)
{
    qs_mcache_reserve(tx, cnt);
    for (u64 i = 0; i < cnt; i++) {
        qs_frag_t f = race_frag_of(tx->seq, *chunk);
        for (u32 w = 0; w < f.sz / sizeof(u64); w++)
            qs_store_relaxed(&payload_at(*chunk)[w], tx->seq);
        qs_mcache_publish(tx, &f);
        *chunk = qs_dcache_next(&dc, *chunk, f.sz);
    }
}

static void *
produce(void *arg)
{
    qs_mcache_tx_t *tx = arg;
    u32 chunk = dc.chunk0;
    qs_fctl_t fctl;

    qs_fctl_init(&fctl, WINDOW, PATIENCE);
    QS_ASSERT(!qs_fctl_add(&fctl, &needed, false));
    QS_ASSERT(!qs_fctl_add(&fctl, &expendable, true));
    for (u64 now = 0; !qs_load_relaxed(&enough); now++) {
        bool was_cut = fctl.rx[1].cut;
        u64 credits = qs_fctl_query(&fctl, tx->seq, now);
        qs_store_relaxed(&cut_total, fctl.cut_total);
        qs_store_relaxed(&taken_back, taken_back + (was_cut && !fctl.rx[1].cut));
        if (credits)
            publish_batch(tx, &chunk, qs_min_u64(credits, WINDOW / 2));
        else
            sched_yield();
    }
    end = tx->seq;
    qs_store_release(&published_all, true);
    return NULL;
}

static void *
consume_all(void *arg)
{
    qs_mcache_rx_t *rx = arg;
    qs_frag_t frag[WINDOW];
    u64 copy[RACE_WORDS];

    while (!qs_load_acquire(&published_all) || rx->seq != end) {
        u32 cnt = qs_mcache_peek(rx, frag, WINDOW);
        if (!cnt)
            sched_yield();
        for (u32 i = 0; i < cnt; i++) {
            race_check_frag(&frag[i], rx->seq + i);
            qs_racy_copy(copy, payload_at(frag[i].chunk), frag[i].sz);
            race_check_words(copy, rx->seq + i);
        }
        qs_mcache_advance(rx, cnt);
        qs_fseq_update(&needed, rx->seq);
    }
    QS_ASSERT(!rx->lost);
    return NULL;
}

/* stand_still until the producer has gone on without us. */
static void
stand_still(qs_mcache_rx_t const *rx)
{
    while ((i64)(qs_load_relaxed(rx->reserve) - rx->seq) < (i64)WINDOW)
        sched_yield();
}

static void *
consume_some(void *arg)
{
    qs_mcache_rx_t *rx = arg;
    u64 first_seq = rx->seq;
    u64 state = 7;
    u64 received = 0;
    qs_frag_t frag;
    u64 copy[RACE_WORDS];

    while (received < RECEIVE || qs_load_relaxed(&cut_total) < CUTS || !rx->lost ||
           qs_load_relaxed(&taken_back) < CUTS) {
        if (rand_next(&state) % 64 == 0)
            stand_still(rx);
        u32 cnt = qs_mcache_peek(rx, &frag, 1);
        if (cnt && frag.sz <= RACE_MTU && qs_dcache_holds(&dc, frag.chunk, 0, frag.sz))
            qs_racy_copy(copy, payload_at(frag.chunk), frag.sz);
        u64 seq = rx->seq;
        if (cnt && !qs_mcache_settle(rx, 1)) {
            race_check_frag(&frag, seq);
            race_check_words(copy, seq);
            received++;
        }
        if (!cnt)
            sched_yield();
        qs_fseq_update(&expendable, rx->seq);
    }
    QS_ASSERT(received + rx->lost == rx->seq - first_seq);
    qs_store_relaxed(&enough, true);
    return NULL;
}

int
main(void)
{
    qs_mcache_tx_t tx;
    qs_mcache_rx_t rx[2];
    pthread_t thread[3];
    u64 seq0 = UINT64_MAX - 1000;

    QS_ASSERT(!qs_dcache_init(&dc, 0, WINDOW, RACE_MTU));
    QS_ASSERT(!qs_mcache_new(mem, DEPTH, WINDOW, seq0));
    QS_ASSERT(!qs_mcache_tx_join(&tx, mem, sizeof(mem)));
    QS_ASSERT(!qs_mcache_rx_join(&rx[0], mem, sizeof(mem), seq0));
    QS_ASSERT(!qs_mcache_rx_join(&rx[1], mem, sizeof(mem), seq0));
    qs_fseq_update(&needed, seq0);
    qs_fseq_update(&expendable, seq0);
    race_start(&thread[0], consume_all, &rx[0]);
    race_start(&thread[1], consume_some, &rx[1]);
    race_start(&thread[2], produce, &tx);
    for (u32 i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    printf("cut %lu times, taken back %lu times, %lu of %lu lost\n", cut_total, taken_back,
           rx[1].lost, rx[1].seq - seq0);
    return 0;
}

/* Goal: on a reliable link descriptor and payload belong to who holds the credit: no race at all.
   Method: payloads are written and read plainly, so that TSan reports whatever P4, C1, F1 and F2 do
   not order.  Two consumers, eight lines, four payloads: every payload is soon written over.

   Each of the four was weakened to relaxed in a copy, and TSan (clang 14) reported a data race on
   `data` every time: P4 and C1 between the write of a payload and its first read, F1 and F2
   between a read and the next write over it. */

#include "race.h"
#include "tango/qs_fctl.h"

#define DEPTH     8u
#define WINDOW    4u
#define PUBLISH   50000u
#define CONSUMERS 2u

static alignas(QS_ALIGN) u8 mem[1024];
static alignas(QS_ALIGN) u64 data[(WINDOW + 1) * RACE_WORDS];
static qs_dcache_t dc;
static qs_fseq_t fseq[CONSUMERS];

static u64 *
payload_at(u32 chunk)
{
    return &data[chunk * (QS_CHUNK_SZ / sizeof(u64))];
}

static void *
produce(void *arg)
{
    qs_mcache_tx_t *tx = arg;
    u64 end = tx->seq + PUBLISH;
    u32 chunk = dc.chunk0;
    qs_fctl_t fctl;

    qs_fctl_init(&fctl, WINDOW, 0);
    for (u32 i = 0; i < CONSUMERS; i++)
        QS_ASSERT(!qs_fctl_add(&fctl, &fseq[i], false));
    while (tx->seq != end) {
        u64 batch = qs_fctl_query(&fctl, tx->seq, 0);
        batch = qs_min_u64(qs_min_u64(batch, WINDOW / 2), end - tx->seq);
        if (!batch) {
            sched_yield();
            continue;
        }
        qs_mcache_reserve(tx, batch);
        for (; batch; batch--) {
            qs_frag_t f = race_frag_of(tx->seq, chunk);
            for (u32 i = 0; i < f.sz / sizeof(u64); i++)
                payload_at(chunk)[i] = tx->seq;
            qs_mcache_publish(tx, &f);
            chunk = qs_dcache_next(&dc, chunk, f.sz);
        }
    }
    return NULL;
}

static void *
consume(void *arg)
{
    qs_fseq_t *mine = arg;
    qs_mcache_rx_t joined, *rx = &joined;
    qs_frag_t frag[WINDOW];

    QS_ASSERT(!qs_mcache_rx_join(rx, mem, sizeof(mem), qs_fseq_query(mine)));
    u64 end = rx->seq + PUBLISH;
    while (rx->seq != end) {
        u32 cnt = qs_mcache_peek(rx, frag, WINDOW);
        if (!cnt)
            sched_yield();
        for (u32 i = 0; i < cnt; i++) {
            race_check_frag(&frag[i], rx->seq + i);
            race_check_words(payload_at(frag[i].chunk), rx->seq + i);
        }
        qs_mcache_advance(rx, cnt);
        qs_fseq_update(mine, rx->seq);
    }
    QS_ASSERT(!rx->lost);
    return NULL;
}

int
main(void)
{
    qs_mcache_tx_t tx;
    pthread_t thread[CONSUMERS + 1];

    QS_ASSERT(!qs_dcache_init(&dc, 0, WINDOW, RACE_MTU));
    QS_ASSERT(!qs_mcache_new(mem, DEPTH, WINDOW, 100));
    QS_ASSERT(!qs_mcache_tx_join(&tx, mem, sizeof(mem)));
    for (u32 i = 0; i < CONSUMERS; i++)
        qs_fseq_update(&fseq[i], 100);
    race_start(&thread[CONSUMERS], produce, &tx);
    for (u32 i = 0; i < CONSUMERS; i++)
        race_start(&thread[i], consume, &fseq[i]);

    for (u32 i = 0; i <= CONSUMERS; i++)
        pthread_join(thread[i], NULL);
    puts("no race, none lost");
    return 0;
}

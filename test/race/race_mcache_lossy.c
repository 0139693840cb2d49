/* Goal: on a link whose producer never waits, a fragment that settle calls whole is whole, and what
   was received and what was lost add up to what was published.
   Method: one producer, two consumers, a ring of eight lines and four payloads, so that lapping is
   constant.  The producer is killed now and then: it forgets its join in the middle of a batch.
   Payloads are written through relaxed atomics, because this is the one race that is sanctioned.
   A plain main: Criterion cannot start under TSan. */

#include "race.h"
#include "tango/qs_racy.h"

#define DEPTH     8u
#define WINDOW    4u
#define RECEIVE   10000u
#define LOSE      10000u
#define CONSUMERS 2u

static alignas(QS_ALIGN) u8 mem[1024];
static alignas(QS_ALIGN) u8 data[(WINDOW + 1) * RACE_MTU];
static qs_dcache_t dc;
static u32 satisfied; /* consumers that have seen enough */
static bool published_all;

static void
write_payload(u32 chunk, u64 seq)
{
    u64 *word = (u64 *)(data + chunk * QS_CHUNK_SZ);

    for (u32 i = 0; i < race_sz_of(seq) / sizeof(u64); i++)
        qs_store_relaxed(&word[i], seq);
}

/* next_chunk goes on behind the last line that was published, as a new producer must. */
static u32
next_chunk(qs_mcache_tx_t const *tx)
{
    u64 where = qs_load_relaxed(&tx->line[(tx->seq - 1) & tx->mask].word[2]);

    return qs_dcache_next(&dc, (u32)where, (u16)(where >> 32));
}

static void
publish_batch(qs_mcache_tx_t *tx, u64 *state)
{
    u64 cnt = rand_upto(state, 1, WINDOW / 2);
    u64 killed_at = rand_next(state) % 64 ? cnt : rand_upto(state, 0, cnt - 1);

    qs_mcache_reserve(tx, cnt);
    for (u64 i = 0; i < cnt; i++) {
        u32 chunk = next_chunk(tx);
        write_payload(chunk, tx->seq);
        if (i == killed_at) {
            qs_store_relaxed(&tx->line[tx->seq & tx->mask].word[1], 0);
            QS_ASSERT(!qs_mcache_tx_join(tx, mem, sizeof(mem)));
            return;
        }
        qs_frag_t f = race_frag_of(tx->seq, chunk);
        qs_mcache_publish(tx, &f);
    }
    if (rand_next(state) % 32 == 0)
        qs_mcache_sync(tx);
}

static void *
produce(void *arg)
{
    qs_mcache_tx_t *tx = arg;
    u64 state = 1;

    while (qs_load_relaxed(&satisfied) < CONSUMERS) {
        publish_batch(tx, &state);
        for (u64 pause = rand_next(&state) % 256; pause > 192; pause--)
            qs_pause();
        if (rand_next(&state) % 64 == 0)
            sched_yield();
    }
    qs_store_release(&published_all, true);
    return NULL;
}

/* read_batch returns how many arrived whole. */
static u64
read_batch(qs_mcache_rx_t *rx, u32 max)
{
    qs_frag_t frag[WINDOW];
    u64 copy[WINDOW][RACE_WORDS];

    u32 cnt = qs_mcache_peek(rx, frag, max);
    if (!cnt)
        return 0;
    u64 first_seq = rx->seq;
    for (u32 i = 0; i < cnt; i++)
        if (frag[i].sz <= RACE_MTU && qs_dcache_holds(&dc, frag[i].chunk, 0, frag[i].sz))
            qs_racy_copy(copy[i], data + frag[i].chunk * QS_CHUNK_SZ, frag[i].sz);

    u32 void_cnt = qs_mcache_settle(rx, cnt);
    for (u32 i = void_cnt; i < cnt; i++) {
        race_check_frag(&frag[i], first_seq + i);
        race_check_words(copy[i], first_seq + i);
    }
    return cnt - void_cnt;
}

static void *
consume(void *arg)
{
    qs_mcache_rx_t *rx = arg;
    u64 state = (u64)(uintptr_t)rx;
    u64 received = 0;
    bool told = false;

    for (;;) {
        bool last_look = qs_load_acquire(&published_all);
        u64 seq = rx->seq;
        received += read_batch(rx, (u32)rand_upto(&state, 1, WINDOW));
        if (!told && received >= RECEIVE && rx->lost >= LOSE) {
            told = true;
            __atomic_fetch_add(&satisfied, 1, __ATOMIC_RELAXED);
        }
        if (rx->seq == seq && last_look)
            break;
        if (rx->seq == seq)
            sched_yield();
    }
    QS_ASSERT(received + rx->lost == rx->seq - qs_mcache_seq0(mem));
    return NULL;
}

int
main(void)
{
    qs_mcache_tx_t tx;
    qs_mcache_rx_t rx[CONSUMERS];
    pthread_t thread[CONSUMERS + 1];
    u64 seq0 = UINT64_MAX - 10000;

    QS_ASSERT(!qs_dcache_init(&dc, 0, WINDOW, RACE_MTU));
    QS_ASSERT(!qs_mcache_new(mem, DEPTH, WINDOW, seq0));
    QS_ASSERT(!qs_mcache_tx_join(&tx, mem, sizeof(mem)));
    for (u32 i = 0; i < CONSUMERS; i++) {
        QS_ASSERT(!qs_mcache_rx_join(&rx[i], mem, sizeof(mem), seq0));
        race_start(&thread[i], consume, &rx[i]);
    }
    race_start(&thread[CONSUMERS], produce, &tx);
    for (u32 i = 0; i <= CONSUMERS; i++)
        pthread_join(thread[i], NULL);
    for (u32 i = 0; i < CONSUMERS; i++) {
        QS_ASSERT(rx[i].seq == tx.seq);
        printf("consumer %u: %lu of %lu lost\n", i, rx[i].lost, tx.seq - seq0);
    }
    return 0;
}

/* Goal: two tiles that park whenever they have nothing to do, one for input and one for credits,
   never sleep past each other's ring.
   Method: a reliable link of two payloads between them, so that both park constantly; the payload
   is plain, so that TSan sees that a wake orders no less than a poll does.  Then the two sides meet
   at one point again and again, where only B2 and R2 decide.  Every sleep would last an hour: a
   lost wake hangs, and the alarm ends it.

   Without B2, and without R2, it hung in two of three tries each (x86-64, two busy cores); the
   proof is park.pml. */

#include <unistd.h>

#include "race.h"
#include "tango/qs_bell.h"
#include "tango/qs_fctl.h"

#define DEPTH      4u
#define WINDOW     2u
#define PUBLISH    30000u
#define MEETINGS   20000u
#define HOUR_NS    3600000000000ull
#define HANG_ALARM 60u

static alignas(QS_ALIGN) u8 mem[1024];
static u64 data[WINDOW];
static qs_fseq_t fseq;
static qs_bell_t producer_bell, consumer_bell;

static void *
produce(void *arg)
{
    qs_mcache_tx_t *tx = arg;
    u64 end = tx->seq + PUBLISH;
    qs_fctl_t fctl;

    qs_fctl_init(&fctl, WINDOW, 0);
    QS_ASSERT(!qs_fctl_add(&fctl, &fseq, false));
    while (tx->seq != end) {
        if (!qs_fctl_query(&fctl, tx->seq, 0)) {
            qs_bell_park(&producer_bell, QS_BELL_CREDIT);
            if (qs_fctl_query(&fctl, tx->seq, 0))
                qs_bell_unpark(&producer_bell);
            else
                qs_bell_wait(&producer_bell, QS_BELL_CREDIT, HOUR_NS);
            continue;
        }
        qs_mcache_reserve(tx, 1);
        data[tx->seq % WINDOW] = ~tx->seq;
        qs_mcache_publish(tx, &(qs_frag_t){.sig = tx->seq});
        qs_bell_fence();
        qs_bell_ring(&consumer_bell, QS_BELL_IDLE, -1);
    }
    return NULL;
}

static void *
consume(void *arg)
{
    qs_mcache_rx_t *rx = arg;
    u64 end = rx->seq + PUBLISH;
    qs_frag_t frag;

    while (rx->seq != end) {
        if (!qs_mcache_peek(rx, &frag, 1)) {
            qs_bell_park(&consumer_bell, QS_BELL_IDLE);
            if (qs_mcache_ready(rx))
                qs_bell_unpark(&consumer_bell);
            else
                qs_bell_wait(&consumer_bell, QS_BELL_IDLE, HOUR_NS);
            continue;
        }
        QS_ASSERT(frag.sig == rx->seq && data[rx->seq % WINDOW] == ~rx->seq);
        qs_mcache_advance(rx, 1);
        qs_fseq_update(&fseq, rx->seq);
        qs_bell_fence();
        qs_bell_ring(&producer_bell, QS_BELL_CREDIT, -1);
    }
    return NULL;
}

static void
pass_fragments(void)
{
    qs_mcache_tx_t tx;
    qs_mcache_rx_t rx;
    pthread_t thread[2];

    QS_ASSERT(!qs_mcache_new(mem, DEPTH, WINDOW, 0));
    QS_ASSERT(!qs_mcache_tx_join(&tx, mem, sizeof(mem)));
    QS_ASSERT(!qs_mcache_rx_join(&rx, mem, sizeof(mem), 0));
    race_start(&thread[0], produce, &tx);
    race_start(&thread[1], consume, &rx);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
}

static u64 arrived[2]; /* how many meetings each side has come to */
static u64 input;
static u64 asleep; /* meetings in which the sleeper did not see the input at once */

/* meet lets both sides leave at nearly the same moment. */
static void
meet(u32 me, u64 meeting, u64 *state)
{
    qs_store_release(&arrived[me], meeting);
    for (u32 spin = 0; qs_load_acquire(&arrived[!me]) < meeting; spin++)
        if (spin % 128 == 127)
            sched_yield();
    for (u64 pause = rand_next(state) % 64; pause; pause--)
        __asm__ volatile("");
}

static void *
sleeper(void *arg)
{
    u64 state = 1;

    for (u64 i = 1; i <= MEETINGS; i++) {
        meet(0, i, &state);
        while (qs_load_acquire(&input) < i) {
            qs_bell_park(&consumer_bell, QS_BELL_IDLE);
            if (qs_load_acquire(&input) >= i) {
                qs_bell_unpark(&consumer_bell);
                break;
            }
            asleep++;
            qs_bell_wait(&consumer_bell, QS_BELL_IDLE, HOUR_NS);
        }
    }
    return arg;
}

static void *
ringer(void *arg)
{
    u64 state = 2;

    for (u64 i = 1; i <= MEETINGS; i++) {
        meet(1, i, &state);
        qs_store_release(&input, i);
        qs_bell_fence();
        qs_bell_ring(&consumer_bell, QS_BELL_IDLE, -1);
    }
    return arg;
}

/* keep_apart pins the two to different cores if there are two: on one they never meet. */
static void
keep_apart(pthread_t const *thread)
{
    cpu_set_t allowed, mine;
    u32 me = 0;

    QS_ASSERT(!sched_getaffinity(0, sizeof(allowed), &allowed));
    for (u32 cpu = 0; cpu < CPU_SETSIZE && me < 2; cpu++) {
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        CPU_ZERO(&mine);
        CPU_SET(cpu, &mine);
        QS_ASSERT(!pthread_setaffinity_np(thread[me++], sizeof(mine), &mine));
    }
}

static void
meet_often(void)
{
    pthread_t thread[2];

    race_start(&thread[0], sleeper, NULL);
    race_start(&thread[1], ringer, NULL);
    keep_apart(thread);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
}

int
main(void)
{
    alarm(HANG_ALARM);
    pass_fragments();
    meet_often();
    printf("no wake lost; %lu of %u meetings ended in a sleep\n", asleep, MEETINGS);
    return 0;
}

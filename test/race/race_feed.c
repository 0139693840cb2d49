/* Goal: a record that a reader of the feed gets is whole, and what it got and what it missed add up.
   Method: one producer that is now and then forgotten in the middle of a record, two readers, rings so
   small that overtaking is constant.  A plain main: Criterion cannot start under TSan. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disco/feed/qs_feed_tx.h"
#include "race.h"

#define LINES   16u
#define DATA    262144u
#define RECEIVE 5000u
#define READERS 2u

static char path[64];
static u8 *mem;
static u64 mem_sz;
static u32 satisfied;
static u64 missed;

static void *
produce(void *arg)
{
    static u64 words[5000];
    u64 state = 7;
    qs_feed_tx_t tx;

    (void)arg;
    QS_ASSERT(!qs_feed_tx_join(&tx, mem, mem_sz));
    while (qs_load_relaxed(&satisfied) < READERS) {
        u64 cnt = rand_upto(&state, 1, QS_COUNT(words));
        for (u64 i = 0; i < cnt; i++)
            words[i] = tx.seq;
        qs_feed_rec_t rec = {.kind = QS_FEED_TXN, .slot = cnt};
        qs_feed_tx_publish(&tx, &rec, words, cnt * 8, NULL, 0, 0);
        if (rand_next(&state) % 64 == 0)
            QS_ASSERT(!qs_feed_tx_join(&tx, mem, mem_sz));
        if (rand_next(&state) % 4 == 0)
            sched_yield();
    }
    return NULL;
}

static void *
follow(void *arg)
{
    qs_feed_t *f;
    qs_feed_rec_t const *r;
    u64 seen = 0;

    (void)arg;
    QS_ASSERT(!qs_feed_open(&f, path, QS_FEED_NEWEST));
    u64 first = qs_feed_seq(f);
    while (seen < RECEIVE) {
        if (qs_feed_next(f, &r) != 1) {
            sched_yield();
            continue;
        }
        u64 const *word = qs_feed_payload(r);
        QS_ASSERT(r->seq == first + seen + qs_feed_missed(f));
        QS_ASSERT(r->sz == r->slot * 8);
        for (u32 i = 0; i < r->sz / 8; i++)
            QS_ASSERT(word[i] == r->seq);
        seen++;
    }
    __atomic_fetch_add(&missed, qs_feed_missed(f), __ATOMIC_RELAXED);
    __atomic_fetch_add(&satisfied, 1, __ATOMIC_RELAXED);
    while (qs_load_relaxed(&satisfied) < READERS) /* the other one may need me to make room */
        sched_yield();
    qs_feed_close(f);
    return NULL;
}

int
main(void)
{
    pthread_t thread[1 + READERS];

    mem_sz = qs_feed_tx_footprint(LINES, DATA);
    snprintf(path, sizeof(path), "/dev/shm/quickstep-race-feed-%d", getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    QS_ASSERT(fd >= 0 && !ftruncate(fd, (off_t)mem_sz));
    mem = mmap(NULL, mem_sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    QS_ASSERT(mem != MAP_FAILED && !qs_feed_tx_new(mem, LINES, DATA, 0));
    for (u32 i = 0; i < READERS; i++)
        race_start(&thread[i], follow, NULL);
    race_start(&thread[READERS], produce, NULL);
    for (u32 i = 0; i <= READERS; i++)
        pthread_join(thread[i], NULL);
    unlink(path);
    printf("%u readers got %u whole records each, and missed %lu in all\n", READERS, RECEIVE,
           missed);
    return 0;
}

/* feed_play FILE RECORDS PER_SECOND - plays a node's end of a feed: makes FILE, waits for a line on standard
   input, publishes so many records and ends in order.  Record n is a transaction, but each tenth says that
   slot n / 10 is complete. */

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "disco/feed/qs_feed_tx.h"
#include "tango/base/qs_base.h"

#define LINES 4096u
#define DATA  (1u << 22)

static u64
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static void
put(qs_feed_tx_t *tx, u64 n)
{
    u64 now = now_ns();
    u8 bytes[200] = {1};
    qs_feed_rec_t rec = {.slot = n / 10,
                         .flags = QS_FEED_SIGNED | QS_FEED_MERKLE,
                         .arrival_ns = now - 2000000,
                         .complete_ns = now};
    qs_feed_txn_t txn = {
        .sz = sizeof(bytes), .sig_off = 1, .sig_cnt = 1, .account_off = 70, .account_cnt = 2};
    qs_feed_status_t status = {.state = QS_FEED_COMPLETE, .txn_cnt = 9, .set_cnt = 1};

    memcpy(bytes + 1, &n, sizeof(n));
    memset(bytes + 70, (int)(n % 3), 32);
    rec.kind = n % 10 ? QS_FEED_TXN : QS_FEED_STATUS;
    if (n % 10)
        qs_feed_tx_publish(tx, &rec, &txn, sizeof(txn), bytes, sizeof(bytes), now);
    else
        qs_feed_tx_publish(tx, &rec, &status, sizeof(status), NULL, 0, now);
}

int
main(int argc, char **argv)
{
    u64 sz = qs_feed_tx_footprint(LINES, DATA);
    qs_feed_tx_t tx;
    char line[16];

    QS_ASSERT(argc == 4);
    int fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600);
    QS_ASSERT(fd >= 0 && !ftruncate(fd, (off_t)sz));
    void *mem = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    QS_ASSERT(mem != MAP_FAILED && !qs_feed_tx_new(mem, LINES, DATA, 1700000000000000000u));
    QS_ASSERT(!qs_feed_tx_join(&tx, mem, sz));
    qs_feed_tx_beat(&tx, now_ns());
    printf("ready\n");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return 1;
    u64 cnt = strtoull(argv[2], NULL, 10), rate = strtoull(argv[3], NULL, 10), begun = now_ns();
    for (u64 n = 1; n <= cnt; n++) {
        while (now_ns() - begun < n * 1000000000u / rate)
            usleep(200);
        put(&tx, n);
        qs_feed_tx_beat(&tx, now_ns());
    }
    qs_feed_tx_end(&tx);
    return 0;
}

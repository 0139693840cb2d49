/* How long a record of the feed takes from publish to a reader that spins: the node's clock is read before
   the record is written, the reader's when it has the whole copy, on two cores.  Beside it what publishing
   costs the node. */

#include <fcntl.h>
#include <unistd.h>

#include "bench/duo.h"
#include "disco/feed/qs_feed_tx.h"

#define LINES 4096u
#define DATA  (1u << 22)
#define CNT   500u

typedef struct stage {
    qs_feed_tx_t tx;
    char path[64];
    u64 payload_sz;
    u64 seen; /* by the reader */
    double span[CNT];
} stage_t;

static u8 payload[QS_FEED_REC_MAX];

static void
publish(stage_t *s)
{
    qs_feed_rec_t rec = {.kind = QS_FEED_TXN, .arrival_ns = duo_ticks()};
    qs_feed_tx_publish(&s->tx, &rec, payload, s->payload_sz, NULL, 0, 0);
}

static void
read_all(void *ctx)
{
    stage_t *s = ctx;
    qs_feed_rec_t const *r;
    qs_feed_t *f;

    QS_ASSERT(!qs_feed_open(&f, s->path, QS_FEED_NEWEST));
    qs_store_release(&s->seen, 1);
    for (u32 i = 0; i < CNT; i++) {
        while (qs_feed_next(f, &r) != 1)
            qs_pause();
        u64 now = duo_ticks();
        s->span[i] = (double)(now - r->arrival_ns) * duo_ns_per_tick();
        qs_store_release(&s->seen, i + 2);
    }
    qs_feed_close(f);
}

/* latency: one record at a time, so that each waits for nothing but the rings. */
static double
latency(void *ctx)
{
    stage_t *s = ctx;

    duo_ns_per_tick();
    qs_store_relaxed(&s->seen, 0);
    duo_start(read_all, s);
    for (u32 i = 0; i < CNT; i++) {
        while (qs_load_acquire(&s->seen) != i + 1)
            qs_pause();
        publish(s);
    }
    duo_join();
    return duo_median(s->span, CNT);
}

static double
cost(void *ctx)
{
    stage_t *s = ctx;
    u64 begun = duo_now_ns();

    for (u32 i = 0; i < 20000; i++)
        publish(s);
    return (double)(duo_now_ns() - begun) / 20000;
}

static void
add(bench_t *b, char const *what, char const *variant, u64 payload_sz, double (*turn)(void *ctx))
{
    static stage_t stages[4];
    static duo_row_t rows[4];
    u32 i = b->row_cnt;
    stage_t *s = &stages[i];
    u64 sz = qs_feed_tx_footprint(LINES, DATA);

    s->payload_sz = payload_sz;
    snprintf(s->path, sizeof(s->path), "/dev/shm/quickstep-bench-feed-%d-%u", getpid(), i);
    int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL, 0600);
    QS_ASSERT(fd >= 0 && !ftruncate(fd, (off_t)sz));
    void *mem = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    QS_ASSERT(mem != MAP_FAILED && !qs_feed_tx_new(mem, LINES, DATA, 0));
    QS_ASSERT(!qs_feed_tx_join(&s->tx, mem, sz));
    rows[i] = (duo_row_t){.turn = turn, .ctx = s};
    bench_add(b, &(bench_row_t){.what = what, .variant = variant, .ctx = &rows[i], .ops = 1});
}

static void
remove_files(bench_t const *b)
{
    for (u32 i = 0; i < b->row_cnt; i++) {
        duo_row_t const *row = b->row[i].ctx;
        unlink(((stage_t const *)row->ctx)->path);
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;

    bench_init(&b, "feed", argc, argv);
    add(&b, "feed record, publish to seen, spinning reader", "transaction of 300 bytes", 316,
        latency);
    add(&b, "feed record, publish to seen, spinning reader", "set of 38.5 KB", 80 + 32 * 1203,
        latency);
    add(&b, "feed record published", "transaction of 300 bytes", 316, cost);
    int code = duo_run(&b);
    remove_files(&b);
    return code;
}

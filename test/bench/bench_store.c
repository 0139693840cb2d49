/* What the store costs: records written to its window and synced, against plain writes of 1 MiB into a
   file of the same kind with the same sync, as dd conv=notrunc,fdatasync does (an operation is 1 MiB, so
   ops per second are MiB/s); and what it takes to judge a slot.

   The files lie in the directory where the bench is started (or QS_BENCH_DIR): a tmpfs would tell
   nothing. */

#include <fcntl.h>
#include <unistd.h>

#include "bench/bench.h"
#include "disco/store/block_maker.h"
#include "disco/store/qs_segment.h"

#define WRITE  "store: sustained write, sync as configured"
#define JUDGE  "slot of 64 ticks of 4,000 hashes and 640 signatures judged"
#define MIB    32u /* a call */
#define REC_SZ (104u + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ)

typedef struct disk {
    char dir[200];
    bool synced;
    qs_segment_tx_t tx;
    int fd;
    u32 at; /* MiB of the peer's file */
    u8 block[1u << 20];
} disk_t;

static disk_t disk[2]; /* without and with sync */

static void
ours(void *ctx)
{
    disk_t *d = ctx;
    for (u64 left = (u64)MIB << 20; left >= REC_SZ; left -= REC_SZ) {
        qs_segment_put_t put = {.slot = 1,
                                .run = 1,
                                .kind = QS_SEGMENT_SET,
                                .data = {d->block, d->block + 104},
                                .sz = {104, REC_SZ - 104}};
        if (d->synced && qs_segment_full(&d->tx, REC_SZ))
            QS_ASSERT(!qs_segment_sync(&d->tx));
        QS_ASSERT(qs_segment_append(&d->tx, &put) >= 0);
        QS_ASSERT(!d->synced || !qs_segment_flush(&d->tx));
    }
    QS_ASSERT(!d->synced || !qs_segment_sync(&d->tx));
}

static void
dd(void *ctx)
{
    disk_t *d = ctx;
    for (u32 i = 0; i < MIB; i++, d->at = (d->at + 1) % (4 * MIB))
        QS_ASSERT(pwrite(d->fd, d->block, sizeof(d->block), (off_t)d->at << 20) ==
                  (ssize_t)sizeof(d->block));
    QS_ASSERT(!d->synced || !fdatasync(d->fd));
}

static void
open_disk(disk_t *d, bool synced)
{
    char path[240];
    char const *base = getenv("QS_BENCH_DIR");
    snprintf(d->dir, sizeof(d->dir), "%.150s/bench_store.XXXXXX", base ? base : ".");
    QS_ASSERT(mkdtemp(d->dir));
    d->synced = synced;
    memset(d->block, 0x5a, sizeof(d->block));
    if (qs_segment_open(&d->tx, d->dir, (u64)MIB << 20, 4)) {
        fprintf(stderr, "bench store: %s\n", d->tx.why);
        exit(1);
    }
    snprintf(path, sizeof(path), "%.199s/dd", d->dir);
    d->fd = open(path, O_RDWR | O_CREAT, 0600);
    QS_ASSERT(d->fd >= 0 && !posix_fallocate(d->fd, 0, (off_t)MIB * 4 << 20));
}

static void
close_disk(disk_t *d)
{
    char path[240];
    static char const *const name[] = {"dd",
                                       "lock",
                                       "quickstep-000.seg",
                                       "quickstep-001.seg",
                                       "quickstep-002.seg",
                                       "quickstep-003.seg"};
    qs_segment_close(&d->tx);
    close(d->fd);
    for (u32 i = 0; i < QS_COUNT(name); i++) {
        snprintf(path, sizeof(path), "%.199s/%.20s", d->dir, name[i]);
        unlink(path);
    }
    rmdir(d->dir);
}

/* ---- judging */

static block_t block;
static qs_slots_config_t config[2];
static void *mem;

static void
judge(void *ctx)
{
    qs_slots_t *s = qs_slots_init(mem, ctx);
    for (u32 i = 0; i < block.set_cnt; i++) {
        QS_ASSERT(!qs_slots_add(s, &block.set[i].head, block.set[i].data, 1));
        while (qs_slots_step(s, 1)) {
        }
    }
    QS_ASSERT(qs_slots_counts(s)->complete == 1);
}

static void
make_block(void)
{
    static u8 const zero[32];
    block_begin(&block, 1, 0, zero, zero);
    for (u32 i = 0; i < 64; i++) {
        block_txns(&block, 2000, 10, 0);
        block_tick(&block, 2000);
        if (i % 8 == 7)
            block_flush(&block, 0, i == 63);
    }
    config[0] = (qs_slots_config_t){
        .slot_cnt = 1, .set_cnt = 24, .batch_cnt = 8, .hashes_per_tick = 4000, .genesis = true};
    config[1] = config[0];
    config[1].trust = true;
    QS_ASSERT(!posix_memalign(&mem, QS_ALIGN, qs_slots_footprint(&config[0])));
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "store", argc, argv);
    b.clock = CLOCK_MONOTONIC; /* the disk's time is time */
    make_block();
    for (u32 i = 0; i < 2; i++) {
        open_disk(&disk[i], i == 1);
        bench_row_t row = {.what = WRITE,
                           .variant = i ? "records, fdatasync" : "records, no sync",
                           .against = i ? "dd fdatasync" : "dd no sync",
                           .fn = ours,
                           .ctx = &disk[i],
                           .ops = MIB};
        bench_add(&b, &row);
        row = (bench_row_t){.what = WRITE,
                            .variant = "1 MiB blocks",
                            .peer = i ? "dd fdatasync" : "dd no sync",
                            .fn = dd,
                            .ctx = &disk[i],
                            .ops = MIB};
        bench_add(&b, &row);
    }
    for (u32 i = 0; i < 2; i++) {
        bench_row_t row = {.what = JUDGE,
                           .variant = i ? "parsed only" : "all of it",
                           .fn = judge,
                           .ctx = &config[i],
                           .ops = 1};
        bench_add(&b, &row);
    }
    int code = bench_run(&b);
    for (u32 i = 0; i < 2; i++)
        close_disk(&disk[i]);
    return code;
}

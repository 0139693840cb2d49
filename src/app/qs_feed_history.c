#include "app/qs_feed_history.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "disco/feed/qs_feed_node.h"
#include "disco/store/qs_segment.h"

#define RECORDS 4096u
#define BYTES   (1u << 23) /* a batch of the largest slot's records and more */
#define FRAG_SZ ((u32)sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ)

/* A slot that is complete on disk, and who wrote it. */
typedef struct found {
    u64 slot, run;
    qs_slot_info_t info;
} found_t;

typedef struct history {
    qs_segment_rx_t rx;
    qs_feed_node_t node; /* a feed of our own, in which the records are made */
    qs_feed_t *reader;
    qs_slots_t *slots;
    found_t *found;
    u64 cnt, cap;
    qs_feed_history_each_t *each;
    void *ctx;
    bool stop;
    u8 data[QS_SEGMENT_DATA_MAX];
} history_t;

/* drain gives away what was made.  Nothing is missed: it is called after each record but a few. */
static void
drain(history_t *h)
{
    qs_feed_rec_t const *rec;

    while (!h->stop && qs_feed_next(h->reader, &rec) == 1) {
        qs_feed_rec_t *own = (qs_feed_rec_t *)(uintptr_t)rec; /* the reader's copy is ours */
        own->seq = 0;
        own->published_ns = 0;
        h->stop = !h->each(h->ctx, own);
    }
}

static void
on_entry(void *ctx, qs_slot_info_t const *slot, qs_slots_entry_t const *entry)
{
    history_t *h = ctx;
    qs_feed_node_entry(&h->node, slot, entry, 0);
    drain(h);
}

static void
on_txn(void *ctx, qs_slot_info_t const *slot, qs_slots_txn_t const *txn)
{
    history_t *h = ctx;
    qs_feed_node_txn(&h->node, slot, txn, 0);
    drain(h);
}

static u64
clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* make_feed: in a file without a name, once both ends have it. */
static int
make_feed(history_t *h)
{
    char path[] = "/tmp/quickstep-history-XXXXXX";
    u64 sz = qs_feed_tx_footprint(RECORDS, BYTES);
    int fd = mkostemp(path, O_CLOEXEC);
    int err = fd < 0 || ftruncate(fd, (off_t)sz) ? -errno : 0;

    if (!err) {
        void *mem = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        err = mem == MAP_FAILED ? -errno : 0;
        if (!err) {
            qs_feed_tx_new(mem, RECORDS, BYTES,
                           clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
            munmap(mem, sz);
            err = qs_feed_node_boot(&h->node, fd, 0);
        }
    }
    err = err ? err : qs_feed_open(&h->reader, path, QS_FEED_NEWEST);
    if (fd >= 0) {
        unlink(path);
        close(fd);
    }
    return err;
}

static int
make_slots(history_t *h, void **mem)
{
    qs_slots_config_t config = {.slot_cnt = 1,
                                .set_cnt = QS_SLOTS_SET_MAX,
                                .batch_cnt = QS_SLOTS_SET_MAX,
                                .how = QS_ENTRY_ALLOW_V1,
                                .trust = true,
                                .calls = {h, NULL, on_entry, on_txn, NULL}};

    if (posix_memalign(mem, QS_ALIGN, qs_slots_footprint(&config)))
        return -ENOMEM;
    h->slots = qs_slots_init(*mem, &config);
    return 0;
}

/* find lists the slots that are complete, the last word on each. */
static void
find(history_t *h, u64 first, u64 last)
{
    qs_segment_record_t rec;

    while (qs_segment_next(&h->rx, &rec)) {
        if (rec.kind != QS_SEGMENT_SLOT || rec.slot < first || rec.slot > last ||
            rec.sz != sizeof(qs_slot_info_t) || !qs_segment_data(&h->rx, &rec, h->data))
            continue;
        u64 i = 0;
        while (i < h->cnt && h->found[i].slot != rec.slot)
            i++;
        if (i == h->cap) {
            h->cap = h->cap ? 2 * h->cap : 256;
            h->found = realloc(h->found, h->cap * sizeof(*h->found));
            QS_ASSERT(h->found);
        }
        h->cnt += i == h->cnt;
        h->found[i] = (found_t){.slot = rec.slot, .run = rec.run};
        memcpy(&h->found[i].info, h->data, sizeof(h->found[i].info));
    }
}

/* replay makes the records of one slot. */
static void
replay(history_t *h, found_t const *f)
{
    qs_segment_record_t rec;

    qs_segment_rewind(&h->rx);
    while (!h->stop && qs_segment_next(&h->rx, &rec)) {
        if (rec.slot != f->slot || rec.run != f->run || rec.kind != QS_SEGMENT_SET ||
            rec.sz != FRAG_SZ || !qs_segment_data(&h->rx, &rec, h->data))
            continue;
        qs_fec_set_t const *set = (void const *)h->data;
        qs_feed_node_set(&h->node, set, h->data + sizeof(*set), 0);
        drain(h);
        qs_slots_add(h->slots, set, h->data + sizeof(*set), 0);
        while (qs_slots_step(h->slots, 0))
            ;
    }
    qs_feed_node_status(&h->node, &f->info, 0);
    drain(h);
}

int
qs_feed_history(char const *dir, u64 first, u64 last, u64 *next, qs_feed_history_each_t *each,
                void *ctx)
{
    history_t *h = calloc(1, sizeof(*h));
    void *mem = NULL;
    int err = h ? qs_segment_rx_open(&h->rx, dir) : -ENOMEM;

    *next = first;
    if (err) {
        free(h);
        return err;
    }
    h->each = each;
    h->ctx = ctx;
    err = make_feed(h);
    err = err ? err : make_slots(h, &mem);
    if (!err)
        find(h, first, last);
    for (u64 i = 0; i < h->cnt && !h->stop; i++) {
        if (h->found[i].info.status != QS_SLOT_COMPLETE)
            continue;
        replay(h, &h->found[i]);
        *next = qs_max_u64(*next, h->found[i].slot + 1);
    }
    qs_segment_rx_close(&h->rx);
    qs_feed_close(h->reader);
    free(h->found);
    free(mem);
    free(h);
    return err;
}

/* store - makes checked slots of FEC sets, and keeps the last of them on disk.

       shred  ===>  store  - - ->  poh, shred        and DIR/quickstep-NNN.seg, if store.dir is set
                    store  ~~~~~>  feed              records for other programs (feed/qs_feed_node.h)

   In:    completed sets, qs_format.h.
   Out:   qs_slot_end_t of each slot that is complete and good, to whoever the topology joins.  Nobody
          is waited for: with ENDS of them unsent the oldest is dropped and counted, because whoever
          takes them may be who sends us sets.
   Loss:  sets of slots that are given up for want of room, counted (store/qs_slots.h).  While what
          arrived is still being checked shred waits.
   Disk:  a record for each set taken and for each slot finished (store/qs_segment.h).  A set is on disk
          before it is judged.  What is synced when is store.sync: none, never: the kernel writes when
          it likes; interval, every store.sync_ms; slot, when a slot is finished.  The tile stands
          still while the disk syncs, and with none, too, when the kernel makes writers wait.  Disk
          errors are counted, and the set is judged all the same.
   Death: with store.dir a restart reads back what is on disk of slots in progress, and forgets nothing
          but ends unsent, and the feed is told of these slots once more, marked as such; without, slots
          in progress are forgotten, counted as restart_lost.  A new
          instance begins with nothing known.
   Trust: payloads are private copies.  The signature of a set is the shred tile's word. */

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "disco/feed/qs_feed_node.h"
#include "disco/qs_stem.h"
#include "disco/qs_store_tile.h"
#include "disco/qs_tiles.h"
#include "disco/store/qs_segment.h"
#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/crypto/qs_sha256.h"

#define ENDS    64u
#define STEPS   4u /* of some 200 us, a turn */
#define FRAG_SZ ((u32)sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ)

#define STORE_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(set, "sets taken")                                                                     \
    COUNTER(set_duplicate, "sets that were there already")                                         \
    COUNTER(set_other, "sets of which another version was there")                                  \
    COUNTER(set_late, "sets of slots that were finished")                                          \
    COUNTER(set_bad, "sets that are none")                                                         \
    COUNTER(slot_begun, "slots of which a set came")                                               \
    COUNTER(slot_complete, "slots complete and good")                                              \
    COUNTER(slot_start_unknown, "... whose first entry could not be judged: no parent")            \
    COUNTER(slot_dead, "slots that break a rule")                                                  \
    COUNTER(slot_retracted, "... and had been complete before their parent came")                  \
    COUNTER(slot_lost, "slots given up for want of room")                                          \
    COUNTER(slot_conflict, "slots of which the leader has signed something else, too")             \
    COUNTER(batch, "entry batches found good")                                                     \
    COUNTER(entry, "entries in them")                                                              \
    COUNTER(tick, "... that are ticks")                                                            \
    COUNTER(txn, "transactions in them")                                                           \
    COUNTER(vote, "... that are votes")                                                            \
    COUNTER(signature, "signatures of transactions verified")                                      \
    COUNTER(hash, "hashes of proof of history checked")                                            \
    COUNTER(trailing_batch, "batches with bytes behind the last entry")                            \
    COUNTER(trailing_bytes, "such bytes")                                                          \
    COUNTER(end_sent, "ends of slots told to the tiles that build on them")                        \
    COUNTER(end_dropped, "... and not told: they did not take them")                               \
    COUNTER(record, "records written")                                                             \
    COUNTER(record_bytes, "payload bytes of those")                                                \
    COUNTER(record_failed, "records that the disk did not take")                                   \
    COUNTER(sync, "times the disk was synced")                                                     \
    COUNTER(sync_failed, "... and could not be")                                                   \
    COUNTER(sync_ns, "time the tile stood still for that")                                         \
    COUNTER(segment_recycled, "segments overwritten by newer ones")                                \
    COUNTER(restart_lost, "slots in progress forgotten by a restart")                              \
    COUNTER(restart_read, "sets read back from disk by a restart")                                 \
    GAUGE(busy, "1: there is something that could be judged")                                      \
    GAUGE(slots, "slots in progress")                                                              \
    GAUGE(sets, "sets whose batch is not through")

/* The reasons of dead slots follow, a counter each. */
typedef struct store_metrics {
    STORE_METRICS(QS_METRIC_FIELD_, QS_METRIC_FIELD_)
    u64 reason[QS_SLOTS_REASON_CNT - 1];
} store_metrics_t;

#define STORE_REASON_(name, help) {QS_METRIC_COUNTER, "dead_" #name, "slots dead: " help},
static qs_metric_desc_t const store_metric_desc[] = {STORE_METRICS(
    QS_METRIC_COUNTER_, QS_METRIC_GAUGE_) QS_SLOTS_REASONS(STORE_REASON_){0, NULL, NULL}};

_Static_assert(QS_COUNT(store_metric_desc) == sizeof(store_metrics_t) / sizeof(u64) + 1,
               "one description each");

typedef struct store {
    qs_store_view_t view; /* first: the lab reads it in the object "state" */
    u64 run;              /* of the instance: random, in each record */
    store_metrics_t *m;
    qs_feed_node_t feed;
    qs_clock_t clock;
    qs_slots_t *slots;
    void *slots_mem;
    bool disk, reading_back;
    bool slot_due; /* a slot was finished since the last sync */
    u32 sync;      /* QS_CONFIG_store_sync_* */
    u64 sync_ns, synced_at;
    u64 last_frag;          /* now, for callbacks */
    qs_slots_counts_t seen; /* what the metrics know of */
    u64 recycled_seen;
    u32 end_head, end_tail; /* unsent: end_tail .. end_head - 1 */
    u32 end_out;            /* the out that the oldest goes to next */
    qs_slot_end_t end[ENDS];
    qs_segment_tx_t tx;
    qs_segment_rx_t rx;                      /* boot's */
    alignas(8) u8 data[QS_SEGMENT_DATA_MAX]; /* boot's */
} store_t;

static qs_slots_config_t
slots_config(qs_config_t const *cfg)
{
    return (qs_slots_config_t){
        .slot_cnt = cfg->store.slots,
        .set_cnt = cfg->store.sets,
        .batch_cnt = cfg->store.batch_sets,
        .how = (cfg->store.strict_trailing ? QS_ENTRY_STRICT : 0) |
               (cfg->verify.v1 ? QS_ENTRY_ALLOW_V1 : 0),
        .rule = cfg->verify.rule == QS_CONFIG_verify_rule_strict ? QS_ED25519_STRICT
                                                                 : QS_ED25519_SIMD376,
        .ticks_per_slot = cfg->store.ticks_per_slot,
        .hashes_per_tick = cfg->store.hashes_per_tick,
    };
}

static void *
store_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    qs_slots_config_t c = slots_config(ctx->cfg);
    store_t *t = qs_layout_take(l, sizeof(store_t), QS_ALIGN);
    void *slots = qs_layout_take(l, qs_slots_footprint(&c), QS_ALIGN);
    if (t)
        t->slots_mem = slots;
    return t;
}

static u64
wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static void
sync_disk(store_t *t, u64 now)
{
    u64 begun = wall_ns();
    t->synced_at = now;
    t->slot_due = false;
    if (!t->disk || !t->tx.dirty)
        return;
    if (qs_segment_sync(&t->tx))
        qs_metric_inc(&t->m->sync_failed);
    qs_metric_inc(&t->m->sync);
    qs_metric_add(&t->m->sync_ns, wall_ns() - begun);
}

static void
write_record(store_t *t, qs_segment_put_t *put)
{
    u32 sz = put->sz[0] + put->sz[1];
    if (!t->disk)
        return;
    put->run = t->run;
    put->written_ns = wall_ns();
    if (t->sync != QS_CONFIG_store_sync_none && qs_segment_full(&t->tx, sz))
        sync_disk(t, t->last_frag);
    if (qs_segment_append(&t->tx, put) < 0) {
        qs_metric_inc(&t->m->record_failed);
        return;
    }
    qs_metric_inc(&t->m->record);
    qs_metric_add(&t->m->record_bytes, sz);
    if (t->sync != QS_CONFIG_store_sync_none && qs_segment_flush(&t->tx))
        qs_metric_inc(&t->m->sync_failed);
}

/* ---- what the brain tells.  The feed's records are published here and nowhere else. */

static void
on_set(void *ctx, qs_fec_set_t const *set, u8 const *data, qs_slots_take_t take)
{
    store_t *t = ctx;
    if ((take != QS_SLOTS_TAKEN && take != QS_SLOTS_OTHER) || t->reading_back)
        return;
    qs_feed_node_set(&t->feed, set, data, qs_clock_now(&t->clock));
    write_record(t, &(qs_segment_put_t){.slot = set->slot,
                                        .kind = QS_SEGMENT_SET,
                                        .data = {set, data},
                                        .sz = {sizeof(*set), FRAG_SZ - (u32)sizeof(*set)}});
}

static void
push_end(store_t *t, qs_slot_info_t const *slot)
{
    if (t->end_head - t->end_tail == ENDS) {
        t->end_tail++;
        t->end_out = 0;
        qs_metric_inc(&t->m->end_dropped);
    }
    qs_slots_end(slot, &t->end[t->end_head++ % ENDS]);
}

/* told says whether the end of a slot was told before: what changed is a flag. */
static bool
told(store_t const *t, qs_slot_info_t const *slot)
{
    for (u64 i = t->view.cnt; i && i + QS_STORE_VIEW_CNT > t->view.cnt; i--) {
        qs_slot_info_t const *v = &t->view.slot[(i - 1) % QS_STORE_VIEW_CNT];
        if (v->slot == slot->slot && v->done_ns == slot->done_ns)
            return true;
    }
    return false;
}

static void
on_entry(void *ctx, qs_slot_info_t const *slot, qs_slots_entry_t const *entry)
{
    store_t *t = ctx;
    qs_feed_node_entry(&t->feed, slot, entry, qs_clock_now(&t->clock));
}

static void
on_txn(void *ctx, qs_slot_info_t const *slot, qs_slots_txn_t const *txn)
{
    store_t *t = ctx;
    qs_feed_node_txn(&t->feed, slot, txn, qs_clock_now(&t->clock));
}

static void
on_status(void *ctx, qs_slot_info_t const *slot)
{
    store_t *t = ctx;
    qs_feed_node_status(&t->feed, slot, qs_clock_now(&t->clock));
    if (slot->status == QS_SLOT_PROGRESS)
        return;
    if (slot->status == QS_SLOT_COMPLETE && !told(t, slot))
        push_end(t, slot);
    t->view.slot[t->view.cnt % QS_STORE_VIEW_CNT] = *slot;
    qs_store_release(&t->view.cnt, t->view.cnt + 1);
    write_record(t, &(qs_segment_put_t){.slot = slot->slot,
                                        .kind = QS_SEGMENT_SLOT,
                                        .data = {slot, NULL},
                                        .sz = {sizeof(*slot), 0}});
    t->slot_due = true;
}

static qs_slots_calls_t const calls = {
    .on_set = on_set, .on_entry = on_entry, .on_txn = on_txn, .on_status = on_status};

/* ---- boot */

/* read_genesis_hash reads store.genesis_hash, if that is set. */
static int
read_genesis_hash(qs_slots_config_t *c, qs_tile_ctx_t *ctx)
{
    char const *text = ctx->cfg->store.genesis_hash;
    c->genesis = text[0] != 0;
    if (!c->genesis || !qs_base58_decode_32(c->genesis_hash, text, strlen(text)))
        return 0;
    snprintf(ctx->err, sizeof(ctx->err), "store.genesis_hash %s: not 32 bytes in base58", text);
    return -EINVAL;
}

/* read_genesis hashes the file of store.genesis, if that is set. */
static int
read_genesis(store_t *t, qs_slots_config_t *c, qs_tile_ctx_t *ctx)
{
    char const *path = ctx->cfg->store.genesis;
    qs_sha256_t sha;
    ssize_t got;
    if (!path[0])
        return read_genesis_hash(c, ctx);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    qs_sha256_init(&sha);
    while ((got = fd < 0 ? -1 : read(fd, t->data, sizeof(t->data))) > 0)
        qs_sha256_append(&sha, t->data, (u64)got);
    if (got < 0)
        snprintf(ctx->err, sizeof(ctx->err), "store.genesis %.200s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    qs_sha256_fini(&sha, c->genesis_hash);
    c->genesis = got == 0;
    return got < 0 ? -EINVAL : 0;
}

static int
open_disk(store_t *t, qs_tile_ctx_t *ctx)
{
    qs_config_store_t const *o = &ctx->cfg->store;
    t->disk = o->dir[0] != 0;
    if (!t->disk)
        return 0;
    u64 cnt = o->window_bytes / o->segment_bytes;
    if (cnt < 2 || cnt > QS_SEGMENT_MAX) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "store.window_bytes must be 2 to %u times store.segment_bytes, and is %lu times",
                 QS_SEGMENT_MAX, cnt);
        return -EINVAL;
    }
    int err = qs_segment_open(&t->tx, o->dir, o->segment_bytes, (u32)cnt);
    if (err) {
        snprintf(ctx->err, sizeof(ctx->err), "store.dir %.128s: %s", o->dir, t->tx.why);
        return err;
    }
    ctx->own_fd[ctx->own_cnt++] = t->tx.lock_fd;
    for (u32 i = 0; i < cnt; i++)
        ctx->own_fd[ctx->own_cnt++] = t->tx.fd[i];
    ctx->file_max = o->segment_bytes;
    return 0;
}

static void
read_back_set(store_t *t, qs_segment_record_t const *rec, u64 now)
{
    qs_slot_info_t const *info = qs_slots_find(t->slots, rec->slot);
    qs_fec_set_t *set = (void *)t->data;
    if ((info && info->status != QS_SLOT_PROGRESS) || rec->sz != FRAG_SZ ||
        !qs_segment_data(&t->rx, rec, t->data))
        return;
    while (qs_slots_add(t->slots, set, t->data + sizeof(*set), now) == QS_SLOTS_FULL)
        qs_slots_step(t->slots, now);
    qs_metric_inc(&t->m->restart_read);
}

/* read_back makes known what this instance has on disk: first which slots are finished, then the sets of
   those that are not. */
static void
read_back(store_t *t, char const *dir, u64 now)
{
    qs_segment_record_t rec;
    if (qs_segment_rx_open(&t->rx, dir))
        return;
    while (qs_segment_next(&t->rx, &rec))
        if (rec.run == t->run && rec.kind == QS_SEGMENT_SLOT && rec.sz == sizeof(qs_slot_info_t) &&
            qs_segment_data(&t->rx, &rec, t->data))
            qs_slots_restore(t->slots, (void *)t->data);
    qs_segment_rewind(&t->rx);
    t->reading_back = true;
    while (qs_segment_next(&t->rx, &rec))
        if (rec.run == t->run && rec.kind == QS_SEGMENT_SET)
            read_back_set(t, &rec, now);
    t->reading_back = false;
    qs_segment_rx_close(&t->rx);
}

static int
store_boot(void *self, qs_tile_ctx_t *ctx)
{
    store_t *t = self;
    qs_slots_config_t c = slots_config(ctx->cfg);
    u64 now = qs_clock_now(ctx->clock);
    if (ctx->fresh)
        t->view.cnt = t->run = 0;
    if (!t->run && qs_rng_seed_os(&t->run))
        return -EIO;
    u8 *rest = (u8 *)&t->m;
    void *mem = t->slots_mem;
    memset(rest, 0, (u64)((u8 *)&t->tx - rest));
    t->slots_mem = mem;
    t->m = ctx->metrics;
    t->clock = *ctx->clock;
    t->sync = ctx->cfg->store.sync;
    t->sync_ns = ctx->cfg->store.sync_ms * 1000000ull;
    t->synced_at = t->last_frag = now;
    c.calls = calls;
    c.calls.ctx = t;
    int err = read_genesis(t, &c, ctx);
    err = err ? err : open_disk(t, ctx);
    err = err ? err
              : qs_feed_node_boot(&t->feed, ctx->kept_cnt ? ctx->kept_fd[0] : -1,
                                  ctx->fresh ? 0 : now);
    if (err)
        return err;
    t->slots = qs_slots_init(t->slots_mem, &c);
    if (!ctx->fresh && t->disk)
        read_back(t, ctx->cfg->store.dir, now);
    else if (!ctx->fresh)
        qs_metric_add(&t->m->restart_lost, qs_metric_get(&t->m->slots));
    return 0;
}

/* ---- the loop */

static void
count_sets(store_t *t, qs_slots_counts_t const *now)
{
    qs_slots_counts_t const *was = &t->seen;
    store_metrics_t *m = t->m;
    qs_metric_add(&m->set, now->take[QS_SLOTS_TAKEN] - was->take[QS_SLOTS_TAKEN]);
    qs_metric_add(&m->set_duplicate, now->take[QS_SLOTS_DUPLICATE] - was->take[QS_SLOTS_DUPLICATE]);
    qs_metric_add(&m->set_other, now->take[QS_SLOTS_OTHER] - was->take[QS_SLOTS_OTHER]);
    qs_metric_add(&m->set_late, now->take[QS_SLOTS_LATE] - was->take[QS_SLOTS_LATE]);
    qs_metric_add(&m->set_bad, now->take[QS_SLOTS_BAD] - was->take[QS_SLOTS_BAD]);
    qs_metric_add(&m->slot_begun, now->begun - was->begun);
    qs_metric_add(&m->slot_start_unknown, now->start_unknown - was->start_unknown);
    qs_metric_add(&m->slot_retracted, now->retracted - was->retracted);
    qs_metric_add(&m->slot_lost, now->lost - was->lost);
    qs_metric_add(&m->slot_conflict, now->conflict - was->conflict);
}

static void
count(store_t *t)
{
    qs_slots_counts_t const *now = qs_slots_counts(t->slots), *was = &t->seen;
    store_metrics_t *m = t->m;
    count_sets(t, now);
    for (u32 i = 1; i < QS_SLOTS_REASON_CNT; i++)
        if (now->reason[i] != was->reason[i])
            qs_metric_add(&m->reason[i - 1], now->reason[i] - was->reason[i]);
    qs_metric_add(&m->batch, now->batch - was->batch);
    qs_metric_add(&m->entry, now->entry - was->entry);
    qs_metric_add(&m->tick, now->tick - was->tick);
    qs_metric_add(&m->txn, now->txn - was->txn);
    qs_metric_add(&m->vote, now->vote - was->vote);
    qs_metric_add(&m->signature, now->signature - was->signature);
    qs_metric_add(&m->hash, now->hash - was->hash);
    qs_metric_add(&m->trailing_batch, now->trailing_batch - was->trailing_batch);
    qs_metric_add(&m->trailing_bytes, now->trailing_bytes - was->trailing_bytes);
    qs_metric_add(&m->segment_recycled, t->tx.recycled - t->recycled_seen);
    t->recycled_seen = t->tx.recycled;
    qs_metric_set(&m->slots, qs_slots_in_progress(t->slots));
    qs_metric_set(&m->sets, qs_slots_buffered(t->slots));
    /* Last, and dead before complete: who sees a slot here sees all of it in what is above. */
    qs_metric_add(&m->slot_dead, now->dead - was->dead);
    qs_metric_add(&m->slot_complete, now->complete - was->complete);
    t->seen = *now;
}

/* send_ends tells the oldest ends that are unsent, to every out, as far as they take them. */
static void
send_ends(store_t *t, qs_stem_t *stem)
{
    for (; t->end_tail != t->end_head; t->end_tail++, t->end_out = 0) {
        qs_slot_end_t const *e = &t->end[t->end_tail % ENDS];
        for (; t->end_out < stem->out_cnt; t->end_out++) {
            u8 *room = qs_stem_prepare(stem, t->end_out);
            if (!room)
                return;
            memcpy(room, e, sizeof(*e));
            qs_stem_publish(stem, t->end_out, e->slot, sizeof(*e), 0, qs_ts_comp(e->done_ns));
            qs_metric_inc(&t->m->end_sent);
        }
    }
}

static u32
store_poll(void *self, qs_stem_t *stem)
{
    store_t *t = self;
    u32 work = 0;
    while (work < STEPS && qs_slots_step(t->slots, qs_clock_now(&stem->clock)))
        work++;
    if (qs_metric_get(&t->m->busy) != (work == STEPS))
        qs_metric_set(&t->m->busy, work == STEPS);
    if (work) {
        count(t);
        send_ends(t, stem);
    } else if (t->end_tail != t->end_head) {
        send_ends(t, stem);
    }
    bool due = t->sync == QS_CONFIG_store_sync_slot       ? t->slot_due
               : t->sync == QS_CONFIG_store_sync_interval ? stem->now - t->synced_at >= t->sync_ns
                                                          : false;
    if (due)
        sync_disk(t, stem->now);
    if (t->sync == QS_CONFIG_store_sync_interval && t->tx.dirty)
        qs_stem_wake_at(stem, t->synced_at + t->sync_ns);
    return work;
}

static u32
store_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    store_t *t = self;
    u32 i = 0;
    t->last_frag = stem->now;
    for (; i < b->cnt; i++) {
        qs_fec_set_t const *set = (void const *)b->data[i];
        if (b->frag[i].sz != FRAG_SZ)
            qs_metric_inc(&t->m->set_bad);
        else if (qs_slots_add(t->slots, set, b->data[i] + sizeof(*set), stem->now) == QS_SLOTS_FULL)
            break;
    }
    count(t);
    return i;
}

static void
store_tidy(void *self, qs_stem_t *stem)
{
    store_t *t = self;
    qs_feed_node_beat(&t->feed, stem->now);
    count(t);
}

static void
store_run(void *self, qs_stem_t *stem)
{
    store_t *t = self;
    qs_stem_loop(&qs_tile_store, self, stem);
    if (t->sync != QS_CONFIG_store_sync_none)
        sync_disk(t, stem->now);
    qs_feed_node_end(&t->feed);
}

/* clang-format off */
static int const syscalls[] = {SYS_pwrite64, SYS_pwritev, SYS_fdatasync, SYS_sync_file_range,
                               -1};

qs_tile_t const qs_tile_store = {
    .name     = "store",
    .help     = "checks entries and proof of history, and keeps the last slots",
    .in       = {{.from = "shred"}},
    .out      = {"*"},
    .metrics  = store_metric_desc,
    .tidy_ns  = 10000000,
    .syscalls = syscalls,
    .keep     = qs_feed_node_keep,
    .layout   = store_layout,
    .boot     = store_boot,
    .poll     = store_poll,
    .frag     = store_frag,
    .tidy     = store_tidy,
    .run      = store_run,
};
/* clang-format on */

#include "disco/feed/qs_feed_node.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "disco/qs_config.h"
#include "tango/qs_shm.h"

static u64
clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static int
format(int fd, u64 lines, u64 bytes, u64 sz)
{
    void *mem = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (mem == MAP_FAILED)
        return -errno;
    u64 unix_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    ((qs_feed_head_t *)mem)->beat_ns = clock_ns(CLOCK_MONOTONIC);
    int err = qs_feed_tx_new(mem, lines, bytes, unix_ns);
    munmap(mem, sz);
    return err;
}

/* open_to lets others read the file: the directories above say who may come that far. */
static int
open_to(qs_instance_t const *inst, int fd, u32 readers)
{
    static mode_t const file[] = {[QS_CONFIG_feed_readers_owner] = 0400,
                                  [QS_CONFIG_feed_readers_group] = 0440,
                                  [QS_CONFIG_feed_readers_all] = 0444};
    static mode_t const dir[] = {[QS_CONFIG_feed_readers_owner] = 0700,
                                 [QS_CONFIG_feed_readers_group] = 0710,
                                 [QS_CONFIG_feed_readers_all] = 0711};

    if (fchmod(fd, file[readers]))
        return -errno;
    return readers != QS_CONFIG_feed_readers_owner && fchmod(inst->dir_fd, dir[readers]) ? -errno
                                                                                         : 0;
}

int
qs_feed_node_keep(qs_tile_ctx_t *ctx)
{
    qs_config_t const *cfg = ctx->cfg;
    u64 sz = qs_feed_tx_footprint(cfg->feed.records, cfg->feed.bytes);
    qs_shm_t shm;

    if (!cfg->feed.records)
        return 0;
    if (!sz) {
        snprintf(ctx->err, sizeof(ctx->err), "feed.records: 0, or 2 and more");
        return -EINVAL;
    }
    if (!ctx->instance || ctx->instance->dir_fd < 0) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "no feed: without a tmpfs nobody could find it (feed.records = 0 says so too)");
        return 0;
    }
    int err = qs_shm_create(&shm, ctx->instance, "feed", sz, (u64)sysconf(_SC_PAGESIZE), -1);
    if (!err) {
        close(shm.fd_ro);
        err = format(shm.fd_rw, cfg->feed.records, cfg->feed.bytes, sz);
        err = err ? err : open_to(ctx->instance, shm.fd_rw, cfg->feed.readers);
        ctx->kept_fd[ctx->kept_cnt++] = shm.fd_rw;
    }
    if (err)
        snprintf(ctx->err, sizeof(ctx->err), "no room for the feed, %lu bytes (feed.bytes): %s", sz,
                 strerror(-err));
    return err;
}

int
qs_feed_node_boot(qs_feed_node_t *n, int fd, u64 restarted_ns)
{
    struct stat st;

    n->on = fd >= 0;
    n->restarted_ns = restarted_ns;
    if (!n->on)
        return 0;
    if (fstat(fd, &st))
        return -errno;
    void *mem =
        mmap(NULL, (u64)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (mem == MAP_FAILED)
        return -errno;
    return qs_feed_tx_join(&n->tx, mem, (u64)st.st_size);
}

static void
publish(qs_feed_node_t *n, qs_feed_rec_t *rec, void const *head, u32 head_sz, void const *data,
        u32 data_sz, u64 now)
{
    if (rec->arrival_ns < n->restarted_ns)
        rec->flags |= QS_FEED_AGAIN;
    qs_feed_tx_publish(&n->tx, rec, head, head_sz, data, data_sz, now);
}

/* The flags of a set are the feed's first ones, in another order. */
static u32
set_flags(u32 flags)
{
    static struct {
        u32 from, to;
    } const map[] = {{QS_FEC_SIGNED, QS_FEED_SIGNED},       {QS_FEC_MERKLE, QS_FEED_MERKLE},
                     {QS_FEC_RECOVERED, QS_FEED_RECOVERED}, {QS_FEC_CONFLICT, QS_FEED_CONFLICT},
                     {QS_FEC_CHAINED, QS_FEED_CHAINED},     {QS_FEC_LAST_SLOT, QS_FEED_LAST},
                     {QS_FEC_FLAWED, QS_FEED_FLAWED}};
    u32 out = 0;

    for (u32 i = 0; i < QS_COUNT(map); i++)
        out |= flags & map[i].from ? map[i].to : 0;
    return out;
}

static u32
slot_flags(qs_slot_info_t const *s)
{
    return (s->flags & QS_SLOT_SIGNED ? QS_FEED_SIGNED : 0) | QS_FEED_MERKLE |
           (s->recovered_cnt ? QS_FEED_RECOVERED : 0) |
           (s->flags & QS_SLOT_CONFLICT ? QS_FEED_CONFLICT : 0) |
           (s->flags & QS_SLOT_CHAINED ? QS_FEED_CHAINED : 0);
}

void
qs_feed_node_set(qs_feed_node_t *n, qs_fec_set_t const *set, u8 const *data, u64 now)
{
    qs_feed_rec_t rec = {.kind = QS_FEED_SET,
                         .slot = set->slot,
                         .flags = set_flags(set->flags),
                         .source = set->source,
                         .idx = set->fec_idx,
                         .arrival_ns = set->first_ns,
                         .verified_ns = set->last_ns};
    qs_feed_set_t head = {.parent_off = set->parent_off,
                          .version = set->version,
                          .data_cnt = set->data_cnt,
                          .code_cnt = set->code_cnt,
                          .shred_sz = QS_FEC_SHRED_SZ,
                          .shred_cnt = QS_FEC_DATA_CNT};

    if (!n->on)
        return;
    memcpy(head.root, set->root, 32);
    memcpy(head.chained_root, set->chained_root, 32);
    publish(n, &rec, &head, sizeof(head), data, QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ, now);
}

void
qs_feed_node_entry(qs_feed_node_t *n, qs_slot_info_t const *slot, qs_slots_entry_t const *e,
                   u64 now)
{
    qs_feed_rec_t rec = {.kind = QS_FEED_ENTRY,
                         .slot = slot->slot,
                         .flags = slot_flags(slot) | (e->unjudged ? 0 : QS_FEED_POH) |
                                  (e->txn_cnt ? QS_FEED_TXN_SIG : QS_FEED_TICK),
                         .idx = e->idx,
                         .arrival_ns = slot->first_ns,
                         .verified_ns = now};
    qs_feed_entry_t out = {
        .num_hashes = e->num_hashes, .txn_cnt = e->txn_cnt, .txn_first = slot->txn_cnt};

    if (!n->on)
        return;
    memcpy(out.hash, e->hash, 32);
    publish(n, &rec, &out, sizeof(out), NULL, 0, now);
}

void
qs_feed_node_txn(qs_feed_node_t *n, qs_slot_info_t const *slot, qs_slots_txn_t const *t, u64 now)
{
    qs_txn_t const *txn = t->txn;
    qs_feed_rec_t rec = {.kind = QS_FEED_TXN,
                         .slot = slot->slot,
                         .flags = slot_flags(slot) | QS_FEED_TXN_SIG |
                                  (txn->flags & QS_TXN_SIMPLE_VOTE ? QS_FEED_VOTE : 0),
                         .idx = t->idx,
                         .arrival_ns = slot->first_ns,
                         .verified_ns = now};
    qs_feed_txn_t head = {.entry_idx = t->entry_idx,
                          .sz = txn->sz,
                          .sig_off = txn->signature_off,
                          .account_off = txn->account_off,
                          .account_cnt = txn->account_cnt,
                          .sig_cnt = txn->signature_cnt,
                          .version = txn->version};

    if (n->on)
        publish(n, &rec, &head, sizeof(head), t->data, txn->sz, now);
}

static u32
state_of(qs_slot_info_t const *s)
{
    switch (s->status) {
    case QS_SLOT_COMPLETE:
        return QS_FEED_COMPLETE;
    case QS_SLOT_DEAD:
        return QS_FEED_DEAD;
    case QS_SLOT_LOST:
        return QS_FEED_LOST;
    default:
        return s->flags & QS_SLOT_CONFLICT ? QS_FEED_CONFLICTING : QS_FEED_FIRST_SHRED;
    }
}

void
qs_feed_node_status(qs_feed_node_t *n, qs_slot_info_t const *slot, u64 now)
{
    bool good = slot->status == QS_SLOT_COMPLETE;
    qs_feed_rec_t rec = {.kind = QS_FEED_STATUS,
                         .slot = slot->slot,
                         .flags = slot_flags(slot) | (good ? QS_FEED_LAST | QS_FEED_TXN_SIG : 0) |
                                  (good && slot->flags & QS_SLOT_START ? QS_FEED_POH : 0),
                         .arrival_ns = slot->first_ns,
                         .verified_ns = slot->full_ns,
                         .complete_ns = good ? slot->done_ns : 0};
    qs_feed_status_t out = {.parent_slot = slot->parent,
                            .state = state_of(slot),
                            .set_cnt = slot->set_cnt,
                            .entry_cnt = slot->entry_cnt,
                            .tick_cnt = slot->tick_cnt,
                            .txn_cnt = slot->txn_cnt,
                            .vote_cnt = slot->vote_cnt};

    if (!n->on)
        return;
    if (slot->status == QS_SLOT_DEAD)
        snprintf(out.reason, sizeof(out.reason), "%s", qs_slots_reason_name(slot->reason));
    if (good) {
        memcpy(out.block_id, slot->block_id, 32);
        memcpy(out.hash, slot->hash, 32);
    }
    publish(n, &rec, &out, sizeof(out), NULL, 0, now);
}

void
qs_feed_node_beat(qs_feed_node_t *n, u64 now)
{
    if (n->on)
        qs_feed_tx_beat(&n->tx, now);
}

void
qs_feed_node_end(qs_feed_node_t *n)
{
    if (n->on)
        qs_feed_tx_end(&n->tx);
}

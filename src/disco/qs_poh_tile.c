/* poh - a leader's clock: hashes without end, and mixes transactions in (brain: poh/qs_poh_clock.h).

       dedup  ===>  poh  ===>  shred
       store  ===>

   In:    from dedup: transactions that are well signed and seen for the first time, with their
          descriptor; from store, where there is one: slots of other leaders that are complete and good.
   Out:   the entries of our slots in order, ticks when they are due (qs_format.h).
   Loss:  none.  What does not fit the slot, or comes when another leads, waits on its link.
   Trust: payloads are private copies; a descriptor that leads outside its transaction is dropped and
          counted.
   Waits: a transaction waits poh.entry_ns at most for others of its entry.
   Death: the group stops: the chain is this process's memory. */

#include <sys/prctl.h>

#include "disco/poh/qs_poh_clock.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "disco/shred/qs_leaders_json.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/crypto/qs_sha256.h"

/* clang-format off */
#define POH_METRICS(COUNTER, GAUGE)                                                               \
    COUNTER(slot,         "slots made")                                                           \
    COUNTER(skipped,      "slots of other leaders that did not come, and were built over")        \
    COUNTER(entry,        "entries made, ticks among them")                                       \
    COUNTER(tick,         "ticks made")                                                           \
    COUNTER(txn,          "transactions put into entries")                                        \
    COUNTER(hash,         "hashes")                                                               \
    COUNTER(malformed,    "fragments dropped whose descriptor leads outside")                     \
    COUNTER(slot_seen,    "slots of other leaders that were told of")                             \
    GAUGE(slot_now,       "slot in the making, or the last one")                                  \
    GAUGE(leading,        "1: we make a slot now")                                                \
    GAUGE(late_ns,        "how late the last tick was")                                           \
    GAUGE(late_max_ns,    "how late the latest of all ticks was")
/* clang-format on */

QS_METRICS(poh, POH_METRICS);

enum { IN_DEDUP, IN_STORE };

#define IDENT_MAX   16384u
#define SLOT_MAX    (1u << 20)
#define STEP_NS     50000u /* how long transactions wait for hashing, at most */
#define STEP_MIN    64u
#define TRIAL       4096u /* hashes that are timed */
#define GENESIS_MAX (64u << 20)

typedef struct poh {
    poh_metrics_t *m;
    qs_poh_counts_t seen; /* what the metrics know of */
    qs_leaders_t leaders;
    void *leaders_mem;
    qs_poh_conf_t conf;
    qs_poh_clock_t clock;
} poh_t;

static bool
has_schedule(qs_config_t const *cfg)
{
    return cfg->shred.leader_schedule[0] && cfg->poh.identity[0];
}

static void *
poh_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    poh_t *t = qs_layout_take(l, sizeof(*t), QS_ALIGN);
    u64 leaders_sz = has_schedule(ctx->cfg) ? qs_leaders_footprint(IDENT_MAX, SLOT_MAX) : 0;
    void *leaders = qs_layout_take(l, leaders_sz, QS_ALIGN);

    if (t)
        t->leaders_mem = leaders;
    return t;
}

/* read_key reads 32 bytes of base58. */
static int
read_key(u8 key[32], char const *text, char const *option, qs_tile_ctx_t *ctx)
{
    if (qs_base58_decode_32(key, text, strlen(text))) {
        snprintf(ctx->err, sizeof(ctx->err), "%s: not 32 bytes in base58", option);
        return -EINVAL;
    }
    return 0;
}

/* read_genesis finds the hash that slot 1 continues from. */
static int
read_genesis(u8 hash[QS_POH_SZ], qs_tile_ctx_t *ctx)
{
    char const *path = ctx->cfg->poh.genesis;
    static u8 piece[65536];
    qs_sha256_t sha;
    u64 sz, sum = 0;

    if (!path[0] && ctx->cfg->poh.genesis_hash[0])
        return read_key(hash, ctx->cfg->poh.genesis_hash, "poh.genesis_hash", ctx);
    qs_sha256_init(&sha);
    FILE *f = path[0] ? fopen(path, "rb") : NULL;
    if (path[0] && !f) {
        snprintf(ctx->err, sizeof(ctx->err), "poh.genesis: %.200s: %s", path, strerror(errno));
        return -EINVAL;
    }
    while (f && sum <= GENESIS_MAX && (sz = fread(piece, 1, sizeof(piece), f)) > 0) {
        qs_sha256_append(&sha, piece, sz);
        sum += sz;
    }
    bool bad = f && (ferror(f) || !sum || sum > GENESIS_MAX);
    if (f)
        fclose(f);
    if (bad) {
        snprintf(ctx->err, sizeof(ctx->err), "poh.genesis: %.200s: empty, too large or unreadable",
                 path);
        return -EINVAL;
    }
    qs_sha256_fini(&sha, hash);
    return 0;
}

/* read_schedule reads who leads when, if that is not by turns. */
static int
read_schedule(poh_t *t, qs_tile_ctx_t *ctx)
{
    char const *path = ctx->cfg->shred.leader_schedule;
    qs_leaders_json_t json = {.epoch = ctx->cfg->shred.epoch, .stake_max = IDENT_MAX};
    qs_hash_key_t key = {.k0 = ctx->seed, .k1 = ~ctx->seed};

    if (!has_schedule(ctx->cfg))
        return 0;
    int err = read_key(t->conf.identity, ctx->cfg->poh.identity, "poh.identity", ctx);
    if (err)
        return err;
    json.stake = malloc(IDENT_MAX * sizeof(*json.stake));
    if (!json.stake)
        return -ENOMEM;
    qs_leaders_init(&t->leaders, t->leaders_mem, IDENT_MAX, SLOT_MAX, key);
    qs_leaders_reason_t reason = qs_leaders_json_read(&t->leaders, &json, path);
    free(json.stake);
    if (reason) {
        snprintf(ctx->err, sizeof(ctx->err), "shred.leader_schedule %.100s, byte %lu: %s", path,
                 json.at, qs_leaders_reason_text(reason));
        return -EINVAL;
    }
    t->conf.leaders = &t->leaders;
    return 0;
}

/* step_of times the chain: how many hashes fit STEP_NS. */
static u32
step_of(qs_clock_t const *clock)
{
    u8 state[QS_POH_SZ] = {0};
    u64 best = UINT64_MAX;

    for (u32 i = 0; i < 3; i++) {
        u64 begun = qs_clock_now(clock);
        qs_poh_append(state, TRIAL);
        best = qs_min_u64(best, qs_clock_now(clock) - begun);
    }
    u64 step = (u64)STEP_NS * TRIAL / (best ? best : 1);
    return (u32)(step < STEP_MIN ? STEP_MIN : step > TRIAL ? TRIAL : step);
}

static int
poh_boot(void *self, qs_tile_ctx_t *ctx)
{
    poh_t *t = self;
    qs_config_t const *cfg = ctx->cfg;
    u64 now = qs_clock_now(ctx->clock);

    prctl(PR_SET_TIMERSLACK, 1000); /* a tick is due when it is due */
    t->m = ctx->metrics;
    memset(&t->seen, 0, sizeof(t->seen));
    t->conf = (qs_poh_conf_t){.slot_ns = cfg->poh.slot_ns * 1000 / cfg->poh.speed_permille,
                              .hashes_per_tick = cfg->poh.hashes_per_tick,
                              .ticks_per_slot = cfg->poh.ticks_per_slot,
                              .step_max = step_of(ctx->clock),
                              .entry_txn_max = cfg->poh.entry_txns,
                              .entry_ns = cfg->poh.entry_ns,
                              .slot_sz_max = cfg->poh.slot_bytes,
                              .grace_ns = (u64)cfg->poh.grace_ms * 1000000u,
                              .start_ns = now + (u64)cfg->poh.start_ms * 1000000u,
                              .leader_idx = cfg->poh.leader_idx,
                              .leader_cnt = cfg->poh.leader_cnt,
                              .rotation = cfg->poh.rotation};
    int err = read_genesis(t->conf.genesis_hash, ctx);
    return err ? err : read_schedule(t, ctx);
}

static int
poh_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    poh_t *t = self;
    u64 room = qs_stem_out_mtu(stem, 0);

    t->conf.entry_sz_max = (u32)qs_min_u64(
        room < sizeof(qs_entry_frag_t) ? 0 : room - sizeof(qs_entry_frag_t), QS_POH_ENTRY_SZ_MAX);
    int err = qs_poh_clock_init(&t->clock, &t->conf, qs_clock_now(ctx->clock));
    if (err)
        snprintf(ctx->err, sizeof(ctx->err),
                 "poh: %u ticks of %u hashes in %lu ns, entries of %u bytes: that cannot be",
                 t->conf.ticks_per_slot, (u32)t->conf.hashes_per_tick, t->conf.slot_ns,
                 t->conf.entry_sz_max);
    return err;
}

static void
count(poh_t *t)
{
    qs_poh_counts_t const *now = &t->clock.counts, *was = &t->seen;

    qs_metric_add(&t->m->slot, now->slot - was->slot);
    qs_metric_add(&t->m->skipped, now->skipped - was->skipped);
    qs_metric_add(&t->m->entry, now->entry - was->entry);
    qs_metric_add(&t->m->tick, now->tick - was->tick);
    qs_metric_add(&t->m->txn, now->txn - was->txn);
    qs_metric_add(&t->m->hash, now->hash - was->hash);
    qs_metric_set(&t->m->slot_now, t->clock.slot);
    qs_metric_set(&t->m->leading, t->clock.leading);
    qs_metric_set(&t->m->late_ns, now->late_ns);
    qs_metric_set(&t->m->late_max_ns, now->late_max_ns);
    t->seen = *now;
}

/* poh_poll makes one step: 50 us of hashing at most, so that transactions are taken in between. */
static u32
poh_poll(void *self, qs_stem_t *stem)
{
    poh_t *t = self;
    qs_poh_step_t did = qs_poh_clock_step(&t->clock, stem->now, qs_stem_prepare(stem, 0));

    if (did.sz) {
        qs_stem_publish(stem, 0, t->clock.slot, did.sz, 0, qs_ts_comp(stem->now));
        count(t);
    }
    if (!did.busy)
        qs_stem_wake_at(stem, qs_poh_clock_wake(&t->clock, stem->now));
    return did.busy;
}

/* take_txn returns false if it has to wait. */
static bool
take_txn(poh_t *t, u8 const *data, u32 frag_sz, u32 sz, u64 now)
{
    u32 off = qs_txn_desc_off(sz);
    qs_txn_t const *txn = (qs_txn_t const *)(void const *)(data + off);

    if (off > frag_sz || !qs_txn_valid(txn, frag_sz - off, sz)) {
        qs_metric_inc(&t->m->malformed);
        return true;
    }
    return qs_poh_clock_take(&t->clock, data, txn, now);
}

static void
take_end(poh_t *t, u8 const *data, u32 sz, u64 now)
{
    qs_slot_end_t end;

    if (sz != sizeof(end)) {
        qs_metric_inc(&t->m->malformed);
        return;
    }
    memcpy(&end, data, sizeof(end));
    qs_poh_clock_end(&t->clock, &end, now);
    qs_metric_inc(&t->m->slot_seen);
}

static u32
poh_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    poh_t *t = self;
    u32 i;

    for (i = 0; i < b->cnt; i++) {
        if (b->in == IN_STORE)
            take_end(t, b->data[i], b->frag[i].sz, stem->now);
        else if (!take_txn(t, b->data[i], b->frag[i].sz, b->frag[i].ctl, stem->now))
            break;
    }
    return i;
}

static void
poh_tidy(void *self, qs_stem_t *stem)
{
    (void)stem;
    count(self);
}

static void
poh_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_poh, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_poh = {
    .name     = "poh",
    .help     = "hashes in time, and makes entries of transactions and ticks",
    .in       = {[IN_DEDUP] = {.from = "dedup"}, [IN_STORE] = {.from = "store"}},
    .out      = {"shred"},
    .must_out = 1,
    .metrics  = poh_metric_desc,
    .layout   = poh_layout,
    .boot     = poh_boot,
    .init     = poh_init,
    .frag     = poh_frag,
    .poll     = poh_poll,
    .tidy     = poh_tidy,
    .run      = poh_run,
};
/* clang-format on */

/* shred - makes verified, recovered FEC sets of the shreds that arrive.

       net:i  --->  shred  ===>  whoever wants sets

   In:    UDP payloads of the turbine port.
   Out:   each completed set once: qs_fec_set_t and its 32 data shreds (qs_format.h).
   Loss:  none of its own; what the link overran is in the link's counter, what is refused is counted
          by reason.  A restart forgets sets in progress and which were published, and begins anew.
   Trust: payloads are private copies.  Nothing is believed before the slot's leader has signed it
          (shred.unverified says what becomes of slots without a known one).

   Shreds are gathered while more arrive, up to a batch of the resolver's, because signatures cost a
   quarter when eight are verified together; when the tile would sleep it takes what there is. */

#include "disco/qs_shred_tile.h"
#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "disco/shred/qs_leaders_json.h"
#include "disco/shred/qs_resolver.h"

#define IDENT_MAX 16384u
#define SLOT_MAX  (1u << 20)
#define STAGE_SZ  1280u /* a shred and a repair nonce, in whole cache lines */
#define FRAG_SZ   ((u32)sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ)

#define SHRED_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(received, "datagrams received")                                                        \
    COUNTER(set_done, "sets completed")                                                            \
    COUNTER(set_flawed, "... of which the signature is good and the content is not")               \
    COUNTER(set_recovered, "... of which data shreds had to be recovered")                         \
    COUNTER(set_evicted, "sets in progress dropped for want of room")                              \
    COUNTER(shred_recovered, "shreds recovered, data and code")                                    \
    COUNTER(signature, "signatures verified")                                                      \
    COUNTER(equivocation, "contradictions that a leader signed")                                   \
    GAUGE(version, "shred version that is taken; 0: none known")

/* The reasons follow, a counter each. */
typedef struct shred_metrics {
    SHRED_METRICS(QS_METRIC_FIELD_, QS_METRIC_FIELD_)
    u64 reason[QS_RESOLVER_REASON_CNT];
} shred_metrics_t;

#define SHRED_REASON_(id, name, text) {QS_METRIC_COUNTER, "shred_" #name, text},
static qs_metric_desc_t const shred_metric_desc[] = {
    SHRED_METRICS(QS_METRIC_COUNTER_, QS_METRIC_GAUGE_) QS_SHRED_REASONS(SHRED_REASON_)
        QS_RESOLVER_REASONS(SHRED_REASON_){0, NULL, NULL}};

_Static_assert(QS_COUNT(shred_metric_desc) == sizeof(shred_metrics_t) / sizeof(u64) + 1,
               "one description each");

typedef struct shred {
    qs_shred_view_t view; /* first: the lab reads it in the object "state" */
    shred_metrics_t *m;
    qs_resolver_t *resolver;
    qs_leaders_t leaders;
    void *leaders_mem, *resolver_mem;
    u8 (*stage)[STAGE_SZ];
    u32 staged;
    bool arrived;                /* something, since the last turn */
    qs_fec_set_t const *waiting; /* for credit */
    qs_resolver_counts_t seen;   /* what the metrics know of */
    qs_resolver_in_t in[QS_RESOLVER_BATCH_MAX];
    qs_resolver_out_t out[QS_RESOLVER_BATCH_MAX];
} shred_t;

static qs_resolver_config_t
resolver_config(qs_config_t const *cfg)
{
    qs_resolver_config_t c = {.set_cnt = cfg->shred.sets,
                              .buf_cnt = cfg->shred.buffers,
                              .slot_cnt = 512,
                              .mark = cfg->shred.unverified == QS_CONFIG_shred_unverified_mark};
    c.filter.version = (u16)cfg->shred.version;
    c.filter.root = QS_SHRED_NO_ROOT;
    c.filter.idx_limit = QS_SHRED_IDX_LIMIT;
    return c;
}

static void *
shred_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    qs_resolver_config_t c = resolver_config(ctx->cfg);
    shred_t *t = qs_layout_take(l, sizeof(shred_t), QS_ALIGN);
    void *leaders = qs_layout_take(l, qs_leaders_footprint(IDENT_MAX, SLOT_MAX), QS_ALIGN);
    void *resolver = qs_layout_take(l, qs_resolver_footprint(&c), QS_ALIGN);
    void *stage = qs_layout_take(l, (u64)QS_RESOLVER_BATCH_MAX * STAGE_SZ, QS_ALIGN);
    if (t) {
        t->leaders_mem = leaders;
        t->resolver_mem = resolver;
        t->stage = stage;
    }
    return t;
}

/* read_schedule fills the leaders from shred.leader_schedule, if that is set. */
static int
read_schedule(shred_t *t, qs_tile_ctx_t *ctx)
{
    char const *path = ctx->cfg->shred.leader_schedule;
    qs_leaders_json_t json = {.epoch = ctx->cfg->shred.epoch, .stake_max = IDENT_MAX};
    if (!path[0])
        return 0;
    json.stake = malloc(IDENT_MAX * sizeof(*json.stake));
    if (!json.stake)
        return -ENOMEM;
    qs_leaders_reason_t reason = qs_leaders_json_read(&t->leaders, &json, path);
    free(json.stake);
    if (reason)
        snprintf(ctx->err, sizeof(ctx->err), "shred.leader_schedule %.100s, byte %lu: %s", path,
                 json.at, qs_leaders_reason_text(reason));
    return reason ? -EINVAL : 0;
}

static int
shred_boot(void *self, qs_tile_ctx_t *ctx)
{
    shred_t *t = self;
    qs_resolver_config_t c = resolver_config(ctx->cfg);
    qs_hash_key_t key;
    int err = qs_rng_seed_os(&key.k0);
    err = err ? err : qs_rng_seed_os(&key.k1);
    if (err)
        return err;
    t->m = ctx->metrics;
    t->staged = 0;
    t->arrived = false;
    t->waiting = NULL;
    t->view.set_cnt = 0;
    memset(&t->seen, 0, sizeof(t->seen));
    qs_leaders_init(&t->leaders, t->leaders_mem, IDENT_MAX, SLOT_MAX, key);
    c.key = key;
    t->resolver = qs_resolver_init(t->resolver_mem, &c, &t->leaders);
    return read_schedule(t, ctx);
}

static void
count(shred_t *t)
{
    qs_resolver_counts_t const *now = qs_resolver_counts(t->resolver), *was = &t->seen;
    for (u32 i = 0; i < QS_RESOLVER_REASON_CNT; i++)
        if (now->reason[i] != was->reason[i])
            qs_metric_add(&t->m->reason[i], now->reason[i] - was->reason[i]);
    qs_metric_add(&t->m->set_done, now->set_done - was->set_done);
    qs_metric_add(&t->m->set_flawed, now->set_flawed - was->set_flawed);
    qs_metric_add(&t->m->set_recovered, now->set_recovered - was->set_recovered);
    qs_metric_add(&t->m->set_evicted, now->set_evicted - was->set_evicted);
    qs_metric_add(&t->m->shred_recovered, now->shred_recovered - was->shred_recovered);
    qs_metric_add(&t->m->signature, now->signature_cnt - was->signature_cnt);
    qs_metric_add(&t->m->equivocation, now->equivocation - was->equivocation);
    qs_metric_set(&t->m->version, qs_resolver_version(t->resolver));
    t->seen = *now;
}

/* publish hands on what is complete.  False: a consumer lags, and something waits. */
static bool
publish(shred_t *t, qs_stem_t *stem)
{
    while (t->waiting || (t->waiting = qs_resolver_pop(t->resolver))) {
        qs_fec_set_t const *s = t->waiting;
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            return false;
        memcpy(room, s, FRAG_SZ);
        qs_stem_publish(stem, 0, s->slot << 16 | s->fec_idx, FRAG_SZ, 0, qs_ts_comp(s->first_ns));
        qs_shred_view_set_t *v = &t->view.set[t->view.set_cnt % QS_SHRED_VIEW_CNT];
        *v = (qs_shred_view_set_t){.slot = s->slot, .fec_idx = s->fec_idx, .flags = s->flags};
        memcpy(v->root, s->root, sizeof(v->root));
        qs_store_release(&t->view.set_cnt, t->view.set_cnt + 1);
        t->waiting = NULL;
    }
    while (qs_resolver_pop_equivocation(t->resolver)) {
    } /* counted; nobody takes proofs yet */
    return true;
}

/* Returns work as long as shreds are gathered, so that the tile does not sleep on them. */
static u32
shred_poll(void *self, qs_stem_t *stem)
{
    shred_t *t = self;
    u32 work = t->staged;
    bool full = t->staged + QS_BATCH > QS_RESOLVER_BATCH_MAX;
    if (!publish(t, stem))
        return 0;
    if (t->staged && (full || !t->arrived)) {
        qs_resolver_add(t->resolver, t->in, t->out, t->staged);
        t->staged = 0;
        count(t);
        publish(t, stem);
    }
    t->arrived = false;
    return work;
}

static u32
shred_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    shred_t *t = self;
    u32 i = 0;
    for (; i < b->cnt && t->staged < QS_RESOLVER_BATCH_MAX; i++, t->staged++) {
        u32 sz = b->frag[i].sz < STAGE_SZ ? b->frag[i].sz : STAGE_SZ;
        memcpy(t->stage[t->staged], b->data[i], sz);
        t->in[t->staged] = (qs_resolver_in_t){
            .data = t->stage[t->staged],
            .sz = sz,
            .source = qs_net_sig_unpack(b->frag[i].sig).port_idx,
            .ns = stem->now,
        };
    }
    qs_metric_add(&t->m->received, i);
    t->arrived |= i != 0;
    return i;
}

static void
shred_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_shred, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_shred = {
    .name    = "shred",
    .help    = "verifies shreds, recovers what is missing, publishes whole sets",
    .in      = {{.from = "net"}},
    .out     = {"*"},
    .metrics = shred_metric_desc,
    .layout  = shred_layout,
    .boot    = shred_boot,
    .poll    = shred_poll,
    .frag    = shred_frag,
    .run     = shred_run,
};
/* clang-format on */

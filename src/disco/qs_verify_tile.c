/* verify - checks the signatures of transactions (brain: verify/qs_verify.h).

       net:i  --->  verify:k  ===>  dedup

   In:    UDP payloads of the transaction port.  Several verify tiles share them by a secret hash of
          the sender's address and port.
   Out:   transactions all of whose signatures are good, with their descriptor (qs_format.h); each
          first signature once among the last verify.tag_depth.
   Loss:  what the link overran is in the link's counter, every frame refused in one of ours.
          Without credit nothing is refused: frames wait, and the link loses what it must.
   Waits: a signature waits verify.wait_ns at most for a batch of 8 to fill.
   Keys:  of the verify.key_max keys that sign most a table of 4 KiB is kept, which halves a check.
   Death: forgets the keys, and the frames it held, and reads them again: they were held on the link.  What was
          published is remembered; a transaction may come out twice, and dedup drops the second.
   Trust: payloads are private copies; nothing in them is believed. */

#include <sys/prctl.h>

#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "disco/verify/qs_verify.h"
#include "tango/base/qs_rng.h"

/* clang-format off */
#define VERIFY_METRICS(COUNTER, GAUGE)                                                            \
    COUNTER(frame,      "frames looked at")                                                       \
    COUNTER(verified,   "transactions published")                                                 \
    COUNTER(duplicate,  "frames whose first signature this tile had seen")                        \
    COUNTER(shed,       "frames refused under overload: their source asked for more than its share") \
    COUNTER(checked,    "signatures checked")                                                     \
    COUNTER(known_key,  "signatures checked with the table that was kept of their key")           \
    COUNTER(check,      "calls that took")                                                        \
    QS_TXN_REASONS_AS(COUNTER, rejected_)                                                         \
    QS_VERIFY_SIGNATURE_REASONS_AS(COUNTER, rejected_)                                            \
    GAUGE(held,         "transactions taken and not published or refused yet")                    \
    GAUGE(capacity_sps, "signatures it could check per second, as measured")                      \
    GAUGE(source,       "sources that send now")                                                  \
    GAUGE(source_bad,   "of those: with bad signatures, and thus cut first")                      \
    GAUGE(overloaded,   "1: more waits than can be done")
/* clang-format on */

QS_METRICS(verify, VERIFY_METRICS);

#define SHARE_STREAM 0x7368617265ull /* "share" */

typedef struct verify {
    verify_metrics_t *m;
    u64 wait_ns;
    u64 share_key; /* odd */
    u32 idx, cnt;
    u64 known_told; /* of the keys' hits */
    void *tcache, *keys;
    qs_verify_t v;
} verify_t;

_Static_assert(sizeof(verify_metrics_t) % sizeof(u64) == 0 && QS_ED25519_EQUATION == 6 &&
                   offsetof(verify_metrics_t, rejected_signature) -
                           offsetof(verify_metrics_t, rejected_signature_range) ==
                       5 * sizeof(u64),
               "one counter for each verdict, in their order");
_Static_assert(offsetof(verify_metrics_t, rejected_signature_range) -
                       offsetof(verify_metrics_t, rejected_empty) ==
                   (QS_TXN_REASON_CNT - 1) * sizeof(u64),
               "one counter for each reason, in their order");

static void *
verify_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    verify_t *t = qs_layout_take(l, sizeof(*t), QS_ALIGN);
    void *tcache = qs_layout_take(l, qs_tcache_footprint(ctx->cfg->verify.tag_depth), 4096);

    void *keys = qs_layout_take(l, qs_ed25519_cache_footprint(ctx->cfg->verify.key_max), QS_ALIGN);

    if (t) {
        t->tcache = tcache;
        t->keys = ctx->cfg->verify.key_max ? keys : NULL;
    }
    return t;
}

static int
verify_boot(void *self, qs_tile_ctx_t *ctx)
{
    verify_t *t = self;
    qs_rng_t rng;

    t->m = ctx->metrics;
    t->wait_ns = ctx->cfg->verify.wait_ns;
    t->known_told = 0;
    t->idx = ctx->idx;
    t->cnt = ctx->cnt;
    qs_rng_init(&rng, ctx->seed, SHARE_STREAM);
    t->share_key = qs_rng_u64(&rng) | 1;
    prctl(PR_SET_TIMERSLACK, 1000); /* asleep, we wait for 20 us, not for 50 more */
    return qs_verify_init(
        &t->v, t->tcache,
        &(qs_verify_conf_t){.seed = ctx->seed,
                            .idx = ctx->idx,
                            .how = ctx->cfg->verify.v1 ? QS_TXN_ALLOW_V1 : 0,
                            .rule = ctx->cfg->verify.rule == QS_CONFIG_verify_rule_simd376
                                        ? QS_ED25519_SIMD376
                                        : QS_ED25519_STRICT,
                            .tag_depth = ctx->cfg->verify.tag_depth,
                            .now_ns = qs_clock_now(ctx->clock),
                            .fresh = ctx->fresh,
                            .keys_mem = t->keys,
                            .key_max = ctx->cfg->verify.key_max});
}

/* verify_want shares the frames out: by sender, and so that no sender can choose. */
static bool
verify_want(void *self, u32 in, u64 sig)
{
    verify_t const *t = self;
    u64 sender = sig & 0xffffffffffffull;

    (void)in;
    return t->cnt == 1 || ((sender * t->share_key >> 32) * t->cnt) >> 32 == t->idx;
}

static void
count_refused(verify_t *t)
{
    u64 *counter = &t->m->rejected_signature_range;

    for (u32 i = 0; i < QS_ED25519_EQUATION; i++) {
        if (t->v.refused_cnt[i + 1])
            qs_metric_add(&counter[i], t->v.refused_cnt[i + 1]);
        t->v.refused_cnt[i + 1] = 0;
    }
    qs_metric_add(&t->m->duplicate, t->v.duplicate_cnt);
    t->v.duplicate_cnt = 0;
}

/* publish_all publishes what is ready, until there is no credit. */
static u32
publish_all(verify_t *t, qs_stem_t *stem)
{
    qs_verify_slot_t const *s;
    u32 cnt = 0;

    while ((s = qs_verify_next(&t->v))) {
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            break;
        u32 sz = qs_verify_write(s, room);
        qs_stem_publish(stem, 0, s->tag, sz, s->txn.sz, s->from.ts_origin);
        qs_verify_published(&t->v);
        cnt++;
    }
    qs_metric_add(&t->m->verified, cnt);
    count_refused(t);
    return cnt;
}

static void
check(verify_t *t, qs_stem_t *stem, u32 queue, u32 cnt)
{
    u64 begun = qs_clock_now(&stem->clock);

    qs_verify_check(&t->v, queue, cnt);
    qs_verify_took(&t->v, cnt, qs_clock_now(&stem->clock) - begun);
    qs_metric_add(&t->m->checked, cnt);
    qs_metric_inc(&t->m->check);
}

/* check_all checks what waits, full batches or not. */
static void
check_all(verify_t *t, qs_stem_t *stem)
{
    for (u32 q = 0; q < QS_VERIFY_QUEUES; q++)
        if (t->v.queue[q].cnt)
            check(t, stem, q, t->v.queue[q].cnt);
}

/* hold_held tells each link the oldest of its fragments that we still hold. */
static void
hold_held(verify_t *t, qs_stem_t *stem)
{
    for (u32 i = 0; i < stem->in_cnt; i++)
        qs_stem_release(stem, i);
    for (u64 i = t->v.head; i-- != t->v.tail;) {
        qs_verify_slot_t const *s = &t->v.slot[i % QS_VERIFY_SLOTS];
        qs_stem_hold(stem, s->from.link, s->from.seq);
    }
}

static void
count_fate(verify_t *t, qs_verify_fate_t fate)
{
    switch (fate) {
    case QS_VERIFY_HELD:
        break;
    case QS_VERIFY_DUPLICATE:
        qs_metric_inc(&t->m->duplicate);
        break;
    case QS_VERIFY_SHED:
        qs_metric_inc(&t->m->shed);
        break;
    case QS_VERIFY_MALFORMED:
        qs_metric_inc(&t->m->rejected_empty + (t->v.why - 1));
        break;
    }
}

/* feel_load looks how much waits behind the batch in hand. */
static void
feel_load(verify_t *t, qs_stem_t *stem, u32 link)
{
    qs_mcache_rx_t const *rx = &stem->in[link].rx;
    i64 waiting = (i64)(qs_load_relaxed(rx->reserve) - rx->seq);

    if (!stem->in[link].lossy) /* who sends waits: nothing is lost by being late */
        waiting = 0;
    qs_fair_load(&t->v.fair, waiting > 0 ? (u64)waiting : 0, rx->window);
    qs_fair_tick(&t->v.fair, qs_verify_capacity(&t->v), stem->now);
}

static u32
verify_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    verify_t *t = self;
    u32 i;

    feel_load(t, stem, b->link);
    for (i = 0; i < b->cnt; i++) {
        if (qs_verify_full(&t->v)) {
            check_all(t, stem);
            publish_all(t, stem);
            if (qs_verify_full(&t->v))
                break;
        }
        qs_verify_from_t from = {.seq = b->frag[i].seq,
                                 .taken_ns = stem->now,
                                 .link = b->link,
                                 .source = qs_net_sig_unpack(b->frag[i].sig).src_ip,
                                 .ts_origin = b->frag[i].ts_origin};
        count_fate(t, qs_verify_take(&t->v, b->data[i], b->frag[i].sz, &from));
    }
    qs_metric_add(&t->m->frame, i);
    for (u32 q = 0; q < QS_VERIFY_QUEUES; q++) {
        u32 full = t->v.queue[q].cnt / QS_VERIFY_LANES * QS_VERIFY_LANES;
        if (full)
            check(t, stem, q, full);
    }
    publish_all(t, stem);
    hold_held(t, stem);
    return i;
}

/* verify_poll checks what has waited long enough, full batch or not. */
static u32
verify_poll(void *self, qs_stem_t *stem)
{
    verify_t *t = self;
    u32 did = 0;

    if (t->v.head == t->v.tail)
        return 0;
    for (u32 q = 0; q < QS_VERIFY_QUEUES; q++) {
        u64 oldest = qs_verify_oldest_ns(&t->v, q);
        if (oldest != UINT64_MAX && stem->now - oldest >= t->wait_ns) {
            did += t->v.queue[q].cnt;
            check(t, stem, q, t->v.queue[q].cnt);
        } else if (oldest != UINT64_MAX) {
            qs_stem_wake_at(stem, oldest + t->wait_ns);
        }
    }
    did += publish_all(t, stem);
    if (did)
        hold_held(t, stem);
    return did;
}

static void
verify_tidy(void *self, qs_stem_t *stem)
{
    verify_t *t = self;

    (void)stem;
    if (t->v.keys) {
        u64 known = qs_ed25519_cache_stats(t->v.keys).hit_cnt;
        qs_metric_add(&t->m->known_key, known - t->known_told);
        t->known_told = known;
    }
    qs_metric_set(&t->m->held, t->v.head - t->v.tail);
    qs_metric_set(&t->m->capacity_sps, qs_verify_capacity(&t->v));
    qs_metric_set(&t->m->source, t->v.fair.sender_cnt);
    qs_metric_set(&t->m->source_bad, t->v.fair.bad_cnt);
    qs_metric_set(&t->m->overloaded, t->v.fair.overloaded);
}

static void
verify_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_verify, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_verify = {
    .name    = "verify",
    .help    = "checks the signatures of transactions",
    .in      = {{.from = "net"}},
    .out     = {"dedup"},
    .metrics = verify_metric_desc,
    .layout  = verify_layout,
    .boot    = verify_boot,
    .want    = verify_want,
    .frag    = verify_frag,
    .poll    = verify_poll,
    .tidy    = verify_tidy,
    .run     = verify_run,
};
/* clang-format on */

/* shred - makes verified, recovered FEC sets of the shreds that arrive, and as leader shreds of our own.

       net:i  --->  shred  ===>  whoever wants sets
       poh    ===>  shred  ===>  net, sign                            (formats: qs_format.h)
       sign   ===>  shred
       store  ===>  shred         where slots ended
       gossip ~~~~  shared rows: who is where                         (gossip/qs_peers.h)

   In:    UDP payloads of the turbine port and of feeds (shred.source); as leader entries; signatures,
          and once our public key; slots that were found complete, of which those some way back are
          settled: what comes for these is too old.  Until then nothing is.
   Out:   each completed set once: qs_fec_set_t and its 32 data shreds, our own sets too (the resolver
          never sees those: shreds of slots that we lead are refused when they come from the wire).
          As leader each shred to the root of its turbine tree, or to shred.broadcast.  Otherwise
          each verified one, once, to our children in its tree; those of a slot's last set when
          their root is signed by us.  While net lags no more shreds are taken.
   Share: of several shred tiles each has the sets of its share, by slot and index; the first alone
          is the leader's.  QS_FEC_CHAINED is not set when the set before is another tile's, and a last
          shred's contradiction with another tile's goes unnoticed here.
   Loss:  none of its own; what the link overran is in the link's counter, what is refused is counted
          by reason.  A restart forgets sets in progress and which were published, and begins anew; the
          block that we were making stays as it is, because a second version of it would be
          equivocation.  It keeps where slots ended.
   Trust: payloads are private copies.  Nothing is believed before the slot's leader has signed it
          (shred.unverified says what becomes of slots without a known one).  Entries are poh's word.

   Shreds are gathered while more arrive, up to a batch of the resolver's, because signatures cost a
   quarter when eight are verified together; when the tile would sleep it takes what there is. */

#include "disco/qs_shred_tile.h"
#include "disco/qs_tiles.h"
#include "disco/shred/qs_leaders_json.h"
#include "disco/shred/qs_schedule.h"
#include "disco/shred/qs_shred_state.h"
#include "disco/sign/qs_sign_check.h"

#define IDENT_MAX QS_SHRED_IDENT_MAX
#define SLOT_MAX  QS_SHRED_SLOT_MAX
#define STAGE_SZ  QS_SHRED_STAGE_SZ
#define FRAG_SZ   QS_SHRED_FRAG_SZ
#define HELLO_NS  250000000u
#define ROWS_NS   5000000u   /* between two looks at gossip's rows */
#define PASS_NS   100000000u /* ... after all were looked at */
#define SETTLED                                                                                    \
    32u /* a slot with so many complete ones after it, itself included, is not built on anew */

/* Where a shred says of which slot and set it is: slot, index, version, the set's index. */
#define SET_PLACE     65u
#define SET_PLACE_END 83u

/* Nodes that one address may have, in a public cluster (turbine.md 1, step 4: ten, until lately). */
#define PER_IP_MAX 1u

typedef qs_shred_state_t shred_t;

#define SOURCE_(n, name, text) {QS_METRIC_COUNTER, "source" #n "_" #name, "feed " #n ": " text},
#define SOURCES_(X)                                                                                \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)
#define SOURCE_ROWS_(n)                 QS_SOURCES_COUNTS(SOURCE_, n)
#define TURBINE_REASON_(id, name, text) {QS_METRIC_COUNTER, "turbine_" #name, text},
#define SHRED_REASON_(id, name, text)   {QS_METRIC_COUNTER, "shred_" #name, text},
static qs_metric_desc_t const shred_metric_desc[] = {
    QS_SHRED_METRICS(QS_METRIC_COUNTER_, QS_METRIC_GAUGE_) QS_BROADCAST_COUNTS(QS_METRIC_COUNTER_)
        QS_TURBINE_REASONS(TURBINE_REASON_) SOURCES_(SOURCE_ROWS_) QS_SHRED_REASONS(SHRED_REASON_)
            QS_RESOLVER_REASONS(SHRED_REASON_){0, NULL, NULL}};

_Static_assert(QS_COUNT(shred_metric_desc) == sizeof(qs_shred_metrics_t) / sizeof(u64) + 1,
               "one description each");

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

static u32
node_max(qs_config_t const *cfg)
{
    u32 cnt = IDENT_MAX + cfg->gossip.origins;
    return cnt < QS_TURBINE_NODE_MAX ? cnt : QS_TURBINE_NODE_MAX;
}

static void *
shred_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    qs_resolver_config_t c = resolver_config(ctx->cfg);
    shred_t *t = qs_layout_take(l, sizeof(shred_t), QS_ALIGN);
    void *leaders = qs_layout_take(l, qs_leaders_footprint(IDENT_MAX, SLOT_MAX), QS_ALIGN);
    void *resolver = qs_layout_take(l, qs_resolver_footprint(&c), QS_ALIGN);
    void *stage = qs_layout_take(l, (u64)QS_RESOLVER_BATCH_MAX * STAGE_SZ, QS_ALIGN);
    void *cluster =
        qs_layout_take(l, qs_cluster_footprint(node_max(ctx->cfg), IDENT_MAX), QS_ALIGN);
    void *broadcast = qs_layout_take(l, qs_broadcast_footprint(), QS_ALIGN);
    void *sources = qs_layout_take(l, sizeof(qs_sources_t), QS_ALIGN);
    void *relay = qs_layout_take(l, qs_shred_relay_footprint(), QS_ALIGN);
    void *ends = qs_layout_take(l, sizeof(qs_ends_t), QS_ALIGN);
    if (t) {
        t->cluster_mem = cluster;
        t->broadcast_mem = broadcast;
        t->relay_mem = relay;
        t->sources = sources;
        t->ends = ends;
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
    char dir[256];
    qs_leaders_json_t json = {.epoch = ctx->cfg->shred.epoch, .stake_max = IDENT_MAX};
    if (!path[0])
        return 0;
    json.stake = malloc(IDENT_MAX * sizeof(*json.stake));
    if (!json.stake)
        return -ENOMEM;
    qs_leaders_reason_t reason =
        qs_schedule_is_url(path)
            ? qs_schedule_read(
                  &t->leaders, &json,
                  qs_schedule_dir(dir, sizeof(dir), ctx->cfg->shred.schedule_dir, path))
            : qs_leaders_json_read(&t->leaders, &json, path);
    if (!reason)
        qs_cluster_stakes(&t->cluster, json.stake, json.stake_cnt);
    free(json.stake);
    if (reason)
        snprintf(ctx->err, sizeof(ctx->err), "shred.leader_schedule %.100s, byte %lu: %s", path,
                 json.at, qs_leaders_reason_text(reason));
    return reason ? -EINVAL : 0;
}

/* join_cluster finds gossip's rows, if the topology has any. */
static void
join_cluster(shred_t *t, qs_tile_ctx_t const *ctx, qs_hash_key_t key)
{
    qs_tile_shared_t const *rows = qs_tile_shared_of(ctx, "gossip");
    qs_turbine_rules_t rules = {.is_public = !ctx->cfg->gossip.private_addresses,
                                .per_ip_max = PER_IP_MAX};
    qs_cluster_init(&t->cluster, t->cluster_mem, node_max(ctx->cfg), IDENT_MAX, &rules, key);
    if (rows)
        qs_cluster_peers(&t->cluster, rows->mem, rows->sz);
}

/* send_port returns the port that shreds are sent from. */
static u16
send_port(qs_plan_t const *plan)
{
    for (u32 i = 0; i < plan->port_cnt; i++)
        if (!strcmp(plan->port[i].name, "tvu"))
            return (u16)i;
    return 0;
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
    t->known = false;
    t->cluster_at = 0;
    t->root = 0;
    t->marks = c.mark;
    t->idx = ctx->idx;
    t->cnt = ctx->cnt;
    t->share_key = (qs_hash_key_t){ctx->seed, ~ctx->seed}; /* the same in all of them */
    t->hello_at = 0;
    t->src_port_idx = send_port(ctx->plan);
    if (ctx->fresh)
        memset(t->ends, 0, sizeof(*t->ends));
    qs_leaders_init(&t->leaders, t->leaders_mem, IDENT_MAX, SLOT_MAX, key);
    c.key = key;
    t->resolver = qs_resolver_init(t->resolver_mem, &c, &t->leaders);
    join_cluster(t, ctx, key);
    for (u32 i = 0; i < ctx->plan->port_cnt; i++)
        t->source_of[i] = (u8)ctx->plan->port[i].source;
    qs_sources_init(t->sources, 1 + ctx->cfg->shred_source_cnt, key);
    err = qs_shred_relay_boot(t, ctx, t->relay_mem, key);
    err = err ? err : read_schedule(t, ctx);
    return err ? err : qs_shred_lead_boot(t, ctx);
}

static int
shred_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    shred_t *t = self;
    (void)ctx;
    t->net_out = qs_stem_out_of(stem, QS_SHRED_OUT_NET);
    t->sign_out = qs_stem_out_of(stem, QS_SHRED_OUT_SIGN);
    return 0;
}

/* take returns what was counted since it was last asked. */
static u64
take(u64 *cnt)
{
    u64 was = *cnt;
    *cnt = 0;
    return was;
}

static void
count(shred_t *t)
{
    qs_resolver_counts_t const *now = qs_resolver_counts(t->resolver), *was = &t->seen;
    for (u32 i = 0; i < QS_RESOLVER_REASON_CNT; i++)
        if (now->reason[i] != was->reason[i])
            qs_metric_add(&t->m->reason[i], now->reason[i] - was->reason[i]);
    for (u32 i = 0; i < QS_SOURCES_CNT * sizeof(qs_source_counts_t) / sizeof(u64); i++) {
        u64 *cnt = &((u64 *)t->sources->counts)[i];
        if (*cnt)
            qs_metric_add(&((u64 *)t->m->source)[i], take(cnt));
    }
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

static void
note_view(shred_t *t, qs_fec_set_t const *s)
{
    qs_shred_view_set_t *v = &t->view.set[t->view.set_cnt % QS_SHRED_VIEW_CNT];
    *v = (qs_shred_view_set_t){
        .slot = s->slot, .fec_idx = s->fec_idx, .flags = s->flags, .data_cnt = s->data_cnt};
    memcpy(v->root, s->root, sizeof(v->root));
    qs_store_release(&t->view.set_cnt, t->view.set_cnt + 1);
}

bool
qs_shred_publish_set(shred_t *t, qs_stem_t *stem, qs_fec_set_t const *head, void const *data)
{
    for (u32 i = 0; i < stem->out_cnt; i++)
        if (stem->out[i].kind == QS_SHRED_OUT_SETS && !qs_stem_prepare(stem, i))
            return false;
    for (u32 i = 0; i < stem->out_cnt; i++) {
        if (stem->out[i].kind != QS_SHRED_OUT_SETS)
            continue;
        u8 *room = qs_stem_prepare(stem, i);
        memcpy(room, head, sizeof(*head));
        memcpy(room + sizeof(*head), data, FRAG_SZ - sizeof(*head));
        qs_stem_publish(stem, i, head->slot << 16 | head->fec_idx, FRAG_SZ, 0,
                        qs_ts_comp(head->first_ns));
    }
    note_view(t, head);
    return true;
}

/* is_end says whether a set is what a child of its slot must name. */
static bool
is_end(qs_fec_set_t const *s)
{
    return s->flags & QS_FEC_LAST_SLOT && s->flags & QS_FEC_SIGNED && !(s->flags & QS_FEC_FLAWED);
}

/* publish hands on what is complete.  False: a consumer lags, and something waits. */
static bool
publish(shred_t *t, qs_stem_t *stem)
{
    while (t->waiting || (t->waiting = qs_resolver_pop(t->resolver))) {
        qs_fec_set_t head = *t->waiting;
        u8 const *parent = qs_ends_find(t->ends, head.slot - head.parent_off);
        if (!head.fec_idx && parent && !memcmp(parent, head.chained_root, sizeof(head.root)))
            head.flags |= QS_FEC_CHAINED; /* the resolver does not know our own blocks */
        if (!qs_shred_publish_set(t, stem, &head, t->waiting + 1))
            return false;
        if (is_end(&head))
            qs_ends_put(t->ends, head.slot, head.root);
        t->waiting = NULL;
    }
    while (qs_resolver_pop_equivocation(t->resolver)) {
    } /* counted; nobody takes proofs yet */
    return true;
}

void
qs_shred_ask(shred_t *t, qs_stem_t *stem, u32 tag, u8 const root[QS_SHRED_ROOT_SZ])
{
    u8 *room = qs_stem_prepare(stem, t->sign_out);
    memcpy(room, root, QS_SHRED_ROOT_SZ);
    qs_stem_publish(stem, t->sign_out,
                    qs_sign_sig(tag | t->idx << QS_SHRED_TAG_SHIFT, QS_SIGN_ROOT), QS_SHRED_ROOT_SZ,
                    0, qs_ts_comp(stem->now));
}

/* say_hello asks for our public key until it comes. */
static void
say_hello(shred_t *t, qs_stem_t *stem)
{
    if (t->known || t->sign_out == UINT32_MAX)
        return;
    if (stem->now >= t->hello_at && qs_stem_prepare(stem, t->sign_out)) {
        qs_stem_publish(stem, t->sign_out, qs_sign_sig(t->idx << QS_SHRED_TAG_SHIFT, QS_SIGN_HELLO),
                        0, 0, qs_ts_comp(stem->now));
        t->hello_at = stem->now + HELLO_NS;
    }
    qs_stem_wake_at(stem, t->hello_at);
}

/* tell_broadcast lets the metrics know what became of entries. */
static void
tell_broadcast(shred_t *t)
{
    u64 *to = (u64 *)&t->m->broadcast, *from = (u64 *)&t->broadcast->counts;
    for (u32 i = 0; i < sizeof(t->m->broadcast) / sizeof(u64); i++)
        if (from[i])
            qs_metric_add(&to[i], take(&from[i]));
}

static void
tell_cluster(shred_t *t)
{
    qs_metric_inc(&t->m->tree);
    for (u32 i = 0; i < QS_TURBINE_REASON_CNT; i++)
        qs_metric_add(&t->m->turbine[i], take(&t->cluster.rejected[i]));
    qs_metric_set(&t->m->node, qs_turbine_cnt(t->cluster.turbine));
    qs_metric_set(&t->m->node_staked, qs_turbine_staked_cnt(t->cluster.turbine));
    qs_metric_set(&t->m->node_reachable, t->cluster.addr_cnt);
}

/* follow_cluster keeps the tree up to date.  Without gossip's rows there is nothing to follow. */
static void
follow_cluster(shred_t *t, qs_stem_t *stem)
{
    qs_cluster_t *c = &t->cluster;
    if (!t->known || (!c->peers && c->ready && !c->stakes_new))
        return;
    if (stem->now >= t->cluster_at) {
        u16 version = t->leads ? t->broadcast->shredder.version : qs_resolver_version(t->resolver);
        if (version && c->rules.version != version)
            qs_cluster_self(c, t->self, version);
        if (qs_cluster_turn(c, stem->now))
            tell_cluster(t);
        t->cluster_at = stem->now + (c->row ? ROWS_NS : PASS_NS);
    }
    qs_stem_wake_at(stem, t->cluster_at);
}

/* note_sources takes down which feed brought what first. */
static void
note_sources(shred_t *t, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++) {
        qs_resolver_in_t const *in = &t->in[i];
        u32 reason = t->out[i].reason, source = t->source_of[in->source];
        t->sources->counts[source].received++;
        if (reason == QS_RESOLVER_R_ADMITTED || reason == QS_RESOLVER_R_LATE)
            qs_sources_first(t->sources, in->data, source, in->ns);
        if (reason == QS_RESOLVER_R_DUPLICATE)
            qs_sources_copy(t->sources, in->data, source, in->ns);
    }
}

/* Returns work as long as shreds are gathered, so that the tile does not sleep on them. */
static u32
shred_poll(void *self, qs_stem_t *stem)
{
    shred_t *t = self;
    u32 work = t->staged + qs_shred_lead_poll(t, stem);
    bool full = t->staged + QS_BATCH > QS_RESOLVER_BATCH_MAX;
    if (t->leads)
        tell_broadcast(t);
    say_hello(t, stem);
    follow_cluster(t, stem);
    work += qs_shred_relay_poll(t, stem);
    if (!publish(t, stem) || t->relay_at < t->relay_cnt)
        return work - t->staged;
    if (t->staged && (full || !t->arrived)) {
        qs_shred_relay_senders(t, t->staged);
        qs_resolver_add(t->resolver, t->in, t->out, t->staged);
        note_sources(t, t->staged);
        t->relay_at = 0;
        t->relay_cnt = t->staged;
        t->staged = 0;
        count(t);
        publish(t, stem);
        qs_shred_relay_poll(t, stem);
    }
    t->arrived = false;
    return work;
}

/* take_signature takes what the sign tile answers. */
static void
take_signature(shred_t *t, qs_frag_t const *frag, u8 const *data)
{
    u32 kind = qs_sign_kind_of(frag->sig);
    if (kind == QS_SIGN_HELLO && frag->sz == 32 && !t->known) {
        memcpy(t->self, data, sizeof(t->self));
        t->known = true;
        qs_resolver_self(t->resolver, t->self);
    }
    u32 tag = qs_sign_tag_of(frag->sig) & ((1u << QS_SHRED_TAG_SHIFT) - 1);
    if (kind != QS_SIGN_ROOT || frag->sz != QS_SHRED_SIG_SZ)
        return;
    if (tag & QS_SHRED_TAG_RESIGN)
        qs_resign_signed(t->resign, tag & QS_RESIGN_TAG_MASK, data);
    else if (t->leads)
        qs_broadcast_signed(t->broadcast, tag, data);
}

static u32
take_shreds(shred_t *t, qs_stem_t *stem, qs_batch_t const *b)
{
    u32 i = 0;
    if (t->relay_at < t->relay_cnt)
        return 0; /* what is staged is still looked at */
    for (; i < b->cnt && t->staged < QS_RESOLVER_BATCH_MAX; i++, t->staged++) {
        u32 sz = b->frag[i].sz < STAGE_SZ ? b->frag[i].sz : STAGE_SZ;
        memcpy(t->stage[t->staged], b->data[i], sz);
        t->in[t->staged] = (qs_resolver_in_t){
            .data = t->stage[t->staged],
            .sz = sz,
            .source = qs_net_sig_unpack(b->frag[i].sig).port_idx % QS_PORT_MAX,
            .ns = qs_ts_decomp(b->frag[i].ts_origin, stem->now),
        };
    }
    qs_metric_add(&t->m->received, i);
    t->arrived |= i != 0;
    return i;
}

/* take_end learns where a slot ended, and with it which slots are settled.  Whoever may make up slots
   without a leader (shred.unverified = mark) must not move that. */
static void
take_end(shred_t *t, qs_frag_t const *frag, u8 const *data)
{
    qs_slot_end_t end;
    if (frag->sz != sizeof(end))
        return;
    memcpy(&end, data, sizeof(end));
    qs_ends_put(t->ends, end.slot, end.block_id);
    qs_leaders_epoch_t const *e = qs_leaders_epoch_of(&t->leaders, end.slot);
    if (!e || t->marks || end.slot < t->root + SETTLED)
        return;
    t->root = end.slot - (SETTLED - 1);
    qs_resolver_root(t->resolver, t->root, e->slot_cnt);
    qs_metric_set(&t->m->root, t->root);
}

static u32
shred_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    shred_t *t = self;
    if (b->in == QS_SHRED_IN_NET)
        return take_shreds(t, stem, b);
    if (b->in == QS_SHRED_IN_POH)
        return qs_shred_lead_entries(t, b);
    for (u32 i = 0; b->in == QS_SHRED_IN_SIGN && i < b->cnt; i++)
        take_signature(t, &b->frag[i], b->data[i]);
    for (u32 i = 0; b->in == QS_SHRED_IN_STORE && i < b->cnt; i++)
        take_end(t, &b->frag[i], b->data[i]);
    return b->cnt;
}

static bool
shred_want(void *self, u32 in, u64 sig)
{
    shred_t const *t = self;
    if (in == QS_SHRED_IN_SIGN)
        return qs_sign_tag_of(sig) >> QS_SHRED_TAG_SHIFT == t->idx;
    return in != QS_SHRED_IN_POH || t->leads;
}

/* shred_peek leaves sets to the tile whose share they are, before they are copied.  What is too short to be
   of any is the first one's to refuse. */
static bool
shred_peek(void *self, u32 in, qs_frag_t const *frag, u8 const *data)
{
    shred_t const *t = self;
    u8 place[SET_PLACE_END - SET_PLACE];
    if (in != QS_SHRED_IN_NET || t->cnt == 1)
        return true;
    if (frag->sz < SET_PLACE_END)
        return !t->idx;
    qs_racy_copy(place, data + SET_PLACE, sizeof(place));
    u64 word[2] = {qs_load_le64(place), qs_load_le32(place + 14)};
    return qs_hash_words(&t->share_key, word, 2) % t->cnt == t->idx;
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
    .in      = {[QS_SHRED_IN_NET]    = {.from = "net"},
                [QS_SHRED_IN_POH]    = {.from = "poh", .in_place = true},
                [QS_SHRED_IN_SIGN]   = {.from = "sign"},
                [QS_SHRED_IN_GOSSIP] = {.from = "gossip"},
                [QS_SHRED_IN_STORE]  = {.from = "store"}},
    .out     = {[QS_SHRED_OUT_NET] = "net", [QS_SHRED_OUT_SIGN] = "sign", [QS_SHRED_OUT_SETS] = "*"},
    .metrics = shred_metric_desc,
    .keep    = qs_schedule_keep,
    .tend    = qs_schedule_tend,
    .drop    = qs_schedule_drop,
    .layout  = shred_layout,
    .boot    = shred_boot,
    .init    = shred_init,
    .want    = shred_want,
    .peek    = shred_peek,
    .frag    = shred_frag,
    .poll    = shred_poll,
    .run     = shred_run,
};
/* clang-format on */

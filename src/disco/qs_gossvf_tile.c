/* gossvf - checks what comes in for gossip, when one core is not enough for that (gossip/qs_gossvf.h).

       net:i  --->  gossvf:k  ===>  gossip
                    gossvf:k  ~~~~  gossip's rows: who we are, who answered a ping

   In:    UDP payloads of the gossip port.  Several gossvf tiles share them by a secret hash of the
          sender's address and port.
   Out:   datagrams of which something is good, with their hashes and what that is (qs_gossvf_frag_t).
   Loss:  what the link overran is in the link's counter, every datagram refused in one of ours.  Until
          gossip has said who we are all are (early).  What waits for checks or credit waits by what it is
          worth (gossip/qs_triage.h), and is dropped by name beyond that.
   Death: forgets which values it verified, and verifies them again.
   Trust: payloads are private copies; nothing in them is believed.  Of gossip: its rows. */

#include <time.h>

#include "disco/gossip/qs_gossvf.h"
#include "disco/gossip/qs_triage.h"
#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "tango/base/qs_rng.h"

/* clang-format off */
#define EVENT_(COUNTER, name, help)  COUNTER(name, help)
#define REASON_(COUNTER, name, text) COUNTER(refused_##name, "datagrams refused: " text)

#define GOSSVF_METRICS(COUNTER, GAUGE)                                                             \
    QS_GOSSIP_CHECK_EVENTS(EVENT_, COUNTER)                                                        \
    QS_GOSSIP_REASONS(REASON_, COUNTER)                                                            \
    COUNTER(rx_bytes,  "bytes received, of all datagrams")                                         \
    COUNTER(early,     "datagrams dropped because gossip has not said who we are")                 \
    COUNTER(passed,    "datagrams passed on to gossip")                                            \
    COUNTER(verified,  "signatures that were checked")                                             \
    COUNTER(repeats,   "values that were checked before")
/* clang-format on */

QS_METRICS(gossvf, GOSSVF_METRICS);

#define SHARE_STREAM 0x676f7373766600ull
#define LOOK_NS      50000000u

typedef struct gossvf {
    gossvf_metrics_t *m;
    u64 share_key; /* odd */
    u32 idx, cnt;
    u64 ms;
    u64 look_at;
    u8 *mem;
    u64 mem_sz;
    qs_gossip_counts_t told;
    u64 told_repeats;
    qs_triage_t triage;
    u8 *triage_mem;
    qs_gossvf_t v;
} gossvf_t;

static u64
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static void *
gossvf_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    u64 sz = qs_gossvf_footprint(ctx->cfg->gossip.verified_values);
    gossvf_t *g = qs_layout_take(l, sizeof(gossvf_t), QS_ALIGN);
    u8 *mem = qs_layout_take(l, sz, 4096);
    u8 *triage_mem = qs_layout_take(l, qs_triage_footprint(), QS_ALIGN);

    if (g) {
        g->mem = mem;
        g->mem_sz = sz;
        g->triage_mem = triage_mem;
    }
    return g;
}

static int
gossvf_boot(void *self, qs_tile_ctx_t *ctx)
{
    gossvf_t *g = self;
    qs_tile_shared_t const *rows = qs_tile_shared_of(ctx, "gossip");
    qs_hash_key_t key;
    qs_rng_t rng;

    int err = qs_rng_seed_os(&key.k0);
    err = err ? err : qs_rng_seed_os(&key.k1);
    if (err)
        return err;
    qs_rng_init(&rng, ctx->seed, SHARE_STREAM);
    g->share_key = qs_rng_u64(&rng) | 1;
    g->idx = ctx->idx;
    g->cnt = ctx->cnt;
    g->m = ctx->metrics;
    g->ms = g->look_at = 0;
    g->told = (qs_gossip_counts_t){0};
    g->told_repeats = 0;
    memset(g->mem, 0, g->mem_sz);
    qs_triage_init(&g->triage, g->triage_mem);
    err = qs_gossvf_init(&g->v, g->mem, ctx->cfg->gossip.verified_values, key,
                         ctx->cfg->gossip.private_addresses, rows ? rows->mem : NULL,
                         rows ? rows->sz : 0);
    if (err)
        snprintf(ctx->err, sizeof(ctx->err), "gossip's rows are not to be found");
    return err;
}

/* gossvf_want shares the datagrams out: by sender, and so that no sender can choose. */
static bool
gossvf_want(void *self, u32 in, u64 sig)
{
    gossvf_t *g = self;
    u64 sender = sig & 0xffffffffffffull;

    (void)in;
    if (g->cnt > 1 && ((sender * g->share_key >> 32) * g->cnt) >> 32 != g->idx)
        return false;
    return !g->v.ready || qs_gossvf_admit(&g->v, qs_net_sig_unpack(sig).src_ip, g->ms);
}

/* gossvf_frag takes datagrams off the ring, whatever they are; gossip does the same. */
static u32
gossvf_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    gossvf_t *g = self;

    (void)stem;
    if (!g->v.ready) {
        qs_metric_add(&g->m->early, b->cnt);
        return b->cnt;
    }
    for (u32 i = 0; i < b->cnt; i++) {
        qs_net_sig_t sig = qs_net_sig_unpack(b->frag[i].sig);
        qs_gossip_datagram_t d = {.data = b->data[i],
                                  .sz = b->frag[i].sz,
                                  .src_ip = sig.src_ip,
                                  .src_port = sig.src_port};
        bool known = qs_admit_known(&g->v.admit, sig.src_ip, g->ms);
        qs_triage_put(&g->triage, &g->v.counts, &d, known, b->frag[i].sig, b->frag[i].ts_origin);
    }
    return b->cnt;
}

/* check_slice checks as many of those that wait as there is credit for, and passes on what is good.
   False: there is no credit. */
static bool
check_slice(gossvf_t *g, qs_stem_t *stem)
{
    qs_gossip_datagram_t d[QS_GOSSIP_BATCH];
    qs_triage_item_t const *item[QS_GOSSIP_BATCH];
    u8 *room[QS_GOSSIP_BATCH];
    u32 out = 0;
    u32 max = qs_stem_prepare_batch(stem, 0, room, QS_GOSSIP_BATCH);
    u32 cnt = qs_triage_take(&g->triage, item, max);

    if (!max)
        return false;
    for (u32 i = 0; i < cnt; i++)
        d[i] = (qs_gossip_datagram_t){.data = item[i]->data,
                                      .sz = item[i]->sz,
                                      .src_ip = item[i]->src_ip,
                                      .src_port = item[i]->src_port};
    qs_gossvf_check(&g->v, d, cnt, g->ms);
    for (u32 i = 0; i < cnt; i++) {
        if (!g->v.good[i])
            continue;
        u32 sz = qs_gossvf_write(&g->v, d, i, room[out]);
        qs_stem_publish_at(stem, 0, room[out], item[i]->sig, sz, 0, item[i]->ts_origin);
        out++;
    }
    qs_metric_add(&g->m->passed, out);
    qs_metric_add(&g->m->verified, g->v.check.item_cnt);
    return true;
}

static u32
gossvf_poll(void *self, qs_stem_t *stem)
{
    gossvf_t *g = self;

    g->ms = now_ms();
    if (stem->now >= g->look_at) {
        qs_gossvf_look(&g->v, g->ms);
        g->look_at = stem->now + LOOK_NS;
    }
    qs_stem_wake_at(stem, g->look_at);
    if (qs_triage_due(&g->triage) && !check_slice(g, stem))
        return 0; /* gossip rings when there is some again */
    return g->triage.cnt;
}

/* tell adds what was counted since to cnt metrics in a row. */
static void
tell(u64 *metric, u64 const *now, u64 *told, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++) {
        qs_metric_add(&metric[i], now[i] - told[i]);
        told[i] = now[i];
    }
}

static void
gossvf_tidy(void *self, qs_stem_t *stem)
{
    gossvf_t *g = self;
    qs_gossip_counts_t const *now = &g->v.counts;
    (void)stem;

    tell(&g->m->signature, now->event, g->told.event, QS_GOSSIP_CHECK_EVENT_CNT);
    tell(&g->m->refused_oversize, now->refused + 1, g->told.refused + 1, QS_GOSSIP_REASON_CNT - 1);
    tell(&g->m->rx_bytes, &now->rx_bytes, &g->told.rx_bytes, 1);
    tell(&g->m->repeats, &g->v.repeats, &g->told_repeats, 1);
}

static void
gossvf_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_gossvf, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_gossvf = {
    .name     = "gossvf",
    .help     = "checks what comes in for gossip",
    .in       = {{.from = "net"}},
    .out      = {"gossip"},
    .must_out = 1u,
    .metrics  = gossvf_metric_desc,
    .tidy_ns  = 50000000u,
    .layout   = gossvf_layout,
    .boot     = gossvf_boot,
    .want     = gossvf_want,
    .frag     = gossvf_frag,
    .poll     = gossvf_poll,
    .tidy     = gossvf_tidy,
    .run      = gossvf_run,
};
/* clang-format on */

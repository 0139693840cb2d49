/* counter - who sends most.

       filter  ===>  counter

   In:    datagrams; only sig (source address) and sz are looked at, never the payload.
   Loss:  none of datagrams.  Sources are remembered in a table of SET_CNT * WAY_CNT places: when
          the WAY_CNT places that a source may take are taken, the one seen least gives way
          (displaced) and the newcomer goes on from its count.  A count is thus never too small,
          and `inherited` says by how much it may be too large.
   Restart: forgets nothing, and may count a part of the last batches twice.
   Trust: addresses can be forged, so places are chosen by a keyed hash. */

#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "example.h"
#include "tango/base/qs_hash.h"
#include "tango/base/qs_rng.h"

#define COUNTER_METRICS(COUNTER, GAUGE)                                                            \
    COUNTER(datagram, "datagrams counted")                                                         \
    COUNTER(bytes, "payload bytes of those")                                                       \
    COUNTER(displaced, "sources that gave way to a new one")                                       \
    GAUGE(source_cnt, "sources remembered now")                                                    \
    GAUGE(top_ip, "IPv4 address of the busiest source, as a number")                               \
    GAUGE(top_datagram, "datagrams of that source, at least")

QS_METRICS(counter, COUNTER_METRICS);

#define SET_CNT 128u
#define WAY_CNT 8u
#define TIDY_NS 10000000u /* a look through the table is too long for the stem's 100 us */

typedef struct source {
    u32 ip;
    u64 datagram_cnt; /* 0: the place is free */
    u64 inherited;
} source_t;

typedef struct counter {
    counter_metrics_t *m;
    qs_hash_key_t key;
    source_t set[SET_CNT][WAY_CNT];
} counter_t;

static void *
counter_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(counter_t), QS_ALIGN);
}

/* counter_boot draws the key once: with another one it would not find again what it remembers. */
static int
counter_boot(void *self, qs_tile_ctx_t *ctx)
{
    counter_t *c = self;
    int err = 0;

    c->m = ctx->metrics;
    if (ctx->fresh)
        err = qs_rng_seed_os(&c->key.k0);
    if (ctx->fresh && !err)
        err = qs_rng_seed_os(&c->key.k1);
    return err;
}

static void
count_source(counter_t *c, u32 ip)
{
    source_t *set = c->set[qs_hash_u64(&c->key, ip) % SET_CNT];
    source_t *least = &set[0];

    for (u32 i = 0; i < WAY_CNT; i++) {
        if (set[i].datagram_cnt && set[i].ip == ip) {
            set[i].datagram_cnt++;
            return;
        }
        if (set[i].datagram_cnt < least->datagram_cnt)
            least = &set[i];
    }
    if (least->datagram_cnt)
        qs_metric_inc(&c->m->displaced);
    *least = (source_t){
        .ip = ip, .datagram_cnt = least->datagram_cnt + 1, .inherited = least->datagram_cnt};
}

static u32
counter_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    counter_t *c = self;

    (void)stem;
    for (u32 i = 0; i < b->cnt; i++) {
        count_source(c, qs_net_sig_unpack(b->frag[i].sig).src_ip);
        qs_metric_inc(&c->m->datagram);
        qs_metric_add(&c->m->bytes, b->frag[i].sz);
    }
    return b->cnt;
}

static void
counter_tidy(void *self, qs_stem_t *stem)
{
    counter_t *c = self;
    source_t const *source = &c->set[0][0];
    u64 cnt = 0, top_cnt = 0;
    u32 top_ip = 0;

    (void)stem;
    for (u32 i = 0; i < SET_CNT * WAY_CNT; i++) {
        u64 at_least = source[i].datagram_cnt - source[i].inherited;
        cnt += source[i].datagram_cnt != 0;
        if (at_least > top_cnt) {
            top_cnt = at_least;
            top_ip = source[i].ip;
        }
    }
    qs_metric_set(&c->m->source_cnt, cnt);
    qs_metric_set(&c->m->top_ip, top_ip);
    qs_metric_set(&c->m->top_datagram, top_cnt);
}

static void
counter_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&counter_tile, self, stem);
}

/* clang-format off */
qs_tile_t const counter_tile = {
    .name    = "counter",
    .help    = "counts datagrams by source",
    .in      = {{.from = "filter", .in_place = true}},
    .metrics = counter_metric_desc,
    .tidy_ns = TIDY_NS,
    .layout  = counter_layout,
    .boot    = counter_boot,
    .frag    = counter_frag,
    .tidy    = counter_tidy,
    .run     = counter_run,
};
/* clang-format on */

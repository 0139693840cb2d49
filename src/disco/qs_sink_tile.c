/* sink - the end of the lab's line: accounts for what arrives.

       net:i  --->  sink  <===  shred

   In:    UDP payloads.  Numbered ones (qs_probe.h) are checked, counted once, and timed from
          load's stamp to here; others, such as replayed captures, are counted.
   Loss:  none of its own; what the link overran is in the link's counter.  Its account lies in
          its workspace: a restart forgets nothing, and counts what it sees twice as repeated.
   Trust: payloads are private copies, lengths are the link's. */

#include "disco/qs_probe.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"

#define SINK_METRICS(COUNTER, GAUGE)                                                               \
    COUNTER(received, "different numbered datagrams received")                                     \
    COUNTER(repeated, "numbered datagrams received again")                                         \
    COUNTER(late, "numbered datagrams that came after a higher number")                            \
    COUNTER(damaged, "numbered datagrams whose content was wrong")                                 \
    COUNTER(other, "datagrams without a number")                                                   \
    COUNTER(other_bytes, "payload bytes of those")                                                 \
    COUNTER(sets, "sets that the shred tile completed")

QS_METRICS(sink, SINK_METRICS);

enum { IN_NET, IN_SHRED };

typedef struct sink {
    qs_account_t account; /* first: the lab reads it in the object "state" */
    sink_metrics_t *m;
} sink_t;

static void *
sink_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(sink_t), QS_ALIGN);
}

/* count_account: the account is right whatever instruction we died at, and metrics follow it. */
static void
count_account(sink_t *k)
{
    qs_metric_set(&k->m->received, k->account.received);
    qs_metric_set(&k->m->repeated, k->account.repeated);
    qs_metric_set(&k->m->late, k->account.late);
}

static int
sink_boot(void *self, qs_tile_ctx_t *ctx)
{
    sink_t *k = self;
    k->m = ctx->metrics;
    qs_account_repair(&k->account);
    count_account(k);
    return 0;
}

static void
count_probe(sink_t *k, u8 const *data, u32 sz, u64 now)
{
    qs_probe_t p;

    memcpy(&p, data, sizeof(p));
    bool filler_ok = true;
    for (u32 i = sizeof(p); i < sz; i++)
        filler_ok &= data[i] == 0;
    if (p.check != qs_probe_check(&p) || !filler_ok) {
        qs_metric_inc(&k->m->damaged);
        return;
    }
    bool repeated = qs_account_add(&k->account, p.number) == QS_ARRIVAL_REPEATED;
    count_account(k);
    if (!repeated)
        qs_hist_add(&k->account.latency, now > p.sent_ns ? now - p.sent_ns : 0);
}

static u32
sink_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    sink_t *k = self;

    if (b->in == IN_SHRED) {
        qs_metric_add(&k->m->sets, b->cnt);
        return b->cnt;
    }
    for (u32 i = 0; i < b->cnt; i++) {
        u8 const *data = b->data[i];
        u32 sz = b->frag[i].sz;
        if (sz >= sizeof(qs_probe_t) && qs_load_le64(data) == QS_PROBE_MAGIC) {
            count_probe(k, data, sz, stem->now);
        } else {
            qs_metric_inc(&k->m->other);
            qs_metric_add(&k->m->other_bytes, sz);
        }
    }
    return b->cnt;
}

static void
sink_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_sink, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_sink = {
    .name    = "sink",
    .help    = "accounts for every datagram that arrives",
    .in      = {[IN_NET] = {.from = "net"}, [IN_SHRED] = {.from = "shred", .in_place = true}},
    .metrics = sink_metric_desc,
    .layout  = sink_layout,
    .boot    = sink_boot,
    .frag    = sink_frag,
    .run     = sink_run,
};
/* clang-format on */

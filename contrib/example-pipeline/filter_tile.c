/* filter - lets through the datagrams that begin as we want them to.

       net  --->  filter  ===>  counter

   In:    UDP payloads; sig says where they come from (qs_format.h).
   Out:   the same payload under the same sig.
   Loss:  by rule, counted by reason.  While counter lags, nothing is taken from net, and the link
          from net counts what is overrun meanwhile (lost).
   Restart: judges a part of the last batches again, so counter may see a datagram twice.
   Trust: payloads are private copies; any byte of them may be anything.
   Options: section filter of options.def. */

#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "example.h"

#define FILTER_METRICS(COUNTER, GAUGE)                                                             \
    COUNTER(passed, "datagrams passed on")                                                         \
    COUNTER(dropped_short, "datagrams dropped because they were too short")                        \
    COUNTER(dropped_first, "datagrams dropped because of their first byte")

QS_METRICS(filter, FILTER_METRICS);

typedef struct filter {
    filter_metrics_t *m;
    u32 min_bytes; /* at least 1, so that there is a first byte */
    bool first[256];
} filter_t;

static void *
filter_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(filter_t), QS_ALIGN);
}

/* filter_boot finds the last run's state after a restart: everything that is not meant to outlive one
   is set here.  Options were checked when they were read. */
static int
filter_boot(void *self, qs_tile_ctx_t *ctx)
{
    filter_t *f = self;
    example_options_t const *o = qs_config_own(ctx->cfg);

    *f = (filter_t){.m = ctx->metrics, .min_bytes = o->filter.min_bytes};
    for (char const *first = o->filter.first; *first; first++)
        f->first[(u8)*first] = true;
    return 0;
}

static u32
filter_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    filter_t *f = self;

    for (u32 i = 0; i < b->cnt; i++) {
        qs_frag_t const *frag = &b->frag[i];
        if (frag->sz < f->min_bytes) {
            qs_metric_inc(&f->m->dropped_short);
            continue;
        }
        if (!f->first[b->data[i][0]]) {
            qs_metric_inc(&f->m->dropped_first);
            continue;
        }
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            return i; /* no credit: the rest comes again */
        memcpy(room, b->data[i], frag->sz);
        qs_stem_publish(stem, 0, frag->sig, frag->sz, 0, frag->ts_origin);
        qs_metric_inc(&f->m->passed);
    }
    return b->cnt;
}

static void
filter_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&filter_tile, self, stem);
}

/* clang-format off */
qs_tile_t const filter_tile = {
    .name    = "filter",
    .help    = "passes datagrams by length and first byte",
    .in      = {{.from = "net"}},
    .out     = {"counter"},
    .must_out  = 1u << 0,
    .passes_on = true,
    .metrics = filter_metric_desc,
    .layout  = filter_layout,
    .boot    = filter_boot,
    .frag    = filter_frag,
    .run     = filter_run,
};
/* clang-format on */

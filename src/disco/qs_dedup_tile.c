/* dedup - drops transactions whose first signature was seen recently, by whichever verify tile.

       verify:0..k  ===>  dedup  ===>  txn readers

   In:    sig is the keyed hash of the first signature; the payload is passed on unread.
   Out:   the same fragments, at most one per signature among the last dedup.tag_depth, of those the
          ones of the last dedup.age_ms; descriptor and bytes as verify wrote them.
   Loss:  none.  A tag that was forgotten, by number or by age, may pass again.  It is forgotten
          by number up to 0.4 % late (qs_tcache.h), by age up to 1/64 late.
   Death: forgets nothing.  One that was published and not remembered yet may pass twice.
   Trust: chunk and size were checked by the stem.  The payload is copied, not parsed: whoever
          reads it checks the descriptor (qs_txn_valid). */

#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "tango/qs_tcache.h"

#define DEDUP_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(passed, "transactions passed on")                                                      \
    COUNTER(duplicate, "transactions dropped as already seen")                                     \
    COUNTER(aged, "signatures forgotten because they were too old")                                \
    GAUGE(tags, "signatures remembered now")

QS_METRICS(dedup, DEDUP_METRICS);

#define GROUP 16u                  /* tags whose lines are being fetched while one is looked at */
#define MARKS QS_TCACHE_CLOSED_MAX /* how finely age is told: age_ms / MARKS */

/* mark_t says that `inserted` tags, those before seen_mark, had been inserted by at_ns. */
typedef struct mark {
    u64 at_ns;
    u64 inserted;
    u64 seen_mark;
} mark_t;

typedef struct dedup {
    dedup_metrics_t *m;
    qs_tcache_t seen;
    void *mem;
    u64 age_ns;
    u64 depth;
    u64 inserted, forgotten; /* tags; what is between them is remembered */
    u64 mark_head, mark_tail;
    mark_t mark[MARKS];
} dedup_t;

static void *
dedup_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    dedup_t *d = qs_layout_take(l, sizeof(*d), QS_ALIGN);
    void *mem = qs_layout_take(l, qs_tcache_footprint(ctx->cfg->dedup.tag_depth), 4096);

    if (d)
        d->mem = mem;
    return d;
}

static int
dedup_boot(void *self, qs_tile_ctx_t *ctx)
{
    dedup_t *d = self;
    u64 depth = ctx->cfg->dedup.tag_depth;
    int err = ctx->fresh ? qs_tcache_new(d->mem, depth) : 0;

    d->m = ctx->metrics;
    d->depth = depth;
    d->age_ns = (u64)ctx->cfg->dedup.age_ms * 1000000u;
    return err ? err : qs_tcache_join(&d->seen, d->mem, depth);
}

/* pass publishes one fragment, and only then remembers it.  Returns false if there is no credit. */
static bool
pass(dedup_t *d, qs_stem_t *stem, qs_frag_t const *frag, u8 const *data, u64 place)
{
    u8 *room = qs_stem_prepare(stem, 0);

    if (!room)
        return false;
    qs_racy_copy(room, data, frag->sz);
    qs_stem_publish(stem, 0, frag->sig, frag->sz, frag->ctl, frag->ts_origin);
    qs_tcache_insert_at(&d->seen, place, frag->sig);
    d->inserted++;
    if (d->inserted - d->forgotten > d->depth)
        d->forgotten++;
    return true;
}

static u32
dedup_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    dedup_t *d = self;
    u64 tag[QS_BATCH];
    u32 passed = 0, duplicate = 0, i;

    for (i = 0; i < b->cnt; i++)
        tag[i] = b->frag[i].sig;
    for (i = 0; i < b->cnt && i < GROUP; i++)
        qs_tcache_prefetch(&d->seen, tag[i]);
    for (i = 0; i < b->cnt; i++) {
        if (i + GROUP < b->cnt) /* one at a time: a burst of fetches stalls whatever comes next */
            qs_tcache_prefetch(&d->seen, tag[i + GROUP]);
        u64 place = 0;
        if (qs_tcache_seek(&d->seen, tag[i], &place)) {
            duplicate++;
            continue;
        }
        if (!pass(d, stem, &b->frag[i], b->data[i], place))
            break;
        passed++;
    }
    qs_metric_add(&d->m->passed, passed);
    qs_metric_add(&d->m->duplicate, duplicate);
    return i;
}

/* make_mark notes how many tags there are, every 1 / MARKS of the age. */
static void
make_mark(dedup_t *d, u64 now)
{
    u64 last = d->mark_head != d->mark_tail ? d->mark[(d->mark_head - 1) % MARKS].at_ns : 0;

    if (d->mark_head - d->mark_tail == MARKS || now - last < d->age_ns / MARKS)
        return;
    d->mark[d->mark_head++ % MARKS] =
        (mark_t){.at_ns = now, .inserted = d->inserted, .seen_mark = qs_tcache_mark(&d->seen)};
}

/* forget_old forgets what stands before the newest mark that is old enough. */
static void
forget_old(dedup_t *d, u64 now)
{
    for (; d->mark_tail != d->mark_head; d->mark_tail++) {
        mark_t const *mark = &d->mark[d->mark_tail % MARKS];
        if (now - mark->at_ns < d->age_ns)
            return;
        qs_tcache_forget(&d->seen, mark->seen_mark);
        if (mark->inserted > d->forgotten) {
            qs_metric_add(&d->m->aged, mark->inserted - d->forgotten);
            d->forgotten = mark->inserted;
        }
    }
}

static void
dedup_tidy(void *self, qs_stem_t *stem)
{
    dedup_t *d = self;

    if (d->age_ns) {
        make_mark(d, stem->now);
        forget_old(d, stem->now);
    }
    qs_metric_set(&d->m->tags, d->inserted - d->forgotten);
}

static void
dedup_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_dedup, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_dedup = {
    .name    = "dedup",
    .help    = "drops transactions seen before",
    .in      = {{.from = "verify", .in_place = true}},
    .out     = {"*"},
    .metrics = dedup_metric_desc,
    .layout  = dedup_layout,
    .boot    = dedup_boot,
    .frag    = dedup_frag,
    .tidy    = dedup_tidy,
    .run     = dedup_run,
};
/* clang-format on */

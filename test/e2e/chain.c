/* chain - a pipeline made outside src/: tiles and a topology of its own, and every subcommand of
   quickstep, because its main is qs_main.

       count  ==>  relay0  ==>  relay1  ==>  relay2  ==>  check        ===> reliable

   count numbers fragments by its ring's own sequence, so that a restart skips and reuses none.
   The number stands in the sig, in the payload's first word and, as a pattern, in the rest of
   it.  check demands that every number comes: again is allowed, out of order is not. */

#include "app/qs_cmd.h"
#include "disco/qs_stem.h"
#include "tango/base/qs_hash.h"

#define MTU    512u
#define SZ_MIN 16u

static u32
size_of(u64 number)
{
    return SZ_MIN + (u32)(number * 13 % (MTU - SZ_MIN + 1));
}

#define COUNT_METRICS(COUNTER, GAUGE) COUNTER(sent, "fragments published")
QS_METRICS(count, COUNT_METRICS);

typedef struct count {
    count_metrics_t *m;
    u64 gap_ns; /* between two batches */
    u64 due_ns;
} count_t;

static void *
count_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(count_t), QS_ALIGN);
}

static int
count_boot(void *self, qs_tile_ctx_t *ctx)
{
    count_t *c = self;
    u64 rate = ctx->cfg->load.rate_pps;

    *c = (count_t){.m = ctx->metrics, .gap_ns = rate ? QS_BATCH * 1000000000ull / rate : 0};
    return 0;
}

static u32
count_poll(void *self, qs_stem_t *stem)
{
    count_t *c = self;
    u32 did = 0;

    if (stem->now >= c->due_ns) {
        for (; did < QS_BATCH; did++) {
            u64 number = stem->out[0].tx.seq;
            u8 *room = qs_stem_prepare(stem, 0);
            if (!room)
                break;
            qs_store_le64(room, number);
            memset(room + 8, (u8)(number * 31), size_of(number) - 8);
            qs_stem_publish(stem, 0, number, size_of(number), 0, qs_ts_comp(stem->now));
        }
        c->due_ns = stem->now + c->gap_ns;
    }
    qs_metric_set(&c->m->sent, stem->out[0].tx.seq);
    if (c->gap_ns)
        qs_stem_wake_at(stem, c->due_ns);
    return did;
}

#define RELAY_METRICS(COUNTER, GAUGE) COUNTER(odd, "fragments whose hash was odd")
QS_METRICS(relay, RELAY_METRICS);

typedef struct relay {
    relay_metrics_t *m;
} relay_t;

static void *
relay_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(relay_t), QS_ALIGN);
}

static int
relay_boot(void *self, qs_tile_ctx_t *ctx)
{
    relay_t *r = self;
    r->m = ctx->metrics;
    return 0;
}

/* work takes long enough for a kill to find a relay in the middle of a batch, and not waiting for
   a slower neighbour: without it kills repeat nothing and the test shows less than it seems to. */
static u64
work(u8 const *data, u32 sz)
{
    u64 hash = 0;

    for (u32 pass = 0; pass < 16; pass++)
        hash = qs_hash_bytes(hash, data, sz);
    return hash;
}

static u32
relay_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    relay_t *r = self;

    for (u32 i = 0; i < b->cnt; i++) {
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            return i;
        qs_metric_add(&r->m->odd, work(b->data[i], b->frag[i].sz) & 1);
        memcpy(room, b->data[i], b->frag[i].sz);
        qs_stem_publish(stem, 0, b->frag[i].sig, b->frag[i].sz, 0, b->frag[i].ts_origin);
    }
    return b->cnt;
}

#define CHECK_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(received, "different numbers that came")                                               \
    COUNTER(repeated, "numbers that came again")                                                   \
    COUNTER(missing, "numbers that were passed over")                                              \
    COUNTER(damaged, "fragments whose content was not their number's")
QS_METRICS(check, CHECK_METRICS);

/* The one word `next` is the whole account, so no moment to die in makes it wrong. */
typedef struct check {
    u64 next; /* all before it have come */
    check_metrics_t *m;
} check_t;

static void *
check_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(check_t), QS_ALIGN);
}

static int
check_boot(void *self, qs_tile_ctx_t *ctx)
{
    check_t *c = self;
    c->m = ctx->metrics;
    return 0;
}

static bool
is_whole(u8 const *data, qs_frag_t const *frag)
{
    u64 number = frag->sig;

    if (frag->sz != size_of(number) || qs_load_le64(data) != number)
        return false;
    for (u32 i = 8; i < frag->sz; i++)
        if (data[i] != (u8)(number * 31))
            return false;
    return true;
}

static u32
check_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    check_t *c = self;

    (void)stem;
    for (u32 i = 0; i < b->cnt; i++) {
        u64 number = b->frag[i].sig;
        if (!is_whole(b->data[i], &b->frag[i])) {
            qs_metric_inc(&c->m->damaged);
            continue;
        }
        if (number < c->next) {
            qs_metric_inc(&c->m->repeated);
            continue;
        }
        if (number > c->next)
            qs_metric_add(&c->m->missing, number - c->next);
        qs_store_relaxed(&c->next, number + 1);
        qs_metric_set(&c->m->received, c->next);
    }
    return b->cnt;
}

static void count_run(void *self, qs_stem_t *stem);
static void relay_run(void *self, qs_stem_t *stem);
static void check_run(void *self, qs_stem_t *stem);

/* clang-format off */
static qs_tile_t const tile_count = {
    .name    = "count",
    .help    = "numbers fragments",
    .out     = {"*"},
    .metrics = count_metric_desc,
    .layout  = count_layout,
    .boot    = count_boot,
    .poll    = count_poll,
    .run     = count_run,
};

static qs_tile_t const tile_relay = {
    .name    = "relay",
    .passes_on = true,
    .help    = "passes on what it gets",
    .in      = {{.from = "*"}},
    .out     = {"*"},
    .metrics = relay_metric_desc,
    .layout  = relay_layout,
    .boot    = relay_boot,
    .frag    = relay_frag,
    .run     = relay_run,
};

static qs_tile_t const tile_check = {
    .name    = "check",
    .help    = "demands every number",
    .in      = {{.from = "*"}},
    .metrics = check_metric_desc,
    .layout  = check_layout,
    .boot    = check_boot,
    .frag    = check_frag,
    .run     = check_run,
};

static qs_tile_row_t const chain_tiles[] = {
    { NULL,     &tile_count, 1, NULL, QS_RESTART },
    { "relay0", &tile_relay, 1, NULL, QS_RESTART },
    { "relay1", &tile_relay, 1, NULL, QS_RESTART },
    { "relay2", &tile_relay, 1, NULL, QS_RESTART },
    { NULL,     &tile_check, 1, NULL, QS_RESTART },
    { 0 }
};

static qs_link_row_t const chain_links[] = {
/*    from      to        depth  window  mtu  flow         ports */
    { "count",  "relay0",  1024,    256, MTU, QS_RELIABLE, NULL },
    { "relay0", "relay1",   256,      0, MTU, QS_RELIABLE, NULL },
    { "relay1", "relay2",    64,      0, MTU, QS_RELIABLE, NULL },
    { "relay2", "check",   1024,    100, MTU, QS_RELIABLE, NULL },
    { 0 }
};

static qs_topo_t const topo_chain = {
    .name    = "chain",
    .help    = "numbers through three relays",
    .picture = "      count ==> relay0 ==> relay1 ==> relay2 ==> check\n",
    .tiles   = chain_tiles,
    .links   = chain_links,
};
/* clang-format on */

static void
count_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_count, self, stem);
}

static void
relay_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_relay, self, stem);
}

static void
check_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_check, self, stem);
}

int
main(int argc, char **argv)
{
    static qs_topo_t const *const topos[] = {&topo_chain, NULL};
    return qs_main(argc, argv, topos);
}

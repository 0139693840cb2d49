/* What the stem costs: two tiles that do nothing but fill and check 64-byte payloads, run by
   qs_stem_loop in a real group, against the same work done by hand on the same kind of ring.

   Tile source is pinned on cpu 0, tile sink on cpu 1, the link is reliable, both spin.  A turn moves
   FRAG_CNT fragments from one to the other in one of three ways:

       in place       the sink's input is in_place: it checks the bytes where they were written
       private copy   the default of an input: the stem copies first
       raw ring       the stem stands still, and the same two threads use qs_mcache and qs_dcache
                      themselves, in the same workspace

   The source says which way the next turn goes; the sink learns it at the end of a turn, inside
   its callback, where it also runs its side of the raw ring.  A turn in which either thread was
   preempted measured the scheduler: it is thrown away and taken again, whichever way it went. */

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"
#include "disco/qs_group.h"
#include "tango/base/qs_log.h"

#define WHAT     "stem, empty callbacks, 64-byte payload checked"
#define DEPTH    4096u
#define SZ       64u
#define FRAG_CNT 65536u /* per turn: about a millisecond */
#define TRY_MAX  400u   /* turns until an undisturbed one, per way and round */

typedef enum way { IN_PLACE, COPY, RAW, WAY_CNT, END = WAY_CNT } way_t;

typedef struct payload {
    u64 word[SZ / sizeof(u64)];
} payload_t;

/* The same link without a stem: the state of both sides. */
typedef struct raw {
    alignas(QS_ALIGN) qs_mcache_tx_t tx;
    qs_fctl_t fctl;
    u64 credits;
    u32 chunk;
    alignas(QS_ALIGN) qs_mcache_rx_t rx;
    u64 told;
    alignas(QS_ALIGN) qs_fseq_t fseq;
    qs_dcache_t dcache;
    u8 *base;
} raw_t;

/* What the two threads tell each other between turns. */
static struct duel {
    alignas(QS_ALIGN) u64 posted; /* turns the source has called */
    way_t way;
    alignas(QS_ALIGN) u64 done; /* turns the sink has ended */
    u64 end_ns;
    long sink_preempted;
    alignas(QS_ALIGN) double ns_per_op[WAY_CNT][BENCH_ROUND_CNT];
    u32 turn_cnt, disturbed_cnt, kept_disturbed_cnt;
    raw_t *raw;
} duel;

static u64
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static long
preempted(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

static int
pin(int cpu, qs_tile_ctx_t *ctx)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (!pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
        return 0;
    snprintf(ctx->err, sizeof(ctx->err), "this bench needs cpu %d", cpu);
    return -EINVAL;
}

QS_INLINE void
payload_fill(payload_t *p, u64 seq)
{
    for (u32 i = 0; i < QS_COUNT(p->word); i++)
        p->word[i] = seq + i;
}

QS_INLINE u64
payload_wrong(payload_t const *p, u64 seq)
{
    u64 wrong = 0;
    for (u32 i = 0; i < QS_COUNT(p->word); i++)
        wrong |= p->word[i] ^ (seq + i);
    return wrong;
}

/* The raw ring, by hand: batches of 32, credits asked for when short, the fseq told every eighth
   of the window or when nothing is there, as the stem does. */

static void
raw_produce(raw_t *r)
{
    qs_mcache_tx_t tx = r->tx;
    u64 end = tx.seq + FRAG_CNT;
    u32 chunk = r->chunk;

    while (tx.seq < end) {
        while (r->credits < QS_BATCH) {
            r->credits = qs_fctl_query(&r->fctl, tx.seq, 0);
            if (r->credits < QS_BATCH)
                qs_pause();
        }
        r->credits -= QS_BATCH;
        qs_mcache_reserve(&tx, QS_BATCH);
        for (u32 i = 0; i < QS_BATCH; i++) {
            payload_fill((payload_t *)(r->base + (u64)chunk * QS_CHUNK_SZ), tx.seq);
            qs_mcache_publish(&tx, &(qs_frag_t){.sig = tx.seq, .chunk = chunk, .sz = SZ});
            chunk = qs_dcache_next(&r->dcache, chunk, SZ);
        }
    }
    r->chunk = chunk;
    r->tx = tx;
}

static void
raw_consume(raw_t *r)
{
    qs_mcache_rx_t rx = r->rx;
    qs_frag_t frag[QS_BATCH];
    u64 end = rx.seq + FRAG_CNT, wrong = 0;

    while (rx.seq < end) {
        u32 cnt = qs_mcache_peek(&rx, frag, QS_BATCH);
        for (u32 i = 0; i < cnt; i++) {
            QS_ASSERT(qs_dcache_holds(&r->dcache, frag[i].chunk, 0, frag[i].sz));
            wrong |= payload_wrong((payload_t const *)(r->base + (u64)frag[i].chunk * QS_CHUNK_SZ),
                                   rx.seq + i);
        }
        qs_mcache_advance(&rx, cnt);
        if (rx.seq - r->told >= rx.window / 8 || (!cnt && rx.seq != r->told)) {
            qs_fseq_update(&r->fseq, rx.seq);
            r->told = rx.seq;
        }
        if (!cnt)
            qs_pause();
    }
    QS_ASSERT(!wrong);
    r->rx = rx;
}

/* Tile source: its workspace holds the raw ring too. */

typedef struct source {
    raw_t raw;
    u8 *ring; /* the raw ring and its payloads */
    way_t way;
    u32 round, tries;
    bool turning;
    u64 left; /* fragments of this turn that are not published yet */
    u64 begin_ns;
    long preempted;
} source_t;

#define RAW_DATA_OFF 262144u

static void *
source_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    source_t *t = qs_layout_take(l, sizeof(source_t), QS_ALIGN);
    u8 *ring = qs_layout_take(l, RAW_DATA_OFF + qs_dcache_footprint(DEPTH, SZ), 4096);
    (void)ctx;
    if (t)
        t->ring = ring;
    return t;
}

static int
source_boot(void *self, qs_tile_ctx_t *ctx)
{
    source_t *t = self;
    raw_t *r = &t->raw;
    u64 sz = qs_mcache_footprint(DEPTH);

    QS_ASSERT(sz <= RAW_DATA_OFF && !qs_mcache_new(t->ring, DEPTH, DEPTH, 0));
    QS_ASSERT(!qs_mcache_tx_join(&r->tx, t->ring, sz) &&
              !qs_mcache_rx_join(&r->rx, t->ring, sz, 0));
    qs_fctl_init(&r->fctl, DEPTH, 0);
    QS_ASSERT(!qs_fctl_add(&r->fctl, &r->fseq, false));
    QS_ASSERT(!qs_dcache_init(&r->dcache, RAW_DATA_OFF, DEPTH, SZ));
    r->chunk = r->dcache.chunk0;
    r->base = t->ring;
    duel.raw = r;
    return pin(0, ctx);
}

static void
begin_turn(source_t *t)
{
    t->turning = true;
    t->left = FRAG_CNT;
    t->preempted = preempted();
    t->begin_ns = now_ns();
    duel.way = t->way;
    qs_store_release(&duel.posted, duel.posted + 1); /* pairs with await_turn */
}

/* end_turn takes down the figure and says which way the next turn goes: the first round warms up. */
static void
end_turn(source_t *t)
{
    bool disturbed = duel.sink_preempted || preempted() != t->preempted;

    t->turning = false;
    duel.turn_cnt++;
    duel.disturbed_cnt += disturbed;
    if (disturbed && ++t->tries < TRY_MAX)
        return;
    duel.kept_disturbed_cnt += disturbed;
    t->tries = 0;
    if (t->round)
        duel.ns_per_op[t->way][t->round - 1] = (double)(duel.end_ns - t->begin_ns) / FRAG_CNT;
    if (++t->way == WAY_CNT) {
        t->round++;
        t->way = t->round > BENCH_ROUND_CNT ? END : IN_PLACE;
    }
}

static u32
source_poll(void *self, qs_stem_t *stem)
{
    source_t *t = self;
    u32 did = 0;

    for (; did < QS_BATCH && t->left; did++, t->left--) {
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            return did;
        payload_fill((payload_t *)room, stem->out[0].tx.seq);
        qs_stem_publish(stem, 0, stem->out[0].tx.seq, SZ, 0, 0);
    }
    if (did)
        return did;
    if (t->turning && qs_load_acquire(&duel.done) == duel.posted) /* pairs with tell_done */
        end_turn(t);
    if (t->turning)
        return 0;
    begin_turn(t);
    if (t->way == RAW || t->way == END)
        t->left = 0;
    if (t->way == RAW)
        raw_produce(duel.raw);
    if (t->way == END)
        qs_stem_exit(stem, QS_EXIT_DONE);
    return 1;
}

/* Tile sink. */

typedef struct sink {
    u64 seq;  /* of the next fragment */
    u64 end;  /* of this turn */
    u64 turn; /* turns ended */
    u64 wrong;
    long preempted;
} sink_t;

static void *
sink_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(sink_t), QS_ALIGN);
}

static int
sink_boot(void *self, qs_tile_ctx_t *ctx)
{
    sink_t *k = self;
    k->end = FRAG_CNT;
    return pin(1, ctx);
}

static void
tell_done(sink_t *k)
{
    duel.end_ns = now_ns();
    long before = k->preempted;
    k->preempted = preempted();
    duel.sink_preempted = k->preempted - before;
    qs_store_release(&duel.done, ++k->turn); /* pairs with source_poll */
}

static way_t
await_turn(sink_t const *k)
{
    while (qs_load_acquire(&duel.posted) == k->turn) /* pairs with begin_turn */
        qs_pause();
    return duel.way;
}

/* between_turns returns when the next turn is one of the stem's. */
static void
between_turns(sink_t *k, qs_stem_t *stem)
{
    way_t way;

    QS_ASSERT(!k->wrong && k->seq == k->end);
    k->end += FRAG_CNT;
    tell_done(k);
    while ((way = await_turn(k)) == RAW) {
        raw_consume(duel.raw);
        tell_done(k);
    }
    stem->in[0].in_place = way == IN_PLACE;
    if (way == END)
        qs_stem_exit(stem, QS_EXIT_DONE);
}

static u32
sink_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    sink_t *k = self;
    u64 seq = k->seq, wrong = 0;

    for (u32 i = 0; i < b->cnt; i++)
        wrong |= payload_wrong((payload_t const *)b->data[i], seq + i) | (b->frag[i].sz ^ SZ);
    k->wrong |= wrong;
    k->seq = seq + b->cnt;
    if (k->seq == k->end)
        between_turns(k, stem);
    return b->cnt;
}

extern qs_tile_t const tile_source, tile_sink;

static void
source_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_source, self, stem);
}

static void
sink_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_sink, self, stem);
}

/* clang-format off */
qs_tile_t const tile_source = {
    .name   = "source",
    .help   = "fills payloads",
    .out    = {"sink"},
    .layout = source_layout,
    .boot   = source_boot,
    .poll   = source_poll,
    .run    = source_run,
};

qs_tile_t const tile_sink = {
    .name   = "sink",
    .help   = "checks payloads",
    .in     = {{.from = "source"}},
    .layout = sink_layout,
    .boot   = sink_boot,
    .frag   = sink_frag,
    .run    = sink_run,
};

static qs_tile_row_t const tiles[] = {
    { NULL, &tile_source, 1, NULL, QS_STOP },
    { NULL, &tile_sink,   1, NULL, QS_STOP },
    { 0 }
};

static qs_link_row_t const links[] = {
    { "source", "sink", DEPTH, 0, SZ, QS_RELIABLE, NULL },
    { 0 }
};

static qs_topo_t const topo = {
    .name    = "bench",
    .help    = "a payload from one core to another",
    .picture = "      source ===> sink\n",
    .tiles   = tiles,
    .links   = links,
};
/* clang-format on */

static int
run_tiles(void)
{
    static qs_group_t group;
    static qs_config_t cfg;
    static qs_topo_t const *const topos[] = {&topo, NULL};
    qs_clock_t clock;
    char name[32];

    qs_config_init(&qs_config_table, &cfg);
    cfg.layout.idle = QS_CONFIG_layout_idle_spin;
    snprintf(name, sizeof(name), "bench-stem-%d", (int)getpid());
    QS_ASSERT(!qs_clock_calibrate(&clock, 20000000u));
    int code = qs_group_start(&group, &(qs_group_conf_t){.instance = name,
                                                         .topo = &topo,
                                                         .topos = topos,
                                                         .cfg = &cfg,
                                                         .clock = &clock,
                                                         .threads = true});
    if (code) {
        fprintf(stderr, "bench stem: %s\n", group.err);
        return code;
    }
    while (!qs_group_done(&group) && group.state != QS_GROUP_FAILED)
        qs_group_poll(&group, -1, 100);
    return qs_group_stop(&group);
}

/* add_difference adds a row with what each round of ours cost more than the raw ring's. */
static void
add_difference(bench_t *b, way_t way, char const *variant)
{
    bench_add(b, &(bench_row_t){.what = WHAT, .variant = variant, .ops = 1});
    for (u32 i = 0; i < BENCH_ROUND_CNT; i++)
        b->row[b->row_cnt - 1].ns_per_op[i] = duel.ns_per_op[way][i] - duel.ns_per_op[RAW][i];
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "stem", argc, argv);
    bench_add(&b,
              &(bench_row_t){.what = WHAT, .variant = "in place", .against = "raw ring", .ops = 1});
    bench_add(&b, &(bench_row_t){
                      .what = WHAT, .variant = "private copy", .against = "raw ring", .ops = 1});
    bench_add(&b, &(bench_row_t){
                      .what = WHAT, .variant = "mcache, dcache", .peer = "raw ring", .ops = 1});
    int code = run_tiles();
    if (code)
        return code;
    for (u32 way = 0; way < WAY_CNT; way++)
        memcpy(b.row[way].ns_per_op, duel.ns_per_op[way], sizeof(duel.ns_per_op[way]));
    add_difference(&b, IN_PLACE, "in place, over raw");
    add_difference(&b, COPY, "private copy, over raw");
    bench_finish(&b);
    if (duel.disturbed_cnt)
        fprintf(stderr, "bench stem: %u of %u turns were preempted and taken again, %u kept\n",
                duel.disturbed_cnt, duel.turn_cnt, duel.kept_disturbed_cnt);
    return 0;
}

/* load - the lab's traffic: numbered, time-stamped datagrams at a steady rate.

       load  ===>  net  ~~~>  load.target : load.target_port

   Out:   requests to send (qs_format.h); the payload begins with a qs_probe_t.
   Loss:  none: it waits for credit.  The number is the ring's own sequence, so that a restart
          goes on where the ring stands and sends no number twice under a new stamp.
   Ends:  when it is halted.  After load.count datagrams it sends no more, and stays. */

#include <arpa/inet.h>

#include "disco/qs_format.h"
#include "disco/qs_probe.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"

#define LOAD_METRICS(COUNTER, GAUGE)                                                               \
    COUNTER(sent, "datagrams handed to the net tile")                                              \
    GAUGE(rate_pps, "datagrams per second it aims at, 0: as many as it can")

QS_METRICS(load, LOAD_METRICS);

/* A tile that did not get its core makes up for so much of the time, in one burst: more would be no
   steady rate, and overrun receivers whose rings are some 1000 deep. */
#define CATCH_UP_NS 20000000u

typedef struct load {
    load_metrics_t *m;
    u64 cnt;    /* the last number, plus one */
    u64 gap_ps; /* between two datagrams, 10^-12 s */
    u64 due_ns; /* when the next one is due ... */
    u64 due_ps; /* ... and what ns cannot say */
    u32 payload_sz;
    qs_send_dst_t dst;
} load_t;

static void *
load_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(load_t), QS_ALIGN);
}

static int
load_boot(void *self, qs_tile_ctx_t *ctx)
{
    load_t *t = self;
    struct in_addr target;

    if (inet_pton(AF_INET, ctx->cfg->load.target, &target) != 1) {
        snprintf(ctx->err, sizeof(ctx->err), "load.target is not set");
        return -EINVAL;
    }
    t->m = ctx->metrics;
    t->payload_sz = ctx->cfg->load.payload_bytes;
    t->cnt = ctx->cfg->load.count ? ctx->cfg->load.count : UINT64_MAX;
    t->gap_ps = ctx->cfg->load.rate_pps ? 1000000000000ull / ctx->cfg->load.rate_pps : 0;
    t->due_ns = qs_clock_now(ctx->clock);
    t->dst = (qs_send_dst_t){.ip = ntohl(target.s_addr), .port = (u16)ctx->cfg->load.target_port};
    qs_metric_set(&t->m->rate_pps, ctx->cfg->load.rate_pps);
    return 0;
}

static void
write_request(load_t const *t, u8 *room, u64 number, u64 now)
{
    qs_send_t *req = (qs_send_t *)room;
    qs_probe_t probe = {.magic = QS_PROBE_MAGIC, .number = number, .sent_ns = now};
    u8 *payload = (u8 *)&req->dst[1];

    *req = (qs_send_t){.dst_cnt = 1, .src_port_idx = 0, .sz = (u16)t->payload_sz};
    req->dst[0] = t->dst;
    probe.check = qs_probe_check(&probe);
    memcpy(payload, &probe, sizeof(probe));
    memset(payload + sizeof(probe), 0, t->payload_sz - sizeof(probe));
}

static void
schedule_next(load_t *t)
{
    t->due_ps += t->gap_ps;
    t->due_ns += t->due_ps / 1000;
    t->due_ps %= 1000;
}

static u32
load_poll(void *self, qs_stem_t *stem)
{
    load_t *t = self;
    u32 sent = 0;

    while (sent < QS_BATCH && t->due_ns <= stem->now && stem->out[0].tx.seq < t->cnt) {
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            break;
        write_request(t, room, stem->out[0].tx.seq, qs_clock_now(&stem->clock));
        qs_stem_publish(stem, 0, 0, qs_send_sz(1, t->payload_sz), 0, qs_ts_comp(stem->now));
        schedule_next(t);
        sent++;
    }
    qs_metric_set(&t->m->sent, stem->out[0].tx.seq); /* right even if we were killed in between */
    if (t->due_ns < stem->now && stem->now - t->due_ns > CATCH_UP_NS)
        t->due_ns = stem->now;
    if (stem->out[0].tx.seq < t->cnt)
        qs_stem_wake_at(stem, t->due_ns);
    return sent;
}

static void
load_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_load, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_load = {
    .name    = "load",
    .help    = "sends numbered datagrams at a steady rate",
    .out     = {"net"},
    .must_out = 1u << 0, /* load_poll publishes on it */
    .metrics = load_metric_desc,
    .layout  = load_layout,
    .boot    = load_boot,
    .poll    = load_poll,
    .run     = load_run,
};
/* clang-format on */

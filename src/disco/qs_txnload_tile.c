/* txnload - the lab's transactions: signed, numbered, time-stamped, at a steady rate.

       txnload  ===>  net  ~~~>  load.target : port.tpu

   Out:   requests to send (qs_format.h).  Each transaction is a memo that carries a qs_probe_t,
          signed by keys made from txnload.seed.  Some are spoiled, each way in turn, and some are
          sent twice, as txnload.bad_permille and repeat_permille say.
   Loss:  none: it waits for credit.  The number is the ring's own sequence, so that a restart
          goes on where the ring stands.
   Ends:  stands still after txnload.count. */

#include <arpa/inet.h>

#include "disco/qs_format.h"
#include "disco/qs_lab_txn.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"

#define TXNLOAD_METRICS(COUNTER, GAUGE)                                                            \
    COUNTER(sent, "transactions handed to the net tile")                                           \
    COUNTER(spoiled, "of those: spoiled on purpose")                                               \
    COUNTER(again, "of those: sent for the second time on purpose")                                \
    GAUGE(total, "transactions that are to be sent, 0: no end")

QS_METRICS(txnload, TXNLOAD_METRICS);

#define TARGET_MAX 8u

typedef struct txnload {
    txnload_metrics_t *m;
    u64 gap_ps; /* between two, 10^-12 s */
    u64 due_ns; /* when the next one is due ... */
    u64 due_ps; /* ... and what ns cannot say */
    u64 total;
    u32 bad_permille, repeat_permille;
    qs_send_dst_t dst[TARGET_MAX]; /* transactions go to one after the other */
    u32 dst_cnt;
    u32 last_sz;  /* 0: none */
    u32 last_dst; /* a transaction that is sent again goes where it went before */
    u32 next_dst;
    u8 last[QS_TXN_SZ_MAX];
    qs_lab_txn_t txn;
} txnload_t;

static void *
txnload_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(txnload_t), QS_ALIGN);
}

static int
txnload_boot(void *self, qs_tile_ctx_t *ctx)
{
    txnload_t *t = self;
    qs_config_t const *cfg = ctx->cfg;
    u32 targets = cfg->txnload.targets_cnt;

    for (t->dst_cnt = 0; t->dst_cnt < (targets ? targets : 1); t->dst_cnt++) {
        struct in_addr target;
        char const *text = targets ? cfg->txnload.targets[t->dst_cnt] : cfg->load.target;
        if (inet_pton(AF_INET, text, &target) != 1) {
            snprintf(ctx->err, sizeof(ctx->err), "load.target is not set");
            return -EINVAL;
        }
        t->dst[t->dst_cnt] =
            (qs_send_dst_t){.ip = ntohl(target.s_addr), .port = (u16)cfg->port.tpu};
    }
    t->m = ctx->metrics;
    t->gap_ps = cfg->txnload.rate_tps ? 1000000000000ull / cfg->txnload.rate_tps : 0;
    t->due_ns = qs_clock_now(ctx->clock);
    t->total = cfg->txnload.count;
    t->bad_permille = cfg->txnload.bad_permille;
    t->repeat_permille = cfg->txnload.repeat_permille;
    qs_lab_txn_init(&t->txn, cfg->txnload.seed, cfg->txnload.signers);
    qs_metric_set(&t->m->total, t->total);
    return 0;
}

/* spoil damages a good transaction in the way that belongs to nth, and returns its size. */
static u32
spoil(u8 *bytes, u32 sz, u64 nth)
{
    u8 *signature = bytes + 1;

    switch (nth % 7) {
    case 0: /* another message */
        bytes[sz - 1] ^= 1;
        return sz;
    case 1: /* another S */
        signature[32] ^= 1;
        return sz;
    case 2: /* S >= L */
        memset(signature + 32, 0xff, 32);
        return sz;
    case 3: /* R = the neutral point */
        memset(signature, 0, 32);
        signature[0] = 1;
        return sz;
    case 4:
        return sz - 1;
    case 5:
        bytes[sz] = 0;
        return sz + 1;
    default: /* no such version */
        bytes[0] = 0x82;
        return sz;
    }
}

/* make writes transaction number to out, which has room for one byte more, and returns its size. */
static u32
make(txnload_t *t, u8 *out, u64 number, u64 now)
{
    u64 which = (number * 0x9e3779b97f4a7c15ull >> 32) % 1000; /* a restart would choose the same */

    if (t->last_sz && which >= 1000 - t->repeat_permille) {
        qs_metric_inc(&t->m->again);
        t->next_dst = t->last_dst;
        memcpy(out, t->last, t->last_sz);
        return t->last_sz;
    }
    t->next_dst = (u32)(number % t->dst_cnt);
    u32 sz = qs_lab_txn_make(&t->txn, out, number, now);
    if (which < t->bad_permille) {
        qs_metric_inc(&t->m->spoiled);
        return spoil(out, sz, t->m->spoiled);
    }
    memcpy(t->last, out, sz);
    t->last_sz = sz;
    t->last_dst = t->next_dst;
    return sz;
}

static void
schedule_next(txnload_t *t)
{
    t->due_ps += t->gap_ps;
    t->due_ns += t->due_ps / 1000;
    t->due_ps %= 1000;
}

static u32
txnload_poll(void *self, qs_stem_t *stem)
{
    txnload_t *t = self;
    u32 sent = 0;

    while (sent < QS_BATCH && t->due_ns <= stem->now) {
        u64 number = stem->out[0].tx.seq;
        if (t->total && number >= t->total)
            break;
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            break;
        qs_send_t *req = (qs_send_t *)room;
        u32 sz = make(t, (u8 *)&req->dst[1], number, qs_clock_now(&stem->clock));
        *req = (qs_send_t){.dst_cnt = 1, .src_port_idx = 0, .sz = (u16)sz};
        req->dst[0] = t->dst[t->next_dst];
        qs_stem_publish(stem, 0, 0, qs_send_sz(1, sz), 0, qs_ts_comp(stem->now));
        schedule_next(t);
        sent++;
    }
    qs_metric_set(&t->m->sent, stem->out[0].tx.seq); /* right even if we were killed in between */
    if (stem->now - t->due_ns > 1000000000u && t->due_ns < stem->now)
        t->due_ns = stem->now; /* held up for a second: do not make up for it in one burst */
    if (!t->total || stem->out[0].tx.seq < t->total)
        qs_stem_wake_at(stem, t->due_ns);
    return sent;
}

static void
txnload_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_txnload, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_txnload = {
    .name    = "txnload",
    .help    = "sends signed transactions at a steady rate",
    .out     = {"net"},
    .metrics = txnload_metric_desc,
    .layout  = txnload_layout,
    .boot    = txnload_boot,
    .poll    = txnload_poll,
    .run     = txnload_run,
};
/* clang-format on */

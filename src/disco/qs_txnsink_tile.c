/* txnsink - the end of the lab's transaction line: accounts for what comes out of dedup.

       dedup  ===>  txnsink

   In:    transactions and their descriptors (qs_format.h).  Those of txnload carry a number
          (qs_probe.h) as data of their first instruction: counted once, and timed from its stamp
          to here; others, such as replayed captures, are counted.
   Loss:  none: the link is reliable.  Its account lies in its workspace: a restart forgets nothing.
   Trust: payloads are private copies.  A descriptor that is none, or leads outside, is counted as
          damaged. */

#include "disco/qs_format.h"
#include "disco/qs_probe.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "waltz/codec/qs_txn.h"

#define TXNSINK_METRICS(COUNTER, GAUGE)                                                            \
    COUNTER(received, "different numbered transactions received")                                  \
    COUNTER(repeated, "numbered transactions received again")                                      \
    COUNTER(late, "numbered transactions that came after a higher number")                         \
    COUNTER(damaged, "transactions whose descriptor or number was wrong")                          \
    COUNTER(other, "transactions without a number")                                                \
    COUNTER(votes, "simple votes among them")                                                      \
    COUNTER(signatures, "signatures of all")

QS_METRICS(txnsink, TXNSINK_METRICS);

typedef struct txnsink {
    qs_account_t account; /* first: the lab reads it in the object "state" */
    txnsink_metrics_t *m;
} txnsink_t;

static void *
txnsink_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(txnsink_t), QS_ALIGN);
}

static int
txnsink_boot(void *self, qs_tile_ctx_t *ctx)
{
    txnsink_t *k = self;
    k->m = ctx->metrics;
    return 0;
}

static void
count_probe(txnsink_t *k, qs_probe_t const *p, u64 now)
{
    if (p->check != qs_probe_check(p)) {
        qs_metric_inc(&k->m->damaged);
        return;
    }
    switch (qs_account_add(&k->account, p->number)) {
    case QS_ARRIVAL_REPEATED:
        qs_metric_inc(&k->m->repeated);
        return;
    case QS_ARRIVAL_LATE:
        qs_metric_inc(&k->m->late);
        break;
    case QS_ARRIVAL_NEW:
        break;
    }
    qs_metric_inc(&k->m->received);
    qs_hist_add(&k->account.latency, now > p->sent_ns ? now - p->sent_ns : 0);
}

static void
count_one(txnsink_t *k, u8 const *data, u32 frag_sz, u32 sz, u64 now)
{
    u32 off = qs_txn_desc_off(sz);
    qs_txn_t const *t = (qs_txn_t const *)(data + off);
    qs_probe_t p;

    if (off > frag_sz || !qs_txn_valid(t, frag_sz - off, sz)) {
        qs_metric_inc(&k->m->damaged);
        return;
    }
    qs_metric_add(&k->m->signatures, t->signature_cnt);
    if (qs_txn_is_simple_vote(t))
        qs_metric_inc(&k->m->votes);
    qs_txn_instr_t const *in = t->instr_cnt ? qs_txn_instr(t, 0) : NULL;
    if (!in || in->data_sz < sizeof(p) || qs_load_le64(data + in->data_off) != QS_PROBE_MAGIC) {
        qs_metric_inc(&k->m->other);
        return;
    }
    memcpy(&p, data + in->data_off, sizeof(p));
    count_probe(k, &p, now);
}

static u32
txnsink_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    txnsink_t *k = self;

    for (u32 i = 0; i < b->cnt; i++)
        count_one(k, b->data[i], b->frag[i].sz, b->frag[i].ctl, stem->now);
    return b->cnt;
}

static void
txnsink_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_txnsink, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_txnsink = {
    .name    = "txnsink",
    .help    = "accounts for every transaction that arrives",
    .in      = {{.from = "dedup"}},
    .metrics = txnsink_metric_desc,
    .layout  = txnsink_layout,
    .boot    = txnsink_boot,
    .frag    = txnsink_frag,
    .run     = txnsink_run,
};
/* clang-format on */

#include "app/qs_dev_txn.h"

#include "disco/qs_probe.h"

#define REJECTED "rejected_"

int
qs_dev_txn_configure(qs_config_t *sender, qs_dev_txn_opt_t const *opt)
{
    if (!(opt->bad_percent >= 0 && opt->repeat_percent >= 0 &&
          opt->bad_percent + opt->repeat_percent <= 100)) {
        fprintf(stderr, "quickstep dev: --bad-percent and --repeat-percent: 0..100 together\n");
        return 2;
    }
    if (opt->signers > 11) {
        fprintf(stderr, "quickstep dev: --signers %lu: 1..11\n", opt->signers);
        return 2;
    }
    sender->txnload.count = opt->cnt;
    if (opt->tps)
        sender->txnload.rate_tps = opt->tps;
    if (opt->signers)
        sender->txnload.signers = (u32)opt->signers;
    if (opt->bad_percent > 0)
        sender->txnload.bad_permille = (u32)(opt->bad_percent * 10 + 0.5);
    if (opt->repeat_percent > 0)
        sender->txnload.repeat_permille = (u32)(opt->repeat_percent * 10 + 0.5);
    return 0;
}

static void
add_rejected(void *ctx, qs_attach_metric_t const *m)
{
    qs_dev_txn_t *t = ctx;
    char const *name = m->desc->name;

    if (strcmp(m->group, "verify") || !m->value)
        return;
    if (!strncmp(name, REJECTED, strlen(REJECTED)))
        name += strlen(REJECTED);
    else if (strcmp(name, "shed"))
        return;
    u32 i = 0;
    while (i < t->rejected_cnt && strcmp(t->reason[i].name, name))
        i++; /* another verify tile's */
    if (i == QS_DEV_TXN_REJECTED_MAX)
        return;
    if (i == t->rejected_cnt)
        t->reason[t->rejected_cnt++].name = name;
    t->reason[i].cnt += m->value;
    t->rejected += m->value;
}

static u64
minus(u64 a, u64 b)
{
    return a > b ? a - b : 0;
}

void
qs_dev_txn_take(qs_dev_txn_t *t, qs_attach_t const *from, qs_attach_t const *to)
{
    *t = (qs_dev_txn_t){.sent = qs_attach_sum(from, "txnload", "txnload", "sent") +
                                qs_attach_sum(from, "replay", "replay", "sent"),
                        .spoiled = qs_attach_sum(from, "txnload", "txnload", "spoiled"),
                        .again = qs_attach_sum(from, "txnload", "txnload", "again"),
                        .looked_at = qs_attach_sum(to, "verify", "verify", "frame"),
                        .verified = qs_attach_sum(to, "verify", "verify", "verified"),
                        .damaged = qs_attach_sum(to, "txnsink", "txnsink", "damaged"),
                        .late = qs_attach_sum(to, "txnsink", "txnsink", "late"),
                        .repeated = qs_attach_sum(to, "txnsink", "txnsink", "repeated")};
    u64 dropped = qs_attach_sum(to, "dedup", "dedup", "duplicate");
    t->duplicate = qs_attach_sum(to, "verify", "verify", "duplicate") + dropped;
    t->delivered = qs_attach_sum(to, "txnsink", "txnsink", "received") +
                   qs_attach_sum(to, "txnsink", "txnsink", "other");
    qs_attach_metrics(to, add_rejected, t);
    t->unaccounted = minus(t->verified, dropped + t->delivered + t->repeated + t->damaged);
    t->lost = minus(t->sent, t->verified + t->duplicate - dropped + t->rejected);

    int sink = qs_plan_tile_of(to->plan, "txnsink");
    qs_account_t const *seen =
        sink < 0 ? NULL
                 : qs_attach_at(to, (u32)sink, to->plan->tile[sink].state_off, sizeof(*seen));
    if (seen) {
        t->p50 = qs_hist_percentile(&seen->latency, 500000);
        t->p99 = qs_hist_percentile(&seen->latency, 990000);
    }
}

bool
qs_dev_txn_sent_all(qs_attach_t const *from)
{
    u64 total = qs_attach_sum(from, "txnload", "txnload", "total");
    return total && qs_attach_sum(from, "txnload", "txnload", "sent") >= total;
}

bool
qs_dev_txn_ok(qs_dev_txn_t const *t, u64 counted)
{
    return t->sent && t->lost <= counted && !t->unaccounted && !t->damaged;
}

void
qs_dev_txn_json(qs_dev_txn_t const *t)
{
    printf("\"txns\":{\"sent\":%lu,\"spoiled\":%lu,\"again\":%lu,\"verified\":%lu,"
           "\"duplicate\":%lu,\"rejected\":{",
           t->sent, t->spoiled, t->again, t->verified, t->duplicate);
    for (u32 i = 0; i < t->rejected_cnt; i++)
        printf("%s\"%s\":%lu", i ? "," : "", t->reason[i].name, t->reason[i].cnt);
    printf("},\"lost\":%lu,\"delivered\":%lu},", t->lost, t->delivered);
}

void
qs_dev_txn_text(qs_dev_txn_t const *t)
{
    printf("transactions: sent %lu (spoiled %lu, again %lu), verified %lu, duplicate %lu, "
           "rejected %lu, lost %lu, delivered %lu\n",
           t->sent, t->spoiled, t->again, t->verified, t->duplicate, t->rejected, t->lost,
           t->delivered);
    for (u32 i = 0; i < t->rejected_cnt; i++)
        printf("rejected: %s %lu\n", t->reason[i].name, t->reason[i].cnt);
}

#include "app/qs_dev_report.h"

#include "app/qs_dev_gossip.h"
#include "app/qs_dev_shred.h"

/* add_leader adds where one leader's transactions went. */
static void
add_leader(qs_dev_txn_t *sum, qs_dev_txn_t const *t)
{
    sum->looked_at += t->looked_at;
    sum->verified += t->verified;
    sum->duplicate += t->duplicate;
    sum->rejected += t->rejected;
    for (u32 i = 0; i < t->rejected_cnt; i++) {
        u32 k = 0;
        while (k < sum->rejected_cnt && strcmp(sum->reason[k].name, t->reason[i].name))
            k++;
        if (k == QS_DEV_TXN_REJECTED_MAX)
            continue;
        if (k == sum->rejected_cnt)
            sum->reason[sum->rejected_cnt++].name = t->reason[i].name;
        sum->reason[k].cnt += t->reason[i].cnt;
    }
}

static u64
least_delivered(qs_dev_cluster_t const *c)
{
    u64 least = UINT64_MAX;

    for (u32 i = c->leaders; i < c->members; i++)
        least = qs_min_u64(least, c->blocks[i].account.received);
    return least == UINT64_MAX ? 0 : least;
}

void
qs_dev_cluster_take(qs_dev_cluster_t *c)
{
    qs_dev_node_t const *load = &c->all.node[c->members];
    qs_dev_txn_t *sum = &c->sum;

    *sum = (qs_dev_txn_t){0};
    if (!load->attached)
        return;
    u64 delivered = least_delivered(c); /* before what was sent: it must not seem to be more */
    for (u32 i = 0; i < c->leaders; i++) {
        qs_dev_txn_t t;
        qs_dev_txn_take(&t, &load->attach, &c->all.node[i].attach);
        sum->sent = t.sent;
        sum->spoiled = t.spoiled;
        sum->again = t.again;
        add_leader(sum, &t);
    }
    sum->delivered = delivered;
    u64 known = delivered + sum->duplicate + sum->rejected;
    sum->lost = sum->sent > known ? sum->sent - known : 0;
}

/* follower returns the one whose times are shown. */
static qs_dev_blocks_t const *
follower(qs_dev_cluster_t const *c)
{
    return &c->blocks[c->leaders];
}

void
qs_dev_cluster_progress(qs_dev_cluster_t *c)
{
    qs_dev_blocks_t const *b = follower(c);

    qs_dev_cluster_take(c);
    qs_log(
        &qs_dev_progress,
        "%2lu s: sent %lu, verified %lu, in complete blocks %lu, under way %lu; slot %lu, blocks "
        "%lu, dead %lu; p50 %lu ms",
        c->seconds, c->sum.sent, c->sum.verified, c->sum.delivered, c->sum.lost, b->last_slot,
        b->complete, b->dead, qs_hist_percentile(&b->account.latency, 500000) / 1000000);
}

typedef struct totals {
    u64 complete, dead, lost, unlinked, damaged, missed, in_dead;
    u64 differ; /* blocks that two followers have with different ids */
} totals_t;

/* differ counts the complete blocks that b has otherwise than a. */
static u64
differ(qs_dev_blocks_t const *a, qs_dev_blocks_t const *b)
{
    u32 a_cnt = a->shown_cnt < QS_DEV_BLOCKS_SHOWN ? a->shown_cnt : QS_DEV_BLOCKS_SHOWN;
    u32 b_cnt = b->shown_cnt < QS_DEV_BLOCKS_SHOWN ? b->shown_cnt : QS_DEV_BLOCKS_SHOWN;
    u64 cnt = 0;

    for (u32 i = 0; i < a_cnt; i++)
        for (u32 k = 0; k < b_cnt; k++)
            cnt += a->shown[i].slot && a->shown[i].slot == b->shown[k].slot &&
                   memcmp(a->shown[i].block_id, b->shown[k].block_id, 32) != 0;
    return cnt;
}

/* totals: blocks of the follower that has least, and what went wrong at all of them. */
static totals_t
totals(qs_dev_cluster_t const *c)
{
    totals_t t = {.complete = UINT64_MAX};

    for (u32 i = c->leaders; i < c->members; i++) {
        qs_dev_blocks_t const *b = &c->blocks[i];
        t.complete = qs_min_u64(t.complete, b->complete);
        t.dead += b->dead;
        t.lost += b->lost;
        t.unlinked += b->unlinked;
        t.damaged += b->damaged;
        t.missed += b->missed;
        t.in_dead += b->in_dead;
        t.differ += differ(follower(c), b);
    }
    return t;
}

static void
print_txns_json(qs_dev_cluster_t const *c)
{
    qs_dev_blocks_t const *b = follower(c);

    printf("\"sent\":%lu,\"received\":%lu,\"lost\":%lu,\"reordered\":%lu,", c->sum.sent,
           c->sum.looked_at, c->sum.lost, b->account.late);
    printf("\"latency_p50_ns\":%lu,\"latency_p99_ns\":%lu,",
           qs_hist_percentile(&b->account.latency, 500000),
           qs_hist_percentile(&b->account.latency, 990000));
    printf("\"complete_p50_ns\":%lu,\"complete_p99_ns\":%lu,",
           qs_hist_percentile(&b->complete_in, 500000),
           qs_hist_percentile(&b->complete_in, 990000));
    qs_dev_txn_json(&c->sum);
}

/* A stage is a link on the way: how long its fragments waited until they were read. */
typedef struct stage {
    bool leader;
    char const *link, *what;
} stage_t;

static stage_t const stages[] = {{true, "net_verify", "leader: net to verify"},
                                 {true, "verify_dedup", "leader: verify to dedup"},
                                 {true, "dedup_poh", "leader: dedup to poh"},
                                 {true, "poh_shred", "leader: poh to shred"},
                                 {true, "shred_net", "leader: shred to net"},
                                 {false, "net_shred", "follower: net to shred"},
                                 {false, "shred_store", "follower: shred to store"}};

static qs_hist_t const *
stage_hist(qs_dev_cluster_t const *c, stage_t const *s)
{
    qs_attach_t const *a = &c->all.node[s->leader ? 0 : c->leaders].attach;

    for (u32 i = 0; i < a->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &a->plan->link[i];
        if (!strcmp(l->name, s->link) && l->consumer_cnt)
            return qs_attach_at(a, l->consumer[0], l->latency_off[0], sizeof(qs_hist_t));
    }
    return NULL;
}

static void
print_stages_json(qs_dev_cluster_t const *c)
{
    printf("\"stages\":[");
    for (u32 i = 0; i < QS_COUNT(stages); i++) {
        qs_hist_t const *h = stage_hist(c, &stages[i]);
        if (h)
            printf("%s{\"link\":\"%s\",\"node\":\"%s\",\"p50_ns\":%lu,\"p99_ns\":%lu}",
                   i ? "," : "", stages[i].link, stages[i].leader ? "leader" : "follower",
                   qs_hist_percentile(h, 500000), qs_hist_percentile(h, 990000));
    }
    printf("],");
}

static void
hex(char out[65], u8 const id[32])
{
    for (u32 i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* print_last_blocks shows the last five that were complete. */
static void
print_last_blocks(qs_dev_blocks_t const *b)
{
    u32 first = b->shown_cnt > 5 ? b->shown_cnt - 5 : 0;

    for (u32 i = first; i < b->shown_cnt; i++) {
        qs_dev_shown_t const *s = &b->shown[i % QS_DEV_BLOCKS_SHOWN];
        char id[65];
        if (!s->slot)
            continue;
        hex(id, s->block_id);
        printf("block: slot %lu, parent %lu, %u sets, %u entries, %u transactions, id %.16s..\n",
               s->slot, s->parent_slot, s->sets, s->entries, s->txns, id);
    }
}

static void
print_json(qs_dev_cluster_t const *c, totals_t const *t, bool ok)
{
    qs_attach_t const *a = &c->all.node[c->leaders].attach;

    printf("{\"ok\":%s,\"nodes\":%u,\"leaders\":%u,\"seconds\":%lu,", ok ? "true" : "false",
           c->members, c->leaders, c->seconds);
    qs_dev_provider_json(a);
    printf("\"network\":\"%s\",", qs_lab_level_name(c->all.lab->level));
    print_txns_json(c);
    print_stages_json(c);
    printf("\"gossip\":{\"peers_min\":%u,\"converged_ns\":", c->peers_min);
    if (c->converged_ns == UINT64_MAX)
        printf("null");
    else
        printf("%lu", c->converged_ns);
    printf(",\"nodes\":[");
    for (u32 i = 0; i < c->members; i++) {
        printf("%s", i ? "," : "");
        qs_dev_gossip_node_json(&c->all.node[i], c->sees[i], c->saw_all_ns[i]);
    }
    printf("]},");
    printf(
        "\"blocks\":{\"complete\":%lu,\"dead\":%lu,\"lost\":%lu,\"start_unknown\":%lu,"
        "\"differ\":%lu,\"last_slot\":%lu,\"txns\":%lu,\"txns_in_dead\":%lu,\"txns_damaged\":%lu,"
        "\"records_missed\":%lu}",
        t->complete, t->dead, t->lost, t->unlinked, t->differ, follower(c)->last_slot,
        follower(c)->txns, t->in_dead, t->damaged, t->missed);
    qs_dev_shred_json(a);
    printf("}\n");
}

static void
print_text(qs_dev_cluster_t const *c, totals_t const *t, bool ok)
{
    qs_dev_blocks_t const *b = follower(c);
    qs_attach_t const *a = &c->all.node[c->leaders].attach;

    print_last_blocks(b);
    printf("nodes: %u, of them leaders %u; received by %s\n", c->members, c->leaders,
           qs_dev_provider_text(a));
    if (c->converged_ns != UINT64_MAX)
        printf("gossip: all see all %lu ms after the last start\n", c->converged_ns / 1000000);
    qs_dev_txn_text(&c->sum);
    qs_dev_shred_sum_text(a);
    printf(
        "blocks: complete %lu, dead %lu, given up %lu, without a known parent %lu, last slot %lu\n",
        t->complete, t->dead, t->lost, t->unlinked, b->last_slot);
    if (b->why[0])
        printf("the last that was no good: %s\n", b->why);
    printf(
        "from sent to verified at the follower: p50 %lu ms, p99 %lu ms; in a complete block: p50 "
        "%lu ms, p99 %lu ms\n",
        qs_hist_percentile(&b->account.latency, 500000) / 1000000,
        qs_hist_percentile(&b->account.latency, 990000) / 1000000,
        qs_hist_percentile(&b->complete_in, 500000) / 1000000,
        qs_hist_percentile(&b->complete_in, 990000) / 1000000);
    for (u32 i = 0; i < QS_COUNT(stages); i++) {
        qs_hist_t const *h = stage_hist(c, &stages[i]);
        if (h)
            printf("  %-26s p50 %6lu us, p99 %6lu us\n", stages[i].what,
                   qs_hist_percentile(h, 500000) / 1000, qs_hist_percentile(h, 990000) / 1000);
    }
    if (ok)
        printf("ok: every transaction came out of a complete block, or is accounted for by name\n");
    else
        printf(
            "FAILED: transactions lost %lu, damaged %lu, in blocks that died %lu; records missed "
            "%lu\n",
            c->sum.lost, t->damaged, t->in_dead, t->missed);
}

int
qs_dev_cluster_report(qs_dev_cluster_t const *c)
{
    totals_t t = totals(c);
    bool ok = c->sum.sent && !c->sum.lost && !t.damaged && !t.dead && !t.differ && t.complete;

    if (c->json)
        print_json(c, &t, ok);
    else
        print_text(c, &t, ok);
    return ok ? 0 : 4;
}

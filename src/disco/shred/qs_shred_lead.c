/* The shred tile of a leader: entries become sets, which are signed elsewhere, handed on and sent. */

#include <arpa/inet.h>

#include "disco/shred/qs_shred_state.h"

/* parse_addr reads "ip:port". */
static bool
parse_addr(qs_send_dst_t *dst, char const *text)
{
    char ip[INET_ADDRSTRLEN], *end;
    struct in_addr addr;
    char const *colon = strchr(text, ':');
    if (!colon || colon - text >= (long)sizeof(ip) || colon[1] < '1' || colon[1] > '9')
        return false;
    snprintf(ip, sizeof(ip), "%.*s", (int)(colon - text), text);
    u64 port = strtoul(colon + 1, &end, 10);
    if (inet_pton(AF_INET, ip, &addr) != 1 || !addr.s_addr || *end || port > UINT16_MAX)
        return false;
    *dst = (qs_send_dst_t){.ip = ntohl(addr.s_addr), .port = (u16)port};
    return true;
}

/* has_in says whether the plan joins a producer to this tile. */
static bool
has_in(qs_tile_ctx_t const *ctx, u8 kind)
{
    qs_plan_tile_t const *me = &ctx->plan->tile[ctx->tile];
    for (u32 i = 0; i < me->in_cnt; i++)
        if (me->in_kind[i] == kind)
            return true;
    return false;
}

static bool
has_out(qs_tile_ctx_t const *ctx, u8 kind)
{
    qs_plan_tile_t const *me = &ctx->plan->tile[ctx->tile];
    for (u32 i = 0; i < me->out_cnt; i++)
        if (me->out_kind[i] == kind)
            return true;
    return false;
}

int
qs_shred_lead_boot(qs_shred_state_t *t, qs_tile_ctx_t *ctx)
{
    qs_config_shred_t const *c = &ctx->cfg->shred;
    u64 seed;
    int err = qs_rng_seed_os(&seed);
    if (err)
        return err;
    t->leads = has_in(ctx, QS_SHRED_IN_POH) && !ctx->idx;
    t->loss_permille = ctx->cfg->lab.loss_permille;
    qs_rng_init(&t->rng, seed, 0);
    t->list_cnt = c->broadcast_cnt;
    for (u32 i = 0; i < c->broadcast_cnt; i++)
        if (!parse_addr(&t->list[i], c->broadcast[i])) {
            snprintf(ctx->err, sizeof(ctx->err), "shred.broadcast: '%s' is not ip:port",
                     c->broadcast[i]);
            return -EINVAL;
        }
    if (!t->leads)
        return 0;
    if (!has_out(ctx, QS_SHRED_OUT_SIGN) || !has_in(ctx, QS_SHRED_IN_SIGN)) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "the topology has a leader, but no links shred -> sign and sign -> shred");
        return -EINVAL;
    }
    if (!c->version && !t->cluster.peers) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "shred.version = 0: a leader must know it, and no gossip tile can tell");
        return -EINVAL;
    }
    t->broadcast = qs_broadcast_init(t->broadcast_mem, t->ends, (u16)c->version, c->batch_ticks,
                                     (u32)seed, !ctx->fresh);
    return 0;
}

u32
qs_shred_lead_entries(qs_shred_state_t *t, qs_batch_t const *b)
{
    qs_entry_frag_t head;
    u32 i = 0;
    if (!t->known || !t->broadcast->shredder.version)
        return 0;
    for (; i < b->cnt; i++) {
        u32 sz = b->frag[i].sz < sizeof(head) ? 0 : b->frag[i].sz - (u32)sizeof(head);
        memcpy(&head, b->data[i], sz ? sizeof(head) : 0);
        if (qs_broadcast_add(t->broadcast, &head, b->data[i] + sizeof(head), sz) ==
            QS_BROADCAST_NOT_NOW)
            break;
    }
    return i;
}

/* make_sets makes what can be made and has its signature asked for. */
static u32
make_sets(qs_shred_state_t *t, qs_stem_t *stem)
{
    u32 cnt = 0;
    for (; t->broadcast->closed && qs_stem_prepare(stem, t->sign_out); cnt++) {
        qs_broadcast_set_t *s = qs_broadcast_make(t->broadcast, stem->now);
        if (!s)
            break;
        qs_shred_ask(t, stem, s->tag, s->set.root);
    }
    return cnt;
}

/* whom_to writes where a shred goes, and returns how many that are. */
static u32
whom_to(qs_shred_state_t *t, qs_broadcast_set_t const *s, u32 leaf, qs_send_dst_t *dst)
{
    if (t->list_cnt) {
        memcpy(dst, t->list, t->list_cnt * sizeof(*dst));
        return t->list_cnt;
    }
    bool code = leaf >= QS_SHRED_SET_CNT;
    qs_turbine_id_t id = {.slot = s->head.slot,
                          .idx = s->head.fec_idx + leaf % QS_SHRED_SET_CNT,
                          .code = code,
                          .leader = t->self};
    u32 root = t->cluster.ready ? qs_turbine_root(t->cluster.turbine, &id) : QS_TURBINE_NONE;
    if (root == QS_TURBINE_NONE) {
        qs_metric_inc(&t->m->broadcast_nobody);
        return 0;
    }
    qs_turbine_node_t const *n = qs_turbine_node(t->cluster.turbine, root);
    if (!n->port) {
        qs_metric_inc(&t->m->broadcast_no_address);
        return 0;
    }
    *dst = (qs_send_dst_t){.ip = n->ip, .port = n->port};
    return 1;
}

/* send_shred sends one, or not, and returns false if there is no credit. */
static bool
send_shred(qs_shred_state_t *t, qs_stem_t *stem, qs_broadcast_set_t *s, u32 leaf)
{
    u8 *room = t->net_out == UINT32_MAX ? NULL : qs_stem_prepare(stem, t->net_out);
    qs_send_t *req = (qs_send_t *)(void *)room;
    u32 sz;
    if (!room)
        return t->net_out == UINT32_MAX;
    if (t->loss_permille && qs_rng_bounded(&t->rng, 1000) < t->loss_permille) {
        qs_metric_inc(&t->m->broadcast_dropped);
        return true;
    }
    u8 const *shred = qs_broadcast_shred(s, leaf, &sz);
    u32 cnt = whom_to(t, s, leaf, req->dst);
    if (!cnt)
        return true;
    *req = (qs_send_t){.dst_cnt = (u16)cnt, .src_port_idx = t->src_port_idx, .sz = (u16)sz};
    memcpy(&req->dst[cnt], shred, sz);
    qs_stem_publish(stem, t->net_out, s->head.slot, qs_send_sz(cnt, sz), 0, qs_ts_comp(stem->now));
    qs_metric_inc(&t->m->broadcast_sent);
    return true;
}

/* hand_on publishes and sends the sets that are signed, oldest first.  Neither waits for the other, but the
   room of a set is free only after both. */
static u32
hand_on(qs_shred_state_t *t, qs_stem_t *stem)
{
    u32 did = 0;
    for (qs_broadcast_set_t *s; (s = qs_broadcast_oldest(t->broadcast)); did++) {
        if (!s->stored)
            s->stored = qs_shred_publish_set(t, stem, &s->head, s->set.data);
        while (s->sent < QS_BROADCAST_LEAF_CNT && send_shred(t, stem, s, s->sent))
            s->sent++, did++;
        if (!s->stored || s->sent < QS_BROADCAST_LEAF_CNT)
            break;
        qs_metric_add(&t->m->broadcast_sign_ns, stem->now - s->made_ns);
        qs_broadcast_pop(t->broadcast);
    }
    return did;
}

u32
qs_shred_lead_poll(qs_shred_state_t *t, qs_stem_t *stem)
{
    if (!t->leads)
        return 0;
    if (!t->broadcast->shredder.version) {
        t->broadcast->shredder.version = qs_cluster_own_version(&t->cluster);
        if (!t->broadcast->shredder.version)
            qs_stem_wake_at(stem, stem->now + QS_CLUSTER_NS / 10);
    }
    u32 did = hand_on(t, stem);
    return did + make_sets(t, stem);
}

/* The shred tile of a node in the turbine tree: what it verified goes on to its children. */

#include "disco/shred/qs_shred_state.h"

#define SEEN_DEPTH (1u << 16) /* shreds remembered: some ten seconds of a busy cluster */

u64
qs_shred_relay_footprint(void)
{
    return qs_align_up(sizeof(qs_resign_t), QS_ALIGN) + qs_relay_footprint(SEEN_DEPTH);
}

/* port_idx returns the index of a port by its name, or -1. */
static int
port_idx(qs_plan_t const *plan, char const *name)
{
    for (u32 i = 0; i < plan->port_cnt; i++)
        if (!strcmp(plan->port[i].name, name))
            return (int)i;
    return -1;
}

int
qs_shred_relay_boot(qs_shred_state_t *t, qs_tile_ctx_t *ctx, void *mem, qs_hash_key_t key)
{
    u64 seed;
    int err = qs_rng_seed_os(&seed);
    t->repair_idx = port_idx(ctx->plan, "repair");
    t->relays = ctx->cfg->shred.retransmit;
    t->checks_sender = ctx->cfg->shred.check_retransmitter;
    t->relay_at = t->relay_cnt = 0;
    t->resign = mem;
    qs_resign_init(t->resign, (u32)seed);
    qs_relay_init(&t->relay, (u8 *)mem + qs_align_up(sizeof(qs_resign_t), QS_ALIGN), SEEN_DEPTH,
                  key);
    return err;
}

/* id_of reads what a shred's tree depends on, or says that its leader is not known. */
static bool
id_of(qs_shred_state_t const *t, u8 const *shred, qs_turbine_id_t *id)
{
    id->slot = qs_load_le64(shred + 65);
    id->idx = qs_load_le32(shred + 73);
    id->code = (shred[64] & 0xc0) == 0x40;
    id->leader = qs_leaders_find(&t->leaders, id->slot);
    return id->leader != NULL;
}

void
qs_shred_relay_senders(qs_shred_state_t *t, u32 cnt)
{
    qs_turbine_id_t id;
    for (u32 i = 0; t->checks_sender && t->cluster.ready && i < cnt; i++) {
        qs_resolver_in_t *in = &t->in[i];
        qs_shred_layout_t const *l = in->sz > 64 ? qs_shred_layout(in->data[64]) : NULL;
        if (l && l->resigned && in->sz >= l->sz && in->source != t->repair_idx &&
            id_of(t, in->data, &id))
            in->signer = qs_turbine_resigner(t->cluster.turbine, &id);
    }
}

/* children writes whom a shred goes on to, and returns how many of them have an address. */
static u32
children(qs_shred_state_t *t, u8 const *shred, qs_send_dst_t *dst)
{
    u32 child[QS_TURBINE_FANOUT], cnt = 0;
    qs_turbine_id_t id;
    if (!t->cluster.ready || !id_of(t, shred, &id)) {
        qs_metric_inc(&t->m->relay_no_tree);
        return 0;
    }
    u32 all = qs_turbine_children(t->cluster.turbine, &id, child);
    for (u32 i = 0; i < all; i++) {
        qs_turbine_node_t const *n = qs_turbine_node(t->cluster.turbine, child[i]);
        if (n->port)
            dst[cnt++] = (qs_send_dst_t){.ip = n->ip, .port = n->port};
    }
    if (!cnt)
        qs_metric_inc(&t->m->relay_leaf);
    return cnt;
}

/* write_request makes a request for net, and returns its bytes, 0 if the shred goes to nobody. */
static u32
write_request(qs_shred_state_t *t, u8 *room, u8 const *shred, u32 sz)
{
    qs_send_t *req = (qs_send_t *)(void *)room;
    u32 cnt = children(t, shred, req->dst);
    if (!cnt)
        return 0;
    *req = (qs_send_t){.dst_cnt = (u16)cnt, .src_port_idx = t->src_port_idx, .sz = (u16)sz};
    memcpy(&req->dst[cnt], shred, sz);
    return qs_send_sz(cnt, sz);
}

static void
count_sent(qs_shred_state_t *t, u8 const *request)
{
    qs_metric_inc(&t->m->relay_sent);
    qs_metric_add(&t->m->relay_copies, ((qs_send_t const *)(void const *)request)->dst_cnt);
}

/* resign lets a shred wait for our signature, which is asked for once for each root.  False: no credit. */
static bool
resign(qs_shred_state_t *t, qs_stem_t *stem, qs_resolver_out_t const *out, u8 const *shred, u32 sz)
{
    bool is_new;
    u8 *ask = t->sign_out == UINT32_MAX ? NULL : qs_stem_prepare(stem, t->sign_out);
    u8 *room = qs_resign_room(t->resign);
    if (t->sign_out == UINT32_MAX || !room) {
        qs_metric_inc(&t->m->relay_unsigned);
        return true;
    }
    if (!ask)
        return false;
    u32 request_sz = write_request(t, room, shred, sz);
    if (!request_sz)
        return true;
    qs_resign_root_t const *root = qs_resign_find(t->resign, out->root, &is_new);
    qs_resign_push(t->resign, root, request_sz);
    if (!is_new)
        return true;
    qs_shred_ask(t, stem, root->tag | QS_SHRED_TAG_RESIGN, out->root);
    return true;
}

/* relay_one sends a shred on, if it is to be.  False: no credit, and nothing was remembered. */
static bool
relay_one(qs_shred_state_t *t, qs_stem_t *stem, u32 i)
{
    qs_resolver_in_t const *in = &t->in[i];
    u32 reason = t->out[i].reason;
    if (reason != QS_RESOLVER_R_ADMITTED && reason != QS_RESOLVER_R_LATE)
        return true;
    qs_shred_layout_t const *l = qs_shred_layout(in->data[64]);
    u8 *room = qs_stem_prepare(stem, t->net_out);
    if (!room || (l->resigned && t->sign_out != UINT32_MAX && !qs_stem_prepare(stem, t->sign_out)))
        return false;
    qs_turbine_reason_t why = qs_relay_check(&t->relay, in->data, in->source == t->repair_idx);
    qs_metric_inc(&t->m->turbine[why]);
    if (why)
        return true;
    if (l->resigned)
        return resign(t, stem, &t->out[i], in->data, l->sz);
    u32 sz = write_request(t, room, in->data, l->sz);
    if (!sz)
        return true;
    count_sent(t, room);
    qs_stem_publish(stem, t->net_out, qs_load_le64(in->data + 65), sz, 0, qs_ts_comp(in->ns));
    return true;
}

/* send_resigned sends what is signed by now. */
static u32
send_resigned(qs_shred_state_t *t, qs_stem_t *stem)
{
    u32 did = 0, sz;
    for (u8 const *req; (req = qs_resign_peek(t->resign, &sz)); did++) {
        u8 *room = qs_stem_prepare(stem, t->net_out);
        if (!room)
            break;
        memcpy(room, req, sz);
        count_sent(t, room);
        qs_stem_publish(stem, t->net_out, 0, sz, 0, qs_ts_comp(stem->now));
        qs_resign_pop(t->resign);
    }
    return did;
}

u32
qs_shred_relay_poll(qs_shred_state_t *t, qs_stem_t *stem)
{
    u32 begin = t->relay_at;
    if (t->net_out == UINT32_MAX || !t->relays) {
        t->relay_at = t->relay_cnt;
        return 0;
    }
    u32 did = send_resigned(t, stem);
    while (t->relay_at < t->relay_cnt && relay_one(t, stem, t->relay_at))
        t->relay_at++;
    return did + t->relay_at - begin;
}

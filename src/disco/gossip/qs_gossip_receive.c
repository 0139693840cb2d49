/* What comes in: parse, cheap checks, signatures of the whole batch, then each datagram's effect. */

#include "disco/gossip/qs_gossip_inner.h"

#define WARM_DATAGRAMS 4u
#define WARM_MAX       32u /* values */
#define PONGS_A_SECOND 20u /* to one address */
#define PONGS_ALL_A_SECOND                                                                         \
    1000u /* to all: each costs a signature here, one in the sign tile, a datagram */

typedef struct qs_gossip_work work_t;

static bool
count(qs_gossip_node_t *n, qs_gossip_event_t event)
{
    n->counts.event[event]++;
    return false;
}

static bool
is_self(qs_gossip_node_t const *n, u8 const *pubkey)
{
    return !memcmp(pubkey, n->conf.self.pubkey, 32);
}

bool
qs_gossip_admit(qs_gossip_node_t *n, u32 ip, u64 now_ms)
{
    return qs_admit_take(&n->admit, ip, now_ms) || count(n, QS_GOSSIP_ON_flood);
}

/* same_but_signature says whether a value differs in its signature only from the one that is there: it says
   nothing new, and of two such the hash would decide, so that half of what is forged looked newer. */
static bool
same_but_signature(qs_gossip_node_t const *n, qs_crds_item_t const *item, u32 slot)
{
    u8 const *there = qs_crds_value(&n->table, slot) + QS_CRDS_SIG_SZ;

    return item->sz == n->table.entry[slot].sz &&
           !memcmp(item->value + QS_CRDS_SIG_SZ, there, item->sz - QS_CRDS_SIG_SZ);
}

/* seen_before deals with a value that is there already, byte for byte: nothing of it need be checked. */
static bool
seen_before(qs_gossip_node_t *n, u8 const *data, qs_gossip_msg_t const *msg,
            qs_crds_item_t const *item, u64 now_ms)
{
    bool push = msg->kind == QS_GOSSIP_PUSH;
    u32 slot = qs_crds_find(&n->table, item->label, item->kind, item->index, item->origin);

    if (slot == QS_CRDS_NONE)
        return false;
    qs_crds_entry_t const *e = &n->table.entry[slot];
    if (!memcmp(e->hash, item->hash, 32)) {
        u32 dups = e->push_cnt;
        qs_crds_upsert(&n->table, item, push ? QS_CRDS_BY_PUSH : QS_CRDS_BY_PULL, now_ms, NULL);
        if (push && qs_crds_origin_of(&n->table, data + msg->from_off))
            qs_received_record(&n->received, item->origin, data + msg->from_off, dups ? dups : 1);
        count(n, QS_GOSSIP_ON_duplicate);
        return true;
    }
    if (push && same_but_signature(n, item, slot)) {
        count(n, QS_GOSSIP_ON_resigned);
        return true;
    }
    if (push && !qs_crds_overrides(&n->table, item, slot)) {
        if (qs_crds_origin_of(&n->table, data + msg->from_off))
            qs_received_record(&n->received, item->origin, data + msg->from_off, QS_RECEIVED_STALE);
        count(n, QS_GOSSIP_ON_older);
        return true;
    }
    return false;
}

/* asked_just_now says whether a pair's address is neither proven nor to be asked now: then nothing that
   needs it proven has any effect, and its signature tells nothing. */
static bool
asked_just_now(qs_gossip_node_t const *n, u8 const *pubkey, u32 ip, u16 port, u64 now_ms)
{
    qs_ping_pair_t pair = {.ip = ip, .port = port};
    bool want;

    memcpy(pair.pubkey, pubkey, 32);
    return !qs_ping_check(&n->ping, &pair, now_ms, &want) && qs_ping_owes(&n->ping, &pair, now_ms);
}

/* worth_a_check asks the table about a value that fits. */
static bool
worth_a_check(qs_gossip_node_t *n, u8 const *data, qs_gossip_msg_t const *msg, qs_crds_t const *v,
              u8 const hash[32], u64 now_ms)
{
    qs_crds_item_t item;

    qs_crds_item_make(&item, &n->table, data, v, hash);
    if (is_self(n, item.origin))
        return true;
    if (v->kind != QS_CRDS_CONTACT_INFO) {
        qs_crds_origin_t const *o = qs_crds_origin_of(&n->table, item.origin);
        if (!o || o->contact == QS_CRDS_NONE)
            return count(n, QS_GOSSIP_ON_unknown_origin);
    }
    if (seen_before(n, data, msg, &item, now_ms))
        return false;
    return v->kind != QS_CRDS_CONTACT_INFO ||
           !asked_just_now(n, item.origin, v->contact.gossip_ip, v->contact.gossip_port, now_ms) ||
           count(n, QS_GOSSIP_ON_unproven);
}

/* pongs_to is how many pongs an address was sent in this second. */
static u32 *
pongs_to(qs_gossip_node_t *n, u32 ip, u64 now_ms)
{
    if (n->pong_second != now_ms / 1000) {
        n->pong_second = now_ms / 1000;
        n->pong_all = 0;
        memset(n->pong_cnt, 0, QS_GOSSIP_PONG_SLOTS * sizeof(u32));
    }
    return &n->pong_cnt[qs_hash_u64(&n->table.conf.key, ip) % QS_GOSSIP_PONG_SLOTS];
}

/* may_pong says whether a ping can be answered still; it takes nothing from what is left. */
static bool
may_pong(qs_gossip_node_t *n, u32 ip, u64 now_ms)
{
    return (*pongs_to(n, ip, now_ms) < PONGS_A_SECOND && n->pong_all < PONGS_ALL_A_SECOND) ||
           count(n, QS_GOSSIP_ON_ping_rate);
}

/* worth_an_answer asks, before its signature is checked, whether a good message would have an effect. */
static bool
worth_an_answer(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
                u64 now_ms)
{
    switch (msg->kind) {
    case QS_GOSSIP_PING:
        return may_pong(n, d->src_ip, now_ms);
    case QS_GOSSIP_PULL_REQUEST:
        if (asked_just_now(n, d->data + msg->from_off, d->src_ip, d->src_port, now_ms))
            return count(n, QS_GOSSIP_ON_unproven);
        return qs_gossip_may_answer(n, d, msg, now_ms);
    default:
        return true;
    }
}

/* gather lists what of datagram i is worth a signature; good: what may be. */
static void
gather(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 i, u32 good, u64 now_ms)
{
    qs_gossip_check_t *c = &n->work->check;
    qs_gossip_msg_t const *msg = &c->msg[i];

    if (!qs_gossip_has_values(msg->kind)) {
        if (good & 1 && qs_gossip_check_fit(c, &n->facts, d, i, now_ms) &&
            worth_an_answer(n, &d[i], msg, now_ms))
            qs_gossip_check_add(c, d, i, 0);
        return;
    }
    for (u32 v = 0; v < msg->value_cnt; v++)
        if (good >> v & 1 && qs_gossip_check_fit_value(c, &n->facts, d, i, v, now_ms) &&
            worth_a_check(n, d[i].data, msg, &msg->value[v], c->hash[c->claim_off[i] + v], now_ms))
            qs_gossip_check_add(c, d, i, v);
}

/* kept_long_enough says whether a pulled value is not too old for its origin; spec §6.5. */
static bool
kept_long_enough(qs_gossip_node_t const *n, qs_crds_item_t const *item, u64 now_ms)
{
    qs_crds_origin_t const *o = qs_crds_origin_of(&n->table, item->origin);
    bool long_lived = !n->table.staked_cnt || (o && o->stake);
    u64 ttl = long_lived ? QS_CRDS_STAKED_TTL_MS : QS_CRDS_TTL_MS;

    return now_ms <= item->wallclock + ttl || (o && o->contact != QS_CRDS_NONE);
}

static void
take_value(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
           qs_crds_t const *v, u8 const hash[32], u64 now_ms)
{
    static qs_gossip_event_t const events[] = {
        [QS_CRDS_INSERTED] = QS_GOSSIP_ON_inserted,   [QS_CRDS_REPLACED] = QS_GOSSIP_ON_replaced,
        [QS_CRDS_DUPLICATE] = QS_GOSSIP_ON_duplicate, [QS_CRDS_OLDER] = QS_GOSSIP_ON_older,
        [QS_CRDS_FULL] = QS_GOSSIP_ON_full,           [QS_CRDS_LIMIT] = QS_GOSSIP_ON_limit};
    work_t *w = n->work;
    bool push = msg->kind == QS_GOSSIP_PUSH;
    u8 const *from = d->data + msg->from_off;
    qs_crds_item_t item;

    qs_crds_item_make(&item, &n->table, d->data, v, hash);
    if (is_self(n, item.origin)) {
        n->twin = true; /* only a ContactInfo that began later than we did comes so far */
        return;
    }
    if (v->kind == QS_CRDS_CONTACT_INFO &&
        !qs_gossip_proven(n, item.origin, v->contact.gossip_ip, v->contact.gossip_port, now_ms)) {
        count(n, QS_GOSSIP_ON_unproven);
        return;
    }
    if (!push && !kept_long_enough(n, &item, now_ms)) {
        qs_crds_fail(&n->table, hash, now_ms);
        count(n, QS_GOSSIP_ON_expired);
        return;
    }
    qs_crds_outcome_t outcome =
        qs_crds_upsert(&n->table, &item, push ? QS_CRDS_BY_PUSH : QS_CRDS_BY_PULL, now_ms, NULL);
    count(n, events[outcome]);
    bool fresh = outcome == QS_CRDS_INSERTED || outcome == QS_CRDS_REPLACED;
    if (outcome == QS_CRDS_FULL || outcome == QS_CRDS_LIMIT)
        qs_crds_fail(&n->table, hash, now_ms);
    if (fresh && !push)
        qs_crds_touch(&n->table, item.origin, now_ms);
    if (fresh && push && qs_crds_origin_of(&n->table, from)) {
        qs_received_record(&n->received, item.origin, from, 0);
        memcpy(w->upserted[w->upserted_cnt++], item.origin, 32);
    }
}

static void
take_prune(qs_gossip_node_t *n, u8 const *data, qs_gossip_msg_t const *msg)
{
    u8 const *peer = data + msg->from_off;

    count(n, QS_GOSSIP_ON_prune_taken);
    for (u32 i = 0; i < msg->prune.origin_cnt; i++) {
        u8 const *origin = data + msg->prune.origin_off + 32 * i;
        if (is_self(n, origin))
            continue;
        u64 stake = qs_min_u64(n->own_stake, qs_gossip_stake(n, origin));
        qs_active_prune(&n->active, peer, origin, stake);
    }
}

static void
take_ping(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
          u64 now_ms)
{
    static u8 const no_sig[64];
    struct qs_gossip_unsigned u = {
        .what = QS_UNSIGNED_PONG, .ip = d->src_ip, .port = d->src_port, .sig_off = 68};
    u8 hash[32], preimage[48];

    if (!may_pong(n, d->src_ip, now_ms)) /* others of the same batch may have used it up */
        return;
    ++*pongs_to(n, d->src_ip, now_ms);
    n->pong_all++;
    for (u32 e = 0; e < n->conf.entrypoint_cnt; e++) {
        bool first = !(n->heard >> e & 1) && n->conf.entrypoint[e].ip == d->src_ip &&
                     n->conf.entrypoint[e].port == d->src_port;
        n->heard |= (u32)first << e;
        if (first && !n->peer_cnt) /* once it has our pong it has answers */
            n->next_pull_ms = now_ms + QS_GOSSIP_TICK_MS;
    }
    memcpy(preimage, "SOLANA_PING_PONG", 16);
    memcpy(preimage + 16, d->data + msg->ping.token_off, 32);
    qs_sha256(hash, preimage, sizeof(preimage));
    u.sz = qs_gossip_write_ping(u.data, sizeof(u.data), QS_GOSSIP_PONG, n->conf.self.pubkey, hash,
                                no_sig);
    if (qs_gossip_post(n, &u, QS_GOSSIP_SIGN_PONG, preimage, sizeof(preimage), now_ms))
        count(n, QS_GOSSIP_ON_ping_answered);
}

static void
take_pong(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
          u64 now_ms)
{
    qs_ping_pair_t pair = {.ip = d->src_ip, .port = d->src_port};

    memcpy(pair.pubkey, d->data + msg->from_off, 32);
    bool ok = qs_ping_answer(&n->ping, &pair, d->data + msg->ping.token_off, now_ms);
    count(n, ok ? QS_GOSSIP_ON_pong_taken : QS_GOSSIP_ON_pong_unasked);
    if (ok)
        qs_admit_prove(&n->admit, d->src_ip, now_ms + QS_PING_TTL_MS);
}

/* take_caller answers a pull request, and believes its caller's ContactInfo as if it had been pushed: it
   is signed, of now, and from the address that it names. */
static void
take_caller(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
            u64 now_ms)
{
    qs_crds_t const *v = &msg->value[0];
    qs_crds_item_t item;
    u8 hash[32];

    if (!qs_gossip_proven(n, d->data + msg->from_off, d->src_ip, d->src_port, now_ms)) {
        count(n, QS_GOSSIP_ON_unproven);
        return;
    }
    if (v->contact.gossip_ip == d->src_ip && v->contact.gossip_port == d->src_port) {
        qs_sha256(hash, d->data + v->off, v->sz);
        qs_crds_item_make(&item, &n->table, d->data, v, hash);
        qs_crds_upsert(&n->table, &item, QS_CRDS_BY_PULL, now_ms, NULL);
    }
    qs_gossip_answer(n, d, msg, now_ms);
}

/* take lets a message, or a value in it, have its effect: its signature is good. */
static void
take(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 datagram, u32 value, u64 now_ms)
{
    qs_gossip_check_t const *c = &n->work->check;
    qs_gossip_msg_t const *msg = &c->msg[datagram];

    switch (msg->kind) {
    case QS_GOSSIP_PULL_REQUEST:
        take_caller(n, d, msg, now_ms);
        break;
    case QS_GOSSIP_PRUNE:
        take_prune(n, d->data, msg);
        break;
    case QS_GOSSIP_PING:
        take_ping(n, d, msg, now_ms);
        break;
    case QS_GOSSIP_PONG:
        take_pong(n, d, msg, now_ms);
        break;
    default:
        take_value(n, d, msg, &msg->value[value], c->hash[c->claim_off[datagram] + value], now_ms);
    }
}

static u64
stake_of(void *ctx, u8 const pubkey[32])
{
    return qs_gossip_stake(ctx, pubkey);
}

/* send_prunes tells relayers what they need not send us any more, one origin a message. */
static void
send_prunes(qs_gossip_node_t *n, u64 now_ms)
{
    work_t *w = n->work;
    u8 relayer[QS_RECEIVED_RELAYERS][32], to_sign[QS_GOSSIP_SIGNED_MAX];

    for (u32 i = 0; i < w->upserted_cnt; i++) {
        u8 const *origin = w->upserted[i];
        u32 cnt = qs_received_prune(&n->received, origin, n->own_stake, stake_of, n, relayer);
        for (u32 k = 0; k < cnt; k++) {
            struct qs_gossip_unsigned u = {.what = QS_UNSIGNED_PRUNE};
            qs_contact_t c;
            qs_gossip_prune_t p = {.from = n->conf.self.pubkey,
                                   .dest = relayer[k],
                                   .origins = origin,
                                   .cnt = 1,
                                   .wallclock = now_ms};
            if (!qs_gossip_contact_of(n, relayer[k], &c))
                continue;
            u.ip = c.socket[QS_CONTACT_GOSSIP].ip;
            u.port = c.socket[QS_CONTACT_GOSSIP].port;
            u.sz = qs_gossip_write_prune(u.data, sizeof(u.data), &p, &u.sig_off);
            u32 sz = qs_gossip_prune_to_sign(to_sign, sizeof(to_sign), &p, true);
            qs_gossip_post(n, &u, QS_GOSSIP_SIGN_PRUNE, to_sign, sz, now_ms);
        }
    }
    w->upserted_cnt = 0;
}

/* take_all lets everything take effect whose signature is good. */
static void
take_all(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u64 now_ms)
{
    u32 i, v;

    for (u32 at = 0; qs_gossip_check_next(&n->work->check, &at, &i, &v);)
        take(n, &d[i], i, v, now_ms);
    send_prunes(n, now_ms);
}

/* warm fetches what the checks of some datagrams' values will look at. */
static void
warm(qs_gossip_node_t const *n, u32 first, u64 cnt)
{
    qs_gossip_check_t const *c = &n->work->check;
    u64 label[WARM_MAX];
    u32 label_cnt = 0;

    for (u32 i = first; i < first + cnt; i++) {
        qs_gossip_msg_t const *msg = &c->msg[i];
        for (u32 v = 0; c->live[i] && qs_gossip_has_values(msg->kind) && v < msg->value_cnt; v++) {
            qs_crds_t const *value = &msg->value[v];
            u8 const *origin = c->d[i].data + value->origin_off;
            if (label_cnt == WARM_MAX)
                return;
            label[label_cnt++] = qs_crds_label(&n->table, value->kind, value->index, origin);
            if (value->kind != QS_CRDS_CONTACT_INFO)
                continue;
            qs_ping_pair_t pair = {.ip = value->contact.gossip_ip,
                                   .port = value->contact.gossip_port};
            memcpy(pair.pubkey, origin, 32);
            qs_ping_warm(&n->ping, &pair);
        }
    }
    qs_crds_warm(&n->table, label, label_cnt);
}

void
qs_gossip_receive(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 cnt, u64 now_ms)
{
    qs_gossip_check_t *c = &n->work->check;

    qs_gossip_check_begin(c, d, cnt, false, now_ms);
    for (u32 i = 0; i < cnt; i++) {
        if (i % WARM_DATAGRAMS == 0)
            warm(n, i, qs_min_u64(cnt - i, WARM_DATAGRAMS));
        if (c->live[i])
            gather(n, d, i, UINT32_MAX, now_ms);
    }
    qs_gossip_check_verify(c);
    take_all(n, d, now_ms);
}

void
qs_gossip_receive_verified(qs_gossip_node_t *n, qs_gossip_datagram_t const *d,
                           qs_gossip_verified_t const *verified, u32 cnt, u64 now_ms)
{
    qs_gossip_check_t *c = &n->work->check;

    qs_gossip_check_begin(c, d, cnt, true, now_ms);
    for (u32 i = 0; i < cnt; i++) {
        qs_gossip_verified_t const *known = &verified[i];
        bool values = c->live[i] && qs_gossip_has_values(c->msg[i].kind);
        if (!c->live[i] || (values && known->value_cnt != c->msg[i].value_cnt)) {
            count(n, QS_GOSSIP_ON_garbled);
            continue;
        }
        if (values)
            memcpy(c->hash[c->claim_off[i]], known->hash, 32ul * known->value_cnt);
        gather(n, d, i, known->good, now_ms);
    }
    for (u32 k = 0; k < c->item_cnt; k++)
        c->verdict[k] = QS_ED25519_OK;
    take_all(n, d, now_ms);
}

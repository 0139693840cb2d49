/* What comes in: parse, cheap checks, signatures of the whole batch, then each datagram's effect. */

#include "disco/gossip/qs_gossip_inner.h"

#define PONGS_A_SECOND  20u   /* to one address */
#define KNOWN_RATE      5u    /* datagrams a ms that one proven address may send, ... */
#define KNOWN_BURST     5000u /* ... and at once */
#define STRANGERS_RATE  2u    /* the same for all others together */
#define STRANGERS_BURST 4000u

typedef struct qs_gossip_work work_t;

static bool
count(qs_gossip_node_t *n, qs_gossip_event_t event)
{
    n->event[event]++;
    return false;
}

static void
add_item(work_t *w, u32 datagram, u32 value, u8 const *sig, u8 const *key, u8 const *msg, u32 sz)
{
    u32 i = w->item_cnt++;

    w->item[i] = (qs_ed25519_item_t){.signature = sig, .public_key = key, .msg = msg, .msg_sz = sz};
    w->item_datagram[i] = (u8)datagram;
    w->item_value[i] = (u8)value;
}

static void
add_value(work_t *w, u32 datagram, u32 value, u8 const *data, qs_crds_t const *v)
{
    u8 const *at = data + v->off;
    add_item(w, datagram, value, at, data + v->origin_off, at + QS_CRDS_SIG_SZ,
             v->sz - QS_CRDS_SIG_SZ);
}

static bool
is_self(qs_gossip_node_t const *n, u8 const *pubkey)
{
    return !memcmp(pubkey, n->conf.self.pubkey, 32);
}

static bool
near_now(u64 wallclock, u64 now_ms)
{
    return wallclock + QS_GOSSIP_WINDOW_MS > now_ms && wallclock < now_ms + QS_GOSSIP_WINDOW_MS;
}

static bool
read_contact(u8 const *data, qs_crds_t const *v, qs_contact_t *contact)
{
    return !qs_contact_parse(data + v->body_off, (u32)v->off + v->sz - v->body_off, contact);
}

static struct qs_gossip_sender *
sender_of(qs_gossip_node_t const *n, u32 ip)
{
    return &n->sender[qs_hash_u64(&n->table.conf.key, ip) % QS_GOSSIP_SENDER_SLOTS];
}

bool
qs_gossip_admit(qs_gossip_node_t *n, u32 ip, u64 now_ms)
{
    struct qs_gossip_sender *s = sender_of(n, ip);
    bool known = s->ip == ip && s->proven_ms && now_ms < s->proven_ms + QS_PING_TTL_MS;
    u64 rate = known ? KNOWN_RATE : STRANGERS_RATE, burst = known ? KNOWN_BURST : STRANGERS_BURST;

    s = known ? s : &n->stranger;
    if (now_ms > s->since_ms) {
        s->tokens =
            (u32)qs_min_u64(s->tokens + qs_min_u64(now_ms - s->since_ms, burst) * rate, burst);
        s->since_ms = now_ms;
    }
    if (!s->tokens)
        return count(n, QS_GOSSIP_ON_flood);
    s->tokens--;
    return true;
}

/* may_call says whether a pull request's caller is worth a signature. */
static bool
may_call(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_crds_t const *v, u64 now_ms)
{
    qs_contact_t c;

    if (!read_contact(d->data, v, &c) || is_self(n, c.pubkey))
        return count(n, QS_GOSSIP_ON_own);
    if (c.shred_version != n->conf.self.shred_version)
        return count(n, QS_GOSSIP_ON_shred_version);
    if (!qs_gossip_reachable(n, d->src_ip, d->src_port))
        return count(n, QS_GOSSIP_ON_address);
    if (!near_now(c.wallclock, now_ms))
        return count(n, QS_GOSSIP_ON_caller_window);
    return true;
}

static bool
good_contact(qs_gossip_node_t *n, qs_contact_t const *c)
{
    qs_contact_socket_t s = c->socket[QS_CONTACT_GOSSIP];
    qs_contact_socket_t own = n->conf.self.socket[QS_CONTACT_GOSSIP];

    if (c->shred_version != n->conf.self.shred_version)
        return count(n, QS_GOSSIP_ON_shred_version);
    if (!qs_gossip_reachable(n, s.ip, s.port) || (s.ip == own.ip && s.port == own.port))
        return count(n, QS_GOSSIP_ON_address);
    return true;
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
    if (push && !qs_crds_overrides(&n->table, item, slot)) {
        if (qs_crds_origin_of(&n->table, data + msg->from_off))
            qs_received_record(&n->received, item->origin, data + msg->from_off, QS_RECEIVED_STALE);
        count(n, QS_GOSSIP_ON_older);
        return true;
    }
    return false;
}

/* worth_a_check makes the cheap checks of a pushed or pulled value. */
static bool
worth_a_check(qs_gossip_node_t *n, u8 const *data, qs_gossip_msg_t const *msg, qs_crds_t const *v,
              u8 const hash[32], u64 now_ms)
{
    qs_crds_item_t item;
    qs_contact_t c;
    bool contact = v->kind == QS_CRDS_CONTACT_INFO;

    if (msg->kind == QS_GOSSIP_PUSH && !near_now(v->wallclock, now_ms))
        return count(n, QS_GOSSIP_ON_window);
    qs_crds_item_make(&item, &n->table, data, v, hash);
    if (is_self(n, item.origin)) {
        if (contact && item.outset > n->conf.self.outset)
            return true; /* a twin of ours, if the signature says so */
        return count(n, QS_GOSSIP_ON_own);
    }
    if (contact && (!read_contact(data, v, &c) || !good_contact(n, &c)))
        return false;
    qs_crds_origin_t const *o = contact ? NULL : qs_crds_origin_of(&n->table, item.origin);
    if (!contact && (!o || o->contact == QS_CRDS_NONE))
        return count(n, QS_GOSSIP_ON_unknown_origin);
    return !seen_before(n, data, msg, &item, now_ms);
}

static bool
gather_prune(qs_gossip_node_t *n, u32 i, u8 const *data, qs_gossip_msg_t const *msg, u64 now_ms)
{
    work_t *w = n->work;
    qs_gossip_prune_t p = {.from = data + msg->from_off,
                           .dest = data + msg->prune.dest_off,
                           .origins = data + msg->prune.origin_off,
                           .cnt = msg->prune.origin_cnt,
                           .wallclock = msg->prune.wallclock};

    if (!is_self(n, p.dest))
        return count(n, QS_GOSSIP_ON_prune_other);
    if (msg->prune.wallclock + QS_GOSSIP_PRUNE_MS < now_ms)
        return count(n, QS_GOSSIP_ON_prune_old);
    for (u32 form = 0; form < 2; form++) {
        u8 *room = w->prune[i][form];
        u32 sz = qs_gossip_prune_to_sign(room, QS_GOSSIP_SIGNED_MAX, &p, form);
        add_item(w, i, form, data + msg->prune.sig_off, p.from, room, sz);
    }
    return true;
}

/* gather lists the signatures of a datagram that are worth checking. */
static bool
gather(qs_gossip_node_t *n, u32 i, qs_gossip_datagram_t const *d, u64 now_ms)
{
    work_t *w = n->work;
    qs_gossip_msg_t const *msg = &w->msg[i];
    u32 before = w->item_cnt;

    switch (msg->kind) {
    case QS_GOSSIP_PULL_REQUEST:
        if (may_call(n, d, &msg->value[0], now_ms))
            add_value(w, i, 0, d->data, &msg->value[0]);
        break;
    case QS_GOSSIP_PRUNE:
        gather_prune(n, i, d->data, msg, now_ms);
        break;
    case QS_GOSSIP_PING:
    case QS_GOSSIP_PONG:
        add_item(w, i, 0, d->data + msg->ping.sig_off, d->data + msg->from_off,
                 d->data + msg->ping.token_off, 32);
        break;
    default:
        for (u32 v = 0; v < msg->value_cnt; v++)
            if (worth_a_check(n, d->data, msg, &msg->value[v], w->hash[w->claim_off[i] + v],
                              now_ms))
                add_value(w, i, v, d->data, &msg->value[v]);
    }
    return w->item_cnt != before;
}

static void
parse_all(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 cnt)
{
    work_t *w = n->work;
    u32 claims = 0;

    for (u32 i = 0; i < cnt; i++) {
        qs_gossip_msg_t *msg = &w->msg[i];
        qs_gossip_reason_t reason = qs_gossip_parse(d[i].data, d[i].sz, msg);
        w->live[i] = reason == QS_GOSSIP_ok;
        n->refused[reason]++;
        n->rx_bytes += d[i].sz;
        if (reason)
            continue;
        n->rx[msg->kind]++;
        w->claim_off[i] = (u16)claims;
        if (msg->kind != QS_GOSSIP_PUSH && msg->kind != QS_GOSSIP_PULL_RESPONSE)
            continue;
        for (u32 v = 0; v < msg->value_cnt; v++, claims++)
            w->sha[claims] =
                (qs_sha_msg_t){.out = w->hash[claims],
                               .part = {{d[i].data + msg->value[v].off, msg->value[v].sz}}};
    }
    qs_sha256_batch(w->sha, claims);
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
    qs_contact_t c;

    qs_crds_item_make(&item, &n->table, d->data, v, hash);
    if (is_self(n, item.origin)) {
        n->twin = true; /* only a ContactInfo that began later than we did comes so far */
        return;
    }
    if (v->kind == QS_CRDS_CONTACT_INFO) {
        qs_contact_socket_t s;
        if (!read_contact(d->data, v, &c))
            return;
        s = c.socket[QS_CONTACT_GOSSIP];
        if (!qs_gossip_proven(n, c.pubkey, s.ip, s.port, now_ms)) {
            count(n, QS_GOSSIP_ON_unproven);
            return;
        }
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
    u64 slot = qs_hash_u64(&n->table.conf.key, d->src_ip) % QS_GOSSIP_PONG_SLOTS;

    if (n->pong_second != now_ms / 1000) {
        n->pong_second = now_ms / 1000;
        memset(n->pong_cnt, 0, QS_GOSSIP_PONG_SLOTS * sizeof(u32));
    }
    if (n->pong_cnt[slot] >= PONGS_A_SECOND) {
        count(n, QS_GOSSIP_ON_ping_rate);
        return;
    }
    n->pong_cnt[slot]++;
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
    if (ok) {
        struct qs_gossip_sender *s = sender_of(n, d->src_ip);
        s->ip = d->src_ip;
        s->proven_ms = now_ms;
    }
}

/* take_caller answers a pull request, and believes its caller's ContactInfo as if it had been pushed: it
   is signed, of now, and from the address that it names. */
static void
take_caller(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
            u64 now_ms)
{
    qs_crds_t const *v = &msg->value[0];
    qs_crds_item_t item;
    qs_contact_t c;
    u8 hash[32];

    if (!qs_gossip_proven(n, d->data + msg->from_off, d->src_ip, d->src_port, now_ms)) {
        count(n, QS_GOSSIP_ON_unproven);
        return;
    }
    if (read_contact(d->data, v, &c) && c.socket[QS_CONTACT_GOSSIP].ip == d->src_ip &&
        c.socket[QS_CONTACT_GOSSIP].port == d->src_port) {
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
    work_t *w = n->work;
    qs_gossip_msg_t const *msg = &w->msg[datagram];

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
        take_value(n, d, msg, &msg->value[value], w->hash[w->claim_off[datagram] + value], now_ms);
    }
}

static qs_gossip_event_t
forged(u32 kind)
{
    switch (kind) {
    case QS_GOSSIP_PULL_REQUEST:
        return QS_GOSSIP_ON_caller_signature;
    case QS_GOSSIP_PRUNE:
        return QS_GOSSIP_ON_prune_signature;
    case QS_GOSSIP_PING:
    case QS_GOSSIP_PONG:
        return QS_GOSSIP_ON_ping_signature;
    default:
        return QS_GOSSIP_ON_signature;
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

void
qs_gossip_receive(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 cnt, u64 now_ms)
{
    work_t *w = n->work;

    QS_ASSERT(cnt <= QS_GOSSIP_BATCH);
    parse_all(n, d, cnt);
    w->item_cnt = 0;
    for (u32 i = 0; i < cnt; i++)
        if (w->live[i])
            w->live[i] = gather(n, i, &d[i], now_ms);
    qs_ed25519_verify_batch(w->verdict, w->item, w->item_cnt, QS_ED25519_STRICT);
    for (u32 i = 0; i < w->item_cnt; i++) {
        u32 datagram = w->item_datagram[i];
        bool prune = w->msg[datagram].kind == QS_GOSSIP_PRUNE;
        bool good = w->verdict[i] == QS_ED25519_OK;
        if (prune) /* either form will do */
            good |= w->verdict[++i] == QS_ED25519_OK;
        if (good)
            take(n, &d[datagram], datagram, w->item_value[i], now_ms);
        else
            count(n, forged(w->msg[datagram].kind));
    }
    send_prunes(n, now_ms);
}

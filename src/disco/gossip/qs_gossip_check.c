#include "disco/gossip/qs_gossip_check.h"

typedef qs_gossip_check_t check_t;

char const *
qs_gossip_event_name(qs_gossip_event_t event)
{
    static char const *const names[] = {
#define NAME(arg, name, help) #name,
        QS_GOSSIP_EVENTS(NAME, )
#undef NAME
    };
    return event < QS_GOSSIP_EVENT_CNT ? names[event] : "unknown";
}

bool
qs_gossip_reachable(qs_gossip_facts_t const *f, u32 ip, u16 port)
{
    u32 a = ip >> 24;

    if (!port || a == 0 || a >= 224)
        return false;
    return f->private_ok ||
           !(a == 10 || a == 127 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 16 == 0xa9fe);
}

static bool
refuse(check_t *c, qs_gossip_event_t event)
{
    c->counts->event[event]++;
    return false;
}

static bool
is_self(qs_gossip_facts_t const *f, u8 const *pubkey)
{
    return !memcmp(pubkey, f->pubkey, 32);
}

static bool
near_now(u64 wallclock, u64 now_ms)
{
    return wallclock + QS_GOSSIP_WINDOW_MS > now_ms && wallclock < now_ms + QS_GOSSIP_WINDOW_MS;
}

void
qs_gossip_check_init(check_t *c, qs_gossip_counts_t *counts, u64 seed)
{
    c->counts = counts;
    qs_rng_init(&c->rng, seed, 0);
}

/* grow_wary begins to be so when half of what is borne is used up. */
static void
grow_wary(check_t *c, bool verified, u64 now_ms)
{
    if (now_ms > c->forged_ms) {
        u64 more = qs_min_u64(now_ms - c->forged_ms, QS_GOSSIP_FORGED_BURST);
        c->forged_left =
            (u32)qs_min_u64(c->forged_left + more * QS_GOSSIP_FORGED_RATE, QS_GOSSIP_FORGED_BURST);
        c->forged_ms = now_ms;
    }
    c->wary = !verified && c->forged_left < QS_GOSSIP_FORGED_BURST / 2;
    c->trusted = 0;
    memset(c->rest, 0, sizeof(c->rest));
}

void
qs_gossip_check_begin(check_t *c, qs_gossip_datagram_t const *d, u32 cnt, bool verified, u64 now_ms)
{
    u32 claims = 0;

    QS_ASSERT(cnt <= QS_GOSSIP_BATCH);
    c->item_cnt = 0;
    c->d = d;
    grow_wary(c, verified, now_ms);
    for (u32 i = 0; i < cnt; i++) {
        qs_gossip_msg_t *msg = &c->msg[i];
        qs_gossip_reason_t reason = qs_gossip_parse(d[i].data, d[i].sz, msg);
        c->live[i] = reason == QS_GOSSIP_ok;
        c->counts->refused[reason]++;
        c->counts->rx_bytes += d[i].sz;
        if (reason)
            continue;
        c->counts->rx[msg->kind]++;
        c->claim_off[i] = (u16)claims;
        if (!qs_gossip_has_values(msg->kind))
            continue;
        for (u32 v = 0; v < msg->value_cnt; v++, claims++)
            c->sha[claims] =
                (qs_sha_msg_t){.out = c->hash[claims],
                               .part = {{d[i].data + msg->value[v].off, msg->value[v].sz}}};
    }
    if (!verified)
        qs_sha256_batch(c->sha, claims);
}

/* ---- cheap checks ---- */

/* may_call says whether a pull request's caller is worth a signature. */
static bool
may_call(check_t *c, qs_gossip_facts_t const *f, qs_gossip_datagram_t const *d, qs_crds_t const *v,
         u64 now_ms)
{
    if (is_self(f, d->data + v->origin_off))
        return refuse(c, QS_GOSSIP_ON_own);
    if (v->contact.shred_version != f->shred_version)
        return refuse(c, QS_GOSSIP_ON_shred_version);
    if (!qs_gossip_reachable(f, d->src_ip, d->src_port))
        return refuse(c, QS_GOSSIP_ON_address);
    if (!near_now(v->wallclock, now_ms))
        return refuse(c, QS_GOSSIP_ON_caller_window);
    return true;
}

static bool
may_prune(check_t *c, qs_gossip_facts_t const *f, u8 const *data, qs_gossip_msg_t const *msg,
          u64 now_ms)
{
    if (!is_self(f, data + msg->prune.dest_off))
        return refuse(c, QS_GOSSIP_ON_prune_other);
    if (msg->prune.wallclock + QS_GOSSIP_PRUNE_MS < now_ms)
        return refuse(c, QS_GOSSIP_ON_prune_old);
    return true;
}

bool
qs_gossip_check_fit(check_t *c, qs_gossip_facts_t const *f, qs_gossip_datagram_t const *d, u32 i,
                    u64 now_ms)
{
    switch (c->msg[i].kind) {
    case QS_GOSSIP_PULL_REQUEST:
        return may_call(c, f, &d[i], &c->msg[i].value[0], now_ms);
    case QS_GOSSIP_PRUNE:
        return may_prune(c, f, d[i].data, &c->msg[i], now_ms);
    default:
        return true;
    }
}

static bool
good_contact(check_t *c, qs_gossip_facts_t const *f, qs_contact_brief_t const *who)
{
    bool ours = who->gossip_ip == f->gossip.ip && who->gossip_port == f->gossip.port;

    if (who->shred_version != f->shred_version)
        return refuse(c, QS_GOSSIP_ON_shred_version);
    if (!qs_gossip_reachable(f, who->gossip_ip, who->gossip_port) || ours)
        return refuse(c, QS_GOSSIP_ON_address);
    return true;
}

bool
qs_gossip_check_fit_value(check_t *c, qs_gossip_facts_t const *f, qs_gossip_datagram_t const *d,
                          u32 i, u32 v, u64 now_ms)
{
    qs_crds_t const *value = &c->msg[i].value[v];
    u8 const *data = d[i].data;
    bool contact = value->kind == QS_CRDS_CONTACT_INFO;

    if (c->msg[i].kind == QS_GOSSIP_PUSH && !near_now(value->wallclock, now_ms))
        return refuse(c, QS_GOSSIP_ON_window);
    if (is_self(f, data + value->origin_off)) {
        if (contact && value->contact.outset > f->outset)
            return true; /* a twin of ours, if the signature says so */
        return refuse(c, QS_GOSSIP_ON_own);
    }
    return !contact || good_contact(c, f, &value->contact);
}

/* ---- signatures ---- */

static void
add_item(check_t *c, u32 datagram, u32 value, u8 const *sig, u8 const *key, u8 const *msg, u32 sz)
{
    u32 i = c->item_cnt++;

    c->item[i] = (qs_ed25519_item_t){.signature = sig, .public_key = key, .msg = msg, .msg_sz = sz};
    c->item_datagram[i] = (u8)datagram;
    c->item_value[i] = (u8)value;
}

static void
add_prune(check_t *c, u32 i, u8 const *data, qs_gossip_msg_t const *msg)
{
    qs_gossip_prune_t p = {.from = data + msg->from_off,
                           .dest = data + msg->prune.dest_off,
                           .origins = data + msg->prune.origin_off,
                           .cnt = msg->prune.origin_cnt,
                           .wallclock = msg->prune.wallclock};

    for (u32 form = 0; form < 2; form++) {
        u8 *room = c->prune[i][form];
        u32 sz = qs_gossip_prune_to_sign(room, QS_GOSSIP_SIGNED_MAX, &p, form);
        add_item(c, i, form, data + msg->prune.sig_off, p.from, room, sz);
    }
}

static void
add_value(check_t *c, u8 const *data, u32 i, u32 v)
{
    qs_crds_t const *value = &c->msg[i].value[v];
    u8 const *at = data + value->off;

    add_item(c, i, v, at, data + value->origin_off, at + QS_CRDS_SIG_SZ,
             value->sz - QS_CRDS_SIG_SZ);
}

/* draw puts value v to those of its message that come later, or has it take the place of the one that comes
   first: each is that with the same chance, whatever its place in the message. */
static void
draw(check_t *c, u8 const *data, u32 i, u32 v)
{
    u32 last = c->item_cnt - 1, seen = 1 + (u32)__builtin_popcount(c->rest[i]);

    c->rest[i] |= 1u << v;
    if (qs_rng_bounded(&c->rng, seen + 1))
        return;
    c->rest[i] |= 1u << c->item_value[last];
    c->rest[i] &= ~(1u << v);
    c->item_cnt = last;
    add_value(c, data, i, v);
}

void
qs_gossip_check_add(check_t *c, qs_gossip_datagram_t const *d, u32 i, u32 v)
{
    qs_gossip_msg_t const *msg = &c->msg[i];
    u8 const *data = d[i].data;
    bool listed = c->item_cnt && c->item_datagram[c->item_cnt - 1] == i;

    switch (msg->kind) {
    case QS_GOSSIP_PRUNE:
        add_prune(c, i, data, msg);
        break;
    case QS_GOSSIP_PING:
    case QS_GOSSIP_PONG:
        add_item(c, i, 0, data + msg->ping.sig_off, data + msg->from_off,
                 data + msg->ping.token_off, 32);
        break;
    default:
        if (c->wary && listed)
            draw(c, data, i, v);
        else
            add_value(c, data, i, v);
    }
}

void
qs_gossip_check_verify(check_t *c)
{
    qs_ed25519_verify_batch(c->verdict, c->item, c->item_cnt, QS_ED25519_STRICT);
}

/* second_round lists what was put off and whose first value was good; false: nothing. */
static bool
second_round(check_t *c)
{
    if (!c->wary)
        return false;
    c->wary = false;
    c->item_cnt = 0;
    for (u32 i = 0; i < QS_GOSSIP_BATCH; i++) {
        if (!(c->trusted >> i & 1))
            c->counts->event[QS_GOSSIP_ON_company] += (u32)__builtin_popcount(c->rest[i]);
        for (u32 left = c->trusted >> i & 1 ? c->rest[i] : 0; left; left &= left - 1)
            add_value(c, c->d[i].data, i, (u32)__builtin_ctz(left));
    }
    qs_gossip_check_verify(c);
    return c->item_cnt;
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

/* next_of returns the next of this round whose signature is good. */
static bool
next_of(check_t *c, u32 *at, u32 *i, u32 *v)
{
    while (*at < c->item_cnt) {
        u32 n = (*at)++, kind = c->msg[c->item_datagram[n]].kind;
        bool good = c->verdict[n] == QS_ED25519_OK;
        *i = c->item_datagram[n];
        *v = c->item_value[n];
        if (kind == QS_GOSSIP_PRUNE)
            good |= c->verdict[(*at)++] == QS_ED25519_OK;
        c->trusted |= (u32)good << *i;
        if (good)
            return true;
        c->forged_left -= c->forged_left && qs_gossip_has_values(kind);
        refuse(c, forged(kind));
    }
    return false;
}

bool
qs_gossip_check_next(check_t *c, u32 *at, u32 *i, u32 *v)
{
    if (next_of(c, at, i, v))
        return true;
    if (!second_round(c))
        return false;
    *at = 0;
    return next_of(c, at, i, v);
}

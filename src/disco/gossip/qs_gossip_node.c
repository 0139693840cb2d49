#include "disco/gossip/qs_gossip_inner.h"

char const *
qs_gossip_event_name(qs_gossip_event_t event)
{
    static char const *const names[] = {
#define NAME(name, help) #name,
        QS_GOSSIP_EVENTS(NAME)
#undef NAME
    };
    return event < QS_GOSSIP_EVENT_CNT ? names[event] : "unknown";
}

static qs_crds_conf_t
table_conf(qs_gossip_conf_t const *c, qs_hash_key_t key)
{
    return (qs_crds_conf_t){.value_max = c->value_max,
                            .large_max = c->large_max,
                            .origin_max = c->origin_max,
                            .history_max = c->history_max,
                            .unstaked_max = 8,
                            .key = key};
}

/* place hands out the memory; with mem NULL it only adds up. */
typedef struct parts {
    u8 *table, *ping, *active, *received, *peer, *pong, *work;
} parts_t;

static u64
place(parts_t *p, u8 *mem, qs_gossip_conf_t const *c)
{
    qs_crds_conf_t table = table_conf(c, (qs_hash_key_t){0});
    u64 at = 0;
    u64 const sz[] = {qs_crds_table_footprint(&table),
                      qs_ping_footprint(c->ping_max),
                      qs_active_footprint(),
                      qs_received_footprint(c->received_max),
                      (u64)c->origin_max * sizeof(qs_peer_t),
                      QS_GOSSIP_PONG_SLOTS * sizeof(u32),
                      sizeof(struct qs_gossip_work)};
    u8 **const part[] = {&p->table, &p->ping, &p->active, &p->received,
                         &p->peer,  &p->pong, &p->work};

    for (u32 i = 0; i < QS_COUNT(sz); i++) {
        if (!sz[i])
            return 0;
        *part[i] = mem ? mem + at : NULL;
        at = qs_align_up(at + sz[i], QS_ALIGN);
    }
    return at;
}

u64
qs_gossip_footprint(qs_gossip_conf_t const *conf)
{
    parts_t p;
    return conf->entrypoint_cnt <= QS_GOSSIP_ENTRYPOINT_MAX ? place(&p, NULL, conf) : 0;
}

void
qs_gossip_init(qs_gossip_node_t *n, void *mem, qs_gossip_conf_t const *conf)
{
    parts_t p;

    memset(n, 0, sizeof(*n));
    n->conf = *conf;
    place(&p, mem, conf);
    qs_rng_init(&n->rng, conf->seed, 0);
    qs_hash_key_t key[3];
    for (u32 i = 0; i < 3; i++)
        key[i] = (qs_hash_key_t){qs_rng_u64(&n->rng), qs_rng_u64(&n->rng)};
    qs_crds_conf_t table = table_conf(conf, key[0]);
    qs_crds_table_init(&n->table, p.table, &table);
    qs_ping_init(&n->ping, p.ping, conf->ping_max, key[1]);
    qs_active_init(&n->active, p.active);
    qs_received_init(&n->received, p.received, conf->received_max, key[2]);
    n->peer = (qs_peer_t *)p.peer;
    n->pong_cnt = (u32 *)p.pong;
    n->work = (struct qs_gossip_work *)p.work;
    qs_crds_set_stake(&n->table, conf->self.pubkey, QS_CRDS_PINNED, 0);
}

int
qs_gossip_set_stake(qs_gossip_node_t *n, u8 const pubkey[32], u64 stake, u64 now_ms)
{
    if (!memcmp(pubkey, n->conf.self.pubkey, 32)) {
        n->own_stake = stake;
        return 0;
    }
    return qs_crds_set_stake(&n->table, pubkey, stake, now_ms);
}

u64
qs_gossip_stake(qs_gossip_node_t const *n, u8 const *pubkey)
{
    u64 stake = qs_crds_stake(&n->table, pubkey);
    return stake == QS_CRDS_PINNED ? n->own_stake : stake;
}

bool
qs_gossip_reachable(qs_gossip_node_t const *n, u32 ip, u16 port)
{
    u32 a = ip >> 24;

    if (!port || a == 0 || a == 127 || a >= 224)
        return false;
    return n->conf.private_ok ||
           !(a == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 16 == 0xa9fe);
}

bool
qs_gossip_contact_of(qs_gossip_node_t const *n, u8 const *pubkey, qs_contact_t *contact)
{
    qs_crds_origin_t const *o = qs_crds_origin_of(&n->table, pubkey);

    if (!o || o->contact == QS_CRDS_NONE)
        return false;
    u32 head = QS_CRDS_SIG_SZ + 4;
    u8 const *value = qs_crds_value(&n->table, o->contact);
    return !qs_contact_parse(value + head, n->table.entry[o->contact].sz - head, contact);
}

void
qs_gossip_emit(qs_gossip_node_t *n, qs_gossip_kind_t kind, u32 ip, u16 port, u8 const *data, u32 sz)
{
    n->tx[kind]++;
    n->tx_bytes += sz;
    n->conf.send(n->conf.ctx, ip, port, data, sz);
}

bool
qs_gossip_signed(qs_gossip_node_t *n, qs_gossip_role_t role, u8 const *data, u32 sz, u8 sig[64])
{
    bool ok = n->conf.sign(n->conf.ctx, role, data, sz, sig);

    n->event[QS_GOSSIP_ON_not_signed] += !ok;
    return ok;
}

void
qs_gossip_ask(qs_gossip_node_t *n, u8 const *pubkey, u32 ip, u16 port, u64 now_ms)
{
    qs_ping_pair_t pair = {.ip = ip, .port = port};
    u8 token[32], sig[64], out[QS_GOSSIP_PING_SZ];

    memcpy(pair.pubkey, pubkey, 32);
    memcpy(token, "SOLANA_PING_PONG", 16);
    qs_store_le64(token + 16, qs_rng_u64(&n->rng));
    qs_store_le64(token + 24, qs_rng_u64(&n->rng));
    if (!qs_ping_ask(&n->ping, &pair, token, now_ms) ||
        !qs_gossip_signed(n, QS_GOSSIP_SIGN_PING, token, sizeof(token), sig))
        return;
    u32 sz =
        qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, n->conf.self.pubkey, token, sig);
    qs_gossip_emit(n, QS_GOSSIP_PING, ip, port, out, sz);
}

bool
qs_gossip_proven(qs_gossip_node_t *n, u8 const *pubkey, u32 ip, u16 port, u64 now_ms)
{
    qs_ping_pair_t pair = {.ip = ip, .port = port};
    bool want;

    memcpy(pair.pubkey, pubkey, 32);
    bool ok = qs_ping_check(&n->ping, &pair, now_ms, &want);
    if (want)
        qs_gossip_ask(n, pubkey, ip, port, now_ms);
    return ok;
}

/* sign_value puts a signature before data, which lies at value + 64, and hashes the whole. */
static bool
sign_value(qs_gossip_node_t *n, u8 *value, u32 data_sz, u8 hash[32])
{
    if (!qs_gossip_signed(n, QS_GOSSIP_SIGN_VALUE, value + QS_CRDS_SIG_SZ, data_sz, value))
        return false;
    qs_sha256(hash, value, QS_CRDS_SIG_SZ + data_sz);
    return true;
}

u32
qs_gossip_own_contact(qs_gossip_node_t *n, u8 *value, u32 room_sz, u64 now_ms, u8 hash[32])
{
    qs_contact_t self = n->conf.self;

    self.wallclock = now_ms;
    u32 sz = qs_contact_write(&self, value + QS_CRDS_SIG_SZ, room_sz - QS_CRDS_SIG_SZ);
    return sz && sign_value(n, value, sz, hash) ? QS_CRDS_SIG_SZ + sz : 0;
}

static bool
keep_own(qs_gossip_node_t *n, u8 const *value, u32 sz, u8 const hash[32], u64 now_ms)
{
    qs_crds_t v;
    qs_crds_item_t item;

    if (!sz || qs_crds_parse(value, sz, &v))
        return false;
    qs_crds_item_make(&item, &n->table, value, &v, hash);
    qs_crds_outcome_t outcome = qs_crds_upsert(&n->table, &item, QS_CRDS_LOCAL, now_ms, NULL);
    return outcome == QS_CRDS_INSERTED || outcome == QS_CRDS_REPLACED;
}

bool
qs_gossip_say(qs_gossip_node_t *n, u8 const *data, u32 sz, u64 now_ms)
{
    u8 value[QS_GOSSIP_MTU], hash[32];

    if (sz > QS_CRDS_LARGE_SZ - QS_CRDS_SIG_SZ)
        return false;
    memcpy(value + QS_CRDS_SIG_SZ, data, sz);
    return sign_value(n, value, sz, hash) && keep_own(n, value, QS_CRDS_SIG_SZ + sz, hash, now_ms);
}

bool
qs_gossip_refresh(qs_gossip_node_t *n, u64 now_ms)
{
    u8 value[QS_CRDS_SMALL_SZ], hash[32];
    u32 sz = qs_gossip_own_contact(n, value, sizeof(value), now_ms, hash);

    return keep_own(n, value, sz, hash, now_ms);
}

#include "disco/gossip/qs_gossip_inner.h"

#define UNSIGNED_MS 1000u /* a signature that takes longer will not come */

typedef struct qs_gossip_unsigned unsigned_t;

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
    u8 *table, *ping, *active, *received, *peer, *pong, *asker, *sender, *work, *unsigned_;
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
                      QS_GOSSIP_ASKER_SLOTS * sizeof(struct qs_gossip_bucket),
                      qs_admit_footprint(),
                      sizeof(struct qs_gossip_work),
                      QS_GOSSIP_UNSIGNED_MAX * sizeof(struct qs_gossip_unsigned)};
    u8 **const part[] = {&p->table, &p->ping,  &p->active, &p->received, &p->peer,
                         &p->pong,  &p->asker, &p->sender, &p->work,     &p->unsigned_};

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
    n->unsigned_cnt = (u32)qs_rng_u64(&n->rng); /* no answer to an earlier life is taken for ours */
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
    n->asker = (struct qs_gossip_bucket *)(void *)p.asker;
    qs_admit_init(&n->admit, p.sender, key[0]);
    n->work = (struct qs_gossip_work *)(void *)p.work;
    qs_gossip_check_init(&n->work->check, &n->counts, qs_rng_u64(&n->rng));
    n->unsigned_ = (struct qs_gossip_unsigned *)p.unsigned_;
    n->facts = (qs_gossip_facts_t){.outset = conf->self.outset,
                                   .gossip = conf->self.socket[QS_CONTACT_GOSSIP],
                                   .shred_version = conf->self.shred_version,
                                   .private_ok = conf->private_ok};
    memcpy(n->facts.pubkey, conf->self.pubkey, 32);
    qs_crds_set_stake(&n->table, conf->self.pubkey, QS_CRDS_PINNED, 0);
}

bool
qs_gossip_entrypoint(qs_gossip_node_t *n, u32 idx, u32 ip, u16 port)
{
    if (idx > n->conf.entrypoint_cnt || idx == QS_GOSSIP_ENTRYPOINT_MAX)
        return false;
    if (idx < n->conf.entrypoint_cnt && n->conf.entrypoint[idx].ip == ip &&
        n->conf.entrypoint[idx].port == port)
        return false;
    n->conf.entrypoint[idx].ip = ip;
    n->conf.entrypoint[idx].port = port;
    n->conf.entrypoint_cnt += idx == n->conf.entrypoint_cnt;
    n->heard &= ~(1u << idx);
    n->next_entrypoint_ms = 0;
    return true;
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
qs_gossip_contact_in(qs_gossip_node_t const *n, u32 slot, qs_contact_t *contact)
{
    u32 head = QS_CRDS_SIG_SZ + 4;
    u8 const *value = qs_crds_value(&n->table, slot);

    return n->table.entry[slot].kind == QS_CRDS_CONTACT_INFO &&
           !qs_contact_parse(value + head, n->table.entry[slot].sz - head, contact);
}

bool
qs_gossip_contact_of(qs_gossip_node_t const *n, u8 const *pubkey, qs_contact_t *contact)
{
    qs_crds_origin_t const *o = qs_crds_origin_of(&n->table, pubkey);

    return o && o->contact != QS_CRDS_NONE && qs_gossip_contact_in(n, o->contact, contact);
}

void
qs_gossip_emit(qs_gossip_node_t *n, qs_gossip_kind_t kind, u32 ip, u16 port, u8 const *data, u32 sz)
{
    n->tx[kind]++;
    n->tx_bytes += sz;
    n->conf.send(n->conf.ctx, ip, port, data, sz);
}

/* ---- signatures ---- */

bool
qs_gossip_post(qs_gossip_node_t *n, unsigned_t const *u, qs_gossip_role_t role, u8 const *to_sign,
               u32 to_sign_sz, u64 now_ms)
{
    u32 tag = ++n->unsigned_cnt ? n->unsigned_cnt : ++n->unsigned_cnt; /* never 0 */
    unsigned_t *slot = &n->unsigned_[tag % QS_GOSSIP_UNSIGNED_MAX];

    if (slot->tag && now_ms - slot->since_ms < UNSIGNED_MS) {
        n->counts.event[QS_GOSSIP_ON_not_signed]++;
        return false;
    }
    *slot = *u;
    slot->tag = tag;
    slot->since_ms = now_ms;
    if (n->conf.sign(n->conf.ctx, tag, role, to_sign, to_sign_sz))
        return true;
    slot->tag = 0;
    n->counts.event[QS_GOSSIP_ON_not_signed]++;
    return false;
}

/* keep_own puts a value of ours into the table. */
static void
keep_own(qs_gossip_node_t *n, u8 const *value, u32 sz, u64 now_ms)
{
    qs_crds_t v;
    qs_crds_item_t item;
    u8 hash[32];

    if (qs_crds_parse(value, sz, &v))
        return;
    qs_sha256(hash, value, sz);
    qs_crds_item_make(&item, &n->table, value, &v, hash);
    qs_crds_upsert(&n->table, &item, QS_CRDS_LOCAL, now_ms, NULL);
}

void
qs_gossip_signed(qs_gossip_node_t *n, u32 tag, u8 const sig[64], u64 now_ms)
{
    unsigned_t *u = &n->unsigned_[tag % QS_GOSSIP_UNSIGNED_MAX];

    if (!tag || u->tag != tag)
        return;
    u->tag = 0;
    memcpy(u->data + u->sig_off, sig, 64);
    if (u->what < QS_UNSIGNED_CALLER) {
        qs_gossip_emit(n, (qs_gossip_kind_t)u->what, u->ip, u->port, u->data, u->sz);
        return;
    }
    if (u->what != QS_UNSIGNED_CALLER)
        keep_own(n, u->data, u->sz, now_ms);
    if (u->what != QS_UNSIGNED_VALUE) {
        memcpy(n->own, u->data, u->sz);
        n->own_sz = u->sz;
    }
}

void
qs_gossip_refresh(qs_gossip_node_t *n, bool say, u64 now_ms)
{
    qs_contact_t self = n->conf.self;
    unsigned_t u = {.what = say ? QS_UNSIGNED_SELF : QS_UNSIGNED_CALLER};

    self.wallclock = now_ms;
    u32 sz = qs_contact_write(&self, u.data + QS_CRDS_SIG_SZ, QS_CRDS_SMALL_SZ - QS_CRDS_SIG_SZ);
    u.sz = QS_CRDS_SIG_SZ + sz;
    qs_gossip_post(n, &u, QS_GOSSIP_SIGN_VALUE, u.data + QS_CRDS_SIG_SZ, sz, now_ms);
}

bool
qs_gossip_say(qs_gossip_node_t *n, u8 const *data, u32 sz, u64 now_ms)
{
    unsigned_t u = {.what = QS_UNSIGNED_VALUE, .sz = QS_CRDS_SIG_SZ + sz};

    if (sz > QS_CRDS_LARGE_SZ - QS_CRDS_SIG_SZ)
        return false;
    memcpy(u.data + QS_CRDS_SIG_SZ, data, sz);
    return qs_gossip_post(n, &u, QS_GOSSIP_SIGN_VALUE, data, sz, now_ms);
}

void
qs_gossip_ask(qs_gossip_node_t *n, u8 const *pubkey, u32 ip, u16 port, u64 now_ms)
{
    static u8 const no_sig[64];
    qs_ping_pair_t pair = {.ip = ip, .port = port};
    unsigned_t u = {.what = QS_UNSIGNED_PING, .ip = ip, .port = port, .sig_off = 68};
    u8 token[32];

    memcpy(pair.pubkey, pubkey, 32);
    memcpy(token, "SOLANA_PING_PONG", 16);
    qs_store_le64(token + 16, qs_rng_u64(&n->rng));
    qs_store_le64(token + 24, qs_rng_u64(&n->rng));
    if (!qs_ping_ask(&n->ping, &pair, token, now_ms))
        return;
    u.sz = qs_gossip_write_ping(u.data, sizeof(u.data), QS_GOSSIP_PING, n->conf.self.pubkey, token,
                                no_sig);
    qs_gossip_post(n, &u, QS_GOSSIP_SIGN_PING, token, sizeof(token), now_ms);
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

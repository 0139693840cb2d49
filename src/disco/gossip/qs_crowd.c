#include "disco/gossip/qs_crowd.h"

#include "disco/gossip/qs_bloom.h"
#include "disco/gossip/qs_gossip_node.h"
#include "waltz/crypto/qs_sha256.h"

#define PER_MEMBER   (1u + QS_CROWD_EXTRA)
#define SIGN_MAX     64u /* ContactInfos of one tick */
#define ANSWER_MAX   16u /* datagrams that answer one pull request */
#define ASK_MS       20u /* between two pull requests of anybody's */
#define PRUNE_ONE_OF 8u  /* pushed values */
#define MASK_BITS    7u
#define FILTER_ITEMS 1500u

typedef struct qs_crowd_member member_t;
typedef struct qs_crowd_value value_t;

u64
qs_crowd_footprint(u32 cnt)
{
    if (!cnt || cnt > QS_CROWD_MAX)
        return 0;
    return cnt * (sizeof(member_t) + PER_MEMBER * sizeof(value_t));
}

/* sign_value completes a value whose data lies behind where its signature goes. */
static void
sign_value(qs_crowd_t *c, u32 who, value_t *v, u32 data_sz)
{
    member_t const *m = &c->member[who];

    qs_ed25519_sign(v->data, v->data + QS_CRDS_SIG_SZ, data_sz, m->pubkey, m->secret);
    v->sz = QS_CRDS_SIG_SZ + data_sz;
    qs_sha256(v->hash, v->data, v->sz);
}

static void
refresh(qs_crowd_t *c, u32 who, u64 now_ms)
{
    qs_contact_t self = {.wallclock = now_ms,
                         .outset = c->outset_us,
                         .shred_version = c->conf.shred_version,
                         .client = QS_GOSSIP_CLIENT};
    value_t *v = &c->value[who * PER_MEMBER];

    memcpy(self.pubkey, c->member[who].pubkey, 32);
    self.socket[QS_CONTACT_GOSSIP] = (qs_contact_socket_t){c->conf.base_ip + who, c->conf.port};
    self.socket[QS_CONTACT_TVU] = self.socket[QS_CONTACT_GOSSIP];
    self.socket[QS_CONTACT_TVU].port++;
    v->said_ms = 0;
    sign_value(c, who, v,
               qs_contact_write(&self, v->data + QS_CRDS_SIG_SZ, sizeof(v->data) - QS_CRDS_SIG_SZ));
}

void
qs_crowd_init(qs_crowd_t *c, void *mem, qs_crowd_conf_t const *conf, u64 now_ms)
{
    *c = (qs_crowd_t){.conf = *conf, .member = mem, .begun_ms = now_ms, .outset_us = now_ms * 1000};
    c->value = (value_t *)(c->member + conf->cnt);
    qs_rng_init(&c->rng, conf->seed, 0);
    for (u32 i = 0; i < conf->cnt; i++) {
        for (u32 k = 0; k < 4; k++)
            qs_store_le64(c->member[i].secret + 8 * k, qs_rng_u64(&c->rng));
        qs_ed25519_public_key(c->member[i].pubkey, c->member[i].secret);
        refresh(c, i, now_ms);
        for (u32 k = 1; k < PER_MEMBER; k++) {
            value_t *v = &c->value[i * PER_MEMBER + k];
            u8 bits[16];
            qs_store_le64(bits, qs_rng_u64(&c->rng));
            qs_store_le64(bits + 8, qs_rng_u64(&c->rng));
            u32 sz = qs_crds_write_epoch_slots(v->data + QS_CRDS_SIG_SZ,
                                               sizeof(v->data) - QS_CRDS_SIG_SZ,
                                               c->member[i].pubkey, (u8)k, 1000, bits, 128, now_ms);
            sign_value(c, i, v, sz);
        }
    }
}

/* ---- of themselves ---- */

/* ask sends one pull request, with a filter of all that the crowd says in a partition. */
static void
ask(qs_crowd_t *c)
{
    u8 out[QS_GOSSIP_MTU];
    u32 who = (u32)qs_rng_bounded(&c->rng, c->conf.cnt), bits = qs_bloom_bits(FILTER_ITEMS, 7168);
    u64 mask = qs_rng_u64(&c->rng) | UINT64_MAX >> MASK_BITS, low = UINT64_MAX >> MASK_BITS;
    qs_bloom_t b = {.word = c->word, .bit_cnt = bits, .key_cnt = qs_bloom_keys(bits, FILTER_ITEMS)};
    value_t const *caller = &c->value[who * PER_MEMBER];
    u32 words = (bits + 63) / 64;

    for (u32 k = 0; k < b.key_cnt; k++)
        b.key[k] = qs_rng_u64(&c->rng);
    memset(c->word, 0, 8ul * words);
    for (u32 i = 0; i < c->conf.cnt * PER_MEMBER; i++)
        if ((qs_load_le64(c->value[i].hash) | low) == mask)
            qs_bloom_add(&b, c->value[i].hash);
    qs_gossip_filter_out_t filter = {.key = b.key,
                                     .key_cnt = b.key_cnt,
                                     .word = b.word,
                                     .word_cnt = words,
                                     .bit_cnt = bits,
                                     .bits_set = b.set_cnt,
                                     .mask = mask,
                                     .mask_bits = MASK_BITS};
    u32 sz = qs_gossip_write_pull_request(out, sizeof(out), &filter, caller->data, caller->sz);
    if (sz)
        c->conf.send(c->conf.ctx, c->conf.base_ip + who, out, sz);
}

u32
qs_crowd_tick(qs_crowd_t *c, u64 now_ms)
{
    u64 passed = now_ms - c->begun_ms;
    u64 due = passed * c->conf.cnt / QS_GOSSIP_REFRESH_MS;
    u8 out[QS_GOSSIP_MTU];
    u32 sz = 0, did = 0, from = 0;

    for (; c->refreshed < due && did < SIGN_MAX; c->refreshed++, did++) {
        u32 who = (u32)(c->refreshed % c->conf.cnt);
        value_t const *v = &c->value[who * PER_MEMBER];
        refresh(c, who, now_ms);
        c->value[who * PER_MEMBER].said_ms = now_ms;
        u32 more = sz ? qs_gossip_add_value(out, sizeof(out), sz, v->data, v->sz) : 0;
        if (!more) {
            if (sz)
                c->conf.send(c->conf.ctx, c->conf.base_ip + from, out, sz);
            from = who;
            sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PUSH, c->member[who].pubkey);
            more = qs_gossip_add_value(out, sizeof(out), sz, v->data, v->sz);
        }
        sz = more;
    }
    if (sz)
        c->conf.send(c->conf.ctx, c->conf.base_ip + from, out, sz);
    if (due - c->refreshed > c->conf.cnt)
        c->refreshed = due - c->conf.cnt; /* held up: nobody is refreshed twice to make up for it */
    for (; c->asked < passed / ASK_MS && did < 2 * SIGN_MAX; c->asked++, did++)
        ask(c);
    c->pushed += did;
    return did;
}

/* ---- answers ---- */

static void
pong(qs_crowd_t *c, u32 who, u8 const token[32])
{
    member_t const *m = &c->member[who];
    u8 out[QS_GOSSIP_PING_SZ], hash[32], sig[64];

    qs_gossip_pong_hash(hash, token);
    qs_ed25519_sign(sig, hash, 32, m->pubkey, m->secret);
    u32 sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PONG, m->pubkey, hash, sig);
    c->conf.send(c->conf.ctx, c->conf.base_ip + who, out, sz);
    c->pongs++;
}

static void
serve(qs_crowd_t *c, u32 who, u8 const *data, qs_gossip_msg_t const *msg)
{
    qs_gossip_filter_t const *f = &msg->filter;
    qs_bloom_view_t bloom = {.key = data + f->key_off,
                             .word = data + f->word_off,
                             .key_cnt = f->key_cnt,
                             .bit_cnt = f->bit_cnt};
    u64 low = UINT64_MAX >> f->mask_bits, mask = f->mask | low;
    u8 out[QS_GOSSIP_MTU];
    u8 const *own = c->member[who].pubkey;
    u32 sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PULL_RESPONSE, own), empty = sz;
    u32 cnt = c->conf.cnt * PER_MEMBER, sent = 0;
    u32 first = (u32)qs_rng_bounded(&c->rng, cnt);

    for (u32 n = 0; n < cnt && sent < ANSWER_MAX; n++) {
        value_t const *v = &c->value[(first + n) % cnt];
        if ((qs_load_le64(v->hash) | low) != mask || qs_bloom_contains(&bloom, v->hash))
            continue;
        u32 more = qs_gossip_add_value(out, sizeof(out), sz, v->data, v->sz);
        if (!more) {
            c->conf.send(c->conf.ctx, c->conf.base_ip + who, out, sz);
            sent++;
            sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PULL_RESPONSE, own);
            more = qs_gossip_add_value(out, sizeof(out), sz, v->data, v->sz);
        }
        sz = more;
    }
    if (sz > empty && sent < ANSWER_MAX)
        c->conf.send(c->conf.ctx, c->conf.base_ip + who, out, sz);
    c->answers++;
}

/* prune tells the target that who does not want an origin's values from it. */
static void
prune(qs_crowd_t *c, u32 who, u8 const *dest, u8 const *origin, u64 now_ms)
{
    member_t const *m = &c->member[who];
    qs_gossip_prune_t p = {
        .from = m->pubkey, .dest = dest, .origins = origin, .cnt = 1, .wallclock = now_ms};
    u8 out[256], to_sign[256];
    u32 sig_off, sz = qs_gossip_write_prune(out, sizeof(out), &p, &sig_off);
    u32 sign_sz = qs_gossip_prune_to_sign(to_sign, sizeof(to_sign), &p, true);

    qs_ed25519_sign(out + sig_off, to_sign, sign_sz, m->pubkey, m->secret);
    c->conf.send(c->conf.ctx, c->conf.base_ip + who, out, sz);
    c->prunes++;
}

/* heard notes how long a member's newest ContactInfo was on its way to another one. */
static void
heard(qs_crowd_t *c, u8 const *data, qs_crds_t const *v, u64 now_ms)
{
    if (v->kind != QS_CRDS_CONTACT_INFO)
        return;
    u32 idx = v->contact.gossip_ip - c->conf.base_ip;
    value_t *own = idx < c->conf.cnt ? &c->value[idx * PER_MEMBER] : NULL;
    if (!own || !own->said_ms || memcmp(own->data, data + v->off, QS_CRDS_SIG_SZ))
        return;
    c->spread_cnt++;
    c->spread_ms += now_ms - own->said_ms;
    own->said_ms = 0;
}

void
qs_crowd_receive(qs_crowd_t *c, u32 to_ip, u8 const *data, u32 sz, u64 now_ms)
{
    u32 who = to_ip - c->conf.base_ip;
    qs_gossip_msg_t msg;

    if (who >= c->conf.cnt || qs_gossip_parse(data, sz, &msg))
        return;
    c->received++;
    switch (msg.kind) {
    case QS_GOSSIP_PING:
        pong(c, who, data + msg.ping.token_off);
        break;
    case QS_GOSSIP_PULL_REQUEST:
        serve(c, who, data, &msg);
        break;
    case QS_GOSSIP_PUSH:
        for (u32 v = 0; v < msg.value_cnt; v++)
            heard(c, data, &msg.value[v], now_ms);
        for (u32 v = 0; v < msg.value_cnt; v++)
            if (!qs_rng_bounded(&c->rng, PRUNE_ONE_OF))
                prune(c, who, data + msg.from_off, data + msg.value[v].origin_off, now_ms);
        break;
    default:
        break;
    }
}

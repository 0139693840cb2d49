#include "disco/gossip/qs_hostile.h"

#include "disco/gossip/qs_gossip_node.h"

#define HOUR_MS 3600000u

typedef struct qs_hostile_sample sample_t;

void
qs_hostile_init(qs_hostile_t *h, qs_crowd_t const *crowd, u32 base_ip, u64 seed)
{
    memset(h, 0, sizeof(*h));
    h->crowd = crowd;
    h->base_ip = base_ip;
    qs_rng_init(&h->rng, seed, 0);
    for (u32 k = 0; k < 4; k++)
        qs_store_le64(h->secret + 8 * k, qs_rng_u64(&h->rng));
    qs_ed25519_public_key(h->pubkey, h->secret);
}

static u32
any_member(qs_hostile_t *h)
{
    return (u32)qs_rng_bounded(&h->rng, h->crowd->conf.cnt);
}

static u32
any_stranger(qs_hostile_t *h)
{
    return h->base_ip + (u32)qs_rng_bounded(&h->rng, QS_HOSTILE_STRANGERS);
}

static struct qs_crowd_value const *
contact_of(qs_hostile_t const *h, u32 member)
{
    return &h->crowd->value[member * (1 + QS_CROWD_EXTRA)];
}

/* ---- samples: what takes a signature of its own ---- */

/* contact writes a ContactInfo of the enemy's, signed. */
static u32
contact(qs_hostile_t *h, u8 *value, u32 ip, u64 wallclock)
{
    qs_contact_t c = {
        .wallclock = wallclock, .outset = 1, .shred_version = h->crowd->conf.shred_version};
    u8 *data = value + QS_CRDS_SIG_SZ;

    memcpy(c.pubkey, h->pubkey, 32);
    c.socket[QS_CONTACT_GOSSIP] = (qs_contact_socket_t){ip, h->crowd->conf.port};
    u32 sz = qs_contact_write(&c, data, QS_GOSSIP_MTU - QS_CRDS_SIG_SZ);
    qs_ed25519_sign(value, data, sz, h->pubkey, h->secret);
    return QS_CRDS_SIG_SZ + sz;
}

static void
make_push(qs_hostile_t *h, sample_t *s, u32 ip, u64 wallclock)
{
    u8 value[QS_GOSSIP_MTU];
    u32 value_sz = contact(h, value, ip, wallclock);

    s->sz = qs_gossip_write_values(s->data, sizeof(s->data), QS_GOSSIP_PUSH, h->pubkey);
    s->sz = qs_gossip_add_value(s->data, sizeof(s->data), s->sz, value, value_sz);
}

static void
make_ping(qs_hostile_t *h, sample_t *s)
{
    u8 token[32], sig[64];

    for (u32 k = 0; k < 4; k++)
        qs_store_le64(token + 8 * k, qs_rng_u64(&h->rng));
    qs_ed25519_sign(sig, token, sizeof(token), h->pubkey, h->secret);
    s->sz = qs_gossip_write_ping(s->data, sizeof(s->data), QS_GOSSIP_PING, h->pubkey, token, sig);
}

/* make_pull asks for a partition without knowing anything of it. */
static void
make_pull(qs_hostile_t *h, sample_t *s, u8 const *caller, u32 caller_sz)
{
    u64 key = 1, word = 0;
    qs_gossip_filter_out_t filter = {.key = &key,
                                     .key_cnt = 1,
                                     .word = &word,
                                     .word_cnt = 1,
                                     .bit_cnt = 64,
                                     .mask = qs_rng_u64(&h->rng) | UINT64_MAX >> QS_GOSSIP_MASK_MIN,
                                     .mask_bits = QS_GOSSIP_MASK_MIN};

    s->sz = qs_gossip_write_pull_request(s->data, sizeof(s->data), &filter, caller, caller_sz);
}

static void
make_prune(qs_hostile_t *h, sample_t *s, u64 now_ms)
{
    u8 to_sign[QS_GOSSIP_SIGNED_MAX];
    qs_gossip_prune_t p = {.from = h->pubkey,
                           .dest = h->crowd->member[any_member(h)].pubkey,
                           .origins = h->crowd->member[any_member(h)].pubkey,
                           .cnt = 1,
                           .wallclock = now_ms};
    u32 sig_off;

    s->sz = qs_gossip_write_prune(s->data, sizeof(s->data), &p, &sig_off);
    u32 sz = qs_gossip_prune_to_sign(to_sign, sizeof(to_sign), &p, true);
    qs_ed25519_sign(s->data + sig_off, to_sign, sz, h->pubkey, h->secret);
}

static void
make_samples(qs_hostile_t *h, u64 now_ms)
{
    u8 value[QS_GOSSIP_MTU];

    for (u32 i = 0; i < QS_HOSTILE_SAMPLES; i++) {
        make_ping(h, &h->sample[QS_HOSTILE_REPLAYED][i]);
        make_ping(h, &h->sample[QS_HOSTILE_REPLAYED_STRANGER][i]);
        u32 sz = contact(h, value, any_stranger(h), now_ms);
        make_pull(h, &h->sample[QS_HOSTILE_UNPROVEN][i], value, sz);
        make_push(h, &h->sample[QS_HOSTILE_LYING][i], any_stranger(h), now_ms + i);
        make_push(h, &h->sample[QS_HOSTILE_UNTIMELY][i], any_stranger(h),
                  i & 1 ? now_ms + HOUR_MS : now_ms - HOUR_MS);
        make_prune(h, &h->sample[QS_HOSTILE_FOREIGN][i], now_ms);
        make_pull(h, &h->sample[QS_HOSTILE_GREEDY][i], contact_of(h, 0)->data,
                  contact_of(h, 0)->sz);
    }
    h->made_ms = now_ms;
}

/* ---- what is made each time ---- */

static u32
forge(qs_hostile_t *h)
{
    u32 sz = qs_gossip_write_values(h->out, sizeof(h->out), QS_GOSSIP_PUSH,
                                    h->crowd->member[any_member(h)].pubkey);

    for (;;) {
        struct qs_crowd_value const *v = contact_of(h, any_member(h));
        u32 more = qs_gossip_add_value(h->out, sizeof(h->out), sz, v->data, v->sz);
        if (!more)
            return sz;
        h->out[sz + qs_rng_bounded(&h->rng, 32)] ^= (u8)(1 + qs_rng_bounded(&h->rng, 255));
        sz = more;
    }
}

/* forge_newer claims what members have not said yet. */
static u32
forge_newer(qs_hostile_t *h, u64 now_ms)
{
    u32 sz = qs_gossip_write_values(h->out, sizeof(h->out), QS_GOSSIP_PUSH,
                                    h->crowd->member[any_member(h)].pubkey);

    for (;;) {
        u32 who = any_member(h);
        u8 value[QS_CROWD_VALUE_SZ];
        qs_contact_t c = {.wallclock = now_ms,
                          .outset = h->crowd->outset_us,
                          .shred_version = h->crowd->conf.shred_version,
                          .client = QS_GOSSIP_CLIENT};
        memcpy(c.pubkey, h->crowd->member[who].pubkey, 32);
        c.socket[QS_CONTACT_GOSSIP] =
            (qs_contact_socket_t){h->crowd->conf.base_ip + who, h->crowd->conf.port};
        memcpy(value, contact_of(h, any_member(h))->data, QS_CRDS_SIG_SZ); /* of something else */
        u32 data_sz = qs_contact_write(&c, value + QS_CRDS_SIG_SZ, sizeof(value) - QS_CRDS_SIG_SZ);
        u32 more = qs_gossip_add_value(h->out, sizeof(h->out), sz, value, QS_CRDS_SIG_SZ + data_sz);
        if (!more)
            return sz;
        sz = more;
    }
}

static u32
garble(qs_hostile_t *h)
{
    u32 sz = (u32)qs_rng_bounded(&h->rng, QS_GOSSIP_MTU + 1);

    for (u32 i = 0; i + 8 <= sz; i += 8)
        qs_store_le64(h->out + i, qs_rng_u64(&h->rng));
    return sz;
}

static bool
is_strangers(u32 kind)
{
    return kind == QS_HOSTILE_FORGED_STRANGER || kind == QS_HOSTILE_REPLAYED_STRANGER ||
           kind == QS_HOSTILE_UNPROVEN || kind == QS_HOSTILE_LYING || kind == QS_HOSTILE_GARBAGE;
}

u32
qs_hostile_make(qs_hostile_t *h, u64 now_ms, u8 const **data, u32 *from_ip)
{
    u32 kind = h->next++ % QS_HOSTILE_KIND_CNT, sz;

    if (now_ms >= h->made_ms + QS_HOSTILE_NEW_MS)
        make_samples(h, now_ms);
    *from_ip = is_strangers(kind) ? any_stranger(h) : h->crowd->conf.base_ip + any_member(h);
    *data = h->out;
    if (kind == QS_HOSTILE_FORGED || kind == QS_HOSTILE_FORGED_STRANGER) {
        sz = forge(h);
    } else if (kind == QS_HOSTILE_NEWER) {
        sz = forge_newer(h, now_ms);
    } else if (kind == QS_HOSTILE_GARBAGE) {
        sz = garble(h);
    } else {
        sample_t const *s = &h->sample[kind][qs_rng_bounded(&h->rng, QS_HOSTILE_SAMPLES)];
        *data = s->data;
        sz = s->sz;
    }
    if (kind == QS_HOSTILE_GREEDY)
        *from_ip = h->crowd->conf.base_ip;
    if (is_strangers(kind))
        h->sent[*from_ip - h->base_ip] += sz;
    return sz;
}

void
qs_hostile_received(qs_hostile_t *h, u32 to_ip, u32 sz)
{
    if (to_ip - h->base_ip < QS_HOSTILE_STRANGERS)
        h->got[to_ip - h->base_ip] += sz;
}

u32
qs_hostile_over(qs_hostile_t const *h)
{
    u32 cnt = 0;

    for (u32 i = 0; i < QS_HOSTILE_STRANGERS; i++)
        cnt += h->got[i] > h->sent[i];
    return cnt;
}

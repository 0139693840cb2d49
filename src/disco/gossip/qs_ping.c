#include "disco/gossip/qs_ping.h"

#include "waltz/codec/qs_gossip.h"

typedef struct qs_ping_entry entry_t;

u64
qs_ping_footprint(u32 pair_max)
{
    if (!qs_is_pow2(pair_max) || pair_max < QS_PING_WAY || pair_max > 1u << 24)
        return 0;
    return (u64)pair_max * (sizeof(entry_t) + sizeof(struct qs_ping_rate));
}

void
qs_ping_init(qs_ping_t *p, void *mem, u32 pair_max, qs_hash_key_t key)
{
    *p = (qs_ping_t){.entry = mem,
                     .rate = (void *)((u8 *)mem + (u64)pair_max * sizeof(entry_t)),
                     .set_mask = pair_max / QS_PING_WAY - 1,
                     .rate_mask = pair_max - 1,
                     .key = key};
}

static entry_t *
set_of(qs_ping_t const *p, qs_ping_pair_t const *pair)
{
    u64 words[5];

    memcpy(words, pair->pubkey, 32);
    words[4] = (u64)pair->ip << 16 | pair->port;
    return p->entry + (qs_hash_words(&p->key, words, 5) & p->set_mask) * QS_PING_WAY;
}

void
qs_ping_warm(qs_ping_t const *p, qs_ping_pair_t const *pair)
{
    u8 const *set = (u8 const *)set_of(p, pair);

    for (u32 at = 0; at < QS_PING_WAY * sizeof(entry_t); at += 64)
        __builtin_prefetch(set + at);
}

static entry_t *
find(qs_ping_t const *p, qs_ping_pair_t const *pair)
{
    entry_t *set = set_of(p, pair);

    for (u32 i = 0; i < QS_PING_WAY; i++)
        if (set[i].used && set[i].ip == pair->ip && set[i].port == pair->port &&
            !memcmp(set[i].pubkey, pair->pubkey, 32))
            return &set[i];
    return NULL;
}

static bool
proven(entry_t const *e, u64 now_ms)
{
    return e->answered && now_ms - e->answered_ms < QS_PING_TTL_MS;
}

bool
qs_ping_check(qs_ping_t const *p, qs_ping_pair_t const *pair, u64 now_ms, bool *want)
{
    entry_t const *e = find(p, pair);
    bool ok = e && proven(e, now_ms);

    *want = !ok || now_ms - e->answered_ms >= QS_PING_REFRESH_MS;
    return ok;
}

bool
qs_ping_owes(qs_ping_t const *p, qs_ping_pair_t const *pair, u64 now_ms)
{
    entry_t const *e = find(p, pair);
    return e && e->asked && now_ms - e->asked_ms < QS_PING_RETRY_MS;
}

/* victim finds the place for a new pair, or NULL. */
static entry_t *
victim(qs_ping_t const *p, qs_ping_pair_t const *pair, u64 now_ms)
{
    entry_t *set = set_of(p, pair), *found = NULL;

    for (u32 i = 0; i < QS_PING_WAY; i++) {
        entry_t *e = &set[i];
        if (!e->used)
            return e;
        if (proven(e, now_ms) || now_ms - e->asked_ms < QS_PING_RETRY_MS)
            continue;
        if (!found || e->asked_ms < found->asked_ms)
            found = e;
    }
    return found;
}

static bool
within_rate(qs_ping_t *p, u32 ip, u64 now_ms)
{
    struct qs_ping_rate *r = &p->rate[qs_hash_u64(&p->key, ip) & p->rate_mask];

    if (r->second != now_ms / 1000)
        *r = (struct qs_ping_rate){.second = now_ms / 1000};
    return r->cnt < QS_PING_RATE && ++r->cnt;
}

bool
qs_ping_ask(qs_ping_t *p, qs_ping_pair_t const *pair, u8 const token[32], u64 now_ms)
{
    entry_t *e = find(p, pair);

    if (e && e->asked && now_ms - e->asked_ms < QS_PING_RETRY_MS)
        return false;
    if (!e)
        e = victim(p, pair, now_ms);
    if (!e) {
        p->refused++;
        return false;
    }
    if (!within_rate(p, pair->ip, now_ms)) {
        p->slowed++;
        return false;
    }
    if (!e->used || memcmp(e->pubkey, pair->pubkey, 32) || e->ip != pair->ip ||
        e->port != pair->port) {
        *e = (entry_t){.used = true, .ip = pair->ip, .port = pair->port};
        memcpy(e->pubkey, pair->pubkey, 32);
    }
    qs_gossip_pong_hash(e->hash, token);
    e->asked = true;
    e->asked_ms = now_ms;
    return true;
}

bool
qs_ping_answer(qs_ping_t *p, qs_ping_pair_t const *pair, u8 const hash[32], u64 now_ms)
{
    entry_t *e = find(p, pair);

    if (!e || !e->asked || memcmp(e->hash, hash, 32))
        return false;
    e->asked = false;
    e->answered = true;
    e->answered_ms = now_ms;
    return true;
}

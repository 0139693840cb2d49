#include "disco/gossip/qs_active.h"

typedef struct qs_active_entry entry_t;

u64
qs_active_footprint(void)
{
    return (u64)QS_ACTIVE_BUCKETS * QS_ACTIVE_PEERS * QS_ACTIVE_BITS / 8;
}

void
qs_active_init(qs_active_t *a, void *mem)
{
    memset(a, 0, sizeof(*a));
    a->word = mem;
    for (u32 e = 0; e < QS_ACTIVE_BUCKETS; e++)
        for (u32 i = 0; i < QS_ACTIVE_PEERS; i++)
            a->entry[e].peer[i].filter = i;
}

u32
qs_active_bucket(u64 stake)
{
    u64 sol = stake / QS_LAMPORTS_A_SOL;
    u32 bits = sol ? qs_log2(sol) + 1 : 0;

    return bits < QS_ACTIVE_BUCKETS - 1 ? bits : QS_ACTIVE_BUCKETS - 1;
}

static qs_bloom_t
filter_of(qs_active_t const *a, u32 bucket, u32 i)
{
    entry_t const *e = &a->entry[bucket];
    u32 f = e->peer[i].filter;
    qs_bloom_t b = {
        .word = a->word[bucket * QS_ACTIVE_PEERS + f], .key_cnt = 3, .bit_cnt = QS_ACTIVE_BITS};

    memcpy(b.key, e->key[f], sizeof(e->key[f]));
    return b;
}

static bool
has(entry_t const *e, u8 const *pubkey)
{
    for (u32 i = 0; i < e->cnt; i++)
        if (!memcmp(e->peer[i].pubkey, pubkey, 32))
            return true;
    return false;
}

static u64
weight_of(qs_peer_t const *p, u32 bucket)
{
    u32 b = qs_active_bucket(p->stake);
    u64 w = (b < bucket ? b : bucket) + 1;

    return w * w;
}

/* draw returns a candidate that the entry has not, by weight, or cnt if it has all. */
static u32
draw(entry_t const *e, u32 bucket, qs_peer_t const *candidates, u32 cnt, qs_rng_t *rng)
{
    u64 sum = 0;

    for (u32 i = 0; i < cnt; i++)
        sum += has(e, candidates[i].pubkey) ? 0 : weight_of(&candidates[i], bucket);
    if (!sum)
        return cnt;
    u64 at = qs_rng_u64(rng) % sum;
    for (u32 i = 0; i < cnt; i++) {
        u64 w = has(e, candidates[i].pubkey) ? 0 : weight_of(&candidates[i], bucket);
        if (at < w)
            return i;
        at -= w;
    }
    return cnt;
}

/* take_out moves the peer at i behind the others, its filter with it. */
static void
take_out(entry_t *e, u32 i)
{
    qs_active_peer_t gone = e->peer[i];

    memmove(&e->peer[i], &e->peer[i + 1], (e->cnt - 1 - i) * sizeof(gone));
    e->peer[--e->cnt] = gone;
}

static void
add(qs_active_t *a, u32 bucket, qs_peer_t const *p, qs_rng_t *rng)
{
    entry_t *e = &a->entry[bucket];

    if (e->cnt == QS_ACTIVE_PEERS)
        take_out(e, 0);
    u32 i = e->cnt++;
    memcpy(e->peer[i].pubkey, p->pubkey, 32);
    e->peer[i].ip = p->ip;
    e->peer[i].port = p->port;
    for (u32 k = 0; k < 3; k++)
        e->key[e->peer[i].filter][k] = qs_rng_u64(rng);
    qs_bloom_t b = filter_of(a, bucket, i);
    memset(b.word, 0, QS_ACTIVE_BITS / 8);
    qs_bloom_add(&b, p->pubkey); /* what it says itself does not go back to it */
}

u32
qs_active_rotate(qs_active_t *a, u32 bucket, qs_peer_t const *candidates, u32 cnt, qs_rng_t *rng)
{
    entry_t *e = &a->entry[bucket];
    u32 added = 0;

    do {
        u32 i = draw(e, bucket, candidates, cnt, rng);
        if (i == cnt)
            break;
        add(a, bucket, &candidates[i], rng);
        added++;
    } while (e->cnt < QS_ACTIVE_PEERS);
    return added;
}

void
qs_active_remove(qs_active_t *a, u8 const pubkey[32])
{
    for (u32 b = 0; b < QS_ACTIVE_BUCKETS; b++)
        for (u32 i = 0; i < a->entry[b].cnt; i++)
            if (!memcmp(a->entry[b].peer[i].pubkey, pubkey, 32))
                take_out(&a->entry[b], i--);
}

u32
qs_active_targets(qs_active_t const *a, u8 const origin[32], u64 stake, bool own,
                  qs_active_peer_t const *target[QS_ACTIVE_FANOUT])
{
    u32 bucket = qs_active_bucket(stake), cnt = 0;
    entry_t const *e = &a->entry[bucket];

    for (u32 i = 0; i < e->cnt && cnt < QS_ACTIVE_FANOUT; i++) {
        qs_bloom_t b = filter_of(a, bucket, i);
        qs_bloom_view_t view = qs_bloom_view(&b);
        if (own || !qs_bloom_contains(&view, origin))
            target[cnt++] = &e->peer[i];
    }
    return cnt;
}

void
qs_active_prune(qs_active_t *a, u8 const peer[32], u8 const origin[32], u64 stake)
{
    u32 bucket = qs_active_bucket(stake);
    entry_t const *e = &a->entry[bucket];

    for (u32 i = 0; i < e->cnt; i++) {
        if (memcmp(e->peer[i].pubkey, peer, 32))
            continue;
        qs_bloom_t b = filter_of(a, bucket, i);
        qs_bloom_add(&b, origin);
    }
}

#include "disco/gossip/qs_received.h"

#define NONE UINT32_MAX

typedef struct qs_received_origin origin_t;
typedef struct qs_received_relayer relayer_t;

static u32
buckets_for(u32 origin_max)
{
    u32 p = 2;
    while (p < 2 * origin_max)
        p *= 2;
    return p;
}

u64
qs_received_footprint(u32 origin_max)
{
    if (!origin_max || origin_max > 1u << 20)
        return 0;
    return (u64)origin_max * sizeof(origin_t) + buckets_for(origin_max) * sizeof(u32);
}

void
qs_received_init(qs_received_t *r, void *mem, u32 origin_max, qs_hash_key_t hash)
{
    *r = (qs_received_t){.origin = mem,
                         .bucket = (void *)((u8 *)mem + (u64)origin_max * sizeof(origin_t)),
                         .origin_max = origin_max,
                         .bucket_mask = buckets_for(origin_max) - 1,
                         .newest = NONE,
                         .oldest = NONE,
                         .hash = hash};
}

static u32 *
bucket_of(qs_received_t *r, u8 const *key)
{
    u64 words[4];

    memcpy(words, key, 32);
    return &r->bucket[qs_hash_words(&r->hash, words, 4) & r->bucket_mask];
}

static void
unlist(qs_received_t *r, u32 i)
{
    origin_t *o = &r->origin[i];

    *(o->newer == NONE ? &r->newest : &r->origin[o->newer].older) = o->older;
    *(o->older == NONE ? &r->oldest : &r->origin[o->older].newer) = o->newer;
}

static void
list_newest(qs_received_t *r, u32 i)
{
    r->origin[i].newer = NONE;
    r->origin[i].older = r->newest;
    *(r->newest == NONE ? &r->oldest : &r->origin[r->newest].newer) = i;
    r->newest = i;
}

static void
forget(qs_received_t *r, u32 i)
{
    u32 *at = bucket_of(r, r->origin[i].key);

    while (*at != i + 1)
        at = &r->origin[*at - 1].next;
    *at = r->origin[i].next;
    unlist(r, i);
}

/* find returns the record of an origin; if it has none and add is set, a new one. */
static origin_t *
find(qs_received_t *r, u8 const *key, bool add)
{
    u32 *bucket = bucket_of(r, key);

    for (u32 at = *bucket; at; at = r->origin[at - 1].next)
        if (!memcmp(r->origin[at - 1].key, key, 32))
            return &r->origin[at - 1];
    if (!add)
        return NULL;
    u32 i = r->origin_cnt;
    if (i < r->origin_max)
        r->origin_cnt++;
    else
        forget(r, i = r->oldest);
    origin_t *o = &r->origin[i];
    o->upserts = o->relayer_cnt = 0;
    memcpy(o->key, key, 32);
    o->next = *bucket;
    *bucket = i + 1;
    list_newest(r, i);
    return o;
}

static relayer_t *
relayer_of(origin_t *o, u8 const *key, bool add)
{
    for (u32 i = 0; i < o->relayer_cnt; i++)
        if (!memcmp(o->relayer[i].key, key, 32))
            return &o->relayer[i];
    if (!add || o->relayer_cnt == QS_RECEIVED_RELAYERS)
        return NULL;
    relayer_t *rel = &o->relayer[o->relayer_cnt++];
    memcpy(rel->key, key, 32);
    rel->score = 0;
    return rel;
}

void
qs_received_record(qs_received_t *r, u8 const origin[32], u8 const relayer[32], u32 dups)
{
    origin_t *o = find(r, origin, true);
    u32 i = (u32)(o - r->origin);

    if (r->newest != i) {
        unlist(r, i);
        list_newest(r, i);
    }
    o->upserts += dups == 0;
    relayer_t *rel = relayer_of(o, relayer, true);
    if (rel && dups < QS_RECEIVED_KEEP)
        rel->score++;
}

typedef struct ranked {
    u32 i, score;
    u64 stake;
} ranked_t;

static int
by_worth(void const *a, void const *b)
{
    ranked_t const *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->stake == y->stake ? 0 : x->stake > y->stake ? -1 : 1;
}

u32
qs_received_prune(qs_received_t *r, u8 const origin[32], u64 own_stake,
                  qs_received_stake_fn stake_of, void *ctx, u8 relayer[QS_RECEIVED_RELAYERS][32])
{
    origin_t *o = find(r, origin, false);
    ranked_t rank[QS_RECEIVED_RELAYERS];
    u32 cnt = 0;

    if (!o || o->upserts < QS_RECEIVED_UPSERTS)
        return 0;
    for (u32 i = 0; i < o->relayer_cnt; i++)
        rank[i] = (ranked_t){i, o->relayer[i].score, stake_of(ctx, o->relayer[i].key)};
    qsort(rank, o->relayer_cnt, sizeof(rank[0]), by_worth);
    u64 origin_stake = stake_of(ctx, origin), before = 0;
    u64 need = qs_min_u64(own_stake, origin_stake) / 100 * QS_RECEIVED_STAKE_PERCENT;
    for (u32 i = 0; i < o->relayer_cnt; i++) {
        u8 const *key = o->relayer[rank[i].i].key;
        if (i >= QS_RECEIVED_KEEP && before >= need && memcmp(key, origin, 32))
            memcpy(relayer[cnt++], key, 32);
        before += rank[i].stake;
    }
    o->upserts = o->relayer_cnt = 0;
    return cnt;
}

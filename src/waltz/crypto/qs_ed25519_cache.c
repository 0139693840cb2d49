#include "waltz/crypto/qs_ed25519_cache.h"

#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_kernel.h"

#define WAYS      16u
#define AGE_MAX   15u
#define QUEUE_MAX 8u
#define MARKS     4u    /* first sights remembered, per place of a key */
#define PATIENCE  2048u /* signatures until a queue that is not full gets its tables too */
#define CREDIT    4u    /* makings of tables that may be saved up */

_Static_assert(AGE_MAX > QUEUE_MAX, "no candidate grows young while the queue is served");

/* A place is used if its tag is not 0; the tag is of the key's hash. */
typedef struct set {
    u32 tag[WAYS];
    u8 age[WAYS];
    u8 key[WAYS][QS_ED25519_KEY_SZ];
} set_t;

/* Tags of keys seen once, the oldest overwritten first.  Several, or keys that share a line would
   make each other forgotten for ever. */
typedef struct marks {
    u32 tag[8];
} marks_t;

typedef struct candidate {
    u64 hash;
    u8 key[QS_ED25519_KEY_SZ];
} candidate_t;

struct qs_ed25519_cache {
    qs_ed25519_kernel_t const *kernel;
    qs_ed25519_key_table_t *table; /* [set_cnt][WAYS] */
    set_t *set;
    marks_t *marks;
    u64 set_cnt;
    u64 marks_cnt;
    qs_siphash_key_t hash_key;
    u64 credit; /* signatures that held and are not yet spent on tables */
    u64 waited; /* signatures since the queue began */
    bool trusting;
    u32 queue_cnt;
    candidate_t queue[QUEUE_MAX];
    qs_ed25519_cache_stats_t stats;
};

static u64
round_up(u64 sz)
{
    return (sz + QS_ED25519_CACHE_ALIGN - 1) / QS_ED25519_CACHE_ALIGN * QS_ED25519_CACHE_ALIGN;
}

/* Run twice: to measure (cache null) and to place. */
static u64
layout(qs_ed25519_cache_t *cache, u32 key_max)
{
    u64 head = round_up(sizeof(qs_ed25519_cache_t));
    u64 tables = (u64)key_max * sizeof(qs_ed25519_key_table_t);
    u64 sets = round_up(key_max / WAYS * sizeof(set_t));
    u64 marks_cnt = (u64)key_max * MARKS / QS_COUNT(cache->marks->tag);
    if (cache) {
        u8 *at = (u8 *)cache + head;
        cache->table = (qs_ed25519_key_table_t *)at;
        cache->set = (set_t *)(at + tables);
        cache->marks = (marks_t *)(at + tables + sets);
        cache->set_cnt = key_max / WAYS;
        cache->marks_cnt = marks_cnt;
    }
    return head + tables + sets + round_up(marks_cnt * sizeof(marks_t));
}

u64
qs_ed25519_cache_footprint(u32 key_max)
{
    if (key_max < QS_ED25519_CACHE_MIN || key_max > QS_ED25519_CACHE_MAX || key_max & (key_max - 1))
        return 0;
    return layout(NULL, key_max);
}

qs_ed25519_cache_t *
qs_ed25519_cache_init(void *mem, u32 key_max, qs_siphash_key_t hash_key,
                      qs_ed25519_kernel_t const *kernel)
{
    if (!mem || (uintptr_t)mem % QS_ED25519_CACHE_ALIGN || !qs_ed25519_cache_footprint(key_max))
        return NULL;
    qs_ed25519_cache_t *cache = mem;
    *cache = (qs_ed25519_cache_t){.kernel = kernel, .hash_key = hash_key};
    for (u32 i = qs_ed25519_kernel_cnt; !cache->kernel && i--;)
        if (qs_cpu_has(qs_ed25519_kernels[i]->needs))
            cache->kernel = qs_ed25519_kernels[i];
    QS_ASSERT(cache->kernel->lanes <= QUEUE_MAX);
    layout(cache, key_max);
    memset(cache->set, 0, cache->set_cnt * sizeof(set_t));
    memset(cache->marks, 0, cache->marks_cnt * sizeof(marks_t));
    return cache;
}

void
qs_ed25519_cache_trust(qs_ed25519_cache_t *cache)
{
    cache->trusting = true;
}

static u64
hash_of(qs_ed25519_cache_t const *cache, u8 const key[QS_ED25519_KEY_SZ])
{
    return qs_siphash13(cache->hash_key, key, QS_ED25519_KEY_SZ);
}

static u32
tag_of(u64 hash)
{
    return (u32)(hash >> 32) | 1;
}

static u64
set_of(qs_ed25519_cache_t const *cache, u64 hash)
{
    return hash & (cache->set_cnt - 1);
}

/* Returns the way of the key, or WAYS. */
static u32
find(set_t const *set, u32 tag, u8 const key[QS_ED25519_KEY_SZ])
{
    u32 way = 0;
    while (way < WAYS && (set->tag[way] != tag || memcmp(set->key[way], key, QS_ED25519_KEY_SZ)))
        way++;
    return way;
}

bool
qs_ed25519_cache_has(qs_ed25519_cache_t const *cache, u8 const key[QS_ED25519_KEY_SZ])
{
    u64 hash = hash_of(cache, key);
    return find(&cache->set[set_of(cache, hash)], tag_of(hash), key) < WAYS;
}

qs_ed25519_cache_stats_t
qs_ed25519_cache_stats(qs_ed25519_cache_t const *cache)
{
    return cache->stats;
}

/* Whether tag is not among the marks, where it is then. */
static bool
first_sight(marks_t *marks, u32 tag)
{
    for (u32 i = 0; i < QS_COUNT(marks->tag); i++)
        if (marks->tag[i] == tag)
            return false;
    memmove(marks->tag + 1, marks->tag, sizeof(marks->tag) - sizeof(tag));
    marks->tag[0] = tag;
    return true;
}

/* A key without a table has signed. */
static void
note_sight(qs_ed25519_cache_t *cache, u64 hash, u8 const key[QS_ED25519_KEY_SZ])
{
    if (first_sight(&cache->marks[hash & (cache->marks_cnt - 1)], tag_of(hash)))
        return;
    for (u32 i = 0; i < cache->queue_cnt; i++)
        if (!memcmp(cache->queue[i].key, key, QS_ED25519_KEY_SZ))
            return;
    if (cache->queue_cnt < cache->kernel->lanes) {
        candidate_t *c = &cache->queue[cache->queue_cnt++];
        c->hash = hash;
        memcpy(c->key, key, QS_ED25519_KEY_SZ);
    }
}

/* A way for a new key: one that is free or whose key is youngest, else WAYS, and all grow younger. */
static u32
make_room(qs_ed25519_cache_t *cache, set_t *set)
{
    u32 way = 0;
    while (way < WAYS && set->tag[way])
        way++;
    if (way < WAYS)
        return way;
    for (way = 0; way < WAYS && set->age[way];)
        way++;
    if (way < WAYS) {
        cache->stats.evicted_cnt++;
        return way;
    }
    for (u32 i = 0; i < WAYS; i++)
        set->age[i]--;
    return WAYS;
}

/* Makes tables for the queue and empties it. */
static void
make_tables(qs_ed25519_cache_t *cache)
{
    qs_ed25519_key_table_t *table[QUEUE_MAX];
    u8 const *key[QUEUE_MAX];
    set_t *set[QUEUE_MAX];
    u32 way[QUEUE_MAX], cnt = 0;
    for (u32 i = 0; i < cache->queue_cnt; i++) {
        candidate_t const *c = &cache->queue[i];
        u64 idx = set_of(cache, c->hash);
        u32 w = make_room(cache, &cache->set[idx]);
        if (w == WAYS) {
            cache->stats.refused_cnt++;
            continue;
        }
        /* Taken at once, and old: the next candidates may want the same set, and two keys in one
           place would be judged by one table. */
        cache->set[idx].tag[w] = tag_of(c->hash);
        cache->set[idx].age[w] = AGE_MAX;
        memcpy(cache->set[idx].key[w], c->key, QS_ED25519_KEY_SZ);
        set[cnt] = &cache->set[idx];
        way[cnt] = w;
        table[cnt] = &cache->table[idx * WAYS + w];
        key[cnt++] = c->key;
    }
    cache->queue_cnt = 0;
    if (!cnt)
        return;
    for (u32 i = cnt; i < cache->kernel->lanes; i++) { /* idle lanes repeat one */
        table[i] = table[0];
        key[i] = key[0];
    }
    u32 good = cache->kernel->expand(table, key);
    for (u32 i = 0; i < cnt; i++) {
        set[i]->age[way[i]] = 1;
        cache->stats.made_cnt += good >> i & 1;
        cache->stats.refused_cnt += !(good >> i & 1);
        if (!(good >> i & 1))
            set[i]->tag[way[i]] = 0;
    }
}

static void
serve_queue(qs_ed25519_cache_t *cache, u64 ok_cnt)
{
    cache->credit = qs_min_u64(cache->credit + ok_cnt, CREDIT * QS_ED25519_CACHE_PACE);
    if (!cache->queue_cnt) {
        cache->waited = 0;
        return;
    }
    cache->waited += ok_cnt;
    if (!cache->trusting) {
        if (cache->credit < QS_ED25519_CACHE_PACE ||
            (cache->queue_cnt < cache->kernel->lanes && cache->waited < PATIENCE))
            return;
        cache->credit -= QS_ED25519_CACHE_PACE;
    }
    cache->waited = 0;
    make_tables(cache);
}

/* Items of one kind, gathered. */
typedef struct part {
    qs_ed25519_item_t item[QS_ED25519_KNOWN_MAX];
    qs_ed25519_key_table_t const *table[QS_ED25519_KNOWN_MAX];
    u8 *age[QS_ED25519_KNOWN_MAX];
    u64 hash[QS_ED25519_KNOWN_MAX];
    qs_ed25519_verdict_t verdict[QS_ED25519_KNOWN_MAX];
    u8 idx[QS_ED25519_KNOWN_MAX];
    u32 cnt;
} part_t;

static void
gather(qs_ed25519_cache_t *cache, part_t part[2], qs_ed25519_item_t const *item, u32 cnt)
{
    part[0].cnt = part[1].cnt = 0;
    for (u32 i = 0; i < cnt; i++) {
        u64 hash = hash_of(cache, item[i].public_key), idx = set_of(cache, hash);
        set_t *set = &cache->set[idx];
        u32 way = find(set, tag_of(hash), item[i].public_key);
        part_t *to = &part[way < WAYS];
        u32 n = to->cnt++;
        to->item[n] = item[i];
        to->idx[n] = (u8)i;
        to->hash[n] = hash;
        if (way < WAYS) {
            to->table[n] = &cache->table[idx * WAYS + way];
            to->age[n] = &set->age[way];
        }
    }
}

/* Only signatures that hold count for a key: anybody can send others in its name.  Returns how
   many there were. */
static u32
take_note(qs_ed25519_cache_t *cache, part_t const *part, bool known)
{
    u32 ok_cnt = 0;
    for (u32 i = 0; i < part->cnt; i++) {
        if (part->verdict[i] != QS_ED25519_OK)
            continue;
        ok_cnt++;
        if (!known)
            note_sight(cache, part->hash[i], part->item[i].public_key);
        else if (*part->age[i] < AGE_MAX)
            ++*part->age[i];
    }
    return ok_cnt;
}

static void
verify_some(qs_ed25519_cache_t *cache, qs_ed25519_verdict_t *verdict, qs_ed25519_item_t const *item,
            u32 cnt, qs_ed25519_rule_t rule)
{
    part_t part[2]; /* without a table, with one */
    gather(cache, part, item, cnt);
    cache->stats.miss_cnt += part[0].cnt;
    cache->stats.hit_cnt += part[1].cnt;
    qs_ed25519_verify_batch_with(cache->kernel, part[0].verdict, part[0].item, part[0].cnt, rule);
    if (part[1].cnt > 1)
        qs_ed25519_verify_known(cache->kernel, part[1].verdict, part[1].item, part[1].table,
                                part[1].cnt, rule);
    else /* all lanes for one: plain C is as fast or faster */
        qs_ed25519_verify_batch_with(cache->kernel, part[1].verdict, part[1].item, part[1].cnt,
                                     rule);
    u32 ok_cnt = 0;
    for (u32 known = 0; known < 2; known++) {
        ok_cnt += take_note(cache, &part[known], known);
        for (u32 i = 0; i < part[known].cnt; i++)
            verdict[part[known].idx[i]] = part[known].verdict[i];
    }
    serve_queue(cache, ok_cnt);
}

void
qs_ed25519_verify_batch_cached(qs_ed25519_cache_t *cache, qs_ed25519_verdict_t *verdict,
                               qs_ed25519_item_t const *item, u64 cnt, qs_ed25519_rule_t rule)
{
    if (!cache->kernel->check_known) {
        qs_ed25519_verify_batch_with(cache->kernel, verdict, item, cnt, rule);
        return;
    }
    for (u64 done = 0; done < cnt; done += QS_ED25519_KNOWN_MAX) {
        u32 take = (u32)qs_min_u64(cnt - done, QS_ED25519_KNOWN_MAX);
        verify_some(cache, verdict + done, item + done, take, rule);
    }
}

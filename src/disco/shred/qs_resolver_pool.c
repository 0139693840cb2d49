#include "disco/shred/qs_resolver_state.h"

#define POPPED_KEPT  16u  /* complete sets that late shreds are compared with */
#define LEADER_KEYS  256u /* with a table, which halves the price of a leader's signatures: 1 MiB */
#define DONE_PER_SET 8u /* completed sets that are remembered by a tag alone, per set of the pool */

static u32
map_cnt(u32 cnt)
{
    return 2u << qs_log2(cnt);
}

static void
fair_init(qs_fair_t *f, u32 cap)
{
    f->cap = cap;
    f->free = 0;
    f->max_bucket = f->max_floor = 0;
    memset(f->held, 0, QS_FAIR_BUCKET_CNT * sizeof(u32));
    memset(f->oldest, 0xff, QS_FAIR_BUCKET_CNT * sizeof(u32));
    for (u32 i = 0; i < cap; i++)
        f->next[i] = i + 1 < cap ? i + 1 : QS_NONE;
}

/* most returns the bucket with the largest count. */
static u32
most(u32 const *held)
{
    u32 at = 0;
    for (u32 i = 1; i < QS_FAIR_BUCKET_CNT; i++)
        if (held[i] > held[at])
            at = i;
    return at;
}

/* fair_victim takes the oldest entry of who has most. */
static u32
fair_victim(qs_fair_t *f)
{
    if (f->held[f->max_bucket] < f->max_floor || !f->held[f->max_bucket]) {
        f->max_bucket = most(f->held);
        f->max_floor = f->held[f->max_bucket] - f->held[f->max_bucket] / 8;
    }
    u32 b = f->max_bucket, entry = f->oldest[b];
    f->oldest[b] = f->next[entry];
    f->held[b]--;
    return entry;
}

/* fair_take returns an entry for a bucket; *evicted says that it was another's until now. */
static u32
fair_take(qs_fair_t *f, u32 bucket, bool *evicted)
{
    u32 entry = f->free;
    *evicted = entry == QS_NONE;
    if (*evicted)
        entry = fair_victim(f);
    else
        f->free = f->next[entry];
    f->next[entry] = QS_NONE;
    if (f->oldest[bucket] == QS_NONE)
        f->oldest[bucket] = entry;
    else
        f->next[f->newest[bucket]] = entry;
    f->newest[bucket] = entry;
    if (++f->held[bucket] > f->held[f->max_bucket]) {
        f->max_bucket = bucket;
        f->max_floor = f->held[bucket] - f->held[bucket] / 8;
    }
    return entry;
}

u64
qs_resolver_layout(qs_resolver_t *r, qs_resolver_config_t const *c)
{
    qs_resolver_t none, *to = r ? r : &none;
    u64 const buckets = QS_FAIR_BUCKET_CNT * sizeof(u32);
    struct {
        void *place;
        u64 sz;
    } const part[] = {
        {&to->set, c->set_cnt * sizeof(qs_set_t)},
        {&to->slot, c->slot_cnt * sizeof(qs_slot_t)},
        {&to->buf, c->buf_cnt * sizeof(qs_set_buf_t)},
        {&to->by_root, map_cnt(c->set_cnt) * sizeof(u32)},
        {&to->by_place, map_cnt(c->set_cnt) * sizeof(u32)},
        {&to->by_slot, map_cnt(c->slot_cnt) * sizeof(u32)},
        {&to->free_buf, c->buf_cnt * sizeof(u32)},
        {&to->ring, c->buf_cnt * sizeof(u32)},
        {&to->filling, buckets},
        {&to->set_pool.held, buckets},
        {&to->set_pool.oldest, buckets},
        {&to->set_pool.newest, buckets},
        {&to->set_pool.next, c->set_cnt * sizeof(u32)},
        {&to->slot_pool.held, buckets},
        {&to->slot_pool.oldest, buckets},
        {&to->slot_pool.newest, buckets},
        {&to->slot_pool.next, c->slot_cnt * sizeof(u32)},
        {&to->keys, qs_ed25519_cache_footprint(LEADER_KEYS)},
    };
    u64 at = qs_align_up(sizeof(*r), QS_ALIGN);
    for (u32 i = 0; i < QS_COUNT(part); i++) {
        if (r) {
            u8 *where = (u8 *)r + at;
            memcpy(part[i].place, &where, sizeof(where));
        }
        at += qs_align_up(part[i].sz, QS_ALIGN);
    }
    if (r) {
        int err = qs_tcache_new((u8 *)r + at, DONE_PER_SET * (u64)c->set_cnt);
        QS_ASSERT(!err);
        err = qs_tcache_join(&r->done, (u8 *)r + at, DONE_PER_SET * (u64)c->set_cnt);
        QS_ASSERT(!err);
    }
    return at + qs_align_up(qs_tcache_footprint(DONE_PER_SET * (u64)c->set_cnt), QS_ALIGN);
}

void
qs_resolver_pools_init(qs_resolver_t *r)
{
    qs_resolver_config_t const *c = &r->config;
    fair_init(&r->set_pool, c->set_cnt);
    fair_init(&r->slot_pool, c->slot_cnt);
    r->map_mask = map_cnt(c->set_cnt) - 1;
    r->slot_mask = map_cnt(c->slot_cnt) - 1;
    memset(r->by_root, 0xff, (r->map_mask + 1ull) * sizeof(u32));
    memset(r->by_place, 0xff, (r->map_mask + 1ull) * sizeof(u32));
    memset(r->by_slot, 0xff, (r->slot_mask + 1ull) * sizeof(u32));
    memset(r->filling, 0, QS_FAIR_BUCKET_CNT * sizeof(u32));
    r->free_buf_cnt = c->buf_cnt;
    for (u32 i = 0; i < c->buf_cnt; i++)
        r->free_buf[i] = c->buf_cnt - 1 - i;
    r->ring_old = r->ring_pop = r->ring_end = 0;
    qs_siphash_key_t key = {c->key.k0, c->key.k1};
    r->keys = qs_ed25519_cache_init(r->keys, LEADER_KEYS, key, NULL);
    qs_ed25519_cache_trust(r->keys);
}

static u64
hash_32(qs_resolver_t const *r, u8 const bytes[32])
{
    u64 word[4];
    memcpy(word, bytes, sizeof(word));
    return qs_hash_words(&r->config.key, word, 4);
}

u32
qs_resolver_bucket(qs_resolver_t const *r, u8 const *leader)
{
    return leader ? hash_32(r, leader) % QS_FAIR_BUCKET_CNT : 0;
}

static u32 *
root_head(qs_resolver_t const *r, u8 const root[QS_SHRED_ROOT_SZ])
{
    return &r->by_root[hash_32(r, root) & r->map_mask];
}

/* place_head remembers the last few places: shreds arrive set by set, and each is looked up twice. */
static u32 *
place_head(qs_resolver_t *r, u64 slot, u32 fec_idx)
{
    qs_place_t *last = &r->place[fec_idx / QS_SHRED_SET_CNT % QS_PLACE_CNT];
    if (!last->head || last->slot != slot || last->fec_idx != fec_idx) {
        u64 hash = qs_hash_2u64(&r->config.key, slot, fec_idx);
        *last = (qs_place_t){slot, fec_idx, &r->by_place[hash & r->map_mask]};
    }
    return last->head;
}

qs_set_t *
qs_resolver_find_root(qs_resolver_t *r, u8 const root[QS_SHRED_ROOT_SZ])
{
    for (u32 i = *root_head(r, root); i != QS_NONE; i = r->set[i].next_root)
        if (!memcmp(r->set[i].root, root, QS_SHRED_ROOT_SZ))
            return &r->set[i];
    return NULL;
}

qs_set_t *
qs_resolver_each_version(qs_resolver_t *r, u64 slot, u32 fec_idx, u32 *at)
{
    u32 i = *at == QS_NONE ? *place_head(r, slot, fec_idx) : r->set[*at].next_place;
    for (; i != QS_NONE; i = r->set[i].next_place) {
        if (r->set[i].slot == slot && r->set[i].fec_idx == fec_idx) {
            *at = i;
            return &r->set[i];
        }
    }
    return NULL;
}

static u64
done_tag(qs_resolver_t const *r, u64 slot, u32 fec_idx, u8 const root[QS_SHRED_ROOT_SZ])
{
    u64 word[6] = {slot, fec_idx};
    memcpy(word + 2, root, QS_SHRED_ROOT_SZ);
    return qs_hash_words(&r->config.key, word, 6);
}

bool
qs_resolver_was_done(qs_resolver_t const *r, u64 slot, u32 fec_idx, u8 const root[QS_SHRED_ROOT_SZ])
{
    return qs_tcache_query(&r->done, done_tag(r, slot, fec_idx, root));
}

/* release_buf gives back the buf of a set that is forgotten.  A complete one stays in the ring. */
static void
release_buf(qs_resolver_t *r, qs_set_t *set)
{
    if (set->buf == QS_NONE)
        return;
    qs_set_buf_t *b = &r->buf[set->buf];
    b->set = QS_NONE;
    if (b->filling) {
        b->filling = false;
        r->filling[b->bucket]--;
        r->free_buf[r->free_buf_cnt++] = set->buf;
        r->counts.set_evicted++;
    }
    set->buf = QS_NONE;
}

static void
unlink_set(qs_resolver_t *r, u32 idx)
{
    qs_set_t *set = &r->set[idx];
    u32 *at = root_head(r, set->root);
    while (*at != idx)
        at = &r->set[*at].next_root;
    *at = set->next_root;
    at = place_head(r, set->slot, set->fec_idx);
    while (*at != idx)
        at = &r->set[*at].next_place;
    *at = set->next_place;
    if (set->state == QS_SET_DONE)
        qs_tcache_insert(&r->done, done_tag(r, set->slot, set->fec_idx, set->root));
    release_buf(r, set);
}

qs_set_t *
qs_resolver_new_set(qs_resolver_t *r, u64 slot, u32 fec_idx, u8 const root[QS_SHRED_ROOT_SZ],
                    u8 const *leader)
{
    bool evicted;
    u32 bucket = qs_resolver_bucket(r, leader);
    u32 idx = fair_take(&r->set_pool, bucket, &evicted);
    if (evicted)
        unlink_set(r, idx);
    qs_set_t *set = &r->set[idx];
    u32 *by_root = root_head(r, root), *by_place = place_head(r, slot, fec_idx);
    set->slot = slot;
    set->fec_idx = fec_idx;
    set->bucket = bucket;
    set->state = QS_SET_WAITING;
    set->buf = QS_NONE;
    set->gen = r->now++;
    set->next_root = *by_root;
    set->next_place = *by_place;
    set->have = set->round = set->coming = 0;
    set->has_parent = set->flawed = set->conflict = false;
    memcpy(set->root, root, QS_SHRED_ROOT_SZ);
    *by_root = *by_place = idx;
    return set;
}

qs_slot_t *
qs_resolver_find_slot(qs_resolver_t *r, u64 slot)
{
    u32 i = r->by_slot[qs_hash_u64(&r->config.key, slot) & r->slot_mask];
    while (i != QS_NONE && r->slot[i].slot != slot)
        i = r->slot[i].next;
    return i == QS_NONE ? NULL : &r->slot[i];
}

qs_slot_t *
qs_resolver_slot(qs_resolver_t *r, u64 slot, u32 bucket)
{
    qs_slot_t *s = qs_resolver_find_slot(r, slot);
    bool evicted;
    if (s)
        return s;
    u32 idx = fair_take(&r->slot_pool, bucket, &evicted);
    s = &r->slot[idx];
    if (evicted) {
        u32 *at = &r->by_slot[qs_hash_u64(&r->config.key, s->slot) & r->slot_mask];
        while (*at != idx)
            at = &r->slot[*at].next;
        *at = s->next;
    }
    u32 *head = &r->by_slot[qs_hash_u64(&r->config.key, slot) & r->slot_mask];
    s->slot = slot;
    s->bucket = bucket;
    s->next = *head;
    s->last_idx = s->high_fec = QS_NONE;
    s->conflict = s->reported = false;
    *head = idx;
    return s;
}

/* oldest_filling finds the oldest buf that the leader with most of them is filling. */
static u32
oldest_filling(qs_resolver_t const *r)
{
    u32 bucket = most(r->filling), found = QS_NONE;
    for (u32 i = 0; i < r->config.buf_cnt; i++) {
        qs_set_buf_t const *b = &r->buf[i];
        if (b->filling && b->bucket == bucket &&
            (found == QS_NONE || b->birth < r->buf[found].birth))
            found = i;
    }
    return found;
}

/* any_buf returns a buf that is free, QS_NONE if all wait to be popped. */
static u32
any_buf(qs_resolver_t *r)
{
    u64 popped_cnt = r->ring_pop - r->ring_old;
    if (popped_cnt >= POPPED_KEPT || (!r->free_buf_cnt && popped_cnt)) {
        u32 idx = r->ring[r->ring_old++ % r->config.buf_cnt];
        if (r->buf[idx].set != QS_NONE)
            r->set[r->buf[idx].set].buf = QS_NONE;
        return idx;
    }
    if (!r->free_buf_cnt) {
        u32 victim = oldest_filling(r);
        if (victim == QS_NONE)
            return QS_NONE;
        qs_set_t *set = &r->set[r->buf[victim].set];
        set->have = 0;
        set->state = QS_SET_WAITING;
        release_buf(r, set);
    }
    return r->free_buf[--r->free_buf_cnt];
}

bool
qs_resolver_take_buf(qs_resolver_t *r, qs_set_t *set)
{
    u32 idx = any_buf(r);
    if (idx == QS_NONE)
        return false;
    qs_set_buf_t *b = &r->buf[idx];
    b->set = (u32)(set - r->set);
    b->bucket = set->bucket;
    b->birth = r->now++;
    b->filling = true;
    r->filling[b->bucket]++;
    set->buf = idx;
    set->state = QS_SET_FILLING;
    qs_merkle_hash_t root;
    memcpy(root.byte, set->root, sizeof(root));
    qs_merkle_init(&b->tree, &root);
    return true;
}

void
qs_resolver_finish_buf(qs_resolver_t *r, qs_set_t *set)
{
    qs_set_buf_t *b = &r->buf[set->buf];
    b->filling = false;
    r->filling[b->bucket]--;
    set->state = QS_SET_DONE;
    r->ring[r->ring_end++ % r->config.buf_cnt] = set->buf;
}

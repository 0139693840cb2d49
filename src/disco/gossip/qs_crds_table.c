#include "disco/gossip/qs_crds_table.h"

#include "waltz/codec/qs_contact.h"

#define LARGE       0x80000000u /* in a place: it is in t->large */
#define CONF_MAX    (1u << 24)
#define LABEL_WORDS 5u

static u32
pow2_at_least(u64 n)
{
    u32 p = 2;
    while (p < n)
        p *= 2;
    return p;
}

/* place lays the arrays out behind each other; with mem NULL it only adds up. */
static u64
place(qs_crds_table_t *t, u8 *mem, qs_crds_conf_t const *c)
{
    u64 at = 0;
#define TAKE(field, n)                                                                             \
    do {                                                                                           \
        t->field = (void *)(mem ? mem + at : NULL);                                                \
        at = qs_align_up(at + (u64)(n) * sizeof(*t->field), QS_ALIGN);                             \
    } while (0)

    TAKE(entry, c->value_max);
    TAKE(hash64, c->value_max);
    TAKE(small, (u64)c->value_max * QS_CRDS_SMALL_SZ);
    TAKE(large, (u64)c->large_max * QS_CRDS_LARGE_SZ);
    TAKE(free_large, c->large_max);
    TAKE(index, pow2_at_least(2ull * c->value_max));
    TAKE(origin, c->origin_max);
    TAKE(origin_index, pow2_at_least(2ull * c->origin_max));
    TAKE(log, pow2_at_least(c->value_max));
    TAKE(purged.past, c->history_max);
    TAKE(failed.past, c->history_max);
#undef TAKE
    return at;
}

u64
qs_crds_table_footprint(qs_crds_conf_t const *c)
{
    qs_crds_table_t measured;
    bool ok = c->value_max && c->value_max <= CONF_MAX && c->large_max &&
              c->large_max <= c->value_max && c->origin_max && c->origin_max <= CONF_MAX &&
              c->history_max && c->history_max <= CONF_MAX && c->unstaked_max;
    return ok ? place(&measured, NULL, c) : 0;
}

void
qs_crds_table_init(qs_crds_table_t *t, void *mem, qs_crds_conf_t const *conf)
{
    memset(t, 0, sizeof(*t));
    t->conf = *conf;
    place(t, mem, conf);
    t->index_mask = pow2_at_least(2ull * conf->value_max) - 1;
    t->origin_mask = pow2_at_least(2ull * conf->origin_max) - 1;
    t->log_mask = pow2_at_least(conf->value_max) - 1;
    t->purged.max = t->failed.max = conf->history_max;
    t->newest = t->oldest = QS_CRDS_NONE;
    for (u32 i = 0; i < conf->value_max; i++)
        t->entry[i].next = i + 1 < conf->value_max ? i + 1 : QS_CRDS_NONE;
    for (u32 i = 0; i < conf->origin_max; i++)
        t->origin[i].newer = i + 1 < conf->origin_max ? i + 1 : QS_CRDS_NONE;
    for (u32 i = 0; i < conf->large_max; i++)
        t->free_large[t->free_large_cnt++] = conf->large_max - 1 - i;
}

u64
qs_crds_label(qs_crds_table_t const *t, u8 kind, u16 index, u8 const *origin)
{
    u64 words[LABEL_WORDS];

    memcpy(words, origin, 32);
    words[4] = (u64)kind << 16 | index;
    return qs_hash_words(&t->conf.key, words, LABEL_WORDS);
}

void
qs_crds_item_make(qs_crds_item_t *item, qs_crds_table_t const *t, u8 const *datagram,
                  qs_crds_t const *v, u8 const hash[32])
{
    *item = (qs_crds_item_t){.value = datagram + v->off,
                             .origin = datagram + v->origin_off,
                             .hash = hash,
                             .wallclock = v->wallclock,
                             .sz = v->sz,
                             .index = v->index,
                             .kind = v->kind};
    item->label = qs_crds_label(t, v->kind, v->index, item->origin);
    item->outset = v->contact.outset;
}

/* ---- history: hashes of the past, oldest forgotten first ---- */

static void
remember(qs_crds_history_t *h, u8 const *hash, u64 now_ms, u64 ttl_ms)
{
    while (h->tail != h->head &&
           (h->head - h->tail == h->max || h->past[h->tail % h->max].when_ms + ttl_ms <= now_ms))
        h->tail++;
    memcpy(h->past[h->head % h->max].hash, hash, 32);
    h->past[h->head++ % h->max].when_ms = now_ms;
}

static void
forget_old(qs_crds_history_t *h, u64 now_ms, u64 ttl_ms)
{
    while (h->tail != h->head && h->past[h->tail % h->max].when_ms + ttl_ms <= now_ms)
        h->tail++;
}

void
qs_crds_fail(qs_crds_table_t *t, u8 const hash[32], u64 now_ms)
{
    remember(&t->failed, hash, now_ms, QS_CRDS_FAILED_MS);
}

/* ---- index: label -> slot ---- */

void
qs_crds_warm(qs_crds_table_t const *t, u64 const *label, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        __builtin_prefetch(&t->index[label[i] & t->index_mask]);
    for (u32 i = 0; i < cnt; i++) {
        u32 at = (u32)label[i] & t->index_mask, tag = (u32)(label[i] >> 32);
        for (; t->index[at].slot1 && t->index[at].tag != tag; at = (at + 1) & t->index_mask)
            ;
        if (!t->index[at].slot1)
            continue;
        u32 slot = t->index[at].slot1 - 1;
        __builtin_prefetch(&t->entry[slot], 1);
        __builtin_prefetch((u8 *)&t->entry[slot] + 64, 1);
        __builtin_prefetch(&t->hash64[slot], 1);
    }
}

static bool
has_label(qs_crds_entry_t const *e, u8 kind, u16 index, u8 const *origin)
{
    return e->kind == kind && e->index == index && !memcmp(e->origin_key, origin, 32);
}

u32
qs_crds_find(qs_crds_table_t const *t, u64 label, u8 kind, u16 index, u8 const *origin)
{
    u32 tag = (u32)(label >> 32);

    for (u32 at = (u32)label & t->index_mask; t->index[at].slot1; at = (at + 1) & t->index_mask) {
        u32 slot = t->index[at].slot1 - 1;
        if (t->index[at].tag == tag && has_label(&t->entry[slot], kind, index, origin))
            return slot;
    }
    return QS_CRDS_NONE;
}

static void
index_add(qs_crds_table_t *t, u64 label, u32 slot)
{
    u32 at = (u32)label & t->index_mask;

    while (t->index[at].slot1)
        at = (at + 1) & t->index_mask;
    t->index[at].slot1 = slot + 1;
    t->index[at].tag = (u32)(label >> 32);
}

/* index_remove closes the gap: what probed past it moves up. */
static void
index_remove(qs_crds_table_t *t, u32 slot)
{
    qs_crds_entry_t const *e = &t->entry[slot];
    u32 mask = t->index_mask;
    u32 at = (u32)qs_crds_label(t, e->kind, e->index, e->origin_key) & mask;

    while (t->index[at].slot1 != slot + 1)
        at = (at + 1) & mask;
    for (u32 next = (at + 1) & mask; t->index[next].slot1; next = (next + 1) & mask) {
        qs_crds_entry_t const *n = &t->entry[t->index[next].slot1 - 1];
        u32 home = (u32)qs_crds_label(t, n->kind, n->index, n->origin_key) & mask;
        if (((next - home) & mask) < ((next - at) & mask))
            continue;
        t->index[at] = t->index[next];
        at = next;
    }
    t->index[at].slot1 = 0;
}

/* ---- origins ---- */

static u32
origin_home(qs_crds_table_t const *t, u8 const *key)
{
    u64 words[4];

    memcpy(words, key, 32);
    return (u32)qs_hash_words(&t->conf.key, words, 4) & t->origin_mask;
}

static u32
origin_find(qs_crds_table_t const *t, u8 const *key)
{
    for (u32 at = origin_home(t, key); t->origin_index[at]; at = (at + 1) & t->origin_mask)
        if (!memcmp(t->origin[t->origin_index[at] - 1].key, key, 32))
            return t->origin_index[at] - 1;
    return QS_CRDS_NONE;
}

static void
lru_remove(qs_crds_table_t *t, u32 o)
{
    qs_crds_origin_t *r = &t->origin[o];

    *(r->newer == QS_CRDS_NONE ? &t->newest : &t->origin[r->newer].older) = r->older;
    *(r->older == QS_CRDS_NONE ? &t->oldest : &t->origin[r->older].newer) = r->newer;
    r->newer = r->older = QS_CRDS_NONE;
}

static void
lru_add(qs_crds_table_t *t, u32 o)
{
    t->origin[o].newer = QS_CRDS_NONE;
    t->origin[o].older = t->newest;
    *(t->newest == QS_CRDS_NONE ? &t->oldest : &t->origin[t->newest].newer) = o;
    t->newest = o;
}

/* listed says whether an origin is among those that make room first. */
static bool
listed(qs_crds_origin_t const *r)
{
    return !r->stake && r->cnt;
}

static void
origin_free(qs_crds_table_t *t, u32 o)
{
    u32 mask = t->origin_mask, at = origin_home(t, t->origin[o].key);

    while (t->origin_index[at] != o + 1)
        at = (at + 1) & mask;
    for (u32 next = (at + 1) & mask; t->origin_index[next]; next = (next + 1) & mask) {
        u32 home = origin_home(t, t->origin[t->origin_index[next] - 1].key);
        if (((next - home) & mask) < ((next - at) & mask))
            continue;
        t->origin_index[at] = t->origin_index[next];
        at = next;
    }
    t->origin_index[at] = 0;
    t->origin[o] = (qs_crds_origin_t){.newer = t->free_origin};
    t->free_origin = o;
    t->origin_cnt--;
}

/* ---- values ---- */

u8 const *
qs_crds_value(qs_crds_table_t const *t, u32 slot)
{
    u32 at = t->entry[slot].place;

    return at & LARGE ? t->large + (u64)(at & ~LARGE) * QS_CRDS_LARGE_SZ
                      : t->small + (u64)at * QS_CRDS_SMALL_SZ;
}

static void
place_free(qs_crds_table_t *t, u32 slot)
{
    u32 at = t->entry[slot].place;

    if (!(at & LARGE))
        return;
    t->free_large[t->free_large_cnt++] = at & ~LARGE;
    t->unstaked_large_cnt -= !t->origin[t->entry[slot].origin].stake;
    t->entry[slot].place = slot;
}

/* drop removes a value; prev is the one before it in its origin's list, or NONE. */
static void
drop(qs_crds_table_t *t, u32 slot, u32 prev, u64 now_ms)
{
    qs_crds_entry_t *e = &t->entry[slot];
    qs_crds_origin_t *r = &t->origin[e->origin];

    remember(&t->purged, e->hash, now_ms, QS_CRDS_PURGED_MS);
    index_remove(t, slot);
    place_free(t, slot);
    *(prev == QS_CRDS_NONE ? &r->first : &t->entry[prev].next) = e->next;
    if (r->contact == slot)
        r->contact = QS_CRDS_NONE;
    if (listed(r) && r->cnt == 1)
        lru_remove(t, e->origin);
    r->cnt--;
    *e = (qs_crds_entry_t){.next = t->free_slot, .place = slot};
    t->free_slot = slot;
    t->cnt--;
}

static void
drop_origin(qs_crds_table_t *t, u32 o, u64 now_ms)
{
    while (t->origin[o].cnt) {
        drop(t, t->origin[o].first, QS_CRDS_NONE, now_ms);
        t->evicted++;
    }
    if (!t->origin[o].stake)
        origin_free(t, o);
}

/* poorest returns the staked origin with the least stake that has said something. */
static u32
poorest(qs_crds_table_t const *t)
{
    u32 found = QS_CRDS_NONE;

    for (u32 o = 0; o < t->conf.origin_max; o++) {
        qs_crds_origin_t const *r = &t->origin[o];
        if (r->used && r->cnt && r->stake && r->stake != QS_CRDS_PINNED &&
            (found == QS_CRDS_NONE || r->stake < t->origin[found].stake))
            found = o;
    }
    return found;
}

/* make_room drops one origin other than `but` for somebody with that stake.  Returns false if there is
   nobody to drop. */
static bool
make_room(qs_crds_table_t *t, u32 but, u64 stake, u64 now_ms)
{
    u32 o = t->oldest;

    if (o == but && o != QS_CRDS_NONE)
        o = t->origin[o].newer;
    if (o == QS_CRDS_NONE) {
        o = stake ? poorest(t) : QS_CRDS_NONE;
        if (o == QS_CRDS_NONE || o == but || t->origin[o].stake >= stake)
            return false;
    }
    drop_origin(t, o, now_ms);
    return true;
}

static u32
origin_add(qs_crds_table_t *t, u8 const *key, u64 stake, u64 now_ms)
{
    if (t->free_origin == QS_CRDS_NONE && !make_room(t, QS_CRDS_NONE, stake, now_ms))
        return QS_CRDS_NONE;
    u32 o = t->free_origin;
    if (o == QS_CRDS_NONE)
        return o; /* what made room has stake, and so keeps its record */
    u32 at = origin_home(t, key);
    while (t->origin_index[at])
        at = (at + 1) & t->origin_mask;
    t->origin_index[at] = o + 1;
    t->free_origin = t->origin[o].newer;
    t->origin[o] = (qs_crds_origin_t){.stake = stake,
                                      .first = QS_CRDS_NONE,
                                      .contact = QS_CRDS_NONE,
                                      .newer = QS_CRDS_NONE,
                                      .older = QS_CRDS_NONE,
                                      .used = true};
    memcpy(t->origin[o].key, key, 32);
    t->origin_cnt++;
    return o;
}

/* take_place finds where sz bytes of slot's value go.  Unstaked origins may fill half of the large
   places, so that the others find room. */
static bool
take_place(qs_crds_table_t *t, u32 slot, u32 sz, bool staked)
{
    if (sz <= QS_CRDS_SMALL_SZ) {
        t->entry[slot].place = slot;
        return true;
    }
    if (!t->free_large_cnt || (!staked && t->unstaked_large_cnt >= t->conf.large_max / 2))
        return false;
    t->entry[slot].place = t->free_large[--t->free_large_cnt] | LARGE;
    t->unstaked_large_cnt += !staked;
    return true;
}

/* fill writes the value into its slot, whose place was taken. */
static void
fill(qs_crds_table_t *t, u32 slot, qs_crds_item_t const *item, qs_crds_via_t via, u64 now_ms)
{
    qs_crds_entry_t *e = &t->entry[slot];

    memcpy(e->hash, item->hash, 32);
    e->wallclock = item->wallclock;
    e->outset = item->outset;
    e->seen_ms = now_ms;
    e->sz = item->sz;
    e->push_cnt = via == QS_CRDS_BY_PUSH;
    e->ordinal = t->next_ordinal++;
    t->log[e->ordinal & t->log_mask] = slot;
    t->hash64[slot] = qs_load_le64(item->hash);
    memcpy((u8 *)(uintptr_t)qs_crds_value(t, slot), item->value, item->sz);
}

static void
heard_of(qs_crds_table_t *t, u32 o)
{
    if (listed(&t->origin[o]) && t->newest != o) {
        lru_remove(t, o);
        lru_add(t, o);
    }
}

bool
qs_crds_overrides(qs_crds_table_t const *t, qs_crds_item_t const *item, u32 slot)
{
    qs_crds_entry_t const *old = &t->entry[slot];

    if (item->outset != old->outset) /* of other kinds than ContactInfo both are 0 */
        return item->outset > old->outset;
    if (item->wallclock != old->wallclock)
        return item->wallclock > old->wallclock;
    return memcmp(item->hash, old->hash, 32) > 0;
}

static qs_crds_outcome_t
replace(qs_crds_table_t *t, u32 slot, qs_crds_item_t const *item, qs_crds_via_t via, u64 now_ms)
{
    qs_crds_entry_t *e = &t->entry[slot];

    if (!memcmp(e->hash, item->hash, 32)) {
        if (via == QS_CRDS_BY_PUSH && e->push_cnt < UINT8_MAX)
            e->push_cnt++;
        return QS_CRDS_DUPLICATE;
    }
    if (!qs_crds_overrides(t, item, slot)) {
        remember(&t->purged, item->hash, now_ms, QS_CRDS_PURGED_MS);
        return QS_CRDS_OLDER;
    }
    bool staked = t->origin[e->origin].stake;
    bool was_large = e->place & LARGE, is_large = item->sz > QS_CRDS_SMALL_SZ;
    if (was_large != is_large) {
        place_free(t, slot);
        if (!take_place(t, slot, item->sz, staked))
            return QS_CRDS_FULL;
    }
    remember(&t->purged, e->hash, now_ms, QS_CRDS_PURGED_MS);
    fill(t, slot, item, via, now_ms);
    heard_of(t, e->origin);
    return QS_CRDS_REPLACED;
}

static qs_crds_outcome_t
insert(qs_crds_table_t *t, qs_crds_item_t const *item, qs_crds_via_t via, u64 now_ms, u32 *slot)
{
    u32 o = origin_find(t, item->origin);
    u64 stake = o == QS_CRDS_NONE ? 0 : t->origin[o].stake;

    if (!stake && o != QS_CRDS_NONE && t->origin[o].cnt >= t->conf.unstaked_max)
        return QS_CRDS_LIMIT;
    if (t->free_slot == QS_CRDS_NONE && !make_room(t, o, stake, now_ms))
        return QS_CRDS_FULL;
    if (o == QS_CRDS_NONE)
        o = origin_add(t, item->origin, 0, now_ms);
    if (o == QS_CRDS_NONE)
        return QS_CRDS_FULL;
    u32 s = t->free_slot, next = t->entry[s].next;
    qs_crds_origin_t *r = &t->origin[o];
    if (!take_place(t, s, item->sz, stake != 0)) {
        if (!r->cnt && !stake)
            origin_free(t, o);
        return QS_CRDS_FULL;
    }
    t->free_slot = next;
    t->cnt++;
    qs_crds_entry_t *e = &t->entry[s];
    memcpy(e->origin_key, item->origin, 32);
    e->kind = item->kind;
    e->index = item->index;
    e->origin = o;
    e->next = r->first;
    e->used = true;
    r->first = s;
    if (item->kind == QS_CRDS_CONTACT_INFO)
        r->contact = s;
    if (!r->cnt++ && !stake)
        lru_add(t, o);
    index_add(t, item->label, s);
    fill(t, s, item, via, now_ms);
    heard_of(t, o);
    *slot = s;
    return QS_CRDS_INSERTED;
}

qs_crds_outcome_t
qs_crds_upsert(qs_crds_table_t *t, qs_crds_item_t const *item, qs_crds_via_t via, u64 now_ms,
               u32 *slot)
{
    u32 s = qs_crds_find(t, item->label, item->kind, item->index, item->origin);

    QS_ASSERT(item->sz <= QS_CRDS_LARGE_SZ);
    qs_crds_outcome_t outcome =
        s == QS_CRDS_NONE ? insert(t, item, via, now_ms, &s) : replace(t, s, item, via, now_ms);
    if (slot)
        *slot = s;
    return outcome;
}

void
qs_crds_touch(qs_crds_table_t *t, u8 const origin[32], u64 now_ms)
{
    u32 o = origin_find(t, origin);

    if (o == QS_CRDS_NONE)
        return;
    qs_crds_origin_t *r = &t->origin[o];
    heard_of(t, o);
    if (r->contact != QS_CRDS_NONE) {
        t->entry[r->contact].seen_ms = now_ms;
        return;
    }
    for (u32 s = r->first; s != QS_CRDS_NONE; s = t->entry[s].next)
        t->entry[s].seen_ms = now_ms;
}

qs_crds_origin_t const *
qs_crds_origin_of(qs_crds_table_t const *t, u8 const origin[32])
{
    u32 o = origin_find(t, origin);
    return o == QS_CRDS_NONE ? NULL : &t->origin[o];
}

u64
qs_crds_stake(qs_crds_table_t const *t, u8 const origin[32])
{
    u32 o = origin_find(t, origin);
    return o == QS_CRDS_NONE ? 0 : t->origin[o].stake;
}

static bool
counts(u64 stake)
{
    return stake && stake != QS_CRDS_PINNED;
}

int
qs_crds_set_stake(qs_crds_table_t *t, u8 const origin[32], u64 stake, u64 now_ms)
{
    u32 o = origin_find(t, origin), large = 0;

    if (o == QS_CRDS_NONE) {
        o = stake ? origin_add(t, origin, stake, now_ms) : QS_CRDS_NONE;
        t->staked_cnt += o != QS_CRDS_NONE && counts(stake);
        return o == QS_CRDS_NONE && stake ? -ENOSPC : 0;
    }
    qs_crds_origin_t *r = &t->origin[o];
    bool was_listed = listed(r), was_staked = r->stake;
    t->staked_cnt = t->staked_cnt - counts(r->stake) + counts(stake);
    r->stake = stake;
    if (was_staked != (stake != 0)) {
        for (u32 s = r->first; s != QS_CRDS_NONE; s = t->entry[s].next)
            large += (t->entry[s].place & LARGE) != 0;
        t->unstaked_large_cnt += stake ? -large : large;
    }
    if (was_listed && !listed(r))
        lru_remove(t, o);
    else if (!was_listed && listed(r))
        lru_add(t, o);
    if (!stake && !r->cnt)
        origin_free(t, o);
    return 0;
}

static u32
expire_origin(qs_crds_table_t *t, u32 o, u64 now_ms)
{
    qs_crds_origin_t *r = &t->origin[o];
    u64 ttl = r->stake || !t->staked_cnt ? QS_CRDS_STAKED_TTL_MS : QS_CRDS_TTL_MS;
    u32 dropped = 0;

    if (!r->used || !r->cnt || r->stake == QS_CRDS_PINNED)
        return 0;
    if (r->contact != QS_CRDS_NONE) {
        qs_crds_entry_t const *c = &t->entry[r->contact];
        if (qs_min_u64(c->wallclock, c->seen_ms) + ttl > now_ms)
            return 0;
    }
    for (u32 s = r->first, prev = QS_CRDS_NONE, next; s != QS_CRDS_NONE; s = next) {
        next = t->entry[s].next;
        if (qs_min_u64(t->entry[s].wallclock, t->entry[s].seen_ms) + ttl > now_ms) {
            prev = s;
            continue;
        }
        drop(t, s, prev, now_ms);
        dropped++;
    }
    if (!r->cnt && !r->stake)
        origin_free(t, o);
    return dropped;
}

u32
qs_crds_expire(qs_crds_table_t *t, u64 now_ms, u32 origin_cnt)
{
    u32 dropped = 0;

    forget_old(&t->purged, now_ms, QS_CRDS_PURGED_MS);
    forget_old(&t->failed, now_ms, QS_CRDS_FAILED_MS);
    if (origin_cnt > t->conf.origin_max)
        origin_cnt = t->conf.origin_max;
    for (u32 i = 0; i < origin_cnt; i++) {
        dropped += expire_origin(t, t->expire_at, now_ms);
        t->expire_at = t->expire_at + 1 < t->conf.origin_max ? t->expire_at + 1 : 0;
    }
    return dropped;
}

u32
qs_crds_scan(qs_crds_table_t const *t, u64 mask, u32 mask_bits, u32 from, u32 slots, u32 *slot,
             u32 max, u32 *next)
{
    u64 low = mask_bits >= 64 ? 0 : UINT64_MAX >> mask_bits, want = mask | low;
    u32 end = slots < t->conf.value_max - from ? from + slots : t->conf.value_max, cnt = 0,
        s = from;

    for (; s < end && cnt < max; s++) {
        slot[cnt] = s;
        cnt += (t->hash64[s] | low) == want && t->entry[s].used;
    }
    *next = s;
    return cnt;
}

u32
qs_crds_since(qs_crds_table_t const *t, u64 *ordinal, u32 *slot, u32 max)
{
    u64 kept = t->log_mask + 1, at = *ordinal;
    u32 cnt = 0;

    if (t->next_ordinal > kept && at < t->next_ordinal - kept)
        at = t->next_ordinal - kept;
    for (; at < t->next_ordinal && cnt < max; at++) {
        u32 s = t->log[at & t->log_mask];
        if (t->entry[s].used && t->entry[s].ordinal == at)
            slot[cnt++] = s;
    }
    *ordinal = at;
    return cnt;
}

/* crds_model.h - a plain model of the table of gossip's values, and a comparison of both: for the unit test
   and the fuzzer, each of which says beforehand what MUST(condition) does. */

#ifndef QS_TEST_CRDS_MODEL_H
#define QS_TEST_CRDS_MODEL_H

#include "disco/gossip/qs_crds_table.h"

#define ORIGINS 24u
#define INDEXES 4u
#define LABELS  (ORIGINS * INDEXES)

static qs_crds_conf_t const small_conf = {.value_max = 40,
                                          .large_max = 6,
                                          .origin_max = 14,
                                          .history_max = 50,
                                          .unstaked_max = 2,
                                          .key = {1, 2}};

typedef struct made {
    u8 value[QS_CRDS_LARGE_SZ];
    u8 origin[32], hash[32];
    qs_crds_item_t item;
} made_t;

/* make describes a value of a label; same numbers, same value. */
static void
make(made_t *m, qs_crds_table_t const *t, u32 origin, u16 index, u64 wallclock, u64 outset, u16 sz)
{
    memset(m, 0, sizeof(*m));
    qs_store_le32(m->origin, origin);
    u64 words[4] = {origin, index, wallclock, outset};
    for (u32 i = 0; i < 4; i++)
        qs_store_le64(m->hash + 8 * i, qs_hash_bytes(i + 1, words, sizeof(words)));
    memset(m->value, m->hash[0], sz);
    m->item = (qs_crds_item_t){.value = m->value,
                               .origin = m->origin,
                               .hash = m->hash,
                               .wallclock = wallclock,
                               .outset = outset,
                               .sz = sz,
                               .index = index,
                               .kind = index ? QS_CRDS_VOTE : QS_CRDS_CONTACT_INFO};
    m->item.label = qs_crds_label(t, m->item.kind, index, m->origin);
}

static void
open_table(qs_crds_table_t *t, qs_crds_conf_t const *conf)
{
    u64 sz = qs_crds_table_footprint(conf);
    MUST(sz);
    void *mem = aligned_alloc(QS_ALIGN, sz);
    memset(mem, 0, sz);
    qs_crds_table_init(t, mem, conf);
}

static void
close_table(qs_crds_table_t *t)
{
    free(t->entry);
}

/* ---- the model ---- */

typedef struct model_value {
    bool there;
    u64 wallclock, outset, seen;
    u8 hash[32];
    u16 sz;
    u64 order; /* of insert or replacement */
} model_value_t;

typedef struct model {
    model_value_t v[ORIGINS][INDEXES];
    u64 stake[ORIGINS];
    bool known[ORIGINS];
    u64 heard[ORIGINS]; /* order in which unstaked origins were heard of */
    u64 clock, order;
} model_t;

static u32
values_of(model_t const *m, u32 o)
{
    u32 cnt = 0;
    for (u32 i = 0; i < INDEXES; i++)
        cnt += m->v[o][i].there;
    return cnt;
}

static u32
model_cnt(model_t const *m)
{
    u32 cnt = 0;
    for (u32 o = 0; o < ORIGINS; o++)
        cnt += values_of(m, o);
    return cnt;
}

static u32
model_known(model_t const *m)
{
    u32 cnt = 0;
    for (u32 o = 0; o < ORIGINS; o++)
        cnt += m->known[o];
    return cnt;
}

static u32
model_large(model_t const *m, bool unstaked_only)
{
    u32 cnt = 0;
    for (u32 o = 0; o < ORIGINS; o++)
        for (u32 i = 0; i < INDEXES; i++)
            cnt += m->v[o][i].there && m->v[o][i].sz > QS_CRDS_SMALL_SZ &&
                   (!unstaked_only || !m->stake[o]);
    return cnt;
}

static bool
model_make_room(model_t *m, u32 but, u64 stake)
{
    u32 found = ORIGINS;
    for (u32 o = 0; o < ORIGINS; o++)
        if (o != but && values_of(m, o) && !m->stake[o] &&
            (found == ORIGINS || m->heard[o] < m->heard[found]))
            found = o;
    if (found == ORIGINS && stake) {
        for (u32 o = 0; o < ORIGINS; o++)
            if (values_of(m, o) && m->stake[o] && m->stake[o] != QS_CRDS_PINNED &&
                (found == ORIGINS || m->stake[o] < m->stake[found]))
                found = o;
        if (found != ORIGINS && (found == but || m->stake[found] >= stake))
            found = ORIGINS;
    }
    if (found == ORIGINS)
        return false;
    memset(m->v[found], 0, sizeof(m->v[found]));
    m->known[found] = m->stake[found] != 0;
    return true;
}

static bool
model_large_fits(model_t const *m, u32 o, u16 sz)
{
    return sz <= QS_CRDS_SMALL_SZ ||
           (model_large(m, false) < small_conf.large_max &&
            (m->stake[o] || model_large(m, true) < small_conf.large_max / 2));
}

static qs_crds_outcome_t
model_upsert(model_t *m, u32 o, made_t const *made, u64 now)
{
    model_value_t *v = &m->v[o][made->item.index];
    model_value_t fresh = {.there = true,
                           .wallclock = made->item.wallclock,
                           .outset = made->item.outset,
                           .seen = now,
                           .sz = made->item.sz,
                           .order = m->order};
    memcpy(fresh.hash, made->hash, 32);
    if (v->there) {
        if (!memcmp(v->hash, made->hash, 32))
            return QS_CRDS_DUPLICATE;
        bool newer = fresh.outset != v->outset         ? fresh.outset > v->outset
                     : fresh.wallclock != v->wallclock ? fresh.wallclock > v->wallclock
                                                       : memcmp(fresh.hash, v->hash, 32) > 0;
        if (!newer)
            return QS_CRDS_OLDER;
        if (v->sz <= QS_CRDS_SMALL_SZ && !model_large_fits(m, o, fresh.sz))
            return QS_CRDS_FULL;
        *v = fresh, m->order++, m->heard[o] = ++m->clock;
        return QS_CRDS_REPLACED;
    }
    if (!m->stake[o] && values_of(m, o) >= small_conf.unstaked_max)
        return QS_CRDS_LIMIT;
    if (model_cnt(m) == small_conf.value_max && !model_make_room(m, o, m->stake[o]))
        return QS_CRDS_FULL;
    if (!m->known[o] && model_known(m) == small_conf.origin_max && !model_make_room(m, ORIGINS, 0))
        return QS_CRDS_FULL;
    if (!model_large_fits(m, o, fresh.sz))
        return QS_CRDS_FULL;
    m->known[o] = true;
    *v = fresh, m->order++, m->heard[o] = ++m->clock;
    return QS_CRDS_INSERTED;
}

static int
model_set_stake(model_t *m, u32 o, u64 stake)
{
    if (!m->known[o]) {
        if (!stake)
            return 0;
        if (model_known(m) == small_conf.origin_max) {
            if (!model_make_room(m, ORIGINS, stake))
                return -ENOSPC;
            if (model_known(m) == small_conf.origin_max)
                return -ENOSPC; /* it was a staked one, who stays known */
        }
        m->known[o] = true;
    }
    if (m->stake[o] && !stake)
        m->heard[o] = ++m->clock;
    m->stake[o] = stake;
    m->known[o] = stake || values_of(m, o);
    return 0;
}

static void
model_expire(model_t *m, u64 now)
{
    bool any = false;
    for (u32 o = 0; o < ORIGINS; o++)
        any |= m->stake[o] && m->stake[o] != QS_CRDS_PINNED;
    for (u32 o = 0; o < ORIGINS; o++) {
        u64 ttl = m->stake[o] || !any ? QS_CRDS_STAKED_TTL_MS : QS_CRDS_TTL_MS;
        model_value_t const *c = &m->v[o][0];
        if (m->stake[o] == QS_CRDS_PINNED ||
            (c->there && qs_min_u64(c->wallclock, c->seen) + ttl > now))
            continue;
        for (u32 i = 0; i < INDEXES; i++)
            if (m->v[o][i].there && qs_min_u64(m->v[o][i].wallclock, m->v[o][i].seen) + ttl <= now)
                memset(&m->v[o][i], 0, sizeof(m->v[o][i]));
        m->known[o] = m->stake[o] || values_of(m, o);
    }
}

/* ---- comparing ---- */

static void
compare(qs_crds_table_t *t, model_t const *m)
{
    u32 slot[LABELS], next = 0, scanned = 0, cnt = model_cnt(m);

    MUST(t->cnt == cnt);
    MUST(t->origin_cnt == model_known(m));
    MUST(t->unstaked_large_cnt == model_large(m, true));
    MUST(t->conf.large_max - t->free_large_cnt == model_large(m, false));
    for (u32 o = 0; o < ORIGINS; o++) {
        u8 key[32] = {0};
        qs_store_le32(key, o);
        MUST(qs_crds_stake(t, key) == m->stake[o]);
        for (u16 i = 0; i < INDEXES; i++) {
            u8 kind = i ? QS_CRDS_VOTE : QS_CRDS_CONTACT_INFO;
            u32 s = qs_crds_find(t, qs_crds_label(t, kind, i, key), kind, i, key);
            MUST((s != QS_CRDS_NONE) == m->v[o][i].there);
            if (s == QS_CRDS_NONE)
                continue;
            MUST(!memcmp(t->entry[s].hash, m->v[o][i].hash, 32));
            MUST(t->entry[s].seen_ms == m->v[o][i].seen);
            MUST(t->entry[s].ordinal == m->v[o][i].order);
            u8 const *value = qs_crds_value(t, s);
            for (u32 b = 0; b < m->v[o][i].sz; b++)
                MUST(value[b] == m->v[o][i].hash[0]);
        }
    }
    for (u64 part = 0; part < 64; part++) {
        u32 found = qs_crds_scan(t, part << 58, 6, 0, UINT32_MAX, slot, LABELS, &next);
        scanned += found;
        for (u32 i = 0; i < found; i++)
            MUST(qs_load_le64(t->entry[slot[i]].hash) >> 58 == part);
    }
    MUST(scanned == cnt);
    u64 ordinal = 0;
    u32 since = 0, got;
    while ((got = qs_crds_since(t, &ordinal, slot, 7)))
        since += got;
    u32 logged = 0;
    for (u32 o = 0; o < ORIGINS; o++)
        for (u32 i = 0; i < INDEXES; i++)
            logged += m->v[o][i].there && m->v[o][i].order + t->log_mask + 1 >= m->order;
    MUST(since == logged);
}

#endif

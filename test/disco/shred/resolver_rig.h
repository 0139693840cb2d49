/* A resolver with a leader schedule of its own, for tests and fuzzers: shreds go in one by one or
   many at a time, what comes out is checked and kept. */

#ifndef TEST_DISCO_SHRED_RESOLVER_RIG_H
#define TEST_DISCO_SHRED_RESOLVER_RIG_H

#include "disco/shred/qs_resolver.h"

#define RIG_SET_MAX 512u

typedef struct rig_set {
    qs_fec_set_t head;
    u8 data[QS_SHRED_SET_CNT][QS_SHRED_DATA_SZ];
} rig_set_t;

typedef struct rig {
    qs_resolver_t *resolver;
    void *mem; /* the resolver's */
    qs_leaders_t leaders;
    qs_resolver_config_t config;
    u64 now;
    u32 set_cnt;
    u32 equivocation_cnt;
    qs_equivocation_t equivocation; /* the last one */
    rig_set_t set[RIG_SET_MAX];
} rig_t;

static inline void *
rig_memory(u64 sz)
{
    void *mem = NULL;
    QS_ASSERT(sz && !posix_memalign(&mem, QS_ALIGN, sz));
    memset(mem, 0xee, sz);
    return mem;
}

/* rig_leaders lets identity[i] lead four slots in turn from slot 0 on. */
static inline void
rig_leaders(rig_t *rig, u8 const *const *identity, u32 identity_cnt, u64 slot_cnt)
{
    qs_leaders_init(&rig->leaders, rig_memory(qs_leaders_footprint(64, slot_cnt)), 64, slot_cnt,
                    (qs_hash_key_t){1, 2});
    qs_leaders_epoch_t *e = qs_leaders_open(&rig->leaders);
    for (u64 i = 0; i < slot_cnt; i++)
        QS_ASSERT(!qs_leaders_set(&rig->leaders, e, i, identity[i / 4 % identity_cnt]));
    QS_ASSERT(!qs_leaders_close(&rig->leaders, e, 0, 0, slot_cnt));
}

static inline void
rig_init(rig_t *rig, u16 version)
{
    if (!rig->config.set_cnt)
        rig->config = (qs_resolver_config_t){.set_cnt = 256, .buf_cnt = 128, .slot_cnt = 64};
    rig->config.key = (qs_hash_key_t){3, 4};
    rig->config.filter.version = version;
    rig->config.filter.root = QS_SHRED_NO_ROOT;
    rig->config.filter.idx_limit = QS_SHRED_IDX_LIMIT;
    free(rig->mem);
    rig->mem = rig_memory(qs_resolver_footprint(&rig->config));
    rig->resolver = qs_resolver_init(rig->mem, &rig->config, &rig->leaders);
    rig->set_cnt = rig->equivocation_cnt = 0;
}

static inline void
rig_pop(rig_t *rig)
{
    for (qs_fec_set_t const *s; (s = qs_resolver_pop(rig->resolver));) {
        QS_ASSERT(rig->set_cnt < RIG_SET_MAX);
        rig_set_t *to = &rig->set[rig->set_cnt++];
        to->head = *s;
        memcpy(to->data, s + 1, sizeof(to->data));
    }
    for (qs_equivocation_t const *e; (e = qs_resolver_pop_equivocation(rig->resolver));) {
        rig->equivocation = *e;
        rig->equivocation_cnt++;
    }
}

/* rig_add gives one shred to the resolver and returns what became of it. */
static inline u32
rig_add(rig_t *rig, u8 const *data, u32 sz)
{
    qs_resolver_out_t out;
    qs_resolver_in_t in = {.data = data, .sz = sz, .ns = ++rig->now};
    qs_resolver_add(rig->resolver, &in, &out, 1);
    rig_pop(rig);
    return out.reason;
}

/* rig_find returns the popped set of this place, null: none; *cnt is how many there are. */
static inline rig_set_t *
rig_find(rig_t *rig, u64 slot, u32 fec_idx, u32 *cnt)
{
    rig_set_t *found = NULL;
    *cnt = 0;
    for (u32 i = 0; i < rig->set_cnt; i++) {
        if (rig->set[i].head.slot != slot || rig->set[i].head.fec_idx != fec_idx)
            continue;
        found = &rig->set[i];
        ++*cnt;
    }
    return found;
}

#endif

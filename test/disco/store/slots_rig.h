/* The rig of the tests of the store's brain: blocks a and b, and what the brain told. */

#ifndef TEST_DISCO_STORE_SLOTS_RIG_H
#define TEST_DISCO_STORE_SLOTS_RIG_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/store/block_maker.h"

#define HASHES 10u

static u8 const zero[32];
static u8 const genesis[32] = {7, 7, 7};

typedef struct rig {
    qs_slots_config_t config;
    qs_slots_t *slots;
    void *mem;
    qs_slot_info_t last; /* told */
    u32 told, entries, txns, unjudged, last_entries;
    u64 txn_sum; /* of numbers in memos */
    bool in_order;
    block_t a, b;
} rig_t;

static inline void
on_status(void *ctx, qs_slot_info_t const *slot)
{
    rig_t *r = ctx;
    r->last = *slot;
    r->told += slot->status != QS_SLOT_PROGRESS;
}

static inline void
on_entry(void *ctx, qs_slot_info_t const *slot, qs_slots_entry_t const *e)
{
    rig_t *r = ctx;
    r->in_order &= e->idx == slot->entry_cnt && e->txn_first == slot->txn_cnt;
    r->in_order &= e->batch->first_ns > 1000 && e->batch->full_ns > 2000;
    r->in_order &= e->batch->flags == (QS_FEC_SIGNED | QS_FEC_MERKLE);
    r->last_entries += e->last;
    r->entries++;
    r->unjudged += e->unjudged;
}

static inline void
on_txn(void *ctx, qs_slot_info_t const *slot, qs_slots_txn_t const *t)
{
    rig_t *r = ctx;
    qs_txn_t check;
    r->in_order &= t->idx == slot->txn_cnt && t->entry_idx == slot->entry_cnt;
    r->in_order &= !qs_txn_parse(&check, t->data, t->txn->sz, 0);
    r->txn_sum += qs_load_le64(t->data + t->txn->sz - 8);
    r->txns++;
}

static inline rig_t *
rig_new(void)
{
    rig_t *r = calloc(1, sizeof(*r));
    r->config = (qs_slots_config_t){.slot_cnt = 4,
                                    .set_cnt = 16,
                                    .batch_cnt = 8,
                                    .hashes_per_tick = HASHES,
                                    .genesis = true,
                                    .calls = {r, NULL, on_entry, on_txn, on_status}};
    memcpy(r->config.genesis_hash, genesis, 32);
    r->in_order = true;
    return r;
}

static inline void
rig_start(rig_t *r)
{
    free(r->mem);
    u64 sz = qs_slots_footprint(&r->config);
    cr_assert(ne(u64, sz, 0));
    cr_assert(eq(int, posix_memalign(&r->mem, QS_ALIGN, sz), 0));
    memset(r->mem, 0xee, sz);
    r->slots = qs_slots_init(r->mem, &r->config);
}

static inline void
rig_free(rig_t *r)
{
    free(r->mem);
    free(r);
}

static inline void
work(rig_t *r)
{
    for (u32 i = 0; qs_slots_step(r->slots, 5000); i++)
        cr_assert(i < 100000);
}

static inline qs_slots_take_t
add(rig_t *r, block_set_t const *s)
{
    return qs_slots_add(r->slots, &s->head, s->data, 5000);
}

static inline void
add_all(rig_t *r, block_t const *b)
{
    for (u32 i = 0; i < b->set_cnt; i++) {
        cr_assert(eq(int, add(r, &b->set[i]), QS_SLOTS_TAKEN));
        work(r);
    }
}

static inline void
ticks(block_t *b, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        block_tick(b, HASHES);
}

#endif

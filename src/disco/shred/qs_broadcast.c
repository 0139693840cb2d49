#include "disco/shred/qs_broadcast.h"

#define COUNT_SZ     8u  /* of a batch's head */
#define ENTRY_SZ_MIN 48u /* count of hashes, hash, count of transactions */
#define BATCH_CAP    (QS_SHREDDER_CHAINED_SZ + QS_BROADCAST_ENTRY_MAX)

/* The signature comes later: until then the place is empty. */
static int
sign_later(void *ctx, u8 sig[QS_SHRED_SIG_SZ], u8 const root[QS_SHRED_ROOT_SZ])
{
    (void)ctx, (void)root;
    memset(sig, 0, QS_SHRED_SIG_SZ);
    return 0;
}

static u64
layout(qs_broadcast_t *b)
{
    u64 ring = qs_align_up(sizeof(*b), QS_ALIGN);
    u64 batch = qs_align_up(ring + QS_BROADCAST_SET_CNT * sizeof(qs_broadcast_set_t), QS_ALIGN);
    if (b) {
        b->ring = (qs_broadcast_set_t *)(void *)((u8 *)b + ring);
        b->batch = (u8 *)b + batch;
    }
    return qs_align_up(batch + BATCH_CAP, QS_ALIGN);
}

u64
qs_broadcast_footprint(void)
{
    return layout(NULL);
}

qs_broadcast_t *
qs_broadcast_init(void *mem, qs_ends_t *ends, u16 version, u32 batch_ticks, u32 first_tag,
                  bool joining)
{
    qs_broadcast_t *b = mem;
    *b = (qs_broadcast_t){.batch_ticks = batch_ticks,
                          .ends = ends,
                          .slot = UINT64_MAX,
                          .not_slot = UINT64_MAX,
                          .joining = joining,
                          .ended = true,
                          .batch_sz = COUNT_SZ,
                          .tag = first_tag};
    layout(b);
    qs_shredder_init(&b->shredder, sign_later, NULL, version);
    return b;
}

/* open_batch begins an empty one. */
static void
open_batch(qs_broadcast_t *b)
{
    b->closed = false;
    b->entry_cnt = 0;
    b->batch_sz = COUNT_SZ;
    b->ticks = 0;
}

static void
begin_slot(qs_broadcast_t *b, qs_entry_frag_t const *frag)
{
    static u8 const zero[QS_SHRED_ROOT_SZ];
    u64 parent = frag->slot - frag->parent_off;
    u8 const *root = qs_ends_find(b->ends, parent);
    b->counts.slot_begun++;
    b->counts.slot_cut += !b->ended;
    b->counts.parent_unknown += !root && parent; /* slot 0 has no shreds */
    b->slot = frag->slot;
    b->ended = false;
    open_batch(b);
    qs_shredder_slot(&b->shredder, frag->slot, frag->parent_off, root ? root : zero);
}

/* close_batch hands the batch to the shredder. */
static void
close_batch(qs_broadcast_t *b, bool last)
{
    qs_store_le64(b->batch, b->entry_cnt);
    b->closed = true;
    if (qs_shredder_begin(&b->shredder, b->batch, b->batch_sz, b->first_tick, last) > 0) {
        b->counts.batch++;
        return;
    }
    b->counts.slot_full++;
    b->ended = true;
    open_batch(b);
}

/* fits_slot says whether an entry belongs to the slot in hand, or to one that may be begun, and counts it
   if not. */
static bool
fits_slot(qs_broadcast_t *b, qs_entry_frag_t const *frag)
{
    if (b->joining) {
        b->joining = false;
        b->not_slot = frag->slot;
    }
    if (frag->slot == b->not_slot) {
        b->counts.entry_restart++;
        return false;
    }
    bool is_new = b->slot == UINT64_MAX || frag->slot > b->slot;
    if (!is_new && (frag->slot != b->slot || b->ended)) {
        b->counts.entry_order++;
        return false;
    }
    return true;
}

/* parent_fits says whether a receiver would take a shred with that parent (shred.md 7.3). */
static bool
parent_fits(qs_entry_frag_t const *head)
{
    return head->parent_off && head->parent_off <= head->slot &&
           (head->parent_off < head->slot || head->slot == 1);
}

qs_broadcast_verdict_t
qs_broadcast_add(qs_broadcast_t *b, qs_entry_frag_t const *head, u8 const *entry, u32 sz)
{
    if (b->closed)
        return QS_BROADCAST_NOT_NOW;
    if (sz < ENTRY_SZ_MIN || head->sz != sz || sz > QS_BROADCAST_ENTRY_MAX || !parent_fits(head)) {
        b->counts.entry_form++;
        return QS_BROADCAST_TAKEN;
    }
    if (!fits_slot(b, head))
        return QS_BROADCAST_TAKEN;
    if (head->slot != b->slot)
        begin_slot(b, head);
    if (b->entry_cnt && b->batch_sz + sz > QS_SHREDDER_CHAINED_SZ) {
        close_batch(b, false);
        b->counts.entry_order += !b->closed;
        return b->closed ? QS_BROADCAST_NOT_NOW : QS_BROADCAST_TAKEN;
    }
    if (!b->entry_cnt)
        b->first_tick = head->tick;
    memcpy(b->batch + b->batch_sz, entry, sz);
    b->batch_sz += sz;
    b->entry_cnt++;
    b->ticks += head->flags & QS_ENTRY_TICK;
    b->counts.entry_taken++;
    b->ended = head->flags & QS_ENTRY_LAST_SLOT;
    if (b->ended || b->ticks >= b->batch_ticks || b->batch_sz >= QS_SHREDDER_CHAINED_SZ)
        close_batch(b, b->ended);
    return QS_BROADCAST_TAKEN;
}

/* describe writes what the store is told. */
static void
describe(qs_broadcast_t const *b, qs_broadcast_set_t *s, u8 const chained[QS_SHRED_ROOT_SZ],
         u64 now_ns)
{
    u8 flags = s->set.data[QS_SHRED_SET_CNT - 1][85];
    s->head = (qs_fec_set_t){.slot = b->slot,
                             .fec_idx = s->set.fec_idx,
                             .version = b->shredder.version,
                             .flags = QS_FEC_SIGNED | QS_FEC_MERKLE,
                             .source = QS_FEC_OWN,
                             .data_cnt = QS_SHRED_SET_CNT,
                             .code_cnt = QS_SHRED_SET_CNT,
                             .parent_off = b->shredder.parent_off,
                             .first_ns = now_ns,
                             .last_ns = now_ns};
    memcpy(s->head.root, s->set.root, QS_SHRED_ROOT_SZ);
    memcpy(s->head.chained_root, chained, QS_SHRED_ROOT_SZ);
    if (s->set.fec_idx || qs_ends_find(b->ends, b->slot - b->shredder.parent_off))
        s->head.flags |= QS_FEC_CHAINED;
    if ((flags & QS_SHRED_LAST_IN_SLOT) == QS_SHRED_LAST_IN_SLOT)
        s->head.flags |= QS_FEC_LAST_SLOT;
    if (flags & QS_SHRED_DATA_COMPLETE)
        s->head.flags |= QS_FEC_LAST_BATCH;
}

qs_broadcast_set_t *
qs_broadcast_make(qs_broadcast_t *b, u64 now_ns)
{
    u8 chained[QS_SHRED_ROOT_SZ];
    if (!b->closed || b->ring_end - b->ring_pop == QS_BROADCAST_SET_CNT)
        return NULL;
    qs_broadcast_set_t *s = &b->ring[b->ring_end % QS_BROADCAST_SET_CNT];
    memcpy(chained, b->shredder.state.chained, sizeof(chained));
    int err = qs_shredder_next(&b->shredder, &s->set);
    QS_ASSERT(!err); /* a closed batch has a set left */
    s->tag = b->tag++ & QS_BROADCAST_TAG_MASK;
    s->is_signed = s->stored = false;
    s->sent = 0;
    s->made_ns = now_ns;
    describe(b, s, chained, now_ns);
    b->ring_end++;
    b->counts.set_made++;
    if (s->head.flags & QS_FEC_LAST_SLOT) {
        qs_ends_put(b->ends, b->slot, s->set.root);
        b->counts.slot_done++;
    }
    if (!b->shredder.state.set_left)
        open_batch(b);
    return s;
}

void
qs_broadcast_signed(qs_broadcast_t *b, u32 tag, u8 const sig[QS_SHRED_SIG_SZ])
{
    u32 sz;
    u32 back = (b->tag - tag) & QS_BROADCAST_TAG_MASK; /* the newest is 1 */
    u64 waiting = b->ring_end - b->ring_pop;
    qs_broadcast_set_t *s = &b->ring[(b->ring_end - back) % QS_BROADCAST_SET_CNT];
    if (!back || back > waiting || s->is_signed) {
        b->counts.signature_stray++;
        return;
    }
    for (u32 i = 0; i < QS_BROADCAST_LEAF_CNT; i++)
        memcpy(qs_broadcast_shred(s, i, &sz), sig, QS_SHRED_SIG_SZ);
    s->is_signed = true;
}

qs_broadcast_set_t *
qs_broadcast_oldest(qs_broadcast_t *b)
{
    qs_broadcast_set_t *s = &b->ring[b->ring_pop % QS_BROADCAST_SET_CNT];
    return b->ring_pop != b->ring_end && s->is_signed ? s : NULL;
}

void
qs_broadcast_pop(qs_broadcast_t *b)
{
    b->ring_pop++;
}

/* What becomes of a set: complete, flawed, or contradicted. */

#include "disco/shred/qs_resolver_state.h"
#include "waltz/fec/qs_reedsol.h"

static u8 *
shred_at(qs_set_buf_t *b, u32 leaf)
{
    return leaf < QS_SHRED_SET_CNT ? b->data[leaf] : b->code[leaf - QS_SHRED_SET_CNT];
}

static qs_shred_layout_t const *
layout_of(qs_set_t const *set, u32 leaf)
{
    return qs_shred_layout(qs_shred_variant(leaf >= QS_SHRED_SET_CNT, set->resigned));
}

/* recover fills in the erasure coded part of the missing shreds. */
static void
recover(qs_set_t const *set, qs_set_buf_t *b)
{
    u8 *shard[QS_REEDSOL_CNT];
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
        shard[i] = shred_at(b, i) + layout_of(set, i)->erasure_off;
    int err = qs_reedsol_recover(shard, layout_of(set, 0)->erasure_sz, set->have, ~set->have);
    QS_ASSERT(!err); /* exactly 32 are there */
}

/* frame writes what surrounds the erasure coded part: all but the proof. */
static void
frame(qs_set_t const *set, u8 *shred, u32 leaf)
{
    qs_shred_layout_t const *l = layout_of(set, leaf);
    memcpy(shred, set->sig, QS_SHRED_SIG_SZ);
    memcpy(shred + l->chained_off, set->chained, QS_SHRED_ROOT_SZ);
    if (l->code) {
        u32 pos = leaf - QS_SHRED_SET_CNT;
        qs_shred_t s = {.layout = l, .slot = set->slot, .idx = set->fec_idx + pos};
        s.fec_idx = set->fec_idx;
        s.version = set->version;
        s.data_cnt = s.code_cnt = QS_SHRED_SET_CNT;
        s.pos = (u16)pos;
        qs_shred_encode(shred, &s);
    }
    if (l->resigned)
        memset(shred + l->resign_off, 0, QS_SHRED_SIG_SZ);
}

/* check_data judges a recovered data shred as if it had been received. */
static u32
check_data(qs_resolver_t *r, qs_set_t *set, u8 const *shred, u32 leaf)
{
    qs_shred_t s;
    if (qs_shred_parse(&s, shred, QS_SHRED_DATA_SZ, &r->config.filter) ||
        s.layout != layout_of(set, leaf) || s.slot != set->slot || s.fec_idx != set->fec_idx ||
        s.version != set->version || qs_shred_leaf(&s) != leaf)
        return QS_RESOLVER_R_FLAW_SHRED;
    if (set->has_parent && s.parent_off != set->parent_off)
        return QS_RESOLVER_R_SET_PARENT;
    set->has_parent = true;
    set->parent_off = s.parent_off;
    if (leaf == QS_SHRED_SET_CNT - 1) /* one of a set is enough, and this one may be the last */
        (void)qs_resolver_note_data(r, &s, shred, set->bucket);
    return QS_RESOLVER_R_ADMITTED;
}

/* check_tree hashes what was recovered and asks whether all of it has the signed root. */
static bool
check_tree(qs_set_t const *set, qs_set_buf_t *b)
{
    qs_merkle_text_t text[QS_SET_LEAF_CNT];
    qs_merkle_hash_t hash[QS_SET_LEAF_CNT], leaf[QS_SET_LEAF_CNT];
    u32 cnt = 0;
    for (u32 i = 0; i < QS_SET_LEAF_CNT; i++)
        if (!(set->have >> i & 1))
            text[cnt++] = (qs_merkle_text_t){shred_at(b, i) + QS_SHRED_SIG_SZ,
                                             layout_of(set, i)->proof_off - QS_SHRED_SIG_SZ};
    qs_merkle_leaves(hash, text, cnt);
    for (u32 i = QS_SET_LEAF_CNT; i--;)
        if (!(set->have >> i & 1))
            leaf[i] = hash[--cnt];
    return qs_merkle_complete(&b->tree, leaf, ~set->have);
}

/* check_strict: after a data shred that is not full all others are empty, and the last one ends a
   batch (SIMD-0504 as amended). */
static bool
check_strict(qs_set_t const *set, qs_set_buf_t const *b)
{
    qs_shred_filter_t any = {.root = QS_SHRED_NO_ROOT, .idx_limit = QS_SHRED_IDX_LIMIT};
    u32 max = layout_of(set, 0)->chained_off;
    bool is_short = false;
    qs_shred_t s;
    for (u32 i = 0; i < QS_SHRED_SET_CNT; i++) {
        if (qs_shred_parse(&s, b->data[i], QS_SHRED_DATA_SZ, &any) ||
            (is_short && s.size != s.layout->hdr_sz))
            return false;
        is_short |= s.size < max;
    }
    return !is_short || s.flags & QS_SHRED_DATA_COMPLETE;
}

/* restore makes the missing shreds and judges them. */
static u32
restore(qs_resolver_t *r, qs_set_t *set, qs_set_buf_t *b)
{
    u32 reason = QS_RESOLVER_R_ADMITTED;
    recover(set, b);
    for (u32 i = 0; i < QS_SET_LEAF_CNT; i++)
        if (!(set->have >> i & 1))
            frame(set, shred_at(b, i), i);
    if (!check_tree(set, b))
        return QS_RESOLVER_R_FLAW_ROOT;
    for (u32 i = 0; i < QS_SET_LEAF_CNT && reason == QS_RESOLVER_R_ADMITTED; i++) {
        if (set->have >> i & 1)
            continue;
        u8 *shred = shred_at(b, i);
        qs_merkle_proof(shred + layout_of(set, i)->proof_off, &b->tree, i);
        if (i < QS_SHRED_SET_CNT)
            reason = check_data(r, set, shred, i);
    }
    if (reason == QS_RESOLVER_R_ADMITTED && r->config.strict && !check_strict(set, b))
        return QS_RESOLVER_R_FLAW_STRICT;
    return reason;
}

/* is_chained says whether the set before this one is known under the root that this one names. */
static bool
is_chained(qs_resolver_t *r, qs_set_t const *set)
{
    u64 slot = set->slot;
    u32 fec_idx = set->fec_idx - QS_SHRED_SET_CNT, at = QS_NONE;
    if (!set->fec_idx) {
        slot -= set->parent_off;
        qs_slot_t const *parent = qs_resolver_find_slot(r, slot);
        if (!set->parent_off || !parent || parent->last_idx == QS_NONE)
            return false;
        fec_idx = parent->last_idx + 1 - QS_SHRED_SET_CNT;
    }
    for (qs_set_t *p; (p = qs_resolver_each_version(r, slot, fec_idx, &at));)
        if (p->proven && !memcmp(p->root, set->chained, QS_SHRED_ROOT_SZ))
            return true;
    return false;
}

static void
publish(qs_resolver_t *r, qs_set_t *set, qs_set_buf_t *b, u64 ns)
{
    qs_fec_set_t *h = &b->head;
    u8 last = b->data[QS_SHRED_SET_CNT - 1][85];
    qs_slot_t const *slot = qs_resolver_find_slot(r, set->slot);
    *h = (qs_fec_set_t){.slot = set->slot,
                        .fec_idx = set->fec_idx,
                        .version = set->version,
                        .source = set->source,
                        .parent_off = set->parent_off,
                        .first_ns = set->first_ns,
                        .last_ns = ns};
    h->data_cnt = (u8)__builtin_popcountll(set->have & UINT32_MAX);
    h->code_cnt = (u8)__builtin_popcountll(set->have >> QS_SHRED_SET_CNT);
    memcpy(h->root, set->root, sizeof(h->root));
    memcpy(h->chained_root, set->chained, sizeof(h->chained_root));
    u32 flags = set->proven ? QS_FEC_SIGNED : 0;
    flags |= set->flawed ? QS_FEC_FLAWED : QS_FEC_MERKLE;
    if (!set->flawed || set->have >> (QS_SHRED_SET_CNT - 1) & 1) {
        flags |= (last & QS_SHRED_LAST_IN_SLOT) == QS_SHRED_LAST_IN_SLOT ? QS_FEC_LAST_SLOT : 0;
        flags |= last & QS_SHRED_DATA_COMPLETE ? QS_FEC_LAST_BATCH : 0;
    }
    flags |= h->data_cnt < QS_SHRED_SET_CNT ? QS_FEC_RECOVERED : 0;
    flags |= set->conflict || (slot && slot->conflict) ? QS_FEC_CONFLICT : 0;
    flags |= is_chained(r, set) ? QS_FEC_CHAINED : 0;
    h->flags = (u8)flags;

    r->counts.set_done++;
    r->counts.set_flawed += set->flawed;
    r->counts.set_recovered += !set->flawed && h->data_cnt < QS_SHRED_SET_CNT;
    r->counts.shred_recovered += set->flawed ? 0 : QS_SHRED_SET_CNT;
    qs_resolver_finish_buf(r, set);
}

void
qs_resolver_complete(qs_resolver_t *r, qs_set_t *set, u64 ns)
{
    qs_set_buf_t *b = &r->buf[set->buf];
    u32 reason = restore(r, set, b);
    if (reason != QS_RESOLVER_R_ADMITTED)
        qs_resolver_flaw(r, set, reason, ns);
    else
        publish(r, set, b, ns);
}

void
qs_resolver_flaw(qs_resolver_t *r, qs_set_t *set, u32 reason, u64 ns)
{
    if (set->flawed || set->state == QS_SET_DONE)
        return;
    if (set->state == QS_SET_WAITING && !qs_resolver_take_buf(r, set))
        return;
    qs_set_buf_t *b = &r->buf[set->buf];
    r->counts.reason[reason]++;
    set->flawed = true;
    for (u32 i = 0; i < QS_SHRED_SET_CNT; i++)
        if (!(set->have >> i & 1))
            memset(b->data[i], 0, QS_SHRED_DATA_SZ);
    publish(r, set, b, ns);
}

void
qs_resolver_report(qs_resolver_t *r, qs_equivocation_kind_t kind, u64 slot, u8 const *a, u32 a_sz,
                   u8 const *b, u32 b_sz)
{
    r->counts.equivocation++;
    if (r->eq_end - r->eq_pop == QS_EQUIVOCATION_CNT) {
        r->counts.equivocation_lost++;
        return;
    }
    qs_equivocation_t *e = &r->eq[r->eq_end++ % QS_EQUIVOCATION_CNT];
    *e = (qs_equivocation_t){.kind = kind, .slot = slot, .sz = {a_sz, b_sz}};
    memcpy(e->shred[0], a, a_sz);
    memcpy(e->shred[1], b, b_sz);
}

/* contradict reports a slot's contradiction, the first time. */
static u32
contradict(qs_resolver_t *r, qs_slot_t *slot, u8 const *known, u8 const *shred, u32 reason)
{
    if (!slot->reported)
        qs_resolver_report(r, QS_EQUIVOCATION_LAST, slot->slot, known, QS_SHRED_DATA_SZ, shred,
                           QS_SHRED_DATA_SZ);
    slot->conflict = slot->reported = true;
    return reason;
}

/* A slot's last shred is the last of a set, so whatever lies behind it lies in a later set: the
   first shred of each set is all that has to be remembered. */
u32
qs_resolver_note_data(qs_resolver_t *r, qs_shred_t const *s, u8 const *shred, u32 bucket)
{
    qs_slot_t *slot = qs_resolver_slot(r, s->slot, bucket);
    bool last = (s->flags & QS_SHRED_LAST_IN_SLOT) == QS_SHRED_LAST_IN_SLOT;
    if (slot->last_idx != QS_NONE && s->idx > slot->last_idx)
        return contradict(r, slot, slot->last, shred, QS_RESOLVER_R_AFTER_LAST);
    if (last && slot->last_idx != QS_NONE && s->idx != slot->last_idx)
        return contradict(r, slot, slot->last, shred, QS_RESOLVER_R_LAST_BEFORE);
    if (last && slot->high_fec != QS_NONE && slot->high_fec > s->idx)
        return contradict(r, slot, slot->high, shred, QS_RESOLVER_R_LAST_BEFORE);
    if (last && slot->last_idx == QS_NONE) {
        slot->last_idx = s->idx;
        memcpy(slot->last, shred, QS_SHRED_DATA_SZ);
    }
    if (slot->high_fec == QS_NONE || s->fec_idx > slot->high_fec) {
        slot->high_fec = s->fec_idx;
        memcpy(slot->high, shred, QS_SHRED_DATA_SZ);
    }
    return QS_RESOLVER_R_ADMITTED;
}

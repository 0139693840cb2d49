#include "disco/poh/qs_poh_clock.h"

#define KEPT_BACK  2u /* hashes of a tick: for the transactions that wait, and the tick itself */
#define NAPS       4u /* turns per tick without transactions */
#define LOOK_AHEAD 65536u /* slots among which we look for the next that is ours */

static bool
leads(qs_poh_conf_t const *c, u64 slot)
{
    if (c->leaders) {
        u8 const *who = qs_leaders_find(c->leaders, slot);
        return who && !memcmp(who, c->identity, QS_LEADERS_KEY_SZ);
    }
    /* Slot 0 is genesis, so the first turn has slots 0 .. rotation - 1 as in any schedule. */
    return c->leader_cnt && slot / c->rotation % c->leader_cnt == c->leader_idx;
}

/* find_next looks for the next slot that is ours. */
static void
find_next(qs_poh_clock_t *p)
{
    for (u64 i = 1; i <= LOOK_AHEAD; i++) {
        if (leads(&p->conf, p->newest + i)) {
            p->next = p->newest + i;
            return;
        }
    }
    p->next = UINT64_MAX;
}

int
qs_poh_clock_init(qs_poh_clock_t *p, qs_poh_conf_t const *conf, u64 now)
{
    u64 tick_max = (u64)conf->ticks_per_slot * (QS_POH_SKIP_MAX + 1);

    memset(p, 0, sizeof(*p));
    p->conf = *conf;
    if (conf->hashes_per_tick < KEPT_BACK || !conf->ticks_per_slot || !conf->step_max ||
        !conf->entry_txn_max || !conf->rotation || conf->entry_sz_max > QS_POH_ENTRY_SZ_MAX ||
        conf->entry_sz_max < QS_ENTRY_HEAD_SZ + QS_TXN_MAX || tick_max > UINT16_MAX ||
        conf->slot_sz_max < tick_max * QS_ENTRY_HEAD_SZ + conf->entry_sz_max ||
        conf->slot_ns / conf->ticks_per_slot < NAPS)
        return -EINVAL;
    p->tick_ns = conf->slot_ns / conf->ticks_per_slot;
    p->newest_ns = now;
    memcpy(p->newest_hash, conf->genesis_hash, QS_POH_SZ);
    find_next(p);
    return 0;
}

void
qs_poh_clock_end(qs_poh_clock_t *p, qs_slot_end_t const *end, u64 now)
{
    if (end->slot <= p->newest)
        return;
    p->newest = end->slot;
    p->newest_ns = now;
    memcpy(p->newest_hash, end->hash, QS_POH_SZ);
    find_next(p);
}

/* begins_at returns when the next slot that is ours begins, as things stand. */
static u64
begins_at(qs_poh_clock_t const *p)
{
    u64 skipped = p->next - 1 - p->newest, at = p->newest_ns;

    if (p->next == UINT64_MAX || skipped > QS_POH_SKIP_MAX || (skipped && !p->newest))
        return UINT64_MAX;
    if (skipped)
        at += skipped * p->conf.slot_ns + p->conf.grace_ns;
    return at > p->conf.start_ns ? at : p->conf.start_ns;
}

static void
begin_slot(qs_poh_clock_t *p, u64 at)
{
    p->leading = true;
    p->slot = p->next;
    p->begin_ns = at;
    p->parent_off = (u16)(p->next - p->newest);
    p->tick = 0;
    p->skip_cnt = (p->parent_off - 1u) * p->conf.ticks_per_slot;
    p->tick_cnt = p->skip_cnt + p->conf.ticks_per_slot;
    p->tick_hash = p->entry_hash = 0;
    p->slot_sz = (u64)p->tick_cnt * QS_ENTRY_HEAD_SZ;
    memcpy(p->state, p->newest_hash, QS_POH_SZ);
    p->counts.slot++;
    p->counts.skipped += p->parent_off - 1u;
}

/* end_slot: whoever follows builds on it, and if it is us, without a pause. */
static void
end_slot(qs_poh_clock_t *p)
{
    p->leading = false;
    if (p->newest >= p->slot) /* another leader has gone on meanwhile */
        return;
    p->newest = p->slot;
    p->newest_ns = p->begin_ns + p->tick_ns * p->conf.ticks_per_slot;
    memcpy(p->newest_hash, p->state, QS_POH_SZ);
    find_next(p);
}

bool
qs_poh_clock_take(qs_poh_clock_t *p, u8 const *data, qs_txn_t const *txn, u64 now)
{
    u64 sz = QS_ENTRY_HEAD_SZ + (u64)p->txn_sz + txn->sz;

    if (!p->leading || p->txn_cnt == p->conf.entry_txn_max || sz > p->conf.entry_sz_max ||
        p->slot_sz + sz > p->conf.slot_sz_max)
        return false;
    if (!p->txn_cnt) {
        p->first_ns = now;
        qs_poh_tree_init(&p->tree);
    }
    memcpy(p->txn + p->txn_sz, data, txn->sz);
    qs_poh_tree_add(&p->tree, data + txn->signature_off, txn->signature_cnt);
    p->txn_sz += txn->sz;
    p->txn_cnt++;
    return true;
}

/* due_at returns when the tick in the making is due; those of skipped slots have been. */
static u64
due_at(qs_poh_clock_t const *p)
{
    return p->tick < p->skip_cnt ? p->begin_ns
                                 : p->begin_ns + (p->tick + 1u - p->skip_cnt) * p->tick_ns;
}

static bool
is_full(qs_poh_clock_t const *p)
{
    /* The next transaction may be as large as any. */
    return p->txn_cnt == p->conf.entry_txn_max ||
           QS_ENTRY_HEAD_SZ + p->txn_sz + QS_TXN_SZ_MAX > p->conf.entry_sz_max;
}

/* may_mix: transactions wait, and a hash is left for them besides the tick's own. */
static bool
may_mix(qs_poh_clock_t const *p)
{
    return p->txn_cnt && p->tick >= p->skip_cnt && p->tick_hash + 1 < p->conf.hashes_per_tick;
}

static void
hash(qs_poh_clock_t *p, u64 cnt)
{
    qs_poh_append(p->state, cnt);
    p->tick_hash += cnt;
    p->entry_hash += cnt;
    p->counts.hash += cnt;
}

/* write makes the entry whose last hash p->state is. */
static u32
write(qs_poh_clock_t *p, u8 *room, u32 txn_cnt, u32 txn_sz)
{
    u32 sz = QS_ENTRY_HEAD_SZ + txn_sz;
    bool last = !txn_cnt && p->tick + 1 == p->tick_cnt;
    qs_entry_frag_t frag = {
        .slot = p->slot,
        .parent_off = p->parent_off,
        .tick = (u16)p->tick,
        .flags = (u8)((txn_cnt ? 0 : QS_ENTRY_TICK) | (last ? QS_ENTRY_LAST_SLOT : 0)),
        .sz = sz,
        .begin_ns = p->begin_ns};
    qs_writer_t w = {.data = room + sizeof(frag), .sz = sz};

    memcpy(room, &frag, sizeof(frag));
    qs_entry_write_head(&w, p->entry_hash, p->state, txn_cnt);
    qs_write_bytes(&w, p->txn, txn_sz);
    p->entry_hash = 0;
    p->counts.entry++;
    return (u32)sizeof(frag) + sz;
}

/* cut makes an entry of the transactions gathered. */
static u32
cut(qs_poh_clock_t *p, u8 *room)
{
    u8 mixin[QS_POH_SZ];

    qs_poh_tree_root(&p->tree, mixin);
    qs_poh_mix(p->state, mixin);
    p->tick_hash++;
    p->entry_hash++;
    p->counts.hash++;
    p->counts.txn += p->txn_cnt;
    u32 sz = write(p, room, p->txn_cnt, p->txn_sz);
    p->slot_sz += QS_ENTRY_HEAD_SZ + p->txn_sz;
    p->txn_cnt = p->txn_sz = 0;
    return sz;
}

static u32
tick(qs_poh_clock_t *p, u8 *room, u64 now)
{
    u64 due = due_at(p);
    u32 sz = write(p, room, 0, 0);

    p->counts.tick++;
    p->counts.late_ns = now > due ? now - due : 0;
    if (p->counts.late_ns > p->counts.late_max_ns)
        p->counts.late_max_ns = p->counts.late_ns;
    p->tick_hash = 0;
    if (++p->tick == p->tick_cnt)
        end_slot(p);
    return sz;
}

/* goal returns how many hashes of the tick in the making are to be done by now. */
static u64
goal(qs_poh_clock_t const *p, u64 now, u64 due)
{
    u64 per_tick = p->conf.hashes_per_tick, began = due - p->tick_ns;

    if (now >= due)
        return per_tick;
    u64 share = now > began ? (u64)((u128)(now - began) * per_tick / p->tick_ns) : 0;
    return qs_min_u64(share, per_tick - KEPT_BACK);
}

qs_poh_step_t
qs_poh_clock_step(qs_poh_clock_t *p, u64 now, u8 *room)
{
    qs_poh_step_t did = {0};

    if (!p->leading) {
        u64 at = begins_at(p);
        if (now < at)
            return did;
        /* What is not the continuation of our own slot begins now, however late that is. */
        begin_slot(p, p->slot == p->newest && p->newest && p->next == p->newest + 1 ? at : now);
    }
    u64 due = due_at(p);
    if (may_mix(p) && (is_full(p) || now >= p->first_ns + p->conf.entry_ns || now >= due)) {
        if (room)
            did = (qs_poh_step_t){.sz = cut(p, room), .busy = true};
        return did;
    }
    u64 want = goal(p, now, due);
    if (p->tick_hash < want) {
        hash(p, qs_min_u64(want - p->tick_hash, p->conf.step_max));
        did.busy = p->tick_hash < want;
    }
    if (p->tick_hash == p->conf.hashes_per_tick) {
        did.busy = room != NULL; /* without room there is nothing that could be done */
        did.sz = room ? tick(p, room, now) : 0;
    }
    return did;
}

u64
qs_poh_clock_wake(qs_poh_clock_t const *p, u64 now)
{
    if (!p->leading)
        return begins_at(p);
    u64 at = qs_min_u64(due_at(p), now + p->tick_ns / NAPS);
    return may_mix(p) ? qs_min_u64(at, p->first_ns + p->conf.entry_ns) : at;
}

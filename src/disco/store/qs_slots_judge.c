#include "disco/store/qs_slots_inner.h"

#define ENTRIES_A_STEP 64u
#define HASHES_A_STEP  512u

void
qs_slots_stop(qs_slots_t *s)
{
    s->judge.slot = NULL;
    qs_poh_checker_init(&s->judge.checker);
}

static void
die(qs_slots_t *s, u32 reason, u64 now)
{
    qs_slots_finish(s, s->judge.slot, QS_SLOT_DEAD, reason, now);
}

/* A reason of another list is the one of that name in ours: the lists stand one behind the other. */
static u32
entry_reason(qs_entry_reason_t why)
{
    _Static_assert(QS_SLOTS_R_batch_short - QS_ENTRY_REASON_batch_short ==
                       QS_SLOTS_R_marker_bitmap - QS_ENTRY_REASON_marker_bitmap,
                   "in that order");
    return QS_SLOTS_R_batch_short + (u32)why - QS_ENTRY_REASON_batch_short;
}

static u32
ticks_reason(qs_ticks_reason_t why)
{
    return why ? QS_SLOTS_R_tick_empty + (u32)why - QS_TICKS_REASON_tick_empty : QS_SLOTS_R_OK;
}

static u32
signature_reason(qs_ed25519_verdict_t verdict)
{
    return QS_SLOTS_R_txn_signature_range + (u32)verdict - QS_ED25519_S_RANGE;
}

#define OF_ALL (QS_FEC_SIGNED | QS_FEC_MERKLE | QS_FEC_CHAINED)
#define OF_ANY (QS_FEC_RECOVERED | QS_FEC_CONFLICT)

/* describe adds a set to what is told of its batch. */
static void
describe(qs_slots_batch_t *batch, qs_slots_buf_t const *b, bool first, bool last)
{
    if (first)
        *batch = (qs_slots_batch_t){UINT64_MAX, 0, OF_ALL, b->source, last};
    batch->first_ns = qs_min_u64(batch->first_ns, b->first_ns);
    batch->full_ns = qs_max_u64(batch->full_ns, b->last_ns);
    batch->flags = (u8)((batch->flags & (b->flags | OF_ANY)) | (b->flags & OF_ANY));
}

/* gather copies the sets of a batch behind each other.  Returns what is wrong with how they are chained,
   or QS_SLOTS_R_OK. */
static u32
gather(qs_slots_t *s, qs_slots_slot_t *t, u32 end)
{
    qs_slots_judge_t *j = &s->judge;
    j->sz = 0;
    for (u32 i = t->next; i < end; i++) {
        qs_slots_buf_t const *b = &s->buf[t->buf[i]];
        if (i && memcmp(b->chained_root, t->root[i - 1], 32))
            return QS_SLOTS_R_chained_root;
        if (!i)
            memcpy(t->origin.chained_root, b->chained_root, 32);
        describe(&j->batch, b, i == t->next, t->state[end - 1] & QS_SLOTS_LAST_SLOT);
        memcpy(s->batch + j->sz, b->data, b->sz);
        j->sz += b->sz;
    }
    if (t->next || s->config.trust)
        return QS_SLOTS_R_OK;
    qs_slot_info_t const *parent = qs_slots_parent(s, &t->info);
    return parent ? qs_slots_settle(&t->origin, &t->info, parent) : QS_SLOTS_R_OK;
}

/* take_up begins with the next batch of a slot. */
static void
take_up(qs_slots_t *s, qs_slots_slot_t *t, u64 now)
{
    qs_slots_judge_t *j = &s->judge;
    j->slot = t;
    j->set_end = t->scan + 1;
    j->phase = QS_SLOTS_READ;
    j->in_entry = j->all_read = j->from_start = false;
    j->check_cnt = j->item_cnt = 0;
    j->hash_known = t->hash_known;
    memcpy(j->hash, t->info.hash, 32);
    u32 reason = gather(s, t, j->set_end);
    t->begun = true;
    if (!reason && !s->config.trust)
        reason = ticks_reason(qs_ticks_batch(&t->ticks));
    if (!reason) {
        qs_entry_reason_t why = qs_entry_open(&j->reader, s->batch, j->sz, s->config.how);
        reason = why ? entry_reason(why) : QS_SLOTS_R_OK;
    }
    if (reason)
        die(s, reason, now);
}

/* verify judges the signatures that were gathered. */
static u32
verify(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    qs_ed25519_verdict_t verdict[QS_COUNT(j->item)];
    if (!j->item_cnt)
        return QS_SLOTS_R_OK;
    qs_ed25519_verify_batch(verdict, j->item, j->item_cnt, s->config.rule);
    u32 cnt = j->item_cnt;
    j->item_cnt = 0;
    for (u32 i = 0; i < cnt; i++)
        if (verdict[i])
            return signature_reason(verdict[i]);
    return QS_SLOTS_R_OK;
}

/* begin_entry judges what an entry says of itself. */
static u32
begin_entry(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    j->in_entry = true;
    qs_poh_tree_init(&j->tree);
    if (s->config.trust)
        return QS_SLOTS_R_OK;
    u32 reason =
        ticks_reason(qs_ticks_next(&j->slot->ticks, j->entry.num_hashes, !j->entry.txn_cnt));
    u64 max = s->config.hashes_per_tick ? s->config.hashes_per_tick : QS_SLOTS_HASH_MAX;
    return !reason && j->entry.num_hashes > max ? QS_SLOTS_R_hashes_many : reason;
}

/* find_start looks where the slot's first entry must begin. */
static bool
find_start(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    qs_slot_info_t *info = &j->slot->info;
    qs_slot_info_t const *parent = qs_slots_parent(s, info);
    if (s->config.genesis && !info->parent && info->slot) {
        memcpy(j->hash, s->config.genesis_hash, 32);
        info->flags |= QS_SLOT_GENESIS;
    } else if (parent) {
        memcpy(j->hash, parent->hash, 32);
    } else {
        return false;
    }
    info->flags |= QS_SLOT_START;
    j->slot->origin.pending = false;
    j->from_start = true;
    return true;
}

/* end_entry hands an entry over to the checker; its transactions are read. */
static void
end_entry(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    qs_slots_origin_t *o = &j->slot->origin;
    j->in_entry = false;
    if (s->config.trust) {
        memcpy(j->hash, j->entry.hash, 32);
        return;
    }
    bool known = j->hash_known || find_start(s);
    qs_poh_check_t *c = known ? &j->check[j->check_cnt++] : &o->first;
    memcpy(c->start, j->hash, 32);
    memcpy(c->hash, j->entry.hash, 32);
    c->num_hashes = j->entry.num_hashes;
    c->mixed = j->entry.txn_cnt > 0;
    if (c->mixed)
        qs_poh_tree_root(&j->tree, c->mixin);
    if (known)
        qs_poh_checker_add(&j->checker, c);
    else
        o->empty = false;
    memcpy(j->hash, j->entry.hash, 32);
    j->hash_known = true;
}

static void
add_txn(qs_slots_t *s, u32 off)
{
    qs_slots_judge_t *j = &s->judge;
    qs_txn_t const *t = &j->txn;
    u8 const *data = s->batch + off;
    if (s->config.trust)
        return;
    qs_poh_tree_add(&j->tree, data + t->signature_off, t->signature_cnt);
    for (u32 i = 0; i < t->signature_cnt; i++)
        j->item[j->item_cnt++] = (qs_ed25519_item_t){
            .signature = data + t->signature_off + i * QS_TXN_SIGNATURE_SZ,
            .public_key = data + t->account_off + i * QS_TXN_KEY_SZ,
            .msg = data + t->message_off,
            .msg_sz = t->message_sz,
        };
}

/* read_on reads entries until it is time for others, or for the checks. */
static u32
read_on(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    u32 reason = QS_SLOTS_R_OK, off;
    for (u32 budget = ENTRIES_A_STEP; budget && !reason && j->item_cnt < QS_SLOTS_ITEMS;) {
        if (!j->in_entry) {
            int got = j->check_cnt < QS_SLOTS_CHECKS ? qs_entry_next(&j->reader, &j->entry) : 0;
            if (got < 0)
                return entry_reason(j->reader.why);
            if (!got) {
                j->all_read = j->check_cnt < QS_SLOTS_CHECKS;
                j->phase = QS_SLOTS_HASH;
                break;
            }
            reason = begin_entry(s);
            budget--;
            continue;
        }
        int got = qs_entry_txn(&j->reader, &j->txn, &off);
        if (got < 0)
            return entry_reason(j->reader.why);
        if (got)
            add_txn(s, off);
        else
            end_entry(s);
    }
    return reason ? reason : verify(s);
}

/* tell_entry tells of an entry of a good batch and of its transactions. */
static void
tell_entry(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    qs_slot_info_t *info = &j->slot->info;
    qs_slots_calls_t const *calls = &s->config.calls;
    qs_slots_entry_t e = {.batch = &j->batch,
                          .idx = info->entry_cnt,
                          .txn_cnt = j->entry.txn_cnt,
                          .num_hashes = j->entry.num_hashes,
                          .hash = j->entry.hash,
                          .txn_first = info->txn_cnt,
                          .last = j->batch.last && !j->reader.entry_left,
                          .unjudged = !info->entry_cnt && !(info->flags & QS_SLOT_START)};
    u32 off;
    if (calls->on_entry)
        calls->on_entry(calls->ctx, info, &e);
    while (qs_entry_txn(&j->reader, &j->txn, &off) == 1) {
        qs_slots_txn_t t = {.batch = &j->batch,
                            .idx = info->txn_cnt,
                            .entry_idx = e.idx,
                            .data = s->batch + off,
                            .txn = &j->txn};
        if (calls->on_txn)
            calls->on_txn(calls->ctx, info, &t);
        info->txn_cnt++;
        info->signature_cnt += j->txn.signature_cnt;
        info->vote_cnt += qs_txn_is_simple_vote(&j->txn);
    }
    info->entry_cnt++;
    info->tick_cnt += !j->entry.txn_cnt;
    info->hash_cnt += j->entry.num_hashes;
}

static void
count(qs_slots_counts_t *c, qs_slot_info_t const *was, qs_slot_info_t const *now)
{
    c->batch++;
    c->entry += now->entry_cnt - was->entry_cnt;
    c->tick += now->tick_cnt - was->tick_cnt;
    c->txn += now->txn_cnt - was->txn_cnt;
    c->vote += now->vote_cnt - was->vote_cnt;
    c->signature += now->signature_cnt - was->signature_cnt;
    c->hash += now->hash_cnt - was->hash_cnt;
    c->trailing_batch += now->trailing_bytes != was->trailing_bytes;
    c->trailing_bytes += now->trailing_bytes - was->trailing_bytes;
}

/* tell goes over a batch that was found good once more, and ends it, and the slot with its last. */
static void
tell(qs_slots_t *s, u64 now)
{
    qs_slots_judge_t *j = &s->judge;
    qs_slots_slot_t *t = j->slot;
    qs_slot_info_t const was = t->info;
    qs_entry_open(&j->reader, s->batch, j->sz, s->config.how);
    while (qs_entry_next(&j->reader, &j->entry) == 1)
        tell_entry(s);
    t->info.batch_cnt++;
    t->info.ledger_bytes += j->sz;
    t->info.trailing_bytes += j->reader.trailing_sz;
    t->info.flags |= j->reader.trailing_sz ? QS_SLOT_TRAILING : 0;
    count(&s->counts, &was, &t->info);
    memcpy(t->info.hash, j->hash, 32);
    t->hash_known = j->hash_known;
    u32 last = j->set_end - 1;
    qs_slots_stop(s);
    qs_slots_passed(s, t, last + 1);
    if (!(t->state[last] & QS_SLOTS_LAST_SLOT))
        return;
    memcpy(t->info.block_id, t->root[last], 32);
    u32 reason = s->config.trust ? QS_SLOTS_R_OK : ticks_reason(qs_ticks_end(&t->ticks));
    qs_slots_finish(s, t, reason ? QS_SLOT_DEAD : QS_SLOT_COMPLETE, reason, now);
}

/* hash_on lets the checker go on.  Its chunk is good when it has nothing left to do. */
static u32
hash_on(qs_slots_t *s)
{
    qs_slots_judge_t *j = &s->judge;
    bool more = qs_poh_checker_step(&j->checker, HASHES_A_STEP);
    if (j->checker.wrong_cnt)
        return j->from_start && j->check[0].verdict == QS_POH_WRONG ? QS_SLOTS_R_start
                                                                    : QS_SLOTS_R_poh;
    if (more)
        return QS_SLOTS_R_OK;
    j->check_cnt = 0;
    j->from_start = false;
    j->phase = j->all_read ? QS_SLOTS_TELL : QS_SLOTS_READ;
    return QS_SLOTS_R_OK;
}

bool
qs_slots_step(qs_slots_t *s, u64 now)
{
    qs_slots_judge_t *j = &s->judge;
    if (!j->slot) {
        qs_slots_slot_t *next = NULL;
        for (u32 i = 0; i < s->config.slot_cnt; i++) {
            qs_slots_slot_t *t = &s->slot[i];
            if (t->used && qs_slots_ready(t) && (!next || t->info.slot < next->info.slot))
                next = t;
        }
        if (!next)
            return false;
        take_up(s, next, now);
        return true;
    }
    u32 reason = QS_SLOTS_R_OK;
    if (j->phase == QS_SLOTS_READ)
        reason = read_on(s);
    else if (j->phase == QS_SLOTS_HASH)
        reason = hash_on(s);
    else
        tell(s, now);
    if (reason)
        die(s, reason, now);
    return true;
}

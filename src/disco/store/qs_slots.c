#include "disco/store/qs_slots_inner.h"

#include "disco/qs_tile.h"

#define SLOT_CNT_MAX 1024u
#define SET_CNT_MAX  16384u

/* clang-format off */
#define NAME_(name, help) #name,
#define HELP_(name, help) help,
static char const *const reason_name[] = {"ok", QS_SLOTS_REASONS(NAME_)};
static char const *const reason_help[] = {"valid", QS_SLOTS_REASONS(HELP_)};
static char const *const status_name[] = {"progress", "complete", "dead", "lost"};
/* clang-format on */

char const *
qs_slots_reason_name(u32 reason)
{
    return reason < QS_SLOTS_REASON_CNT ? reason_name[reason] : "unknown";
}

char const *
qs_slots_reason_help(u32 reason)
{
    return reason < QS_SLOTS_REASON_CNT ? reason_help[reason] : "a reason of another version";
}

char const *
qs_slot_status_name(u32 status)
{
    return status < QS_COUNT(status_name) ? status_name[status] : "unknown";
}

static qs_slots_t *
place(qs_layout_t *l, qs_slots_config_t const *c)
{
    qs_slots_t *s = qs_layout_take(l, sizeof(*s), QS_ALIGN);
    void *slot = qs_layout_take(l, c->slot_cnt * sizeof(qs_slots_slot_t), QS_ALIGN);
    void *buf = qs_layout_take(l, c->set_cnt * sizeof(qs_slots_buf_t), QS_ALIGN);
    void *batch = qs_layout_take(l, (u64)c->batch_cnt * QS_SLOTS_SET_SZ, QS_ALIGN);
    if (s) {
        s->slot = slot;
        s->buf = buf;
        s->batch = batch;
    }
    return s;
}

u64
qs_slots_footprint(qs_slots_config_t const *c)
{
    qs_layout_t l = {0};
    if (!c->slot_cnt || c->slot_cnt > SLOT_CNT_MAX || !c->set_cnt || c->set_cnt > SET_CNT_MAX ||
        !c->batch_cnt || c->batch_cnt > QS_SLOTS_SET_MAX)
        return 0;
    place(&l, c);
    return l.sz;
}

qs_slots_t *
qs_slots_init(void *mem, qs_slots_config_t const *config)
{
    qs_layout_t l = {.base = mem};
    qs_slots_t *s = mem;
    memset(s, 0, sizeof(*s));
    place(&l, config);
    s->config = *config;
    for (u32 i = 0; i < config->slot_cnt; i++)
        s->slot[i].used = false;
    for (u32 i = 0; i < config->set_cnt; i++)
        s->buf[i].next = i + 1 < config->set_cnt ? (u16)(i + 1) : QS_SLOTS_NONE;
    s->free = 0;
    qs_slots_stop(s);
    return s;
}

void
qs_slots_tell(qs_slots_t *s, qs_slot_info_t const *info)
{
    if (s->config.calls.on_status)
        s->config.calls.on_status(s->config.calls.ctx, info);
}

static void
release(qs_slots_t *s, qs_slots_slot_t *t, u32 idx)
{
    u16 b = t->buf[idx];
    if (b == QS_SLOTS_NONE)
        return;
    s->buf[b].next = s->free;
    s->free = b;
    t->buf[idx] = QS_SLOTS_NONE;
    t->buf_cnt--;
    s->buffered--;
}

/* look_on moves scan over what is there, up to the end of a batch. */
static void
look_on(qs_slots_slot_t *t)
{
    while (t->scan < QS_SLOTS_SET_MAX && t->state[t->scan] & QS_SLOTS_GOT &&
           !(t->state[t->scan] & QS_SLOTS_LAST_BATCH))
        t->scan++;
}

void
qs_slots_passed(qs_slots_t *s, qs_slots_slot_t *t, u32 end)
{
    for (; t->next < end; t->next++)
        release(s, t, t->next);
    t->scan = end;
    look_on(t);
}

static qs_slots_slot_t *
find(qs_slots_t const *s, u64 slot)
{
    for (u32 i = 0; i < s->config.slot_cnt; i++)
        if (s->slot[i].used && s->slot[i].info.slot == slot)
            return &s->slot[i];
    return NULL;
}

static qs_slots_done_t *
find_done(qs_slots_t const *s, u64 slot)
{
    qs_slots_done_t const *d = &s->done[slot % QS_SLOTS_DONE];
    return d->info.status && d->info.slot == slot ? (qs_slots_done_t *)d : NULL;
}

qs_slot_info_t const *
qs_slots_find(qs_slots_t const *s, u64 slot)
{
    qs_slots_slot_t const *t = find(s, slot);
    qs_slots_done_t const *d = t ? NULL : find_done(s, slot);
    return t ? &t->info : d ? &d->info : NULL;
}

qs_slot_info_t const *
qs_slots_parent(qs_slots_t const *s, qs_slot_info_t const *info)
{
    qs_slots_done_t const *d = find_done(s, info->parent);
    return d && d->info.status == QS_SLOT_COMPLETE && info->slot != info->parent ? &d->info : NULL;
}

u32
qs_slots_settle(qs_slots_origin_t *o, qs_slot_info_t *info, qs_slot_info_t const *parent)
{
    if (memcmp(o->chained_root, parent->block_id, 32))
        return QS_SLOTS_R_chained_parent;
    info->flags |= QS_SLOT_CHAINED;
    if (!o->pending || o->empty)
        return QS_SLOTS_R_OK;
    memcpy(o->first.start, parent->hash, 32);
    if (qs_poh_check_all(&o->first, 1))
        return QS_SLOTS_R_start;
    o->pending = false;
    info->flags |= QS_SLOT_START;
    return QS_SLOTS_R_OK;
}

static void
retract(qs_slots_t *s, qs_slots_done_t *d, u32 reason)
{
    d->info.status = QS_SLOT_DEAD;
    d->info.reason = (u16)reason;
    s->counts.dead++;
    s->counts.retracted++;
    s->counts.reason[reason]++;
}

/* settle_children judges the beginnings that waited for this slot's end. */
static void
settle_children(qs_slots_t *s, qs_slot_info_t const *parent, u64 now)
{
    qs_slot_info_t const copy = *parent;
    for (u32 i = 0; i < s->config.slot_cnt; i++) {
        qs_slots_slot_t *t = &s->slot[i];
        if (!t->used || !t->begun || t->info.parent != copy.slot || !t->origin.pending)
            continue;
        u32 reason = qs_slots_settle(&t->origin, &t->info, &copy);
        if (reason)
            qs_slots_finish(s, t, QS_SLOT_DEAD, reason, now);
    }
    for (u32 i = 0; i < QS_SLOTS_DONE; i++) {
        qs_slots_done_t *d = &s->done[i];
        if (d->info.status != QS_SLOT_COMPLETE || d->info.parent != copy.slot || !d->origin.pending)
            continue;
        u32 reason = qs_slots_settle(&d->origin, &d->info, &copy);
        if (reason)
            retract(s, d, reason);
        qs_slots_tell(s, &d->info);
    }
}

void
qs_slots_finish(qs_slots_t *s, qs_slots_slot_t *t, qs_slot_status_t status, u32 reason, u64 now)
{
    qs_slots_done_t *d = &s->done[t->info.slot % QS_SLOTS_DONE];
    t->info.status = (u16)status;
    t->info.reason = (u16)reason;
    t->info.done_ns = now;
    t->info.missing_cnt = t->info.set_cnt ? t->top + 1 - t->info.set_cnt : 0;
    if (s->judge.slot == t)
        qs_slots_stop(s);
    for (u32 i = 0; i <= t->top; i++)
        release(s, t, i);
    t->used = false;
    s->used--;
    d->info = t->info;
    d->origin = t->origin;
    s->counts.complete += status == QS_SLOT_COMPLETE;
    s->counts.dead += status == QS_SLOT_DEAD;
    s->counts.lost += status == QS_SLOT_LOST;
    s->counts.reason[reason] += status == QS_SLOT_DEAD;
    s->counts.start_unknown += status == QS_SLOT_COMPLETE && !(t->info.flags & QS_SLOT_START);
    qs_slots_tell(s, &d->info);
    if (status == QS_SLOT_COMPLETE && !s->config.trust)
        settle_children(s, &d->info, now);
}

void
qs_slots_restore(qs_slots_t *s, qs_slot_info_t const *info)
{
    qs_slots_done_t *d = &s->done[info->slot % QS_SLOTS_DONE];
    if (info->status == QS_SLOT_PROGRESS || info->status > QS_SLOT_LOST || find(s, info->slot))
        return;
    memset(d, 0, sizeof(*d));
    d->info = *info;
}

/* give_up takes the room of the slot that has waited longest for a set, none with work to do.  Returns
   false if there is no such slot. */
static bool
give_up(qs_slots_t *s, bool buffers, u64 now)
{
    qs_slots_slot_t *oldest = NULL;
    for (u32 i = 0; i < s->config.slot_cnt; i++) {
        qs_slots_slot_t *t = &s->slot[i];
        if (t->used && t != s->judge.slot && !qs_slots_ready(t) && (!buffers || t->buf_cnt) &&
            (!oldest || t->touched < oldest->touched))
            oldest = t;
    }
    if (oldest)
        qs_slots_finish(s, oldest, QS_SLOT_LOST, QS_SLOTS_R_OK, now);
    return oldest != NULL;
}

static qs_slots_slot_t *
begin(qs_slots_t *s, qs_fec_set_t const *set, u64 now)
{
    qs_slots_slot_t *t = NULL;
    if (s->used == s->config.slot_cnt && !give_up(s, false, now))
        return NULL;
    for (u32 i = 0; !t && i < s->config.slot_cnt; i++)
        t = s->slot[i].used ? NULL : &s->slot[i];
    QS_ASSERT(t);
    memset(t, 0, offsetof(qs_slots_slot_t, buf));
    memset(t->buf, 0xff, sizeof(t->buf));
    memset(t->state, 0, sizeof(t->state));
    t->used = true;
    t->last = UINT32_MAX;
    t->origin.pending = t->origin.empty = true;
    t->info.slot = set->slot;
    t->info.parent = set->slot - set->parent_off;
    t->info.flags = QS_SLOT_SIGNED;
    t->info.first_ns = set->first_ns;
    t->touched = s->clock;
    u32 per_slot = s->config.ticks_per_slot ? s->config.ticks_per_slot : QS_SLOTS_TICKS;
    qs_ticks_init(&t->ticks, t->info.slot, t->info.parent, per_slot, s->config.hashes_per_tick);
    s->used++;
    s->counts.begun++;
    qs_slots_tell(s, &t->info);
    return t;
}

/* copy_set writes the ledger bytes of a set's shreds, one behind the other.  Returns false if they are
   none. */
static bool
copy_set(qs_slots_buf_t *b, qs_fec_set_t const *set, u8 const *data)
{
    b->sz = 0;
    for (u32 i = 0; i < QS_FEC_DATA_CNT; i++, data += QS_FEC_SHRED_SZ) {
        qs_shred_layout_t const *l = qs_shred_layout(data[64]);
        u32 size = qs_load_le16(data + 86);
        if (!l || l->code || size < l->hdr_sz || size > l->chained_off ||
            qs_load_le64(data + 65) != set->slot || qs_load_le32(data + 73) != set->fec_idx + i)
            return false;
        memcpy(b->data + b->sz, data + l->hdr_sz, size - l->hdr_sz);
        b->sz += size - l->hdr_sz;
    }
    memcpy(b->chained_root, set->chained_root, 32);
    b->flags = set->flags;
    b->source = set->source;
    b->first_ns = set->first_ns;
    b->last_ns = set->last_ns;
    return true;
}

static void
conflict(qs_slots_t *s, qs_slot_info_t *info)
{
    if (info->flags & QS_SLOT_CONFLICT)
        return;
    info->flags |= QS_SLOT_CONFLICT;
    s->counts.conflict++;
    qs_slots_tell(s, info);
}

/* known judges a set whose slot is finished, or that came before.  QS_SLOTS_TAKEN: neither. */
static qs_slots_take_t
known(qs_slots_t *s, qs_slots_slot_t *t, qs_fec_set_t const *set)
{
    u32 idx = set->fec_idx / QS_FEC_DATA_CNT;
    qs_slots_done_t *d = t ? NULL : find_done(s, set->slot);
    if (d) {
        bool last = set->flags & QS_FEC_LAST_SLOT && d->info.status == QS_SLOT_COMPLETE;
        if (set->flags & QS_FEC_CONFLICT || (last && memcmp(set->root, d->info.block_id, 32)))
            conflict(s, &d->info);
        return QS_SLOTS_LATE;
    }
    if (!t)
        return QS_SLOTS_TAKEN;
    bool got = t->state[idx] & QS_SLOTS_GOT, other = got && memcmp(t->root[idx], set->root, 32);
    if (other || set->flags & QS_FEC_CONFLICT)
        conflict(s, &t->info);
    return other ? QS_SLOTS_OTHER : got ? QS_SLOTS_DUPLICATE : QS_SLOTS_TAKEN;
}

/* note writes down what a set says of its slot.  Returns what is wrong with that, or QS_SLOTS_R_OK. */
static u32
note(qs_slots_slot_t *t, qs_fec_set_t const *set)
{
    u32 idx = set->fec_idx / QS_FEC_DATA_CNT;
    t->state[idx] = QS_SLOTS_GOT;
    t->state[idx] |= set->flags & QS_FEC_LAST_BATCH ? QS_SLOTS_LAST_BATCH : 0;
    t->state[idx] |= set->flags & QS_FEC_LAST_SLOT ? QS_SLOTS_LAST_SLOT | QS_SLOTS_LAST_BATCH : 0;
    memcpy(t->root[idx], set->root, 32);
    t->top = idx > t->top ? idx : t->top;
    t->info.set_cnt++;
    t->info.recovered_cnt += !!(set->flags & QS_FEC_RECOVERED);
    t->info.received_cnt += set->data_cnt;
    t->info.flags &= set->flags & QS_FEC_SIGNED ? UINT32_MAX : ~QS_SLOT_SIGNED;
    t->info.first_ns = qs_min_u64(t->info.first_ns, set->first_ns);
    t->info.full_ns = qs_max_u64(t->info.full_ns, set->last_ns);
    if (set->flags & QS_FEC_FLAWED)
        return QS_SLOTS_R_flawed_set;
    if (set->slot - set->parent_off != t->info.parent)
        return QS_SLOTS_R_parent_differs;
    bool second_last = set->flags & QS_FEC_LAST_SLOT && t->last != UINT32_MAX;
    if (set->flags & QS_FEC_LAST_SLOT)
        t->last = idx;
    return second_last || t->top > t->last ? QS_SLOTS_R_set_after_last : QS_SLOTS_R_OK;
}

static bool
sound(qs_fec_set_t const *set)
{
    return set->fec_idx % QS_FEC_DATA_CNT == 0 &&
           set->fec_idx / QS_FEC_DATA_CNT < QS_SLOTS_SET_MAX && set->parent_off <= set->slot &&
           set->data_cnt <= QS_FEC_DATA_CNT && (set->slot == 0) == (set->parent_off == 0);
}

/* file puts a new set into its slot, in a buffer of its own. */
static qs_slots_take_t
file(qs_slots_t *s, qs_fec_set_t const *set, u8 const *data, u64 now)
{
    qs_slots_slot_t *t = find(s, set->slot);
    qs_slots_take_t take = sound(set) ? known(s, t, set) : QS_SLOTS_BAD;
    if (take)
        return take;
    if (!t && !(t = begin(s, set, now)))
        return QS_SLOTS_FULL;
    t->touched = ++s->clock;
    if (s->free == QS_SLOTS_NONE && !give_up(s, true, now))
        return QS_SLOTS_FULL;
    if (!t->used)
        return QS_SLOTS_LATE;
    qs_slots_buf_t *b = &s->buf[s->free];
    bool flawed = set->flags & QS_FEC_FLAWED;
    if (!flawed && !copy_set(b, set, data))
        return QS_SLOTS_BAD;
    u32 idx = set->fec_idx / QS_FEC_DATA_CNT, reason = note(t, set);
    if (!reason) {
        t->buf[idx] = s->free;
        s->free = b->next;
        t->buf_cnt++;
        s->buffered++;
        look_on(t);
        if (t->scan - t->next + (u32)qs_slots_ready(t) > s->config.batch_cnt)
            reason = QS_SLOTS_R_batch_room;
    }
    if (reason)
        qs_slots_finish(s, t, QS_SLOT_DEAD, reason, now);
    return QS_SLOTS_TAKEN;
}

qs_slots_take_t
qs_slots_add(qs_slots_t *s, qs_fec_set_t const *set, u8 const *data, u64 now)
{
    qs_slots_take_t take = file(s, set, data, now);
    s->counts.take[take]++;
    if (take != QS_SLOTS_FULL && s->config.calls.on_set)
        s->config.calls.on_set(s->config.calls.ctx, set, data, take);
    return take;
}

void
qs_slots_end(qs_slot_info_t const *info, qs_slot_end_t *end)
{
    end->slot = info->slot;
    end->parent_slot = info->parent;
    memcpy(end->hash, info->hash, 32);
    memcpy(end->block_id, info->block_id, 32);
    end->done_ns = info->done_ns;
}

qs_slots_counts_t const *
qs_slots_counts(qs_slots_t const *s)
{
    return &s->counts;
}

u32
qs_slots_in_progress(qs_slots_t const *s)
{
    return s->used;
}

u32
qs_slots_buffered(qs_slots_t const *s)
{
    return s->buffered;
}

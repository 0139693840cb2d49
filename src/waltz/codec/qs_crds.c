#include "waltz/codec/qs_crds.h"

#include "waltz/codec/qs_contact.h"
#include "waltz/codec/qs_writer.h"

#define VOTE_INDEX_MAX      32u
#define EPOCH_INDEX_MAX     255u
#define EPOCH_SLOTS_NUM_MAX 16384u
#define DUPLICATE_INDEX_MAX 512u

static u8 const vote_program[32] = {
    0x07, 0x61, 0x48, 0x1d, 0x35, 0x74, 0x74, 0xbb, 0x7c, 0x4d, 0x76, 0x24, 0xeb, 0xd3, 0xbd, 0xb3,
    0xd8, 0x35, 0x5e, 0x73, 0xd1, 0x10, 0x43, 0xfc, 0x0d, 0xa3, 0x53, 0x80, 0x00, 0x00, 0x00, 0x00};

char const *
qs_gossip_reason_name(qs_gossip_reason_t reason)
{
    static char const *const names[] = {"ok",
#define NAME(arg, name, text) #name,
                                        QS_GOSSIP_REASONS(NAME, )
#undef NAME
    };
    return reason < QS_GOSSIP_REASON_CNT ? names[reason] : "unknown";
}

char const *
qs_gossip_reason_text(qs_gossip_reason_t reason)
{
    static char const *const texts[] = {"well-formed",
#define TEXT(arg, name, text) text,
                                        QS_GOSSIP_REASONS(TEXT, )
#undef TEXT
    };
    return reason < QS_GOSSIP_REASON_CNT ? texts[reason] : "unknown";
}

qs_gossip_reason_t
qs_gossip_fault(qs_reader_t const *r)
{
    static qs_gossip_reason_t const reasons[] = {[QS_READER_OK] = QS_GOSSIP_ok,
                                                 [QS_READER_CUT] = QS_GOSSIP_cut,
                                                 [QS_READER_VARINT] = QS_GOSSIP_varint,
                                                 [QS_READER_OPTION] = QS_GOSSIP_option,
                                                 [QS_READER_BITS] = QS_GOSSIP_bitmap};
    return reasons[r->fault];
}

/* is_vote says whether data begins like a vote: Vote 2, VoteSwitch 6, UpdateVoteState 8 and 9,
   CompactUpdateVoteState 12 and 13, TowerSync 14 and 15. */
static bool
is_vote(u8 const *data, u32 sz)
{
    u32 tag = sz >= 4 ? qs_load_le32(data) : UINT32_MAX;
    return tag < 16 && 0xf344u >> tag & 1;
}

/* read_vote_txn reads a legacy transaction whose first instruction is a vote.  Its signatures are
   for who acts on it. */
static qs_gossip_reason_t
read_vote_txn(qs_reader_t *r)
{
    bool ok = true;
    u32 sigs = qs_read_cu16(r);
    qs_read_skip(r, 64ull * sigs);
    u32 required = qs_read_u8(r), readonly_signed = qs_read_u8(r), readonly = qs_read_u8(r);
    u32 keys = qs_read_cu16(r);
    u32 key_off = qs_read_skip(r, 32ull * keys);
    qs_read_skip(r, 32);
    u32 instructions = qs_read_cu16(r);

    if (r->fault)
        return qs_gossip_fault(r);
    if (required > sigs || sigs > keys || required + readonly > keys ||
        readonly_signed >= required || !instructions)
        return QS_GOSSIP_vote_txn;
    for (u32 i = 0; i < instructions && !r->fault; i++) {
        u32 program = qs_read_u8(r);
        u32 accounts = qs_read_cu16(r);
        u32 account_off = qs_read_skip(r, accounts);
        u32 data_sz = qs_read_cu16(r);
        u32 data_off = qs_read_skip(r, data_sz);
        if (r->fault)
            break;
        ok = ok && program && program < keys;
        for (u32 k = 0; k < accounts; k++)
            ok = ok && r->data[account_off + k] < keys;
        if (!i && ok)
            ok = accounts && !memcmp(r->data + key_off + 32 * program, vote_program, 32) &&
                 is_vote(r->data + data_off, data_sz);
    }
    return r->fault ? qs_gossip_fault(r) : ok ? QS_GOSSIP_ok : QS_GOSSIP_vote_txn;
}

static qs_gossip_reason_t
read_vote(qs_reader_t *r, qs_crds_t *v)
{
    v->index = qs_read_u8(r);
    v->origin_off = (u16)qs_read_skip(r, 32);
    if (v->index >= VOTE_INDEX_MAX)
        return QS_GOSSIP_vote_index;
    qs_gossip_reason_t reason = read_vote_txn(r);
    v->wallclock = qs_read_u64(r);
    return reason;
}

static qs_gossip_reason_t
read_lowest_slot(qs_reader_t *r, qs_crds_t *v)
{
    u8 index = qs_read_u8(r);
    v->origin_off = (u16)qs_read_skip(r, 32);
    u64 root = qs_read_u64(r), lowest = qs_read_u64(r);
    u64 slots = qs_read_u64(r), stash = qs_read_u64(r);
    v->wallclock = qs_read_u64(r);
    return index || root || slots || stash || lowest >= QS_GOSSIP_CLOCK_MAX ? QS_GOSSIP_lowest_slot
                                                                            : QS_GOSSIP_ok;
}

static qs_gossip_reason_t
read_epoch_slots(qs_reader_t *r, qs_crds_t *v)
{
    bool ok = true;
    v->index = qs_read_u8(r);
    v->origin_off = (u16)qs_read_skip(r, 32);
    u64 cnt = qs_read_u64(r);

    for (u64 i = 0; i < cnt && !r->fault; i++) {
        u32 form = qs_read_u32(r);
        u64 first = qs_read_u64(r), num = qs_read_u64(r);
        if (form == 0) {
            qs_read_skip(r, qs_read_u64(r));
        } else if (form == 1) {
            qs_bits_view_t bits = qs_read_bits(r, 1);
            ok = ok && bits.bit_cnt == 8 * bits.word_cnt;
        } else if (!r->fault) {
            return QS_GOSSIP_epoch_slots;
        }
        ok = ok && first < QS_GOSSIP_CLOCK_MAX && num < EPOCH_SLOTS_NUM_MAX;
    }
    v->wallclock = qs_read_u64(r);
    return r->fault                           ? qs_gossip_fault(r)
           : ok && v->index < EPOCH_INDEX_MAX ? QS_GOSSIP_ok
                                              : QS_GOSSIP_epoch_slots;
}

static qs_gossip_reason_t
read_duplicate_shred(qs_reader_t *r, qs_crds_t *v)
{
    v->index = qs_read_u16(r);
    v->origin_off = (u16)qs_read_skip(r, 32);
    v->wallclock = qs_read_u64(r);
    qs_read_skip(r, 8 + 4 + 1); /* slot, and two fields that mean nothing any more */
    u32 cnt = qs_read_u8(r), idx = qs_read_u8(r);
    qs_read_skip(r, qs_read_u64(r));
    return v->index >= DUPLICATE_INDEX_MAX || idx >= cnt ? QS_GOSSIP_duplicate : QS_GOSSIP_ok;
}

static qs_gossip_reason_t
read_snapshot_hashes(qs_reader_t *r, qs_crds_t *v)
{
    v->origin_off = (u16)qs_read_skip(r, 32);
    u64 full = qs_read_u64(r);
    qs_read_skip(r, 32);
    u64 cnt = qs_read_u64(r);
    bool ok = full < QS_GOSSIP_CLOCK_MAX;

    for (u64 i = 0; i < cnt && !r->fault; i++) {
        u64 slot = qs_read_u64(r);
        qs_read_skip(r, 32);
        ok = ok && slot > full && slot < QS_GOSSIP_CLOCK_MAX;
    }
    v->wallclock = qs_read_u64(r);
    return ok ? QS_GOSSIP_ok : QS_GOSSIP_snapshot;
}

static qs_gossip_reason_t
read_restart_slots(qs_reader_t *r, qs_crds_t *v)
{
    v->origin_off = (u16)qs_read_skip(r, 32);
    v->wallclock = qs_read_u64(r);
    u32 form = qs_read_u32(r);

    if (form == 0) {
        u64 cnt = qs_read_u64(r);
        for (u64 i = 0; i < cnt && !r->fault; i++)
            qs_read_varint(r, 16);
    } else if (form == 1) {
        qs_read_bits(r, 1);
    } else {
        return QS_GOSSIP_restart;
    }
    qs_read_skip(r, 8 + 32 + 2);
    return QS_GOSSIP_ok;
}

static qs_gossip_reason_t
read_restart_fork(qs_reader_t *r, qs_crds_t *v)
{
    v->origin_off = (u16)qs_read_skip(r, 32);
    v->wallclock = qs_read_u64(r);
    qs_read_skip(r, 8 + 32 + 8 + 2);
    return QS_GOSSIP_ok;
}

/* read_contact finds what every value has; the rest is only checked. */
static qs_gossip_reason_t
read_contact(qs_reader_t *r, qs_crds_t *v)
{
    qs_reader_t head = *r;

    v->origin_off = (u16)qs_read_skip(&head, 32);
    v->wallclock = qs_read_varint(&head, 64);
    return qs_contact_skim(r, &v->contact);
}

static qs_gossip_reason_t
read_body(qs_reader_t *r, qs_crds_t *v)
{
    switch (v->kind) {
    case QS_CRDS_VOTE:
        return read_vote(r, v);
    case QS_CRDS_LOWEST_SLOT:
        return read_lowest_slot(r, v);
    case QS_CRDS_EPOCH_SLOTS:
        return read_epoch_slots(r, v);
    case QS_CRDS_DUPLICATE_SHRED:
        return read_duplicate_shred(r, v);
    case QS_CRDS_SNAPSHOT_HASHES:
        return read_snapshot_hashes(r, v);
    case QS_CRDS_CONTACT_INFO:
        return read_contact(r, v);
    case QS_CRDS_RESTART_SLOTS:
        return read_restart_slots(r, v);
    case QS_CRDS_RESTART_FORK:
        return read_restart_fork(r, v);
    default:
        return QS_GOSSIP_dead_kind;
    }
}

qs_gossip_reason_t
qs_crds_read(qs_reader_t *r, qs_crds_t *v)
{
    *v = (qs_crds_t){.off = (u16)qs_read_skip(r, QS_CRDS_SIG_SZ)};
    u32 kind = qs_read_u32(r);

    if (r->fault)
        return qs_gossip_fault(r);
    if (kind >= QS_CRDS_KIND_CNT)
        return QS_GOSSIP_value_kind;
    v->kind = (u8)kind;
    v->body_off = (u16)r->at;
    qs_gossip_reason_t reason = read_body(r, v);
    if (r->fault)
        return qs_gossip_fault(r);
    if (reason)
        return reason;
    v->sz = (u16)(r->at - v->off);
    return v->wallclock < QS_GOSSIP_CLOCK_MAX ? QS_GOSSIP_ok : QS_GOSSIP_wallclock;
}

qs_gossip_reason_t
qs_crds_parse(u8 const *data, u32 sz, qs_crds_t *value)
{
    qs_reader_t r = {.data = data, .sz = sz};

    if (sz > UINT16_MAX)
        return QS_GOSSIP_oversize;
    qs_gossip_reason_t reason = qs_crds_read(&r, value);
    return !reason && qs_reader_left(&r) ? QS_GOSSIP_trailing : reason;
}

/* begin writes what most values begin with. */
static qs_writer_t
begin(u8 *room, u32 room_sz, qs_crds_kind_t kind)
{
    qs_writer_t w = {.data = room, .sz = room_sz};

    qs_write_u32(&w, kind);
    return w;
}

static u32
end(qs_writer_t const *w)
{
    return w->full ? 0 : w->at;
}

u32
qs_crds_write_vote(u8 *room, u32 room_sz, u8 const from[32], u8 index, u8 const *txn, u32 txn_sz,
                   u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_VOTE);

    qs_write_u8(&w, index);
    qs_write_bytes(&w, from, 32);
    qs_write_bytes(&w, txn, txn_sz);
    qs_write_u64(&w, wallclock);
    return end(&w);
}

u32
qs_crds_write_lowest_slot(u8 *room, u32 room_sz, u8 const from[32], u64 lowest, u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_LOWEST_SLOT);

    qs_write_u8(&w, 0);
    qs_write_bytes(&w, from, 32);
    qs_write_u64(&w, 0);
    qs_write_u64(&w, lowest);
    qs_write_u64(&w, 0);
    qs_write_u64(&w, 0);
    qs_write_u64(&w, wallclock);
    return end(&w);
}

u32
qs_crds_write_epoch_slots(u8 *room, u32 room_sz, u8 const from[32], u8 index, u64 first_slot,
                          u8 const *bits, u32 bit_cnt, u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_EPOCH_SLOTS);

    qs_write_u8(&w, index);
    qs_write_bytes(&w, from, 32);
    qs_write_u64(&w, 1);
    qs_write_u32(&w, 1);
    qs_write_u64(&w, first_slot);
    qs_write_u64(&w, bit_cnt);
    qs_write_bits(&w, bits, bit_cnt / 8, 1, bit_cnt);
    qs_write_u64(&w, wallclock);
    return end(&w);
}

u32
qs_crds_write_duplicate_shred(u8 *room, u32 room_sz, u8 const from[32], u16 index,
                              qs_crds_chunk_t const *chunk, u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_DUPLICATE_SHRED);

    qs_write_u16(&w, index);
    qs_write_bytes(&w, from, 32);
    qs_write_u64(&w, wallclock);
    qs_write_u64(&w, chunk->slot);
    qs_write_u32(&w, 0);
    qs_write_u8(&w, 0x5a); /* older nodes read a type of shred here: a coding one */
    qs_write_u8(&w, chunk->cnt);
    qs_write_u8(&w, chunk->idx);
    qs_write_u64(&w, chunk->sz);
    qs_write_bytes(&w, chunk->data, chunk->sz);
    return end(&w);
}

u32
qs_crds_write_snapshot_hashes(u8 *room, u32 room_sz, u8 const from[32],
                              qs_crds_snapshot_t const *snapshot, u32 cnt, u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_SNAPSHOT_HASHES);

    qs_write_bytes(&w, from, 32);
    for (u32 i = 0; i < cnt; i++) {
        qs_write_u64(&w, snapshot[i].slot);
        qs_write_bytes(&w, snapshot[i].hash, 32);
        if (!i)
            qs_write_u64(&w, cnt - 1);
    }
    qs_write_u64(&w, wallclock);
    return end(&w);
}

u32
qs_crds_write_restart_slots(u8 *room, u32 room_sz, u8 const from[32],
                            qs_crds_restart_t const *restart, u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_RESTART_SLOTS);

    qs_write_bytes(&w, from, 32);
    qs_write_u64(&w, wallclock);
    qs_write_u32(&w, 1);
    qs_write_bits(&w, restart->bits, (restart->bit_cnt + 7) / 8, 1, restart->bit_cnt);
    qs_write_u64(&w, restart->slot);
    qs_write_bytes(&w, restart->hash, 32);
    qs_write_u16(&w, restart->shred_version);
    return end(&w);
}

u32
qs_crds_write_restart_fork(u8 *room, u32 room_sz, u8 const from[32],
                           qs_crds_restart_t const *restart, u64 wallclock)
{
    qs_writer_t w = begin(room, room_sz, QS_CRDS_RESTART_FORK);

    qs_write_bytes(&w, from, 32);
    qs_write_u64(&w, wallclock);
    qs_write_u64(&w, restart->slot);
    qs_write_bytes(&w, restart->hash, 32);
    qs_write_u64(&w, restart->stake);
    qs_write_u16(&w, restart->shred_version);
    return end(&w);
}

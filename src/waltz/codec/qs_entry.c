#include "waltz/codec/qs_entry.h"

#define MARKER_VERSION    1u
#define MARKER_HEAD_SZ    5u   /* version, variant, size */
#define GENESIS_BITMAP_AT 232u /* behind slot, block id and signature: u64 size, then its bytes */

#define NAME_(name, help) #name,
#define HELP_(name, help) help,
static char const *const names[] = {"ok", QS_ENTRY_REASONS(NAME_)};
static char const *const helps[] = {"well formed", QS_ENTRY_REASONS(HELP_)};

char const *
qs_entry_reason_name(qs_entry_reason_t reason)
{
    return (u32)reason < QS_ENTRY_REASON_CNT ? names[reason] : "?";
}

char const *
qs_entry_reason_help(qs_entry_reason_t reason)
{
    return (u32)reason < QS_ENTRY_REASON_CNT ? helps[reason] : "?";
}

static int
refuse(qs_entry_reader_t *r, qs_entry_reason_t why)
{
    if (!r->why)
        r->why = why;
    r->entry_left = r->txn_left = 0;
    return -1;
}

/* open_marker reads what stands behind a count of 0. */
static qs_entry_reason_t
open_marker(qs_entry_reader_t *r)
{
    u8 const *m = r->data + QS_ENTRY_BATCH_HEAD_SZ;
    u32 left = r->sz - QS_ENTRY_BATCH_HEAD_SZ;

    if (left < MARKER_HEAD_SZ)
        return QS_ENTRY_REASON_marker_sz;
    if (qs_load_le16(m) != MARKER_VERSION)
        return QS_ENTRY_REASON_marker_version;
    r->marker = (qs_entry_marker_t){
        .off = QS_ENTRY_BATCH_HEAD_SZ + MARKER_HEAD_SZ, .sz = qs_load_le16(m + 3), .variant = m[2]};
    if (r->marker.variant > QS_ENTRY_MARKER_GENESIS)
        return QS_ENTRY_REASON_marker_variant;
    if (r->marker.sz != left - MARKER_HEAD_SZ)
        return QS_ENTRY_REASON_marker_sz;
    if (r->marker.variant == QS_ENTRY_MARKER_GENESIS) {
        if (r->marker.sz < GENESIS_BITMAP_AT + 8)
            return QS_ENTRY_REASON_marker_sz;
        u64 bitmap_sz = qs_load_le64(m + MARKER_HEAD_SZ + GENESIS_BITMAP_AT);
        if (bitmap_sz > QS_ENTRY_BITMAP_MAX)
            return QS_ENTRY_REASON_marker_bitmap;
        if (bitmap_sz != r->marker.sz - GENESIS_BITMAP_AT - 8)
            return QS_ENTRY_REASON_marker_sz;
    }
    return QS_ENTRY_OK;
}

qs_entry_reason_t
qs_entry_open(qs_entry_reader_t *r, u8 const *data, u64 sz, u32 how)
{
    *r = (qs_entry_reader_t){.data = data, .how = how};
    if (sz < QS_ENTRY_BATCH_HEAD_SZ)
        return refuse(r, QS_ENTRY_REASON_batch_short), r->why;
    if (sz > QS_ENTRY_BATCH_MAX)
        return refuse(r, QS_ENTRY_REASON_batch_long), r->why;
    r->sz = (u32)sz;
    r->at = QS_ENTRY_BATCH_HEAD_SZ;
    u64 cnt = qs_load_le64(data);
    if (!cnt) {
        qs_entry_reason_t why = open_marker(r);
        if (!(how & QS_ENTRY_MARKERS))
            why = why ? QS_ENTRY_REASON_no_entries : QS_ENTRY_REASON_marker_off;
        if (why)
            refuse(r, why);
        r->at = r->sz;
        return r->why;
    }
    /* 2^32 - 1 and more, which have a line of their own in the specification, are among these. */
    if (cnt > (r->sz - r->at) / QS_ENTRY_HEAD_SZ)
        return refuse(r, QS_ENTRY_REASON_entry_cnt), r->why;
    r->entry_cnt = r->entry_left = (u32)cnt;
    return QS_ENTRY_OK;
}

int
qs_entry_txn(qs_entry_reader_t *r, qs_txn_t *txn, u32 *off)
{
    if (!r->txn_left)
        return r->why ? -1 : 0;
    u32 how = QS_TXN_IN_ENTRY | (r->how & QS_ENTRY_ALLOW_V1 ? QS_TXN_ALLOW_V1 : 0);
    r->txn_why = qs_txn_parse(txn, r->data + r->at, r->sz - r->at, how);
    switch (r->txn_why) {
    case QS_TXN_OK:
        break;
    case QS_TXN_REASON_empty:
    case QS_TXN_REASON_truncated:
        return refuse(r, QS_ENTRY_REASON_txn_cut);
    case QS_TXN_REASON_v1_off:
        return refuse(r, QS_ENTRY_REASON_txn_v1);
    default:
        return refuse(r, QS_ENTRY_REASON_txn_bad);
    }
    *off = r->at;
    r->at += txn->sz;
    r->txn_left--;
    r->txn_cnt++;
    return 1;
}

/* pass_txns parses what is left of the entry in hand. */
static int
pass_txns(qs_entry_reader_t *r)
{
    qs_txn_t txn;
    u32 off;
    int got;

    while ((got = qs_entry_txn(r, &txn, &off)) == 1) {
    }
    return got;
}

int
qs_entry_next(qs_entry_reader_t *r, qs_entry_t *entry)
{
    if (pass_txns(r) < 0)
        return -1;
    u32 left = r->sz - r->at;
    if (!r->entry_left) {
        r->trailing_sz = left;
        return left && (r->how & QS_ENTRY_STRICT) ? refuse(r, QS_ENTRY_REASON_trailing) : 0;
    }
    if (left < QS_ENTRY_HEAD_SZ)
        return refuse(r, QS_ENTRY_REASON_entry_cut);
    u8 const *head = r->data + r->at;
    u64 txn_cnt = qs_load_le64(head + 40);
    if (txn_cnt > (left - QS_ENTRY_HEAD_SZ) / QS_ENTRY_TXN_SZ_MIN)
        return refuse(r, QS_ENTRY_REASON_txn_cnt);
    *entry = (qs_entry_t){.num_hashes = qs_load_le64(head),
                          .hash = head + 8,
                          .off = r->at,
                          .txn_cnt = (u32)txn_cnt,
                          .txn_off = r->at + QS_ENTRY_HEAD_SZ};
    r->at = entry->txn_off;
    r->txn_left = entry->txn_cnt;
    r->entry_left--;
    return 1;
}

qs_entry_reason_t
qs_entry_check(qs_entry_reader_t *r, u8 const *data, u64 sz, u32 how)
{
    qs_entry_t entry;

    if (qs_entry_open(r, data, sz, how))
        return r->why;
    while (qs_entry_next(r, &entry) == 1) {
    }
    return r->why;
}

void
qs_entry_write_marker(qs_writer_t *w, u8 variant, void const *data, u16 sz)
{
    qs_write_u64(w, 0);
    qs_write_u16(w, MARKER_VERSION);
    qs_write_u8(w, variant);
    qs_write_u16(w, sz);
    qs_write_bytes(w, data, sz);
}

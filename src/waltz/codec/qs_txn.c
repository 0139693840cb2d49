#include "waltz/codec/qs_txn.h"

#include "tango/base/qs_bits.h"
#include "waltz/codec/qs_cu16.h"

#define V1_MARK   0x81u
#define V0_PREFIX 0x80u

u8 const qs_txn_vote_program[QS_TXN_KEY_SZ] = {
    0x07, 0x61, 0x48, 0x1d, 0x35, 0x74, 0x74, 0xbb, 0x7c, 0x4d, 0x76, 0x24, 0xeb, 0xd3, 0xbd, 0xb3,
    0xd8, 0x35, 0x5e, 0x73, 0xd1, 0x10, 0x43, 0xfc, 0x0d, 0xa3, 0x53, 0x80, 0x00, 0x00, 0x00, 0x00};

#define NAME_(name, help) #name,
#define HELP_(name, help) help,
static char const *const names[] = {"ok", QS_TXN_REASONS(NAME_)};
static char const *const helps[] = {"well formed", QS_TXN_REASONS(HELP_)};

char const *
qs_txn_reason_name(qs_txn_reason_t reason)
{
    return (u32)reason < QS_TXN_REASON_CNT ? names[reason] : "?";
}

char const *
qs_txn_reason_help(qs_txn_reason_t reason)
{
    return (u32)reason < QS_TXN_REASON_CNT ? helps[reason] : "?";
}

char const *
qs_txn_version_name(u8 version)
{
    return version == QS_TXN_LEGACY ? "legacy" : version == QS_TXN_V0 ? "0" : "1";
}

/* reader_t walks over data: at <= end, both below 2^16. */
typedef struct reader {
    u8 const *data;
    u32 at, end;
} reader_t;

/* take moves over cnt bytes and says whether they were there. */
QS_INLINE bool
take(reader_t *r, u32 cnt)
{
    if (qs_unlikely(r->end - r->at < cnt))
        return false;
    r->at += cnt;
    return true;
}

QS_INLINE qs_txn_reason_t
take_cu16(reader_t *r, u32 *value)
{
    u16 v = 0;
    i32 sz = qs_cu16_decode(&v, r->data + r->at, r->end - r->at);

    if (qs_unlikely(sz <= 0))
        return sz ? QS_TXN_REASON_cu16 : QS_TXN_REASON_truncated;
    r->at += (u32)sz;
    *value = v;
    return QS_TXN_OK;
}

/* highest returns the largest of cnt bytes. */
QS_INLINE u32
highest(u8 const *p, u32 cnt)
{
    u8 max = 0;
    for (u32 i = 0; i < cnt; i++)
        max = p[i] > max ? p[i] : max;
    return max;
}

/* counts_reason looks at the three counts of a header, and the number of static accounts. */
static qs_txn_reason_t
counts_reason(qs_txn_t const *t, u32 account_cnt)
{
    if (t->readonly_signed_cnt >= t->signature_cnt)
        return QS_TXN_REASON_readonly_signed;
    if (account_cnt > QS_TXN_ACCOUNT_MAX)
        return QS_TXN_REASON_account_many;
    if (account_cnt < (u32)t->signature_cnt + t->readonly_unsigned_cnt)
        return QS_TXN_REASON_account_few;
    return QS_TXN_OK;
}

/* read_head reads from the first byte to the blockhash. */
static qs_txn_reason_t
read_head(qs_txn_t *t, reader_t *r)
{
    u8 const *d = r->data;
    u32 cnt = d[0];

    if (!cnt || cnt > QS_TXN_SIGNATURE_MAX)
        return cnt < 0x80 ? QS_TXN_REASON_signature_cnt : QS_TXN_REASON_version;
    t->signature_cnt = (u8)cnt;
    t->signature_off = 1;
    if (!take(r, 1 + cnt * QS_TXN_SIGNATURE_SZ + 1))
        return QS_TXN_REASON_truncated;
    t->message_off = (u16)(r->at - 1);
    t->version = QS_TXN_LEGACY;
    if (d[r->at - 1] & 0x80) {
        if (d[r->at - 1] != V0_PREFIX)
            return QS_TXN_REASON_version;
        t->version = QS_TXN_V0;
        if (!take(r, 1))
            return QS_TXN_REASON_truncated;
    }
    if (d[r->at - 1] != cnt)
        return QS_TXN_REASON_signer_cnt;
    if (!take(r, 2))
        return QS_TXN_REASON_truncated;
    t->readonly_signed_cnt = d[r->at - 2];
    t->readonly_unsigned_cnt = d[r->at - 1];
    qs_txn_reason_t why = take_cu16(r, &cnt);
    if (!why)
        why = counts_reason(t, cnt);
    if (why)
        return why;
    t->account_cnt = (u8)cnt;
    t->account_off = (u16)r->at;
    t->blockhash_off = (u16)(r->at + cnt * QS_TXN_KEY_SZ);
    return take(r, (cnt + 1) * QS_TXN_KEY_SZ) ? QS_TXN_OK : QS_TXN_REASON_truncated;
}

QS_INLINE qs_txn_reason_t
read_instr(qs_txn_t *t, reader_t *r, qs_txn_instr_t *instr, u32 *account_max)
{
    u32 program, cnt, data_sz;

    if (!take(r, 1))
        return QS_TXN_REASON_truncated;
    program = r->data[r->at - 1];
    if (!program || program >= t->account_cnt)
        return QS_TXN_REASON_program;
    qs_txn_reason_t why = take_cu16(r, &cnt);
    if (why)
        return why;
    if (cnt > UINT8_MAX)
        return QS_TXN_REASON_instr_account_cnt;
    u32 accounts = r->at;
    if (!take(r, cnt))
        return QS_TXN_REASON_truncated;
    u32 max = highest(r->data + accounts, cnt);
    *account_max = max > *account_max ? max : *account_max;
    why = take_cu16(r, &data_sz);
    if (why)
        return why;
    *instr = (qs_txn_instr_t){.accounts_off = (u16)accounts,
                              .data_off = (u16)r->at,
                              .data_sz = (u16)data_sz,
                              .program = (u8)program,
                              .account_cnt = (u8)cnt};
    return take(r, data_sz) ? QS_TXN_OK : QS_TXN_REASON_truncated;
}

static qs_txn_reason_t
instr_cnt_reason(qs_txn_t const *t, u32 cnt)
{
    if (cnt > QS_TXN_INSTR_MAX)
        return QS_TXN_REASON_instr_cnt;
    return cnt && t->account_cnt < 2 ? QS_TXN_REASON_no_program : QS_TXN_OK;
}

/* read_instrs returns in *account_max the largest account index: how many accounts there are is
   known only behind the lookups. */
static qs_txn_reason_t
read_instrs(qs_txn_t *t, reader_t *r, u32 *account_max)
{
    u32 cnt;
    qs_txn_reason_t why = take_cu16(r, &cnt);

    if (!why)
        why = instr_cnt_reason(t, cnt);
    if (why)
        return why;
    t->instr_cnt = (u8)cnt;
    for (u32 i = 0; i < cnt; i++) {
        why = read_instr(t, r, &t->part[i].instr, account_max);
        if (why)
            return why;
    }
    return QS_TXN_OK;
}

/* read_indices reads a counted list of table indices. */
QS_INLINE qs_txn_reason_t
read_indices(reader_t *r, u32 *off, u32 *cnt)
{
    qs_txn_reason_t why = take_cu16(r, cnt);

    if (why)
        return why;
    if (*cnt >= QS_TXN_ACCOUNT_MAX)
        return QS_TXN_REASON_account_many;
    *off = r->at;
    return take(r, *cnt) ? QS_TXN_OK : QS_TXN_REASON_truncated;
}

static qs_txn_reason_t
read_lookups(qs_txn_t *t, reader_t *r)
{
    u32 cnt, total = t->account_cnt;
    qs_txn_reason_t why = take_cu16(r, &cnt);

    if (why)
        return why;
    if (cnt > QS_TXN_LOOKUP_MAX)
        return QS_TXN_REASON_lookup_cnt;
    for (u32 i = 0; i < cnt; i++) {
        u32 key = r->at, writable, writable_cnt, readonly, readonly_cnt;
        if (!take(r, QS_TXN_KEY_SZ))
            return QS_TXN_REASON_truncated;
        why = read_indices(r, &writable, &writable_cnt);
        if (!why)
            why = read_indices(r, &readonly, &readonly_cnt);
        if (why)
            return why;
        if (!(writable_cnt + readonly_cnt))
            return QS_TXN_REASON_lookup_empty;
        total += writable_cnt + readonly_cnt; /* at least one a turn: it ends before the parts do */
        if (total > QS_TXN_ACCOUNT_MAX)
            return QS_TXN_REASON_account_many;
        t->part[t->instr_cnt + i].lookup = (qs_txn_lookup_t){.key_off = (u16)key,
                                                             .writable_off = (u16)writable,
                                                             .readonly_off = (u16)readonly,
                                                             .writable_cnt = (u8)writable_cnt,
                                                             .readonly_cnt = (u8)readonly_cnt};
        t->lookup_writable_cnt = (u8)(t->lookup_writable_cnt + writable_cnt);
        t->lookup_readonly_cnt = (u8)(t->lookup_readonly_cnt + readonly_cnt);
    }
    t->lookup_cnt = (u8)cnt;
    return QS_TXN_OK;
}

static void
classify(qs_txn_t *t, u8 const *data)
{
    if (t->version != QS_TXN_LEGACY || t->signature_cnt > 2 || t->instr_cnt != 1)
        return;
    u32 program = t->account_off + t->part[0].instr.program * QS_TXN_KEY_SZ;
    if (!memcmp(data + program, qs_txn_vote_program, QS_TXN_KEY_SZ))
        t->flags |= QS_TXN_SIMPLE_VOTE;
}

static qs_txn_reason_t
parse_envelope(qs_txn_t *t, reader_t *r)
{
    u32 account_max = 0;
    qs_txn_reason_t why = read_head(t, r);

    if (!why)
        why = read_instrs(t, r, &account_max);
    if (!why && t->version == QS_TXN_V0)
        why = read_lookups(t, r);
    if (why)
        return why;
    if (account_max >= (u32)t->account_cnt + t->lookup_writable_cnt + t->lookup_readonly_cnt)
        return QS_TXN_REASON_account_idx;
    t->message_sz = (u16)(r->at - t->message_off);
    classify(t, r->data);
    return QS_TXN_OK;
}

/* read_config reads the values that version 1's mask announces. */
static qs_txn_reason_t
read_config(qs_txn_t *t, reader_t *r, u32 mask)
{
    if (mask & ~QS_TXN_CONFIG_ALL)
        return QS_TXN_REASON_config_mask;
    if ((mask & QS_TXN_CONFIG_FEE) && (mask & QS_TXN_CONFIG_FEE) != QS_TXN_CONFIG_FEE)
        return QS_TXN_REASON_config_fee;
    t->config_mask = (u8)mask;
    t->config_off = (u16)r->at;
    if (!take(r, (u32)__builtin_popcount(mask) * 4))
        return QS_TXN_REASON_truncated;
    if (!(mask & QS_TXN_CONFIG_HEAP))
        return QS_TXN_OK;
    u32 heap = qs_load_le32(r->data + r->at - 4); /* the last of the values */
    bool ok =
        heap >= QS_TXN_HEAP_SZ_MIN && heap <= QS_TXN_HEAP_SZ_MAX && heap % QS_TXN_HEAP_SZ_STEP == 0;
    return ok ? QS_TXN_OK : QS_TXN_REASON_config_heap;
}

static bool
key_stands_twice(u8 const *key, u32 cnt)
{
    for (u32 i = 1; i < cnt; i++)
        for (u32 k = 0; k < i; k++)
            if (!memcmp(key + i * QS_TXN_KEY_SZ, key + k * QS_TXN_KEY_SZ, QS_TXN_KEY_SZ))
                return true;
    return false;
}

/* read_v1_instrs reads the headers, then the payloads they announce. */
static qs_txn_reason_t
read_v1_instrs(qs_txn_t *t, reader_t *r)
{
    u8 const *head = r->data + r->at;

    if (!take(r, t->instr_cnt * 4u))
        return QS_TXN_REASON_truncated;
    for (u32 i = 0; i < t->instr_cnt; i++, head += 4) {
        u32 program = head[0], cnt = head[1], data_sz = qs_load_le16(head + 2);
        if (!program || program >= t->account_cnt)
            return QS_TXN_REASON_program;
        u32 accounts = r->at;
        if (!take(r, cnt + data_sz))
            return QS_TXN_REASON_truncated;
        if (highest(r->data + accounts, cnt) >= t->account_cnt)
            return QS_TXN_REASON_account_idx;
        t->part[i].instr = (qs_txn_instr_t){.accounts_off = (u16)accounts,
                                            .data_off = (u16)(accounts + cnt),
                                            .data_sz = (u16)data_sz,
                                            .program = (u8)program,
                                            .account_cnt = (u8)cnt};
    }
    return QS_TXN_OK;
}

/* parse_v1: 42 fixed bytes, then what they announce, signatures last. */
static qs_txn_reason_t
parse_v1(qs_txn_t *t, reader_t *r)
{
    u8 const *d = r->data;

    if (!take(r, 42))
        return QS_TXN_REASON_truncated;
    t->version = QS_TXN_V1;
    t->signature_cnt = d[1];
    t->readonly_signed_cnt = d[2];
    t->readonly_unsigned_cnt = d[3];
    t->blockhash_off = 8;
    if (!d[1] || d[1] > QS_TXN_SIGNATURE_MAX)
        return QS_TXN_REASON_signature_cnt;
    qs_txn_reason_t why = counts_reason(t, d[41]);
    t->account_cnt = d[41];
    if (!why)
        why = instr_cnt_reason(t, d[40]);
    if (why)
        return why;
    t->instr_cnt = d[40];
    t->account_off = (u16)r->at;
    if (!take(r, t->account_cnt * QS_TXN_KEY_SZ))
        return QS_TXN_REASON_truncated;
    if (key_stands_twice(d + t->account_off, t->account_cnt))
        return QS_TXN_REASON_account_twice;
    why = read_config(t, r, qs_load_le32(d + 4));
    if (!why)
        why = read_v1_instrs(t, r);
    if (why)
        return why;
    t->message_sz = t->signature_off = (u16)r->at;
    return take(r, t->signature_cnt * QS_TXN_SIGNATURE_SZ) ? QS_TXN_OK : QS_TXN_REASON_truncated;
}

qs_txn_reason_t
qs_txn_parse(qs_txn_t *txn, u8 const *data, u64 sz, u32 how)
{
    if (!sz)
        return QS_TXN_REASON_empty;
    bool v1 = data[0] == V1_MARK, in_entry = how & QS_TXN_IN_ENTRY;
    u64 max = v1 ? QS_TXN_V1_SZ_MAX : QS_TXN_SZ_MAX;
    if (v1 && !(how & QS_TXN_ALLOW_V1))
        return QS_TXN_REASON_v1_off;
    if (sz > max && !in_entry)
        return QS_TXN_REASON_oversize;
    reader_t r = {.data = data, .end = (u32)qs_min_u64(sz, max)};
    memset(txn, 0, offsetof(qs_txn_t, part));
    txn->abi = QS_TXN_ABI;
    qs_txn_reason_t why = v1 ? parse_v1(txn, &r) : parse_envelope(txn, &r);
    if (why == QS_TXN_REASON_truncated && sz > max)
        return QS_TXN_REASON_oversize;
    if (!why && r.at != r.end && !in_entry)
        return QS_TXN_REASON_trailing;
    txn->sz = (u16)r.at;
    return why;
}

bool
qs_txn_valid(qs_txn_t const *t, u64 desc_sz, u64 sz)
{
    if (desc_sz < offsetof(qs_txn_t, part) || t->abi != QS_TXN_ABI || t->sz > sz ||
        t->instr_cnt > QS_TXN_INSTR_MAX || t->lookup_cnt > QS_TXN_ACCOUNT_MAX ||
        t->account_cnt > QS_TXN_ACCOUNT_MAX || !t->signature_cnt ||
        t->signature_cnt > t->account_cnt || qs_txn_desc_sz(t) > desc_sz)
        return false;
    u32 end = t->sz;
    bool ok = t->signature_off + t->signature_cnt * QS_TXN_SIGNATURE_SZ <= end &&
              (u32)t->message_off + t->message_sz <= end &&
              t->account_off + t->account_cnt * QS_TXN_KEY_SZ <= end &&
              t->blockhash_off + QS_TXN_KEY_SZ <= end &&
              t->config_off + 4u * (u32)__builtin_popcount(t->config_mask) <= end;
    for (u32 i = 0; i < t->instr_cnt; i++) {
        qs_txn_instr_t const *in = qs_txn_instr(t, i);
        ok &= (u32)in->accounts_off + in->account_cnt <= end &&
              (u32)in->data_off + in->data_sz <= end && in->program < t->account_cnt;
    }
    for (u32 i = 0; i < t->lookup_cnt; i++) {
        qs_txn_lookup_t const *l = qs_txn_lookup(t, i);
        ok &= l->key_off + QS_TXN_KEY_SZ <= end && (u32)l->writable_off + l->writable_cnt <= end &&
              (u32)l->readonly_off + l->readonly_cnt <= end;
    }
    return ok;
}

bool
qs_txn_is_writable(qs_txn_t const *t, u32 idx)
{
    if (idx < t->signature_cnt)
        return idx < (u32)t->signature_cnt - t->readonly_signed_cnt;
    if (idx < t->account_cnt)
        return idx < (u32)t->account_cnt - t->readonly_unsigned_cnt;
    return idx < (u32)t->account_cnt + t->lookup_writable_cnt;
}

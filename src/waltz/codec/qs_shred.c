#include "waltz/codec/qs_shred.h"

#define OFF_VARIANT    64u
#define OFF_SLOT       65u
#define OFF_IDX        73u
#define OFF_VERSION    77u
#define OFF_FEC_IDX    79u
#define OFF_PARENT     83u /* data */
#define OFF_FLAGS      85u
#define OFF_SIZE       86u
#define OFF_DATA_CNT   83u /* code */
#define OFF_CODE_CNT   85u
#define OFF_POS        87u
#define DATA_HDR_SZ    88u
#define CODE_HDR_SZ    89u
#define PROOF_AREA     (QS_SHRED_PROOF_CNT * QS_SHRED_PROOF_SZ)
#define SLOT_AHEAD_MIN 500u

#define CAPACITY(total, hdr, resig) ((total) - (hdr)-QS_SHRED_ROOT_SZ - PROOF_AREA - (resig))
#define LAYOUT(byte, is_code, total, hdr, from, resig)                                             \
    {                                                                                              \
        .variant = byte, .code = is_code, .resigned = (resig) != 0, .sz = total, .hdr_sz = hdr,    \
        .capacity = CAPACITY(total, hdr, resig), .erasure_off = from,                              \
        .erasure_sz = (hdr) + CAPACITY(total, hdr, resig) - (from),                                \
        .chained_off = (hdr) + CAPACITY(total, hdr, resig),                                        \
        .proof_off = (hdr) + CAPACITY(total, hdr, resig) + QS_SHRED_ROOT_SZ,                       \
        .resign_off = (resig) ? (total)-QS_SHRED_SIG_SZ : 0,                                       \
    }

static qs_shred_layout_t const layouts[] = {
    LAYOUT(QS_SHRED_DATA_CHAINED, false, QS_SHRED_DATA_SZ, DATA_HDR_SZ, OFF_VARIANT, 0),
    LAYOUT(QS_SHRED_CODE_CHAINED, true, QS_SHRED_CODE_SZ, CODE_HDR_SZ, CODE_HDR_SZ, 0),
    LAYOUT(QS_SHRED_DATA_RESIGNED, false, QS_SHRED_DATA_SZ, DATA_HDR_SZ, OFF_VARIANT,
           QS_SHRED_SIG_SZ),
    LAYOUT(QS_SHRED_CODE_RESIGNED, true, QS_SHRED_CODE_SZ, CODE_HDR_SZ, CODE_HDR_SZ,
           QS_SHRED_SIG_SZ),
};

qs_shred_layout_t const *
qs_shred_layout(u8 variant)
{
    switch (variant) {
    case QS_SHRED_DATA_CHAINED:
        return &layouts[0];
    case QS_SHRED_CODE_CHAINED:
        return &layouts[1];
    case QS_SHRED_DATA_RESIGNED:
        return &layouts[2];
    case QS_SHRED_CODE_RESIGNED:
        return &layouts[3];
    default:
        return NULL;
    }
}

static struct {
    char const *name, *text;
} const reasons[QS_SHRED_REASON_CNT] = {
#define ROW(id, name, text) {#name, text},
    QS_SHRED_REASONS(ROW)
#undef ROW
};

char const *
qs_shred_reason_name(qs_shred_reason_t reason)
{
    return (u32)reason < QS_SHRED_REASON_CNT ? reasons[reason].name : "?";
}

char const *
qs_shred_reason_text(qs_shred_reason_t reason)
{
    return (u32)reason < QS_SHRED_REASON_CNT ? reasons[reason].text : "?";
}

void
qs_shred_filter_root(qs_shred_filter_t *filter, u64 root, u64 slots_per_epoch)
{
    u64 ahead = qs_max_u64(SLOT_AHEAD_MIN, slots_per_epoch / 2);
    filter->root = root;
    filter->slot_max = root < UINT64_MAX - ahead ? root + ahead : UINT64_MAX;
}

/* variant_reason says what a byte that has no layout is instead. */
static qs_shred_reason_t
variant_reason(u8 variant)
{
    switch (variant >> 4) {
    case 0xa:
        return variant == 0xa5 ? QS_SHRED_R_LEGACY : QS_SHRED_R_VARIANT;
    case 0x5:
        return variant == 0x5a ? QS_SHRED_R_LEGACY : QS_SHRED_R_VARIANT;
    case 0x8:
    case 0x4:
        return QS_SHRED_R_UNCHAINED;
    case 0x9:
    case 0xb:
    case 0x6:
    case 0x7:
        return QS_SHRED_R_PROOF_CNT;
    default:
        return QS_SHRED_R_VARIANT;
    }
}

/* length_reason asks for a whole shred where the variant has a fixed size.  Legacy shreds came cut
   to their content, so nothing can be asked of them. */
static qs_shred_reason_t
length_reason(u8 variant, u64 sz)
{
    u8 kind = variant >> 4;
    if ((kind == 0x8 || kind == 0x9 || kind == 0xb) && sz < QS_SHRED_DATA_SZ)
        return QS_SHRED_R_SHORT_DATA;
    if ((kind == 0x4 || kind == 0x6 || kind == 0x7) && sz < QS_SHRED_CODE_SZ)
        return QS_SHRED_R_SHORT_CODE;
    return QS_SHRED_R_OK;
}

static bool
is_old(qs_shred_filter_t const *filter, u64 slot)
{
    return filter->root != QS_SHRED_NO_ROOT && slot <= filter->root;
}

static qs_shred_reason_t
check_code(qs_shred_t const *s, qs_shred_filter_t const *filter)
{
    if (s->idx >= filter->idx_limit)
        return QS_SHRED_R_IDX_LIMIT;
    if (is_old(filter, s->slot))
        return QS_SHRED_R_SLOT_OLD;
    if (s->data_cnt != QS_SHRED_SET_CNT || s->code_cnt != QS_SHRED_SET_CNT)
        return QS_SHRED_R_SET_CNT;
    return QS_SHRED_R_OK;
}

static qs_shred_reason_t
check_parent(qs_shred_t const *s, qs_shred_filter_t const *filter)
{
    if ((s->slot == 0) != (s->parent_off == 0))
        return QS_SHRED_R_PARENT_SELF;
    if (s->parent_off > s->slot)
        return QS_SHRED_R_PARENT_UNDERFLOW;
    if (s->slot > 1 && s->parent_off == s->slot)
        return QS_SHRED_R_PARENT_GENESIS;
    if (filter->root != QS_SHRED_NO_ROOT && s->slot - s->parent_off < filter->root)
        return QS_SHRED_R_PARENT_OLD;
    return QS_SHRED_R_OK;
}

static qs_shred_reason_t
check_data(qs_shred_t const *s, qs_shred_filter_t const *filter)
{
    if (s->idx >= filter->idx_limit)
        return QS_SHRED_R_IDX_LIMIT;
    if (is_old(filter, s->slot))
        return QS_SHRED_R_SLOT_OLD;
    qs_shred_reason_t reason = check_parent(s, filter);
    if (reason)
        return reason;
    if ((s->flags & QS_SHRED_LAST_IN_SLOT) == 0x80)
        return QS_SHRED_R_FLAGS;
    if ((s->flags & QS_SHRED_DATA_COMPLETE) && s->idx - s->fec_idx != QS_SHRED_SET_CNT - 1)
        return QS_SHRED_R_DATA_COMPLETE;
    if ((s->flags & QS_SHRED_LAST_IN_SLOT) == QS_SHRED_LAST_IN_SLOT &&
        (s->idx + 1) % QS_SHRED_SET_CNT)
        return QS_SHRED_R_LAST_IN_SLOT;
    return QS_SHRED_R_OK;
}

/* check_set holds for both kinds: with 32 and 32 shreds their sets begin at the same index. */
static qs_shred_reason_t
check_set(qs_shred_t const *s, qs_shred_filter_t const *filter)
{
    if (s->fec_idx % QS_SHRED_SET_CNT)
        return QS_SHRED_R_FEC_ALIGN;
    if (s->fec_idx > filter->idx_limit - QS_SHRED_SET_CNT)
        return QS_SHRED_R_FEC_LIMIT;
    if (s->idx < s->fec_idx || s->idx - s->fec_idx >= QS_SHRED_SET_CNT)
        return QS_SHRED_R_FEC_RANGE;
    if (s->layout->code)
        return s->pos == s->idx - s->fec_idx ? QS_SHRED_R_OK : QS_SHRED_R_POSITION;
    if (s->size < s->layout->hdr_sz || s->size > s->layout->hdr_sz + s->layout->capacity)
        return QS_SHRED_R_SIZE;
    return QS_SHRED_R_OK;
}

static void
decode(qs_shred_t *s, u8 const *data)
{
    s->slot = qs_load_le64(data + OFF_SLOT);
    s->idx = qs_load_le32(data + OFF_IDX);
    s->version = qs_load_le16(data + OFF_VERSION);
    s->fec_idx = qs_load_le32(data + OFF_FEC_IDX);
    if (s->layout->code) {
        s->data_cnt = qs_load_le16(data + OFF_DATA_CNT);
        s->code_cnt = qs_load_le16(data + OFF_CODE_CNT);
        s->pos = qs_load_le16(data + OFF_POS);
    } else {
        s->parent_off = qs_load_le16(data + OFF_PARENT);
        s->flags = data[OFF_FLAGS];
        s->size = qs_load_le16(data + OFF_SIZE);
    }
}

qs_shred_reason_t
qs_shred_parse(qs_shred_t *shred, u8 const *data, u64 sz, qs_shred_filter_t const *filter)
{
    if (sz <= OFF_VARIANT)
        return QS_SHRED_R_SHORT;
    u8 variant = data[OFF_VARIANT];
    qs_shred_reason_t reason = length_reason(variant, sz);
    if (reason)
        return reason;
    if (filter->version && sz >= OFF_FEC_IDX && qs_load_le16(data + OFF_VERSION) != filter->version)
        return QS_SHRED_R_VERSION;

    *shred = (qs_shred_t){.layout = qs_shred_layout(variant)};
    if (!shred->layout)
        return variant_reason(variant);
    decode(shred, data);

    if (filter->root != QS_SHRED_NO_ROOT && shred->slot > filter->slot_max)
        return QS_SHRED_R_SLOT_FAR;
    reason = shred->layout->code ? check_code(shred, filter) : check_data(shred, filter);
    return reason ? reason : check_set(shred, filter);
}

void
qs_shred_encode(u8 *data, qs_shred_t const *s)
{
    data[OFF_VARIANT] = s->layout->variant;
    qs_store_le64(data + OFF_SLOT, s->slot);
    qs_store_le32(data + OFF_IDX, s->idx);
    qs_store_le16(data + OFF_VERSION, s->version);
    qs_store_le32(data + OFF_FEC_IDX, s->fec_idx);
    if (s->layout->code) {
        qs_store_le16(data + OFF_DATA_CNT, s->data_cnt);
        qs_store_le16(data + OFF_CODE_CNT, s->code_cnt);
        qs_store_le16(data + OFF_POS, s->pos);
    } else {
        qs_store_le16(data + OFF_PARENT, s->parent_off);
        data[OFF_FLAGS] = s->flags;
        qs_store_le16(data + OFF_SIZE, s->size);
    }
}

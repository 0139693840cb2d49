#include "waltz/codec/qs_gossip.h"

#include "waltz/codec/qs_writer.h"
#include "waltz/crypto/qs_sha256.h"

static qs_gossip_reason_t
read_values(qs_reader_t *r, qs_gossip_msg_t *msg)
{
    msg->from_off = (u16)qs_read_skip(r, 32);
    u64 cnt = qs_read_u64(r);

    if (r->fault)
        return qs_gossip_fault(r);
    if (!cnt)
        return QS_GOSSIP_empty;
    for (u64 i = 0; i < cnt; i++) {
        if (i == QS_GOSSIP_VALUE_MAX)
            return QS_GOSSIP_count;
        qs_gossip_reason_t reason = qs_crds_read(r, &msg->value[i]);
        if (reason)
            return reason;
    }
    msg->value_cnt = (u8)cnt;
    return QS_GOSSIP_ok;
}

static qs_gossip_reason_t
read_pull_request(qs_reader_t *r, qs_gossip_msg_t *msg)
{
    qs_gossip_filter_t *f = &msg->filter;
    u64 keys = qs_read_u64(r);

    if (keys > qs_reader_left(r)) /* before it is multiplied */
        keys = UINT32_MAX;
    f->key_off = (u16)qs_read_skip(r, 8 * keys);
    f->key_cnt = (u16)keys;
    qs_bits_view_t bits = qs_read_bits(r, 8);
    f->word_off = (u16)bits.off;
    f->word_cnt = (u16)bits.word_cnt;
    f->bit_cnt = bits.bit_cnt;
    f->bits_set = qs_read_u64(r);
    f->mask = qs_read_u64(r);
    f->mask_bits = qs_read_u32(r);
    if (r->fault)
        return qs_gossip_fault(r);
    if (f->mask_bits < QS_GOSSIP_MASK_MIN || f->mask_bits > 63)
        return QS_GOSSIP_mask;
    qs_gossip_reason_t reason = qs_crds_read(r, &msg->value[0]);
    if (reason)
        return reason;
    msg->value_cnt = 1;
    msg->from_off = msg->value[0].origin_off;
    return msg->value[0].kind == QS_CRDS_CONTACT_INFO ? QS_GOSSIP_ok : QS_GOSSIP_caller;
}

static qs_gossip_reason_t
read_prune(qs_reader_t *r, qs_gossip_msg_t *msg)
{
    msg->from_off = (u16)qs_read_skip(r, 32);
    u32 again = qs_read_skip(r, 32);
    u64 cnt = qs_read_u64(r);

    if (!r->fault && memcmp(r->data + msg->from_off, r->data + again, 32))
        return QS_GOSSIP_prune_from;
    if (cnt > QS_GOSSIP_PRUNE_MAX)
        return QS_GOSSIP_cut; /* so many do not fit */
    msg->prune.origin_off = (u16)qs_read_skip(r, 32 * cnt);
    msg->prune.origin_cnt = (u16)cnt;
    msg->prune.sig_off = (u16)qs_read_skip(r, 64);
    msg->prune.dest_off = (u16)qs_read_skip(r, 32);
    msg->prune.wallclock = qs_read_u64(r);
    return msg->prune.wallclock < QS_GOSSIP_CLOCK_MAX ? QS_GOSSIP_ok : QS_GOSSIP_wallclock;
}

static qs_gossip_reason_t
read_ping(qs_reader_t *r, qs_gossip_msg_t *msg)
{
    msg->from_off = (u16)qs_read_skip(r, 32);
    msg->ping.token_off = (u16)qs_read_skip(r, 32);
    msg->ping.sig_off = (u16)qs_read_skip(r, 64);
    return QS_GOSSIP_ok;
}

static qs_gossip_reason_t
read_message(qs_reader_t *r, qs_gossip_msg_t *msg)
{
    switch (msg->kind) {
    case QS_GOSSIP_PULL_REQUEST:
        return read_pull_request(r, msg);
    case QS_GOSSIP_PULL_RESPONSE:
    case QS_GOSSIP_PUSH:
        return read_values(r, msg);
    case QS_GOSSIP_PRUNE:
        return read_prune(r, msg);
    default:
        return read_ping(r, msg);
    }
}

qs_gossip_reason_t
qs_gossip_parse(u8 const *data, u32 sz, qs_gossip_msg_t *msg)
{
    qs_reader_t r = {.data = data, .sz = sz};

    if (sz > QS_GOSSIP_MTU)
        return QS_GOSSIP_oversize;
    u32 kind = qs_read_u32(&r);
    if (r.fault)
        return qs_gossip_fault(&r);
    if (kind >= QS_GOSSIP_KIND_CNT)
        return QS_GOSSIP_kind;
    msg->kind = (u8)kind;
    msg->value_cnt = 0;
    qs_gossip_reason_t reason = read_message(&r, msg);
    if (r.fault)
        return qs_gossip_fault(&r);
    return !reason && qs_reader_left(&r) ? QS_GOSSIP_trailing : reason;
}

u32
qs_gossip_write_values(u8 *room, u32 room_sz, qs_gossip_kind_t kind, u8 const from[32])
{
    qs_writer_t w = {.data = room, .sz = room_sz};

    qs_write_u32(&w, kind);
    qs_write_bytes(&w, from, 32);
    qs_write_u64(&w, 0);
    return w.full ? 0 : w.at;
}

u32
qs_gossip_add_value(u8 *room, u32 room_sz, u32 sz, u8 const *value, u32 value_sz)
{
    u32 limit = room_sz < QS_GOSSIP_MTU ? room_sz : QS_GOSSIP_MTU;
    u64 cnt = qs_load_le64(room + QS_GOSSIP_VALUES_OFF - 8);

    if (sz > limit || value_sz > limit - sz || cnt == QS_GOSSIP_VALUE_MAX)
        return 0;
    memcpy(room + sz, value, value_sz);
    qs_store_le64(room + QS_GOSSIP_VALUES_OFF - 8, cnt + 1);
    return sz + value_sz;
}

u32
qs_gossip_write_pull_request(u8 *room, u32 room_sz, qs_gossip_filter_out_t const *f,
                             u8 const *value, u32 value_sz)
{
    qs_writer_t w = {.data = room, .sz = room_sz < QS_GOSSIP_MTU ? room_sz : QS_GOSSIP_MTU};

    qs_write_u32(&w, QS_GOSSIP_PULL_REQUEST);
    qs_write_u64(&w, f->key_cnt);
    for (u32 i = 0; i < f->key_cnt; i++)
        qs_write_u64(&w, f->key[i]);
    qs_write_u8(&w, f->word_cnt != 0);
    if (f->word_cnt)
        qs_write_u64(&w, f->word_cnt);
    for (u32 i = 0; i < f->word_cnt; i++)
        qs_write_u64(&w, f->word[i]);
    qs_write_u64(&w, f->bit_cnt);
    qs_write_u64(&w, f->bits_set);
    qs_write_u64(&w, f->mask);
    qs_write_u32(&w, f->mask_bits);
    qs_write_bytes(&w, value, value_sz);
    return w.full ? 0 : w.at;
}

u32
qs_gossip_write_prune(u8 *room, u32 room_sz, qs_gossip_prune_t const *p, u32 *sig_off)
{
    static u8 const unsigned_yet[64];
    qs_writer_t w = {.data = room, .sz = room_sz < QS_GOSSIP_MTU ? room_sz : QS_GOSSIP_MTU};

    qs_write_u32(&w, QS_GOSSIP_PRUNE);
    qs_write_bytes(&w, p->from, 32);
    qs_write_bytes(&w, p->from, 32);
    qs_write_u64(&w, p->cnt);
    qs_write_bytes(&w, p->origins, 32ull * p->cnt);
    *sig_off = w.at;
    qs_write_bytes(&w, unsigned_yet, 64);
    qs_write_bytes(&w, p->dest, 32);
    qs_write_u64(&w, p->wallclock);
    return w.full ? 0 : w.at;
}

u32
qs_gossip_prune_to_sign(u8 *room, u32 room_sz, qs_gossip_prune_t const *p, bool prefixed)
{
    qs_writer_t w = {.data = room, .sz = room_sz};
    u64 magic_sz = sizeof(QS_GOSSIP_PRUNE_MAGIC) - 1;

    if (prefixed) {
        qs_write_u64(&w, magic_sz);
        qs_write_bytes(&w, QS_GOSSIP_PRUNE_MAGIC, magic_sz);
    }
    qs_write_bytes(&w, p->from, 32);
    qs_write_u64(&w, p->cnt);
    qs_write_bytes(&w, p->origins, 32ull * p->cnt);
    qs_write_bytes(&w, p->dest, 32);
    qs_write_u64(&w, p->wallclock);
    return w.full ? 0 : w.at;
}

u32
qs_gossip_write_ping(u8 *room, u32 room_sz, qs_gossip_kind_t kind, u8 const from[32],
                     u8 const token[32], u8 const sig[64])
{
    qs_writer_t w = {.data = room, .sz = room_sz};

    qs_write_u32(&w, kind);
    qs_write_bytes(&w, from, 32);
    qs_write_bytes(&w, token, 32);
    qs_write_bytes(&w, sig, 64);
    return w.full ? 0 : w.at;
}

void
qs_gossip_pong_hash(u8 hash[32], u8 const token[32])
{
    u8 msg[16 + 32];

    memcpy(msg, "SOLANA_PING_PONG", 16);
    memcpy(msg + 16, token, 32);
    qs_sha256(hash, msg, sizeof(msg));
}

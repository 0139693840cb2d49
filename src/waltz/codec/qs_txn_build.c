#include "waltz/codec/qs_txn_build.h"

#include "tango/base/qs_bits.h"
#include "waltz/codec/qs_cu16.h"
#include "waltz/crypto/qs_ed25519.h"

/* Memo program: MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr. */
static u8 const memo_program[32] = {
    0x05, 0x4a, 0x53, 0x5a, 0x99, 0x29, 0x21, 0x06, 0x4d, 0x24, 0xe8, 0x71, 0x60, 0xda, 0x38, 0x7c,
    0x7c, 0x35, 0xb5, 0xdd, 0xbc, 0x92, 0xbb, 0x81, 0xe4, 0x1f, 0xa8, 0x40, 0x41, 0x05, 0x44, 0x8d};

typedef struct writer {
    u8 *out;
    u64 at, max; /* at > max: it did not fit */
} writer_t;

static void
put(writer_t *w, void const *data, u64 sz)
{
    if (sz && w->at + sz <= w->max)
        memcpy(w->out + w->at, data, sz);
    w->at += sz;
}

static void
put_u8(writer_t *w, u32 value)
{
    u8 byte = (u8)value;
    put(w, &byte, 1);
}

static void
put_le(writer_t *w, u64 value, u32 sz)
{
    u8 bytes[8];
    qs_store_le64(bytes, value);
    put(w, bytes, sz);
}

static void
put_cu16(writer_t *w, u16 value)
{
    u8 bytes[QS_CU16_SZ_MAX];
    put(w, bytes, qs_cu16_encode(bytes, value));
}

static void
put_signatures(writer_t *w, u32 cnt)
{
    static u8 const zero[QS_TXN_SIGNATURE_SZ];
    for (u32 i = 0; i < cnt; i++)
        put(w, zero, sizeof(zero));
}

static void
put_v1(writer_t *w, qs_txn_build_t const *b)
{
    put_u8(w, 0x81);
    put_u8(w, b->required_cnt);
    put_u8(w, b->readonly_signed_cnt);
    put_u8(w, b->readonly_unsigned_cnt);
    put_le(w, b->config_mask, 4);
    put(w, b->blockhash, 32);
    put_u8(w, b->instr_cnt);
    put_u8(w, b->account_cnt);
    put(w, b->account, (u64)b->account_cnt * QS_TXN_KEY_SZ);
    if (b->config_mask & QS_TXN_CONFIG_FEE)
        put_le(w, b->fee, (u32)__builtin_popcount(b->config_mask & QS_TXN_CONFIG_FEE) * 4);
    if (b->config_mask & QS_TXN_CONFIG_CU)
        put_le(w, b->cu_limit, 4);
    if (b->config_mask & QS_TXN_CONFIG_DATA)
        put_le(w, b->data_limit, 4);
    if (b->config_mask & QS_TXN_CONFIG_HEAP)
        put_le(w, b->heap_sz, 4);
    for (u32 i = 0; i < b->instr_cnt; i++) {
        put_u8(w, b->instr[i].program);
        put_u8(w, b->instr[i].account_cnt);
        put_le(w, b->instr[i].data_sz, 2);
    }
    for (u32 i = 0; i < b->instr_cnt; i++) {
        put(w, b->instr[i].account, b->instr[i].account_cnt);
        put(w, b->instr[i].data, b->instr[i].data_sz);
    }
    put_signatures(w, b->signature_cnt);
}

static void
put_envelope(writer_t *w, qs_txn_build_t const *b)
{
    put_u8(w, b->signature_cnt);
    put_signatures(w, b->signature_cnt);
    if (b->version != QS_TXN_LEGACY)
        put_u8(w, 0x80u | b->version);
    put_u8(w, b->required_cnt);
    put_u8(w, b->readonly_signed_cnt);
    put_u8(w, b->readonly_unsigned_cnt);
    put_cu16(w, b->account_cnt);
    put(w, b->account, (u64)b->account_cnt * QS_TXN_KEY_SZ);
    put(w, b->blockhash, 32);
    put_cu16(w, b->instr_cnt);
    for (u32 i = 0; i < b->instr_cnt; i++) {
        put_u8(w, b->instr[i].program);
        put_cu16(w, b->instr[i].account_cnt);
        put(w, b->instr[i].account, b->instr[i].account_cnt);
        put_cu16(w, b->instr[i].data_sz);
        put(w, b->instr[i].data, b->instr[i].data_sz);
    }
    if (b->version == QS_TXN_LEGACY)
        return;
    put_cu16(w, b->lookup_cnt);
    for (u32 i = 0; i < b->lookup_cnt; i++) {
        put(w, b->lookup[i].key, QS_TXN_KEY_SZ);
        put_cu16(w, b->lookup[i].writable_cnt);
        put(w, b->lookup[i].writable, b->lookup[i].writable_cnt);
        put_cu16(w, b->lookup[i].readonly_cnt);
        put(w, b->lookup[i].readonly, b->lookup[i].readonly_cnt);
    }
}

u32
qs_txn_build(u8 *out, u64 max, qs_txn_build_t const *b)
{
    writer_t w = {.out = out, .max = max};

    if (b->version == QS_TXN_V1)
        put_v1(&w, b);
    else
        put_envelope(&w, b);
    return w.at <= max ? (u32)w.at : 0;
}

static void
unbuild_config(qs_txn_build_t *b, u8 const *value)
{
    if (b->config_mask & QS_TXN_CONFIG_FEE) {
        b->fee = qs_load_le64(value);
        value += 8;
    }
    if (b->config_mask & QS_TXN_CONFIG_CU) {
        b->cu_limit = qs_load_le32(value);
        value += 4;
    }
    if (b->config_mask & QS_TXN_CONFIG_DATA) {
        b->data_limit = qs_load_le32(value);
        value += 4;
    }
    if (b->config_mask & QS_TXN_CONFIG_HEAP)
        b->heap_sz = qs_load_le32(value);
}

void
qs_txn_unbuild(qs_txn_build_t *b, qs_txn_build_instr_t *instr, qs_txn_build_lookup_t *lookup,
               qs_txn_t const *txn, u8 const *data)
{
    *b = (qs_txn_build_t){.version = txn->version,
                          .signature_cnt = txn->signature_cnt,
                          .required_cnt = txn->signature_cnt,
                          .readonly_signed_cnt = txn->readonly_signed_cnt,
                          .readonly_unsigned_cnt = txn->readonly_unsigned_cnt,
                          .account_cnt = txn->account_cnt,
                          .instr_cnt = txn->instr_cnt,
                          .lookup_cnt = txn->lookup_cnt,
                          .account = (u8 const(*)[QS_TXN_KEY_SZ])(data + txn->account_off),
                          .blockhash = data + txn->blockhash_off,
                          .instr = instr,
                          .lookup = lookup,
                          .config_mask = txn->config_mask};
    unbuild_config(b, data + txn->config_off);
    for (u32 i = 0; i < txn->instr_cnt; i++) {
        qs_txn_instr_t const *in = qs_txn_instr(txn, i);
        instr[i] = (qs_txn_build_instr_t){.program = in->program,
                                          .account_cnt = in->account_cnt,
                                          .data_sz = in->data_sz,
                                          .account = data + in->accounts_off,
                                          .data = data + in->data_off};
    }
    for (u32 i = 0; i < txn->lookup_cnt; i++) {
        qs_txn_lookup_t const *l = qs_txn_lookup(txn, i);
        lookup[i] = (qs_txn_build_lookup_t){.key = data + l->key_off,
                                            .writable_cnt = l->writable_cnt,
                                            .readonly_cnt = l->readonly_cnt,
                                            .writable = data + l->writable_off,
                                            .readonly = data + l->readonly_off};
    }
}

void
qs_txn_sign(u8 *data, qs_txn_t const *txn, u32 idx, u8 const secret[32])
{
    QS_ASSERT(idx < txn->signature_cnt);
    qs_ed25519_sign(data + txn->signature_off + idx * QS_TXN_SIGNATURE_SZ, data + txn->message_off,
                    txn->message_sz, data + txn->account_off + idx * QS_TXN_KEY_SZ, secret);
}

u32
qs_txn_build_memo(u8 out[QS_TXN_SZ_MAX], u32 cnt, u8 const (*public_key)[32],
                  u8 const (*secret)[32], u8 const blockhash[32], void const *data, u32 sz)
{
    u8 account[QS_TXN_SIGNATURE_MAX + 1][32];
    qs_txn_build_instr_t instr = {.program = (u8)cnt, .data_sz = (u16)sz, .data = data};
    qs_txn_t txn;

    if (!cnt || cnt > QS_TXN_SIGNATURE_MAX || sz > QS_TXN_SZ_MAX)
        return 0;
    memcpy(account, public_key, cnt * sizeof(account[0]));
    memcpy(account[cnt], memo_program, sizeof(account[0]));
    qs_txn_build_t b = {.version = QS_TXN_LEGACY,
                        .signature_cnt = (u8)cnt,
                        .required_cnt = (u8)cnt,
                        .readonly_unsigned_cnt = 1,
                        .account_cnt = (u16)(cnt + 1),
                        .account = (u8 const(*)[32])account,
                        .blockhash = blockhash,
                        .instr_cnt = 1,
                        .instr = &instr};
    u32 len = qs_txn_build(out, QS_TXN_SZ_MAX, &b);
    if (!len || qs_txn_parse(&txn, out, len, 0))
        return 0;
    for (u32 i = 0; i < cnt; i++)
        qs_txn_sign(out, &txn, i, secret[i]);
    return len;
}

u32
qs_txn_build_vote(u8 out[QS_TXN_SZ_MAX], u8 const identity[2][32], u8 const authority[2][32],
                  u8 const vote_account[32], u8 const blockhash[32], void const *data, u32 sz)
{
    u32 signers = authority ? 2 : 1;
    u8 account[4][32];
    u8 const accounts[2] = {(u8)signers, (u8)(signers - 1)};
    qs_txn_build_instr_t instr = {.program = (u8)(signers + 1),
                                  .account_cnt = 2,
                                  .account = accounts,
                                  .data_sz = (u16)sz,
                                  .data = data};
    qs_txn_t txn;

    if (sz > QS_TXN_SZ_MAX)
        return 0;
    memcpy(account[0], identity[0], 32);
    if (authority)
        memcpy(account[1], authority[0], 32);
    memcpy(account[signers], vote_account, 32);
    memcpy(account[signers + 1], qs_txn_vote_program, 32);
    qs_txn_build_t b = {.version = QS_TXN_LEGACY,
                        .signature_cnt = (u8)signers,
                        .required_cnt = (u8)signers,
                        .readonly_signed_cnt = (u8)(signers - 1),
                        .readonly_unsigned_cnt = 1,
                        .account_cnt = (u16)(signers + 2),
                        .account = (u8 const(*)[32])account,
                        .blockhash = blockhash,
                        .instr_cnt = 1,
                        .instr = &instr};
    u32 len = qs_txn_build(out, QS_TXN_SZ_MAX, &b);
    if (!len || qs_txn_parse(&txn, out, len, 0))
        return 0;
    qs_txn_sign(out, &txn, 0, identity[1]);
    if (authority)
        qs_txn_sign(out, &txn, 1, authority[1]);
    return len;
}

#include "app/qs_txn_write.h"

#include "tango/base/qs_bits.h"
#include "waltz/codec/qs_base58.h"

/* key_text and signature_text are good until the next call. */
static char const *
key_text(u8 const *key)
{
    static char text[QS_BASE58_32_MAX];
    qs_base58_encode_32(text, key);
    return text;
}

static char const *
signature_text(u8 const *signature)
{
    static char text[QS_BASE58_64_MAX];
    qs_base58_encode_64(text, signature);
    return text;
}

void
qs_txn_write_hex(FILE *f, u8 const *data, u64 sz)
{
    for (u64 i = 0; i < sz; i++)
        fprintf(f, "%02x", data[i]);
}

static void
write_list(FILE *f, u8 const *item, u32 cnt)
{
    fprintf(f, "[");
    for (u32 i = 0; i < cnt; i++)
        fprintf(f, "%s%u", i ? "," : "", item[i]);
    fprintf(f, "]");
}

/* The values of version 1, as far as the mask announces them. */
typedef struct config {
    u64 fee;
    u32 cu_limit, data_limit, heap_sz;
} config_t;

static config_t
read_config(qs_txn_t const *t, u8 const *data)
{
    config_t c = {0};
    u8 const *p = data + t->config_off;

    if (t->config_mask & QS_TXN_CONFIG_FEE) {
        c.fee = qs_load_le64(p);
        p += 8;
    }
    if (t->config_mask & QS_TXN_CONFIG_CU) {
        c.cu_limit = qs_load_le32(p);
        p += 4;
    }
    if (t->config_mask & QS_TXN_CONFIG_DATA) {
        c.data_limit = qs_load_le32(p);
        p += 4;
    }
    if (t->config_mask & QS_TXN_CONFIG_HEAP)
        c.heap_sz = qs_load_le32(p);
    return c;
}

static void
json_accounts(FILE *f, qs_txn_t const *t, u8 const *data)
{
    fprintf(f, "\"accounts\":[");
    for (u32 i = 0; i < t->account_cnt; i++)
        fprintf(f, "%s{\"key\":\"%s\",\"signer\":%s,\"writable\":%s}", i ? "," : "",
                key_text(data + t->account_off + i * QS_TXN_KEY_SZ),
                i < t->signature_cnt ? "true" : "false",
                qs_txn_is_writable(t, i) ? "true" : "false");
    fprintf(f, "],");
}

static void
json_instrs(FILE *f, qs_txn_t const *t, u8 const *data)
{
    fprintf(f, "\"instructions\":[");
    for (u32 i = 0; i < t->instr_cnt; i++) {
        qs_txn_instr_t const *in = qs_txn_instr(t, i);
        fprintf(f, "%s{\"program_index\":%u,\"program\":\"%s\",\"accounts\":", i ? "," : "",
                in->program, key_text(data + t->account_off + in->program * QS_TXN_KEY_SZ));
        write_list(f, data + in->accounts_off, in->account_cnt);
        fprintf(f, ",\"data_bytes\":%u,\"data_hex\":\"", in->data_sz);
        qs_txn_write_hex(f, data + in->data_off, in->data_sz);
        fprintf(f, "\"}");
    }
    fprintf(f, "],");
}

void
qs_txn_write_json(FILE *f, qs_txn_t const *t, u8 const *data)
{
    fprintf(f, "{\"version\":\"%s\",\"bytes\":%u,\"message_offset\":%u,\"message_bytes\":%u,",
            qs_txn_version_name(t->version), t->sz, t->message_off, t->message_sz);
    fprintf(f, "\"signatures\":[");
    for (u32 i = 0; i < t->signature_cnt; i++)
        fprintf(f, "%s\"%s\"", i ? "," : "",
                signature_text(data + t->signature_off + i * QS_TXN_SIGNATURE_SZ));
    fprintf(f, "],\"required_signatures\":%u,\"readonly_signed\":%u,\"readonly_unsigned\":%u,",
            t->signature_cnt, t->readonly_signed_cnt, t->readonly_unsigned_cnt);
    json_accounts(f, t, data);
    fprintf(f, "\"blockhash\":\"%s\",", key_text(data + t->blockhash_off));
    json_instrs(f, t, data);
    fprintf(f, "\"lookups\":[");
    for (u32 i = 0; i < t->lookup_cnt; i++) {
        qs_txn_lookup_t const *l = qs_txn_lookup(t, i);
        fprintf(f, "%s{\"table\":\"%s\",\"writable\":", i ? "," : "", key_text(data + l->key_off));
        write_list(f, data + l->writable_off, l->writable_cnt);
        fprintf(f, ",\"readonly\":");
        write_list(f, data + l->readonly_off, l->readonly_cnt);
        fprintf(f, "}");
    }
    fprintf(f, "],");
    if (t->version == QS_TXN_V1) {
        config_t c = read_config(t, data);
        fprintf(f,
                "\"config\":{\"mask\":%u,\"priority_fee_lamports\":%lu,\"compute_units\":%u,"
                "\"loaded_data_bytes\":%u,\"heap_bytes\":%u},",
                t->config_mask, c.fee, c.cu_limit, c.data_limit, c.heap_sz);
    }
    fprintf(f, "\"simple_vote\":%s}", qs_txn_is_simple_vote(t) ? "true" : "false");
}

static void
text_instrs(FILE *f, qs_txn_t const *t, u8 const *data)
{
    for (u32 i = 0; i < t->instr_cnt; i++) {
        qs_txn_instr_t const *in = qs_txn_instr(t, i);
        fprintf(f, "instruction %-2u program %u %s\n               accounts ", i, in->program,
                key_text(data + t->account_off + in->program * QS_TXN_KEY_SZ));
        write_list(f, data + in->accounts_off, in->account_cnt);
        fprintf(f, ", %u bytes of data ", in->data_sz);
        qs_txn_write_hex(f, data + in->data_off, in->data_sz);
        fprintf(f, "\n");
    }
    for (u32 i = 0; i < t->lookup_cnt; i++) {
        qs_txn_lookup_t const *l = qs_txn_lookup(t, i);
        fprintf(f, "lookup %-7u table %s, writable ", i, key_text(data + l->key_off));
        write_list(f, data + l->writable_off, l->writable_cnt);
        fprintf(f, ", read-only ");
        write_list(f, data + l->readonly_off, l->readonly_cnt);
        fprintf(f, "\n");
    }
}

void
qs_txn_write_text(FILE *f, qs_txn_t const *t, u8 const *data)
{
    fprintf(f, "version        %s%s, %u bytes, of which %u at %u are signed\n",
            qs_txn_version_name(t->version), qs_txn_is_simple_vote(t) ? ", a simple vote" : "",
            t->sz, t->message_sz, t->message_off);
    for (u32 i = 0; i < t->signature_cnt; i++)
        fprintf(f, "signature %-4u %s\n", i,
                signature_text(data + t->signature_off + i * QS_TXN_SIGNATURE_SZ));
    fprintf(f, "header         %u signatures required, %u signers and %u others read-only\n",
            t->signature_cnt, t->readonly_signed_cnt, t->readonly_unsigned_cnt);
    for (u32 i = 0; i < t->account_cnt; i++)
        fprintf(f, "account %-6u %s %s%s%s\n", i,
                key_text(data + t->account_off + i * QS_TXN_KEY_SZ),
                qs_txn_is_writable(t, i) ? "writable" : "read-only",
                i < t->signature_cnt ? ", signs" : "", i ? "" : ", pays");
    fprintf(f, "blockhash      %s\n", key_text(data + t->blockhash_off));
    text_instrs(f, t, data);
    if (t->version == QS_TXN_V1) {
        config_t c = read_config(t, data);
        fprintf(f,
                "config         mask %u: fee %lu lamports, %u compute units, %u bytes loaded, heap "
                "%u bytes\n",
                t->config_mask, c.fee, c.cu_limit, c.data_limit, c.heap_sz);
    }
}

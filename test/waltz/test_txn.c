/* Goal: what the wire format allows is parsed with the right offsets, and everything else is refused
   for its own reason, without a byte read outside.
   Method: sound transactions from the builder, damaged in one place each, one row for each line
   of the specification's list of bad inputs; all of it in blocks of their exact size, so that
   ASan sees a read too far.  Published transactions if they are there. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/codec/qs_base58.h"
#include "waltz/codec/qs_cu16.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/txn_sample.h"

static sample_t s;

/* parse gives the parser its own copy of the bytes, with nothing behind them. */
static qs_txn_reason_t
parse(qs_txn_t *txn, u8 const *data, u64 sz, u32 how)
{
    u8 *exact = malloc(sz ? sz : 1);
    memcpy(exact, data, sz);
    qs_txn_reason_t why = qs_txn_parse(txn, exact, sz, how);
    free(exact);
    return why;
}

#define BAD(line, version, change, why)                                                            \
    {                                                                                              \
        line, version, QS_TXN_REASON_##why, change                                                 \
    }
#define CHANGE(name, ...)                                                                          \
    static void name(void)                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* Changes of the builder's arguments are made before the bytes are written, these after. */
static u8 cut, extra, patch_at, patch_value;
static u32 insert_at, insert_sz, drop_at;
static u8 insert[4];

CHANGE(nothing, s.b.signature_cnt = 2;)
CHANGE(no_bytes, s.sz = 0;)
CHANGE(long_data, s.instr[0].data_sz = 512; s.instr[1].data_sz = 512; s.b.account_cnt = 10;
       s.b.readonly_unsigned_cnt = 0;)
CHANGE(long_v1, for (u32 i = 0; i < 8; i++) s.instr[i].data_sz = 512; s.b.instr_cnt = 8;)
CHANGE(first_0, patch_at = 1; patch_value = 0;)
CHANGE(first_13, patch_at = 1; patch_value = 13;)
CHANGE(first_127, patch_at = 1; patch_value = 127;)
CHANGE(first_80, patch_at = 1; patch_value = 0x80;)
CHANGE(first_82, patch_at = 1; patch_value = 0x82;)
CHANGE(first_ff, patch_at = 1; patch_value = 0xff;)
CHANGE(one_short, cut = 1;)
CHANGE(one_long, extra = 1;)
CHANGE(prefix_81, s.b.version = 0x81 & 0x7f; s.b.lookup_cnt = 2;)
CHANGE(prefix_82, patch_at = 2 + 128; patch_value = 0x82;)
CHANGE(prefix_ff, patch_at = 2 + 128; patch_value = 0xff;)
CHANGE(requires_1, s.b.required_cnt = 1;)
CHANGE(requires_3, s.b.required_cnt = 3;)
CHANGE(all_readonly, s.b.readonly_signed_cnt = 2;)
CHANGE(more_readonly, s.b.readonly_signed_cnt = 200;)
CHANGE(accounts_1, s.b.account_cnt = 1; s.b.readonly_unsigned_cnt = 0; s.b.instr_cnt = 0;)
CHANGE(readonly_5, s.b.readonly_unsigned_cnt = 5;)
CHANGE(accounts_65, s.b.account_cnt = 65; s.b.signature_cnt = s.b.required_cnt = 1;
       s.b.readonly_signed_cnt = 0;)
CHANGE(lookups_59, s.lookup[0].writable_cnt = 30; s.lookup[1].readonly_cnt = 28;)
CHANGE(lookup_64, s.lookup[0].writable_cnt = 64;)
CHANGE(instrs_65, s.b.instr_cnt = 65;)
CHANGE(only_payer, s.b.account_cnt = 1; s.b.readonly_unsigned_cnt = 0; s.b.readonly_signed_cnt = 0;
       s.b.signature_cnt = s.b.required_cnt = 1;)
CHANGE(program_0, s.instr[1].program = 0;)
CHANGE(program_6, s.instr[1].program = 6;)
CHANGE(instr_accounts_256, s.instr[0].account_cnt = 256; s.index[3] = 0;)
CHANGE(account_6, s.index[2] = 6;)
CHANGE(account_11, s.index[2] = 11;)
CHANGE(lookups_128, s.b.lookup_cnt = 128; s.b.account_cnt = 6;)
CHANGE(empty_lookup, s.lookup[1].readonly_cnt = 0;)
CHANGE(lookups_in_legacy, s.b.version = QS_TXN_V0; s.b.lookup_cnt = 1; drop_at = 1 + 128 + 1;)
CHANGE(nr_0, s.b.required_cnt = 0;)
CHANGE(nr_13, s.b.required_cnt = 13;)
CHANGE(mask_bit_5, s.b.config_mask |= 32;)
CHANGE(mask_bit_31, s.b.config_mask |= 1u << 31;)
CHANGE(fee_low, s.b.config_mask = 1;)
CHANGE(fee_high, s.b.config_mask = 2 | QS_TXN_CONFIG_CU;)
CHANGE(heap_odd, s.b.heap_sz = 65537;)
CHANGE(heap_half_step, s.b.heap_sz = 65536 + 512;)
CHANGE(heap_small, s.b.heap_sz = 32768 - 1024;)
CHANGE(heap_large, s.b.heap_sz = 262144 + 1024;)
CHANGE(twice, memcpy(s.account[5], s.account[0], 32);)
CHANGE(signature_less, s.b.signature_cnt = 1;)
CHANGE(signature_more, s.b.signature_cnt = 3;)
CHANGE(signatures_0, s.b.signature_cnt = 0; s.b.required_cnt = 0;)

/* The account count of a legacy sample stands at 1 + 128 + 3: six, written otherwise. */
#define ACCOUNT_CNT_AT 132u
CHANGE(cu16_two_bytes, insert_at = ACCOUNT_CNT_AT; insert_sz = 2; insert[0] = 0x86; insert[1] = 0;)
CHANGE(cu16_three_bytes, insert_at = ACCOUNT_CNT_AT; insert_sz = 3; insert[0] = 0x86;
       insert[1] = 0x80; insert[2] = 0;)
CHANGE(cu16_65536, insert_at = ACCOUNT_CNT_AT; insert_sz = 3; insert[0] = 0x80; insert[1] = 0x80;
       insert[2] = 4;)
CHANGE(cu16_fourth_byte, insert_at = ACCOUNT_CNT_AT; insert_sz = 4; insert[0] = 0x80;
       insert[1] = 0x80; insert[2] = 0x80; insert[3] = 1;)
CHANGE(cu16_cut, insert_at = ACCOUNT_CNT_AT; insert_sz = 1; insert[0] = 0x86; cut = 0xff;)
CHANGE(in_envelope, s.b.version = 1; s.b.lookup_cnt = 0;)

static struct bad {
    char const *line; /* of the list of bad inputs */
    u8 version;
    qs_txn_reason_t why;
    void (*change)(void);
} const bad[] = {
    BAD("empty packet", QS_TXN_LEGACY, no_bytes, empty),
    BAD("legacy > 1232 bytes", QS_TXN_LEGACY, long_data, oversize),
    BAD("v0 > 1232 bytes", QS_TXN_V0, long_data, oversize),
    BAD("v1 > 4096 bytes", QS_TXN_V1, long_v1, oversize),
    BAD("first byte 0", QS_TXN_LEGACY, first_0, signature_cnt),
    BAD("first byte 13", QS_TXN_LEGACY, first_13, signature_cnt),
    BAD("first byte 127", QS_TXN_LEGACY, first_127, signature_cnt),
    BAD("first byte 0x80", QS_TXN_LEGACY, first_80, version),
    BAD("first byte 0x82", QS_TXN_LEGACY, first_82, version),
    BAD("first byte 0xff", QS_TXN_LEGACY, first_ff, version),
    BAD("truncated", QS_TXN_LEGACY, one_short, truncated),
    BAD("truncated", QS_TXN_V0, one_short, truncated),
    BAD("trailing bytes", QS_TXN_LEGACY, one_long, trailing),
    BAD("trailing bytes", QS_TXN_V0, one_long, trailing),
    BAD("cu16 non-minimal", QS_TXN_LEGACY, cu16_two_bytes, cu16),
    BAD("cu16 non-minimal", QS_TXN_LEGACY, cu16_three_bytes, cu16),
    BAD("cu16 > 65535", QS_TXN_LEGACY, cu16_65536, cu16),
    BAD("cu16 > 65535", QS_TXN_LEGACY, cu16_fourth_byte, cu16),
    BAD("cu16 truncated", QS_TXN_LEGACY, cu16_cut, truncated),
    BAD("version in envelope", QS_TXN_V0, prefix_81, version),
    BAD("version in envelope", QS_TXN_V0, prefix_82, version),
    BAD("version in envelope", QS_TXN_V0, prefix_ff, version),
    BAD("nr != ns", QS_TXN_LEGACY, requires_1, signer_cnt),
    BAD("nr != ns", QS_TXN_V0, requires_3, signer_cnt),
    BAD("rs >= nr", QS_TXN_LEGACY, all_readonly, readonly_signed),
    BAD("rs >= nr", QS_TXN_V1, more_readonly, readonly_signed),
    BAD("na < nr", QS_TXN_LEGACY, accounts_1, account_few),
    BAD("nr + ru > na", QS_TXN_V0, readonly_5, account_few),
    BAD("nr + ru > na", QS_TXN_V1, readonly_5, account_few),
    BAD("na > 64", QS_TXN_V1, accounts_65, account_many),
    BAD("na + lookups > 64", QS_TXN_V0, lookups_59, account_many),
    BAD("na + lookups > 64", QS_TXN_V0, lookup_64, account_many),
    BAD("ni > 64", QS_TXN_LEGACY, instrs_65, instr_cnt),
    BAD("ni > 64", QS_TXN_V1, instrs_65, instr_cnt),
    BAD("ni > 0 with one account", QS_TXN_LEGACY, only_payer, no_program),
    BAD("ni > 0 with one account", QS_TXN_V1, only_payer, no_program),
    BAD("program index 0", QS_TXN_LEGACY, program_0, program),
    BAD("program index >= na", QS_TXN_V0, program_6, program),
    BAD("program index >= na", QS_TXN_V1, program_6, program),
    BAD("instruction account count > 255", QS_TXN_LEGACY, instr_accounts_256, instr_account_cnt),
    BAD("account index >= total", QS_TXN_LEGACY, account_6, account_idx),
    BAD("account index >= total", QS_TXN_V0, account_11, account_idx),
    BAD("account index >= total", QS_TXN_V1, account_6, account_idx),
    BAD("lookup count > 127", QS_TXN_V0, lookups_128,
        oversize), /* 128 do not fit a packet: below */
    BAD("lookup with no index", QS_TXN_V0, empty_lookup, lookup_empty),
    BAD("lookups in legacy", QS_TXN_LEGACY, lookups_in_legacy, trailing),
    BAD("v1: nr 0", QS_TXN_V1, nr_0, signature_cnt),
    BAD("v1: nr > 12", QS_TXN_V1, nr_13, signature_cnt),
    BAD("v1: unknown mask bits", QS_TXN_V1, mask_bit_5, config_mask),
    BAD("v1: unknown mask bits", QS_TXN_V1, mask_bit_31, config_mask),
    BAD("v1: half-set fee", QS_TXN_V1, fee_low, config_fee),
    BAD("v1: half-set fee", QS_TXN_V1, fee_high, config_fee),
    BAD("v1: heap", QS_TXN_V1, heap_odd, config_heap),
    BAD("v1: heap", QS_TXN_V1, heap_half_step, config_heap),
    BAD("v1: heap", QS_TXN_V1, heap_small, config_heap),
    BAD("v1: heap", QS_TXN_V1, heap_large, config_heap),
    BAD("v1: duplicate addresses", QS_TXN_V1, twice, account_twice),
    BAD("v1: missing signatures", QS_TXN_V1, signature_less, truncated),
    BAD("v1: extra signatures", QS_TXN_V1, signature_more, trailing),
    BAD("v1 in an envelope", QS_TXN_V0, in_envelope, version),
    BAD("no signature", QS_TXN_LEGACY, signatures_0, signature_cnt),
};

/* shift opens by bytes at `at`, or closes if negative. */
static void
shift(u32 at, i32 by)
{
    u32 from = by < 0 ? at - (u32)by : at;
    memmove(s.bytes + at + (by > 0 ? (u32)by : 0), s.bytes + from, s.sz - from);
    s.sz = (u32)((i32)s.sz + by);
}

static void
make_bad(struct bad const *c)
{
    cut = extra = patch_at = 0;
    insert_at = insert_sz = drop_at = 0;
    sample_init(&s, c->version);
    c->change();
    if (c->change == no_bytes)
        return;
    if (c->change == prefix_81 ||
        c->change == in_envelope) { /* the builder makes no such envelope */
        s.b.version = QS_TXN_V0;
        sample_write(&s);
        s.bytes[1 + 128] = 0x81;
        return;
    }
    sample_write(&s);
    if (patch_at)
        s.bytes[patch_at - 1] = patch_value;
    if (drop_at)
        shift(drop_at - 1, -1);
    if (insert_sz) {
        shift(insert_at, (i32)insert_sz - 1);
        memcpy(s.bytes + insert_at, insert, insert_sz);
    }
    if (cut == 0xff)
        s.sz = insert_at + insert_sz;
    else
        s.sz -= cut;
    s.sz += extra;
}

Test(txn, each_bad_input_is_refused_for_its_own_reason)
{
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        qs_txn_t txn;
        make_bad(&bad[i]);
        qs_txn_reason_t got = parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1);
        cr_expect(got == bad[i].why, "row %u, %s: %s instead of %s", i, bad[i].line,
                  qs_txn_reason_name(got), qs_txn_reason_name(bad[i].why));
    }
}

Test(txn, every_reason_has_a_row_and_a_name)
{
    for (u32 why = 1; why < QS_TXN_REASON_CNT; why++) {
        bool found = why == QS_TXN_REASON_v1_off || why == QS_TXN_REASON_lookup_cnt; /* below */
        for (u32 i = 0; i < QS_COUNT(bad); i++)
            found |= bad[i].why == why;
        cr_expect(found, "no row for %s", qs_txn_reason_name(why));
        cr_expect(qs_txn_reason_help(why)[0] != 0);
    }
    cr_assert(eq(str, (char *)qs_txn_reason_name(QS_TXN_OK), "ok"));
    cr_assert(eq(str, (char *)qs_txn_reason_name(QS_TXN_REASON_CNT), "?"));
}

Test(txn, version_1_is_refused_while_it_is_off)
{
    qs_txn_t txn;
    sample_init(&s, QS_TXN_V1);
    sample_write(&s);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, 0), QS_TXN_REASON_v1_off));
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
}

Test(txn, more_than_127_lookups_are_refused_before_they_are_read)
{
    qs_txn_t txn;
    sample_init(&s, QS_TXN_V0);
    sample_write(&s);
    u32 at = s.sz - 1 - (32 + 1 + 2 + 1 + 1) - (32 + 1 + 1 + 2);
    cr_assert(eq(u8, s.bytes[at], 2));
    shift(at, 1);
    qs_cu16_encode(s.bytes + at, 128);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, 0), QS_TXN_REASON_lookup_cnt));
    qs_cu16_encode(s.bytes + at, 256);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, 0), QS_TXN_REASON_lookup_cnt));
    shift(at, -1);
    s.bytes[at] = 127;
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, 0), QS_TXN_REASON_truncated));
}

static void
check_sample(u8 version)
{
    qs_txn_t txn;
    u32 lookups = version == QS_TXN_V0 ? 2 : 0;

    sample_init(&s, version);
    sample_write(&s);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
    cr_assert(eq(u8, txn.version, version));
    cr_assert(eq(u32, txn.sz, s.sz));
    cr_assert(eq(u8, txn.signature_cnt, 2));
    cr_assert(eq(u8, txn.readonly_signed_cnt, 1));
    cr_assert(eq(u8, txn.readonly_unsigned_cnt, 2));
    cr_assert(eq(u8, txn.account_cnt, 6));
    cr_assert(eq(u8, txn.instr_cnt, 2));
    cr_assert(eq(u8, txn.lookup_cnt, lookups));
    cr_assert(eq(u8, txn.lookup_writable_cnt, lookups));
    cr_assert(eq(u8, txn.lookup_readonly_cnt, lookups ? 3 : 0));
    cr_assert(eq(u32, txn.flags, 0));
    cr_assert(memcmp(s.bytes + txn.account_off, s.account, 6 * 32) == 0);
    cr_assert(memcmp(s.bytes + txn.blockhash_off, s.account[99], 32) == 0);
    qs_txn_instr_t const *in = qs_txn_instr(&txn, 0);
    cr_assert(eq(u8, in->program, 4));
    cr_assert(eq(u8, in->account_cnt, 3));
    cr_assert(eq(u8, in->data_sz, 40));
    cr_assert(memcmp(s.bytes + in->accounts_off, s.index, 3) == 0);
    cr_assert(memcmp(s.bytes + in->data_off, s.data, 40) == 0);
    for (u32 i = 0; i < lookups; i++) {
        qs_txn_lookup_t const *l = qs_txn_lookup(&txn, i);
        cr_assert(memcmp(s.bytes + l->key_off, s.account[100], 32) == 0);
        cr_assert(eq(u8, l->writable_cnt, i ? 0 : 2));
        cr_assert(eq(u8, l->readonly_cnt, i ? 2 : 1));
    }
    u32 signed_sz = version == QS_TXN_V1 ? s.sz - 128 : s.sz - 129;
    cr_assert(eq(u32, txn.message_off, version == QS_TXN_V1 ? 0 : 129));
    cr_assert(eq(u32, txn.message_sz, signed_sz));
    cr_assert(eq(u32, txn.signature_off, version == QS_TXN_V1 ? signed_sz : 1));
    cr_assert(qs_txn_valid(&txn, qs_txn_desc_sz(&txn), s.sz));
    static bool const writable[11] = {1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0};
    for (u32 i = 0; i < 6 + (lookups ? 5 : 0); i++)
        cr_assert(qs_txn_is_writable(&txn, i) == writable[i], "account %u", i);
}

Test(txn, the_descriptor_says_where_everything_is)
{
    check_sample(QS_TXN_LEGACY);
    check_sample(QS_TXN_V0);
    check_sample(QS_TXN_V1);
}

Test(txn, every_place_to_stop_early_is_truncated)
{
    static u8 const version[] = {QS_TXN_LEGACY, QS_TXN_V0, QS_TXN_V1};
    for (u32 v = 0; v < 3; v++) {
        qs_txn_t txn;
        sample_init(&s, version[v]);
        sample_write(&s);
        for (u32 sz = 1; sz < s.sz; sz++)
            cr_assert(parse(&txn, s.bytes, sz, QS_TXN_ALLOW_V1) == QS_TXN_REASON_truncated,
                      "version %s, %u bytes", qs_txn_version_name(version[v]), sz);
    }
}

Test(txn, inside_an_entry_batch_it_stops_behind_the_last_field)
{
    static u8 const version[] = {QS_TXN_LEGACY, QS_TXN_V0, QS_TXN_V1};
    static u8 batch[32 * 1024];
    u32 sz = 0, at = 0;
    for (u32 v = 0; v < 30; v++) {
        sample_init(&s, version[v % 3]);
        sample_write(&s);
        memcpy(batch + sz, s.bytes, s.sz);
        sz += s.sz;
    }
    for (u32 v = 0; v < 30; v++) {
        qs_txn_t txn;
        cr_assert(eq(int, parse(&txn, batch + at, sz - at, QS_TXN_IN_ENTRY | QS_TXN_ALLOW_V1),
                     QS_TXN_OK));
        cr_assert(eq(u8, txn.version, version[v % 3]));
        at += txn.sz;
    }
    cr_assert(eq(u32, at, sz));
    qs_txn_t txn;
    sample_init(&s, QS_TXN_LEGACY);
    long_data();
    sample_write(&s);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz + 100, QS_TXN_IN_ENTRY), QS_TXN_REASON_oversize));
    cr_assert(eq(int, parse(&txn, s.bytes, 1000, QS_TXN_IN_ENTRY), QS_TXN_REASON_truncated));
    nothing();
}

Test(txn, the_smallest_have_the_published_sizes)
{
    static struct {
        u8 version;
        u32 sz;
    } const least[] = {{QS_TXN_LEGACY, 134}, {QS_TXN_V0, 136}, {QS_TXN_V1, 138}};
    for (u32 i = 0; i < 3; i++) {
        qs_txn_t txn;
        sample_init(&s, least[i].version);
        s.b.signature_cnt = s.b.required_cnt = s.b.account_cnt = 1;
        s.b.readonly_signed_cnt = s.b.readonly_unsigned_cnt = 0;
        s.b.instr_cnt = s.b.lookup_cnt = 0;
        s.b.config_mask = 0;
        sample_write(&s);
        cr_assert(eq(u32, s.sz, least[i].sz));
        cr_assert(eq(int, parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
    }
}

static void
at_the_limits(u8 version)
{
    qs_txn_t txn;
    sample_init(&s, version);
    s.b.signature_cnt = s.b.required_cnt = 12;
    s.b.readonly_signed_cnt = 11;
    s.b.account_cnt = version == QS_TXN_V1 ? 64 : 12;
    s.b.readonly_unsigned_cnt = (u8)(s.b.account_cnt - 12);
    s.b.instr_cnt = version == QS_TXN_V1 ? 64 : 2;
    s.index[2] = 11;
    s.instr[0].account_cnt = version == QS_TXN_V1 ? 255 : 3;
    s.instr[0].data_sz = 8;
    s.b.lookup_cnt = 0;
    s.b.heap_sz = QS_TXN_HEAP_SZ_MAX;
    sample_write(&s);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
    cr_assert(qs_txn_valid(&txn, qs_txn_desc_sz(&txn), s.sz));
}

Test(txn, what_just_fits_is_accepted)
{
    at_the_limits(QS_TXN_LEGACY);
    at_the_limits(QS_TXN_V0);
    at_the_limits(QS_TXN_V1);
    qs_txn_t txn;
    sample_init(&s, QS_TXN_V0); /* 6 static accounts and 58 looked up; 64 instructions */
    s.lookup[0].writable_cnt = 29;
    s.lookup[0].readonly_cnt = 29;
    s.b.lookup_cnt = 1;
    s.b.instr_cnt = 64;
    s.index[2] = 63;
    sample_write(&s);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, 0), QS_TXN_OK));
    sample_init(&s, QS_TXN_LEGACY); /* exactly 1232 bytes */
    sample_write(&s);
    s.instr[1].data_sz = 128;
    s.b.instr_cnt = 3;
    s.instr[2].data_sz = 512;
    sample_write(&s);
    s.instr[0].data_sz = (u16)(40 + QS_TXN_SZ_MAX - s.sz - 1); /* its length takes one byte more */
    sample_write(&s);
    cr_assert(eq(u32, s.sz, QS_TXN_SZ_MAX));
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, 0), QS_TXN_OK));
}

Test(txn, what_was_built_and_parsed_is_built_again_byte_for_byte)
{
    static u8 const version[] = {QS_TXN_LEGACY, QS_TXN_V0, QS_TXN_V1};
    for (u32 v = 0; v < 3; v++) {
        static qs_txn_build_instr_t instr[QS_TXN_INSTR_MAX];
        static qs_txn_build_lookup_t lookup[QS_TXN_ACCOUNT_MAX];
        static u8 again[SAMPLE_MAX];
        qs_txn_build_t b;
        qs_txn_t txn;
        sample_init(&s, version[v]);
        sample_write(&s);
        cr_assert(eq(int, qs_txn_parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
        qs_txn_unbuild(&b, instr, lookup, &txn, s.bytes);
        cr_assert(eq(u32, qs_txn_build(again, sizeof(again), &b), s.sz));
        cr_assert(memcmp(again, s.bytes, s.sz) == 0);
        cr_assert(eq(u32, qs_txn_build(again, s.sz - 1, &b), 0));
    }
}

static void
pair(u8 key[2][32], u8 name)
{
    memset(key[1], name, 32);
    qs_ed25519_public_key(key[0], key[1]);
}

static u32
good_signatures(u8 const *bytes, qs_txn_t const *txn)
{
    u32 good = 0;
    for (u32 i = 0; i < txn->signature_cnt; i++) {
        qs_ed25519_item_t item = {.signature = bytes + txn->signature_off + 64 * i,
                                  .public_key = bytes + txn->account_off + 32 * i,
                                  .msg = bytes + txn->message_off,
                                  .msg_sz = txn->message_sz};
        good += qs_ed25519_verify(&item, QS_ED25519_STRICT) == QS_ED25519_OK;
    }
    return good;
}

Test(txn, memos_with_1_to_12_signers_verify)
{
    u8 public_key[12][32], secret[12][32], bytes[QS_TXN_SZ_MAX];
    for (u32 i = 0; i < 12; i++) {
        u8 key[2][32];
        pair(key, (u8)(i + 1));
        memcpy(public_key[i], key[0], 32);
        memcpy(secret[i], key[1], 32);
    }
    for (u32 cnt = 1; cnt <= 12; cnt++) {
        qs_txn_t txn;
        u32 sz = qs_txn_build_memo(bytes, cnt, (u8 const(*)[32])public_key, (u8 const(*)[32])secret,
                                   secret[0], "memo", 4);
        cr_assert(eq(int, parse(&txn, bytes, sz, 0), QS_TXN_OK));
        cr_assert(eq(u32, good_signatures(bytes, &txn), cnt));
        cr_assert(not(qs_txn_is_simple_vote(&txn)));
    }
    cr_assert(eq(u32,
                 qs_txn_build_memo(bytes, 13, (u8 const(*)[32])public_key, (u8 const(*)[32])secret,
                                   secret[0], "memo", 4),
                 0));
}

Test(txn, only_simple_votes_pass_for_the_vote_port)
{
    u8 identity[2][32], authority[2][32], bytes[QS_TXN_SZ_MAX];
    static u8 const tower_sync[] = {14, 0, 0, 0, 1, 2, 3};
    qs_txn_t txn;
    char text[QS_BASE58_32_MAX];

    qs_base58_encode_32(text, qs_txn_vote_program);
    cr_assert(eq(str, text, "Vote111111111111111111111111111111111111111"));
    pair(identity, 1);
    pair(authority, 2);
    u32 sz = qs_txn_build_vote(bytes, (u8 const(*)[32])identity, NULL, authority[0], authority[1],
                               tower_sync, sizeof(tower_sync));
    cr_assert(eq(int, parse(&txn, bytes, sz, 0), QS_TXN_OK));
    cr_assert(qs_txn_is_simple_vote(&txn));
    cr_assert(eq(u32, good_signatures(bytes, &txn), 1));
    sz = qs_txn_build_vote(bytes, (u8 const(*)[32])identity, (u8 const(*)[32])authority,
                           identity[1], authority[1], tower_sync, sizeof(tower_sync));
    cr_assert(eq(int, parse(&txn, bytes, sz, 0), QS_TXN_OK));
    cr_assert(qs_txn_is_simple_vote(&txn));
    cr_assert(eq(u32, good_signatures(bytes, &txn), 2));
}

/* not_a_vote writes the sample, whose program is the vote program, and says what it is taken for. */
static bool
is_vote(void)
{
    qs_txn_t txn;
    sample_write(&s);
    cr_assert(eq(int, parse(&txn, s.bytes, s.sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
    return qs_txn_is_simple_vote(&txn);
}

static void
like_a_vote(u8 version)
{
    sample_init(&s, version);
    s.b.instr_cnt = 1;
    memcpy(s.account[4], qs_txn_vote_program, 32);
}

Test(txn, what_is_only_like_a_vote_is_none)
{
    like_a_vote(QS_TXN_LEGACY);
    cr_assert(is_vote());
    like_a_vote(QS_TXN_V0);
    cr_assert(not(is_vote()));
    like_a_vote(QS_TXN_V1);
    cr_assert(not(is_vote()));
    like_a_vote(QS_TXN_LEGACY);
    s.b.instr_cnt = 2;
    s.instr[1].program = 4;
    cr_assert(not(is_vote()));
    like_a_vote(QS_TXN_LEGACY);
    s.b.signature_cnt = s.b.required_cnt = 3;
    cr_assert(not(is_vote()));
    like_a_vote(QS_TXN_LEGACY);
    s.account[4][31] ^= 1;
    cr_assert(not(is_vote()));
    like_a_vote(QS_TXN_LEGACY);
    s.b.instr_cnt = 0;
    cr_assert(not(is_vote()));
}

/* Wherever a lying neighbour lets a descriptor point, it is refused or stays inside. */
Test(txn, a_forged_descriptor_leads_nowhere_outside)
{
    qs_txn_t good;
    sample_init(&s, QS_TXN_V0);
    sample_write(&s);
    cr_assert(eq(int, qs_txn_parse(&good, s.bytes, s.sz, 0), QS_TXN_OK));
    u32 sz = qs_txn_desc_sz(&good), refused = 0;
    cr_assert(not(qs_txn_valid(&good, sz - 1, s.sz)));
    cr_assert(not(qs_txn_valid(&good, 31, s.sz)));
    cr_assert(not(qs_txn_valid(&good, sz, s.sz - 1)));
    for (u32 at = 0; at < sz; at++) {
        qs_txn_t forged = good;
        ((u8 *)&forged)[at] = 0xff;
        bool ok = qs_txn_valid(&forged, sz, s.sz);
        refused += !ok;
        if (!ok)
            continue;
        cr_assert(forged.sz <= s.sz && forged.signature_off + 64u * forged.signature_cnt <= s.sz &&
                  (u32)forged.message_off + forged.message_sz <= s.sz &&
                  forged.account_off + 32u * forged.account_cnt <= s.sz);
        for (u32 i = 0; i < forged.instr_cnt; i++) {
            qs_txn_instr_t const *in = qs_txn_instr(&forged, i);
            cr_assert(le(u32, (u32)in->data_off + in->data_sz, s.sz));
        }
    }
    cr_assert(refused > 40);
}

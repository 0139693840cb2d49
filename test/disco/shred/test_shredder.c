/* Goal: a batch becomes sets that any receiver can verify and put together again, and the recorded
   batch becomes the recorded shreds, byte for byte.  Method: every shred made here is parsed, its
   proof followed, its signature verified, its bytes collected; the recorded one is compared. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/shred/shred_maker.h"
#include "waltz/fec/qs_reedsol.h"
#include "waltz/shred_vectors.h"

#define VERSION 777u

static maker_t maker;
static qs_shredder_set_t set;
static u8 batch[4 * QS_SHREDDER_CHAINED_SZ], got[sizeof(batch)];
static u8 const no_root[32];

static void
start(void)
{
    maker_init(&maker, 9, VERSION);
    maker_bytes(batch, sizeof(batch), 5);
    qs_shredder_slot(&maker.shredder, 50, 2, no_root);
}

TestSuite(shredder, .init = start);

/* check_shred verifies one shred of a set and appends its ledger bytes. */
static void
check_shred(u32 leaf, u8 const chained[32], u8 flags31, u64 *at)
{
    qs_shred_filter_t filter = {
        .version = VERSION, .root = QS_SHRED_NO_ROOT, .idx_limit = QS_SHRED_IDX_LIMIT};
    qs_shred_t s;
    qs_merkle_hash_t hash, root;
    u32 sz;
    u8 *shred = maker_shred(&set, leaf, &sz);
    cr_assert(eq(int, qs_shred_parse(&s, shred, sz, &filter), QS_SHRED_R_OK));
    cr_assert(eq(u64, s.slot, 50));
    cr_assert(eq(u32, s.fec_idx, set.fec_idx));
    cr_assert(eq(u32, qs_shred_leaf(&s), leaf));
    cr_assert(eq(int, memcmp(shred + s.layout->chained_off, chained, 32), 0));
    qs_merkle_text_t text = {shred + 64, s.layout->proof_off - 64u};
    qs_merkle_leaves(&hash, &text, 1);
    cr_assert(qs_merkle_root(&root, &hash, leaf, shred + s.layout->proof_off, 6));
    cr_assert(eq(int, memcmp(root.byte, set.root, 32), 0));
    qs_ed25519_item_t item = {shred, maker.identity, set.root, 32};
    cr_assert(eq(int, qs_ed25519_verify(&item, QS_ED25519_STRICT), QS_ED25519_OK));
    if (leaf >= 32)
        return;
    cr_assert(eq(u32, s.parent_off, 2));
    cr_assert(eq(u32, s.flags, leaf == 31 ? flags31 : flags31 & 0x3f));
    memcpy(got + *at, shred + 88, s.size - 88u);
    *at += s.size - 88u;
}

static void
check_parity(void)
{
    static u8 again[32][1228];
    u8 *shard[64];
    qs_shred_layout_t const *l = qs_shred_layout(set.data[0][64]);
    for (u32 i = 0; i < 32; i++) {
        shard[i] = set.data[i] + 64;
        shard[32 + i] = again[i];
    }
    qs_reedsol_encode(shard, l->erasure_sz);
    for (u32 i = 0; i < 32; i++)
        cr_assert(eq(int, memcmp(again[i], set.code[i] + 89, l->erasure_sz), 0));
}

/* check_batch shreds sz bytes and checks all of it; returns the number of sets. */
static u32
check_batch(u64 sz, u32 tick, bool last)
{
    u8 chained[32];
    u64 at = 0;
    memcpy(chained, maker.shredder.state.chained, 32);
    int cnt = qs_shredder_begin(&maker.shredder, batch, sz, tick, last);
    for (int i = 0; i < cnt; i++) {
        cr_assert(eq(int, qs_shredder_next(&maker.shredder, &set), 0));
        bool end = i == cnt - 1;
        u8 flags = (u8)((tick < 63 ? tick : 63) | (end ? last ? 0xc0 : 0x40 : 0));
        cr_assert(eq(u8, set.data[0][64], last && end ? 0xb6 : 0x96));
        for (u32 leaf = 0; leaf < 64; leaf++)
            check_shred(leaf, chained, flags, &at);
        check_parity();
        memcpy(chained, set.root, 32);
    }
    cr_assert(eq(int, qs_shredder_next(&maker.shredder, &set), -ENODATA));
    cr_assert(eq(u64, at, sz));
    cr_assert(eq(int, memcmp(got, batch, sz), 0));
    return (u32)cnt;
}

Test(shredder, every_size_makes_as_many_sets_as_the_rules_say)
{
    static struct {
        u64 sz;
        bool last;
        u32 want;
    } const cases[] = {
        {0, false, 1},
        {1, false, 1},
        {30816, false, 1},
        {30817, false, 2},
        {61632, false, 2},
        {61633, false, 3},
        {0, true, 1},
        {1, true, 1},
        {28768, true, 1},
        {28769, true, 2},
        {28768 + 30816, true, 2},
        {28769 + 30816, true, 3},
        {100000, true, 4},
        {100000, false, 4},
    };
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        qs_shredder_slot(&maker.shredder, 50, 2, no_root);
        cr_expect(eq(u32, check_batch(cases[i].sz, i, cases[i].last), cases[i].want), "%u", i);
    }
}

Test(shredder, batches_of_a_slot_follow_each_other)
{
    cr_expect(eq(u32, check_batch(5000, 1, false), 1));
    cr_expect(eq(u32, set.fec_idx, 0));
    cr_expect(eq(u32, check_batch(40000, 30, false), 2));
    cr_expect(eq(u32, check_batch(100, 64, true), 1));
    cr_expect(eq(u32, set.fec_idx, 96));
}

Test(shredder, a_slot_that_is_full_takes_no_more)
{
    maker.shredder.state.idx = QS_SHRED_IDX_LIMIT - 64;
    cr_expect(eq(int, qs_shredder_begin(&maker.shredder, batch, 3 * 30816, 0, false), -ENOSPC));
    cr_expect(eq(u32, check_batch(2 * 30816, 0, false), 2));
    cr_expect(eq(int, qs_shredder_begin(&maker.shredder, batch, 1, 0, true), -ENOSPC));
}

static int refusals;

static int
sign_at_third_attempt(void *ctx, u8 sig[64], u8 const root[32])
{
    return refusals++ < 2 ? -EAGAIN : maker_sign(ctx, sig, root);
}

Test(shredder, a_set_whose_signature_was_refused_can_be_asked_for_again)
{
    maker.shredder.sign = sign_at_third_attempt;
    u64 at = 0;
    cr_assert(eq(int, qs_shredder_begin(&maker.shredder, batch, 100, 3, true), 1));
    cr_expect(eq(int, qs_shredder_next(&maker.shredder, &set), -EAGAIN));
    cr_expect(eq(int, qs_shredder_next(&maker.shredder, &set), -EAGAIN));
    cr_expect(eq(int, qs_shredder_next(&maker.shredder, &set), 0));
    for (u32 leaf = 0; leaf < 64; leaf++)
        check_shred(leaf, no_root, 0xc3, &at);
}

static int
sign_many_at_second_attempt(void *ctx, u8 (*sig)[64], u8 const (*root)[32], u32 cnt)
{
    return refusals++ < 1 ? -EAGAIN : maker_sign_many(ctx, sig, root, cnt);
}

/* The same batches, set by set and together, the last slot's set resigned. */
Test(shredder, sets_that_are_signed_together_are_the_same)
{
    static u8 bytes[19 * QS_SHREDDER_CHAINED_SZ];
    static qs_shredder_set_t one[20], many[20];
    maker_bytes(bytes, sizeof(bytes), 8);
    for (u32 max = 1; max <= 20; max += 3) {
        maker_init(&maker, 9, VERSION);
        qs_shredder_slot(&maker.shredder, 50, 2, no_root);
        cr_assert(eq(int, qs_shredder_begin(&maker.shredder, bytes, sizeof(bytes), 3, true), 20));
        for (u32 i = 0; i < 20; i++)
            cr_assert(eq(int, qs_shredder_next(&maker.shredder, &one[i]), 0));
        memset(many, 0, sizeof(many));
        qs_shredder_slot(&maker.shredder, 50, 2, no_root);
        cr_assert(eq(int, qs_shredder_begin(&maker.shredder, bytes, sizeof(bytes), 3, true), 20));
        if (max > 1)
            qs_shredder_sign_many(&maker.shredder, sign_many_at_second_attempt);
        refusals = 0;
        for (u32 done = 0; done < 20;) {
            int made = qs_shredder_next_many(&maker.shredder, &many[done], max);
            if (made == -EAGAIN && refusals == 1)
                continue;
            cr_assert(made > 0 && (u32)made <= max && made <= (int)QS_SHREDDER_MANY_MAX);
            done += (u32)made;
        }
        cr_expect(eq(int, qs_shredder_next_many(&maker.shredder, many, max), -ENODATA));
        cr_assert(eq(int, memcmp(one, many, sizeof(one)), 0), "%u at a time", max);
    }
}

Test(shredder, the_recorded_batch_gives_the_recorded_shreds_byte_for_byte)
{
    static vectors_t v;
    u64 sz = 0, key_sz = 0;
    u8 *bytes = vector_file("shred/demo-shreds.bin", &sz);
    u8 *key = vector_file("shred/demo-shreds.key", &key_sz);
    u8 parent[32];
    if (!bytes || !key || !vector_pcap(&v, "shred/demo-shreds.pcap", 0))
        return;
    for (u32 i = 0; i < 32; i++)
        parent[i] = (u8)(i % 16 == 15 ? 0 : i % 16 + 1);
    memcpy(maker.secret, key, 32);
    memcpy(maker.identity, key + 32, 32);
    qs_shredder_init(&maker.shredder, maker_sign, &maker, 6051);
    qs_shredder_slot(&maker.shredder, 0, 0, parent);
    cr_assert(eq(int, qs_shredder_begin(&maker.shredder, bytes, sz, 0, true), 8));
    u32 pkt = 0;
    for (u32 i = 0; i < 8; i++) {
        cr_assert(eq(int, qs_shredder_next(&maker.shredder, &set), 0));
        for (u32 leaf = 0; leaf < 64; leaf++, pkt++) {
            u32 shred_sz;
            u8 *shred = maker_shred(&set, leaf, &shred_sz);
            cr_assert(eq(u32, v.pkt[pkt].sz, shred_sz));
            cr_assert(eq(int, memcmp(v.pkt[pkt].data, shred, shred_sz), 0), "set %u, leaf %u", i,
                      leaf);
        }
    }
    cr_expect(eq(u32, pkt, v.cnt));
}

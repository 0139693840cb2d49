/* Goal: whatever 32 shreds of a set arrive, in whatever order and company, the set comes out once,
   whole and as its leader made it; each bad shred is refused by its reason; and floods of any kind
   leave honest sets whole.  Method: sets made by our own shredder with keys of our own, given whole,
   in part, twice, forged, and contradicted by leaders who sign whatever they like. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/shred/resolver_rig.h"
#include "disco/shred/shred_maker.h"
#include "waltz/fec/qs_reedsol.h"

#define VERSION 777u
#define SET_CNT 3u

static rig_t rig;
static maker_t honest, evil, stranger;
static qs_shredder_set_t set[SET_CNT], other[SET_CNT];
static u8 const no_root[32];
static u64 rng = 1;

/* honest leads slots 0-3, 8-11, ..; evil 4-7, 12-15, .. */
static void
start(void)
{
    maker_init(&honest, 1, VERSION);
    maker_init(&evil, 2, VERSION);
    maker_init(&stranger, 3, VERSION);
    u8 const *const who[] = {honest.identity, evil.identity};
    rig_leaders(&rig, who, 2, 4096);
    rig_init(&rig, VERSION);
    maker_slot(&honest, set, SET_CNT, 1, no_root, 11);
}

TestSuite(resolver, .init = start);
TestSuite(resolver_flood, .init = start);

#define EXPECT(got, name) cr_expect(eq(str, (char *)qs_resolver_reason_name(got), (char *)#name))

static u32
give(qs_shredder_set_t *s, u32 leaf)
{
    u32 sz;
    u8 *shred = maker_shred(s, leaf, &sz);
    return rig_add(&rig, shred, sz);
}

static void
give_mask(qs_shredder_set_t *s, u64 mask)
{
    for (u32 i = 0; i < 64; i++)
        if (mask >> i & 1)
            give(s, i);
}

/* expect_set asserts that a set came out once, equal to what its leader made. */
static rig_set_t *
expect_set(qs_shredder_set_t const *s, u64 slot)
{
    u32 cnt;
    rig_set_t *got = rig_find(&rig, slot, s->fec_idx, &cnt);
    cr_assert(eq(u32, cnt, 1), "slot %lu, set %u", slot, s->fec_idx);
    cr_assert(eq(int, memcmp(got->head.root, s->root, 32), 0));
    for (u32 i = 0; i < 32; i++) {
        u32 same = qs_shred_signed_sz(qs_shred_layout(s->data[i][64]));
        cr_assert(eq(int, memcmp(got->data[i], s->data[i], same), 0), "shred %u", i);
    }
    return got;
}

/* some_32 returns a random half of the 64 shreds. */
static u64
some_32(void)
{
    u64 mask = 0;
    while (__builtin_popcountll(mask) < 32)
        mask |= 1ull << rand_next(&rng) % 64;
    return mask;
}

static u64
count(u32 reason)
{
    return qs_resolver_counts(rig.resolver)->reason[reason];
}

Test(resolver, a_set_comes_out_with_its_32nd_shred_and_not_before)
{
    for (u32 i = 0; i < 31; i++)
        EXPECT(give(&set[0], i), admitted);
    cr_expect(eq(u32, rig.set_cnt, 0));
    EXPECT(give(&set[0], 31), admitted);
    cr_expect(eq(u32, rig.set_cnt, 1));
    expect_set(&set[0], 1);
}

Test(resolver, all_data_all_code_and_random_halves_recover_the_same_set)
{
    u64 masks[24] = {UINT32_MAX, ~(u64)UINT32_MAX};
    for (u32 i = 2; i < 24; i++)
        masks[i] = some_32();
    for (u32 i = 0; i < 24; i++) {
        rig_init(&rig, VERSION);
        for (u32 k = 0; k < SET_CNT; k++) {
            give_mask(&set[k], masks[i]);
            rig_set_t *got = expect_set(&set[k], 1);
            u32 data_cnt = (u32)__builtin_popcountll(masks[i] & UINT32_MAX);
            cr_assert(eq(u32, got->head.data_cnt, data_cnt));
            cr_assert(eq(u32, got->head.code_cnt, 32 - data_cnt));
            cr_assert(eq(u32, got->head.flags & QS_FEC_RECOVERED, data_cnt < 32 ? 32 : 0));
        }
    }
}

Test(resolver, a_set_says_where_it_stands_and_what_it_may_be_trusted_with)
{
    for (u32 i = 0; i < SET_CNT; i++)
        give_mask(&set[i], UINT32_MAX);
    for (u32 i = 0; i < SET_CNT; i++) {
        qs_fec_set_t *h = &expect_set(&set[i], 1)->head;
        u32 want = QS_FEC_SIGNED | QS_FEC_MERKLE;
        want |= i ? QS_FEC_CHAINED : 0;
        want |= i == SET_CNT - 1 ? QS_FEC_LAST_SLOT | QS_FEC_LAST_BATCH : 0;
        cr_expect(eq(u32, h->flags, want), "set %u", i);
        cr_expect(eq(u32, h->version, VERSION));
        cr_expect(eq(u32, h->parent_off, 1));
        cr_expect(eq(int, memcmp(h->chained_root, i ? set[i - 1].root : no_root, 32), 0));
        cr_expect(eq(u64, h->first_ns + 31, h->last_ns));
    }
}

Test(resolver, the_first_set_of_a_slot_is_chained_to_its_parents_last)
{
    maker_slot(&honest, other, 1, 2, set[SET_CNT - 1].root, 5);
    give_mask(&set[SET_CNT - 1], some_32());
    give_mask(&other[0], some_32());
    cr_expect(eq(u32, expect_set(&other[0], 2)->head.flags & QS_FEC_CHAINED, QS_FEC_CHAINED));
    maker_slot(&honest, other, 1, 3, set[SET_CNT - 1].root, 5); /* names the wrong one */
    give_mask(&other[0], some_32());
    cr_expect(eq(u32, expect_set(&other[0], 3)->head.flags & QS_FEC_CHAINED, 0));
}

Test(resolver, one_signature_is_verified_per_set)
{
    for (u32 i = 0; i < 64; i++)
        give(&set[0], i);
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->signature_cnt, 1));
}

Test(resolver, what_comes_after_the_32nd_is_late_and_what_comes_twice_a_duplicate)
{
    for (u32 i = 0; i < 64; i++)
        cr_expect(eq(u32, give(&set[0], i), i < 32 ? QS_RESOLVER_R_ADMITTED : QS_RESOLVER_R_LATE));
    for (u32 i = 0; i < 64; i++)
        EXPECT(give(&set[0], i), duplicate);
    expect_set(&set[0], 1);
}

Test(resolver, a_batch_is_judged_as_if_one_by_one)
{
    qs_resolver_in_t in[64];
    qs_resolver_out_t out[64];
    for (u32 i = 0; i < 64; i++) {
        u32 leaf = i / 2;
        in[i] = (qs_resolver_in_t){.data = maker_shred(&set[i & 1], leaf, &in[i].sz)};
        maker_shred(&set[i & 1], leaf, &in[i].sz);
    }
    in[62] = in[0];
    qs_resolver_add(rig.resolver, in, out, 64);
    rig_pop(&rig);
    for (u32 i = 0; i < 64; i++)
        cr_expect(
            eq(u32, out[i].reason, i == 62 ? QS_RESOLVER_R_DUPLICATE : QS_RESOLVER_R_ADMITTED));
    cr_expect(eq(u32, rig.set_cnt, 1)); /* the other one lacks its last shred */
    expect_set(&set[1], 1);
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->signature_cnt, 2));
}

/* Code comes first in the batch, and yet the set is made of its data: that is the least to recover. */
Test(resolver, code_stands_back_for_data_of_the_same_batch)
{
    qs_resolver_in_t in[64] = {0};
    qs_resolver_out_t out[64];
    for (u32 i = 0; i < 64; i++)
        in[i].data = maker_shred(&set[0], 63 - i, &in[i].sz);
    qs_resolver_add(rig.resolver, in, out, 64);
    rig_pop(&rig);
    cr_expect(eq(u32, expect_set(&set[0], 1)->head.data_cnt, 32));
    for (u32 i = 0; i < 64; i++)
        cr_expect(eq(u32, out[i].reason, i < 32 ? QS_RESOLVER_R_LATE : QS_RESOLVER_R_ADMITTED));
}

/* Data that is forged, twice over, must not keep code waiting for ever. */
Test(resolver, code_does_not_stand_back_for_forged_data)
{
    static u8 forged[64][QS_SHRED_SZ_MAX];
    qs_resolver_in_t in[128] = {0};
    qs_resolver_out_t out[128];
    for (u32 i = 0; i < 128; i++)
        in[i].data = maker_shred(&set[0], 63 - i % 64, &in[i].sz);
    for (u32 i = 0; i < 128; i++) {
        if (i % 64 < 32 || i % 64 >= 60)
            continue; /* of the data only 0 to 3 are honest */
        u8 *copy = forged[i / 64 * 32 + i % 32];
        memcpy(copy, in[i].data, in[i].sz);
        copy[100 + i] ^= 1;
        in[i].data = copy;
    }
    qs_resolver_add(rig.resolver, in, out, 128);
    rig_pop(&rig);
    cr_expect(eq(u32, expect_set(&set[0], 1)->head.data_cnt, 4));
    cr_expect(eq(u64, count(QS_RESOLVER_R_SIGNATURE), 56));
}

/* Its leader's key has a table by the third set; that changes no verdict. */
Test(resolver, a_forged_signature_of_a_leader_who_has_signed_before_is_refused)
{
    maker_slot(&honest, other, SET_CNT, 2, set[SET_CNT - 1].root, 4);
    for (u32 i = 0; i < SET_CNT; i++)
        give_mask(&set[i], some_32());
    qs_resolver_in_t in[SET_CNT] = {0};
    qs_resolver_out_t out[SET_CNT];
    for (u32 i = 0; i < SET_CNT; i++)
        in[i].data = maker_shred(&other[i], 3, &in[i].sz);
    other[1].data[3][40] ^= 1;
    qs_resolver_add(rig.resolver, in, out, SET_CNT);
    EXPECT(out[0].reason, admitted);
    EXPECT(out[1].reason, signature);
    EXPECT(out[2].reason, admitted);
    EXPECT(give(&other[1], 5), admitted);
}

Test(resolver, a_forgery_before_an_honest_shred_in_one_batch_does_not_take_it_along)
{
    qs_resolver_in_t in[64] = {0};
    qs_resolver_out_t out[64];
    static u8 forged[32][QS_SHRED_SZ_MAX];
    for (u32 i = 0; i < 64; i++) {
        in[i].data = maker_shred(&set[0], i / 2, &in[i].sz);
        if (i & 1)
            continue;
        memcpy(forged[i / 2], in[i].data, in[i].sz);
        forged[i / 2][100] ^= 1; /* the honest signature over other bytes */
        in[i].data = forged[i / 2];
    }
    qs_resolver_add(rig.resolver, in, out, 64);
    rig_pop(&rig);
    for (u32 i = 0; i < 64; i++)
        cr_expect(eq(u32, out[i].reason, i & 1 ? QS_RESOLVER_R_ADMITTED : QS_RESOLVER_R_SIGNATURE));
    expect_set(&set[0], 1);
}

Test(resolver, any_changed_byte_is_refused_or_was_behind_the_shred)
{
    give(&set[0], 0);
    u32 sz;
    u8 copy[QS_SHRED_SZ_MAX];
    for (u32 kind = 0; kind < 2; kind++) {
        u8 *shred = maker_shred(&set[0], kind ? 40 : 5, &sz);
        for (u32 at = 0; at < sz; at++) {
            memcpy(copy, shred, sz);
            copy[at] ^= 0x11;
            u32 reason = rig_add(&rig, copy, sz);
            cr_assert(ne(u32, reason, QS_RESOLVER_R_ADMITTED), "byte %u", at);
        }
    }
    give_mask(&set[0], some_32() | 1);
    expect_set(&set[0], 1);
}

Test(resolver, the_parsers_reasons_are_counted)
{
    u32 sz;
    u8 *shred = maker_shred(&set[0], 3, &sz);
    EXPECT(rig_add(&rig, shred, 64), short);
    EXPECT(rig_add(&rig, shred, 1202), short_data);
    shred[64] = 0xa5;
    EXPECT(rig_add(&rig, shred, sz), legacy);
    shred[64] = 0x96;
    shred[77]++;
    EXPECT(rig_add(&rig, shred, sz), version);
    cr_expect(eq(u64, count(QS_SHRED_R_SHORT), 1));
    cr_expect(eq(u64, count(QS_SHRED_R_VERSION), 1));
}

Test(resolver, a_slot_without_a_known_leader_is_refused_or_marked)
{
    maker_slot(&honest, other, 1, 5000, no_root, 5); /* the schedule ends at 4095 */
    EXPECT(give(&other[0], 0), leader_unknown);
    rig.config.mark = true;
    rig_init(&rig, VERSION);
    give_mask(&other[0], some_32());
    cr_expect(eq(u32, expect_set(&other[0], 5000)->head.flags & QS_FEC_SIGNED, 0));
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->signature_cnt, 0));
    give_mask(&set[0], some_32()); /* where the leader is known nothing is waived */
    cr_expect(eq(u32, expect_set(&set[0], 1)->head.flags & QS_FEC_SIGNED, QS_FEC_SIGNED));
    maker_slot(&stranger, other, 1, 2, no_root, 5);
    EXPECT(give(&other[0], 0), signature);
}

Test(resolver, our_own_slots_are_refused)
{
    rig.config.self = honest.identity;
    rig_init(&rig, VERSION);
    EXPECT(give(&set[0], 0), leader_self);
    maker_slot(&evil, other, 1, 4, no_root, 5);
    EXPECT(give(&other[0], 0), admitted);
}

Test(resolver, a_signature_of_somebody_else_is_refused)
{
    maker_slot(&stranger, other, 1, 1, no_root, 5);
    EXPECT(give(&other[0], 0), signature);
    maker_slot(&evil, other, 1, 1, no_root, 5); /* a leader, but not of this slot */
    EXPECT(give(&other[0], 0), signature);
}

Test(resolver, a_second_signature_for_a_root_is_refused_without_being_verified)
{
    give(&set[0], 0);
    set[0].data[1][5] ^= 1;
    EXPECT(give(&set[0], 1), set_signature);
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->signature_cnt, 1));
    set[0].data[1][5] ^= 1;
    EXPECT(give(&set[0], 1), admitted);
}

Test(resolver, the_shred_version_is_learned_from_the_first_good_signature)
{
    rig_init(&rig, 0);
    maker_t elsewhere;
    maker_init(&elsewhere, 3, VERSION + 1);
    maker_slot(&elsewhere, other, 1, 1, no_root, 5);
    EXPECT(give(&other[0], 0), signature);
    cr_expect(eq(u32, qs_resolver_version(rig.resolver), 0));
    EXPECT(give(&set[0], 0), admitted);
    cr_expect(eq(u32, qs_resolver_version(rig.resolver), VERSION));
    EXPECT(give(&other[0], 0), version);
}

Test(resolver, a_root_makes_older_slots_old_and_distant_ones_far)
{
    qs_resolver_root(rig.resolver, 1, 32);
    EXPECT(give(&set[0], 0), slot_old);
    maker_slot(&honest, other, 1, 504, no_root, 5);
    EXPECT(give(&other[0], 0), slot_far);
}

Test(resolver, a_resigned_shred_must_carry_the_signature_that_is_asked_for)
{
    maker_t sender;
    maker_init(&sender, 7, VERSION);
    qs_shredder_set_t *last = &set[SET_CNT - 1];
    qs_resolver_out_t out;
    qs_resolver_in_t in = {.signer = sender.identity};
    in.data = maker_shred(last, 2, &in.sz);
    qs_resolver_add(rig.resolver, &in, &out, 1);
    EXPECT(out.reason, retransmitter);
    maker_sign(&sender, last->data[2] + 1139, last->root);
    qs_resolver_add(rig.resolver, &in, &out, 1);
    EXPECT(out.reason, admitted);
    cr_expect(eq(int, memcmp(out.root, last->root, 32), 0));
    in.data = maker_shred(&set[0], 2, &in.sz); /* not resigned: nothing to verify */
    qs_resolver_add(rig.resolver, &in, &out, 1);
    EXPECT(out.reason, admitted);
    give_mask(last, some_32());
    for (u32 i = 0; i < 64; i++) { /* also of a set that is complete */
        in.data = maker_shred(last, i, &in.sz);
        qs_resolver_add(rig.resolver, &in, &out, 1);
        cr_expect(eq(u32, out.reason,
                     out.reason == QS_RESOLVER_R_DUPLICATE ? QS_RESOLVER_R_DUPLICATE
                                                           : QS_RESOLVER_R_RETRANSMITTER));
    }
    expect_set(last, 1);
}

Test(resolver, another_retransmitters_signature_makes_no_other_shred)
{
    qs_shredder_set_t *last = &set[SET_CNT - 1];
    give(last, 3);
    memset(last->data[3] + 1139, 5, 64);
    EXPECT(give(last, 3), duplicate);
}

/* Leaders who break the rules. */

Test(resolver, two_versions_of_a_set_are_kept_apart_and_reported_with_both_shreds)
{
    maker_slot(&honest, other, SET_CNT, 1, no_root, 12);
    give(&set[0], 4);
    cr_expect(eq(u32, rig.equivocation_cnt, 0));
    give(&other[0], 40);
    cr_assert(eq(u32, rig.equivocation_cnt, 1));
    cr_expect(eq(int, rig.equivocation.kind, QS_EQUIVOCATION_SET));
    cr_expect(eq(u64, rig.equivocation.slot, 1));
    cr_expect(eq(u32, rig.equivocation.sz[0], 1203));
    cr_expect(eq(u32, rig.equivocation.sz[1], 1228));
    cr_expect(eq(int, memcmp(rig.equivocation.shred[0], set[0].data[4], 1203), 0));
    cr_expect(eq(int, memcmp(rig.equivocation.shred[1], other[0].code[8], 1228), 0));
    give_mask(&set[0], some_32() | 1ull << 4);
    give_mask(&other[0], some_32() | 1ull << 40);
    cr_assert(eq(u32, rig.set_cnt, 2));
    for (u32 i = 0; i < 2; i++) {
        qs_shredder_set_t *want = memcmp(rig.set[i].head.root, set[0].root, 32) ? other : set;
        cr_expect(eq(int, memcmp(rig.set[i].head.root, want[0].root, 32), 0));
        cr_expect(eq(int, memcmp(rig.set[i].data, want[0].data, sizeof(want[0].data)), 0));
        cr_expect(eq(u32, rig.set[i].head.flags & QS_FEC_CONFLICT, QS_FEC_CONFLICT));
    }
    give_mask(&set[1], some_32());
    /* the slot's other sets, too */
    cr_expect(eq(u32, expect_set(&set[1], 1)->head.flags & QS_FEC_CONFLICT, QS_FEC_CONFLICT));
    cr_expect(eq(u32, rig.equivocation_cnt, 1));
}

Test(resolver, a_third_version_is_refused_before_its_signature_is_verified)
{
    give(&set[0], 4);
    for (u32 i = 0; i < 5; i++) {
        maker_slot(&honest, other, 1, 1, no_root, 100 + i);
        u32 reason = give(&other[0], 4);
        cr_expect(eq(u32, reason, i ? QS_RESOLVER_R_SET_VERSIONS : QS_RESOLVER_R_ADMITTED));
    }
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->signature_cnt, 2));
    give_mask(&set[0], some_32());
    expect_set(&set[0], 1);
}

Test(resolver, a_shred_behind_the_slots_last_is_refused_and_reported)
{
    maker_slot(&honest, other, 2, 1, no_root, 12);
    give(&other[1], 31); /* the last of a slot of two sets */
    EXPECT(give(&set[2], 7), after_last);
    cr_assert(eq(u32, rig.equivocation_cnt, 1));
    cr_expect(eq(int, rig.equivocation.kind, QS_EQUIVOCATION_LAST));
    cr_expect(eq(int, memcmp(rig.equivocation.shred[0], other[1].data[31], 1203), 0));
    cr_expect(eq(int, memcmp(rig.equivocation.shred[1], set[2].data[7], 1203), 0));
    EXPECT(give(&set[2], 8), after_last); /* and reported once */
    cr_expect(eq(u32, rig.equivocation_cnt, 1));
}

Test(resolver, a_last_shred_before_a_known_one_is_refused_and_reported)
{
    maker_slot(&honest, other, 2, 1, no_root, 12);
    give(&set[2], 7);
    EXPECT(give(&other[1], 31), last_before);
    cr_assert(eq(u32, rig.equivocation_cnt, 1));
    cr_expect(eq(int, memcmp(rig.equivocation.shred[0], set[2].data[7], 1203), 0));
    cr_expect(eq(int, memcmp(rig.equivocation.shred[1], other[1].data[31], 1203), 0));
}

Test(resolver, a_last_shred_that_was_recovered_counts_too)
{
    maker_slot(&honest, other, 2, 1, no_root, 12);
    give_mask(&other[1], ~(u64)UINT32_MAX); /* code alone */
    expect_set(&other[1], 1);
    EXPECT(give(&set[2], 7), after_last);
    cr_expect(eq(u32, rig.equivocation_cnt, 1));
}

/* expect_flaw gives half of a set that its leader signed and that is none. */
static void
expect_flaw(qs_shredder_set_t *s, u64 mask, u32 reason)
{
    u32 cnt;
    rig.set_cnt = 0;
    give_mask(s, mask);
    rig_set_t *got = rig_find(&rig, 1, s->fec_idx, &cnt);
    cr_assert(eq(u32, cnt, 1), "%s", qs_resolver_reason_name(reason));
    cr_expect(eq(u32, got->head.flags & QS_FEC_FLAWED, QS_FEC_FLAWED));
    cr_expect(eq(u32, got->head.flags & QS_FEC_MERKLE, 0));
    cr_expect(eq(u64, count(reason), 1), "%s", qs_resolver_reason_name(reason));
    rig_init(&rig, VERSION);
}

Test(resolver, code_that_does_not_belong_to_the_data_is_found_whichever_half_arrives)
{
    set[0].code[9][300] ^= 1;
    maker_reseal(&honest, &set[0]);
    expect_flaw(&set[0], UINT32_MAX, QS_RESOLVER_R_FLAW_ROOT);
    expect_flaw(&set[0], ~(u64)UINT32_MAX, QS_RESOLVER_R_FLAW_ROOT);
    for (u32 i = 0; i < 8; i++)
        expect_flaw(&set[0], some_32(), QS_RESOLVER_R_FLAW_ROOT);
}

/* break_data changes a byte of a data shred's headers and makes code, tree and signature fit. */
static void
break_data(u32 leaf, u32 at, u8 to)
{
    u8 *shard[64];
    set[0].data[leaf][at] = to;
    for (u32 i = 0; i < 32; i++) {
        shard[i] = set[0].data[i] + 64;
        shard[32 + i] = set[0].code[i] + 89;
    }
    qs_reedsol_encode(shard, 987);
    maker_reseal(&honest, &set[0]);
}

Test(resolver, a_recovered_shred_that_is_not_valid_makes_its_set_flawed)
{
    static struct {
        u32 at;
        u8 to;
    } const faults[] = {
        {64, 0xb6}, {64, 0xa5}, {64, 0x66}, {65, 9},    {73, 8},    {77, 1},
        {79, 32},   {85, 0x80}, {85, 0x47}, {85, 0xc0}, {86, 0x20}, {87, 0xff},
    };
    for (u32 i = 0; i < QS_COUNT(faults); i++) {
        maker_slot(&honest, set, SET_CNT, 1, no_root, 11);
        break_data(5, faults[i].at, faults[i].to);
        expect_flaw(&set[0], ~(u64)UINT32_MAX, QS_RESOLVER_R_FLAW_SHRED);
        cr_expect(eq(u32, set[0].data[5][faults[i].at], faults[i].to), "%u", i);
    }
}

Test(resolver, a_set_whose_shreds_name_different_parents_is_flawed)
{
    maker_slot(&honest, set, SET_CNT, 3, no_root, 11); /* 3, so that both parents exist */
    break_data(5, 83, 2);
    give(&set[0], 3);
    EXPECT(give(&set[0], 5), set_parent);
    cr_assert(eq(u32, rig.set_cnt, 1));
    cr_expect(eq(u32, rig.set[0].head.flags & QS_FEC_FLAWED, QS_FEC_FLAWED));
    cr_expect(eq(u64, count(QS_RESOLVER_R_FLAW_MEMBER), 1));
    rig_init(&rig, VERSION);
    give_mask(&set[0], UINT32_MAX << 6 | 0x3full << 32); /* it is recovered */
    cr_assert(eq(u32, rig.set_cnt, 1));
    cr_expect(eq(u32, rig.set[0].head.flags & QS_FEC_FLAWED, QS_FEC_FLAWED));
    cr_expect(eq(u64, count(QS_RESOLVER_R_SET_PARENT), 1));
}

Test(resolver, members_that_do_not_fit_their_signed_tree_are_refused_and_flaw_it)
{
    set[0].data[5][1051 + 3] ^= 1; /* the previous set's root */
    maker_reseal(&honest, &set[0]);
    EXPECT(give(&set[0], 3), admitted);
    EXPECT(give(&set[0], 5), set_member);
    cr_assert(eq(u32, rig.set_cnt, 1));
    cr_expect(eq(u32, rig.set[0].head.flags & QS_FEC_FLAWED, QS_FEC_FLAWED));
    EXPECT(give(&set[0], 6), late);
    cr_expect(eq(u32, rig.set_cnt, 1)); /* published once */

    static struct {
        u32 at;
        u8 to;
    } const elsewhere[] = {{65, 2}, {79, 32}}; /* another slot, another set */
    for (u32 i = 0; i < 2; i++) {
        maker_slot(&honest, set, SET_CNT, 1, no_root, 11);
        set[0].data[5][elsewhere[i].at] = elsewhere[i].to;
        if (i)
            set[0].data[5][73] += 32;
        maker_reseal(&honest, &set[0]);
        rig_init(&rig, VERSION);
        EXPECT(give(&set[0], 3), admitted);
        EXPECT(give(&set[0], 5), set_member);
        cr_assert(eq(u32, rig.set_cnt, 1));
        cr_expect(eq(u32, rig.set[0].head.flags & QS_FEC_FLAWED, QS_FEC_FLAWED));
    }
}

Test(resolver, members_of_the_other_family_are_refused_and_flaw_the_set)
{
    static u8 was[1203];
    qs_shredder_set_t *last = &set[SET_CNT - 1];
    memcpy(was, last->data[5], sizeof(was));
    last->data[5][64] = 0x96; /* chained among resigned ones */
    memcpy(last->data[5] + 1051, was + 987, 32);
    maker_reseal_odd(&honest, last, 5);
    EXPECT(give(last, 3), admitted);
    EXPECT(give(last, 5), set_member);
    cr_expect(eq(u64, count(QS_RESOLVER_R_FLAW_MEMBER), 1));
}

Test(resolver, short_shreds_before_full_ones_are_flawed_if_the_strict_rule_is_on)
{
    static u8 bytes[40000];
    for (u32 strict = 0; strict < 2; strict++) {
        rig.config.strict = strict;
        rig_init(&rig, VERSION);
        qs_shredder_slot(&honest.shredder, 1, 1, no_root);
        cr_assert(eq(int, qs_shredder_begin(&honest.shredder, bytes, sizeof(bytes), 1, true), 2));
        for (u32 i = 0; i < 2;
             i++) { /* the first is not full and ends no batch, as in the capture */
            cr_assert(eq(int, qs_shredder_next(&honest.shredder, &other[0]), 0));
            give_mask(&other[0], some_32());
            cr_assert(eq(u32, rig.set_cnt, i + 1));
            cr_expect(
                eq(u32, rig.set[i].head.flags & QS_FEC_FLAWED, strict && !i ? QS_FEC_FLAWED : 0));
        }
        cr_expect(eq(u64, count(QS_RESOLVER_R_FLAW_STRICT), strict));
        qs_shredder_slot(&honest.shredder, 2, 1, no_root);
        cr_assert(eq(int, qs_shredder_begin(&honest.shredder, bytes, 3000, 1, false), 1));
        cr_assert(eq(int, qs_shredder_next(&honest.shredder, &other[0]), 0));
        give_mask(&other[0], some_32()); /* short, but it ends its batch */
        cr_expect(eq(u32, rig.set[2].head.flags & QS_FEC_FLAWED, 0));
    }
}

/* Room. */

static void
small_pools(u32 set_cnt, u32 buf_cnt, u32 slot_cnt)
{
    rig.config.set_cnt = set_cnt;
    rig.config.buf_cnt = buf_cnt;
    rig.config.slot_cnt = slot_cnt;
    rig_init(&rig, VERSION);
}

Test(resolver, footprint_refuses_what_has_no_bound)
{
    qs_resolver_config_t c = {.set_cnt = 1, .buf_cnt = 1, .slot_cnt = 1};
    cr_expect(ne(u64, qs_resolver_footprint(&c), 0));
    c.set_cnt = 0;
    cr_expect(eq(u64, qs_resolver_footprint(&c), 0));
    c.set_cnt = 1, c.buf_cnt = QS_RESOLVER_BUF_MAX + 1;
    cr_expect(eq(u64, qs_resolver_footprint(&c), 0));
    c.buf_cnt = 1, c.slot_cnt = 0;
    cr_expect(eq(u64, qs_resolver_footprint(&c), 0));
}

Test(resolver, a_set_whose_record_is_gone_is_not_published_again)
{
    small_pools(8, 8, 8);
    give_mask(&set[0], UINT32_MAX);
    for (u64 slot = 8; slot < 60; slot += 8) { /* the honest leader's own, many more */
        maker_slot(&honest, other, SET_CNT, slot, no_root, slot);
        for (u32 i = 0; i < SET_CNT; i++)
            give_mask(&other[i], some_32());
    }
    u32 before = rig.set_cnt;
    cr_expect(eq(u32, before, 1 + 7 * SET_CNT));
    for (u32 i = 0; i < 64; i++)
        EXPECT(give(&set[0], i), done_long_ago);
    cr_expect(eq(u32, rig.set_cnt, before));
}

Test(resolver, a_complete_set_whose_shreds_are_gone_still_knows_its_own)
{
    small_pools(64, 2, 8);
    give_mask(&set[0], UINT32_MAX);
    give_mask(&set[1], UINT32_MAX);
    give_mask(&set[2], UINT32_MAX);
    EXPECT(give(&set[0], 40), late);
    EXPECT(give(&set[0], 40), duplicate);
    EXPECT(give(&set[0], 4), duplicate);
    set[0].code[9][300] ^= 1;
    EXPECT(give(&set[0], 41), signature);
}

Test(resolver, sets_that_are_not_popped_keep_their_room_and_others_wait)
{
    small_pools(64, 2, 8);
    qs_resolver_in_t in[64] = {0};
    qs_resolver_out_t out[64];
    for (u32 i = 0; i < 64; i++)
        in[i].data = maker_shred(&set[i / 32], i % 32, &in[i].sz);
    qs_resolver_add(rig.resolver, in, out, 64);
    in[0].data = maker_shred(&set[2], 0, &in[0].sz);
    qs_resolver_add(rig.resolver, in, out, 1);
    EXPECT(out[0].reason, busy);
    rig_pop(&rig);
    expect_set(&set[0], 1);
    expect_set(&set[1], 1);
    qs_resolver_add(rig.resolver, in, out, 1);
    EXPECT(out[0].reason, admitted);
}

Test(resolver, more_sets_in_one_batch_than_bufs_do_no_harm)
{
    static qs_shredder_set_t many[40];
    small_pools(16, 4, 4);
    maker_slot(&honest, many, 40, 2, no_root, 8);
    for (u32 round = 0; round < 64; round++) {
        qs_resolver_in_t in[64] = {0};
        qs_resolver_out_t out[64];
        for (u32 i = 0; i < 40; i++)
            in[i].data = maker_shred(&many[i], round, &in[i].sz);
        qs_resolver_add(rig.resolver, in, out, 40);
        rig_pop(&rig);
    }
    give_mask(&many[39], some_32());
    expect_set(&many[39], 2);
}

/* Floods.  Honest shreds come between, in pools that the flood alone would fill many times. */

static u32 honest_given;

static void
give_honest(u32 flood_idx)
{
    if (flood_idx % 7 == 0 && honest_given < 64 * SET_CNT)
        if (honest_given % 64 % 2) /* half of them */
            give(&set[honest_given / 64], honest_given % 64);
    honest_given += flood_idx % 7 == 0;
}

static void
expect_honest_whole(void)
{
    cr_assert(honest_given > 64 * SET_CNT - 1);
    for (u32 i = 0; i < SET_CNT; i++)
        expect_set(&set[i], 1);
}

Test(resolver_flood, random_shreds)
{
    small_pools(8, 4, 4);
    for (u32 i = 0; i < 2000; i++) {
        u8 junk[QS_SHRED_SZ_MAX];
        for (u32 k = 0; k + 8 <= sizeof(junk); k += 8)
            qs_store_le64(junk + k, rand_next(&rng));
        qs_shred_t s = {.slot = i % 5 ? 1 : rand_next(&rng) % 4096, .version = VERSION};
        s.layout = qs_shred_layout(qs_shred_variant(i & 1, i & 2));
        s.fec_idx = 32 * (u32)(rand_next(&rng) % 3);
        s.pos = (u16)(rand_next(&rng) % 32);
        s.idx = s.fec_idx + s.pos;
        s.data_cnt = s.code_cnt = 32;
        s.parent_off = 1, s.size = 100;
        qs_shred_encode(junk, &s);
        rig_add(&rig, junk, s.layout->sz);
        give_honest(i);
    }
    expect_honest_whole();
    cr_expect(count(QS_RESOLVER_R_SIGNATURE) > 1900);
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->set_evicted, 0));
}

Test(resolver_flood, far_slots_well_signed)
{
    small_pools(16, 8, 8);
    for (u32 i = 0; i < 1500; i++) {
        u64 slot = 4 + 8 * (i % 500); /* the evil leader's, thousands of slots ahead */
        if (i % 3 == 0)
            maker_slot(&evil, other, SET_CNT, slot, no_root, i);
        give(&other[i % 3], i % 64);
        give_honest(i);
    }
    expect_honest_whole();
    cr_expect(qs_resolver_counts(rig.resolver)->set_evicted > 100);
}

Test(resolver_flood, one_sets_endless_versions)
{
    small_pools(16, 8, 8);
    for (u32 i = 0; i < 1500; i++) {
        maker_slot(&honest, other, 1, 1, no_root, 1000 + i); /* the honest slot's own leader */
        give(&other[0], i % 64);
        if (!i)
            give(&set[0], 1); /* the second that was seen is kept as well as the first */
        give_honest(i);
    }
    expect_honest_whole();
    cr_expect(count(QS_RESOLVER_R_SET_VERSIONS) > 1400);
    cr_expect(qs_resolver_counts(rig.resolver)->signature_cnt < 8);
}

Test(resolver_flood, forgeries_that_carry_an_honest_signature)
{
    small_pools(16, 8, 8);
    for (u32 i = 0; i < 1500; i++) {
        u8 forged[QS_SHRED_SZ_MAX];
        u32 sz;
        u8 *shred = maker_shred(&set[i % SET_CNT], i % 64, &sz);
        memcpy(forged, shred, sz);
        forged[90 + rand_next(&rng) % 900] ^= 1;
        rig_add(&rig, forged, sz);
        give_honest(i);
    }
    expect_honest_whole();
}

Test(resolver_flood, many_slots_of_many_sets_by_several_leaders_who_collude)
{
    static maker_t gang[6];
    u8 const *who[7] = {honest.identity};
    for (u32 i = 0; i < 6; i++) {
        maker_init(&gang[i], (u8)(20 + i), VERSION);
        who[i + 1] = gang[i].identity;
    }
    rig_leaders(&rig, who, 7, 4096);
    small_pools(64, 32, 32);
    for (u32 i = 0; i < 1500; i++) {
        u64 slot = 28 * (1 + i % 100) + 4 * (1 + i % 6);
        maker_slot(&gang[i % 6], other, 1, slot, no_root, i);
        give(&other[0], i % 64);
        give_honest(i);
    }
    expect_honest_whole();
    cr_expect(qs_resolver_counts(rig.resolver)->set_evicted > 100);
}

Test(resolver, every_reason_has_a_name_of_its_own)
{
    for (u32 i = 0; i < QS_RESOLVER_REASON_CNT; i++)
        for (u32 k = 0; k < i; k++)
            cr_assert(ne(int, strcmp(qs_resolver_reason_name(i), qs_resolver_reason_name(k)), 0));
    cr_assert(eq(str, (char *)qs_resolver_reason_name(QS_RESOLVER_REASON_CNT), "?"));
}

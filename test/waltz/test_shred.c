/* Goal: every valid shred is read, every bad one is refused for the reason that the rules name first,
   and what is written is read back.  Method: one good data and one good code shred; each rule of
   spec shred.md 13 that one shred can break alone is broken alone; recorded shreds of a live
   cluster, of a real leader, and of clusters too old to be valid. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/rand.h"
#include "waltz/codec/qs_shred.h"
#include "waltz/shred_vectors.h"

#define VERSION 6051u
#define ROOT    1000u

static u8 data[QS_SHRED_SZ_MAX];
static qs_shred_filter_t filter = {
    .version = VERSION, .root = QS_SHRED_NO_ROOT, .idx_limit = QS_SHRED_IDX_LIMIT};

static qs_shred_t
good(bool code)
{
    qs_shred_t s = {.slot = 2000, .fec_idx = 64, .idx = 64 + 7, .version = VERSION};
    s.layout = qs_shred_layout(qs_shred_variant(code, false));
    if (code)
        s.data_cnt = s.code_cnt = 32, s.pos = 7;
    else
        s.parent_off = 1, s.flags = 5, s.size = 200;
    return s;
}

/* judge encodes *s, without the checks of a sender, and parses what comes out. */
static qs_shred_reason_t
judge(qs_shred_t const *s)
{
    qs_shred_t got;
    qs_shred_encode(data, s);
    return qs_shred_parse(&got, data, s->layout->sz, &filter);
}

#define EXPECT(s, reason)                                                                          \
    cr_expect(eq(str, (char *)qs_shred_reason_name(judge(&(s))), (char *)#reason))

static void
know_a_root(void)
{
    qs_shred_filter_root(&filter, ROOT, 8192);
}

Test(shred, what_is_encoded_is_parsed_back)
{
    for (u32 i = 0; i < 4; i++) {
        qs_shred_t s = good(i & 1), got;
        s.layout = qs_shred_layout(qs_shred_variant(i & 1, i & 2));
        qs_shred_encode(data, &s);
        cr_assert(eq(int, qs_shred_parse(&got, data, s.layout->sz, &filter), QS_SHRED_R_OK));
        u8 again[QS_SHRED_SZ_MAX];
        qs_shred_encode(again, &got);
        cr_assert(eq(int, memcmp(again + 64, data + 64, s.layout->hdr_sz - 64u), 0));
        cr_assert(eq(u64, got.slot, 2000));
        cr_assert(eq(u32, got.idx, 71));
        cr_assert(eq(u32, qs_shred_leaf(&got), i & 1 ? 39 : 7));
    }
}

Test(shred, bytes_behind_a_shred_are_not_looked_at)
{
    u8 longer[1232];
    qs_shred_t s = good(false), got;
    memset(longer, 0xff, sizeof(longer));
    qs_shred_encode(longer, &s);
    cr_assert(eq(int, qs_shred_parse(&got, longer, 1207, &filter), QS_SHRED_R_OK));
    cr_assert(eq(int, qs_shred_parse(&got, longer, 1232, &filter), QS_SHRED_R_OK));
}

Test(shred, offsets_are_those_of_the_specification)
{
    static u16 const want[4][7] = {/* variant, capacity, shard, its size, root, proof, resigned */
                                   {0x96, 963, 64, 987, 1051, 1083, 0},
                                   {0x66, 987, 89, 987, 1076, 1108, 0},
                                   {0xb6, 899, 64, 923, 987, 1019, 1139},
                                   {0x76, 923, 89, 923, 1012, 1044, 1164}};
    for (u32 i = 0; i < 4; i++) {
        qs_shred_layout_t const *l = qs_shred_layout((u8)want[i][0]);
        u16 got[7] = {l->variant,     l->capacity,  l->erasure_off, l->erasure_sz,
                      l->chained_off, l->proof_off, l->resign_off};
        cr_expect(eq(int, memcmp(got, want[i], sizeof(got)), 0), "%x", want[i][0]);
    }
}

Test(shred, four_variant_bytes_are_valid_and_252_are_not)
{
    u32 cnt[QS_SHRED_REASON_CNT] = {0};
    for (u32 v = 0; v < 256; v++) {
        qs_shred_t s = good((v & 0xc0) == 0x40), got;
        qs_shred_encode(data, &s);
        data[64] = (u8)v;
        cnt[qs_shred_parse(&got, data, sizeof(data), &filter)]++;
    }
    cr_expect(eq(u32, cnt[QS_SHRED_R_OK], 4));
    cr_expect(eq(u32, cnt[QS_SHRED_R_LEGACY], 2));
    cr_expect(eq(u32, cnt[QS_SHRED_R_UNCHAINED], 32));
    cr_expect(eq(u32, cnt[QS_SHRED_R_PROOF_CNT], 60));
    cr_expect(eq(u32, cnt[QS_SHRED_R_VARIANT], 158));
}

Test(shred, a_datagram_without_a_variant_byte_is_short)
{
    qs_shred_t got;
    for (u64 sz = 0; sz <= 64; sz++)
        cr_assert(eq(int, qs_shred_parse(&got, data, sz, &filter), QS_SHRED_R_SHORT));
}

Test(shred, a_shred_cut_anywhere_is_short)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code), got;
        qs_shred_encode(data, &s);
        for (u64 sz = 65; sz < s.layout->sz; sz++) {
            u8 *exact = malloc(sz); /* a read behind it shows under ASan */
            memcpy(exact, data, sz);
            qs_shred_reason_t want = code ? QS_SHRED_R_SHORT_CODE : QS_SHRED_R_SHORT_DATA;
            cr_assert(eq(int, qs_shred_parse(&got, exact, sz, &filter), want));
            free(exact);
        }
    }
}

Test(shred, a_cut_shred_of_an_invalid_variant_is_read_no_further_than_it_goes)
{
    for (u64 sz = 65; sz < 90; sz++) {
        qs_shred_t got;
        u8 *exact = calloc(1, sz);
        exact[64] = 0xa5;
        qs_shred_reason_t reason = qs_shred_parse(&got, exact, sz, &filter);
        cr_expect(eq(int, reason, sz < 79 ? QS_SHRED_R_LEGACY : QS_SHRED_R_VERSION));
        free(exact);
    }
}

Test(shred, another_shred_version_is_refused_before_its_variant_is_judged)
{
    qs_shred_t s = good(false);
    s.version++;
    EXPECT(s, version);
    data[64] = 0x86;
    cr_expect(eq(int, qs_shred_parse(&s, data, sizeof(data), &filter), QS_SHRED_R_VERSION));
    filter.version = 0; /* not known yet */
    s = good(false);
    s.version = 1;
    EXPECT(s, ok);
}

Test(shred, a_slot_is_too_far_beyond_half_an_epoch_and_at_least_500)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code);
        qs_shred_filter_root(&filter, ROOT, 8192);
        s.slot = ROOT + 4096;
        EXPECT(s, ok);
        s.slot++;
        EXPECT(s, slot_far);
        qs_shred_filter_root(&filter, ROOT, 32);
        s.slot = ROOT + 500;
        EXPECT(s, ok);
        s.slot++;
        EXPECT(s, slot_far);
        qs_shred_filter_root(&filter, UINT64_MAX - 5, 8192); /* no wrap */
        s.slot = UINT64_MAX - 1;
        EXPECT(s, ok);
    }
}

Test(shred, a_rooted_slot_is_old, .init = know_a_root)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code);
        s.slot = ROOT;
        EXPECT(s, slot_old);
        s.slot = 0;
        EXPECT(s, slot_old);
        s.slot = ROOT + 1;
        EXPECT(s, ok);
    }
}

Test(shred, until_a_root_is_known_no_slot_is_old_or_far)
{
    qs_shred_t s = good(true);
    s.slot = 0;
    EXPECT(s, ok);
    s.slot = UINT64_MAX;
    EXPECT(s, ok);
    s = good(false);
    s.slot = s.parent_off = 0;
    EXPECT(s, ok);
}

Test(shred, a_parent_before_the_root_is_old, .init = know_a_root)
{
    qs_shred_t s = good(false);
    s.slot = ROOT + 10;
    s.parent_off = 10;
    EXPECT(s, ok);
    s.parent_off = 11;
    EXPECT(s, parent_old);
}

Test(shred, a_parent_before_slot_0_is_refused)
{
    qs_shred_t s = good(false);
    s.parent_off = 2001;
    EXPECT(s, parent_underflow);
}

Test(shred, only_slot_0_is_its_own_parent_and_it_is)
{
    qs_shred_t s = good(false);
    s.parent_off = 0;
    EXPECT(s, parent_self);
    s.slot = 0;
    EXPECT(s, ok);
    s.parent_off = 1;
    EXPECT(s, parent_self);
}

Test(shred, slot_0_is_parent_of_slot_1_alone)
{
    qs_shred_t s = good(false);
    s.parent_off = 2000;
    EXPECT(s, parent_genesis);
    s.slot = s.parent_off = 1;
    EXPECT(s, ok);
}

Test(shred, an_index_beyond_the_largest_block_is_refused)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code);
        s.idx = 32767, s.fec_idx = 32736, s.pos = 31;
        s.pos = code ? 31 : 0;
        EXPECT(s, ok);
        s.idx = 32768;
        EXPECT(s, idx_limit);
        s.idx = UINT32_MAX;
        EXPECT(s, idx_limit);
        filter.idx_limit = 16384;
        s.idx = 16384;
        EXPECT(s, idx_limit);
        filter.idx_limit = QS_SHRED_IDX_LIMIT;
    }
}

Test(shred, a_set_begins_at_a_multiple_of_32)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code);
        s.fec_idx = 65;
        EXPECT(s, fec_align);
    }
}

Test(shred, an_index_outside_its_set_is_refused)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code);
        s.idx = 63;
        EXPECT(s, fec_range);
        s.idx = 96;
        EXPECT(s, fec_range);
        s.idx = 5, s.fec_idx = 32736; /* 5 - 32736 wraps */
        EXPECT(s, fec_range);
    }
}

Test(shred, a_set_beyond_the_largest_block_is_refused)
{
    for (u32 code = 0; code < 2; code++) {
        qs_shred_t s = good(code);
        s.fec_idx = 32768;
        EXPECT(s, fec_limit);
        s.fec_idx = 0xffffffe0u; /* fec_idx + 32 wraps */
        EXPECT(s, fec_limit);
    }
}

Test(shred, a_set_is_32_and_32)
{
    static u16 const bad[][2] = {{31, 32}, {32, 31}, {33, 32}, {0, 0}, {64, 64}, {0xffff, 32}};
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        qs_shred_t s = good(true);
        s.data_cnt = bad[i][0], s.code_cnt = bad[i][1];
        EXPECT(s, set_cnt);
    }
}

Test(shred, a_position_is_the_index_in_the_set)
{
    static u16 const bad[] = {32, 6, 8, 0, 72, 0xffff}; /* beyond 31, beyond the index, another */
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        qs_shred_t s = good(true);
        s.pos = bad[i];
        EXPECT(s, position);
    }
}

Test(shred, a_slot_that_ends_without_a_batch_that_ends_is_refused)
{
    qs_shred_t s = good(false);
    s.idx = 95;
    s.flags = 0x85;
    EXPECT(s, flags);
    s.flags = 0xc5;
    EXPECT(s, ok);
}

Test(shred, a_batch_ends_only_with_a_set)
{
    qs_shred_t s = good(false);
    s.flags = 0x45;
    EXPECT(s, data_complete);
    s.idx = 95;
    EXPECT(s, ok);
}

Test(shred, a_slot_ends_only_with_a_set)
{
    qs_shred_t s = good(false);
    s.flags = 0xc0;
    EXPECT(s, data_complete); /* ends the batch too, and that rule comes first */
    s.fec_idx = 1, s.idx = 32;
    EXPECT(s, last_in_slot);
}

Test(shred, a_size_covers_the_headers_and_fits)
{
    for (u32 resigned = 0; resigned < 2; resigned++) {
        u16 max = resigned ? 987 : 1051;
        u16 const size[] = {88, max, 87, 0, (u16)(max + 1), 0xffff};
        for (u32 i = 0; i < QS_COUNT(size); i++) {
            qs_shred_t s = good(false);
            s.layout = qs_shred_layout(qs_shred_variant(false, resigned));
            s.size = size[i];
            if (i < 2)
                EXPECT(s, ok);
            else
                EXPECT(s, size);
        }
    }
}

Test(shred, every_reason_has_a_name_and_a_text_of_its_own)
{
    for (u32 i = 0; i < QS_SHRED_REASON_CNT; i++) {
        for (u32 k = 0; k < i; k++) {
            cr_assert(ne(int, strcmp(qs_shred_reason_name(i), qs_shred_reason_name(k)), 0));
            cr_assert(ne(int, strcmp(qs_shred_reason_text(i), qs_shred_reason_text(k)), 0));
        }
    }
    cr_assert(eq(str, (char *)qs_shred_reason_name(QS_SHRED_REASON_CNT), "?"));
}

/* Bytes at random, most with a valid variant and version: never a crash, and what is taken is
   written back the same. */
Test(shred, noise_is_refused_or_comes_back)
{
    u64 rng = 1;
    u32 taken = 0;
    for (u32 i = 0; i < 200000; i++) {
        u8 raw[QS_SHRED_SZ_MAX], again[QS_SHRED_SZ_MAX];
        for (u32 k = 64; k < 96; k += 8) {
            u64 x = rand_next(&rng);
            memcpy(raw + k, &x, 8);
        }
        raw[64] = qs_shred_variant(i & 1, i & 2);
        raw[79] &= 0xe0, raw[80] &= 0x7f, raw[81] = raw[82] = 0;
        raw[73] = (u8)(raw[79] + (raw[73] & 31)), raw[74] = raw[80], raw[75] = raw[76] = 0;
        qs_store_le16(raw + 77, VERSION);
        memcpy(again, raw, sizeof(raw));
        qs_shred_t s;
        if (qs_shred_parse(&s, raw, sizeof(raw), &filter))
            continue;
        taken++;
        memset(again + 64, 0, s.layout->hdr_sz - 64);
        qs_shred_encode(again, &s);
        cr_assert(eq(int, memcmp(again + 64, raw + 64, s.layout->hdr_sz - 64u), 0));
    }
    cr_assert(taken > 300);
}

static vectors_t v;

/* count parses every packet and returns how many got reason. */
static u32
count(qs_shred_reason_t reason)
{
    u32 cnt = 0;
    for (u32 i = 0; i < v.cnt; i++) {
        qs_shred_t s;
        cnt += qs_shred_parse(&s, v.pkt[i].data, v.pkt[i].sz, &filter) == reason;
    }
    return cnt;
}

Test(shred, recorded_shreds_of_today_are_all_valid)
{
    if (vector_pcap(&v, "shred/demo-shreds.pcap", 0))
        cr_expect(eq(u32, count(QS_SHRED_R_OK), 512));
    filter.version = 41383;
    if (vector_pcap(&v, "live-leader/boot.pcap", 8003))
        cr_expect(eq(u32, count(QS_SHRED_R_OK), 1024));
    if (vector_pcap(&v, "live-leader/leader.pcap", 8003))
        cr_expect(eq(u32, count(QS_SHRED_R_OK), 3456));
    filter.version = 27350;
    if (vector_ar(&v, "shred/chained_resigned-FT9QgTVo375TgDAQusTgpsfXqTosCJLfrBpoVdcbnhtS.ar"))
        cr_expect(eq(u32, count(QS_SHRED_R_OK), 307));
}

Test(shred, recorded_shreds_of_old_clusters_are_refused_with_the_right_reason)
{
    filter.version = 0;
    if (vector_ar(&v, "shred/localnet-slot0-shreds.ar"))
        cr_expect(eq(u32, count(QS_SHRED_R_UNCHAINED), 4));
    if (vector_ar(&v, "shred/localnet-v14-slot0-shreds.ar"))
        cr_expect(eq(u32, count(QS_SHRED_R_UNCHAINED), 4));
    if (vector_ar(&v, "shred/localnet-slot50-shreds.ar"))
        cr_expect(eq(u32, count(QS_SHRED_R_LEGACY), 8));
    if (vector_ar(&v, "shred/localnet-v14-slot1-shreds.ar"))
        cr_expect(eq(u32, count(QS_SHRED_R_LEGACY), 8));
    char const *names[] = {"shred/eqvoc_id.bin", "shred/eqvoc_pay1.bin", "shred/eqvoc_pay2.bin"};
    for (u32 i = 0; i < 3; i++) {
        u64 sz;
        u8 *file = vector_file(names[i], &sz);
        qs_shred_t s;
        if (file)
            cr_expect(eq(int, qs_shred_parse(&s, file, sz, &filter), QS_SHRED_R_PROOF_CNT));
        free(file);
    }
}

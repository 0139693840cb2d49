/* Goal: on sets that real leaders sent, parity, recovery, trees, proofs and roots come out byte for
   byte; the same on sets made here.
   Method: each set is taken apart, what it lacks is recovered from 32 others, and everything is
   compared with what was sent.  Captures are read from the vectors, and skipped if not there. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_bits.h"
#include "tango/rand.h"
#include "waltz/fec/qs_merkle.h"
#include "waltz/fec/qs_reedsol.h"
#include "waltz/vectors.h"

#define N       QS_MERKLE_LEAF_CNT
#define SET_MAX 8u
#define ALL     UINT64_MAX

/* The layout of a shred, chained, as far as this test needs it: spec/shred.md, 4. */
#define DATA_SZ    1203u
#define CODE_SZ    1228u
#define SIG_SZ     64u
#define CODE_HEAD  89u
#define CHAINED_SZ 32u

typedef struct set {
    u32 fec_idx;
    bool resigned;
    u64 have;
    u8 shred[N][CODE_SZ];
} set_t;

static set_t sets[SET_MAX];
static u32 set_cnt;
static u64 seed = 1;

static u64
trailer_off(u32 i, bool resigned) /* of the chained root */
{
    return (i < 32 ? DATA_SZ : CODE_SZ) - CHAINED_SZ - QS_MERKLE_PROOF_SZ - (resigned ? SIG_SZ : 0);
}

static u64
shard_off(u32 i)
{
    return i < 32 ? SIG_SZ : CODE_HEAD;
}

static void
add_shred(u8 const *p)
{
    u32 fec_idx = qs_load_le32(p + 79), s = 0;
    bool is_data = (p[64] & 0xc0) == 0x80;
    u32 i = is_data ? qs_load_le32(p + 73) - fec_idx : 32u + qs_load_le16(p + 87);
    while (s < set_cnt && sets[s].fec_idx != fec_idx)
        s++;
    cr_assert(s < SET_MAX);
    if (s == set_cnt) {
        sets[set_cnt++] = (set_t){.fec_idx = fec_idx, .resigned = p[64] == 0xb6 || p[64] == 0x76};
    }
    memcpy(sets[s].shred[i], p, is_data ? DATA_SZ : CODE_SZ);
    sets[s].have |= 1ull << i;
}

static void
read_pcap(u8 const *file, u64 sz)
{
    for (u64 at = 24; at + 16 <= sz; at += 16 + qs_load_le32(file + at + 8))
        add_shred(file + at + 16 + 42); /* Ethernet, IPv4 and UDP headers */
}

static void
read_ar(u8 const *file, u64 sz)
{
    for (u64 at = 8; at + 60 <= sz;) {
        u64 member_sz = strtoull((char const *)file + at + 48, NULL, 10);
        add_shred(file + at + 60);
        at += 60 + member_sz + member_sz % 2;
    }
}

static void
leaf_texts(set_t *s, qs_merkle_text_t text[N])
{
    for (u32 i = 0; i < N; i++)
        text[i] = (qs_merkle_text_t){s->shred[i] + SIG_SZ,
                                     trailer_off(i, s->resigned) + CHAINED_SZ - SIG_SZ};
}

static u8 const *
proof_of(set_t *s, u32 i)
{
    return s->shred[i] + trailer_off(i, s->resigned) + CHAINED_SZ;
}

/* root_of returns the root that the proof of one shred leads to. */
static qs_merkle_hash_t
root_of(set_t *s, u32 i)
{
    qs_merkle_text_t text[N];
    qs_merkle_hash_t leaf, root;
    leaf_texts(s, text);
    qs_merkle_leaves(&leaf, &text[i], 1);
    cr_assert(qs_merkle_root(&root, &leaf, i, proof_of(s, i), QS_MERKLE_DEPTH));
    return root;
}

/* rebuild recovers what is not in have and checks it against the root; whatever the whole set had
   must come out byte for byte, proofs included. */
static void
rebuild(set_t *whole, u64 have)
{
    static set_t s;
    static qs_merkle_tree_t tree;
    qs_merkle_text_t text[N];
    qs_merkle_hash_t leaf[N], root = root_of(whole, (u32)__builtin_ctzll(have));
    u8 *shard[N];
    u64 sz = trailer_off(0, whole->resigned) - SIG_SZ;
    s = *whole;
    for (u32 i = 0; i < N; i++) {
        shard[i] = s.shred[i] + shard_off(i);
        if (have >> i & 1)
            continue;
        /* Headers of code, and the chained root, are what a receiver knows of the set. */
        u32 other = (u32)__builtin_ctzll(whole->have & (i < 32 ? 0xffffffffull : ~0xffffffffull));
        memcpy(s.shred[i], whole->shred[other], sizeof(s.shred[i]));
        if (i >= 32) {
            qs_store_le32(s.shred[i] + 73, s.fec_idx + i - 32);
            qs_store_le16(s.shred[i] + 87, (u16)(i - 32));
        }
        memset(shard[i], 0xee, sz);
    }
    cr_assert(eq(int, qs_reedsol_recover(shard, sz, have, ~have), 0), "set %u", s.fec_idx);

    leaf_texts(&s, text);
    qs_merkle_leaves(leaf, text, N);
    qs_merkle_init(&tree, &root);
    for (u64 rest = have; rest; rest &= rest - 1) {
        u32 i = (u32)__builtin_ctzll(rest);
        qs_merkle_claim_t claim = {
            .tree = &tree, .leaf_idx = i, .leaf = leaf[i], .proof = proof_of(&s, i)};
        qs_merkle_check(&claim, 1);
        cr_assert(claim.right, "set %u shred %u", s.fec_idx, i);
    }
    cr_assert(qs_merkle_complete(&tree, leaf, ~have), "set %u", s.fec_idx);
    for (u32 i = 0; i < N; i++) {
        u8 *proof = s.shred[i] + trailer_off(i, s.resigned) + CHAINED_SZ;
        cr_assert(eq(u32, qs_merkle_proof(proof, &tree, i), QS_MERKLE_DEPTH));
        u64 end = trailer_off(i, s.resigned) + CHAINED_SZ + QS_MERKLE_PROOF_SZ;
        if (whole->have >> i & 1)
            cr_assert(eq(int, memcmp(s.shred[i], whole->shred[i], end), 0), "set %u shred %u",
                      s.fec_idx, i);
    }
}

/* random_32 returns 32 of have. */
static u64
random_32(u64 have)
{
    while (__builtin_popcountll(have) > 32)
        have &= ~(1ull << rand_upto(&seed, 0, 63));
    return have;
}

static void
check_sets(u32 trial_cnt)
{
    for (u32 n = 0; n < set_cnt; n++) {
        rebuild(&sets[n], sets[n].have);
        rebuild(&sets[n], qs_reedsol_enough(sets[n].have));
        if (sets[n].have == ALL)
            rebuild(&sets[n], QS_REEDSOL_CODE);
        for (u32 trial = 0; trial < trial_cnt; trial++)
            rebuild(&sets[n], random_32(sets[n].have));
    }
}

/* Each root stands in expected.json, as does every shred's. */
static void
check_roots(void)
{
    static char json[1u << 20];
    u64 sz = vectors_read("shred/expected.json", json, sizeof(json) - 1);
    json[sz] = 0;
    for (u32 n = 0; sz && n < set_cnt; n++) {
        for (u32 i = 0; i < N; i++) {
            if (!(sets[n].have >> i & 1))
                continue;
            qs_merkle_hash_t root = root_of(&sets[n], i);
            char text[96] = "\"merkle_root\": \"";
            for (u32 b = 0; b < sizeof(root); b++)
                snprintf(text + strlen(text), 3, "%02x", root.byte[b]);
            cr_assert(strstr(json, text) != NULL, "set %u shred %u: %s", sets[n].fec_idx, i, text);
        }
    }
}

Test(fec, a_leaders_demo_block_is_recovered_byte_for_byte)
{
    static u8 file[1u << 20];
    u64 sz = vectors_read("shred/demo-shreds.pcap", file, sizeof(file));
    if (!sz)
        return;
    read_pcap(file, sz);
    cr_assert(eq(u32, set_cnt, 8));
    check_roots();
    check_sets(125);
}

Test(fec, a_live_block_is_recovered_and_its_missing_shreds_fit_the_signed_root)
{
    static u8 file[1u << 20];
    u64 sz = vectors_read("shred/chained_resigned-FT9QgTVo375TgDAQusTgpsfXqTosCJLfrBpoVdcbnhtS.ar",
                          file, sizeof(file));
    if (!sz)
        return;
    read_ar(file, sz);
    cr_assert(eq(u32, set_cnt, 5));
    check_roots();
    check_sets(50);
}

/* A set made here: payload, parity, tree, proofs. */
static void
make_set(set_t *s, bool resigned)
{
    static qs_merkle_tree_t tree;
    qs_merkle_text_t text[N];
    qs_merkle_hash_t leaf[N];
    u8 *shard[N];
    *s = (set_t){.fec_idx = 64, .resigned = resigned, .have = ALL};
    for (u32 i = 0; i < N; i++) {
        u64 chained = trailer_off(i, resigned);
        for (u64 b = SIG_SZ; i < 32 && b < chained; b++)
            s->shred[i][b] = (u8)rand_next(&seed);
        s->shred[i][64] = i < 32 ? 0x96 : 0x66;
        qs_store_le32(s->shred[i] + 73, s->fec_idx + i % 32);
        qs_store_le32(s->shred[i] + 79, s->fec_idx);
        if (i >= 32)
            qs_store_le16(s->shred[i] + 87, (u16)(i - 32));
        memset(s->shred[i] + chained, 0x77, CHAINED_SZ);
        shard[i] = s->shred[i] + shard_off(i);
    }
    qs_reedsol_encode(shard, trailer_off(0, resigned) - SIG_SZ);
    leaf_texts(s, text);
    qs_merkle_leaves(leaf, text, N);
    qs_merkle_build(&tree, leaf, N);
    for (u32 i = 0; i < N; i++)
        qs_merkle_proof(s->shred[i] + trailer_off(i, resigned) + CHAINED_SZ, &tree, i);
}

Test(fec, a_set_made_here_is_recovered_from_any_32)
{
    set_cnt = 2;
    make_set(&sets[0], false);
    make_set(&sets[1], true);
    check_sets(200);
}

/* Goal: trees, proofs and roots are those of the specification for every number of leaves; a claim
   is right exactly when its own proof leads to the root, whatever else is in its batch and whatever
   was learnt before; and only true nodes are learnt.
   Method: a recursive model on OpenSSL, and following each proof alone. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/sha.h>

#include "tango/rand.h"
#include "waltz/fec/qs_merkle.h"
#include "waltz/vectors.h"

#define N       QS_MERKLE_LEAF_CNT
#define TEXT_SZ 40u

static u64 seed = 1;
static u8 text[N][TEXT_SZ];

static void
model_leaf(qs_merkle_hash_t *out, u32 prefix_sz, void const *data, u64 sz)
{
    static u8 buf[4096];
    memcpy(buf, "\0SOLANA_MERKLE_SHREDS_LEAF", prefix_sz);
    memcpy(buf + prefix_sz, data, sz);
    SHA256(buf, prefix_sz + sz, out->byte);
}

static void
model_join(qs_merkle_hash_t *out, u32 prefix_sz, void const *left, void const *right)
{
    u8 buf[26 + 40];
    memcpy(buf, "\1SOLANA_MERKLE_SHREDS_NODE", prefix_sz);
    memcpy(buf + prefix_sz, left, 20);
    memcpy(buf + prefix_sz + 20, right, 20);
    SHA256(buf, prefix_sz + 40, out->byte);
}

/* One level in, one level out; the proof of leaf `of` gets its entry. */
static qs_merkle_hash_t
model_root(u32 prefix_sz, qs_merkle_hash_t const *leaf, u32 cnt, u32 of, u8 *proof)
{
    qs_merkle_hash_t level[N];
    memcpy(level, leaf, cnt * sizeof(*leaf));
    for (; cnt > 1; cnt = (cnt + 1) / 2, of /= 2, proof += 20) {
        memcpy(proof, &level[(of ^ 1) < cnt ? of ^ 1 : cnt - 1], 20);
        for (u32 i = 0; i < cnt; i += 2)
            model_join(&level[i / 2], prefix_sz, &level[i], &level[i + 1 < cnt ? i + 1 : i]);
    }
    return level[0];
}

static bool
same(qs_merkle_hash_t const *a, qs_merkle_hash_t const *b)
{
    return !memcmp(a, b, sizeof(*a));
}

static void
make_leaves(qs_merkle_hash_t leaf[N])
{
    qs_merkle_text_t parts[N];
    for (u32 i = 0; i < N; i++) {
        for (u32 b = 0; b < TEXT_SZ; b++)
            text[i][b] = (u8)rand_next(&seed);
        parts[i] = (qs_merkle_text_t){text[i], TEXT_SZ};
    }
    qs_merkle_leaves(leaf, parts, N);
}

Test(merkle, leaves_are_hashed_behind_their_prefix)
{
    static u8 data[300][1200];
    static qs_merkle_text_t parts[300];
    static qs_merkle_hash_t leaf[300];
    qs_merkle_hash_t want;
    for (u32 i = 0; i < 300; i++) {
        for (u32 b = 0; b < 1200; b++)
            data[i][b] = (u8)rand_next(&seed);
        parts[i] = (qs_merkle_text_t){data[i], rand_upto(&seed, 0, 1200)};
    }
    qs_merkle_leaves(leaf, parts, 300);
    for (u32 i = 0; i < 300; i++) {
        model_leaf(&want, 26, data[i], parts[i].sz);
        cr_assert(same(&leaf[i], &want), "leaf %u of %lu bytes", i, parts[i].sz);
    }
}

/* Sizes of data and code shreds, chained and resigned, and those around a block's end, mixed. */
Test(merkle, leaves_of_different_sizes_mix)
{
    static u32 const sz[] = {1019, 1044, 955, 980, 38, 63, 64, 92, 93, 94, 101, 102};
    static u8 data[256][1100];
    static qs_merkle_text_t parts[256];
    static qs_merkle_hash_t leaf[256];
    qs_merkle_hash_t want;
    for (u32 round = 0; round < 4; round++) {
        for (u32 i = 0; i < 256; i++) {
            for (u32 b = 0; b < 1100; b++)
                data[i][b] = (u8)rand_next(&seed);
            u32 kind = round ? rand_upto(&seed, 0, round < 3 ? 1 : 11) : i % 2;
            parts[i] = (qs_merkle_text_t){data[i], sz[kind]};
        }
        qs_merkle_leaves(leaf, parts, 256);
        for (u32 i = 0; i < 256; i++) {
            model_leaf(&want, 26, data[i], parts[i].sz);
            cr_assert(same(&leaf[i], &want), "round %u, leaf %u of %lu bytes", round, i,
                      parts[i].sz);
        }
    }
}

Test(merkle, trees_of_1_to_64_leaves_have_the_models_root_and_proofs)
{
    qs_merkle_hash_t leaf[N];
    make_leaves(leaf);
    for (u32 cnt = 1; cnt <= N; cnt++) {
        for (u32 prefix_sz = 1; prefix_sz <= 26; prefix_sz += 25) {
            qs_merkle_tree_t tree;
            qs_merkle_build_with(prefix_sz, &tree, leaf, cnt);
            for (u32 i = 0; i < cnt; i++) {
                u8 want[7 * 20] = {0}, got[7 * 20] = {0};
                qs_merkle_hash_t root = model_root(prefix_sz, leaf, cnt, i, want);
                u32 depth = qs_merkle_proof(got, &tree, i);
                cr_assert(eq(u32, depth, cnt > 1 ? 32 - (u32)__builtin_clz(cnt - 1) : 0));
                cr_assert(eq(int, memcmp(got, want, sizeof(want)), 0), "leaf %u of %u", i, cnt);
                cr_assert(same(&tree.root, &root), "%u leaves", cnt);
                if (prefix_sz == 1)
                    continue;
                cr_assert(qs_merkle_root(&root, &leaf[i], i, got, depth));
                cr_assert(same(&tree.root, &root), "leaf %u of %u", i, cnt);
            }
        }
    }
}

Test(merkle, proofs_climb_side_by_side_as_they_do_alone)
{
    qs_merkle_hash_t leaf[N], root;
    qs_merkle_path_t path[N];
    qs_merkle_tree_t tree;
    static u8 proof[N][QS_MERKLE_PROOF_SZ];
    make_leaves(leaf);
    qs_merkle_build(&tree, leaf, N);
    for (u32 i = 0; i < N; i++)
        qs_merkle_proof(proof[i], &tree, i);
    proof[7][rand_next(&seed) % QS_MERKLE_PROOF_SZ] ^=
        1; /* leads elsewhere, and takes nobody along */
    for (u32 cnt = 0; cnt <= N; cnt++) {
        for (u32 i = 0; i < cnt; i++)
            path[i] = (qs_merkle_path_t){leaf[i], i, proof[i]};
        qs_merkle_climb(path, cnt);
        for (u32 i = 0; i < cnt; i++) {
            cr_assert(qs_merkle_root(&root, &leaf[i], i, proof[i], QS_MERKLE_DEPTH));
            cr_assert(same(&path[i].hash, &root));
            cr_assert(same(&root, &tree.root) == (i != 7));
        }
    }
}

Test(merkle, a_proof_that_does_not_reach_the_top_is_refused)
{
    qs_merkle_hash_t leaf = {0}, root;
    u8 proof[QS_MERKLE_PROOF_SZ] = {0};
    cr_assert(qs_merkle_root(&root, &leaf, 63, proof, 6));
    cr_assert(not(qs_merkle_root(&root, &leaf, 64, proof, 6)));
    cr_assert(not(qs_merkle_root(&root, &leaf, 32, proof, 5)));
    cr_assert(not(qs_merkle_root(&root, &leaf, 1, proof, 0)));
    cr_assert(qs_merkle_root(&root, &leaf, 0, proof, 0));
}

Test(merkle, several_trees_at_a_time_are_the_same_trees)
{
    static qs_merkle_hash_t leaf[5 * N];
    static qs_merkle_tree_t many[5], one;
    for (u32 i = 0; i < 5; i++)
        make_leaves(leaf + i * N);
    qs_merkle_build_many(many, leaf, 5);
    for (u32 i = 0; i < 5; i++) {
        qs_merkle_build(&one, leaf + i * N, N);
        cr_assert(same(&many[i].root, &one.root));
        cr_assert(eq(int, memcmp(many[i].known, one.known, sizeof(one.known)), 0));
        cr_assert(eq(int, memcmp(many[i].node, one.node, sizeof(one.node)), 0));
    }
}

/* A set: its tree as its leader knows it, its proofs, and what a receiver knows. */
typedef struct set {
    qs_merkle_hash_t leaf[N];
    u8 proof[N][QS_MERKLE_PROOF_SZ];
    qs_merkle_tree_t whole;
    qs_merkle_tree_t seen;
} set_t;

static set_t *
set_new(void)
{
    set_t *s = malloc(sizeof(*s));
    make_leaves(s->leaf);
    qs_merkle_build(&s->whole, s->leaf, N);
    for (u32 i = 0; i < N; i++)
        qs_merkle_proof(s->proof[i], &s->whole, i);
    memset(&s->seen, 0xa5, sizeof(s->seen));
    qs_merkle_init(&s->seen, &s->whole.root);
    return s;
}

static qs_merkle_claim_t
claim_of(set_t *s, u32 i)
{
    return (qs_merkle_claim_t){
        .tree = &s->seen, .leaf_idx = i, .leaf = s->leaf[i], .proof = s->proof[i]};
}

static bool
known(qs_merkle_tree_t const *tree, u32 node)
{
    return tree->known[node / 64] >> node % 64 & 1;
}

/* Every node that is known is the leader's. */
static void
assert_only_truth(set_t const *s)
{
    for (u32 n = 0; n < QS_MERKLE_NODE_MAX; n++)
        if (known(&s->seen, n))
            cr_assert(eq(int, memcmp(&s->seen.node[n], &s->whole.node[n], 20), 0), "node %u", n);
    cr_assert(not(s->seen.known[1] >> 63), "there is no node 127");
}

Test(merkle, all_64_claims_are_right_in_batches_of_any_size_and_order)
{
    for (u32 batch = 1; batch <= N; batch++) {
        set_t *s = set_new();
        u32 order[N];
        for (u32 i = 0; i < N; i++) {
            u32 j = (u32)rand_upto(&seed, 0, i);
            order[i] = order[j];
            order[j] = i;
        }
        for (u32 first = 0; first < N; first += batch) {
            qs_merkle_claim_t claim[N];
            u32 cnt = N - first < batch ? N - first : batch;
            for (u32 i = 0; i < cnt; i++)
                claim[i] = claim_of(s, order[first + i]);
            qs_merkle_check(claim, cnt);
            for (u32 i = 0; i < cnt; i++)
                cr_assert(claim[i].right, "leaf %u, batches of %u", claim[i].leaf_idx, batch);
            assert_only_truth(s);
        }
        for (u32 n = 0; n < QS_MERKLE_NODE_MAX; n++)
            cr_assert(known(&s->seen, n), "node %u, batches of %u", n, batch);
        free(s);
    }
}

/* spoil makes a claim wrong in one of the ways a hostile sender may, or leaves it right. */
static void
spoil(qs_merkle_claim_t *claim, u8 own_proof[QS_MERKLE_PROOF_SZ], set_t *other)
{
    memcpy(own_proof, claim->proof, QS_MERKLE_PROOF_SZ);
    claim->proof = own_proof;
    switch (rand_upto(&seed, 0, 7)) {
    case 0:
        claim->leaf.byte[rand_upto(&seed, 0, 19)] ^= 1;
        break;
    case 1:
        own_proof[rand_upto(&seed, 0, QS_MERKLE_PROOF_SZ - 1)] ^=
            (u8)(1u << rand_upto(&seed, 0, 7));
        break;
    case 2:
        claim->leaf_idx ^= 1u << rand_upto(&seed, 0, 5);
        break;
    case 3:
        claim->tree = &other->seen;
        break;
    case 4: /* two siblings' worth of agreement, then nonsense above */
        own_proof[QS_MERKLE_PROOF_SZ - 1] ^= 1;
        break;
    default:
        break;
    }
}

Test(merkle, each_claim_is_judged_on_its_own_among_hostile_ones)
{
    for (u32 trial = 0; trial < 200; trial++) {
        set_t *s[3] = {set_new(), set_new(), set_new()};
        for (u32 round = 0; round < 6; round++) {
            static u8 proof[N][QS_MERKLE_PROOF_SZ];
            qs_merkle_claim_t claim[N];
            u32 cnt = (u32)rand_upto(&seed, 1, N);
            for (u32 i = 0; i < cnt; i++) {
                claim[i] = claim_of(s[trial % 3 ? rand_upto(&seed, 0, 2) : 0],
                                    (u32)rand_upto(&seed, 0, round % 2 ? N - 1 : 3));
                spoil(&claim[i], proof[i], s[1]);
                claim[i].right = rand_next(&seed) & 1;
            }
            qs_merkle_check(claim, cnt);
            for (u32 i = 0; i < cnt; i++) {
                qs_merkle_hash_t root;
                qs_merkle_root(&root, &claim[i].leaf, claim[i].leaf_idx, claim[i].proof, 6);
                cr_assert(eq(int, claim[i].right, same(&root, &claim[i].tree->root)),
                          "trial %u round %u claim %u of %u", trial, round, i, cnt);
            }
            for (u32 i = 0; i < 3; i++)
                assert_only_truth(s[i]);
        }
        for (u32 i = 0; i < 3; i++)
            free(s[i]);
    }
}

/* have arrives and is checked; the rest is recovered. */
static void
receive(set_t *s, u64 have)
{
    for (; have; have &= have - 1) {
        qs_merkle_claim_t claim = claim_of(s, (u32)__builtin_ctzll(have));
        qs_merkle_check(&claim, 1);
        cr_assert(claim.right);
    }
}

Test(merkle, recovered_leaves_complete_a_tree_and_give_every_proof)
{
    for (u32 trial = 0; trial < 300; trial++) {
        set_t *s = set_new();
        u64 have = rand_next(&seed) & rand_next(&seed);
        have |= trial % 2 ? rand_next(&seed) : 0;
        if (trial < 3)
            have = trial == 0 ? 0 : trial == 1 ? 0xffffffff : ~0ull;
        receive(s, have);
        cr_assert(qs_merkle_complete(&s->seen, s->leaf, ~have), "have %lx", have);
        assert_only_truth(s);
        for (u32 i = 0; i < N; i++) {
            u8 proof[QS_MERKLE_PROOF_SZ];
            cr_assert(eq(u32, qs_merkle_proof(proof, &s->seen, i), 6));
            cr_assert(eq(int, memcmp(proof, s->proof[i], sizeof(proof)), 0), "leaf %u", i);
        }
        free(s);
    }
}

Test(merkle, one_wrong_recovered_leaf_is_found_out_and_nothing_learnt)
{
    for (u32 trial = 0; trial < 300; trial++) {
        set_t *s = set_new();
        u64 have = rand_next(&seed);
        have &= ~(1ull << rand_upto(&seed, 0, 63));
        receive(s, have);
        u64 before[2] = {s->seen.known[0], s->seen.known[1]};
        qs_merkle_hash_t leaf[N];
        memcpy(leaf, s->leaf, sizeof(leaf));
        u32 bad;
        do
            bad = (u32)rand_upto(&seed, 0, 63);
        while (have >> bad & 1);
        leaf[bad].byte[rand_upto(&seed, 0, 19)] ^= 4;
        cr_assert(not(qs_merkle_complete(&s->seen, leaf, ~have)), "have %lx bad %u", have, bad);
        cr_assert(eq(int, memcmp(before, s->seen.known, sizeof(before)), 0));
        assert_only_truth(s);
        cr_assert(qs_merkle_complete(&s->seen, s->leaf, ~have));
        free(s);
    }
}

Test(merkle, leaves_that_cannot_be_tied_to_the_root_complete_nothing)
{
    set_t *s = set_new();
    receive(s, 1); /* knows leaf 1, and the node above 2 and 3 */
    cr_assert(not(qs_merkle_complete(&s->seen, s->leaf, 1ull << 2)));
    cr_assert(not(known(&s->seen, 2)));
    cr_assert(qs_merkle_complete(&s->seen, s->leaf, 3ull << 2));
    cr_assert(known(&s->seen, 2));
    cr_assert(qs_merkle_complete(&s->seen, s->leaf, 1ull << 1), "known from the proof of leaf 0");
    cr_assert(not(qs_merkle_complete(&s->seen, s->leaf, ~0ull << 33)));
    cr_assert(qs_merkle_complete(&s->seen, s->leaf, ~0ull << 32));
    free(s);
}

/* 11 leaves, prefixes of one byte. */
Test(merkle, the_reference_proofs_are_ours)
{
    static char const *const words[11] = {"my", "very", "eager",  "mother", "just", "served",
                                          "us", "nine", "pizzas", "make",   "prime"};
    u8 want[11][80], got[80];
    if (!vectors_read("shred/bmtree_reference_proofs.bin", want, sizeof(want)))
        return;
    qs_merkle_text_t parts[11];
    qs_merkle_hash_t leaf[11];
    qs_merkle_tree_t tree;
    for (u32 i = 0; i < 11; i++)
        parts[i] = (qs_merkle_text_t){words[i], strlen(words[i])};
    qs_merkle_leaves_with(1, leaf, parts, 11);
    qs_merkle_build_with(1, &tree, leaf, 11);
    for (u32 i = 0; i < 11; i++) {
        cr_assert(eq(u32, qs_merkle_proof(got, &tree, i), 4));
        cr_assert(eq(int, memcmp(got, want[i], sizeof(got)), 0), "leaf %u", i);
    }
}

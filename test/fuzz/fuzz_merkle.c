/* Claims on Merkle trees: in batches cut anywhere, for two sets, each is judged as it is alone, and
   only true nodes are learnt; completing a tree accepts exactly the leaves that are the leader's.

   The input: a record of 4 bytes for each claim: leaf and set; what is spoilt (nothing, a byte of
   the leaf, of the proof, the set); which byte; by which bits.  An odd third byte ends the batch. */

#include "waltz/fec/qs_merkle.h"

#define N         QS_MERKLE_LEAF_CNT
#define RECORD_SZ 4u

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

typedef struct set {
    qs_merkle_hash_t leaf[N];
    u8 proof[N][QS_MERKLE_PROOF_SZ];
    qs_merkle_tree_t whole, seen;
} set_t;

static set_t sets[2];
static u8 proof[N][QS_MERKLE_PROOF_SZ];

static void
set_init(set_t *s, u8 tag)
{
    if (!s->whole.leaf_cnt) {
        qs_merkle_text_t text[N];
        u8 bytes[N][2];
        for (u32 i = 0; i < N; i++) {
            bytes[i][0] = (u8)i;
            bytes[i][1] = tag;
            text[i] = (qs_merkle_text_t){bytes[i], 2};
        }
        qs_merkle_leaves(s->leaf, text, N);
        qs_merkle_build(&s->whole, s->leaf, N);
        for (u32 i = 0; i < N; i++)
            qs_merkle_proof(s->proof[i], &s->whole, i);
    }
    qs_merkle_init(&s->seen, &s->whole.root);
}

static qs_merkle_claim_t
claim_of(u8 const *record, u8 own_proof[QS_MERKLE_PROOF_SZ])
{
    set_t *s = &sets[record[0] >> 6 & 1];
    u32 i = record[0] % N;
    qs_merkle_claim_t claim = {
        .tree = &s->seen, .leaf_idx = i, .leaf = s->leaf[i], .proof = own_proof};
    memcpy(own_proof, s->proof[i], QS_MERKLE_PROOF_SZ);
    switch (record[1] % 4) {
    case 1:
        claim.leaf.byte[record[2] % QS_MERKLE_NODE_SZ] ^= record[3];
        break;
    case 2:
        own_proof[record[2] % QS_MERKLE_PROOF_SZ] ^= record[3];
        break;
    case 3:
        claim.tree = &sets[record[3] & 1].seen;
        claim.leaf_idx = record[3] / 2 % N;
        break;
    default:
        break;
    }
    return claim;
}

static void
check_truth(set_t const *s)
{
    for (u32 n = 0; n < QS_MERKLE_NODE_MAX; n++)
        if (s->seen.known[n / 64] >> n % 64 & 1)
            QS_ASSERT(!memcmp(&s->seen.node[n], &s->whole.node[n], QS_MERKLE_NODE_SZ));
}

static void
check_batch(qs_merkle_claim_t *claim, u32 cnt)
{
    qs_merkle_check(claim, cnt);
    for (u32 i = 0; i < cnt; i++) {
        qs_merkle_hash_t root;
        QS_ASSERT(qs_merkle_root(&root, &claim[i].leaf, claim[i].leaf_idx, claim[i].proof,
                                 QS_MERKLE_DEPTH));
        QS_ASSERT(claim[i].right == !memcmp(&root, &claim[i].tree->root, sizeof(root)));
    }
    check_truth(&sets[0]);
    check_truth(&sets[1]);
}

/* What is missing is recovered, right and with one leaf wrong. */
static void
check_complete(set_t *s, u8 const *data, size_t sz)
{
    u64 missing = ~s->seen.known[0];
    for (size_t i = 0; i < sz && i < 8; i++)
        missing |= (u64)data[i] << 8 * i;
    if (missing) {
        u32 bad = (u32)__builtin_ctzll(missing);
        qs_merkle_hash_t wrong[N];
        memcpy(wrong, s->leaf, sizeof(wrong));
        wrong[bad].byte[sz % QS_MERKLE_NODE_SZ] ^= 1;
        QS_ASSERT(!qs_merkle_complete(&s->seen, wrong, missing));
        check_truth(s);
    }
    QS_ASSERT(qs_merkle_complete(&s->seen, s->leaf, missing));
    check_truth(s);
    for (u32 i = 0; i < N; i++) {
        u8 got[QS_MERKLE_PROOF_SZ];
        QS_ASSERT(qs_merkle_proof(got, &s->seen, i) == QS_MERKLE_DEPTH);
        QS_ASSERT(!memcmp(got, s->proof[i], sizeof(got)));
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    set_init(&sets[0], 'a');
    set_init(&sets[1], 'b');
    qs_merkle_claim_t claim[N];
    u32 cnt = 0;
    for (size_t at = 0; at + RECORD_SZ <= sz; at += RECORD_SZ) {
        claim[cnt] = claim_of(data + at, proof[cnt]);
        cnt++;
        if (cnt == N || data[at + 2] & 1) {
            check_batch(claim, cnt);
            cnt = 0;
        }
    }
    check_batch(claim, cnt);
    check_complete(&sets[0], data, sz);
    check_complete(&sets[1], data, sz);
    return 0;
}

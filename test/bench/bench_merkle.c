/* The Merkle tree of a set of 64 shreds: hashing and building it, against OpenSSL doing the same 127
   hashes; checking the proofs of what arrives, against hashing the leaves alone. */

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "bench/bench.h"
#include "waltz/fec/qs_merkle.h"

#define N       QS_MERKLE_LEAF_CNT
#define SET_CNT 4u
#define BUILD   "leaves and tree of a set"
#define CHECK   "proofs of 64 received shreds, batched"

/* Bytes 64 to the proof of a data and a code shred, chained. */
#define DATA_SZ 1019u
#define CODE_SZ 1044u

static u8 shred[SET_CNT * N][1228];
static qs_merkle_text_t text[SET_CNT * N];
static qs_merkle_hash_t leaf[SET_CNT * N];
static qs_merkle_tree_t tree[SET_CNT];
static u8 proof[N][QS_MERKLE_PROOF_SZ];

static void
one_set(void *ctx)
{
    (void)ctx;
    qs_merkle_leaves(leaf, text, N);
    qs_merkle_build(tree, leaf, N);
    bench_use(tree);
}

static void
four_sets(void *ctx)
{
    (void)ctx;
    qs_merkle_leaves(leaf, text, SET_CNT * N);
    qs_merkle_build_many(tree, leaf, SET_CNT);
    bench_use(tree);
}

static void
leaves_alone(void *ctx)
{
    (void)ctx;
    qs_merkle_leaves(leaf, text, N);
    bench_use(leaf);
}

/* check hashes and checks the 64 shreds in batches of *ctx. */
static void
check(void *ctx)
{
    static qs_merkle_tree_t seen;
    qs_merkle_claim_t claim[N];
    u32 batch = *(u32 const *)ctx;
    qs_merkle_init(&seen, &tree[0].root);
    for (u32 first = 0; first < N; first += batch) {
        qs_merkle_leaves(leaf + first, text + first, batch);
        for (u32 i = 0; i < batch; i++)
            claim[i] = (qs_merkle_claim_t){.tree = &seen,
                                           .leaf_idx = first + i,
                                           .leaf = leaf[first + i],
                                           .proof = proof[first + i]};
        qs_merkle_check(claim, batch);
        for (u32 i = 0; i < batch; i++)
            QS_ASSERT(claim[i].right);
    }
}

static void
each_alone(void *ctx)
{
    (void)ctx;
    for (u32 i = 0; i < N; i++) {
        qs_merkle_hash_t root;
        qs_merkle_leaves(leaf + i, text + i, 1);
        QS_ASSERT(qs_merkle_root(&root, leaf + i, i, proof[i], QS_MERKLE_DEPTH));
        QS_ASSERT(!memcmp(&root, &tree[0].root, sizeof(root)));
    }
}

typedef void hash_fn_t(void *out, void const *data, u64 sz);

static void
hash_openssl(void *out, void const *data, u64 sz)
{
    SHA256(data, sz, out);
}

/* SHA256() looks its algorithm up by name in every call; this is the peer without that. */
static void
hash_evp(void *out, void const *data, u64 sz)
{
    static EVP_MD_CTX *ctx;
    static EVP_MD *md;
    if (!ctx) {
        ctx = EVP_MD_CTX_new();
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    }
    EVP_DigestInit_ex(ctx, md, NULL);
    EVP_DigestUpdate(ctx, data, sz);
    EVP_DigestFinal_ex(ctx, out, NULL);
}

/* The prefixes are where a peer would have them: in front of what is hashed. */
QS_INLINE void
peer_set(hash_fn_t *hash)
{
    static u8 node[127][32], pair[66] = "\1SOLANA_MERKLE_SHREDS_NODE";
    for (u32 i = 0; i < N; i++)
        hash(node[i], (u8 const *)text[i].data - 26, text[i].sz + 26);
    for (u32 i = 0; i < 126; i += 2) {
        memcpy(pair + 26, node[i], 20);
        memcpy(pair + 46, node[i + 1], 20);
        hash(node[64 + i / 2], pair, sizeof(pair));
    }
    bench_use(node);
}

static void
openssl_set(void *ctx)
{
    (void)ctx;
    peer_set(hash_openssl);
}

static void
evp_set(void *ctx)
{
    (void)ctx;
    peer_set(hash_evp);
}

static void
add(bench_t *b, char const *what, char const *variant, char const *peer, char const *against,
    void (*fn)(void *), void *ctx, u64 ops)
{
    bench_add(b, &(bench_row_t){what, variant, peer, against, fn, ctx, ops, 0, {0}});
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static u32 batch_64 = 64, batch_16 = 16;
    bench_init(&b, "merkle", argc, argv);
    for (u32 i = 0; i < SET_CNT * N; i++) {
        memset(shred[i], (int)i, sizeof(shred[i]));
        text[i] = (qs_merkle_text_t){shred[i] + 64, i % N < 32 ? DATA_SZ : CODE_SZ};
    }
    four_sets(NULL);
    for (u32 i = 0; i < N; i++)
        qs_merkle_proof(proof[i], &tree[0], i);

    add(&b, BUILD, "one set", NULL, "OpenSSL", one_set, NULL, 1);
    add(&b, BUILD, "four sets at a time", NULL, "OpenSSL", four_sets, NULL, SET_CNT);
    add(&b, BUILD, "SHA256()", "OpenSSL", NULL, openssl_set, NULL, 1);
    add(&b, BUILD, "fetched once", "OpenSSL EVP", NULL, evp_set, NULL, 1);
    add(&b, CHECK, "one batch", NULL, "64 leaves alone", check, &batch_64, 1);
    add(&b, CHECK, "four batches of 16", NULL, "64 leaves alone", check, &batch_16, 1);
    add(&b, CHECK, "each on its own", NULL, "64 leaves alone", each_alone, NULL, 1);
    add(&b, CHECK, "no proofs", "64 leaves alone", NULL, leaves_alone, NULL, 1);
    return bench_run(&b);
}

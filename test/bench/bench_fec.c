/* A set from its 32 data shreds to 64 that can be sent, but for the signature: parity, leaves, tree,
   proofs; and the way back from 32 shreds of 64: recovery, leaves, the root, proofs.  Against
   ISA-L for the shards and OpenSSL for the hashes. */

#include <openssl/sha.h>

#include "bench/bench.h"
#include "waltz/fec/qs_merkle.h"
#include "waltz/fec/qs_reedsol.h"

#ifdef QS_PEER_ISAL
#include <isa-l.h>
#endif

#define N       QS_MERKLE_LEAF_CNT
#define DATA_SZ 1203u
#define CODE_SZ 1228u
#define SZ      987u /* of a shard: spec/shred.md, 4 */
#define MAKE    "32 data shreds in, parity, tree, proofs"
#define REMAKE  "32 of 64 shreds in, the others rebuilt and proven"

static u8 shred[N][CODE_SZ];
static u8 *shard[N];
static qs_merkle_text_t text[N];
static qs_merkle_hash_t leaf[N];
static qs_merkle_tree_t tree;

static u8 *
proof_at(u32 i)
{
    return shred[i] + (i < 32 ? DATA_SZ : CODE_SZ) - QS_MERKLE_PROOF_SZ;
}

static void
ours(void *ctx)
{
    (void)ctx;
    qs_reedsol_encode(shard, SZ);
    qs_merkle_leaves(leaf, text, N);
    qs_merkle_build(&tree, leaf, N);
    for (u32 i = 0; i < N; i++)
        qs_merkle_proof(proof_at(i), &tree, i);
    bench_use(shred);
}

/* Those that are there have been checked as they came: their leaves are known. */
static void
ours_back(void *ctx)
{
    u64 have = *(u64 const *)ctx;
    static qs_merkle_tree_t seen;
    qs_merkle_claim_t claim[N];
    u32 cnt = 0;
    qs_merkle_init(&seen, &tree.root);
    for (u32 i = 0; i < N; i++)
        if (have >> i & 1)
            claim[cnt++] = (qs_merkle_claim_t){
                .tree = &seen, .leaf_idx = i, .leaf = tree.node[i], .proof = proof_at(i)};
    qs_merkle_check(claim, cnt);
    QS_ASSERT(!qs_reedsol_recover(shard, SZ, have, ~have));
    qs_merkle_text_t lost[N];
    qs_merkle_hash_t lost_leaf[N];
    u32 lost_cnt = 0;
    for (u32 i = 0; i < N; i++)
        if (!(have >> i & 1))
            lost[lost_cnt++] = text[i];
    qs_merkle_leaves(lost_leaf, lost, lost_cnt);
    for (u32 i = N; i--;)
        if (!(have >> i & 1))
            leaf[i] = lost_leaf[--lost_cnt];
    QS_ASSERT(qs_merkle_complete(&seen, leaf, ~have));
    for (u32 i = 0; i < N; i++)
        if (!(have >> i & 1))
            qs_merkle_proof(proof_at(i), &seen, i);
    bench_use(shred);
}

#ifdef QS_PEER_ISAL
static u8 tables[32 * 32 * 32];

static void
peers(void *ctx)
{
    (void)ctx;
    static u8 node[127][32], pair[66] = "\1SOLANA_MERKLE_SHREDS_NODE";
    ec_encode_data(SZ, 32, 32, tables, shard, shard + 32);
    for (u32 i = 0; i < N; i++)
        SHA256((u8 const *)text[i].data - 26, text[i].sz + 26, node[i]);
    for (u32 i = 0; i < 126; i += 2) {
        memcpy(pair + 26, node[i], 20);
        memcpy(pair + 46, node[i + 1], 20);
        SHA256(pair, sizeof(pair), node[64 + i / 2]);
    }
    for (u32 i = 0; i < N; i++)
        for (u32 k = 0, first = 0, at = i; k < 6; first += 64 >> k, at /= 2, k++)
            memcpy(proof_at(i) + 20 * k, node[first + (at ^ 1)], 20);
    bench_use(shred);
}
#endif

int
main(int argc, char **argv)
{
    static bench_t b;
    static u64 mixed = 0x5555555555555555, code = QS_REEDSOL_CODE;
    bench_init(&b, "fec", argc, argv);
    for (u32 i = 0; i < N; i++) {
        memset(shred[i], (int)i, sizeof(shred[i]));
        shard[i] = shred[i] + (i < 32 ? 64 : 89);
        text[i] = (qs_merkle_text_t){shred[i] + 64, (u64)(proof_at(i) - shred[i]) - 64};
    }
    ours(NULL);
    bench_row_t row = {.what = MAKE, .variant = "here", .fn = ours, .ops = 1};
    row.against = "ISA-L and OpenSSL";
    bench_add(&b, &row);
    row = (bench_row_t){.what = REMAKE, .variant = "16 data, 16 code", .fn = ours_back, .ops = 1};
    row.ctx = &mixed;
    bench_add(&b, &row);
    row.variant = "32 code", row.ctx = &code;
    bench_add(&b, &row);
#ifdef QS_PEER_ISAL
    static u8 generator[N * 32];
    gf_gen_cauchy1_matrix(generator, N, 32);
    ec_init_tables(32, 32, generator + 1024, tables);
    bench_add(&b, &(bench_row_t){.what = MAKE,
                                 .variant = "together",
                                 .peer = "ISA-L and OpenSSL",
                                 .fn = peers,
                                 .ops = 1});
#else
    bench_absent(&b, "ISA-L", "libisal-dev was not there when this was built");
#endif
    return bench_run(&b);
}

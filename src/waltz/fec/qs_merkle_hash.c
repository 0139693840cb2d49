#include "waltz/fec/qs_merkle_hash.h"

#include "tango/base/qs_bits.h"

#define BLOCK_SZ QS_SHA256_BLOCK_SZ
#define NODE_SZ  QS_MERKLE_NODE_SZ

static u8 const leaf_prefix[QS_MERKLE_PREFIX_SZ + 1] = "\0SOLANA_MERKLE_SHREDS_LEAF";
static u8 const node_prefix[QS_MERKLE_PREFIX_SZ + 1] = "\1SOLANA_MERKLE_SHREDS_NODE";

/* A run: blocks that follow each other, as many for each lane. */
typedef struct run {
    u64 block_cnt;
    u8 const *data[QS_SHA_LANE_MAX];
} run_t;

static void
hash_alone(qs_sha_kernel_t const *kernel, run_t const *run, u32 run_cnt, u32 lane, u8 *out)
{
    u32 state[8];
    memcpy(state, qs_sha256_iv, sizeof(state));
    for (u32 r = 0; r < run_cnt; r++)
        kernel->one(state, run[r].data[lane], run[r].block_cnt);
    for (u32 w = 0; w < 8; w++)
        qs_store_be32(out + 4 * w, state[w]);
}

/* hash_runs hashes cnt messages, kernel->lanes at most: the blocks of all runs of each. */
static void
hash_runs(qs_sha_kernel_t const *kernel, run_t *run, u32 run_cnt, u32 cnt, u8 *const *out)
{
    u32 lanes = kernel->lanes;
    if (cnt <= kernel->narrow) {
        for (u32 l = 0; l < cnt; l++)
            hash_alone(kernel, run, run_cnt, l, out[l]);
        return;
    }
    alignas(64) u32 state[8 * QS_SHA_LANE_MAX];
    for (u32 w = 0; w < 8; w++)
        for (u32 l = 0; l < lanes; l++)
            state[w * lanes + l] = qs_sha256_iv[w];
    for (u32 r = 0; r < run_cnt; r++) {
        for (u32 l = cnt; l < lanes; l++)
            run[r].data[l] = run[r].data[0];
        kernel->many(state, run[r].data, run[r].block_cnt);
    }
    for (u32 l = 0; l < cnt; l++)
        for (u32 w = 0; w < 8; w++)
            qs_store_be32(out[l] + 4 * w, state[w * lanes + l]);
}

/* pad ends a message of sz bytes, the last of which are in block, zeros behind them; returns the
   blocks it makes. */
static u64
pad(u8 *block, u64 sz)
{
    u64 fill = sz % BLOCK_SZ;
    u64 end = fill + 9 <= BLOCK_SZ ? BLOCK_SZ : 2 * BLOCK_SZ;
    block[fill] = 0x80;
    qs_store_be64(block + end - 8, sz * 8);
    return end / BLOCK_SZ;
}

void
qs_merkle_joins_init(qs_merkle_joins_t *joins, u32 prefix_sz)
{
    u64 sz = prefix_sz + 2 * NODE_SZ;
    joins->prefix_sz = prefix_sz;
    joins->cnt = 0;
    memset(joins->empty, 0, sizeof(joins->empty));
    memcpy(joins->empty, node_prefix, prefix_sz);
    pad(joins->empty + sz / BLOCK_SZ * BLOCK_SZ, sz);
}

void
qs_merkle_joins_flush(qs_merkle_joins_t *joins)
{
    qs_sha_kernel_t const *kernel = qs_sha256_kernel();
    run_t run = {.block_cnt = joins->prefix_sz + 2 * NODE_SZ + 9 <= BLOCK_SZ ? 1 : 2};
    for (u32 first = 0, cnt; first < joins->cnt; first += cnt) {
        cnt = joins->cnt - first < kernel->lanes ? joins->cnt - first : kernel->lanes;
        for (u32 l = 0; l < cnt; l++)
            run.data[l] = joins->block[first + l];
        hash_runs(kernel, &run, 1, cnt, joins->out + first);
    }
    joins->cnt = 0;
}

void
qs_merkle_joins_add(qs_merkle_joins_t *joins, qs_merkle_hash_t *out, void const *left,
                    void const *right)
{
    if (joins->cnt == QS_MERKLE_JOIN_MAX)
        qs_merkle_joins_flush(joins);
    u8 *block = joins->block[joins->cnt];
    memcpy(block, joins->empty, sizeof(joins->empty));
    memcpy(block + joins->prefix_sz, left, NODE_SZ);
    memcpy(block + joins->prefix_sz + NODE_SZ, right, NODE_SZ);
    joins->out[joins->cnt++] = out->byte;
}

/* blocks returns how many blocks a message of sz bytes makes, padding included. */
static u64
blocks(u64 sz)
{
    return (sz + 9 + BLOCK_SZ - 1) / BLOCK_SZ;
}

/* alike says whether two messages are whole blocks and padding in the same places.  Data and code
   shreds of a set are: what mixes them is hashed as fast as what does not. */
static bool
alike(u64 a_sz, u64 b_sz)
{
    return a_sz / BLOCK_SZ == b_sz / BLOCK_SZ && blocks(a_sz) == blocks(b_sz);
}

/* begin makes the first block of a leaf: copies of fixed size, which are no calls.  The first takes
   more than the text that the block has room for, if there is as much. */
static void
begin(u8 block[2 * BLOCK_SZ], u32 prefix_sz, qs_merkle_text_t const *text)
{
    if (text->sz >= BLOCK_SZ)
        memcpy(block + prefix_sz, text->data, BLOCK_SZ);
    else
        memcpy(block + prefix_sz, text->data, BLOCK_SZ - prefix_sz);
    for (u32 i = 0; i < prefix_sz; i++)
        block[i] = leaf_prefix[i];
}

/* end makes what follows the whole blocks of a message of sz bytes, in block + BLOCK_SZ, and returns
   how many blocks that is.  The last BLOCK_SZ bytes of the text are copied so that they end where they
   have to: some of them before block + BLOCK_SZ, where nobody looks. */
static u64
end(u8 block[3 * BLOCK_SZ], qs_merkle_text_t const *text, u64 sz)
{
    u64 tail = sz % BLOCK_SZ;
    u8 const *data = text->data;
    memset(block + BLOCK_SZ, 0, 2 * BLOCK_SZ);
    if (text->sz >= BLOCK_SZ)
        memcpy(block + tail, data + text->sz - BLOCK_SZ, BLOCK_SZ);
    else
        memcpy(block + BLOCK_SZ, data + text->sz - tail, tail);
    return pad(block + BLOCK_SZ, sz);
}

/* hash_alike hashes cnt leaves that are alike, kernel->lanes at most. */
static void
hash_alike(qs_sha_kernel_t const *kernel, u32 prefix_sz, qs_merkle_hash_t *leaf,
           qs_merkle_text_t const *text, u32 cnt)
{
    u8 first[QS_SHA_LANE_MAX][2 * BLOCK_SZ], last[QS_SHA_LANE_MAX][3 * BLOCK_SZ];
    u8 *out[QS_SHA_LANE_MAX];
    u64 head = BLOCK_SZ - prefix_sz; /* bytes of the text in the first block */
    u64 whole = (prefix_sz + text[0].sz) / BLOCK_SZ;
    run_t run[3]; /* cleared it would cost as much as a block */
    run[0].block_cnt = 1;
    run[1].block_cnt = whole - 1;
    for (u32 l = 0; l < cnt; l++) {
        u8 const *data = text[l].data;
        begin(first[l], prefix_sz, &text[l]);
        run[2].block_cnt = end(last[l], &text[l], prefix_sz + text[l].sz);
        run[0].data[l] = first[l];
        run[1].data[l] = data + head;
        run[2].data[l] = last[l] + BLOCK_SZ;
        out[l] = leaf[l].byte;
    }
    hash_runs(kernel, run, 3, cnt, out);
}

/* hash_leaf is for texts that do not fill the first block. */
static void
hash_leaf(u32 prefix_sz, qs_merkle_hash_t *leaf, qs_merkle_text_t const *text)
{
    qs_sha_msg_t msg = {
        .out = leaf->byte,
        .part = {{leaf_prefix, prefix_sz}, {text->data, text->sz}},
    };
    qs_sha256_batch(&msg, 1);
}

void
qs_merkle_leaves_with(u32 prefix_sz, qs_merkle_hash_t *leaf, qs_merkle_text_t const *text, u32 cnt)
{
    qs_sha_kernel_t const *kernel = qs_sha256_kernel();
    for (u32 i = 0, n; i < cnt; i += n) {
        u64 sz = prefix_sz + text[i].sz;
        for (n = 1; i + n < cnt && n < kernel->lanes && alike(prefix_sz + text[i + n].sz, sz);)
            n++;
        if (sz >= BLOCK_SZ)
            hash_alike(kernel, prefix_sz, leaf + i, text + i, n);
        else
            for (u32 l = 0; l < n; l++)
                hash_leaf(prefix_sz, leaf + i + l, text + i + l);
    }
}

void
qs_merkle_leaves(qs_merkle_hash_t *leaf, qs_merkle_text_t const *text, u32 cnt)
{
    qs_merkle_leaves_with(QS_MERKLE_PREFIX_SZ, leaf, text, cnt);
}

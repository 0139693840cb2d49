#include "waltz/crypto/qs_chacha.h"

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_chacha_kernels.h"

#define LANE_MAX 16u

QS_INLINE u32
rol(u32 x, u32 by)
{
    return x << by | x >> (32 - by);
}

QS_INLINE void
quarter_round(u32 x[16], u32 a, u32 b, u32 c, u32 d)
{
    x[a] += x[b], x[d] = rol(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rol(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rol(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rol(x[b] ^ x[c], 7);
}

static void
blocks_c(u8 *out, u32 const word[16], u32 round_cnt)
{
    u32 x[16];
    memcpy(x, word, sizeof(x));
    for (u32 round = 0; round < round_cnt; round += 2) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (u32 i = 0; i < 16; i++)
        qs_store_le32(out + 4 * i, x[i] + word[i]);
}

/* clang-format off */
qs_chacha_kernel_t const qs_chacha_kernels[] = {
/*    name      needs             lanes  blocks                  */
    { "c",      0,                    1, blocks_c                },
#if defined(__x86_64__)
    { "avx2",   QS_CPU_NEED_AVX2,     8, qs_chacha_blocks_avx2   },
    { "avx512", QS_CPU_NEED_AVX512,  16, qs_chacha_blocks_avx512 },
#endif
};
/* clang-format on */

u32 const qs_chacha_kernel_cnt = QS_COUNT(qs_chacha_kernels);

qs_chacha_kernel_t const *
qs_chacha_kernel(void)
{
    u32 i = QS_COUNT(qs_chacha_kernels) - 1;
    while (!qs_cpu_has(qs_chacha_kernels[i].needs))
        i--;
    return &qs_chacha_kernels[i];
}

void
qs_chacha_init(qs_chacha_t *chacha, u8 const key[QS_CHACHA_KEY_SZ], u64 block_idx, u64 stream,
               u32 round_cnt)
{
    u32 *w = chacha->word;
    w[0] = 0x61707865, w[1] = 0x3320646e, w[2] = 0x79622d32, w[3] = 0x6b206574;
    for (u32 i = 0; i < 8; i++)
        w[4 + i] = qs_load_le32(key + 4 * i);
    w[12] = (u32)block_idx, w[13] = (u32)(block_idx >> 32);
    w[14] = (u32)stream, w[15] = (u32)(stream >> 32);
    chacha->round_cnt = round_cnt;
}

static void
advance(qs_chacha_t *chacha, u64 block_cnt)
{
    u64 block_idx = (chacha->word[12] | (u64)chacha->word[13] << 32) + block_cnt;
    chacha->word[12] = (u32)block_idx;
    chacha->word[13] = (u32)(block_idx >> 32);
}

void
qs_chacha_keystream_with(qs_chacha_kernel_t const *kernel, qs_chacha_t *chacha, u8 *out,
                         u64 block_cnt)
{
    u32 lanes = kernel->lanes;
    for (; block_cnt >= lanes; block_cnt -= lanes, out += lanes * QS_CHACHA_BLOCK_SZ) {
        kernel->blocks(out, chacha->word, chacha->round_cnt);
        advance(chacha, lanes);
    }
    if (block_cnt == 1) {
        blocks_c(out, chacha->word, chacha->round_cnt);
    } else if (block_cnt) {
        u8 whole[LANE_MAX * QS_CHACHA_BLOCK_SZ];
        kernel->blocks(whole, chacha->word, chacha->round_cnt);
        memcpy(out, whole, block_cnt * QS_CHACHA_BLOCK_SZ);
    }
    advance(chacha, block_cnt);
}

void
qs_chacha_keystream(qs_chacha_t *chacha, u8 *out, u64 block_cnt)
{
    qs_chacha_keystream_with(qs_chacha_kernel(), chacha, out, block_cnt);
}

void
qs_chacha_rng_init(qs_chacha_rng_t *rng, u8 const seed[QS_CHACHA_KEY_SZ], u32 round_cnt)
{
    qs_chacha_init(&rng->chacha, seed, 0, 0, round_cnt);
    rng->used = sizeof(rng->ahead);
}

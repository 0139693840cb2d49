/* ChaCha, eight consecutive blocks at a time: lane l of register i is word i of block l. */

#include <immintrin.h>

#include "waltz/crypto/qs_chacha_kernels.h"

QS_INLINE __m256i
rol16(__m256i x)
{
    return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                      13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2)));
}

QS_INLINE __m256i
rol8(__m256i x)
{
    return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                      14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3)));
}

QS_INLINE __m256i
rol(__m256i x, int by)
{
    return _mm256_or_si256(_mm256_slli_epi32(x, by), _mm256_srli_epi32(x, 32 - by));
}

QS_INLINE void
quarter_round(__m256i x[16], u32 a, u32 b, u32 c, u32 d)
{
    x[a] = _mm256_add_epi32(x[a], x[b]);
    x[d] = rol16(_mm256_xor_si256(x[d], x[a]));
    x[c] = _mm256_add_epi32(x[c], x[d]);
    x[b] = rol(_mm256_xor_si256(x[b], x[c]), 12);
    x[a] = _mm256_add_epi32(x[a], x[b]);
    x[d] = rol8(_mm256_xor_si256(x[d], x[a]));
    x[c] = _mm256_add_epi32(x[c], x[d]);
    x[b] = rol(_mm256_xor_si256(x[b], x[c]), 7);
}

/* first_state spreads the words over the lanes and numbers the blocks. */
QS_INLINE void
first_state(__m256i x[16], u32 const word[16])
{
    for (u32 i = 0; i < 16; i++)
        x[i] = _mm256_set1_epi32((int)word[i]);
    __m256i lane = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    __m256i lo = _mm256_add_epi32(x[12], lane);
    /* AVX2 compares signed numbers only, so "lo is at least what it was" is told by max. */
    __m256i kept = _mm256_cmpeq_epi32(_mm256_max_epu32(lo, x[12]), lo);
    x[12] = lo;
    x[13] = _mm256_add_epi32(_mm256_add_epi32(x[13], _mm256_set1_epi32(1)), kept);
}

/* store_halves writes words 0 to 7 of each block, x being those, at out + 64 * block. */
QS_INLINE void
store_halves(u8 *out, __m256i x[8])
{
    __m256i p[8];
    for (u32 i = 0; i < 8; i += 2) {
        p[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
        p[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (u32 i = 0; i < 8; i += 4) { /* x[i + k]: words i to i + 3 of blocks k, k + 4 */
        x[i] = _mm256_unpacklo_epi64(p[i], p[i + 2]);
        x[i + 1] = _mm256_unpackhi_epi64(p[i], p[i + 2]);
        x[i + 2] = _mm256_unpacklo_epi64(p[i + 1], p[i + 3]);
        x[i + 3] = _mm256_unpackhi_epi64(p[i + 1], p[i + 3]);
    }
    for (u32 k = 0; k < 4; k++) {
        __m256i *low = (__m256i *)(void *)(out + 64 * k);
        __m256i *high = (__m256i *)(void *)(out + 64 * (k + 4));
        _mm256_storeu_si256(low, _mm256_permute2x128_si256(x[k], x[k + 4], 0x20));
        _mm256_storeu_si256(high, _mm256_permute2x128_si256(x[k], x[k + 4], 0x31));
    }
}

void
qs_chacha_blocks_avx2(u8 *out, u32 const word[16], u32 round_cnt)
{
    __m256i x[16], first[16];
    first_state(x, word);
    memcpy(first, x, sizeof(x));
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
        x[i] = _mm256_add_epi32(x[i], first[i]);
    store_halves(out, x);
    store_halves(out + 32, x + 8);
}

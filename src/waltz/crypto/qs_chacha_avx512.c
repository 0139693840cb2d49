/* ChaCha, sixteen consecutive blocks at a time: lane l of register i is word i of block l. */

#include <immintrin.h>

#include "waltz/crypto/qs_chacha_kernels.h"

QS_INLINE void
quarter_round(__m512i x[16], u32 a, u32 b, u32 c, u32 d)
{
    x[a] = _mm512_add_epi32(x[a], x[b]);
    x[d] = _mm512_rol_epi32(_mm512_xor_si512(x[d], x[a]), 16);
    x[c] = _mm512_add_epi32(x[c], x[d]);
    x[b] = _mm512_rol_epi32(_mm512_xor_si512(x[b], x[c]), 12);
    x[a] = _mm512_add_epi32(x[a], x[b]);
    x[d] = _mm512_rol_epi32(_mm512_xor_si512(x[d], x[a]), 8);
    x[c] = _mm512_add_epi32(x[c], x[d]);
    x[b] = _mm512_rol_epi32(_mm512_xor_si512(x[b], x[c]), 7);
}

/* first_state spreads the words over the lanes and numbers the blocks. */
QS_INLINE void
first_state(__m512i x[16], u32 const word[16])
{
    for (u32 i = 0; i < 16; i++)
        x[i] = _mm512_set1_epi32((int)word[i]);
    __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i lo = _mm512_add_epi32(x[12], lane);
    __mmask16 carry = _mm512_cmplt_epu32_mask(lo, x[12]);
    x[12] = lo;
    x[13] = _mm512_mask_add_epi32(x[13], carry, x[13], _mm512_set1_epi32(1));
}

/* store_blocks turns words of lanes into blocks. */
QS_INLINE void
store_blocks(u8 *out, __m512i x[16])
{
    __m512i p[16];
    for (u32 i = 0; i < 16; i += 2) {
        p[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        p[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (u32 i = 0; i < 16; i += 4) { /* x[i + k]: words i to i + 3 of blocks k, k + 4, .. */
        x[i] = _mm512_unpacklo_epi64(p[i], p[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(p[i], p[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(p[i + 1], p[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(p[i + 1], p[i + 3]);
    }
    for (u32 k = 0; k < 4; k++) {
        p[0] = _mm512_shuffle_i32x4(x[k], x[k + 4], 0x88); /* of blocks k and k + 8 */
        p[1] = _mm512_shuffle_i32x4(x[k], x[k + 4], 0xdd);
        p[2] = _mm512_shuffle_i32x4(x[k + 8], x[k + 12], 0x88);
        p[3] = _mm512_shuffle_i32x4(x[k + 8], x[k + 12], 0xdd);
        _mm512_storeu_si512(out + 64 * k, _mm512_shuffle_i32x4(p[0], p[2], 0x88));
        _mm512_storeu_si512(out + 64 * (k + 4), _mm512_shuffle_i32x4(p[1], p[3], 0x88));
        _mm512_storeu_si512(out + 64 * (k + 8), _mm512_shuffle_i32x4(p[0], p[2], 0xdd));
        _mm512_storeu_si512(out + 64 * (k + 12), _mm512_shuffle_i32x4(p[1], p[3], 0xdd));
    }
}

void
qs_chacha_blocks_avx512(u8 *out, u32 const word[16], u32 round_cnt)
{
    __m512i x[16], first[16];
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
        x[i] = _mm512_add_epi32(x[i], first[i]);
    store_blocks(out, x);
}

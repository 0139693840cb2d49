/* SHA-256 of sixteen messages at a time: lane l of a register is message l's word.  One
   instruction rotates (vprord), one computes any function of three inputs (vpternlogd). */

#include <immintrin.h>

#include "waltz/crypto/qs_sha256_rounds.h"

/* Truth tables for vpternlogd. */
#define XOR3     0x96
#define CHOOSE   0xca
#define MAJORITY 0xe8

QS_INLINE __m512i
sum0(__m512i x)
{
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13),
                                     _mm512_ror_epi32(x, 22), XOR3);
}

QS_INLINE __m512i
sum1(__m512i x)
{
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11),
                                     _mm512_ror_epi32(x, 25), XOR3);
}

QS_INLINE __m512i
sigma0(__m512i x)
{
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18),
                                     _mm512_srli_epi32(x, 3), XOR3);
}

QS_INLINE __m512i
sigma1(__m512i x)
{
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19),
                                     _mm512_srli_epi32(x, 10), XOR3);
}

/* round_at is round i.  Instead of moving a..h down by one, it finds a at s[-i mod 8]. */
QS_INLINE void
round_at(__m512i s[8], __m512i const w[16], u32 const *k, u32 i)
{
    __m512i a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    __m512i e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    __m512i kw = _mm512_add_epi32(w[i], _mm512_set1_epi32((int)k[i]));
    __m512i t = _mm512_add_epi32(s[(7 - i) & 7], kw);
    t = _mm512_add_epi32(t, _mm512_ternarylogic_epi32(e, f, g, CHOOSE));
    t = _mm512_add_epi32(t, sum1(e));
    s[(3 - i) & 7] = _mm512_add_epi32(s[(3 - i) & 7], t);
    t = _mm512_add_epi32(t, _mm512_ternarylogic_epi32(a, b, c, MAJORITY));
    s[(7 - i) & 7] = _mm512_add_epi32(t, sum0(a));
}

/* extend replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
extend(__m512i w[16], u32 i)
{
    __m512i near = _mm512_add_epi32(sigma0(w[(i + 1) & 15]), w[(i + 9) & 15]);
    w[i] = _mm512_add_epi32(_mm512_add_epi32(w[i], near), sigma1(w[(i + 14) & 15]));
}

/* load_words makes w[j] the lanes' word j, from the sixteen words of each lane at data[l] + off. */
QS_INLINE void
load_words(__m512i w[16], u8 const *const *data, u64 off)
{
    __m512i const swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    __m512i r[16], p[16];
    for (u32 l = 0; l < 16; l++)
        r[l] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[l] + off), swap);
    for (u32 l = 0; l < 16; l += 2) {
        p[l] = _mm512_unpacklo_epi32(r[l], r[l + 1]); /* words 0 1 of each four, of two lanes */
        p[l + 1] = _mm512_unpackhi_epi32(r[l], r[l + 1]);
    }
    for (u32 l = 0; l < 16; l += 4) {
        r[l] = _mm512_unpacklo_epi64(p[l], p[l + 2]); /* words 0 4 8 12 of four lanes */
        r[l + 1] = _mm512_unpackhi_epi64(p[l], p[l + 2]);
        r[l + 2] = _mm512_unpacklo_epi64(p[l + 1], p[l + 3]);
        r[l + 3] = _mm512_unpackhi_epi64(p[l + 1], p[l + 3]);
    }
    for (u32 j = 0; j < 4; j++) {
        p[j] = _mm512_shuffle_i32x4(r[j], r[j + 4], 0x88); /* words j, j + 8 of eight lanes */
        p[j + 4] = _mm512_shuffle_i32x4(r[j], r[j + 4], 0xdd);
        p[j + 8] = _mm512_shuffle_i32x4(r[j + 8], r[j + 12], 0x88);
        p[j + 12] = _mm512_shuffle_i32x4(r[j + 8], r[j + 12], 0xdd);
    }
    for (u32 j = 0; j < 8; j++) {
        w[j] = _mm512_shuffle_i32x4(p[j], p[j + 8], 0x88);
        w[j + 8] = _mm512_shuffle_i32x4(p[j], p[j + 8], 0xdd);
    }
}

void
qs_sha256_many_avx512(void *state, u8 const *const *data, u64 block_cnt)
{
    __m512i *h = state;
    for (u64 off = 0; off < block_cnt * 64; off += 64) {
        __m512i s[8], w[16];
        memcpy(s, h, sizeof(s));
        load_words(w, data, off);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            round_at(s, w, qs_sha256_k, j);
        for (u32 i = 16; i < 64; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                extend(w, j);
                round_at(s, w, qs_sha256_k + i, j);
            }
        }
        for (u32 j = 0; j < 8; j++)
            h[j] = _mm512_add_epi32(h[j], s[j]);
    }
}

/* SHA-512 of eight messages at a time: lane l of a register is message l's word.  One
   instruction rotates (vprorq), one computes any function of three inputs (vpternlogq). */

#include <immintrin.h>

#include "waltz/crypto/qs_sha512_rounds.h"

/* Truth tables for vpternlogq. */
#define XOR3     0x96
#define CHOOSE   0xca
#define MAJORITY 0xe8

QS_INLINE __m512i
sum0(__m512i x)
{
    return _mm512_ternarylogic_epi64(_mm512_ror_epi64(x, 28), _mm512_ror_epi64(x, 34),
                                     _mm512_ror_epi64(x, 39), XOR3);
}

QS_INLINE __m512i
sum1(__m512i x)
{
    return _mm512_ternarylogic_epi64(_mm512_ror_epi64(x, 14), _mm512_ror_epi64(x, 18),
                                     _mm512_ror_epi64(x, 41), XOR3);
}

QS_INLINE __m512i
sigma0(__m512i x)
{
    return _mm512_ternarylogic_epi64(_mm512_ror_epi64(x, 1), _mm512_ror_epi64(x, 8),
                                     _mm512_srli_epi64(x, 7), XOR3);
}

QS_INLINE __m512i
sigma1(__m512i x)
{
    return _mm512_ternarylogic_epi64(_mm512_ror_epi64(x, 19), _mm512_ror_epi64(x, 61),
                                     _mm512_srli_epi64(x, 6), XOR3);
}

/* round_at is round i.  Instead of moving a..h down by one, it finds a at s[-i mod 8]. */
QS_INLINE void
round_at(__m512i s[8], __m512i const w[16], u64 const *k, u32 i)
{
    __m512i a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    __m512i e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    __m512i kw = _mm512_add_epi64(w[i], _mm512_set1_epi64((long long)k[i]));
    __m512i t = _mm512_add_epi64(s[(7 - i) & 7], kw);
    t = _mm512_add_epi64(t, _mm512_ternarylogic_epi64(e, f, g, CHOOSE));
    t = _mm512_add_epi64(t, sum1(e));
    s[(3 - i) & 7] = _mm512_add_epi64(s[(3 - i) & 7], t);
    t = _mm512_add_epi64(t, _mm512_ternarylogic_epi64(a, b, c, MAJORITY));
    s[(7 - i) & 7] = _mm512_add_epi64(t, sum0(a));
}

/* extend replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
extend(__m512i w[16], u32 i)
{
    __m512i near = _mm512_add_epi64(sigma0(w[(i + 1) & 15]), w[(i + 9) & 15]);
    w[i] = _mm512_add_epi64(_mm512_add_epi64(w[i], near), sigma1(w[(i + 14) & 15]));
}

/* load_words makes w[j] the lanes' word j, from eight words of each lane at data[l] + off. */
QS_INLINE void
load_words(__m512i w[8], u8 const *const *data, u64 off)
{
    __m512i const swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    __m512i r[8], p[8], q[8];
    for (u32 l = 0; l < 8; l++)
        r[l] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[l] + off), swap);
    for (u32 l = 0; l < 8; l += 2) {
        p[l] = _mm512_unpacklo_epi64(r[l], r[l + 1]); /* words 0 2 4 6 of two lanes */
        p[l + 1] = _mm512_unpackhi_epi64(r[l], r[l + 1]);
    }
    for (u32 j = 0; j < 2; j++) {
        q[j] = _mm512_shuffle_i64x2(p[j], p[j + 2], 0x88); /* words j, j + 4 of four lanes */
        q[j + 2] = _mm512_shuffle_i64x2(p[j], p[j + 2], 0xdd);
        q[j + 4] = _mm512_shuffle_i64x2(p[j + 4], p[j + 6], 0x88);
        q[j + 6] = _mm512_shuffle_i64x2(p[j + 4], p[j + 6], 0xdd);
    }
    for (u32 j = 0; j < 4; j++) {
        w[j] = _mm512_shuffle_i64x2(q[j], q[j + 4], 0x88);
        w[j + 4] = _mm512_shuffle_i64x2(q[j], q[j + 4], 0xdd);
    }
}

void
qs_sha512_many_avx512(void *state, u8 const *const *data, u64 block_cnt)
{
    __m512i *h = state;
    for (u64 off = 0; off < block_cnt * 128; off += 128) {
        __m512i s[8], w[16];
        memcpy(s, h, sizeof(s));
        load_words(w, data, off);
        load_words(w + 8, data, off + 64);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            round_at(s, w, qs_sha512_k, j);
        for (u32 i = 16; i < 80; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                extend(w, j);
                round_at(s, w, qs_sha512_k + i, j);
            }
        }
        for (u32 j = 0; j < 8; j++)
            h[j] = _mm512_add_epi64(h[j], s[j]);
    }
}

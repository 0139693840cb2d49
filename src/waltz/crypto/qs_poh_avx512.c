/* Sixteen chains side by side: lane l of a register is chain l's word.  One instruction rotates
   (vprord), one computes any function of three inputs (vpternlogd). */

#include <immintrin.h>

#include "waltz/crypto/qs_poh_rounds.h"
#include "waltz/crypto/qs_sha256.h"

/* Truth tables for vpternlogd. */
#define XOR3     0x96
#define CHOOSE   0xca
#define MAJORITY 0xe8

#define ROR3_(x, a, b, c)                                                                          \
    _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, a), _mm512_ror_epi32(x, b), c, XOR3)

QS_INLINE __m512i
sigma0(__m512i x)
{
    return ROR3_(x, 7, 18, _mm512_srli_epi32(x, 3));
}

QS_INLINE __m512i
sigma1(__m512i x)
{
    return ROR3_(x, 17, 19, _mm512_srli_epi32(x, 10));
}

QS_INLINE __m512i
all(u32 x)
{
    return _mm512_set1_epi32((int)x);
}

/* round_at is round i, with the sum of word and round constant.  Instead of moving a..h down by
   one, it finds a at s[-i mod 8]. */
QS_INLINE void
round_at(__m512i s[8], __m512i kw, u32 i)
{
    __m512i a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    __m512i e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    __m512i t = _mm512_add_epi32(s[(7 - i) & 7], kw);
    t = _mm512_add_epi32(t, _mm512_ternarylogic_epi32(e, f, g, CHOOSE));
    t = _mm512_add_epi32(t, ROR3_(e, 6, 11, _mm512_ror_epi32(e, 25)));
    s[(3 - i) & 7] = _mm512_add_epi32(s[(3 - i) & 7], t);
    t = _mm512_add_epi32(t, _mm512_ternarylogic_epi32(a, b, c, MAJORITY));
    s[(7 - i) & 7] = _mm512_add_epi32(t, ROR3_(a, 2, 13, _mm512_ror_epi32(a, 22)));
}

/* extend_first makes word 16 + i of word i and others, of which some are the padding's. */
QS_INLINE void
extend_first(__m512i w[16], u32 i)
{
    __m512i sum = all(qs_poh_known_(i));
    if (i < 8)
        sum = _mm512_add_epi32(sum, w[i]);
    if (i + 1 < 8 || i + 1 == 16)
        sum = _mm512_add_epi32(sum, sigma0(w[(i + 1) & 15]));
    if (i + 9 >= 16)
        sum = _mm512_add_epi32(sum, w[(i + 9) & 15]);
    if (i + 14 >= 16)
        sum = _mm512_add_epi32(sum, sigma1(w[(i + 14) & 15]));
    w[i] = sum;
}

/* extend replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
extend(__m512i w[16], u32 i)
{
    __m512i near = _mm512_add_epi32(sigma0(w[(i + 1) & 15]), w[(i + 9) & 15]);
    w[i] = _mm512_add_epi32(_mm512_add_epi32(w[i], near), sigma1(w[(i + 14) & 15]));
}

void
qs_poh_iterate_avx512(u32 *state, u64 n)
{
    u32 const *k = qs_sha256_k;
    __m512i w[16], s[8];

    for (u32 j = 0; j < 8; j++)
        w[j] = _mm512_load_si512(state + 16 * j);
    for (; n; n--) {
        for (u32 j = 0; j < 8; j++)
            s[j] = all(qs_sha256_iv[j]);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            round_at(s, j < 8 ? _mm512_add_epi32(w[j], all(k[j])) : all(k[j] + qs_poh_pad_(j)), j);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++) {
            extend_first(w, j);
            round_at(s, _mm512_add_epi32(w[j], all(k[16 + j])), j);
        }
        for (u32 i = 32; i < 64; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                extend(w, j);
                round_at(s, _mm512_add_epi32(w[j], all(k[i + j])), j);
            }
        }
        for (u32 j = 0; j < 8; j++)
            w[j] = _mm512_add_epi32(s[j], all(qs_sha256_iv[j]));
    }
    for (u32 j = 0; j < 8; j++)
        _mm512_store_si512(state + 16 * j, w[j]);
}

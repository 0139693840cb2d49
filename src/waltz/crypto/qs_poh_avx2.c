/* Eight chains side by side: lane l of a register is chain l's word. */

#include <immintrin.h>

#include "waltz/crypto/qs_poh_rounds.h"
#include "waltz/crypto/qs_sha256.h"

QS_INLINE __m256i
xor3(__m256i x, __m256i y, __m256i z)
{
    return _mm256_xor_si256(_mm256_xor_si256(x, y), z);
}

QS_INLINE __m256i
ror(__m256i x, int by)
{
    return _mm256_or_si256(_mm256_srli_epi32(x, by), _mm256_slli_epi32(x, 32 - by));
}

QS_INLINE __m256i
sigma0(__m256i x)
{
    return xor3(ror(x, 7), ror(x, 18), _mm256_srli_epi32(x, 3));
}

QS_INLINE __m256i
sigma1(__m256i x)
{
    return xor3(ror(x, 17), ror(x, 19), _mm256_srli_epi32(x, 10));
}

QS_INLINE __m256i
all(u32 x)
{
    return _mm256_set1_epi32((int)x);
}

/* round_at is round i, with the sum of word and round constant.  Instead of moving a..h down by
   one, it finds a at s[-i mod 8]. */
QS_INLINE void
round_at(__m256i s[8], __m256i kw, u32 i)
{
    __m256i a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    __m256i e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    __m256i choose = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
    __m256i majority =
        _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
    __m256i t = _mm256_add_epi32(_mm256_add_epi32(s[(7 - i) & 7], kw), choose);
    t = _mm256_add_epi32(t, xor3(ror(e, 6), ror(e, 11), ror(e, 25)));
    s[(3 - i) & 7] = _mm256_add_epi32(s[(3 - i) & 7], t);
    t = _mm256_add_epi32(t, majority);
    s[(7 - i) & 7] = _mm256_add_epi32(t, xor3(ror(a, 2), ror(a, 13), ror(a, 22)));
}

/* extend_first makes word 16 + i of word i and others, of which some are the padding's. */
QS_INLINE void
extend_first(__m256i w[16], u32 i)
{
    __m256i sum = all(qs_poh_known_(i));
    if (i < 8)
        sum = _mm256_add_epi32(sum, w[i]);
    if (i + 1 < 8 || i + 1 == 16)
        sum = _mm256_add_epi32(sum, sigma0(w[(i + 1) & 15]));
    if (i + 9 >= 16)
        sum = _mm256_add_epi32(sum, w[(i + 9) & 15]);
    if (i + 14 >= 16)
        sum = _mm256_add_epi32(sum, sigma1(w[(i + 14) & 15]));
    w[i] = sum;
}

/* extend replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
extend(__m256i w[16], u32 i)
{
    __m256i near = _mm256_add_epi32(sigma0(w[(i + 1) & 15]), w[(i + 9) & 15]);
    w[i] = _mm256_add_epi32(_mm256_add_epi32(w[i], near), sigma1(w[(i + 14) & 15]));
}

void
qs_poh_iterate_avx2(u32 *state, u64 n)
{
    u32 const *k = qs_sha256_k;
    __m256i w[16], s[8];

    for (u32 j = 0; j < 8; j++)
        w[j] = _mm256_load_si256((__m256i const *)(void const *)(state + 8 * j));
    for (; n; n--) {
        for (u32 j = 0; j < 8; j++)
            s[j] = all(qs_sha256_iv[j]);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            round_at(s, j < 8 ? _mm256_add_epi32(w[j], all(k[j])) : all(k[j] + qs_poh_pad_(j)), j);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++) {
            extend_first(w, j);
            round_at(s, _mm256_add_epi32(w[j], all(k[16 + j])), j);
        }
        for (u32 i = 32; i < 64; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                extend(w, j);
                round_at(s, _mm256_add_epi32(w[j], all(k[i + j])), j);
            }
        }
        for (u32 j = 0; j < 8; j++)
            w[j] = _mm256_add_epi32(s[j], all(qs_sha256_iv[j]));
    }
    for (u32 j = 0; j < 8; j++)
        _mm256_store_si256((__m256i *)(void *)(state + 8 * j), w[j]);
}

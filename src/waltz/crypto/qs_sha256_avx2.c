/* SHA-256 of eight messages at a time: lane l of a register is message l's word. */

#include <immintrin.h>

#include "waltz/crypto/qs_sha256_rounds.h"

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

/* round_at is round i.  Instead of moving a..h down by one, it finds a at s[-i mod 8]. */
QS_INLINE void
round_at(__m256i s[8], __m256i const w[16], u32 const *k, u32 i)
{
    __m256i a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    __m256i e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    __m256i choose = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
    __m256i majority =
        _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
    __m256i kw = _mm256_add_epi32(w[i], _mm256_set1_epi32((int)k[i]));
    __m256i t = _mm256_add_epi32(_mm256_add_epi32(s[(7 - i) & 7], kw), choose);
    t = _mm256_add_epi32(t, xor3(ror(e, 6), ror(e, 11), ror(e, 25)));
    s[(3 - i) & 7] = _mm256_add_epi32(s[(3 - i) & 7], t);
    t = _mm256_add_epi32(t, majority);
    s[(7 - i) & 7] = _mm256_add_epi32(t, xor3(ror(a, 2), ror(a, 13), ror(a, 22)));
}

/* extend replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
extend(__m256i w[16], u32 i)
{
    __m256i x = w[(i + 1) & 15], y = w[(i + 14) & 15];
    __m256i sigma0 = xor3(ror(x, 7), ror(x, 18), _mm256_srli_epi32(x, 3));
    __m256i sigma1 = xor3(ror(y, 17), ror(y, 19), _mm256_srli_epi32(y, 10));
    __m256i near = _mm256_add_epi32(sigma0, w[(i + 9) & 15]);
    w[i] = _mm256_add_epi32(_mm256_add_epi32(w[i], near), sigma1);
}

/* load_words makes w[j] the lanes' word j, from eight words of each lane at data[l] + off. */
QS_INLINE void
load_words(__m256i w[8], u8 const *const *data, u64 off)
{
    __m256i const swap = _mm256_broadcastsi128_si256(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    __m256i r[8], p[8];
    for (u32 l = 0; l < 8; l++)
        r[l] = _mm256_shuffle_epi8(_mm256_loadu_si256((__m256i const *)(data[l] + off)), swap);
    for (u32 l = 0; l < 8; l += 2) {
        p[l] = _mm256_unpacklo_epi32(r[l], r[l + 1]); /* words 0 1 4 5 of two lanes */
        p[l + 1] = _mm256_unpackhi_epi32(r[l], r[l + 1]);
    }
    for (u32 l = 0; l < 8; l += 4) {
        r[l] = _mm256_unpacklo_epi64(p[l], p[l + 2]); /* words 0 4 of four lanes */
        r[l + 1] = _mm256_unpackhi_epi64(p[l], p[l + 2]);
        r[l + 2] = _mm256_unpacklo_epi64(p[l + 1], p[l + 3]);
        r[l + 3] = _mm256_unpackhi_epi64(p[l + 1], p[l + 3]);
    }
    for (u32 j = 0; j < 4; j++) {
        w[j] = _mm256_permute2x128_si256(r[j], r[j + 4], 0x20);
        w[j + 4] = _mm256_permute2x128_si256(r[j], r[j + 4], 0x31);
    }
}

void
qs_sha256_many_avx2(void *state, u8 const *const *data, u64 block_cnt)
{
    __m256i *h = state;
    for (u64 off = 0; off < block_cnt * 64; off += 64) {
        __m256i s[8], w[16];
        memcpy(s, h, sizeof(s));
        for (u32 j = 0; j < 16; j += 8)
            load_words(w + j, data, off + 4 * j);
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
            h[j] = _mm256_add_epi32(h[j], s[j]);
    }
}

void
qs_sha256_one_avx2(void *state, u8 const *data, u64 block_cnt)
{
    qs_sha256_one_(state, data, block_cnt);
}

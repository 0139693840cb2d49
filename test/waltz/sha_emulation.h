/* sha_emulation.h - the SHA-256 instructions, and the two of SSSE3 that their kernel uses, in C, as
   Intel's manual (volume 2) defines them.  A vector is four u32, the lowest first.

   Included between <immintrin.h> and the kernel, it takes the names of the intrinsics. */

#ifndef QS_TEST_WALTZ_SHA_EMULATION_H
#define QS_TEST_WALTZ_SHA_EMULATION_H

#include <immintrin.h>

#include "tango/base/qs_base.h"

static inline u32
emu_ror(u32 x, u32 by)
{
    return x >> by | x << (32 - by);
}

static inline __m128i
emu_rnds2(__m128i src1, __m128i src2, __m128i wk)
{
    u32 cdgh[4], abef[4], w[4];
    memcpy(cdgh, &src1, 16);
    memcpy(abef, &src2, 16);
    memcpy(w, &wk, 16);
    u32 a = abef[3], b = abef[2], c = cdgh[3], d = cdgh[2];
    u32 e = abef[1], f = abef[0], g = cdgh[1], h = cdgh[0];
    for (u32 i = 0; i < 2; i++) {
        u32 t = ((e & f) ^ (~e & g)) + (emu_ror(e, 6) ^ emu_ror(e, 11) ^ emu_ror(e, 25)) + w[i] + h;
        u32 u = ((a & b) ^ (a & c) ^ (b & c)) + (emu_ror(a, 2) ^ emu_ror(a, 13) ^ emu_ror(a, 22));
        h = g, g = f, f = e, e = d + t;
        d = c, c = b, b = a, a = t + u;
    }
    return _mm_set_epi32((int)a, (int)b, (int)e, (int)f);
}

static inline __m128i
emu_msg1(__m128i src1, __m128i src2)
{
    u32 w[5], next[4];
    memcpy(w, &src1, 16);
    memcpy(next, &src2, 16);
    w[4] = next[0];
    for (u32 i = 0; i < 4; i++)
        w[i] += emu_ror(w[i + 1], 7) ^ emu_ror(w[i + 1], 18) ^ w[i + 1] >> 3;
    return _mm_set_epi32((int)w[3], (int)w[2], (int)w[1], (int)w[0]);
}

static inline __m128i
emu_msg2(__m128i src1, __m128i src2)
{
    u32 w[6]; /* words 14 to 19 */
    u32 last[4];
    memcpy(w + 2, &src1, 16);
    memcpy(last, &src2, 16);
    w[0] = last[2], w[1] = last[3];
    for (u32 i = 2; i < 6; i++)
        w[i] += emu_ror(w[i - 2], 17) ^ emu_ror(w[i - 2], 19) ^ w[i - 2] >> 10;
    return _mm_set_epi32((int)w[5], (int)w[4], (int)w[3], (int)w[2]);
}

static inline __m128i
emu_shuffle(__m128i src, __m128i control)
{
    u8 from[16], by[16], to[16];
    memcpy(from, &src, 16);
    memcpy(by, &control, 16);
    for (u32 i = 0; i < 16; i++)
        to[i] = by[i] & 0x80 ? 0 : from[by[i] & 15];
    return _mm_loadu_si128((__m128i const *)(void const *)to);
}

static inline __m128i
emu_alignr(__m128i hi, __m128i lo, u32 by)
{
    u8 both[48] = {0};
    memcpy(both, &lo, 16);
    memcpy(both + 16, &hi, 16);
    return _mm_loadu_si128((__m128i const *)(void const *)(both + by));
}

#undef _mm_sha256rnds2_epu32
#undef _mm_sha256msg1_epu32
#undef _mm_sha256msg2_epu32
#undef _mm_shuffle_epi8
#undef _mm_alignr_epi8
#define _mm_sha256rnds2_epu32 emu_rnds2
#define _mm_sha256msg1_epu32  emu_msg1
#define _mm_sha256msg2_epu32  emu_msg2
#define _mm_shuffle_epi8      emu_shuffle
#define _mm_alignr_epi8       emu_alignr

#endif

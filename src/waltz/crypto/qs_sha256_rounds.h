/* qs_sha256_rounds.h - SHA-256's constants, and its compression in plain C, which is compiled
   twice: without special flags, and in qs_sha256_avx2.c with BMI2's three-operand rotation.
   Private to qs_sha256*.c.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SHA256_ROUNDS_H
#define QS_WALTZ_CRYPTO_SHA256_ROUNDS_H

#include "tango/base/qs_bits.h"

/* FIPS 180-4, 4.2.2 */
extern u32 const qs_sha256_k[64];

#if defined(__x86_64__)
void qs_sha256_one_avx2(void *state, u8 const *data, u64 block_cnt);
void qs_sha256_many_avx2(void *state, u8 const *const *data, u64 block_cnt);
void qs_sha256_many_avx512(void *state, u8 const *const *data, u64 block_cnt);
void qs_sha256_one_shani(void *state, u8 const *data, u64 block_cnt);
void qs_sha256_many_shani(void *state, u8 const *const *data, u64 block_cnt);
void qs_sha256_many_shani_avx512(void *state, u8 const *const *data, u64 block_cnt);
#endif

QS_INLINE u32
qs_sha256_ror_(u32 x, u32 by)
{
    return x >> by | x << (32 - by);
}

/* qs_sha256_round_ is round i.  Instead of moving a..h down by one, it finds a at s[-i mod 8]. */
QS_INLINE void
qs_sha256_round_(u32 s[8], u32 const w[16], u32 const *k, u32 i)
{
    u32 a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    u32 e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    u32 sum1 = qs_sha256_ror_(e, 6) ^ qs_sha256_ror_(e, 11) ^ qs_sha256_ror_(e, 25);
    u32 sum0 = qs_sha256_ror_(a, 2) ^ qs_sha256_ror_(a, 13) ^ qs_sha256_ror_(a, 22);
    u32 t = s[(7 - i) & 7] + sum1 + (g ^ (e & (f ^ g))) + k[i] + w[i];
    s[(3 - i) & 7] += t;
    s[(7 - i) & 7] = t + sum0 + ((a & b) | (c & (a | b)));
}

/* qs_sha256_extend_ replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
qs_sha256_extend_(u32 w[16], u32 i)
{
    u32 x = w[(i + 1) & 15], y = w[(i + 14) & 15];
    w[i] += w[(i + 9) & 15] + (qs_sha256_ror_(x, 7) ^ qs_sha256_ror_(x, 18) ^ x >> 3) +
            (qs_sha256_ror_(y, 17) ^ qs_sha256_ror_(y, 19) ^ y >> 10);
}

QS_INLINE void
qs_sha256_one_(void *state, u8 const *data, u64 block_cnt)
{
    u32 h[8], s[8], w[16];
    memcpy(h, state, sizeof(h));
    for (; block_cnt; block_cnt--, data += 64) {
        memcpy(s, h, sizeof(s));
        for (u32 i = 0; i < 16; i++)
            w[i] = qs_load_be32(data + 4 * i);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            qs_sha256_round_(s, w, qs_sha256_k, j);
        for (u32 i = 16; i < 64; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                qs_sha256_extend_(w, j);
                qs_sha256_round_(s, w, qs_sha256_k + i, j);
            }
        }
        for (u32 i = 0; i < 8; i++)
            h[i] += s[i];
    }
    memcpy(state, h, sizeof(h));
}

#endif

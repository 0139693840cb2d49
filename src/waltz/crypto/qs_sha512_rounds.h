/* qs_sha512_rounds.h - SHA-512's constants, and its compression in plain C, which is compiled
   twice: without special flags, and in qs_sha512_avx2.c with BMI2's three-operand rotation.
   Private to qs_sha512*.c.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SHA512_ROUNDS_H
#define QS_WALTZ_CRYPTO_SHA512_ROUNDS_H

#include "tango/base/qs_bits.h"

/* FIPS 180-4, 4.2.3 */
extern u64 const qs_sha512_k[80];

#if defined(__x86_64__)
void qs_sha512_one_avx2(void *state, u8 const *data, u64 block_cnt);
void qs_sha512_many_avx2(void *state, u8 const *const *data, u64 block_cnt);
void qs_sha512_many_avx512(void *state, u8 const *const *data, u64 block_cnt);
#endif

QS_INLINE u64
qs_sha512_ror_(u64 x, u32 by)
{
    return x >> by | x << (64 - by);
}

/* qs_sha512_round_ is round i.  Instead of moving a..h down by one, it finds a at s[-i mod 8]. */
QS_INLINE void
qs_sha512_round_(u64 s[8], u64 const w[16], u64 const *k, u32 i)
{
    u64 a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
    u64 e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
    u64 sum1 = qs_sha512_ror_(e, 14) ^ qs_sha512_ror_(e, 18) ^ qs_sha512_ror_(e, 41);
    u64 sum0 = qs_sha512_ror_(a, 28) ^ qs_sha512_ror_(a, 34) ^ qs_sha512_ror_(a, 39);
    u64 t = s[(7 - i) & 7] + sum1 + (g ^ (e & (f ^ g))) + k[i] + w[i];
    s[(3 - i) & 7] += t;
    s[(7 - i) & 7] = t + sum0 + ((a & b) | (c & (a | b)));
}

/* qs_sha512_extend_ replaces w[i] by the word that is 16 rounds later. */
QS_INLINE void
qs_sha512_extend_(u64 w[16], u32 i)
{
    u64 x = w[(i + 1) & 15], y = w[(i + 14) & 15];
    w[i] += w[(i + 9) & 15] + (qs_sha512_ror_(x, 1) ^ qs_sha512_ror_(x, 8) ^ x >> 7) +
            (qs_sha512_ror_(y, 19) ^ qs_sha512_ror_(y, 61) ^ y >> 6);
}

QS_INLINE void
qs_sha512_one_(void *state, u8 const *data, u64 block_cnt)
{
    u64 h[8], s[8], w[16];
    memcpy(h, state, sizeof(h));
    for (; block_cnt; block_cnt--, data += 128) {
        memcpy(s, h, sizeof(s));
        for (u32 i = 0; i < 16; i++)
            w[i] = qs_load_be64(data + 8 * i);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            qs_sha512_round_(s, w, qs_sha512_k, j);
        for (u32 i = 16; i < 80; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                qs_sha512_extend_(w, j);
                qs_sha512_round_(s, w, qs_sha512_k + i, j);
            }
        }
        for (u32 i = 0; i < 8; i++)
            h[i] += s[i];
    }
    memcpy(state, h, sizeof(h));
}

#endif

/* qs_ed25519_fe52 - numbers modulo p in five limbs of 51 bits, LANES at a time, for processors
   that multiply 52 bits by 52 in each lane (AVX-512 IFMA).

   A file defines LANES = 8, vec_madd52lo and vec_madd52hi before it includes this:

       vec_t vec_madd52lo(vec_t sum, vec_t a, vec_t b)    sum + the low 52 bits of a b
       vec_t vec_madd52hi(vec_t sum, vec_t a, vec_t b)    sum + the bits above them, of which
                                                          there are 52 too

   where only the low 52 bits of a and b count.  They are the instructions in the kernel, and
   plain C in a test, because few machines have them.

   Every limb is below 2^52 between operations; one bit to spare means that sums carry at once.

   Constant time throughout.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_FE52_H
#define QS_WALTZ_CRYPTO_ED25519_FE52_H

#include "waltz/crypto/qs_ed25519_vec.h"

typedef row_t vfe_t;

QS_INLINE void
vfe_from_row(vfe_t *out, row_t const *x)
{
    *out = *x;
}

QS_INLINE void
vfe_to_row(row_t *out, vfe_t const *a)
{
    *out = *a;
    row_carry(out);
}

QS_INLINE void
vfe_add(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = a->limb[i] + b->limb[i];
    row_carry(out);
}

/* 4p keeps every limb positive. */
QS_INLINE void
vfe_sub(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = a->limb[i] + ((u64)1 << 53) - (u64)(i ? 4 : 76) - b->limb[i];
    row_carry(out);
}

/* Limb k of the product is low[k] + 2 high[k - 1], as a high part stands 52 bits above its low
   part and the next limb only 51; limbs 5 to 9 come back times 19.  Sums stay below 2^61. */
QS_INLINE void
vfe_reduce(vfe_t *out, vec_t const low[9], vec_t const high[9])
{
    vec_t z[10];
    z[0] = low[0];
    for (u32 k = 1; k < 9; k++)
        z[k] = low[k] + high[k - 1] + high[k - 1];
    z[9] = high[8] + high[8];
    for (u32 k = 0; k < 5; k++)
        out->limb[k] = z[k] + z[k + 5] + (z[k + 5] << 1) + (z[k + 5] << 4);
    row_carry(out);
}

static QS_NOINLINE void
vfe_mul(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    vec_t low[9] = {{0}}, high[9] = {{0}};
#pragma GCC unroll 5
    for (u32 i = 0; i < 5; i++) {
#pragma GCC unroll 5
        for (u32 j = 0; j < 5; j++) {
            low[i + j] = vec_madd52lo(low[i + j], a->limb[i], b->limb[j]);
            high[i + j] = vec_madd52hi(high[i + j], a->limb[i], b->limb[j]);
        }
    }
    vfe_reduce(out, low, high);
}

static QS_NOINLINE void
vfe_sqr(vfe_t *out, vfe_t const *a)
{
    vec_t low[9] = {{0}}, high[9] = {{0}};
#pragma GCC unroll 5
    for (u32 i = 0; i < 5; i++) {
#pragma GCC unroll 5
        for (u32 j = i + 1; j < 5; j++) {
            low[i + j] = vec_madd52lo(low[i + j], a->limb[i], a->limb[j]);
            high[i + j] = vec_madd52hi(high[i + j], a->limb[i], a->limb[j]);
        }
    }
#pragma GCC unroll 9
    for (u32 k = 0; k < 9; k++) {
        low[k] += low[k];
        high[k] += high[k];
    }
#pragma GCC unroll 5
    for (u32 i = 0; i < 5; i++) {
        low[2 * i] = vec_madd52lo(low[2 * i], a->limb[i], a->limb[i]);
        high[2 * i] = vec_madd52hi(high[2 * i], a->limb[i], a->limb[i]);
    }
    vfe_reduce(out, low, high);
}

#endif

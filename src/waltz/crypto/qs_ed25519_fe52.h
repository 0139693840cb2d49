/* qs_ed25519_fe52 - numbers modulo p in five limbs of 52 bits, LANES at a time, for processors
   that multiply 52 bits by 52 in each lane (AVX-512 IFMA).

   A file defines LANES = 8, vec_madd52lo and vec_madd52hi before it includes this:

       vec_t vec_madd52lo(vec_t sum, vec_t a, vec_t b)    sum + the low 52 bits of a b
       vec_t vec_madd52hi(vec_t sum, vec_t a, vec_t b)    sum + the bits above them, of which
                                                          there are 52 too

   where only the low 52 bits of a and b count.  They are the instructions in the kernel, and
   plain C in a test, because few machines have them.

   Limb i stands for 2^(52 i), so a product's high parts fall on the next limb as they are, and what
   is above 2^260 comes back times 608.  The fifth limb has five bits to spare, the others none:

       mul, sqr, from_row return   limbs 0 to 3 below 2^52, limb 4 below 2^47 + 2^10: "tight"
       add, sub return             sums limb by limb, signed, nothing carried: of up to four
                                   tight numbers, not more than three of them subtracted
       carry, to_row take          such sums
       mul, sqr take               what carry returns: limb 4 below 2^51, and of the others only the
                                   low 52 bits count

   Every carry is exact: no number is approximated, whatever the limbs are.

   Constant time throughout.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_FE52_H
#define QS_WALTZ_CRYPTO_ED25519_FE52_H

#include "waltz/crypto/qs_ed25519_vec.h"

typedef row_t vfe_t;

/* How products are compiled: inline they are a tenth faster; a test, whose products are many times
   as long, makes calls of them, or it takes minutes to compile. */
#ifndef VFE_PRODUCT
#define VFE_PRODUCT QS_INLINE
#endif

#define MASK_52 (((u64)1 << 52) - 1)
#define MASK_47 (((u64)1 << 47) - 1)

QS_INLINE void
vfe_add(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = a->limb[i] + b->limb[i];
}

QS_INLINE void
vfe_sub(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = a->limb[i] - b->limb[i];
}

/* 4p makes the sum positive, and with it the fifth limb.  The bits above the others' 52 have been
   carried and stay: products do not see them. */
QS_INLINE void
vfe_carry(vfe_t *x)
{
    vec_t *l = x->limb;
    l[0] -= 4 * 19;
    l[4] += (u64)4 << 47;
    for (u32 i = 0; i < 4; i++)
        l[i + 1] += (vec_t)((ivec_t)l[i] >> 52);
}

/* x's limbs are below 2^51. */
QS_INLINE void
vfe_from_row(vfe_t *out, row_t const *x)
{
    vec_t const *l = x->limb;
    *out = (row_t){{
        l[0] | (l[1] & 1) << 51,
        l[1] >> 1 | (l[2] & 3) << 50,
        l[2] >> 2 | (l[3] & 7) << 49,
        l[3] >> 3 | (l[4] & 15) << 48,
        l[4] >> 4,
    }};
}

/* The row is tight as rows are. */
QS_INLINE void
vfe_to_row(row_t *out, vfe_t const *a)
{
    vfe_t t = *a;
    vec_t *l = t.limb;
    vfe_carry(&t);
    vec_t top = l[4] >> 47;
    l[4] &= MASK_47;
    l[0] = (l[0] & MASK_52) + top + (top << 1) + (top << 4);
    for (u32 i = 1; i < 4; i++)
        l[i] &= MASK_52;
    for (u32 i = 0; i < 4; i++) {
        l[i + 1] += l[i] >> 52;
        l[i] &= MASK_52;
    }
    *out = (row_t){{
        l[0] & FE_MASK,
        (l[0] >> 51 | l[1] << 1) & FE_MASK,
        (l[1] >> 50 | l[2] << 2) & FE_MASK,
        (l[2] >> 49 | l[3] << 3) & FE_MASK,
        (l[3] >> 48) + (l[4] << 4),
    }};
}

/* Tables hold numbers as they are; what unpack_signed is to negate must be tight. */
QS_INLINE void
vfe_pack(row_t *out, vfe_t const *a)
{
    *out = *a;
}

QS_INLINE void
vfe_unpack(vfe_t *out, row_t const *x)
{
    *out = *x;
}

/* Negated where the mask is set. */
QS_INLINE void
vfe_unpack_signed(vfe_t *out, row_t const *x, vec_t negative)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = (x->limb[i] ^ negative) - negative;
    vfe_carry(out);
}

/* vfe_pack_row packs a number whose limbs are below 2^51. */
QS_INLINE void
vfe_pack_row(row_t *x)
{
    vfe_from_row(x, x);
}

/* Full registers of constants, which no compiler can see through: each would rather make them
   from immediate values again and again, through the port that the products need. */
typedef struct fe52_constants {
    vec_t mask52, mask47, k608, k19;
} fe52_constants_t;

#define EIGHT(x)                                                                                   \
    {                                                                                              \
        x, x, x, x, x, x, x, x                                                                     \
    }
static fe52_constants_t const fe52_constants = {EIGHT(MASK_52), EIGHT(MASK_47), EIGHT(608),
                                                EIGHT(19)};

/* Sums of products, each below 2^57. */
QS_INLINE void
vfe_reduce(vfe_t *out, vec_t z[10])
{
    fe52_constants_t const *c = &fe52_constants;
    __asm__("" : "+r"(c));
#pragma GCC unroll 4
    for (u32 k = 5; k < 9; k++)
        z[k + 1] += z[k] >> 52;
#pragma GCC unroll 4
    for (u32 k = 0; k < 4; k++) {
        z[k] = vec_madd52lo(z[k], z[k + 5], c->k608);
        z[k + 1] = vec_madd52hi(z[k + 1], z[k + 5], c->k608);
    }
    z[4] += z[9] * c->k608;
    vec_t top = z[4] >> 47;
    z[4] &= c->mask47;
    z[0] = vec_madd52lo(z[0], top, c->k19);
#pragma GCC unroll 4
    for (u32 k = 0; k < 4; k++) {
        z[k + 1] += z[k] >> 52;
        out->limb[k] = z[k] & c->mask52;
    }
    out->limb[4] = z[4];
}

VFE_PRODUCT void
vfe_mul(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    vec_t z[10] = {{0}};
#pragma GCC unroll 5
    for (u32 i = 0; i < 5; i++) {
#pragma GCC unroll 5
        for (u32 j = 0; j < 5; j++)
            z[i + j] = vec_madd52lo(z[i + j], a->limb[i], b->limb[j]);
#pragma GCC unroll 5
        for (u32 j = 0; j < 5; j++)
            z[i + j + 1] = vec_madd52hi(z[i + j + 1], a->limb[i], b->limb[j]);
    }
    vfe_reduce(out, z);
}

VFE_PRODUCT void
vfe_sqr(vfe_t *out, vfe_t const *a)
{
    vec_t z[10] = {{0}};
#pragma GCC unroll 5
    for (u32 i = 0; i < 5; i++) {
#pragma GCC unroll 5
        for (u32 j = i + 1; j < 5; j++)
            z[i + j] = vec_madd52lo(z[i + j], a->limb[i], a->limb[j]);
#pragma GCC unroll 5
        for (u32 j = i + 1; j < 5; j++)
            z[i + j + 1] = vec_madd52hi(z[i + j + 1], a->limb[i], a->limb[j]);
    }
#pragma GCC unroll 8
    for (u32 k = 1; k < 9; k++)
        z[k] += z[k];
#pragma GCC unroll 5
    for (u32 i = 0; i < 5; i++) {
        z[2 * i] = vec_madd52lo(z[2 * i], a->limb[i], a->limb[i]);
        z[2 * i + 1] = vec_madd52hi(z[2 * i + 1], a->limb[i], a->limb[i]);
    }
    vfe_reduce(out, z);
}

#endif

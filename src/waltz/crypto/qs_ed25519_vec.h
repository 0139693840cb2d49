/* qs_ed25519_vec - LANES words side by side, and rows: one number of 51-bit limbs per lane.

   A file defines LANES (4 or 8) before it includes this.  Only C's vector types are used here,
   so that a test can build what needs 512 bits on any processor.

       table in memory                    rows in registers
       lane 0's entry:  a b c d ..        a of lanes 0 1 2 3
       lane 1's entry:  a b c d ..   ->   b of lanes 0 1 2 3     by shuffles: gathers are
       ..                                 ..                     slower than this

   A row is "tight" if every limb is below 2^51 + 2^16 and not negative.

   Constant time throughout.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_VEC_H
#define QS_WALTZ_CRYPTO_ED25519_VEC_H

#include "waltz/crypto/qs_ed25519_fe51.h"

typedef u64 vec_t __attribute__((vector_size(8 * LANES)));

typedef struct row {
    vec_t limb[5];
} row_t;

#define VEC(x) ((vec_t){0} + (u64)(x))

QS_INLINE vec_t
vec_load(u64 const *p)
{
    vec_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* mask is all ones or all zeros in each lane. */
QS_INLINE vec_t
vec_select(vec_t mask, vec_t if_set, vec_t if_clear)
{
    return (if_set & mask) | (if_clear & ~mask);
}

/* Bit i of the result is lane i's. */
QS_INLINE u32
vec_mask_bits(vec_t mask)
{
    u32 bits = 0;
    for (u32 i = 0; i < LANES; i++)
        bits |= (u32)(mask[i] & 1) << i;
    return bits;
}

#if LANES == 4

/* out[i] = word i of each lane; cnt is a multiple of 4, or what is left over is done singly. */
QS_INLINE void
vec_transpose(vec_t *out, u64 const *const lane[LANES], u32 cnt)
{
    u32 i = 0;
    for (; i + 4 <= cnt; i += 4) {
        vec_t a = vec_load(lane[0] + i), b = vec_load(lane[1] + i);
        vec_t c = vec_load(lane[2] + i), d = vec_load(lane[3] + i);
        vec_t ab0 = __builtin_shufflevector(a, b, 0, 4, 2, 6);
        vec_t ab1 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
        vec_t cd0 = __builtin_shufflevector(c, d, 0, 4, 2, 6);
        vec_t cd1 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
        out[i + 0] = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
        out[i + 1] = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
        out[i + 2] = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
        out[i + 3] = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
    }
    for (; i < cnt; i++)
        out[i] = (vec_t){lane[0][i], lane[1][i], lane[2][i], lane[3][i]};
}

#else

QS_INLINE void
vec_transpose(vec_t *out, u64 const *const lane[LANES], u32 cnt)
{
    u32 i = 0;
    for (; i + 8 <= cnt; i += 8) {
        vec_t a[8], b[8];
        for (u32 j = 0; j < 8; j++)
            a[j] = vec_load(lane[j] + i);
        for (u32 j = 0; j < 8; j += 2) {
            b[j] = __builtin_shufflevector(a[j], a[j + 1], 0, 8, 2, 10, 4, 12, 6, 14);
            b[j + 1] = __builtin_shufflevector(a[j], a[j + 1], 1, 9, 3, 11, 5, 13, 7, 15);
        }
        for (u32 j = 0; j < 8; j++) {
            u32 from = (j & 4) + (j & 1);
            a[j] = j & 2 ? __builtin_shufflevector(b[from], b[from + 2], 2, 3, 10, 11, 6, 7, 14, 15)
                         : __builtin_shufflevector(b[from], b[from + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        }
        for (u32 j = 0; j < 4; j++) {
            out[i + j] = __builtin_shufflevector(a[j], a[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
            out[i + j + 4] = __builtin_shufflevector(a[j], a[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        }
    }
    for (; i < cnt; i++)
        out[i] = (vec_t){lane[0][i], lane[1][i], lane[2][i], lane[3][i],
                         lane[4][i], lane[5][i], lane[6][i], lane[7][i]};
}

#endif

/* Limbs below 2^63 become tight. */
QS_INLINE void
row_carry(row_t *x)
{
    vec_t *l = x->limb;
    vec_t c[5];
    for (u32 i = 0; i < 5; i++) {
        c[i] = l[i] >> 51;
        l[i] &= FE_MASK;
    }
    l[0] += c[4] + (c[4] << 1) + (c[4] << 4);
    for (u32 i = 1; i < 5; i++)
        l[i] += c[i - 1];
}

/* A tight x becomes the one representative below p. */
QS_INLINE void
row_freeze(row_t *x)
{
    vec_t *l = x->limb;
    row_carry(x);
    vec_t q = (l[0] + 19) >> 51;
    for (u32 i = 1; i < 5; i++)
        q = (l[i] + q) >> 51;
    l[0] += q + (q << 1) + (q << 4);
    for (u32 i = 0; i < 4; i++) {
        l[i + 1] += l[i] >> 51;
        l[i] &= FE_MASK;
    }
    l[4] &= FE_MASK;
}

/* All ones where the frozen x is zero. */
QS_INLINE vec_t
row_is_zero(row_t const *x)
{
    vec_t const *l = x->limb;
    return (vec_t)((l[0] | l[1] | l[2] | l[3] | l[4]) == 0);
}

/* -x of a tight x, not negative, below 2^52 in each limb. */
QS_INLINE void
row_negate(row_t *out, row_t const *x)
{
    out->limb[0] = VEC((1ull << 52) - 38) - x->limb[0];
    for (u32 i = 1; i < 5; i++)
        out->limb[i] = VEC((1ull << 52) - 2) - x->limb[i];
}

QS_INLINE void
row_select(row_t *out, vec_t mask, row_t const *if_set, row_t const *if_clear)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = vec_select(mask, if_set->limb[i], if_clear->limb[i]);
}

#endif

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
typedef i64 ivec_t __attribute__((vector_size(8 * LANES)));

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

#define PAIR_LO(a, b) __builtin_shufflevector(a, b, UNPACK(0))
#define PAIR_HI(a, b) __builtin_shufflevector(a, b, UNPACK(1))

/* Four words of each lane. */
#if LANES == 4

#define UNPACK(n) n, 4 + n, 2 + n, 6 + n

QS_INLINE void
vec_transpose4(vec_t out[4], u64 const *const lane[LANES])
{
    vec_t a = vec_load(lane[0]), b = vec_load(lane[1]);
    vec_t c = vec_load(lane[2]), d = vec_load(lane[3]);
    vec_t ab0 = PAIR_LO(a, b), ab1 = PAIR_HI(a, b);
    vec_t cd0 = PAIR_LO(c, d), cd1 = PAIR_HI(c, d);
    out[0] = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
    out[2] = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    out[3] = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
}

/* The way back. */
QS_INLINE void
vec_untranspose4(u64 *const lane[LANES], vec_t const in[4])
{
    vec_t out[4];
    u64 const *const row[4] = {(u64 const *)&in[0], (u64 const *)&in[1], (u64 const *)&in[2],
                               (u64 const *)&in[3]};
    vec_transpose4(out, row);
    for (u32 i = 0; i < 4; i++)
        memcpy(lane[i], &out[i], sizeof(out[i]));
}

#else

#define UNPACK(n) n, 8 + n, 2 + n, 10 + n, 4 + n, 12 + n, 6 + n, 14 + n

typedef u64 vec_half_t __attribute__((vector_size(32)));

QS_INLINE vec_t
vec_load_halves(u64 const *low, u64 const *high)
{
    vec_half_t l, h;
    memcpy(&l, low, sizeof(l));
    memcpy(&h, high, sizeof(h));
    return __builtin_shufflevector(l, h, 0, 1, 2, 3, 4, 5, 6, 7);
}

QS_INLINE void
vec_transpose4(vec_t out[4], u64 const *const lane[LANES])
{
    vec_t a = vec_load_halves(lane[0], lane[2]), b = vec_load_halves(lane[1], lane[3]);
    vec_t c = vec_load_halves(lane[4], lane[6]), d = vec_load_halves(lane[5], lane[7]);
    vec_t ab0 = PAIR_LO(a, b), ab1 = PAIR_HI(a, b);
    vec_t cd0 = PAIR_LO(c, d), cd1 = PAIR_HI(c, d);
    out[0] = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5, 8, 9, 12, 13);
    out[1] = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5, 8, 9, 12, 13);
    out[2] = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7, 10, 11, 14, 15);
    out[3] = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7, 10, 11, 14, 15);
}

QS_INLINE void
vec_untranspose4(u64 *const lane[LANES], vec_t const in[4])
{
    vec_t ab0 = PAIR_LO(in[0], in[1]), ab1 = PAIR_HI(in[0], in[1]);
    vec_t cd0 = PAIR_LO(in[2], in[3]), cd1 = PAIR_HI(in[2], in[3]);
    vec_t out[4] = {
        __builtin_shufflevector(ab0, cd0, 0, 1, 8, 9, 2, 3, 10, 11),
        __builtin_shufflevector(ab1, cd1, 0, 1, 8, 9, 2, 3, 10, 11),
        __builtin_shufflevector(ab0, cd0, 4, 5, 12, 13, 6, 7, 14, 15),
        __builtin_shufflevector(ab1, cd1, 4, 5, 12, 13, 6, 7, 14, 15),
    };
    for (u32 i = 0; i < 8; i++) {
        u32 from = (i & 4) / 2 + (i & 1);
        memcpy(lane[i], (u64 const *)&out[from] + 2 * (i & 2), 32);
    }
}

#endif

/* out[i] = word i of each lane; cnt >= 4. */
QS_INLINE void
vec_transpose(vec_t *out, u64 const *const lane[LANES], u32 cnt)
{
    for (u32 i = 0; i < cnt; i += 4) {
        u32 at = i + 4 <= cnt ? i : cnt - 4; /* the last four may overlap those before */
        u64 const *from[LANES];
        for (u32 n = 0; n < LANES; n++)
            from[n] = lane[n] + at;
        vec_transpose4(out + at, from);
    }
}

/* cnt is a multiple of four. */
QS_INLINE void
vec_untranspose(u64 *const lane[LANES], vec_t const *in, u32 cnt)
{
    for (u32 i = 0; i < cnt; i += 4) {
        u64 *to[LANES];
        for (u32 n = 0; n < LANES; n++)
            to[n] = lane[n] + i;
        vec_untranspose4(to, in + i);
    }
}

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

/* qs_ed25519_fe26 - numbers modulo p in ten signed limbs of 26 and 25 bits by turns, LANES at
   a time, for processors that multiply 32 bits by 32 in each lane (AVX2, AVX-512 F).

   Limb i stands for 2^ceil(25.5 i).  Size is counted in units: a number has n units if its even
   limbs are at most n 2^25 in size and its odd ones n 2^24 (and a little).  mul, sqr return 1
   unit, from_row 2, or 4 if a limb of the row may reach 2^52; add and sub add units.

       mul   a up to 32 units, b up to 3 (19 b fits 32 bits), a b up to 16: the sums fit 63 bits
       sqr   up to 3 units

   which the point formulas keep without a single carry of their own.

   Constant time throughout.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_FE26_H
#define QS_WALTZ_CRYPTO_ED25519_FE26_H

#include <immintrin.h>

#include "waltz/crypto/qs_ed25519_vec.h"

typedef struct vfe {
    vec_t limb[10];
} vfe_t;

/* The product of the low halves, signed. */
QS_INLINE vec_t
mul32(vec_t a, vec_t b)
{
#if LANES == 4
    return (vec_t)_mm256_mul_epi32((__m256i)a, (__m256i)b);
#else
    return (vec_t)_mm512_mul_epi32((__m512i)a, (__m512i)b);
#endif
}

QS_INLINE void
vfe_add(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    for (u32 i = 0; i < 10; i++)
        out->limb[i] = a->limb[i] + b->limb[i];
}

QS_INLINE void
vfe_sub(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    for (u32 i = 0; i < 10; i++)
        out->limb[i] = a->limb[i] - b->limb[i];
}

QS_INLINE void
vfe_from_row(vfe_t *out, row_t const *x)
{
    for (u32 i = 0; i < 5; i++) {
        out->limb[2 * i] = x->limb[i] & (u64)((1 << 26) - 1);
        out->limb[2 * i + 1] = x->limb[i] >> 26;
    }
}

/* Sums never carry here. */
QS_INLINE void
vfe_carry(vfe_t *x)
{
    (void)x;
}

/* Takes up to 7 units; the row is tight. */
QS_INLINE void
vfe_to_row(row_t *out, vfe_t const *a)
{
    /* 4p makes every limb positive. */
    for (u32 i = 0; i < 5; i++) {
        u64 even = i ? (1 << 28) - 4 : (1 << 28) - 76, odd = (1 << 27) - 4;
        out->limb[i] = a->limb[2 * i] + even + ((a->limb[2 * i + 1] + odd) << 26);
    }
    row_carry(out);
}

/* Tables hold rows. */
QS_INLINE void
vfe_pack(row_t *out, vfe_t const *a)
{
    vfe_to_row(out, a);
}

QS_INLINE void
vfe_unpack(vfe_t *out, row_t const *x)
{
    vfe_from_row(out, x);
}

/* Negated where the mask is set. */
QS_INLINE void
vfe_unpack_signed(vfe_t *out, row_t const *x, vec_t negative)
{
    row_t r;
    row_negate(&r, x);
    row_select(&r, negative, &r, x);
    vfe_from_row(out, &r);
}

QS_INLINE void
vfe_pack_row(row_t *x)
{
    (void)x;
}

/* 2^36 p, which makes any sum of products positive, plus half of what a limb may hold. */
QS_INLINE u64
bias(u32 i)
{
    if (i == 0)
        return (1ull << 62) - (19ull << 36) + (1u << 25);
    return i & 1 ? (1ull << 61) - (1ull << 36) + (1u << 24)
                 : (1ull << 62) - (1ull << 36) + (1u << 25);
}

/* Moves what limb i holds too much of into the next limb; limb 9's goes to limb 0, times 19. */
QS_INLINE void
carry_from(vec_t z[10], u32 i)
{
    u32 bits = i & 1 ? 25 : 26;
    vec_t c = z[i] >> bits;
    z[i] &= ((u64)1 << bits) - 1;
    if (i == 9)
        c += (c << 1) + (c << 4);
    z[(i + 1) % 10] += c;
}

/* Two chains of carries side by side; the halves come off again at the end, so that limbs are
   centred on zero. */
QS_INLINE void
vfe_reduce(vfe_t *out, vec_t z[10])
{
    for (u32 i = 0; i < 10; i++)
        z[i] += bias(i);
    for (u32 i = 0; i < 5; i++) {
        carry_from(z, i);
        carry_from(z, i + 5);
    }
    carry_from(z, 0);
    carry_from(z, 5);
    for (u32 i = 0; i < 10; i++)
        out->limb[i] = z[i] - (u64)(i & 1 ? 1 << 24 : 1 << 25);
}

/* z += a b.  Left alone, compilers sort the sums of a number's limbs by column, run out of
   registers and take half as long again (gcc 12, clang 14): the empty statement keeps them
   row by row. */
QS_INLINE void
mul_add(vec_t *z, vec_t a, vec_t b)
{
    *z += mul32(a, b);
    __asm__("" : "+v"(*z));
}

/* z += a[i] b, b19 = 19 b; two odd limbs stand for one bit more than their sum's. */
QS_INLINE void
mul_row(vec_t z[10], vec_t a, u32 i, vfe_t const *b, vec_t const b19[10])
{
    vec_t a2 = a + a;
#pragma GCC unroll 10
    for (u32 j = 0; j < 10; j++) {
        vec_t f = i & j & 1 ? a2 : a;
        vec_t g = i + j < 10 ? b->limb[j] : b19[j];
        if (i)
            mul_add(&z[(i + j) % 10], f, g);
        else
            z[j] = mul32(f, g);
    }
}

static QS_NOINLINE void
vfe_mul(vfe_t *out, vfe_t const *a, vfe_t const *b)
{
    vec_t z[10], b19[10];
#pragma GCC unroll 10
    for (u32 j = 1; j < 10; j++)
        b19[j] = mul32(b->limb[j], VEC(19));
#pragma GCC unroll 10
    for (u32 i = 0; i < 10; i++)
        mul_row(z, a->limb[i], i, b, b19);
    vfe_reduce(out, z);
}

static QS_NOINLINE void
vfe_sqr(vfe_t *out, vfe_t const *a)
{
    vec_t z[10], twice[10], wrapped[10]; /* wrapped: 19 times, and twice if odd */
    vec_t const *f = a->limb;
#pragma GCC unroll 10
    for (u32 i = 0; i < 10; i++) {
        twice[i] = f[i] + f[i];
    }
#pragma GCC unroll 10
    for (u32 j = 5; j < 10; j++)
        wrapped[j] = mul32(f[j], VEC(j & 1 ? 38 : 19));
#pragma GCC unroll 10
    for (u32 i = 0; i < 10; i++) {
#pragma GCC unroll 10
        for (u32 j = i; j < 10; j++) {
            /* The factors of f[i] f[j]: 2 if i != j, 2 if both are odd, 19 if it wraps. */
            bool odd = i & j & 1, wraps = i + j >= 10;
            vec_t left = i == j || (wraps && (j & 1) && !odd) ? f[i] : twice[i];
            vec_t right = wraps ? wrapped[j] : odd ? twice[j] : f[j];
            if (i)
                mul_add(&z[(i + j) % 10], left, right);
            else
                z[j] = mul32(left, right);
        }
    }
    vfe_reduce(out, z);
}

#endif

/* qs_ed25519_fe51 - numbers modulo p = 2^255 - 19 in five limbs of 51 bits.

   Limbs may be larger than 51 bits between operations:

       "tight"  every limb < 2^52         what mul, sqr, carry and decode return
       "loose"  every limb < 2^54         what mul and sqr take

   add of two tight numbers is < 2^53; sub adds 4p first, so it takes a tight subtrahend and
   returns less than minuend + 2^53.

   Constant time throughout.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_FE51_H
#define QS_WALTZ_CRYPTO_ED25519_FE51_H

#include "tango/base/qs_bits.h"

#define FE_MASK (((u64)1 << 51) - 1)

typedef struct fe {
    u64 limb[5];
} fe_t;

static fe_t const fe_zero = {{0}};
static fe_t const fe_one = {{1}};

/* The curve's constant d, 2d, and a square root of -1. */
static fe_t const fe_d = {
    {0x34dca135978a3u, 0x1a8283b156ebdu, 0x5e7a26001c029u, 0x739c663a03cbbu, 0x52036cee2b6ffu}};
static fe_t const fe_2d = {
    {0x69b9426b2f159u, 0x35050762add7au, 0x3cf44c0038052u, 0x6738cc7407977u, 0x2406d9dc56dffu}};
static fe_t const fe_sqrt_m1 = {
    {0x61b274a0ea0b0u, 0x0d5a5fc8f189du, 0x7ef5e9cbd0c60u, 0x78595a6804c9eu, 0x2b8324804fc1du}};

QS_INLINE void
fe_carry(fe_t *x)
{
    u64 *l = x->limb;
    u64 c0 = l[0] >> 51, c1 = l[1] >> 51, c2 = l[2] >> 51, c3 = l[3] >> 51, c4 = l[4] >> 51;
    l[0] = (l[0] & FE_MASK) + 19 * c4;
    l[1] = (l[1] & FE_MASK) + c0;
    l[2] = (l[2] & FE_MASK) + c1;
    l[3] = (l[3] & FE_MASK) + c2;
    l[4] = (l[4] & FE_MASK) + c3;
}

QS_INLINE void
fe_add(fe_t *out, fe_t const *a, fe_t const *b)
{
    for (u32 i = 0; i < 5; i++)
        out->limb[i] = a->limb[i] + b->limb[i];
}

QS_INLINE void
fe_sub(fe_t *out, fe_t const *a, fe_t const *b)
{
    out->limb[0] = a->limb[0] + ((1ull << 53) - 76) - b->limb[0];
    for (u32 i = 1; i < 5; i++)
        out->limb[i] = a->limb[i] + ((1ull << 53) - 4) - b->limb[i];
}

/* Five sums of products: each below 2^115 and the last below 2^111, so that carries fit a word. */
typedef struct fe_wide {
    u128 t0, t1, t2, t3, t4;
} fe_wide_t;

/* One carry after the other: the fewest instructions. */
QS_INLINE void
fe_reduce_(fe_t *out, fe_wide_t t)
{
    u64 r0 = (u64)t.t0 & FE_MASK;
    t.t1 += (u64)(t.t0 >> 51);
    u64 r1 = (u64)t.t1 & FE_MASK;
    t.t2 += (u64)(t.t1 >> 51);
    u64 r2 = (u64)t.t2 & FE_MASK;
    t.t3 += (u64)(t.t2 >> 51);
    u64 r3 = (u64)t.t3 & FE_MASK;
    t.t4 += (u64)(t.t3 >> 51);
    u64 r4 = (u64)t.t4 & FE_MASK;
    r0 += 19 * (u64)(t.t4 >> 51);
    r1 += r0 >> 51;
    r0 &= FE_MASK;
    *out = (fe_t){{r0, r1, r2, r3, r4}};
}

/* Two rounds in which no carry waits for another: a third faster where every operation waits for
   the one before, slower elsewhere. */
QS_INLINE void
fe_reduce_soon_(fe_t *out, fe_wide_t t)
{
    *out = (fe_t){{
        ((u64)t.t0 & FE_MASK) + 19 * (u64)(t.t4 >> 51),
        ((u64)t.t1 & FE_MASK) + (u64)(t.t0 >> 51),
        ((u64)t.t2 & FE_MASK) + (u64)(t.t1 >> 51),
        ((u64)t.t3 & FE_MASK) + (u64)(t.t2 >> 51),
        ((u64)t.t4 & FE_MASK) + (u64)(t.t3 >> 51),
    }};
    fe_carry(out);
}

QS_INLINE void
fe_mul(fe_t *out, fe_t const *a, fe_t const *b)
{
    u64 a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    u64 b0 = b->limb[0], b1 = b->limb[1], b2 = b->limb[2], b3 = b->limb[3], b4 = b->limb[4];
    u64 b1_19 = 19 * b1, b2_19 = 19 * b2, b3_19 = 19 * b3, b4_19 = 19 * b4;

    u128 t0 =
        (u128)a0 * b0 + (u128)a1 * b4_19 + (u128)a2 * b3_19 + (u128)a3 * b2_19 + (u128)a4 * b1_19;
    u128 t1 =
        (u128)a0 * b1 + (u128)a1 * b0 + (u128)a2 * b4_19 + (u128)a3 * b3_19 + (u128)a4 * b2_19;
    u128 t2 = (u128)a0 * b2 + (u128)a1 * b1 + (u128)a2 * b0 + (u128)a3 * b4_19 + (u128)a4 * b3_19;
    u128 t3 = (u128)a0 * b3 + (u128)a1 * b2 + (u128)a2 * b1 + (u128)a3 * b0 + (u128)a4 * b4_19;
    u128 t4 = (u128)a0 * b4 + (u128)a1 * b3 + (u128)a2 * b2 + (u128)a3 * b1 + (u128)a4 * b0;
    fe_reduce_(out, (fe_wide_t){t0, t1, t2, t3, t4});
}

QS_INLINE fe_wide_t
fe_sqr_wide_(fe_t const *a)
{
    u64 a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    u64 a0_2 = 2 * a0, a1_2 = 2 * a1, a3_19 = 19 * a3, a4_19 = 19 * a4;
    u64 a1_38 = 38 * a1, a2_38 = 38 * a2, a3_38 = 38 * a3;

    return (fe_wide_t){
        (u128)a0 * a0 + (u128)a1_38 * a4 + (u128)a2_38 * a3,
        (u128)a0_2 * a1 + (u128)a2_38 * a4 + (u128)a3_19 * a3,
        (u128)a0_2 * a2 + (u128)a1 * a1 + (u128)a3_38 * a4,
        (u128)a0_2 * a3 + (u128)a1_2 * a2 + (u128)a4_19 * a4,
        (u128)a0_2 * a4 + (u128)a1_2 * a3 + (u128)a2 * a2,
    };
}

QS_INLINE void
fe_sqr(fe_t *out, fe_t const *a)
{
    fe_reduce_(out, fe_sqr_wide_(a));
}

/* fe_sqr_soon is for long chains of squarings. */
QS_INLINE void
fe_sqr_soon(fe_t *out, fe_t const *a)
{
    fe_reduce_soon_(out, fe_sqr_wide_(a));
}

/* fe_freeze writes the one representative below p as four words. */
QS_INLINE void
fe_freeze(u64 out[4], fe_t const *a)
{
    fe_t t = *a;
    fe_carry(&t);
    fe_carry(&t);
    /* t < 2^255 + 2^51: q says whether t >= p, by the carry out of t + 19. */
    u64 q = (t.limb[0] + 19) >> 51;
    for (u32 i = 1; i < 5; i++)
        q = (t.limb[i] + q) >> 51;
    t.limb[0] += 19 * q;
    for (u32 i = 0; i < 4; i++) {
        t.limb[i + 1] += t.limb[i] >> 51;
        t.limb[i] &= FE_MASK;
    }
    t.limb[4] &= FE_MASK;
    out[0] = t.limb[0] | t.limb[1] << 51;
    out[1] = t.limb[1] >> 13 | t.limb[2] << 38;
    out[2] = t.limb[2] >> 26 | t.limb[3] << 25;
    out[3] = t.limb[3] >> 39 | t.limb[4] << 12;
}

QS_INLINE bool
fe_is_zero(fe_t const *a)
{
    u64 w[4];
    fe_freeze(w, a);
    return !(w[0] | w[1] | w[2] | w[3]);
}

/* fe_from_words takes the low 255 bits; they may be p or more. */
QS_INLINE void
fe_from_words(fe_t *out, u64 const w[4])
{
    out->limb[0] = w[0] & FE_MASK;
    out->limb[1] = (w[0] >> 51 | w[1] << 13) & FE_MASK;
    out->limb[2] = (w[1] >> 38 | w[2] << 26) & FE_MASK;
    out->limb[3] = (w[2] >> 25 | w[3] << 39) & FE_MASK;
    out->limb[4] = (w[3] >> 12) & FE_MASK;
}

#endif

/* qs_ed25519_invert.h - the inverse modulo p = 2^255 - 19 in constant time, by division steps.
   Private to qs_ed25519_c.c.

   Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (2019): a gcd whose every
   step is the same few instructions whatever the numbers are.  A step looks at the lowest bits only, so
   STEPS of them are done on the lowest words, as a matrix, and the matrix is then applied to the
   whole numbers.  It is kept times 2^BITS, so that a limb falls out.  The variant that starts with delta = 1/2 ends after 590 steps for numbers of 256 bits
   (Wuille's bound).  Half the time of x^(p-2), whose 254 squarings wait for each other.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_INVERT_H
#define QS_WALTZ_CRYPTO_ED25519_INVERT_H

#include "tango/base/qs_base.h"

#define BITS      62u
#define STEPS     59u
#define ROUNDS    10u /* 590 steps */
#define LIMBS     5u
#define LIMB_MASK ((1ull << BITS) - 1)
#define P_LOW     (-19) /* p in limbs: -19, 0, 0, 0, P_HIGH: 2^255 = 2^7 2^248 */
#define P_HIGH    128
#define P_INVERSE 0x39435e50d79435e5ull /* of p, and of -19, modulo 2^62 */

typedef __int128 wide_t;

/* limb[i] counts 2^(62 i); all but the highest are 0 to 2^62 - 1. */
typedef struct number {
    i64 limb[LIMBS];
} number_t;

/* What STEPS steps make of (f, g), times 2^BITS: f' = f_f f + f_g g, and so on. */
typedef struct steps {
    i64 f_f, f_g, g_f, g_g;
} steps_t;

/* take_steps returns the next minus_delta, which is -(delta + 1/2).  f is odd. */
QS_INLINE i64
take_steps(steps_t *out, i64 minus_delta, u64 f, u64 g)
{
    u64 f_f = 1u << (BITS - STEPS), f_g = 0, g_f = 0, g_g = f_f;

    for (u32 i = 0; i < STEPS; i++) {
        u64 swap = (u64)(minus_delta >> 63); /* all ones if delta > 0 */
        u64 odd = 0 - (g & 1);
        /* g += f, or -= f where f and g are about to change places */
        g += ((f ^ swap) - swap) & odd;
        g_f += ((f_f ^ swap) - swap) & odd;
        g_g += ((f_g ^ swap) - swap) & odd;
        swap &= odd;
        minus_delta = (i64)((u64)minus_delta ^ swap) - 1;
        /* f - (f - g) is the g there was */
        f += g & swap;
        f_f += g_f & swap;
        f_g += g_g & swap;
        g >>= 1;
        f_f <<= 1;
        f_g <<= 1;
    }
    *out = (steps_t){(i64)f_f, (i64)f_g, (i64)g_f, (i64)g_g};
    return minus_delta;
}

/* row returns (a x + b y) / 2^BITS, which is whole. */
QS_INLINE number_t
row(number_t const *x, number_t const *y, i64 a, i64 b)
{
    number_t out;
    wide_t sum = (wide_t)a * x->limb[0] + (wide_t)b * y->limb[0];

    for (u32 i = 1; i < LIMBS; i++) {
        sum = (sum >> BITS) + (wide_t)a * x->limb[i] + (wide_t)b * y->limb[i];
        out.limb[i - 1] = (i64)((u64)sum & LIMB_MASK);
    }
    out.limb[LIMBS - 1] = (i64)(sum >> BITS);
    return out;
}

/* row_mod_p returns (a x + b y) / 2^BITS modulo p; x, y and what it returns are between -2p and p. */
QS_INLINE number_t
row_mod_p(number_t const *x, number_t const *y, i64 a, i64 b)
{
    number_t out;
    /* p is added where x or y is negative, and then as often as makes the lowest limb 0. */
    i64 times = (a & x->limb[LIMBS - 1] >> 63) + (b & y->limb[LIMBS - 1] >> 63);
    wide_t sum = (wide_t)a * x->limb[0] + (wide_t)b * y->limb[0];
    times -= (i64)((P_INVERSE * (u64)sum + (u64)times) & LIMB_MASK);
    sum += (wide_t)P_LOW * times;

    for (u32 i = 1; i < LIMBS; i++) {
        sum = (sum >> BITS) + (wide_t)a * x->limb[i] + (wide_t)b * y->limb[i];
        if (i == LIMBS - 1)
            sum += (wide_t)P_HIGH * times;
        out.limb[i - 1] = (i64)((u64)sum & LIMB_MASK);
    }
    out.limb[LIMBS - 1] = (i64)(sum >> BITS);
    return out;
}

/* add_p adds p where mask is all ones, and brings the limbs into their range. */
QS_INLINE void
add_p(number_t *x, i64 mask)
{
    x->limb[0] += P_LOW & mask;
    x->limb[LIMBS - 1] += P_HIGH & mask;
    for (u32 i = 0; i + 1 < LIMBS; i++) {
        x->limb[i + 1] += x->limb[i] >> BITS;
        x->limb[i] &= (i64)LIMB_MASK;
    }
}

/* qs_ed25519_invert_ makes of x, below p in 64-bit words, lowest first, its inverse below p; of 0, 0. */
QS_INLINE void
qs_ed25519_invert_(u64 out[4], u64 const x[4])
{
    number_t f = {{P_LOW, 0, 0, 0, P_HIGH}}, d = {{0}}, e = {{1}};
    number_t g = {{(i64)(x[0] & LIMB_MASK), (i64)((x[0] >> 62 | x[1] << 2) & LIMB_MASK),
                   (i64)((x[1] >> 60 | x[2] << 4) & LIMB_MASK),
                   (i64)((x[2] >> 58 | x[3] << 6) & LIMB_MASK), (i64)(x[3] >> 56)}};
    i64 minus_delta = -1;

    add_p(&f, 0);
    /* d x = f and e x = g modulo p, throughout */
    for (u32 i = 0; i < ROUNDS; i++) {
        steps_t s;
        minus_delta = take_steps(&s, minus_delta, (u64)f.limb[0] | (u64)f.limb[1] << BITS,
                                 (u64)g.limb[0] | (u64)g.limb[1] << BITS);
        number_t next_f = row(&f, &g, s.f_f, s.f_g), next_d = row_mod_p(&d, &e, s.f_f, s.f_g);
        g = row(&f, &g, s.g_f, s.g_g);
        e = row_mod_p(&d, &e, s.g_f, s.g_g);
        f = next_f;
        d = next_d;
    }
    /* g is 0, f 1 or -1: the inverse is d or -d */
    i64 minus = f.limb[LIMBS - 1] >> 63;
    add_p(&d, d.limb[LIMBS - 1] >> 63); /* above -p */
    for (u32 i = 0; i < LIMBS; i++)
        d.limb[i] = (d.limb[i] ^ minus) - minus;
    add_p(&d, 0);
    add_p(&d, d.limb[LIMBS - 1] >> 63);
    out[0] = (u64)d.limb[0] | (u64)d.limb[1] << 62;
    out[1] = (u64)d.limb[1] >> 2 | (u64)d.limb[2] << 60;
    out[2] = (u64)d.limb[2] >> 4 | (u64)d.limb[3] << 58;
    out[3] = (u64)d.limb[3] >> 6 | (u64)d.limb[4] << 56;
}

#undef BITS
#undef STEPS
#undef ROUNDS
#undef LIMBS
#undef LIMB_MASK
#undef P_LOW
#undef P_HIGH
#undef P_INVERSE

#endif

/* qs_ed25519_sc - scalars: numbers modulo L, the prime order of the base point, in four words.

   reduce, muladd, in_range and windows take constant time; halve and naf do not: they are for
   verification, where all is public.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_SC_H
#define QS_WALTZ_CRYPTO_ED25519_SC_H

#include "tango/base/qs_bits.h"

/* qs_ed25519_sc_load reads 32 little-endian bytes. */
QS_INLINE void
qs_ed25519_sc_load(u64 out[4], u8 const in[32])
{
    for (u32 i = 0; i < 4; i++)
        out[i] = qs_load_le64(in + 8 * i);
}

/* qs_ed25519_sc_in_range says whether a < L. */
bool qs_ed25519_sc_in_range(u64 const a[4]);

/* qs_ed25519_sc_reduce writes a mod L for any 512-bit a. */
void qs_ed25519_sc_reduce(u64 out[4], u64 const a[8]);

/* qs_ed25519_sc_muladd writes a b + c mod L; a, b and c are any 256-bit numbers whose a b + c is
   below 2^512. */
void qs_ed25519_sc_muladd(u64 out[4], u64 const a[4], u64 const b[4], u64 const c[4]);

/* A fraction u / v = k modulo 8L: v odd, 0 < v < L, |u| < L, and u and v short. */
typedef struct qs_ed25519_half {
    u64 u[4];
    u64 v[4];
    bool u_negative;
} qs_ed25519_half_t;

/* Runs of Euclid's algorithm side by side: a >= b on entry, at most 62 bits each, and floor >= 2^31
   unless b < floor.  What each run amounts to is a' = x0 a + y0 b, b' = x1 a + y1 b. */
#define QS_ED25519_EUCLID_MAX 8u

typedef struct qs_ed25519_euclid {
    alignas(64) u64 a[QS_ED25519_EUCLID_MAX];
    u64 b[QS_ED25519_EUCLID_MAX];
    u64 floor[QS_ED25519_EUCLID_MAX];
    i64 x0[QS_ED25519_EUCLID_MAX], y0[QS_ED25519_EUCLID_MAX];
    i64 x1[QS_ED25519_EUCLID_MAX], y1[QS_ED25519_EUCLID_MAX];
} qs_ed25519_euclid_t;

/* Both run until b < floor; cnt says how many runs there are, and b < floor in all others. */
typedef void qs_ed25519_euclid_fn(qs_ed25519_euclid_t *e, u32 cnt);
void qs_ed25519_euclid_c(qs_ed25519_euclid_t *e, u32 cnt);
void qs_ed25519_euclid_avx512(qs_ed25519_euclid_t *e, u32 cnt);

/* qs_ed25519_sc_halve finds u and v for cnt numbers k < L: for all but contrived k of at most 131
   bits. */
void qs_ed25519_sc_halve(qs_ed25519_half_t *out, u64 const (*k)[4], u32 cnt,
                         qs_ed25519_euclid_fn *euclid);

#define QS_ED25519_NAF_MAX 258u

/* qs_ed25519_sc_naf writes a as digits d[i] 2^i: 0, or odd and below 2^(width-1) in size, with at
   least width - 1 zeros after each that is not; a < 2^256.  Returns how many digits there are. */
u32 qs_ed25519_sc_naf(i8 digit[QS_ED25519_NAF_MAX], u64 const a[4], u32 width);

/* qs_ed25519_sc_windows writes a as cnt digits d[i] 2^(width i), each in [-2^(width-1),
   2^(width-1)), in constant time; width <= 8, and a < 2^(width cnt - 2). */
void qs_ed25519_sc_windows(i8 *digit, u64 const a[4], u32 width, u32 cnt);

#endif

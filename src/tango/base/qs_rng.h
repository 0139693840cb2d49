/* qs_rng - a small, fast, seedable random number generator (xoshiro256++).

   For timing jitter, sampling and tests that must be repeatable: the same seed and stream give
   the same numbers on every machine and in every build.  Not for keys or nonces: whoever sees a
   few outputs can compute the rest; a key is drawn with qs_rng_seed_os alone.

   Threads: one per rng.  Blocks: never (seed_os: until the kernel's pool was first filled).
   Allocates: never. */

#ifndef QS_TANGO_BASE_RNG_H
#define QS_TANGO_BASE_RNG_H

#include <sys/random.h>

#include "tango/base/qs_base.h"

typedef struct qs_rng {
    u64 state[4]; /* not all zero */
} qs_rng_t;

/* rng_mix_ advances a splitmix64 counter and returns its next output.  Four in a row are never
   all zero: the output is a bijection of the counter. */
QS_INLINE u64
rng_mix_(u64 *counter)
{
    u64 x = *counter += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* qs_rng_init starts the sequence that belongs to seed and stream.  Tiles of one instance share
   the seed and take their index as stream. */
QS_INLINE void
qs_rng_init(qs_rng_t *rng, u64 seed, u64 stream)
{
    u64 counter = seed;
    counter = rng_mix_(&counter) ^ stream;
    for (u32 i = 0; i < 4; i++)
        rng->state[i] = rng_mix_(&counter);
}

/* qs_rng_seed_os draws a seed from the kernel; also good enough to be a key.  Returns 0 or
   -errno of getrandom. */
QS_INLINE int
qs_rng_seed_os(u64 *seed)
{
    ssize_t got;
    do
        got = getrandom(seed, sizeof(*seed), 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(*seed) ? 0 : -errno;
}

QS_INLINE u64
rng_rotl_(u64 x, u32 by)
{
    return x << by | x >> (64 - by);
}

/* qs_rng_u64 returns the next 64 bits. */
QS_INLINE u64
qs_rng_u64(qs_rng_t *rng)
{
    u64 *s = rng->state;
    u64 out = rng_rotl_(s[0] + s[3], 23) + s[0];
    u64 t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl_(s[3], 45);
    return out;
}

/* qs_rng_bounded returns a number in [0, bound), each equally likely; bound 0 gives 0.

   The high half of draw * bound is the result; the low half tells the draws that would make some
   results likelier than others, of which there are 2^64 mod bound, and these are drawn again. */
QS_INLINE u64
qs_rng_bounded(qs_rng_t *rng, u64 bound)
{
    if (!bound)
        return 0;
    u128 product = (u128)qs_rng_u64(rng) * bound;
    if ((u64)product < bound) {
        u64 surplus = -bound % bound;
        while ((u64)product < surplus)
            product = (u128)qs_rng_u64(rng) * bound;
    }
    return (u64)(product >> 64);
}

#endif

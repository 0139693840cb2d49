/* rand.h - repeatable random numbers for tests (splitmix64).

   Threads: one state each.  Blocks: never.  Allocates: never. */

#ifndef QS_TEST_TANGO_RAND_H
#define QS_TEST_TANGO_RAND_H

#include "tango/base/qs_base.h"

QS_INLINE u64
rand_next(u64 *state)
{
    u64 x = *state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* rand_upto returns a number in [lo, hi]. */
QS_INLINE u64
rand_upto(u64 *state, u64 lo, u64 hi)
{
    return lo + rand_next(state) % (hi - lo + 1);
}

#endif

/* ed25519_ifma.h - the IFMA kernel, its two instructions replaced by plain C, as a kernel of its
   own: the same source runs where no processor has them.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TEST_WALTZ_ED25519_IFMA_H
#define QS_TEST_WALTZ_ED25519_IFMA_H

#pragma GCC diagnostic ignored "-Wpsabi" /* vectors wider than the registers: all is inlined */

#define LANES 8

#include "waltz/crypto/qs_ed25519_vec.h"

#define LOW_52 (((u64)1 << 52) - 1)

QS_INLINE vec_t
vec_madd52lo(vec_t sum, vec_t a, vec_t b)
{
    for (u32 i = 0; i < LANES; i++)
        sum[i] += (u64)((u128)(a[i] & LOW_52) * (b[i] & LOW_52)) & LOW_52;
    return sum;
}

QS_INLINE vec_t
vec_madd52hi(vec_t sum, vec_t a, vec_t b)
{
    for (u32 i = 0; i < LANES; i++)
        sum[i] += (u64)((u128)(a[i] & LOW_52) * (b[i] & LOW_52) >> 52);
    return sum;
}

#include "waltz/crypto/qs_ed25519_fe52.h"
#include "waltz/crypto/qs_ed25519_lanes.h"

static qs_ed25519_kernel_t const ifma_emulated = {
    .name = "AVX-512 IFMA, emulated",
    .lanes = LANES,
    .narrow = 2,
    .check = lanes_check,
    .base_mul = lanes_base_mul,
};

#endif

/* ed25519_ifma.h - the IFMA kernel, its two instructions replaced by plain C, as a kernel of its
   own: the same source runs where no processor has them.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TEST_WALTZ_ED25519_IFMA_H
#define QS_TEST_WALTZ_ED25519_IFMA_H

#define LANES 8

#include "tango/base/qs_cpu.h"
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

#define VFE_PRODUCT static QS_NOINLINE
#include "waltz/crypto/qs_ed25519_fe52.h"
#include "waltz/crypto/qs_ed25519_known.h"

static qs_ed25519_kernel_t const ifma_emulated = {
    .name = "AVX-512 IFMA, emulated",
    .lanes = LANES,
    .narrow = 2,
    .narrower = &qs_ed25519_kernel_c,
    .euclid = qs_ed25519_euclid_c,
    .check = lanes_check,
    .check_known = lanes_check_known,
    .expand = lanes_expand,
    .base_mul = lanes_base_mul,
};

/* kernel returns kernel i of this machine, the emulated one last; null after that. */
static inline qs_ed25519_kernel_t const *
kernel(u32 i)
{
    for (u32 k = 0; k < qs_ed25519_kernel_cnt; k++)
        if (qs_cpu_has(qs_ed25519_kernels[k]->needs) && !i--)
            return qs_ed25519_kernels[k];
    return i ? NULL : &ifma_emulated;
}

#endif

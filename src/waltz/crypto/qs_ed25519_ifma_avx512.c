#include <immintrin.h>

#define LANES 8

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_vec.h"

QS_INLINE vec_t
vec_madd52lo(vec_t sum, vec_t a, vec_t b)
{
    return (vec_t)_mm512_madd52lo_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}

QS_INLINE vec_t
vec_madd52hi(vec_t sum, vec_t a, vec_t b)
{
    return (vec_t)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}

#include "waltz/crypto/qs_ed25519_fe52.h"
#include "waltz/crypto/qs_ed25519_lanes.h"

/* Its arithmetic is tested on any machine by test/waltz/ed25519_ifma.h; its speed has not been
   measured yet, nor has `narrow`, which is what the AVX-512 kernel has. */
qs_ed25519_kernel_t const qs_ed25519_kernel_ifma = {
    .name = "AVX-512 IFMA",
    .needs = QS_CPU_NEED_IFMA,
    .lanes = LANES,
    .narrow = 2,
    .check = lanes_check,
    .base_mul = lanes_base_mul,
};

#include <immintrin.h>

#define LANES 8

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_vec.h"

/* The empty statements keep sums in the order of the source: compilers' own takes a tenth longer. */
QS_INLINE vec_t
vec_madd52lo(vec_t sum, vec_t a, vec_t b)
{
    sum = (vec_t)_mm512_madd52lo_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
    __asm__("" : "+v"(sum));
    return sum;
}

QS_INLINE vec_t
vec_madd52hi(vec_t sum, vec_t a, vec_t b)
{
    sum = (vec_t)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
    __asm__("" : "+v"(sum));
    return sum;
}

#include "waltz/crypto/qs_ed25519_fe52.h"
#include "waltz/crypto/qs_ed25519_known.h"

/* Its arithmetic is tested on any machine by test/waltz/ed25519_ifma.h.  Eight lanes take about 50 us,
   AVX2's four 57, plain C 31 for one (Zen 4; bench ed25519): one signature alone is C's. */
qs_ed25519_kernel_t const qs_ed25519_kernel_ifma = {
    .name = "AVX-512 IFMA",
    .needs = QS_CPU_NEED_IFMA,
    .lanes = LANES,
    .narrow = 1,
    .narrower = &qs_ed25519_kernel_c,
    .euclid = qs_ed25519_euclid_avx512,
    .check = lanes_check,
    .check_known = lanes_check_known,
    .expand = lanes_expand,
    .base_mul = lanes_base_mul,
};

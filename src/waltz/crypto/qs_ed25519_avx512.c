#define LANES 8

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_fe26.h"
#include "waltz/crypto/qs_ed25519_known.h"

qs_ed25519_kernel_t const qs_ed25519_kernel_avx512 = {
    .name = "AVX-512",
    .needs = QS_CPU_NEED_AVX512,
    .lanes = LANES,
    .narrow = 4,
    .narrower = &qs_ed25519_kernel_avx2,
    .euclid = qs_ed25519_euclid_avx512,
    .check = lanes_check,
    .check_known = lanes_check_known,
    .expand = lanes_expand,
    .base_mul = lanes_base_mul,
};

#define LANES 4

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_fe26.h"
#include "waltz/crypto/qs_ed25519_many.h"

qs_ed25519_kernel_t const qs_ed25519_kernel_avx2 = {
    .name = "AVX2",
    .needs = QS_CPU_NEED_AVX2,
    .lanes = LANES,
    .narrow = 2,
    .narrower = &qs_ed25519_kernel_c,
    .euclid = qs_ed25519_euclid_c,
    .check = lanes_check,
    .check_known = lanes_check_known,
    .expand = lanes_expand,
    .base_mul = lanes_base_mul,
    .base_mul_many = lanes_base_mul_many,
};

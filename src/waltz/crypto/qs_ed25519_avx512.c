#define LANES 8

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_fe26.h"
#include "waltz/crypto/qs_ed25519_lanes.h"

qs_ed25519_kernel_t const qs_ed25519_kernel_avx512 = {
    .name = "AVX-512",
    .needs = QS_CPU_NEED_AVX512,
    .lanes = LANES,
    .narrow = 2,
    .check = lanes_check,
    .base_mul = lanes_base_mul,
};

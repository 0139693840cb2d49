#define LANES 4

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_fe26.h"
#include "waltz/crypto/qs_ed25519_lanes.h"

qs_ed25519_kernel_t const qs_ed25519_kernel_avx2 = {
    .name = "AVX2",
    .needs = QS_CPU_NEED_AVX2,
    .lanes = LANES,
    .narrow = 1,
    .check = lanes_check,
    .base_mul = lanes_base_mul,
};

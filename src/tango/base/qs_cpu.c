#include "tango/base/qs_cpu.h"

#define CAP_NAME "QUICKSTEP_CPU"
#define KNOWN    (1u << 31) /* the cache has been filled; no feature has this bit */

#define ANY_AVX512                                                                                 \
    (QS_CPU_AVX512F | QS_CPU_AVX512BW | QS_CPU_AVX512DQ | QS_CPU_AVX512VL | QS_CPU_IFMA |          \
     QS_CPU_SHANI_EACH_CYCLE) /* the last is of use with them only */

#if defined(__x86_64__)
#include <cpuid.h>

#define XCR0_AVX    0x06u /* xmm and ymm */
#define XCR0_AVX512 0xe6u /* and opmask, upper halves of zmm, zmm16 to zmm31 */

static u32
enabled_registers(void)
{
    u32 lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

/* AMD's family 25, of whose members with AVX-512, Zen 4, it was measured. */
static bool
is_zen4_family(u32 leaf1_eax)
{
    u32 a, b = 0, c = 0, d = 0;
    u32 family = (leaf1_eax >> 8 & 0xf) + (leaf1_eax >> 20 & 0xff);
    return family == 25 && __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx &&
           c == signature_AMD_ecx && d == signature_AMD_edx;
}

u32
qs_cpu_detect(void)
{
    u32 a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    bool sha_each_cycle = is_zen4_family(a);
    u32 crc32 = c & bit_SSE4_2 ? QS_CPU_CRC32 : 0;
    bool sse41 = (c & bit_SSE4_1) && (c & bit_SSSE3);
    u32 xcr0 = c & bit_OSXSAVE ? enabled_registers() : 0;
    bool avx = (xcr0 & XCR0_AVX) == XCR0_AVX && (c & bit_AVX) && (c & bit_FMA);
    bool avx512 = avx && (xcr0 & XCR0_AVX512) == XCR0_AVX512;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return crc32;

    u32 has = crc32;
    has |= avx && (b & bit_AVX2) ? QS_CPU_AVX2 : 0;
    has |= (b & bit_BMI2) && (b & bit_ADX) ? QS_CPU_BMI2 : 0;
    has |= sse41 && (b & bit_SHA) ? QS_CPU_SHANI : 0;
    has |= sse41 && (b & bit_SHA) && sha_each_cycle ? QS_CPU_SHANI_EACH_CYCLE : 0;
    has |= avx && (c & bit_GFNI) ? QS_CPU_GFNI : 0;
    has |= avx512 && (b & bit_AVX512F) ? QS_CPU_AVX512F : 0;
    has |= avx512 && (b & bit_AVX512BW) ? QS_CPU_AVX512BW : 0;
    has |= avx512 && (b & bit_AVX512DQ) ? QS_CPU_AVX512DQ : 0;
    has |= avx512 && (b & bit_AVX512VL) ? QS_CPU_AVX512VL : 0;
    has |= avx512 && (b & bit_AVX512IFMA) ? QS_CPU_IFMA : 0;
    return has;
}
#else
u32
qs_cpu_detect(void)
{
    return 0;
}
#endif

int
qs_cpu_cap(u32 *features, char const *cap)
{
    if (!cap || !strcmp(cap, "avx512"))
        return 0;
    if (!strcmp(cap, "avx2"))
        *features &= ~ANY_AVX512;
    else if (!strcmp(cap, "c"))
        *features = 0;
    else
        return -EINVAL;
    return 0;
}

u32
qs_cpu_features(void)
{
    /* Relaxed is enough: the word is all there is, and every thread computes the same one. */
    static u32 cache;
    u32 features = qs_load_relaxed(&cache);
    if (!(features & KNOWN)) {
        features = qs_cpu_detect();
        qs_cpu_cap(&features, getenv(CAP_NAME));
        features |= KNOWN;
        qs_store_relaxed(&cache, features);
    }
    return features & ~KNOWN;
}

char const *
qs_cpu_bad_cap(void)
{
    char const *cap = getenv(CAP_NAME);
    u32 ignored = 0;
    return qs_cpu_cap(&ignored, cap) ? cap : NULL;
}

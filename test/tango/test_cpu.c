/* Goal: the cap takes away what it names and nothing else, and a bad one has no effect but is told.
   Method: the pure function over a table; then the environment, in a process that has not asked
   yet (Criterion gives each test one). */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "tango/base/qs_cpu.h"

#define EVERYTHING (QS_CPU_NEED_IFMA | QS_CPU_NEED_GFNI | QS_CPU_NEED_SHANI | QS_CPU_CRC32)
#define NO_512     (QS_CPU_AVX2 | QS_CPU_BMI2 | QS_CPU_SHANI | QS_CPU_GFNI | QS_CPU_CRC32)

struct cap {
    char name[16];
    u32 left;
    int err;
};

ParameterizedTestParameters(cpu, cap_leaves)
{
    static struct cap caps[] = {
        {"c", 0, 0},
        {"avx2", NO_512, 0},
        {"avx512", EVERYTHING, 0},
        {"", EVERYTHING, -EINVAL},
        {"AVX2", EVERYTHING, -EINVAL},
        {"avx51", EVERYTHING, -EINVAL},
        {"c ", EVERYTHING, -EINVAL},
    };
    return cr_make_param_array(struct cap, caps, QS_COUNT(caps));
}

ParameterizedTest(struct cap *cap, cpu, cap_leaves)
{
    u32 features = EVERYTHING;
    cr_assert(eq(int, qs_cpu_cap(&features, cap->name), cap->err));
    cr_assert(eq(u32, features, cap->left));

    u32 nothing = 0; /* a cap never adds */
    qs_cpu_cap(&nothing, cap->name);
    cr_assert(eq(u32, nothing, 0));
}

Test(cpu, no_cap_leaves_everything)
{
    u32 features = EVERYTHING;
    cr_assert(eq(int, qs_cpu_cap(&features, NULL), 0));
    cr_assert(eq(u32, features, EVERYTHING));
}

Test(cpu, environment_unset_means_what_was_detected)
{
    unsetenv("QUICKSTEP_CPU");
    cr_assert(eq(u32, qs_cpu_features(), qs_cpu_detect()));
    cr_assert(eq(ptr, (void *)(uintptr_t)qs_cpu_bad_cap(), NULL));
}

Test(cpu, environment_caps)
{
    setenv("QUICKSTEP_CPU", "avx2", 1);
    cr_assert(eq(u32, qs_cpu_features(), qs_cpu_detect() & NO_512));
    cr_assert(not(qs_cpu_has(QS_CPU_NEED_AVX512)));
}

Test(cpu, first_answer_stays)
{
    setenv("QUICKSTEP_CPU", "c", 1);
    cr_assert(eq(u32, qs_cpu_features(), 0));
    unsetenv("QUICKSTEP_CPU");
    cr_assert(eq(u32, qs_cpu_features(), 0));
    cr_assert(qs_cpu_has(0));
}

Test(cpu, bad_environment_is_told_and_caps_nothing)
{
    setenv("QUICKSTEP_CPU", "sse", 1);
    cr_assert(eq(u32, qs_cpu_features(), qs_cpu_detect()));
    cr_assert(eq(str, (char *)(uintptr_t)qs_cpu_bad_cap(), "sse"));
}

/* The compiler's own detection knows these names in every version we build with. */
#if defined(__x86_64__)
Test(cpu, detection_agrees_with_the_compiler)
{
    u32 has = qs_cpu_detect();
    cr_assert(eq(int, !!(has & QS_CPU_AVX2), !!__builtin_cpu_supports("avx2")));
    cr_assert(eq(int, !!(has & QS_CPU_BMI2), !!__builtin_cpu_supports("bmi2")));
    cr_assert(eq(int, !!(has & QS_CPU_AVX512F), !!__builtin_cpu_supports("avx512f")));
    cr_assert(eq(int, !!(has & QS_CPU_AVX512BW), !!__builtin_cpu_supports("avx512bw")));
    cr_assert(eq(int, !!(has & QS_CPU_AVX512DQ), !!__builtin_cpu_supports("avx512dq")));
    cr_assert(eq(int, !!(has & QS_CPU_AVX512VL), !!__builtin_cpu_supports("avx512vl")));
    cr_assert(eq(int, !!(has & QS_CPU_IFMA), !!__builtin_cpu_supports("avx512ifma")));
    cr_assert(eq(int, !!(has & QS_CPU_GFNI), !!__builtin_cpu_supports("gfni")));
    cr_assert(eq(int, !!(has & QS_CPU_CRC32), !!__builtin_cpu_supports("sse4.2")));
}
#endif

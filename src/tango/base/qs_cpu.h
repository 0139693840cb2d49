/* qs_cpu.h - which instruction sets this process may use.

   Kernels are chosen at run time: a kernel's row names the bits it needs, and it is eligible
   when qs_cpu_features() has them all.  The environment's QUICKSTEP_CPU caps that set:

       c        nothing: every kernel is plain C
       avx2     no AVX-512 of any kind; AVX2, BMI2, SHA-NI and GFNI stay
       avx512   no cap, the same as unset

   A bit is set only if the processor has the instructions and the kernel saves their registers.
   On processors other than x86-64 the set is empty.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_CPU_H
#define QS_TANGO_BASE_CPU_H

#include "tango/base/qs_base.h"

#define QS_CPU_AVX2     (1u << 0)
#define QS_CPU_BMI2     (1u << 1) /* and ADX: the flags of *_avx2.c include it */
#define QS_CPU_SHANI    (1u << 2)
#define QS_CPU_GFNI     (1u << 3)
#define QS_CPU_AVX512F  (1u << 4)
#define QS_CPU_AVX512BW (1u << 5)
#define QS_CPU_AVX512DQ (1u << 6)
#define QS_CPU_AVX512VL (1u << 7)
#define QS_CPU_IFMA     (1u << 8)
#define QS_CPU_CRC32    (1u << 10) /* of SSE4.2 */

/* Not an instruction set: sha256rnds2 starts every cycle, where others take two or three. */
#define QS_CPU_SHANI_EACH_CYCLE (1u << 9)

/* What the compiler may use in a file with this suffix. */
#define QS_CPU_NEED_AVX2 (QS_CPU_AVX2 | QS_CPU_BMI2)
#define QS_CPU_NEED_AVX512                                                                         \
    (QS_CPU_NEED_AVX2 | QS_CPU_AVX512F | QS_CPU_AVX512BW | QS_CPU_AVX512DQ | QS_CPU_AVX512VL)
#define QS_CPU_NEED_SHANI QS_CPU_SHANI
#define QS_CPU_NEED_GFNI  (QS_CPU_NEED_AVX512 | QS_CPU_GFNI)
#define QS_CPU_NEED_IFMA  (QS_CPU_NEED_AVX512 | QS_CPU_IFMA)

/* qs_cpu_features returns the QS_CPU_* bits of this machine under the cap.  The environment is
   read by the first call; later changes of it have no effect. */
u32 qs_cpu_features(void);

/* qs_cpu_has says whether every bit of needs is in qs_cpu_features(). */
QS_INLINE bool
qs_cpu_has(u32 needs)
{
    return !(needs & ~qs_cpu_features());
}

/* qs_cpu_detect returns the bits of this machine, no cap applied. */
u32 qs_cpu_detect(void);

/* qs_cpu_cap takes from *features what cap forbids; a null cap forbids nothing.
   Returns 0, or -EINVAL and leaves *features alone if cap is none of the three words. */
int qs_cpu_cap(u32 *features, char const *cap);

/* qs_cpu_bad_cap returns the value of QUICKSTEP_CPU if it is none of the three words and
   therefore has no effect, else null.  The app complains about it at boot. */
char const *qs_cpu_bad_cap(void);

#endif

/* qs_ed25519_kernel - what the front (hashing, scalars) and the kernels (points) agree on.

       item -> qs_ed25519.c: S < L, k, half-size scalars -> job -> kernel: points -> verdict

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_KERNEL_H
#define QS_WALTZ_CRYPTO_ED25519_KERNEL_H

#include "waltz/crypto/qs_ed25519.h"

/* One equation  base B + key_scalar (-key) + r_scalar (-R) == 0  to test.  key_scalar is
   negative if key_negative is set. */
typedef struct qs_ed25519_job {
    u8 const *key;
    u8 const *r;
    u64 base[4];
    u64 key_scalar[4];
    u64 r_scalar[4];
    bool key_negative;
} qs_ed25519_job_t;

struct qs_ed25519_kernel {
    char const *name;
    u32 needs;  /* QS_CPU_* bits                                      */
    u32 lanes;  /* jobs that check takes at once                      */
    u32 narrow; /* so many jobs or fewer are faster through verify_one of kernels[0] */

    /* check writes the verdict of lanes jobs: never QS_ED25519_S_RANGE. */
    void (*check)(qs_ed25519_verdict_t *verdict, qs_ed25519_job_t const *job,
                  qs_ed25519_rule_t rule);

    /* base_mul writes the encoding of scalar * B, scalar < L, in constant time.  What it leaves
       on the stack is the caller's to wipe. */
    void (*base_mul)(u8 out[32], u64 const scalar[4]);
};

/* qs_ed25519_comb_end encodes 32 odd + even, points of qs_ed25519_ge.h that are settled whole, in
   constant time; odd is overwritten. */
struct ge;
void qs_ed25519_comb_end(u8 out[32], struct ge *odd, struct ge const *even);

extern qs_ed25519_kernel_t const qs_ed25519_kernel_c;
extern qs_ed25519_kernel_t const qs_ed25519_kernel_avx2;
extern qs_ed25519_kernel_t const qs_ed25519_kernel_avx512;
extern qs_ed25519_kernel_t const qs_ed25519_kernel_ifma;

#endif

/* qs_ed25519_kernel - what the front (hashing, scalars) and the kernels (points) agree on.

       item -> qs_ed25519.c: S < L, k, half-size scalars -> job -> kernel: points -> verdict

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_KERNEL_H
#define QS_WALTZ_CRYPTO_ED25519_KERNEL_H

#include "waltz/crypto/qs_ed25519.h"
#include "waltz/crypto/qs_ed25519_sc.h"

/* What a kernel that has lanes keeps of a key whose signatures come again and again: 1 to 8 times
   -2^(64 part) key for four parts, each an affine point in the kernel's own limbs, filled up to two
   lines. */
#define QS_ED25519_TABLE_PARTS 4u
#define QS_ED25519_TABLE_WORDS 16u
#define QS_ED25519_KNOWN_MAX   64u /* jobs of one call of check_known */
#define QS_ED25519_MANY_MAX    16u /* scalars of one call of base_mul_many */

typedef struct qs_ed25519_key_table {
    alignas(64) u64 entry[QS_ED25519_TABLE_PARTS][8][QS_ED25519_TABLE_WORDS];
} qs_ed25519_key_table_t;

/* One equation  base B + key_scalar (-key) + r_scalar (-R) == 0  to test.  key_scalar is
   negative if key_negative is set.  With a table of the key, key_scalar is not negative and
   r_scalar is 1. */
typedef struct qs_ed25519_job {
    qs_ed25519_key_table_t const *table;
    u8 const *key;
    u8 const *r;
    u64 base[4];
    u64 key_scalar[4];
    u64 r_scalar[4];
    bool key_negative;
} qs_ed25519_job_t;

struct qs_ed25519_kernel {
    char const *name;
    u32 needs;                           /* QS_CPU_* bits                                      */
    u32 lanes;                           /* jobs that check takes at once                      */
    u32 narrow;                          /* so many jobs or fewer are faster through narrower  */
    qs_ed25519_kernel_t const *narrower; /* runs wherever this one does */

    qs_ed25519_euclid_fn *euclid; /* halves scalars */

    /* check writes the verdict of lanes jobs: never QS_ED25519_S_RANGE. */
    void (*check)(qs_ed25519_verdict_t *verdict, qs_ed25519_job_t const *job,
                  qs_ed25519_rule_t rule);

    /* check_known writes the verdict of cnt jobs that have tables; cnt is a multiple of lanes, at
       most QS_ED25519_KNOWN_MAX.  Null: this kernel has no tables. */
    void (*check_known)(qs_ed25519_verdict_t *verdict, qs_ed25519_job_t const *job, u32 cnt,
                        qs_ed25519_rule_t rule);

    /* expand fills the tables of lanes keys.  Bit i of the result says that key i is the canonical
       encoding of a point that has no small order: the other tables are not to be used. */
    u32 (*expand)(qs_ed25519_key_table_t *const *table, u8 const *const *key);

    /* base_mul writes the encoding of scalar * B, scalar < L, in constant time.  What it leaves
       on the stack is the caller's to wipe. */
    void (*base_mul)(u8 out[32], u64 const scalar[4]);

    /* base_mul_many does the same for cnt scalars, 1 to QS_ED25519_MANY_MAX.  Null: one by one. */
    void (*base_mul_many)(u8 (*out)[32], u64 const (*scalar)[4], u32 cnt);
};

/* qs_ed25519_verify_known judges cnt signatures whose keys' tables this kernel has made. */
void qs_ed25519_verify_known(qs_ed25519_kernel_t const *kernel, qs_ed25519_verdict_t *verdict,
                             qs_ed25519_item_t const *item,
                             qs_ed25519_key_table_t const *const *table, u32 cnt,
                             qs_ed25519_rule_t rule);

/* qs_ed25519_comb_end encodes 32 odd + even, points of qs_ed25519_ge.h that are settled whole, in
   constant time; odd is overwritten. */
struct ge;
void qs_ed25519_comb_end(u8 out[32], struct ge *odd, struct ge const *even);

extern qs_ed25519_kernel_t const qs_ed25519_kernel_c;
extern qs_ed25519_kernel_t const qs_ed25519_kernel_avx2;
extern qs_ed25519_kernel_t const qs_ed25519_kernel_avx512;
extern qs_ed25519_kernel_t const qs_ed25519_kernel_ifma;

#endif

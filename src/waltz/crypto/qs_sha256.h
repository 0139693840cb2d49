/* qs_sha256.h - SHA-256 (FIPS 180-4): one message, in pieces, or many at once.

   Every function picks the fastest kernel that this processor has (qs_cpu.h).

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SHA256_H
#define QS_WALTZ_CRYPTO_SHA256_H

#include "waltz/crypto/qs_sha.h"

#define QS_SHA256_SZ       32u
#define QS_SHA256_BLOCK_SZ 64u

/* qs_sha256 hashes sz bytes; data may be null if sz is 0. */
void qs_sha256(u8 out[QS_SHA256_SZ], void const *data, u64 sz);

/* qs_sha256_batch hashes cnt independent messages, side by side as far as the processor can.
   Lengths may differ: a lane that is done takes the next message. */
void qs_sha256_batch(qs_sha_msg_t const *msg, u64 cnt);

/* qs_sha256_t is a hash in progress; init, then any number of appends, then fini. */
typedef struct qs_sha256 {
    u32 state[8];
    u64 sz; /* bytes appended so far */
    u8 pending[QS_SHA256_BLOCK_SZ];
} qs_sha256_t;

void qs_sha256_init(qs_sha256_t *sha);
void qs_sha256_append(qs_sha256_t *sha, void const *data, u64 sz);

/* qs_sha256_fini writes the digest; sha must be initialized again before its next use. */
void qs_sha256_fini(qs_sha256_t *sha, u8 out[QS_SHA256_SZ]);

/* The state that a hash begins with: for who hands blocks of many messages of one length to a
   kernel himself. */
extern u32 const qs_sha256_iv[8];

/* The kernels, slowest first; the first is plain C and needs nothing.  For tests and benches,
   which must check qs_cpu_has(needs) before they run one. */
extern qs_sha_kernel_t const qs_sha256_kernels[];
extern u32 const qs_sha256_kernel_cnt;

/* qs_sha256_kernel returns the row that all functions but the next one use. */
qs_sha_kernel_t const *qs_sha256_kernel(void);

void qs_sha256_batch_with(qs_sha_kernel_t const *kernel, qs_sha_msg_t const *msg, u64 cnt);

#endif

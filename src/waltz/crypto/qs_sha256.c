#include "waltz/crypto/qs_sha256.h"

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_sha256_rounds.h"
#include "waltz/crypto/qs_sha_batch.h"

#define WORD_SZ 4u

/* clang-format off */
/* FIPS 180-4, 5.3.3 */
u32 const qs_sha256_iv[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

u32 const qs_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static void
one_c(void *state, u8 const *data, u64 block_cnt)
{
    qs_sha256_one_(state, data, block_cnt);
}

/* Where a processor has both, SHA-NI takes single messages and what is left of a batch.  Where it
   can start a sha256rnds2 every cycle it is better for full lanes too: on Zen 4 a block takes 57
   cycles by four lanes of it, 68 by sixteen of AVX-512 (docs/performance-reedsol.md).  That AVX-512
   is better elsewhere, and where it stops to be, follows from published instruction timings. */
/* clang-format off */
qs_sha_kernel_t const qs_sha256_kernels[] = {
/*    name            needs           lanes narrow  one                  many                     */
    { "c",            0,                  1,    1,  one_c,               NULL                     },
#if defined(__x86_64__)
    { "avx2",         QS_CPU_NEED_AVX2,   8,    1,  qs_sha256_one_avx2,  qs_sha256_many_avx2      },
    { "avx512",       QS_CPU_NEED_AVX512, 16,   1,  qs_sha256_one_avx2,  qs_sha256_many_avx512    },
    { "shani",        QS_CPU_NEED_SHANI,  2,    1,  qs_sha256_one_shani, qs_sha256_many_shani     },
    { "avx512+shani", QS_CPU_NEED_AVX512 | QS_CPU_NEED_SHANI,
                                          16,   4,  qs_sha256_one_shani, qs_sha256_many_avx512    },
    { "shani x 4",    QS_CPU_NEED_AVX512 | QS_CPU_NEED_SHANI | QS_CPU_SHANI_EACH_CYCLE,
                                          4,    1,  qs_sha256_one_shani, qs_sha256_many_shani_avx512 },
#endif
};
/* clang-format on */

u32 const qs_sha256_kernel_cnt = QS_COUNT(qs_sha256_kernels);

qs_sha_kernel_t const *
qs_sha256_kernel(void)
{
    u32 i = QS_COUNT(qs_sha256_kernels) - 1;
    while (!qs_cpu_has(qs_sha256_kernels[i].needs))
        i--;
    return &qs_sha256_kernels[i];
}

void
qs_sha256_batch_with(qs_sha_kernel_t const *kernel, qs_sha_msg_t const *msg, u64 cnt)
{
    qs_sha_batch_(kernel, qs_sha256_iv, msg, cnt, WORD_SZ);
}

void
qs_sha256_batch(qs_sha_msg_t const *msg, u64 cnt)
{
    qs_sha_batch_(qs_sha256_kernel(), qs_sha256_iv, msg, cnt, WORD_SZ);
}

void
qs_sha256(u8 out[QS_SHA256_SZ], void const *data, u64 sz)
{
    qs_sha_msg_t msg = {.out = out, .part = {{data, sz}}};
    qs_sha_each_(qs_sha256_kernel(), qs_sha256_iv, &msg, 1, WORD_SZ);
}

void
qs_sha256_init(qs_sha256_t *sha)
{
    memcpy(sha->state, qs_sha256_iv, sizeof(sha->state));
    sha->sz = 0;
}

void
qs_sha256_append(qs_sha256_t *sha, void const *data, u64 sz)
{
    if (!sz)
        return;
    qs_sha_kernel_t const *kernel = qs_sha256_kernel();
    u8 const *from = data;
    u64 fill = sha->sz % QS_SHA256_BLOCK_SZ;
    sha->sz += sz;
    if (fill) {
        u64 take = qs_min_u64(sz, QS_SHA256_BLOCK_SZ - fill);
        memcpy(sha->pending + fill, from, take);
        if (fill + take < QS_SHA256_BLOCK_SZ)
            return;
        kernel->one(sha->state, sha->pending, 1);
        from += take;
        sz -= take;
    }
    u64 block_cnt = sz / QS_SHA256_BLOCK_SZ;
    kernel->one(sha->state, from, block_cnt);
    u64 rest = sz % QS_SHA256_BLOCK_SZ;
    if (rest)
        memcpy(sha->pending, from + sz - rest, rest);
}

void
qs_sha256_fini(qs_sha256_t *sha, u8 out[QS_SHA256_SZ])
{
    u8 tail[2 * QS_SHA256_BLOCK_SZ];
    u64 fill = sha->sz % QS_SHA256_BLOCK_SZ;
    memcpy(tail, sha->pending, fill);
    u64 block_cnt = qs_sha_pad_(tail, fill, sha->sz, WORD_SZ);
    qs_sha256_kernel()->one(sha->state, tail, block_cnt);
    qs_sha_digest_(out, sha->state, 1, WORD_SZ);
}

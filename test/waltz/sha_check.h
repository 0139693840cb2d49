/* sha_check.h - what test_sha256, test_sha512 and test_sha256_shani hold a kernel to. */

#ifndef QS_TEST_WALTZ_SHA_CHECK_H
#define QS_TEST_WALTZ_SHA_CHECK_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_sha.h"

#define CHECK_MSG_MAX 70u
#define CHECK_OUT_MAX 64u

typedef struct sha_family {
    u32 out_sz;
    void (*batch_with)(qs_sha_kernel_t const *kernel, qs_sha_msg_t const *msg, u64 cnt);
    unsigned char *(*oracle)(unsigned char const *data, size_t sz, unsigned char *out);
} sha_family_t;

static u64 check_seed = 1;

/* check_rand is splitmix64. */
static inline u64
check_rand(void)
{
    u64 x = check_seed += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* check_message makes a message of sz bytes in three random parts, each in a block of its
   own so that ASan sees a read past the end, and writes the expected digest. */
static inline void
check_message(sha_family_t const *f, qs_sha_msg_t *msg, u64 sz, u8 *want)
{
    static u8 whole[1u << 16];
    u64 cut[QS_SHA_PART_MAX + 1] = {0, check_rand() % (sz + 1), check_rand() % (sz + 1), sz};
    if (cut[1] > cut[2]) {
        u64 cut1 = cut[1];
        cut[1] = cut[2];
        cut[2] = cut1;
    }
    for (u64 i = 0; i < sz; i++)
        whole[i] = (u8)check_rand();
    f->oracle(whole, sz, want);
    for (u32 i = 0; i < QS_SHA_PART_MAX; i++) {
        u64 part_sz = cut[i + 1] - cut[i];
        u8 *data = part_sz ? malloc(part_sz) : NULL;
        if (data)
            memcpy(data, whole + cut[i], part_sz);
        msg->part[i] = (qs_sha_part_t){data, part_sz};
    }
}

static inline void
check_batch(sha_family_t const *f, qs_sha_kernel_t const *kernel, u64 const *sz, u32 cnt)
{
    static u8 want[CHECK_MSG_MAX][CHECK_OUT_MAX];
    static u8 got[CHECK_MSG_MAX][CHECK_OUT_MAX + 1];
    static qs_sha_msg_t msg[CHECK_MSG_MAX];

    memset(got, 0xa5, sizeof(got));
    for (u32 i = 0; i < cnt; i++) {
        check_message(f, &msg[i], sz[i], want[i]);
        msg[i].out = got[i];
    }
    f->batch_with(kernel, msg, cnt);
    for (u32 i = 0; i < cnt; i++) {
        cr_assert(eq(int, memcmp(got[i], want[i], f->out_sz), 0), "%s: message %u of %u, %lu bytes",
                  kernel->name, i, cnt, sz[i]);
        cr_assert(eq(u8, got[i][f->out_sz], 0xa5), "%s wrote past the digest", kernel->name);
        for (u32 p = 0; p < QS_SHA_PART_MAX; p++)
            free((void *)(uintptr_t)msg[i].part[p].data);
    }
}

/* check_kernel: every length up to three blocks and more, alone, in equal lanes, and mixed. */
static inline void
check_kernel(sha_family_t const *f, qs_sha_kernel_t const *kernel)
{
    u64 sz[CHECK_MSG_MAX];
    for (u64 n = 0; n <= 400; n++) {
        check_batch(f, kernel, &n, 1);
        for (u32 i = 0; i < kernel->lanes; i++)
            sz[i] = n;
        check_batch(f, kernel, sz, kernel->lanes);
    }
    for (u32 cnt = 0; cnt <= CHECK_MSG_MAX; cnt++) {
        for (u32 i = 0; i < cnt; i++)
            sz[i] = check_rand() % (check_rand() % 4 ? 300 : 3000);
        check_batch(f, kernel, sz, cnt);
    }
}

/* check_kernels checks every kernel that this processor can run, and names the others. */
static inline void
check_kernels(sha_family_t const *f, qs_sha_kernel_t const *kernel, u32 kernel_cnt)
{
    for (u32 i = 0; i < kernel_cnt; i++) {
        if (qs_cpu_has(kernel[i].needs))
            check_kernel(f, &kernel[i]);
        else
            printf("skipped: kernel %s: this processor lacks it\n", kernel[i].name);
    }
}

#endif

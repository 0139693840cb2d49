/* SHA-256 of many short messages: our kernels against OpenSSL, one call per message. */

#include <openssl/sha.h>

#include "bench/bench.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_sha256.h"

#define MSG_CNT 64u
#define MSG_SZ  1115u
#define WHAT    "sha-256, 64 x 1115 bytes"

static u8 text[MSG_CNT][MSG_SZ];
static u8 digest[MSG_CNT][QS_SHA256_SZ];
static qs_sha_msg_t msg[MSG_CNT];

static void
ours(void *kernel)
{
    qs_sha256_batch_with(kernel, msg, MSG_CNT);
    bench_use(digest);
}

static void
openssl(void *ctx)
{
    (void)ctx;
    for (u32 i = 0; i < MSG_CNT; i++)
        SHA256(text[i], MSG_SZ, digest[i]);
    bench_use(digest);
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "sha256", argc, argv);
    for (u32 i = 0; i < MSG_CNT; i++) {
        memset(text[i], (int)i, MSG_SZ);
        msg[i] = (qs_sha_msg_t){.out = digest[i], .part = {{text[i], MSG_SZ}}};
    }
    for (u32 i = 0; i < qs_sha256_kernel_cnt; i++) {
        qs_sha_kernel_t const *k = &qs_sha256_kernels[i];
        if (qs_cpu_has(k->needs))
            bench_add(&b, &(bench_row_t){.what = WHAT,
                                         .variant = k->name,
                                         .against = "OpenSSL",
                                         .fn = ours,
                                         .ctx = (void *)(uintptr_t)k,
                                         .ops = MSG_CNT});
    }
    bench_add(
        &b,
        &(bench_row_t){
            .what = WHAT, .variant = "SHA256()", .peer = "OpenSSL", .fn = openssl, .ops = MSG_CNT});
    return bench_run(&b);
}

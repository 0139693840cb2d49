/* SHA-256 of many short messages: our kernels against OpenSSL and libsodium, one call per message. */

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>

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

/* SHA256() looks its algorithm up by name in every call; this is the peer without that. */
static void
openssl_fetched(void *md)
{
    static EVP_MD_CTX *md_ctx;
    if (!md_ctx)
        md_ctx = EVP_MD_CTX_new();
    for (u32 i = 0; i < MSG_CNT; i++) {
        EVP_DigestInit_ex(md_ctx, md, NULL);
        EVP_DigestUpdate(md_ctx, text[i], MSG_SZ);
        EVP_DigestFinal_ex(md_ctx, digest[i], NULL);
    }
    bench_use(digest);
}

static void
libsodium(void *ctx)
{
    (void)ctx;
    for (u32 i = 0; i < MSG_CNT; i++)
        crypto_hash_sha256(digest[i], text[i], MSG_SZ);
    bench_use(digest);
}

static void
add_peers(bench_t *b)
{
    bench_row_t row = {.what = WHAT, .ops = MSG_CNT};
    row.variant = "SHA256()", row.peer = "OpenSSL", row.fn = openssl;
    bench_add(b, &row);
    row.variant = "fetched once", row.peer = "OpenSSL EVP", row.fn = openssl_fetched;
    row.ctx = EVP_MD_fetch(NULL, "SHA256", NULL);
    bench_add(b, &row);
    row.variant = "crypto_hash", row.peer = "libsodium", row.fn = libsodium;
    bench_add(b, &row);
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
    add_peers(&b);
    if (!(qs_cpu_detect() & QS_CPU_SHANI))
        fprintf(stderr, "bench sha256: this processor has no SHA-NI: nobody here uses it\n");
    return bench_run(&b);
}

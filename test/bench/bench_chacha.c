/* ChaCha's keystream, 4096 bytes at a time: our kernels against libsodium and OpenSSL.  They have
   20 rounds only; our 8 are what turbine uses. */

#include <openssl/evp.h>
#include <sodium.h>

#include "bench/bench.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_chacha.h"

#define OUT_SZ 4096u
#define WHAT20 "chacha20, 4096 bytes"
#define WHAT8  "chacha8, 4096 bytes"

static u8 const key[QS_CHACHA_KEY_SZ] = {1};
static u8 const nonce[16];
static u8 const zeros[OUT_SZ];
static u8 out[OUT_SZ];

typedef struct job {
    qs_chacha_kernel_t const *kernel;
    qs_chacha_t chacha;
} job_t;

static void
ours(void *ctx)
{
    job_t *job = ctx;
    qs_chacha_keystream_with(job->kernel, &job->chacha, out, OUT_SZ / QS_CHACHA_BLOCK_SZ);
    bench_use(out);
}

static void
libsodium(void *ctx)
{
    (void)ctx;
    crypto_stream_chacha20(out, OUT_SZ, nonce, key);
    bench_use(out);
}

static void
openssl(void *ctx)
{
    int sz = 0;
    EVP_EncryptUpdate(ctx, out, &sz, zeros, OUT_SZ);
    bench_use(out);
}

static void
add_ours(bench_t *b, char const *what, u32 round_cnt, char const *against)
{
    static job_t jobs[32];
    static u32 job_cnt;
    for (u32 i = 0; i < qs_chacha_kernel_cnt; i++) {
        qs_chacha_kernel_t const *k = &qs_chacha_kernels[i];
        if (!qs_cpu_has(k->needs))
            continue;
        QS_ASSERT(job_cnt < QS_COUNT(jobs));
        job_t *job = &jobs[job_cnt++];
        job->kernel = k;
        qs_chacha_init(&job->chacha, key, 0, 0, round_cnt);
        bench_row_t row = {.what = what, .variant = k->name, .against = against, .ops = 1};
        row.fn = ours, row.ctx = job;
        bench_add(b, &row);
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "chacha", argc, argv);
    QS_ASSERT(sodium_init() >= 0);
    add_ours(&b, WHAT20, 20, "libsodium");
    add_ours(&b, WHAT8, 8, NULL);

    bench_row_t row = {.what = WHAT20, .ops = 1};
    row.variant = "stream_chacha20", row.peer = "libsodium", row.fn = libsodium;
    bench_add(&b, &row);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    QS_ASSERT(EVP_EncryptInit_ex(cipher, EVP_chacha20(), NULL, key, nonce) == 1);
    row.variant = "EVP_chacha20", row.peer = "OpenSSL", row.fn = openssl, row.ctx = cipher;
    bench_add(&b, &row);
    return bench_run(&b);
}

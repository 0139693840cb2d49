/* ed25519: strict verification in batches by each kernel, one at a time, and signing, against
   libsodium and OpenSSL.

   Neither peer judges by the strict rule alone: libsodium refuses a little more, OpenSSL less.
   An op is one signature of a 200-byte message, the hash included.  The peers verify the same
   signatures one by one, which is what they offer. */

#include <openssl/evp.h>
#include <sodium.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_cache.h"
#include "waltz/crypto/qs_ed25519_kernel.h"

#define CNT    64u
#define MSG_SZ 200u

#define WHAT_AVX512    "strict verify, 200-byte messages, AVX-512"
#define WHAT_CACHED    "same, keys that return (1,000 keys, warm)"
#define WHAT_AVX2      "AVX2"
#define WHAT_C         "portable C"
#define WHAT_LATENCY   "single verify latency"
#define WHAT_SIGN      "sign"
#define WHAT_SIGN_MANY "sign eight messages under one key"
#define SIGN_CNT       8u

static u8 secret[CNT][64], key[CNT][32], signature[CNT][64], msg[CNT][MSG_SZ];
static qs_ed25519_item_t item[CNT];
static EVP_PKEY *evp_public[CNT], *evp_private[CNT];
static EVP_MD_CTX *evp_ctx;
static u64 turn; /* rows of one signature take the next each time */

static void
verify_batch(void *kernel)
{
    qs_ed25519_verdict_t verdict[CNT];
    qs_ed25519_verify_batch_with(kernel, verdict, item, CNT, QS_ED25519_STRICT);
    for (u32 i = 0; i < CNT; i++)
        QS_ASSERT(verdict[i] == QS_ED25519_OK);
}

/* Keys that return: a thousand, each signing its own message, in batches of CNT by turns. */
#define KEY_CNT   1000u
#define PLACE_CNT 2048u /* of the cache */
#define WARM_UP   100u  /* rounds over all keys; some 32 make all tables */

static struct {
    u8 key[KEY_CNT][32], signature[KEY_CNT][64], msg[KEY_CNT][MSG_SZ];
    qs_ed25519_item_t item[KEY_CNT];
    u32 next;
} many;

static void
verify_cached(void *cache)
{
    qs_ed25519_verdict_t verdict[CNT];
    u32 take = (u32)qs_min_u64(CNT, KEY_CNT - many.next);
    qs_ed25519_verify_batch_cached(cache, verdict, &many.item[many.next], take, QS_ED25519_STRICT);
    for (u32 i = 0; i < take; i++)
        QS_ASSERT(verdict[i] == QS_ED25519_OK);
    if (take < CNT) { /* an op count that is always the same */
        qs_ed25519_verify_batch_cached(cache, verdict, many.item, CNT - take, QS_ED25519_STRICT);
        many.next = CNT - take;
    } else
        many.next += take;
}

/* The memory asks for huge pages, as a tile's workspace has them. */
static void *
make_cache(qs_ed25519_kernel_t const *kernel)
{
    u64 sz = qs_ed25519_cache_footprint(PLACE_CNT), page = 2ul << 20;
    sz = (sz + page - 1) & ~(page - 1);
    void *mem = aligned_alloc(page, sz);
    QS_ASSERT(mem);
    madvise(mem, sz, MADV_HUGEPAGE);
    qs_ed25519_cache_t *cache =
        qs_ed25519_cache_init(mem, PLACE_CNT, (qs_siphash_key_t){1, 2}, kernel);
    QS_ASSERT(cache);
    many.next = 0;
    for (u32 i = 0; i < WARM_UP * KEY_CNT; i += CNT)
        verify_cached(cache);
    return cache;
}

static void
verify_one(void *ctx)
{
    (void)ctx;
    QS_ASSERT(qs_ed25519_verify(&item[turn++ % CNT], QS_ED25519_STRICT) == QS_ED25519_OK);
}

static void
sign(void *kernel)
{
    u8 out[64];
    u64 i = turn++ % CNT;
    qs_ed25519_sign_with(kernel, out, msg[i], MSG_SZ, key[i], secret[i]);
    bench_use(out);
}

static void
libsodium_verify(void *ctx)
{
    (void)ctx;
    u64 i = turn++ % CNT;
    QS_ASSERT(!crypto_sign_verify_detached(signature[i], msg[i], MSG_SZ, key[i]));
}

/* sign_batch is what a leader does: several roots under one key. */
static void
sign_batch(void *kernel)
{
    static u8 out[SIGN_CNT][64];
    qs_ed25519_order_t order[SIGN_CNT];
    for (u32 i = 0; i < SIGN_CNT; i++)
        order[i] = (qs_ed25519_order_t){out[i], msg[i], MSG_SZ};
    qs_ed25519_sign_batch_with(kernel, order, SIGN_CNT, key[0], secret[0]);
    bench_use(out);
}

static void
libsodium_sign(void *ctx)
{
    (void)ctx;
    u8 out[64];
    u64 i = turn++ % CNT;
    crypto_sign_detached(out, NULL, msg[i], MSG_SZ, secret[i]);
    bench_use(out);
}

static void
openssl_verify(void *ctx)
{
    (void)ctx;
    u64 i = turn++ % CNT;
    EVP_MD_CTX_reset(evp_ctx);
    EVP_DigestVerifyInit(evp_ctx, NULL, NULL, NULL, evp_public[i]);
    QS_ASSERT(EVP_DigestVerify(evp_ctx, signature[i], 64, msg[i], MSG_SZ) == 1);
}

static void
openssl_sign(void *ctx)
{
    (void)ctx;
    u8 out[64];
    size_t sz = sizeof(out);
    u64 i = turn++ % CNT;
    EVP_MD_CTX_reset(evp_ctx);
    EVP_DigestSignInit(evp_ctx, NULL, NULL, NULL, evp_private[i]);
    EVP_DigestSign(evp_ctx, out, &sz, msg[i], MSG_SZ);
    bench_use(out);
}

static void
make_inputs(void)
{
    evp_ctx = EVP_MD_CTX_new();
    for (u32 i = 0; i < CNT; i++) {
        u8 seed[32] = {(u8)i, 1};
        memset(msg[i], (int)i, MSG_SZ);
        crypto_sign_seed_keypair(key[i], secret[i], seed);
        crypto_sign_detached(signature[i], NULL, msg[i], MSG_SZ, secret[i]);
        item[i] = (qs_ed25519_item_t){signature[i], key[i], msg[i], MSG_SZ};
        evp_public[i] = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key[i], 32);
        evp_private[i] = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret[i], 32);
    }
}

static void
make_many(void)
{
    for (u32 i = 0; i < KEY_CNT; i++) {
        u8 seed[32] = {(u8)i, (u8)(i >> 8), 2}, sk[64];
        memset(many.msg[i], (int)i, MSG_SZ);
        crypto_sign_seed_keypair(many.key[i], sk, seed);
        crypto_sign_detached(many.signature[i], NULL, many.msg[i], MSG_SZ, sk);
        many.item[i] = (qs_ed25519_item_t){many.signature[i], many.key[i], many.msg[i], MSG_SZ};
    }
}

static void
add(bench_t *b, char const *what, qs_ed25519_kernel_t const *kernel, void (*fn)(void *), u64 ops)
{
    bench_add(b, &(bench_row_t){.what = what,
                                .variant = kernel->name,
                                .against = "libsodium",
                                .fn = fn,
                                .ctx = (void *)(uintptr_t)kernel,
                                .ops = ops});
}

static void
add_peers(bench_t *b, char const *what, bool signs)
{
    bench_row_t row = {.what = what, .ops = 1};
    row.peer = "libsodium";
    row.variant = signs ? "crypto_sign" : "crypto_sign_verify";
    row.fn = signs ? libsodium_sign : libsodium_verify;
    bench_add(b, &row);
    row.peer = "OpenSSL";
    row.variant = signs ? "EVP sign" : "EVP verify";
    row.fn = signs ? openssl_sign : openssl_verify;
    bench_add(b, &row);
}

/* Which row a kernel's batches belong to. */
static char const *
row_of(qs_ed25519_kernel_t const *kernel)
{
    if (kernel->needs & QS_CPU_AVX512F)
        return WHAT_AVX512;
    return kernel->needs ? WHAT_AVX2 : WHAT_C;
}

static void
add_kernels(bench_t *b, char const *what)
{
    bool any = false;
    for (u32 i = 0; i < qs_ed25519_kernel_cnt; i++) {
        qs_ed25519_kernel_t const *kernel = qs_ed25519_kernels[i];
        if (strcmp(row_of(kernel), what))
            continue;
        if (qs_cpu_has(kernel->needs)) {
            add(b, what, kernel, verify_batch, CNT);
            any = true;
        } else
            bench_absent(b, kernel->name, "this processor does not have it");
    }
    if (any)
        add_peers(b, what, false);
}

static void
add_cached(bench_t *b)
{
    for (u32 i = 0; i < qs_ed25519_kernel_cnt; i++) {
        qs_ed25519_kernel_t const *kernel = qs_ed25519_kernels[i];
        if (!kernel->check_known || !qs_cpu_has(kernel->needs))
            continue;
        bench_add(b, &(bench_row_t){.what = WHAT_CACHED,
                                    .variant = kernel->name,
                                    .against = "libsodium",
                                    .fn = verify_cached,
                                    .ctx = make_cache(kernel),
                                    .ops = CNT});
    }
    add_peers(b, WHAT_CACHED, false);
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "ed25519", argc, argv);
    make_inputs();
    bench_add(&b, &(bench_row_t){.what = WHAT_LATENCY,
                                 .variant = "qs_ed25519_verify",
                                 .against = "libsodium",
                                 .fn = verify_one,
                                 .ops = 1});
    add_peers(&b, WHAT_LATENCY, false);
    for (u32 i = 0; i < qs_ed25519_kernel_cnt; i++)
        if (qs_cpu_has(qs_ed25519_kernels[i]->needs))
            add(&b, WHAT_SIGN, qs_ed25519_kernels[i], sign, 1);
    add_peers(&b, WHAT_SIGN, true);
    for (u32 i = 0; i < qs_ed25519_kernel_cnt; i++)
        if (qs_cpu_has(qs_ed25519_kernels[i]->needs) && qs_ed25519_kernels[i]->base_mul_many)
            add(&b, WHAT_SIGN_MANY, qs_ed25519_kernels[i], sign_batch, SIGN_CNT);
    add_peers(&b, WHAT_SIGN_MANY, true);
    add_kernels(&b, WHAT_C);
    add_kernels(&b, WHAT_AVX2);
    add_kernels(&b, WHAT_AVX512);
    make_many();
    add_cached(&b);
    return bench_run(&b);
}

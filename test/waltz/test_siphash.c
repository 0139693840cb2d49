/* Goal: SipHash-2-4 and SipHash-1-3 are the published functions.
   Method: the example in the paper; libsodium for 2-4, OpenSSL for both, over every length. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "tango/base/qs_bits.h"
#include "waltz/crypto/qs_siphash.h"

#define SZ_MAX 100u

static u8 bytes[SZ_MAX];
static qs_siphash_key_t key;

static void
fill(void)
{
    for (u32 i = 0; i < sizeof(bytes); i++)
        bytes[i] = (u8)i;
    key = qs_siphash_key_load(bytes);
}

TestSuite(siphash, .init = fill);

Test(siphash, example_of_the_paper)
{
    cr_assert(eq(u64, qs_siphash24(key, bytes, 15), 0xa129ca6149be45e5));
}

Test(siphash, nothing_has_a_hash_too)
{
    u8 want[8];
    crypto_shorthash(want, bytes, 0, bytes);
    cr_assert(eq(u64, qs_siphash24(key, NULL, 0), qs_load_le64(want)));
}

/* openssl_siphash is OpenSSL's MAC with the given numbers of rounds. */
static u64
openssl_siphash(u8 const *data, u64 sz, unsigned word_rounds, unsigned end_rounds)
{
    u8 out[8];
    size_t out_sz = sizeof(out);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &out_sz),
                           OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &word_rounds),
                           OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &end_rounds),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    cr_assert(eq(int, EVP_MAC_init(ctx, bytes, QS_SIPHASH_KEY_SZ, params), 1));
    cr_assert(eq(int, EVP_MAC_update(ctx, data, sz), 1));
    cr_assert(eq(int, EVP_MAC_final(ctx, out, &out_sz, sizeof(out)), 1));
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return qs_load_le64(out);
}

Test(siphash, every_length_agrees_with_libsodium_and_openssl)
{
    for (u64 sz = 0; sz <= SZ_MAX; sz++) {
        u8 want[8];
        u8 *data = malloc(sz ? sz : 1); /* its own block, so that ASan sees a read past the end */
        memcpy(data, bytes, sz);
        crypto_shorthash(want, data, sz, bytes);
        cr_assert(eq(u64, qs_siphash24(key, data, sz), qs_load_le64(want)), "%lu bytes", sz);
        cr_assert(eq(u64, qs_siphash24(key, data, sz), openssl_siphash(data, sz, 2, 4)));
        cr_assert(eq(u64, qs_siphash13(key, data, sz), openssl_siphash(data, sz, 1, 3)));
        free(data);
    }
}

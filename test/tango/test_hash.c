/* Goal: the hashes are the published ones.  Method: SipHash-1-3 against OpenSSL's for many keys
   and lengths, FNV-1a against its published values. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "tango/base/qs_bits.h"
#include "tango/base/qs_hash.h"
#include "tango/base/qs_rng.h"

static u64
openssl_siphash13(qs_hash_key_t const *key, u64 const *words, u64 cnt)
{
    u8 key_bytes[16];
    qs_store_le64(key_bytes, key->k0);
    qs_store_le64(key_bytes + 8, key->k1);
    u8 in[64];
    for (u64 i = 0; i < cnt; i++)
        qs_store_le64(in + 8 * i, words[i]);

    size_t out_sz = 8;
    unsigned c = 1;
    unsigned d = 3;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &out_sz),
                           OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c),
                           OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    u8 out[8];
    cr_assert(EVP_MAC_init(ctx, key_bytes, sizeof(key_bytes), params));
    cr_assert(EVP_MAC_update(ctx, in, 8 * cnt));
    cr_assert(EVP_MAC_final(ctx, out, &out_sz, sizeof(out)));
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return qs_load_le64(out);
}

Test(hash, words_are_hashed_as_openssl_does_siphash_1_3)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 3, 0);
    for (u32 round = 0; round < 200; round++) {
        qs_hash_key_t key = {.k0 = qs_rng_u64(&rng), .k1 = qs_rng_u64(&rng)};
        u64 words[8];
        for (u32 i = 0; i < QS_COUNT(words); i++)
            words[i] = qs_rng_u64(&rng);
        u64 cnt = round % (QS_COUNT(words) + 1);
        cr_assert(eq(u64, qs_hash_words(&key, words, cnt), openssl_siphash13(&key, words, cnt)));
        cr_assert(eq(u64, qs_hash_u64(&key, words[0]), openssl_siphash13(&key, words, 1)));
        cr_assert(
            eq(u64, qs_hash_2u64(&key, words[0], words[1]), openssl_siphash13(&key, words, 2)));
    }
}

Test(hash, bytes_are_hashed_as_published_fnv_1a)
{
    cr_assert(eq(u64, qs_hash_bytes(0, "", 0), 0xcbf29ce484222325ull));
    cr_assert(eq(u64, qs_hash_bytes(0, "a", 1), 0xaf63dc4c8601ec8cull));
    cr_assert(eq(u64, qs_hash_bytes(0, "foobar", 6), 0x85944171f73967e8ull));
}

Test(hash, pieces_chain_by_their_seed)
{
    u64 ab_c = qs_hash_bytes(qs_hash_bytes(0, "ab", 2), "c", 1);
    cr_assert(ne(u64, ab_c, qs_hash_bytes(qs_hash_bytes(0, "a", 1), "bc", 2)));
    cr_assert(ne(u64, ab_c, qs_hash_bytes(0, "c", 1)));
}

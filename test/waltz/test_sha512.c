/* Goal: SHA-512 is FIPS 180-4's, by every kernel, however a message is cut into parts or pieces.
   Method: the standard's examples; then each kernel against OpenSSL over lengths, part
   boundaries and batches of mixed lengths. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <openssl/sha.h>

#include "waltz/crypto/qs_sha512.h"
#include "waltz/sha_check.h"

static sha_family_t const family = {QS_SHA512_SZ, qs_sha512_batch_with, SHA512};

static void
assert_hex(u8 const *digest, char const *want)
{
    char hex[2 * QS_SHA512_SZ + 1];
    for (u32 i = 0; i < QS_SHA512_SZ; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    cr_assert_str_eq(hex, want);
}

struct example {
    char text[128];
    char digest[2 * QS_SHA512_SZ + 1];
};

ParameterizedTestParameters(sha512, examples_of_the_standard)
{
    static struct example examples[] = {
        {"", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
             "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
        {"abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mnopqrsmnopqrstnopqrstu",
         "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
         "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
    };
    return cr_make_param_array(struct example, examples, QS_COUNT(examples));
}

ParameterizedTest(struct example *e, sha512, examples_of_the_standard)
{
    u8 digest[QS_SHA512_SZ];
    qs_sha512(digest, e->text, strlen(e->text));
    assert_hex(digest, e->digest);
}

Test(sha512, a_million_letters_a_in_pieces)
{
    u8 digest[QS_SHA512_SZ];
    static u8 piece[1000];
    memset(piece, 'a', sizeof(piece));
    qs_sha512_t sha;
    qs_sha512_init(&sha);
    for (u32 i = 0; i < 1000; i++)
        qs_sha512_append(&sha, piece, sizeof(piece));
    qs_sha512_fini(&sha, digest);
    assert_hex(digest, "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                       "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
}

Test(sha512, pieces_of_any_size_make_the_same_digest)
{
    u8 data[600], want[QS_SHA512_SZ], got[QS_SHA512_SZ];
    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)check_rand();
    for (u32 trial = 0; trial < 3000; trial++) {
        u64 sz = check_rand() % (sizeof(data) + 1);
        qs_sha512_t sha;
        qs_sha512_init(&sha);
        for (u64 at = 0, take; at < sz; at += take) {
            take = check_rand() % (sz - at + 1);
            qs_sha512_append(&sha, take ? data + at : NULL, take);
        }
        qs_sha512_fini(&sha, got);
        SHA512(data, sz, want);
        cr_assert(eq(int, memcmp(got, want, sizeof(want)), 0), "%lu bytes", sz);
    }
}

Test(sha512, every_kernel_agrees_with_openssl)
{
    check_kernels(&family, qs_sha512_kernels, qs_sha512_kernel_cnt);
}

Test(sha512, the_chosen_kernel_is_the_last_that_runs_here)
{
    qs_sha_kernel_t const *chosen = qs_sha512_kernel();
    cr_assert(qs_cpu_has(chosen->needs));
    for (qs_sha_kernel_t const *k = chosen + 1; k < qs_sha512_kernels + qs_sha512_kernel_cnt; k++)
        cr_assert(not(qs_cpu_has(k->needs)), "%s runs here but %s was chosen", k->name,
                  chosen->name);
}

Test(sha512, the_first_kernel_needs_nothing)
{
    cr_assert(eq(str, (char *)qs_sha512_kernels[0].name, "c"));
    cr_assert(eq(u32, qs_sha512_kernels[0].needs, 0));
}

Test(sha512, cap_c_leaves_plain_c)
{
    setenv("QUICKSTEP_CPU", "c", 1);
    cr_assert(eq(str, (char *)qs_sha512_kernel()->name, "c"));
}

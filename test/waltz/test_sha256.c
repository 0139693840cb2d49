/* Goal: SHA-256 is FIPS 180-4's, by every kernel, however a message is cut into parts or pieces.
   Method: the standard's examples; then each kernel against OpenSSL over lengths, part
   boundaries and batches of mixed lengths. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <openssl/sha.h>

#include "waltz/crypto/qs_sha256.h"
#include "waltz/sha_check.h"

static sha_family_t const family = {QS_SHA256_SZ, qs_sha256_batch_with, SHA256};

static void
assert_hex(u8 const *digest, char const *want)
{
    char hex[2 * QS_SHA256_SZ + 1];
    for (u32 i = 0; i < QS_SHA256_SZ; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    cr_assert_str_eq(hex, want);
}

struct example {
    char text[128];
    char digest[2 * QS_SHA256_SZ + 1];
};

ParameterizedTestParameters(sha256, examples_of_the_standard)
{
    static struct example examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    return cr_make_param_array(struct example, examples, QS_COUNT(examples));
}

ParameterizedTest(struct example *e, sha256, examples_of_the_standard)
{
    u8 digest[QS_SHA256_SZ];
    qs_sha256(digest, e->text, strlen(e->text));
    assert_hex(digest, e->digest);
}

Test(sha256, a_million_letters_a_in_pieces)
{
    u8 digest[QS_SHA256_SZ];
    static u8 piece[1000];
    memset(piece, 'a', sizeof(piece));
    qs_sha256_t sha;
    qs_sha256_init(&sha);
    for (u32 i = 0; i < 1000; i++)
        qs_sha256_append(&sha, piece, sizeof(piece));
    qs_sha256_fini(&sha, digest);
    assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(sha256, pieces_of_any_size_make_the_same_digest)
{
    u8 data[300], want[QS_SHA256_SZ], got[QS_SHA256_SZ];
    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)check_rand();
    for (u32 trial = 0; trial < 3000; trial++) {
        u64 sz = check_rand() % (sizeof(data) + 1);
        qs_sha256_t sha;
        qs_sha256_init(&sha);
        for (u64 at = 0, take; at < sz; at += take) {
            take = check_rand() % (sz - at + 1);
            qs_sha256_append(&sha, take ? data + at : NULL, take);
        }
        qs_sha256_fini(&sha, got);
        SHA256(data, sz, want);
        cr_assert(eq(int, memcmp(got, want, sizeof(want)), 0), "%lu bytes", sz);
    }
}

Test(sha256, every_kernel_agrees_with_openssl)
{
    check_kernels(&family, qs_sha256_kernels, qs_sha256_kernel_cnt);
}

Test(sha256, the_chosen_kernel_is_the_last_that_runs_here)
{
    qs_sha_kernel_t const *chosen = qs_sha256_kernel();
    cr_assert(qs_cpu_has(chosen->needs));
    for (qs_sha_kernel_t const *k = chosen + 1; k < qs_sha256_kernels + qs_sha256_kernel_cnt; k++)
        cr_assert(not(qs_cpu_has(k->needs)), "%s runs here but %s was chosen", k->name,
                  chosen->name);
}

Test(sha256, the_first_kernel_needs_nothing)
{
    cr_assert(eq(str, (char *)qs_sha256_kernels[0].name, "c"));
    cr_assert(eq(u32, qs_sha256_kernels[0].needs, 0));
}

Test(sha256, cap_c_leaves_plain_c)
{
    setenv("QUICKSTEP_CPU", "c", 1);
    cr_assert(eq(str, (char *)qs_sha256_kernel()->name, "c"));
}

/* Goal: the keystream is ChaCha's, for 8 and 20 rounds, by every kernel, from any position; the
   random numbers are rand_chacha's.
   Method: RFC 8439's block, published vectors of ChaCha8 and of rand_chacha, every kernel against
   plain C and libsodium, positions around the carry into the high word. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_chacha.h"

#define BLOCK_MAX 70u

static u8 const sequence[QS_CHACHA_KEY_SZ] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                              11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                              22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static u8 const zero[QS_CHACHA_KEY_SZ];

static void
assert_hex(u8 const *got, u64 sz, char const *want)
{
    char hex[2 * QS_CHACHA_BLOCK_SZ + 1];
    for (u64 i = 0; i < sz; i++)
        snprintf(hex + 2 * i, 3, "%02x", got[i]);
    cr_assert(eq(str, hex, (char *)want));
}

Test(chacha, block_of_rfc_8439)
{
    qs_chacha_t chacha;
    u8 out[QS_CHACHA_BLOCK_SZ];
    /* 2.3.2: counter 1, nonce 00:00:00:09:00:00:00:4a:00:00:00:00 */
    qs_chacha_init(&chacha, sequence, 1 | 0x09000000ull << 32, 0x4a000000, 20);
    qs_chacha_keystream(&chacha, out, 1);
    assert_hex(out, sizeof(out),
               "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
               "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

Test(chacha, eight_rounds_of_the_zero_key)
{
    qs_chacha_t chacha;
    u8 out[QS_CHACHA_BLOCK_SZ];
    qs_chacha_init(&chacha, zero, 0, 0, 8); /* draft-strombergson-chacha-test-vectors, TC1 */
    qs_chacha_keystream(&chacha, out, 1);
    assert_hex(out, sizeof(out),
               "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
               "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42");
}

/* The first numbers of ChaCha20Rng::from_seed([0; 32]): those of the zero key's keystream. */
Test(chacha, numbers_are_the_keystream_as_little_endian_words)
{
    qs_chacha_rng_t rng;
    qs_chacha_rng_init(&rng, zero, 20);
    cr_assert(eq(u64, qs_chacha_rng_u64(&rng), 0x903df1a0ade0b876));
    cr_assert(eq(u64, qs_chacha_rng_u64(&rng), 0x28bd8653e56a5d40));
}

Test(chacha, numbers_go_on_past_what_is_made_ahead)
{
    static u8 want[BLOCK_MAX * QS_CHACHA_BLOCK_SZ];
    qs_chacha_t chacha;
    qs_chacha_rng_t rng;
    for (u32 round_cnt = 8; round_cnt <= 20; round_cnt += 12) {
        qs_chacha_init(&chacha, sequence, 0, 0, round_cnt);
        qs_chacha_keystream_with(qs_chacha_kernels, &chacha, want, BLOCK_MAX);
        qs_chacha_rng_init(&rng, sequence, round_cnt);
        for (u64 at = 0; at < sizeof(want); at += 8)
            cr_assert(eq(u64, qs_chacha_rng_u64(&rng), qs_load_le64(want + at)));
    }
}

static void
check_kernel(qs_chacha_kernel_t const *kernel, u64 block_idx, u32 block_cnt)
{
    static u8 got[BLOCK_MAX * QS_CHACHA_BLOCK_SZ + 1], want[BLOCK_MAX * QS_CHACHA_BLOCK_SZ];
    u64 sz = block_cnt * QS_CHACHA_BLOCK_SZ;
    u64 stream = 0x0123456789abcdef;
    u8 nonce[8];
    qs_chacha_t chacha;

    memset(got, 0xa5, sizeof(got));
    qs_chacha_init(&chacha, sequence, block_idx, stream, 20);
    qs_chacha_keystream_with(kernel, &chacha, got, block_cnt);
    cr_assert(eq(u8, got[sz], 0xa5), "%s wrote past its blocks", kernel->name);
    qs_store_le64(nonce, stream);
    memset(want, 0, sizeof(want));
    crypto_stream_chacha20_xor_ic(want, want, sz, nonce, block_idx, sequence);
    cr_assert(eq(int, memcmp(got, want, sz), 0), "%s: %u blocks from %lx", kernel->name, block_cnt,
              block_idx);
    u64 now = chacha.word[12] | (u64)chacha.word[13] << 32;
    cr_assert(eq(u64, now, block_idx + block_cnt));

    qs_chacha_t plain;
    qs_chacha_init(&chacha, sequence, block_idx, stream, 8);
    qs_chacha_init(&plain, sequence, block_idx, stream, 8);
    qs_chacha_keystream_with(kernel, &chacha, got, block_cnt);
    qs_chacha_keystream_with(qs_chacha_kernels, &plain, want, block_cnt);
    cr_assert(eq(int, memcmp(got, want, sz), 0), "%s: 8 rounds, %u blocks", kernel->name,
              block_cnt);
}

Test(chacha, every_kernel_agrees_with_libsodium_and_plain_c)
{
    static u64 const block_idx[] = {0, 7, 0xfffffff0, 0xfffffffb, 0x7ffffffa, 0x1fffffffd};
    for (u32 i = 0; i < qs_chacha_kernel_cnt; i++) {
        qs_chacha_kernel_t const *kernel = &qs_chacha_kernels[i];
        if (!qs_cpu_has(kernel->needs)) {
            printf("skipped: kernel %s: this processor lacks it\n", kernel->name);
            continue;
        }
        for (u32 at = 0; at < QS_COUNT(block_idx); at++)
            for (u32 block_cnt = 0; block_cnt <= BLOCK_MAX; block_cnt++)
                check_kernel(kernel, block_idx[at], block_cnt);
    }
}

Test(chacha, the_block_number_wraps_at_64_bits)
{
    u8 got[2 * QS_CHACHA_BLOCK_SZ], want[QS_CHACHA_BLOCK_SZ];
    qs_chacha_t chacha;
    qs_chacha_init(&chacha, sequence, UINT64_MAX, 0, 8);
    qs_chacha_keystream(&chacha, got, 2);
    qs_chacha_init(&chacha, sequence, 0, 0, 8);
    qs_chacha_keystream(&chacha, want, 1);
    cr_assert(eq(int, memcmp(got + QS_CHACHA_BLOCK_SZ, want, sizeof(want)), 0));
}

Test(chacha, cap_c_leaves_plain_c)
{
    setenv("QUICKSTEP_CPU", "c", 1);
    cr_assert(eq(str, (char *)qs_chacha_kernel()->name, "c"));
}

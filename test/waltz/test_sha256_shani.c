/* Goal: the SHA-NI kernel is right even where no processor can run it.
   Method: its source is compiled here a second time, on top of C functions that stand in for
   the instructions, and held to what every other kernel is held to. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/sha.h>

#include "waltz/crypto/qs_sha256.h"
#include "waltz/sha_check.h"

#if defined(__x86_64__)
#include "waltz/sha_emulation.h"

#define qs_sha256_one_shani  emulated_one
#define qs_sha256_many_shani emulated_many

/* The one place that includes a .c file: the very text of the kernel must be compiled against the
   stand-ins, and a copy of it would prove nothing. */
#include "waltz/crypto/qs_sha256_shani.c"

static sha_family_t const family = {QS_SHA256_SZ, qs_sha256_batch_with, SHA256};
static qs_sha_kernel_t const emulated = {"shani, emulated", 0, 2, 1, emulated_one, emulated_many};

Test(sha256_shani, two_lanes_agree_with_openssl)
{
    check_kernel(&family, &emulated);
}

Test(sha256_shani, one_message_agrees_with_openssl)
{
    qs_sha_kernel_t alone = emulated;
    alone.lanes = 1;
    check_kernel(&family, &alone);
}

/* The example of two rounds is FIPS 180-4's "abc": its a..h after t = 1, as NIST prints them. */
Test(sha256_shani, emulated_rounds_are_the_standards)
{
    __m128i abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    __m128i cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    __m128i wk = _mm_set_epi32(0, 0, 0x71374491, (int)(0x61626380u + 0x428a2f98u));
    u32 got[4];
    __m128i after = emu_rnds2(cdgh, abef, wk);
    memcpy(got, &after, sizeof(got));
    cr_assert(eq(u32, got[3], 0x5a6ad9ad));
    cr_assert(eq(u32, got[2], 0x5d6aebcd));
    cr_assert(eq(u32, got[1], 0x78ce7989));
    cr_assert(eq(u32, got[0], 0xfa2a4622));
}
#endif

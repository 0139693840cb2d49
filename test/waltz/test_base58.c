/* Goal: bytes and text stand for each other, one to one, and nothing else is accepted.
   Method: published examples; every size against long division by 58 on single bytes; a table
   of texts that must be refused, and rooms that are one too small. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <sodium.h>

#include "waltz/codec/qs_base58.h"

#define SZ_MAX QS_BASE58_SZ_MAX
#define ROOM   (QS_BASE58_LEN_MAX + 1)

static u8 bytes[SZ_MAX];

static void
fill(void)
{
    static u8 const seed[randombytes_SEEDBYTES] = {58};
    randombytes_buf_deterministic(bytes, sizeof(bytes), seed);
}

TestSuite(base58, .init = fill);

struct example {
    char text[100];
    char hex[130];
};

ParameterizedTestParameters(base58, published_examples_go_both_ways)
{
    static struct example examples[] = {
        {"", ""},
        {"1", "00"},
        {"z", "39"},
        {"21", "3a"},
        {"2NEpo7TZRRrLZSi2U", "48656c6c6f20576f726c6421"},
        {"11233QC4", "0000287fb4cd"},
        {"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
         "06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9"},
        {"11111111111111111111111111111111",
         "0000000000000000000000000000000000000000000000000000000000000000"},
    };
    return cr_make_param_array(struct example, examples, QS_COUNT(examples));
}

ParameterizedTest(struct example *e, base58, published_examples_go_both_ways)
{
    u8 want[64], got[64];
    char text[100];
    size_t sz;
    sodium_hex2bin(want, sizeof(want), e->hex, strlen(e->hex), NULL, &sz, NULL);
    cr_assert(eq(i64, qs_base58_encode(text, sizeof(text), want, sz), (i64)strlen(e->text)));
    cr_assert(eq(str, text, e->text));
    cr_assert(eq(i64, qs_base58_decode(got, sizeof(got), text, strlen(text)), (i64)sz));
    cr_assert(eq(int, memcmp(got, want, sz), 0));
}

/* slow_encode divides byte by byte, one digit at a time. */
static void
slow_encode(char *out, u8 const *in, u64 sz)
{
    static char const alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    u8 number[SZ_MAX];
    char backwards[ROOM];
    u64 len = 0, zero_cnt = 0;
    memcpy(number, in, sz);
    for (bool more = true; more;) {
        more = false;
        u32 rest = 0;
        for (u64 i = 0; i < sz; i++) {
            rest = rest << 8 | number[i];
            number[i] = (u8)(rest / 58);
            rest %= 58;
            more |= number[i] != 0;
        }
        backwards[len++] = alphabet[rest];
    }
    while (len && backwards[len - 1] == '1')
        len--;
    while (zero_cnt < sz && !in[zero_cnt])
        out[zero_cnt++] = '1';
    for (u64 i = 0; i < len; i++)
        out[zero_cnt + i] = backwards[len - 1 - i];
    out[zero_cnt + len] = 0;
}

static void
check(u8 const *in, u64 sz)
{
    char want[ROOM], text[ROOM];
    u8 back[SZ_MAX];
    slow_encode(want, in, sz);
    i64 len = qs_base58_encode(text, sizeof(text), in, sz);
    cr_assert(eq(i64, len, (i64)strlen(want)), "%lu bytes", sz);
    cr_assert(eq(str, text, want), "%lu bytes", sz);
    cr_assert(eq(i64, qs_base58_decode(back, sizeof(back), text, (u64)len), (i64)sz));
    cr_assert(eq(int, memcmp(back, in, sz), 0), "%lu bytes", sz);
    if (sz == 32) {
        cr_assert(eq(u32, qs_base58_encode_32(text, in), (u32)len));
        cr_assert(eq(str, text, want));
        cr_assert(eq(int, qs_base58_decode_32(back, text, (u64)len), 0));
        cr_assert(eq(int, memcmp(back, in, sz), 0));
    }
    if (sz == 64) {
        cr_assert(eq(u32, qs_base58_encode_64(text, in), (u32)len));
        cr_assert(eq(str, text, want));
        cr_assert(eq(int, qs_base58_decode_64(back, text, (u64)len), 0));
        cr_assert(eq(int, memcmp(back, in, sz), 0));
    }
}

Test(base58, every_size_agrees_with_long_division)
{
    for (u64 sz = 0; sz <= 200; sz++)
        check(bytes, sz);
    check(bytes, SZ_MAX);
}

Test(base58, keys_and_signatures_agree_with_long_division)
{
    for (u32 at = 0; at < 1000; at++) {
        check(bytes + at, 32);
        check(bytes + at, 64);
    }
}

Test(base58, zeros_in_front_and_extremes_survive)
{
    static u8 number[SZ_MAX];
    for (u64 sz = 1; sz <= 66; sz++) {
        for (u64 zero_cnt = 0; zero_cnt <= sz; zero_cnt++) {
            memset(number, 0, sizeof(number));
            memset(number + zero_cnt, 0xff, sz - zero_cnt);
            check(number, sz);
            memset(number + zero_cnt, 0, sz - zero_cnt);
            if (zero_cnt < sz)
                number[zero_cnt] = 1;
            check(number, sz);
        }
    }
    memset(number, 0xff, sizeof(number));
    check(number, sizeof(number));
    memset(number, 0, sizeof(number));
    check(number, sizeof(number));
}

struct bad_text {
    char text[100];
    int sz; /* 32 or 64: the fixed size; 0: any */
};

ParameterizedTestParameters(base58, decode_rejects)
{
    static struct bad_text bad[] = {
        {"0", 0},
        {"O", 0},
        {"I", 0},
        {"l", 0},
        {" 2", 0},
        {"2\n", 0},
        {"2+2", 0},
        {"2\x80z", 0},
        {"zzzzz0", 0},
        {"zzzzzz0zzzz", 0},
        {"", 32},
        {"1111111111111111111111111111111", 32},   /* 31 zeros */
        {"111111111111111111111111111111111", 32}, /* 33 zeros */
        {"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D", 32},
        {"1TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", 32},
        {"JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH", 32}, /* 2^256 */
        {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 32},
        {"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", 64},
        {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
         "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
         64},
        {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
         "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
         64},
    };
    return cr_make_param_array(struct bad_text, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_text *bad, base58, decode_rejects)
{
    u8 out[64], untouched[64];
    u64 len = strlen(bad->text);
    memset(out, 0xa5, sizeof(out));
    memset(untouched, 0xa5, sizeof(untouched));
    if (bad->sz == 32)
        cr_assert(eq(int, qs_base58_decode_32(out, bad->text, len), -EINVAL));
    else if (bad->sz == 64)
        cr_assert(eq(int, qs_base58_decode_64(out, bad->text, len), -EINVAL));
    else
        cr_assert(eq(i64, qs_base58_decode(out, sizeof(out), bad->text, len), -EINVAL));
    cr_assert(eq(int, memcmp(out, untouched, sizeof(out)), 0));
}

Test(base58, the_largest_key_is_accepted)
{
    u8 out[32], want[32];
    memset(want, 0xff, sizeof(want));
    char const *text = "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG";
    cr_assert(eq(int, qs_base58_decode_32(out, text, strlen(text)), 0));
    cr_assert(eq(int, memcmp(out, want, sizeof(out)), 0));
}

Test(base58, a_room_too_small_is_refused_and_left_alone)
{
    char text[18] = "unchanged";
    u8 out[12] = {7};
    cr_assert(eq(i64, qs_base58_encode(text, 17, (u8 const *)"Hello World!", 12), -ENOSPC));
    cr_assert(eq(str, text, "unchanged"));
    cr_assert(eq(i64, qs_base58_encode(text, 18, (u8 const *)"Hello World!", 12), 17));
    cr_assert(eq(i64, qs_base58_decode(out, 11, text, 17), -ENOSPC));
    cr_assert(eq(u8, out[0], 7));
    cr_assert(eq(i64, qs_base58_decode(out, 12, text, 17), 12));
}

Test(base58, more_than_the_bound_is_refused)
{
    static char text[ROOM + 1];
    static u8 out[SZ_MAX + 8];
    cr_assert(eq(i64, qs_base58_encode(text, sizeof(text), out, SZ_MAX + 1), -EINVAL));
    memset(text, 'z', sizeof(text));
    cr_assert(eq(i64, qs_base58_decode(out, sizeof(out), text, QS_BASE58_LEN_MAX), -EINVAL));
    cr_assert(eq(i64, qs_base58_decode(out, sizeof(out), text, QS_BASE58_LEN_MAX + 1), -EINVAL));
    memset(text, '1', sizeof(text));
    cr_assert(eq(i64, qs_base58_decode(out, sizeof(out), text, SZ_MAX + 1), -EINVAL));
    cr_assert(eq(i64, qs_base58_decode(out, sizeof(out), text, SZ_MAX), SZ_MAX));
}

/* The first 32 bits of these lengths are those of a text that would be accepted. */
Test(base58, a_length_beyond_32_bits_is_refused)
{
    u8 out[64];
    char const *key = "11111111111111111111111111111111";
    cr_assert(eq(i64, qs_base58_decode(out, sizeof(out), key, (1ull << 32) + 32), -EINVAL));
    cr_assert(eq(int, qs_base58_decode_32(out, key, (1ull << 32) + 32), -EINVAL));
}

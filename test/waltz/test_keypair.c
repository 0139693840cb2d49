/* Goal: a key file is read back as what was written, and nothing else is taken for one.  Method:
   extremes there and back; a table of texts that are no key pair. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/codec/qs_keypair.h"

static u8 pair[QS_KEYPAIR_SZ], back[QS_KEYPAIR_SZ];
static char text[QS_KEYPAIR_TEXT_MAX];

static void
expect_there_and_back(void)
{
    u32 len = qs_keypair_encode(text, pair);
    cr_assert(eq(u64, len, strlen(text)));
    cr_assert(len < QS_KEYPAIR_TEXT_MAX);
    cr_assert(eq(int, qs_keypair_parse(back, text, len), 0), "%s", text);
    cr_assert(eq(int, memcmp(back, pair, sizeof(pair)), 0), "%s", text);
}

Test(keypair, what_is_written_is_read_back)
{
    for (u32 i = 0; i < 256; i++) {
        for (u32 k = 0; k < QS_KEYPAIR_SZ; k++)
            pair[k] = (u8)(i + 5 * k);
        expect_there_and_back();
    }
    memset(pair, 255, sizeof(pair));
    expect_there_and_back();
    cr_assert(eq(u64, strlen(text), QS_KEYPAIR_TEXT_MAX - 1), "the longest text just fits");
}

/* build writes 63 numbers and what comes before, between and after them. */
static u64
build(char *out, char const *begin, char const *comma, char const *last, char const *end)
{
    char *at = stpcpy(out, begin);
    for (u32 i = 0; i < QS_KEYPAIR_SZ - 1; i++)
        at += sprintf(at, "%u%s", i, comma);
    return (u64)(stpcpy(stpcpy(at, last), end) - out);
}

Test(keypair, white_space_of_json_may_stand_anywhere_between)
{
    char spaced[2048];
    u64 len = build(spaced, " \n[\t", " , ", "255", "\r\n] ");
    cr_assert(eq(int, qs_keypair_parse(back, spaced, len), 0));
    cr_assert(eq(u8, back[62], 62));
    cr_assert(eq(u8, back[63], 255));
}

Test(keypair, anything_but_64_numbers_from_0_to_255_is_refused_and_leaves_nothing)
{
    static struct {
        char const *begin, *comma, *last, *end;
    } const bad[] = {
        {"[", ",", "256", "]"},   {"[", ",", "1000", "]"},       {"[", ",", "-1", "]"},
        {"[", ",", "+1", "]"},    {"[", ",", "01", "]"},         {"[", ",", "00", "]"},
        {"[", ",", "1.0", "]"},   {"[", ",", "1e1", "]"},        {"[", ",", "0x1", "]"},
        {"[", ",", "\"1\"", "]"}, {"[", ",", "", "]"},           {"[", ",", "1,2", "]"},
        {"[", ",", "1,", "]"},    {"[", ",", "1", ""},           {"[", ",", "1", "]]"},
        {"[", ",", "1", "],"},    {"", ",", "1", "]"},           {"[[", ",", "1", "]]"},
        {"[", " ", "1", "]"},     {"[", ",,", "1", "]"},         {"[", ";", "1", "]"},
        {"{", ",", "1", "}"},     {"[", ",", "4294967296", "]"},
    };
    char made[2048];
    u8 zero[QS_KEYPAIR_SZ] = {0};
    cr_assert(eq(int, qs_keypair_parse(back, made, build(made, "[", ",", "1", "]")), 0));
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        u64 len = build(made, bad[i].begin, bad[i].comma, bad[i].last, bad[i].end);
        cr_expect(eq(int, qs_keypair_parse(back, made, len), -EINVAL), "%s", made);
        cr_expect(eq(int, memcmp(back, zero, sizeof(zero)), 0), "%s", made);
    }
    cr_expect(eq(int, qs_keypair_parse(back, "", 0), -EINVAL));
}

Test(keypair, a_text_cut_anywhere_is_refused)
{
    memset(pair, 200, sizeof(pair));
    u32 len = qs_keypair_encode(text, pair) - 1; /* the newline may be missing */
    for (u32 cut = 0; cut < len; cut++) {
        char *exact = malloc(cut + 1); /* a read behind it shows under ASan */
        memcpy(exact, text, cut);
        exact = realloc(exact, cut ? cut : 1);
        cr_expect(eq(int, qs_keypair_parse(back, exact, cut), -EINVAL), "%u", cut);
        free(exact);
    }
}

/* Goal: the reader understands the TOML that configurations need, and says exactly where anything
   else stands.  Method: events of good texts line by line; one table of bad texts, each with the
   id, line and column of its only error. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "app/qs_text.h"
#include "app/qs_toml.h"

static qs_error_list_t errors;
static qs_toml_t toml;

static void
start(char const *text)
{
    errors = (qs_error_list_t){0};
    qs_toml_init(&toml, "x.toml", text, strlen(text), &errors);
}

static void
expect(qs_toml_event_t event, char const *key, u32 line, u32 col)
{
    cr_assert(eq(int, qs_toml_next(&toml), event));
    cr_assert(eq(str, toml.key, (char *)key));
    cr_assert(eq(u32, toml.key_line, line));
    cr_assert(eq(u32, toml.key_col, col));
}

static void
expect_string(char const *text, char const *want)
{
    start(text);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_VALUE), "%s", text);
    cr_assert(eq(int, toml.value.type, QS_TOML_STR));
    cr_assert(eq(str, toml.value.text, (char *)want));
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_END));
}

static void
expect_int(char const *text, bool negative, u64 number)
{
    start(text);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_VALUE), "%s", text);
    cr_assert(eq(int, toml.value.type, QS_TOML_INT));
    cr_assert(eq(u64, toml.value.number, number), "%s", text);
    cr_assert(eq(int, toml.value.negative, negative));
}

Test(toml, tables_keys_and_arrays_come_in_order_with_their_places)
{
    start("\xef\xbb\xbf# comment\n"
          "version = 1 # and another\r\n"
          "\n"
          "[net]\n"
          "\tcores = [ 1, # one\n"
          "  2 ,\n"
          "]\n"
          "[[ shred . source ]]\n"
          "\"a\" . 'b'.c = true");
    expect(QS_TOML_VALUE, "version", 2, 1);
    cr_assert(eq(u32, toml.value.col, 11));
    cr_assert(eq(sz, toml.value.raw_sz, 1));
    expect(QS_TOML_TABLE, "net", 4, 2);
    expect(QS_TOML_ARRAY, "cores", 5, 2);
    expect(QS_TOML_ITEM, "cores", 5, 2);
    cr_assert(eq(u64, toml.value.number, 1));
    expect(QS_TOML_ITEM, "cores", 5, 2);
    cr_assert(eq(u64, toml.value.number, 2));
    cr_assert(eq(u32, toml.value.line, 6));
    cr_assert(eq(u32, toml.value.col, 3));
    expect(QS_TOML_ARRAY_END, "cores", 5, 2);
    expect(QS_TOML_TABLE_ITEM, "shred.source", 8, 4);
    expect(QS_TOML_VALUE, "a.b.c", 9, 1);
    cr_assert(toml.value.flag);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_END));
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_END));
    cr_assert(eq(u32, errors.cnt, 0));
}

Test(toml, nothing_is_a_file_too)
{
    static char const *const empty[] = {"", "\n", "# only a comment", " \t\r\n", "\xef\xbb\xbf"};
    for (u32 i = 0; i < QS_COUNT(empty); i++) {
        start(empty[i]);
        cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_END));
    }
}

Test(toml, an_empty_array_has_no_items)
{
    start("a = [ # nothing\n ]");
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ARRAY));
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ARRAY_END));
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_END));
}

Test(toml, integers_are_read_in_every_base_up_to_64_bits)
{
    expect_int("a = 0", false, 0);
    expect_int("a = +7", false, 7);
    expect_int("a = -0", true, 0);
    expect_int("a = -12", true, 12);
    expect_int("a = 1_000_000", false, 1000000);
    expect_int("a = 0xDead_beef", false, 0xdeadbeef);
    expect_int("a = 0o755", false, 0755);
    expect_int("a = 0b101", false, 5);
    expect_int("a = 18446744073709551615", false, UINT64_MAX);
    expect_int("a = 0x0000000000000000000000000000000000000000000000000000000000000000000000ff",
               false, 255);
}

Test(toml, strings_are_read_with_their_escapes)
{
    expect_string("a = \"\"", "");
    expect_string("a = ''", "");
    expect_string("a = \"x # y\"", "x # y");
    expect_string("a = 'C:\\new'", "C:\\new");
    expect_string("a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "\b\t\n\f\r\"\\");
    expect_string("a = \"\\u00e9\\u20AC\\U0001F600\\u007f\"",
                  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f");
    expect_string("a = 'caf\xc3\xa9'", "caf\xc3\xa9");
}

Test(toml, columns_count_characters_not_bytes)
{
    start("a = [\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\", 7]");
    qs_toml_next(&toml);
    qs_toml_next(&toml);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ITEM));
    cr_assert(eq(u32, toml.value.col, 13));
}

Test(toml, a_string_and_a_key_of_the_longest_size_fit)
{
    char text[2048], want[QS_TOML_STR_MAX + 1];
    memset(want, 'x', QS_TOML_STR_MAX);
    want[QS_TOML_STR_MAX] = 0;
    snprintf(text, sizeof(text), "%.*s = '%s'", QS_TOML_KEY_MAX, want, want);
    expect_string(text, want);
    cr_assert(eq(sz, strlen(toml.key), QS_TOML_KEY_MAX));

    snprintf(text, sizeof(text), "a = '%sx'", want);
    start(text);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ERROR));
    cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-003"));

    snprintf(text, sizeof(text), "%.*s = 1", QS_TOML_KEY_MAX + 1, want);
    start(text);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ERROR));
    cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-003"));

    snprintf(text, sizeof(text), "%.*s.a = 1", QS_TOML_KEY_MAX, want);
    start(text);
    cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ERROR));
    cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-003"));
}

Test(toml, an_error_stays_and_is_reported_once)
{
    start("a = \nb = 1\n");
    for (u32 i = 0; i < 3; i++)
        cr_assert(eq(int, qs_toml_next(&toml), QS_TOML_ERROR));
    cr_assert(eq(u32, errors.cnt, 1));
}

struct bad {
    char text[48];
    char id[12];
    u32 line, col;
};

#define SYNTAX "QS-CFG-002"
#define SUBSET "QS-CFG-003"

/* clang-format off */
static struct bad bad[] = {
    {"a",                       SYNTAX, 1,  2},
    {"a\n",                     SYNTAX, 1,  2},
    {"= 1",                     SYNTAX, 1,  1},
    {"a =",                     SYNTAX, 1,  4},
    {"a = # b",                 SYNTAX, 1,  5},
    {"a b = 1",                 SYNTAX, 1,  3},
    {"a. = 1",                  SYNTAX, 1,  4},
    {".a = 1",                  SYNTAX, 1,  1},
    {"a..b = 1",                SYNTAX, 1,  3},
    {"\xc3\xa9 = 1",            SYNTAX, 1,  1},
    {"\"\" = 1",                SYNTAX, 1,  1},
    {"\"a = 1\n",               SUBSET, 1,  3},
    {"\"a\n = 1",               SYNTAX, 1,  3},
    {"\"a.b\" = 1",             SUBSET, 1,  3},
    {"'a",                      SYNTAX, 1,  3},
    {"a = 1 b = 2",             SYNTAX, 1,  7},
    {"a = 1 2",                 SYNTAX, 1,  7},
    {"a = yes",                 SYNTAX, 1,  5},
    {"a = True",                SYNTAX, 1,  5},
    {"a = truex",               SYNTAX, 1,  5},
    {"a = auto # b",            SYNTAX, 1,  5},
    {"a = 007",                 SYNTAX, 1,  5},
    {"a = -01",                 SYNTAX, 1,  5},
    {"a = 1__0",                SYNTAX, 1,  5},
    {"a = _1",                  SYNTAX, 1,  5},
    {"a = 1_",                  SYNTAX, 1,  5},
    {"a = 0x",                  SYNTAX, 1,  5},
    {"a = 0x_1",                SYNTAX, 1,  5},
    {"a = 0xg",                 SYNTAX, 1,  5},
    {"a = 0b2",                 SYNTAX, 1,  5},
    {"a = 0o8",                 SYNTAX, 1,  5},
    {"a = +0x1",                SYNTAX, 1,  5},
    {"a = 12k",                 SYNTAX, 1,  5},
    {"a = -",                   SYNTAX, 1,  5},
    {"a = 18446744073709551616", SUBSET, 1, 5},
    {"a = 0x1ffffffffffffffff", SUBSET, 1,  5},
    {"a = 1.5",                 SUBSET, 1,  5},
    {"a = 1e3",                 SUBSET, 1,  5},
    {"a = -inf",                SUBSET, 1,  5},
    {"a = nan",                 SUBSET, 1,  5},
    {"a = 1979-05-27",          SUBSET, 1,  5},
    {"a = 07:32:00",            SUBSET, 1,  5},
    {"a = {b = 1}",             SUBSET, 1,  5},
    {"a = \"\"\"x\"\"\"",       SUBSET, 1,  5},
    {"a = '''x'''",             SUBSET, 1,  5},
    {"a = \"x",                 SYNTAX, 1,  5},
    {"a = \"x\n\"",             SYNTAX, 1,  5},
    {"a = 'x",                  SYNTAX, 1,  5},
    {"a = \"x\\",               SYNTAX, 1,  7},
    {"a = \"\\x41\"",           SYNTAX, 1,  6},
    {"a = \"\\u12g4\"",         SYNTAX, 1,  6},
    {"a = \"\\u12\"",           SYNTAX, 1,  6},
    {"a = \"\\u0000\"",         SYNTAX, 1,  6},
    {"a = \"\\ud800\"",         SYNTAX, 1,  6},
    {"a = \"\\U00110000\"",     SYNTAX, 1,  6},
    {"a = \"\\u1__2\"",         SYNTAX, 1,  6},
    {"a = \"x\" y",             SYNTAX, 1,  9},
    {"a = [1, 2",               SYNTAX, 1, 10},
    {"a = [1\n",                SYNTAX, 2,  1},
    {"a = [1 2]",               SYNTAX, 1,  8},
    {"a = [,]",                 SYNTAX, 1,  6},
    {"a = [1,,2]",              SYNTAX, 1,  8},
    {"a = [1]]",                SYNTAX, 1,  8},
    {"a = [\n1,\n[2]]",         SUBSET, 3,  1},
    {"a = [{}]",                SUBSET, 1,  6},
    {"a = [\nx]",               SYNTAX, 2,  1},
    {"[a",                      SYNTAX, 1,  3},
    {"[]",                      SYNTAX, 1,  2},
    {"[a]]",                    SYNTAX, 1,  4},
    {"[[a]",                    SYNTAX, 1,  4},
    {"[ [a]]",                  SYNTAX, 1,  3},
    {"[a] b = 1",               SYNTAX, 1,  5},
    {"[a.]",                    SYNTAX, 1,  4},
    {"\n\n  [a b]",             SYNTAX, 3,  6},
    {"a = 1\r",                 SYNTAX, 1,  6},
    {"# \x01",                  SYNTAX, 1,  3},
    {"\n# \x7f",                SYNTAX, 2,  3},
    {"a = '\xff'",              SYNTAX, 1,  6},
    {"# \xc0\x80",              SYNTAX, 1,  3},
    {"# \xed\xa0\x80",          SYNTAX, 1,  3},
    {"# \xf4\x90\x80\x80",      SYNTAX, 1,  3},
    {"# \xe2\x82",              SYNTAX, 1,  3},
    {"a = 1\n# \xc3\xa9\xc3\xa9 \xfe", SYNTAX, 2, 6},
};
/* clang-format on */

ParameterizedTestParameters(toml, bad_text_is_refused_at_its_place)
{
    return cr_make_param_array(struct bad, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad *p, toml, bad_text_is_refused_at_its_place)
{
    start(p->text);
    qs_toml_event_t event;
    while ((event = qs_toml_next(&toml)) != QS_TOML_ERROR)
        cr_assert(ne(int, event, QS_TOML_END), "'%s' was accepted", p->text);
    cr_assert(eq(u32, errors.cnt, 1));
    cr_expect(eq(str, (char *)errors.error[0].id, p->id), "%s", p->text);
    cr_expect(eq(u32, errors.error[0].line, p->line), "%s", p->text);
    cr_expect(eq(u32, errors.error[0].col, p->col), "%s", p->text);
    cr_expect(eq(str, errors.error[0].where, "x.toml"));
    cr_expect(errors.error[0].text[0] && errors.error[0].hint[0], "%s", p->text);
    cr_expect(qs_text_is_utf8(errors.error[0].text, strlen(errors.error[0].text)), "%s", p->text);
}

Test(text, guesses_need_to_be_near)
{
    qs_text_guess_t near = {.wrote = "ifcae"};
    qs_text_guess_offer(&near, "tiles");
    qs_text_guess_offer(&near, "iface");
    qs_text_guess_offer(&near, "face");
    cr_assert(eq(str, near.best, "iface"));

    qs_text_guess_t far = {.wrote = "frobnicate"};
    qs_text_guess_offer(&far, "iface");
    cr_assert(eq(str, far.best, ""));
}

Test(text, distance_counts_letters_and_swaps)
{
    cr_assert(eq(u32, qs_text_distance("", ""), 0));
    cr_assert(eq(u32, qs_text_distance("", "abc"), 3));
    cr_assert(eq(u32, qs_text_distance("abc", ""), 3));
    cr_assert(eq(u32, qs_text_distance("port", "prot"), 1));
    cr_assert(eq(u32, qs_text_distance("port", "ports"), 1));
    cr_assert(eq(u32, qs_text_distance("kitten", "sitting"), 3));
}

Test(text, printable_never_cuts_a_character)
{
    char out[8];
    qs_text_printable(out, sizeof(out), "abcdefg", 7);
    cr_assert(eq(str, out, "abcdefg"));
    qs_text_printable(out, sizeof(out), "abcdefgh", 8);
    cr_assert(eq(str, out, "abcd..."));
    qs_text_printable(out, sizeof(out), "abc\xe2\x82\xac\xe2\x82\xac", 9);
    cr_assert(eq(str, out, "abc..."));
    qs_text_printable(out, sizeof(out), "a\x1b\xff\n", 4);
    cr_assert(eq(str, out, "a???"));
}

#include "app/qs_text.h"

#include "tango/base/qs_bits.h"

#define WORD_MAX (QS_TEXT_GUESS_MAX - 1)

u32
qs_text_utf8(char const *text, size_t sz)
{
    u8 const *s = (u8 const *)text;
    if (s[0] < 0x80)
        return 1;
    u32 len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || sz < len)
        return 0;
    for (u32 i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool too_high = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : len;
}

bool
qs_text_is_utf8(char const *text, size_t sz)
{
    for (size_t i = 0; i < sz;) {
        u32 len = qs_text_utf8(text + i, sz - i);
        if (!len)
            return false;
        i += len;
    }
    return true;
}

static char program[64] = "quickstep";

void
qs_text_program_is(char const *argv0)
{
    char const *slash = strrchr(argv0, '/');
    char const *name = slash ? slash + 1 : argv0;
    if (*name)
        qs_text_printable(program, sizeof(program), name, strlen(name));
}

char const *
qs_text_program(void)
{
    return program;
}

void
qs_text_named(char *dst, size_t cap, char const *text)
{
    static char const command[] = "`quickstep";
    size_t used = 0;

    dst[0] = 0;
    while (*text && used < cap) {
        size_t len = sizeof(command) - 1;
        bool hit = !strncmp(text, command, len) && (text[len] == ' ' || text[len] == '`');
        int put = hit ? snprintf(dst + used, cap - used, "`%s", program)
                      : snprintf(dst + used, cap - used, "%c", *text);
        used += (size_t)put;
        text += hit ? len : 1;
    }
}

static bool
is_control(char c)
{
    return (u8)c < 0x20 || c == 0x7f;
}

void
qs_text_printable(char *dst, size_t cap, char const *text, size_t sz)
{
    size_t n = 0;
    size_t whole = 0; /* end of the last character after which "..." still fits */
    for (size_t i = 0; i < sz;) {
        u32 len = qs_text_utf8(text + i, sz - i);
        bool plain = len && !is_control(text[i]);
        u32 out = plain ? len : 1;
        if (n + out >= cap) {
            memcpy(dst + whole, "...", 4);
            return;
        }
        memcpy(dst + n, plain ? text + i : "?", out);
        n += out;
        i += len ? len : 1;
        if (n + 4 <= cap)
            whole = n;
    }
    dst[n] = 0;
}

/* escape returns the letter after the backslash that TOML and JSON share for c, or 0. */
static char
escape(char c)
{
    static char const plain[] = "\b\t\n\f\r\"\\";
    static char const letter[] = "btnfr\"\\";
    char const *at = c ? strchr(plain, c) : NULL;
    return at ? letter[at - plain] : 0;
}

void
qs_text_write_quoted(FILE *out, char const *text)
{
    size_t sz = strlen(text);
    fputc('"', out);
    for (size_t i = 0; i < sz;) {
        u32 len = qs_text_utf8(text + i, sz - i);
        char letter = escape(text[i]);
        if (!len)
            fputc('?', out);
        else if (letter)
            fprintf(out, "\\%c", letter);
        else if (is_control(text[i]))
            fprintf(out, "\\u%04x", (u8)text[i]);
        else
            fwrite(text + i, 1, len, out);
        i += len ? len : 1;
    }
    fputc('"', out);
}

void
qs_text_write_folded(FILE *out, char const *prefix, u32 width, char const *text)
{
    size_t col = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (col && col + 1 + word > width) {
            fputc('\n', out);
            col = 0;
        }
        col += (size_t)fprintf(out, "%s%.*s", col ? " " : prefix, (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static u32
min_u32(u32 a, u32 b)
{
    return a < b ? a : b;
}

u32
qs_text_distance(char const *a, char const *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return UINT32_MAX;

    /* row[i % 3][j]: from the first i letters of a to the first j of b. */
    u32 row[3][WORD_MAX + 1];
    for (u32 i = 0; i <= a_len; i++) {
        u32 *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        for (u32 j = 0; j <= b_len; j++) {
            if (!i || !j) {
                now[j] = i + j;
                continue;
            }
            now[j] =
                min_u32(last[j - 1] + (a[i - 1] != b[j - 1]), min_u32(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = min_u32(now[j], before[j - 2] + 1);
        }
    }
    return row[a_len % 3][b_len];
}

void
qs_text_guess_offer(qs_text_guess_t *guess, char const *candidate)
{
    u32 near = (u32)qs_min_u64(1 + strlen(guess->wrote) / 4, 4);
    u32 distance = qs_text_distance(guess->wrote, candidate);
    if (distance > near || distance >= strlen(candidate))
        return;
    if (guess->best[0] && distance >= guess->distance)
        return;
    strcpy(guess->best, candidate); /* fits: the distance to longer ones is out of reach */
    guess->distance = distance;
}

#include "app/qs_toml.h"

#include <stdarg.h>

#include "app/qs_text.h"

/* The whole text is checked to be UTF-8 without control characters before anything else, so the
   rest may look at bytes. */

/* col_of counts on from the last place asked for, so that a line costs its length once. */
static u32
col_of(qs_toml_t *t, char const *at)
{
    if (t->col_at_ < t->line_start_ || t->col_at_ > at) {
        t->col_at_ = t->line_start_;
        t->col_ = 1;
    }
    for (; t->col_at_ < at; t->col_at_++)
        t->col_ += ((u8)*t->col_at_ & 0xc0) != 0x80;
    return t->col_;
}

/* fail adds an error at a place in the current line and ends the reading. */
static __attribute__((format(printf, 5, 6))) qs_toml_event_t
fail(qs_toml_t *t, qs_error_id_t id, char const *at, char const *hint, char const *fmt, ...)
{
    char text[sizeof(t->errors_->error[0].text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    qs_error_t *e = qs_error_add(t->errors_, id, t->where_, t->line_, col_of(t, at), "%s", text);
    qs_error_hint(e, "%s", hint);
    t->failed_ = true;
    return QS_TOML_ERROR;
}

static bool
at_end(qs_toml_t const *t)
{
    return t->pos_ == t->end_;
}

/* peek returns the next byte, or 0 at the end: a text holds no 0. */
static char
peek(qs_toml_t const *t)
{
    return at_end(t) ? 0 : *t->pos_;
}

static bool
accept(qs_toml_t *t, char const *word)
{
    size_t len = strlen(word);
    if ((size_t)(t->end_ - t->pos_) < len || memcmp(t->pos_, word, len))
        return false;
    t->pos_ += len;
    return true;
}

static void
skip_blanks(qs_toml_t *t)
{
    while (peek(t) == ' ' || peek(t) == '\t')
        t->pos_++;
}

static bool
accept_newline(qs_toml_t *t)
{
    if (!accept(t, "\n") && !accept(t, "\r\n"))
        return false;
    t->line_++;
    t->line_start_ = t->pos_;
    return true;
}

static void
skip_comment(qs_toml_t *t)
{
    if (peek(t) == '#')
        while (!at_end(t) && *t->pos_ != '\n')
            t->pos_++;
}

/* skip_lines skips everything that means nothing, over lines. */
static void
skip_lines(qs_toml_t *t)
{
    do {
        skip_blanks(t);
        skip_comment(t);
    } while (accept_newline(t));
}

/* found describes what stands at a place, for messages. */
typedef struct found {
    char text[24];
} found_t;

static found_t
found_at(qs_toml_t const *t, char const *at)
{
    found_t f;
    if (at == t->end_) {
        strcpy(f.text, "the end of the file");
    } else if (*at == '\n' || *at == '\r') {
        strcpy(f.text, "the end of the line");
    } else if (*at == '\t') {
        strcpy(f.text, "a tab");
    } else if ((u8)*at < 0x20 || *at == 0x7f) {
        snprintf(f.text, sizeof(f.text), "character 0x%02x", (u8)*at);
    } else {
        u32 len = qs_text_utf8(at, (size_t)(t->end_ - at));
        snprintf(f.text, sizeof(f.text), "'%.*s'", (int)len, at);
    }
    return f;
}

static bool
line_end(qs_toml_t *t)
{
    skip_blanks(t);
    skip_comment(t);
    if (at_end(t) || accept_newline(t))
        return true;
    fail(t, QS_ERROR_CFG_SYNTAX, t->pos_, "put each key and each [section] on a line of its own",
         "expected the end of the line, found %s", found_at(t, t->pos_).text);
    return false;
}

static bool
is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* read_key_part appends one part of a key to t->key. */
static bool
read_key_part(qs_toml_t *t)
{
    char const *start = t->pos_;
    char quote = peek(t) == '"' || peek(t) == '\'' ? *t->pos_++ : 0;
    char const *part = t->pos_;
    while (is_bare(peek(t)))
        t->pos_++;
    size_t len = (size_t)(t->pos_ - part);
    if (quote && peek(t) != quote) {
        bool open = at_end(t) || peek(t) == '\n' || peek(t) == '\r';
        fail(t, open ? QS_ERROR_CFG_SYNTAX : QS_ERROR_CFG_SUBSET, t->pos_,
             "write the name without quotes", "%s in a quoted name", found_at(t, t->pos_).text);
        return false;
    }
    t->pos_ += quote != 0;
    if (!len) {
        fail(t, QS_ERROR_CFG_SYNTAX, start,
             "names are made of letters, digits, _ and -, as in net.tiles",
             "expected a name, found %s", quote ? "empty quotes" : found_at(t, start).text);
        return false;
    }
    size_t used = strlen(t->key);
    if (used + len > QS_TOML_KEY_MAX) {
        fail(t, QS_ERROR_CFG_SUBSET, start, "no option has a name as long as this",
             "a name of more than %u bytes", QS_TOML_KEY_MAX);
        return false;
    }
    memcpy(t->key + used, part, len);
    t->key[used + len] = 0;
    return true;
}

static bool
read_key(qs_toml_t *t)
{
    t->key[0] = 0;
    t->key_line = t->line_;
    t->key_col = col_of(t, t->pos_);
    for (;;) {
        char const *start = t->pos_;
        if (!read_key_part(t))
            return false;
        skip_blanks(t);
        if (!accept(t, "."))
            return true;
        skip_blanks(t);
        size_t used = strlen(t->key);
        if (used == QS_TOML_KEY_MAX) {
            fail(t, QS_ERROR_CFG_SUBSET, start, "no option has a name as long as this",
                 "a name of more than %u bytes", QS_TOML_KEY_MAX);
            return false;
        }
        memcpy(t->key + used, ".", 2);
    }
}

static qs_toml_event_t
read_header(qs_toml_t *t)
{
    bool item = accept(t, "[[");
    if (!item)
        t->pos_++;
    skip_blanks(t);
    if (!read_key(t))
        return QS_TOML_ERROR;
    if (!accept(t, item ? "]]" : "]"))
        return fail(t, QS_ERROR_CFG_SYNTAX, t->pos_,
                    "write [section], or [[section]] for one that repeats",
                    "expected %s after the name of the section, found %s", item ? "]]" : "]",
                    found_at(t, t->pos_).text);
    if (!line_end(t))
        return QS_TOML_ERROR;
    return item ? QS_TOML_TABLE_ITEM : QS_TOML_TABLE;
}

static u32
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (u32)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (u32)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (u32)(c - 'A') + 10;
    return UINT32_MAX;
}

static int
parse_digits(char const *text, size_t sz, u32 base, u64 *number)
{
    bool overflow = false;
    *number = 0;
    for (size_t i = 0; i < sz; i++) {
        if (text[i] == '_' && i && i + 1 < sz && text[i - 1] != '_')
            continue;
        u32 digit = digit_of(text[i]);
        if (digit >= base)
            return -EINVAL;
        overflow |= __builtin_mul_overflow(*number, base, number);
        overflow |= __builtin_add_overflow(*number, digit, number);
    }
    return !sz ? -EINVAL : overflow ? -ERANGE : 0;
}

int
qs_toml_int_parse(char const *text, size_t sz, u64 *number, bool *negative)
{
    *negative = sz && text[0] == '-';
    if (sz > 2 && text[0] == '0' && strchr("xob", text[1])) {
        u32 base = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2;
        return parse_digits(text + 2, sz - 2, base, number);
    }
    if (sz && (text[0] == '-' || text[0] == '+')) {
        text++;
        sz--;
    }
    if (sz > 1 && text[0] == '0')
        return -EINVAL;
    return parse_digits(text, sz, 10, number);
}

static bool
put_text(qs_toml_t *t, size_t *sz, char const *bytes, size_t cnt)
{
    if (*sz + cnt > QS_TOML_STR_MAX) {
        fail(t, QS_ERROR_CFG_SUBSET, t->value.raw, "no option takes a string as long as this",
             "a string of more than %u bytes", QS_TOML_STR_MAX);
        return false;
    }
    memcpy(t->value.text + *sz, bytes, cnt);
    *sz += cnt;
    return true;
}

/* encode_utf8 returns the length, or 0 when code is no character that a string may hold. */
static u32
encode_utf8(u32 code, char out[4])
{
    if (!code || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    u32 len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static u8 const lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (u32 i = len - 1; i; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[len] | code);
    return len;
}

/* read_escape reads what follows a backslash. */
static bool
read_escape(qs_toml_t *t, size_t *sz)
{
    static char const letter[] = "btnfr\"\\";
    static char const plain[] = "\b\t\n\f\r\"\\";
    char const *start = t->pos_ - 1;
    char c = peek(t);
    char const *simple = c ? strchr(letter, c) : NULL;
    if (simple) {
        t->pos_++;
        return put_text(t, sz, &plain[simple - letter], 1);
    }
    u32 digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
    u64 code = 0;
    if (digits && (size_t)(t->end_ - t->pos_) > digits && !memchr(t->pos_ + 1, '_', digits) &&
        !parse_digits(t->pos_ + 1, digits, 16, &code)) {
        char utf8[4];
        u32 len = encode_utf8((u32)code, utf8);
        if (len) {
            t->pos_ += 1 + digits;
            return put_text(t, sz, utf8, len);
        }
    }
    fail(t, QS_ERROR_CFG_SYNTAX, start,
         "write \\\\ for a backslash, or put the string in single quotes",
         digits ? "\\%s does not give a character" : "\\%s is not an escape in TOML",
         at_end(t) || (u8)c < 0x20 ? "" : (char[]){(u8)c < 0x80 ? c : '?', 0});
    return false;
}

static bool
read_string(qs_toml_t *t)
{
    char quote = *t->pos_;
    char const *start = t->pos_;
    if (accept(t, "\"\"\"") || accept(t, "'''")) {
        fail(t, QS_ERROR_CFG_SUBSET, start, "write the string on one line, in single quotes",
             "multi-line strings are not read here");
        return false;
    }
    t->pos_++;
    t->value.type = QS_TOML_STR;
    size_t sz = 0;
    while (peek(t) != quote) {
        if (at_end(t) || peek(t) == '\n' || peek(t) == '\r') {
            fail(t, QS_ERROR_CFG_SYNTAX, start, "close the string with the quote it began with",
                 "a string without its closing %c", quote);
            return false;
        }
        char c = *t->pos_++;
        bool ok = c == '\\' && quote == '"' ? read_escape(t, &sz) : put_text(t, &sz, &c, 1);
        if (!ok)
            return false;
    }
    t->pos_++;
    t->value.text[sz] = 0;
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* looks_like_date: 1979-05-27..., 07:32:00... */
static bool
looks_like_date(char const *word, size_t sz)
{
    size_t digits = 0;
    while (digits < sz && is_digit(word[digits]))
        digits++;
    return digits < sz && ((digits == 4 && word[4] == '-') || (digits == 2 && word[2] == ':'));
}

static bool
looks_like_float(char const *word, size_t sz)
{
    size_t sign = sz && (word[0] == '+' || word[0] == '-');
    if (sz - sign == 3 && (!memcmp(word + sign, "inf", 3) || !memcmp(word + sign, "nan", 3)))
        return true;
    bool part = memchr(word, '.', sz) || memchr(word, 'e', sz) || memchr(word, 'E', sz);
    return part && sz > sign && is_digit(word[sign]);
}

/* read_word reads a value without quotes: an integer, true or false. */
static bool
read_word(qs_toml_t *t)
{
    qs_toml_value_t *v = &t->value;
    char const *word = t->pos_;
    while (!at_end(t) && !strchr(" \t\r\n,]}#=\"'[{", *t->pos_))
        t->pos_++;
    size_t sz = (size_t)(t->pos_ - word);
    v->flag = sz == 4 && !memcmp(word, "true", 4);
    if (v->flag || (sz == 5 && !memcmp(word, "false", 5))) {
        v->type = QS_TOML_BOOL;
        return true;
    }
    v->type = QS_TOML_INT;
    int err = qs_toml_int_parse(word, sz, &v->number, &v->negative);
    if (!err)
        return true;

    char shown[48];
    qs_text_printable(shown, sizeof(shown), word, sz);
    if (err == -ERANGE)
        fail(t, QS_ERROR_CFG_SUBSET, v->raw, "no option takes a number as large as this",
             "the integer %s needs more than 64 bits", shown);
    else if (!sz)
        fail(t, QS_ERROR_CFG_SYNTAX, v->raw,
             "write a number, a \"string\", true, false or a [list]", "expected a value, found %s",
             found_at(t, v->raw).text);
    else if (looks_like_date(word, sz))
        fail(t, QS_ERROR_CFG_SUBSET, v->raw, "no option takes a date or a time",
             "dates and times are not read here");
    else if (looks_like_float(word, sz))
        fail(t, QS_ERROR_CFG_SUBSET, v->raw, "write a whole number", "floats are not read here");
    else if (is_digit(word[0]) || word[0] == '-' || word[0] == '+')
        fail(t, QS_ERROR_CFG_SYNTAX, v->raw,
             "whole numbers look like 1500, 1_500 or 0x5dc, without leading zeros",
             "%s is not a number", shown);
    else
        fail(t, QS_ERROR_CFG_SYNTAX, v->raw,
             "strings need quotes; true and false are in lower case", "%s is not a value", shown);
    return false;
}

/* read_scalar reads one value that is not an array. */
static bool
read_scalar(qs_toml_t *t)
{
    qs_toml_value_t *v = &t->value;
    v->raw = t->pos_;
    v->line = t->line_;
    v->col = col_of(t, t->pos_);
    v->text[0] = 0;
    v->number = 0;
    v->negative = v->flag = false;
    if (peek(t) == '{') {
        fail(t, QS_ERROR_CFG_SUBSET, t->pos_, "write a [section] with one key per line",
             "inline tables are not read here");
        return false;
    }
    bool ok = peek(t) == '"' || peek(t) == '\'' ? read_string(t) : read_word(t);
    v->raw_sz = (size_t)(t->pos_ - v->raw);
    return ok;
}

/* next_item reads one item and the comma after it, or the end of the array. */
static qs_toml_event_t
next_item(qs_toml_t *t)
{
    skip_lines(t);
    if (accept(t, "]")) {
        t->in_array_ = false;
        return line_end(t) ? QS_TOML_ARRAY_END : QS_TOML_ERROR;
    }
    if (at_end(t))
        return fail(t, QS_ERROR_CFG_SYNTAX, t->pos_, "close the list with ]",
                    "the list that %s begins in line %u is not closed", t->key, t->key_line);
    if (peek(t) == '[')
        return fail(t, QS_ERROR_CFG_SUBSET, t->pos_, "write all items in one list",
                    "lists inside lists are not read here");
    if (!read_scalar(t))
        return QS_TOML_ERROR;
    skip_lines(t);
    if (!accept(t, ",") && peek(t) != ']')
        return fail(t, QS_ERROR_CFG_SYNTAX, t->pos_,
                    "put commas between the items and ] after the last",
                    "expected , or ] in a list, found %s", found_at(t, t->pos_).text);
    return QS_TOML_ITEM;
}

static qs_toml_event_t
read_pair(qs_toml_t *t)
{
    if (!read_key(t))
        return QS_TOML_ERROR;
    if (!accept(t, "="))
        return fail(t, QS_ERROR_CFG_SYNTAX, t->pos_, "write key = value",
                    "expected = after %s, found %s", t->key, found_at(t, t->pos_).text);
    skip_blanks(t);
    if (peek(t) == '[') {
        t->value.line = t->line_;
        t->value.col = col_of(t, t->pos_);
        t->pos_++;
        t->in_array_ = true;
        return QS_TOML_ARRAY;
    }
    return read_scalar(t) && line_end(t) ? QS_TOML_VALUE : QS_TOML_ERROR;
}

qs_toml_event_t
qs_toml_next(qs_toml_t *t)
{
    if (t->failed_)
        return QS_TOML_ERROR;
    if (t->in_array_)
        return next_item(t);
    skip_lines(t);
    if (at_end(t))
        return QS_TOML_END;
    return peek(t) == '[' ? read_header(t) : read_pair(t);
}

/* check_text looks for bytes that may stand nowhere in a TOML file. */
static void
check_text(qs_toml_t *t)
{
    while (!at_end(t)) {
        if (accept_newline(t))
            continue;
        u32 len = qs_text_utf8(t->pos_, (size_t)(t->end_ - t->pos_));
        u8 c = (u8)*t->pos_;
        if (!len) {
            fail(t, QS_ERROR_CFG_SYNTAX, t->pos_, "save the file as UTF-8",
                 "the byte 0x%02x is not UTF-8", c);
            return;
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            fail(t, QS_ERROR_CFG_SYNTAX, t->pos_,
                 "remove it; in a string write \\n, \\t or \\u001b", "the control character 0x%02x",
                 c);
            return;
        }
        t->pos_ += len;
    }
}

void
qs_toml_init(qs_toml_t *t, char const *where, char const *text, size_t sz, qs_error_list_t *errors)
{
    memset(t, 0, sizeof(*t));
    t->pos_ = t->line_start_ = text;
    t->end_ = text + sz;
    t->line_ = 1;
    t->errors_ = errors;
    t->where_ = where;
    accept(t, "\xef\xbb\xbf");
    t->line_start_ = t->pos_;
    char const *start = t->pos_;
    check_text(t);
    t->pos_ = t->line_start_ = start;
    t->line_ = 1;
}

#include "waltz/codec/qs_keypair.h"

u32
qs_keypair_encode(char out[QS_KEYPAIR_TEXT_MAX], u8 const pair[QS_KEYPAIR_SZ])
{
    u32 len = 0;

    for (u32 i = 0; i < QS_KEYPAIR_SZ; i++) {
        out[len++] = i ? ',' : '[';
        if (pair[i] >= 100)
            out[len++] = (char)('0' + pair[i] / 100);
        if (pair[i] >= 10)
            out[len++] = (char)('0' + pair[i] / 10 % 10);
        out[len++] = (char)('0' + pair[i] % 10);
    }
    out[len++] = ']';
    out[len++] = '\n';
    out[len] = 0;
    return len;
}

typedef struct reader {
    char const *at, *end;
} reader_t;

static void
skip_space(reader_t *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool
take_char(reader_t *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* take_byte reads a number as JSON writes it: no sign, no leading zero. */
static bool
take_byte(reader_t *r, u8 *out)
{
    u32 n = 0, digits = 0;

    skip_space(r);
    char const *first = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && digits < 4; r->at++, digits++)
        n = 10 * n + (u32)(*r->at - '0');
    *out = (u8)n;
    return digits && n <= UINT8_MAX && (digits == 1 || *first != '0');
}

int
qs_keypair_parse(u8 pair[QS_KEYPAIR_SZ], char const *text, u64 len)
{
    reader_t r = {.at = text, .end = text + len};
    bool ok = true;

    for (u32 i = 0; ok && i < QS_KEYPAIR_SZ; i++)
        ok = take_char(&r, i ? ',' : '[') && take_byte(&r, &pair[i]);
    ok = ok && take_char(&r, ']');
    skip_space(&r);
    if (ok && r.at == r.end)
        return 0;
    explicit_bzero(pair, QS_KEYPAIR_SZ);
    return -EINVAL;
}

/* Base58: a text that is accepted is the only text of its bytes, and bytes survive the way through
   text.  The input is taken as both. */

#include "waltz/codec/qs_base58.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static u8 bytes[QS_BASE58_SZ_MAX];
static char text[QS_BASE58_LEN_MAX + 1];

static void
check_text(char const *in, u64 len)
{
    i64 sz = qs_base58_decode(bytes, sizeof(bytes), in, len);
    QS_ASSERT(sz == -EINVAL || (sz >= 0 && sz <= (i64)sizeof(bytes)));

    u8 fixed[64];
    bool is_32 = !qs_base58_decode_32(fixed, in, len);
    QS_ASSERT(is_32 == (sz == 32));
    QS_ASSERT(!is_32 || !memcmp(fixed, bytes, 32));
    bool is_64 = !qs_base58_decode_64(fixed, in, len);
    QS_ASSERT(is_64 == (sz == 64));
    QS_ASSERT(!is_64 || !memcmp(fixed, bytes, 64));
    if (sz < 0)
        return;
    QS_ASSERT(qs_base58_encode(text, sizeof(text), bytes, (u64)sz) == (i64)len);
    QS_ASSERT(!memcmp(text, in, len));
}

static void
check_bytes(u8 const *in, u64 sz)
{
    i64 len = qs_base58_encode(text, sizeof(text), in, sz);
    QS_ASSERT(sz <= QS_BASE58_SZ_MAX ? len >= 0 : len == -EINVAL);
    if (len < 0)
        return;
    QS_ASSERT(strlen(text) == (u64)len);
    QS_ASSERT(qs_base58_decode(bytes, sizeof(bytes), text, (u64)len) == (i64)sz);
    QS_ASSERT(!sz || !memcmp(bytes, in, sz));
    if (sz > 0)
        QS_ASSERT(qs_base58_decode(bytes, sz - 1, text, (u64)len) == -ENOSPC);
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    check_text((char const *)data, sz);
    check_bytes(data, sz);
    return 0;
}

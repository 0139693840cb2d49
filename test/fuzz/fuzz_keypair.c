/* fuzz_keypair - a key file: refused with nothing left behind, or written again it reads the same. */

#include "waltz/codec/qs_keypair.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    static u8 const zero[QS_KEYPAIR_SZ];
    u8 pair[QS_KEYPAIR_SZ], again[QS_KEYPAIR_SZ];
    char text[QS_KEYPAIR_TEXT_MAX];

    if (qs_keypair_parse(pair, (char const *)data, sz)) {
        QS_ASSERT(!memcmp(pair, zero, sizeof(pair)));
        return 0;
    }
    u32 len = qs_keypair_encode(text, pair);
    QS_ASSERT(!qs_keypair_parse(again, text, len));
    QS_ASSERT(!memcmp(pair, again, sizeof(pair)));
    return 0;
}

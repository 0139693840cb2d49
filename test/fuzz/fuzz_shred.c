/* fuzz_shred - a datagram: refused, or its headers written again are the bytes they were read from.
   The first bytes choose what the node knows: version, root, limit. */

#include "waltz/codec/qs_shred.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static void
check(qs_shred_t const *s, u8 const *data, size_t sz, qs_shred_filter_t const *filter)
{
    u8 again[QS_SHRED_SZ_MAX];
    QS_ASSERT(sz >= s->layout->sz);
    QS_ASSERT(!filter->version || s->version == filter->version);
    QS_ASSERT(filter->root == QS_SHRED_NO_ROOT || s->slot > filter->root);
    QS_ASSERT(s->idx < filter->idx_limit && qs_shred_leaf(s) < 64);
    QS_ASSERT(s->layout->code || s->size <= s->layout->chained_off);
    qs_shred_encode(again, s);
    QS_ASSERT(!memcmp(again + 64, data + 64, s->layout->hdr_sz - 64u));
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_shred_filter_t filter = {.root = QS_SHRED_NO_ROOT, .idx_limit = QS_SHRED_IDX_LIMIT};
    qs_shred_t s;

    if (sz < 4)
        return 0;
    filter.version = qs_load_le16(data);
    if (data[2] & 1)
        qs_shred_filter_root(&filter, data[3], 432000);
    if (data[2] & 2)
        filter.idx_limit = 16384;
    if (qs_shred_parse(&s, data + 4, sz - 4, &filter) == QS_SHRED_R_OK)
        check(&s, data + 4, sz - 4, &filter);
    return 0;
}

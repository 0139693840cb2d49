/* Reed-Solomon: every kernel of this processor recovers what plain C encoded, from any set of
   shards, writes nothing else, and finds shards that do not belong.

   The input: 8 bytes which shards are there, 8 which are wanted, 2 the size, 1 which shard is
   spoilt if it is odd, and by which bit; the rest is data, repeated as often as needed. */

#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"
#include "waltz/fec/qs_reedsol.h"

#define HEAD_SZ 19u
#define GUARD   0x5a

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static u8 right[QS_REEDSOL_CNT][QS_REEDSOL_SZ_MAX];

typedef struct request {
    u64 have, want, sz;
    bool spoil;
    u32 bad; /* the shard that is spoilt, if it is there */
} request_t;

static void
check(qs_reedsol_kernel_t const *kernel, request_t const *r)
{
    u8 *block[QS_REEDSOL_CNT], *shard[QS_REEDSOL_CNT];
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++) {
        u64 off = (i * 7 + r->have) % 64;
        block[i] = malloc(off + r->sz);
        shard[i] = block[i] + off;
        memset(shard[i], GUARD, r->sz);
        if (r->have >> i & 1)
            memcpy(shard[i], right[i], r->sz);
    }
    bool spoilt = r->spoil && r->have >> r->bad & 1;
    if (spoilt)
        shard[r->bad][r->have % r->sz] ^= 0x10;

    u32 have_cnt = (u32)__builtin_popcountll(r->have);
    int err = qs_reedsol_recover_with(kernel, shard, r->sz, r->have, r->want);
    QS_ASSERT(err == (have_cnt < 32 ? -ENODATA : spoilt && have_cnt > 32 ? -EBADMSG : 0));
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++) {
        if (r->want >> i & 1 && !err && !spoilt)
            QS_ASSERT(!memcmp(shard[i], right[i], r->sz));
        for (u64 b = 0; b < r->sz && !((r->have | r->want) >> i & 1); b++)
            QS_ASSERT(shard[i][b] == GUARD);
        free(block[i]);
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    if (sz <= HEAD_SZ)
        return 0;
    request_t r = {.have = qs_load_le64(data), .spoil = data[18] & 1, .bad = data[18] >> 2};
    r.want = qs_load_le64(data + 8) & ~r.have;
    r.sz = 1 + qs_load_le16(data + 16) % QS_REEDSOL_SZ_MAX;

    u8 *shard[QS_REEDSOL_CNT];
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
        shard[i] = right[i];
    for (u32 i = 0; i < QS_REEDSOL_DATA_CNT; i++)
        for (u64 b = 0; b < r.sz; b++)
            right[i][b] = (u8)(data[HEAD_SZ + (i * r.sz + b) % (sz - HEAD_SZ)] + i);
    qs_reedsol_encode_with(&qs_reedsol_kernels[0], shard, r.sz);
    for (u32 i = 0; i < qs_reedsol_kernel_cnt; i++)
        if (qs_cpu_has(qs_reedsol_kernels[i].needs))
            check(&qs_reedsol_kernels[i], &r);
    return 0;
}

/* fuzz_crds_table - any row of operations on the table of gossip's values: each has the outcome that a
   plain model says, and table and model stay the same.

   Input: 8 bytes an operation: what, origin, index, time that passes (2, ms * 16), age of the value
   (2, ms), size and outset. */

#define MUST(condition) QS_ASSERT(condition)
#include "disco/crds_model.h"

#define OP_SZ  8u
#define OP_MAX 512u

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static u32
load16(u8 const *at)
{
    return at[0] | (u32)at[1] << 8;
}

static void
step(qs_crds_table_t *t, model_t *m, u8 const *op, u64 *now)
{
    static u64 const stakes[] = {0, 5, 9, 100, 7, QS_CRDS_PINNED, 0, 0};
    static made_t made;
    u32 o = op[1] % ORIGINS;
    u8 key[32] = {0};

    *now += 16ull * load16(op + 3);
    qs_store_le32(key, o);
    if (op[0] < 200) {
        u16 index = op[2] % INDEXES, size = op[7] & 1 ? 900 : 100;
        u64 outset = index ? 0 : op[7] >> 1 & 3;
        make(&made, t, o, index, *now - load16(op + 5), outset, size);
        qs_crds_outcome_t want = model_upsert(m, o, &made, *now);
        MUST(qs_crds_upsert(t, &made.item, QS_CRDS_BY_PULL, *now, NULL) == want);
    } else if (op[0] < 225) {
        u64 stake = stakes[op[2] % QS_COUNT(stakes)];
        if (stake && stake != QS_CRDS_PINNED)
            stake = stake * ORIGINS + o; /* of two with the same either may go */
        MUST(qs_crds_set_stake(t, key, stake, *now) == model_set_stake(m, o, stake));
    } else if (op[0] < 250) {
        model_expire(m, *now);
        qs_crds_expire(t, *now, UINT32_MAX);
    } else {
        *now += QS_CRDS_STAKED_TTL_MS / 2;
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    static model_t m;
    qs_crds_table_t t;
    u64 now = 1000000;

    if (sz > OP_SZ * OP_MAX)
        return 0;
    memset(&m, 0, sizeof(m));
    open_table(&t, &small_conf);
    for (u32 i = 0; i + OP_SZ <= sz; i += OP_SZ) {
        step(&t, &m, data + i, &now);
        if (!(i / OP_SZ % 16))
            compare(&t, &m);
    }
    compare(&t, &m);
    close_table(&t);
    return 0;
}

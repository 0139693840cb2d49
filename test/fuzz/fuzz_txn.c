/* fuzz_txn - a transaction, standing alone and inside an entry batch: refused with a reason that has
   a name, or its descriptor leads nowhere outside and building it again gives the same bytes.

   libFuzzer's own mutations rarely keep the counts right, so one in two is ours: the input is parsed,
   taken apart, one thing of it changed, and built again. */

#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_txn_build.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t sz, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(u8 *data, size_t sz, size_t max) __attribute__((weak));

#define HOW_ALL (QS_TXN_IN_ENTRY | QS_TXN_ALLOW_V1)

static qs_txn_build_instr_t instr[QS_TXN_INSTR_MAX + 1];
static qs_txn_build_lookup_t lookup[QS_TXN_ACCOUNT_MAX + 1];

static void
check_parsed(qs_txn_t const *txn, u8 const *data, u64 sz)
{
    static u8 again[2 * QS_TXN_V1_SZ_MAX];
    qs_txn_build_t b;

    QS_ASSERT(qs_txn_valid(txn, qs_txn_desc_sz(txn), sz));
    qs_txn_unbuild(&b, instr, lookup, txn, data);
    QS_ASSERT(qs_txn_build(again, sizeof(again), &b) == txn->sz);
    memcpy(again + txn->signature_off, data + txn->signature_off,
           txn->signature_cnt * QS_TXN_SIGNATURE_SZ);
    QS_ASSERT(!memcmp(again, data, txn->sz));
    u32 total = (u32)txn->account_cnt + txn->lookup_writable_cnt + txn->lookup_readonly_cnt;
    QS_ASSERT(total <= QS_TXN_ACCOUNT_MAX && qs_txn_is_writable(txn, 0) &&
              !qs_txn_is_writable(txn, total));
    for (u32 i = 0; i < txn->instr_cnt; i++)
        for (u32 k = 0; k < qs_txn_instr(txn, i)->account_cnt; k++)
            QS_ASSERT(data[qs_txn_instr(txn, i)->accounts_off + k] < total);
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_txn_t alone, inside;
    qs_txn_reason_t why = qs_txn_parse(&alone, data, sz, QS_TXN_ALLOW_V1);
    qs_txn_reason_t why_inside = qs_txn_parse(&inside, data, sz, HOW_ALL);

    QS_ASSERT(why < QS_TXN_REASON_CNT && why_inside < QS_TXN_REASON_CNT);
    if (!why)
        check_parsed(&alone, data, sz);
    if (!why_inside)
        check_parsed(&inside, data, sz);
    QS_ASSERT(why || !why_inside); /* what stands alone may stand anywhere */
    QS_ASSERT(why || alone.sz == sz);
    if (why == QS_TXN_REASON_trailing)
        QS_ASSERT(!why_inside && inside.sz < sz);
    return 0;
}

/* change makes one thing of a sound transaction another, by its meaning. */
static void
change(qs_txn_build_t *b, qs_rng_t *rng)
{
    u8 *counts[] = {&b->signature_cnt, &b->required_cnt, &b->readonly_signed_cnt,
                    &b->readonly_unsigned_cnt};
    u32 some = (u32)qs_rng_bounded(rng, 66);
    u32 i = b->instr_cnt ? (u32)qs_rng_bounded(rng, b->instr_cnt) : 0;
    u32 l = b->lookup_cnt ? (u32)qs_rng_bounded(rng, b->lookup_cnt) : 0;

    switch (qs_rng_bounded(rng, 10)) {
    case 0:
        *counts[qs_rng_bounded(rng, 4)] = (u8)qs_rng_bounded(rng, 14);
        break;
    case 1:
        b->signature_cnt = b->required_cnt = (u8)(1 + qs_rng_bounded(rng, 12));
        break;
    case 2:
        b->account_cnt = (u16)qs_rng_bounded(rng, (u64)b->account_cnt + 2);
        break;
    case 3:
        b->instr_cnt = (u16)qs_rng_bounded(rng, (u64)b->instr_cnt + 1);
        break;
    case 4:
        b->lookup_cnt = (u16)qs_rng_bounded(rng, (u64)b->lookup_cnt + 1);
        break;
    case 5:
        instr[i].program = (u8)some;
        break;
    case 6:
        instr[i].account_cnt = (u16)qs_rng_bounded(rng, (u64)instr[i].account_cnt + 1);
        break;
    case 7:
        instr[i].data_sz = (u16)qs_rng_bounded(rng, (u64)instr[i].data_sz + 1);
        break;
    case 8:
        lookup[l].writable_cnt = (u16)qs_rng_bounded(rng, (u64)lookup[l].writable_cnt + 1);
        break;
    default:
        b->version = (u8[]){QS_TXN_LEGACY, QS_TXN_V0, QS_TXN_V1}[some % 3];
        break;
    }
}

size_t
LLVMFuzzerCustomMutator(u8 *data, size_t sz, size_t max, unsigned seed)
{
    static u8 copy[QS_TXN_V1_SZ_MAX + 256], out[QS_TXN_V1_SZ_MAX];
    qs_txn_build_t b;
    qs_txn_t txn;
    qs_rng_t rng;

    qs_rng_init(&rng, seed, 0);
    if (seed % 2 || sz > QS_TXN_V1_SZ_MAX || qs_txn_parse(&txn, data, sz, HOW_ALL))
        return LLVMFuzzerMutate(data, sz, max);
    memset(copy, 0, sizeof(copy));
    memcpy(copy, data, sz); /* counts may grow by one: what lies behind is read, and is zero */
    memset(instr, 0, sizeof(instr));
    memset(lookup, 0, sizeof(lookup));
    qs_txn_unbuild(&b, instr, lookup, &txn, copy);
    if (!b.lookup_cnt)
        lookup[0] = (qs_txn_build_lookup_t){
            .key = copy, .writable = copy, .readonly = copy, .readonly_cnt = 1};
    for (u32 n = 1 + (u32)qs_rng_bounded(&rng, 2); n; n--)
        change(&b, &rng);
    u32 cap = max < sizeof(out) ? (u32)max : (u32)sizeof(out), len = 0;
    if (b.account_cnt * 32ull <= sizeof(copy) - txn.account_off)
        len = qs_txn_build(out, cap, &b);
    if (!len)
        return LLVMFuzzerMutate(data, sz, max);
    memcpy(data, out, len);
    return len;
}

/* txn-parse: what it takes to find out what a transaction of a typical size holds.

   An op is one transaction.  The rows take 64 different ones in turn, so that no branch is learned by
   heart: as many accounts and instructions, with other counts and indices. */

#include "bench/bench.h"
#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_txn_build.h"

#define CNT 64u

typedef struct set {
    u8 bytes[CNT][QS_TXN_SZ_MAX];
    u32 sz[CNT];
} set_t;

static set_t legacy, v0, vote, junk;

static void
parse_all(void *ctx)
{
    set_t const *set = ctx;
    qs_txn_t txn;
    for (u32 i = 0; i < CNT; i++) {
        bench_use((void const *)(uintptr_t)qs_txn_parse(&txn, set->bytes[i], set->sz[i], 0));
        bench_use(&txn);
    }
}

/* make writes transactions of about sz bytes: 1 signature, 7 to 9 accounts, 3 to 5 instructions. */
static void
make(set_t *set, u8 version, u32 sz, qs_rng_t *rng)
{
    static u8 keys[64][32], index[64], data[1024];
    for (u32 i = 0; i < CNT; i++) {
        qs_txn_build_instr_t instr[8] = {0};
        u32 accounts = 7 + (u32)qs_rng_bounded(rng, 3), instrs = 3 + (u32)qs_rng_bounded(rng, 3);
        qs_txn_build_lookup_t lookup = {.key = keys[0],
                                        .writable = index,
                                        .readonly = index,
                                        .writable_cnt = 3,
                                        .readonly_cnt = 2};
        for (u32 k = 0; k < 64; k++) {
            keys[k][0] = (u8)qs_rng_u64(rng);
            index[k] = (u8)qs_rng_bounded(rng, accounts);
        }
        for (u32 k = 0; k < instrs; k++)
            instr[k] =
                (qs_txn_build_instr_t){.program = (u8)(1 + qs_rng_bounded(rng, accounts - 1)),
                                       .account_cnt = (u16)qs_rng_bounded(rng, 9),
                                       .account = index,
                                       .data = data,
                                       .data_sz = (u16)qs_rng_bounded(rng, 12)};
        qs_txn_build_t b = {.version = version,
                            .signature_cnt = 1,
                            .required_cnt = 1,
                            .readonly_unsigned_cnt = 2,
                            .account_cnt = (u16)accounts,
                            .account = (u8 const(*)[32])keys,
                            .blockhash = keys[1],
                            .instr_cnt = (u16)instrs,
                            .instr = instr,
                            .lookup = &lookup,
                            .lookup_cnt = version == QS_TXN_V0};
        u32 short_sz = qs_txn_build(set->bytes[i], QS_TXN_SZ_MAX, &b);
        if (short_sz < sz)
            instr[0].data_sz = (u16)(instr[0].data_sz + sz - short_sz);
        set->sz[i] = qs_txn_build(set->bytes[i], QS_TXN_SZ_MAX, &b);
        qs_txn_t txn;
        QS_ASSERT(!qs_txn_parse(&txn, set->bytes[i], set->sz[i], 0));
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static u8 const zero[2][32], data[116] = {14};
    qs_rng_t rng;

    bench_init(&b, "txn-parse", argc, argv);
    qs_rng_init(&rng, 1, 0);
    make(&legacy, QS_TXN_LEGACY, 500, &rng);
    make(&v0, QS_TXN_V0, 500, &rng);
    for (u32 i = 0; i < CNT; i++) {
        vote.sz[i] =
            qs_txn_build_vote(vote.bytes[i], zero, NULL, zero[0], zero[1], data, sizeof(data));
        junk.sz[i] = 500;
        for (u32 k = 0; k < 500; k++)
            junk.bytes[i][k] = (u8)qs_rng_u64(&rng);
    }
    bench_add(&b, &(bench_row_t){.what = "parse of a typical 500-byte transaction",
                                 .variant = "legacy",
                                 .fn = parse_all,
                                 .ctx = &legacy,
                                 .ops = CNT});
    bench_add(&b, &(bench_row_t){.what = "parse of a typical 500-byte transaction",
                                 .variant = "v0",
                                 .fn = parse_all,
                                 .ctx = &v0,
                                 .ops = CNT});
    bench_add(&b, &(bench_row_t){.what = "parse of a simple vote",
                                 .variant = "legacy",
                                 .fn = parse_all,
                                 .ctx = &vote,
                                 .ops = CNT});
    bench_add(&b, &(bench_row_t){.what = "refusal of 500 random bytes",
                                 .variant = "any",
                                 .fn = parse_all,
                                 .ctx = &junk,
                                 .ops = CNT});
    return bench_run(&b);
}

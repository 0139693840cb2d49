/* A leader's entry batches to signed sets, ready to send: 32 data and 32 code shreds each. */

#include "bench/bench.h"
#include "disco/shred/shred_maker.h"

#define WHAT    "shredder, signing included"
#define SET_CNT 64u

static maker_t maker;
static u8 batch[SET_CNT * QS_SHREDDER_CHAINED_SZ];
static qs_shredder_set_t out[8];

static void
run(void *ctx)
{
    static u8 const parent[32];
    (void)ctx;
    qs_shredder_slot(&maker.shredder, 9, 1, parent);
    QS_ASSERT(qs_shredder_begin(&maker.shredder, batch, sizeof(batch), 3, false) == SET_CNT);
    for (u32 i = 0; i < SET_CNT; i++)
        QS_ASSERT(!qs_shredder_next(&maker.shredder, &out[i % 8]));
    bench_use(out);
}

/* Sets are made and signed eight at a time, as a leader does who has a long batch. */
static void
run_eight(void *ctx)
{
    static u8 const parent[32];
    (void)ctx;
    qs_shredder_slot(&maker.shredder, 9, 1, parent);
    QS_ASSERT(qs_shredder_begin(&maker.shredder, batch, sizeof(batch), 3, false) == SET_CNT);
    qs_shredder_sign_many(&maker.shredder, maker_sign_many);
    for (u32 i = 0; i < SET_CNT; i += 8)
        QS_ASSERT(qs_shredder_next_many(&maker.shredder, out, 8) == 8);
    qs_shredder_sign_many(&maker.shredder, NULL);
    bench_use(out);
}

static int
sign_nothing(void *ctx, u8 sig[QS_SHRED_SIG_SZ], u8 const root[QS_SHRED_ROOT_SZ])
{
    (void)ctx;
    memcpy(sig, root, QS_SHRED_ROOT_SZ);
    return 0;
}

static void
run_unsigned(void *ctx)
{
    maker.shredder.sign = sign_nothing;
    run(ctx);
    maker.shredder.sign = maker_sign;
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "shredder", argc, argv);
    maker_init(&maker, 5, 777);
    maker_bytes(batch, sizeof(batch), 3);
    bench_row_t row = {.what = WHAT, .variant = "per set", .fn = run, .ops = SET_CNT};
    bench_add(&b, &row);
    row.variant = "eight sets signed together", row.fn = run_eight;
    bench_add(&b, &row);
    row.variant = "per set";
    row.what = "shredder, without the signature", row.fn = run_unsigned;
    bench_add(&b, &row);
    return bench_run(&b);
}

/* Reed-Solomon 32:32: our kernels against ISA-L.  A recovery starts from the sets of shards that
   are there: ISA-L inverts the matrix of 32 of them and makes its tables, every time. */

#include "bench/bench.h"
#include "tango/base/qs_cpu.h"
#include "waltz/fec/qs_reedsol.h"

#ifdef QS_PEER_ISAL
#include <isa-l.h>
#endif

#define SZ       1024u
#define WIRE_SZ  987u /* what a shred of today has, 64 or 89 bytes into a datagram's buffer */
#define ALL      (QS_REEDSOL_DATA | QS_REEDSOL_CODE)
#define ENCODE   "encode 32 x 1024 bytes"
#define ALL_LOST "recover, 32 data shreds missing, set-up included"
#define FEW      "recover, 1 to 6 missing"

static u8 bytes[QS_REEDSOL_CNT][1280];
static u8 *shard[QS_REEDSOL_CNT], *wire[QS_REEDSOL_CNT];

typedef struct task {
    qs_reedsol_kernel_t const *kernel;
    u64 have, want, sz;
    u8 **shard;
} task_t;

static void
encode(void *ctx)
{
    task_t const *t = ctx;
    qs_reedsol_encode_with(t->kernel, t->shard, t->sz);
    bench_use(bytes);
}

static void
recover(void *ctx)
{
    task_t const *t = ctx;
    QS_ASSERT(!qs_reedsol_recover_with(t->kernel, t->shard, t->sz, t->have, t->want));
    bench_use(bytes);
}

static task_t *
task(qs_reedsol_kernel_t const *kernel, u64 have, u64 want)
{
    static task_t tasks[BENCH_ROW_MAX];
    static u32 cnt;
    tasks[cnt] = (task_t){kernel, have, want, SZ, shard};
    return &tasks[cnt++];
}

#ifdef QS_PEER_ISAL
static u8 generator[QS_REEDSOL_CNT * QS_REEDSOL_DATA_CNT];

/* isal_tables makes ISA-L's tables of a matrix that makes 32 shards out of 32. */
static u8 *
isal_tables(u8 *rows)
{
    static u8 tables[32 * QS_REEDSOL_DATA_CNT * QS_REEDSOL_DATA_CNT];
    ec_init_tables(QS_REEDSOL_DATA_CNT, QS_REEDSOL_DATA_CNT, rows, tables);
    return tables;
}

static void
isal_encode(void *tables)
{
    ec_encode_data(SZ, QS_REEDSOL_DATA_CNT, QS_REEDSOL_DATA_CNT, tables, shard,
                   shard + QS_REEDSOL_DATA_CNT);
    bench_use(bytes);
}

/* Only data is lost, so the inverse of the rows that are there is the matrix to multiply with; as
   many rows of it as there are lost shards. */
static void
isal_recover(void *ctx)
{
    task_t const *t = ctx;
    static u8 rows[1024], inverse[1024], lost_rows[1024], tables[32 * 1024];
    u8 *in[QS_REEDSOL_DATA_CNT], *out[QS_REEDSOL_DATA_CNT];
    u32 n = 0, lost = 0;
    for (u32 i = 0; i < QS_REEDSOL_CNT && n < QS_REEDSOL_DATA_CNT; i++) {
        if (!(t->have >> i & 1))
            continue;
        memcpy(rows + n * QS_REEDSOL_DATA_CNT, generator + i * QS_REEDSOL_DATA_CNT,
               QS_REEDSOL_DATA_CNT);
        in[n++] = shard[i];
    }
    QS_ASSERT(!gf_invert_matrix(rows, inverse, QS_REEDSOL_DATA_CNT));
    for (u32 k = 0; k < QS_REEDSOL_DATA_CNT; k++) {
        if (!(t->want >> k & 1))
            continue;
        memcpy(lost_rows + lost * QS_REEDSOL_DATA_CNT, inverse + k * QS_REEDSOL_DATA_CNT,
               QS_REEDSOL_DATA_CNT);
        out[lost++] = shard[k];
    }
    ec_init_tables(QS_REEDSOL_DATA_CNT, (int)lost, lost_rows, tables);
    ec_encode_data(SZ, QS_REEDSOL_DATA_CNT, (int)lost, tables, in, out);
    bench_use(bytes);
}
#endif

static void
add_peers(bench_t *b)
{
#ifdef QS_PEER_ISAL
    gf_gen_cauchy1_matrix(generator, QS_REEDSOL_CNT, QS_REEDSOL_DATA_CNT);
    bench_row_t row = {.peer = "ISA-L", .ops = 1};
    row.what = ENCODE, row.variant = "ec_encode_data", row.fn = isal_encode;
    row.ctx = isal_tables(generator + QS_REEDSOL_DATA_CNT * QS_REEDSOL_DATA_CNT);
    bench_add(b, &row);
    row.what = ALL_LOST, row.variant = "with inversion", row.fn = isal_recover;
    row.ctx = task(NULL, QS_REEDSOL_CODE, QS_REEDSOL_DATA);
    bench_add(b, &row);
    row.what = FEW, row.variant = "6 data";
    row.ctx = task(NULL, ALL & ~0x3full, 0x3f);
    bench_add(b, &row);
#else
    bench_absent(b, "ISA-L", "libisal-dev was not there when this was built");
#endif
}

static void
add_kernel(bench_t *b, qs_reedsol_kernel_t const *k)
{
    bench_row_t row = {
        .what = ENCODE, .variant = k->name, .against = "ISA-L", .fn = encode, .ops = 1};
    row.ctx = task(k, 0, 0);
    bench_add(b, &row);
    row.what = ALL_LOST, row.fn = recover;
    row.ctx = task(k, QS_REEDSOL_CODE, QS_REEDSOL_DATA);
    bench_add(b, &row);
}

/* What the chosen kernel needs for other sets; `lost` shards are spread over data and code. */
static void
add_cases(bench_t *b)
{
    static struct {
        char const *what, *variant;
        u64 lost;
        bool check;
    } const cases[] = {
        {FEW, "1 data", 0x1, false},
        {FEW, "6 data", 0x3f, false},
        {FEW, "3 data, 3 code", 0x700000015, false},
        {FEW, "1 data, rest checked", 0x1, true},
        {FEW, "6 data, rest checked", 0x3f, true},
        {"recover, 25 of 64 missing", "39 there", 0x1555555aaaaaa, false},
        {"recover, 25 of 64 missing", "39 there, checked", 0x1555555aaaaaa, true},
        {"recover, 32 of 64 missing", "16 data, 16 code", 0x5555555555555555, false},
        {"check, 64 there", "no shard missing", 0, true},
    };
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        u64 have = ALL & ~cases[i].lost;
        task_t *t = task(qs_reedsol_kernel(), cases[i].check ? have : qs_reedsol_enough(have),
                         cases[i].lost);
        bench_row_t row = {
            .what = cases[i].what, .variant = cases[i].variant, .fn = recover, .ctx = t, .ops = 1};
        row.against = strcmp(row.what, FEW) ? NULL : "ISA-L";
        bench_add(b, &row);
    }
    task_t *t = task(qs_reedsol_kernel(), 0, 0);
    t->sz = WIRE_SZ, t->shard = wire;
    bench_add(b, &(bench_row_t){.what = "encode 32 x 987 bytes, as in shreds",
                                .variant = t->kernel->name,
                                .fn = encode,
                                .ctx = t,
                                .ops = 1});
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static u8 lines[QS_REEDSOL_CNT][SZ] __attribute__((aligned(64)));
    bench_init(&b, "reedsol", argc, argv);
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++) {
        shard[i] = lines[i];
        wire[i] = bytes[i] + (i < QS_REEDSOL_DATA_CNT ? 64 : 89);
        for (u32 j = 0; j < SZ; j++)
            lines[i][j] = (u8)(i * j + (j >> 3));
    }
    qs_reedsol_encode(shard, SZ);
    for (u32 i = 0; i < qs_reedsol_kernel_cnt; i++)
        if (qs_cpu_has(qs_reedsol_kernels[i].needs))
            add_kernel(&b, &qs_reedsol_kernels[i]);
    add_cases(&b);
    add_peers(&b);
    return bench_run(&b);
}

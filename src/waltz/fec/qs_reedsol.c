#include "waltz/fec/qs_reedsol.h"

#include "tango/base/qs_cpu.h"
#include "waltz/fec/qs_reedsol_kernels.h"

#define FACTOR_LOG 188u /* of 0xa5, by which the parity matrix is more than Cauchy's */

/* A row takes a sixth of the time of a transform, in plain C half of it; more lost data than rows
   are worth takes two transforms, more lost code one (bench reedsol). */
/* clang-format off */
qs_reedsol_kernel_t const qs_reedsol_kernels[] = {
/*    name    needs         width  rows:data code                                              */
    { "c",    0,                16,  7, 2, qs_reedsol_encode_c,    qs_reedsol_recover_c    },
#if defined(__x86_64__)
    { "avx2", QS_CPU_NEED_AVX2, 32, 16, 6, qs_reedsol_encode_avx2, qs_reedsol_recover_avx2 },
    { "gfni", QS_CPU_NEED_GFNI, 64, 16, 6, qs_reedsol_encode_gfni, qs_reedsol_recover_gfni },
#endif
};
/* clang-format on */

u32 const qs_reedsol_kernel_cnt = QS_COUNT(qs_reedsol_kernels);

qs_reedsol_kernel_t const *
qs_reedsol_kernel(void)
{
    u32 i = QS_COUNT(qs_reedsol_kernels) - 1;
    while (!qs_cpu_has(qs_reedsol_kernels[i].needs))
        i--;
    return &qs_reedsol_kernels[i];
}

static u32
count(u64 set)
{
    return (u32)__builtin_popcountll(set);
}

/* first_of returns the cnt lowest shards of set, or all. */
static u64
first_of(u64 set, u32 cnt)
{
    u64 rest = set;
    while (cnt-- && rest)
        rest &= rest - 1;
    return set & ~rest;
}

u64
qs_reedsol_enough(u64 have)
{
    return first_of(have, QS_REEDSOL_DATA_CNT);
}

/* log_sums_t is a sum of logarithms for each of the 64 points. */
typedef i16 eight_t __attribute__((vector_size(16)));
typedef union log_sums {
    eight_t eight[QS_REEDSOL_CNT / 8];
    i16 of[QS_REEDSOL_CNT];
} log_sums_t;

/* log_sums returns, for each i, the sum of the logarithms of i xor j over all j of set. */
static log_sums_t
log_sums(u64 set)
{
    log_sums_t sums = {0};
    for (; set; set &= set - 1) {
        u32 j = (u32)__builtin_ctzll(set);
        eight_t const *log = (eight_t const *)(void const *)qs_reedsol_log[j % 8];
#pragma GCC unroll 8
        for (u32 i = 0; i < QS_REEDSOL_CNT / 8; i++)
            sums.eight[i] += log[i ^ j / 8];
    }
    return sums;
}

/* modulo makes the logarithm of a power of 2 out of a sum of at most 64 and a little more. */
static u32
modulo(i32 log)
{
    return (u32)(log + 255 * 128) % 255u;
}

/* plan_rows makes the shards of `fill` from those of `from`, 32 of them. */
static void
plan_rows(qs_reedsol_plan_t *plan, u64 from, u64 fill)
{
    log_sums_t sum = log_sums(from);
    u32 weight[QS_REEDSOL_DATA_CNT];
    for (u32 i = 0; from; from &= from - 1, i++) {
        plan->from[i] = (u8)__builtin_ctzll(from);
        weight[i] = modulo(-sum.of[plan->from[i]]) + 255;
    }
    for (; fill; fill &= fill - 1, plan->row_cnt++) {
        u32 k = (u32)__builtin_ctzll(fill);
        u32 product = modulo(sum.of[k]);
        u8 *row = plan->row[plan->row_cnt];
        plan->to[plan->row_cnt] = (u8)k;
        for (u32 i = 0; i < QS_REEDSOL_DATA_CNT; i++) {
            u32 below = (u32)qs_reedsol_log[0][k ^ plan->from[i]];
            row[i] = qs_reedsol_exp[product + weight[i] - below];
        }
    }
}

static void
plan_transforms(qs_reedsol_plan_t *plan, u64 lost, u64 used)
{
    log_sums_t above = log_sums(used), below = log_sums(lost);
    plan->lost = lost;
    plan->used = used;
    for (; lost; lost &= lost - 1) {
        u32 k = (u32)__builtin_ctzll(lost);
        i32 log = above.of[k] - below.of[k] - 2 * (i32)FACTOR_LOG;
        plan->scale[k] = qs_reedsol_exp[modulo(log)];
    }
    for (; used; used &= used - 1) {
        u32 q = (u32)__builtin_ctzll(used);
        plan->scale[q] = qs_reedsol_exp[modulo(below.of[q] - above.of[q])];
    }
}

/* plan_recover decides how, and returns the data shards that will be filled. */
static u64
plan_recover(qs_reedsol_kernel_t const *kernel, qs_reedsol_plan_t *plan, u64 have, u64 want)
{
    u64 from = qs_reedsol_enough(have);
    u64 lost = QS_REEDSOL_DATA & ~from;
    u64 code = want & QS_REEDSOL_CODE;
    plan->row_cnt = 0;
    plan->lost = plan->used = plan->code = 0;
    plan->check = have & ~from;

    u64 rows = 0;
    if (plan->check || count(code) > kernel->code_row_max)
        plan->code = code;
    else
        rows = code;
    u64 data = plan->code | plan->check ? lost : want & lost;
    if (count(data) > kernel->data_row_max)
        plan_transforms(plan, lost, from & QS_REEDSOL_CODE);
    else
        rows |= data;
    if (rows)
        plan_rows(plan, from, rows);
    return plan->lost | (rows & QS_REEDSOL_DATA);
}

void
qs_reedsol_encode_with(qs_reedsol_kernel_t const *kernel, u8 *const shard[QS_REEDSOL_CNT], u64 sz)
{
    if (sz >= kernel->width)
        kernel->encode(shard, sz);
    else
        qs_reedsol_recover_with(kernel, shard, sz, QS_REEDSOL_DATA, QS_REEDSOL_CODE);
}

/* recover_short is for shards smaller than a column. */
static bool
recover_short(qs_reedsol_kernel_t const *kernel, qs_reedsol_plan_t const *plan, u8 *const *shard,
              u64 sz, u64 have, u64 want)
{
    u8 at[QS_REEDSOL_CNT][64] = {0};
    u8 *column[QS_REEDSOL_CNT];
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
        column[i] = at[i];
    for (; have; have &= have - 1) {
        u32 i = (u32)__builtin_ctzll(have);
        memcpy(at[i], shard[i], sz);
    }
    bool good = kernel->recover(plan, column, kernel->width);
    for (; want; want &= want - 1) {
        u32 i = (u32)__builtin_ctzll(want);
        memcpy(shard[i], at[i], sz);
    }
    return good;
}

int
qs_reedsol_recover_with(qs_reedsol_kernel_t const *kernel, u8 *const shard[QS_REEDSOL_CNT], u64 sz,
                        u64 have, u64 want)
{
    QS_ASSERT(sz && sz <= QS_REEDSOL_SZ_MAX && !(have & want));
    if (count(have) < QS_REEDSOL_DATA_CNT)
        return -ENODATA;

    qs_reedsol_plan_t plan;
    u64 unasked = plan_recover(kernel, &plan, have, want) & ~want;
    if (sz < kernel->width)
        return recover_short(kernel, &plan, shard, sz, have, want) ? 0 : -EBADMSG;
    if (!unasked)
        return kernel->recover(&plan, shard, sz) ? 0 : -EBADMSG;

    u8 spare[QS_REEDSOL_DATA_CNT][QS_REEDSOL_SZ_MAX];
    u8 *all[QS_REEDSOL_CNT];
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
        all[i] = unasked >> i & 1 ? spare[i] : shard[i];
    return kernel->recover(&plan, all, sz) ? 0 : -EBADMSG;
}

void
qs_reedsol_encode(u8 *const shard[QS_REEDSOL_CNT], u64 sz)
{
    qs_reedsol_encode_with(qs_reedsol_kernel(), shard, sz);
}

int
qs_reedsol_recover(u8 *const shard[QS_REEDSOL_CNT], u64 sz, u64 have, u64 want)
{
    return qs_reedsol_recover_with(qs_reedsol_kernel(), shard, sz, have, want);
}

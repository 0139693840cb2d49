/* qs_reedsol_column.h - the arithmetic of all kernels, for a vector of any width.  Private to
   qs_reedsol_*.c: the including file first defines

       vec_t, WIDTH          a vector, and its bytes
       load(p) store(p, v)   at any alignment
       zero() xor2 xor3 or2 is_zero
       mul(v, c)             each byte of v times c; c is often known when compiling

   A column is WIDTH bytes at the same place of all shards.  The last column of a shard may overlap
   the one before it: it does the same work again.

   Encoding goes through the coefficients of the polynomial in the basis of Lin, Chung and Han
   ("Novel polynomial basis", FOCS 2014): products of s_i(x) / s_i(2^i), where s_i vanishes at the
   points 0 .. 2^i - 1 and is linear over xor.  Values at 2^k consecutive points and coefficients
   turn into each other in k layers of butterflies:

       values to coefficients            coefficients to values
       b ^= a                            a ^= skew b
       a ^= skew b                       b ^= a

   where a and b are 2^i apart and skew = s_i(point of a) / s_i(2^i).  From 0..31 to 32..63 that is
   129 multiplications a byte, where the matrix has 1024.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_FEC_REEDSOL_COLUMN_H
#define QS_WALTZ_FEC_REEDSOL_COLUMN_H

#include "waltz/fec/qs_reedsol_kernels.h"

#define ROW_GROUP 4u /* rows that share the loads of the shards they are made from */

/* skew_base[i][b] = s_i(2^b) / s_i(2^i) for b > i */
static u8 const skew_base[5][6] = {
    {0, 0x02, 0x04, 0x08, 0x10, 0x20}, {0, 0, 0x06, 0x1c, 0x78, 0xed}, {0, 0, 0, 0x16, 0x61, 0x26},
    {0, 0, 0, 0, 0x0b, 0xae},          {0, 0, 0, 0, 0, 0x47},
};

QS_INLINE u8
skew(u32 layer, u32 point)
{
    u8 const *b = skew_base[layer];
    return (u8)((point & 2 ? b[1] : 0) ^ (point & 4 ? b[2] : 0) ^ (point & 8 ? b[3] : 0) ^
                (point & 16 ? b[4] : 0) ^ (point & 32 ? b[5] : 0));
}

/* to_coefficients_4 does layers `layer` and `layer + 1` of the four values that are `step` apart.
   Half of the values between the layers are used once: they are not stored but taken into a
   three-way xor.  first_point belongs to v[0]. */
QS_INLINE void
to_coefficients_4(vec_t *v, u32 step, u32 layer, u32 first_point)
{
    u8 near = skew(layer, first_point), far = skew(layer, first_point + (2u << layer));
    u8 next = skew(layer + 1, first_point);
    vec_t a = v[0], b = xor2(v[step], a);
    vec_t c = v[2 * step], d = xor2(v[3 * step], c);
    a = near ? xor2(a, mul(b, near)) : a;
    c = xor3(a, c, mul(d, far));
    d = xor2(d, b);
    v[0] = next ? xor2(a, mul(c, next)) : a;
    v[step] = next ? xor2(b, mul(d, next)) : b;
    v[2 * step] = c;
    v[3 * step] = d;
}

/* to_values_4 does layers `layer + 1` and `layer`, the way back. */
QS_INLINE void
to_values_4(vec_t *v, u32 step, u32 layer, u32 first_point)
{
    u8 near = skew(layer, first_point), far = skew(layer, first_point + (2u << layer));
    u8 next = skew(layer + 1, first_point);
    vec_t c = v[2 * step], d = v[3 * step];
    vec_t a = xor2(v[0], mul(c, next));
    vec_t b = xor2(v[step], mul(d, next));
    d = xor2(d, b);
    c = xor3(a, c, mul(d, far));
    a = xor2(a, mul(b, near));
    v[0] = a;
    v[step] = xor2(b, a);
    v[2 * step] = c;
    v[3 * step] = xor2(d, c);
}

QS_INLINE void
to_coefficients_16(vec_t v[16], u32 first_point)
{
#pragma GCC unroll 4
    for (u32 i = 0; i < 4; i++)
        to_coefficients_4(v + 4 * i, 1, 0, first_point + 4 * i);
#pragma GCC unroll 4
    for (u32 i = 0; i < 4; i++)
        to_coefficients_4(v + i, 4, 2, first_point);
}

QS_INLINE void
to_values_16(vec_t v[16], u32 first_point)
{
#pragma GCC unroll 4
    for (u32 i = 0; i < 4; i++)
        to_values_4(v + i, 4, 2, first_point);
#pragma GCC unroll 4
    for (u32 i = 0; i < 4; i++)
        to_values_4(v + 4 * i, 1, 0, first_point + 4 * i);
}

/* encode_column reads 32 columns at in[i] + in_off and writes 32 at out[i] + out_off, which may be
   the same. */
static QS_NOINLINE void
encode_column(u8 *const *in, u64 in_off, u8 *const *out, u64 out_off)
{
    vec_t low[16], high[16];
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        low[i] = load(in[i] + in_off);
    to_coefficients_16(low, 0);
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        high[i] = load(in[16 + i] + in_off);
    to_coefficients_16(high, 16);

    /* The last layer to coefficients, skew 0, and the first to values, in one. */
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++) {
        vec_t m = mul(xor2(low[i], high[i]), skew(4, 32));
        low[i] = xor2(low[i], m);
        high[i] = xor2(high[i], m);
    }

    to_values_16(high, 48);
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        store(out[16 + i] + out_off, high[i]);
    to_values_16(low, 32);
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        store(out[i] + out_off, low[i]);
}

QS_INLINE void
encode_shards(u8 *const *shard, u64 sz)
{
    for (u64 off = 0; off < sz; off += WIDTH) {
        u64 at = off + WIDTH <= sz ? off : sz - WIDTH;
        encode_column(shard, at, shard + QS_REEDSOL_DATA_CNT, at);
    }
}

/* fill_rows makes row_cnt shards, a constant, from plan->row[first..]. */
QS_INLINE void
fill_rows(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 off, u32 first, u32 row_cnt)
{
    vec_t sum[ROW_GROUP];
    vec_t x = load(shard[plan->from[0]] + off), y = load(shard[plan->from[1]] + off);
    for (u32 r = 0; r < row_cnt; r++)
        sum[r] = xor2(mul(x, plan->row[first + r][0]), mul(y, plan->row[first + r][1]));
    for (u32 i = 2; i < QS_REEDSOL_DATA_CNT; i += 2) {
        x = load(shard[plan->from[i]] + off);
        y = load(shard[plan->from[i + 1]] + off);
#pragma GCC unroll 4
        for (u32 r = 0; r < row_cnt; r++)
            sum[r] =
                xor3(sum[r], mul(x, plan->row[first + r][i]), mul(y, plan->row[first + r][i + 1]));
    }
    for (u32 r = 0; r < row_cnt; r++)
        store(shard[plan->to[first + r]] + off, sum[r]);
}

QS_INLINE void
rows_column(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 off)
{
    u32 r = 0;
    for (; r + ROW_GROUP <= plan->row_cnt; r += ROW_GROUP)
        fill_rows(plan, shard, off, r, ROW_GROUP);
    if (plan->row_cnt & 2)
        fill_rows(plan, shard, off, r, 2);
    if (plan->row_cnt & 1)
        fill_rows(plan, shard, off, plan->row_cnt - 1, 1);
}

/* scratch_t is a column of 32 shards, and the pointers to it that encode_column wants. */
typedef struct scratch {
    alignas(64) u8 at[QS_REEDSOL_DATA_CNT][WIDTH];
    u8 *row[QS_REEDSOL_DATA_CNT];
} scratch_t;

QS_INLINE void
transforms_column(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 off, scratch_t *s)
{
    if (plan->lost != QS_REEDSOL_DATA) {
        for (u32 k = 0; k < QS_REEDSOL_DATA_CNT; k++)
            store(s->at[k], plan->lost >> k & 1 ? zero() : load(shard[k] + off));
        encode_column(s->row, 0, s->row, 0);
    } else {
        memset(s->at, 0, sizeof(s->at));
    }
    for (u32 p = 0; p < QS_REEDSOL_DATA_CNT; p++) {
        u32 q = QS_REEDSOL_DATA_CNT + p;
        vec_t v = zero();
        if (plan->used >> q & 1)
            v = mul(xor2(load(s->at[p]), load(shard[q] + off)), plan->scale[q]);
        store(s->at[p], v);
    }
    encode_column(s->row, 0, s->row, 0);
    for (u64 set = plan->lost; set; set &= set - 1) {
        u32 k = (u32)__builtin_ctzll(set);
        store(shard[k] + off, mul(load(s->at[k]), plan->scale[k]));
    }
}

/* Returns what encoding gives for the shards of plan->check and they lack, or'ed. */
QS_INLINE vec_t
code_column(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 off, scratch_t *s)
{
    vec_t wrong = zero();
    encode_column(shard, off, s->row, 0);
    for (u64 set = plan->code; set; set &= set - 1) {
        u32 q = (u32)__builtin_ctzll(set);
        store(shard[q] + off, load(s->at[q - QS_REEDSOL_DATA_CNT]));
    }
    for (u64 set = plan->check; set; set &= set - 1) {
        u32 q = (u32)__builtin_ctzll(set);
        wrong = or2(wrong, xor2(load(s->at[q - QS_REEDSOL_DATA_CNT]), load(shard[q] + off)));
    }
    return wrong;
}

QS_INLINE bool
recover_shards(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    scratch_t s;
    for (u32 i = 0; i < QS_REEDSOL_DATA_CNT; i++)
        s.row[i] = s.at[i];
    vec_t wrong = zero();
    for (u64 off = 0; off < sz; off += WIDTH) {
        u64 at = off + WIDTH <= sz ? off : sz - WIDTH;
        if (plan->row_cnt)
            rows_column(plan, shard, at);
        if (plan->lost)
            transforms_column(plan, shard, at, &s);
        if (plan->code | plan->check)
            wrong = or2(wrong, code_column(plan, shard, at, &s));
    }
    return is_zero(wrong);
}

#endif

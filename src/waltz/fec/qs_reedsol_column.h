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

#define ROW_GROUP    4u /* rows that share the loads of the shards they are made from */
#define COLUMN_GROUP 2u /* columns that share the loads of what they are multiplied with */

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

/* port_t is where a transform reads or writes one of its 32 columns: a place in a shard, or a
   column that stays where it is (move 0). */
typedef struct port {
    u8 *at;
    u64 move; /* all ones, or 0 */
} port_t;

typedef struct ports {
    port_t in[QS_REEDSOL_DATA_CNT];
    port_t out[QS_REEDSOL_DATA_CNT];
    port_t beside[QS_REEDSOL_DATA_CNT];
    u8 in_scale[QS_REEDSOL_DATA_CNT];
    u8 out_scale[QS_REEDSOL_DATA_CNT];
} ports_t;

typedef enum how {
    ENCODE,  /* out = T(in) */
    COMPARE, /* the same, and says how that differs from what then is beside */
    ADD,     /* out = T(in) + beside */
    SCALE,   /* out = out_scale T(in_scale in) */
} how_t;

QS_INLINE u8 *
place(port_t const *port, u64 off)
{
    return port->at + (off & port->move);
}

QS_INLINE vec_t
take(ports_t const *ports, u32 i, u64 off, how_t how)
{
    vec_t v = load(place(&ports->in[i], off));
    return how == SCALE ? mul(v, ports->in_scale[i]) : v;
}

QS_INLINE void
give(ports_t const *ports, u32 i, u64 off, how_t how, vec_t v, vec_t *wrong)
{
    if (how == ADD)
        v = xor2(v, load(place(&ports->beside[i], off)));
    if (how == SCALE)
        v = mul(v, ports->out_scale[i]);
    store(place(&ports->out[i], off), v);
    if (how == COMPARE)
        *wrong = or2(*wrong, xor2(v, load(place(&ports->beside[i], off))));
}

/* transform encodes one column.  All is read before anything is written.  It is one function for all
   four: its branches are foreseen and cost nothing (bench reedsol), copies cost compile time. */
static QS_NOINLINE vec_t
transform(ports_t const *ports, u64 off, how_t how)
{
    vec_t low[16], high[16], wrong = zero();
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        low[i] = take(ports, i, off, how);
    to_coefficients_16(low, 0);
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        high[i] = take(ports, 16 + i, off, how);
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
        give(ports, 16 + i, off, how, high[i], &wrong);
    to_values_16(low, 32);
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++)
        give(ports, i, off, how, low[i], &wrong);
    return wrong;
}

/* column_at is where the column at off is done: the last one overlaps the one before it. */
QS_INLINE u64
column_at(u64 off, u64 sz)
{
    return off + WIDTH <= sz ? off : sz - WIDTH;
}

QS_INLINE void
encode_shards(u8 *const *shard, u64 sz)
{
    ports_t ports;
    for (u32 i = 0; i < QS_REEDSOL_DATA_CNT; i++) {
        ports.in[i] = (port_t){shard[i], UINT64_MAX};
        ports.out[i] = (port_t){shard[QS_REEDSOL_DATA_CNT + i], UINT64_MAX};
    }
    for (u64 off = 0; off < sz; off += WIDTH)
        transform(&ports, column_at(off, sz), ENCODE);
}

/* fill_rows makes row_cnt shards from plan->row[first..], column_cnt columns of each; both counts
   are constants. */
QS_INLINE void
fill_rows(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 off, u32 first, u32 row_cnt,
          u32 column_cnt)
{
    vec_t sum[ROW_GROUP][COLUMN_GROUP], x[COLUMN_GROUP], y[COLUMN_GROUP];
    for (u32 r = 0; r < row_cnt; r++)
        for (u32 c = 0; c < column_cnt; c++)
            sum[r][c] = zero();
    for (u32 i = 0; i < QS_REEDSOL_DATA_CNT; i += 2) {
        u8 const *from_x = shard[plan->from[i]] + off, *from_y = shard[plan->from[i + 1]] + off;
#pragma GCC unroll 4
        for (u32 c = 0; c < column_cnt; c++) {
            x[c] = load(from_x + c * WIDTH);
            y[c] = load(from_y + c * WIDTH);
        }
#pragma GCC unroll 4
        for (u32 r = 0; r < row_cnt; r++) {
            u8 const *row = plan->row[first + r] + i;
#pragma GCC unroll 4
            for (u32 c = 0; c < column_cnt; c++)
                sum[r][c] = xor3(sum[r][c], mul(x[c], row[0]), mul(y[c], row[1]));
        }
    }
    for (u32 r = 0; r < row_cnt; r++)
        for (u32 c = 0; c < column_cnt; c++)
            store(shard[plan->to[first + r]] + off + c * WIDTH, sum[r][c]);
}

/* all_rows fills column_cnt columns, a constant, of all rows. */
QS_INLINE void
all_rows(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 off, u32 column_cnt)
{
    u32 r = 0;
    for (; r + ROW_GROUP <= plan->row_cnt; r += ROW_GROUP)
        fill_rows(plan, shard, off, r, ROW_GROUP, column_cnt);
    if (plan->row_cnt & 2)
        fill_rows(plan, shard, off, r, 2, column_cnt);
    if (plan->row_cnt & 1)
        fill_rows(plan, shard, off, plan->row_cnt - 1, 1, column_cnt);
}

QS_INLINE void
rows_shards(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    u64 off = 0;
    for (; off + COLUMN_GROUP * WIDTH <= sz; off += COLUMN_GROUP * WIDTH)
        all_rows(plan, shard, off, COLUMN_GROUP);
    for (; off < sz; off += WIDTH)
        all_rows(plan, shard, column_at(off, sz), 1);
}

/* column_t is a column of its own. */
typedef struct column {
    alignas(64) u8 at[WIDTH];
} column_t;

QS_INLINE port_t
stay(column_t *column)
{
    return (port_t){column->at, 0};
}

QS_INLINE port_t
shard_or(u8 *const *shard, u32 i, u64 set, port_t other)
{
    return set >> i & 1 ? (port_t){shard[i], UINT64_MAX} : other;
}

QS_INLINE void
transforms_shards(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    ports_t add, scale;
    column_t s[QS_REEDSOL_DATA_CNT], zeros = {0}, nowhere;
    bool no_data = plan->lost == QS_REEDSOL_DATA;
    for (u32 k = 0; k < QS_REEDSOL_DATA_CNT; k++) {
        u32 q = QS_REEDSOL_DATA_CNT + k;
        add.in[k] = shard_or(shard, k, ~plan->lost, stay(&zeros));
        add.beside[k] = shard_or(shard, q, plan->used, stay(&zeros));
        add.out[k] = stay(&s[k]);
        scale.in[k] = no_data ? add.beside[k] : add.out[k];
        scale.in_scale[k] = plan->used >> q & 1 ? plan->scale[q] : 0;
        scale.out[k] = shard_or(shard, k, plan->lost, stay(&nowhere));
        scale.out_scale[k] = plan->scale[k];
    }
    for (u64 off = 0; off < sz; off += WIDTH) {
        u64 at = column_at(off, sz);
        if (!no_data)
            transform(&add, at, ADD);
        transform(&scale, at, SCALE);
    }
}

/* Returns whether what encoding gives is what the shards of plan->check have.  With none to check nothing is
   read back: a vector that was just stored across two cache lines makes its reader wait. */
QS_INLINE bool
code_shards(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    ports_t ports;
    column_t nowhere;
    vec_t wrong = zero();
    how_t how = plan->check ? COMPARE : ENCODE;
    for (u32 k = 0; k < QS_REEDSOL_DATA_CNT; k++) {
        u32 q = QS_REEDSOL_DATA_CNT + k;
        ports.in[k] = (port_t){shard[k], UINT64_MAX};
        ports.out[k] = shard_or(shard, q, plan->code, stay(&nowhere));
        ports.beside[k] = shard_or(shard, q, plan->check, ports.out[k]);
    }
    for (u64 off = 0; off < sz; off += WIDTH)
        wrong = or2(wrong, transform(&ports, column_at(off, sz), how));
    return is_zero(wrong);
}

QS_INLINE bool
recover_shards(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    if (plan->row_cnt)
        rows_shards(plan, shard, sz);
    if (plan->lost)
        transforms_shards(plan, shard, sz);
    return !(plan->code | plan->check) || code_shards(plan, shard, sz);
}

#endif

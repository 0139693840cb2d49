/* Reed-Solomon in plain C, with the compiler's vectors of 16 bytes: a product is eight doublings
   and additions, of which constants drop those that add nothing. */

#include "waltz/fec/qs_reedsol_kernels.h"

#define WIDTH 16u
typedef u8 vec_t __attribute__((vector_size(WIDTH)));

QS_INLINE vec_t
zero(void)
{
    return (vec_t){0};
}

QS_INLINE vec_t
load(u8 const *p)
{
    vec_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

QS_INLINE void
store(u8 *p, vec_t v)
{
    memcpy(p, &v, sizeof(v));
}

QS_INLINE vec_t
xor2(vec_t x, vec_t y)
{
    return x ^ y;
}

QS_INLINE vec_t
xor3(vec_t x, vec_t y, vec_t z)
{
    return x ^ y ^ z;
}

QS_INLINE vec_t
or2(vec_t x, vec_t y)
{
    return x | y;
}

QS_INLINE bool
is_zero(vec_t v)
{
    u64 half[2];
    memcpy(half, &v, sizeof(v));
    return !(half[0] | half[1]);
}

QS_INLINE vec_t
mul(vec_t v, u8 c)
{
    vec_t sum = zero();
#pragma GCC unroll 8
    for (u32 bit = 8; bit--;) {
        vec_t overflow = (vec_t)(sum >= 0x80); /* all ones where doubling leaves the byte */
        sum = (sum + sum) ^ (overflow & 0x1d);
        sum ^= v & (u8) - (c >> bit & 1);
    }
    return sum;
}

#include "waltz/fec/qs_reedsol_column.h"

void
qs_reedsol_encode_c(u8 *const *shard, u64 sz)
{
    encode_shards(shard, sz);
}

bool
qs_reedsol_recover_c(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    return recover_shards(plan, shard, sz);
}

/* Reed-Solomon by GFNI: multiplication by a constant is a matrix over bits, whatever the field. */

#include <immintrin.h>

#include "waltz/fec/qs_reedsol_kernels.h"

typedef __m512i vec_t;
#define WIDTH 64u

#define XOR3 0x96 /* truth table for vpternlogq */

QS_INLINE vec_t
zero(void)
{
    return _mm512_setzero_si512();
}

QS_INLINE vec_t
load(u8 const *p)
{
    return _mm512_loadu_si512(p);
}

QS_INLINE void
store(u8 *p, vec_t v)
{
    _mm512_storeu_si512(p, v);
}

QS_INLINE vec_t
xor2(vec_t x, vec_t y)
{
    return _mm512_xor_si512(x, y);
}

QS_INLINE vec_t
xor3(vec_t x, vec_t y, vec_t z)
{
    return _mm512_ternarylogic_epi64(x, y, z, XOR3);
}

QS_INLINE vec_t
or2(vec_t x, vec_t y)
{
    return _mm512_or_si512(x, y);
}

QS_INLINE bool
is_zero(vec_t v)
{
    return !_mm512_test_epi64_mask(v, v);
}

QS_INLINE vec_t
mul(vec_t v, u8 c)
{
    vec_t by = _mm512_set1_epi64((long long)qs_reedsol_matrix[c]);
#if defined(__clang__)
    /* clang 14 takes the wrong matrix when it makes the broadcast a part of the instruction: without
       this line test_reedsol fails. */
    __asm__("" : "+v"(by));
#endif
    return _mm512_gf2p8affine_epi64_epi8(v, by, 0);
}

#include "waltz/fec/qs_reedsol_column.h"

void
qs_reedsol_encode_gfni(u8 *const *shard, u64 sz)
{
    encode_shards(shard, sz);
}

bool
qs_reedsol_recover_gfni(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    return recover_shards(plan, shard, sz);
}

/* Reed-Solomon by AVX2: a product is the xor of two table entries, one for each nibble. */

#include <immintrin.h>

#include "waltz/fec/qs_reedsol_kernels.h"

typedef __m256i vec_t;
#define WIDTH 32u

QS_INLINE vec_t
zero(void)
{
    return _mm256_setzero_si256();
}

QS_INLINE vec_t
load(u8 const *p)
{
    return _mm256_loadu_si256((__m256i const *)(void const *)p);
}

QS_INLINE void
store(u8 *p, vec_t v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

QS_INLINE vec_t
xor2(vec_t x, vec_t y)
{
    return _mm256_xor_si256(x, y);
}

QS_INLINE vec_t
xor3(vec_t x, vec_t y, vec_t z)
{
    return _mm256_xor_si256(_mm256_xor_si256(x, y), z);
}

QS_INLINE vec_t
or2(vec_t x, vec_t y)
{
    return _mm256_or_si256(x, y);
}

QS_INLINE bool
is_zero(vec_t v)
{
    return _mm256_testz_si256(v, v);
}

QS_INLINE vec_t
mul(vec_t v, u8 c)
{
    __m128i const *table = (__m128i const *)(void const *)qs_reedsol_nibble[c];
    vec_t nibble = _mm256_set1_epi8(0x0f);
    vec_t low = _mm256_and_si256(v, nibble);
    vec_t high = _mm256_and_si256(_mm256_srli_epi64(v, 4), nibble);
    return xor2(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(table)), low),
                _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(table + 1)), high));
}

#include "waltz/fec/qs_reedsol_column.h"

void
qs_reedsol_encode_avx2(u8 *const *shard, u64 sz)
{
    encode_shards(shard, sz);
}

bool
qs_reedsol_recover_avx2(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz)
{
    return recover_shards(plan, shard, sz);
}

/* The same draws with a tree node in two registers: a search is two compares, a removal two masked
   subtractions.  The sums of the root's up to 64 children take eight. */

#include <immintrin.h>

#include "disco/shred/qs_turbine_tree.h"

#define LANES 8u

/* up_to returns a bit for each of 16 running sums that is at most x: a run of ones from bit 0. */
QS_INLINE u32
up_to(u64 const *sum, __m512i x)
{
    u32 lo = _mm512_cmple_epu64_mask(_mm512_load_si512(sum), x);
    u32 hi = _mm512_cmple_epu64_mask(_mm512_load_si512(sum + LANES), x);
    return lo | hi << LANES;
}

/* lower takes w from those of 16 running sums whose bit is not set. */
QS_INLINE void
lower(u64 *sum, u32 below, __m512i w)
{
    __m512i lo = _mm512_load_si512(sum), hi = _mm512_load_si512(sum + LANES);
    _mm512_store_si512(sum, _mm512_mask_sub_epi64(lo, (__mmask8)~below, lo, w));
    _mm512_store_si512(sum + LANES, _mm512_mask_sub_epi64(hi, (__mmask8)(~below >> LANES), hi, w));
}

/* draw draws one node and removes it. */
QS_INLINE u32
draw(qs_shuffle_t *s, u32 blocks)
{
    qs_tree_t *t = s->tree;
    u64 x = qs_shuffle_draw_(&s->rng, s->total);
    u64 at_root = 0;
    for (u32 i = 0; i < blocks; i++)
        at_root |= (u64)up_to(t->root + i * QS_TREE_WIDTH, _mm512_set1_epi64((i64)x))
                   << i * QS_TREE_WIDTH;
    u32 mid = (u32)__builtin_popcountll(at_root);
    x -= mid ? t->root[mid - 1] : 0;
    u32 at_mid = up_to(t->mid[mid], _mm512_set1_epi64((i64)x));
    u32 in_mid = (u32)__builtin_popcount(at_mid);
    x -= in_mid ? t->mid[mid][in_mid - 1] : 0;
    u32 leaf = mid * QS_TREE_WIDTH + in_mid;
    u32 at_leaf = up_to(t->leaf[leaf], _mm512_set1_epi64((i64)x));
    u32 idx = leaf * QS_TREE_WIDTH + (u32)__builtin_popcount(at_leaf);

    u64 weight = s->weight[idx];
    __m512i w = _mm512_set1_epi64((i64)weight);
    lower(t->leaf[leaf], at_leaf, w);
    lower(t->mid[mid], at_mid, w);
    for (u32 i = 0; i < blocks; i++)
        lower(t->root + i * QS_TREE_WIDTH, (u32)(at_root >> i * QS_TREE_WIDTH) & 0xffff, w);
    s->total -= weight;
    return idx;
}

u32
qs_shuffle_run_avx512(qs_shuffle_t *s, u32 max, u32 stop, u32 *order, bool *met)
{
    u32 blocks = (s->root_cnt + QS_TREE_WIDTH - 1) / QS_TREE_WIDTH, cnt = 0;
    *met = false;
    for (; cnt < max && s->total; cnt++) {
        u32 idx = draw(s, blocks);
        *met = idx == stop;
        if (*met)
            break;
        if (order)
            order[cnt] = idx;
    }
    return cnt;
}

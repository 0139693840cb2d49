#include "disco/shred/qs_turbine_tree.h"

/* count_up_to returns how many of the running sums are at most x: the child that x falls into. */
QS_INLINE u32
count_up_to(u64 const *sum, u32 cnt, u64 x)
{
    u32 n = 0;
    for (u32 i = 0; i < cnt; i++)
        n += sum[i] <= x;
    return n;
}

QS_INLINE void
lower_from(u64 *sum, u32 from, u32 cnt, u64 by)
{
    for (u32 i = 0; i < cnt; i++)
        sum[i] -= i >= from ? by : 0;
}

QS_INLINE void
remove_node(qs_shuffle_t *s, u32 idx)
{
    u64 w = s->weight[idx];
    u32 leaf = idx / QS_TREE_WIDTH, mid = leaf / QS_TREE_WIDTH;
    lower_from(s->tree->leaf[leaf], idx % QS_TREE_WIDTH, QS_TREE_WIDTH, w);
    lower_from(s->tree->mid[mid], leaf % QS_TREE_WIDTH, QS_TREE_WIDTH, w);
    lower_from(s->tree->root, mid, s->root_cnt, w);
    s->total -= w;
}

void
qs_shuffle_remove(qs_shuffle_t *s, u32 idx)
{
    remove_node(s, idx);
}

/* find returns the first node whose running sum is more than x. */
QS_INLINE u32
find(qs_tree_t const *t, u32 root_cnt, u64 x)
{
    u32 mid = count_up_to(t->root, root_cnt, x);
    x -= mid ? t->root[mid - 1] : 0;
    u32 in_mid = count_up_to(t->mid[mid], QS_TREE_WIDTH, x);
    x -= in_mid ? t->mid[mid][in_mid - 1] : 0;
    u32 leaf = mid * QS_TREE_WIDTH + in_mid;
    return leaf * QS_TREE_WIDTH + count_up_to(t->leaf[leaf], QS_TREE_WIDTH, x);
}

u32
qs_shuffle_run_c(qs_shuffle_t *s, u32 max, u32 stop, u32 *order, bool *met)
{
    u32 cnt = 0;
    *met = false;
    for (; cnt < max && s->total; cnt++) {
        u32 idx = find(s->tree, s->root_cnt, qs_shuffle_draw_(&s->rng, s->total));
        remove_node(s, idx);
        *met = idx == stop;
        if (*met)
            break;
        if (order)
            order[cnt] = idx;
    }
    return cnt;
}

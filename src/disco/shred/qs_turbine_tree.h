/* qs_turbine_tree - a weighted shuffle without replacement, drawn node by node.

   Weights lie in a tree whose nodes hold running sums of their children, so that a draw is three short
   searches and a removal three short subtractions:

       root    [64]             running sums of its mid nodes
       mid     [64][16]         ... of their leaf nodes
       leaf    [1024][16]       ... of weights

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_TURBINE_TREE_H
#define QS_DISCO_SHRED_TURBINE_TREE_H

#include "waltz/crypto/qs_chacha.h"

#define QS_TREE_WIDTH 16u
#define QS_TREE_ROOT  64u
#define QS_TREE_MAX   (QS_TREE_ROOT * QS_TREE_WIDTH * QS_TREE_WIDTH)

typedef struct qs_tree {
    alignas(64) u64 root[QS_TREE_ROOT];
    alignas(64) u64 mid[QS_TREE_ROOT][QS_TREE_WIDTH];
    alignas(64) u64 leaf[QS_TREE_ROOT * QS_TREE_WIDTH][QS_TREE_WIDTH];
} qs_tree_t;

typedef struct qs_shuffle {
    qs_tree_t *tree;
    u64 const *weight;
    u64 total; /* of what is left */
    u32 root_cnt;
    qs_chacha_rng_t rng;
} qs_shuffle_t;

/* qs_shuffle_run_* draw until stop was drawn, max were drawn, or no weight is left.  Return how many
   came before, and write them to order if it is not null; *met says whether stop was drawn. */
u32 qs_shuffle_run_c(qs_shuffle_t *s, u32 max, u32 stop, u32 *order, bool *met);
#if defined(__x86_64__)
u32 qs_shuffle_run_avx512(qs_shuffle_t *s, u32 max, u32 stop, u32 *order, bool *met);
#endif

/* qs_shuffle_remove takes a node's weight away. */
void qs_shuffle_remove(qs_shuffle_t *s, u32 idx);

/* qs_shuffle_draw_ returns a number in [0, n), each as likely as the other, by turbine's own rule of which random
   numbers are refused.  The leader schedule refuses others. */
QS_INLINE u64
qs_shuffle_draw_(qs_chacha_rng_t *rng, u64 n)
{
    u64 zone = (n << __builtin_clzll(n)) - 1;
    for (;;) {
        u128 product = (u128)qs_chacha_rng_u64(rng) * n;
        if ((u64)product <= zone)
            return (u64)(product >> 64);
    }
}

#endif

/* qs_lpm - longest prefix match over IPv4 prefixes, in memory that others may read.

   Five levels: the first 16 bits index one table, then four bits at a time a block of 16 entries:

       203.0.113.64/26     203.0 -> root[0xcb00]  1 -> block  13 -> ..      an entry is one word:
                                                                       hop:26 | len:6 | child:32

   An entry holds the best prefix that ends in its level (hop, 0: none) and the block below it
   (child, 0: none); a lookup walks down and keeps the last hop it met.  So a prefix is written
   into one block only, and nothing is rebuilt: an insert or remove costs at most 16 words (the
   root: 65536), and a lookup touches one cache line per level.  Blocks are taken when a prefix
   needs them and given back when empty.

   It holds values, not routes: who chooses between routes of one prefix, and knows what to fall
   back to when one goes, is the writer (qs_fib_tx).  It has no lock of its own: readers in other
   processes need one around them (qs_fib), and then get a wrong answer at worst, never an
   access outside or an endless walk.

   Threads: one tx, many rx under the caller's lock.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_IP_LPM_H
#define QS_WALTZ_IP_LPM_H

#include "tango/base/qs_bits.h"

#define QS_LPM_HOP_MAX     ((1u << 26) - 1)
#define QS_LPM_ROOT_BITS   16u
#define QS_LPM_ROOT_CNT    (1u << QS_LPM_ROOT_BITS)
#define QS_LPM_STRIDE      4u
#define QS_LPM_BLOCK_CNT   (1u << QS_LPM_STRIDE) /* entries of a block */
#define QS_LPM_PREFIX_COST 4u                    /* blocks that one prefix takes at most */

typedef struct qs_lpm_rx {
    u64 const *root;
    u64 const *block; /* QS_LPM_BLOCK_CNT words each; block 0 is not used */
    u32 block_cnt;
} qs_lpm_rx_t;

typedef struct qs_lpm_tx {
    u64 *root;
    u64 *block;
    u32 block_cnt;
    u32 *free; /* head of the list of empty blocks, and how many were ever used */
} qs_lpm_tx_t;

/* qs_lpm_footprint returns the bytes for block_cnt blocks, or 0 if that is 0 or above 2^24.
   1 + QS_LPM_PREFIX_COST times the prefixes always suffice. */
u64 qs_lpm_footprint(u32 block_cnt);

/* qs_lpm_new formats mem, aligned to QS_ALIGN, as an empty table. */
void qs_lpm_new(void *mem, u32 block_cnt);

/* qs_lpm_{rx,tx}_join fill a handle for a table made with block_cnt: the caller knows it. */
void qs_lpm_rx_join(qs_lpm_rx_t *rx, void const *mem, u32 block_cnt);
void qs_lpm_tx_join(qs_lpm_tx_t *tx, void *mem, u32 block_cnt);

/* qs_lpm_insert gives prefix/len (bits behind len are 0) the value hop, in [1, QS_LPM_HOP_MAX],
   new or in place of the one it had.  Returns 0 or -ENOSPC (no block left; nothing changed). */
int qs_lpm_insert(qs_lpm_tx_t *tx, u32 prefix, u32 len, u32 hop);

/* qs_lpm_remove takes prefix/len out.  (cover_len, cover_hop) is the longest other prefix inside
   which it lies and that ends in the same level (qs_lpm_level_first), or cover_hop 0. */
void qs_lpm_remove(qs_lpm_tx_t *tx, u32 prefix, u32 len, u32 cover_len, u32 cover_hop);

/* qs_lpm_level_first returns the shortest length that ends in the same level as len. */
QS_INLINE u32
qs_lpm_level_first(u32 len)
{
    return len <= QS_LPM_ROOT_BITS ? 0 : ((len - 1) & ~(QS_LPM_STRIDE - 1)) + 1;
}

/* qs_lpm_lookup returns the hop of the longest prefix that ip lies in, or 0. */
u32 qs_lpm_lookup(qs_lpm_rx_t const *rx, u32 ip);

/* qs_lpm_lookup_batch is qs_lpm_lookup of cnt addresses, which fetch side by side. */
void qs_lpm_lookup_batch(qs_lpm_rx_t const *rx, u32 const *ip, u32 cnt, u32 *hop);

#endif

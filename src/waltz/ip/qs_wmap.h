/* qs_wmap - a hash table of records of a few words, in memory that others may read.

   The first word of a record is its key, not 0; the rest is the caller's.  Open addressing with
   linear probing, at most half full, at most QS_WMAP_PROBE_MAX places from home; removing moves up
   who would no longer be found, so there are no tombstones.  The hash is keyed: who does not know
   the seed cannot choose keys that collide.

   It has no lock of its own: readers in other processes need one around them (qs_fib), and then
   miss or see a mixture at worst, never an access outside or an endless probe.

   Threads: one tx, many rx under the caller's lock.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_IP_WMAP_H
#define QS_WALTZ_IP_WMAP_H

#include "tango/base/qs_bits.h"

#define QS_WMAP_PROBE_MAX 64u

typedef struct qs_wmap_rx {
    u64 const *word;
    u64 seed;
    u32 shift;  /* of the hash: 64 - log2(records) */
    u32 stride; /* words of a record */
} qs_wmap_rx_t;

typedef struct qs_wmap_tx {
    u64 *word;
    u64 seed;
    u32 shift;
    u32 stride;
} qs_wmap_tx_t;

/* qs_wmap_cnt returns how many places a table for max records has. */
QS_INLINE u32
qs_wmap_cnt(u32 max)
{
    return max < 8 ? 16 : 4u << qs_log2(max - 1);
}

QS_INLINE u64
qs_wmap_footprint(u32 max, u32 stride)
{
    return (u64)qs_wmap_cnt(max) * stride * sizeof(u64);
}

QS_INLINE void
qs_wmap_rx_join(qs_wmap_rx_t *rx, void const *mem, u32 max, u32 stride, u64 seed)
{
    *rx = (qs_wmap_rx_t){mem, seed | 1, 64 - qs_log2(qs_wmap_cnt(max)), stride};
}

QS_INLINE void
qs_wmap_tx_join(qs_wmap_tx_t *tx, void *mem, u32 max, u32 stride, u64 seed)
{
    *tx = (qs_wmap_tx_t){mem, seed | 1, 64 - qs_log2(qs_wmap_cnt(max)), stride};
}

/* wmap_home_ returns where a key would like to lie. */
QS_INLINE u32
wmap_home_(u64 key, u64 seed, u32 shift)
{
    u64 h = (key ^ seed) * 0x9e3779b97f4a7c15ull;
    h = (h ^ h >> 32) * seed;
    return (u32)(h >> shift);
}

/* qs_wmap_find returns the record of key, or NULL. */
QS_INLINE u64 const *
qs_wmap_find(qs_wmap_rx_t const *rx, u64 key)
{
    u32 mask = (u32)(((u64)1 << (64 - rx->shift)) - 1);
    u32 at = wmap_home_(key, rx->seed, rx->shift);

    for (u32 i = 0; i < QS_WMAP_PROBE_MAX; i++, at = (at + 1) & mask) {
        u64 const *record = &rx->word[(u64)at * rx->stride];
        u64 found = qs_load_relaxed(record);
        if (found == key)
            return record;
        if (!found)
            return NULL;
    }
    return NULL;
}

/* qs_wmap_prefetch starts to fetch the place where key would like to lie. */
QS_INLINE void
qs_wmap_prefetch(qs_wmap_rx_t const *rx, u64 key)
{
    __builtin_prefetch(&rx->word[(u64)wmap_home_(key, rx->seed, rx->shift) * rx->stride]);
}

/* qs_wmap_place returns the record of key, taking a free one if there is none yet: then *is_new is
   true, its key is written and its other words are 0.  NULL: there is no room near its home. */
u64 *qs_wmap_place(qs_wmap_tx_t *tx, u64 key, bool *is_new);

/* qs_wmap_remove takes the record of key out.  Returns whether there was one.  Records move. */
bool qs_wmap_remove(qs_wmap_tx_t *tx, u64 key);

/* qs_wmap_at returns record `at` of 0 .. qs_wmap_cnt - 1, whose key is 0 if it is empty.  To remove
   while walking, look at the same place again afterwards. */
QS_INLINE u64 *
qs_wmap_at(qs_wmap_tx_t const *tx, u32 at)
{
    return &tx->word[(u64)at * tx->stride];
}

#endif

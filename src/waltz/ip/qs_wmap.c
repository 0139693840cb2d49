#include "waltz/ip/qs_wmap.h"

static u32
place_mask(qs_wmap_tx_t const *tx)
{
    return (u32)(((u64)1 << (64 - tx->shift)) - 1);
}

u64 *
qs_wmap_place(qs_wmap_tx_t *tx, u64 key, bool *is_new)
{
    u32 mask = place_mask(tx);
    u32 at = wmap_home_(key, tx->seed, tx->shift);

    *is_new = false;
    for (u32 i = 0; i < QS_WMAP_PROBE_MAX; i++, at = (at + 1) & mask) {
        u64 *record = qs_wmap_at(tx, at);
        if (*record == key)
            return record;
        if (*record)
            continue;
        for (u32 w = 1; w < tx->stride; w++)
            qs_store_relaxed(&record[w], 0);
        qs_store_relaxed(record, key);
        *is_new = true;
        return record;
    }
    return NULL;
}

static u64 *
find(qs_wmap_tx_t const *tx, u64 key)
{
    u32 mask = place_mask(tx);
    u32 at = wmap_home_(key, tx->seed, tx->shift);

    for (u32 i = 0; i < QS_WMAP_PROBE_MAX; i++, at = (at + 1) & mask) {
        u64 *record = qs_wmap_at(tx, at);
        if (*record == key)
            return record;
        if (!*record)
            return NULL;
    }
    return NULL;
}

bool
qs_wmap_remove(qs_wmap_tx_t *tx, u64 key)
{
    u32 mask = place_mask(tx);
    u64 *hole = find(tx, key);

    if (!hole)
        return false;
    u32 hole_at = (u32)((u64)(hole - tx->word) / tx->stride);
    for (u32 at = (hole_at + 1) & mask;; at = (at + 1) & mask) {
        u64 *record = qs_wmap_at(tx, at);
        if (!*record)
            break;
        u32 from_home = (at - wmap_home_(*record, tx->seed, tx->shift)) & mask;
        if (from_home < ((at - hole_at) & mask))
            continue; /* its home lies behind the hole: it stays */
        for (u32 w = 0; w < tx->stride; w++)
            qs_store_relaxed(&hole[w], record[w]);
        hole = record;
        hole_at = at;
    }
    qs_store_relaxed(hole, 0);
    return true;
}

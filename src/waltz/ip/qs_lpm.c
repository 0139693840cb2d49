#include "waltz/ip/qs_lpm.h"

#define BLOCK_CNT_MAX (1u << 24)
#define LEVEL_CNT     5u
#define CHUNK         64u /* addresses of a batch that are looked up side by side */

/* The object: how many blocks are free, the root, the blocks. */
typedef struct lpm_head {
    alignas(QS_ALIGN) u32 free[2]; /* first of the list of empty blocks; how many were ever used */
    alignas(QS_ALIGN) u64 root[QS_LPM_ROOT_CNT];
    u64 block[];
} lpm_head_t;

enum { FREE_FIRST, FREE_USED };

QS_INLINE u32
entry_child(u64 e)
{
    return (u32)e;
}

QS_INLINE u32
entry_len(u64 e)
{
    return (u32)(e >> 32) & 63;
}

QS_INLINE u32
entry_hop(u64 e)
{
    return (u32)(e >> 38);
}

QS_INLINE u64
entry_pack(u32 hop, u32 len, u32 child)
{
    return (u64)hop << 38 | (u64)len << 32 | child;
}

/* level_shift returns by how much an address is shifted for its index in a level. */
QS_INLINE u32
level_shift(u32 level)
{
    return 32 - QS_LPM_ROOT_BITS - QS_LPM_STRIDE * level;
}

static u32
level_of(u32 len)
{
    return len <= QS_LPM_ROOT_BITS ? 0
                                   : (len - QS_LPM_ROOT_BITS + QS_LPM_STRIDE - 1) / QS_LPM_STRIDE;
}

QS_INLINE u32
slot_of(u32 ip, u32 level)
{
    u32 cnt = level ? QS_LPM_BLOCK_CNT : QS_LPM_ROOT_CNT;
    return ip >> level_shift(level) & (cnt - 1);
}

u64
qs_lpm_footprint(u32 block_cnt)
{
    if (!block_cnt || block_cnt > BLOCK_CNT_MAX)
        return 0;
    return sizeof(lpm_head_t) + (u64)block_cnt * QS_LPM_BLOCK_CNT * sizeof(u64);
}

void
qs_lpm_new(void *mem, u32 block_cnt)
{
    lpm_head_t *head = mem;

    memset(mem, 0, qs_lpm_footprint(block_cnt));
    head->free[FREE_USED] = 1; /* block 0 means none */
}

void
qs_lpm_rx_join(qs_lpm_rx_t *rx, void const *mem, u32 block_cnt)
{
    lpm_head_t const *head = mem;
    *rx = (qs_lpm_rx_t){.root = head->root, .block = head->block, .block_cnt = block_cnt};
}

void
qs_lpm_tx_join(qs_lpm_tx_t *tx, void *mem, u32 block_cnt)
{
    lpm_head_t *head = mem;
    *tx = (qs_lpm_tx_t){
        .root = head->root, .block = head->block, .block_cnt = block_cnt, .free = head->free};
}

static u64 *
block_at(qs_lpm_tx_t const *tx, u32 block)
{
    return &tx->block[(u64)block * QS_LPM_BLOCK_CNT];
}

static u32
take_block(qs_lpm_tx_t *tx)
{
    u32 block = tx->free[FREE_FIRST];

    if (!block)
        return tx->free[FREE_USED]++;
    tx->free[FREE_FIRST] = (u32)*block_at(tx, block);
    qs_store_relaxed(block_at(tx, block), 0);
    return block;
}

static void
give_block(qs_lpm_tx_t *tx, u32 block)
{
    qs_store_relaxed(block_at(tx, block), tx->free[FREE_FIRST]);
    tx->free[FREE_FIRST] = block;
}

/* has_blocks says whether cnt blocks can be taken. */
static bool
has_blocks(qs_lpm_tx_t const *tx, u32 cnt)
{
    u32 unused = tx->block_cnt > tx->free[FREE_USED] ? tx->block_cnt - tx->free[FREE_USED] : 0;

    for (u32 b = tx->free[FREE_FIRST]; b && unused < cnt; b = (u32)*block_at(tx, b))
        unused++;
    return unused >= cnt;
}

/* walk fills path[0 .. returned] with the entries that lead to ip's block in level; path[i] lies in
   level i.  It stops where there is no child. */
static u32
walk(qs_lpm_tx_t const *tx, u32 ip, u32 level, u64 *path[LEVEL_CNT])
{
    u32 at = 0;

    path[0] = &tx->root[slot_of(ip, 0)];
    while (at < level && entry_child(*path[at])) {
        u64 *block = block_at(tx, entry_child(*path[at]));
        at++;
        path[at] = &block[slot_of(ip, at)];
    }
    return at;
}

/* span returns how many entries of its level a prefix covers. */
static u32
span(u32 len, u32 level)
{
    return 1u << (QS_LPM_ROOT_BITS + QS_LPM_STRIDE * level - len);
}

int
qs_lpm_insert(qs_lpm_tx_t *tx, u32 prefix, u32 len, u32 hop)
{
    u64 *path[LEVEL_CNT];
    u32 level = level_of(len);
    u32 at = walk(tx, prefix, level, path);

    QS_ASSERT(len <= 32 && hop && hop <= QS_LPM_HOP_MAX);
    if (!has_blocks(tx, level - at))
        return -ENOSPC;
    for (; at < level; at++) {
        u32 block = take_block(tx);
        qs_store_relaxed(path[at], *path[at] | block);
        path[at + 1] = &block_at(tx, block)[slot_of(prefix, at + 1)];
    }
    u64 *entry = path[level];
    for (u32 i = 0; i < span(len, level); i++)
        if (!entry_hop(entry[i]) || entry_len(entry[i]) <= len)
            qs_store_relaxed(&entry[i], entry_pack(hop, len, entry_child(entry[i])));
    return 0;
}

static bool
is_empty(u64 const *block)
{
    u64 any = 0;
    for (u32 i = 0; i < QS_LPM_BLOCK_CNT; i++)
        any |= block[i];
    return !any;
}

void
qs_lpm_remove(qs_lpm_tx_t *tx, u32 prefix, u32 len, u32 cover_len, u32 cover_hop)
{
    u64 *path[LEVEL_CNT];
    u32 level = level_of(len);

    if (walk(tx, prefix, level, path) < level)
        return;
    u64 *entry = path[level];
    for (u32 i = 0; i < span(len, level); i++)
        if (entry_hop(entry[i]) && entry_len(entry[i]) == len)
            qs_store_relaxed(
                &entry[i], entry_pack(cover_hop, cover_hop ? cover_len : 0, entry_child(entry[i])));
    for (; level; level--) {
        u32 block = entry_child(*path[level - 1]);
        if (!is_empty(block_at(tx, block)))
            return;
        qs_store_relaxed(path[level - 1], *path[level - 1] - block);
        give_block(tx, block);
    }
}

u32
qs_lpm_lookup(qs_lpm_rx_t const *rx, u32 ip)
{
    u64 e = qs_load_relaxed(&rx->root[slot_of(ip, 0)]);
    u32 hop = entry_hop(e);

    for (u32 level = 1; level < LEVEL_CNT && entry_child(e); level++) {
        if (entry_child(e) >= rx->block_cnt)
            return hop;
        u64 at = (u64)entry_child(e) * QS_LPM_BLOCK_CNT + slot_of(ip, level);
        e = qs_load_relaxed(&rx->block[at]);
        hop = entry_hop(e) ? entry_hop(e) : hop;
    }
    return hop;
}

/* One address of a chunk that has a further level to look at. */
typedef struct walker {
    u32 child;
    u32 idx;
} walker_t;

/* step enters e of address idx: notes its hop, and goes on to the level below if there is one. */
QS_INLINE u32
step(qs_lpm_rx_t const *rx, u64 e, u32 ip, u32 idx, u32 level, u32 *hop, walker_t *w, u32 cnt)
{
    u32 child = entry_child(e) < rx->block_cnt ? entry_child(e) : 0;

    *hop = entry_hop(e) ? entry_hop(e) : *hop;
    __builtin_prefetch(&rx->block[(u64)child * QS_LPM_BLOCK_CNT + slot_of(ip, level + 1)]);
    w[cnt] = (walker_t){.child = child, .idx = idx};
    return cnt + (child != 0);
}

static void
lookup_chunk(qs_lpm_rx_t const *rx, u32 const *ip, u32 cnt, u32 *hop)
{
    walker_t w[CHUNK + 1];
    u32 left = 0;

    for (u32 i = 0; i < cnt; i++) {
        hop[i] = 0;
        u64 e = qs_load_relaxed(&rx->root[slot_of(ip[i], 0)]);
        left = step(rx, e, ip[i], i, 0, &hop[i], w, left);
    }
    for (u32 level = 1; level < LEVEL_CNT && left; level++) {
        u32 more = 0;
        for (u32 k = 0; k < left; k++) {
            u32 i = w[k].idx;
            u64 at = (u64)w[k].child * QS_LPM_BLOCK_CNT + slot_of(ip[i], level);
            u64 e = qs_load_relaxed(&rx->block[at]);
            if (level + 1 < LEVEL_CNT)
                more = step(rx, e, ip[i], i, level, &hop[i], w, more);
            else
                hop[i] = entry_hop(e) ? entry_hop(e) : hop[i];
        }
        left = more;
    }
}

void
qs_lpm_lookup_batch(qs_lpm_rx_t const *rx, u32 const *ip, u32 cnt, u32 *hop)
{
    for (u32 i = 0; i < cnt; i += CHUNK)
        lookup_chunk(rx, ip + i, cnt - i < CHUNK ? cnt - i : CHUNK, hop + i);
}

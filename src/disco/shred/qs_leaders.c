#include "disco/shred/qs_leaders.h"

#include "waltz/crypto/qs_chacha.h"

#define SCHEDULE_ROUND_CNT 20u
#define NO_IDENT           UINT16_MAX

static struct {
    char const *name, *text;
} const reasons[QS_LEADERS_REASON_CNT] = {
#define ROW(id, name, text) {#name, text},
    QS_LEADERS_REASONS(ROW)
#undef ROW
};

char const *
qs_leaders_reason_name(qs_leaders_reason_t reason)
{
    return (u32)reason < QS_LEADERS_REASON_CNT ? reasons[reason].name : "?";
}

char const *
qs_leaders_reason_text(qs_leaders_reason_t reason)
{
    return (u32)reason < QS_LEADERS_REASON_CNT ? reasons[reason].text : "?";
}

static u64
map_cnt(u32 ident_max)
{
    return 4ull << qs_log2(ident_max); /* at most half full */
}

/* layout places one epoch's arrays from *at on; with a null base it only measures. */
static void
layout(qs_leaders_epoch_t *e, u8 *base, u64 *at, u32 ident_max, u64 slot_max)
{
    u64 group_cnt = (slot_max + QS_LEADERS_GROUP_CNT - 1) / QS_LEADERS_GROUP_CNT;
    u64 const sz[] = {(u64)ident_max * QS_LEADERS_KEY_SZ, group_cnt * sizeof(u16),
                      (slot_max + 63) / 64 * sizeof(u64), map_cnt(ident_max) * sizeof(u16)};
    void **const place[] = {(void **)&e->ident, (void **)&e->group, (void **)&e->taken,
                            (void **)&e->map};
    for (u32 i = 0; i < QS_COUNT(sz); i++) {
        if (base)
            *place[i] = base + *at;
        *at += qs_align_up(sz[i], QS_ALIGN);
    }
}

u64
qs_leaders_footprint(u32 ident_max, u64 slot_max)
{
    if (!ident_max || ident_max > QS_LEADERS_IDENT_MAX || !slot_max ||
        slot_max > QS_LEADERS_SLOT_MAX)
        return 0;
    u64 sz = 0;
    qs_leaders_epoch_t none;
    for (u32 i = 0; i < QS_LEADERS_EPOCH_CNT; i++)
        layout(&none, NULL, &sz, ident_max, slot_max);
    return sz;
}

void
qs_leaders_init(qs_leaders_t *l, void *mem, u32 ident_max, u64 slot_max, qs_hash_key_t key)
{
    u64 at = 0;
    *l = (qs_leaders_t){.ident_max = ident_max, .slot_max = slot_max, .key = key};
    l->map_mask = (u32)(map_cnt(ident_max) - 1);
    for (u32 i = 0; i < QS_LEADERS_EPOCH_CNT; i++)
        layout(&l->epoch[i], mem, &at, ident_max, slot_max);
}

qs_leaders_epoch_t *
qs_leaders_open(qs_leaders_t *l)
{
    qs_leaders_epoch_t *e = &l->epoch[0];
    for (u32 i = 1; i < QS_LEADERS_EPOCH_CNT && e->slot_cnt; i++)
        if (!l->epoch[i].slot_cnt || l->epoch[i].epoch < e->epoch)
            e = &l->epoch[i];
    e->slot_cnt = e->taken_cnt = e->end = 0;
    e->ident_cnt = 0;
    memset(e->group, 0xff, (l->slot_max + 3) / QS_LEADERS_GROUP_CNT * sizeof(u16));
    memset(e->taken, 0, (l->slot_max + 63) / 64 * sizeof(u64));
    memset(e->map, 0, (l->map_mask + 1ull) * sizeof(u16));
    return e;
}

/* ident_idx returns the index of an identity, which it adds if it is new; NO_IDENT: no room. */
static u32
ident_idx(qs_leaders_t const *l, qs_leaders_epoch_t *e, u8 const ident[QS_LEADERS_KEY_SZ])
{
    u64 word[4];
    memcpy(word, ident, sizeof(word));
    u64 at = qs_hash_words(&l->key, word, 4) & l->map_mask;
    for (; e->map[at]; at = (at + 1) & l->map_mask)
        if (!memcmp(e->ident[e->map[at] - 1], ident, QS_LEADERS_KEY_SZ))
            return e->map[at] - 1u;
    if (e->ident_cnt == l->ident_max)
        return NO_IDENT;
    memcpy(e->ident[e->ident_cnt], ident, QS_LEADERS_KEY_SZ);
    e->map[at] = (u16)++e->ident_cnt;
    return e->ident_cnt - 1;
}

qs_leaders_reason_t
qs_leaders_set(qs_leaders_t *l, qs_leaders_epoch_t *e, u64 idx, u8 const ident[QS_LEADERS_KEY_SZ])
{
    static u8 const zero[QS_LEADERS_KEY_SZ];
    if (idx >= l->slot_max)
        return QS_LEADERS_R_TOO_MANY;
    if (!memcmp(ident, zero, sizeof(zero)))
        return QS_LEADERS_R_KEY_ZERO;
    u64 bit = 1ull << idx % 64;
    if (e->taken[idx / 64] & bit)
        return QS_LEADERS_R_SLOT_TWICE;
    u32 leader = ident_idx(l, e, ident);
    if (leader == NO_IDENT)
        return QS_LEADERS_R_TOO_MANY;
    u16 *group = &e->group[idx / QS_LEADERS_GROUP_CNT];
    if (*group != NO_IDENT && *group != leader)
        return QS_LEADERS_R_GROUP;
    *group = (u16)leader;
    e->taken[idx / 64] |= bit;
    e->taken_cnt++;
    e->end = qs_max_u64(e->end, idx + 1);
    return QS_LEADERS_R_OK;
}

qs_leaders_reason_t
qs_leaders_close(qs_leaders_t *l, qs_leaders_epoch_t *e, u64 epoch, u64 first_slot, u64 slot_cnt)
{
    if (!e->taken_cnt)
        return QS_LEADERS_R_EMPTY;
    if (!slot_cnt)
        slot_cnt = e->end;
    if (e->end > slot_cnt || first_slot > UINT64_MAX - slot_cnt)
        return QS_LEADERS_R_SLOT_RANGE;
    if (e->taken_cnt < slot_cnt)
        return QS_LEADERS_R_SLOT_MISSING;
    for (u32 i = 0; i < QS_LEADERS_EPOCH_CNT; i++) {
        qs_leaders_epoch_t *old = &l->epoch[i]; /* a slot has one leader: the newest word counts */
        if (old->first_slot < first_slot + slot_cnt && first_slot < old->first_slot + old->slot_cnt)
            old->slot_cnt = 0;
    }
    e->epoch = epoch;
    e->first_slot = first_slot;
    e->slot_cnt = slot_cnt;
    return QS_LEADERS_R_OK;
}

/* Largest stake first, then largest key. */
static int
by_stake(void const *a, void const *b)
{
    qs_leaders_stake_t const *x = a, *y = b;
    if (x->stake != y->stake)
        return x->stake < y->stake ? 1 : -1;
    return -memcmp(x->key, y->key, QS_LEADERS_KEY_SZ);
}

/* sum_up sorts, drops who has no stake or stands there twice, and adds up the rest. */
static qs_leaders_reason_t
sum_up(qs_leaders_stake_t *stake, u32 *cnt)
{
    u64 sum = 0;
    u32 kept = 0;
    qsort(stake, *cnt, sizeof(*stake), by_stake);
    for (u32 i = 0; i < *cnt && stake[i].stake; i++) {
        if (kept && !by_stake(&stake[kept - 1], &stake[i]))
            continue;
        if (__builtin_add_overflow(sum, stake[i].stake, &sum))
            return QS_LEADERS_R_STAKE_OVERFLOW;
        stake[kept] = stake[i];
        stake[kept++].sum = sum;
    }
    *cnt = kept;
    return kept ? QS_LEADERS_R_OK : QS_LEADERS_R_STAKE_ZERO;
}

/* draw returns a number in [0, n), each as likely as the other: of the numbers whose product with n
   says which, those are refused that would make some likelier.  Turbine refuses others. */
static u64
draw(qs_chacha_rng_t *rng, u64 n)
{
    u64 zone = UINT64_MAX - (UINT64_MAX - n + 1) % n;
    for (;;) {
        u128 product = (u128)qs_chacha_rng_u64(rng) * n;
        if ((u64)product <= zone)
            return (u64)(product >> 64);
    }
}

/* first_above returns the first whose sum is more than x. */
static u32
first_above(qs_leaders_stake_t const *stake, u32 cnt, u64 x)
{
    u32 lo = 0;
    while (cnt > 1) {
        u32 half = cnt / 2;
        lo += stake[lo + half - 1].sum <= x ? half : 0;
        cnt -= half;
    }
    return lo;
}

qs_leaders_reason_t
qs_leaders_compute(qs_leaders_t *l, u64 epoch, u64 first_slot, u64 slot_cnt,
                   qs_leaders_stake_t *stake, u32 cnt)
{
    if (!slot_cnt || slot_cnt > l->slot_max)
        return QS_LEADERS_R_TOO_MANY;
    qs_leaders_reason_t reason = sum_up(stake, &cnt);
    if (reason)
        return reason;

    qs_chacha_rng_t rng;
    u8 seed[QS_CHACHA_KEY_SZ] = {0};
    qs_store_le64(seed, epoch);
    qs_chacha_rng_init(&rng, seed, SCHEDULE_ROUND_CNT);
    qs_leaders_epoch_t *e = qs_leaders_open(l);
    for (u64 i = 0; i < slot_cnt && !reason; i += QS_LEADERS_GROUP_CNT) {
        u32 leader = first_above(stake, cnt, draw(&rng, stake[cnt - 1].sum));
        u64 end = qs_min_u64(i + QS_LEADERS_GROUP_CNT, slot_cnt);
        for (u64 k = i; k < end && !reason; k++)
            reason = qs_leaders_set(l, e, k, stake[leader].ident);
    }
    return reason ? reason : qs_leaders_close(l, e, epoch, first_slot, slot_cnt);
}

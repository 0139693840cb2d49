#include "disco/poh/qs_ticks.h"

#define NAME_(name, help) #name,
#define HELP_(name, help) help,
static char const *const names[] = {"ok", QS_TICKS_REASONS(NAME_)};
static char const *const helps[] = {"as it must be", QS_TICKS_REASONS(HELP_)};

char const *
qs_ticks_reason_name(qs_ticks_reason_t reason)
{
    return (u32)reason < QS_TICKS_REASON_CNT ? names[reason] : "?";
}

char const *
qs_ticks_reason_help(qs_ticks_reason_t reason)
{
    return (u32)reason < QS_TICKS_REASON_CNT ? helps[reason] : "?";
}

static qs_ticks_reason_t
dead(qs_ticks_t *t, qs_ticks_reason_t why)
{
    if (!t->why)
        t->why = why;
    return t->why;
}

void
qs_ticks_init(qs_ticks_t *t, u64 slot, u64 parent, u64 ticks_per_slot, u64 hashes_per_tick)
{
    *t = (qs_ticks_t){.hashes_per_tick = hashes_per_tick};
    if (parent >= slot || __builtin_mul_overflow(slot - parent, ticks_per_slot, &t->tick_max))
        dead(t, QS_TICKS_REASON_span);
}

/* count_hashes keeps the sum since the last tick; it and what is added are at most hashes_per_tick, so
   that it never overflows. */
static qs_ticks_reason_t
count_hashes(qs_ticks_t *t, u64 num_hashes, bool is_tick)
{
    if (t->hashes_per_tick <= 1)
        return QS_TICKS_OK;
    if (is_tick && !num_hashes)
        return dead(t, QS_TICKS_REASON_tick_empty);
    if (num_hashes > t->hashes_per_tick)
        return dead(t, QS_TICKS_REASON_entry_hashes);
    t->hash_cnt += num_hashes;
    if (!is_tick)
        return t->hash_cnt > t->hashes_per_tick ? dead(t, QS_TICKS_REASON_tick_late) : QS_TICKS_OK;
    if (t->hash_cnt != t->hashes_per_tick)
        return dead(t, QS_TICKS_REASON_tick_hashes);
    t->hash_cnt = 0;
    return QS_TICKS_OK;
}

qs_ticks_reason_t
qs_ticks_next(qs_ticks_t *t, u64 num_hashes, bool is_tick)
{
    if (t->why)
        return t->why;
    if (t->tick_cnt == t->tick_max)
        return dead(t, is_tick ? QS_TICKS_REASON_tick_many : QS_TICKS_REASON_after_last);
    if (count_hashes(t, num_hashes, is_tick))
        return t->why;
    t->tick_cnt += is_tick;
    t->txn_entry_cnt += !is_tick;
    t->entry_cnt++;
    t->last_is_tick = is_tick;
    return QS_TICKS_OK;
}

qs_ticks_reason_t
qs_ticks_batch(qs_ticks_t *t)
{
    return t->ended ? dead(t, QS_TICKS_REASON_after_end) : t->why;
}

qs_ticks_reason_t
qs_ticks_end(qs_ticks_t *t)
{
    t->ended = true;
    if (!t->why && t->entry_cnt && !t->last_is_tick)
        dead(t, QS_TICKS_REASON_no_tick_last);
    if (!t->why && t->tick_cnt < t->tick_max)
        dead(t, QS_TICKS_REASON_tick_few);
    return t->why;
}

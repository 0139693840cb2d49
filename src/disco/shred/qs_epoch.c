#include "disco/shred/qs_epoch.h"

#define SLOT_MIN_LOG2 5u

static u32
log2_ceil(u64 x)
{
    return x <= 1 ? 0 : qs_log2(x - 1) + 1;
}

qs_epoch_t
qs_epoch_derive(u64 slots_per_epoch, bool warmup)
{
    qs_epoch_t s = {.slots_per_epoch = slots_per_epoch, .leader_offset = slots_per_epoch};
    u32 log2 = log2_ceil(slots_per_epoch);
    if (warmup && log2 < 64) {
        s.warmup = true;
        s.first_normal_epoch = log2 > SLOT_MIN_LOG2 ? log2 - SLOT_MIN_LOG2 : 0;
        s.first_normal_slot = (1ull << log2) - QS_EPOCH_SLOT_MIN;
    }
    return s;
}

bool
qs_epoch_valid(qs_epoch_t const *s)
{
    if (s->slots_per_epoch < QS_EPOCH_SLOT_MIN || s->slots_per_epoch > QS_EPOCH_SLOT_MAX)
        return false;
    qs_epoch_t want = qs_epoch_derive(s->slots_per_epoch, s->warmup);
    return s->first_normal_epoch == want.first_normal_epoch &&
           s->first_normal_slot == want.first_normal_slot;
}

u64
qs_epoch_slot_cnt(qs_epoch_t const *s, u64 epoch)
{
    return epoch < s->first_normal_epoch ? 1ull << (epoch + SLOT_MIN_LOG2) : s->slots_per_epoch;
}

u64
qs_epoch_first_slot(qs_epoch_t const *s, u64 epoch)
{
    if (epoch < s->first_normal_epoch)
        return ((1ull << epoch) - 1) * QS_EPOCH_SLOT_MIN;
    u64 slot;
    if (__builtin_mul_overflow(epoch - s->first_normal_epoch, s->slots_per_epoch, &slot) ||
        __builtin_add_overflow(slot, s->first_normal_slot, &slot))
        return UINT64_MAX;
    return slot;
}

u64
qs_epoch_of(qs_epoch_t const *s, u64 slot, u64 *idx)
{
    if (slot >= s->first_normal_slot) {
        u64 past = slot - s->first_normal_slot;
        *idx = past % s->slots_per_epoch;
        return s->first_normal_epoch + past / s->slots_per_epoch;
    }
    u64 epoch = log2_ceil(slot + QS_EPOCH_SLOT_MIN + 1) - SLOT_MIN_LOG2 - 1;
    *idx = slot - ((1ull << (epoch + SLOT_MIN_LOG2)) - QS_EPOCH_SLOT_MIN);
    return epoch;
}

/* qs_epoch - which slots an epoch has.  Spec: leader_schedule.md 3.

       warmup    | 32 | 64 | 128 | .. | 2^(e+5) |  slots_per_epoch  |  slots_per_epoch  | ..
       epoch       0    1    2      ..             first_normal_epoch
                                                 ^ first_normal_slot

   Without warmup every epoch is normal, from slot 0 on.

   Threads: any.  Blocks: never.  Allocates: never.  Needs: a schedule that qs_epoch_valid. */

#ifndef QS_DISCO_SHRED_EPOCH_H
#define QS_DISCO_SHRED_EPOCH_H

#include "tango/base/qs_bits.h"

#define QS_EPOCH_SLOT_MIN 32u
#define QS_EPOCH_SLOT_MAX (1ull << 32) /* far above any cluster's; keeps sums within 64 bits */

typedef struct qs_epoch {
    u64 slots_per_epoch;
    u64 leader_offset; /* slots that a schedule is known ahead */
    bool warmup;
    u64 first_normal_epoch;
    u64 first_normal_slot;
} qs_epoch_t;

/* qs_epoch_derive returns what a cluster with these two choices has. */
qs_epoch_t qs_epoch_derive(u64 slots_per_epoch, bool warmup);

/* qs_epoch_valid says whether the length is sane and the first normal epoch is the one that length
   and warmup give. */
bool qs_epoch_valid(qs_epoch_t const *schedule);

/* qs_epoch_slot_cnt returns how many slots an epoch has. */
u64 qs_epoch_slot_cnt(qs_epoch_t const *schedule, u64 epoch);

/* qs_epoch_first_slot returns an epoch's first slot, UINT64_MAX if it has no 64-bit number. */
u64 qs_epoch_first_slot(qs_epoch_t const *schedule, u64 epoch);

/* qs_epoch_of returns the epoch of a slot, and in *idx how far into it. */
u64 qs_epoch_of(qs_epoch_t const *schedule, u64 slot, u64 *idx);

#endif

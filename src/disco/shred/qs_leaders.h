/* qs_leaders - who leads which slot.  Spec: leader_schedule.md 1 and 2.

       file or RPC answer --(qs_leaders_json.h)--+
                                                 +--> one epoch: identity of each 4 slots --> find
       stakes --(qs_leaders_compute)-------------+

   A few epochs are kept side by side, the current one and the next; loading one more replaces the
   oldest.  A slot of no loaded epoch has no known leader, never a default one.

   Threads: one.  Blocks: never.  Allocates: never; the memory is the caller's. */

#ifndef QS_DISCO_SHRED_LEADERS_H
#define QS_DISCO_SHRED_LEADERS_H

#include "disco/shred/qs_epoch.h"
#include "tango/base/qs_hash.h"

#define QS_LEADERS_EPOCH_CNT 3u
#define QS_LEADERS_GROUP_CNT 4u /* slots that a leader has in a row */
#define QS_LEADERS_IDENT_MAX 65535u
#define QS_LEADERS_SLOT_MAX  (1ull << 24)
#define QS_LEADERS_KEY_SZ    32u

/* Why a schedule is refused. */
#define QS_LEADERS_REASONS(X)                                                                      \
    X(OK, ok, "valid")                                                                             \
    X(FILE, file, "cannot be read")                                                                \
    X(TOO_BIG, too_big, "larger than any schedule")                                                \
    X(JSON, json, "not JSON")                                                                      \
    X(FORM, form, "no leader schedule, slot leaders or vote accounts")                             \
    X(RPC_ERROR, rpc_error, "the RPC server's answer is an error")                                 \
    X(EMPTY, empty, "empty: this epoch's schedule is not known there")                             \
    X(KEY, key, "an identity that is not 32 bytes of base58")                                      \
    X(KEY_ZERO, key_zero, "an identity of 32 zero bytes")                                          \
    X(SLOT_TYPE, slot_type, "a slot that is no number from 0 up")                                  \
    X(SLOT_RANGE, slot_range, "a slot beyond the end of its epoch")                                \
    X(SLOT_TWICE, slot_twice, "a slot with two leaders")                                           \
    X(SLOT_MISSING, slot_missing, "a slot without a leader")                                       \
    X(GROUP, group, "four slots in a row with different leaders: the wrong first slot")            \
    X(EPOCH, epoch, "slots that lie outside the epoch it names")                                   \
    X(EPOCH_SCHEDULE, epoch_schedule, "an epoch schedule that contradicts itself")                 \
    X(STAKE_TYPE, stake_type, "a stake that is no number from 0 up")                               \
    X(STAKE_ZERO, stake_zero, "no stake at all")                                                   \
    X(STAKE_OVERFLOW, stake_overflow, "more stake than 64 bits can count")                         \
    X(VOTE_TWICE, vote_twice, "the same vote account twice")                                       \
    X(TOO_MANY, too_many, "more identities, accounts or slots than there is room for")

typedef enum qs_leaders_reason {
#define QS_LEADERS_ENUM_(id, name, text) QS_LEADERS_R_##id,
    QS_LEADERS_REASONS(QS_LEADERS_ENUM_)
#undef QS_LEADERS_ENUM_
        QS_LEADERS_REASON_CNT
} qs_leaders_reason_t;

char const *qs_leaders_reason_name(qs_leaders_reason_t reason);
char const *qs_leaders_reason_text(qs_leaders_reason_t reason);

typedef struct qs_leaders_epoch {
    u64 epoch;
    u64 first_slot;
    u64 slot_cnt; /* 0: nothing loaded */
    u32 ident_cnt;
    u8 (*ident)[QS_LEADERS_KEY_SZ];
    u16 *group; /* index into ident per QS_LEADERS_GROUP_CNT slots */

    /* while it is being loaded */
    u64 taken_cnt;
    u64 end;
    u64 *taken; /* bit per slot */
    u16 *map;   /* identity -> index + 1 */
} qs_leaders_epoch_t;

typedef struct qs_leaders {
    u32 ident_max;
    u32 map_mask;
    u64 slot_max;
    qs_hash_key_t key;
    qs_leaders_epoch_t epoch[QS_LEADERS_EPOCH_CNT];
} qs_leaders_t;

/* One vote account, or one identity where schedules are keyed by these. */
typedef struct qs_leaders_stake {
    u8 key[QS_LEADERS_KEY_SZ];   /* of the vote account: what the schedule is drawn by */
    u8 ident[QS_LEADERS_KEY_SZ]; /* who leads for it */
    u64 stake;
    u64 sum; /* written by qs_leaders_compute: stakes up to and with this one */
} qs_leaders_stake_t;

/* qs_leaders_footprint returns the bytes needed, 0 if a maximum is 0 or above QS_LEADERS_*_MAX. */
u64 qs_leaders_footprint(u32 ident_max, u64 slot_max);

/* qs_leaders_init formats mem, aligned to QS_ALIGN, for epochs of at most ident_max identities and
   slot_max slots.  Nothing is loaded then. */
void qs_leaders_init(qs_leaders_t *leaders, void *mem, u32 ident_max, u64 slot_max,
                     qs_hash_key_t key);

/* qs_leaders_epoch_of returns the loaded epoch that has a slot, or null. */
QS_INLINE qs_leaders_epoch_t const *
qs_leaders_epoch_of(qs_leaders_t const *leaders, u64 slot)
{
    for (u32 i = 0; i < QS_LEADERS_EPOCH_CNT; i++)
        if (slot - leaders->epoch[i].first_slot < leaders->epoch[i].slot_cnt) /* wraps if before */
            return &leaders->epoch[i];
    return NULL;
}

/* qs_leaders_find returns the identity that leads a slot, or null if no loaded epoch has it. */
QS_INLINE u8 const *
qs_leaders_find(qs_leaders_t const *leaders, u64 slot)
{
    qs_leaders_epoch_t const *e = qs_leaders_epoch_of(leaders, slot);
    return e ? e->ident[e->group[(slot - e->first_slot) / QS_LEADERS_GROUP_CNT]] : NULL;
}

/* qs_leaders_compute draws the schedule of an epoch from stakes, as every node of the cluster does.
   Sorts stake[0..cnt).  Returns QS_LEADERS_R_OK, or why not, and nothing is loaded. */
qs_leaders_reason_t qs_leaders_compute(qs_leaders_t *leaders, u64 epoch, u64 first_slot,
                                       u64 slot_cnt, qs_leaders_stake_t *stake, u32 cnt);

/* Loading an epoch slot by slot: open, set each slot, close.  Slots are counted from the epoch's
   first.  Between open and close nothing of it can be found; close with any reason but OK leaves
   the place empty.  open takes the place of an empty or the oldest epoch.

   close wants slot_cnt slots, each with a leader; slot_cnt 0: as many as were set.  Another epoch that
   shares a slot with it is dropped. */
qs_leaders_epoch_t *qs_leaders_open(qs_leaders_t *leaders);
qs_leaders_reason_t qs_leaders_set(qs_leaders_t *leaders, qs_leaders_epoch_t *e, u64 idx,
                                   u8 const ident[QS_LEADERS_KEY_SZ]);
qs_leaders_reason_t qs_leaders_close(qs_leaders_t *leaders, qs_leaders_epoch_t *e, u64 epoch,
                                     u64 first_slot, u64 slot_cnt);

#endif

/* qs_ticks - the rules that the entries of a slot keep among themselves.  Spec: entry.md 4.

       parent's last tick | e e T | e T | T | .. | e T |        (slot - parent) * 64 ticks
                          '-----'
                          hashes_per_tick hashes, the tick's own among them

   Entries are fed in order, as they arrive, and the first that breaks a rule ends the slot; what can
   be known only of a whole slot is told by end.  hashes_per_tick of 0 or 1, which test clusters have,
   switches counting off, and only ticks are counted.

   Threads: any; one at a time for each object.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_POH_TICKS_H
#define QS_DISCO_POH_TICKS_H

#include "tango/base/qs_base.h"

/* Why a slot is dead.  With a prefix the list gives a tile its counters. */
/* clang-format off */
#define QS_TICKS_REASONS_AS(X, pre)                                                               \
    X(pre##tick_empty,   "a tick of no hashes")                                                   \
    X(pre##entry_hashes, "an entry of more hashes than a tick has")                               \
    X(pre##tick_late,    "more hashes than a tick has, and no tick")                              \
    X(pre##tick_hashes,  "a tick after another number of hashes than it has")                     \
    X(pre##tick_many,    "more ticks than the slot and those it skips have")                      \
    X(pre##after_last,   "an entry behind the last tick")                                         \
    X(pre##tick_few,     "ended with fewer ticks than it must have")                              \
    X(pre##no_tick_last, "ended with an entry that is no tick")                                   \
    X(pre##after_end,    "a batch behind the slot's last")                                        \
    X(pre##span,         "a parent that is not below the slot")
/* clang-format on */

#define QS_TICKS_REASONS(X) QS_TICKS_REASONS_AS(X, )

#define QS_TICKS_REASON_ENUM_(name, help) QS_TICKS_REASON_##name,

typedef enum qs_ticks_reason {
    QS_TICKS_OK,
    QS_TICKS_REASONS(QS_TICKS_REASON_ENUM_) QS_TICKS_REASON_CNT
} qs_ticks_reason_t;

typedef struct qs_ticks {
    u64 hashes_per_tick;
    u64 tick_max; /* of the slot and those it skips */
    u64 tick_cnt;
    u64 hash_cnt; /* since the last tick */
    u64 entry_cnt, txn_entry_cnt;
    bool last_is_tick, ended;
    qs_ticks_reason_t why; /* the first */
} qs_ticks_t;

/* qs_ticks_init begins with a slot.  A parent that is not below it is `span`, which next returns. */
void qs_ticks_init(qs_ticks_t *t, u64 slot, u64 parent, u64 ticks_per_slot, u64 hashes_per_tick);

/* qs_ticks_next takes an entry.  Returns QS_TICKS_OK, or what is wrong, and then always that. */
qs_ticks_reason_t qs_ticks_next(qs_ticks_t *t, u64 num_hashes, bool is_tick);

/* qs_ticks_batch is called before the entries of each batch: none comes after end. */
qs_ticks_reason_t qs_ticks_batch(qs_ticks_t *t);

/* qs_ticks_end ends the slot: its last batch is through. */
qs_ticks_reason_t qs_ticks_end(qs_ticks_t *t);

/* qs_ticks_reason_name returns "tick_few", ..: stable; "ok" for QS_TICKS_OK. */
char const *qs_ticks_reason_name(qs_ticks_reason_t reason);
char const *qs_ticks_reason_help(qs_ticks_reason_t reason);

#endif

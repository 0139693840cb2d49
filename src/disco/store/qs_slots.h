/* qs_slots - the brain of the store: FEC sets in, in any order and of several slots at once; checked
   entries, transactions and slots out.

       add     a set is filed in its slot: |set 0|set 1|  -  |set 3|  ..
       step    the lowest slot whose next entry batch is whole (spec shred.md 10) is worked on, some
               time at a turn:

                 chained roots > parse > tick rules > signatures, 8 lanes > proof of history, all lanes
                   |                                                                          |
                   '--> the first that fails makes the slot dead, by name          on_entry, on_txn

       done    the last batch of the slot is through, and the ticks are all there: on_status

   Proof of history begins with the last hash of the parent slot, or with the hash of the genesis for
   children of slot 0.  Where that is not known a slot is judged from its second entry on and its info
   lacks QS_SLOT_START; should the parent come later, the first entry is judged then, and a slot that
   was complete may become dead.  The same holds for the chained root of its first set and
   QS_SLOT_CHAINED.

   Whatever a leader signs, memory is fixed at init.  Sets take a buffer each until their batch is
   through.  Without a free one add says QS_SLOTS_FULL while there is work to be done, and otherwise
   the slot that has waited longest for its next set is given up: QS_SLOT_LOST, counted.  So is one
   when more slots begin than there is room for.  What is known of finished slots is kept for the last
   QS_SLOTS_DONE slot numbers; a set of a finished slot is late.

   Time: an entry costs no more hashes than a tick has, and a wrong one ends its slot after at most
   QS_SLOTS_CHECKS of them; right ones cost their leader more than us.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_STORE_SLOTS_H
#define QS_DISCO_STORE_SLOTS_H

#include "disco/poh/qs_ticks.h"
#include "disco/qs_format.h"
#include "disco/verify/qs_verify.h"
#include "waltz/codec/qs_entry.h"
#include "waltz/codec/qs_shred.h"
#include "waltz/crypto/qs_poh.h"

#define QS_SLOTS_SET_MAX  (QS_SHRED_IDX_LIMIT / QS_FEC_DATA_CNT) /* of a slot */
#define QS_SLOTS_SET_SZ   30816u                                 /* ledger bytes of a set */
#define QS_SLOTS_DONE     512u
#define QS_SLOTS_CHECKS   256u   /* entries whose hashes are checked together */
#define QS_SLOTS_HASH_MAX 62500u /* of an entry, while hashes_per_tick is not known */
#define QS_SLOTS_TICKS    64u    /* of a slot, on all public clusters */

/* Why a slot is dead, by name.  Own reasons, then those of signatures, batches and ticks. */
/* clang-format off */
#define QS_SLOTS_OWN_REASONS(X)                                                                   \
    X(flawed_set,     "a set whose signature is good and whose content is not")                   \
    X(chained_root,   "a set that does not name the set before it")                               \
    X(chained_parent, "a first set that does not name its parent's last")                         \
    X(parent_differs, "sets that name different parents")                                         \
    X(set_after_last, "a set behind the slot's last")                                             \
    X(batch_room,     "an entry batch larger than there is room for")                             \
    X(hashes_many,    "an entry of more hashes than any cluster's tick")                          \
    X(poh,            "an entry whose hash is not what proof of history comes to")                \
    X(start,          "a first entry that does not go on where its parent ended")
/* clang-format on */
#define QS_SLOTS_REASONS(X)                                                                        \
    QS_SLOTS_OWN_REASONS(X)                                                                        \
    QS_VERIFY_SIGNATURE_REASONS_AS(X, txn_)                                                        \
    QS_ENTRY_REASONS_AS(X, )                                                                       \
    QS_TICKS_REASONS_AS(X, )

#define QS_SLOTS_ENUM_(name, help) QS_SLOTS_R_##name,
typedef enum qs_slots_reason {
    QS_SLOTS_R_OK,
    QS_SLOTS_REASONS(QS_SLOTS_ENUM_) QS_SLOTS_REASON_CNT
} qs_slots_reason_t;

/* qs_slots_reason_name returns "poh", ..: stable, for counters and JSON; "ok" for QS_SLOTS_R_OK.
   qs_slots_reason_help says it in words.  Any number may be asked for. */
char const *qs_slots_reason_name(u32 reason);
char const *qs_slots_reason_help(u32 reason);

typedef enum qs_slot_status {
    QS_SLOT_PROGRESS,
    QS_SLOT_COMPLETE,
    QS_SLOT_DEAD,
    QS_SLOT_LOST, /* given up for want of room */
} qs_slot_status_t;

/* qs_slot_status_name returns "progress", "complete", "dead" or "lost". */
char const *qs_slot_status_name(u32 status);

#define QS_SLOT_START    1u  /* its first entry was judged, too: the parent's end is known */
#define QS_SLOT_CHAINED  2u  /* ... and its first set names the parent's last */
#define QS_SLOT_SIGNED   4u  /* the slot's known leader has signed all of its sets */
#define QS_SLOT_CONFLICT 8u  /* there is something else that its leader has signed */
#define QS_SLOT_TRAILING 16u /* bytes stood behind the last entry of a batch */
#define QS_SLOT_GENESIS  32u /* its start is the genesis */

/* What is known of a slot.  Written to disk as it is. */
typedef struct qs_slot_info {
    u64 slot, parent;
    u16 status;                 /* qs_slot_status_t */
    u16 reason;                 /* qs_slots_reason_t, if it is dead */
    u32 flags;                  /* QS_SLOT_* */
    u32 set_cnt, recovered_cnt; /* sets; those of which not all data shreds were received */
    u32 received_cnt;           /* data shreds received of these sets; the others were recovered */
    u32 missing_cnt; /* sets that had not come when it ended, below the highest that had */
    u32 batch_cnt, entry_cnt;
    u32 tick_cnt, txn_cnt;
    u32 vote_cnt, signature_cnt;
    u64 hash_cnt;       /* that its entries stand for */
    u64 trailing_bytes; /* behind the last entries of its batches */
    u64 ledger_bytes;
    u8 hash[32];                    /* of its last entry */
    u8 block_id[32];                /* root of its last set */
    u64 first_ns, full_ns, done_ns; /* first shred, last set, end: CLOCK_MONOTONIC */
} qs_slot_info_t;

_Static_assert(sizeof(qs_slot_info_t) == 176, "on disk");

typedef enum qs_slots_take {
    QS_SLOTS_TAKEN,
    QS_SLOTS_DUPLICATE,
    QS_SLOTS_OTHER, /* another version of a set that was taken: the slot has a conflict */
    QS_SLOTS_LATE,  /* its slot is finished */
    QS_SLOTS_BAD,   /* not what the shred tile sends */
    QS_SLOTS_FULL,  /* no room: step, and add it again */
} qs_slots_take_t;

/* The sets that a batch came in. */
typedef struct qs_slots_batch {
    u64 first_ns, full_ns; /* first shred of any, and when the last of them was complete */
    u8 flags;  /* QS_FEC_*: SIGNED, MERKLE, CHAINED of all; RECOVERED, CONFLICT of any */
    u8 source; /* of the first */
    bool last; /* it ends its slot */
} qs_slots_batch_t;

typedef struct qs_slots_entry {
    qs_slots_batch_t const *batch;
    u32 idx; /* in its slot */
    u32 txn_cnt;
    u64 num_hashes;
    u8 const *hash;
    u32 txn_first; /* which of the slot's transactions is its first */
    bool unjudged; /* its start is not known (yet) */
    bool last;     /* of its slot */
} qs_slots_entry_t;

typedef struct qs_slots_txn {
    qs_slots_batch_t const *batch;
    u32 idx;       /* in its slot */
    u32 entry_idx; /* in its slot */
    u8 const *data;
    qs_txn_t const *txn; /* txn->sz bytes at data */
} qs_slots_txn_t;

/* Who is told, each may be null.  What they are given is theirs until they return.  A batch's entries
   and transactions come when all of it is judged good: an entry, then its transactions. */
typedef struct qs_slots_calls {
    void *ctx;
    void (*on_set)(void *ctx, qs_fec_set_t const *set, u8 const *data, qs_slots_take_t take);
    void (*on_entry)(void *ctx, qs_slot_info_t const *slot, qs_slots_entry_t const *entry);
    void (*on_txn)(void *ctx, qs_slot_info_t const *slot, qs_slots_txn_t const *txn);
    void (*on_status)(void *ctx, qs_slot_info_t const *slot); /* begun, finished, or a new flag */
} qs_slots_calls_t;

typedef struct qs_slots_config {
    u32 slot_cnt;  /* in progress, at most 1024 */
    u32 set_cnt;   /* that wait for their batch, at most 16384 */
    u32 batch_cnt; /* sets that a batch may have, at most QS_SLOTS_SET_MAX */
    u32 how;       /* QS_ENTRY_STRICT and so on */
    bool trust;    /* neither signatures nor proof of history nor ticks are judged */
    bool genesis;  /* genesis_hash is what children of slot 0 begin with */
    qs_ed25519_rule_t rule;
    u32 ticks_per_slot;  /* 0: QS_SLOTS_TICKS */
    u64 hashes_per_tick; /* 0: not known, hashes between ticks are not counted */
    u8 genesis_hash[32];
    qs_slots_calls_t calls;
} qs_slots_config_t;

typedef struct qs_slots_counts {
    u64 take[QS_SLOTS_FULL + 1]; /* sets by qs_slots_take_t */
    u64 begun, complete, dead, lost;
    u64 retracted; /* of the dead: were complete before */
    u64 conflict;
    u64 reason[QS_SLOTS_REASON_CNT];
    u64 batch, entry, tick, txn, vote, signature, hash, trailing_batch, trailing_bytes;
    u64 start_unknown; /* slots complete without QS_SLOT_START */
} qs_slots_counts_t;

typedef struct qs_slots qs_slots_t;

/* qs_slots_footprint returns the bytes needed, 0 if a number is 0 or above its maximum. */
u64 qs_slots_footprint(qs_slots_config_t const *config);

/* qs_slots_init formats mem, aligned to QS_ALIGN, and returns it. */
qs_slots_t *qs_slots_init(void *mem, qs_slots_config_t const *config);

/* qs_slots_add takes a set and its 32 data shreds of 1203 bytes.  now: CLOCK_MONOTONIC. */
qs_slots_take_t qs_slots_add(qs_slots_t *s, qs_fec_set_t const *set, u8 const *data, u64 now);

/* qs_slots_step does some 200 us of work, or reads one batch that is larger.  Returns false if there
   was none. */
bool qs_slots_step(qs_slots_t *s, u64 now);

/* qs_slots_restore makes known a slot that another run finished. */
void qs_slots_restore(qs_slots_t *s, qs_slot_info_t const *info);

/* qs_slots_find returns what is known of a slot, in progress or finished, or null. */
qs_slot_info_t const *qs_slots_find(qs_slots_t const *s, u64 slot);

/* qs_slots_end fills what the next leader needs to build on a complete slot. */
void qs_slots_end(qs_slot_info_t const *info, qs_slot_end_t *end);

qs_slots_counts_t const *qs_slots_counts(qs_slots_t const *s);
u32 qs_slots_in_progress(qs_slots_t const *s);
u32 qs_slots_buffered(qs_slots_t const *s); /* sets that wait for their batch */

#endif

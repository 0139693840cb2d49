/* qs_poh_clock - a leader's proof of history: it hashes as time passes, and makes entries and ticks.

       transactions --take--> [gathered] --cut--.           one entry at a time
                                                +--step--> to the shredder
       slot ends ----end----> leads next? --tick-'

   A tick comes out when it is due, never before: slot begin + i / ticks of the slot's time.  Between
   ticks hashing keeps up with the clock, so that a transaction can be mixed in at any moment; what was
   missed is caught up, and no hash is left out.  Two hashes of each tick are kept back until it is due:
   one for the transactions that wait then, one for the tick.

   Transactions are gathered into one entry until it is full or the first has waited entry_ns.  What
   does not fit the slot any more, or comes when another leads, is not taken.

   Who leads: leaders' schedule, if there is one, else slots go round by `rotation` among leader_cnt.
   After our own slot the next begins at once.  Otherwise we begin when the slot before ours is there
   (end), or when slots that would have been others' have had their time and grace_ns more: then we build on
   the newest there is, and its child holds the ticks of the slots between.  Nobody skips from genesis
   on: the first leader must come.

   Threads: one.  Blocks: never.  Allocates: never.  A step hashes step_max hashes at most. */

#ifndef QS_DISCO_POH_CLOCK_H
#define QS_DISCO_POH_CLOCK_H

#include "disco/qs_format.h"
#include "disco/shred/qs_leaders.h"
#include "waltz/codec/qs_entry.h"
#include "waltz/crypto/qs_poh.h"

#define QS_POH_ENTRY_SZ_MAX (UINT16_MAX - (u32)sizeof(qs_entry_frag_t))
#define QS_POH_SKIP_MAX     1000u /* slots; their ticks fit qs_entry_frag_t */

typedef struct qs_poh_conf {
    u64 slot_ns;
    u64 hashes_per_tick; /* 2 or more */
    u32 ticks_per_slot;
    u32 step_max;      /* hashes in one step */
    u32 entry_txn_max; /* transactions of an entry */
    u32 entry_sz_max;  /* bytes of an entry, QS_POH_ENTRY_SZ_MAX at most */
    u64 entry_ns;      /* how long the first of an entry waits for others */
    u64 slot_sz_max;   /* bytes of all entries of a slot */
    u64 grace_ns;
    u64 start_ns; /* no slot begins before */
    u8 genesis_hash[QS_POH_SZ];
    u32 leader_idx, leader_cnt, rotation; /* leader_cnt 0: we never lead */
    qs_leaders_t const *leaders;          /* not null: these decide */
    u8 identity[QS_LEADERS_KEY_SZ];       /* who we are among them */
} qs_poh_conf_t;

typedef struct qs_poh_counts {
    u64 slot, skipped, entry, tick, txn, hash;
    u64 late_ns, late_max_ns; /* how late the last tick was, and the latest */
} qs_poh_counts_t;

typedef struct qs_poh_clock {
    qs_poh_conf_t conf;
    u64 tick_ns;
    qs_poh_counts_t counts;

    /* the newest slot there is: what is built on */
    u64 newest;
    u8 newest_hash[QS_POH_SZ];
    u64 newest_ns; /* when it was there */
    u64 next;      /* the first slot after it that we lead; UINT64_MAX: none */

    /* the slot in the making */
    bool leading;
    u64 slot, begin_ns;
    u16 parent_off;
    u32 tick, tick_cnt, skip_cnt; /* the first skip_cnt ticks are of slots that are skipped */
    u64 tick_hash;                /* hashes since the last tick */
    u64 entry_hash;               /* ... since the last entry */
    u64 slot_sz;
    u8 state[QS_POH_SZ];

    /* the entry in the making */
    u32 txn_cnt, txn_sz;
    u64 first_ns;
    qs_poh_tree_t tree;
    u8 txn[QS_POH_ENTRY_SZ_MAX];
} qs_poh_clock_t;

/* qs_poh_clock_init begins at genesis.  Returns 0, or -EINVAL: a conf that cannot be. */
int qs_poh_clock_init(qs_poh_clock_t *p, qs_poh_conf_t const *conf, u64 now);

/* qs_poh_clock_take adds a transaction, of which txn is the descriptor, to the entry in the making.
   Returns false and takes nothing if there is no room for it now: it is to be offered again after a
   step. */
bool qs_poh_clock_take(qs_poh_clock_t *p, u8 const *data, qs_txn_t const *txn, u64 now);

/* qs_poh_clock_end is told of a slot that is complete and good; older ones than the newest are of no
   interest. */
void qs_poh_clock_end(qs_poh_clock_t *p, qs_slot_end_t const *end, u64 now);

/* What a step did. */
typedef struct qs_poh_step {
    u32 sz;    /* bytes written to room: a qs_entry_frag_t and its entry; 0: none */
    bool busy; /* there is more to do at once */
} qs_poh_step_t;

/* qs_poh_clock_step does what is due at now, one entry at most.  room has sizeof(qs_entry_frag_t) +
   entry_sz_max bytes, or is null: then no entry is made. */
qs_poh_step_t qs_poh_clock_step(qs_poh_clock_t *p, u64 now, u8 *room);

/* qs_poh_clock_wake returns when step will have something to do next. */
u64 qs_poh_clock_wake(qs_poh_clock_t const *p, u64 now);

#endif

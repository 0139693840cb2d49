/* qs_slots_inner - what the two halves of the store's brain share: filing (qs_slots.c) and judging
   (qs_slots_judge.c).  Nobody else includes this.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_STORE_SLOTS_INNER_H
#define QS_DISCO_STORE_SLOTS_INNER_H

#include "disco/store/qs_slots.h"

#define QS_SLOTS_NONE  UINT16_MAX
#define QS_SLOTS_ITEMS 64u /* signatures verified together */

/* Of a set of a slot. */
#define QS_SLOTS_GOT        1u
#define QS_SLOTS_LAST_BATCH 2u
#define QS_SLOTS_LAST_SLOT  4u

/* A set's ledger bytes, while its batch is not through. */
typedef struct qs_slots_buf {
    u16 next; /* free */
    u8 flags, source;
    u32 sz;
    u64 first_ns, last_ns;
    u8 chained_root[32];
    u8 data[QS_SLOTS_SET_SZ];
} qs_slots_buf_t;

/* How a slot begins: what can be judged only with its parent. */
typedef struct qs_slots_origin {
    bool pending;
    bool empty; /* and there is no entry yet that could be judged */
    u8 chained_root[32];
    qs_poh_check_t first;
} qs_slots_origin_t;

typedef struct qs_slots_slot {
    bool used;
    bool begun;      /* its first batch was taken up */
    bool hash_known; /* info.hash is where the next entry begins */
    u64 touched;     /* when its last set came, in sets */
    u32 next;        /* the first set that is not through */
    u32 scan;        /* the first set behind next that is not there, or ends a batch */
    u32 last;        /* the slot's last set, or UINT32_MAX */
    u32 top;         /* the highest set that came */
    u32 buf_cnt;
    qs_slot_info_t info;
    qs_slots_origin_t origin;
    qs_ticks_t ticks;
    u16 buf[QS_SLOTS_SET_MAX];
    u8 state[QS_SLOTS_SET_MAX];
    u8 root[QS_SLOTS_SET_MAX][32];
} qs_slots_slot_t;

typedef struct qs_slots_done {
    qs_slot_info_t info; /* status 0: none here */
    qs_slots_origin_t origin;
} qs_slots_done_t;

typedef enum qs_slots_phase { QS_SLOTS_READ, QS_SLOTS_HASH, QS_SLOTS_TELL } qs_slots_phase_t;

/* The batch that is being judged. */
typedef struct qs_slots_judge {
    qs_slots_slot_t *slot; /* null: none */
    qs_slots_phase_t phase;
    bool in_entry, all_read;
    bool from_start; /* check[0] is the slot's first entry */
    u32 set_end;
    u32 sz;
    u32 check_cnt, item_cnt;
    qs_slots_batch_t batch;
    qs_entry_t entry;
    qs_entry_reader_t reader;
    u8 hash[32]; /* where the next entry begins */
    bool hash_known;
    qs_poh_tree_t tree;
    qs_poh_checker_t checker;
    qs_poh_check_t check[QS_SLOTS_CHECKS];
    qs_ed25519_item_t item[QS_SLOTS_ITEMS + QS_TXN_SIGNATURE_MAX];
    qs_txn_t txn;
} qs_slots_judge_t;

struct qs_slots {
    qs_slots_config_t config;
    qs_slots_counts_t counts;
    u64 clock; /* sets that came */
    u32 used, buffered;
    u16 free;
    qs_slots_slot_t *slot;
    qs_slots_buf_t *buf;
    u8 *batch;
    qs_slots_judge_t judge;
    qs_slots_done_t done[QS_SLOTS_DONE];
};

/* qs_slots_ready says whether the slot's next batch is whole. */
QS_INLINE bool
qs_slots_ready(qs_slots_slot_t const *t)
{
    return t->scan < QS_SLOTS_SET_MAX && t->state[t->scan] & QS_SLOTS_LAST_BATCH;
}

/* qs_slots_finish ends a slot, and frees it; reason: of QS_SLOT_DEAD. */
void qs_slots_finish(qs_slots_t *s, qs_slots_slot_t *t, qs_slot_status_t status, u32 reason,
                     u64 now);

/* qs_slots_passed frees the sets below end: their batch is through. */
void qs_slots_passed(qs_slots_t *s, qs_slots_slot_t *t, u32 end);

/* qs_slots_parent returns the slot's parent if it is complete and remembered, else null. */
qs_slot_info_t const *qs_slots_parent(qs_slots_t const *s, qs_slot_info_t const *info);

/* qs_slots_settle judges how a slot begins, by its parent.  Returns QS_SLOTS_R_OK or the reason why
   it is dead. */
u32 qs_slots_settle(qs_slots_origin_t *o, qs_slot_info_t *info, qs_slot_info_t const *parent);

/* qs_slots_stop forgets the batch in hand. */
void qs_slots_stop(qs_slots_t *s);

void qs_slots_tell(qs_slots_t *s, qs_slot_info_t const *info);

#endif

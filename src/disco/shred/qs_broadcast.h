/* qs_broadcast - a leader's entries become signed sets, in order.  Spec: entry.md 1, shred.md 11.

       entries --add--> [u64 count, entries]  batch in the making
                              | closed: a set's worth is there, or some ticks, or the slot's end
                              v
                            make --> set without a signature --signed--> set --oldest--> shreds
                                     \______ QS_BROADCAST_SET_CNT of these, a ring ______/

   A root is known before its signature, and the next set needs no more than that: several sets may wait
   for the tile that signs, and none is waited for.  When the ring is full, make and then add say so,
   and whoever makes entries waits.

   A batch is closed before an entry that would make it more than one set, so that what is under
   way waits for nothing; an entry that is larger than a set is a batch alone, of several sets.

   Nothing is ever made twice: a slot is begun once, slots only grow, and what follows a slot's end
   is refused.  Who begins in the middle of a slot (after a restart) leaves that slot alone: two versions of
   one set would be the leader's own equivocation.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_BROADCAST_H
#define QS_DISCO_SHRED_BROADCAST_H

#include "disco/qs_format.h"
#include "disco/shred/qs_ends.h"
#include "disco/shred/qs_shredder.h"

#define QS_BROADCAST_SET_CNT   32u
#define QS_BROADCAST_ENTRY_MAX 65536u
#define QS_BROADCAST_LEAF_CNT  (2u * QS_SHRED_SET_CNT)
#define QS_BROADCAST_TAG_MASK  0x7fffffu /* tags stay within it */

/* What is counted: entries, but for slots and sets where it says so. */
#define QS_BROADCAST_COUNTS(X)                                                                     \
    X(slot_begun, "slots that we lead and have begun")                                             \
    X(slot_done, "... of which the last set was made")                                             \
    X(slot_cut, "... that another slot's entries cut short")                                       \
    X(slot_full, "... that had more entries than a slot has room for")                             \
    X(parent_unknown, "... whose parent's last set is not known: their first names 32 zero bytes") \
    X(entry_taken, "entries that became part of a block")                                          \
    X(entry_form, "entries whose size is not what they say, dropped")                              \
    X(entry_order, "entries of a slot that was left or is complete, dropped")                      \
    X(entry_restart, "entries of the slot in which this tile was started anew, dropped")           \
    X(batch, "entry batches made")                                                                 \
    X(set_made, "sets made for broadcast")                                                         \
    X(signature_stray, "signatures that nobody asked for")

typedef struct qs_broadcast_counts {
#define QS_BROADCAST_FIELD_(name, text) u64 name;
    QS_BROADCAST_COUNTS(QS_BROADCAST_FIELD_)
#undef QS_BROADCAST_FIELD_
} qs_broadcast_counts_t;

/* A set from the moment it is made. */
typedef struct qs_broadcast_set {
    u32 tag; /* names it to who signs */
    bool is_signed;
    bool stored; /* the owner's: it has been handed on, */
    u32 sent;    /* and so many of its shreds, in order of their leaves, have been sent */
    u64 made_ns;
    qs_fec_set_t head;
    qs_shredder_set_t set;
} qs_broadcast_set_t;

typedef struct qs_broadcast {
    u32 batch_ticks; /* a batch is closed after so many; read whenever one is counted */
    qs_ends_t *ends;
    qs_shredder_t shredder;
    qs_broadcast_counts_t counts;

    u64 slot;     /* UINT64_MAX: none was begun */
    u64 not_slot; /* entries of it are dropped; UINT64_MAX: of none */
    bool joining; /* the next entry's slot is not begun: we may not see its beginning */
    bool ended;   /* the slot's last entry came, or it cannot be completed */
    bool closed;  /* the batch is being made into sets */
    u64 entry_cnt, batch_sz;
    u32 ticks, first_tick;

    u32 tag; /* of the next set */
    u64 ring_pop, ring_end;
    qs_broadcast_set_t *ring;
    u8 *batch;
} qs_broadcast_t;

/* What became of an entry. */
typedef enum qs_broadcast_verdict {
    QS_BROADCAST_TAKEN,   /* or dropped, and counted */
    QS_BROADCAST_NOT_NOW, /* sets must be made first: present it again */
} qs_broadcast_verdict_t;

u64 qs_broadcast_footprint(void);

/* qs_broadcast_init formats mem, aligned to QS_ALIGN.  version is the cluster's shred version, first_tag
   whatever an earlier life is unlikely to have used, ends where slots ended; it is kept and written.
   joining: leave the slot of the first entry alone. */
qs_broadcast_t *qs_broadcast_init(void *mem, qs_ends_t *ends, u16 version, u32 batch_ticks,
                                  u32 first_tag, bool joining);

/* qs_broadcast_add takes one entry of sz bytes.  head is the caller's own, entry may change meanwhile. */
qs_broadcast_verdict_t qs_broadcast_add(qs_broadcast_t *b, qs_entry_frag_t const *head,
                                        u8 const *entry, u32 sz);

/* qs_broadcast_make makes the next set of a closed batch, and returns it, its root to be signed under its
   tag; null if there is nothing to be made or no room. */
qs_broadcast_set_t *qs_broadcast_make(qs_broadcast_t *b, u64 now_ns);

/* qs_broadcast_signed takes the signature that was asked for under tag. */
void qs_broadcast_signed(qs_broadcast_t *b, u32 tag, u8 const sig[QS_SHRED_SIG_SZ]);

/* qs_broadcast_oldest returns the oldest set if it is signed, else null.  qs_broadcast_pop makes room of
   it: the owner is done with it. */
qs_broadcast_set_t *qs_broadcast_oldest(qs_broadcast_t *b);
void qs_broadcast_pop(qs_broadcast_t *b);

/* qs_broadcast_shred returns a set's shred by its leaf, data first, and its size. */
QS_INLINE u8 *
qs_broadcast_shred(qs_broadcast_set_t *set, u32 leaf, u32 *sz)
{
    bool code = leaf >= QS_SHRED_SET_CNT;
    *sz = code ? QS_SHRED_CODE_SZ : QS_SHRED_DATA_SZ;
    return code ? set->set.code[leaf - QS_SHRED_SET_CNT] : set->set.data[leaf];
}

#endif

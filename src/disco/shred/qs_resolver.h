/* qs_resolver - from shreds as they arrive to sets of 32 data shreds that are whole and proven.

       datagrams --parse--> leader known? --> leaf and proof give the root --> root's signature, once
            |                    |                                                   |
         refused              refused                                    a set per (slot, index, root)
         by reason            by reason                                              |
                                                       32 of 64 there: recover, hash all, compare roots
                                                                                     |
                                                                    popped exactly once, as qs_fec_set_t

   Every shred's proof is checked.  A set exists only after the leader's signature over its root was
   found good; its other shreds are admitted by their root alone.  What is recovered is parsed by the
   same rules as what is received, and the tree over all 64 leaves must have the signed root.

   A leader can sign several versions of one set, or parts that do not fit together: sets are kept
   apart by root, two at most per (slot, index); both shreds of a contradiction can be popped as
   proof; a set whose signature is good and whose content is not is popped with QS_FEC_FLAWED.

   Memory is fixed at init.  Three pools hold sets, their shreds, and slots; when one is full, whoever
   leads the most of it loses its oldest, so that a leader who signs without end, for slots far ahead
   or for one set, crowds out itself and nobody else.  Without a signature nothing enters a pool.

   A restart forgets all of it: sets in progress, and which were published.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_RESOLVER_H
#define QS_DISCO_SHRED_RESOLVER_H

#include "disco/qs_format.h"
#include "disco/shred/qs_leaders.h"
#include "waltz/codec/qs_shred.h"

#define QS_RESOLVER_BATCH_MAX 512u
#define QS_RESOLVER_SET_MAX   65536u
#define QS_RESOLVER_BUF_MAX   16384u
#define QS_RESOLVER_SLOT_MAX  65536u

/* What became of a shred, after the reasons of QS_SHRED_REASONS, and what is wrong with a set. */
#define QS_RESOLVER_REASONS(X)                                                                     \
    X(ADMITTED, admitted, "new")                                                                   \
    X(LATE, late, "valid and new, of a set that was complete without it")                          \
    X(DUPLICATE, duplicate, "received before")                                                     \
    X(DONE_LONG_AGO, done_long_ago, "of a set that was complete and is forgotten")                 \
    X(LEADER_UNKNOWN, leader_unknown, "a slot whose leader is not known")                          \
    X(LEADER_SELF, leader_self, "a slot that we lead ourselves")                                   \
    X(SIGNATURE, signature, "a leader signature that is not valid for its root")                   \
    X(RETRANSMITTER, retransmitter, "not signed by the node that should have sent it on")          \
    X(SET_SIGNATURE, set_signature, "another signature than the rest of its set")                  \
    X(SET_MEMBER, set_member, "does not belong with the rest of its signed tree")                  \
    X(SET_PARENT, set_parent, "another parent than the rest of its set")                           \
    X(SET_VERSIONS, set_versions, "a third version of one set")                                    \
    X(AFTER_LAST, after_last, "behind the last shred of its slot")                                 \
    X(LAST_BEFORE, last_before, "the last of its slot, before or behind others that are, too")     \
    X(BUSY, busy, "no room: completed sets are not taken away")                                    \
    X(FLAW_ROOT, flaw_root, "sets: what was recovered does not have the signed root")              \
    X(FLAW_SHRED, flaw_shred, "sets: a recovered shred is not valid or not of its set")            \
    X(FLAW_MEMBER, flaw_member, "sets: the signed tree holds shreds that do not fit together")     \
    X(FLAW_STRICT, flaw_strict, "sets: shreds that are not full, before or without the batch's end")

typedef enum qs_resolver_reason {
    QS_RESOLVER_FIRST_ = QS_SHRED_REASON_CNT - 1,
#define QS_RESOLVER_ENUM_(id, name, text) QS_RESOLVER_R_##id,
    QS_RESOLVER_REASONS(QS_RESOLVER_ENUM_)
#undef QS_RESOLVER_ENUM_
        QS_RESOLVER_REASON_CNT
} qs_resolver_reason_t;

/* Names and texts of both lists: a shred's reason is below QS_RESOLVER_REASON_CNT, and those below
   QS_SHRED_REASON_CNT are qs_shred_reason_t's.  QS_SHRED_R_OK does not occur. */
char const *qs_resolver_reason_name(u32 reason);
char const *qs_resolver_reason_text(u32 reason);

typedef struct qs_resolver_config {
    u32 set_cnt;  /* sets that are known, complete ones included */
    u32 buf_cnt;  /* sets whose shreds are kept: in progress, or complete and still compared with */
    u32 slot_cnt; /* slots whose last shred is known or looked for */
    bool mark;    /* take shreds of slots without a known leader, and leave QS_FEC_SIGNED out */
    bool strict;  /* SIMD-0504 as amended: no short shred before a full one, none without an end */
    u8 const *self; /* our identity, or null: its slots are refused; copied */
    qs_hash_key_t key;
    qs_shred_filter_t filter; /* version 0: that of the first shred with a valid signature */
} qs_resolver_config_t;

typedef struct qs_resolver_in {
    u8 const *data;
    u32 sz;
    u8 source;
    u64 ns;           /* when it arrived */
    u8 const *signer; /* whose signature a resigned shred must carry, null: anybody's */
} qs_resolver_in_t;

typedef struct qs_resolver_out {
    u32 reason;
    u8 root[QS_SHRED_ROOT_SZ]; /* what a resigned shred is signed over; set if admitted or late */
} qs_resolver_out_t;

typedef enum qs_equivocation_kind {
    QS_EQUIVOCATION_SET, /* two roots for one (slot, index) */
    QS_EQUIVOCATION_LAST /* a last shred, and one behind it or another last */
} qs_equivocation_kind_t;

typedef struct qs_equivocation {
    qs_equivocation_kind_t kind;
    u64 slot;
    u32 sz[2]; /* bytes of each proof */
    u8 shred[2][QS_SHRED_SZ_MAX];
} qs_equivocation_t;

typedef struct qs_resolver qs_resolver_t;

/* qs_resolver_footprint returns the bytes needed, 0 if a count is 0 or above its maximum. */
u64 qs_resolver_footprint(qs_resolver_config_t const *config);

/* qs_resolver_init formats mem, aligned to QS_ALIGN.  leaders may change while the resolver lives. */
qs_resolver_t *qs_resolver_init(void *mem, qs_resolver_config_t const *config,
                                qs_leaders_t const *leaders);

/* qs_resolver_root refuses slots up to root from now on, and those too far beyond it. */
void qs_resolver_root(qs_resolver_t *r, u64 root, u64 slots_per_epoch);

/* qs_resolver_self says who we are, if init did not: our own slots are refused from now on. */
void qs_resolver_self(qs_resolver_t *r, u8 const self[QS_LEADERS_KEY_SZ]);

/* qs_resolver_version returns the shred version that is taken, 0 while none is known. */
u16 qs_resolver_version(qs_resolver_t const *r);

/* qs_resolver_add judges cnt shreds; out[i] is in[i]'s.  All signatures that they need are verified
   side by side, and so are hashes, 64 shreds at a time: signatures cost a quarter as much each when
   there are eight of them, and a set has one.  So under load give it as many as have arrived, eight
   sets' worth or more; when nothing else waits, what there is.

   Shreds that a set does not need to be complete are looked at after those that it needs, and are
   then only compared with what was recovered.

   Pop what is complete before the next add: sets that are not popped keep their room, and when it is
   all theirs shreds are refused as busy. */
void qs_resolver_add(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, u32 cnt);

/* qs_resolver_pop returns the next completed set, its 32 data shreds behind it, or null.  Valid until
   the next add. */
qs_fec_set_t const *qs_resolver_pop(qs_resolver_t *r);

/* qs_resolver_pop_equivocation returns the next proof, or null.  Valid until the next add.  Proofs
   that found no room are counted in qs_resolver_counts. */
qs_equivocation_t const *qs_resolver_pop_equivocation(qs_resolver_t *r);

/* What happened since init. */
typedef struct qs_resolver_counts {
    u64 reason[QS_RESOLVER_REASON_CNT]; /* shreds, and flaws of sets */
    u64 set_done;                       /* sets popped or waiting to be */
    u64 set_flawed;                     /* of these */
    u64 set_recovered;                  /* of these: some data shreds were recovered */
    u64 set_evicted;                    /* in progress, and dropped for want of room */
    u64 shred_recovered;                /* data and code shreds */
    u64 signature_cnt;                  /* signatures verified, retransmitters' included */
    u64 equivocation;
    u64 equivocation_lost;
} qs_resolver_counts_t;

qs_resolver_counts_t const *qs_resolver_counts(qs_resolver_t const *r);

#endif

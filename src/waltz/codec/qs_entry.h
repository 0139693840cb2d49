/* qs_entry - an entry batch: what the data shreds up to a DATA_COMPLETE carry, concatenated.

       n u64 | entry | entry | .. n of them | whatever pads the batch to whole sets
               |
               '-> hashes u64 | hash 32 | transactions u64 | transactions, without gaps
                                          0: a tick

   n = 0 is no entries but one block marker (Alpenglow): version u16, variant u8, size u16, data.  A
   marker's data is passed on unread.

   The reader walks over one batch that lies whole in memory, entry by entry and transaction by
   transaction, and copies nothing.  What a batch declares costs nothing: an entry takes 48 bytes
   and a transaction 134 of it, or the batch is refused before anyone loops.

   Bytes behind the last entry are counted and tolerated: one client's leader pads its batches with
   zeros, and receivers disagree whether that is an error.  QS_ENTRY_STRICT refuses them.

   Threads: any; one at a time for each reader.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_ENTRY_H
#define QS_WALTZ_CODEC_ENTRY_H

#include "waltz/codec/qs_txn.h"
#include "waltz/codec/qs_writer.h"

#define QS_ENTRY_BATCH_HEAD_SZ 8u
#define QS_ENTRY_HEAD_SZ       48u
#define QS_ENTRY_HASH_SZ       32u
#define QS_ENTRY_TXN_SZ_MIN    134u
#define QS_ENTRY_BITMAP_MAX    512u
#define QS_ENTRY_BATCH_MAX     (32768u * 963u) /* all data shreds that a slot can have */

/* Why bytes are no entry batch: the first that was found, on the way from the front.  With a prefix
   the list gives a tile its counters. */
/* clang-format off */
#define QS_ENTRY_REASONS_AS(X, pre)                                                               \
    X(pre##batch_short,    "a batch of fewer than 8 bytes")                                       \
    X(pre##batch_long,     "a batch larger than a slot can be")                                   \
    X(pre##no_entries,     "a batch of no entries")                                               \
    X(pre##entry_cnt,      "more entries than the rest of the batch can hold")                    \
    X(pre##entry_cut,      "the batch ends inside the head of an entry")                          \
    X(pre##txn_cnt,        "more transactions than the rest of the batch can hold")               \
    X(pre##txn_bad,        "a transaction that does not parse")                                   \
    X(pre##txn_v1,         "a transaction of version 1 while that is switched off")               \
    X(pre##txn_cut,        "the batch ends inside a transaction")                                 \
    X(pre##trailing,       "bytes behind the last entry, and those are forbidden")                \
    X(pre##marker_off,     "a block marker in a slot that has none")                              \
    X(pre##marker_version, "a block marker of a version other than 1")                            \
    X(pre##marker_variant, "a block marker of an unknown kind")                                   \
    X(pre##marker_sz,      "a block marker that is not as long as its batch")                     \
    X(pre##marker_bitmap,  "a block marker with a bitmap above 512 bytes")
/* clang-format on */

#define QS_ENTRY_REASONS(X) QS_ENTRY_REASONS_AS(X, )

#define QS_ENTRY_REASON_ENUM_(name, help) QS_ENTRY_REASON_##name,

typedef enum qs_entry_reason {
    QS_ENTRY_OK,
    QS_ENTRY_REASONS(QS_ENTRY_REASON_ENUM_) QS_ENTRY_REASON_CNT
} qs_entry_reason_t;

/* How to read; or'ed together. */
#define QS_ENTRY_STRICT   1u /* no byte behind the last entry */
#define QS_ENTRY_MARKERS  2u /* n == 0 is a block marker */
#define QS_ENTRY_ALLOW_V1 4u

/* qs_entry_marker_t.variant */
typedef enum qs_entry_marker_variant {
    QS_ENTRY_MARKER_FOOTER = 0,
    QS_ENTRY_MARKER_HEADER = 1,
    QS_ENTRY_MARKER_UPDATE_PARENT = 2,
    QS_ENTRY_MARKER_GENESIS = 3,
} qs_entry_marker_variant_t;

typedef struct qs_entry_marker {
    u32 off; /* of its data, in the batch */
    u16 sz;
    u8 variant;
} qs_entry_marker_t;

/* An entry.  Offsets count from the batch's first byte. */
typedef struct qs_entry {
    u64 num_hashes; /* since the entry before; not judged here */
    u8 const *hash; /* QS_ENTRY_HASH_SZ bytes in the batch */
    u32 off;        /* of the entry */
    u32 txn_cnt;    /* 0: a tick */
    u32 txn_off;    /* of its first transaction */
} qs_entry_t;

typedef struct qs_entry_reader {
    u8 const *data;
    u32 sz, at;
    u32 how;
    u32 entry_cnt; /* that the batch declares; 0: it is a marker */
    u32 entry_left;
    u32 txn_left;             /* of the entry in hand */
    u64 txn_cnt;              /* that were read so far */
    u32 trailing_sz;          /* bytes behind the last entry; known when next has returned 0 */
    qs_entry_reason_t why;    /* QS_ENTRY_OK, or what ended it */
    qs_txn_reason_t txn_why;  /* of txn_bad, txn_v1, txn_cut */
    qs_entry_marker_t marker; /* if entry_cnt is 0 */
} qs_entry_reader_t;

/* qs_entry_open begins with the batch of sz bytes at data, which stays where it is while it is read.
   Returns QS_ENTRY_OK, or why it is refused; then next and txn return -1. */
qs_entry_reason_t qs_entry_open(qs_entry_reader_t *r, u8 const *data, u64 sz, u32 how);

/* qs_entry_next moves to the next entry; transactions of the one before that nobody took are parsed all
   the same.  Returns 1, 0 at the end of a batch that is good to its last byte, or -1: r->why.  A
   marker has no entries. */
int qs_entry_next(qs_entry_reader_t *r, qs_entry_t *entry);

/* qs_entry_txn parses the next transaction of the entry in hand: it begins at r->data + *off, and
   txn->sz is its size.  Returns 1, 0 if there is none left, or -1: r->why. */
int qs_entry_txn(qs_entry_reader_t *r, qs_txn_t *txn, u32 *off);

/* qs_entry_check reads a whole batch.  Returns QS_ENTRY_OK or the reason; r tells the rest. */
qs_entry_reason_t qs_entry_check(qs_entry_reader_t *r, u8 const *data, u64 sz, u32 how);

/* qs_entry_reason_name returns "batch_short", ..: stable, for counters and JSON; "ok" for QS_ENTRY_OK.
   qs_entry_reason_help says it in words. */
char const *qs_entry_reason_name(qs_entry_reason_t reason);
char const *qs_entry_reason_help(qs_entry_reason_t reason);

/* The way back: the batch's head, then for each entry its head and then its transactions' bytes
   (qs_write_bytes).  A tick is a head with txn_cnt 0. */
QS_INLINE void
qs_entry_write_batch(qs_writer_t *w, u64 entry_cnt)
{
    qs_write_u64(w, entry_cnt);
}

QS_INLINE void
qs_entry_write_head(qs_writer_t *w, u64 num_hashes, u8 const hash[QS_ENTRY_HASH_SZ], u64 txn_cnt)
{
    qs_write_u64(w, num_hashes);
    qs_write_bytes(w, hash, QS_ENTRY_HASH_SZ);
    qs_write_u64(w, txn_cnt);
}

/* qs_entry_write_marker writes a whole marker batch. */
void qs_entry_write_marker(qs_writer_t *w, u8 variant, void const *data, u16 sz);

#endif

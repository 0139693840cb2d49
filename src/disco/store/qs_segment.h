/* qs_segment - a bounded window of records on disk.

       DIR/quickstep-000.seg ..  all of one size, made and allocated when the writer opens them
       |head|head again|record|record|record|   what was here before, or nothing   |

       record    |key 8|number 8|slot 8|run 8|written 8|size 4|kind 2|0|crc of payload 4|crc of head 4|
                 then the payload, then zeros up to a multiple of 64

   Records go behind each other; when a segment is full the oldest is taken, given a new head with a
   new random key, and everything that was in it is void with that one write: a record counts only with
   the key of its segment's head.  The key is also why bytes inside a payload, which strangers choose,
   cannot pass for a record.

   Death: a record that was half written has a wrong sum.  A reader goes on behind it, at the next place
   that has key and sum, and counts it.  After kill -9 all that was appended is there, because it is
   the kernel's; what a crash of the machine takes is what was not synced, or less.  A writer that
   opens what another left goes on behind the last good record of the newest segment.

   Readers need nothing of the writer, and may read while it writes: what is overwritten under them
   has a wrong sum or key.  They believe nothing that they read.

   Threads: one writer (a lock in DIR says so), any readers.  Allocates: never. */

#ifndef QS_DISCO_STORE_SEGMENT_H
#define QS_DISCO_STORE_SEGMENT_H

#include "tango/base/qs_bits.h"

#define QS_SEGMENT_MAX      64u        /* files */
#define QS_SEGMENT_SZ_MIN   (1u << 20) /* of a file */
#define QS_SEGMENT_SZ_MAX   (1u << 30)
#define QS_SEGMENT_HEAD_SZ  4096u
#define QS_SEGMENT_ALIGN    64u
#define QS_SEGMENT_DATA_MAX 65536u /* payload of a record */

typedef enum qs_segment_kind { QS_SEGMENT_SET = 1, QS_SEGMENT_SLOT } qs_segment_kind_t;

typedef struct qs_segment_head {
    u64 magic;
    u32 abi;
    u32 pad;
    u64 number; /* grows with each segment that is begun */
    u64 key;
    u64 sz; /* of the file */
    u8 pad2[20];
    u32 crc; /* of all before */
} qs_segment_head_t;

typedef struct qs_segment_record {
    u64 key;
    u64 number; /* grows with each record */
    u64 slot;
    u64 run;        /* which instance wrote it: random */
    u64 written_ns; /* CLOCK_REALTIME */
    u32 sz;         /* of the payload */
    u16 kind;       /* qs_segment_kind_t */
    u16 pad;
    u8 pad2[8];
    u32 data_crc;
    u32 crc; /* of all before */
} qs_segment_record_t;

_Static_assert(sizeof(qs_segment_head_t) == 64 && sizeof(qs_segment_record_t) == 64, "on disk");

/* ---- the writer */

typedef struct qs_segment_tx {
    int lock_fd;
    int fd[QS_SEGMENT_MAX];
    u64 number[QS_SEGMENT_MAX]; /* of the segment in each; 0: none */
    u32 cnt, cur;
    u64 sz;
    u64 off; /* in cur: where the next record goes */
    u64 key;
    u64 record;   /* the last one's number */
    u64 synced;   /* in cur: where sync has been */
    u64 flushing; /* in cur: where the kernel was asked to begin writing */
    bool dirty;   /* something was written since the last sync */
    u64 recycled; /* segments that were taken although full of records */
    char why[160];
} qs_segment_tx_t;

/* qs_segment_open opens the window of cnt files of sz bytes in dir, making dir (not its parents) and what
   is missing; a file of another size is made anew.  Returns 0, or -errno with one line in why: -EBUSY
   another writer has it, -ENOSPC and so on.  Blocks: on the disk. */
int qs_segment_open(qs_segment_tx_t *tx, char const *dir, u64 sz, u32 cnt);
void qs_segment_close(qs_segment_tx_t *tx);

/* What is appended: a payload in two pieces, either of which may be empty. */
typedef struct qs_segment_put {
    u64 slot, run, written_ns;
    qs_segment_kind_t kind;
    void const *data[2];
    u32 sz[2]; /* QS_SEGMENT_DATA_MAX together */
} qs_segment_put_t;

/* qs_segment_append writes one record.  Returns 0, 1 if a new segment was begun for it (the one before is
   not synced any more by sync: sync before append when full says so, if it must be), or -errno: then
   nothing was appended.  Blocks: for a copy into the kernel's cache; longer only if the kernel throttles
   us because the disk lags. */
int qs_segment_append(qs_segment_tx_t *tx, qs_segment_put_t const *put);

/* qs_segment_full says that a record of sz bytes begins a new segment. */
bool qs_segment_full(qs_segment_tx_t const *tx, u32 sz);

/* qs_segment_flush asks the kernel to begin writing what was appended, once a few MiB have gathered.
   Returns 0 or -errno.  Blocks: hardly, unless the disk's queue is full. */
int qs_segment_flush(qs_segment_tx_t *tx);

/* qs_segment_sync returns when all that was appended to the segment in hand is on disk.  Returns 0 or
   -errno.  Blocks: until then. */
int qs_segment_sync(qs_segment_tx_t *tx);

/* ---- a reader */

typedef struct qs_segment_rx {
    int fd[QS_SEGMENT_MAX];
    qs_segment_head_t head[QS_SEGMENT_MAX]; /* oldest first */
    u64 file_sz[QS_SEGMENT_MAX];
    u32 cnt, cur;
    u64 off;       /* in cur: where next looks */
    u64 data_off;  /* payload of the record that next returned */
    u64 block_off; /* what block holds; UINT64_MAX: nothing */
    u32 block_sz;
    u64 no_head;   /* files that have no good head: nothing of them is served */
    u64 truncated; /* files shorter than they should be */
    u64 damaged; /* records that were begun, or places in the middle, that do not have their sums */
    u64 gone;    /* segments that were overwritten while they were read */
    alignas(16) u8 block[65536]; /* what malloc gives: readers are allocated */
} qs_segment_rx_t;

/* qs_segment_rx_open looks at the files of dir.  Returns 0 or -errno of opening the directory; a
   directory without segments has cnt 0. */
int qs_segment_rx_open(qs_segment_rx_t *rx, char const *dir);
void qs_segment_rx_close(qs_segment_rx_t *rx);

/* qs_segment_next moves to the next record, oldest first; only its head was checked.  Returns false at
   the end; call again later to see what was appended since to the newest segment. */
bool qs_segment_next(qs_segment_rx_t *rx, qs_segment_record_t *rec);

/* qs_segment_data reads the payload of the record that next returned, rec->sz bytes, of which at most
   QS_SEGMENT_DATA_MAX.  Returns false, and counts it as damaged, if it does not have its sum. */
bool qs_segment_data(qs_segment_rx_t *rx, qs_segment_record_t const *rec, void *data);

/* qs_segment_rewind begins with the oldest again. */
void qs_segment_rewind(qs_segment_rx_t *rx);

/* qs_segment_head_ok says whether it is a head of a segment of this ABI. */
bool qs_segment_head_ok(qs_segment_head_t const *head);

#define QS_SEGMENT_MAGIC 0x31676573746f7173ull /* "sqotseg1" */
#define QS_SEGMENT_ABI   2u

#endif

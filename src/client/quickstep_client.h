/* quickstep_client - the blocks that a quickstep node verified, for any program on its host.

       node  ===>  [ ring in shared memory, read-only for us ]  --->  as many readers as there are

   The node writes records and never looks who reads; it waits for nobody.  A reader that is too slow
   is told exactly how many records it missed and goes on with what is still there.  It may come and
   go at will.

       qs_feed_t *feed;
       qs_feed_rec_t const *rec;
       if (qs_feed_open(&feed, NULL, QS_FEED_NEWEST) == 0)
           for (;;)
               if (qs_feed_next(feed, &rec) == 1)
                   use(rec, qs_feed_payload(rec));
               else
                   qs_feed_wait(feed, 1000000000);

   This header depends on nothing of quickstep's.  Integers are in the host's order.  ABI 1: a field is
   only ever added in what is reserved, a kind, flag or status only ever behind the last; a reader
   skips kinds that it does not know.

   Threads: one per handle, any number of handles.  Blocks: qs_feed_wait, and open for half a second while a node
   makes its feed.  Allocates: open.
   Needs: permission to read the node's feed (option feed.readers). */

#ifndef QS_CLIENT_QUICKSTEP_CLIENT_H
#define QS_CLIENT_QUICKSTEP_CLIENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QS_FEED_ABI     1u
#define QS_FEED_REC_MAX 49152u /* bytes of a record, its payload included */

/* What a record is about: its payload begins with the struct named here. */
typedef enum qs_feed_kind {
    QS_FEED_SET = 1,    /* qs_feed_set_t: a completed FEC set, and its data shreds */
    QS_FEED_ENTRY = 2,  /* qs_feed_entry_t: its transactions follow in records of their own */
    QS_FEED_TXN = 3,    /* qs_feed_txn_t: a transaction, and its bytes */
    QS_FEED_STATUS = 4, /* qs_feed_status_t: what is known of a slot has changed */
    QS_FEED_KIND_END
} qs_feed_kind_t;

#define QS_FEED_KIND_BIT(kind) (1u << (kind))
#define QS_FEED_ALL            0xffffffffu

/* Trust: what was checked of a record before it was published.  Of an entry, a transaction and a
   status these are what all sets below them have in common. */
#define QS_FEED_SIGNED    1u    /* the slot's leader is known and signed it */
#define QS_FEED_MERKLE    2u    /* it belongs to the root that was signed */
#define QS_FEED_RECOVERED 4u    /* at least one shred was recovered, not received */
#define QS_FEED_CONFLICT  8u    /* the leader signed something that contradicts it */
#define QS_FEED_CHAINED   16u   /* it names the set before it, which is known */
#define QS_FEED_POH       32u   /* its proof of history was computed anew */
#define QS_FEED_TXN_SIG   64u   /* all signatures of its transactions are valid */
#define QS_FEED_VOTE      128u  /* transaction: a simple vote */
#define QS_FEED_TICK      256u  /* entry: without transactions */
#define QS_FEED_LAST      512u  /* it ends its slot */
#define QS_FEED_FLAWED    1024u /* signed, and broken: the slot is dead */
#define QS_FEED_AGAIN                                                                              \
    2048u /* it arrived before the node's store was restarted: it may have been told before */

/* A record.  Times are Unix time in ns, 0 if unknown. */
typedef struct qs_feed_rec {
    uint64_t seq; /* 1, 2, 3 and so on, without a gap, over all kinds */
    uint32_t kind;
    uint32_t sz; /* bytes of payload */
    uint64_t slot;
    uint32_t flags;     /* QS_FEED_SIGNED .. */
    uint16_t source;    /* which port or feed brought the first shred */
    uint16_t reserved;  /* 0 */
    uint32_t idx;       /* set: of its first shred; entry, transaction: which of the slot, from 0 */
    uint32_t reserved2; /* 0 */
    uint64_t arrival_ns;   /* first shred of what it came in */
    uint64_t verified_ns;  /* ... complete and verified */
    uint64_t complete_ns;  /* status: all sets of the slot there and checked */
    uint64_t published_ns; /* this record */
    uint64_t reserved3;    /* 0 */
} qs_feed_rec_t;

typedef struct qs_feed_set {
    uint8_t root[32];
    uint8_t chained_root[32]; /* of the set before it, as it says */
    uint16_t parent_off;      /* slot - parent slot */
    uint16_t version;         /* shred version */
    uint8_t data_cnt;         /* shreds that were received */
    uint8_t code_cnt;
    uint16_t shred_sz;
    uint32_t shred_cnt; /* data shreds that follow, shred_sz bytes each */
    uint32_t reserved;  /* 0 */
} qs_feed_set_t;

typedef struct qs_feed_entry {
    uint8_t hash[32];
    uint64_t num_hashes;
    uint32_t txn_cnt;
    uint32_t txn_first; /* idx of its first transaction */
} qs_feed_entry_t;

typedef struct qs_feed_txn {
    uint32_t entry_idx;
    uint16_t sz;          /* bytes that follow: the transaction as it is on the wire */
    uint16_t sig_off;     /* where in them its signatures are, 64 bytes each; the first names it */
    uint16_t account_off; /* ... its own account keys, 32 bytes each; tables are not looked up */
    uint16_t account_cnt;
    uint8_t sig_cnt;
    uint8_t version; /* 255: legacy */
    uint16_t reserved;
} qs_feed_txn_t;

typedef enum qs_feed_slot_state {
    QS_FEED_FIRST_SHRED = 1, /* something of it has arrived */
    QS_FEED_COMPLETE = 2,    /* all of it is there, and good */
    QS_FEED_DEAD = 3,        /* it can never be good: see reason */
    QS_FEED_CONFLICTING = 4, /* its leader made more than one of it */
    QS_FEED_LOST = 5         /* given up by this node: too much at once */
} qs_feed_slot_state_t;

typedef struct qs_feed_status {
    uint64_t parent_slot;
    uint32_t state;       /* qs_feed_slot_state_t */
    uint32_t reserved;    /* 0 */
    char reason[40];      /* dead: a word, ended by 0 */
    uint8_t block_id[32]; /* root of the last set */
    uint8_t hash[32];     /* PoH after the last entry */
    uint32_t set_cnt;
    uint32_t entry_cnt;
    uint32_t tick_cnt;
    uint32_t txn_cnt;
    uint32_t vote_cnt;
    uint32_t reserved2; /* 0 */
} qs_feed_status_t;

typedef struct qs_feed qs_feed_t;

/* Where a new reader begins. */
typedef enum qs_feed_from {
    QS_FEED_NEWEST, /* with the next record to be published */
    QS_FEED_OLDEST  /* with the oldest that is still there and will not be overwritten at once */
} qs_feed_from_t;

/* qs_feed_open attaches to a feed: name is an instance of this user's, a path (with a slash), or NULL
   for the only instance that has one.  Returns 0, -ENOENT (no such feed), -ENOTUNIQ (NULL, and
   there are several), -EACCES, -EPROTO (it is none, or of an ABI that is not ours) or another
   -errno. */
int qs_feed_open(qs_feed_t **feed, char const *name, qs_feed_from_t from);

/* qs_feed_close detaches; NULL is allowed. */
void qs_feed_close(qs_feed_t *feed);

/* qs_feed_want chooses kinds (QS_FEED_KIND_BIT, or QS_FEED_ALL): next passes over the others without
   copying them.  They do not count as missed. */
void qs_feed_want(qs_feed_t *feed, uint32_t kinds);

/* qs_feed_next takes the next record.  Returns 1 and sets *rec, which is the reader's own copy and valid
   until the next call; 0 if there is none yet, or if records were just missed: then
   qs_feed_missed has grown and the next call goes on. */
int qs_feed_next(qs_feed_t *feed, qs_feed_rec_t const **rec);

/* qs_feed_payload returns the rec->sz bytes after the record. */
void const *qs_feed_payload(qs_feed_rec_t const *rec);

/* qs_feed_wait returns 1 as soon as next would have something, 0 after timeout_ns.  It spins for some
   microseconds and then sleeps in between: for the least latency call next in a loop instead. */
int qs_feed_wait(qs_feed_t *feed, uint64_t timeout_ns);

/* qs_feed_missed returns how many records this reader was too slow for, of all kinds. */
uint64_t qs_feed_missed(qs_feed_t const *feed);

/* qs_feed_seq returns the number of the record that next looks for. */
uint64_t qs_feed_seq(qs_feed_t const *feed);

/* qs_feed_silent_ns returns how long ago the node last said that it lives: it does so every second.
   UINT64_MAX after its orderly end.  A node that starts anew has a new feed: open it again. */
uint64_t qs_feed_silent_ns(qs_feed_t const *feed);

/* qs_feed_abi returns the ABI of the library. */
uint32_t qs_feed_abi(void);

#ifdef __cplusplus
}
#endif

#endif

/* qs_verify - the brain of the verify tile: frames in, transactions with good signatures out, in the
   order in which they came.

       take      parse, seen before?, its source's share?  -> a slot, its signatures into the queue
       check     8 signatures at a time, of however many transactions; those of keys that the cache
                 of keys knows by themselves, because they take half the time
       next      the oldest slot whose signatures are all checked and good -> publish -> remember

   A slot holds a transaction from take until it is published or refused; a transaction is remembered
   (tcache) only then, so that one with bad signatures cannot keep out a good one of the same
   first signature.  Two copies that are under way together are both checked, and the later
   one is found out by next.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_VERIFY_H
#define QS_DISCO_VERIFY_H

#include "disco/qs_format.h"
#include "disco/verify/qs_fair.h"
#include "tango/qs_tcache.h"
#include "waltz/codec/qs_txn.h"
#include "waltz/crypto/qs_ed25519_cache.h"
#include "waltz/crypto/qs_siphash.h"

#define QS_VERIFY_LANES 8u  /* signatures that a kernel checks side by side */
#define QS_VERIFY_SLOTS 64u /* a power of two */
#define QS_VERIFY_QUEUE (QS_VERIFY_SLOTS + QS_TXN_SIGNATURE_MAX)

_Static_assert(sizeof(qs_txn_t) == QS_TXN_DESC_MAX && QS_TXN_MAX == QS_TXN_V1_SZ_MAX,
               "fits the link");

/* What a signature may lack, in the order of qs_ed25519_verdict_t. */
/* clang-format off */
#define QS_VERIFY_SIGNATURE_REASONS_AS(X, pre)                                                    \
    X(pre##signature_range,     "a signature whose S is not below L")                             \
    X(pre##signature_key,       "a signer's key that is no point")                                \
    X(pre##signature_r,         "a signature whose R is no point")                                \
    X(pre##signature_key_small, "a signer's key of small order")                                  \
    X(pre##signature_r_small,   "a signature whose R is of small order")                          \
    X(pre##signature,           "a signature that is not the signer's, or not of this message")
/* clang-format on */

/* What became of a frame: QS_VERIFY_HELD, or one of the counters of a verify tile. */
typedef enum qs_verify_fate {
    QS_VERIFY_HELD,
    QS_VERIFY_DUPLICATE,
    QS_VERIFY_SHED, /* its source asked for more than its share */
    QS_VERIFY_MALFORMED,
} qs_verify_fate_t;

/* Where a frame is from. */
typedef struct qs_verify_from {
    u64 seq; /* of its fragment on link */
    u64 taken_ns;
    u32 link;
    u32 source; /* address */
    u32 ts_origin;
    u32 pad;
} qs_verify_from_t;

typedef struct qs_verify_slot {
    qs_verify_from_t from;
    qs_fair_source_t who;
    u64 tag;    /* keyed hash of the first signature */
    u8 left;    /* signatures not checked yet */
    u8 verdict; /* the first that was bad: qs_ed25519_verdict_t */
    u8 pad[6];
    qs_txn_t txn;
    alignas(64) u8 bytes[QS_TXN_MAX];
} qs_verify_slot_t;

typedef struct qs_verify_conf {
    u64 seed; /* of the instance, and secret: all its verify tiles make the same tags */
    u32 idx;  /* which verify tile */
    u32 how;  /* QS_TXN_ALLOW_V1 or 0 */
    qs_ed25519_rule_t rule;
    u64 tag_depth;
    u64 now_ns;
    bool fresh;     /* mem is new; else the last run's, which remembers */
    void *keys_mem; /* qs_ed25519_cache_footprint(key_max) bytes, or NULL: no keys are kept */
    u32 key_max;
} qs_verify_conf_t;

typedef struct qs_verify_queue {
    u32 cnt;
    u16 slot[QS_VERIFY_QUEUE];
    qs_ed25519_item_t item[QS_VERIFY_QUEUE];
} qs_verify_queue_t;

/* Which queue a signature is in. */
enum { QS_VERIFY_NEW, QS_VERIFY_KNOWN, QS_VERIFY_QUEUES };

typedef struct qs_verify {
    qs_siphash_key_t tag_key;
    qs_ed25519_cache_t *keys; /* or NULL */
    qs_ed25519_rule_t rule;
    u32 how;
    u64 head, tail;                           /* slots in use: tail .. head - 1 */
    u64 ns_per_check_x16;                     /* measured, smoothed: 16ths of a ns */
    u64 checked, batches;                     /* signatures, and calls they took */
    u32 refused_cnt[QS_ED25519_EQUATION + 1]; /* since the tile last counted them, by verdict */
    u32 duplicate_cnt;                        /* likewise, those that next found */
    qs_txn_reason_t why;                      /* of the last QS_VERIFY_MALFORMED */
    qs_tcache_t seen;
    qs_verify_queue_t queue[QS_VERIFY_QUEUES];
    qs_fair_t fair;
    qs_verify_slot_t slot[QS_VERIFY_SLOTS];
} qs_verify_t;

/* qs_verify_init begins with nothing held; tcache_mem has qs_tcache_footprint(tag_depth) bytes.
   Returns 0 or -errno of qs_tcache_new and _join. */
int qs_verify_init(qs_verify_t *v, void *tcache_mem, qs_verify_conf_t const *conf);

/* qs_verify_take looks at one frame of sz bytes.  It must not be full.  v->why is set if the frame is malformed. */
qs_verify_fate_t qs_verify_take(qs_verify_t *v, u8 const *data, u32 sz,
                                qs_verify_from_t const *from);

/* qs_verify_check checks the oldest cnt signatures of a queue; cnt <= its cnt. */
void qs_verify_check(qs_verify_t *v, u32 queue, u32 cnt);

/* qs_verify_took learns how long a check of cnt signatures took. */
void qs_verify_took(qs_verify_t *v, u32 cnt, u64 took_ns);

/* qs_verify_next returns the oldest transaction that is to be published, or NULL: none is ready.
   What is refused on the way is counted in refused_cnt and duplicate_cnt. */
qs_verify_slot_t const *qs_verify_next(qs_verify_t *v);

/* qs_verify_write copies what next returned, bytes and descriptor, to a room of QS_TXN_LINK_MTU bytes,
   and returns how many it wrote. */
u32 qs_verify_write(qs_verify_slot_t const *s, u8 *room);

/* qs_verify_published remembers what next returned, and frees its slot. */
void qs_verify_published(qs_verify_t *v);

/* qs_verify_capacity returns checks per second. */
QS_INLINE u64
qs_verify_capacity(qs_verify_t const *v)
{
    return 16000000000ull / v->ns_per_check_x16;
}

/* qs_verify_queued returns how many signatures wait to be checked. */
QS_INLINE u32
qs_verify_queued(qs_verify_t const *v)
{
    return v->queue[QS_VERIFY_NEW].cnt + v->queue[QS_VERIFY_KNOWN].cnt;
}

/* qs_verify_oldest_ns returns when the oldest of a queue was taken; UINT64_MAX if it is empty. */
QS_INLINE u64
qs_verify_oldest_ns(qs_verify_t const *v, u32 queue)
{
    qs_verify_queue_t const *q = &v->queue[queue];
    return q->cnt ? v->slot[q->slot[0]].from.taken_ns : UINT64_MAX;
}

/* qs_verify_full says that no slot is free, or no room for the signatures of another. */
QS_INLINE bool
qs_verify_full(qs_verify_t const *v)
{
    return v->head - v->tail == QS_VERIFY_SLOTS ||
           qs_verify_queued(v) > QS_VERIFY_QUEUE - QS_TXN_SIGNATURE_MAX;
}

#endif

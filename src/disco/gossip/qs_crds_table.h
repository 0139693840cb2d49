/* qs_crds_table - what the cluster's nodes say of themselves: the newest value of each label.

       label = kind, index, origin        one value each; a newer one takes its place
       origin                             a node: its stake, when it was last heard of, its values

       index   label  --> slot            open addressing, keyed hash
       entry   slot   --> hash, times, origin, where the bytes lie
       hash64  slot   --> first 8 bytes of the hash, for pull requests, one after the other
       log     ordinal -> slot            what came in last, for push
       purged, failed                     hashes that are not to be pulled again for a while

   Room is fixed.  When there is none for a new value, whole origins make it, in this order: unstaked
   ones, who was heard of longest ago first; then staked ones with less stake than who comes,
   least first.  Pinned ones (ourselves) never.  An unstaked origin has unstaked_max values at most,
   and all unstaked ones together half of the places for values above QS_CRDS_SMALL_SZ bytes.

   Source: spec of gossip §5 (override, expiry, purged and failed hashes).  Times are ms since 1970,
   wallclocks of the values and `now` of the caller alike.

   Threads: one.  Blocks: never.  Allocates: never.  Bound: no call looks at more than the origins
   (expire, make room) or the values of one origin; scan at as many slots as it is asked to. */

#ifndef QS_DISCO_GOSSIP_CRDS_TABLE_H
#define QS_DISCO_GOSSIP_CRDS_TABLE_H

#include "tango/base/qs_hash.h"
#include "waltz/codec/qs_crds.h"

#define QS_CRDS_NONE          UINT32_MAX
#define QS_CRDS_SMALL_SZ      512u
#define QS_CRDS_LARGE_SZ      1188u /* the largest value that fits a datagram */
#define QS_CRDS_STAKED_TTL_MS 172800000ull
#define QS_CRDS_TTL_MS        15000ull /* of unstaked origins, once any stake is known */
#define QS_CRDS_PURGED_MS     75000ull
#define QS_CRDS_FAILED_MS     20000ull
#define QS_CRDS_PINNED        UINT64_MAX /* as stake: never evicted, never expires */

typedef struct qs_crds_conf {
    u32 value_max;    /* 1 .. 2^24 */
    u32 large_max;    /* of them above QS_CRDS_SMALL_SZ bytes; 1 .. value_max */
    u32 origin_max;   /* 1 .. 2^24; staked ones count even while they say nothing */
    u32 history_max;  /* purged and failed hashes remembered, each; 1 .. 2^24 */
    u32 unstaked_max; /* values of one unstaked origin; at least 1 */
    qs_hash_key_t key;
} qs_crds_conf_t;

typedef struct qs_crds_entry {
    u8 hash[32]; /* of the value's bytes */
    u8 origin_key[32];
    u64 wallclock, outset;
    u64 seen_ms; /* when it came, or its origin was last heard of by a pull response */
    u64 ordinal; /* grows with each insert and replacement */
    u32 tag;     /* of its label */
    u32 origin;
    u32 next; /* value of the same origin, or free slot */
    u32 place;
    u16 sz, index;
    u8 kind;
    u8 push_cnt; /* times a push brought it again, saturated */
    bool used;
    u8 pad[9];
} qs_crds_entry_t;

typedef struct qs_crds_origin {
    u8 key[32];
    u64 stake;
    u32 first, cnt; /* its values */
    u32 contact;    /* slot of its ContactInfo, or NONE */
    u32 newer,
        older; /* unstaked ones with values, by when they were heard of; newer of a free one: next free */
    bool used;
} qs_crds_origin_t;

typedef struct qs_crds_history {
    struct qs_crds_past {
        u8 hash[32];
        u64 when_ms;
    } * past;
    u64 head, tail; /* tail is the oldest */
    u32 max;
} qs_crds_history_t;

typedef struct qs_crds_table {
    qs_crds_conf_t conf;
    qs_crds_entry_t *entry;
    u64 *hash64;
    u8 *small, *large;
    u32 *free_large;
    u32 free_large_cnt, unstaked_large_cnt;
    u32 free_slot, cnt;
    struct qs_crds_index {
        u32 slot1, tag; /* slot + 1; 0: empty */
    } * index;
    u32 index_mask;
    qs_crds_origin_t *origin;
    u32 *origin_index; /* origin + 1 */
    u32 origin_mask, free_origin, origin_cnt;
    u32 staked_cnt;     /* origins with stake, pinned ones not counted */
    u32 newest, oldest; /* unstaked origins with values */
    u32 expire_at;      /* the next origin expire looks at */
    u32 *log;
    u64 log_mask;
    u64 next_ordinal;
    qs_crds_history_t purged, failed;
    u64 evicted; /* values that made room */
} qs_crds_table_t;

/* A value on its way in: where its parts are, and its label's hash. */
typedef struct qs_crds_item {
    u8 const *value, *origin, *hash;
    u64 wallclock, outset;
    u64 label;
    u16 sz, index;
    u8 kind;
} qs_crds_item_t;

typedef enum qs_crds_via { QS_CRDS_LOCAL, QS_CRDS_BY_PULL, QS_CRDS_BY_PUSH } qs_crds_via_t;

typedef enum qs_crds_outcome {
    QS_CRDS_INSERTED,
    QS_CRDS_REPLACED,
    QS_CRDS_DUPLICATE, /* that very value is there */
    QS_CRDS_OLDER,     /* a newer one is there; its hash is now among the purged */
    QS_CRDS_FULL,      /* nobody with less stake could make room */
    QS_CRDS_LIMIT,     /* an unstaked origin has said enough */
} qs_crds_outcome_t;

/* qs_crds_table_footprint returns the bytes for conf, 0 if a number in it is out of range. */
u64 qs_crds_table_footprint(qs_crds_conf_t const *conf);

/* qs_crds_table_init makes t an empty table over mem, footprint bytes, zeroed, QS_ALIGN aligned. */
void qs_crds_table_init(qs_crds_table_t *t, void *mem, qs_crds_conf_t const *conf);

/* qs_crds_item_make describes value v of a datagram, hash being that of its bytes. */
void qs_crds_item_make(qs_crds_item_t *item, qs_crds_table_t const *t, u8 const *datagram,
                       qs_crds_t const *v, u8 const hash[32]);

/* qs_crds_label hashes a label; origin is 32 bytes. */
u64 qs_crds_label(qs_crds_table_t const *t, u8 kind, u16 index, u8 const *origin);

/* qs_crds_warm fetches what find and upsert of those labels will look at, for batches of about 16. */
void qs_crds_warm(qs_crds_table_t const *t, u64 const *label, u32 cnt);

/* qs_crds_find returns the slot of a label, or QS_CRDS_NONE. */
u32 qs_crds_find(qs_crds_table_t const *t, u64 label, u8 kind, u16 index, u8 const *origin);

/* qs_crds_overrides says whether item would replace the value in slot, which has its label. */
bool qs_crds_overrides(qs_crds_table_t const *t, qs_crds_item_t const *item, u32 slot);

/* qs_crds_upsert puts a value in that was verified.  slot, if not NULL, becomes where it is, or where
   what was kept is, or NONE. */
qs_crds_outcome_t qs_crds_upsert(qs_crds_table_t *t, qs_crds_item_t const *item, qs_crds_via_t via,
                                 u64 now_ms, u32 *slot);

/* qs_crds_fail remembers the hash of a value that was not taken, so that it is not pulled again. */
void qs_crds_fail(qs_crds_table_t *t, u8 const hash[32], u64 now_ms);

/* qs_crds_value returns the bytes of slot's value, entry[slot].sz of them. */
u8 const *qs_crds_value(qs_crds_table_t const *t, u32 slot);

/* qs_crds_touch says that the origin was heard of: its ContactInfo, or if it has none all it said,
   is as if it had come now. */
void qs_crds_touch(qs_crds_table_t *t, u8 const origin[32], u64 now_ms);

/* qs_crds_set_stake gives an origin stake (0: none any more; QS_CRDS_PINNED).  Returns 0 or -ENOSPC:
   every origin is staked. */
int qs_crds_set_stake(qs_crds_table_t *t, u8 const origin[32], u64 stake, u64 now_ms);
u64 qs_crds_stake(qs_crds_table_t const *t, u8 const origin[32]);

/* qs_crds_origin_of returns the record of an origin, or NULL. */
qs_crds_origin_t const *qs_crds_origin_of(qs_crds_table_t const *t, u8 const origin[32]);

/* qs_crds_expire looks at the next origin_cnt origins, drops what is too old, and returns how many
   values that were.  Called often enough, all of them are looked at. */
u32 qs_crds_expire(qs_crds_table_t *t, u64 now_ms, u32 origin_cnt);

/* qs_crds_scan lists the slots in [from, from + slots) whose hash64 is in the partition of mask and
   mask_bits (spec §6.2), up to max, and returns how many; *next is where to go on. */
u32 qs_crds_scan(qs_crds_table_t const *t, u64 mask, u32 mask_bits, u32 from, u32 slots, u32 *slot,
                 u32 max, u32 *next);

/* qs_crds_since lists up to max slots whose values came in at *ordinal or later and are still the
   newest of their label, and moves *ordinal on.  What is older than the log (as many as values
   fit) is skipped.  Returns how many. */
u32 qs_crds_since(qs_crds_table_t const *t, u64 *ordinal, u32 *slot, u32 max);

#endif

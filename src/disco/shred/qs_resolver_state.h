/* qs_resolver_state - what the resolver's files share, and nobody else: its memory and who gives way
   when it is full.

       fair pool    entries in order of age per leader; when it is full, the leader who has most (to
                    within an eighth) loses its oldest
       bufs         free -> filling -> waiting to be popped -> popped.  The oldest popped one is taken
                    first if there are many, so that memory stays in the cache, else a free one; when
                    there is neither, the leader with most in filling loses its oldest

   Leaders are told apart by a keyed hash of their identity.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_RESOLVER_STATE_H
#define QS_DISCO_SHRED_RESOLVER_STATE_H

#include "disco/shred/qs_resolver.h"
#include "tango/qs_tcache.h"
#include "waltz/crypto/qs_ed25519_cache.h"
#include "waltz/fec/qs_merkle.h"

#define QS_NONE             UINT32_MAX
#define QS_FAIR_BUCKET_CNT  4096u
#define QS_EQUIVOCATION_CNT 16u
#define QS_SET_LEAF_CNT     (2 * QS_SHRED_SET_CNT)

typedef struct qs_fair {
    u32 cap;
    u32 free;       /* first free entry */
    u32 max_bucket; /* who had most when last looked for */
    u32 max_floor;  /* look again when it has less than this */
    u32 *held;      /* per bucket */
    u32 *oldest, *newest;
    u32 *next; /* per entry */
} qs_fair_t;

typedef enum qs_set_state { QS_SET_WAITING, QS_SET_FILLING, QS_SET_DONE } qs_set_state_t;

typedef struct qs_set {
    u64 slot;
    u32 fec_idx;
    u32 bucket;
    qs_set_state_t state;
    u32 buf; /* QS_NONE: no shreds are kept */
    u32 next_root;
    u32 next_place;
    u64 gen;            /* tells it from others that lived at this address */
    u64 have;           /* leaves received */
    u64 round;          /* in which it has */
    u32 claim_cnt;      /* claims, and */
    u32 code_claim_cnt; /* of code */
    u64 coming;         /* leaves that shreds of this batch claim to be */
    u16 version;
    u16 parent_off;
    u8 source;
    bool has_parent; /* parent_off is known */
    bool resigned;
    bool proven; /* by a leader's signature */
    bool flawed;
    bool conflict;
    u64 first_ns;
    u8 root[QS_SHRED_ROOT_SZ];
    u8 chained[QS_SHRED_ROOT_SZ];
    u8 sig[QS_SHRED_SIG_SZ];
    u32 first_sz;
    u8 first[QS_SHRED_SZ_MAX]; /* proof against another version */
} qs_set_t;

typedef struct qs_set_buf {
    u32 set;
    u32 bucket;
    u64 birth;
    bool filling;
    qs_merkle_tree_t tree;
    qs_fec_set_t head;
    u8 data[QS_SHRED_SET_CNT][QS_SHRED_DATA_SZ]; /* head and data are the fragment */
    u8 code[QS_SHRED_SET_CNT][QS_SHRED_CODE_SZ];
} qs_set_buf_t;

_Static_assert(offsetof(qs_set_buf_t, data) == offsetof(qs_set_buf_t, head) + sizeof(qs_fec_set_t),
               "the fragment is one piece");

typedef struct qs_slot {
    u64 slot;
    u32 bucket;
    u32 next;
    u32 last_idx; /* of the last data shred; QS_NONE: not known */
    u32 high_fec; /* the highest set of which a data shred is known; QS_NONE: none */
    bool conflict;
    bool reported; /* a contradiction about its last shred */
    u8 last[QS_SHRED_DATA_SZ];
    u8 high[QS_SHRED_DATA_SZ];
} qs_slot_t;

/* A shred of the batch on its way. */
typedef enum qs_job_state {
    QS_JOB_OPEN,    /* its set is not known yet */
    QS_JOB_ASKED,   /* the first of its set: its signature is being verified */
    QS_JOB_CLAIMED, /* claims to belong to a set */
    QS_JOB_CLOSED   /* its reason is known */
} qs_job_state_t;

typedef struct qs_job {
    u32 in;
    qs_job_state_t state;
    u32 item;    /* of the signature that it asks for */
    u32 set;     /* it claims to belong to, */
    u64 gen;     /* if it is still that set */
    bool hashed; /* leaf is there */
    qs_shred_t shred;
    u8 const *leader;
    qs_merkle_hash_t root; /* while asked: where its proof leads to */
    qs_merkle_hash_t leaf;
} qs_job_t;

#define QS_ASKED_MAP_CNT (2 * QS_RESOLVER_BATCH_MAX)

/* A place and where its sets are listed. */
#define QS_PLACE_CNT 8u
typedef struct qs_place {
    u64 slot;
    u32 fec_idx;
    u32 *head;
} qs_place_t;

struct qs_resolver {
    qs_resolver_config_t config;
    u8 self[QS_LEADERS_KEY_SZ];
    qs_leaders_t const *leaders;
    qs_resolver_counts_t counts;
    u64 now; /* counts sets and bufs taken: their age */

    qs_fair_t set_pool, slot_pool;
    qs_set_t *set;
    qs_slot_t *slot;
    qs_set_buf_t *buf;
    u32 map_mask, slot_mask;
    u32 *by_root, *by_place, *by_slot;
    qs_place_t place[QS_PLACE_CNT];
    qs_ed25519_cache_t *keys; /* of leaders */
    qs_tcache_t done;         /* sets that were complete and are forgotten */

    u32 free_buf_cnt;
    u32 *free_buf;
    u32 *filling; /* bufs being filled, per bucket */
    u32 *ring;    /* complete bufs, oldest first: [ring_old, ring_pop) popped, up to ring_end not */
    u64 ring_old, ring_pop, ring_end;

    u64 eq_pop, eq_end;
    qs_equivocation_t eq[QS_EQUIVOCATION_CNT];

    /* one batch */
    u32 job_cnt, item_cnt;
    u32 first_open; /* jobs before it are closed */
    qs_job_t job[QS_RESOLVER_BATCH_MAX];
    u16 asked[QS_ASKED_MAP_CNT]; /* by signature: index + 1 of the job that asks for it */
    qs_ed25519_item_t item[QS_RESOLVER_BATCH_MAX];
    qs_ed25519_verdict_t verdict[QS_RESOLVER_BATCH_MAX];
    u64 round;
    u32 claim_cnt;
    qs_merkle_claim_t claim[QS_MERKLE_CLAIM_MAX];
    u32 claimer[QS_MERKLE_CLAIM_MAX]; /* the claim's job */
};

/* qs_resolver_pool.c */
u64 qs_resolver_layout(qs_resolver_t *r, qs_resolver_config_t const *config);
void qs_resolver_pools_init(qs_resolver_t *r);
u32 qs_resolver_bucket(qs_resolver_t const *r, u8 const *leader);
qs_set_t *qs_resolver_find_root(qs_resolver_t *r, u8 const root[QS_SHRED_ROOT_SZ]);

/* The sets of a place: start with *at QS_NONE; null after the last. */
qs_set_t *qs_resolver_each_version(qs_resolver_t *r, u64 slot, u32 fec_idx, u32 *at);

qs_set_t *qs_resolver_new_set(qs_resolver_t *r, u64 slot, u32 fec_idx,
                              u8 const root[QS_SHRED_ROOT_SZ], u8 const *leader);
bool qs_resolver_was_done(qs_resolver_t const *r, u64 slot, u32 fec_idx,
                          u8 const root[QS_SHRED_ROOT_SZ]);
qs_slot_t *qs_resolver_slot(qs_resolver_t *r, u64 slot, u32 bucket);
qs_slot_t *qs_resolver_find_slot(qs_resolver_t *r, u64 slot);

/* qs_resolver_take_buf gives a set a buf; false: none can be had. */
bool qs_resolver_take_buf(qs_resolver_t *r, qs_set_t *set);
void qs_resolver_finish_buf(qs_resolver_t *r, qs_set_t *set);

/* qs_resolver_set.c */
void qs_resolver_complete(qs_resolver_t *r, qs_set_t *set, u64 ns);
void qs_resolver_flaw(qs_resolver_t *r, qs_set_t *set, u32 reason, u64 ns);
u32 qs_resolver_note_data(qs_resolver_t *r, qs_shred_t const *s, u8 const *shred, u32 bucket);
void qs_resolver_report(qs_resolver_t *r, qs_equivocation_kind_t kind, u64 slot, u8 const *a,
                        u32 a_sz, u8 const *b, u32 b_sz);

#endif

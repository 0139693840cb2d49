/* qs_shred - the shred: one datagram's share of a block.  Spec: shred.md 1 to 7.

       0          64       65    73     77       79       83        hdr_sz        proof_off
       +----------+--------+-----+------+--------+--------+---------+--------+----+-------+----------+
       | leader's |variant |slot |index | shred  | index  | data or | ledger |root| proof | retrans- |
       | signature|        |     |      |version |of 1st  | code    | bytes, |of  | 6 x 20| mitter's |
       |          |        |     |      |        |of set  | header  | parity |prev|       | signature|
       +----------+--------+-----+------+--------+--------+---------+--------+----+-------+----------+
                  |<---- data: erasure coded, [64, chained_off) ------------>|          only resigned
                                                          code: |< parity  >|

   The leaf of the Merkle tree covers [64, proof_off).  A set is 32 data and 32 code shreds; both
   count their index by themselves, and a set begins at the same index in both.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_SHRED_H
#define QS_WALTZ_CODEC_SHRED_H

#include "tango/base/qs_bits.h"

#define QS_SHRED_DATA_SZ   1203u
#define QS_SHRED_CODE_SZ   1228u
#define QS_SHRED_SZ_MAX    QS_SHRED_CODE_SZ
#define QS_SHRED_HEADER_SZ 83u
#define QS_SHRED_SIG_SZ    64u
#define QS_SHRED_ROOT_SZ   32u
#define QS_SHRED_PROOF_SZ  20u
#define QS_SHRED_PROOF_CNT 6u
#define QS_SHRED_SET_CNT   32u /* data shreds of a set, and as many code shreds */
#define QS_SHRED_IDX_LIMIT 32768u

#define QS_SHRED_DATA_COMPLETE 0x40u /* the last shred of an entry batch */
#define QS_SHRED_LAST_IN_SLOT  0xc0u
#define QS_SHRED_TICK_MASK     0x3fu

/* What a variant byte stands for; the rest of a shred follows from it. */
typedef struct qs_shred_layout {
    u8 variant;
    bool code;
    bool resigned;   /* carries the signature of whoever sent it on */
    u16 sz;          /* of the shred: QS_SHRED_DATA_SZ or QS_SHRED_CODE_SZ */
    u16 hdr_sz;      /* where the ledger bytes, or the parity, begin */
    u16 capacity;    /* bytes of these */
    u16 erasure_off; /* the shard of the erasure code, [erasure_off, chained_off) */
    u16 erasure_sz;
    u16 chained_off; /* the previous set's root */
    u16 proof_off;
    u16 resign_off; /* the retransmitter's signature; 0: none */
} qs_shred_layout_t;

/* The four variants that are valid today, and qs_shred_layout, which finds one by its byte and
   returns null for every other byte. */
#define QS_SHRED_DATA_CHAINED  0x96u
#define QS_SHRED_CODE_CHAINED  0x66u
#define QS_SHRED_DATA_RESIGNED 0xb6u
#define QS_SHRED_CODE_RESIGNED 0x76u
qs_shred_layout_t const *qs_shred_layout(u8 variant);

QS_INLINE u8
qs_shred_variant(bool code, bool resigned)
{
    if (code)
        return resigned ? QS_SHRED_CODE_RESIGNED : QS_SHRED_CODE_CHAINED;
    return resigned ? QS_SHRED_DATA_RESIGNED : QS_SHRED_DATA_CHAINED;
}

/* A shred's headers as numbers. */
typedef struct qs_shred {
    qs_shred_layout_t const *layout;
    u64 slot;
    u32 idx;     /* among the slot's data, or code, shreds */
    u32 fec_idx; /* of the set's first shred */
    u16 version;

    /* data shreds */
    u16 parent_off; /* slot less the parent's slot */
    u16 size;       /* hdr_sz and the ledger bytes */
    u8 flags;       /* QS_SHRED_DATA_COMPLETE, QS_SHRED_LAST_IN_SLOT, reference tick */

    /* code shreds */
    u16 data_cnt;
    u16 code_cnt;
    u16 pos; /* among the set's code shreds */
} qs_shred_t;

/* Why a shred is refused: enumerator, counter's name, what it says to an operator.  In the order
   in which they are looked for (shred.md 7.1), so that the reason of a shred with several faults
   is the same everywhere. */
#define QS_SHRED_REASONS(X)                                                                        \
    X(OK, ok, "valid")                                                                             \
    X(SHORT, short, "ends before its variant byte")                                                \
    X(SHORT_DATA, short_data, "a data shred of less than 1203 bytes")                              \
    X(SHORT_CODE, short_code, "a code shred of less than 1228 bytes")                              \
    X(VERSION, version, "another cluster's shred version")                                         \
    X(LEGACY, legacy, "without a Merkle tree: no longer valid")                                    \
    X(UNCHAINED, unchained, "without the previous set's root: no longer valid")                    \
    X(PROOF_CNT, proof_cnt, "a Merkle tree of other than 64 leaves")                               \
    X(VARIANT, variant, "a variant that never existed")                                            \
    X(SLOT_FAR, slot_far, "a slot too far in the future")                                          \
    X(IDX_LIMIT, idx_limit, "an index beyond the largest block")                                   \
    X(SLOT_OLD, slot_old, "a slot that is rooted or older")                                        \
    X(SET_CNT, set_cnt, "a set of other than 32 and 32 shreds")                                    \
    X(PARENT_SELF, parent_self, "its slot is its own parent, or slot 0 has one")                   \
    X(PARENT_UNDERFLOW, parent_underflow, "a parent before slot 0")                                \
    X(PARENT_GENESIS, parent_genesis, "slot 0 as parent of a slot after 1")                        \
    X(PARENT_OLD, parent_old, "a parent older than the root")                                      \
    X(FLAGS, flags, "last of its slot, not of its batch")                                          \
    X(DATA_COMPLETE, data_complete, "a batch that ends inside a set")                              \
    X(LAST_IN_SLOT, last_in_slot, "a slot that ends inside a set")                                 \
    X(FEC_ALIGN, fec_align, "a set that begins at no multiple of 32")                              \
    X(FEC_LIMIT, fec_limit, "a set beyond the largest block")                                      \
    X(FEC_RANGE, fec_range, "an index outside its set")                                            \
    X(POSITION, position, "a code shred's position that is not its index in the set")              \
    X(SIZE, size, "a size below its headers or above its room")

typedef enum qs_shred_reason {
#define QS_SHRED_ENUM_(id, name, text) QS_SHRED_R_##id,
    QS_SHRED_REASONS(QS_SHRED_ENUM_)
#undef QS_SHRED_ENUM_
        QS_SHRED_REASON_CNT
} qs_shred_reason_t;

/* qs_shred_reason_name returns "short_data" and the like, qs_shred_reason_text the sentence. */
char const *qs_shred_reason_name(qs_shred_reason_t reason);
char const *qs_shred_reason_text(qs_shred_reason_t reason);

/* What a node knows that decides which shreds it takes. */
#define QS_SHRED_NO_ROOT UINT64_MAX
typedef struct qs_shred_filter {
    u16 version;   /* 0: any */
    u64 root;      /* QS_SHRED_NO_ROOT: no slot is too old or too far */
    u64 slot_max;  /* the last slot that is not too far; qs_shred_filter_root sets both */
    u32 idx_limit; /* QS_SHRED_IDX_LIMIT, or less where slots are shorter than 400 ms */
} qs_shred_filter_t;

/* qs_shred_filter_root moves the filter to a new root. */
void qs_shred_filter_root(qs_shred_filter_t *filter, u64 root, u64 slots_per_epoch);

/* qs_shred_parse reads and validates one shred at the start of sz bytes; what stands behind it is
   not looked at.  Fills *shred and returns QS_SHRED_R_OK, or the reason, *shred then being void.
   Signature and Merkle proof are not looked at. */
qs_shred_reason_t qs_shred_parse(qs_shred_t *shred, u8 const *data, u64 sz,
                                 qs_shred_filter_t const *filter);

/* qs_shred_encode writes the headers of *shred, bytes [64, layout->hdr_sz), and nothing else. */
void qs_shred_encode(u8 *data, qs_shred_t const *shred);

/* qs_shred_leaf returns the shred's index among the 64 leaves of its set: data first. */
QS_INLINE u32
qs_shred_leaf(qs_shred_t const *shred)
{
    return shred->layout->code ? QS_SHRED_SET_CNT + shred->pos : shred->idx - shred->fec_idx;
}

/* qs_shred_signed_sz returns how many bytes two copies of one shred have in common: all but the
   signature of whoever sent it on. */
QS_INLINE u32
qs_shred_signed_sz(qs_shred_layout_t const *layout)
{
    return layout->resigned ? layout->resign_off : layout->sz;
}

#endif

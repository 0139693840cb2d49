/* qs_txn - a transaction as it comes over the wire: which bytes are what, or why it is none.

       legacy, v0   ns | ns x signature | [0x80] nr rs ru | na, keys | blockhash | ni, instructions | [nl, lookups]
                                        '------------------ what is signed -------------------------------------'
       v1           0x81 nr rs ru | mask | blockhash | ni na | keys | values | ni x header | ni x payload | nr x signature
                    '----------------------------- what is signed -----------------------------------'

   One pass over the bytes fills a descriptor of offsets, which travels behind the transaction from
   tile to tile (DESIGN, verify -> dedup -> poh) and is all that a reader needs.  Nothing is
   copied.  Signatures are not judged here: qs_ed25519 does that with what the descriptor names.

   Rules: SIMD-0160 (64 instructions), SIMD-0406 (255 accounts each), SIMD-0385 (v1).  Duplicate
   keys are well formed in legacy and v0; v1 forbids them.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_TXN_H
#define QS_WALTZ_CODEC_TXN_H

#include "tango/base/qs_base.h"

#define QS_TXN_SZ_MAX        1232u /* legacy and v0, signatures included */
#define QS_TXN_V1_SZ_MAX     4096u
#define QS_TXN_SIGNATURE_MAX 12u
#define QS_TXN_ACCOUNT_MAX   64u /* static and looked up, together */
#define QS_TXN_INSTR_MAX     64u
#define QS_TXN_LOOKUP_MAX    127u /* may be announced; only 63 fit the accounts */
#define QS_TXN_KEY_SZ        32u
#define QS_TXN_SIGNATURE_SZ  64u

/* Why bytes are no transaction: the first that was found, on the way from the front.  With a prefix
   the list gives a tile its counters. */
/* clang-format off */
#define QS_TXN_REASONS_AS(X, pre)                                                                 \
    X(pre##empty,             "no bytes at all")                                                  \
    X(pre##oversize,          "longer than its version allows")                                   \
    X(pre##v1_off,            "version 1 while that is switched off")                             \
    X(pre##signature_cnt,     "no signature, or more than 12")                                    \
    X(pre##version,           "a version that does not exist, or not in that place")              \
    X(pre##truncated,         "ends inside a field")                                              \
    X(pre##trailing,          "bytes behind the last field")                                      \
    X(pre##cu16,              "a compact-u16 that is not the shortest, or above 65535")           \
    X(pre##signer_cnt,        "requires another number of signatures than it carries")            \
    X(pre##readonly_signed,   "no signer that may pay: all are read-only")                        \
    X(pre##account_few,       "fewer accounts than its header counts")                            \
    X(pre##account_many,      "more than 64 accounts, looked up ones included")                   \
    X(pre##instr_cnt,         "more than 64 instructions")                                        \
    X(pre##no_program,        "instructions, but no account besides the fee payer")               \
    X(pre##program,           "a program index that is 0 or beyond the static accounts")          \
    X(pre##instr_account_cnt, "an instruction with more than 255 accounts")                       \
    X(pre##account_idx,       "an account index beyond the accounts")                             \
    X(pre##lookup_cnt,        "more than 127 address table lookups")                              \
    X(pre##lookup_empty,      "a lookup that looks nothing up")                                   \
    X(pre##config_mask,       "version 1: a configuration bit that is not defined")               \
    X(pre##config_fee,        "version 1: half of the priority fee")                              \
    X(pre##config_heap,       "version 1: a heap size that is odd, too small or too large")       \
    X(pre##account_twice,     "version 1: the same account twice")
/* clang-format on */

#define QS_TXN_REASONS(X) QS_TXN_REASONS_AS(X, )

#define QS_TXN_REASON_ENUM_(name, help) QS_TXN_REASON_##name,

typedef enum qs_txn_reason {
    QS_TXN_OK,
    QS_TXN_REASONS(QS_TXN_REASON_ENUM_) QS_TXN_REASON_CNT
} qs_txn_reason_t;

typedef enum qs_txn_version { QS_TXN_V0 = 0, QS_TXN_V1 = 1, QS_TXN_LEGACY = 255 } qs_txn_version_t;

/* How to parse; or'ed together. */
#define QS_TXN_IN_ENTRY 1u /* stop behind the last field: other bytes follow */
#define QS_TXN_ALLOW_V1 2u

/* qs_txn_t.flags */
#define QS_TXN_SIMPLE_VOTE 1u

/* qs_txn_t.config_mask: which values stand at config_off, in this order */
#define QS_TXN_CONFIG_FEE   3u  /* u64, lamports: two bits that go together */
#define QS_TXN_CONFIG_CU    4u  /* u32, compute units */
#define QS_TXN_CONFIG_DATA  8u  /* u32, bytes of accounts that may be loaded */
#define QS_TXN_CONFIG_HEAP  16u /* u32, bytes, in units of 1024 */
#define QS_TXN_CONFIG_ALL   31u
#define QS_TXN_HEAP_SZ_MIN  32768u
#define QS_TXN_HEAP_SZ_MAX  262144u
#define QS_TXN_HEAP_SZ_STEP 1024u

/* Offsets count from the transaction's first byte. */
typedef struct qs_txn_instr {
    u16 accounts_off; /* account_cnt indices, a byte each */
    u16 data_off;
    u16 data_sz;
    u8 program; /* index of its account */
    u8 account_cnt;
} qs_txn_instr_t;

typedef struct qs_txn_lookup {
    u16 key_off;      /* of the address table */
    u16 writable_off; /* indices into it, a byte each */
    u16 readonly_off;
    u8 writable_cnt;
    u8 readonly_cnt;
} qs_txn_lookup_t;

typedef union qs_txn_part {
    qs_txn_instr_t instr;
    qs_txn_lookup_t lookup;
} qs_txn_part_t;

#define QS_TXN_ABI 1u /* goes up whenever a field below or above changes its place or meaning */

/* The descriptor: 32 bytes, then instructions, then lookups, 8 bytes each; qs_txn_desc_sz of it are
   used.  Accounts count static keys first, then all that is looked up writable, then all
   that is looked up read-only. */
typedef struct qs_txn {
    u16 abi;
    u8 version; /* qs_txn_version_t */
    u8 flags;
    u8 signature_cnt;
    u8 readonly_signed_cnt;   /* the last of the signers */
    u8 readonly_unsigned_cnt; /* the last of the static accounts */
    u8 account_cnt;           /* static */
    u8 instr_cnt;
    u8 lookup_cnt;
    u8 lookup_writable_cnt; /* of all lookups */
    u8 lookup_readonly_cnt;
    u8 config_mask; /* version 1 */
    u8 pad[3];
    u16 sz; /* of the whole transaction */
    u16 signature_off;
    u16 message_off; /* what is signed */
    u16 message_sz;
    u16 account_off;
    u16 blockhash_off;
    u16 config_off;
    u16 pad2;
    qs_txn_part_t part[QS_TXN_INSTR_MAX + QS_TXN_ACCOUNT_MAX];
} qs_txn_t;

_Static_assert(QS_TXN_ABI == 1 && sizeof(qs_txn_part_t) == 8 && offsetof(qs_txn_t, sz) == 16 &&
                   offsetof(qs_txn_t, part) == 32 && sizeof(qs_txn_t) == 32 + 8 * 128,
               "link ABI: a change here is a new QS_TXN_ABI");

/* qs_txn_parse fills txn from the sz bytes at data.  Returns QS_TXN_OK or the reason; then *txn is
   garbage.  With QS_TXN_IN_ENTRY sz is what is left of the batch, and txn->sz says how much of
   it was taken. */
qs_txn_reason_t qs_txn_parse(qs_txn_t *txn, u8 const *data, u64 sz, u32 how);

/* qs_txn_reason_name returns "truncated", ..: stable, for counters and JSON; "ok" for QS_TXN_OK.
   qs_txn_reason_help says it in words. */
char const *qs_txn_reason_name(qs_txn_reason_t reason);
char const *qs_txn_reason_help(qs_txn_reason_t reason);

/* qs_txn_version_name returns "legacy", "0" or "1". */
char const *qs_txn_version_name(u8 version);

/* qs_txn_valid says whether the desc_sz bytes at txn are a descriptor that leads nowhere outside
   a transaction of sz bytes: what a tile asks before it follows a neighbour's. */
bool qs_txn_valid(qs_txn_t const *txn, u64 desc_sz, u64 sz);

/* The vote program, Vote111111111111111111111111111111111111111. */
extern u8 const qs_txn_vote_program[QS_TXN_KEY_SZ];

/* qs_txn_desc_sz returns how many bytes of the descriptor are used. */
QS_INLINE u32
qs_txn_desc_sz(qs_txn_t const *txn)
{
    return (u32)(offsetof(qs_txn_t, part) +
                 ((u32)txn->instr_cnt + txn->lookup_cnt) * sizeof(qs_txn_part_t));
}

QS_INLINE qs_txn_instr_t const *
qs_txn_instr(qs_txn_t const *txn, u32 idx)
{
    return &txn->part[idx].instr;
}

QS_INLINE qs_txn_lookup_t const *
qs_txn_lookup(qs_txn_t const *txn, u32 idx)
{
    return &txn->part[txn->instr_cnt + idx].lookup;
}

/* qs_txn_is_simple_vote says what the vote port lets through: legacy, one or two signatures, one
   instruction, to the vote program. */
QS_INLINE bool
qs_txn_is_simple_vote(qs_txn_t const *txn)
{
    return txn->flags & QS_TXN_SIMPLE_VOTE;
}

/* qs_txn_is_writable says whether account idx, of all, may be written. */
bool qs_txn_is_writable(qs_txn_t const *txn, u32 idx);

#endif

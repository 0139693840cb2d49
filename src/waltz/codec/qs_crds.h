/* qs_crds - a value of the cluster's replicated data store: something a node says, signed.

       signature 64 | tag u32 | fields          the signature is over all behind it

   What parse accepts is well-formed by the rules of 2026 (spec of gossip §4): all that can be
   judged by the bytes alone.  A value is known by its bytes as they came: they are what is
   verified, hashed, kept and forwarded, never a re-encoding (§4.12).

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_CRDS_H
#define QS_WALTZ_CODEC_CRDS_H

#include "waltz/codec/qs_reader.h"

#define QS_CRDS_SIG_SZ      64u
#define QS_GOSSIP_CLOCK_MAX 1000000000000000ull /* wallclocks and slots are below */

/* Why a datagram is refused: X(arg, name, what a person is told), so that names can be given a prefix. */
#define QS_GOSSIP_REASONS(X, arg)                                                                  \
    X(arg, oversize, "longer than 1232 bytes")                                                     \
    X(arg, cut, "ends in the middle of a field")                                                   \
    X(arg, trailing, "bytes behind the message")                                                   \
    X(arg, kind, "unknown message")                                                                \
    X(arg, empty, "no values")                                                                     \
    X(arg, count, "more values than fit")                                                          \
    X(arg, option, "an option byte that is neither 0 nor 1")                                       \
    X(arg, varint, "a number that is not in its shortest form, or too large")                      \
    X(arg, bitmap, "a bit vector longer than its words")                                           \
    X(arg, value_kind, "unknown kind of value")                                                    \
    X(arg, dead_kind, "a kind of value that is no longer used")                                    \
    X(arg, wallclock, "a time beyond 10^15 ms")                                                    \
    X(arg, caller, "a pull request whose value is no ContactInfo")                                 \
    X(arg, mask, "a pull request's mask of less than 6 or more than 63 bits")                      \
    X(arg, prune_from, "a prune in somebody else's name")                                          \
    X(arg, vote_index, "a vote's index of 32 or more")                                             \
    X(arg, vote_txn, "a vote whose transaction is none")                                           \
    X(arg, lowest_slot, "a LowestSlot with fields in use that are dead, or a slot beyond 10^15")   \
    X(arg, epoch_slots, "EpochSlots with an index, slot or count out of range")                    \
    X(arg, duplicate, "a DuplicateShred with an index or chunk out of range")                      \
    X(arg, snapshot, "SnapshotHashes with a slot out of range or out of order")                    \
    X(arg, restart, "a restart value with an unknown form")                                        \
    X(arg, ipv6, "an address that is not IPv4")                                                    \
    X(arg, addr_repeated, "an address twice in a ContactInfo")                                     \
    X(arg, addr_unused, "an address in a ContactInfo that no socket uses")                         \
    X(arg, socket_index, "a socket with an address that is not there")                             \
    X(arg, socket_key, "two sockets of one key")                                                   \
    X(arg, socket_port, "a port beyond 65535")

typedef enum qs_gossip_reason {
    QS_GOSSIP_ok, /* well-formed */
#define QS_GOSSIP_REASON_(arg, name, text) QS_GOSSIP_##name,
    QS_GOSSIP_REASONS(QS_GOSSIP_REASON_, )
#undef QS_GOSSIP_REASON_
        QS_GOSSIP_REASON_CNT
} qs_gossip_reason_t;

/* qs_gossip_reason_name returns "cut" and the like, qs_gossip_reason_text what it means. */
char const *qs_gossip_reason_name(qs_gossip_reason_t reason);
char const *qs_gossip_reason_text(qs_gossip_reason_t reason);

typedef enum qs_crds_kind {
    QS_CRDS_VOTE = 1,
    QS_CRDS_LOWEST_SLOT = 2,
    QS_CRDS_EPOCH_SLOTS = 5,
    QS_CRDS_DUPLICATE_SHRED = 9,
    QS_CRDS_SNAPSHOT_HASHES = 10,
    QS_CRDS_CONTACT_INFO = 11,
    QS_CRDS_RESTART_SLOTS = 12,
    QS_CRDS_RESTART_FORK = 13,
    QS_CRDS_KIND_CNT = 14
} qs_crds_kind_t;

/* What of a ContactInfo decides whether it is worth more than a look. */
typedef struct qs_contact_brief {
    u64 outset;      /* us */
    u32 gossip_ip;   /* 10.0.0.1 is 0x0a000001 */
    u16 gossip_port; /* 0: it names none that can be sent to */
    u16 shred_version;
} qs_contact_brief_t;

/* A value in a datagram.  Its label, by which one replaces another, is kind, index, origin. */
typedef struct qs_crds {
    u16 off, sz;                /* of all of it: signature 64, then the data that it is over */
    u16 origin_off;             /* the 32 bytes of the key that signs */
    u16 body_off;               /* behind the data's tag */
    u8 kind;                    /* qs_crds_kind_t */
    u16 index;                  /* of a vote, EpochSlots, DuplicateShred; else 0 */
    u64 wallclock;              /* ms */
    qs_contact_brief_t contact; /* of a ContactInfo; else 0 */
} qs_crds_t;

/* qs_crds_parse says where the parts of the value of sz bytes at data lie (offsets from data); it
   takes all of them. */
qs_gossip_reason_t qs_crds_parse(u8 const *data, u32 sz, qs_crds_t *value);

/* qs_crds_read is qs_crds_parse for a value in the middle of a datagram; r moves behind it. */
qs_gossip_reason_t qs_crds_read(qs_reader_t *r, qs_crds_t *value);

/* qs_gossip_fault is the reason that a reader's fault comes to. */
qs_gossip_reason_t qs_gossip_fault(qs_reader_t const *r);

/* The writers below write a value's data, its tag first, which is what its origin signs.  They
   return its bytes, or 0 if room_sz does not do.  qs_contact_write is the one for ContactInfo. */

u32 qs_crds_write_vote(u8 *room, u32 room_sz, u8 const from[32], u8 index, u8 const *txn,
                       u32 txn_sz, u64 wallclock);
u32 qs_crds_write_lowest_slot(u8 *room, u32 room_sz, u8 const from[32], u64 lowest, u64 wallclock);

/* qs_crds_write_epoch_slots writes one run of bit_cnt / 8 bytes, uncompressed. */
u32 qs_crds_write_epoch_slots(u8 *room, u32 room_sz, u8 const from[32], u8 index, u64 first_slot,
                              u8 const *bits, u32 bit_cnt, u64 wallclock);

typedef struct qs_crds_chunk {
    u64 slot;
    u8 cnt, idx; /* chunks of the proof, and which this is */
    u8 const *data;
    u32 sz;
} qs_crds_chunk_t;

u32 qs_crds_write_duplicate_shred(u8 *room, u32 room_sz, u8 const from[32], u16 index,
                                  qs_crds_chunk_t const *chunk, u64 wallclock);

typedef struct qs_crds_snapshot {
    u64 slot;
    u8 hash[32];
} qs_crds_snapshot_t;

/* snapshot[0] is the full one, the others incremental ones above it. */
u32 qs_crds_write_snapshot_hashes(u8 *room, u32 room_sz, u8 const from[32],
                                  qs_crds_snapshot_t const *snapshot, u32 cnt, u64 wallclock);

typedef struct qs_crds_restart {
    u64 slot;
    u8 hash[32];
    u16 shred_version;
    u64 stake;      /* RestartHeaviestFork */
    u8 const *bits; /* RestartLastVotedForkSlots: bit i is slot - i */
    u32 bit_cnt;
} qs_crds_restart_t;

u32 qs_crds_write_restart_slots(u8 *room, u32 room_sz, u8 const from[32],
                                qs_crds_restart_t const *restart, u64 wallclock);
u32 qs_crds_write_restart_fork(u8 *room, u32 room_sz, u8 const from[32],
                               qs_crds_restart_t const *restart, u64 wallclock);

#endif

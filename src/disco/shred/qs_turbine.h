/* qs_turbine - who sends a shred on to whom.  Spec: turbine.md.

       stakes of the epoch --add_stake--+                       per shred, seeded by its id and leader:
       contacts of gossip --add_peer----+--> end: node list --> a shuffle by stake, a tree of fan-out 200

                                        0                       the root: the leader sends to it
                              1   2   3  ..  200                layer 1
                            201 ..                              layer 2: children of i are i + 200 k

   Every node computes the same tree.  A node outside the root and layer 1 has no children while the
   cluster has at most 40201 nodes, which is known after 201 draws of the shuffle.

   Threads: one.  Blocks: never.  Allocates: never; the memory is the caller's. */

#ifndef QS_DISCO_SHRED_TURBINE_H
#define QS_DISCO_SHRED_TURBINE_H

#include "tango/base/qs_hash.h"
#include "tango/qs_tcache.h"

#define QS_TURBINE_FANOUT     200u
#define QS_TURBINE_STAKED_MAX 16384u
#define QS_TURBINE_NODE_MAX   131072u
#define QS_TURBINE_NONE       UINT32_MAX
#define QS_TURBINE_KEY_SZ     32u

/* Why a peer, a stake, or a shred to be sent on is refused. */
#define QS_TURBINE_REASONS(X)                                                                      \
    X(OK, ok, "valid")                                                                             \
    X(PORT, port, "a peer with port 0")                                                            \
    X(UNSPECIFIED, unspecified, "a peer with address 0.0.0.0 or 255.255.255.255")                  \
    X(MULTICAST, multicast, "a peer with a multicast or reserved address")                         \
    X(PRIVATE, private, "a peer with a private or loopback address in a public cluster")           \
    X(ADDR_TWICE, addr_twice, "a peer with another's address and port")                            \
    X(IP_CROWDED, ip_crowded, "one peer too many at one address")                                  \
    X(VERSION, version, "a peer of another shred version")                                         \
    X(STAKE_ZERO, stake_zero, "a stake of 0")                                                      \
    X(STAKE_OVERFLOW, stake_overflow, "more stake than 64 bits can count")                         \
    X(TOO_MANY, too_many, "more nodes than there is room for")                                     \
    X(REPAIRED, repaired, "a shred that was repaired, not received from turbine")                  \
    X(REPEATED, repeated, "a shred that was sent on before")                                       \
    X(THIRD, third, "a third version of one shred")

typedef enum qs_turbine_reason {
#define QS_TURBINE_ENUM_(id, name, text) QS_TURBINE_R_##id,
    QS_TURBINE_REASONS(QS_TURBINE_ENUM_)
#undef QS_TURBINE_ENUM_
        QS_TURBINE_REASON_CNT
} qs_turbine_reason_t;

char const *qs_turbine_reason_name(qs_turbine_reason_t reason);
char const *qs_turbine_reason_text(qs_turbine_reason_t reason);

typedef struct qs_turbine_node {
    u8 key[QS_TURBINE_KEY_SZ];
    u64 stake;
    u32 ip;   /* as a number; with the port 0: no address known */
    u16 port; /* of its turbine socket */
} qs_turbine_node_t;

/* What a tree depends on. */
typedef struct qs_turbine_id {
    u64 slot;
    u32 idx;
    bool code;
    u8 const *leader; /* identity of the slot's leader */
} qs_turbine_id_t;

typedef struct qs_turbine_rules {
    u8 self[QS_TURBINE_KEY_SZ];
    u16 version;    /* shred version, 0: any */
    bool is_public; /* addresses must be global, and no two nodes share one */
    u32 per_ip_max; /* nodes at one address, in a public cluster */
} qs_turbine_rules_t;

typedef struct qs_turbine qs_turbine_t;

/* qs_turbine_footprint returns the bytes needed for node_max nodes, 0 if that is 0 or above
   QS_TURBINE_NODE_MAX. */
u64 qs_turbine_footprint(u32 node_max);

/* qs_turbine_init formats mem, aligned to QS_ALIGN, with no nodes. */
qs_turbine_t *qs_turbine_init(void *mem, u32 node_max, qs_hash_key_t key);

/* A list is made by begin, any number of adds in any order, and end.  Stakes of one identity add up;
   of two contacts of one identity the later counts.  Between begin and end there is no tree.
   end counts the addresses that it drops in rejected[], by reason. */
void qs_turbine_begin(qs_turbine_t *t, qs_turbine_rules_t const *rules);
qs_turbine_reason_t qs_turbine_add_stake(qs_turbine_t *t, u8 const key[QS_TURBINE_KEY_SZ],
                                         u64 stake);
qs_turbine_reason_t qs_turbine_add_peer(qs_turbine_t *t, u8 const key[QS_TURBINE_KEY_SZ], u32 ip,
                                        u16 port, u16 version);
void qs_turbine_end(qs_turbine_t *t, u64 rejected[QS_TURBINE_REASON_CNT]);

/* The list, in the order that the shuffle starts from: most stake first, then largest key, those
   without stake last. */
u32 qs_turbine_cnt(qs_turbine_t const *t);
u32 qs_turbine_staked_cnt(qs_turbine_t const *t);
u32 qs_turbine_self(qs_turbine_t const *t);
qs_turbine_node_t const *qs_turbine_node(qs_turbine_t const *t, u32 idx);

/* qs_turbine_find returns the index of an identity, QS_TURBINE_NONE if it is not in the list. */
u32 qs_turbine_find(qs_turbine_t const *t, u8 const key[QS_TURBINE_KEY_SZ]);

/* qs_turbine_root returns whom the leader, that is ourselves, sends a shred to, QS_TURBINE_NONE if
   it is alone.  The node may have no address. */
u32 qs_turbine_root(qs_turbine_t *t, qs_turbine_id_t const *id);

/* qs_turbine_children writes whom we send a shred on to, and returns how many.  They may have no
   address. */
u32 qs_turbine_children(qs_turbine_t *t, qs_turbine_id_t const *id, u32 child[QS_TURBINE_FANOUT]);

/* qs_turbine_parent returns who sends us a shred; QS_TURBINE_NONE: the leader does, or we are not in
   the tree. */
u32 qs_turbine_parent(qs_turbine_t *t, qs_turbine_id_t const *id);

/* qs_turbine_resigner returns the key that must have signed a resigned shred that came from turbine,
   or null where it may be anybody's: we have no stake, or the leader is our parent. */
u8 const *qs_turbine_resigner(qs_turbine_t *t, qs_turbine_id_t const *id);

/* Which shreds are sent on: each once, and of one (slot, index, kind) at most two versions, so that
   the proof of a leader who made two spreads and a flood of them does not. */
typedef struct qs_relay {
    qs_tcache_t seen;
    qs_hash_key_t key;
} qs_relay_t;

/* qs_relay_footprint returns the bytes needed to remember depth shreds, 0 if that is too many. */
u64 qs_relay_footprint(u64 depth);

/* qs_relay_init formats mem, aligned to QS_ALIGN. */
void qs_relay_init(qs_relay_t *relay, void *mem, u64 depth, qs_hash_key_t key);

/* qs_relay_check says whether a valid shred is sent on, and remembers it if so.  header is its first
   83 bytes. */
qs_turbine_reason_t qs_relay_check(qs_relay_t *relay, u8 const *header, bool repaired);

#endif

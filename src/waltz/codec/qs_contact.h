/* qs_contact - ContactInfo: who a node is, what it runs and where it can be reached.

       pubkey 32 | wallclock varint | outset u64 | shred version u16
       version: major, minor, patch varint16, commit u32, features u32, client varint16
       addrs   cu16 of IpAddr         every one used, none twice, IPv4
       sockets cu16 of { key u8, addr index u8, port as varint16 over the one before }
       extensions cu16 of { type u8, cu16 of bytes }     framed, never understood

   Source: spec of gossip §4.7; solana-gossip contact_info.rs.  A socket whose port is 0, or
   whose address nobody can send to, is as good as not there.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_CONTACT_H
#define QS_WALTZ_CODEC_CONTACT_H

#include "waltz/codec/qs_crds.h"

/* The keys of sockets that mean something to somebody. */
typedef enum qs_contact_key {
    QS_CONTACT_GOSSIP = 0,
    QS_CONTACT_SERVE_REPAIR_QUIC = 1,
    QS_CONTACT_RPC = 2,
    QS_CONTACT_RPC_PUBSUB = 3,
    QS_CONTACT_SERVE_REPAIR = 4,
    QS_CONTACT_TPU = 5,
    QS_CONTACT_TPU_FORWARDS = 6,
    QS_CONTACT_TPU_FORWARDS_QUIC = 7,
    QS_CONTACT_TPU_QUIC = 8,
    QS_CONTACT_TPU_VOTE = 9,
    QS_CONTACT_TVU = 10,
    QS_CONTACT_TVU_QUIC = 11,
    QS_CONTACT_TPU_VOTE_QUIC = 12,
    QS_CONTACT_ALPENGLOW = 13,
    QS_CONTACT_KEY_CNT = 14
} qs_contact_key_t;

typedef struct qs_contact_socket {
    u32 ip;   /* 10.0.0.1 is 0x0a000001 */
    u16 port; /* 0: none */
} qs_contact_socket_t;

typedef struct qs_contact {
    u8 pubkey[32];
    u64 wallclock; /* ms */
    u64 outset;    /* us: when this instance began */
    u16 shred_version;
    u16 major, minor, patch; /* minor as on the wire: its two highest bits are the channel */
    u16 client;
    u32 commit, features;
    qs_contact_socket_t socket[QS_CONTACT_KEY_CNT];
} qs_contact_t;

/* qs_contact_parse reads the ContactInfo in the sz bytes at body, which is the data of a value
   behind its tag; it takes all of them.  Returns QS_GOSSIP_ok or why not; out may be NULL. */
qs_gossip_reason_t qs_contact_parse(u8 const *body, u32 sz, qs_contact_t *out);

/* qs_contact_skim checks as qs_contact_parse does a ContactInfo in the middle of a datagram, and r moves
   behind it; of the contact it tells only what is in brief. */
qs_gossip_reason_t qs_contact_skim(qs_reader_t *r, qs_contact_brief_t *brief);

/* qs_contact_write writes c as the data of a value, tag first; sockets without a port are left out.
   Returns its bytes, or 0 if room_sz does not do.  No more than 400 bytes are ever needed. */
u32 qs_contact_write(qs_contact_t const *c, u8 *room, u32 room_sz);

#endif

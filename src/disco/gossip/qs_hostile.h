/* qs_hostile - what an enemy of a gossip node sends it, for the lab: of each kind in turn, from addresses of
   its own that never answered a ping (strangers) and from forged ones of the crowd's members.

       forged      pushes of members' ContactInfos with a wrong signature, from members and from strangers
       newer       the same, of now: nobody can tell that they are wrong but by their signatures
       replayed    the same pings again and again
       unproven    well-signed pull requests of a stranger
       lying       well-signed ContactInfos that name another stranger's address
       untimely    well-signed ContactInfos of an hour ago and an hour ahead
       foreign     well-signed prunes that are for somebody else
       greedy      one member's pull requests with an empty filter
       garbage     bytes

   It counts for each stranger what went from its address and what came to it: nobody may be sent more than
   he sent.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_HOSTILE_H
#define QS_DISCO_GOSSIP_HOSTILE_H

#include "disco/gossip/qs_crowd.h"

#define QS_HOSTILE_STRANGERS 1024u
#define QS_HOSTILE_SAMPLES   16u /* made of each kind that takes signatures, anew while time passes */
#define QS_HOSTILE_NEW_MS    4000u

typedef enum qs_hostile_kind {
    QS_HOSTILE_FORGED,
    QS_HOSTILE_FORGED_STRANGER,
    QS_HOSTILE_NEWER,
    QS_HOSTILE_REPLAYED,
    QS_HOSTILE_REPLAYED_STRANGER,
    QS_HOSTILE_UNPROVEN,
    QS_HOSTILE_LYING,
    QS_HOSTILE_UNTIMELY,
    QS_HOSTILE_FOREIGN,
    QS_HOSTILE_GREEDY,
    QS_HOSTILE_GARBAGE,
    QS_HOSTILE_KIND_CNT
} qs_hostile_kind_t;

typedef struct qs_hostile {
    qs_crowd_t const *crowd; /* whose members it pretends to be */
    u32 base_ip;             /* of the strangers */
    qs_rng_t rng;
    u8 secret[32], pubkey[32];
    u64 made_ms;
    u32 next; /* kind */
    struct qs_hostile_sample {
        u32 sz;
        u8 data[QS_GOSSIP_MTU];
    } sample[QS_HOSTILE_KIND_CNT][QS_HOSTILE_SAMPLES];
    u8 out[QS_GOSSIP_MTU];
    u64 sent[QS_HOSTILE_STRANGERS], got[QS_HOSTILE_STRANGERS]; /* bytes */
} qs_hostile_t;

void qs_hostile_init(qs_hostile_t *h, qs_crowd_t const *crowd, u32 base_ip, u64 seed);

/* qs_hostile_make returns the bytes of the next datagram, and in *data and *from_ip what and where from. */
u32 qs_hostile_make(qs_hostile_t *h, u64 now_ms, u8 const **data, u32 *from_ip);

/* qs_hostile_received notes sz bytes that came to an address; those of members are none of its. */
void qs_hostile_received(qs_hostile_t *h, u32 to_ip, u32 sz);

/* qs_hostile_over returns how many strangers were sent more bytes than they sent. */
u32 qs_hostile_over(qs_hostile_t const *h);

#endif

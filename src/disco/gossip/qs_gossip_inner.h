/* qs_gossip_inner - what the files of qs_gossip_node share.

   Threads: the node's.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_INNER_H
#define QS_DISCO_GOSSIP_INNER_H

#include "disco/gossip/qs_gossip_node.h"
#include "waltz/crypto/qs_sha256.h"

#define QS_GOSSIP_PONG_SLOTS  4096u
#define QS_GOSSIP_ASKER_SLOTS 4096u

/* A batch of datagrams on its way through. */
struct qs_gossip_work {
    qs_gossip_check_t check;

    u8 upserted[QS_GOSSIP_CLAIM_MAX][32]; /* origins with something new, for prunes */
    u32 upserted_cnt;

    u64 word[QS_GOSSIP_MTU / 8]; /* of a filter that is being made */
    u32 slot[256];
    struct qs_gossip_parcel {
        u32 ip;
        u16 port;
        u32 sz; /* 0: free */
        u8 data[QS_GOSSIP_MTU];
    } parcel[64]; /* pushes being filled, by receiver */
};

#define QS_GOSSIP_UNSIGNED_MAX 256u

/* A message or value that is whole but for its signature. */
struct qs_gossip_unsigned {
    u32 tag; /* 0: free */
    u32 sz, sig_off;
    u64 since_ms;
    u32 ip;
    u16 port;
    u8 what; /* qs_gossip_unsigned_t */
    u8 data[QS_GOSSIP_MTU];
};

typedef enum qs_gossip_unsigned_what {
    QS_UNSIGNED_PRUNE = QS_GOSSIP_PRUNE, /* these three are sent */
    QS_UNSIGNED_PING = QS_GOSSIP_PING,
    QS_UNSIGNED_PONG = QS_GOSSIP_PONG,
    QS_UNSIGNED_CALLER, /* our ContactInfo: goes into pull requests ... */
    QS_UNSIGNED_SELF,   /* ... and into the table */
    QS_UNSIGNED_VALUE,  /* goes into the table */
} qs_gossip_unsigned_what_t;

/* qs_gossip_post asks for the signature over to_sign; then u goes its way.  Returns false if it could
   not be asked for, which is counted. */
bool qs_gossip_post(qs_gossip_node_t *n, struct qs_gossip_unsigned const *u, qs_gossip_role_t role,
                    u8 const *to_sign, u32 to_sign_sz, u64 now_ms);

/* qs_gossip_stake is the stake of a key, ours too. */
u64 qs_gossip_stake(qs_gossip_node_t const *n, u8 const *pubkey);

/* qs_gossip_contact_of reads the ContactInfo that the table has of a key; false: none. */
bool qs_gossip_contact_of(qs_gossip_node_t const *n, u8 const *pubkey, qs_contact_t *contact);

void qs_gossip_emit(qs_gossip_node_t *n, qs_gossip_kind_t kind, u32 ip, u16 port, u8 const *data,
                    u32 sz);
/* qs_gossip_ask pings a pair, unless it was asked just now.  qs_gossip_proven says whether it answered
   before, and asks if it is time to. */
void qs_gossip_ask(qs_gossip_node_t *n, u8 const *pubkey, u32 ip, u16 port, u64 now_ms);
bool qs_gossip_proven(qs_gossip_node_t *n, u8 const *pubkey, u32 ip, u16 port, u64 now_ms);

/* qs_gossip_refresh has our ContactInfo of now signed, for pull requests and, if it is said, for all. */
void qs_gossip_refresh(qs_gossip_node_t *n, bool say, u64 now_ms);

/* qs_gossip_may_answer says whether a pull request is within what is answered, all and its address; what is not
   is counted.  It takes nothing from that: its signature is to be checked still. */
bool qs_gossip_may_answer(qs_gossip_node_t *n, qs_gossip_datagram_t const *d,
                          qs_gossip_msg_t const *msg, u64 now_ms);

/* qs_gossip_answer answers a pull request whose caller was verified and proven. */
void qs_gossip_answer(qs_gossip_node_t *n, qs_gossip_datagram_t const *d,
                      qs_gossip_msg_t const *msg, u64 now_ms);

#endif

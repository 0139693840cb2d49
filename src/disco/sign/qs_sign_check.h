/* qs_sign_check - what the tile that holds the key signs, and for whom: nothing that could be taken for
   something else.

       kind      bytes that are asked for                            what is signed
       hello     none                                                nothing: the public key is told
       root      32: a merkle root                                   them
       value     the data of a CRDS value of ours                    them
       prune     u64 18, "\xffSOLANA_PRUNE_DATA", our prune          them
       ping      "SOLANA_PING_PONG", 16 of the asker's choice        them
       pong      "SOLANA_PING_PONG", 32 of somebody else's choice    their SHA-256

   A tile that was taken over can have signed what its role allows and no more: no transaction (all
   kinds but roots begin with what no transaction message can begin with, and a root is too short
   to be one), no root in gossip's name, no value in another's.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SIGN_CHECK_H
#define QS_DISCO_SIGN_CHECK_H

#include "tango/base/qs_base.h"

#define QS_SIGN_MTU 1232u /* bytes of a request */

typedef enum qs_sign_kind {
    QS_SIGN_HELLO,
    QS_SIGN_ROOT,
    QS_SIGN_VALUE,
    QS_SIGN_PRUNE,
    QS_SIGN_PING,
    QS_SIGN_PONG,
    QS_SIGN_KIND_CNT
} qs_sign_kind_t;

/* Which kinds a role may ask for: one bit each. */
#define QS_SIGN_ROLE_SHRED (1u << QS_SIGN_HELLO | 1u << QS_SIGN_ROOT)
#define QS_SIGN_ROLE_GOSSIP                                                                        \
    (1u << QS_SIGN_HELLO | 1u << QS_SIGN_VALUE | 1u << QS_SIGN_PRUNE | 1u << QS_SIGN_PING |        \
     1u << QS_SIGN_PONG)
#define QS_SIGN_ROLE_REPAIR (1u << QS_SIGN_HELLO | 1u << QS_SIGN_PONG)

typedef enum qs_sign_refusal {
    QS_SIGN_GRANTED,
    QS_SIGN_NOT_ITS_ROLE, /* unknown kind, or not one of the asker's */
    QS_SIGN_NOT_ITS_FORM, /* the bytes are not what the kind says */
    QS_SIGN_NOT_OURS,     /* they speak for another key */
} qs_sign_refusal_t;

/* qs_sign_check judges sz bytes at data, asked for as kind by who has role. */
qs_sign_refusal_t qs_sign_check(u32 kind, u32 role, u8 const public_key[32], u8 const *data,
                                u32 sz);

#endif

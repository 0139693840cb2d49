/* qs_resign - shreds of a slot's last set wait here until we have signed their root, which is what whoever
   sends them on must do.  Spec: shred.md 6, turbine.md 7.

       request for net --push--> [ .. ring of QS_RESIGN_WAIT_CNT .. ] --peek, pop--> net
                                            | root, by tag
                           QS_RESIGN_ROOT_CNT roots: asked for, or signed

   One signature does for a set.  A request leaves in its turn, when its root is signed.  The oldest root makes
   room for a new one; what still waited for it is dropped and counted.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_RESIGN_H
#define QS_DISCO_SHRED_RESIGN_H

#include "disco/qs_format.h"
#include "waltz/codec/qs_shred.h"

#define QS_RESIGN_ROOT_CNT 64u
#define QS_RESIGN_WAIT_CNT 512u
#define QS_RESIGN_TAG_MASK 0x7fffffu /* tags stay within it */

typedef struct qs_resign_root {
    u64 seq; /* counts roots from 1; 0: none is here */
    u32 tag;
    bool is_signed;
    u8 root[QS_SHRED_ROOT_SZ];
    u8 sig[QS_SHRED_SIG_SZ];
} qs_resign_root_t;

typedef struct qs_resign_wait {
    u64 seq; /* of its root */
    u32 sz;
    u8 request[QS_SEND_MTU]; /* qs_send_t; its payload's last bytes are the signature's place */
} qs_resign_wait_t;

typedef struct qs_resign {
    u32 first_tag;
    u64 seq; /* of the newest root */
    u64 pop, end;
    u64 dropped; /* requests whose root had to go */
    u64 stray;   /* signatures that nobody waited for */
    qs_resign_root_t root[QS_RESIGN_ROOT_CNT];
    qs_resign_wait_t wait[QS_RESIGN_WAIT_CNT];
} qs_resign_t;

/* qs_resign_init formats r; first_tag is whatever an earlier life is unlikely to have used. */
void qs_resign_init(qs_resign_t *r, u32 first_tag);

/* qs_resign_find returns the record of a root.  If *is_new the caller asks for its signature, under its
   tag. */
qs_resign_root_t *qs_resign_find(qs_resign_t *r, u8 const root[QS_SHRED_ROOT_SZ], bool *is_new);

/* qs_resign_room returns QS_SEND_MTU bytes for a request, null if too many wait.  qs_resign_push lets what was
   written there, sz bytes, wait for its root's signature. */
u8 *qs_resign_room(qs_resign_t *r);
void qs_resign_push(qs_resign_t *r, qs_resign_root_t const *root, u32 sz);

/* qs_resign_signed takes the signature that was asked for under tag. */
void qs_resign_signed(qs_resign_t *r, u32 tag, u8 const sig[QS_SHRED_SIG_SZ]);

/* qs_resign_peek returns the oldest request, signed, and its size; null if there is none or it has to wait.
   qs_resign_pop is done with it. */
u8 const *qs_resign_peek(qs_resign_t *r, u32 *sz);
void qs_resign_pop(qs_resign_t *r);

#endif

/* qs_peers - who is in the cluster and where, for those who are not gossip: the turbine tree, repair,
   `quickstep gossip peers`.

   An object in shared memory with a row for each origin of the table whose ContactInfo is known, our own
   too.  The gossip tile alone writes it (qs_gossip_rows): within half a second of a ContactInfo's
   insertion, change, expiry or eviction its row is there, is changed, or is gone.  A tile that a link
   joins to gossip finds it among ctx->shared; who starts late or again sees all there is.  A gossip tile
   that is started again empties it, and fills it as it finds the others again.

   Anybody may read a row at any time and is told whether it was whole:

       writer                                   reader
       W1  version <- odd         relaxed       R1  version                 acquire  (pairs with W4)
       W2  fence                  release           copy of the row         (qs_racy_copy)
       W3  the row                              R2  fence                   acquire  (pairs with W2)
       W4  version <- even        release       R3  version                 relaxed
                                                whole if R1 is even and R3 is the same

   Most writes say only that somebody is still there.  `news` grows (release) after each that changes
   what the turbine tree or repair depend on: who is there, its addresses, stake, instance or shred
   version.  Who loads it (acquire), then reads all rows, need not look again until it has grown.

   Threads: one writer, any readers, also when it is dead.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_PEERS_H
#define QS_DISCO_GOSSIP_PEERS_H

#include "waltz/codec/qs_contact.h"

#define QS_PEERS_MAX (1u << 24)

/* The sockets that others ask for. */
typedef enum qs_peers_socket {
    QS_PEERS_GOSSIP,
    QS_PEERS_TVU,
    QS_PEERS_SERVE_REPAIR,
    QS_PEERS_TPU_QUIC,
    QS_PEERS_TPU, /* transactions over UDP */
    QS_PEERS_SOCKET_CNT
} qs_peers_socket_t;

typedef struct qs_peers_row {
    u8 pubkey[32];
    u64 stake;     /* lamports */
    u64 wallclock; /* ms: when it said so */
    u64 outset;    /* us: when that instance began */
    u64 ordinal;   /* of its ContactInfo in the table: changes whenever that does */
    u32 ip[QS_PEERS_SOCKET_CNT];
    u16 port[QS_PEERS_SOCKET_CNT]; /* 0: none */
    u16 shred_version;
    u16 major, minor, patch, client;
    u8 used;   /* 0: there is nobody here (any more) */
    u8 proven; /* its gossip address answered a ping */
    u8 own;    /* that is we */
    u8 pad[5]; /* none in between: rows are compared byte by byte */
} qs_peers_row_t;

typedef struct qs_peers {
    u64 magic;
    u32 max;
    u32 cnt;  /* rows in use */
    u64 news; /* writes that changed more than times */
    u64 pad[5];
    struct qs_peers_slot {
        u64 version;
        qs_peers_row_t row;
    } slot[];
} qs_peers_t;

_Static_assert(sizeof(qs_peers_row_t) == 112, "shared memory ABI, without holes");

/* qs_peers_footprint returns the bytes for max rows, 1 .. QS_PEERS_MAX, or 0. */
u64 qs_peers_footprint(u32 max);

/* qs_peers_new formats mem, footprint bytes and QS_ALIGN aligned, without anybody in it.  Returns 0 or
   -EINVAL. */
int qs_peers_new(void *mem, u32 max);

/* qs_peers_sound says whether the sz bytes at mem are such an object: others can have written it. */
bool qs_peers_sound(void const *mem, u64 sz);

/* qs_peers_clear empties every row, whatever state a dead writer left it in. */
void qs_peers_clear(qs_peers_t *p);

/* qs_peers_set writes a row; row NULL: nobody is there any more. */
void qs_peers_set(qs_peers_t *p, u32 idx, qs_peers_row_t const *row);

/* qs_peers_get copies a row.  Returns false if nobody is there, or it changed meanwhile each time. */
bool qs_peers_get(qs_peers_t const *p, u32 idx, qs_peers_row_t *row);

#endif

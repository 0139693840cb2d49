/* qs_probe - the lab's numbered datagrams: what load sends, and how sink accounts for them.

   Threads: one writer of an account, any readers.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_PROBE_H
#define QS_DISCO_PROBE_H

#include "tango/base/qs_hist.h"

#define QS_PROBE_MAGIC 0x65626f7270207371ull /* "qs probe" */

/* The head of a datagram's payload, little endian; the rest is filler. */
typedef struct qs_probe {
    u64 magic;
    u64 number;  /* 0, 1, 2, ... */
    u64 sent_ns; /* the sender's qs_clock */
    u64 check;   /* of the three: qs_probe_check */
} qs_probe_t;

_Static_assert(sizeof(qs_probe_t) == 32, "wire format of the lab");

QS_INLINE u64
qs_probe_check(qs_probe_t const *p)
{
    return (p->magic ^ p->number * 0x9e3779b97f4a7c15ull) + p->sent_ns;
}

#define QS_ACCOUNT_WINDOW 65536u /* numbers remembered, to tell late from repeated */

/* Which numbers arrived.  In shared memory: it survives the tile that keeps it, killed at whatever
   instruction.  What add is about to come to stands in `then` before anything changes, so that
   qs_account_repair can bring it to its end. */
typedef struct qs_account {
    u64 received; /* different numbers */
    u64 repeated;
    u64 late; /* of the received: after a higher number */
    u64 next; /* highest number seen, plus one */
    u64 busy; /* then is valid, and being done */
    struct {
        u64 number, received, repeated, late;
        bool marks; /* number goes into seen */
    } then;
    qs_hist_t latency;
    u64 seen[QS_ACCOUNT_WINDOW / 64];
} qs_account_t;

typedef enum qs_arrival { QS_ARRIVAL_NEW, QS_ARRIVAL_LATE, QS_ARRIVAL_REPEATED } qs_arrival_t;

/* qs_account_add counts number.  One further back than the window counts as repeated. */
qs_arrival_t qs_account_add(qs_account_t *a, u64 number);

/* qs_account_repair completes an add that its process did not live to finish.  The number then is
   counted, and if it is presented again it is a repeated one. */
void qs_account_repair(qs_account_t *a);

#endif

/* qs_admit - how many datagrams a second an address may have looked at.

   Addresses that answered a ping have an allowance each, all others one together: who floods us from
   addresses that he cannot receive at takes nothing from those we know.  More than QS_ADMIT_WAY known
   ones whose hashes fall together take each other's place: of 5,000 hardly ever one does.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_ADMIT_H
#define QS_DISCO_GOSSIP_ADMIT_H

#include "tango/base/qs_bits.h"
#include "tango/base/qs_hash.h"

#define QS_ADMIT_SLOTS           32768u
#define QS_ADMIT_WAY             8u
#define QS_ADMIT_KNOWN_RATE      5u    /* datagrams a ms that one known address may send, ... */
#define QS_ADMIT_KNOWN_BURST     5000u /* ... and at once */
#define QS_ADMIT_STRANGERS_RATE  2u    /* the same for all others together */
#define QS_ADMIT_STRANGERS_BURST 4000u

typedef struct qs_admit {
    qs_hash_key_t key;
    struct qs_admit_sender {
        u32 ip, tokens;
        u64 since_ms, until_ms; /* known until then */
    } * sender, stranger;
} qs_admit_t;

u64 qs_admit_footprint(void);

/* qs_admit_init makes a without anybody known; mem has footprint bytes, zeroed. */
void qs_admit_init(qs_admit_t *a, void *mem, qs_hash_key_t key);

/* qs_admit_take says whether a datagram from ip is to be looked at, and counts it. */
bool qs_admit_take(qs_admit_t *a, u32 ip, u64 now_ms);

/* qs_admit_known says whether ip is known. */
bool qs_admit_known(qs_admit_t const *a, u32 ip, u64 now_ms);

/* qs_admit_prove says that ip is known until until_ms. */
void qs_admit_prove(qs_admit_t *a, u32 ip, u64 until_ms);

#endif

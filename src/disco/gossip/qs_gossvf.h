/* qs_gossvf - what is done in front of gossip when one core is not enough for its signatures.

       datagrams --> allowance of the sender --> qs_gossip_check --> datagram, its hashes, what of it is good

   It knows no table.  Who is proven, and who we are, it reads in gossip's rows (qs_peers.h): a part of
   them each time.  Values that it verified once are good the next time too: it remembers their hashes,
   under a key of its own.  Repeats go on to gossip all the same, because they say who brings what first.

       gossvf -> gossip    qs_gossvf_frag_t, value_cnt hashes of 32 bytes, the datagram

   Threads: one; the rows are another's and may change while they are read.  Blocks: never.
   Allocates: never. */

#ifndef QS_DISCO_GOSSIP_GOSSVF_H
#define QS_DISCO_GOSSIP_GOSSVF_H

#include "disco/gossip/qs_admit.h"
#include "disco/gossip/qs_gossip_check.h"
#include "disco/gossip/qs_peers.h"
#include "tango/qs_tcache.h"

typedef struct qs_gossvf_frag {
    u32 src_ip;
    u16 src_port;
    u16 sz;        /* of the datagram */
    u32 good;      /* bit v: value v, or bit 0: the message, fits and has a good signature */
    u32 value_cnt; /* of a push or pull response; else 0 */
} qs_gossvf_frag_t;

#define QS_GOSSVF_MTU ((u32)sizeof(qs_gossvf_frag_t) + 32u * QS_GOSSIP_VALUE_MAX + QS_GOSSIP_MTU)

_Static_assert(sizeof(qs_gossvf_frag_t) == 16, "link ABI");

typedef struct qs_gossvf {
    qs_gossip_facts_t facts;
    bool ready; /* gossip's own row was found: facts are known */
    qs_hash_key_t key;
    qs_admit_t admit;
    qs_tcache_t known; /* hashes of values that were verified */
    qs_gossip_counts_t counts;
    u64 repeats; /* values that need not be verified again */
    u32 good[QS_GOSSIP_BATCH];
    qs_peers_t const *peers;
    u32 peer_max, row, own_row;
    qs_gossip_check_t check;
} qs_gossvf_t;

/* qs_gossvf_footprint returns the bytes of memory for known_max remembered values, or 0. */
u64 qs_gossvf_footprint(u32 known_max);

/* qs_gossvf_init makes v over mem: footprint bytes, zeroed, QS_ALIGN aligned.  peers: gossip's rows, peers_sz
   bytes.  Returns 0 or -EPROTO: those are no rows. */
int qs_gossvf_init(qs_gossvf_t *v, void *mem, u32 known_max, qs_hash_key_t key, bool private_ok,
                   void const *peers, u64 peers_sz);

/* qs_gossvf_look reads the next of gossip's rows; call it some twenty times a second. */
void qs_gossvf_look(qs_gossvf_t *v, u64 now_ms);

/* qs_gossvf_admit says whether a datagram from ip is to be looked at. */
bool qs_gossvf_admit(qs_gossvf_t *v, u32 ip, u64 now_ms);

/* qs_gossvf_check checks cnt datagrams, QS_GOSSIP_BATCH at most; good[i] is what of datagram i is good,
   0: nothing, it goes nowhere. */
void qs_gossvf_check(qs_gossvf_t *v, qs_gossip_datagram_t const *d, u32 cnt, u64 now_ms);

/* qs_gossvf_write writes datagram i of that batch as gossip reads it, QS_GOSSVF_MTU bytes at most. */
u32 qs_gossvf_write(qs_gossvf_t const *v, qs_gossip_datagram_t const *d, u32 i, u8 *room);

/* qs_gossvf_frag_sound says whether the sz bytes at frag are one such, whole: a neighbour wrote it. */
bool qs_gossvf_frag_sound(qs_gossvf_frag_t const *frag, u32 sz);

#endif

/* qs_gossip_node - one node's part in gossip: what it says, believes, passes on and asks for.

   A library: datagrams and time go in, datagrams come out through `send`.  It opens nothing, and
   the key that signs is elsewhere: `sign` asks for a signature, qs_gossip_signed brings it, at once or
   later, and what was to be signed goes its way then.  The gossip tile and the lab's crowd run it; tests run many
   of them in one process with a clock of their own.

       datagrams --> parse --> cheap checks --> signatures, in batches --> table, pings, filters
                      |            |                   |
                      reason       reason              reason              every drop is counted by name
       tick      --> own ContactInfo, push, pull, pings that are due, rotation, expiry

   What it does with input is spec of gossip §6 to §10, where clients differ the choice that spec calls
   safe: values are believed one by one (a bad signature costs that value only); nothing but a ping
   goes to an address that was not proven; ContactInfo is believed only from a proven address;
   other values only of origins whose ContactInfo is known.

   Threads: one.  Blocks: never.  Allocates: never.
   Bound: a datagram costs at most 17 signatures and one answer; a tick at most a round of each. */

#ifndef QS_DISCO_GOSSIP_NODE_H
#define QS_DISCO_GOSSIP_NODE_H

#include "disco/gossip/qs_active.h"
#include "disco/gossip/qs_admit.h"
#include "disco/gossip/qs_crds_table.h"
#include "disco/gossip/qs_gossip_check.h"
#include "disco/gossip/qs_peers.h"
#include "disco/gossip/qs_ping.h"
#include "disco/gossip/qs_received.h"

#define QS_GOSSIP_ENTRYPOINT_MAX 16u
#define QS_GOSSIP_PEER_MAX       32768u

#define QS_GOSSIP_TICK_MS    100u
#define QS_GOSSIP_PULL_MS    500u
#define QS_GOSSIP_REFRESH_MS 7500u  /* our own ContactInfo; an entrypoint we have not found yet */
#define QS_GOSSIP_ROTATE_MS  300u   /* one entry of the active set: each in 7.5 s */
#define QS_GOSSIP_FRESH_MS   60000u /* who was not heard of for longer is not asked */
#define QS_GOSSIP_CLIENT     60u    /* what we are: a number that nobody else was given */
#define QS_GOSSIP_MINOR      1u     /* ... in version 0.1.0 */

/* What a signature is for: the tile that holds the key checks that the bytes look like it. */
typedef enum qs_gossip_role {
    QS_GOSSIP_SIGN_VALUE, /* a value's data */
    QS_GOSSIP_SIGN_PRUNE, /* qs_gossip_prune_to_sign */
    QS_GOSSIP_SIGN_PING,  /* 32 bytes: our token */
    QS_GOSSIP_SIGN_PONG,  /* 48 bytes, of which the SHA-256 is signed: so nobody can have another
                             32 bytes signed in its name */
} qs_gossip_role_t;

typedef struct qs_gossip_conf {
    qs_contact_t self; /* wallclock is filled in */
    u32 value_max, large_max, origin_max, history_max;
    u32 ping_max; /* a power of two */
    u32 received_max;
    bool private_ok; /* addresses of 10/8, 127/8 and the like are as good as public ones: a lab */
    bool answer;     /* pull requests; a spy does not */
    u32 entrypoint_cnt;
    struct {
        u32 ip;
        u16 port;
    } entrypoint[QS_GOSSIP_ENTRYPOINT_MAX];
    u64 seed;
    void *ctx;
    void (*send)(void *ctx, u32 ip, u16 port, u8 const *data, u32 sz);
    /* Asks for a signature, to be brought with this tag.  May call qs_gossip_signed itself.  False: it
       cannot be asked for now. */
    bool (*sign)(void *ctx, u32 tag, qs_gossip_role_t role, u8 const *data, u32 sz);
} qs_gossip_conf_t;

typedef struct qs_gossip_node {
    qs_gossip_conf_t conf;
    qs_crds_table_t table;
    qs_ping_t ping;
    qs_active_t active;
    qs_received_t received;
    qs_rng_t rng;
    u64 own_stake;
    bool twin; /* somebody else runs with our identity, and began later: stop */

    u64 next_refresh_ms, next_pull_ms, next_rotate_ms, next_entrypoint_ms;
    u32 rotate_bucket;
    u32 heard; /* entrypoints that pinged us, a bit each: they will answer more than one question */
    u64 next_partition; /* of the table, that is pulled next */
    u64 push_ordinal;
    u32 row_at;                     /* the next that others are told of */
    u64 pull_bytes, pull_refill_ms; /* what may be answered still */
    u64 pong_second;
    u32 *pong_cnt; /* of this second, by hashed address */
    u32 pong_all;  /* ... and in all */
    struct qs_gossip_bucket {
        u64 since_ms; /* 0: nobody asked yet */
        u64 tokens;
    } * asker; /* what each address may have us look at still, by hashed address */

    qs_admit_t admit;

    qs_peer_t *peer; /* who can be asked and pushed to, found anew each round */
    u32 peer_cnt;
    u32 contact_cnt; /* contact infos in the table, as of that round */

    qs_gossip_facts_t facts;
    qs_gossip_counts_t counts;
    u64 tx[QS_GOSSIP_KIND_CNT], tx_bytes;

    u8 own[QS_CRDS_SMALL_SZ]; /* our ContactInfo as it was signed last */
    u32 own_sz;

    struct qs_gossip_work *work;          /* scratch of a batch */
    struct qs_gossip_unsigned *unsigned_; /* what waits for its signature */
    u32 unsigned_cnt;                     /* asked for so far */
} qs_gossip_node_t;

/* qs_gossip_footprint returns the bytes of memory for conf, or 0 if a number in it is out of range. */
u64 qs_gossip_footprint(qs_gossip_conf_t const *conf);

/* qs_gossip_init makes a node over mem: footprint bytes, zeroed, QS_ALIGN aligned. */
void qs_gossip_init(qs_gossip_node_t *n, void *mem, qs_gossip_conf_t const *conf);

/* qs_gossip_entrypoint says where entrypoint idx is now; idx is conf.entrypoint_cnt for one more.  Returns
   false if there is no room, or nothing changes. */
bool qs_gossip_entrypoint(qs_gossip_node_t *n, u32 idx, u32 ip, u16 port);

/* qs_gossip_admit says whether a datagram from that address is to be looked at (qs_admit.h); known are those
   that answered a ping. */
bool qs_gossip_admit(qs_gossip_node_t *n, u32 ip, u64 now_ms);

/* qs_gossip_receive takes cnt datagrams, QS_GOSSIP_BATCH at most.  now_ms is the time of day. */
void qs_gossip_receive(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 cnt, u64 now_ms);

/* What a verify tile found out about a datagram. */
typedef struct qs_gossip_verified {
    u32 good;             /* bit v: value v, or bit 0: the message, fits and has a good signature */
    u32 value_cnt;        /* of a push or pull response */
    u8 const (*hash)[32]; /* of its values */
} qs_gossip_verified_t;

/* qs_gossip_receive_verified is qs_gossip_receive for datagrams that were checked elsewhere; of those only
   what is good has any effect. */
void qs_gossip_receive_verified(qs_gossip_node_t *n, qs_gossip_datagram_t const *d,
                                qs_gossip_verified_t const *verified, u32 cnt, u64 now_ms);

/* qs_gossip_tick does what is due; call it every QS_GOSSIP_TICK_MS, and after a receive if values came
   that should travel on at once. */
void qs_gossip_tick(qs_gossip_node_t *n, u64 now_ms);

/* qs_gossip_signed brings the signature that was asked for with tag; one that is not waited for (any
   more) is ignored. */
void qs_gossip_signed(qs_gossip_node_t *n, u32 tag, u8 const sig[64], u64 now_ms);

/* qs_gossip_say puts a value of our own in as soon as its data is signed.  Returns false if no signature
   could be asked for. */
bool qs_gossip_say(qs_gossip_node_t *n, u8 const *data, u32 sz, u64 now_ms);

/* qs_gossip_contact_in reads the ContactInfo that is in a slot of the table; false: it is none. */
bool qs_gossip_contact_in(qs_gossip_node_t const *n, u32 slot, qs_contact_t *contact);

/* qs_gossip_row describes whom the table has in an origin's place; false: nobody with a ContactInfo. */
bool qs_gossip_row(qs_gossip_node_t const *n, u32 origin, u64 now_ms, qs_peers_row_t *row);

/* qs_gossip_rows brings the next fifth of p's rows up to date, and 2,048 at least: call it after each
   tick.  p has a row for each of conf.origin_max origins. */
void qs_gossip_rows(qs_gossip_node_t *n, qs_peers_t *p, u64 now_ms);

/* qs_gossip_set_stake tells a node's stake, ours too. */
int qs_gossip_set_stake(qs_gossip_node_t *n, u8 const pubkey[32], u64 stake, u64 now_ms);

#endif

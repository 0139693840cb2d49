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
#include "disco/gossip/qs_crds_table.h"
#include "disco/gossip/qs_peers.h"
#include "disco/gossip/qs_ping.h"
#include "disco/gossip/qs_received.h"
#include "waltz/codec/qs_contact.h"
#include "waltz/codec/qs_gossip.h"
#include "waltz/crypto/qs_ed25519.h"

#define QS_GOSSIP_ENTRYPOINT_MAX 16u
#define QS_GOSSIP_BATCH          32u /* datagrams whose signatures are checked together */
#define QS_GOSSIP_PEER_MAX       32768u

#define QS_GOSSIP_WINDOW_MS  15000u /* a push's or a caller's wallclock is at most so far from now */
#define QS_GOSSIP_TICK_MS    100u
#define QS_GOSSIP_PULL_MS    500u
#define QS_GOSSIP_REFRESH_MS 7500u  /* our own ContactInfo; an entrypoint we have not found yet */
#define QS_GOSSIP_ROTATE_MS  300u   /* one entry of the active set: each in 7.5 s */
#define QS_GOSSIP_FRESH_MS   60000u /* who was not heard of for longer is not asked */
#define QS_GOSSIP_CLIENT     60u    /* what we are: a number that nobody else was given */
#define QS_GOSSIP_MINOR      1u     /* ... in version 0.1.0 */
#define QS_GOSSIP_PRUNE_MS   1000u  /* a prune's age at most */

/* What happens to what comes in, beside the reasons of the codec. */
#define QS_GOSSIP_EVENTS(X, arg)                                                                   \
    X(arg, inserted, "values that were new")                                                       \
    X(arg, replaced, "values that took an older one's place")                                      \
    X(arg, duplicate, "values that were there")                                                    \
    X(arg, older, "values older than the one that was there")                                      \
    X(arg, full, "values for which there was no room")                                             \
    X(arg, limit, "values beyond what an unstaked origin may have")                                \
    X(arg, signature, "values with a wrong signature")                                             \
    X(arg, window, "pushed values whose time is not now")                                          \
    X(arg, shred_version, "contact infos and callers of another cluster")                          \
    X(arg, address, "contact infos and callers with an address nobody can be reached at")          \
    X(arg, unproven, "contact infos and callers whose address is not proven yet")                  \
    X(arg, unknown_origin, "values of origins whose contact info is not known")                    \
    X(arg, own, "values that claim to be ours")                                                    \
    X(arg, expired, "pulled values too old to be kept")                                            \
    X(arg, caller_window, "pull requests whose caller's time is not now")                          \
    X(arg, caller_signature, "pull requests with a wrong signature")                               \
    X(arg, pull_budget, "pull requests beyond what is answered a second")                          \
    X(arg, pull_ip_budget, "pull requests beyond what one address is answered a second")           \
    X(arg, pull_answered, "pull requests that were answered")                                      \
    X(arg, prune_old, "prunes that took too long")                                                 \
    X(arg, prune_other, "prunes for somebody else")                                                \
    X(arg, prune_signature, "prunes with a wrong signature")                                       \
    X(arg, prune_taken, "prunes that were obeyed")                                                 \
    X(arg, ping_signature, "pings and pongs with a wrong signature")                               \
    X(arg, ping_rate, "pings beyond what is answered a second")                                    \
    X(arg, ping_answered, "pings that were answered")                                              \
    X(arg, pong_unasked, "pongs that answer nothing")                                              \
    X(arg, pong_taken, "pongs that proved an address")                                             \
    X(arg, flood, "datagrams beyond what strangers, or one address, may send a second")            \
    X(arg, not_signed, "messages that could not be signed, and were not sent")

typedef enum qs_gossip_event {
#define QS_GOSSIP_EVENT_(arg, name, help) QS_GOSSIP_ON_##name,
    QS_GOSSIP_EVENTS(QS_GOSSIP_EVENT_, )
#undef QS_GOSSIP_EVENT_
        QS_GOSSIP_EVENT_CNT
} qs_gossip_event_t;

char const *qs_gossip_event_name(qs_gossip_event_t event);

typedef struct qs_gossip_datagram {
    u8 const *data; /* private: nobody changes it meanwhile */
    u32 sz;
    u32 src_ip;
    u16 src_port;
} qs_gossip_datagram_t;

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
    struct qs_gossip_bucket {
        u64 since_ms; /* 0: nobody asked yet */
        u64 tokens;
    } * asker; /* what each address may have us look at still, by hashed address */

    struct qs_gossip_sender {
        u32 ip, tokens;
        u64 since_ms, proven_ms; /* proven_ms: when this address last answered a ping */
    } * sender, stranger; /* by hashed address; all whose address is not proven share the last */

    qs_peer_t *peer; /* who can be asked and pushed to, found anew each round */
    u32 peer_cnt;
    u32 contact_cnt; /* contact infos in the table, as of that round */

    u64 refused[QS_GOSSIP_REASON_CNT]; /* by the codec */
    u64 event[QS_GOSSIP_EVENT_CNT];
    u64 rx[QS_GOSSIP_KIND_CNT], tx[QS_GOSSIP_KIND_CNT], rx_bytes, tx_bytes;

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

/* qs_gossip_admit says whether a datagram from that address is to be looked at.  Addresses that answered a
   ping have an allowance each, all others one together: who floods us from addresses that he cannot
   receive at takes nothing from those we know. */
bool qs_gossip_admit(qs_gossip_node_t *n, u32 ip, u64 now_ms);

/* qs_gossip_receive takes cnt datagrams, QS_GOSSIP_BATCH at most.  now_ms is the time of day. */
void qs_gossip_receive(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, u32 cnt, u64 now_ms);

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

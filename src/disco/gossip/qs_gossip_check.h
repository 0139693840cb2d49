/* qs_gossip_check - what of a batch of datagrams can be judged without the table of values: form, hashes,
   times, cluster, addresses, signatures.

       begin  -->  fit, or fit_value of each value  -->  (questions of the caller's)  -->  add  -->  verify

   A wrong signature costs the value that has it, as long as there are few.  Beyond QS_GOSSIP_FORGED_RATE a
   second it costs its message: one value of each, by lot, is checked first, and the others if that was good.
   Nobody honest passes on what he has not checked.

   The gossip tile and the gossvf tiles in front of it run the same checks; who has the table asks it
   between fit_value and add, so that no signature is checked for nothing.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_CHECK_H
#define QS_DISCO_GOSSIP_CHECK_H

#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_contact.h"
#include "waltz/codec/qs_gossip.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/crypto/qs_sha256.h"

#define QS_GOSSIP_BATCH      32u /* datagrams whose signatures are checked together */
#define QS_GOSSIP_CLAIM_MAX  (QS_GOSSIP_BATCH * QS_GOSSIP_VALUE_MAX)
#define QS_GOSSIP_SIGNED_MAX 1200u  /* bytes under a prune's signature */
#define QS_GOSSIP_WINDOW_MS  15000u /* a push's or a caller's wallclock is at most so far from now */
#define QS_GOSSIP_FORGED_RATE                                                                      \
    1u /* wrong signatures a ms that others of the same message survive, ... */
#define QS_GOSSIP_FORGED_BURST 1000u /* ... and at once */
#define QS_GOSSIP_PRUNE_MS     1000u /* a prune's age at most */

/* What happens to what comes in, beside the reasons of the codec: what these checks find, ... */
#define QS_GOSSIP_CHECK_EVENTS(X, arg)                                                             \
    X(arg, signature, "values with a wrong signature")                                             \
    X(arg, company, "values not checked: too much was forged, and so was one of the same message") \
    X(arg, window, "pushed values whose time is not now")                                          \
    X(arg, shred_version, "contact infos and callers of another cluster")                          \
    X(arg, address, "contact infos and callers with an address nobody can be reached at")          \
    X(arg, own, "values that claim to be ours")                                                    \
    X(arg, caller_window, "pull requests whose caller's time is not now")                          \
    X(arg, caller_signature, "pull requests with a wrong signature")                               \
    X(arg, prune_old, "prunes that took too long")                                                 \
    X(arg, prune_other, "prunes for somebody else")                                                \
    X(arg, prune_signature, "prunes with a wrong signature")                                       \
    X(arg, ping_signature, "pings and pongs with a wrong signature")                               \
    X(arg, flood, "datagrams beyond what strangers, or one address, may send a second")            \
    X(arg, crowded_values, "pushes and pull responses beyond what can be checked")                 \
    X(arg, crowded_talk, "pings, pongs and prunes beyond what can be checked")                     \
    X(arg, crowded_pulls, "pull requests beyond what can be checked")                              \
    X(arg, crowded_strangers, "datagrams of unproven addresses beyond what can be checked")

/* ... and what the node does with the rest. */
#define QS_GOSSIP_NODE_EVENTS(X, arg)                                                              \
    X(arg, inserted, "values that were new")                                                       \
    X(arg, replaced, "values that took an older one's place")                                      \
    X(arg, duplicate, "values that were there")                                                    \
    X(arg, resigned, "pushed values that were there with another signature")                       \
    X(arg, older, "values older than the one that was there")                                      \
    X(arg, full, "values for which there was no room")                                             \
    X(arg, limit, "values beyond what an unstaked origin may have")                                \
    X(arg, unproven, "contact infos and callers whose address is not proven yet")                  \
    X(arg, unknown_origin, "values of origins whose contact info is not known")                    \
    X(arg, expired, "pulled values too old to be kept")                                            \
    X(arg, pull_budget, "pull requests beyond what is answered a second")                          \
    X(arg, pull_ip_budget, "pull requests beyond what one address is answered a second")           \
    X(arg, pull_answered, "pull requests that were answered")                                      \
    X(arg, prune_taken, "prunes that were obeyed")                                                 \
    X(arg, ping_rate, "pings beyond what is answered a second")                                    \
    X(arg, ping_answered, "pings that were answered")                                              \
    X(arg, pong_unasked, "pongs that answer nothing")                                              \
    X(arg, pong_taken, "pongs that proved an address")                                             \
    X(arg, garbled, "datagrams that a verify tile passed on and that are not what it says")        \
    X(arg, not_signed, "messages that could not be signed, and were not sent")

#define QS_GOSSIP_EVENTS(X, arg)                                                                   \
    QS_GOSSIP_CHECK_EVENTS(X, arg)                                                                 \
    QS_GOSSIP_NODE_EVENTS(X, arg)

typedef enum qs_gossip_event {
#define QS_GOSSIP_EVENT_(arg, name, help) QS_GOSSIP_ON_##name,
    QS_GOSSIP_EVENTS(QS_GOSSIP_EVENT_, )
#undef QS_GOSSIP_EVENT_
        QS_GOSSIP_EVENT_CNT
} qs_gossip_event_t;

#define QS_GOSSIP_CHECK_EVENT_CNT ((u32)QS_GOSSIP_ON_inserted)

char const *qs_gossip_event_name(qs_gossip_event_t event);

typedef struct qs_gossip_datagram {
    u8 const *data; /* private: nobody changes it meanwhile */
    u32 sz;
    u32 src_ip;
    u16 src_port;
} qs_gossip_datagram_t;

/* What we are, as far as others' datagrams are judged by it. */
typedef struct qs_gossip_facts {
    u8 pubkey[32];
    u64 outset; /* us: when we began */
    qs_contact_socket_t gossip;
    u16 shred_version;
    bool private_ok; /* addresses of 10/8, 127/8 and the like are as good as public ones: a lab */
} qs_gossip_facts_t;

typedef struct qs_gossip_counts {
    u64 refused[QS_GOSSIP_REASON_CNT]; /* by the codec */
    u64 event[QS_GOSSIP_EVENT_CNT];
    u64 rx[QS_GOSSIP_KIND_CNT], rx_bytes;
} qs_gossip_counts_t;

/* A batch on its way through. */
typedef struct qs_gossip_check {
    qs_gossip_counts_t *counts;
    qs_gossip_msg_t msg[QS_GOSSIP_BATCH];
    bool live[QS_GOSSIP_BATCH];     /* well-formed */
    u16 claim_off[QS_GOSSIP_BATCH]; /* hash of its first value */
    u8 hash[QS_GOSSIP_CLAIM_MAX][32];
    qs_sha_msg_t sha[QS_GOSSIP_CLAIM_MAX];

    /* Signatures; of which value (of a prune: form) of which datagram. */
    qs_ed25519_item_t item[QS_GOSSIP_CLAIM_MAX];
    qs_ed25519_verdict_t verdict[QS_GOSSIP_CLAIM_MAX];
    u8 item_datagram[QS_GOSSIP_CLAIM_MAX], item_value[QS_GOSSIP_CLAIM_MAX];
    u32 item_cnt;

    qs_rng_t rng;
    qs_gossip_datagram_t const *d;
    u64 forged_ms;
    u32 forged_left;           /* wrong signatures until it is wary */
    bool wary;                 /* of each message one value first ... */
    u32 rest[QS_GOSSIP_BATCH]; /* ... these later ... */
    u32 trusted;               /* ... if that one was good: a bit for each datagram */
    u8 prune[QS_GOSSIP_BATCH][2][QS_GOSSIP_SIGNED_MAX]; /* both forms of what it signs */
} qs_gossip_check_t;

/* qs_gossip_has_values says whether a kind of message has values that are judged one by one. */
QS_INLINE bool
qs_gossip_has_values(u32 kind)
{
    return kind == QS_GOSSIP_PUSH || kind == QS_GOSSIP_PULL_RESPONSE;
}

/* qs_gossip_reachable says whether an address can be one of a node in this cluster. */
bool qs_gossip_reachable(qs_gossip_facts_t const *f, u32 ip, u16 port);

/* qs_gossip_check_init makes c, zeroed, ready. */
void qs_gossip_check_init(qs_gossip_check_t *c, qs_gossip_counts_t *counts, u64 seed);

/* qs_gossip_check_begin parses cnt datagrams, QS_GOSSIP_BATCH at most, and forgets the batch before; they
   stay where they are until the batch is through.  verified: their hashes and signatures are known. */
void qs_gossip_check_begin(qs_gossip_check_t *c, qs_gossip_datagram_t const *d, u32 cnt,
                           bool verified, u64 now_ms);

/* qs_gossip_check_fit makes the cheap checks of live datagram i that has no values; qs_gossip_check_fit_value
   those of value v of one that has.  What is refused is counted. */
bool qs_gossip_check_fit(qs_gossip_check_t *c, qs_gossip_facts_t const *f,
                         qs_gossip_datagram_t const *d, u32 i, u64 now_ms);
bool qs_gossip_check_fit_value(qs_gossip_check_t *c, qs_gossip_facts_t const *f,
                               qs_gossip_datagram_t const *d, u32 i, u32 v, u64 now_ms);

/* qs_gossip_check_add lists the signature of what fits: value v, 0 where there are none.  One datagram after
   the other. */
void qs_gossip_check_add(qs_gossip_check_t *c, qs_gossip_datagram_t const *d, u32 i, u32 v);

/* qs_gossip_check_verify checks all that are listed.  For a prune either form will do. */
void qs_gossip_check_verify(qs_gossip_check_t *c);

/* qs_gossip_check_next returns the next listed thing from *at on whose signature is good, and counts
   those before it that are not; *i is its datagram, *v its value.  False: there is none. */
bool qs_gossip_check_next(qs_gossip_check_t *c, u32 *at, u32 *i, u32 *v);

#endif

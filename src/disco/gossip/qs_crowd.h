/* qs_crowd - thousands of nodes played by one: what a member of gossip sees of a large cluster, without
   that cluster.

       each member   signs a new ContactInfo every QS_GOSSIP_REFRESH_MS and has it pushed to the target,
                     answers pings, serves pull requests from what all members say, has others' origins
                     pruned now and then, and asks with a pull request of its own now and then

   Members have addresses base_ip, base_ip + 1, ..; they trust the target and check nothing: this is a
   load, not a node.  Each also says values_max EpochSlots, which are had by pulling only.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_CROWD_H
#define QS_DISCO_GOSSIP_CROWD_H

#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_gossip.h"

#define QS_CROWD_MAX      32768u
#define QS_CROWD_EXTRA    3u /* EpochSlots of each member */
#define QS_CROWD_VALUE_SZ 256u

typedef struct qs_crowd_conf {
    u32 cnt; /* members, 1 .. QS_CROWD_MAX */
    u32 base_ip;
    u16 port; /* of every member */
    u16 target_port;
    u32 target_ip;
    u16 shred_version;
    u64 seed;
    void *ctx;
    void (*send)(void *ctx, u32 from_ip, u8 const *data, u32 sz); /* to the target */
} qs_crowd_conf_t;

typedef struct qs_crowd {
    qs_crowd_conf_t conf;
    qs_rng_t rng;
    struct qs_crowd_member {
        u8 secret[32], pubkey[32];
    } * member;
    /* Value k of member i is at i * (1 + QS_CROWD_EXTRA) + k; the first is the ContactInfo. */
    struct qs_crowd_value {
        u8 hash[32];
        u64 said_ms; /* 0: others have had it from the target */
        u32 sz;
        u8 data[QS_CROWD_VALUE_SZ];
    } * value;
    u64 outset_us, begun_ms;
    u64 refreshed; /* ContactInfos signed so far, in turn */
    u64 asked;     /* pull requests sent */
    u64 word[QS_GOSSIP_MTU / 8];
    u64 pushed, pongs, answers, prunes, received; /* so far */
    u64 spread_cnt,
        spread_ms; /* values that came to other members first, and how long they took, in all */
} qs_crowd_t;

/* qs_crowd_footprint returns the bytes for cnt members, or 0. */
u64 qs_crowd_footprint(u32 cnt);

/* qs_crowd_init makes keys and first values; mem: footprint bytes, zeroed, QS_ALIGN aligned. */
void qs_crowd_init(qs_crowd_t *c, void *mem, qs_crowd_conf_t const *conf, u64 now_ms);

/* qs_crowd_tick signs and pushes what is due, up to a bound, and returns how many values that were. */
u32 qs_crowd_tick(qs_crowd_t *c, u64 now_ms);

/* qs_crowd_receive takes a datagram that came to a member's address. */
void qs_crowd_receive(qs_crowd_t *c, u32 to_ip, u8 const *data, u32 sz, u64 now_ms);

#endif

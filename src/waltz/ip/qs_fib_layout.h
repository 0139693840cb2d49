/* qs_fib_layout - how the mirror of qs_fib.h lies in memory; for its reader and its writer only.

   Records are u64 words that readers load one by one:

       hop      word 0   gateway:32 | ifindex:32            hop 0 is not used: no route
                word 1   source:32 | mtu:16 | way:8 | flags:8
       link     word 0   ifindex (the key)
                word 1   mac:48 | vlan:12 | flags:4
                word 2   parent:32 | mtu:32
                word 3   gen:8, the writer's
       neigh    word 0   ifindex:32 | ip:32 (the key)
                word 1   mac:48 | flags:8 | gen:8

   Threads: constant layout. */

#ifndef QS_WALTZ_IP_FIB_LAYOUT_H
#define QS_WALTZ_IP_FIB_LAYOUT_H

#include "waltz/ip/qs_fib_tx.h"

#define FIB_MAGIC       0x3162696673713031ull /* bump the last digit on ABI change */
#define FIB_SYNCED      1u                    /* state: a full picture was taken */
#define FIB_FULL        2u                    /* ... and something did not fit */
#define FIB_HOP_WORDS   2u
#define FIB_LINK_WORDS  4u
#define FIB_NEIGH_WORDS 2u
#define FIB_LINK_UP     1u
#define FIB_LINK_PLAIN  2u
#define FIB_NEIGH_STALE 1u
#define FIB_MAC_MASK    0xffffffffffffull
#define FIB_BLOCK_DENSE 65536u /* so many routes may each need a path of their own; more share */

/* One route of the kernel, found by prefix and length. */
typedef struct qs_fib_route_ {
    u32 prefix;
    u32 metric;
    u32 hop;
    u32 next; /* in its bucket, or of the free list; 0 ends it */
    i64 rank; /* among routes of one prefix and metric the smallest wins */
    u8 gen;
    u8 len; /* 255: free */
    bool local, multipath;
    u32 zero;
} qs_fib_route_t_;

/* Routes that lead the same way share a hop. */
typedef struct qs_fib_hop_ {
    u32 refs; /* 0: free */
    u32 next; /* in its bucket, or of the free list */
    u32 src;  /* as the route asked; 0: we choose */
    u8 scope;
    u8 zero[3];
} qs_fib_hop_t_;

typedef struct qs_fib_addr_ {
    u32 ifindex; /* 0: free */
    u32 ip, net;
    u8 len, scope, gen;
    bool secondary;
    u64 order; /* as the kernel lists them */
} qs_fib_addr_t_;

/* The header; the parts follow in the order of fib_parts_t. */
struct qs_fib {
    u64 magic; /* stored last, released */
    qs_fib_conf_t conf;
    u32 zero;
    u64 seed;
    alignas(QS_ALIGN) u64 seq; /* odd: being changed */
    u64 state;                 /* FIB_* */
    alignas(QS_ALIGN) u32 route_cnt, route_free, route_used;
    u32 hop_cnt, hop_free, hop_used;
    u32 link_cnt, neigh_cnt, addr_cnt, rule_cnt, multipath_cnt;
    u32 gen;
    bool full;      /* something did not fit since sync_begin */
    bool unsettled; /* addresses changed: sources must be chosen anew */
    i64 rank_low, rank_high;
    u64 addr_order;
};

typedef struct fib_parts {
    u64 lpm, hop_word, link, neigh, hop, route, addr, hop_bucket, route_bucket, end;
    u32 block_cnt, hop_cnt, route_cnt, addr_cnt, bucket_cnt;
} fib_parts_t;

/* fib_parts fills *p with where what lies for conf, which is in range. */
void fib_parts(qs_fib_conf_t const *conf, fib_parts_t *p);

/* fib_format empties the mirror: all but magic, conf, seed and seq. */
void fib_format(qs_fib_t *fib);

QS_INLINE u64
fib_mac_load(u8 const mac[QS_MAC_SZ])
{
    return (u64)qs_load_be16(mac) << 32 | qs_load_be32(mac + 2);
}

QS_INLINE void
fib_mac_store(u8 mac[QS_MAC_SZ], u64 word)
{
    qs_store_be16(mac, (u16)(word >> 32));
    qs_store_be32(mac + 2, (u32)word);
}

#endif

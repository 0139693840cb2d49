/* qs_fib - the kernel's IPv4 routes, neighbours, links and addresses, mirrored in shared memory.

   One writer (the netlink tile) tells it what the kernel said; any number of readers (net tiles)
   ask where a datagram goes and what stands in front of it, without a system call or a lock:

       dst ip --> longest prefix (qs_lpm) --> hop {gateway, device, source} --> link {MAC, MTU, VLAN}
                                                                          \--> neighbour {MAC}

   The answer is the kernel's own for a socket bound to nothing: tables local and main are searched
   as one (the kernel does so too until somebody adds a policy rule), the longest prefix wins,
   then local before main, then the smaller metric.  What this mirror cannot follow faithfully
   (multicast, tunnels, devices that are not Ethernet, VLANs in VLANs, routes through IPv6, more
   objects than it has room for, no complete picture yet) is answered QS_HOP_KERNEL: leave by an
   ordinary socket, the kernel knows.  Never a guess.

       writer                                    reader
       W1  seq <- odd            relaxed         R1  seq even?              acquire (pairs with W4)
       W2  fence                 release         R2  whatever it needs      relaxed, bounded
       W3  the change            relaxed         R3  fence                  acquire (pairs with W2)
       W4  seq <- even           release         R4  seq still the same     relaxed

   A reader that met a change begins again, a bounded number of times, then answers QS_HOP_BUSY and
   counts it.  One change is one message of the kernel: below a microsecond, mostly.

   Whatever changes an answer changes seq, and a picture that only confirms what is known does not:
   an answer may be remembered for as long as seq stays what it was before the question.

   The writer may be killed anywhere: tx_join finds seq odd then, and empties the object.

   Threads: one tx, many rx, in any processes.  Blocks: never.  Allocates: never.
   Needs: memory aligned to QS_ALIGN; readers may map it read-only, and trust nothing in it. */

#ifndef QS_WALTZ_IP_FIB_H
#define QS_WALTZ_IP_FIB_H

#include "tango/base/qs_bits.h"
#include "waltz/ip/qs_lpm.h"
#include "waltz/ip/qs_wmap.h"

#define QS_MAC_SZ           6u
#define QS_FIB_BATCH        64u
#define QS_FIB_ROUTE_MAX    (1u << 21) /* the largest conf */
#define QS_FIB_NEIGH_MAX    (1u << 20)
#define QS_FIB_LINK_MAX     (1u << 16)
#define QS_FIB_ADDR_PER_DEV 4u /* room for addresses: so many for each link, on average */

/* How much there is room for.  What does not fit makes every answer QS_HOP_KERNEL. */
typedef struct qs_fib_conf {
    u32 route_max; /* 1 .. QS_FIB_ROUTE_MAX */
    u32 neigh_max; /* 1 .. QS_FIB_NEIGH_MAX */
    u32 link_max;  /* 1 .. QS_FIB_LINK_MAX */
} qs_fib_conf_t;

typedef enum qs_hop_kind {
    QS_HOP_OK,          /* everything a frame needs is in the answer */
    QS_HOP_LOCAL,       /* this host, or loopback: leave by the ordinary socket */
    QS_HOP_KERNEL,      /* not ours to decide: leave by the ordinary socket, too */
    QS_HOP_NO_ROUTE,    /* nothing matches, or a throw route */
    QS_HOP_BLACKHOLE,   /* the administrator wants silence ... */
    QS_HOP_UNREACHABLE, /* ... or an error; neither is ever sent */
    QS_HOP_PROHIBIT,
    QS_HOP_LINK_DOWN, /* the route's device, or a VLAN's parent, is gone or not up */
    QS_HOP_NO_NEIGH,  /* ask for the MAC of next_ip on ask_ifindex, and keep the packet */
    QS_HOP_BUSY,      /* the mirror was being changed all the time: try again later */
    QS_HOP_KIND_CNT
} qs_hop_kind_t;

#define QS_HOP_STALE     1u /* OK, but the kernel has not heard of the neighbour for long: ask for it */
#define QS_HOP_MULTIPATH 2u /* the route has several next hops; this is the first usable one */

/* Addresses are in host order, as everywhere (10.0.0.1 is 0x0a000001). */
typedef struct qs_hop {
    u8 kind;         /* qs_hop_kind_t; the rest is filled in as far as it was found */
    u8 flags;        /* QS_HOP_* */
    u16 vlan;        /* tag the frame needs, or 0 */
    u32 ifindex;     /* device the frame leaves by: of a VLAN its parent */
    u32 ask_ifindex; /* device that the neighbour belongs to: the route's */
    u32 next_ip;     /* the gateway, or the destination itself */
    u32 src_ip;      /* what the kernel would put there; 0: the host has no address */
    u32 mtu;         /* largest IP packet: of the route, the device, and a VLAN's parent */
    u8 src_mac[QS_MAC_SZ];
    u8 dst_mac[QS_MAC_SZ];
} qs_hop_t;

/* The shared object and its parts, in this order, each aligned to QS_ALIGN. */
typedef struct qs_fib qs_fib_t;

typedef struct qs_fib_rx {
    u64 const *seq; /* R1, R4 */
    u64 const *state;
    u64 const *hop; /* two words each */
    u32 hop_cnt;
    qs_lpm_rx_t lpm;
    qs_wmap_rx_t link, neigh;
    u64 retry; /* times a reader began again */
    u64 busy;  /* answers that were QS_HOP_BUSY */
} qs_fib_rx_t;

/* qs_fib_footprint returns the bytes for conf, or 0 if a number in it is out of range.
   Roughly 0.5 MiB, and 600 bytes a route, 32 a neighbour, 200 a link. */
u64 qs_fib_footprint(qs_fib_conf_t const *conf);

/* qs_fib_new formats mem as a mirror that knows nothing yet: every answer is QS_HOP_KERNEL, but
   loopback's.  seed keys the hash tables: draw it from the system.  Returns 0, -EINVAL (conf) or
   -EFAULT (mem is null or misaligned). */
int qs_fib_new(void *mem, qs_fib_conf_t const *conf, u64 seed);

/* qs_fib_rx_join makes rx a reader of the mem_sz bytes at mem, which may be mapped read-only.
   Returns 0, -EFAULT, or -EPROTO if they do not hold a mirror of this ABI; what a hostile writer
   puts there can make any answer wrong, but no access leaves mem. */
int qs_fib_rx_join(qs_fib_rx_t *rx, void const *mem, u64 mem_sz);

/* qs_fib_resolve answers where a datagram to dst_ip goes; it returns hop->kind. */
qs_hop_kind_t qs_fib_resolve(qs_fib_rx_t *rx, u32 dst_ip, qs_hop_t *hop);

/* qs_fib_resolve_batch is qs_fib_resolve of cnt destinations, QS_FIB_BATCH at most, faster. */
void qs_fib_resolve_batch(qs_fib_rx_t *rx, u32 const *dst_ip, u32 cnt, qs_hop_t *hop);

/* qs_fib_ask is what the netlink tile is asked with (sig of an empty fragment) after QS_HOP_NO_NEIGH
   or for QS_HOP_STALE; it is also the key of a waiting packet. */
QS_INLINE u64
qs_fib_ask(qs_hop_t const *hop)
{
    return (u64)hop->ask_ifindex << 32 | hop->next_ip;
}

/* qs_hop_kind_name returns "ok", "no_neigh", ... for logs and metrics. */
char const *qs_hop_kind_name(qs_hop_kind_t kind);

#endif

/* qs_rtmsg - what the kernel's rtnetlink messages say about IPv4, as plain structs.

   A datagram of a netlink socket holds several messages, each a header and attributes:

       bytes --qs_rtmsg_next--> verdict + {LINK | ADDR | ROUTE | NEIGH | RULE, new or gone}
             --qs_rtmsg_next--> ...          until QS_RTMSG_END

   Pure: no socket, no state.  The bytes may be anything and lie anywhere: nothing outside them is
   read, no number in them is trusted, and each message has one verdict.  Attributes we do not know
   are skipped, as the protocol asks; one that we know and that has the wrong length makes the
   whole message QS_RTMSG_BAD.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_IP_RTMSG_H
#define QS_WALTZ_IP_RTMSG_H

#include "tango/base/qs_bits.h"

typedef enum qs_rtmsg_verdict {
    QS_RTMSG_END,     /* no further message in the datagram */
    QS_RTMSG_OK,      /* *m is filled in */
    QS_RTMSG_OTHER,   /* well-formed, and none of our business */
    QS_RTMSG_DONE,    /* the end of a dump; m->error is 0 or -errno */
    QS_RTMSG_ERROR,   /* a verdict on a request; m->error is 0 or -errno */
    QS_RTMSG_OVERRUN, /* the kernel says that messages were lost */
    QS_RTMSG_BAD,     /* not what the kernel would send; dropped */
    QS_RTMSG_TORN,    /* the rest of the datagram is no message; the next call says END */
    QS_RTMSG_VERDICT_CNT
} qs_rtmsg_verdict_t;

typedef enum qs_rtmsg_kind {
    QS_RTMSG_LINK,
    QS_RTMSG_ADDR,
    QS_RTMSG_ROUTE,
    QS_RTMSG_NEIGH,
    QS_RTMSG_RULE,
    QS_RTMSG_KIND_CNT
} qs_rtmsg_kind_t;

/* Of a message in a dump these say that it is, and that the kernel's tables changed meanwhile. */
#define QS_RTMSG_MULTI   1u
#define QS_RTMSG_INTR    2u
#define QS_RTMSG_REPLACE 4u /* a route that took another's place ... */
#define QS_RTMSG_APPEND  8u /* ... or stands behind others of the same prefix and metric */

#define QS_RTMSG_NAME_SZ 16u

typedef struct qs_rtmsg_link {
    u32 ifindex;
    u32 parent; /* of a VLAN; 0: none, or in another namespace */
    u32 mtu;
    u16 vlan; /* 802.1Q tag, 1 .. 4094; 0: not a VLAN */
    u8 mac[6];
    bool up;    /* by the administrator's will, and with carrier */
    bool plain; /* Ethernet with ARP: a frame can be made for it.  A VLAN's parent decides too */
    char name[QS_RTMSG_NAME_SZ];
} qs_rtmsg_link_t;

typedef struct qs_rtmsg_addr {
    u32 ifindex;
    u32 ip;  /* ours, host order as all addresses here */
    u32 net; /* the peer's on a point-to-point device, else ours */
    u8 len;
    u8 scope; /* RT_SCOPE_* */
    bool secondary;
} qs_rtmsg_addr_t;

/* Where a route leads, as far as we can follow. */
typedef enum qs_rtmsg_way {
    QS_RTMSG_WAY_HOP,    /* a gateway, or the link itself */
    QS_RTMSG_WAY_LOCAL,  /* this host */
    QS_RTMSG_WAY_KERNEL, /* broadcast, multicast, tunnels, IPv6 gateways, types nobody knows */
    QS_RTMSG_WAY_THROW,
    QS_RTMSG_WAY_BLACKHOLE,
    QS_RTMSG_WAY_UNREACHABLE,
    QS_RTMSG_WAY_PROHIBIT,
    QS_RTMSG_WAY_CNT
} qs_rtmsg_way_t;

typedef struct qs_rtmsg_route {
    u32 dst;
    u8 len;
    bool local; /* of table local, else main */
    u8 way;     /* qs_rtmsg_way_t */
    u8 scope;
    u32 metric;
    u32 gw; /* 0: the destination is on the link */
    u32 ifindex;
    u32 src;        /* 0: choose */
    u32 mtu;        /* 0: the device's */
    bool multipath; /* it has several next hops; gw and ifindex are the first usable one's */
} qs_rtmsg_route_t;

typedef struct qs_rtmsg_neigh {
    u32 ifindex;
    u32 ip;
    u8 mac[6];
    bool usable; /* the kernel would send to that MAC */
    bool stale;  /* ... and would ask for it anew meanwhile */
} qs_rtmsg_neigh_t;

typedef struct qs_rtmsg_rule {
    u32 priority;
    bool standard; /* one of the three that every namespace is born with */
} qs_rtmsg_rule_t;

typedef struct qs_rtmsg {
    qs_rtmsg_kind_t kind;
    bool gone; /* RTM_DEL* */
    u32 flags; /* QS_RTMSG_* */
    u32 seq;   /* of the request it answers; 0: news */
    i32 error; /* DONE and ERROR */
    union {
        qs_rtmsg_link_t link;
        qs_rtmsg_addr_t addr;
        qs_rtmsg_route_t route;
        qs_rtmsg_neigh_t neigh;
        qs_rtmsg_rule_t rule;
    };
} qs_rtmsg_t;

typedef struct qs_rtmsg_iter {
    u8 const *at;
    u64 left;
} qs_rtmsg_iter_t;

QS_INLINE qs_rtmsg_iter_t
qs_rtmsg_iter(void const *datagram, u64 sz)
{
    return (qs_rtmsg_iter_t){.at = datagram, .left = sz};
}

/* qs_rtmsg_next reads the next message of the datagram into *m. */
qs_rtmsg_verdict_t qs_rtmsg_next(qs_rtmsg_iter_t *iter, qs_rtmsg_t *m);

/* qs_rtmsg_dump_request writes the request to dump all objects of a kind into buf, which has
   QS_RTMSG_REQUEST_SZ bytes, and returns its size. */
#define QS_RTMSG_REQUEST_SZ 64u
u32 qs_rtmsg_dump_request(u8 *buf, qs_rtmsg_kind_t kind, u32 seq);

#endif

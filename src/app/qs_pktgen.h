/* qs_pktgen - what a packet generator sends: which datagram is next, and its bytes.

   Three kinds, mixed at random by their shares:

       wanted     to one of the ports; the payload begins with a probe (qs_probe.h) if it has room
                  for one, numbered 0, 1, 2, .. over all ports, so that a sink can account for them
       unwanted   to the same address and a port that is none of those
       garbage    a frame to one of the ports with something wrong in it, in one of
                  QS_PKTGEN_FAULT_CNT ways; over a socket, which makes the headers itself, a
                  payload of random bytes

   The same seed makes the same traffic.

   Threads: one owner.  Blocks: never.  Allocates: never. */

#ifndef QS_APP_PKTGEN_H
#define QS_APP_PKTGEN_H

#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_frame.h"

#define QS_PKTGEN_PORT_MAX  64u
#define QS_PKTGEN_FLOW_MAX  256u
#define QS_PKTGEN_SZ_MAX    1472u
#define QS_PKTGEN_FRAME_MAX (QS_FRAME_HDR_MAX + QS_PKTGEN_SZ_MAX)
#define QS_PKTGEN_FAULT_CNT 13u

typedef enum qs_pktgen_kind {
    QS_PKTGEN_WANTED,
    QS_PKTGEN_UNWANTED,
    QS_PKTGEN_GARBAGE,
    QS_PKTGEN_KIND_CNT
} qs_pktgen_kind_t;

typedef struct qs_pktgen_conf {
    u64 src_mac, dst_mac; /* for frames only */
    u32 src_ip, dst_ip;
    u16 port[QS_PKTGEN_PORT_MAX]; /* one that stands there twice gets twice as much */
    u32 port_cnt;
    u16 src_port;                  /* the first of flow_cnt, in turn at random */
    u32 flow_cnt;                  /* 1 .. QS_PKTGEN_FLOW_MAX, src_port + flow_cnt <= 65536 */
    u32 sz_min, sz_max;            /* UDP payload bytes, up to QS_PKTGEN_SZ_MAX */
    u32 unwanted_pct, garbage_pct; /* together at most 100 */
    u64 seed;
} qs_pktgen_conf_t;

/* One datagram. */
typedef struct qs_pktgen_pkt {
    qs_pktgen_kind_t kind;
    u16 src_port, dst_port;
    u32 sz; /* of the payload */
} qs_pktgen_pkt_t;

typedef struct qs_pktgen {
    qs_pktgen_conf_t conf;
    qs_rng_t rng;
    u64 number;                  /* of the next wanted one */
    u64 cnt[QS_PKTGEN_KIND_CNT]; /* made so far */
    u32 dirty_sz;                /* of payload: bytes that are not zero, behind the probe's too */
    u8 payload[QS_PKTGEN_SZ_MAX];
} qs_pktgen_t;

/* qs_pktgen_init starts the traffic that belongs to conf.  Returns 0 or -EINVAL. */
int qs_pktgen_init(qs_pktgen_t *g, qs_pktgen_conf_t const *conf);

/* qs_pktgen_next draws the next datagram and returns its payload, valid until the next call:
   pkt->sz bytes, stamped with now_ns. */
u8 const *qs_pktgen_next(qs_pktgen_t *g, u64 now_ns, qs_pktgen_pkt_t *pkt);

/* qs_pktgen_frame is next and writes a frame of it, of room for QS_PKTGEN_FRAME_MAX bytes.
   Returns its size, at least 14. */
u32 qs_pktgen_frame(qs_pktgen_t *g, u64 now_ns, u8 *frame);

/* qs_pktgen_damage makes a good frame of sz bytes, with room for 4 more, a bad one, in way 0 ..
   QS_PKTGEN_FAULT_CNT - 1.  Returns its new size. */
u32 qs_pktgen_damage(u8 *frame, u32 sz, u32 way, qs_rng_t *rng);

#endif

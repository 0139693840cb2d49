/* qs_frame - the headers of a UDP datagram on Ethernet: read from what arrives, written in front
   of what leaves.

       14                  4             20 .. 60              8
       +-------------------+- - - - - - -+---------------------+-----+---------+- - - - -
       | dst  src  0x8100  | tag 0x0800  | IPv4, options       | UDP | payload | padding
       +-------------------+- - - - - - -+---------------------+-----+---------+- - - - -

   A frame is accepted when it is exactly one whole datagram: no fragment, no second VLAN tag,
   and Ethernet, IP and UDP agree on the lengths.  Padding of the link behind the IP packet is
   ignored.  UDP checksums are not looked at: veth and virtio deliver them unfinished.
   Everything else has a named reason, the first that applies on the way from the front.

   Addresses are numbers in host order: 10.77.0.1 is 0x0a4d0001.  A MAC address is a number too,
   its first byte the lowest, so that comparing is one instruction.

   Threads: any, pure functions.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_IP_FRAME_H
#define QS_WALTZ_IP_FRAME_H

#include "tango/base/qs_bits.h"

#define QS_FRAME_ETH_SZ  14u
#define QS_FRAME_VLAN_SZ 4u
#define QS_FRAME_IP_SZ   20u /* without options, as we send */
#define QS_FRAME_UDP_SZ  8u
#define QS_FRAME_HDR_SZ  (QS_FRAME_ETH_SZ + QS_FRAME_IP_SZ + QS_FRAME_UDP_SZ)
#define QS_FRAME_HDR_MAX (QS_FRAME_HDR_SZ + QS_FRAME_VLAN_SZ) /* of what we send */

#define QS_FRAME_PAYLOAD_MAX 65507u
#define QS_FRAME_NO_VLAN     0xffffu

/* Why a frame is no datagram.  X(arg, NAME, name, help) */
/* clang-format off */
#define QS_FRAME_REASONS(X, arg)                                                                   \
    X(arg, SHORT,        short,        "frames that end before their headers do")                  \
    X(arg, ETHERTYPE,    ethertype,    "frames that are not IPv4")                                 \
    X(arg, VLAN_NESTED,  vlan_nested,  "frames with more than one VLAN tag, or a service tag")     \
    X(arg, IP_VERSION,   ip_version,   "frames that say IPv4 and hold another version")            \
    X(arg, IP_HDR_LEN,   ip_hdr_len,   "frames whose IP header length is below 20 or too large")   \
    X(arg, IP_LEN,       ip_len,       "frames whose IP length is too large, or too small for UDP")   \
    X(arg, FRAGMENT,     fragment,     "frames with a fragment of a datagram")                     \
    X(arg, NOT_UDP,      not_udp,      "frames with another protocol than UDP")                    \
    X(arg, UDP_LEN_ZERO, udp_len_zero, "datagrams whose UDP length is 0")                          \
    X(arg, UDP_LEN,      udp_len,      "datagrams whose UDP length is not what IP says")           \
    X(arg, SRC_PORT,     src_port,     "datagrams from port 0")                                    \
    X(arg, SRC_IP,       src_ip,       "datagrams from an address that no other host can have")    \
    X(arg, OWN_MAC,      own_mac,      "frames that we sent ourselves")
/* clang-format on */

#define QS_FRAME_REASON_ENUM_(arg, NAME, name, help) QS_FRAME_##NAME,

typedef enum qs_frame_reason {
    QS_FRAME_OK,
    QS_FRAME_REASONS(QS_FRAME_REASON_ENUM_, ) /**/
    QS_FRAME_REASON_CNT
} qs_frame_reason_t;

/* QS_FRAME_METRICS makes one counter per reason, rx_short and so on, in the order of the enum:
   #define NET_METRICS(COUNTER, GAUGE) QS_FRAME_METRICS(COUNTER) ..
   (&m->rx_short)[reason - QS_FRAME_SHORT] is the counter of a reason. */
/* clang-format off */
#define QS_FRAME_REASON_METRIC_(COUNTER, NAME, name, help) COUNTER(rx_##name, help)
#define QS_FRAME_METRICS(COUNTER) QS_FRAME_REASONS(QS_FRAME_REASON_METRIC_, COUNTER)
/* clang-format on */

typedef struct qs_frame {
    u64 src_mac;
    u32 src_ip;
    u32 dst_ip;
    u16 src_port; /* never 0 */
    u16 dst_port;
    u16 payload_off; /* from the start of the frame */
    u16 payload_sz;  /* payload_off + payload_sz <= size of the frame */
    u16 vlan;        /* VLAN id, 0 .. 4095 (0: only a priority), or QS_FRAME_NO_VLAN */
} qs_frame_t;

/* What stands in the headers of a datagram to send. */
typedef struct qs_frame_to {
    u64 dst_mac;
    u64 src_mac;
    u32 src_ip;
    u32 dst_ip;
    u16 src_port;
    u16 dst_port;
    u16 ip_id;
    u16 vlan; /* VLAN id or QS_FRAME_NO_VLAN */
} qs_frame_to_t;

/* qs_frame_reason_name returns "short", "ethertype", .. as used in metrics and JSON keys; "ok" for
   QS_FRAME_OK and "?" for what is no reason. */
char const *qs_frame_reason_name(qs_frame_reason_t reason);

/* qs_frame_mac makes the number of a MAC address. */
QS_INLINE u64
qs_frame_mac(u8 const mac[6])
{
    return qs_load_le32(mac) | (u64)qs_load_le16(mac + 4) << 32;
}

/* qs_frame_parse_any is qs_frame_parse without a short cut. */
qs_frame_reason_t qs_frame_parse_any(u8 const *frame, u32 sz, qs_frame_t *out);

/* qs_frame_src_is_odd tells whether no other host can have sent from this address: 0/8, loopback,
   multicast, broadcast. */
QS_INLINE bool
qs_frame_src_is_odd(u32 ip)
{
    u32 net = ip >> 24;
    return net == 0 || net == 127 || net >> 4 == 14 || ip == UINT32_MAX;
}

/* qs_frame_parse_plain is qs_frame_parse of what most frames are; false: ask qs_frame_parse_any.  Who
   calls that with another *out than this one keeps this one in registers. */
QS_INLINE bool
qs_frame_parse_plain(u8 const *frame, u32 sz, qs_frame_t *out)
{
    if (qs_unlikely(sz < QS_FRAME_HDR_SZ))
        return false;

    /* IPv4, version 4 and header of 20 bytes, no fragment, UDP: three loads decide, as long as IP
       and UDP agree on the length; whatever differs is looked at anew, one thing at a time. */
    u64 head = qs_load_be64(frame + 12); /* type, version and IHL, TOS, length, id */
    u32 mid = qs_load_be32(frame + 20);  /* flags and offset, TTL, protocol */
    u32 udp_sz = qs_load_be16(frame + 38);
    u32 ip_sz = (u32)(head >> 16) & 0xffff;
    u32 src_ip = qs_load_be32(frame + 26);
    u32 src_port = qs_load_be16(frame + 34);
    bool plain = head >> 40 == 0x080045 && (mid & 0x3fff00ff) == 17;
    if (qs_unlikely(!plain || ip_sz != udp_sz + QS_FRAME_IP_SZ || udp_sz < QS_FRAME_UDP_SZ ||
                    ip_sz > sz - QS_FRAME_ETH_SZ || !src_port || qs_frame_src_is_odd(src_ip)))
        return false;

    out->src_mac = qs_load_le64(frame + 6) & 0xffffffffffffu;
    out->src_ip = src_ip;
    out->dst_ip = qs_load_be32(frame + 30);
    out->src_port = (u16)src_port;
    out->dst_port = qs_load_be16(frame + 36);
    out->payload_off = QS_FRAME_HDR_SZ;
    out->payload_sz = (u16)(udp_sz - QS_FRAME_UDP_SZ);
    out->vlan = QS_FRAME_NO_VLAN;
    return true;
}

/* qs_frame_parse looks at the sz bytes of a frame, and fills *out on QS_FRAME_OK; otherwise *out is
   undefined.  It never returns QS_FRAME_OWN_MAC: compare out->src_mac with the interface's.
   Reads nothing outside frame[0..sz). */
QS_INLINE qs_frame_reason_t
qs_frame_parse(u8 const *frame, u32 sz, qs_frame_t *out)
{
    return qs_likely(qs_frame_parse_plain(frame, sz, out)) ? QS_FRAME_OK
                                                           : qs_frame_parse_any(frame, sz, out);
}

/* qs_frame_hdr_sz returns the bytes in front of the payload. */
QS_INLINE u32
qs_frame_hdr_sz(u32 vlan)
{
    return vlan == QS_FRAME_NO_VLAN ? QS_FRAME_HDR_SZ : QS_FRAME_HDR_MAX;
}

/* qs_frame_write writes the headers and copies the payload behind them: TTL 64, don't fragment,
   both checksums complete, as the kernel would.  frame has room for QS_FRAME_HDR_MAX + payload_sz
   bytes and does not overlap the payload; payload_sz <= QS_FRAME_PAYLOAD_MAX.  Returns the size of
   the frame, which may be below Ethernet's 60 bytes: the driver pads. */
u32 qs_frame_write(u8 *frame, qs_frame_to_t const *to, void const *payload, u32 payload_sz);

/* What all datagrams to one destination by one way have in common: their headers but for ports, id,
   lengths and checksums, and what these words add to the sums. */
typedef struct qs_frame_way {
    u8 hdr[48]; /* whole vectors, of which hdr_sz count */
    u32 hdr_sz;
    u32 ip_sum, udp_sum;
} qs_frame_way_t;

/* qs_frame_way_make takes what it needs from to; ports and id there do not matter. */
void qs_frame_way_make(qs_frame_way_t *way, qs_frame_to_t const *to);

/* qs_frame_write_way writes what qs_frame_write would for the same destination.  ports: the source's
   in the upper half, the destination's in the lower.  frame has room for 48 + payload_sz bytes. */
u32 qs_frame_write_way(u8 *frame, qs_frame_way_t const *way, u32 ports, u16 ip_id,
                       void const *payload, u32 payload_sz);

/* qs_frame_sum returns the one's complement sum of sz bytes as 16-bit words in network order, not
   inverted: 0xffff over a packet whose checksum is right. */
u16 qs_frame_sum(void const *data, u32 sz);

#endif

#include "waltz/ip/qs_frame.h"

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88a8u
#define IP_PROTO_UDP   17u
#define IP_FRAGMENT    0x3fffu /* more-fragments bit, or an offset */
#define IP_TTL         64u
#define IP_DF          0x4000u

char const *
qs_frame_reason_name(qs_frame_reason_t reason)
{
#define NAME(arg, NAME, name, help) #name,
    static char const *const name[QS_FRAME_REASON_CNT] = {"ok", QS_FRAME_REASONS(NAME, )};
#undef NAME
    return (u32)reason < QS_FRAME_REASON_CNT ? name[reason] : "?";
}

/* parse_udp: the IP packet begins at off and has ip_sz bytes, hdr_sz of them its header. */
static qs_frame_reason_t
parse_udp(u8 const *frame, u32 off, u32 hdr_sz, u32 ip_sz, qs_frame_t *out)
{
    u8 const *ip = frame + off;
    u8 const *udp = ip + hdr_sz;
    u32 udp_sz = qs_load_be16(udp + 4);
    if (!udp_sz)
        return QS_FRAME_UDP_LEN_ZERO;
    if (udp_sz != ip_sz - hdr_sz)
        return QS_FRAME_UDP_LEN;

    out->src_ip = qs_load_be32(ip + 12);
    out->dst_ip = qs_load_be32(ip + 16);
    out->src_port = qs_load_be16(udp);
    out->dst_port = qs_load_be16(udp + 2);
    out->payload_off = (u16)(off + hdr_sz + QS_FRAME_UDP_SZ);
    out->payload_sz = (u16)(udp_sz - QS_FRAME_UDP_SZ);
    if (!out->src_port)
        return QS_FRAME_SRC_PORT;
    return qs_frame_src_is_odd(out->src_ip) ? QS_FRAME_SRC_IP : QS_FRAME_OK;
}

static qs_frame_reason_t
parse_ip(u8 const *frame, u32 sz, u32 off, qs_frame_t *out)
{
    u8 const *ip = frame + off;
    u32 left = sz - off;
    if (left < 1)
        return QS_FRAME_SHORT;
    if (ip[0] >> 4 != 4)
        return QS_FRAME_IP_VERSION;
    if (left < QS_FRAME_IP_SZ)
        return QS_FRAME_SHORT;
    u32 hdr_sz = 4u * (ip[0] & 15u);
    u32 ip_sz = qs_load_be16(ip + 2);
    if (hdr_sz < QS_FRAME_IP_SZ || hdr_sz > ip_sz)
        return QS_FRAME_IP_HDR_LEN;
    if (ip_sz > left)
        return QS_FRAME_IP_LEN;
    if (qs_load_be16(ip + 6) & IP_FRAGMENT)
        return QS_FRAME_FRAGMENT;
    if (ip[9] != IP_PROTO_UDP)
        return QS_FRAME_NOT_UDP;
    if (ip_sz < hdr_sz + QS_FRAME_UDP_SZ)
        return QS_FRAME_IP_LEN;
    return parse_udp(frame, off, hdr_sz, ip_sz, out);
}

qs_frame_reason_t
qs_frame_parse_any(u8 const *frame, u32 sz, qs_frame_t *out)
{
    if (sz < QS_FRAME_ETH_SZ)
        return QS_FRAME_SHORT;
    u32 off = QS_FRAME_ETH_SZ;
    u32 type = qs_load_be16(frame + 12);
    out->src_mac = qs_frame_mac(frame + 6);
    out->vlan = QS_FRAME_NO_VLAN;
    if (type == ETHERTYPE_VLAN) {
        if (sz < QS_FRAME_ETH_SZ + QS_FRAME_VLAN_SZ)
            return QS_FRAME_SHORT;
        out->vlan = qs_load_be16(frame + 14) & 0xfff;
        type = qs_load_be16(frame + 16);
        off += QS_FRAME_VLAN_SZ;
        if (type == ETHERTYPE_VLAN)
            return QS_FRAME_VLAN_NESTED;
    }
    if (type == ETHERTYPE_QINQ)
        return QS_FRAME_VLAN_NESTED;
    return type == ETHERTYPE_IPV4 ? parse_ip(frame, sz, off, out) : QS_FRAME_ETHERTYPE;
}

/* A one's complement sum does not mind how wide the words are that are added, nor in which byte
   order they are read, as long as nothing is lost at the top and the result is stored in the order
   it was read: 32-bit halves are added to 64 bits, and folded once in the end. */
static u32
fold(u64 sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (u32)((sum >> 16) + (sum & 0xffff));
}

QS_INLINE u64
halves(u64 word)
{
    return (word >> 32) + (word & 0xffffffff);
}

QS_INLINE u64
load(void const *p)
{
    u64 word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* last reads the n < 8 bytes at p as the first ones of a word that is else 0. */
QS_INLINE u64
last(void const *p, u32 n)
{
    u64 word = 0;
    memcpy(&word, p, n);
    return word;
}

u16
qs_frame_sum(void const *data, u32 sz)
{
    u8 const *p = data;
    u64 sum = 0;
    for (; sz >= 8; p += 8, sz -= 8)
        sum += halves(load(p));
    u16 folded = (u16)fold(sum + halves(last(p, sz)));
    return qs_load_be16(&folded);
}

/* copy_sum copies and returns the sum of halves in the byte order of the machine. */
static u64
copy_sum(u8 *to, u8 const *from, u32 sz)
{
    u64 a = 0;
    u64 b = 0;
    for (; sz >= 16; to += 16, from += 16, sz -= 16) {
        u64 x = load(from);
        u64 y = load(from + 8);
        memcpy(to, &x, 8);
        memcpy(to + 8, &y, 8);
        a += halves(x);
        b += halves(y);
    }
    if (sz >= 8) {
        u64 x = load(from);
        memcpy(to, &x, 8);
        a += halves(x);
        to += 8, from += 8, sz -= 8;
    }
    u64 x = last(from, sz);
    memcpy(to, &x, sz);
    return a + b + halves(x);
}

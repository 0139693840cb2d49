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
   it was read: 32-bit halves of little-endian words are added to 64 bits, and folded in the end. */
QS_INLINE u64
halves(u64 word)
{
    return (word >> 32) + (word & 0xffffffff);
}

QS_INLINE u32
fold(u64 sum)
{
    sum = halves(halves(sum));
    sum = (sum >> 16) + (sum & 0xffff);
    return (u32)((sum >> 16) + (sum & 0xffff));
}

/* last reads the sz < 8 bytes at p as the lowest of a word that is else 0; bytes read twice are
   the same twice. */
QS_INLINE u64
last(u8 const *p, u32 sz)
{
    if (sz >= 4)
        return qs_load_le32(p) | (u64)qs_load_le32(p + sz - 4) << 8 * (sz - 4);
    if (sz >= 2)
        return qs_load_le16(p) | (u64)qs_load_le16(p + sz - 2) << 8 * (sz - 2);
    return sz ? *p : 0;
}

QS_INLINE void
store_last(u8 *p, u32 sz, u64 word)
{
    if (sz >= 4) {
        qs_store_le32(p, (u32)word);
        qs_store_le32(p + sz - 4, (u32)(word >> 8 * (sz - 4)));
    } else if (sz >= 2) {
        qs_store_le16(p, (u16)word);
        qs_store_le16(p + sz - 2, (u16)(word >> 8 * (sz - 2)));
    } else if (sz) {
        *p = (u8)word;
    }
}

u16
qs_frame_sum(void const *data, u32 sz)
{
    u8 const *p = data;
    u64 sum = 0;
    for (; sz >= 8; p += 8, sz -= 8)
        sum += halves(qs_load_le64(p));
    return __builtin_bswap16((u16)fold(sum + halves(last(p, sz))));
}

/* copy_sum copies, and returns the sum as 16-bit words in network order. */
QS_INLINE u32
copy_sum(u8 *to, u8 const *from, u32 sz)
{
    u64 sum = 0;
    u32 whole = sz & ~7u;

    if (!sz) /* then from may be null */
        return 0;
    for (u32 i = 0; i < whole; i += 8) {
        u64 word = qs_load_le64(from + i);
        qs_store_le64(to + i, word);
        sum += halves(word);
    }
    u64 word = last(from + whole, sz & 7);
    store_last(to + whole, sz & 7, word);
    return __builtin_bswap16((u16)fold(sum + halves(word)));
}

QS_INLINE u32
words(u32 x)
{
    return (x >> 16) + (x & 0xffff);
}

/* inverted folds a sum of less than 2^32 and inverts it. */
QS_INLINE u16
inverted(u32 sum)
{
    return (u16)~words(words(sum));
}

u32
qs_frame_write(u8 *frame, qs_frame_to_t const *to, void const *payload, u32 payload_sz)
{
    u32 hdr_sz = qs_frame_hdr_sz(to->vlan);
    u8 *ip = frame + hdr_sz - QS_FRAME_IP_SZ - QS_FRAME_UDP_SZ;
    u8 *udp = ip + QS_FRAME_IP_SZ;
    u32 udp_sz = payload_sz + QS_FRAME_UDP_SZ;
    u32 ip_sz = udp_sz + QS_FRAME_IP_SZ;
    u32 ports = (u32)to->src_port << 16 | to->dst_port;
    u32 addresses = words(to->src_ip) + words(to->dst_ip);

    qs_store_le64(frame, to->dst_mac | to->src_mac << 48);
    qs_store_le32(frame + 8, (u32)(to->src_mac >> 16));
    qs_store_be16(frame + 12, ETHERTYPE_IPV4);
    if (to->vlan != QS_FRAME_NO_VLAN) {
        qs_store_be32(frame + 12, ETHERTYPE_VLAN << 16 | to->vlan);
        qs_store_be16(frame + 16, ETHERTYPE_IPV4);
    }
    qs_store_be64(ip, 0x4500000000000000u | (u64)ip_sz << 32 | (u64)to->ip_id << 16 | IP_DF);
    u16 ip_sum =
        inverted(0x4500 + ip_sz + to->ip_id + IP_DF + (IP_TTL << 8 | IP_PROTO_UDP) + addresses);
    qs_store_be32(ip + 8, IP_TTL << 24 | IP_PROTO_UDP << 16 | ip_sum);
    qs_store_be32(ip + 12, to->src_ip);
    qs_store_be32(ip + 16, to->dst_ip);

    u32 sum = copy_sum(udp + QS_FRAME_UDP_SZ, payload, payload_sz);
    u16 udp_sum = inverted(sum + addresses + IP_PROTO_UDP + udp_sz + words(ports) + udp_sz);
    qs_store_be32(udp, ports);
    qs_store_be16(udp + 4, (u16)udp_sz);
    qs_store_be16(udp + 6, udp_sum ? udp_sum : 0xffff);
    return hdr_sz + payload_sz;
}

void
qs_frame_way_make(qs_frame_way_t *way, qs_frame_to_t const *to)
{
    u32 addresses = words(to->src_ip) + words(to->dst_ip);
    u8 frame[QS_FRAME_HDR_MAX];

    *way = (qs_frame_way_t){.hdr_sz = qs_frame_hdr_sz(to->vlan)};
    qs_frame_write(frame, to, NULL, 0);
    memcpy(way->hdr, frame, way->hdr_sz);
    way->ip_sum = 0x4500 + IP_DF + (IP_TTL << 8 | IP_PROTO_UDP) + addresses;
    way->udp_sum = addresses + IP_PROTO_UDP;
}

u32
qs_frame_write_way(u8 *frame, qs_frame_way_t const *way, u32 ports, u16 ip_id, void const *payload,
                   u32 payload_sz)
{
    u32 hdr_sz = way->hdr_sz;
    u8 *udp = frame + hdr_sz - QS_FRAME_UDP_SZ;
    u8 *ip = udp - QS_FRAME_IP_SZ;
    u32 udp_sz = payload_sz + QS_FRAME_UDP_SZ;
    u32 ip_sz = udp_sz + QS_FRAME_IP_SZ;

    memcpy(frame, way->hdr, sizeof(way->hdr));
    u32 sum = copy_sum(frame + hdr_sz, payload, payload_sz);
    u16 udp_sum = inverted(sum + way->udp_sum + words(ports) + 2 * udp_sz);
    qs_store_be32(ip + 2, ip_sz << 16 | ip_id);
    qs_store_be16(ip + 10, inverted(way->ip_sum + ip_sz + ip_id));
    qs_store_be64(udp, (u64)ports << 32 | udp_sz << 16 | (udp_sum ? udp_sum : 0xffff));
    return hdr_sz + payload_sz;
}

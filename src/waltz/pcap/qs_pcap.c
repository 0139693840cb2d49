#include "waltz/pcap/qs_pcap.h"

#include <pcap/pcap.h>

#include "tango/base/qs_bits.h"

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88a8u
#define VLAN_TAG_SZ    4u
#define IPV4_HDR_SZ    20u
#define UDP_HDR_SZ     8u
#define IP_PROTO_UDP   17u
#define IP_FRAGMENT    0x3fffu /* more-fragments bit, or an offset */
#define BSD_AF_INET    2u

/* view_t is what is left of a frame: `sz` bytes at hand of `wire_sz` that once were there. */
typedef struct view {
    u8 const *at;
    u64 sz;
    u64 wire_sz;
} view_t;

typedef struct link_row {
    int linktype;
    u32 hdr_sz;
    i32 proto_off; /* where the header has its EtherType, -1: it has none */
} link_row_t;

static link_row_t const links[] = {
    {DLT_EN10MB, 14, 12}, {DLT_LINUX_SLL, 16, 14}, {DLT_LINUX_SLL2, 20, 0}, {DLT_NULL, 4, -1},
    {DLT_LOOP, 4, -1},    {DLT_RAW, 0, -1},        {DLT_IPV4, 0, -1},
};

static link_row_t const *
find_link(int linktype)
{
    for (u32 i = 0; i < QS_COUNT(links); i++) {
        if (links[i].linktype == linktype)
            return &links[i];
    }
    return NULL;
}

/* too_short says why `sz` bytes are not there: they never were, or were not captured. */
static qs_pcap_verdict_t
too_short(view_t v, u64 sz)
{
    return v.wire_sz < sz ? QS_PCAP_BAD_LENGTH : QS_PCAP_TRUNCATED;
}

static view_t
skip(view_t v, u64 sz)
{
    return (view_t){v.at + sz, v.sz - sz, v.wire_sz - sz};
}

static qs_pcap_verdict_t
parse_udp(view_t v, u32 src_ip, u32 dst_ip, qs_pcap_pkt_t *pkt)
{
    if (v.sz < UDP_HDR_SZ)
        return too_short(v, UDP_HDR_SZ);
    u64 udp_sz = qs_load_be16(v.at + 4);
    if (udp_sz < UDP_HDR_SZ || udp_sz > v.wire_sz)
        return QS_PCAP_BAD_LENGTH;
    if (udp_sz > v.sz)
        return QS_PCAP_TRUNCATED;

    pkt->src_ip = src_ip;
    pkt->dst_ip = dst_ip;
    pkt->src_port = qs_load_be16(v.at);
    pkt->dst_port = qs_load_be16(v.at + 2);
    pkt->payload = v.at + UDP_HDR_SZ;
    pkt->payload_sz = (u32)(udp_sz - UDP_HDR_SZ);
    return QS_PCAP_UDP;
}

static qs_pcap_verdict_t
parse_ipv4(view_t v, qs_pcap_pkt_t *pkt)
{
    if (v.sz < IPV4_HDR_SZ)
        return too_short(v, IPV4_HDR_SZ);
    u64 hdr_sz = 4u * (v.at[0] & 15u);
    u64 ip_sz = qs_load_be16(v.at + 2);
    if (hdr_sz < IPV4_HDR_SZ || ip_sz < hdr_sz || ip_sz > v.wire_sz)
        return QS_PCAP_BAD_LENGTH;
    if (hdr_sz > v.sz)
        return QS_PCAP_TRUNCATED;
    if (v.at[9] != IP_PROTO_UDP)
        return QS_PCAP_NOT_UDP;
    if (qs_load_be16(v.at + 6) & IP_FRAGMENT)
        return QS_PCAP_FRAGMENT;

    u32 src_ip;
    u32 dst_ip;
    memcpy(&src_ip, v.at + 12, sizeof(src_ip));
    memcpy(&dst_ip, v.at + 16, sizeof(dst_ip));
    v.wire_sz = ip_sz; /* what follows the datagram is padding of the link */
    v.sz = qs_min_u64(v.sz, ip_sz);
    return parse_udp(skip(v, hdr_sz), src_ip, dst_ip, pkt);
}

/* parse_ip goes by the version in the packet, which every kind of frame must agree with. */
static qs_pcap_verdict_t
parse_ip(view_t v, qs_pcap_pkt_t *pkt)
{
    if (!v.sz)
        return too_short(v, 1);
    switch (v.at[0] >> 4) {
    case 4:
        return parse_ipv4(v, pkt);
    case 6:
        return QS_PCAP_IPV6;
    default:
        return QS_PCAP_NOT_IP;
    }
}

/* is_bsd_inet: the family stands in the byte order of the machine that captured, whose value
   for IPv6 differs from system to system; the IP version then tells. */
static bool
is_bsd_inet(u8 const *hdr)
{
    u32 family = qs_load_be32(hdr);
    if (family > 0xffff)
        family = qs_load_le32(hdr);
    return family == BSD_AF_INET || family == 10 || family == 24 || family == 28 || family == 30;
}

qs_pcap_verdict_t
qs_pcap_parse_frame(int linktype, u8 const *data, u64 caplen, u64 len, qs_pcap_pkt_t *pkt)
{
    link_row_t const *row = find_link(linktype);
    view_t v = {data, caplen, qs_max_u64(len, caplen)};
    if (!row)
        return QS_PCAP_NOT_IP;
    if (v.sz < row->hdr_sz)
        return too_short(v, row->hdr_sz);

    view_t ip = skip(v, row->hdr_sz);
    if (row->proto_off < 0)
        return row->hdr_sz && !is_bsd_inet(v.at) ? QS_PCAP_NOT_IP : parse_ip(ip, pkt);

    u32 proto = qs_load_be16(v.at + row->proto_off);
    if (proto == ETHERTYPE_VLAN || proto == ETHERTYPE_QINQ) {
        if (ip.sz < VLAN_TAG_SZ)
            return too_short(ip, VLAN_TAG_SZ);
        proto = qs_load_be16(ip.at + 2);
        ip = skip(ip, VLAN_TAG_SZ);
    }
    if (proto == ETHERTYPE_IPV6)
        return QS_PCAP_IPV6;
    return proto == ETHERTYPE_IPV4 ? parse_ip(ip, pkt) : QS_PCAP_NOT_IP;
}

int
qs_pcap_open(qs_pcap_t *pcap, char const *path)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    *pcap = (qs_pcap_t){0};
    errno = 0;
    pcap->handle = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
    if (!pcap->handle) {
        int err = errno ? -errno : -EBADMSG;
        snprintf(pcap->why, sizeof(pcap->why), "%s", text);
        return err;
    }
    pcap->linktype = pcap_datalink(pcap->handle);
    if (!find_link(pcap->linktype)) {
        char const *name = pcap_datalink_val_to_name(pcap->linktype);
        snprintf(pcap->why, sizeof(pcap->why), "link type %d (%s) is not read", pcap->linktype,
                 name ? name : "unknown");
        qs_pcap_close(pcap);
        return -EPROTONOSUPPORT;
    }
    return 0;
}

int
qs_pcap_next(qs_pcap_t *pcap, qs_pcap_pkt_t *pkt)
{
    for (;;) {
        struct pcap_pkthdr *hdr;
        u8 const *data;
        int got = pcap_next_ex(pcap->handle, &hdr, &data);
        if (got == PCAP_ERROR_BREAK)
            return 0;
        if (got != 1) {
            snprintf(pcap->why, sizeof(pcap->why), "%s", pcap_geterr(pcap->handle));
            return -EBADMSG;
        }
        qs_pcap_verdict_t verdict =
            qs_pcap_parse_frame(pcap->linktype, data, hdr->caplen, hdr->len, pkt);
        pcap->cnt[verdict]++;
        if (verdict != QS_PCAP_UDP)
            continue;
        /* At nanosecond precision libpcap's tv_usec holds nanoseconds. */
        pkt->ts_ns = (u64)hdr->ts.tv_sec * 1000000000u + (u64)hdr->ts.tv_usec;
        return 1;
    }
}

void
qs_pcap_close(qs_pcap_t *pcap)
{
    if (pcap->handle)
        pcap_close(pcap->handle);
    pcap->handle = NULL;
}

char const *
qs_pcap_verdict_name(qs_pcap_verdict_t verdict)
{
    static char const *const name[QS_PCAP_VERDICT_CNT] = {
        "udp", "not_ip", "ipv6", "bad_length", "truncated", "not_udp", "fragment"};
    return (u32)verdict < QS_PCAP_VERDICT_CNT ? name[verdict] : "?";
}

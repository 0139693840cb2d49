/* qs_pcap - the UDP datagrams of a capture file, one after the other, as they were recorded.

       file (pcap us/ns, pcapng) -> frame -> [VLAN tag] -> IPv4 -> UDP -> {when, from, to, payload}

   Link types: Ethernet, raw IP, Linux cooked v1 and v2, BSD null and loop.  A frame that is not
   a whole, unfragmented IPv4 UDP datagram is skipped and counted under its verdict.  Checksums
   are not looked at: a capture at the sender holds them unfinished.

   The file is the world: every length in it is checked, none is believed.

   Threads: one owner.  Blocks: on the file.  Allocates: in libpcap, at open and for a frame
   larger than any before, up to the 256 KiB that libpcap takes for a frame. */

#ifndef QS_WALTZ_PCAP_H
#define QS_WALTZ_PCAP_H

#include "tango/base/qs_base.h"

#define QS_PCAP_WHY_MAX 256u

typedef struct qs_pcap_pkt {
    u64 ts_ns;         /* since 1970, as the file says: perhaps not ascending */
    u32 src_ip;        /* network order */
    u32 dst_ip;        /* network order */
    u16 src_port;      /* host order */
    u16 dst_port;      /* host order */
    u32 payload_sz;    /* 0 .. 65507 */
    u8 const *payload; /* in the frame */
} qs_pcap_pkt_t;

/* The first that fits, on the way from the link's header to the UDP header. */
typedef enum qs_pcap_verdict {
    QS_PCAP_UDP,
    QS_PCAP_NOT_IP, /* ARP, a second VLAN tag, a link type that is none of ours, .. */
    QS_PCAP_IPV6,
    QS_PCAP_BAD_LENGTH, /* two lengths contradict each other, or the frame is too short */
    QS_PCAP_TRUNCATED,  /* it was longer on the wire than what was captured of it */
    QS_PCAP_NOT_UDP,
    QS_PCAP_FRAGMENT,
    QS_PCAP_VERDICT_CNT
} qs_pcap_verdict_t;

typedef struct qs_pcap {
    struct pcap *handle; /* libpcap's; null: closed */
    int linktype;        /* a DLT_* value */
    u64 cnt[QS_PCAP_VERDICT_CNT];
    char why[QS_PCAP_WHY_MAX]; /* what was wrong with the file, or "" */
} qs_pcap_t;

/* qs_pcap_open opens a capture file; "-" is standard input.  Returns 0, -ENOENT or another
   -errno of open, -EBADMSG (no capture file) or -EPROTONOSUPPORT (its link type is not
   read); why says it in words. */
int qs_pcap_open(qs_pcap_t *pcap, char const *path);

/* qs_pcap_next fills *pkt with the next UDP datagram.  The payload stays valid until the next
   call.  Returns 1, 0 at the end of the file, or -EBADMSG where the file is damaged or cut
   off: what came before is good, and there is no more. */
int qs_pcap_next(qs_pcap_t *pcap, qs_pcap_pkt_t *pkt);

/* qs_pcap_close gives the file back; counts and why stay.  A closed one is fine. */
void qs_pcap_close(qs_pcap_t *pcap);

/* qs_pcap_verdict_name returns "udp", "not_ip", .. as used in JSON keys. */
char const *qs_pcap_verdict_name(qs_pcap_verdict_t verdict);

/* qs_pcap_parse_frame looks at one frame, of which caplen bytes stand at data and len were on
   the wire.  On QS_PCAP_UDP it fills all of *pkt but ts_ns, with a payload inside
   data[0..caplen); otherwise *pkt is untouched.  Pure. */
qs_pcap_verdict_t qs_pcap_parse_frame(int linktype, u8 const *data, u64 caplen, u64 len,
                                      qs_pcap_pkt_t *pkt);

#endif

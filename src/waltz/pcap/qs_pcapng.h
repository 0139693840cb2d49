/* qs_pcapng - writes a capture file that wireshark, tshark and tcpdump read (pcapng,
   draft-ietf-opsawg-pcapng), of one interface, with ns stamps and the packets that were missed.

   Threads: one owner of the FILE.  Blocks: on the file.  Allocates: never. */

#ifndef QS_WALTZ_PCAP_PCAPNG_H
#define QS_WALTZ_PCAP_PCAPNG_H

#include "tango/base/qs_base.h"

#define QS_PCAPNG_LINK_RAW   101u /* begins with the IP header */
#define QS_PCAPNG_LINK_USER0 147u /* what it is only we know */

/* qs_pcapng_begin writes the head: who wrote it, and the interface's name and link type. */
void qs_pcapng_begin(FILE *f, char const *program, char const *interface, u16 link_type);

/* qs_pcapng_packet writes one packet of sz bytes that came at ns since 1970; missed: how many were
   lost between the packet before and this one.  comment may be null. */
void qs_pcapng_packet(FILE *f, u64 ns, u8 const *data, u32 sz, u64 missed, char const *comment);

/* qs_pcapng_end writes how many were received and missed in all. */
void qs_pcapng_end(FILE *f, u64 ns, u64 received, u64 missed);

/* What goes before a UDP payload of sz bytes so that it is an IPv4 packet.  Addresses as numbers. */
#define QS_PCAPNG_UDP_HEAD 28u
void qs_pcapng_udp_head(u8 head[QS_PCAPNG_UDP_HEAD], u32 src_ip, u16 src_port, u32 dst_ip,
                        u16 dst_port, u16 sz);

#endif

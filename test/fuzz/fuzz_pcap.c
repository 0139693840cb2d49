/* Goal: whatever a frame holds, its verdict is one of the list, and a datagram lies inside the
   frame and says again what its headers said.
   Method: byte 0 picks the link type, bytes 1 and 2 how much longer the frame was on the wire,
   the rest is the frame. */

#include <pcap/dlt.h>

#include "tango/base/qs_bits.h"
#include "waltz/pcap/qs_pcap.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static int const linktype[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL,
                               DLT_LOOP,   DLT_RAW,       DLT_IPV4,       147};

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    if (sz < 3)
        return 0;
    u8 const *frame = data + 3;
    u64 caplen = sz - 3;
    u64 len = caplen + qs_load_le16(data + 1);
    qs_pcap_pkt_t pkt = {.ts_ns = 1};

    qs_pcap_verdict_t verdict =
        qs_pcap_parse_frame(linktype[data[0] % QS_COUNT(linktype)], frame, caplen, len, &pkt);
    QS_ASSERT((u32)verdict < QS_PCAP_VERDICT_CNT);
    QS_ASSERT(pkt.ts_ns == 1);
    if (verdict != QS_PCAP_UDP) {
        QS_ASSERT(!pkt.payload);
        return 0;
    }
    QS_ASSERT(pkt.payload >= frame + 28 && pkt.payload_sz <= 65507);
    QS_ASSERT(pkt.payload + pkt.payload_sz <= frame + caplen);
    QS_ASSERT(qs_load_be16(pkt.payload - 8) == pkt.src_port);
    QS_ASSERT(qs_load_be16(pkt.payload - 6) == pkt.dst_port);
    QS_ASSERT(qs_load_be16(pkt.payload - 4) == pkt.payload_sz + 8);
    u32 sum = 0;
    for (u32 i = 0; i < pkt.payload_sz; i++)
        sum += pkt.payload[i];
    __asm__ volatile("" ::"r"(sum)); /* so that every byte is really read */
    return 0;
}

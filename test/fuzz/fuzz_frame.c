/* Goal: whatever a frame holds, its reason is one of the list, the short cut agrees with the long
   way, and a datagram lies inside the frame and says again what its headers said; what is written
   from it is read back the same.
   Method: the input is the frame. */

#include "waltz/ip/qs_frame.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static void
same(qs_frame_t const *a, qs_frame_t const *b)
{
    QS_ASSERT(a->src_mac == b->src_mac && a->src_ip == b->src_ip && a->dst_ip == b->dst_ip);
    QS_ASSERT(a->src_port == b->src_port && a->dst_port == b->dst_port && a->vlan == b->vlan);
    QS_ASSERT(a->payload_sz == b->payload_sz);
}

/* write_again makes the same datagram without options. */
static void
write_again(u8 const *frame, qs_frame_t const *in)
{
    static u8 mem[QS_FRAME_HDR_MAX + QS_FRAME_PAYLOAD_MAX];
    qs_frame_t out;
    qs_frame_to_t to = {.dst_mac = qs_frame_mac(frame),
                        .src_mac = in->src_mac,
                        .src_ip = in->src_ip,
                        .dst_ip = in->dst_ip,
                        .src_port = in->src_port,
                        .dst_port = in->dst_port,
                        .vlan = in->vlan};
    u32 sz = qs_frame_write(mem, &to, frame + in->payload_off, in->payload_sz);
    QS_ASSERT(qs_frame_parse(mem, sz, &out) == QS_FRAME_OK);
    same(in, &out);
    QS_ASSERT(!memcmp(mem, frame, 12));
    QS_ASSERT(!memcmp(mem + out.payload_off, frame + in->payload_off, in->payload_sz));
    QS_ASSERT(qs_frame_sum(mem + out.payload_off - 28, 20) == 0xffff);
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_frame_t out, other;
    if (sz > 70000)
        return 0;
    qs_frame_reason_t reason = qs_frame_parse(data, (u32)sz, &out);
    QS_ASSERT((u32)reason < QS_FRAME_OWN_MAC);
    QS_ASSERT(qs_frame_parse_any(data, (u32)sz, &other) == reason);
    if (reason != QS_FRAME_OK)
        return 0;
    same(&out, &other);
    QS_ASSERT(out.payload_off == other.payload_off);
    QS_ASSERT(out.payload_off >= QS_FRAME_HDR_SZ && out.payload_off <= QS_FRAME_HDR_MAX + 40);
    QS_ASSERT((u64)out.payload_off + out.payload_sz <= sz && out.src_port);
    u8 const *udp = data + out.payload_off - QS_FRAME_UDP_SZ;
    QS_ASSERT(qs_load_be16(udp) == out.src_port && qs_load_be16(udp + 2) == out.dst_port);
    QS_ASSERT(qs_load_be16(udp + 4) == out.payload_sz + QS_FRAME_UDP_SZ);
    write_again(data, &out);
    return 0;
}

/* qs_net_xdp - the way of a packet through the XSK rings of a net tile.

       receive   rx ring -> parse -> which port? -> published where it lies; the frame that the line
                 had before goes to the fill ring, which is kept as full as it can be
       send      headers and payload into a spare frame -> tx ring -> kick, once a batch;
                 completion ring -> spare

   Everything is done in batches: ring counters are read and written once for QS_NET_BATCH packets.

   The state is qs_net_t's; that the kernel is at the other end of the rings is not assumed, but for
   kick and wake.

   Threads: the net tile's.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NET_XDP_H
#define QS_DISCO_NET_XDP_H

#include "disco/net/qs_net.h"

#define QS_NET_BATCH 64u

/* qs_net_xdp_start gives the rings their frames; the XSK is open, the frames are recovered. */
void qs_net_xdp_start(qs_net_t *n, u32 rx_depth, u32 tx_depth);

/* qs_net_xdp_receive publishes what is in the rx ring, a batch at most, and refills.  Returns how many
   frames it took. */
u32 qs_net_xdp_receive(qs_net_t *n, qs_stem_t *stem);

/* qs_net_xdp_room says whether one datagram can be sent now; false: not until the kernel has sent
   something. */
bool qs_net_xdp_make_room_(qs_net_t *n, u64 now);

QS_INLINE bool
qs_net_xdp_room(qs_net_t *n, u64 now)
{
    return qs_likely(n->frames.spare_cnt && n->tx_side < n->tx_max && qs_xsk_room(&n->xsk.tx, 1)) ||
           qs_net_xdp_make_room_(n, now);
}

/* qs_net_xdp_send puts one datagram into the tx ring, which has room; it leaves at the next flush that
   is due.  Frames begin at different lines, or all of them would share two sets of L1. */
QS_INLINE void
qs_net_xdp_send(qs_net_t *n, qs_frame_way_t const *way, u32 ports, u8 const *payload, u32 sz,
                u64 now)
{
    qs_net_frames_t *f = &n->frames;
    u32 frame = qs_net_frames_take(f);
    u64 addr = qs_net_frames_addr(f, frame) + frame % 8 * QS_CHUNK_SZ;
    u32 frame_sz = qs_frame_write_way(n->mem + f->off + addr, way, ports, n->ip_id++, payload, sz);

    qs_xsk_put(&n->xsk.tx, addr, frame_sz);
    n->tx_side++;
    if (!n->tx_unkicked++)
        n->tx_oldest_ns = now;
}

/* qs_net_xdp_flush has the kernel send what was put there, if that is a batch, or waits for long
   enough, or must; and takes back what was sent.  Returns how much it did. */
u32 qs_net_xdp_flush(qs_net_t *n, u64 now, bool must);

/* qs_net_xdp_reap takes back what was sent. */
u32 qs_net_xdp_reap(qs_net_t *n);

/* qs_net_xdp_health looks for an XSK that does not do its work, and reads the kernel's counters; every
   QS_NET_LOOK_NS.  Returns 0, or the reason to end. */
u32 qs_net_xdp_health(qs_net_t *n, u64 now);

#define QS_NET_LOOK_NS  100000000u
#define QS_NET_STUCK_NS 1000000000u

#endif

/* qs_net_frames - whose each frame of the UMEM is.

                      +--------- lines of the links <----------+
            evicted   |                                        | published
                      v                                        |
        free  <==> spare ---> fill ---> kernel ---> rx --------+
                      ^ |                           | rejected
                      | +---> tx ---> kernel ---> completion
                      +-------------------<---------+

   Each frame is in exactly one of these places.  Nothing is allocated or freed: every step moves one
   frame.  A frame in a line is published, and stays what it is until its line is used again.

   What lasts beyond the process are the lines, which name a frame each by one word that is written
   at once.  A producer that starts takes all the others as spare (recover), so a frame cannot be
   lost by any death; what was in the kernel's rings went with the socket.

   audit counts the frames in each place by looking there, without a word of book-keeping on the way
   of a packet: what it does not find must be as many as the kernel took and has not given back.

   Threads: the net tile's.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_NET_FRAMES_H
#define QS_DISCO_NET_FRAMES_H

#include "disco/qs_tile.h"
#include "tango/qs_dcache.h"
#include "waltz/xdp/qs_xsk.h"

#define QS_FRAME_NONE UINT32_MAX

typedef struct qs_net_frames {
    u64 off; /* of frame 0 in the workspace */
    u32 cnt;
    u32 shift; /* a frame is 1 << shift bytes */
    u32 spare_cnt;
    u32 *spare; /* a stack: what was used last is warm */
    u64 *seen;  /* one bit per frame, for recover and audit */
} qs_net_frames_t;

/* Where the frames are.  missing and twice are 0, or something is wrong. */
typedef struct qs_net_audit {
    u32 fill, kernel, rx, line, tx, completion, spare;
    u32 missing; /* nowhere, and the kernel does not have them */
    u32 twice;   /* found in a second place, or no frame at all */
} qs_net_audit_t;

/* qs_net_frames_layout places what cnt frames need; run twice, as layout is. */
void qs_net_frames_layout(qs_net_frames_t *f, qs_layout_t *l, u32 cnt);

/* qs_net_frames_recover makes every frame spare that no line of the cnt rings names, and gives one to
   each line that names none, or one that another line has.  There are at least as many frames as
   lines.  Returns how many lines got one: all of new rings, none after a restart. */
u32 qs_net_frames_recover(qs_net_frames_t *f, qs_mcache_tx_t const *const *ring, u32 cnt);

/* qs_net_frames_audit looks for every frame.  x is NULL if there is no XSK.  The kernel moves frames
   while it looks, and may show one in two places for a moment: it looks again, a few times. */
void qs_net_frames_audit(qs_net_frames_t *f, qs_mcache_tx_t const *const *ring, u32 cnt,
                         qs_xsk_t const *x, qs_net_audit_t *audit);

/* qs_net_frames_of returns the frame in which byte off of the workspace lies, or QS_FRAME_NONE. */
QS_INLINE u32
qs_net_frames_of(qs_net_frames_t const *f, u64 off)
{
    u64 idx = (off - f->off) >> f->shift; /* off below f->off becomes huge */
    return idx < f->cnt ? (u32)idx : QS_FRAME_NONE;
}

/* qs_net_frames_addr returns the frame's place in the UMEM, as the kernel counts. */
QS_INLINE u64
qs_net_frames_addr(qs_net_frames_t const *f, u32 frame)
{
    return (u64)frame << f->shift;
}

QS_INLINE void
qs_net_frames_put(qs_net_frames_t *f, u32 frame)
{
    f->spare[f->spare_cnt++] = frame;
}

/* qs_net_frames_take returns a spare frame; there is one. */
QS_INLINE u32
qs_net_frames_take(qs_net_frames_t *f)
{
    return f->spare[--f->spare_cnt];
}

#endif

/* qs_dcache - where the payloads of a link lie, and which chunk the next one takes.

   A dcache is a run of 64-byte chunks in the producer's workspace, written round and round;
   a payload is always contiguous:

       |<------------------------- (window + 1) payloads of mtu -------------------->|
       | n-3 | n-2   | n-1 |  n, being written ->                    | n-5  | waste |
       chunk0                                                         ^ last that may begin: wmark

   The next payload begins where the last one ended, or at chunk0 if less than one mtu is
   left.  The window newest payloads, one of them being written, and less than one mtu of
   waste at the end always fit, so payload n - window is the first that n may overwrite, and
   qs_mcache_reserve has said so before.  Small payloads pack: 64 bytes take one chunk.

   There is no header: bounds come from the topology, never from the neighbour's memory, and
   a restarted producer goes on behind the last line that it published.

   chunk numbers count from the start of the workspace, so the object's offset there must be
   a multiple of 64 and below 256 GiB.

   Threads: geometry is constant; the position belongs to the producer.
   Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_DCACHE_H
#define QS_TANGO_DCACHE_H

#include "tango/base/qs_bits.h"

#define QS_CHUNK_SZ 64u

typedef struct qs_dcache {
    u32 chunk0; /* first chunk */
    u32 chunk1; /* first chunk behind the dcache */
    u32 wmark;  /* last chunk at which a payload may begin */
    u32 stride; /* chunks of one mtu */
} qs_dcache_t;

/* qs_dcache_footprint returns the bytes for window live payloads of mtu bytes, or 0 if
   window is 0, mtu is 0 or above 65535, or the chunks would not fit 32 bits. */
QS_INLINE u64
qs_dcache_footprint(u64 window, u64 mtu)
{
    if (!window || window > 1ull << 30 || !mtu || mtu > UINT16_MAX)
        return 0;
    u64 sz = (window + 1) * qs_align_up(mtu, QS_CHUNK_SZ);
    return sz / QS_CHUNK_SZ <= UINT32_MAX ? sz : 0;
}

/* qs_dcache_init describes the dcache of footprint(window, mtu) bytes at wksp_off.
   Returns 0 or -EINVAL (footprint is 0, wksp_off unaligned or out of a chunk's reach). */
QS_INLINE int
qs_dcache_init(qs_dcache_t *dc, u64 wksp_off, u64 window, u64 mtu)
{
    u64 sz = qs_dcache_footprint(window, mtu);
    u64 chunk1 = wksp_off / QS_CHUNK_SZ + sz / QS_CHUNK_SZ; /* the sum of bytes could wrap */

    if (!sz || wksp_off % QS_CHUNK_SZ || chunk1 > UINT32_MAX)
        return -EINVAL;
    dc->chunk0 = (u32)(wksp_off / QS_CHUNK_SZ);
    dc->chunk1 = (u32)chunk1;
    dc->stride = (u32)(qs_align_up(mtu, QS_CHUNK_SZ) / QS_CHUNK_SZ);
    dc->wmark = dc->chunk1 - dc->stride;
    return 0;
}

/* qs_dcache_next returns the chunk of the payload that follows one of sz bytes at chunk.
   Whatever chunk and sz are, the result lies in [chunk0, wmark]. */
QS_INLINE u32
qs_dcache_next(qs_dcache_t const *dc, u32 chunk, u32 sz)
{
    u64 next = (u64)chunk + (sz + QS_CHUNK_SZ - 1) / QS_CHUNK_SZ;

    return next >= dc->chunk0 && next <= dc->wmark ? (u32)next : dc->chunk0;
}

/* qs_dcache_holds says whether sz bytes at byte off of chunk lie inside: the check that every
   descriptor of a neighbour passes before its payload is touched. */
QS_INLINE bool
qs_dcache_holds(qs_dcache_t const *dc, u32 chunk, u32 off, u32 sz)
{
    u64 begin = (u64)chunk * QS_CHUNK_SZ + off;

    return chunk >= dc->chunk0 && begin + sz <= (u64)dc->chunk1 * QS_CHUNK_SZ;
}

#endif

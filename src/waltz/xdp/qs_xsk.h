/* qs_xsk - an AF_XDP socket over memory of the caller's: four rings, driven by our own code.

       us       fill --------->  kernel            frames to receive into
       us       <--------- rx    kernel            frames with a packet
       us       tx ----------->  kernel            frames to send
       us       <-- completion   kernel            frames that were sent

   A ring is an array of a power of two entries and two u32 counters that only grow:

       producer                                    consumer
       X1  consumer             acquire (X4)       X3  producer             acquire (X2)
           entries, only now                           entries, only now
       X2  producer <- + cnt    release            X4  consumer <- + cnt    release

   qs_xsk_ring_t is one side of such a ring; over memory of one's own (qs_xsk_ring_of) the other
   side may be played by a bench or a test instead of the kernel.

   The kernel sleeps if it may: a ring whose qs_xsk_ring_sleeps is true wants a system call
   (qs_xsk_wake_rx, qs_xsk_kick) after something was put there.

   Zero copy or copy is said explicitly and never left to the kernel, which would choose without
   telling, and refuse later.

   Threads: one owner.  Blocks: open, up to 1 s while the queue is still busy with a socket that is
   going away.  Allocates: descriptors and mappings.  Needs: CAP_NET_RAW, and CAP_IPC_LOCK or a
   large RLIMIT_MEMLOCK. */

#ifndef QS_WALTZ_XDP_XSK_H
#define QS_WALTZ_XDP_XSK_H

#include "tango/base/qs_bits.h"

#define QS_XSK_DEPTH_MAX 65536u
#define QS_XSK_HEADROOM  256u /* the kernel puts no packet in the first bytes of a frame */

/* qs_xsk_desc_t is an entry of rx and tx, as the kernel has it; fill and completion hold addr only. */
typedef struct qs_xsk_desc {
    u64 addr; /* offset in the memory */
    u32 len;
    u32 options; /* 0 */
} qs_xsk_desc_t;

typedef struct qs_xsk_ring {
    u32 *producer, *consumer, *flags;
    void *entry;
    u32 mask;
    u32 own;   /* our counter; what is in the ring follows at submit or release */
    u32 other; /* theirs, as last read */
} qs_xsk_ring_t;

typedef enum qs_xsk_copy { QS_XSK_ZERO_COPY, QS_XSK_COPY } qs_xsk_copy_t;

typedef struct qs_xsk_conf {
    u32 ifindex, queue;
    void *mem; /* page aligned; outlives the socket */
    u64 mem_sz;
    u32 frame_sz; /* 2048 or 4096 */
    u32 fill_depth, rx_depth, tx_depth, completion_depth;
    qs_xsk_copy_t copy;
    u32 busy_poll_us; /* prefer busy polling for that long; 0: softirq */
} qs_xsk_conf_t;

typedef struct qs_xsk {
    int fd;
    bool zero_copy;
    bool busy_poll; /* asked for and granted */
    qs_xsk_ring_t fill, rx, tx, completion;
    void *map[4];
    u64 map_sz[4];
} qs_xsk_t;

typedef struct qs_xsk_stats {
    u64 rx_dropped, rx_invalid, tx_invalid, rx_ring_full, fill_ring_empty, tx_ring_empty;
} qs_xsk_stats_t;

/* qs_xsk_open makes the socket, registers mem, maps the rings and binds.  Nothing is received before
   the fill ring has frames and the XSKMAP has the socket.  A busy queue is tried again for up to
   1 s.  Returns 0, or with everything given back and one line in err -EINVAL (conf), -EBUSY,
   -EOPNOTSUPP (this driver cannot, in this mode), -EPERM, -ENOBUFS (RLIMIT_MEMLOCK), -ENODEV,
   -ENETDOWN or another -errno. */
int qs_xsk_open(qs_xsk_t *x, qs_xsk_conf_t const *conf, char *err, u64 err_sz);

/* qs_xsk_close gives all back; a closed socket is fine. */
void qs_xsk_close(qs_xsk_t *x);

/* qs_xsk_kick has the kernel send what was submitted to tx.  Returns 0, -EAGAIN if it wants to be
   asked again (it stopped early, or is out of buffers), or another -errno: -ENETDOWN while the
   interface is down, -ENXIO when it is gone. */
int qs_xsk_kick(qs_xsk_t *x);

/* qs_xsk_wake_rx has a sleeping kernel look at the fill ring, or poll the driver.  Returns as kick. */
int qs_xsk_wake_rx(qs_xsk_t *x);

/* qs_xsk_stats reads the kernel's counters of this socket.  Returns 0 or -errno. */
int qs_xsk_stats(qs_xsk_t const *x, qs_xsk_stats_t *stats);

/* qs_xsk_error returns the error that the kernel left on the socket, as -errno, and clears it: -ENETDOWN
   after the interface was deleted.  0: none. */
int qs_xsk_error(qs_xsk_t const *x);

/* qs_xsk_ring_of makes *ring the producer's or the consumer's side of a ring in memory of one's own:
   words[0], words[16] and words[32] are its counters and flags. */
QS_INLINE void
qs_xsk_ring_of(qs_xsk_ring_t *ring, u32 *words, void *entry, u32 depth)
{
    *ring = (qs_xsk_ring_t){.producer = &words[0],
                            .consumer = &words[16],
                            .flags = &words[32],
                            .entry = entry,
                            .mask = depth - 1};
}

/* qs_xsk_room returns how many entries the producer may fill in; it looks again at the consumer only
   if it knows of fewer than want. */
QS_INLINE u32
qs_xsk_room(qs_xsk_ring_t *r, u32 want)
{
    u32 room = r->mask + 1 - (r->own - r->other);

    if (room >= want)
        return room;
    r->other = qs_load_acquire(r->consumer); /* X1 */
    return r->mask + 1 - (r->own - r->other);
}

/* qs_xsk_put_addr and qs_xsk_put write the next entry; there is room for it. */
QS_INLINE void
qs_xsk_put_addr(qs_xsk_ring_t *r, u64 addr)
{
    ((u64 *)r->entry)[r->own++ & r->mask] = addr;
}

QS_INLINE void
qs_xsk_put(qs_xsk_ring_t *r, u64 addr, u32 len)
{
    ((qs_xsk_desc_t *)r->entry)[r->own++ & r->mask] = (qs_xsk_desc_t){.addr = addr, .len = len};
}

/* qs_xsk_submit hands everything that was put to the consumer. */
QS_INLINE void
qs_xsk_submit(qs_xsk_ring_t *r)
{
    qs_store_release(r->producer, r->own); /* X2 */
}

/* qs_xsk_ready returns how many entries the consumer may read, up to max. */
QS_INLINE u32
qs_xsk_ready(qs_xsk_ring_t *r, u32 max)
{
    u32 ready = r->other - r->own;

    if (ready < max) {
        r->other = qs_load_acquire(r->producer); /* X3 */
        ready = r->other - r->own;
    }
    return ready < max ? ready : max;
}

/* qs_xsk_addr and qs_xsk_desc return entry i of those that are ready. */
QS_INLINE u64
qs_xsk_addr(qs_xsk_ring_t const *r, u32 i)
{
    return ((u64 const *)r->entry)[(r->own + i) & r->mask];
}

QS_INLINE qs_xsk_desc_t const *
qs_xsk_desc(qs_xsk_ring_t const *r, u32 i)
{
    return &((qs_xsk_desc_t const *)r->entry)[(r->own + i) & r->mask];
}

/* qs_xsk_release gives the first cnt of those back to the producer. */
QS_INLINE void
qs_xsk_release(qs_xsk_ring_t *r, u32 cnt)
{
    r->own += cnt;
    qs_store_release(r->consumer, r->own); /* X4 */
}

QS_INLINE bool
qs_xsk_ring_sleeps(qs_xsk_ring_t const *r)
{
    return qs_load_relaxed(r->flags) & 1; /* XDP_RING_NEED_WAKEUP */
}

#endif

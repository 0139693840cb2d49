#include "waltz/xdp/qs_xsk.h"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif
#define BUSY_POLL_BUDGET  64
#define BIND_RETRY_MIN_NS 1000000ull
#define BIND_RETRY_SUM_NS 1000000000ull

_Static_assert(sizeof(qs_xsk_desc_t) == sizeof(struct xdp_desc), "the kernel's ABI");

static int
refuse(qs_xsk_t *x, int code, char *err, u64 err_sz, char const *what)
{
    snprintf(err, err_sz, "AF_XDP: %s: %s", what, strerror(-code));
    qs_xsk_close(x);
    return code;
}

static int
set(int fd, int option, void const *value, u32 sz)
{
    return setsockopt(fd, SOL_XDP, option, value, sz) ? -errno : 0;
}

static bool
depth_ok(u32 depth)
{
    return qs_is_pow2(depth) && depth <= QS_XSK_DEPTH_MAX;
}

static bool
conf_ok(qs_xsk_conf_t const *c)
{
    return c->mem && !((uintptr_t)c->mem % 4096) && c->mem_sz &&
           (c->frame_sz == 2048 || c->frame_sz == 4096) && c->mem_sz % c->frame_sz == 0 &&
           depth_ok(c->fill_depth) && depth_ok(c->rx_depth) && depth_ok(c->tx_depth) &&
           depth_ok(c->completion_depth);
}

/* register_mem: the pages are charged to RLIMIT_MEMLOCK unless we may lock what we like; the limit
   is touched only when the kernel says that it is in the way. */
static int
register_mem(int fd, qs_xsk_conf_t const *c)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    struct xdp_umem_reg reg = {
        .addr = (u64)(uintptr_t)c->mem, .len = c->mem_sz, .chunk_size = c->frame_sz};

    int err = set(fd, XDP_UMEM_REG, &reg, sizeof(reg));
    if (err != -ENOBUFS || setrlimit(RLIMIT_MEMLOCK, &all))
        return err;
    return set(fd, XDP_UMEM_REG, &reg, sizeof(reg));
}

static int
map_ring(qs_xsk_t *x, u32 idx, qs_xsk_ring_t *ring, struct xdp_ring_offset const *off, u32 depth,
         u64 entry_sz, u64 page_off)
{
    u64 sz = off->desc + depth * entry_sz;
    u8 *mem =
        mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, x->fd, (off_t)page_off);

    if (mem == MAP_FAILED)
        return -errno;
    x->map[idx] = mem;
    x->map_sz[idx] = sz;
    *ring = (qs_xsk_ring_t){.producer = (u32 *)(mem + off->producer),
                            .consumer = (u32 *)(mem + off->consumer),
                            .flags = (u32 *)(mem + off->flags),
                            .entry = mem + off->desc,
                            .mask = depth - 1};
    return 0;
}

static int
map_rings(qs_xsk_t *x, qs_xsk_conf_t const *c)
{
    struct xdp_mmap_offsets off;
    socklen_t sz = sizeof(off);

    if (getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &sz))
        return -errno;
    if (sz != sizeof(off))
        return -EPROTONOSUPPORT; /* a kernel before 5.4, without flags */
    int err =
        map_ring(x, 0, &x->fill, &off.fr, c->fill_depth, sizeof(u64), XDP_UMEM_PGOFF_FILL_RING);
    if (!err)
        err = map_ring(x, 1, &x->completion, &off.cr, c->completion_depth, sizeof(u64),
                       XDP_UMEM_PGOFF_COMPLETION_RING);
    if (!err)
        err =
            map_ring(x, 2, &x->rx, &off.rx, c->rx_depth, sizeof(qs_xsk_desc_t), XDP_PGOFF_RX_RING);
    if (!err)
        err =
            map_ring(x, 3, &x->tx, &off.tx, c->tx_depth, sizeof(qs_xsk_desc_t), XDP_PGOFF_TX_RING);
    return err;
}

static int
bind_queue(qs_xsk_t *x, qs_xsk_conf_t const *c)
{
    u16 how = c->copy == QS_XSK_ZERO_COPY ? XDP_ZEROCOPY : XDP_COPY;
    struct sockaddr_xdp at = {.sxdp_family = AF_XDP,
                              .sxdp_flags = XDP_USE_NEED_WAKEUP | how,
                              .sxdp_ifindex = c->ifindex,
                              .sxdp_queue_id = c->queue};
    u64 waited = 0;

    for (u64 wait = BIND_RETRY_MIN_NS;; wait *= 2) {
        if (!bind(x->fd, (struct sockaddr *)&at, sizeof(at)))
            return 0;
        if (errno != EBUSY || waited >= BIND_RETRY_SUM_NS)
            return -errno;
        wait = qs_min_u64(wait, BIND_RETRY_SUM_NS - waited);
        nanosleep(&(struct timespec){.tv_nsec = (long)qs_min_u64(wait, 999999999u)}, NULL);
        waited += wait;
    }
}

/* prefer_busy_poll is a wish: without it the kernel's softirq does the work. */
static bool
prefer_busy_poll(int fd, u32 us)
{
    int on = 1, time_us = (int)us, budget = BUSY_POLL_BUDGET;

    return us && !setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on)) &&
           !setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &time_us, sizeof(time_us)) &&
           !setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget));
}

int
qs_xsk_open(qs_xsk_t *x, qs_xsk_conf_t const *c, char *err, u64 err_sz)
{
    struct xdp_options options = {0};
    socklen_t sz = sizeof(options);

    *x = (qs_xsk_t){.fd = -1};
    if (!conf_ok(c))
        return refuse(x, -EINVAL, err, err_sz, "rings or memory");
    x->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (x->fd < 0)
        return refuse(x, -errno, err, err_sz, "socket");
    int code = register_mem(x->fd, c);
    if (code)
        return refuse(x, code, err, err_sz, "UMEM");
    code = set(x->fd, XDP_UMEM_FILL_RING, &c->fill_depth, sizeof(u32));
    if (!code)
        code = set(x->fd, XDP_UMEM_COMPLETION_RING, &c->completion_depth, sizeof(u32));
    if (!code)
        code = set(x->fd, XDP_RX_RING, &c->rx_depth, sizeof(u32));
    if (!code)
        code = set(x->fd, XDP_TX_RING, &c->tx_depth, sizeof(u32));
    if (!code)
        code = map_rings(x, c);
    if (code)
        return refuse(x, code, err, err_sz, "rings");
    code = bind_queue(x, c);
    if (code)
        return refuse(x, code, err, err_sz,
                      c->copy == QS_XSK_ZERO_COPY ? "bind with zero copy" : "bind");
    if (!getsockopt(x->fd, SOL_XDP, XDP_OPTIONS, &options, &sz))
        x->zero_copy = options.flags & XDP_OPTIONS_ZEROCOPY;
    x->busy_poll = prefer_busy_poll(x->fd, c->busy_poll_us);
    return 0;
}

void
qs_xsk_close(qs_xsk_t *x)
{
    for (u32 i = 0; i < QS_COUNT(x->map); i++)
        if (x->map[i])
            munmap(x->map[i], x->map_sz[i]);
    if (x->fd >= 0)
        close(x->fd);
    *x = (qs_xsk_t){.fd = -1};
}

/* verdict: the kernel's ways of saying "later" are one. */
static int
verdict(ssize_t got)
{
    if (got >= 0)
        return 0;
    return errno == EBUSY || errno == ENOBUFS || errno == EINTR ? -EAGAIN : -errno;
}

int
qs_xsk_kick(qs_xsk_t *x)
{
    return verdict(sendto(x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0));
}

int
qs_xsk_wake_rx(qs_xsk_t *x)
{
    return verdict(recvfrom(x->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL));
}

int
qs_xsk_stats(qs_xsk_t const *x, qs_xsk_stats_t *out)
{
    struct xdp_statistics s = {0};
    socklen_t sz = sizeof(s);

    *out = (qs_xsk_stats_t){0};
    if (getsockopt(x->fd, SOL_XDP, XDP_STATISTICS, &s, &sz))
        return -errno;
    *out = (qs_xsk_stats_t){.rx_dropped = s.rx_dropped,
                            .rx_invalid = s.rx_invalid_descs,
                            .tx_invalid = s.tx_invalid_descs,
                            .rx_ring_full = s.rx_ring_full,
                            .fill_ring_empty = s.rx_fill_ring_empty_descs,
                            .tx_ring_empty = s.tx_ring_empty_descs};
    return 0;
}

int
qs_xsk_error(qs_xsk_t const *x)
{
    int err = 0;
    socklen_t sz = sizeof(err);

    return getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &err, &sz) ? -errno : -err;
}

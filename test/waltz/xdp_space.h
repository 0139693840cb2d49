/* xdp_space.h - a network namespace of the test's own with a veth pair in it, and a minimal XSK.

   qs0 <===> qs1, both in the namespace that the calling process is in from then on; all of it goes
   away with the process.  Two queues in each direction. */

#ifndef QS_TEST_WALTZ_XDP_SPACE_H
#define QS_TEST_WALTZ_XDP_SPACE_H

#include <bpf/bpf.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tango/base/qs_base.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

/* xdp_space_open returns false after a line that says why not. */
static inline bool
xdp_space_open(void)
{
    if (geteuid()) {
        printf("skipped: XDP needs root\n");
        return false;
    }
    if (unshare(CLONE_NEWNET)) {
        printf("skipped: no network namespace: %s\n", strerror(errno));
        return false;
    }
    int fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "probe", 4, 4, 1, NULL);
    if (fd < 0) {
        printf("skipped: no bpf(2): %s\n", strerror(-fd));
        return false;
    }
    close(fd);
    if (system("ip link add qs0 numtxqueues 2 numrxqueues 2 type veth "
               "peer name qs1 numtxqueues 2 numrxqueues 2 && "
               "ip link set lo up && ip link set qs0 up && ip link set qs1 up")) {
        printf("skipped: no veth pair\n");
        return false;
    }
    return true;
}

/* xdp_space_xsk makes an XSK that can receive, bound to a queue in copy mode.  Returns its fd, or
   -errno. */
static inline int
xdp_space_xsk(u32 ifindex, u32 queue)
{
    u32 const frames = 64, frame_sz = 2048;
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    void *mem =
        mmap(NULL, frames * frame_sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct xdp_umem_reg reg = {
        .addr = (u64)(uintptr_t)mem, .len = frames * frame_sz, .chunk_size = frame_sz};
    struct sockaddr_xdp at = {.sxdp_family = AF_XDP,
                              .sxdp_flags = XDP_COPY,
                              .sxdp_ifindex = ifindex,
                              .sxdp_queue_id = queue};
    if (fd < 0 || mem == MAP_FAILED || setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) ||
        setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &frames, sizeof(frames)) ||
        setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &frames, sizeof(frames)) ||
        setsockopt(fd, SOL_XDP, XDP_RX_RING, &frames, sizeof(frames)))
        return -errno;
    for (u32 tries = 0; bind(fd, (struct sockaddr *)&at, sizeof(at)); tries++) {
        if (errno != EBUSY || tries == 200) /* a socket before us is still going away */
            return -errno;
        usleep(5000);
    }
    return fd;
}

#endif

#include "app/qs_pktgen_send.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tango/base/qs_clock.h"

#define FRAME_SZ   2048u
#define MEM_SZ     ((u64)QS_PKTGEN_DEPTH * FRAME_SZ)
#define RX_DEPTH   64u /* nothing is received, but the kernel wants the rings */
#define FINISH_NS  1000000000u
#define SNDBUF     (4 << 20)
#define NO_BUFFERS 100 /* us to wait for the device's queue */

static void
start(qs_pktgen_send_t *s, qs_pktgen_t *gen)
{
    memset(s, 0, sizeof(*s));
    s->gen = gen;
    s->xsk.fd = -1;
    for (u32 i = 0; i < QS_PKTGEN_FLOW_MAX; i++)
        s->fd[i] = -1;
}

int
qs_pktgen_send_xsk(qs_pktgen_send_t *s, qs_pktgen_t *gen, u32 ifindex, u32 queue, bool zero_copy,
                   char *err, u64 err_sz)
{
    start(s, gen);
    void *mem = mmap(NULL, MEM_SZ, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (mem == MAP_FAILED) {
        int code = -errno;
        snprintf(err, err_sz, "no memory for frames: %s", strerror(-code));
        return code;
    }
    s->mem = mem;
    qs_xsk_conf_t conf = {.ifindex = ifindex,
                          .queue = queue,
                          .mem = mem,
                          .mem_sz = MEM_SZ,
                          .frame_sz = FRAME_SZ,
                          .fill_depth = RX_DEPTH,
                          .rx_depth = RX_DEPTH,
                          .tx_depth = QS_PKTGEN_DEPTH,
                          .completion_depth = QS_PKTGEN_DEPTH,
                          .copy = zero_copy ? QS_XSK_ZERO_COPY : QS_XSK_COPY};
    int code = qs_xsk_open(&s->xsk, &conf, err, err_sz);
    if (code) {
        qs_pktgen_send_close(s);
        return code;
    }
    s->is_xsk = true;
    for (u32 i = 0; i < QS_PKTGEN_DEPTH; i++)
        s->free_frame[s->free_cnt++] = (u16)i;
    return 0;
}

/* open_flow makes the socket of one source port.  Returns its fd or -errno. */
static int
open_flow(qs_pktgen_conf_t const *c, char const *ifname, u32 flow)
{
    int buf = SNDBUF;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(c->src_ip),
                             .sin_port = htons((u16)(c->src_port + flow))};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buf, sizeof(buf));
    bool tied = !ifname[0] ||
                !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1);
    if (tied && !bind(fd, (struct sockaddr *)&at, sizeof(at)))
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

int
qs_pktgen_send_socket(qs_pktgen_send_t *s, qs_pktgen_t *gen, char const *ifname, char *err,
                      u64 err_sz)
{
    start(s, gen);
    for (u32 i = 0; i < gen->conf.flow_cnt; i++) {
        s->fd[i] = open_flow(&gen->conf, ifname, i);
        if (s->fd[i] >= 0)
            continue;
        int code = s->fd[i];
        snprintf(err, err_sz, "no socket on port %u: %s", gen->conf.src_port + i, strerror(-code));
        qs_pktgen_send_close(s);
        return code;
    }
    return 0;
}

/* reap takes back the frames that have left. */
static void
reap(qs_pktgen_send_t *s)
{
    for (u32 cnt; (cnt = qs_xsk_ready(&s->xsk.completion, QS_PKTGEN_BATCH));) {
        for (u32 i = 0; i < cnt; i++) {
            u16 frame = (u16)(qs_xsk_addr(&s->xsk.completion, i) / FRAME_SZ);
            s->free_frame[s->free_cnt++] = frame;
            s->sent_bytes += s->len[frame];
        }
        qs_xsk_release(&s->xsk.completion, cnt);
        s->sent += cnt;
    }
}

/* kick has the kernel go on with what it was given, if it sleeps. */
static void
kick(qs_pktgen_send_t *s)
{
    if (s->free_cnt == QS_PKTGEN_DEPTH || !qs_xsk_ring_sleeps(&s->xsk.tx))
        return;
    int code = qs_xsk_kick(&s->xsk);
    s->syscalls++;
    if (code && code != -EAGAIN)
        s->err = code;
}

static u32
batch_xsk(qs_pktgen_send_t *s, u32 cnt, u64 now_ns)
{
    reap(s);
    cnt = (u32)qs_min_u64(qs_min_u64(cnt, s->free_cnt), qs_xsk_room(&s->xsk.tx, cnt));
    for (u32 i = 0; i < cnt; i++) {
        u16 frame = s->free_frame[--s->free_cnt];
        u64 at = (u64)frame * FRAME_SZ;
        s->len[frame] = (u16)qs_pktgen_frame(s->gen, now_ns, s->mem + at);
        qs_xsk_put(&s->xsk.tx, at, s->len[frame]);
    }
    if (cnt)
        qs_xsk_submit(&s->xsk.tx);
    kick(s);
    return cnt;
}

/* send_run hands over messages of one flow, all of them, unless the kernel cannot go on. */
static u32
send_run(qs_pktgen_send_t *s, int fd, struct mmsghdr *msg, u32 cnt)
{
    u32 done = 0;
    while (done < cnt) {
        int got = sendmmsg(fd, msg + done, cnt - done, 0);
        s->syscalls++;
        if (got > 0) {
            done += (u32)got;
        } else if (errno == ENOBUFS || errno == EAGAIN) {
            usleep(NO_BUFFERS);
        } else if (errno != EINTR) {
            s->err = -errno;
            break;
        }
    }
    return done;
}

static u32
batch_socket(qs_pktgen_send_t *s, u32 cnt, u64 now_ns)
{
    static u8 room[QS_PKTGEN_BATCH][QS_PKTGEN_SZ_MAX];
    struct mmsghdr msg[QS_PKTGEN_BATCH];
    struct iovec iov[QS_PKTGEN_BATCH];
    struct sockaddr_in to[QS_PKTGEN_BATCH];
    qs_pktgen_pkt_t pkt[QS_PKTGEN_BATCH];
    u32 done = 0;

    for (u32 i = 0; i < cnt; i++) {
        u8 const *payload = qs_pktgen_next(s->gen, now_ns, &pkt[i]);
        memcpy(room[i], payload, pkt[i].sz);
        iov[i] = (struct iovec){.iov_base = room[i], .iov_len = pkt[i].sz};
        to[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(s->gen->conf.dst_ip),
                                     .sin_port = htons(pkt[i].dst_port)};
        msg[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &to[i],
                                              .msg_namelen = sizeof(to[i]),
                                              .msg_iov = &iov[i],
                                              .msg_iovlen = 1}};
    }
    while (done < cnt && !s->err) {
        u32 run = 1;
        while (done + run < cnt && pkt[done + run].src_port == pkt[done].src_port)
            run++;
        int fd = s->fd[pkt[done].src_port - s->gen->conf.src_port];
        run = send_run(s, fd, &msg[done], run);
        for (u32 i = done; i < done + run; i++)
            s->sent_bytes += QS_FRAME_HDR_SZ + pkt[i].sz;
        done += run;
        s->sent += run;
    }
    return done;
}

u32
qs_pktgen_send_batch(qs_pktgen_send_t *s, u32 cnt, u64 now_ns)
{
    if (s->err)
        return 0;
    return s->is_xsk ? batch_xsk(s, cnt, now_ns) : batch_socket(s, cnt, now_ns);
}

u32
qs_pktgen_send_finish(qs_pktgen_send_t *s)
{
    if (!s->is_xsk)
        return 0;
    u64 end = qs_clock_os_ns() + FINISH_NS;
    do {
        kick(s);
        reap(s);
    } while (s->free_cnt < QS_PKTGEN_DEPTH && !s->err && qs_clock_os_ns() < end);
    return QS_PKTGEN_DEPTH - s->free_cnt;
}

void
qs_pktgen_send_close(qs_pktgen_send_t *s)
{
    qs_xsk_close(&s->xsk);
    if (s->mem)
        munmap(s->mem, MEM_SZ);
    s->mem = NULL;
    for (u32 i = 0; i < QS_PKTGEN_FLOW_MAX; i++) {
        if (s->fd[i] >= 0)
            close(s->fd[i]);
        s->fd[i] = -1;
    }
}

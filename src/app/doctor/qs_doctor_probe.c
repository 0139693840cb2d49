#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/doctor/qs_doctor.h"
#include "app/qs_lab.h"
#include "disco/qs_fault.h"
#include "waltz/ip/qs_frame.h"
#include "waltz/xdp/qs_xsk.h"

#define PORT       9000u
#define PAYLOAD_SZ 300u
#define FRAME_SZ   2048u
#define HALF       128u /* frames to receive into; as many again to send */
#define AT_ONCE    64u
#define SILENCE_MS 2000

/* The child's work: node 0 has the program and the XSK, node 1 an ordinary socket. */
typedef struct site {
    qs_lab_t lab;
    u32 ifindex;
    u32 ip[2];
    u64 mac[2];
    int fd[2]; /* ordinary sockets; node 0's only reserves the port */
    u8 *mem;
    qs_xdp_t xdp;
    qs_xsk_t xsk;
    qs_doctor_probe_t seen;
} site_t;

/* pattern writes the payload of a number: no byte of it is another's by chance for long. */
static void
pattern(u8 payload[PAYLOAD_SZ], u32 number)
{
    u32 x = number * 2654435761u + 1;

    for (u32 i = 0; i < PAYLOAD_SZ; i++) {
        x = x * 1664525u + 1013904223u;
        payload[i] = (u8)(x >> 24);
    }
    qs_store_le32(payload, number);
}

/* count_one compares a payload with what was sent, and counts it. */
static void
count_one(site_t *s, u32 *cnt, u8 const *payload, u64 sz)
{
    u8 want[PAYLOAD_SZ];

    if (sz != PAYLOAD_SZ || qs_load_le32(payload) >= QS_PROBE_CNT) {
        s->seen.damaged++;
        return;
    }
    pattern(want, qs_load_le32(payload));
    bool good = !memcmp(want, payload, sz);
    s->seen.damaged += !good;
    *cnt += good;
}

static int
open_node(site_t *s, u32 node)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    at.sin_addr.s_addr = qs_lab_addr(&s->lab, node);
    s->ip[node] = ntohl(at.sin_addr.s_addr);
    int err = qs_lab_enter(&s->lab, node);
    s->fd[node] = err ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!err && (s->fd[node] < 0 || bind(s->fd[node], (struct sockaddr *)&at, sizeof(at))))
        err = -errno;
    return err;
}

static int
open_site(site_t *s)
{
    int err = qs_lab_open(&s->lab, 2, QS_LAB_ROOT);

    if (err || s->lab.level != QS_LAB_ROOT) {
        snprintf(s->seen.why, sizeof(s->seen.why), "%s", s->lab.why[QS_LAB_ROOT]);
        return err ? err : -EPERM;
    }
    err = open_node(s, 1);
    if (!err)
        err = open_node(s, 0); /* and there we stay */
    s->mem = mmap(NULL, 2 * HALF * FRAME_SZ, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (!err && s->mem == MAP_FAILED)
        err = -errno;
    s->ifindex = if_nametoindex(qs_lab_ifname(&s->lab));
    for (u32 i = 0; i < 2; i++) /* as qs_lab.h has them */
        s->mac[i] = qs_frame_mac((u8 const[]){2, 'q', 's', 0, 0, (u8)(1 + i)});
    if (err)
        snprintf(s->seen.why, sizeof(s->seen.why), "%s", strerror(-err));
    return err;
}

/* climb_on puts program and XSK in place.  Returns 0 or -errno with why. */
static int
climb_on(site_t *s, qs_net_rung_t rung, char *why, u64 why_sz)
{
    qs_xdp_pair_t pair = {s->ip[0], PORT};
    qs_xdp_spec_t spec = {.pair = &pair, .pair_cnt = 1, .queue_cnt = 1};
    qs_xsk_conf_t conf = {.ifindex = s->ifindex,
                          .mem = s->mem,
                          .mem_sz = 2 * HALF * FRAME_SZ,
                          .frame_sz = FRAME_SZ,
                          .fill_depth = HALF,
                          .rx_depth = HALF,
                          .tx_depth = HALF,
                          .completion_depth = HALF,
                          .copy = QS_XSK_COPY};
    u32 slot = 0;

    int err = qs_xdp_load(&s->xdp, &spec, NULL);
    if (!err)
        err = qs_xdp_attach(&s->xdp, s->ifindex, rung == QS_NET_DRV ? QS_XDP_DRV : QS_XDP_SKB);
    if (err) {
        snprintf(why, why_sz, "%s", s->xdp.why[0] ? s->xdp.why : strerror(-err));
        return err;
    }
    if (qs_fault(QS_FAULT_NET_BIND_EBUSY) ||
        (qs_fault(QS_FAULT_NET_BIND_EOPNOTSUPP) && rung == QS_NET_DRV)) {
        snprintf(why, why_sz, "AF_XDP: bind: refused (injected)");
        return -EOPNOTSUPP;
    }
    err = qs_xsk_open(&s->xsk, &conf, why, why_sz);
    for (u32 i = 0; !err && i < HALF; i++)
        qs_xsk_put_addr(&s->xsk.fill, i * FRAME_SZ);
    if (!err)
        qs_xsk_submit(&s->xsk.fill);
    if (!err && bpf_map_update_elem(s->xdp.map_fd, &slot, &s->xsk.fd, 0)) {
        err = -errno;
        snprintf(why, why_sz, "XSKMAP: %s", strerror(errno));
    }
    return err;
}

/* take counts what has come through the XSK and gives the frames back. */
static u32
take(site_t *s)
{
    u32 cnt = qs_fault(QS_FAULT_NET_STALL) ? 0 : qs_xsk_ready(&s->xsk.rx, AT_ONCE);

    for (u32 i = 0; i < cnt; i++) {
        qs_xsk_desc_t const *d = qs_xsk_desc(&s->xsk.rx, i);
        u8 *frame = s->mem + d->addr;
        qs_frame_t f;
        if (qs_fault(QS_FAULT_DOCTOR_DAMAGE) && !(i % 16))
            frame[d->len - 1] ^= 1;
        if (qs_frame_parse(frame, d->len, &f) == QS_FRAME_OK)
            count_one(s, &s->seen.there, frame + f.payload_off, f.payload_sz);
        else
            s->seen.damaged++;
        qs_xsk_put_addr(&s->xsk.fill, d->addr & ~(u64)(FRAME_SZ - 1));
    }
    qs_xsk_release(&s->xsk.rx, cnt);
    qs_xsk_submit(&s->xsk.fill);
    return cnt;
}

static bool
is_silent(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, qs_fault(QS_FAULT_NET_STALL) ? 10 : SILENCE_MS) <= 0 ||
           qs_fault(QS_FAULT_NET_STALL);
}

/* send_there has node 1 send, a few at a time, to the XSK of node 0. */
static void
send_there(site_t *s)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = qs_lab_addr(&s->lab, 0)};
    u8 payload[PAYLOAD_SZ];

    for (u32 n = 0; n < QS_PROBE_CNT;) {
        u32 end = n + AT_ONCE < QS_PROBE_CNT ? n + AT_ONCE : QS_PROBE_CNT, due = end - n;
        for (; n < end; n++) {
            pattern(payload, n);
            (void)sendto(s->fd[1], payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to));
        }
        while (due) {
            u32 got = take(s);
            if (!got && is_silent(s->xsk.fd))
                return;
            due -= got < due ? got : due;
        }
    }
}

/* send_back has the XSK send to node 1's socket. */
static void
send_back(site_t *s)
{
    qs_frame_to_t to = {.dst_mac = s->mac[1],
                        .src_mac = s->mac[0],
                        .src_ip = s->ip[0],
                        .dst_ip = s->ip[1],
                        .src_port = PORT,
                        .dst_port = PORT,
                        .vlan = QS_FRAME_NO_VLAN};
    u8 payload[PAYLOAD_SZ + 1];

    for (u32 n = 0; n < QS_PROBE_CNT;) {
        u32 end = n + AT_ONCE < QS_PROBE_CNT ? n + AT_ONCE : QS_PROBE_CNT, due = end - n;
        for (u32 i = 0; n < end; i++, n++) {
            u64 addr = (HALF + i) * FRAME_SZ;
            pattern(payload, n);
            to.ip_id = (u16)n;
            qs_xsk_put(&s->xsk.tx, addr, qs_frame_write(s->mem + addr, &to, payload, PAYLOAD_SZ));
        }
        qs_xsk_submit(&s->xsk.tx);
        while (qs_xsk_kick(&s->xsk) == -EAGAIN &&
               s->xsk.tx.own != qs_load_acquire(s->xsk.tx.consumer))
            ;
        for (u32 got = 0; got < due;) {
            ssize_t sz = recv(s->fd[1], payload, sizeof(payload), 0);
            if (sz < 0 && is_silent(s->fd[1]))
                return;
            if (sz < 0)
                continue;
            count_one(s, &s->seen.back, payload, (u64)sz);
            got++;
        }
        qs_xsk_release(&s->xsk.completion, qs_xsk_ready(&s->xsk.completion, HALF));
    }
}

/* try_rung returns whether everything came, whole, both ways. */
static bool
try_rung(site_t *s, qs_net_rung_t rung)
{
    char why[QS_XDP_WHY_MAX] = "";

    s->xdp = (qs_xdp_t){.map_fd = -1, .prog_fd = -1, .link_fd = -1};
    s->xsk = (qs_xsk_t){.fd = -1};
    s->seen.there = s->seen.back = s->seen.damaged = 0;
    bool bound = !climb_on(s, rung, why, sizeof(why));
    if (bound) {
        send_there(s);
        send_back(s);
        snprintf(why, sizeof(why), "%u of %u datagrams came, %u went back, %u were damaged",
                 s->seen.there, QS_PROBE_CNT, s->seen.back, s->seen.damaged);
    }
    qs_xsk_close(&s->xsk);
    qs_xdp_close(&s->xdp);
    bool good =
        bound && s->seen.there == QS_PROBE_CNT && s->seen.back == QS_PROBE_CNT && !s->seen.damaged;
    if (!good && !s->seen.why[0])
        snprintf(s->seen.why, sizeof(s->seen.why), "%.191s", why);
    return good;
}

static _Noreturn void
run(int out, pid_t parent)
{
    static site_t s;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    alarm(QS_PROBE_SECONDS_MAX);
    s.seen.rung = QS_NET_SOCKET;
    if (!open_site(&s)) {
        s.seen.ran = true;
        for (u32 r = QS_NET_DRV; r < QS_NET_SOCKET && s.seen.rung == QS_NET_SOCKET; r++) {
            if (try_rung(&s, (qs_net_rung_t)r))
                s.seen.rung = (qs_net_rung_t)r;
            if (s.seen.damaged)
                break; /* that is worth a look, not another try */
        }
    }
    _exit(write(out, &s.seen, sizeof(s.seen)) != sizeof(s.seen));
}

void
qs_doctor_probe(qs_doctor_probe_t *probe)
{
    int pipe_fd[2];
    pid_t parent = getpid();

    *probe = (qs_doctor_probe_t){.asked = true, .rung = QS_NET_SOCKET};
    if (pipe2(pipe_fd, O_CLOEXEC)) {
        snprintf(probe->why, sizeof(probe->why), "pipe: %s", strerror(errno));
        return;
    }
    pid_t child = fork();
    if (!child)
        run(pipe_fd[1], parent);
    close(pipe_fd[1]);
    qs_doctor_probe_t seen;
    bool told = child > 0 && read(pipe_fd[0], &seen, sizeof(seen)) == sizeof(seen);
    close(pipe_fd[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (told)
        *probe = seen;
    else
        snprintf(probe->why, sizeof(probe->why), "it did not come to its end in %u s",
                 QS_PROBE_SECONDS_MAX);
    probe->asked = true;
}

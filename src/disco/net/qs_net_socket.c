#include "disco/net/qs_net_socket.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdarg.h>
#include <unistd.h>

static int
refuse(int fd, char *err, u64 err_sz, char const *what, u16 port)
{
    int code = -errno;
    snprintf(err, err_sz, "UDP port %u: %s: %s", port, what, strerror(-code));
    if (fd >= 0)
        close(fd);
    return code;
}

int
qs_net_socket_open(u32 address, u16 port, u32 rcvbuf_bytes, bool shared, char *err, u64 err_sz)
{
    int on = 1, bytes = (int)rcvbuf_bytes;
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return refuse(fd, err, err_sz, "socket", port);
    if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)))
        return refuse(fd, err, err_sz, "SO_RXQ_OVFL", port);
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
        return refuse(fd, err, err_sz, "SO_REUSEPORT", port);
    /* Beyond net.core.rmem_max only with CAP_NET_ADMIN; what we get is what we get. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
        return refuse(fd, err, err_sz, "bind", port);
    return fd;
}

int
qs_net_socket_join(int fd, u32 group, char const *iface, u32 address, char *err, u64 err_sz)
{
    struct ip_mreqn m = {.imr_multiaddr.s_addr = htonl(group),
                         .imr_address.s_addr = htonl(address)};
    int off = 0, code;
    char text[INET_ADDRSTRLEN];

    if (iface[0])
        m.imr_ifindex = (int)if_nametoindex(iface);
    if (iface[0] && !m.imr_ifindex)
        code = -ENODEV;
    else if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) ||
             (group && setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m))))
        code = -errno;
    else
        return 0;
    snprintf(err, err_sz, "multicast group %s%s%s: %s",
             inet_ntop(AF_INET, &m.imr_multiaddr, text, sizeof(text)), iface[0] ? " on " : "",
             iface, strerror(-code));
    return code;
}

static void
read_overflow(struct msghdr *hdr, u32 *overflow)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
            memcpy(overflow, CMSG_DATA(c), sizeof(*overflow));
}

u32
qs_net_socket_receive(qs_net_socket_t *s, int fd, u8 *const *room, u32 room_sz, u32 cnt,
                      qs_net_datagram_t *d, u32 *overflow)
{
    for (u32 i = 0; i < cnt; i++) {
        s->iov[i] = (struct iovec){.iov_base = room[i], .iov_len = room_sz};
        s->msg[i].msg_hdr = (struct msghdr){.msg_name = &s->addr[i],
                                            .msg_namelen = sizeof(s->addr[i]),
                                            .msg_iov = &s->iov[i],
                                            .msg_iovlen = 1,
                                            .msg_control = s->control[i],
                                            .msg_controllen = sizeof(s->control[i])};
    }
    int got = recvmmsg(fd, s->msg, cnt, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return 0;
    for (u32 i = 0; i < (u32)got; i++)
        d[i] = (qs_net_datagram_t){.src_ip = ntohl(s->addr[i].sin_addr.s_addr),
                                   .src_port = ntohs(s->addr[i].sin_port),
                                   .sz = (u16)s->msg[i].msg_len,
                                   .whole = !(s->msg[i].msg_hdr.msg_flags & MSG_TRUNC)};
    read_overflow(&s->msg[got - 1].msg_hdr, overflow);
    return (u32)got;
}

u32
qs_net_socket_send(qs_net_socket_t *s, int fd, u8 const *payload, u32 sz, qs_send_dst_t const *dst,
                   u32 cnt, int *err)
{
    s->iov[0] = (struct iovec){.iov_base = (void *)(uintptr_t)payload, .iov_len = sz};
    for (u32 i = 0; i < cnt; i++) {
        s->addr[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                          .sin_port = htons(dst[i].port),
                                          .sin_addr.s_addr = htonl(dst[i].ip)};
        s->msg[i].msg_hdr = (struct msghdr){.msg_name = &s->addr[i],
                                            .msg_namelen = sizeof(s->addr[i]),
                                            .msg_iov = &s->iov[0],
                                            .msg_iovlen = 1};
    }
    int sent = sendmmsg(fd, s->msg, cnt, MSG_DONTWAIT);
    *err = sent < 0 ? -errno : -EAGAIN;
    return sent < 0 ? 0 : (u32)sent;
}

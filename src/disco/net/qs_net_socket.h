/* qs_net_socket - the net tile's provider that needs no privileges: one UDP socket per port.

   recvmmsg writes datagrams where they are published, sendmmsg reads them where the sender
   put them.  The sockets are opened by the supervisor and outlive the tile: while it is
   restarted the kernel keeps receiving.  The kernel's own count of what did not fit
   (SO_RXQ_OVFL) is added up per port.

   Threads: the net tile's.  Blocks: never.  Allocates: never after open. */

#ifndef QS_DISCO_NET_SOCKET_H
#define QS_DISCO_NET_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "disco/qs_format.h"
#include "disco/qs_stem.h"

/* qs_net_socket_open opens the UDP socket of one port, non-blocking.  address 0 is any.
   Returns the fd, or -errno with one line in err. */
int qs_net_socket_open(u32 address, u16 port, u32 rcvbuf_bytes, bool shared, char *err, u64 err_sz);

/* qs_net_socket_join makes a socket a member of a multicast group, on an interface by its name (""), by its
   address (0), or as the kernel chooses; and of no group that other sockets of this host join.
   Returns 0, or -errno with one line in err. */
int qs_net_socket_join(int fd, u32 group, char const *iface, u32 address, char *err, u64 err_sz);

typedef struct qs_net_datagram {
    u32 src_ip;
    u16 src_port;
    u16 sz;
    bool whole; /* false: it was longer than its room */
} qs_net_datagram_t;

/* The scratch of one recvmmsg or sendmmsg. */
typedef struct qs_net_socket {
    struct mmsghdr msg[QS_BATCH];
    struct iovec iov[QS_BATCH];
    struct sockaddr_in addr[QS_BATCH];
    alignas(8) u8 control[QS_BATCH][64];
} qs_net_socket_t;

/* qs_net_socket_receive takes up to cnt datagrams of at most room_sz bytes into room[0..cnt) and
   describes them in d[].  *overflow becomes the kernel's count of datagrams that this socket
   ever lost for want of buffer, if it told.  Returns how many, 0 if there are none. */
u32 qs_net_socket_receive(qs_net_socket_t *s, int fd, u8 *const *room, u32 room_sz, u32 cnt,
                          qs_net_datagram_t *d, u32 *overflow);

/* qs_net_socket_send sends the same sz bytes to cnt destinations, QS_BATCH at most.  Returns how
   many went out; fewer than cnt: *err is the -errno of the next one (-EAGAIN: try again). */
u32 qs_net_socket_send(qs_net_socket_t *s, int fd, u8 const *payload, u32 sz,
                       qs_send_dst_t const *dst, u32 cnt, int *err);

#endif

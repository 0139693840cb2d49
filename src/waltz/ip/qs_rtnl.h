/* qs_rtnl - the few rtnetlink requests that build a small network: links, addresses, up.

   A handle speaks to the network namespace its thread was in at open, for good: setns
   afterwards does not move it.  A process can so hold one handle per namespace and never
   create a link anywhere else.

       open in A ---> handle a --veth_create("qs0", "qs0", fd of B)--> A:qs0 <===> B:qs0

   Every request waits for the kernel's verdict.  A refusal is -errno, and the kernel's own
   words about it, when it has any, are in handle->why until the next request.

   Threads: a handle belongs to one.  Blocks: for the kernel's answer, which does not depend
   on the network.  Allocates: at open only.  Needs: CAP_NET_ADMIN over the namespace for
   everything but qs_rtnl_link_query. */

#ifndef QS_WALTZ_IP_RTNL_H
#define QS_WALTZ_IP_RTNL_H

#include "tango/base/qs_base.h"

#define QS_RTNL_WHY_MAX 128u
#define QS_RTNL_MAC_SZ  6u

struct mnl_socket;

typedef struct qs_rtnl {
    struct mnl_socket *sock; /* null: closed */
    u32 seq;
    char why[QS_RTNL_WHY_MAX]; /* the kernel's explanation of the last refusal, or "" */
} qs_rtnl_t;

typedef struct qs_rtnl_link {
    u32 ifindex;
    u32 flags; /* IFF_*; IFF_RUNNING means up and with carrier */
    u32 mtu;
    u32 master; /* ifindex of the bridge it is a port of, or 0 */
    u8 mac[QS_RTNL_MAC_SZ];
} qs_rtnl_link_t;

/* qs_rtnl_open makes a handle for the calling thread's network namespace; its descriptor is
   close-on-exec.  Returns 0 or -errno of socket, bind or setsockopt. */
int qs_rtnl_open(qs_rtnl_t *nl);

/* qs_rtnl_close gives the handle back.  A zeroed or closed handle is fine. */
void qs_rtnl_close(qs_rtnl_t *nl);

/* qs_rtnl_veth_create makes a veth pair: `name` here, `peer` in the namespace peer_netns_fd
   (an open /proc/PID/ns/net), both down.  Returns 0, -EINVAL (a name that is empty or too
   long), -EEXIST, -EBADF (no namespace behind the fd), -EPERM or another -errno. */
int qs_rtnl_veth_create(qs_rtnl_t *nl, char const *name, char const *peer, int peer_netns_fd);

/* qs_rtnl_veth_create_queues is that with so many send and receive queues at each end. */
int qs_rtnl_veth_create_queues(qs_rtnl_t *nl, char const *name, char const *peer, int peer_netns_fd,
                               u32 queues);

/* qs_rtnl_bridge_create makes a learning switch without spanning tree, down.  Returns as
   qs_rtnl_veth_create. */
int qs_rtnl_bridge_create(qs_rtnl_t *nl, char const *name);

/* The following change one link.  Each returns 0, -ENODEV or another -errno of the kernel. */
int qs_rtnl_link_delete(qs_rtnl_t *nl, u32 ifindex);
int qs_rtnl_link_master(qs_rtnl_t *nl, u32 ifindex, u32 master_ifindex);
int qs_rtnl_link_up(qs_rtnl_t *nl, u32 ifindex);
int qs_rtnl_link_mtu(qs_rtnl_t *nl, u32 ifindex, u32 mtu);
int qs_rtnl_link_mac(qs_rtnl_t *nl, u32 ifindex, u8 const mac[QS_RTNL_MAC_SZ]);

/* qs_rtnl_addr_add gives the link an IPv4 address, in network order, and the route to its
   prefix.  Returns 0, -EINVAL (prefix above 32), -EEXIST, -ENODEV or another -errno. */
int qs_rtnl_addr_add(qs_rtnl_t *nl, u32 ifindex, u32 ip, u32 prefix);

/* qs_rtnl_neigh_add tells the kernel the MAC of a neighbour, ip in network order, as if it had just
   answered: the kernel asks again in time.  Returns 0, -ENODEV, -EINVAL or another -errno. */
int qs_rtnl_neigh_add(qs_rtnl_t *nl, u32 ifindex, u32 ip, u8 const mac[QS_RTNL_MAC_SZ]);

/* qs_rtnl_link_query fills *link.  Returns 0, -EINVAL (name), -ENODEV or another -errno. */
int qs_rtnl_link_query(qs_rtnl_t *nl, char const *name, qs_rtnl_link_t *link);

/* qs_rtnl_parse reads one datagram of the kernel, msg being 4-byte aligned, and looks for the
   answer to request seq.  link, if not null, is filled from an RTM_NEWLINK.  why has
   QS_RTNL_WHY_MAX bytes and gets the explanation that came with a refusal, else "".
   Returns 0 (granted), -errno as the kernel gave it, 1 (the verdict is not in this datagram),
   or -EBADMSG if the bytes are no well-formed answer.  Reads nothing outside msg[0..sz). */
int qs_rtnl_parse(void const *msg, u64 sz, u32 seq, qs_rtnl_link_t *link, char *why);

#endif

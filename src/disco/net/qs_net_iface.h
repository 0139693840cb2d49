/* qs_net_iface - what there is to know of an interface before XDP goes on it.

   Threads: the supervisor's.  Blocks: in the kernel.  Allocates: stdio and libc. */

#ifndef QS_DISCO_NET_IFACE_H
#define QS_DISCO_NET_IFACE_H

#include <net/if.h>

#include "tango/base/qs_base.h"

#define QS_NET_ADDR_MAX 16u

typedef struct qs_net_iface {
    char name[IFNAMSIZ];
    u32 index;
    bool loopback, default_route;
    u64 mac;         /* qs_frame_mac */
    char driver[32]; /* "" if it does not say */
    u32 addr_cnt;
    u32 addr[QS_NET_ADDR_MAX]; /* host order; the first is the one asked for, if it is there */
} qs_net_iface_t;

/* qs_net_iface_find fills *iface: by name, or if that is empty the interface that has address (host
   order), or if that is 0 the one with the default route.  Returns 0, or with one line in err
   -ENODEV (no such interface) or -EADDRNOTAVAIL (it has no IPv4 address). */
int qs_net_iface_find(qs_net_iface_t *iface, char const *name, u32 address, char *err, u64 err_sz);

#endif

/* qs_xdp_prog - the program that runs in the driver for every frame: ours to us, the rest to the
   kernel.

       frame --> IPv4, at most one VLAN tag --> no fragment --> UDP --> one of our (address, port)
                     | no                        | no            | no      | no     | yes
                     v                           v               v         v        v
                  XDP_PASS                    XDP_PASS        XDP_PASS  XDP_PASS   XSKMAP[rx queue]
                                                                                   empty: XDP_PASS

   It drops nothing and changes nothing.  Lengths are not compared: a malformed datagram to one of
   our ports comes to the tile, which counts it by reason.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_EBPF_XDP_PROG_H
#define QS_WALTZ_EBPF_XDP_PROG_H

#include "waltz/ebpf/qs_ebpf.h"

#define QS_XDP_PAIR_MAX 64u

typedef enum qs_xdp_filter {
    QS_XDP_FILTER_KERNEL, /* the pairs decide */
    QS_XDP_FILTER_USER,   /* all datagrams to the addresses of the pairs, whatever their port */
} qs_xdp_filter_t;

/* One place where datagrams for us arrive, as numbers in host order. */
typedef struct qs_xdp_pair {
    u32 ip; /* concrete: 0 is only the address 0.0.0.0 */
    u16 port;
} qs_xdp_pair_t;

/* qs_xdp_prog_build generates the program into *ebpf, resolved and ready to load.  The order of the
   pairs does not matter, repetitions are fine.  Returns 0 or -EINVAL (no pair, more than
   QS_XDP_PAIR_MAX, xskmap_fd below 0, no such filter). */
int qs_xdp_prog_build(qs_ebpf_t *ebpf, qs_xdp_filter_t filter, qs_xdp_pair_t const *pair,
                      u32 pair_cnt, int xskmap_fd);

#endif

/* qs_ethtool - the few settings of a network device that matter to XDP, by the ethtool ioctl.

   Devices are those of the calling thread's network namespace.  Features go by the kernel's names
   (rx-lro, rx-gro-hw, rx-udp-gro-forwarding, rx-vlan-hw-parse), because their numbers differ from
   kernel to kernel.

   Threads: any.  Blocks: while the driver changes its mind, which may reset the link.
   Allocates: never.  Needs: CAP_NET_ADMIN to set. */

#ifndef QS_WALTZ_XDP_ETHTOOL_H
#define QS_WALTZ_XDP_ETHTOOL_H

#include "tango/base/qs_base.h"

typedef struct qs_ethtool_feature {
    bool on;
    bool fixed; /* the driver does not let it be changed */
} qs_ethtool_feature_t;

/* qs_ethtool_feature_get returns 0, -ENOENT (the kernel knows no such feature), -ENODEV or another
   -errno.  qs_ethtool_feature_set moreover -EPERM, or -EOPNOTSUPP if it stayed as it was. */
int qs_ethtool_feature_get(char const *ifname, char const *feature, qs_ethtool_feature_t *out);
int qs_ethtool_feature_set(char const *ifname, char const *feature, bool on);

/* Receive queues: those that also send count. */
typedef struct qs_ethtool_queues {
    u32 cnt, max;
    bool combined; /* a queue receives and sends */
} qs_ethtool_queues_t;

/* qs_ethtool_queues_get returns 0, -EOPNOTSUPP (the driver has no say), -ENODEV or another -errno.
   qs_ethtool_queues_set moreover -EINVAL (above max), -EPERM. */
int qs_ethtool_queues_get(char const *ifname, qs_ethtool_queues_t *out);
int qs_ethtool_queues_set(char const *ifname, u32 cnt);

#endif

/* qs_ethtool - the few settings of a network device that matter to XDP, by the ethtool ioctl.

   Devices are those of the calling thread's network namespace.  Features go by the kernel's names
   (rx-lro, rx-gro-hw, rx-udp-gro-forwarding, rx-vlan-hw-parse, rx-ntuple-filter), because their numbers differ from
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

/* A rule of the NIC: IPv4 UDP to a port goes to a queue, whatever else is in the packet.  Rules that
   look at anything else are not seen here, and not touched. */
typedef struct qs_ethtool_rule {
    u32 queue;
    u32 place; /* in the NIC's table */
} qs_ethtool_rule_t;

#define QS_ETHTOOL_ANY_PLACE UINT32_MAX
#define QS_ETHTOOL_RULE_MAX  1024u

/* qs_ethtool_rule_get finds the rule of a port.  Returns 0, -ENOENT (there is none), -EOPNOTSUPP (the
   driver knows no rules), -E2BIG (more than QS_ETHTOOL_RULE_MAX), -ENODEV or another -errno. */
int qs_ethtool_rule_get(char const *ifname, u16 port, qs_ethtool_rule_t *out);

/* qs_ethtool_rule_add makes one; at QS_ETHTOOL_ANY_PLACE the driver chooses where, or the last free
   place is taken.  Returns as get, or -ENOSPC, -EPERM, or what the driver has against it. */
int qs_ethtool_rule_add(char const *ifname, u16 port, qs_ethtool_rule_t rule);

/* qs_ethtool_rule_remove takes the rule at a place away. */
int qs_ethtool_rule_remove(char const *ifname, u32 place);

/* How the NIC spreads what no rule names over its queues (RSS): the pattern of its table of hashes. */
typedef enum qs_ethtool_rss_kind {
    QS_ETHTOOL_RSS_DEFAULT, /* nobody has set it: the driver's, over all queues, also if their number changes */
    QS_ETHTOOL_RSS_EQUAL, /* over the first cnt in turn */
    QS_ETHTOOL_RSS_OTHER, /* anything else */
} qs_ethtool_rss_kind_t;

typedef struct qs_ethtool_rss {
    qs_ethtool_rss_kind_t kind;
    u32 cnt; /* one more than the highest queue in the table */
    u32 sum; /* of the whole table: tells two others apart */
} qs_ethtool_rss_t;

#define QS_ETHTOOL_RSS_MAX 4096u /* entries of the largest table */

/* qs_ethtool_rss_get returns 0, -EOPNOTSUPP (the driver has no table), -E2BIG (more than
   QS_ETHTOOL_RSS_MAX), -ENODEV or another -errno.  A table that somebody set to what the default is
   looks like the default. */
int qs_ethtool_rss_get(char const *ifname, qs_ethtool_rss_t *out);

/* qs_ethtool_rss_set spreads over the first cnt queues in turn; 0: the driver's default.  Returns as
   get, or -EINVAL (so many there are not), -EPERM. */
int qs_ethtool_rss_set(char const *ifname, u32 cnt);

/* qs_ethtool_ask_ hands one ethtool command to the kernel.  Returns 0 or -errno. */
int qs_ethtool_ask_(char const *ifname, void *command);

#endif

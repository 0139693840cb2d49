/* qs_nic - what is known of network drivers: since which kernel each can do what, and which pairs of
   driver and kernel do harm.  docs/nics.md prints these tables, sources and all.

   What a kernel says of itself (XDP features over netlink, since 6.3) comes first; this is for
   kernels that do not say, and for what no kernel says.

   Threads: constant tables. */

#ifndef QS_WALTZ_XDP_NIC_H
#define QS_WALTZ_XDP_NIC_H

#include "tango/base/qs_base.h"

/* A kernel as a number that compares: 6.14 is QS_KERNEL(6, 14). */
#define QS_KERNEL(major, minor) ((u32)(major) << 16 | (minor))
#define QS_KERNEL_NEVER         UINT32_MAX

#define QS_KERNEL_AF_XDP   QS_KERNEL(4, 18)
#define QS_KERNEL_XDP_LINK QS_KERNEL(5, 9) /* XDP held by a descriptor, which is how we attach */

typedef struct qs_nic {
    char const *driver; /* as ethtool -i says */
    char const *what;
    u32 native;    /* XDP in the driver, since that kernel */
    u32 zero_copy; /* AF_XDP without a copy; QS_KERNEL_NEVER: no mainline kernel */
    char const *source;
} qs_nic_t;

extern qs_nic_t const qs_nics[];
extern u32 const qs_nic_cnt;

typedef struct qs_nic_deny {
    char const *driver;
    u32 from, to;   /* kernels, both included; 0 and QS_KERNEL_NEVER: all */
    bool zero_copy; /* only that; else native XDP altogether */
    char const *why;
    char const *source;
} qs_nic_deny_t;

extern qs_nic_deny_t const qs_nic_denied[];
extern u32 const qs_nic_denied_cnt;

/* qs_nic_find returns the row of a driver, or NULL. */
qs_nic_t const *qs_nic_find(char const *driver);

/* qs_nic_deny_find returns why a driver must not do native XDP, or zero copy, on a kernel; or NULL. */
qs_nic_deny_t const *qs_nic_deny_find(char const *driver, u32 kernel, bool zero_copy);

/* qs_nic_kernel reads "6.14.0-37-generic"; 0 if that is no version. */
u32 qs_nic_kernel(char const *release);

/* qs_nic_kernel_name writes "6.14", or "no kernel", and returns buf. */
char const *qs_nic_kernel_name(u32 kernel, char *buf, u64 buf_sz);

/* qs_nic_write_md prints both tables as docs/nics.md has them. */
void qs_nic_write_md(FILE *out);

#endif

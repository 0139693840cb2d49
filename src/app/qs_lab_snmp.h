/* qs_lab_snmp - what the kernel of one namespace counted: UDP datagrams and interface packets.

   The lab compares these with the tiles' own metrics, so that a loss has a place.  Counters
   belong to the namespace and interface, start at 0 with them and only grow.

   Threads: any.  Blocks: never long (proc files).  Allocates: never.  Needs: /proc. */

#ifndef QS_APP_LAB_SNMP_H
#define QS_APP_LAB_SNMP_H

#include "tango/base/qs_base.h"

typedef struct qs_lab_snmp {
    u64 udp_in;  /* datagrams given to a socket */
    u64 udp_out; /* datagrams sent by sockets */
    u64 udp_no_ports;
    u64 udp_in_errors; /* rcvbuf and csum errors are counted here as well */
    u64 udp_in_csum_errors;
    u64 udp_rcvbuf_errors;
    u64 udp_sndbuf_errors;
    u64 if_rx_packets;
    u64 if_rx_drops;
    u64 if_tx_packets;
    u64 if_tx_drops;
} qs_lab_snmp_t;

/* qs_lab_snmp_read fills *snmp from the namespace that process pid is in, 0 being the calling
   thread, and from its interface ifname.  Returns 0, -ESRCH (no such process), -ENODEV (no
   such interface), -EPROTO (a counter is missing or no number), -EFBIG (more text than 64 KiB)
   or another -errno. */
int qs_lab_snmp_read(u32 pid, char const *ifname, qs_lab_snmp_t *snmp);

/* qs_lab_snmp_parse_udp reads the udp_* part from the text of /proc/net/snmp, in whatever order
   its columns are.  qs_lab_snmp_parse_dev reads the if_* part from that of /proc/net/dev.
   text need not be terminated.  Return 0, -EPROTO or, for the latter, -ENODEV. */
int qs_lab_snmp_parse_udp(char const *text, u64 sz, qs_lab_snmp_t *snmp);
int qs_lab_snmp_parse_dev(char const *text, u64 sz, char const *ifname, qs_lab_snmp_t *snmp);

#endif

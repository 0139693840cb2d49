/* qs_ip_echo - the question over TCP "who am I, and which cluster is this?", as entrypoints answer it.

       request   0 u32 | tcp ports 4 x u16 | udp ports 4 x u16 | '\n'                21 bytes
       response  0 u32 | address: 0 u32, 4 bytes, or 1 u32, 16 bytes
                       | shred version: 1, u16, or nothing on old servers | zeros    27 bytes

   The server may try to reach the ports that are not 0 before it answers.

   Source: spec of gossip §11.1; Agave's net-utils.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_IP_ECHO_H
#define QS_WALTZ_CODEC_IP_ECHO_H

#include "tango/base/qs_bits.h"

#define QS_IP_ECHO_REQUEST_SZ  21u
#define QS_IP_ECHO_RESPONSE_SZ 27u
#define QS_IP_ECHO_PORTS       4u

typedef struct qs_ip_echo_request {
    u16 tcp[QS_IP_ECHO_PORTS], udp[QS_IP_ECHO_PORTS];
} qs_ip_echo_request_t;

typedef struct qs_ip_echo_response {
    u32 ip;            /* 10.0.0.1 is 0x0a000001; 0 if it is IPv6 */
    u16 shred_version; /* 0: an old server, which does not say */
} qs_ip_echo_response_t;

typedef enum qs_ip_echo_fault {
    QS_IP_ECHO_OK,
    QS_IP_ECHO_MORE,   /* so far it may be one: read on */
    QS_IP_ECHO_HTTP,   /* somebody's RPC port */
    QS_IP_ECHO_HEADER, /* not this protocol */
    QS_IP_ECHO_KIND,   /* an address that is neither IPv4 nor IPv6 */
    QS_IP_ECHO_OPTION, /* no shred version where one should be, or version 0 */
    QS_IP_ECHO_END,    /* a request that does not end where it should */
} qs_ip_echo_fault_t;

/* qs_ip_echo_fault_name returns "http" and the like. */
char const *qs_ip_echo_fault_name(qs_ip_echo_fault_t fault);

void qs_ip_echo_write_request(u8 out[QS_IP_ECHO_REQUEST_SZ], qs_ip_echo_request_t const *request);
void qs_ip_echo_write_response(u8 out[QS_IP_ECHO_RESPONSE_SZ],
                               qs_ip_echo_response_t const *response);

/* qs_ip_echo_parse_request and qs_ip_echo_parse_response read what came so far.  last: no more will
   come, and then MORE is never returned: what is too short is HEADER. */
qs_ip_echo_fault_t qs_ip_echo_parse_request(u8 const *data, u32 sz, bool last,
                                            qs_ip_echo_request_t *request);
qs_ip_echo_fault_t qs_ip_echo_parse_response(u8 const *data, u32 sz, bool last,
                                             qs_ip_echo_response_t *response);

/* qs_shred_version_of folds a genesis hash, after hard forks were mixed in, to a shred version (§11.2). */
u16 qs_shred_version_of(u8 const hash[32]);

/* qs_shred_version_fork mixes one hard fork into hash; forks come in ascending order of slot. */
void qs_shred_version_fork(u8 hash[32], u64 slot, u64 cnt);

#endif

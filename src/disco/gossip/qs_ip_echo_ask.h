/* qs_ip_echo_ask - asks entrypoints over TCP who we are and which cluster this is (qs_ip_echo.h), all at
   once; and finds entrypoints by their names.

   Threads: any.  Blocks: ask at most timeout_ms; find as long as the resolver does.
   Allocates: find, in libc. */

#ifndef QS_DISCO_GOSSIP_ECHO_ASK_H
#define QS_DISCO_GOSSIP_ECHO_ASK_H

#include "waltz/codec/qs_ip_echo.h"

#define QS_IP_ECHO_ASK_MAX 16u

typedef struct qs_ip_echo_peer {
    u32 ip; /* host order */
    u16 port;
} qs_ip_echo_peer_t;

/* qs_ip_echo_find fills *peer from "host:port".  Returns 0, -EINVAL (not of that form) or -ENOENT with
   why in err (no such host now). */
int qs_ip_echo_find(qs_ip_echo_peer_t *peer, char const *text, char *err, u64 err_sz);

/* qs_ip_echo_ask asks cnt peers, from address (host order; 0: any), and takes the first good answer
   that names a shred version, or at the end one that does not.  Returns which peer's it is, or -1 with
   the last reason in err. */
int qs_ip_echo_ask(qs_ip_echo_response_t *answer, qs_ip_echo_peer_t const *peer, u32 cnt,
                   u32 address, u32 timeout_ms, char *err, u64 err_sz);

#endif

/* qs_ip_echo_serve - answers "who am I, and which cluster is this?" over TCP (qs_ip_echo.h), beside other
   work: each step takes what is there and never waits.

   At most QS_IP_ECHO_SLOTS connections are open, each for QS_IP_ECHO_SLOT_NS; when one more comes the
   oldest makes place.  Who asks that we try its ports is answered without that: nobody can have us
   connect somewhere.  It needs QS_IP_ECHO_SLOTS + 1 free descriptors.

   Threads: one.  Blocks: never.  Allocates: never.  System calls: accept4, recv, send, close. */

#ifndef QS_DISCO_GOSSIP_ECHO_SERVE_H
#define QS_DISCO_GOSSIP_ECHO_SERVE_H

#include "waltz/codec/qs_ip_echo.h"

#define QS_IP_ECHO_SLOTS   8u
#define QS_IP_ECHO_SLOT_NS 2000000000ull

typedef struct qs_ip_echo_serve {
    int listen_fd; /* non-blocking; -1: nobody is served */
    u16 shred_version;
    u32 open_cnt;
    struct qs_ip_echo_slot {
        int fd; /* -1: free */
        u32 ip;
        u32 sz;
        u64 since_ns;
        u8 data[QS_IP_ECHO_REQUEST_SZ + 1];
    } slot[QS_IP_ECHO_SLOTS];
    u64 answered, refused, cut; /* cut: had to make place, were too slow, or went away */
} qs_ip_echo_serve_t;

/* qs_ip_echo_listen returns a listening socket at address (host order; 0: all), or -errno. */
int qs_ip_echo_listen(u32 address, u16 port);

void qs_ip_echo_serve_init(qs_ip_echo_serve_t *s, int listen_fd, u16 shred_version);

/* qs_ip_echo_serve accepts, reads and answers what can be now, and returns how much it did.  As long as
   open_cnt is not 0 it wants to be called again soon. */
u32 qs_ip_echo_serve(qs_ip_echo_serve_t *s, u64 now_ns);

#endif

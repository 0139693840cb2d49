/* qs_renew - the addresses behind names, looked up again while the tile runs.

   At boot libc finds the addresses of entrypoints, as it finds any.  Behind the sandbox it cannot: it opens
   files and blocks.  So the names are asked for again here, now and then and one at a time, of the name
   servers of resolv.conf as it was at boot; a server that does not answer is asked again, and the next one
   then.  Until there is another address the old one stays.

   Names without a dot are the host's own (hosts, search domains): they stay as boot found them.

   Threads: one.  Blocks: never.  Allocates: never.  System calls: sendto, recvfrom. */

#ifndef QS_DISCO_GOSSIP_RENEW_H
#define QS_DISCO_GOSSIP_RENEW_H

#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_dns.h"

#define QS_RENEW_SERVERS   3u
#define QS_RENEW_NAMES     16u
#define QS_RENEW_TRIES     4u /* of one name, before it has to wait for the next round */
#define QS_RENEW_ANSWER_MS 2000u

typedef struct qs_renew {
    int fd; /* non-blocking, UDP; -1: nothing is asked */
    u16 port;
    u64 every_ms, next_ms;
    u32 server[QS_RENEW_SERVERS], server_cnt;
    char name[QS_RENEW_NAMES][128];
    u32 name_cnt;
    qs_rng_t rng;
    u32 at; /* name in hand; name_cnt: none, until next_ms */
    u32 tries;
    u16 id;
    u64 asked_ms;
    u64 asked, answered, refused; /* so far */
} qs_renew_t;

/* qs_renew_servers reads the IPv4 name servers that text, of a resolv.conf, names, and returns how many. */
u32 qs_renew_servers(u32 server[QS_RENEW_SERVERS], char const *text);

/* qs_renew_open reads path and opens the socket, if there are names (qs_renew_name says which count) and
   servers; else fd is -1.  Returns 0 or -errno. */
int qs_renew_open(qs_renew_t *r, char const *path, u64 every_ms, u64 seed);

/* qs_renew_name adds the host of "host:port" before qs_renew_open, an address too; returns its number. */
u32 qs_renew_name(qs_renew_t *r, char const *text);

/* qs_renew_step does what is due; call it some ten times a second.  Returns true with an address that was found, for name *idx. */
bool qs_renew_step(qs_renew_t *r, u64 now_ms, u32 *idx, u32 *ip);

#endif

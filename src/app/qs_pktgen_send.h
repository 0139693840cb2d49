/* qs_pktgen_send - how a packet generator's traffic leaves: as frames through an XSK, or as
   datagrams through ordinary sockets.

   XSK: the frames are ours from the first byte, and bypass the host's own stack; one queue of one
   interface; what the kernel has not finished is not sent.  Sockets: sendmmsg, one socket per flow.

   Threads: one owner.  Blocks: batch on sockets, when their buffers are full; finish, up to 1 s.
   Allocates: at open.  Needs: CAP_NET_RAW for the XSK. */

#ifndef QS_APP_PKTGEN_SEND_H
#define QS_APP_PKTGEN_SEND_H

#include "app/qs_pktgen.h"
#include "waltz/xdp/qs_xsk.h"

#define QS_PKTGEN_BATCH 64u
#define QS_PKTGEN_DEPTH 2048u

typedef struct qs_pktgen_send {
    qs_pktgen_t *gen;
    bool is_xsk;
    u64 sent;
    u64 sent_bytes; /* of whole frames without their check sum, on sockets too */
    u64 syscalls;
    int err; /* why nothing more can be sent, -errno, or 0 */

    qs_xsk_t xsk;
    u8 *mem;
    u32 free_cnt;
    u16 free_frame[QS_PKTGEN_DEPTH];
    u16 len[QS_PKTGEN_DEPTH]; /* of what is in a frame */

    int fd[QS_PKTGEN_FLOW_MAX];
} qs_pktgen_send_t;

/* qs_pktgen_send_xsk and _socket open the way out of gen's traffic.  queue and zero_copy are the
   XSK's; zero copy takes the queue's receive side too, which then receives nothing.  Return 0, or
   with nothing open and one line in err -errno. */
int qs_pktgen_send_xsk(qs_pktgen_send_t *s, qs_pktgen_t *gen, u32 ifindex, u32 queue,
                       bool zero_copy, char *err, u64 err_sz);
int qs_pktgen_send_socket(qs_pktgen_send_t *s, qs_pktgen_t *gen, char const *ifname, char *err,
                          u64 err_sz);

/* qs_pktgen_send_batch makes and hands over up to cnt <= QS_PKTGEN_BATCH datagrams, stamped now_ns.
   Returns how many; fewer when there is no room now, or with s->err set. */
u32 qs_pktgen_send_batch(qs_pktgen_send_t *s, u32 cnt, u64 now_ns);

/* qs_pktgen_send_finish waits until all that was handed over has left, at most 1 s.  Returns how
   many have not. */
u32 qs_pktgen_send_finish(qs_pktgen_send_t *s);

void qs_pktgen_send_close(qs_pktgen_send_t *s);

#endif

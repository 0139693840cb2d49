/* recvmmsg PORT - the peer of bench veth: takes datagrams from one UDP socket with recvmmsg, 64 at a
   time, blocking, and does nothing with them.  Says how many it got when it is told to end. */

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tango/base/qs_base.h"

#define BATCH 64u

static volatile sig_atomic_t stop;

static void
end(int sig)
{
    stop = sig;
}

int
main(int argc, char **argv)
{
    static u8 room[BATCH][2048];
    static struct mmsghdr msg[BATCH];
    static struct iovec iov[BATCH];
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((u16)(argc > 1 ? atoi(argv[1]) : 9001))};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = 4 << 20;
    u64 got = 0;

    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
        return 1;
    for (u32 i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){room[i], sizeof(room[i])};
        msg[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    while (!stop) {
        int cnt = recvmmsg(fd, msg, BATCH, MSG_WAITFORONE, NULL);
        got += cnt > 0 ? (u64)cnt : 0;
    }
    printf("%lu\n", got);
    return 0;
}

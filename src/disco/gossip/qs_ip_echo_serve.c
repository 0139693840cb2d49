#include "disco/gossip/qs_ip_echo_serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_MAX 4u /* in one step */

typedef struct qs_ip_echo_slot slot_t;

int
qs_ip_echo_listen(u32 address, u16 port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 2 * QS_IP_ECHO_SLOTS))
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

void
qs_ip_echo_serve_init(qs_ip_echo_serve_t *s, int listen_fd, u16 shred_version)
{
    *s = (qs_ip_echo_serve_t){.listen_fd = listen_fd, .shred_version = shred_version};
    for (u32 i = 0; i < QS_IP_ECHO_SLOTS; i++)
        s->slot[i].fd = -1;
}

static void
end(qs_ip_echo_serve_t *s, slot_t *slot)
{
    close(slot->fd);
    slot->fd = -1;
    s->open_cnt--;
}

/* slot_for returns a free place, if need be that of who came first. */
static slot_t *
slot_for(qs_ip_echo_serve_t *s)
{
    slot_t *oldest = &s->slot[0];

    for (u32 i = 0; i < QS_IP_ECHO_SLOTS; i++) {
        if (s->slot[i].fd < 0)
            return &s->slot[i];
        if (s->slot[i].since_ns < oldest->since_ns)
            oldest = &s->slot[i];
    }
    end(s, oldest);
    s->cut++;
    return oldest;
}

static u32
accept_some(qs_ip_echo_serve_t *s, u64 now_ns)
{
    for (u32 i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_in from = {0};
        socklen_t from_sz = sizeof(from);
        int fd =
            accept4(s->listen_fd, (struct sockaddr *)&from, &from_sz, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return i;
        *slot_for(s) = (slot_t){.fd = fd, .ip = ntohl(from.sin_addr.s_addr), .since_ns = now_ns};
        s->open_cnt++;
    }
    return ACCEPT_MAX;
}

/* serve_one reads on and answers when the request is whole.  Returns whether anything happened. */
static bool
serve_one(qs_ip_echo_serve_t *s, slot_t *slot, u64 now_ns)
{
    qs_ip_echo_request_t request;
    u8 out[QS_IP_ECHO_RESPONSE_SZ];
    ssize_t got = recv(slot->fd, slot->data + slot->sz, sizeof(slot->data) - slot->sz, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (now_ns - slot->since_ns < QS_IP_ECHO_SLOT_NS)
            return false;
        got = 0;
    }
    if (got > 0)
        slot->sz += (u32)got;
    qs_ip_echo_fault_t fault = qs_ip_echo_parse_request(slot->data, slot->sz, got <= 0, &request);
    if (fault == QS_IP_ECHO_MORE)
        return true;
    if (fault == QS_IP_ECHO_OK) {
        qs_ip_echo_response_t r = {.ip = slot->ip, .shred_version = s->shred_version};
        qs_ip_echo_write_response(out, &r);
        bool sent = send(slot->fd, out, sizeof(out), MSG_NOSIGNAL) == (ssize_t)sizeof(out);
        s->answered += sent;
        s->cut += !sent;
    } else if (slot->sz) {
        s->refused++;
    } else {
        s->cut++;
    }
    end(s, slot);
    return true;
}

u32
qs_ip_echo_serve(qs_ip_echo_serve_t *s, u64 now_ns)
{
    u32 did = s->listen_fd < 0 ? 0 : accept_some(s, now_ns);

    for (u32 i = 0; s->open_cnt && i < QS_IP_ECHO_SLOTS; i++)
        if (s->slot[i].fd >= 0)
            did += serve_one(s, &s->slot[i], now_ns);
    return did;
}

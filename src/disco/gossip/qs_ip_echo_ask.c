#include "disco/gossip/qs_ip_echo_ask.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int
qs_ip_echo_find(qs_ip_echo_peer_t *peer, char const *text, char *err, u64 err_sz)
{
    char host[128];
    char const *colon = strrchr(text, ':');
    struct addrinfo hint = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    char *rest;

    if (!colon || colon == text || (u64)(colon - text) >= sizeof(host))
        return -EINVAL;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    unsigned long port = strtoul(colon + 1, &rest, 10);
    if (*rest || colon[1] < '0' || colon[1] > '9' || !port || port > UINT16_MAX)
        return -EINVAL;
    int code = getaddrinfo(host, NULL, &hint, &found);
    if (code) {
        snprintf(err, err_sz, "%s: %s", host, gai_strerror(code));
        return -ENOENT;
    }
    struct sockaddr_in const *at = (struct sockaddr_in const *)(void *)found->ai_addr;
    *peer = (qs_ip_echo_peer_t){.ip = ntohl(at->sin_addr.s_addr), .port = (u16)port};
    freeaddrinfo(found);
    return 0;
}

/* One question under way. */
typedef struct ask {
    int fd; /* -1: over */
    bool asked;
    u32 sz;
    u8 data[64];
} ask_t;

static char const *
over(ask_t *a, char const *why)
{
    close(a->fd);
    a->fd = -1;
    return why;
}

/* begin connects; why not, or NULL. */
static char const *
begin(ask_t *a, qs_ip_echo_peer_t peer, u32 address)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(peer.port), .sin_addr.s_addr = htonl(peer.ip)};

    *a = (ask_t){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (a->fd < 0)
        return strerror(errno);
    if (address && bind(a->fd, (struct sockaddr *)&from, sizeof(from)))
        return over(a, strerror(errno));
    if (connect(a->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
        return over(a, strerror(errno));
    return NULL;
}

/* go_on does what a question is ready for.  Returns true with an answer in *r; else *why says what
   ended it, if anything did. */
static bool
go_on(ask_t *a, qs_ip_echo_response_t *r, char const **why)
{
    if (!a->asked) {
        u8 out[QS_IP_ECHO_REQUEST_SZ];
        qs_ip_echo_request_t request = {0};
        qs_ip_echo_write_request(out, &request);
        if (send(a->fd, out, sizeof(out), MSG_NOSIGNAL) != (ssize_t)sizeof(out))
            *why = over(a, strerror(errno));
        a->asked = true;
        return false;
    }
    ssize_t got = recv(a->fd, a->data + a->sz, sizeof(a->data) - a->sz, 0);
    if (got < 0 && errno != EAGAIN)
        *why = over(a, strerror(errno));
    if (got < 0)
        return false;
    a->sz += (u32)got;
    bool last = got == 0 || a->sz == sizeof(a->data);
    qs_ip_echo_fault_t fault = qs_ip_echo_parse_response(a->data, a->sz, last, r);
    if (fault == QS_IP_ECHO_MORE)
        return false;
    over(a, NULL);
    if (fault)
        *why = fault == QS_IP_ECHO_HTTP ? "that is an RPC port: the gossip port is wanted"
                                        : "it does not speak ip_echo";
    return fault == QS_IP_ECHO_OK;
}

static u64
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* wait_all lists what is under way and waits for any of it.  Returns how many there are. */
static u32
wait_all(struct pollfd *p, ask_t const *ask, u32 cnt, u64 until_ms)
{
    u32 live = 0;
    u64 now = now_ms();

    for (u32 i = 0; i < cnt; i++) {
        p[i] = (struct pollfd){.fd = ask[i].fd, .events = ask[i].asked ? POLLIN : POLLOUT};
        live += ask[i].fd >= 0;
    }
    if (live && now < until_ms)
        poll(p, cnt, (int)(until_ms - now));
    return now < until_ms ? live : 0;
}

int
qs_ip_echo_ask(qs_ip_echo_response_t *answer, qs_ip_echo_peer_t const *peer, u32 cnt, u32 address,
               u32 timeout_ms, char *err, u64 err_sz)
{
    ask_t ask[QS_IP_ECHO_ASK_MAX];
    struct pollfd p[QS_IP_ECHO_ASK_MAX];
    char const *why = "no answer in time";
    u64 until = now_ms() + timeout_ms;
    int best = -1;

    cnt = cnt < QS_IP_ECHO_ASK_MAX ? cnt : QS_IP_ECHO_ASK_MAX;
    for (u32 i = 0; i < cnt; i++) {
        char const *fault = begin(&ask[i], peer[i], address);
        why = fault ? fault : why;
    }
    while ((best < 0 || !answer->shred_version) && wait_all(p, ask, cnt, until)) {
        for (u32 i = 0; i < cnt; i++) {
            qs_ip_echo_response_t r;
            if (ask[i].fd < 0 || !p[i].revents || !go_on(&ask[i], &r, &why))
                continue;
            if (best < 0 || (!answer->shred_version && r.shred_version)) {
                best = (int)i;
                *answer = r;
            }
        }
    }
    for (u32 i = 0; i < cnt; i++)
        if (ask[i].fd >= 0)
            close(ask[i].fd);
    if (best < 0)
        snprintf(err, err_sz, "%s", why);
    return best;
}

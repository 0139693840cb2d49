/* Goal: over TCP one side of ip_echo tells what the other asks, whatever others do to either: the server
   is never held up and never holds more than its places; the client takes the first good answer
   and says why there is none.
   Method: the real server in a thread, the real client, and servers and clients that misbehave, on
   addresses of the loopback that are nobody else's. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "disco/gossip/qs_ip_echo_ask.h"
#include "disco/gossip/qs_ip_echo_serve.h"

#define HERE   0x7f4d3801u /* 127.77.56.1 */
#define CALLER 0x7f4d3899u

static qs_ip_echo_serve_t serve;
static pthread_t thread;
static bool over;
static u16 port;

static u64
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static void *
run(void *arg)
{
    (void)arg;
    while (!qs_load_relaxed(&over)) {
        struct pollfd p = {.fd = serve.listen_fd, .events = POLLIN};
        poll(&p, 1, 1);
        qs_ip_echo_serve(&serve, now_ns());
    }
    return NULL;
}

/* listen_somewhere opens a server's socket on a port that is free. */
static int
listen_somewhere(u16 *at)
{
    struct sockaddr_in a;
    socklen_t sz = sizeof(a);
    int fd = qs_ip_echo_listen(HERE, 0);

    cr_assert(ge(int, fd, 0));
    getsockname(fd, (struct sockaddr *)&a, &sz);
    *at = ntohs(a.sin_port);
    return fd;
}

static void
begin(void)
{
    qs_ip_echo_serve_init(&serve, listen_somewhere(&port), 4711);
    over = false;
    pthread_create(&thread, NULL, run, NULL);
}

static void
end(void)
{
    qs_store_relaxed(&over, true);
    pthread_join(thread, NULL);
    close(serve.listen_fd);
}

TestSuite(echo, .init = begin, .fini = end);

static int
ask(qs_ip_echo_response_t *r, u16 at, char why[200])
{
    qs_ip_echo_peer_t peer = {HERE, at};
    return qs_ip_echo_ask(r, &peer, 1, CALLER, 3000, why, 200);
}

static int
connect_to(u16 at)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(at), .sin_addr.s_addr = htonl(HERE)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&a, sizeof(a)), 0));
    return fd;
}

Test(echo, who_asks_is_told_its_address_and_the_shred_version)
{
    qs_ip_echo_response_t r;
    char why[200] = "";

    for (u32 i = 0; i < 20; i++) {
        cr_assert(eq(int, ask(&r, port, why), 0), "%s", why);
        cr_assert(eq(u32, r.ip, CALLER));
        cr_assert(eq(u32, r.shred_version, 4711));
    }
    for (u32 i = 0; i < 1000 && qs_load_relaxed(&serve.answered) < 20; i++)
        usleep(1000); /* it counts behind the answer */
    cr_assert(eq(u64, qs_load_relaxed(&serve.answered), 20));
}

Test(echo, who_says_nothing_makes_place_for_who_asks)
{
    int idle[40];
    qs_ip_echo_response_t r;
    char why[200];

    for (u32 i = 0; i < QS_COUNT(idle); i++)
        idle[i] = connect_to(port);
    cr_assert(eq(int, ask(&r, port, why), 0), "%s", why);
    cr_assert(le(u32, qs_load_relaxed(&serve.open_cnt), QS_IP_ECHO_SLOTS));
    for (u32 i = 0; i < QS_COUNT(idle); i++)
        close(idle[i]);
    for (u32 i = 0; i < 2000 && qs_load_relaxed(&serve.open_cnt); i++)
        usleep(1000);
    cr_assert(eq(u32, qs_load_relaxed(&serve.open_cnt), 0));
}

Test(echo, a_request_that_is_none_gets_no_answer)
{
    static char const *const bad[] = {"GET / HTTP/1.1\r\n\r\n", "\1\0\0\0", "HX"};
    char byte;

    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        int fd = connect_to(port);
        cr_assert(ge(i64, send(fd, bad[i], i == 1 ? 4 : strlen(bad[i]), 0), 0 + 1));
        shutdown(fd, SHUT_WR);
        cr_assert(le(i64, recv(fd, &byte, 1, 0), 0), "case %u", i);
        close(fd);
    }
    cr_assert(eq(u64, qs_load_relaxed(&serve.refused), QS_COUNT(bad)));
}

/* A server that says what it is told to, to one caller. */
typedef struct liar {
    int fd;
    u16 port;
    char const *says;
    u32 sz;
    pthread_t thread;
} liar_t;

static void *
lie(void *arg)
{
    liar_t *l = arg;
    char in[64];
    int fd = accept(l->fd, NULL, NULL);

    if (fd >= 0 && recv(fd, in, sizeof(in), 0) > 0)
        for (u32 i = 0; i < l->sz; i++) /* byte by byte: the client must read on */
            if (send(fd, l->says + i, 1, MSG_NOSIGNAL) != 1)
                break;
    close(fd);
    return NULL;
}

static void
start_liar(liar_t *l, char const *says, u32 sz)
{
    l->fd = listen_somewhere(&l->port);
    struct timeval limit = {.tv_sec = 5};
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    l->says = says;
    l->sz = sz;
    fcntl(l->fd, F_SETFL, 0); /* accept waits */
    pthread_create(&l->thread, NULL, lie, l);
}

static void
end_liar(liar_t *l)
{
    pthread_join(l->thread, NULL);
    close(l->fd);
}

Test(echo, an_answer_that_is_none_is_told_from_one)
{
    static struct {
        char says[32];
        u32 sz;
        int who;
        char const *why;
    } const cases[] = {
        {"HTTP/1.1 400 Bad Request", 24, -1, "RPC port"},
        {"", 0, -1, "ip_echo"},
        {"\0\0\0\0\0\0\0\0\1\2\3\4\1\0\0", 15, -1, "ip_echo"},
        {"\0\0\0\0\0\0\0\0\1\2\3\4", 12, 0, ""},
        {"\0\0\0\0\0\0\0\0\1\2\3\4\1\5\0", 15, 0, ""},
    };
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        liar_t l;
        qs_ip_echo_response_t r;
        char why[200] = "";
        start_liar(&l, cases[i].says, cases[i].sz);
        cr_expect(eq(int, ask(&r, l.port, why), cases[i].who), "case %u: %s", i, why);
        cr_expect(strstr(why, cases[i].why) != NULL, "case %u: %s", i, why);
        end_liar(&l);
    }
}

Test(echo, of_several_the_one_that_knows_the_version_is_taken)
{
    liar_t l;
    u16 closed;
    qs_ip_echo_response_t r;
    char why[200] = "";

    int fd = listen_somewhere(&closed);
    close(fd);
    start_liar(&l, "\0\0\0\0\0\0\0\0\1\2\3\4", 12);
    qs_ip_echo_peer_t peer[] = {{HERE, closed}, {HERE, l.port}, {HERE, port}};
    cr_assert(eq(int, qs_ip_echo_ask(&r, peer, 3, CALLER, 3000, why, sizeof(why)), 2), "%s", why);
    cr_assert(eq(u32, r.shred_version, 4711));
    end_liar(&l);
    cr_assert(eq(int, qs_ip_echo_ask(&r, peer, 1, CALLER, 3000, why, sizeof(why)), -1));
    cr_assert(strstr(why, "refused") != NULL, "%s", why);
}

Test(echo, entrypoints_are_host_and_port)
{
    static char const *const bad[] = {"",        "host",  ":8001", "a:",   "a:0",
                                      "a:65536", "a:80x", "a: 80", "a:-1", "a:+5"};
    qs_ip_echo_peer_t peer;
    char why[200];

    cr_assert(eq(int, qs_ip_echo_find(&peer, "127.77.0.9:8001", why, sizeof(why)), 0));
    cr_assert(eq(u32, peer.ip, 0x7f4d0009));
    cr_assert(eq(u32, peer.port, 8001));
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        cr_expect(eq(int, qs_ip_echo_find(&peer, bad[i], why, sizeof(why)), -EINVAL), "%s", bad[i]);
}

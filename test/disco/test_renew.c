/* Goal: names are asked for again when their time comes, an answer is taken only from the server that was
   asked and only for what was asked, and a server that says nothing holds nobody up.
   Method: name servers that are sockets of this process on the loopback, and a clock of the test's. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disco/gossip/qs_renew.h"

#define EVERY 60000u

static qs_renew_t r;
static int server, other;
static u64 now = 1000;

static int
listen_at(char const *ip, u16 *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t sz = sizeof(at);

    inet_pton(AF_INET, ip, &at.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert(eq(int, bind(fd, (struct sockaddr *)&at, sizeof(at)), 0));
    cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&at, &sz), 0));
    *port = ntohs(at.sin_port);
    return fd;
}

static void
begin(void)
{
    u16 port = 0;
    char path[] = "/tmp/qs_renew_XXXXXX";
    int fd = mkstemp(path);

    server = listen_at("127.0.0.1", &port);
    other = listen_at("127.0.0.2", &port);
    cr_assert(ge(i64,
                 dprintf(fd, "# servers\nsearch lan\nnameserver 127.0.0.1\nnameserver ::1\n"
                             "nameserver\t127.0.0.2\n"),
                 1));
    close(fd);
    memset(&r, 0, sizeof(r));
    cr_assert(eq(u32, qs_renew_name(&r, "10.0.0.1:8001"), 0));
    cr_assert(eq(u32, qs_renew_name(&r, "one.example:8001"), 1));
    cr_assert(eq(u32, qs_renew_name(&r, "localhost:8001"), 2));
    cr_assert(eq(u32, qs_renew_name(&r, "two.example:8002"), 3));
    cr_assert(eq(int, qs_renew_open(&r, path, EVERY, 7), 0));
    unlink(path);
    cr_assert(ge(int, r.fd, 0));
    r.port = port;
}

static void
end(void)
{
    close(server);
    close(other);
    close(r.fd);
}

TestSuite(renew, .init = begin, .fini = end);

/* question returns the bytes of what came to a server, 0 if nothing did. */
static u32
question(int fd, u8 *data, struct sockaddr_in *from)
{
    socklen_t sz = sizeof(*from);
    ssize_t got = recvfrom(fd, data, QS_DNS_MTU, 0, (struct sockaddr *)from, &sz);
    return got > 0 ? (u32)got : 0;
}

/* answer turns the question in data to an answer with ip, and has fd send it. */
static void
answer(int fd, u8 *data, u32 sz, struct sockaddr_in const *to, u32 ip)
{
    u8 const record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4};

    data[2] |= 0x80;
    data[7] = 1;
    memcpy(data + sz, record, sizeof(record));
    u32 be = htonl(ip);
    memcpy(data + sz + sizeof(record), &be, 4);
    sz += (u32)sizeof(record) + 4;
    cr_assert(eq(i64, sendto(fd, data, sz, 0, (struct sockaddr const *)to, sizeof(*to)), sz));
}

static bool
step(u32 *idx, u32 *ip)
{
    now += 100;
    return qs_renew_step(&r, now, idx, ip);
}

Test(renew, servers_are_those_that_resolv_conf_names)
{
    u32 s[QS_RENEW_SERVERS];

    cr_assert(eq(u32, r.server_cnt, 2));
    cr_assert(eq(u32, r.server[1], 0x7f000002));
    cr_assert(eq(u32, qs_renew_servers(s, ""), 0));
    cr_assert(eq(u32, qs_renew_servers(s, "nameserver 1.2.3\nnameservers 1.2.3.4"), 0));
    cr_assert(eq(u32,
                 qs_renew_servers(s, "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n"
                                     "nameserver 4.4.4.4"),
                 3));
}

Test(renew, each_name_is_asked_for_in_its_time_and_its_address_told)
{
    u8 data[QS_DNS_MTU];
    struct sockaddr_in from;
    u32 idx, ip;

    cr_assert(not(step(&idx, &ip)));
    cr_assert(not(step(&idx, &ip)));
    cr_assert(eq(u32, question(server, data, &from), 0), "boot has just found it");
    for (u32 round = 0; round < 2; round++) {
        now += EVERY;
        cr_assert(not(step(&idx, &ip)));
        u32 sz = question(server, data, &from);
        cr_assert(eq(int, memcmp(data + 12, "\3one\7example", 12), 0));
        answer(server, data, sz, &from, 0x0a000005 + round);
        cr_assert(step(&idx, &ip));
        cr_assert(eq(u32, idx, 1));
        cr_assert(eq(u32, ip, 0x0a000005 + round));
        cr_assert(not(step(&idx, &ip)));
        sz = question(server, data, &from);
        cr_assert(eq(int, memcmp(data + 12, "\3two\7example", 12), 0));
        answer(server, data, sz, &from, 0x0a000006);
        cr_assert(step(&idx, &ip));
        cr_assert(eq(u32, idx, 3));
        for (u32 i = 0; i < 50; i++)
            cr_assert(not(step(&idx, &ip)));
        cr_assert(eq(u32, question(server, data, &from), 0));
    }
}

Test(renew, another_server_or_another_question_is_not_believed)
{
    u8 data[QS_DNS_MTU], other_id[QS_DNS_MTU];
    struct sockaddr_in from;
    u32 idx, ip;

    step(&idx, &ip);
    now += EVERY;
    cr_assert(not(step(&idx, &ip)));
    u32 sz = question(server, data, &from);
    memcpy(other_id, data, sz);
    other_id[0] ^= 1;
    answer(other, data, sz, &from, 0x0a000007);
    cr_assert(not(step(&idx, &ip)));
    answer(server, other_id, sz, &from, 0x0a000008);
    cr_assert(not(step(&idx, &ip)));
    cr_assert(eq(u64, r.refused, 2));
    answer(server, data, sz, &from, 0x0a000009);
    cr_assert(step(&idx, &ip));
    cr_assert(eq(u32, ip, 0x0a000009));
}

Test(renew, who_does_not_answer_is_asked_again_then_the_next_then_the_name_waits)
{
    u8 data[QS_DNS_MTU];
    struct sockaddr_in from;
    u32 idx, ip;

    step(&idx, &ip);
    now += EVERY;
    for (u32 t = 0; t < QS_RENEW_TRIES; t++) {
        cr_assert(not(step(&idx, &ip)));
        cr_assert(ne(u32, question(t % 2 ? other : server, data, &from), 0), "%u", t);
        cr_assert(eq(u32, question(t % 2 ? server : other, data, &from), 0), "%u", t);
        cr_assert(not(step(&idx, &ip)));
        cr_assert(eq(u32, question(server, data, &from) + question(other, data, &from), 0));
        now += QS_RENEW_ANSWER_MS;
    }
    cr_assert(not(step(&idx, &ip)));
    cr_assert(not(step(&idx, &ip)));
    cr_assert(ne(u32, question(server, data, &from), 0));
    cr_assert(eq(int, memcmp(data + 12, "\3two\7example", 12), 0), "the next name has its turn");
    data[3] |= 3; /* there is no such name */
    answer(server, data, 29, &from, 0);
    cr_assert(not(step(&idx, &ip)));
    cr_assert(eq(u32, r.at, r.name_cnt));
}

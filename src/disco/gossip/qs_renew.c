#include "disco/gossip/qs_renew.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define DNS_PORT 53u
#define FILE_MAX 4096u

u32
qs_renew_servers(u32 server[QS_RENEW_SERVERS], char const *text)
{
    u32 cnt = 0;

    for (; text && cnt < QS_RENEW_SERVERS; text = strchr(text, '\n')) {
        char address[16];
        struct in_addr a;
        text += *text == '\n';
        if (sscanf(text, "nameserver%*[ \t]%15[0-9.]", address) == 1 &&
            inet_pton(AF_INET, address, &a) == 1)
            server[cnt++] = ntohl(a.s_addr);
    }
    return cnt;
}

u32
qs_renew_name(qs_renew_t *r, char const *text)
{
    struct in_addr literal;
    u8 query[QS_DNS_MTU];
    char *name = r->name[r->name_cnt];

    snprintf(name, sizeof(r->name[0]), "%.*s", (int)strcspn(text, ":"), text);
    if (!strchr(name, '.') || inet_pton(AF_INET, name, &literal) == 1 ||
        !qs_dns_write_query(query, sizeof(query), 0, name))
        name[0] = 0;
    return r->name_cnt++;
}

static bool
anything_to_ask(qs_renew_t const *r)
{
    bool any = false;

    for (u32 i = 0; i < r->name_cnt; i++)
        any |= r->name[i][0] != 0;
    return any && r->server_cnt && r->every_ms;
}

int
qs_renew_open(qs_renew_t *r, char const *path, u64 every_ms, u64 seed)
{
    char text[FILE_MAX + 1];
    FILE *f = fopen(path, "re");
    size_t sz = f ? fread(text, 1, FILE_MAX, f) : 0;

    if (f)
        fclose(f);
    text[sz] = 0;
    r->fd = -1;
    r->every_ms = every_ms;
    r->at = r->name_cnt;
    r->port = DNS_PORT;
    r->server_cnt = qs_renew_servers(r->server, text);
    qs_rng_init(&r->rng, seed, 0);
    if (!anything_to_ask(r))
        return 0;
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return r->fd < 0 ? -errno : 0;
}

/* next_name goes on to the next that can be asked for. */
static void
next_name(qs_renew_t *r, u32 from)
{
    for (r->at = from; r->at < r->name_cnt && !r->name[r->at][0];)
        r->at++;
    r->tries = 0;
    r->asked_ms = 0;
}

static void
ask(qs_renew_t *r, u64 now_ms)
{
    u8 query[QS_DNS_MTU];
    u32 server = r->server[r->tries % r->server_cnt];
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(server)};

    r->id = (u16)qs_rng_u64(&r->rng);
    r->asked_ms = now_ms;
    r->tries++;
    u32 sz = qs_dns_write_query(query, sizeof(query), r->id, r->name[r->at]);
    r->asked += sendto(r->fd, query, sz, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) > 0;
}

/* heard takes one datagram that came; true: it is an address for the name in hand. */
static bool
heard(qs_renew_t *r, u8 const *data, u32 sz, struct sockaddr_in const *from, u32 *ip)
{
    u32 server = r->server[(r->tries - 1) % r->server_cnt];
    bool ours = from->sin_addr.s_addr == htonl(server) && from->sin_port == htons(r->port);
    qs_dns_reason_t reason =
        ours ? qs_dns_parse_answer(data, sz, r->id, r->name[r->at], ip) : QS_DNS_id;

    r->refused += reason != QS_DNS_ok;
    r->answered += reason == QS_DNS_ok;
    if (reason == QS_DNS_code || reason == QS_DNS_none) /* the server means it */
        next_name(r, r->at + 1);
    return reason == QS_DNS_ok;
}

bool
qs_renew_step(qs_renew_t *r, u64 now_ms, u32 *idx, u32 *ip)
{
    u8 data[QS_DNS_MTU];
    struct sockaddr_in from;
    socklen_t from_sz = sizeof(from);

    if (r->fd < 0)
        return false;
    if (!r->next_ms)
        r->next_ms = now_ms + r->every_ms;
    if (r->at >= r->name_cnt && now_ms >= r->next_ms) {
        next_name(r, 0);
        r->next_ms = now_ms + r->every_ms;
    }
    if (r->at >= r->name_cnt)
        return false;
    ssize_t sz =
        recvfrom(r->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &from_sz);
    if (sz >= 0 && r->asked_ms && heard(r, data, (u32)sz, &from, ip)) {
        *idx = r->at;
        next_name(r, r->at + 1);
        return true;
    }
    if (r->at >= r->name_cnt || (r->asked_ms && now_ms < r->asked_ms + QS_RENEW_ANSWER_MS))
        return false;
    if (r->tries == QS_RENEW_TRIES)
        next_name(r, r->at + 1);
    else
        ask(r, now_ms);
    return false;
}

#include "app/qs_gossip_list.h"

#include "waltz/codec/qs_base58.h"

typedef int (*order_t)(void const *, void const *);

static int
compare(u64 a, u64 b)
{
    return (a > b) - (a < b);
}

static int
by_key(void const *a, void const *b)
{
    return memcmp(((qs_peers_row_t const *)a)->pubkey, ((qs_peers_row_t const *)b)->pubkey, 32);
}

static int
by_stake(void const *a, void const *b)
{
    int order = compare(((qs_peers_row_t const *)b)->stake, ((qs_peers_row_t const *)a)->stake);
    return order ? order : by_key(a, b);
}

static int
by_age(void const *a, void const *b)
{
    int order =
        compare(((qs_peers_row_t const *)a)->wallclock, ((qs_peers_row_t const *)b)->wallclock);
    return order ? order : by_key(a, b);
}

static int
by_address(void const *a, void const *b)
{
    int order = compare(((qs_peers_row_t const *)a)->ip[0], ((qs_peers_row_t const *)b)->ip[0]);
    return order ? order : by_key(a, b);
}

static order_t
order_of(char const *name)
{
    static struct {
        char const *name;
        order_t order;
    } const orders[] = {
        {"stake", by_stake}, {"age", by_age}, {"address", by_address}, {"key", by_key}};

    for (u32 i = 0; i < QS_COUNT(orders); i++)
        if (!name || !strcmp(name, orders[i].name))
            return orders[i].order;
    return NULL;
}

int
qs_gossip_list_check(qs_gossip_list_t const *list, char const *command)
{
    if (order_of(list->sort))
        return 0;
    fprintf(stderr, "quickstep gossip %s: --sort %s: stake, age, address or key\n", command,
            list->sort);
    return 2;
}

static char const *
address_text(char out[24], qs_peers_row_t const *row, qs_peers_socket_t s)
{
    u32 ip = row->ip[s];

    if (row->port[s])
        snprintf(out, 24, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
                 row->port[s]);
    else
        snprintf(out, 24, "-");
    return out;
}

static char const *
version_text(char out[32], qs_peers_row_t const *row)
{
    static char const *const channel[] = {"", "-rc.", "-beta.", "-alpha."};
    u32 c = row->minor >> 14, minor = row->minor & 0x3fff;

    if (c)
        snprintf(out, 32, "%u.%u.0%s%u", row->major, minor, channel[c], row->patch);
    else
        snprintf(out, 32, "%u.%u.%u", row->major, minor, row->patch);
    return out;
}

static bool
begins(char const *text, char const *with)
{
    return !strncmp(text, with, strlen(with));
}

static void
print_json(qs_gossip_list_t const *list, qs_peers_row_t const *row, char const *key, bool first)
{
    static char const *const names[QS_PEERS_SOCKET_CNT] = {"gossip", "tvu", "serve_repair",
                                                           "tpu_quic", "tpu"};
    char text[32];

    printf("%s{\"key\":\"%s\",\"stake\":%lu,\"version\":\"%s\",\"client\":%u,"
           "\"shred_version\":%u,\"age_ms\":%ld,\"started_us\":%lu,\"proven\":%s,\"own\":%s",
           first ? "" : ",", key, row->stake, version_text(text, row), row->client,
           row->shred_version, (i64)(list->now_ms - row->wallclock), row->outset,
           row->proven ? "true" : "false", row->own ? "true" : "false");
    for (u32 s = 0; s < QS_PEERS_SOCKET_CNT; s++)
        if (row->port[s])
            printf(",\"%s\":\"%s\"", names[s], address_text(text, row, (qs_peers_socket_t)s));
    printf("}");
}

u32
qs_gossip_list_print(qs_gossip_list_t const *list, qs_peers_row_t *rows, u32 cnt)
{
    u32 shown = 0;

    qsort(rows, cnt, sizeof(*rows), order_of(list->sort));
    if (list->json)
        printf("[");
    else
        printf("%-44s %-21s %-21s %-14s %6s %12s %8s\n", "key", "gossip", "tvu", "version", "shred",
               "stake SOL", "age s");
    for (u32 i = 0; i < cnt; i++) {
        qs_peers_row_t const *row = &rows[i];
        char key[QS_BASE58_32_MAX], gossip[24], tvu[24], version[32];
        qs_base58_encode_32(key, row->pubkey);
        address_text(gossip, row, QS_PEERS_GOSSIP);
        address_text(tvu, row, QS_PEERS_TVU);
        version_text(version, row);
        if (list->filter && !begins(key, list->filter) && !begins(gossip, list->filter) &&
            !begins(version, list->filter))
            continue;
        if (list->json)
            print_json(list, row, key, !shown);
        else
            printf("%-44s %-21s %-21s %-14s %6u %12.2f %8.1f%s\n", key, gossip, tvu, version,
                   row->shred_version, (double)row->stake / 1e9,
                   (double)(i64)(list->now_ms - row->wallclock) / 1e3,
                   row->own      ? "  (this node)"
                   : row->proven ? ""
                                 : "  (does not answer)");
        shown++;
    }
    if (list->json)
        printf("]");
    return shown;
}

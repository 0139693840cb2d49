#include "disco/gossip/qs_contacts_file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include "waltz/codec/qs_base58.h"

#define HEAD "quickstep contacts 1 shred_version "

static bool
write_row(FILE *f, qs_peers_row_t const *row)
{
    char key[QS_BASE58_32_MAX];
    u32 ip = row->ip[QS_PEERS_GOSSIP];

    qs_base58_encode_32(key, row->pubkey);
    return fprintf(f, "%s %u.%u.%u.%u:%u\n", key, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
                   row->port[QS_PEERS_GOSSIP]) > 0;
}

/* write_all writes the rows of others, under the shred version of ours.  Returns how many, 0 if there are none
   or not all could be written. */
static int
write_all(FILE *f, qs_peers_t const *p)
{
    qs_peers_row_t row;
    u32 own = 0;
    int cnt = 0;

    while (own < p->max && !(qs_peers_get(p, own, &row) && row.own))
        own++;
    if (own == p->max || fprintf(f, HEAD "%u\n", row.shred_version) < 0)
        return 0;
    u16 version = row.shred_version;
    for (u32 i = 0; i < p->max && cnt < (int)QS_CONTACTS_MAX; i++) {
        if (!qs_peers_get(p, i, &row) || row.own || !row.proven || row.shred_version != version)
            continue;
        if (!write_row(f, &row))
            return 0;
        cnt++;
    }
    return cnt;
}

int
qs_contacts_save(char const *path, qs_peers_t const *p)
{
    char temporary[300];

    snprintf(temporary, sizeof(temporary), "%s.new", path);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        return -errno;
    int cnt = write_all(f, p);
    bool whole = !ferror(f);
    whole &= !fclose(f);
    if (cnt && whole && !rename(temporary, path))
        return cnt;
    int err = errno ? -errno : -EIO;
    unlink(temporary);
    return cnt ? err : 0;
}

static bool
read_row(char const *line, qs_ip_echo_peer_t *peer)
{
    char key[QS_BASE58_32_MAX + 1], address[16], rest;
    u8 pubkey[32];
    struct in_addr a;
    unsigned port;

    if (sscanf(line, "%45s %15[0-9.]:%5u%c", key, address, &port, &rest) != 4 || rest != '\n' ||
        !port || port > UINT16_MAX || inet_pton(AF_INET, address, &a) != 1 ||
        qs_base58_decode_32(pubkey, key, strlen(key)))
        return false;
    *peer = (qs_ip_echo_peer_t){.ip = ntohl(a.s_addr), .port = (u16)port};
    return true;
}

int
qs_contacts_load(char const *path, qs_ip_echo_peer_t peer[QS_CONTACTS_MAX], u16 *shred_version)
{
    char line[128];
    unsigned version = 0;
    u32 cnt = 0;
    FILE *f = fopen(path, "re");

    if (!f)
        return -errno;
    bool sound = fgets(line, sizeof(line), f) && sscanf(line, HEAD "%5u", &version) == 1 &&
                 version && version <= UINT16_MAX;
    while (sound && cnt < QS_CONTACTS_MAX && fgets(line, sizeof(line), f))
        cnt += read_row(line, &peer[cnt]);
    fclose(f);
    *shred_version = (u16)version;
    return sound ? (int)cnt : -EPROTO;
}

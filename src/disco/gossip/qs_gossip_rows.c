/* What the rest of the program is told of the table: a row for each origin whose ContactInfo is there. */

#include "disco/gossip/qs_gossip_inner.h"

#define PART_MIN 2048u
#define PARTS    5u /* calls in which all rows are brought up to date */

bool
qs_gossip_row(qs_gossip_node_t const *n, u32 origin, u64 now_ms, qs_peers_row_t *row)
{
    static u8 const key[] = {[QS_PEERS_GOSSIP] = QS_CONTACT_GOSSIP,
                             [QS_PEERS_TVU] = QS_CONTACT_TVU,
                             [QS_PEERS_SERVE_REPAIR] = QS_CONTACT_SERVE_REPAIR,
                             [QS_PEERS_TPU_QUIC] = QS_CONTACT_TPU_QUIC,
                             [QS_PEERS_TPU] = QS_CONTACT_TPU};
    qs_crds_origin_t const *o = &n->table.origin[origin];
    qs_contact_t c;
    bool want;

    if (!o->used || o->contact == QS_CRDS_NONE || !qs_gossip_contact_in(n, o->contact, &c))
        return false;
    qs_ping_pair_t pair = {.ip = c.socket[QS_CONTACT_GOSSIP].ip,
                           .port = c.socket[QS_CONTACT_GOSSIP].port};
    memcpy(pair.pubkey, o->key, 32);
    bool own = o->stake == QS_CRDS_PINNED;
    memset(row, 0, sizeof(*row));
    row->stake = own ? n->own_stake : o->stake;
    row->wallclock = c.wallclock;
    row->outset = c.outset;
    row->ordinal = n->table.entry[o->contact].ordinal;
    row->shred_version = c.shred_version;
    row->major = c.major;
    row->minor = c.minor;
    row->patch = c.patch;
    row->client = c.client;
    row->used = 1;
    row->proven = own || qs_ping_check(&n->ping, &pair, now_ms, &want);
    row->own = own;
    memcpy(row->pubkey, o->key, 32);
    for (u32 i = 0; i < QS_PEERS_SOCKET_CNT; i++) {
        row->ip[i] = c.socket[key[i]].ip;
        row->port[i] = c.socket[key[i]].port;
    }
    return true;
}

static void
write_row(qs_gossip_node_t const *n, qs_peers_t *p, u32 idx, u64 now_ms)
{
    qs_peers_row_t const *was = &p->slot[idx].row;
    qs_peers_row_t row;

    if (!qs_gossip_row(n, idx, now_ms, &row))
        qs_peers_set(p, idx, NULL);
    else if (memcmp(was, &row, sizeof(row)))
        qs_peers_set(p, idx, &row);
}

void
qs_gossip_rows(qs_gossip_node_t *n, qs_peers_t *p, u64 now_ms)
{
    u32 max = n->table.conf.origin_max, part = (max + PARTS - 1) / PARTS;

    part = part > PART_MIN ? part : max < PART_MIN ? max : PART_MIN;
    for (u32 i = 0; i < part; i++, n->row_at = (n->row_at + 1) % max)
        write_row(n, p, n->row_at, now_ms);
}

#include "disco/gossip/qs_gossvf.h"

#define LOOK_PARTS 10u    /* calls in which all rows are looked at */
#define PROVEN_MS  10000u /* after a row said so; rows are looked at more often */

u64
qs_gossvf_footprint(u32 known_max)
{
    u64 known = qs_tcache_footprint(known_max);
    return known ? qs_align_up(qs_admit_footprint(), QS_ALIGN) + known : 0;
}

int
qs_gossvf_init(qs_gossvf_t *v, void *mem, u32 known_max, qs_hash_key_t key, bool private_ok,
               void const *peers, u64 peers_sz)
{
    u8 *known = (u8 *)mem + qs_align_up(qs_admit_footprint(), QS_ALIGN);

    if (!qs_peers_sound(peers, peers_sz))
        return -EPROTO;
    memset(v, 0, sizeof(*v));
    v->key = key;
    v->facts.private_ok = private_ok;
    qs_gossip_check_init(&v->check, &v->counts, qs_hash_u64(&key, 0));
    v->peers = peers;
    v->peer_max = v->peers->max;
    while (qs_peers_footprint(v->peer_max) > peers_sz) /* it changed since: a neighbour's lie */
        v->peer_max /= 2;
    qs_admit_init(&v->admit, mem, key);
    int err = qs_tcache_new(known, known_max);
    return err ? err : qs_tcache_join(&v->known, known, known_max);
}

static void
take_own(qs_gossvf_t *v, u32 idx, qs_peers_row_t const *row)
{
    v->own_row = idx;
    memcpy(v->facts.pubkey, row->pubkey, 32);
    v->facts.outset = row->outset;
    v->facts.shred_version = row->shred_version;
    v->facts.gossip = (qs_contact_socket_t){row->ip[QS_PEERS_GOSSIP], row->port[QS_PEERS_GOSSIP]};
    v->ready = true;
}

void
qs_gossvf_look(qs_gossvf_t *v, u64 now_ms)
{
    u32 part = v->peer_max / LOOK_PARTS + 1;
    qs_peers_row_t row;

    if (v->ready && qs_peers_get(v->peers, v->own_row, &row) && row.own)
        take_own(v, v->own_row, &row);
    for (u32 i = 0; i < part; i++, v->row = (v->row + 1) % v->peer_max) {
        if (!qs_peers_get(v->peers, v->row, &row))
            continue;
        if (row.own)
            take_own(v, v->row, &row);
        else if (row.proven)
            qs_admit_prove(&v->admit, row.ip[QS_PEERS_GOSSIP], now_ms + PROVEN_MS);
    }
}

bool
qs_gossvf_admit(qs_gossvf_t *v, u32 ip, u64 now_ms)
{
    if (qs_admit_take(&v->admit, ip, now_ms))
        return true;
    v->counts.event[QS_GOSSIP_ON_flood]++;
    return false;
}

static u64
tag_of(qs_gossvf_t const *v, u8 const hash[32])
{
    u64 word[4];

    memcpy(word, hash, 32);
    return qs_hash_words(&v->key, word, 4);
}

/* gather lists what is worth a signature, and marks what needs none. */
static void
gather(qs_gossvf_t *v, qs_gossip_datagram_t const *d, u32 i, u64 now_ms)
{
    qs_gossip_check_t *c = &v->check;
    qs_gossip_msg_t const *msg = &c->msg[i];

    if (!qs_gossip_has_values(msg->kind)) {
        if (qs_gossip_check_fit(c, &v->facts, d, i, now_ms))
            qs_gossip_check_add(c, d, i, 0);
        return;
    }
    for (u32 k = 0; k < msg->value_cnt; k++) {
        if (!qs_gossip_check_fit_value(c, &v->facts, d, i, k, now_ms))
            continue;
        if (qs_tcache_query(&v->known, tag_of(v, c->hash[c->claim_off[i] + k]))) {
            v->good[i] |= 1u << k;
            v->repeats++;
        } else {
            qs_gossip_check_add(c, d, i, k);
        }
    }
}

void
qs_gossvf_check(qs_gossvf_t *v, qs_gossip_datagram_t const *d, u32 cnt, u64 now_ms)
{
    qs_gossip_check_t *c = &v->check;
    u32 i, k;

    qs_gossip_check_begin(c, d, cnt, false, now_ms);
    memset(v->good, 0, sizeof(v->good));
    for (i = 0; i < cnt; i++)
        if (c->live[i])
            gather(v, d, i, now_ms);
    qs_gossip_check_verify(c);
    for (u32 at = 0; qs_gossip_check_next(c, &at, &i, &k);) {
        if (!qs_gossip_has_values(c->msg[i].kind)) {
            v->good[i] = 1;
            continue;
        }
        v->good[i] |= 1u << k;
        qs_tcache_insert(&v->known, tag_of(v, c->hash[c->claim_off[i] + k]));
    }
}

u32
qs_gossvf_write(qs_gossvf_t const *v, qs_gossip_datagram_t const *d, u32 i, u8 *room)
{
    qs_gossip_check_t const *c = &v->check;
    qs_gossvf_frag_t *frag = (qs_gossvf_frag_t *)(void *)room;
    u32 cnt = qs_gossip_has_values(c->msg[i].kind) ? c->msg[i].value_cnt : 0;

    *frag = (qs_gossvf_frag_t){.src_ip = d[i].src_ip,
                               .src_port = d[i].src_port,
                               .sz = (u16)d[i].sz,
                               .good = v->good[i],
                               .value_cnt = cnt};
    if (cnt)
        memcpy(room + sizeof(*frag), c->hash[c->claim_off[i]], 32ul * cnt);
    memcpy(room + sizeof(*frag) + 32ul * cnt, d[i].data, d[i].sz);
    return (u32)sizeof(*frag) + 32 * cnt + d[i].sz;
}

bool
qs_gossvf_frag_sound(qs_gossvf_frag_t const *frag, u32 sz)
{
    return sz >= sizeof(*frag) && frag->value_cnt <= QS_GOSSIP_VALUE_MAX &&
           frag->sz <= QS_GOSSIP_MTU && sz == (u32)sizeof(*frag) + 32 * frag->value_cnt + frag->sz;
}

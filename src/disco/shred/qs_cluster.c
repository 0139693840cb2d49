#include "disco/shred/qs_cluster.h"

u64
qs_cluster_footprint(u32 node_max, u32 stake_max)
{
    u64 turbine = qs_turbine_footprint(node_max);
    if (!turbine || stake_max > QS_TURBINE_STAKED_MAX)
        return 0;
    return qs_align_up(turbine, QS_ALIGN) + stake_max * sizeof(qs_leaders_stake_t);
}

void
qs_cluster_init(qs_cluster_t *c, void *mem, u32 node_max, u32 stake_max,
                qs_turbine_rules_t const *rules, qs_hash_key_t key)
{
    u8 *stake = (u8 *)mem + qs_align_up(qs_turbine_footprint(node_max), QS_ALIGN);
    *c = (qs_cluster_t){.rules = *rules, .key = key, .stake_max = stake_max};
    c->turbine = qs_turbine_init(mem, node_max, key);
    c->stake = (qs_leaders_stake_t *)(void *)stake;
}

void
qs_cluster_self(qs_cluster_t *c, u8 const self[QS_TURBINE_KEY_SZ], u16 version)
{
    memcpy(c->rules.self, self, QS_TURBINE_KEY_SZ);
    c->rules.version = version;
    c->stakes_new = true;
}

void
qs_cluster_stakes(qs_cluster_t *c, qs_leaders_stake_t const *stake, u32 cnt)
{
    c->stake_cnt = cnt < c->stake_max ? cnt : c->stake_max;
    memcpy(c->stake, stake, c->stake_cnt * sizeof(*stake));
    c->stakes_new = true;
}

bool
qs_cluster_peers(qs_cluster_t *c, void const *mem, u64 sz)
{
    if (!qs_peers_sound(mem, sz))
        return false;
    c->peers = mem;
    c->peer_max = c->peers->max;
    while (qs_peers_footprint(c->peer_max) > sz) /* it changed since: a neighbour's lie */
        c->peer_max /= 2;
    return true;
}

/* sum_of is what of a row the tree depends on.  Sums of rows are xored: their order says nothing. */
static u64
sum_of(qs_cluster_t const *c, qs_peers_row_t const *row)
{
    u64 word[6] = {0};
    memcpy(word, row->pubkey, sizeof(row->pubkey));
    word[4] = (u64)row->ip[QS_PEERS_TVU] << 32 | (u64)row->port[QS_PEERS_TVU] << 16;
    word[4] |= row->shred_version;
    word[5] = row->stake;
    return qs_hash_words(&c->key, word, 6);
}

/* make_list reads all rows; rejected peers are counted. */
static void
make_list(qs_cluster_t *c)
{
    qs_turbine_t *t = c->turbine;
    qs_peers_row_t row;
    qs_turbine_begin(t, &c->rules);
    for (u32 i = 0; i < c->stake_cnt; i++)
        c->rejected[qs_turbine_add_stake(t, c->stake[i].ident, c->stake[i].stake)]++;
    for (u32 i = 0; i < c->peer_max; i++) {
        if (!qs_peers_get(c->peers, i, &row))
            continue;
        if (!c->stake_cnt && row.stake)
            c->rejected[qs_turbine_add_stake(t, row.pubkey, row.stake)]++;
        if (row.own || !row.port[QS_PEERS_TVU])
            continue;
        c->rejected[qs_turbine_add_peer(t, row.pubkey, row.ip[QS_PEERS_TVU], row.port[QS_PEERS_TVU],
                                        row.shred_version)]++;
    }
    qs_turbine_end(t, c->rejected);
    c->addr_cnt = 0;
    for (u32 i = 0; i < qs_turbine_cnt(t); i++)
        c->addr_cnt += qs_turbine_node(t, i)->port != 0;
}

bool
qs_cluster_turn(qs_cluster_t *c, u64 now_ns)
{
    static u8 const nobody[QS_TURBINE_KEY_SZ];
    qs_peers_row_t row;
    u32 max = c->peer_max;
    u32 end = max - c->row < QS_CLUSTER_PART ? max : c->row + QS_CLUSTER_PART;
    for (; c->row < end; c->row++)
        if (qs_peers_get(c->peers, c->row, &row))
            c->sum ^= sum_of(c, &row);
    if (c->row < max)
        return false;
    u64 sum = c->sum;
    c->row = 0;
    c->sum = 0;
    bool is_new = sum != c->sum_used || c->stakes_new;
    if (!is_new || now_ns < c->next_ns || !memcmp(c->rules.self, nobody, sizeof(nobody)))
        return false;
    make_list(c);
    c->sum_used = sum;
    c->stakes_new = false;
    c->ready = true;
    c->made_cnt++;
    c->next_ns = now_ns + QS_CLUSTER_NS;
    return true;
}

u16
qs_cluster_own_version(qs_cluster_t const *c)
{
    qs_peers_row_t row;
    for (u32 i = 0; i < c->peer_max; i++)
        if (qs_peers_get(c->peers, i, &row) && row.own)
            return row.shred_version;
    return 0;
}

#include "disco/shred/qs_turbine.h"

#include "disco/shred/qs_turbine_tree.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_sha256.h"

#define ROUND_CNT  8u
#define TYPE_DATA  0xa5u
#define TYPE_CODE  0x5au
#define SEED_IN_SZ 45u

_Static_assert(QS_TREE_MAX == QS_TURBINE_STAKED_MAX, "the tree holds all who have stake");

struct qs_turbine {
    qs_turbine_rules_t rules;
    qs_hash_key_t key;
    u32 node_max, map_mask;
    u32 cnt, staked_cnt, self;
    u64 total; /* stake of all */
    qs_turbine_node_t *node;
    u32 *map;     /* identity -> index + 1 */
    u64 *by_addr; /* used by end: address and port, and nodes per address */
    u64 *by_ip;
    qs_tree_t *full; /* all weights */
    u64 *weight;     /* by index */

    /* a shuffle in progress */
    qs_shuffle_t shuffle;
    qs_tree_t *left;
    u32 *zero;  /* indices without stake that are left */
    u32 *order; /* who was drawn */
    u32 zero_cnt;
    bool zero_ready;
    u32 gone; /* the leader, if it has no stake */
};

static struct {
    char const *name, *text;
} const reasons[QS_TURBINE_REASON_CNT] = {
#define ROW(id, name, text) {#name, text},
    QS_TURBINE_REASONS(ROW)
#undef ROW
};

char const *
qs_turbine_reason_name(qs_turbine_reason_t reason)
{
    return (u32)reason < QS_TURBINE_REASON_CNT ? reasons[reason].name : "?";
}

char const *
qs_turbine_reason_text(qs_turbine_reason_t reason)
{
    return (u32)reason < QS_TURBINE_REASON_CNT ? reasons[reason].text : "?";
}

static u64
map_cnt(u32 node_max)
{
    return 4ull << qs_log2(node_max); /* at most half full */
}

/* layout places the arrays behind t; with a null t it only measures. */
static u64
layout(qs_turbine_t *t, u32 node_max)
{
    qs_turbine_t none, *to = t ? t : &none;
    u64 const sz[] = {node_max * sizeof(qs_turbine_node_t),
                      map_cnt(node_max) * sizeof(u32),
                      map_cnt(node_max) * sizeof(u64),
                      map_cnt(node_max) * sizeof(u64),
                      QS_TURBINE_STAKED_MAX * sizeof(u64),
                      node_max * sizeof(u32),
                      node_max * sizeof(u32),
                      sizeof(qs_tree_t),
                      sizeof(qs_tree_t)};
    void **const place[] = {(void **)&to->node,  (void **)&to->map,    (void **)&to->by_addr,
                            (void **)&to->by_ip, (void **)&to->weight, (void **)&to->zero,
                            (void **)&to->order, (void **)&to->full,   (void **)&to->left};
    u64 at = qs_align_up(sizeof(*t), QS_ALIGN);
    for (u32 i = 0; i < QS_COUNT(sz); i++) {
        if (t)
            *place[i] = (u8 *)t + at;
        at += qs_align_up(sz[i], QS_ALIGN);
    }
    return at;
}

u64
qs_turbine_footprint(u32 node_max)
{
    return node_max && node_max <= QS_TURBINE_NODE_MAX ? layout(NULL, node_max) : 0;
}

qs_turbine_t *
qs_turbine_init(void *mem, u32 node_max, qs_hash_key_t key)
{
    qs_turbine_t *t = mem;
    *t = (qs_turbine_t){.key = key, .node_max = node_max, .self = QS_TURBINE_NONE};
    t->map_mask = (u32)(map_cnt(node_max) - 1);
    layout(t, node_max);
    memset(t->map, 0, map_cnt(node_max) * sizeof(u32));
    return t;
}

/* place_of returns where a key is in the map, or the empty place where it belongs. */
static u32 *
place_of(qs_turbine_t const *t, u8 const key[QS_TURBINE_KEY_SZ])
{
    u64 word[4];
    memcpy(word, key, sizeof(word));
    u64 at = qs_hash_words(&t->key, word, 4) & t->map_mask;
    while (t->map[at] && memcmp(t->node[t->map[at] - 1].key, key, QS_TURBINE_KEY_SZ))
        at = (at + 1) & t->map_mask;
    return &t->map[at];
}

u32
qs_turbine_find(qs_turbine_t const *t, u8 const key[QS_TURBINE_KEY_SZ])
{
    return *place_of(t, key) - 1; /* 0 becomes QS_TURBINE_NONE */
}

/* node_for returns the node of a key, which it adds if it is new; null: no room. */
static qs_turbine_node_t *
node_for(qs_turbine_t *t, u8 const key[QS_TURBINE_KEY_SZ])
{
    u32 *place = place_of(t, key);
    if (*place)
        return &t->node[*place - 1];
    if (t->cnt == t->node_max)
        return NULL;
    qs_turbine_node_t *n = &t->node[t->cnt++];
    *n = (qs_turbine_node_t){.ip = 0};
    memcpy(n->key, key, QS_TURBINE_KEY_SZ);
    *place = t->cnt;
    return n;
}

void
qs_turbine_begin(qs_turbine_t *t, qs_turbine_rules_t const *rules)
{
    t->rules = *rules;
    t->cnt = t->staked_cnt = 0;
    t->total = 0;
    memset(t->map, 0, (t->map_mask + 1ull) * sizeof(u32));
    node_for(t, rules->self);
}

qs_turbine_reason_t
qs_turbine_add_stake(qs_turbine_t *t, u8 const key[QS_TURBINE_KEY_SZ], u64 stake)
{
    if (!stake)
        return QS_TURBINE_R_STAKE_ZERO;
    if (stake > UINT64_MAX - t->total)
        return QS_TURBINE_R_STAKE_OVERFLOW;
    qs_turbine_node_t *n = node_for(t, key);
    if (!n || (!n->stake && t->staked_cnt == QS_TURBINE_STAKED_MAX))
        return QS_TURBINE_R_TOO_MANY;
    t->staked_cnt += !n->stake;
    t->total += stake;
    n->stake += stake;
    return QS_TURBINE_R_OK;
}

static bool
is_within(u32 ip, u32 net, u32 bits)
{
    return (ip ^ net) >> (32 - bits) == 0;
}

static qs_turbine_reason_t
check_addr(u32 ip, u16 port, bool is_public)
{
    static struct {
        u32 net, bits;
    } const local[] = {{0x0a000000, 8},  {0x7f000000, 8},  {0xac100000, 12}, {0xc0a80000, 16},
                       {0xa9fe0000, 16}, {0x64400000, 10}, {0x00000000, 8},  {0xc0000000, 24},
                       {0xc0000200, 24}, {0xc6336400, 24}, {0xcb007100, 24}, {0xc6120000, 15}};
    if (!port)
        return QS_TURBINE_R_PORT;
    if (!ip || ip == UINT32_MAX)
        return QS_TURBINE_R_UNSPECIFIED;
    if (ip >= 0xe0000000)
        return QS_TURBINE_R_MULTICAST;
    for (u32 i = 0; is_public && i < QS_COUNT(local); i++)
        if (is_within(ip, local[i].net, local[i].bits))
            return QS_TURBINE_R_PRIVATE;
    return QS_TURBINE_R_OK;
}

qs_turbine_reason_t
qs_turbine_add_peer(qs_turbine_t *t, u8 const key[QS_TURBINE_KEY_SZ], u32 ip, u16 port, u16 version)
{
    if (t->rules.version && version != t->rules.version)
        return QS_TURBINE_R_VERSION;
    qs_turbine_reason_t reason = check_addr(ip, port, t->rules.is_public);
    if (reason)
        return reason;
    qs_turbine_node_t *n = node_for(t, key);
    if (!n)
        return QS_TURBINE_R_TOO_MANY;
    n->ip = ip;
    n->port = port;
    return QS_TURBINE_R_OK;
}

static int
by_stake(void const *a, void const *b)
{
    qs_turbine_node_t const *x = a, *y = b;
    if (x->stake != y->stake)
        return x->stake < y->stake ? 1 : -1;
    return -memcmp(x->key, y->key, QS_TURBINE_KEY_SZ);
}

/* count_in adds one to what a table of (value << 16 | count) counts for value, and returns it. */
static u64
count_in(qs_turbine_t const *t, u64 *table, u64 value)
{
    u64 at = qs_hash_u64(&t->key, value) & t->map_mask;
    while (table[at] && table[at] >> 16 != value)
        at = (at + 1) & t->map_mask;
    table[at] = table[at] ? table[at] : value << 16;
    if ((table[at] & 0xffff) < 0xffff)
        table[at]++;
    return table[at] & 0xffff;
}

/* drop_addr takes the address of a node whose address others had first. */
static void
drop_addr(qs_turbine_t const *t, qs_turbine_node_t *n, u64 rejected[QS_TURBINE_REASON_CNT])
{
    u64 at_addr = count_in(t, t->by_addr, (u64)n->ip << 16 | n->port);
    u64 at_ip = count_in(t, t->by_ip, n->ip);
    if (at_addr == 1 && at_ip <= t->rules.per_ip_max)
        return;
    rejected[at_addr > 1 ? QS_TURBINE_R_ADDR_TWICE : QS_TURBINE_R_IP_CROWDED]++;
    n->ip = 0;
    n->port = 0;
}

static void
check_all_addrs(qs_turbine_t *t, u64 rejected[QS_TURBINE_REASON_CNT])
{
    memset(t->by_addr, 0, (t->map_mask + 1ull) * sizeof(u64));
    memset(t->by_ip, 0, (t->map_mask + 1ull) * sizeof(u64));
    u32 kept = 0;
    for (u32 i = 0; i < t->cnt; i++) {
        qs_turbine_node_t *n = &t->node[i];
        bool self = !memcmp(n->key, t->rules.self, QS_TURBINE_KEY_SZ);
        if (t->rules.is_public && n->port)
            drop_addr(t, n, rejected);
        if (n->stake || n->port || self)
            t->node[kept++] = *n;
    }
    t->cnt = kept;
}

/* sum_up makes a tree node of weights, or of the last sums of the nodes below. */
static void
sum_up(u64 *sum, u32 cnt, u64 const *value, u32 stride)
{
    u64 total = 0;
    for (u32 i = 0; i < cnt; i++)
        sum[i] = total += value[i * stride];
}

static void
build_tree(qs_turbine_t *t)
{
    qs_tree_t *f = t->full;
    memset(t->weight, 0, QS_TURBINE_STAKED_MAX * sizeof(u64));
    for (u32 i = 0; i < t->staked_cnt; i++)
        t->weight[i] = t->node[i].stake;
    for (u32 i = 0; i < QS_COUNT(f->leaf); i++)
        sum_up(f->leaf[i], QS_TREE_WIDTH, t->weight + i * QS_TREE_WIDTH, 1);
    for (u32 i = 0; i < QS_COUNT(f->mid); i++)
        sum_up(f->mid[i], QS_TREE_WIDTH, f->leaf[i * QS_TREE_WIDTH] + QS_TREE_WIDTH - 1,
               QS_TREE_WIDTH);
    sum_up(f->root, QS_TREE_ROOT, f->mid[0] + QS_TREE_WIDTH - 1, QS_TREE_WIDTH);
}

void
qs_turbine_end(qs_turbine_t *t, u64 rejected[QS_TURBINE_REASON_CNT])
{
    qsort(t->node, t->cnt, sizeof(*t->node), by_stake);
    check_all_addrs(t, rejected);
    memset(t->map, 0, (t->map_mask + 1ull) * sizeof(u32));
    for (u32 i = 0; i < t->cnt; i++)
        *place_of(t, t->node[i].key) = i + 1;
    t->self = qs_turbine_find(t, t->rules.self);
    build_tree(t);
}

u32
qs_turbine_cnt(qs_turbine_t const *t)
{
    return t->cnt;
}

u32
qs_turbine_staked_cnt(qs_turbine_t const *t)
{
    return t->staked_cnt;
}

u32
qs_turbine_self(qs_turbine_t const *t)
{
    return t->self;
}

qs_turbine_node_t const *
qs_turbine_node(qs_turbine_t const *t, u32 idx)
{
    return &t->node[idx];
}

/* start begins the shuffle of all nodes but one. */
static void
start(qs_turbine_t *t, qs_turbine_id_t const *id, u32 without)
{
    u8 in[SEED_IN_SZ], seed[QS_SHA256_SZ];
    qs_store_le64(in, id->slot);
    in[8] = id->code ? TYPE_CODE : TYPE_DATA;
    qs_store_le32(in + 9, id->idx);
    memcpy(in + 13, id->leader, QS_TURBINE_KEY_SZ);
    qs_sha256(seed, in, sizeof(in));
    qs_shuffle_t *f = &t->shuffle;
    qs_chacha_rng_init(&f->rng, seed, ROUND_CNT);

    u32 leaf_cnt = (t->staked_cnt + QS_TREE_WIDTH - 1) / QS_TREE_WIDTH;
    f->tree = t->left;
    f->weight = t->weight;
    f->total = t->total;
    f->root_cnt = (leaf_cnt + QS_TREE_WIDTH - 1) / QS_TREE_WIDTH;
    memcpy(t->left->leaf, t->full->leaf, leaf_cnt * sizeof(t->full->leaf[0]));
    memcpy(t->left->mid, t->full->mid, f->root_cnt * sizeof(t->full->mid[0]));
    memcpy(t->left->root, t->full->root, sizeof(t->full->root));
    t->zero_ready = false;
    t->gone = without;
    if (without < t->staked_cnt)
        qs_shuffle_remove(f, without);
}

/* list_zero lists, once the staked are drawn, who is left. */
static void
list_zero(qs_turbine_t *t)
{
    t->zero_cnt = 0;
    for (u32 i = t->staked_cnt; i < t->cnt; i++)
        if (i != t->gone)
            t->zero[t->zero_cnt++] = i;
    t->zero_ready = true;
}

static u32
next_zero(qs_turbine_t *t)
{
    if (!t->zero_ready)
        list_zero(t);
    if (!t->zero_cnt)
        return QS_TURBINE_NONE;
    u64 at = qs_shuffle_draw_(&t->shuffle.rng, t->zero_cnt);
    u32 idx = t->zero[at];
    t->zero[at] = t->zero[--t->zero_cnt];
    return idx;
}

/* run draws up to max nodes, or until stop is drawn.  Returns how many came before. */
static u32
run(qs_turbine_t *t, u32 max, u32 stop, u32 *order, bool *met)
{
#if defined(__x86_64__)
    u32 cnt = qs_cpu_has(QS_CPU_NEED_AVX512)
                  ? qs_shuffle_run_avx512(&t->shuffle, max, stop, order, met)
                  : qs_shuffle_run_c(&t->shuffle, max, stop, order, met);
#else
    u32 cnt = qs_shuffle_run_c(&t->shuffle, max, stop, order, met);
#endif
    for (; cnt < max && !*met; cnt++) {
        u32 idx = next_zero(t);
        if (idx == QS_TURBINE_NONE)
            break;
        *met = idx == stop;
        if (*met)
            break;
        if (order)
            order[cnt] = idx;
    }
    return cnt;
}

u32
qs_turbine_root(qs_turbine_t *t, qs_turbine_id_t const *id)
{
    u32 root = QS_TURBINE_NONE;
    bool met;
    start(t, id, t->self);
    run(t, 1, QS_TURBINE_NONE, &root, &met);
    return root;
}

u32
qs_turbine_children(qs_turbine_t *t, qs_turbine_id_t const *id, u32 child[QS_TURBINE_FANOUT])
{
    u32 leader = qs_turbine_find(t, id->leader);
    u32 cnt = t->cnt - (leader != QS_TURBINE_NONE);
    if (t->self == QS_TURBINE_NONE || leader == t->self)
        return 0;
    /* Position p > fan-out has children only behind position fan-out * (fan-out + 1). */
    u32 max = cnt > QS_TURBINE_FANOUT * (QS_TURBINE_FANOUT + 1) + 1 ? cnt : QS_TURBINE_FANOUT + 1;
    u32 staked = t->staked_cnt - (leader < t->staked_cnt);
    if (t->self >= t->staked_cnt && staked >= max)
        return 0;
    start(t, id, leader);
    bool met;
    u32 pos = run(t, max, t->self, NULL, &met);
    if (!met)
        return 0;

    u32 off = pos ? (pos - 1) % QS_TURBINE_FANOUT : 0;
    u64 want = (u64)(pos - off) * QS_TURBINE_FANOUT + off + 1;
    u64 step = pos ? QS_TURBINE_FANOUT : 1;
    if (want >= cnt)
        return 0;
    u64 last = qs_min_u64(cnt - 1, want + step * (QS_TURBINE_FANOUT - 1));
    u32 after = (u32)(last - pos); /* positions behind ours that are drawn */
    run(t, after, QS_TURBINE_NONE, t->order, &met);
    u32 found = 0;
    for (; found < QS_TURBINE_FANOUT && want < cnt; want += step)
        child[found++] = t->order[want - pos - 1];
    return found;
}

/* parent_pos returns the position of the parent of a position that is not 0. */
static u32
parent_pos(u32 pos)
{
    u32 off = (pos - 1) % QS_TURBINE_FANOUT;
    u32 up = (pos - 1) / QS_TURBINE_FANOUT;
    if (!up)
        return 0;
    return up - (up - 1) % QS_TURBINE_FANOUT + off;
}

u32
qs_turbine_parent(qs_turbine_t *t, qs_turbine_id_t const *id)
{
    u32 leader = qs_turbine_find(t, id->leader);
    if (t->self == QS_TURBINE_NONE || leader == t->self)
        return QS_TURBINE_NONE;
    start(t, id, leader);
    bool met;
    u32 pos = run(t, t->cnt, t->self, t->order, &met);
    return pos && met ? t->order[parent_pos(pos)] : QS_TURBINE_NONE;
}

u8 const *
qs_turbine_resigner(qs_turbine_t *t, qs_turbine_id_t const *id)
{
    if (t->self >= t->staked_cnt)
        return NULL;
    u32 parent = qs_turbine_parent(t, id);
    return parent == QS_TURBINE_NONE ? NULL : t->node[parent].key;
}

u64
qs_relay_footprint(u64 depth)
{
    return qs_tcache_footprint(2 * depth);
}

void
qs_relay_init(qs_relay_t *relay, void *mem, u64 depth, qs_hash_key_t key)
{
    relay->key = key;
    int err = qs_tcache_new(mem, 2 * depth);
    QS_ASSERT(!err);
    err = qs_tcache_join(&relay->seen, mem, 2 * depth);
    QS_ASSERT(!err);
}

/* Each shred leaves two tags: its header's, and its place's first or second. */
qs_turbine_reason_t
qs_relay_check(qs_relay_t *relay, u8 const *header, bool repaired)
{
    u64 word[11] = {0};
    if (repaired)
        return QS_TURBINE_R_REPAIRED;
    memcpy(word, header, 83);
    u64 whole = qs_hash_words(&relay->key, word, 11);
    if (qs_tcache_query(&relay->seen, whole))
        return QS_TURBINE_R_REPEATED;

    u64 place[4] = {qs_load_le64(header + 65), qs_load_le32(header + 73), header[64] & 0xc0, 1};
    u64 first = qs_hash_words(&relay->key, place, 4);
    if (qs_tcache_query_insert(&relay->seen, first)) {
        place[3] = 2;
        if (qs_tcache_query_insert(&relay->seen, qs_hash_words(&relay->key, place, 4)))
            return QS_TURBINE_R_THIRD;
    }
    qs_tcache_insert(&relay->seen, whole);
    return QS_TURBINE_R_OK;
}

/* Goal: every node computes the same tree: who is root, whose children are whose, whose signature a
   resigned shred carries; and a bad peer, stake or shred to be sent on is refused by its reason.
   Method: a second tree made straight from the specification (lists, no running sums) over
   libsodium's SHA-256 and ChaCha run block by block; the published broadcast and retransmit cases. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "disco/shred/qs_leaders.h"
#include "disco/shred/qs_turbine.h"
#include "tango/rand.h"
#include "waltz/crypto/qs_chacha.h"
#include "waltz/shred_vectors.h"

#define NODE_MAX 9000u

static qs_turbine_t *turbine;
static u64 rejected[QS_TURBINE_REASON_CNT];
static qs_turbine_rules_t rules;

static void
start(void)
{
    void *mem = NULL;
    cr_assert(eq(int, posix_memalign(&mem, QS_ALIGN, qs_turbine_footprint(NODE_MAX)), 0));
    turbine = qs_turbine_init(mem, NODE_MAX, (qs_hash_key_t){3, 4});
}

TestSuite(turbine, .init = start);

static u8 keys[NODE_MAX][32];

/* make_cluster has nodes whose stakes repeat, so that keys decide, and some without an address. */
static void
make_cluster(u32 staked, u32 unstaked, u32 self)
{
    u64 rng = staked + unstaked;
    for (u32 i = 0; i < staked + unstaked; i++)
        for (u32 k = 0; k < 32; k += 8) {
            u64 x = rand_next(&rng);
            memcpy(keys[i] + k, &x, 8);
        }
    memcpy(rules.self, keys[self], 32);
    qs_turbine_begin(turbine, &rules);
    for (u32 i = 0; i < staked; i++)
        cr_assert(eq(int, qs_turbine_add_stake(turbine, keys[i], 1 + rand_next(&rng) % 1000), 0));
    for (u32 i = 0; i < staked + unstaked; i++)
        if (i >= staked || i % 10)
            cr_assert(eq(int, qs_turbine_add_peer(turbine, keys[i], 0x08000000 + i, 8003, 0), 0));
    qs_turbine_end(turbine, rejected);
    cr_assert(eq(u32, qs_turbine_cnt(turbine), staked + unstaked));
}

/* The specification's words: the shuffled order of all nodes but `without`. */
static u32
shuffle_slowly(u32 *order, qs_turbine_id_t const *id, u32 without)
{
    static u64 weight[NODE_MAX];
    static u32 zero[NODE_MAX];
    u8 in[45], seed[32];
    memcpy(in, &id->slot, 8);
    in[8] = id->code ? 0x5a : 0xa5;
    memcpy(in + 9, &id->idx, 4);
    memcpy(in + 13, id->leader, 32);
    crypto_hash_sha256(seed, in, sizeof(in));
    qs_chacha_t chacha;
    qs_chacha_init(&chacha, seed, 0, 0, 8);
    u8 block[64];
    u32 used = 64;
    u64 sum = 0;
    u32 zero_cnt = 0, cnt = 0;
    for (u32 i = 0; i < qs_turbine_cnt(turbine); i++) {
        weight[i] = i == without ? 0 : qs_turbine_node(turbine, i)->stake;
        sum += weight[i];
        if (i != without && !weight[i])
            zero[zero_cnt++] = i;
    }
    while (sum || zero_cnt) {
        u64 n = sum ? sum : zero_cnt, v;
        do {
            if (used == 64)
                qs_chacha_keystream_with(&qs_chacha_kernels[0], &chacha, block, 1), used = 0;
            v = qs_load_le64(block + used);
            used += 8;
        } while ((u64)((u128)v * n) > (n << __builtin_clzll(n)) - 1);
        u64 x = (u64)((u128)v * n >> 64), below = 0;
        u32 i = 0;
        if (!sum) {
            order[cnt++] = zero[x];
            zero[x] = zero[--zero_cnt];
            continue;
        }
        while ((below += weight[i]) <= x)
            i++;
        order[cnt++] = i;
        sum -= weight[i];
        weight[i] = 0;
    }
    return cnt;
}

/* check_children compares with "candidates anchor * F + off + 1, +step, .." */
static void
check_children(qs_turbine_id_t const *id, u32 leader)
{
    static u32 order[NODE_MAX];
    u32 got[QS_TURBINE_FANOUT], want[QS_TURBINE_FANOUT], want_cnt = 0, pos = 0;
    u32 cnt = shuffle_slowly(order, id, leader), f = QS_TURBINE_FANOUT;
    while (order[pos] != qs_turbine_self(turbine))
        pos++;
    u32 off = pos ? (pos - 1) % f : 0, anchor = pos - off;
    for (u64 i = 0, at = (u64)anchor * f + off + 1; i < f; i++, at += pos ? f : 1)
        if (at < cnt)
            want[want_cnt++] = order[at];
    u32 got_cnt = qs_turbine_children(turbine, id, got);
    cr_assert(eq(u32, got_cnt, want_cnt), "position %u", pos);
    cr_assert(eq(int, memcmp(got, want, want_cnt * sizeof(u32)), 0), "position %u", pos);

    u32 parent = qs_turbine_parent(turbine, id);
    u32 up = 0;
    if (pos && (pos - 1) / f) {
        up = (pos - 1) / f;
        up -= (up - 1) % f;
        up += off;
    }
    cr_assert(eq(u32, parent, pos ? order[up] : QS_TURBINE_NONE), "position %u", pos);
}

Test(turbine, children_and_parents_are_what_the_specification_says)
{
    static u32 const clusters[][3] = {/* staked, unstaked, our index before the sort */
                                      {1, 3, 0},       {2, 0, 1},     {250, 40, 3},
                                      {0, 30, 7},      {100, 300, 5}, {100, 300, 399},
                                      {300, 300, 599}, {1500, 20, 9}};
    for (u32 c = 0; c < QS_COUNT(clusters); c++) {
        make_cluster(clusters[c][0], clusters[c][1], clusters[c][2]);
        u32 cnt = qs_turbine_cnt(turbine);
        for (u32 i = 0; i < 60; i++) {
            u32 leader = i % cnt == qs_turbine_self(turbine) ? (i + 1) % cnt : i % cnt;
            qs_turbine_id_t id = {.slot = 1000 + i / 4, .idx = i * 7, .code = i & 1};
            id.leader = qs_turbine_node(turbine, leader)->key;
            check_children(&id, leader);
        }
    }
}

Test(turbine, a_leader_that_is_not_in_the_list_is_not_missed)
{
    make_cluster(300, 10, 3);
    u8 stranger[32] = {9};
    for (u32 i = 0; i < 50; i++) {
        qs_turbine_id_t id = {.slot = i, .idx = i, .leader = stranger};
        check_children(&id, QS_TURBINE_NONE);
    }
}

Test(turbine, the_root_is_the_first_of_the_shuffle_without_ourselves)
{
    static u32 order[NODE_MAX];
    make_cluster(250, 40, 3);
    for (u32 i = 0; i < 100; i++) {
        u32 self = qs_turbine_self(turbine);
        qs_turbine_id_t id = {.slot = i, .idx = 3 * i, .code = i & 1};
        id.leader = qs_turbine_node(turbine, self)->key;
        shuffle_slowly(order, &id, self);
        cr_assert(eq(u32, qs_turbine_root(turbine, &id), order[0]));
    }
}

Test(turbine, alone_there_is_neither_root_nor_child_nor_parent)
{
    u32 child[QS_TURBINE_FANOUT];
    qs_turbine_begin(turbine, &rules);
    qs_turbine_end(turbine, rejected);
    qs_turbine_id_t id = {.leader = rules.self};
    cr_expect(eq(u32, qs_turbine_root(turbine, &id), QS_TURBINE_NONE));
    u8 other[32] = {1};
    id.leader = other;
    cr_expect(eq(u32, qs_turbine_children(turbine, &id, child), 0));
    cr_expect(eq(u32, qs_turbine_parent(turbine, &id), QS_TURBINE_NONE));
}

Test(turbine, our_own_slot_has_no_children)
{
    u32 child[QS_TURBINE_FANOUT];
    make_cluster(10, 0, 3);
    qs_turbine_id_t id = {.slot = 1, .leader = rules.self};
    cr_expect(eq(u32, qs_turbine_children(turbine, &id, child), 0));
}

/* Every node but the root is the child of exactly one, and that one is its parent. */
Test(turbine, children_and_parents_are_each_others_inverse)
{
    static u32 child[NODE_MAX][QS_TURBINE_FANOUT], cnt[NODE_MAX];
    static u8 all[NODE_MAX][32];
    make_cluster(450, 50, 0);
    u8 leader[32] = {7};
    qs_turbine_id_t id = {.slot = 5, .idx = 6, .leader = leader};
    u32 n = qs_turbine_cnt(turbine), parents = 0, roots = 0, from[NODE_MAX];
    for (u32 i = 0; i < n; i++)
        memcpy(all[i], qs_turbine_node(turbine, i)->key, 32);
    memset(from, 0xff, sizeof(from));
    for (u32 i = 0; i < n; i++) {
        for (u32 k = 0; k < n; k++)
            if (!memcmp(keys[k], all[i], 32))
                make_cluster(450, 50, k);
        cnt[i] = qs_turbine_children(turbine, &id, child[i]);
        from[i] = qs_turbine_parent(turbine, &id);
        roots += from[i] == QS_TURBINE_NONE;
    }
    for (u32 i = 0; i < n; i++)
        for (u32 k = 0; k < cnt[i]; k++, parents++)
            cr_assert(eq(u32, from[child[i][k]], i));
    cr_expect(eq(u32, roots, 1));
    cr_expect(eq(u32, parents, n - 1));
}

Test(turbine, who_must_have_signed_a_resigned_shred_is_our_parent_if_we_have_stake)
{
    u8 leader[32] = {7};
    u32 any = 0;
    make_cluster(30, 300, 5);
    for (u32 i = 0; i < 100; i++) {
        qs_turbine_id_t id = {.slot = i, .leader = leader};
        u32 parent = qs_turbine_parent(turbine, &id);
        u8 const *key = qs_turbine_resigner(turbine, &id);
        any += parent == QS_TURBINE_NONE;
        cr_assert(
            eq(ptr, (void *)key,
               parent == QS_TURBINE_NONE ? NULL : (void *)qs_turbine_node(turbine, parent)->key));
    }
    cr_expect(any > 0); /* we were root */
    make_cluster(30, 300, 200);
    qs_turbine_id_t id = {.slot = 1, .leader = leader};
    cr_expect(eq(ptr, (void *)qs_turbine_resigner(turbine, &id), NULL));
}

Test(turbine, nodes_are_sorted_by_stake_then_key_and_stakes_of_one_identity_add_up)
{
    u8 a[32] = {1}, b[32] = {2}, c[32] = {3}, d[32] = {4};
    qs_turbine_begin(turbine, &rules);
    qs_turbine_add_stake(turbine, a, 5);
    qs_turbine_add_stake(turbine, b, 6);
    qs_turbine_add_stake(turbine, a, 1);
    qs_turbine_add_peer(turbine, c, 1, 1, 0);
    qs_turbine_add_peer(turbine, d, 1, 1, 0);
    qs_turbine_end(turbine, rejected);
    u8 const first[] = {2, 1, 4, 3, 0};
    cr_assert(eq(u32, qs_turbine_cnt(turbine), 5));
    cr_assert(eq(u32, qs_turbine_staked_cnt(turbine), 2));
    for (u32 i = 0; i < 5; i++) {
        cr_expect(eq(u8, qs_turbine_node(turbine, i)->key[0], first[i]));
        cr_expect(eq(u32, qs_turbine_find(turbine, qs_turbine_node(turbine, i)->key), i));
    }
    cr_expect(eq(u64, qs_turbine_node(turbine, 1)->stake, 6));
    u8 stranger[32] = {9};
    cr_expect(eq(u32, qs_turbine_find(turbine, stranger), QS_TURBINE_NONE));
}

Test(turbine, a_peer_with_an_address_that_cannot_be_is_refused)
{
    static struct {
        u32 ip;
        u16 port;
        qs_turbine_reason_t open, closed; /* in a public cluster, in one of our own */
    } const cases[] = {
        {0x08080808, 8003, QS_TURBINE_R_OK, QS_TURBINE_R_OK},
        {0x08080808, 0, QS_TURBINE_R_PORT, QS_TURBINE_R_PORT},
        {0x00000000, 8003, QS_TURBINE_R_UNSPECIFIED, QS_TURBINE_R_UNSPECIFIED},
        {0xffffffff, 8003, QS_TURBINE_R_UNSPECIFIED, QS_TURBINE_R_UNSPECIFIED},
        {0xe0000001, 8003, QS_TURBINE_R_MULTICAST, QS_TURBINE_R_MULTICAST},
        {0xf0000001, 8003, QS_TURBINE_R_MULTICAST, QS_TURBINE_R_MULTICAST},
        {0x7f000001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
        {0x0a000001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
        {0xac1f0001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
        {0xac200001, 8003, QS_TURBINE_R_OK, QS_TURBINE_R_OK},
        {0xc0a80001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
        {0xa9fe0001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
        {0x64400001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
        {0x00000001, 8003, QS_TURBINE_R_PRIVATE, QS_TURBINE_R_OK},
    };
    u8 key[32] = {1};
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        rules.is_public = true;
        qs_turbine_begin(turbine, &rules);
        cr_expect(eq(int, qs_turbine_add_peer(turbine, key, cases[i].ip, cases[i].port, 0),
                     cases[i].open),
                  "%u", i);
        rules.is_public = false;
        qs_turbine_begin(turbine, &rules);
        cr_expect(eq(int, qs_turbine_add_peer(turbine, key, cases[i].ip, cases[i].port, 0),
                     cases[i].closed),
                  "%u", i);
    }
}

Test(turbine, a_peer_of_another_shred_version_is_refused)
{
    u8 key[32] = {1};
    rules.version = 5;
    qs_turbine_begin(turbine, &rules);
    cr_expect(eq(int, qs_turbine_add_peer(turbine, key, 1, 1, 6), QS_TURBINE_R_VERSION));
    cr_expect(eq(int, qs_turbine_add_peer(turbine, key, 1, 1, 5), QS_TURBINE_R_OK));
}

Test(turbine, a_stake_of_0_or_too_much_of_it_is_refused)
{
    u8 a[32] = {1}, b[32] = {2};
    qs_turbine_begin(turbine, &rules);
    cr_expect(eq(int, qs_turbine_add_stake(turbine, a, 0), QS_TURBINE_R_STAKE_ZERO));
    cr_expect(eq(int, qs_turbine_add_stake(turbine, a, UINT64_MAX), QS_TURBINE_R_OK));
    cr_expect(eq(int, qs_turbine_add_stake(turbine, a, 1), QS_TURBINE_R_STAKE_OVERFLOW));
    cr_expect(eq(int, qs_turbine_add_stake(turbine, b, 1), QS_TURBINE_R_STAKE_OVERFLOW));
    qs_turbine_end(turbine, rejected);
    cr_expect(eq(u32, qs_turbine_cnt(turbine), 2)); /* a and ourselves */
}

Test(turbine, in_a_public_cluster_the_first_keeps_an_address_and_a_staked_node_its_place)
{
    u8 a[32] = {1}, b[32] = {2}, c[32] = {3}, d[32] = {4};
    rules.is_public = true;
    rules.per_ip_max = 2;
    qs_turbine_begin(turbine, &rules);
    qs_turbine_add_stake(turbine, a, 10);
    qs_turbine_add_stake(turbine, b, 20);
    qs_turbine_add_peer(turbine, a, 0x08000001, 1, 0);
    qs_turbine_add_peer(turbine, b, 0x08000001, 1, 0); /* more stake: comes first */
    qs_turbine_add_peer(turbine, c, 0x08000001, 2, 0);
    qs_turbine_add_peer(turbine, d, 0x08000001, 3, 0); /* larger key: comes before c */
    qs_turbine_end(turbine, rejected);
    cr_expect(eq(u64, rejected[QS_TURBINE_R_ADDR_TWICE], 1));
    cr_expect(
        eq(u64, rejected[QS_TURBINE_R_IP_CROWDED], 2)); /* d is third at that address, c fourth */
    cr_assert(eq(u32, qs_turbine_cnt(turbine), 3));     /* b, a without address, ourselves */
    cr_expect(eq(u32, qs_turbine_node(turbine, 0)->port, 1));
    cr_expect(eq(u32, qs_turbine_node(turbine, 1)->port, 0));
    cr_expect(eq(u8, qs_turbine_node(turbine, 1)->key[0], 1));
}

Test(turbine, more_nodes_than_there_is_room_for_are_refused)
{
    void *mem = NULL;
    u8 key[32] = {1};
    cr_assert(eq(int, posix_memalign(&mem, QS_ALIGN, qs_turbine_footprint(2)), 0));
    qs_turbine_t *small = qs_turbine_init(mem, 2, (qs_hash_key_t){3, 4});
    qs_turbine_begin(small, &rules);
    cr_expect(eq(int, qs_turbine_add_peer(small, key, 1, 1, 0), QS_TURBINE_R_OK));
    key[0] = 2;
    cr_expect(eq(int, qs_turbine_add_peer(small, key, 1, 1, 0), QS_TURBINE_R_TOO_MANY));
    cr_expect(eq(int, qs_turbine_add_stake(small, key, 1), QS_TURBINE_R_TOO_MANY));
    cr_expect(eq(u64, qs_turbine_footprint(0), 0));
    cr_expect(eq(u64, qs_turbine_footprint(QS_TURBINE_NODE_MAX + 1), 0));
}

static qs_relay_t relay;
static u8 header[83];

static void
start_relay(void)
{
    void *mem = NULL;
    cr_assert(eq(int, posix_memalign(&mem, QS_ALIGN, qs_relay_footprint(100)), 0));
    qs_relay_init(&relay, mem, 100, (qs_hash_key_t){5, 6});
    header[64] = 0x96;
}

TestSuite(relay, .init = start_relay);

Test(relay, a_shred_is_sent_on_once)
{
    cr_expect(eq(int, qs_relay_check(&relay, header, false), QS_TURBINE_R_OK));
    cr_expect(eq(int, qs_relay_check(&relay, header, false), QS_TURBINE_R_REPEATED));
    header[73]++; /* another index */
    cr_expect(eq(int, qs_relay_check(&relay, header, false), QS_TURBINE_R_OK));
    header[64] = 0x66; /* the code shred of that index */
    cr_expect(eq(int, qs_relay_check(&relay, header, false), QS_TURBINE_R_OK));
}

Test(relay, a_repaired_shred_is_not_sent_on_and_not_remembered)
{
    cr_expect(eq(int, qs_relay_check(&relay, header, true), QS_TURBINE_R_REPAIRED));
    cr_expect(eq(int, qs_relay_check(&relay, header, false), QS_TURBINE_R_OK));
}

Test(relay, of_one_place_two_versions_are_sent_on_and_no_third)
{
    for (u32 i = 0; i < 10; i++) {
        header[0] = (u8)i; /* another signature */
        header[64] = i & 1 ? 0x96 : 0xb6;
        cr_expect(eq(int, qs_relay_check(&relay, header, false),
                     i < 2 ? QS_TURBINE_R_OK : QS_TURBINE_R_THIRD));
    }
    header[0] = 1;
    header[64] = 0x96;
    cr_expect(eq(int, qs_relay_check(&relay, header, false), QS_TURBINE_R_REPEATED));
}

/* The published cases. */
static u8 *dests;
static u32 dest_cnt;

static bool
load_cluster(void)
{
    u64 sz = 0, self_sz = 0;
    dests = vector_file("turbine/cluster_info.bin", &sz);
    u8 *self = vector_file("turbine/cluster_info_pubkey.bin", &self_sz);
    if (!dests || !self)
        return false;
    dest_cnt = (u32)(sz / 48);
    memcpy(rules.self, self, 32);
    qs_turbine_begin(turbine, &rules);
    for (u32 i = dest_cnt; i--;) {
        u8 const *d = dests + 48 * i;
        if (qs_load_le64(d + 32))
            cr_assert(eq(int, qs_turbine_add_stake(turbine, d, qs_load_le64(d + 32)), 0));
        if (qs_load_le32(d + 40))
            cr_assert(eq(int, qs_turbine_add_peer(turbine, d, 0x01000000 + i, 1, 0), 0));
    }
    qs_turbine_end(turbine, rejected);
    cr_assert(eq(u32, qs_turbine_cnt(turbine), dest_cnt));
    for (u32 i = 0; i < dest_cnt; i++)
        cr_assert(eq(int, memcmp(qs_turbine_node(turbine, i)->key, dests + 48 * i, 32), 0));
    return true;
}

/* draw_leaders returns the schedule of epoch 0. */
static qs_leaders_t *
draw_leaders(void)
{
    static qs_leaders_t leaders;
    static qs_leaders_stake_t stake[2048];
    void *mem = NULL;
    cr_assert(eq(int, posix_memalign(&mem, QS_ALIGN, qs_leaders_footprint(2048, 10000)), 0));
    qs_leaders_init(&leaders, mem, 2048, 10000, (qs_hash_key_t){1, 2});
    u32 cnt = qs_turbine_staked_cnt(turbine);
    for (u32 i = 0; i < cnt; i++) {
        qs_turbine_node_t const *n = qs_turbine_node(turbine, i);
        memcpy(stake[i].key, n->key, 32);
        memcpy(stake[i].ident, n->key, 32);
        stake[i].stake = n->stake;
    }
    cr_assert(eq(int, qs_leaders_compute(&leaders, 0, 0, 10000, stake, cnt), 0));
    return &leaders;
}

Test(turbine, published_broadcast_cases_all_880)
{
    static u8 const none[32];
    u64 sz = 0;
    u8 *want = vector_file("turbine/broadcast_peers.bin", &sz);
    if (!want || !load_cluster())
        return;
    qs_leaders_t *leaders = draw_leaders();
    u32 cnt = 0;
    for (u64 slot = 0; slot < 10000; slot++) {
        u8 const *leader = qs_leaders_find(leaders, slot);
        if (memcmp(leader, rules.self, 32))
            continue;
        for (u32 code = 0; code < 2; code++)
            for (u32 idx = 1 + code; idx < 67; idx += 3, cnt++) {
                qs_turbine_id_t id = {.slot = slot, .idx = idx, .code = code, .leader = leader};
                qs_turbine_node_t const *n =
                    qs_turbine_node(turbine, qs_turbine_root(turbine, &id));
                cr_assert(eq(int, memcmp(n->port ? n->key : none, want + 32 * cnt, 32), 0));
            }
    }
    cr_expect(eq(u64, 32ull * cnt, sz));
    cr_expect(eq(u32, cnt, 880));
}

Test(turbine, published_retransmit_cases_all_924)
{
    u64 sz = 0, at = 0;
    u8 *want = vector_file("turbine/retransmit_peers.bin", &sz);
    if (!want || !load_cluster())
        return;
    qs_leaders_t *leaders = draw_leaders();
    u32 cnt = 0;
    for (u64 slot = 1; slot < 2000; slot += 97)
        for (u32 code = 0; code < 2; code++)
            for (u32 idx = 1 + code; idx < 67; idx += 3, cnt++) {
                qs_turbine_id_t id = {.slot = slot, .idx = idx, .code = code};
                id.leader = qs_leaders_find(leaders, slot);
                u32 child[QS_TURBINE_FANOUT];
                u32 got = qs_turbine_children(turbine, &id, child);
                cr_assert(eq(u64, got, qs_load_le64(want + at)));
                for (u32 i = 0; i < got; i++)
                    cr_assert(eq(
                        int,
                        memcmp(qs_turbine_node(turbine, child[i])->key, want + at + 8 + 32 * i, 32),
                        0));
                at += 8 + 32ull * got;
            }
    cr_expect(eq(u64, at, sz));
    cr_expect(eq(u32, cnt, 924));
}

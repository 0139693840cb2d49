/* Goal: each verified shred goes on once to the children that the tree gives us, and nothing else does:
   no copy, no forgery, nothing repaired; shreds of a slot's last set carry our signature; a net tile that lags
   loses nothing.
   Method: net, shred and the real sign tile in one thread over real rings (bench/one_thread.h).  The
   cluster is a leader, we and some others; what net is asked to send is compared with a tree that the
   test makes itself. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/one_thread.h"
#include "disco/qs_tiles.h"
#include "disco/shred/qs_shred_state.h"
#include "disco/shred/shred_maker.h"

enum { NET, SHRED, SIGN, SINK };

#define SET_CNT 3u
#define OTHERS  3u

static maker_t maker;
static qs_shredder_set_t sets[SET_CNT];
static u64 seen[SET_CNT]; /* bit per leaf: sent on */
static u64 copies;
static qs_turbine_t *tree; /* ours, made by the test */

static qs_shred_state_t *
shred(void)
{
    return chain.self[SHRED];
}

static void
no_run(void *self, qs_stem_t *s)
{
    (void)self, (void)s;
}

static u32
expected(u32 set, u32 leaf, u32 child[QS_TURBINE_FANOUT])
{
    qs_turbine_id_t id = {.slot = 1,
                          .idx = sets[set].fec_idx + leaf % 32,
                          .code = leaf >= 32,
                          .leader = maker.identity};
    return qs_turbine_children(tree, &id, child);
}

/* check_shred compares a shred that is sent on with the one that came. */
static void
check_shred(u32 set, u32 leaf, u8 const *data, u32 sz)
{
    u32 want_sz;
    u8 const *want = maker_shred(&sets[set], leaf, &want_sz);
    cr_assert(eq(u32, sz, want_sz));
    bool resigned = set == SET_CNT - 1;
    cr_assert(eq(int, memcmp(data, want, resigned ? sz - 64 : sz), 0));
    qs_ed25519_item_t ours = {.signature = data + sz - 64,
                              .public_key = shred()->self,
                              .msg = sets[set].root,
                              .msg_sz = 32};
    if (resigned)
        cr_assert(eq(int, qs_ed25519_verify(&ours, QS_ED25519_STRICT), QS_ED25519_OK));
}

static u32
net_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self, (void)s;
    for (u32 i = 0; i < b->cnt; i++) {
        qs_send_t const *req = (qs_send_t const *)(void const *)b->data[i];
        u8 const *data = (u8 const *)&req->dst[req->dst_cnt];
        u32 child[QS_TURBINE_FANOUT];
        cr_assert(qs_send_valid(req, b->frag[i].sz));
        u32 set = qs_load_le32(data + 79) / 32;
        u32 leaf = qs_load_le32(data + 73) % 32 + ((data[64] & 0xc0) == 0x40 ? 32 : 0);
        check_shred(set, leaf, data, req->sz);
        cr_assert(eq(u32, (u32)(seen[set] >> leaf & 1), 0), "sent on twice");
        seen[set] |= 1ull << leaf;
        cr_assert(eq(u32, req->dst_cnt, expected(set, leaf, child)));
        for (u32 k = 0; k < req->dst_cnt; k++)
            cr_assert(eq(u32, req->dst[k].ip, qs_turbine_node(tree, child[k])->ip));
        copies += req->dst_cnt;
    }
    return b->cnt;
}

static u32
sink_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self, (void)s;
    return b->cnt;
}

static qs_tile_t const net = {
    .name = "net", .in = {{.from = "shred"}}, .out = {"shred"}, .frag = net_frag, .run = no_run};
static qs_tile_t const sink = {
    .name = "sink", .in = {{.from = "shred"}}, .frag = sink_frag, .run = no_run};

static void
turns(u32 cnt, bool net_too)
{
    for (; cnt; cnt--) {
        chain_turn(SHRED, &qs_tile_shred);
        chain_turn(SIGN, &qs_tile_sign);
        if (net_too)
            chain_turn(NET, &net);
        chain_turn(SINK, &sink);
    }
}

static void
send(u8 const *data, u32 sz, u8 port_idx)
{
    u8 *room = qs_stem_prepare(chain.stem[NET], 0);
    cr_assert(room != NULL);
    memcpy(room, data, sz);
    qs_stem_publish(chain.stem[NET], 0, qs_net_sig_pack((qs_net_sig_t){.port_idx = port_idx}), sz,
                    0, 0);
}

static void
add_peers(qs_peers_t *peers)
{
    for (u32 i = 0; i < OTHERS; i++) {
        qs_peers_row_t row = {.pubkey = {(u8)(i + 1)}, .shred_version = 777};
        row.ip[QS_PEERS_TVU] = 0x0a000001 + i;
        row.port[QS_PEERS_TVU] = 8003;
        qs_peers_set(peers, i, &row);
    }
}

/* join lets the tile know who leads and who is there, and makes the same tree for the test. */
static void
join(void)
{
    static u8 const parent[32];
    qs_turbine_rules_t rules = {.version = 777};
    u64 rejected[QS_TURBINE_REASON_CNT], sz = qs_peers_footprint(64);
    void *mem = NULL, *peers = NULL;
    maker_init(&maker, 5, 777);
    maker_slot(&maker, sets, SET_CNT, 1, parent, 1);
    qs_leaders_epoch_t *e = qs_leaders_open(&shred()->leaders);
    for (u32 i = 0; i < 8; i++)
        QS_ASSERT(!qs_leaders_set(&shred()->leaders, e, i, maker.identity));
    QS_ASSERT(!qs_leaders_close(&shred()->leaders, e, 0, 0, 8));
    turns(10, true);
    cr_assert(shred()->known);

    QS_ASSERT(!posix_memalign(&peers, QS_ALIGN, qs_align_up(sz, QS_ALIGN)));
    QS_ASSERT(!posix_memalign(&mem, QS_ALIGN, qs_turbine_footprint(64)));
    QS_ASSERT(!qs_peers_new(peers, 64));
    add_peers(peers);
    QS_ASSERT(qs_cluster_peers(&shred()->cluster, peers, sz));
    shred()->cluster.next_ns = shred()->cluster_at = 0; /* a list was made of nobody */
    memcpy(rules.self, shred()->self, 32);
    tree = qs_turbine_init(mem, 64, (qs_hash_key_t){1, 2});
    qs_turbine_begin(tree, &rules);
    for (u32 i = 0; i < OTHERS; i++) {
        u8 key[32] = {(u8)(i + 1)};
        qs_turbine_add_peer(tree, key, 0x0a000001 + i, 8003, 777);
    }
    qs_turbine_end(tree, rejected);
}

/* deliver sends all shreds of the block in order, with some turns in between. */
static void
deliver(u8 port_idx, bool net_too, u32 spoil)
{
    u8 copy[QS_SHRED_SZ_MAX];
    u32 sz;
    for (u32 i = 0; i < SET_CNT * 64; i++) {
        memcpy(copy, maker_shred(&sets[i / 64], i % 64, &sz), QS_SHRED_DATA_SZ);
        memcpy(copy, maker_shred(&sets[i / 64], i % 64, &sz), sz);
        if (spoil)
            copy[spoil] ^= 1;
        send(copy, sz, port_idx);
        if (i % 16 == 15)
            turns(4, net_too);
    }
    turns(50, net_too);
}

/* check_all compares what was sent on with all that is to be. */
static void
check_all(void)
{
    u32 child[QS_TURBINE_FANOUT];
    u64 shreds = 0, want_copies = 0;
    for (u32 i = 0; i < SET_CNT * 64; i++) {
        u32 cnt = expected(i / 64, i % 64, child);
        cr_assert(eq(u32, (u32)(seen[i / 64] >> i % 64 & 1), cnt != 0));
        shreds += cnt != 0;
        want_copies += cnt;
    }
    cr_assert(shreds > 20 && shreds < SET_CNT * 64 / 2); /* a quarter: we are root of these */
    cr_assert(eq(u64, copies, want_copies));
    cr_assert(eq(u64, shred()->m->relay_sent, shreds));
    cr_assert(eq(u64, shred()->m->relay_copies, copies));
    cr_assert(eq(u64, shred()->m->relay_leaf, SET_CNT * 64 - shreds));
}

static void
learn_tree(void)
{
    join();
    for (u32 i = 0; i < 100000 && !shred()->cluster.addr_cnt; i++)
        turns(1, true);
    cr_assert(eq(u32, shred()->cluster.addr_cnt, OTHERS));
}

static void
all_go_on_once(void)
{
    learn_tree();
    for (u32 i = 0; i < 3; i++)
        deliver(0, true, 0);
    check_all();
}

static void
net_lags(void)
{
    learn_tree();
    deliver(0, false, 0);
    cr_assert(eq(u64, copies, 0));
    turns(1000, true);
    check_all();
}

/* The tree is that of another test run each time: bits of the signature, the proof and the payload. */
static void
forgeries_stay(void)
{
    learn_tree();
    deliver(0, true, 3);
    deliver(0, true, 700);
    cr_assert(eq(u64, copies, 0));
    cr_assert(eq(u64, shred()->m->relay_leaf, 0));
    deliver(0, true, 0);
    check_all();
}

static void
repaired_stay(void)
{
    learn_tree();
    shred()->repair_idx = 1;
    deliver(1, true, 0);
    cr_assert(eq(u64, copies, 0));
    cr_assert(eq(u64, shred()->m->turbine[QS_TURBINE_R_REPAIRED], SET_CNT * 64));
    cr_assert(eq(u64, shred()->m->set_done, SET_CNT));
}

static void
without_a_tree(void)
{
    join();
    shred()->cluster.ready = false;
    memset(shred()->cluster.rules.self, 0, 32);
    shred()->known = false;
    deliver(0, true, 0);
    cr_assert(eq(u64, copies, 0));
    cr_assert(eq(u64, shred()->m->relay_no_tree, SET_CNT * 64));
}

static void
switched_off(void)
{
    learn_tree();
    deliver(0, true, 0);
    cr_assert(eq(u64, copies, 0));
    cr_assert(eq(u64, shred()->m->set_done, SET_CNT));
}

static void
go(bool retransmit, u32 window, void (*what)(void))
{
    static qs_config_t cfg;
    static qs_link_row_t links[] = {{"net", "shred", 1024, 0, QS_UDP_MAX, QS_LOSSY, NULL},
                                    {"shred", "sign", 64, 0, 32, QS_RELIABLE, NULL},
                                    {"sign", "shred", 64, 0, 64, QS_RELIABLE, NULL},
                                    {"shred", "net", 64, 0, QS_SEND_MTU, QS_RELIABLE, NULL},
                                    {"shred", "sink", 4, 0, QS_SHRED_FRAG_SZ, QS_RELIABLE, NULL},
                                    {0}};
    qs_tile_t const *const tiles[] = {&net, &qs_tile_shred, &qs_tile_sign, &sink};
    links[3].window = window;
    qs_config_init(&qs_config_table, &cfg);
    cfg.shred.version = 777;
    cfg.shred.retransmit = retransmit;
    cfg.gossip.private_addresses = true;
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, what);
}

Test(shred_relay, every_verified_shred_goes_on_once_to_our_children)
{
    go(true, 0, all_go_on_once);
}

Test(shred_relay, a_net_tile_that_lags_loses_nothing)
{
    go(true, 4, net_lags);
}

Test(shred_relay, what_is_not_verified_goes_nowhere_and_keeps_nothing_from_going)
{
    go(true, 0, forgeries_stay);
}

Test(shred_relay, repaired_shreds_stay_and_complete_their_sets)
{
    go(true, 0, repaired_stay);
}

Test(shred_relay, without_a_tree_nothing_goes_on)
{
    go(true, 0, without_a_tree);
}

Test(shred_relay, retransmit_off_is_off)
{
    go(false, 0, switched_off);
}

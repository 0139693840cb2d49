/* Goal: with its checks made in front of it a node joins, believes and refuses the same as without; what is
   good once is not verified again; what is forged, on either side of the link, has no effect and is counted.
   Method: a cluster in simulated time whose node 0 is reached through a gossvf only; and single messages.
   The tiles themselves: e2e/test_gossip.sh. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_gossvf.h"
#include "disco/gossip_net.h"

static net_t net;
static qs_gossvf_t v;
static qs_peers_t *rows;
static void *mem;
static u64 rows_sz, looked_ms;
static u8 frag[QS_GOSSVF_MTU] __attribute__((aligned(8)));

/* through hands a datagram for node 0 to the gossvf, and on what that passes. */
static u32
through(qs_gossip_datagram_t const *d)
{
    qs_gossvf_frag_t const *f = (qs_gossvf_frag_t const *)(void const *)frag;

    qs_gossvf_check(&v, d, 1, net.now_ms);
    if (!v.good[0])
        return 0;
    u32 sz = qs_gossvf_write(&v, d, 0, frag);
    cr_assert(qs_gossvf_frag_sound(f, sz));
    u8 const *hash = frag + sizeof(*f);
    qs_gossip_datagram_t in = {.data = hash + 32 * f->value_cnt,
                               .sz = f->sz,
                               .src_ip = f->src_ip,
                               .src_port = f->src_port};
    qs_gossip_verified_t verified = {
        .good = f->good, .value_cnt = f->value_cnt, .hash = (u8 const(*)[32])hash};
    qs_gossip_receive_verified(&net.at[0].node, &in, &verified, 1, net.now_ms);
    return f->good;
}

static bool
divert(net_t *n, net_packet_t const *p)
{
    if (p->dst_ip != n->at[0].ip)
        return true;
    if (n->now_ms >= looked_ms + 50) {
        qs_gossip_rows(&n->at[0].node, rows, n->now_ms);
        qs_gossvf_look(&v, n->now_ms);
        looked_ms = n->now_ms;
    }
    if (v.ready && qs_gossvf_admit(&v, p->src_ip, n->now_ms))
        through(&(qs_gossip_datagram_t){
            .data = p->data, .sz = p->sz, .src_ip = p->src_ip, .src_port = p->src_port});
    return false;
}

static void
begin(void)
{
    net_open(&net, 1);
    rows_sz = qs_align_up(qs_peers_footprint(500), QS_ALIGN);
    rows = aligned_alloc(QS_ALIGN, rows_sz);
    cr_assert(eq(int, qs_peers_new(rows, 500), 0));
    u64 sz = qs_align_up(qs_gossvf_footprint(1024), QS_ALIGN);
    mem = aligned_alloc(QS_ALIGN, sz);
    memset(mem, 0, sz);
    cr_assert(
        eq(int, qs_gossvf_init(&v, mem, 1024, (qs_hash_key_t){1, 2}, true, rows, rows_sz), 0));
    looked_ms = 0;
    net.look = divert;
    for (u32 i = 1; i < 4; i++)
        net_add(&net);
    net_run(&net, 6000);
}

static void
end(void)
{
    free(rows);
    free(mem);
    net_close(&net);
}

TestSuite(gossvf, .init = begin, .fini = end);

/* push_of writes a push of node 1's of cnt lowest slots, of which those in forge have a wrong signature. */
static qs_gossip_datagram_t
push_of(u8 *out, u32 cnt, u32 forge)
{
    u8 value[200];
    u32 sz =
        qs_gossip_write_values(out, QS_GOSSIP_MTU, QS_GOSSIP_PUSH, net.at[1].node.conf.self.pubkey);

    for (u32 i = 0; i < cnt; i++) {
        u8 const *key = net.at[1 + i].node.conf.self.pubkey;
        u32 data_sz = qs_crds_write_lowest_slot(value + 64, sizeof(value) - 64, key, 7, net.now_ms);
        qs_ed25519_sign(value, value + 64, data_sz, key, net.at[1 + i].secret);
        value[9] ^= (u8)(forge >> i & 1);
        sz = qs_gossip_add_value(out, QS_GOSSIP_MTU, sz, value, 64 + data_sz);
    }
    return (qs_gossip_datagram_t){
        .data = out, .sz = sz, .src_ip = net.at[1].ip, .src_port = net.at[1].port};
}

static u64
passed_event(qs_gossip_event_t e)
{
    return net.at[0].node.counts.event[e];
}

Test(gossvf, a_node_behind_it_finds_the_others_and_is_found)
{
    cr_assert(v.ready);
    cr_assert(eq(u32, net_known_pairs(&net), 16));
    cr_assert(ne(u64, passed_event(QS_GOSSIP_ON_pong_taken), 0));
    cr_assert(eq(u64, passed_event(QS_GOSSIP_ON_garbled), 0));
    for (u32 e = 0; e < QS_GOSSIP_EVENT_CNT; e++) /* refused there, not behind */
        if (e == QS_GOSSIP_ON_own || e == QS_GOSSIP_ON_signature)
            cr_expect(eq(u64, passed_event((qs_gossip_event_t)e), 0));
}

Test(gossvf, of_a_message_only_what_is_well_signed_is_believed)
{
    u8 out[QS_GOSSIP_MTU];
    u64 inserted = passed_event(QS_GOSSIP_ON_inserted);
    qs_gossip_datagram_t d = push_of(out, 3, 2);

    cr_assert(eq(u32, through(&d), 5));
    cr_assert(eq(u64, v.counts.event[QS_GOSSIP_ON_signature], 1));
    cr_assert(eq(u64, passed_event(QS_GOSSIP_ON_inserted), inserted + 2));
    d = push_of(out, 3, 7);
    d.data = out;
    out[60] ^= 1; /* another first value, so that nothing is a repeat */
    cr_assert(eq(u32, through(&d), 0));
}

Test(gossvf, what_was_good_is_not_verified_again_and_still_counts_as_a_repeat)
{
    u8 out[QS_GOSSIP_MTU];
    qs_gossip_datagram_t d = push_of(out, 3, 0);

    cr_assert(eq(u32, through(&d), 7));
    cr_assert(eq(u32, v.check.item_cnt, 3));
    u64 duplicate = passed_event(QS_GOSSIP_ON_duplicate), repeats = v.repeats;
    cr_assert(eq(u32, through(&d), 7));
    cr_assert(eq(u32, v.check.item_cnt, 0));
    cr_assert(eq(u64, v.repeats, repeats + 3));
    cr_assert(eq(u64, passed_event(QS_GOSSIP_ON_duplicate), duplicate + 3));
    out[QS_GOSSIP_VALUES_OFF + 5] ^= 1; /* the same value under another signature is another */
    cr_assert(eq(u32, through(&d), 6));
    cr_assert(eq(u32, v.check.item_cnt, 1));
}

Test(gossvf, what_a_verify_tile_says_of_other_bytes_has_no_effect)
{
    u8 out[QS_GOSSIP_MTU], hash[3][32] = {{0}};
    qs_gossip_datagram_t d = push_of(out, 3, 0);
    u32 cnt = net.at[0].node.table.cnt;
    qs_gossip_verified_t lie = {.good = 7, .value_cnt = 2, .hash = (u8 const(*)[32])hash};

    qs_gossip_receive_verified(&net.at[0].node, &d, &lie, 1, net.now_ms);
    cr_assert(eq(u64, passed_event(QS_GOSSIP_ON_garbled), 1));
    d.sz--;
    lie.value_cnt = 3;
    qs_gossip_receive_verified(&net.at[0].node, &d, &lie, 1, net.now_ms);
    cr_assert(eq(u64, passed_event(QS_GOSSIP_ON_garbled), 2));
    d.sz++;
    lie.good = 0;
    qs_gossip_receive_verified(&net.at[0].node, &d, &lie, 1, net.now_ms);
    cr_assert(eq(u32, net.at[0].node.table.cnt, cnt));
    lie.good = 2;
    qs_gossip_receive_verified(&net.at[0].node, &d, &lie, 1, net.now_ms);
    cr_assert(eq(u32, net.at[0].node.table.cnt, cnt + 1));
}

Test(gossvf, a_fragment_that_is_not_whole_is_unsound)
{
    static struct {
        qs_gossvf_frag_t frag;
        u32 sz;
        bool sound;
    } const rows_of[] = {
        {{.sz = 132}, 16 + 132, true},
        {{.sz = 132}, 16 + 131, false},
        {{.sz = 132}, 16 + 133, false},
        {{.sz = 132}, 15, false},
        {{.sz = 132}, 0, false},
        {{.sz = 300, .value_cnt = 2}, 16 + 64 + 300, true},
        {{.sz = 300, .value_cnt = 2}, 16 + 300, false},
        {{.sz = QS_GOSSIP_MTU, .value_cnt = 17}, QS_GOSSVF_MTU, true},
        {{.sz = QS_GOSSIP_MTU, .value_cnt = 18}, QS_GOSSVF_MTU + 32, false},
        {{.sz = QS_GOSSIP_MTU + 1}, 16 + QS_GOSSIP_MTU + 1, false},
        {{.sz = 132, .value_cnt = UINT32_MAX}, 16 + 132 - 32, false},
    };

    for (u32 i = 0; i < QS_COUNT(rows_of); i++)
        cr_expect(eq(int, qs_gossvf_frag_sound(&rows_of[i].frag, rows_of[i].sz), rows_of[i].sound),
                  "%u", i);
}

Test(gossvf, strangers_take_nothing_from_those_whose_address_gossip_has_proven)
{
    u32 strangers = 0, known = 0;

    for (u32 ms = 0; ms < 1000; ms++) {
        for (u32 i = 0; i < 50; i++)
            strangers += qs_gossvf_admit(&v, 0x0b000000 + 50 * ms + i, net.now_ms + ms);
        known += qs_gossvf_admit(&v, net.at[2].ip, net.now_ms + ms);
    }
    cr_assert(eq(u32, known, 1000));
    cr_assert(le(u32, strangers, 4000 + 2 * 1000));
    cr_assert(ge(u64, v.counts.event[QS_GOSSIP_ON_flood], 44000));
}

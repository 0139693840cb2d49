/* Goal: what the lab's enemy sends is refused kind by kind, each under its own name; nobody is sent more bytes
   than he sent; nothing of the enemy's is believed, and of the honest nobody is lost.
   Method: a node, a crowd and the enemy in one process and in simulated time; the enemy at 50,000 datagrams a
   second.  With real tiles and time: e2e/test_gossip.sh. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_hostile.h"
#include "disco/gossip_net.h"

#define MEMBERS  40u
#define BASE     0x0a010001u
#define STRANGER 0x0a020001u
#define PORT     8101u

static net_t net;
static qs_crowd_t crowd;
static qs_hostile_t hostile;
static void *mem;

static void
to_node(u32 from_ip, u8 const *data, u32 sz)
{
    if (qs_gossip_admit(&net.at[0].node, from_ip, net.now_ms))
        net_put(&net, from_ip, PORT, net.at[0].ip, net.at[0].port, data, sz);
}

static void
from_member(void *ctx, u32 from_ip, u8 const *data, u32 sz)
{
    (void)ctx;
    to_node(from_ip, data, sz);
}

/* from_node: what the node sends is at its receiver at once. */
static bool
from_node(net_t *n, net_packet_t const *p)
{
    if (p->src_ip != n->at[0].ip)
        return true;
    qs_crowd_receive(&crowd, p->dst_ip, p->data, p->sz, n->now_ms);
    qs_hostile_received(&hostile, p->dst_ip, p->sz);
    return false;
}

static void
begin(void)
{
    net_open(&net, 1);
    net.look = from_node;
    qs_crowd_conf_t conf = {.cnt = MEMBERS,
                            .base_ip = BASE,
                            .port = PORT,
                            .shred_version = 4711,
                            .seed = 5,
                            .send = from_member};
    u64 sz = qs_align_up(qs_crowd_footprint(MEMBERS), QS_ALIGN);
    mem = aligned_alloc(QS_ALIGN, sz);
    memset(mem, 0, sz);
    qs_crowd_init(&crowd, mem, &conf, net.now_ms);
    qs_hostile_init(&hostile, &crowd, STRANGER, 6);
}

static void
end(void)
{
    net_close(&net);
    free(mem);
}

TestSuite(hostile, .init = begin, .fini = end);

static void
pass(u32 ms, u32 hostile_a_ms)
{
    for (u32 i = 0; i < ms; i++) {
        if (net.now_ms % 5 == 0)
            qs_crowd_tick(&crowd, net.now_ms);
        for (u32 k = 0; k < hostile_a_ms; k++) {
            u8 const *data;
            u32 from, sz = qs_hostile_make(&hostile, net.now_ms, &data, &from);
            to_node(from, data, sz);
        }
        net_run(&net, 1);
    }
}

static u64
event(qs_gossip_event_t e)
{
    return net.at[0].node.counts.event[e];
}

Test(hostile, a_flood_is_refused_by_name_and_changes_nothing)
{
    static qs_gossip_event_t const expected[] = {
        QS_GOSSIP_ON_signature, QS_GOSSIP_ON_window,   QS_GOSSIP_ON_prune_other,
        QS_GOSSIP_ON_flood,     QS_GOSSIP_ON_unproven, QS_GOSSIP_ON_ping_rate,
        QS_GOSSIP_ON_resigned,  QS_GOSSIP_ON_company,  QS_GOSSIP_ON_pull_ip_budget};
    qs_gossip_node_t *n = &net.at[0].node;
    u64 refused = 0, got = 0;

    pass(9000, 0);
    for (u32 i = 0; i < MEMBERS; i++)
        cr_assert(qs_crds_origin_of(&n->table, crowd.member[i].pubkey) != NULL, "%u", i);
    u64 spread = crowd.spread_cnt;
    u64 before[QS_GOSSIP_EVENT_CNT];
    memcpy(before, n->counts.event, sizeof(before));

    pass(1500, 50);
    for (u32 i = 0; i < QS_COUNT(expected); i++)
        cr_expect(ge(u64, event(expected[i]), before[expected[i]] + 10), "%s",
                  qs_gossip_event_name(expected[i]));
    for (u32 r = 1; r < QS_GOSSIP_REASON_CNT; r++)
        refused += n->counts.refused[r];
    cr_expect(ne(u64, refused, 0), "garbage");
    for (u32 i = 0; i < QS_HOSTILE_STRANGERS; i++)
        got += hostile.got[i];
    cr_expect(ne(u64, got, 0), "strangers are pinged");
    cr_expect(eq(u32, qs_hostile_over(&hostile), 0));
    cr_expect(qs_crds_origin_of(&n->table, hostile.pubkey) == NULL);
    for (u32 i = 0; i < MEMBERS; i++)
        cr_expect(qs_crds_origin_of(&n->table, crowd.member[i].pubkey) != NULL, "%u", i);
    cr_expect(ge(u64, crowd.spread_cnt, spread + 5), "what is honest still travels");
}

Test(hostile, who_is_sent_more_than_he_sent_is_seen)
{
    hostile.sent[3] = 100;
    qs_hostile_received(&hostile, STRANGER + 3, 100);
    cr_assert(eq(u32, qs_hostile_over(&hostile), 0));
    qs_hostile_received(&hostile, STRANGER + 3, 1);
    qs_hostile_received(&hostile, BASE, 1000);
    cr_assert(eq(u32, qs_hostile_over(&hostile), 1));
}

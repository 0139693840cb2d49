/* Goal: what gossip knows of the others is in the shared rows: a ContactInfo that came, one that changed,
   one that expired, stake, and our own; and only that is news.
   Method: a small cluster in simulated time, and the rows that one of its nodes writes. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip_net.h"

static net_t net;
static qs_peers_t *rows;

static void
begin(void)
{
    u64 sz = qs_align_up(qs_peers_footprint(500), QS_ALIGN);

    net_open(&net, 3);
    rows = aligned_alloc(QS_ALIGN, sz);
    memset(rows, 0, sz);
    cr_assert(eq(int, qs_peers_new(rows, net.at[0].node.table.conf.origin_max), 0));
}

static void
end(void)
{
    free(rows);
    net_close(&net);
}

TestSuite(gossip_rows, .init = begin, .fini = end);

/* row_of finds the row that node 0 wrote of node who; false: there is none. */
static bool
row_of(u32 who, qs_peers_row_t *row)
{
    qs_gossip_rows(&net.at[0].node, rows, net.now_ms);
    for (u32 i = 0; i < rows->max; i++)
        if (qs_peers_get(rows, i, row) &&
            !memcmp(row->pubkey, net.at[who].node.conf.self.pubkey, 32))
            return true;
    return false;
}

Test(gossip_rows, a_contact_that_came_changed_or_expired_is_in_the_rows)
{
    qs_peers_row_t row;
    u8 stranger[32] = {9};

    cr_assert(not(row_of(1, &row)));
    net_run(&net, 6000);
    cr_assert(row_of(1, &row));
    cr_assert(eq(u32, row.ip[QS_PEERS_TVU], net.at[1].ip));
    cr_assert(eq(u16, row.port[QS_PEERS_TVU], 8003));
    cr_assert(eq(u16, row.port[QS_PEERS_TPU], 0));
    cr_assert(eq(u16, row.shred_version, 4711));
    cr_assert(row.proven && !row.own);
    cr_assert(row_of(0, &row) && row.own);
    cr_assert(eq(u32, rows->cnt, 3));

    /* it says something else from now on */
    net.at[1].node.conf.self.socket[QS_CONTACT_TVU].port = 9003;
    net.at[1].node.conf.self.socket[QS_CONTACT_TPU] = (qs_contact_socket_t){net.at[1].ip, 9001};
    net_run(&net, 10000);
    cr_assert(row_of(1, &row));
    cr_assert(eq(u16, row.port[QS_PEERS_TVU], 9003));
    cr_assert(eq(u32, row.ip[QS_PEERS_TPU], net.at[1].ip));
    cr_assert(eq(u16, row.port[QS_PEERS_TPU], 9001));

    /* with stake somewhere, who says nothing is gone after 15 s */
    qs_gossip_set_stake(&net.at[0].node, stranger, QS_LAMPORTS_A_SOL, net.now_ms);
    net.at[1].up = false;
    net_run(&net, 20000);
    cr_assert(not(row_of(1, &row)));
    cr_assert(row_of(2, &row));
    cr_assert(eq(u32, rows->cnt, 2));
}

Test(gossip_rows, times_are_no_news_and_stake_is)
{
    qs_peers_row_t row;

    net_run(&net, 6000);
    cr_assert(row_of(1, &row));
    u64 news = rows->news, said = row.wallclock;
    net_run(&net, 20000);
    cr_assert(row_of(1, &row));
    cr_assert(ge(u64, row.wallclock, said + 1));
    cr_assert(eq(u64, rows->news, news));
    qs_gossip_set_stake(&net.at[0].node, net.at[1].node.conf.self.pubkey, 5, net.now_ms);
    qs_gossip_set_stake(&net.at[0].node, net.at[0].node.conf.self.pubkey, 7, net.now_ms);
    cr_assert(row_of(1, &row));
    cr_assert(eq(u64, row.stake, 5));
    cr_assert(row_of(0, &row));
    cr_assert(eq(u64, row.stake, 7));
    cr_assert(eq(u64, rows->news, news + 2));
}

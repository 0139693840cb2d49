/* Goal: the turbine tree's node list follows gossip's rows and the schedule's stakes: what the tree depends
   on makes a new list, what it does not depend on makes none, and never too many of them.
   Method: rows written as the gossip tile writes them; the list is looked at through the turbine. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/shred/qs_cluster.h"

#define ROWS 5000u

static qs_cluster_t c;
static qs_peers_t *peers;
static u64 now;
static u8 const self[32] = {99};

static void *
memory(u64 sz)
{
    void *p = NULL;
    QS_ASSERT(sz && !posix_memalign(&p, QS_ALIGN, qs_align_up(sz, QS_ALIGN)));
    return p;
}

static void
begin(bool is_public)
{
    qs_turbine_rules_t rules = {.is_public = is_public, .per_ip_max = 1};
    peers = memory(qs_peers_footprint(ROWS));
    QS_ASSERT(!qs_peers_new(peers, ROWS));
    qs_cluster_init(&c, memory(qs_cluster_footprint(4096, 1024)), 4096, 1024, &rules,
                    (qs_hash_key_t){1, 2});
    QS_ASSERT(qs_cluster_peers(&c, peers, qs_peers_footprint(ROWS)));
    now = 1;
}

static void
put(u32 idx, u8 key, u16 port, u16 version, u64 stake, bool own)
{
    qs_peers_row_t row = {.pubkey = {key}, .stake = stake, .shred_version = version, .own = own};
    row.ip[QS_PEERS_TVU] = 0x0a000000u + key;
    row.port[QS_PEERS_TVU] = port;
    row.wallclock = now;
    qs_peers_set(peers, idx, &row);
}

/* pass lets a whole pass and a while go by, and returns whether a list was made in it. */
static bool
pass(void)
{
    bool made = false;
    now += QS_CLUSTER_NS;
    for (u32 i = 0; i <= ROWS / QS_CLUSTER_PART; i++)
        made |= qs_cluster_turn(&c, now);
    return made;
}

static u16
port_of(u8 key)
{
    u8 const whole[32] = {key};
    u32 idx = qs_turbine_find(c.turbine, whole);
    return idx == QS_TURBINE_NONE ? 0 : qs_turbine_node(c.turbine, idx)->port;
}

static u64
stake_of(u8 key)
{
    u8 const whole[32] = {key};
    u32 idx = qs_turbine_find(c.turbine, whole);
    return idx == QS_TURBINE_NONE ? 0 : qs_turbine_node(c.turbine, idx)->stake;
}

Test(cluster, there_is_no_tree_before_we_know_who_we_are)
{
    begin(false);
    put(0, 1, 8003, 7, 0, false);
    cr_assert(not(pass()));
    cr_assert(not(c.ready));
    qs_cluster_self(&c, self, 7);
    cr_assert(pass());
    cr_assert(c.ready);
    cr_assert(eq(u32, qs_turbine_cnt(c.turbine), 2));
    cr_assert(eq(u32, c.addr_cnt, 1));
}

Test(cluster, a_row_that_comes_changes_or_goes_makes_a_new_list)
{
    begin(false);
    qs_cluster_self(&c, self, 7);
    cr_assert(pass());
    cr_assert(not(pass()));
    put(ROWS - 1, 1, 8003, 7, 0, false);
    cr_assert(pass());
    cr_assert(eq(u32, port_of(1), 8003));
    put(ROWS - 1, 1, 8004, 7, 0, false);
    cr_assert(pass());
    cr_assert(eq(u32, port_of(1), 8004));
    put(ROWS - 1, 1, 8004, 7, 0, false); /* only when it was said is new */
    cr_assert(not(pass()));
    qs_peers_set(peers, ROWS - 1, NULL);
    cr_assert(pass());
    cr_assert(eq(u32, port_of(1), 0));
}

Test(cluster, lists_are_made_no_oftener_than_once_in_a_while)
{
    begin(false);
    qs_cluster_self(&c, self, 7);
    cr_assert(pass());
    for (u16 i = 0; i < 100; i++) {
        put(3, 1, (u16)(8000 + i), 7, 0, false);
        for (u32 k = 0; k <= ROWS / QS_CLUSTER_PART; k++)
            cr_assert(not(qs_cluster_turn(&c, now)));
    }
    cr_assert(pass());
    cr_assert(eq(u32, port_of(1), 8099));
}

Test(cluster, our_own_row_and_rows_without_a_turbine_socket_are_no_peers)
{
    begin(false);
    qs_cluster_self(&c, self, 7);
    put(0, 99, 8003, 7, 0, true);
    put(1, 2, 0, 7, 0, false);
    cr_assert(pass());
    cr_assert(eq(u32, qs_turbine_cnt(c.turbine), 1));
    cr_assert(eq(u32, c.addr_cnt, 0));
    cr_assert(eq(u32, qs_cluster_own_version(&c), 7));
}

Test(cluster, peers_that_a_tree_may_not_have_are_counted_by_reason)
{
    begin(true);
    qs_cluster_self(&c, self, 7);
    put(0, 1, 8003, 8, 0, false); /* another version */
    put(1, 2, 8003, 7, 0, false); /* a private address */
    cr_assert(pass());
    cr_assert(eq(u64, c.rejected[QS_TURBINE_R_VERSION], 1));
    cr_assert(eq(u64, c.rejected[QS_TURBINE_R_PRIVATE], 1));
    cr_assert(eq(u32, qs_turbine_cnt(c.turbine), 1));
}

Test(cluster, the_schedules_stakes_count_and_without_them_those_of_the_rows)
{
    qs_leaders_stake_t stake[] = {
        {.ident = {1}, .stake = 5}, {.ident = {1}, .stake = 6}, {.ident = {3}, .stake = 1}};
    begin(false);
    qs_cluster_self(&c, self, 7);
    put(0, 1, 8003, 7, 70, false);
    put(1, 2, 8003, 7, 0, false);
    cr_assert(pass());
    cr_assert(eq(u64, stake_of(1), 70));
    qs_cluster_stakes(&c, stake, 3);
    cr_assert(pass());
    cr_assert(eq(u64, stake_of(1), 11));
    cr_assert(eq(u64, stake_of(2), 0));
    cr_assert(eq(u64, stake_of(3), 1));
    cr_assert(eq(u32, qs_turbine_staked_cnt(c.turbine), 2));
    cr_assert(not(pass()));
}

Test(cluster, rows_that_are_no_such_object_are_not_read)
{
    static u64 junk[64] = {1, 2, 3};
    begin(false);
    cr_assert(not(qs_cluster_peers(&c, junk, sizeof(junk))));
    cr_assert(not(qs_cluster_peers(&c, peers, qs_peers_footprint(ROWS) - 1)));
    cr_assert(eq(u32, c.peer_max, ROWS));
}

/* Goal: a leader's entries reach the wire as shreds that every node takes, and the store as sets; what is
   lost on purpose is counted and nothing else is.
   Method: poh, shred, the real sign tile, net and the store in one thread over real rings
   (bench/one_thread.h); what net is asked to send goes into a resolver of the test. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/one_thread.h"
#include "disco/qs_tiles.h"
#include "disco/shred/qs_shred_state.h"
#include "disco/shred/resolver_rig.h"

enum { POH, SHRED, SIGN, NET, STORE };

static rig_t rig;
static bool rig_ready;
static u32 dst_cnt;
static u64 requests, stored, stored_last;
static qs_send_dst_t dst[2];
static u8 stored_root[32];

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
net_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self, (void)s;
    for (u32 i = 0; i < b->cnt; i++) {
        qs_send_t const *req = (qs_send_t const *)(void const *)b->data[i];
        cr_assert(qs_send_valid(req, b->frag[i].sz));
        dst_cnt = req->dst_cnt;
        memcpy(dst, req->dst, (dst_cnt < 2 ? dst_cnt : 2) * sizeof(*dst));
        requests++;
        if (!rig_ready) {
            u8 const *identity[] = {shred()->self};
            rig_leaders(&rig, identity, 1, 64);
            rig_init(&rig, 777);
            rig_ready = true;
        }
        u32 reason = rig_add(&rig, (u8 const *)&req->dst[req->dst_cnt], req->sz);
        cr_assert(reason == QS_RESOLVER_R_ADMITTED || reason == QS_RESOLVER_R_LATE);
    }
    return b->cnt;
}

static u32
store_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self, (void)s;
    for (u32 i = 0; i < b->cnt; i++) {
        qs_fec_set_t const *set = (qs_fec_set_t const *)(void const *)b->data[i];
        cr_assert(eq(u32, b->frag[i].sz, QS_SHRED_FRAG_SZ));
        cr_assert(eq(u32, set->source, QS_FEC_OWN));
        stored++;
        stored_last += (set->flags & QS_FEC_LAST_SLOT) != 0;
        memcpy(stored_root, set->root, 32);
    }
    return b->cnt;
}

static qs_tile_t const poh = {.name = "poh", .out = {"shred"}, .run = no_run};
static qs_tile_t const net = {
    .name = "net", .in = {{.from = "shred"}}, .frag = net_frag, .run = no_run};
static qs_tile_t const store = {.name = "store",
                                .in = {{.from = "shred"}},
                                .out = {"shred"},
                                .frag = store_frag,
                                .run = no_run};

static void
turns(u32 cnt)
{
    for (; cnt; cnt--) {
        chain_turn(SHRED, &qs_tile_shred);
        chain_turn(SIGN, &qs_tile_sign);
        chain_turn(NET, &net);
        chain_turn(STORE, &store);
    }
}

/* give publishes an entry of 48 bytes; tick 63 is the slot's last. */
static void
give(u64 slot, u16 tick)
{
    u8 *room;
    while (!(room = qs_stem_prepare(chain.stem[POH], 0)))
        turns(1);
    qs_entry_frag_t head = {.slot = slot, .parent_off = 1, .tick = tick, .sz = 48};
    head.flags = QS_ENTRY_TICK | (tick == 63 ? QS_ENTRY_LAST_SLOT : 0);
    memcpy(room, &head, sizeof(head));
    memset(room + sizeof(head), tick, 48);
    qs_stem_publish(chain.stem[POH], 0, slot, sizeof(head) + 48, 0, 0);
}

static void
two_slots(void)
{
    for (u64 slot = 1; slot <= 2; slot++)
        for (u16 tick = 0; tick < 64; tick++)
            give(slot, tick);
    turns(200);
}

static void
all_arrives(void)
{
    two_slots();
    u32 sets = 2 * 64 / 16;
    cr_assert(eq(u64, requests, sets * 64));
    cr_assert(eq(u32, rig.set_cnt, sets));
    cr_assert(eq(u64, stored, sets));
    cr_assert(eq(u64, stored_last, 2));
    cr_assert(eq(int, memcmp(stored_root, rig.set[sets - 1].head.root, 32), 0));
    cr_assert(eq(u32, dst_cnt, 2));
    cr_assert(eq(u32, dst[0].ip, 0x0a000001));
    cr_assert(eq(u32, dst[1].port, 65535));
    for (u32 i = 1; i < sets; i++)
        cr_assert(eq(u32, rig.set[i].head.flags & QS_FEC_CHAINED, QS_FEC_CHAINED), "set %u", i);
    cr_assert(eq(u64, shred()->m->broadcast_sent, requests));
    cr_assert(eq(u64, shred()->m->broadcast.slot_done, 2));
}

static void
some_is_lost(void)
{
    two_slots();
    u64 all = 2 * 64 / 16 * 64, dropped = shred()->m->broadcast_dropped;
    cr_assert(eq(u64, requests + dropped, all));
    cr_assert(dropped > all / 8 && dropped < all * 3 / 8); /* a quarter: 128 of 512, sigma 10 */
    cr_assert(eq(u64, stored, 8));
}

static void
nobody_is_there(void)
{
    two_slots();
    cr_assert(eq(u64, requests, 0));
    cr_assert(eq(u64, shred()->m->broadcast_nobody, 512));
    cr_assert(eq(u64, stored, 8));
}

/* say_end lets the store say that a slot is complete. */
static void
say_end(u64 slot, u8 id, u32 sz)
{
    u8 *room = qs_stem_prepare(chain.stem[STORE], 0);
    qs_slot_end_t end = {.slot = slot, .block_id = {id}};
    cr_assert(room != NULL);
    memcpy(room, &end, sizeof(end));
    qs_stem_publish(chain.stem[STORE], 0, slot, sz, 0, 0);
    turns(5);
}

static void
child_of_anothers(void)
{
    say_end(9, 0xab, sizeof(qs_slot_end_t));
    say_end(10, 0xcd, sizeof(qs_slot_end_t) - 1); /* none at all */
    for (u16 tick = 0; tick < 64; tick++)
        give(10, tick);
    turns(200);
    cr_assert(eq(u32, rig.set_cnt, 4));
    cr_assert(eq(u32, rig.set[0].head.chained_root[0], 0xab));
    cr_assert(eq(u64, shred()->m->broadcast.parent_unknown, 0));
}

/* load_leaders lets us know who leads slots 0 to 399. */
static void
load_leaders(void)
{
    u8 const somebody[32] = {1};
    qs_leaders_epoch_t *e = qs_leaders_open(&shred()->leaders);
    for (u32 i = 0; i < 400; i++)
        QS_ASSERT(!qs_leaders_set(&shred()->leaders, e, i, somebody));
    QS_ASSERT(!qs_leaders_close(&shred()->leaders, e, 0, 0, 400));
}

static void
slots_settle(void)
{
    say_end(399, 1, sizeof(qs_slot_end_t)); /* of no epoch that is known */
    cr_assert(eq(u64, shred()->m->root, 0));
    load_leaders();
    say_end(31, 1, sizeof(qs_slot_end_t));
    cr_assert(eq(u64, shred()->m->root, 0));
    say_end(40, 1, sizeof(qs_slot_end_t));
    cr_assert(eq(u64, shred()->m->root, 9));
    say_end(35, 1, sizeof(qs_slot_end_t)); /* it never goes back */
    cr_assert(eq(u64, shred()->m->root, 9));
    say_end(400, 1, sizeof(qs_slot_end_t)); /* behind the epoch */
    cr_assert(eq(u64, shred()->m->root, 9));
    shred()->marks = true; /* whoever may make up slots moves nothing */
    say_end(100, 1, sizeof(qs_slot_end_t));
    cr_assert(eq(u64, shred()->m->root, 9));
}

static void
go(char const *const *list, u32 loss_permille, void (*what)(void))
{
    static qs_config_t cfg;
    static qs_link_row_t const links[] = {
        {"poh", "shred", 64, 0, 4096, QS_RELIABLE, NULL},
        {"shred", "sign", 64, 0, 32, QS_RELIABLE, NULL},
        {"sign", "shred", 64, 0, 64, QS_RELIABLE, NULL},
        {"shred", "net", 64, 0, QS_SEND_MTU, QS_RELIABLE, NULL},
        {"shred", "store", 4, 0, QS_SHRED_FRAG_SZ, QS_RELIABLE, NULL},
        {"store", "shred", 64, 0, sizeof(qs_slot_end_t), QS_RELIABLE, NULL},
        {0}};
    qs_tile_t const *const tiles[] = {&poh, &qs_tile_shred, &qs_tile_sign, &net, &store};
    qs_config_init(&qs_config_table, &cfg);
    cfg.shred.version = 777;
    cfg.lab.loss_permille = loss_permille;
    for (; list && *list; list++)
        strcpy(cfg.shred.broadcast[cfg.shred.broadcast_cnt++], *list);
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, what);
}

static char const *const two[] = {"10.0.0.1:8003", "10.0.0.2:65535", NULL};

Test(shred_tile, entries_become_shreds_for_everybody_and_sets_for_the_store)
{
    go(two, 0, all_arrives);
}

Test(shred_tile, shreds_lost_on_purpose_are_counted_and_the_store_has_all)
{
    go(two, 250, some_is_lost);
}

Test(shred_tile, without_anybody_to_send_to_blocks_are_made_and_stored)
{
    go(NULL, 0, nobody_is_there);
}

Test(shred_tile, a_child_names_the_block_that_the_store_found_complete)
{
    go(two, 0, child_of_anothers);
}

Test(shred_tile, complete_slots_settle_those_well_before_them)
{
    go(two, 0, slots_settle);
}

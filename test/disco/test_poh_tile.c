/* Goal: the poh tile hands every sound transaction of its link to the shredder, in entries that check,
   drops what a lying neighbour sends, and begins its turn when the store says so.
   Method: dedup, store, poh and a reader in one thread over real rings (bench/one_thread.h), on the real
   clock with short slots; what comes out is judged by the entry reader and the checker of hashes. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/one_thread.h"
#include "disco/poh/qs_ticks.h"
#include "disco/qs_format.h"
#include "disco/qs_tiles.h"
#include "waltz/codec/qs_entry.h"
#include "waltz/crypto/qs_poh.h"
#include "waltz/txn_sample.h"

#define TXNS    1000u
#define TICKS   8u
#define HASHES  200u
#define SLOT_NS 5000000u
#define SLOTS   6u

enum { DEDUP, STORE, POH, OUT };

static sample_t sample;
static qs_txn_t txn;
static u32 sent, seen[TXNS], slot_cnt;
static u64 last_slot;
static u8 state[QS_POH_SZ];
static qs_ticks_t ticks;

static void
judge(u8 const *data, u32 sz)
{
    static u8 batch[65536 + 8];
    static qs_poh_tree_t tree;
    qs_entry_frag_t f;
    qs_entry_reader_t r;
    qs_entry_t e;
    qs_txn_t t;
    u32 off, number;

    memcpy(&f, data, sizeof(f));
    cr_assert(eq(u32, sz, sizeof(f) + f.sz));
    if (f.slot != last_slot)
        qs_ticks_init(&ticks, f.slot, f.slot - f.parent_off, TICKS, HASHES);
    last_slot = f.slot;
    qs_store_le64(batch, 1);
    memcpy(batch + 8, data + sizeof(f), f.sz);
    cr_assert(eq(int, qs_entry_open(&r, batch, 8 + f.sz, QS_ENTRY_STRICT), QS_ENTRY_OK));
    cr_assert(eq(int, qs_entry_next(&r, &e), 1));
    qs_poh_check_t c = {.num_hashes = e.num_hashes, .mixed = e.txn_cnt != 0};
    qs_poh_tree_init(&tree);
    while (qs_entry_txn(&r, &t, &off) == 1) {
        memcpy(&number, batch + off + qs_txn_instr(&t, 0)->data_off, sizeof(number));
        cr_assert(number < TXNS);
        seen[number]++;
        qs_poh_tree_add(&tree, batch + off + t.signature_off, t.signature_cnt);
    }
    cr_assert(eq(int, qs_entry_next(&r, &e), 0));
    if (e.txn_cnt)
        qs_poh_tree_root(&tree, c.mixin);
    memcpy(c.start, state, QS_POH_SZ);
    memcpy(c.hash, e.hash, QS_POH_SZ);
    memcpy(state, e.hash, QS_POH_SZ);
    cr_assert(eq(u64, qs_poh_check_all(&c, 1), 0));
    cr_assert(eq(int, qs_ticks_next(&ticks, e.num_hashes, !e.txn_cnt), QS_TICKS_OK));
    if (f.flags & QS_ENTRY_LAST_SLOT) {
        cr_assert(eq(int, qs_ticks_end(&ticks), QS_TICKS_OK));
        slot_cnt++;
    }
}

static u32
out_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self;
    (void)s;
    for (u32 i = 0; i < b->cnt; i++)
        judge(b->data[i], b->frag[i].sz);
    return b->cnt;
}

static void
no_run(void *self, qs_stem_t *s)
{
    (void)self, (void)s;
}

static qs_tile_t const dedup = {.name = "dedup", .out = {"poh"}, .run = no_run};
static qs_tile_t const store = {.name = "store", .out = {"poh"}, .run = no_run};
static qs_tile_t const out = {
    .name = "shred", .in = {{.from = "poh"}}, .frag = out_frag, .run = no_run};

/* publish sends a transaction with its number; spoil makes its descriptor lie. */
static bool
publish(void (*spoil)(qs_txn_t *txn))
{
    u8 *room = qs_stem_prepare(chain.stem[DEDUP], 0);
    if (!room)
        return false;
    memcpy(room, sample.bytes, sample.sz);
    memcpy(room + qs_txn_instr(&txn, 0)->data_off, &sent, sizeof(sent));
    qs_txn_t *desc = (qs_txn_t *)(void *)(room + qs_txn_desc_off(sample.sz));
    memcpy(desc, &txn, qs_txn_desc_sz(&txn));
    if (spoil)
        spoil(desc);
    qs_stem_publish(chain.stem[DEDUP], 0, sent, qs_txn_desc_off(sample.sz) + qs_txn_desc_sz(&txn),
                    (u16)sample.sz, 0);
    sent += !spoil;
    return true;
}

static void
turn(void)
{
    chain_turn(DEDUP, &dedup);
    chain_turn(POH, &qs_tile_poh);
    chain_turn(OUT, &out);
}

static void
long_txn(qs_txn_t *t)
{
    t->sz = 60000;
}

static void
short_txn(qs_txn_t *t)
{
    t->sz--;
}

static void
far_signature(qs_txn_t *t)
{
    t->signature_off = 5000;
}

static void
transactions_pass(void)
{
    void (*const spoil[])(qs_txn_t *) = {long_txn, short_txn, far_signature};
    for (u32 i = 0; i < QS_COUNT(spoil); i++)
        cr_assert(publish(spoil[i]));
    while (sent < TXNS || slot_cnt < SLOTS) {
        for (u32 i = 0; i < 20 && sent < TXNS && publish(NULL); i++) {
        }
        turn();
    }
    for (u32 i = 0; i < TXNS; i++)
        cr_assert(eq(u32, seen[i], 1), "transaction %u", i);
    qs_plan_tile_t const *t = &chain.plan.tile[POH];
    u64 const *m = qs_wksp_addr(&chain.wksp[POH], t->metrics_off, t->metrics_sz);
    u32 malformed = 0;
    while (strcmp(qs_tile_poh.metrics[malformed].name, "malformed"))
        malformed++;
    cr_assert(eq(u64, m[malformed], QS_COUNT(spoil)));
}

static void
turn_begins(void)
{
    for (u32 i = 0; i < 1000; i++)
        turn();
    cr_assert(eq(u64, last_slot, 0));
    u8 *room = qs_stem_prepare(chain.stem[STORE], 0);
    qs_slot_end_t end = {.slot = 3, .parent_slot = 2, .hash = {33}};
    memcpy(room, &end, sizeof(end));
    memcpy(state, end.hash, sizeof(state));
    qs_stem_publish(chain.stem[STORE], 0, 3, sizeof(end), 0, 0);
    while (slot_cnt < 4)
        turn();
    cr_assert(eq(u64, last_slot, 7));
}

static void
go(void (*what)(void), u32 leader_cnt)
{
    static qs_config_t cfg;
    static qs_link_row_t const links[] = {
        {"dedup", "poh", 1024, 256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL},
        {"store", "poh", 64, 0, sizeof(qs_slot_end_t), QS_RELIABLE, NULL},
        {"poh", "shred", 64, 0, 65535, QS_RELIABLE, NULL},
        {0}};
    qs_tile_t const *const tiles[] = {&dedup, &store, &qs_tile_poh, &out};
    qs_config_init(&qs_config_table, &cfg);
    cfg.poh.slot_ns = SLOT_NS;
    cfg.poh.ticks_per_slot = TICKS;
    cfg.poh.hashes_per_tick = HASHES;
    cfg.poh.entry_ns = 50000;
    cfg.poh.leader_cnt = leader_cnt;
    cfg.poh.leader_idx = leader_cnt - 1;
    strcpy(cfg.poh.genesis_hash, "11111111111111111111111111111111");
    sample_init(&sample, QS_TXN_LEGACY);
    sample_write(&sample);
    cr_assert(eq(int, qs_txn_parse(&txn, sample.bytes, sample.sz, 0), QS_TXN_OK));
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, what);
}

Test(poh_tile, every_sound_transaction_passes_and_a_lying_descriptor_does_not)
{
    go(transactions_pass, 1);
}

Test(poh_tile, a_turn_begins_when_the_store_has_the_slot_before)
{
    go(turn_begins, 2);
}

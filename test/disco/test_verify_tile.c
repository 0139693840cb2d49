/* Goal: a verify tile that dies loses nothing that it held, and does not publish again what it had
   published.
   Method: net, verify and a reader in one thread over real rings (bench/one_thread.h).  A death is a
   second boot of verify on the same memory. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/one_thread.h"
#include "disco/qs_format.h"
#include "disco/qs_tiles.h"
#include "waltz/codec/qs_txn_build.h"
#include "waltz/crypto/qs_ed25519.h"

static u32 arrived[64], arrived_cnt;
static u32 sent;

static u32
out_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self;
    (void)s;
    for (u32 i = 0; i < b->cnt; i++) {
        qs_txn_t const *t = (qs_txn_t const *)(b->data[i] + qs_txn_desc_off(b->frag[i].ctl));
        u32 number;
        memcpy(&number, b->data[i] + qs_txn_instr(t, 0)->data_off, sizeof(number));
        arrived[number % 64]++;
        arrived_cnt++;
    }
    return b->cnt;
}

static void
no_run(void *self, qs_stem_t *s)
{
    (void)self, (void)s;
}

static qs_tile_t const gen = {.name = "net", .out = {"verify"}, .run = no_run};
static qs_tile_t const out = {
    .name = "dedup", .in = {{.from = "verify"}}, .frag = out_frag, .run = no_run};

static void
publish(u32 cnt)
{
    static u8 secret[1][32] = {{3}}, key[1][32];
    qs_ed25519_public_key(key[0], secret[0]);
    for (; cnt; cnt--, sent++) {
        u8 *room = qs_stem_prepare(chain.stem[0], 0);
        cr_assert(room != NULL);
        u32 sz = qs_txn_build_memo(room, 1, (u8 const(*)[32])key, (u8 const(*)[32])secret,
                                   secret[0], &sent, sizeof(sent));
        qs_stem_publish(chain.stem[0], 0, 1, sz, 0, 0);
    }
}

/* turns lets verify and its reader make some. */
static void
turns(u32 cnt)
{
    for (; cnt; cnt--) {
        chain_turn(1, &qs_tile_verify);
        chain_turn(2, &out);
    }
}

static void
second_life(void)
{
    for (u32 i = 0; i < 10000000 && arrived_cnt < sent; i++)
        turns(1);
}

/* reborn boots verify once more, as after a kill -9: nothing that it has in mind was written down
   but what its memory and its links hold. */
static void
reborn(void)
{
    chain.bench = second_life;
    chain.booted = 1;
    u32 cnt = chain.cnt;
    chain.cnt = 2;
    chain.handover[1].first_start = false;
    cr_assert(eq(int, chain_boot(1), 0));
    chain.cnt = cnt;
}

static void
dies_with_frames_in_hand(void)
{
    publish(11);
    turns(50); /* 8 are checked and published; 3 wait for company, and the fseqs are written */
    cr_assert(eq(u32, arrived_cnt, 8));
    cr_assert(eq(u64, qs_fseq_query(chain.stem[1]->in[0].fseq), 8));
    chain.boot->cfg.verify.wait_ns = 0;
    reborn();
    cr_assert(eq(u32, arrived_cnt, 11));
    for (u32 i = 0; i < 11; i++)
        cr_assert(eq(u32, arrived[i], 1), "number %u", i);
}

static void
go(void (*what)(void))
{
    static qs_config_t cfg;
    static qs_link_row_t const links[] = {
        {"net", "verify", 1024, 0, QS_UDP_MAX, QS_LOSSY, NULL},
        {"verify", "dedup", 1024, 256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL},
        {0}};
    qs_tile_t const *const tiles[] = {&gen, &qs_tile_verify, &out};
    qs_config_init(&qs_config_table, &cfg);
    cfg.verify.wait_ns = UINT32_MAX; /* nothing happens by itself */
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, what);
}

Test(verify_tile, what_it_held_when_it_died_is_read_again_and_what_it_published_is_not)
{
    go(dies_with_frames_in_hand);
}

/* Goal: each request gets its own answer, once, or is refused and counted, however many come together
   and however little room there is for answers.
   Method: an asker and the sign tile in one thread over real rings (bench/one_thread.h); every
   signature is verified over the bytes that were asked for. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bench/one_thread.h"
#include "disco/qs_format.h"
#include "disco/qs_tiles.h"
#include "disco/sign/qs_sign_check.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/crypto/qs_sha256.h"

#define MANY 40u

enum { ASKER, SIGN };

static u8 key[32];
static u8 asked[MANY][48];
static u32 asked_sz[MANY], asked_kind[MANY];
static u32 answered[MANY], answers;

static u32
answer_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    (void)self, (void)s;
    for (u32 i = 0; i < b->cnt; i++) {
        u32 n = qs_sign_tag_of(b->frag[i].sig);
        cr_assert(lt(u32, n, MANY));
        cr_assert(eq(u32, qs_sign_kind_of(b->frag[i].sig), asked_kind[n]));
        answered[n]++;
        answers++;
        if (asked_kind[n] == QS_SIGN_HELLO) {
            cr_assert(eq(u32, b->frag[i].sz, 32));
            memcpy(key, b->data[i], 32);
            continue;
        }
        u8 hash[32];
        bool pong = asked_kind[n] == QS_SIGN_PONG;
        qs_sha256(hash, asked[n], asked_sz[n]);
        qs_ed25519_item_t item = {b->data[i], key, pong ? hash : asked[n], pong ? 32 : asked_sz[n]};
        cr_assert(eq(u32, b->frag[i].sz, 64));
        cr_assert(eq(int, qs_ed25519_verify(&item, QS_ED25519_STRICT), QS_ED25519_OK), "request %u",
                  n);
    }
    return b->cnt;
}

static void
no_run(void *self, qs_stem_t *s)
{
    (void)self, (void)s;
}

static qs_tile_t const gossip = {.name = "gossip",
                                 .in = {{.from = "sign"}},
                                 .out = {"sign"},
                                 .frag = answer_frag,
                                 .run = no_run};

static void
ask(u32 n, u32 kind)
{
    u8 *room = qs_stem_prepare(chain.stem[ASKER], 0);
    cr_assert(room != NULL);
    asked_kind[n] = kind;
    asked_sz[n] = kind == QS_SIGN_HELLO ? 0 : kind == QS_SIGN_PING ? 32 : 48;
    memcpy(asked[n], "SOLANA_PING_PONG", 16);
    memset(asked[n] + 16, (int)n, 32);
    memcpy(room, asked[n], asked_sz[n]);
    qs_stem_publish(chain.stem[ASKER], 0, qs_sign_sig(n, kind), asked_sz[n], 0, 0);
}

static void
ask_all(void)
{
    ask(0, QS_SIGN_HELLO);
    for (u32 n = 1; n < MANY; n++) /* every fifth is not gossip's to ask */
        ask(n, n % 5 == 4 ? QS_SIGN_ROOT : n % 2 ? QS_SIGN_PING : QS_SIGN_PONG);
    for (u32 i = 0; i < 1000; i++) {
        chain_turn(SIGN, &qs_tile_sign);
        if (i % 7 == 6) /* the asker is slow: answers have no room meanwhile */
            chain_turn(ASKER, &gossip);
    }
    u32 refused = 0;
    for (u32 n = 0; n < MANY; n++) {
        bool its = n % 5 != 4;
        cr_expect(eq(u32, answered[n], its), "request %u", n);
        refused += !its;
    }
    u64 const *counted =
        qs_wksp_addr(&chain.wksp[SIGN], chain.plan.tile[SIGN].metrics_off, 9 * sizeof(u64));
    cr_assert(eq(u64, counted[0], 1)); /* hello, then by kind: root, value, prune, ping, pong */
    cr_assert(eq(u64, counted[1], 0));
    cr_assert(eq(u64, counted[4] + counted[5], MANY - 1 - refused));
    cr_assert(eq(u64, counted[6], refused)); /* refused_role */
}

static void
go(u32 answer_depth)
{
    static qs_config_t cfg;
    qs_link_row_t const links[] = {{"gossip", "sign", 64, 0, QS_SIGN_MTU, QS_RELIABLE, NULL},
                                   {"sign", "gossip", answer_depth, 0, 64, QS_RELIABLE, NULL},
                                   {0}};
    qs_tile_t const *const tiles[] = {&gossip, &qs_tile_sign};
    qs_config_init(&qs_config_table, &cfg);
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, ask_all);
}

Test(sign_tile, what_comes_together_is_answered_each_by_its_own)
{
    go(64);
}

Test(sign_tile, answers_that_have_no_room_come_later_and_once)
{
    go(4);
}

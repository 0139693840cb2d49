/* verify-tile: what the tile adds to the kernel, and what a lone transaction waits.

   The tiles are booted for real, over real rings, all in this thread (one_thread.h): frames are
   published as net does it, verify makes its turns, and descriptors come out.  The bare kernel
   checks the same signatures in batches of 64.  The lone transaction goes through verify and dedup,
   which take turns until it is out; nothing else is to do, so the wait for a full batch runs out. */

#include "bench/bench.h"
#include "bench/one_thread.h"
#include "disco/qs_format.h"
#include "disco/qs_tiles.h"
#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_txn_build.h"
#include "waltz/crypto/qs_ed25519.h"

#define WHAT      "verify tile, frames in to descriptors out, 1 signature each"
#define WHAT_LONE "lone transaction through verify and dedup, p50"
#define TXNS      40000u /* more than the tile remembers */
#define DEPTH     32768u
#define BATCH     64u
#define DATA_SZ   95u /* makes a message of 200 bytes */
#define LONE_CNT  201u

typedef struct txn {
    u16 sz;
    u8 bytes[318];
} txn_t;

static txn_t *txn;
static qs_ed25519_item_t *item;
static u64 next;
static bench_t b;

static void
make_txns(void)
{
    static u8 secret[64][32], key[64][32];
    txn = calloc(TXNS, sizeof(*txn));
    item = calloc(TXNS, sizeof(*item));
    for (u32 i = 0; i < 64; i++) {
        secret[i][0] = (u8)(i + 1);
        qs_ed25519_public_key(key[i], secret[i]);
    }
    for (u32 i = 0; i < TXNS; i++) {
        u8 data[DATA_SZ] = {0}, bytes[QS_TXN_SZ_MAX];
        qs_txn_t t;
        memcpy(data, &i, sizeof(i));
        u32 sz = qs_txn_build_memo(bytes, 1, (u8 const(*)[32])key + i % 64,
                                   (u8 const(*)[32])secret + i % 64, secret[1], data, DATA_SZ);
        QS_ASSERT(sz <= sizeof(txn[i].bytes) && !qs_txn_parse(&t, bytes, sz, 0));
        memcpy(txn[i].bytes, bytes, sz);
        txn[i].sz = (u16)sz;
        item[i] = (qs_ed25519_item_t){.signature = txn[i].bytes + t.signature_off,
                                      .public_key = txn[i].bytes + t.account_off,
                                      .msg = txn[i].bytes + t.message_off,
                                      .msg_sz = t.message_sz};
    }
}

static void
publish(u64 n)
{
    txn_t const *t = &txn[n % TXNS];
    u8 *room = qs_stem_prepare(chain.stem[0], 0);
    QS_ASSERT(room);
    memcpy(room, t->bytes, t->sz);
    qs_net_sig_t sig = {.src_ip = 0x0a000000 + (u32)n % 16, .src_port = (u16)n};
    qs_stem_publish(chain.stem[0], 0, qs_net_sig_pack(sig), t->sz, 0, 0);
}

static u64 out_cnt;

static u32
out_frag(void *self, qs_stem_t *s, qs_batch_t const *batch)
{
    (void)self;
    (void)s;
    out_cnt += batch->cnt;
    return batch->cnt;
}

static void
no_run(void *self, qs_stem_t *s)
{
    (void)self, (void)s;
}

static qs_tile_t const gen = {.name = "net", .out = {"verify"}, .run = no_run};
/* The tile behind verify must be called dedup, where verify is measured alone. */
static qs_tile_t const out_of_verify = {
    .name = "dedup", .in = {{.from = "verify", .in_place = true}}, .frag = out_frag, .run = no_run};
static qs_tile_t const out_of_dedup = {
    .name = "out", .in = {{.from = "dedup", .in_place = true}}, .frag = out_frag, .run = no_run};

static qs_link_row_t const links[] = {
    {"net", "verify", 4096, 1024, QS_UDP_MAX, QS_LOSSY, NULL},
    {"verify", "dedup", 1024, 256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL},
    {0}};
static qs_link_row_t const lone_links[] = {
    {"net", "verify", 4096, 1024, QS_UDP_MAX, QS_LOSSY, NULL},
    {"verify", "dedup", 1024, 256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL},
    {"dedup", "out", 1024, 256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL},
    {0}};

static void
through_tile(void *ctx)
{
    (void)ctx;
    u64 before = out_cnt;
    for (u32 i = 0; i < BATCH; i++)
        publish(next++);
    for (u32 turn = 0; out_cnt < before + BATCH; turn++) {
        QS_ASSERT(turn < 1000000);
        chain_turn(1, &qs_tile_verify);
        chain_turn(2, &out_of_verify);
    }
}

static u64 bare_next;

static void
bare(void *ctx)
{
    (void)ctx;
    qs_ed25519_verdict_t verdict[BATCH];
    bare_next = bare_next + BATCH <= TXNS ? bare_next : 0;
    qs_ed25519_verify_batch(verdict, item + bare_next, BATCH, QS_ED25519_STRICT);
    for (u32 i = 0; i < BATCH; i++)
        QS_ASSERT(verdict[i] == QS_ED25519_OK);
    bare_next += BATCH;
}

static void
throughput(void)
{
    for (u32 i = 0; i < b.row_cnt; i++)
        bench_warm_up(&b, &b.row[i]);
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++)
        for (u32 i = 0; i < b.row_cnt; i++)
            b.row[i].ns_per_op[round] = bench_calls_ns(&b, &b.row[i], b.row[i].call_cnt) /
                                        (double)(b.row[i].call_cnt * b.row[i].ops);
}

static bench_row_t *lone_row, *single_row, *allowed_row;

static double
lone_once(void)
{
    u64 before = out_cnt;
    double start = bench_now_ns(&b);
    publish(next++);
    while (out_cnt == before) {
        chain_turn(1, &qs_tile_verify);
        chain_turn(2, &qs_tile_dedup);
        chain_turn(3, &out_of_dedup);
    }
    return bench_now_ns(&b) - start;
}

static double
single_once(void)
{
    double start = bench_now_ns(&b);
    QS_ASSERT(!qs_ed25519_verify(&item[next % TXNS], QS_ED25519_STRICT));
    return bench_now_ns(&b) - start;
}

static double
p50(double (*once)(void))
{
    double ns[LONE_CNT];
    for (u32 i = 0; i < LONE_CNT; i++)
        ns[i] = once();
    qsort(ns, LONE_CNT, sizeof(ns[0]), bench_compare_);
    return ns[LONE_CNT / 2];
}

static void
latency(void)
{
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++) {
        lone_row->ns_per_op[round] = p50(lone_once);
        single_row->ns_per_op[round] = p50(single_once);
        allowed_row->ns_per_op[round] = single_row->ns_per_op[round] + 20000 + 5000;
    }
}

static bench_row_t *
add_row(char const *what, char const *variant, char const *peer, char const *against,
        void (*fn)(void *))
{
    bench_add(&b, &(bench_row_t){.what = what,
                                 .variant = variant,
                                 .peer = peer,
                                 .against = against,
                                 .fn = fn,
                                 .ops = fn ? BATCH : 1});
    return &b.row[b.row_cnt - 1];
}

int
main(int argc, char **argv)
{
    static qs_config_t cfg;
    qs_tile_t const *const tiles[] = {&gen, &qs_tile_verify, &out_of_verify};
    qs_tile_t const *const lone_tiles[] = {&gen, &qs_tile_verify, &qs_tile_dedup, &out_of_dedup};

    bench_init(&b, "verify-tile", argc, argv);
    qs_config_init(&qs_config_table, &cfg);
    cfg.verify.tag_depth = DEPTH;
    cfg.dedup.tag_depth = DEPTH;
    make_txns();
    add_row(WHAT, "verify", NULL, "bare kernel", through_tile);
    add_row(WHAT, "verify_batch of 64", "bare kernel", NULL, bare);
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, throughput);
    out_cnt = 0;
    lone_row = add_row(WHAT_LONE, "verify, dedup", NULL, "bar", NULL);
    allowed_row = add_row(WHAT_LONE, "20 us + single + 5 us", "bar", NULL, NULL);
    single_row = add_row("single verify, p50", "qs_ed25519_verify", NULL, NULL, NULL);
    b.clock = CLOCK_MONOTONIC;
    chain_go(lone_tiles, QS_COUNT(lone_tiles), lone_links, &cfg, latency);
    bench_finish(&b);
    return 0;
}

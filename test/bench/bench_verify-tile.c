/* verify-tile: what the tile adds to the kernel, and what a lone transaction waits.

   Each transaction is signed by a key of its own.  Where the machine has a kernel that keeps tables of
   keys (verify.key_max), more rows show what they save where keys return, and cost where not.  Those
   take turns, so what the tables push out of the caches is in them.

   The tiles are booted for real, over real rings, all in this thread (one_thread.h): frames are
   published as net does it, verify makes its turns, and descriptors come out.  The bare kernel
   checks the same signatures in batches of 64.  What the sandbox costs is measured with the same tile
   in a process that is in it, and in one that is not (sandboxed.h).  The lone transaction goes through verify and dedup,
   which take turns until it is out; nothing else is to do, so the wait for a full batch runs out. */

#include "bench/bench.h"
#include "bench/sandboxed.h"
#include "bench/txn_tiles.h"
#include "tango/base/qs_cpu.h"
#include "waltz/codec/qs_txn_build.h"
#include "waltz/crypto/qs_ed25519_kernel.h"

#define WHAT       "verify tile, frames in to descriptors out, 1 signature each"
#define WHAT_KEYS  "with tables of keys: 1,000 keys that return"
#define WHAT_NEW   "with tables of keys: new keys"
#define WHAT_TWICE "with tables of keys: keys that sign twice"
#define WHAT_MIX   "with tables of keys: every other key returns"
#define PLACE_CNT  2048u
#define WHAT_LONE  "lone transaction through verify and dedup, p50"
#define TXNS       24000u /* of a kind: more than the tile remembers, and than keys are remembered */
#define DEPTH      4096u
#define KEY_CNT    1000u
#define WARM_UP    (80u * KEY_CNT)
#define BATCH      64u
#define DATA_SZ    95u /* makes a message of 200 bytes */
#define LONE_CNT   201u

/* Whose transactions. */
typedef enum kind {
    NEW, /* each key signs one */
    TWICE,
    RETURNING,
    KINDS
} kind_t;

typedef struct txn {
    u16 sz;
    u8 bytes[318];
} txn_t;

static txn_t *txn[KINDS];
static qs_ed25519_item_t *item; /* the new ones' */
static u64 next[KINDS];
static bench_t b;

/* make_txn builds the n-th of a kind. */
static void
make_txn(kind_t kind, u32 n)
{
    u8 data[DATA_SZ] = {0}, bytes[QS_TXN_SZ_MAX], secret[1][32] = {{0}}, key[1][32];
    u32 signer = kind == NEW ? n : kind == TWICE ? n / 2 : n % KEY_CNT;
    txn_t *t = &txn[kind][n];
    qs_txn_t parsed;

    signer = signer << 2 | kind;
    memcpy(secret[0], &signer, sizeof(signer));
    secret[0][31] = 1;
    qs_ed25519_public_key(key[0], secret[0]);
    memcpy(data, &n, sizeof(n));
    u32 sz = qs_txn_build_memo(bytes, 1, (u8 const(*)[32])key, (u8 const(*)[32])secret, key[0],
                               data, DATA_SZ);
    QS_ASSERT(sz <= sizeof(t->bytes) && !qs_txn_parse(&parsed, bytes, sz, 0));
    memcpy(t->bytes, bytes, sz);
    t->sz = (u16)sz;
    if (kind == NEW)
        item[n] = (qs_ed25519_item_t){.signature = t->bytes + parsed.signature_off,
                                      .public_key = t->bytes + parsed.account_off,
                                      .msg = t->bytes + parsed.message_off,
                                      .msg_sz = parsed.message_sz};
}

/* have_tables says whether the cache of keys is of use on this machine. */
static bool
have_tables(void)
{
    for (u32 i = 0; i < qs_ed25519_kernel_cnt; i++)
        if (qs_cpu_has(qs_ed25519_kernels[i]->needs) && qs_ed25519_kernels[i]->check_known)
            return true;
    return false;
}

static void
make_txns(u32 kinds)
{
    item = calloc(TXNS, sizeof(*item));
    for (u32 kind = 0; kind < kinds; kind++) {
        txn[kind] = calloc(TXNS, sizeof(**txn));
        for (u32 n = 0; n < TXNS; n++)
            make_txn((kind_t)kind, n);
    }
}

static void
publish(kind_t kind)
{
    u64 n = next[kind]++ % TXNS;
    txn_t const *t = &txn[kind][n];
    u8 *room = qs_stem_prepare(chain.stem[0], 0);
    QS_ASSERT(room);
    memcpy(room, t->bytes, t->sz);
    qs_net_sig_t sig = {.src_ip = 0x0a000000 + (u32)n % 16, .src_port = (u16)n};
    qs_stem_publish(chain.stem[0], 0, qs_net_sig_pack(sig), t->sz, 0, 0);
}

static qs_tile_t const gen = SOURCE_TILE("net", "verify");
/* The tile behind verify must be called dedup, where verify is measured alone. */
static qs_tile_t const out_of_verify = END_TILE("dedup", "verify");
static qs_tile_t const out_of_dedup = END_TILE("out", "dedup");

static qs_link_row_t const links[] = {NET_TO_VERIFY, VERIFY_TO_DEDUP, {0}};
static qs_link_row_t const lone_links[] = {NET_TO_VERIFY, VERIFY_TO_DEDUP, DEDUP_TO_OUT, {0}};

/* through_tile sends a batch through, alternately of the two kinds. */
static void
through_tile(kind_t even, kind_t odd)
{
    u64 before = out_cnt;
    for (u32 i = 0; i < BATCH; i++)
        publish(i % 2 ? odd : even);
    for (u32 turn = 0; out_cnt < before + BATCH; turn++) {
        QS_ASSERT(turn < 1000000);
        chain_turn(1, &qs_tile_verify);
        chain_turn(2, &out_of_verify);
    }
}

static void
tile_new(void *ctx)
{
    (void)ctx, through_tile(NEW, NEW);
}
static void
tile_twice(void *ctx)
{
    (void)ctx, through_tile(TWICE, TWICE);
}
static void
tile_returning(void *ctx)
{
    (void)ctx, through_tile(RETURNING, RETURNING);
}
static void
tile_mix(void *ctx)
{
    (void)ctx, through_tile(NEW, RETURNING);
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

static u32 row_from; /* the first that throughput measures */

/* throughput begins when the tables are made, if any: at most eight of them in 256 signatures. */
static void
throughput(void)
{
    for (u32 i = 0; row_from && i < WARM_UP / BATCH; i++)
        tile_returning(NULL);
    for (u32 i = row_from; i < b.row_cnt; i++)
        bench_warm_up(&b, &b.row[i]);
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++)
        for (u32 i = row_from; i < b.row_cnt; i++)
            b.row[i].ns_per_op[round] = bench_calls_ns(&b, &b.row[i], b.row[i].call_cnt) /
                                        (double)(b.row[i].call_cnt * b.row[i].ops);
}

static qs_config_t cfg;
static qs_tile_t const *const tiles[] = {&gen, &qs_tile_verify, &out_of_verify};

static void
serve(void)
{
    twin_serve(&b, (bench_row_t){.fn = tile_new, .ops = BATCH});
}

static void
go_as_twin(void)
{
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, serve);
}

static bench_row_t *lone_row, *single_row, *allowed_row;

static double
lone_once(void)
{
    u64 before = out_cnt;
    double start = bench_now_ns(&b);
    publish(NEW);
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
    QS_ASSERT(!qs_ed25519_verify(&item[next[NEW] % TXNS], QS_ED25519_STRICT));
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
    qs_tile_t const *const lone_tiles[] = {&gen, &qs_tile_verify, &qs_tile_dedup, &out_of_dedup};

    bench_init(&b, "verify-tile", argc, argv);
    qs_config_init(&qs_config_table, &cfg);
    cfg.verify.tag_depth = DEPTH;
    cfg.dedup.tag_depth = DEPTH;
    bool tables = have_tables();
    make_txns(tables ? KINDS : NEW + 1);
    add_row(WHAT, "verify, new keys", NULL, "bare kernel", tile_new);
    add_row(WHAT, "verify_batch of 64", "bare kernel", NULL, bare);
    chain_go(tiles, QS_COUNT(tiles), links, &cfg, throughput);
    if (tables) {
        row_from = b.row_cnt;
        cfg.verify.key_max = PLACE_CNT;
        add_row(WHAT_KEYS, "verify", NULL, NULL, tile_returning);
        add_row(WHAT_NEW, "verify", NULL, NULL, tile_new);
        add_row(WHAT_TWICE, "verify", NULL, NULL, tile_twice);
        add_row(WHAT_MIX, "verify", NULL, NULL, tile_mix);
        chain_go(tiles, QS_COUNT(tiles), links, &cfg, throughput);
        cfg.verify.key_max = 0;
    } else {
        fprintf(stderr, "no kernel of this machine keeps tables of keys\n");
    }
    out_cnt = 0;
    twins_run(&b, "verify tile", BATCH, go_as_twin);
    lone_row = add_row(WHAT_LONE, "verify, dedup", NULL, "bar", NULL);
    allowed_row = add_row(WHAT_LONE, "20 us + single + 5 us", "bar", NULL, NULL);
    single_row = add_row("single verify, p50", "qs_ed25519_verify", NULL, NULL, NULL);
    b.clock = CLOCK_MONOTONIC;
    chain_go(lone_tiles, QS_COUNT(lone_tiles), lone_links, &cfg, latency);
    bench_finish(&b);
    return 0;
}

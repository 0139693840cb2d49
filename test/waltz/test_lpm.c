/* Goal: the longest prefix wins, whatever was inserted and removed before, up to a million
   prefixes; a table that is full says so and stays as it was; garbage in it leads nowhere.
   Method: a plain model, which keeps one sorted list per prefix length and searches all 33, is
   told the same; addresses at random and at the edges of prefixes are looked up in both. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_lpm.h"

/* The model: every prefix ever used, sorted, by length; hop 0: it is not there now. */
typedef struct model_row {
    u32 prefix, hop;
} model_row_t;

static model_row_t *row[33];
static u32 row_cnt[33];

static void *mem;
static qs_lpm_tx_t tx;
static qs_lpm_rx_t rx;
static qs_rng_t rng;

static u32
random32(void)
{
    return (u32)(qs_rng_u64(&rng) >> 16);
}

static u32
mask_of(u32 len)
{
    return len ? UINT32_MAX << (32 - len) : 0;
}

static void
make(u32 block_cnt)
{
    u64 sz = qs_lpm_footprint(block_cnt);
    cr_assert(ne(u64, sz, 0));
    mem = aligned_alloc(QS_ALIGN, qs_align_up(sz, QS_ALIGN));
    qs_lpm_new(mem, block_cnt);
    qs_lpm_tx_join(&tx, mem, block_cnt);
    qs_lpm_rx_join(&rx, mem, block_cnt);
    qs_rng_init(&rng, 42, 0);
}

static void
clear(void)
{
    free(mem);
    for (u32 len = 0; len <= 32; len++)
        free(row[len]);
}

static int
compare(void const *a, void const *b)
{
    u32 x = ((model_row_t const *)a)->prefix, y = ((model_row_t const *)b)->prefix;
    return x < y ? -1 : x > y;
}

static model_row_t *
model_find(u32 prefix, u32 len)
{
    model_row_t key = {.prefix = prefix & mask_of(len)};
    return row_cnt[len] ? bsearch(&key, row[len], row_cnt[len], sizeof(key), compare) : NULL;
}

static u32
model_lookup(u32 ip)
{
    for (u32 len = 33; len-- > 0;) {
        model_row_t const *r = model_find(ip, len);
        if (r && r->hop)
            return r->hop;
    }
    return 0;
}

/* model_draw draws cnt prefixes whose lengths are spread as by weight[33]. */
static void
model_draw(u32 cnt, u32 const weight[33])
{
    u32 sum = 0;
    for (u32 len = 0; len <= 32; len++)
        sum += weight[len];
    for (u32 len = 0; len <= 32; len++) {
        u32 want = (u32)((u64)cnt * weight[len] / sum);
        row[len] = calloc(want + 1, sizeof(model_row_t));
        for (u32 i = 0; i < want; i++)
            row[len][i].prefix = random32() & mask_of(len);
        qsort(row[len], want, sizeof(model_row_t), compare);
        for (u32 i = 0; i < want; i++)
            if (!i || row[len][i].prefix != row[len][i - 1].prefix)
                row[len][row_cnt[len]++] = row[len][i];
    }
}

static void
put(model_row_t *r, u32 len, u32 hop)
{
    r->hop = hop;
    cr_assert(eq(int, qs_lpm_insert(&tx, r->prefix, len, hop), 0));
}

static void
take(model_row_t *r, u32 len)
{
    u32 cover_len = len, cover = 0;

    r->hop = 0;
    while (!cover && cover_len > qs_lpm_level_first(len)) {
        model_row_t const *c = model_find(r->prefix, --cover_len);
        cover = c ? c->hop : 0;
    }
    qs_lpm_remove(&tx, r->prefix, len, cover_len, cover);
}

static void
check(u32 const *ip, u32 cnt)
{
    static u32 hop[4096];

    qs_lpm_lookup_batch(&rx, ip, cnt, hop);
    for (u32 i = 0; i < cnt; i++) {
        u32 want = model_lookup(ip[i]);
        cr_assert(eq(u32, hop[i], want), "%08x in a batch", ip[i]);
        cr_assert(eq(u32, qs_lpm_lookup(&rx, ip[i]), want), "%08x alone", ip[i]);
    }
}

/* check_some looks at random addresses and at both sides of both ends of random prefixes. */
static void
check_some(u32 rounds)
{
    u32 ip[64];

    for (u32 k = 0; k < rounds; k++) {
        for (u32 i = 0; i < 64; i += 8) {
            u32 len = random32() % 33;
            u32 base = row_cnt[len] ? row[len][random32() % row_cnt[len]].prefix : random32();
            u32 edge[8] = {base,
                           base - 1,
                           base | ~mask_of(len),
                           random32(),
                           random32(),
                           base + random32() % 256,
                           random32(),
                           (base | ~mask_of(len)) + 1};
            memcpy(&ip[i], edge, sizeof(edge));
        }
        check(ip, 64 - k % 3);
    }
}

static u32 const any_len[33] = {1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 9,
                                9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
static u32 const internet[33] = {
    [8] = 1,     [11] = 1,   [12] = 3,    [13] = 6,   [14] = 12,  [15] = 20,
    [16] = 130,  [17] = 80,  [18] = 130,  [19] = 240, [20] = 400, [21] = 500,
    [22] = 1000, [23] = 900, [24] = 6000, [32] = 100};

TestSuite(lpm, .fini = clear);

Test(lpm, empty_table_knows_nothing)
{
    make(16);
    u32 ip[] = {0, 1, 0x0a000001, UINT32_MAX};
    u32 hop[QS_COUNT(ip)] = {9, 9, 9, 9};
    qs_lpm_lookup_batch(&rx, ip, QS_COUNT(ip), hop);
    for (u32 i = 0; i < QS_COUNT(ip); i++)
        cr_assert(eq(u32, hop[i], 0));
}

Test(lpm, prefixes_of_every_length_around_one_address_go_one_by_one)
{
    make(16);
    u32 ip = 0xc0a80a81;
    for (u32 len = 0; len <= 32; len++) {
        row[len] = calloc(1, sizeof(model_row_t));
        row[len][0].prefix = ip & mask_of(len);
        row_cnt[len] = 1;
        put(row[len], len, len + 1);
        cr_assert(eq(u32, qs_lpm_lookup(&rx, ip), len + 1));
    }
    for (u32 len = 0; len <= 32; len += 2) {
        take(row[len], len);
        check(&ip, 1);
    }
    cr_assert(eq(u32, qs_lpm_lookup(&rx, ip), 32));
    for (u32 len = 1; len <= 32; len += 2) {
        cr_assert(eq(u32, qs_lpm_lookup(&rx, ip ^ 1), 32));
        if (len < 31)
            take(row[len], len);
    }
}

Test(lpm, answers_like_the_model_while_prefixes_come_and_go)
{
    make(1 + QS_LPM_PREFIX_COST * 3000);
    model_draw(3000, any_len);
    for (u32 k = 0; k < 60000; k++) {
        u32 len = random32() % 33;
        if (!row_cnt[len])
            continue;
        model_row_t *r = &row[len][random32() % row_cnt[len]];
        if (r->hop && random32() % 2)
            take(r, len);
        else
            put(r, len, 1 + random32() % QS_LPM_HOP_MAX);
        if (k % 100 == 0)
            check_some(1);
    }
}

Test(lpm, blocks_come_back_when_all_prefixes_go)
{
    make(1 + QS_LPM_PREFIX_COST * 500);
    model_draw(500, any_len);
    for (u32 round = 0; round < 20; round++) {
        for (u32 len = 0; len <= 32; len++)
            for (u32 i = 0; i < row_cnt[len]; i++)
                put(&row[len][i], len, round + 1);
        for (u32 len = 0; len <= 32; len++)
            for (u32 i = 0; i < row_cnt[len]; i++)
                take(&row[len][i], len);
    }
    u64 any = 0;
    for (u32 i = 0; i < QS_LPM_ROOT_CNT; i++)
        any |= rx.root[i];
    cr_assert(eq(u64, any, 0));
}

Test(lpm, full_table_refuses_and_keeps_its_answers)
{
    make(5); /* block 0 is none: four are left, one path */
    cr_assert(eq(int, qs_lpm_insert(&tx, 0x0a000001, 32, 7), 0));
    cr_assert(eq(int, qs_lpm_insert(&tx, 0x0b000001, 32, 8), -ENOSPC));
    cr_assert(eq(int, qs_lpm_insert(&tx, 0x0a800001, 30, 8), -ENOSPC));
    cr_assert(eq(int, qs_lpm_insert(&tx, 0x0a000002, 32, 9), 0));
    cr_assert(eq(u32, qs_lpm_lookup(&rx, 0x0a000001), 7));
    cr_assert(eq(u32, qs_lpm_lookup(&rx, 0x0a000002), 9));
    cr_assert(eq(u32, qs_lpm_lookup(&rx, 0x0b000001), 0));
    qs_lpm_remove(&tx, 0x0a000001, 32, 0, 0);
    qs_lpm_remove(&tx, 0x0a000002, 32, 0, 0);
    cr_assert(eq(int, qs_lpm_insert(&tx, 0x0b000001, 32, 8), 0));
    cr_assert(eq(u32, qs_lpm_lookup(&rx, 0x0b000001), 8));
}

Test(lpm, garbage_leads_nowhere)
{
    make(64);
    qs_rng_init(&rng, 7, 0);
    for (u32 i = 0; i < QS_LPM_ROOT_CNT; i++)
        tx.root[i] = qs_rng_u64(&rng);
    for (u32 i = 0; i < 64 * QS_LPM_BLOCK_CNT; i++)
        tx.block[i] = qs_rng_u64(&rng) & (i % 2 ? UINT64_MAX : ~(u64)0xffffffc0);
    for (u32 k = 0; k < 2000; k++) {
        u32 ip[64], hop[64];
        for (u32 i = 0; i < 64; i++)
            ip[i] = random32();
        qs_lpm_lookup_batch(&rx, ip, 64, hop);
        for (u32 i = 0; i < 64; i++)
            cr_assert(eq(u32, qs_lpm_lookup(&rx, ip[i]), hop[i]));
    }
}

/* A million prefixes as the internet's table has them, and a million of all lengths. */
static void
million(u32 const weight[33], u32 block_cnt)
{
    make(block_cnt);
    model_draw(1000000, weight);
    for (u32 len = 33; len-- > 0;) /* the longest first: the order does not matter */
        for (u32 i = 0; i < row_cnt[len]; i++)
            put(&row[len][i], len, 1 + random32() % 100000);
    check_some(800);
    for (u32 len = 0; len <= 32; len++)
        for (u32 i = 0; i < row_cnt[len]; i += 2)
            take(&row[len][i], len);
    check_some(800);
}

Test(lpm, a_million_prefixes_of_the_internet_are_right)
{
    million(internet, 1000000);
}

Test(lpm, a_million_prefixes_of_all_lengths_are_right)
{
    million(any_len, 1 + 3000000);
}

Test(lpm, sizes_out_of_range_are_refused)
{
    cr_assert(eq(u64, qs_lpm_footprint(0), 0));
    cr_assert(eq(u64, qs_lpm_footprint((1u << 24) + 1), 0));
}

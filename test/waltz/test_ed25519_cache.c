/* Goal: the cache of keys changes no verdict, keeps the keys that return, and strangers can neither
   push those out nor have more work done for them than the pace allows.
   Method: the cache of every kernel against plain C without one, by both rules, on signatures that
   are sound, spoilt, not canonical, of small order or with torsion, by keys that return; then the
   policy, counted, with signatures that plain numbers make cheap. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/crypto/qs_ed25519_cache.h"
#include "waltz/ed25519_cases.h"
#include "waltz/ed25519_ifma.h"

static qs_siphash_key_t const hash_key = {0x0123456789abcdefu, 0xfedcba9876543210u};

static u64
rnd(void)
{
    static u64 state = 7;
    u64 x = state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static qs_ed25519_cache_t *
new_cache(u32 key_max, qs_ed25519_kernel_t const *kernel)
{
    void *mem = aligned_alloc(QS_ED25519_CACHE_ALIGN, qs_ed25519_cache_footprint(key_max));
    qs_ed25519_cache_t *cache = qs_ed25519_cache_init(mem, key_max, hash_key, kernel);
    cr_assert(ne(ptr, cache, NULL));
    return cache;
}

Test(ed25519_cache, a_footprint_is_a_power_of_two_of_keys)
{
    struct {
        u32 key_max;
        bool good;
    } const row[] = {{0, false},  {1, false},       {15, false},       {8, false},   {16, true},
                     {17, false}, {1u << 20, true}, {1u << 21, false}, {2048, true}, {~0u, false}};
    alignas(64) static u8 mem[4];
    for (u32 i = 0; i < QS_COUNT(row); i++)
        cr_assert(eq(int, qs_ed25519_cache_footprint(row[i].key_max) > 0, row[i].good));
    cr_assert(eq(ptr, qs_ed25519_cache_init(NULL, 16, hash_key, NULL), NULL));
    cr_assert(eq(ptr, qs_ed25519_cache_init(mem + 1, 16, hash_key, NULL), NULL));
    cr_assert(eq(ptr, qs_ed25519_cache_init(mem, 15, hash_key, NULL), NULL));
    cr_assert(le(u64, qs_ed25519_cache_footprint(1024), 1024 * 4200));
}

/* Keys 0 to 15 are ordinary, 16 to 23 have torsion; what is spoilt is the signature, or the key. */
static void
any_case(sig_case_t *c)
{
    u32 key = (u32)(rnd() % 24), bit = (u32)(rnd() % 256);
    if (key >= 16)
        case_torsion(c, key, key % 8, 0); /* always the same message: one key, one verdict */
    else
        case_valid(c, key, 1 + rnd() % 40);
    switch (rnd() % 16) {
    case 0:
        c->msg[0] ^= 1;
        return;
    case 1:
        c->signature[bit / 8] ^= (u8)(1u << bit % 8);
        return;
    case 2:
        c->signature[32 + bit / 8] ^= (u8)(1u << bit % 8);
        return;
    case 3:
        c->public_key[bit / 8] ^= (u8)(1u << bit % 8);
        return;
    case 4:
        c->signature[31] ^= 0x80;
        return;
    case 5:
        small_order(c->signature, (u32)(rnd() % SMALL_CNT));
        return;
    case 6:
        small_order(c->public_key, (u32)(rnd() % SMALL_CNT));
        return;
    case 7: /* R's y is p and some: not canonical, a point or none */
        memset(c->signature, 0xff, 32);
        c->signature[0] = (u8)(0xed + bit % 19);
        c->signature[31] = 0x7f;
        return;
    case 8: /* R + T, which SIMD-0376 alone may accept: another k, so S is wrong too */
        add_torsion(c->signature, 1 + bit % 7);
        return;
    case 9:
        memset(c->signature + 32, 0xff, 32);
        return;
    default:
        return;
    }
}

Test(ed25519_cache, no_verdict_differs_from_one_without_a_cache)
{
    static sig_case_t c[80];
    for (u32 k = 0; kernel(k); k++) {
        u64 seen[2][7] = {{0}};
        qs_ed25519_cache_t *cache = new_cache(64, kernel(k));
        u32 rounds = kernel(k) == &ifma_emulated ? 24 : 120;
        for (u32 round = 0; round < rounds; round++) {
            qs_ed25519_item_t item[80];
            qs_ed25519_verdict_t want[80], got[80];
            qs_ed25519_rule_t rule = rnd() % 2 ? QS_ED25519_STRICT : QS_ED25519_SIMD376;
            u32 cnt = (u32)(rnd() % 80);
            for (u32 i = 0; i < cnt; i++) {
                any_case(&c[i]);
                item[i] = case_item(&c[i]);
            }
            qs_ed25519_verify_batch_with(kernel(0), want, item, cnt, rule);
            for (u32 i = 0; i < cnt; i++)
                seen[qs_ed25519_cache_has(cache, item[i].public_key)][want[i]]++;
            qs_ed25519_verify_batch_cached(cache, got, item, cnt, rule);
            for (u32 i = 0; i < cnt; i++)
                cr_assert(got[i] == want[i], "%s, round %u, rule %d: %s, not %s", kernel(k)->name,
                          round, (int)rule, qs_ed25519_verdict_name(got[i]),
                          qs_ed25519_verdict_name(want[i]));
        }
        qs_ed25519_cache_stats_t stats = qs_ed25519_cache_stats(cache);
        if (kernel(k)->check_known) {
            cr_assert(ge(u64, stats.made_cnt, 8), "%s", kernel(k)->name);
            for (u32 v = 0; v < 7 && kernel(k) != &ifma_emulated; v++) { /* it gets too few cases */
                bool of_key = v == QS_ED25519_KEY_SMALL || v == QS_ED25519_KEY_DECODE;
                cr_assert(eq(int, seen[1][v] == 0, of_key), "%s", qs_ed25519_verdict_name(v));
            }
        }
        free(cache);
    }
}

/* Torsion in the key and in R: for known keys too, every one of the 64 combinations counts. */
Test(ed25519_cache, components_of_small_order_count_exactly)
{
    static sig_case_t c[64];
    static bool holds[64];
    for (u32 i = 0; i < 64; i++)
        holds[i] = case_torsion(&c[i], 1000 + i % 8, i % 8, i / 8);
    for (u32 k = 0; kernel(k); k++) {
        qs_ed25519_cache_t *cache = new_cache(64, kernel(k));
        qs_ed25519_item_t item[64];
        qs_ed25519_verdict_t got[64];
        for (u32 i = 0; i < 64; i++)
            item[i] = case_item(&c[i]);
        for (u32 round = 0; round < 10; round++) /* every key signs eight times in each */
            qs_ed25519_verify_batch_cached(cache, got, item, 64, QS_ED25519_SIMD376);
        cr_assert(eq(u64, qs_ed25519_cache_stats(cache).made_cnt, kernel(k)->check_known ? 8 : 0));
        for (u32 i = 0; i < 64; i++)
            cr_assert(eq(int, (int)got[i], QS_ED25519_OK));
        qs_ed25519_verify_batch_cached(cache, got, item, 64, QS_ED25519_STRICT);
        for (u32 i = 0; i < 64; i++)
            cr_assert(got[i] == (holds[i] ? QS_ED25519_OK : QS_ED25519_EQUATION), "%s, case %u",
                      kernel(k)->name, i);
        free(cache);
    }
}

/* The policy is the same for all kernels: it is tested with the fastest, or not at all. */
static qs_ed25519_kernel_t const *
fastest(void)
{
    qs_ed25519_kernel_t const *best = NULL;
    for (u32 k = 0; k < qs_ed25519_kernel_cnt; k++)
        if (qs_cpu_has(qs_ed25519_kernels[k]->needs) && qs_ed25519_kernels[k]->check_known)
            best = qs_ed25519_kernels[k];
    return best;
}

/* Verifies one signature of each of the keys from first on, cnt <= 512; spoilt ones if not sound. */
static void
sign_each(qs_ed25519_cache_t *cache, u32 first, u32 cnt, bool sound)
{
    static sig_case_t c[512];
    static qs_ed25519_item_t item[512];
    static qs_ed25519_verdict_t got[512];
    for (u32 i = 0; i < cnt; i++) {
        case_valid(&c[i], first + i, 4);
        c[i].msg[0] ^= !sound;
        item[i] = case_item(&c[i]);
    }
    qs_ed25519_verify_batch_cached(cache, got, item, cnt, QS_ED25519_STRICT);
    for (u32 i = 0; i < cnt; i++)
        cr_assert(eq(int, (int)got[i], sound ? QS_ED25519_OK : QS_ED25519_EQUATION));
}

static u32
known_cnt(qs_ed25519_cache_t const *cache, u32 first, u32 cnt)
{
    u32 known = 0;
    for (u32 i = 0; i < cnt; i++) {
        sig_case_t c;
        case_valid(&c, first + i, 4);
        known += qs_ed25519_cache_has(cache, c.public_key);
    }
    return known;
}

Test(ed25519_cache, a_table_is_made_on_the_second_sight_of_a_sound_signature)
{
    if (!fastest())
        return;
    qs_ed25519_cache_t *cache = new_cache(1024, fastest());
    sign_each(cache, 0, 512, true);
    cr_assert(eq(u64, qs_ed25519_cache_stats(cache).made_cnt, 0));
    for (u32 i = 0; i < 8; i++) /* 512 sights of eight keys, none of them sound */
        sign_each(cache, 5000, 8, false), sign_each(cache, 6000, 512, false);
    cr_assert(eq(u64, qs_ed25519_cache_stats(cache).made_cnt, 0));
    sign_each(cache, 0, 8, true);
    u32 lanes = fastest()->lanes; /* so many tables are made at once */
    cr_assert(eq(u32, known_cnt(cache, 0, 8), lanes));
    cr_assert(eq(u64, qs_ed25519_cache_stats(cache).hit_cnt, 0));
    sign_each(cache, 0, 8, true);
    cr_assert(eq(u64, qs_ed25519_cache_stats(cache).hit_cnt, lanes));
    free(cache);
}

Test(ed25519_cache, who_is_trusted_gets_a_table_on_the_second_sight_at_once)
{
    if (!fastest())
        return;
    qs_ed25519_cache_t *cache = new_cache(64, fastest());
    qs_ed25519_cache_trust(cache);
    sign_each(cache, 7, 1, true);
    sign_each(cache, 8, 1, false);
    cr_assert(eq(u32, known_cnt(cache, 7, 2), 0));
    sign_each(cache, 7, 1, true);
    sign_each(cache, 8, 1, false);
    cr_assert(eq(u32, known_cnt(cache, 7, 1), 1));
    cr_assert(eq(u32, known_cnt(cache, 8, 1), 0)); /* none of its signatures held */
    sign_each(cache, 7, 1, false);
    sign_each(cache, 7, 3, false);
    sign_each(cache, 7, 3, true);
    free(cache);
}

Test(ed25519_cache, a_queue_that_does_not_fill_is_served_too)
{
    if (!fastest())
        return;
    qs_ed25519_cache_t *cache = new_cache(64, fastest());
    for (u32 i = 0; i < 3; i++)
        sign_each(cache, 7, 1, true);
    cr_assert(eq(u32, known_cnt(cache, 7, 1), 0));
    for (u32 i = 0; i < 5; i++)
        sign_each(cache, 1000 + 512 * i, 512, true);
    cr_assert(eq(u32, known_cnt(cache, 7, 1), 1));
    free(cache);
}

/* 16 keys in a cache of 64 places sign once in 512; all else are 3,840 strangers' signatures, each
   key signing twice in a row: many times what the cache holds. */
Test(ed25519_cache, strangers_push_nobody_out_who_returns)
{
    if (!fastest())
        return;
    qs_ed25519_cache_t *cache = new_cache(64, fastest());
    for (u32 i = 0; i < 80; i++) /* 1280 signatures: five makings of four tables or eight */
        sign_each(cache, 0, 16, true);
    cr_assert(eq(u32, known_cnt(cache, 0, 16), 16));
    u64 before = qs_ed25519_cache_stats(cache).made_cnt, sent = 0;
    for (u32 i = 0; i < 15; i++) {
        sign_each(cache, 10000 + 128 * i, 128, true);
        sign_each(cache, 10000 + 128 * i, 128, true);
        sign_each(cache, 0, 16, true);
        sent += 272;
    }
    cr_assert(eq(u32, known_cnt(cache, 0, 16), 16));
    qs_ed25519_cache_stats_t stats = qs_ed25519_cache_stats(cache);
    cr_assert(le(u64, stats.made_cnt - before, 8 * (sent / QS_ED25519_CACHE_PACE + 4)));
    cr_assert(stats.made_cnt > before); /* places that are free are given away */
    free(cache);
}

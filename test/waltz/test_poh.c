/* Goal: chains, mixins and the checker in lanes agree with the definition, whatever kernel this processor
   has.
   Method: OpenSSL's SHA-256, one call a hash, is the definition.  Every kernel runs with lanes of its
   own start; the checker gets entries of unequal lengths, more than there are lanes, of which some are
   wrong in one bit. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/sha.h>

#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"
#include "tango/base/qs_rng.h"
#include "waltz/crypto/qs_poh.h"

static qs_rng_t rng;

static void
fill_random(void *out, u64 sz)
{
    u8 *p = out;
    for (u64 i = 0; i < sz; i++)
        p[i] = (u8)qs_rng_u64(&rng);
}

static void
slow_append(u8 state[QS_POH_SZ], u64 n)
{
    for (; n; n--)
        SHA256(state, QS_POH_SZ, state);
}

static void
slow_mix(u8 state[QS_POH_SZ], u8 const mixin[QS_POH_SZ])
{
    u8 both[64];
    memcpy(both, state, 32);
    memcpy(both + 32, mixin, 32);
    SHA256(both, 64, state);
}

/* slow_root is the definition: level by level, each in full. */
static void
slow_root(u8 root[QS_POH_SZ], u8 const *signature, u32 cnt)
{
    u8(*node)[QS_POH_SZ] = malloc(((u64)cnt + 1) * QS_POH_SZ);
    u8 text[65];
    for (u32 i = 0; i < cnt; i++) {
        text[0] = 0;
        memcpy(text + 1, signature + 64 * i, 64);
        SHA256(text, 65, node[i]);
    }
    while (cnt > 1) {
        if (cnt & 1) {
            memcpy(node[cnt], node[cnt - 1], QS_POH_SZ);
            cnt++;
        }
        for (u32 i = 0; i < cnt; i += 2) {
            text[0] = 1;
            memcpy(text + 1, node[i], 64);
            SHA256(text, 65, node[i / 2]);
        }
        cnt /= 2;
    }
    memcpy(root, node[0], QS_POH_SZ);
    free(node);
}

Test(poh, appending_is_hashing_over_and_over)
{
    static u32 const n[] = {0, 1, 2, 3, 100, 1001};
    qs_rng_init(&rng, 1, 0);
    for (u32 i = 0; i < QS_COUNT(n); i++) {
        u8 got[QS_POH_SZ], want[QS_POH_SZ];
        fill_random(got, sizeof(got));
        memcpy(want, got, sizeof(got));
        qs_poh_append(got, n[i]);
        slow_append(want, n[i]);
        cr_assert(memcmp(got, want, sizeof(got)) == 0, "%u", n[i]);
    }
}

Test(poh, mixing_is_one_hash_of_both)
{
    u8 got[QS_POH_SZ], want[QS_POH_SZ], mixin[QS_POH_SZ];
    qs_rng_init(&rng, 2, 0);
    fill_random(got, sizeof(got));
    fill_random(mixin, sizeof(mixin));
    memcpy(want, got, sizeof(got));
    qs_poh_mix(got, mixin);
    slow_mix(want, mixin);
    cr_assert(memcmp(got, want, sizeof(got)) == 0);
}

Test(poh, every_kernel_hashes_every_lane)
{
    qs_rng_init(&rng, 3, 0);
    for (u32 k = 0; k < qs_poh_kernel_cnt; k++) {
        qs_poh_kernel_t const *kernel = &qs_poh_kernels[k];
        if (!qs_cpu_has(kernel->needs)) {
            printf("skipped: %s: this processor cannot\n", kernel->name);
            continue;
        }
        for (u64 n = 0; n < 70; n = 2 * n + 1) {
            alignas(64) u32 state[8 * QS_POH_LANE_MAX];
            u8 want[QS_POH_LANE_MAX][QS_POH_SZ];
            fill_random(want, sizeof(want));
            for (u32 l = 0; l < kernel->lanes; l++)
                for (u32 i = 0; i < 8; i++)
                    state[i * kernel->lanes + l] = qs_load_be32(want[l] + 4 * i);
            kernel->iterate(state, n);
            for (u32 l = 0; l < kernel->lanes; l++) {
                slow_append(want[l], n);
                for (u32 i = 0; i < 8; i++)
                    cr_assert(state[i * kernel->lanes + l] == qs_load_be32(want[l] + 4 * i),
                              "%s, lane %u, %lu hashes", kernel->name, l, n);
            }
        }
    }
}

Test(poh, the_tree_is_the_definitions_for_any_number_of_signatures)
{
    static u8 signature[700][QS_POH_SIGNATURE_SZ];
    static qs_poh_tree_t tree;
    qs_rng_init(&rng, 4, 0);
    fill_random(signature, sizeof(signature));
    qs_poh_tree_init(&tree);
    for (u32 cnt = 1; cnt <= QS_COUNT(signature); cnt++) {
        u8 got[QS_POH_SZ], want[QS_POH_SZ];
        qs_poh_tree_add(&tree, signature[cnt - 1], 1);
        qs_poh_tree_root(&tree, got);
        slow_root(want, signature[0], cnt);
        cr_assert(memcmp(got, want, sizeof(got)) == 0, "%u signatures", cnt);
    }
    qs_poh_tree_t at_once;
    u8 got[QS_POH_SZ], want[QS_POH_SZ];
    qs_poh_tree_init(&at_once);
    qs_poh_tree_add(&at_once, signature[0], 3);
    qs_poh_tree_add(&at_once, signature[3], QS_COUNT(signature) - 3);
    qs_poh_tree_root(&at_once, got);
    qs_poh_tree_root(&tree, want);
    cr_assert(memcmp(got, want, sizeof(got)) == 0);
}

#define CHECKS 100u
static qs_poh_check_t check[CHECKS];

/* chain makes entries that follow each other, of 0 to 300 hashes, every third with a mixin. */
static void
chain(void)
{
    u8 state[QS_POH_SZ];
    fill_random(state, sizeof(state));
    for (u32 i = 0; i < CHECKS; i++) {
        qs_poh_check_t *c = &check[i];
        u64 n = i % 10 < 2 ? i % 10 : qs_rng_bounded(&rng, 300);
        *c = (qs_poh_check_t){.num_hashes = n, .mixed = i % 3 == 0};
        memcpy(c->start, state, QS_POH_SZ);
        slow_append(state, c->mixed ? (n ? n - 1 : 0) : n);
        if (c->mixed) {
            fill_random(c->mixin, QS_POH_SZ);
            slow_mix(state, c->mixin);
        }
        memcpy(c->hash, state, QS_POH_SZ);
    }
}

static void
run(qs_poh_kernel_t const *kernel, u64 step, u32 *wrong)
{
    static qs_poh_checker_t c;
    qs_poh_checker_init_with(&c, kernel);
    for (u32 i = 0; i < CHECKS; i++)
        qs_poh_checker_add(&c, &check[i]);
    while (qs_poh_checker_step(&c, step)) {
    }
    *wrong = c.wrong_cnt;
}

Test(poh, each_entry_gets_its_own_verdict)
{
    static u64 const step[] = {UINT64_MAX, 1000, 7, 1};
    qs_rng_init(&rng, 5, 0);
    for (u32 k = 0; k < qs_poh_kernel_cnt; k++) {
        if (!qs_cpu_has(qs_poh_kernels[k].needs))
            continue;
        for (u32 s = 0; s < QS_COUNT(step); s++) {
            u32 wrong;
            chain();
            run(&qs_poh_kernels[k], step[s], &wrong);
            cr_assert(eq(u32, wrong, 0));
            for (u32 i = 0; i < CHECKS; i++)
                cr_assert(eq(int, check[i].verdict, QS_POH_GOOD));
            check[5].hash[31] ^= 1;
            check[41].start[0] ^= 128;
            check[60].mixin[7] ^= 1; /* has one */
            check[61].mixin[7] ^= 1; /* has none */
            check[70].num_hashes++;  /* 0 of a tick */
            check[72].num_hashes += 2;
            run(&qs_poh_kernels[k], step[s], &wrong);
            for (u32 i = 0; i < CHECKS; i++) {
                bool bad = i == 5 || i == 41 || i == 60 || i == 70 || i == 72;
                cr_assert(check[i].verdict == (bad ? QS_POH_WRONG : QS_POH_GOOD), "%s, entry %u",
                          qs_poh_kernels[k].name, i);
            }
            cr_assert(eq(u32, wrong, 5));
        }
    }
}

Test(poh, no_hashes_and_transactions_are_one_hash)
{
    qs_poh_check_t c[2] = {{.num_hashes = 0, .mixed = true}, {.num_hashes = 1, .mixed = true}};
    u8 state[QS_POH_SZ] = {0}, mixin[QS_POH_SZ] = {0};
    slow_mix(state, mixin);
    memcpy(c[0].hash, state, QS_POH_SZ);
    memcpy(c[1].hash, state, QS_POH_SZ);
    cr_assert(eq(u64, qs_poh_check_all(c, 2), 0));
}

Test(poh, a_step_is_bounded_whatever_an_entry_claims)
{
    static qs_poh_checker_t c;
    qs_poh_check_t huge = {.num_hashes = UINT64_MAX};
    qs_poh_checker_init(&c);
    qs_poh_checker_add(&c, &huge);
    for (u32 i = 0; i < 10; i++)
        cr_assert(qs_poh_checker_step(&c, 100));
    cr_assert(eq(int, huge.verdict, QS_POH_PENDING));
}

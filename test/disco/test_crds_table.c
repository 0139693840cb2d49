/* Goal: the table keeps for each label what the rules say, makes room in the stated order, forgets in
   time, and every way to look at it (find, scan, since) shows the same.
   Method: tens of thousands of random operations on a small table and on a plain model of lists,
   compared throughout; and a few rules one by one, by name. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define MUST(condition) cr_assert(eq(int, !!(condition), 1))
#include "disco/crds_model.h"
#include "tango/base/qs_rng.h"

Test(crds_table, agrees_with_a_plain_model_through_random_operations)
{
    static model_t m;
    qs_crds_table_t t;
    qs_rng_t rng;
    static made_t made;
    u64 now = 1000000;
    u32 seen[6] = {0};

    open_table(&t, &small_conf);
    qs_rng_init(&rng, 11, 0);
    for (u32 round = 0; round < 60000; round++) {
        u32 o = (u32)(qs_rng_u64(&rng) % ORIGINS), dice = (u32)(qs_rng_u64(&rng) % 100);
        now += qs_rng_u64(&rng) % 200;
        if (dice < 88) {
            u16 sz = (u16)(qs_rng_u64(&rng) % 5 ? 100 : 900);
            u16 index = (u16)(qs_rng_u64(&rng) % INDEXES);
            make(&made, &t, o, index, now - qs_rng_u64(&rng) % 3000,
                 index ? 0 : qs_rng_u64(&rng) % 3, sz);
            qs_crds_outcome_t want = model_upsert(&m, o, &made, now);
            qs_crds_warm(&t, &made.item.label, 1);
            cr_assert(
                eq(int, qs_crds_upsert(&t, &made.item, QS_CRDS_BY_PULL, now, NULL), (int)want),
                "round %u", round);
            seen[want]++;
        } else if (dice < 94) {
            static u64 const stakes[] = {0, 0, 5, 9, 100, QS_CRDS_PINNED};
            u64 stake = stakes[qs_rng_u64(&rng) % QS_COUNT(stakes)];
            u8 key[32] = {0};
            if (stake && stake != QS_CRDS_PINNED)
                stake = stake * ORIGINS + o; /* of two with the same either may go */
            qs_store_le32(key, o);
            cr_assert(
                eq(int, qs_crds_set_stake(&t, key, stake, now), model_set_stake(&m, o, stake)));
        } else if (dice < 99) {
            model_expire(&m, now);
            qs_crds_expire(&t, now, UINT32_MAX);
        } else if (!(round % 50)) {
            now += QS_CRDS_STAKED_TTL_MS / 2;
        }
        if (!(round % 17))
            compare(&t, &m);
    }
    for (u32 i = 0; i < QS_COUNT(seen); i++)
        cr_assert(ge(u32, seen[i], i == QS_CRDS_DUPLICATE ? 0 : 100 + 1), "outcome %u was tried",
                  i);
    close_table(&t);
}

Test(crds_table, a_push_that_repeats_is_counted)
{
    qs_crds_table_t t;
    static made_t made;
    u32 slot;

    open_table(&t, &small_conf);
    make(&made, &t, 1, 0, 50, 1, 100);
    cr_assert(
        eq(int, qs_crds_upsert(&t, &made.item, QS_CRDS_BY_PUSH, 60, &slot), QS_CRDS_INSERTED));
    for (u32 i = 1; i < 400; i++) {
        cr_assert(eq(u32, t.entry[slot].push_cnt, i < 255 ? i : 255));
        cr_assert(
            eq(int, qs_crds_upsert(&t, &made.item, QS_CRDS_BY_PUSH, 60, NULL), QS_CRDS_DUPLICATE));
    }
    close_table(&t);
}

Test(crds_table, an_origin_that_was_heard_of_lives_on)
{
    qs_crds_table_t t;
    static made_t made;
    u8 staked[32] = {99};

    open_table(&t, &small_conf);
    qs_crds_set_stake(&t, staked, 5, 0); /* from now on unstaked origins have 15 s */
    for (u16 i = 1; i < 3; i++) {
        make(&made, &t, i, 0, 100000, 1, 100);
        qs_crds_upsert(&t, &made.item, QS_CRDS_BY_PULL, 1000, NULL);
    }
    qs_crds_touch(&t, made.origin, 9000); /* origin 2 */
    cr_assert(eq(u32, qs_crds_expire(&t, 1000 + QS_CRDS_TTL_MS - 1, UINT32_MAX), 0));
    cr_assert(eq(u32, qs_crds_expire(&t, 1000 + QS_CRDS_TTL_MS, UINT32_MAX), 1));
    cr_assert(ne(ptr, (void *)qs_crds_origin_of(&t, made.origin), NULL));
    cr_assert(eq(u32, qs_crds_expire(&t, 9000 + QS_CRDS_TTL_MS, UINT32_MAX), 1));
    close_table(&t);
}

Test(crds_table, hashes_of_the_past_are_kept_for_their_time_and_their_room)
{
    qs_crds_table_t t;
    static made_t made;

    open_table(&t, &small_conf);
    for (u32 i = 0; i < 3; i++) { /* two are replaced */
        make(&made, &t, 1, 0, 50 + i, 1, 100);
        qs_crds_upsert(&t, &made.item, QS_CRDS_BY_PULL, 1000 + i, NULL);
    }
    cr_assert(eq(u64, t.purged.head - t.purged.tail, 2));
    make(&made, &t, 1, 0, 50, 1, 100); /* an older one comes again */
    cr_assert(eq(int, qs_crds_upsert(&t, &made.item, QS_CRDS_BY_PULL, 2000, NULL), QS_CRDS_OLDER));
    cr_assert(eq(u64, t.purged.head - t.purged.tail, 3));
    cr_assert(eq(int, memcmp(t.purged.past[2].hash, made.hash, 32), 0));
    qs_crds_expire(&t, 1002 + QS_CRDS_PURGED_MS, 0);
    cr_assert(eq(u64, t.purged.head - t.purged.tail, 1));
    for (u32 i = 0; i < 1000; i++)
        qs_crds_fail(&t, made.hash, 5000);
    cr_assert(eq(u64, t.failed.head - t.failed.tail, small_conf.history_max));
    qs_crds_expire(&t, 5000 + QS_CRDS_FAILED_MS, 0);
    cr_assert(eq(u64, t.failed.head - t.failed.tail, 0));
    close_table(&t);
}

Test(crds_table, a_hundred_thousand_values_fit_128_mib)
{
    qs_crds_conf_t conf = {.value_max = 100000,
                           .large_max = 32768,
                           .origin_max = 16384,
                           .history_max = 65536,
                           .unstaked_max = 8};
    cr_assert(le(u64, qs_crds_table_footprint(&conf), 128ull << 20));
    cr_assert(ge(u64, qs_crds_table_footprint(&conf), (64ull << 20) + 1));
    conf.large_max = 0;
    cr_assert(eq(u64, qs_crds_table_footprint(&conf), 0));
}

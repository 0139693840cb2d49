/* Goal: of two feeds the one that was first gets the shred, and the time until the first copy from another.
   Method: headers made here, at times made here. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/shred/qs_sources.h"

static qs_sources_t s;

static u8 *
header(u32 n)
{
    static u8 h[83];
    memset(h, 0, sizeof(h));
    memcpy(h + 73, &n, sizeof(n)); /* the index */
    return h;
}

Test(sources, the_first_copy_from_another_feed_gives_the_lead)
{
    qs_sources_init(&s, 3, (qs_hash_key_t){1, 2});
    qs_sources_first(&s, header(1), 1, 1000);
    qs_sources_copy(&s, header(1), 1, 1100); /* its own copy */
    qs_sources_copy(&s, header(1), 0, 1250);
    qs_sources_copy(&s, header(1), 2, 9000);
    cr_assert(eq(u64, s.counts[1].first, 1));
    cr_assert(eq(u64, s.counts[1].led, 1));
    cr_assert(eq(u64, s.counts[1].lead_ns, 250));
    cr_assert(eq(u64, s.counts[1].copy, 1));
    cr_assert(eq(u64, s.counts[0].copy, 1));
    cr_assert(eq(u64, s.counts[2].copy, 1));
    cr_assert(eq(u64, s.counts[0].led + s.counts[2].led, 0));
}

Test(sources, shreds_are_told_apart_by_slot_kind_index_and_signature)
{
    u32 const at[] = {0, 64, 65, 73};
    qs_sources_init(&s, 2, (qs_hash_key_t){1, 2});
    qs_sources_first(&s, header(1), 1, 1000);
    for (u32 i = 0; i < QS_COUNT(at); i++) {
        u8 *h = header(1);
        h[at[i]] ^= 0x80;
        qs_sources_copy(&s, h, 0, 2000);
        cr_assert(eq(u64, s.counts[1].led, 0), "byte %u", at[i]);
    }
}

Test(sources, a_copy_that_seems_older_gives_no_lead)
{
    qs_sources_init(&s, 2, (qs_hash_key_t){1, 2});
    qs_sources_first(&s, header(1), 1, 1000);
    qs_sources_copy(&s, header(1), 0, 900);
    cr_assert(eq(u64, s.counts[1].led, 1));
    cr_assert(eq(u64, s.counts[1].lead_ns, 0));
}

Test(sources, nearly_all_of_the_last_few_thousand_are_remembered)
{
    u32 const cnt = QS_SOURCES_DEPTH / 8;
    qs_sources_init(&s, 2, (qs_hash_key_t){1, 2});
    for (u32 i = 0; i < cnt; i++)
        qs_sources_first(&s, header(i), 1, i);
    for (u32 i = 0; i < cnt; i++)
        qs_sources_copy(&s, header(i), 0, i + 7);
    cr_assert(s.counts[1].led > cnt * 9 / 10);
    cr_assert(eq(u64, s.counts[1].lead_ns, 7 * s.counts[1].led));
}

Test(sources, with_one_feed_nothing_is_compared)
{
    qs_sources_init(&s, 1, (qs_hash_key_t){1, 2});
    qs_sources_first(&s, header(1), 0, 1000);
    qs_sources_copy(&s, header(1), 0, 2000);
    cr_assert(eq(u64, s.counts[0].first, 1));
    cr_assert(eq(u64, s.counts[0].copy, 1));
    cr_assert(eq(u64, s.counts[0].led, 0));
}

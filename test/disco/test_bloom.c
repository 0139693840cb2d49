/* Goal: filters are those of the network: positions, sizes and masks are the spec's, a filter never
   forgets an item, and one with nothing in it contains nothing.
   Method: positions by an own sum, worked values of the spec (§6.1), random items. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_bloom.h"
#include "tango/base/qs_hash.h"
#include "tango/base/qs_rng.h"

static void
item_of(u8 item[32], qs_rng_t *rng)
{
    for (u32 i = 0; i < 4; i++)
        qs_store_le64(item + 8 * i, qs_rng_u64(rng));
}

Test(bloom, a_position_is_fnv_1a_that_begins_with_the_key)
{
    u64 word[16] = {0};
    u8 item[32] = "thirty-two bytes are one item...";
    /* qs_hash_bytes begins with offset basis ^ seed */
    u64 key = 12345, hash = qs_hash_bytes(0xcbf29ce484222325ull ^ key, item, 32);
    qs_bloom_t b = {.key = {key}, .key_cnt = 1, .bit_cnt = 1000, .word = word};

    qs_bloom_add(&b, item);
    cr_assert(eq(u64, word[hash % 1000 / 64], 1ull << hash % 1000 % 64));
    cr_assert(eq(u32, b.set_cnt, 1));
}

Test(bloom, sizes_are_those_of_the_network)
{
    static struct {
        u32 max_bytes, items, bits;
    } const worked[] = {
        {1213, 1682, 8062}, {1146, 1589, 7616}, {1088, 1508, 7228}, {928, 1287, 6168}};

    for (u32 i = 0; i < QS_COUNT(worked); i++) {
        u32 items = qs_bloom_items(8 * worked[i].max_bytes);
        cr_assert(eq(u32, items, worked[i].items));
        cr_assert(eq(u32, qs_bloom_bits(items, UINT32_MAX), worked[i].bits));
        cr_assert(eq(u32, qs_bloom_keys(worked[i].bits, items), 3));
        cr_assert(eq(u32, qs_bloom_mask_bits(65536, items), 6));
    }
    cr_assert(eq(u32, qs_bloom_mask_bits(10, 100), 0));
    cr_assert(eq(u32, qs_bloom_keys(100, 0), 0));
    cr_assert(eq(u32, qs_bloom_bits(0, 100), 8));
}

Test(bloom, an_item_that_was_added_is_contained_and_few_others_are)
{
    u64 word[126] = {0};
    qs_bloom_t b = {.key = {1, 2, 3}, .key_cnt = 3, .bit_cnt = 8062, .word = word};
    qs_rng_t rng;
    u8 item[32];
    u32 wrong = 0;

    qs_rng_init(&rng, 5, 0);
    for (u32 i = 0; i < 1682; i++) {
        item_of(item, &rng);
        qs_bloom_add(&b, item);
    }
    u32 set = 0;
    for (u32 i = 0; i < 126; i++)
        set += (u32)__builtin_popcountll(word[i]);
    cr_assert(eq(u32, b.set_cnt, set));
    qs_bloom_view_t view = qs_bloom_view(&b);
    qs_rng_init(&rng, 5, 0);
    for (u32 i = 0; i < 1682; i++) {
        item_of(item, &rng);
        cr_assert(qs_bloom_contains(&view, item));
    }
    for (u32 i = 0; i < 10000; i++) {
        item_of(item, &rng);
        wrong += qs_bloom_contains(&view, item);
    }
    cr_assert(wrong < 1500);
    cr_assert(ge(u32, wrong, 500 + 1));
}

Test(bloom, a_filter_without_keys_or_bits_contains_nothing)
{
    u64 key = 1, word = UINT64_MAX;
    u8 item[32] = {0};
    qs_bloom_view_t no_keys = {.word = (u8 *)&word, .bit_cnt = 64};
    qs_bloom_view_t no_bits = {.key = (u8 *)&key, .word = (u8 *)&word, .key_cnt = 1};

    cr_assert(not(qs_bloom_contains(&no_keys, item)));
    cr_assert(not(qs_bloom_contains(&no_bits, item)));
}

#include "disco/gossip/qs_bloom.h"

#include <math.h>

#define FNV_PRIME       0x100000001b3ull
#define FALSE_POSITIVES 0.1
#define WIRE_KEYS       8.0

static u64
position(u64 key, u8 const item[32], u32 bit_cnt)
{
    u64 hash = key;

    for (u32 i = 0; i < 32; i++)
        hash = (hash ^ item[i]) * FNV_PRIME;
    return hash % bit_cnt;
}

static bool
has_bit(u8 const *word, u64 bit)
{
    return word[bit >> 3] >> (bit & 7) & 1; /* words are little end first */
}

bool
qs_bloom_contains(qs_bloom_view_t const *b, u8 const item[32])
{
    if (!b->key_cnt || !b->bit_cnt)
        return false;
    for (u32 k = 0; k < b->key_cnt; k++)
        if (!has_bit(b->word, position(qs_load_le64(b->key + 8 * k), item, b->bit_cnt)))
            return false;
    return true;
}

qs_bloom_view_t
qs_bloom_view(qs_bloom_t const *b)
{
    return (qs_bloom_view_t){.key = (u8 const *)b->key,
                             .word = (u8 const *)b->word,
                             .key_cnt = b->key_cnt,
                             .bit_cnt = b->bit_cnt};
}

void
qs_bloom_add(qs_bloom_t *b, u8 const item[32])
{
    if (!b->bit_cnt)
        return;
    for (u32 k = 0; k < b->key_cnt; k++) {
        u64 bit = position(b->key[k], item, b->bit_cnt), mask = 1ull << (bit & 63);
        b->set_cnt += !(b->word[bit >> 6] & mask);
        b->word[bit >> 6] |= mask;
    }
}

u32
qs_bloom_bits(u32 items, u32 bits_max)
{
    double bits = ceil(items * log(FALSE_POSITIVES) / log(1.0 / pow(2.0, log(2.0))));
    u32 want = bits < 8 ? 8 : (u32)bits;

    return want < bits_max ? want : bits_max;
}

u32
qs_bloom_keys(u32 bits, u32 items)
{
    if (!items)
        return 0;
    double keys = round((double)bits / items * log(2.0));
    return keys < 1 ? 1 : keys > QS_BLOOM_KEY_MAX ? QS_BLOOM_KEY_MAX : (u32)keys;
}

u32
qs_bloom_items(u32 bits)
{
    return (u32)ceil(bits / (-WIRE_KEYS / log(1 - exp(log(FALSE_POSITIVES) / WIRE_KEYS))));
}

u32
qs_bloom_mask_bits(u32 items, u32 of_one)
{
    double bits = ceil(log2((double)items / of_one));
    return bits > 0 ? (u32)bits : 0;
}

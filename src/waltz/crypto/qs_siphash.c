#include "waltz/crypto/qs_siphash.h"

#include "tango/base/qs_bits.h"

QS_INLINE u64
rol(u64 x, u32 by)
{
    return x << by | x >> (64 - by);
}

QS_INLINE void
rounds(u64 v[4], u32 cnt)
{
    for (u32 i = 0; i < cnt; i++) {
        v[0] += v[1], v[1] = rol(v[1], 13) ^ v[0], v[0] = rol(v[0], 32);
        v[2] += v[3], v[3] = rol(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = rol(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = rol(v[1], 17) ^ v[2], v[2] = rol(v[2], 32);
    }
}

QS_INLINE void
absorb(u64 v[4], u64 word, u32 cnt)
{
    v[3] ^= word;
    rounds(v, cnt);
    v[0] ^= word;
}

QS_INLINE u64
siphash(qs_siphash_key_t key, u8 const *data, u64 sz, u32 word_rounds, u32 end_rounds)
{
    u64 v[4] = {key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
                key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573};
    u64 whole = sz & ~7ull;
    for (u64 i = 0; i < whole; i += 8)
        absorb(v, qs_load_le64(data + i), word_rounds);

    u64 last = sz << 56;
    for (u64 i = whole; i < sz; i++)
        last |= (u64)data[i] << 8 * (i - whole);
    absorb(v, last, word_rounds);
    v[2] ^= 0xff;
    rounds(v, end_rounds);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

qs_siphash_key_t
qs_siphash_key_load(u8 const key[QS_SIPHASH_KEY_SZ])
{
    return (qs_siphash_key_t){qs_load_le64(key), qs_load_le64(key + 8)};
}

u64
qs_siphash13(qs_siphash_key_t key, void const *data, u64 sz)
{
    return siphash(key, data, sz, 1, 3);
}

u64
qs_siphash24(qs_siphash_key_t key, void const *data, u64 sz)
{
    return siphash(key, data, sz, 2, 4);
}

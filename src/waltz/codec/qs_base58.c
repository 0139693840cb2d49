#include "waltz/codec/qs_base58.h"

#include "tango/base/qs_bits.h"

/* The work is done on groups of five digits: the largest power of 58 that fits 32 bits. */
#define GROUP_LEN 5u
#define GROUP     656356768u /* 58^5 */
#define LIMB_MAX  (QS_BASE58_SZ_MAX / 4)
#define GROUP_MAX ((QS_BASE58_LEN_MAX + GROUP_LEN - 1) / GROUP_LEN)

static char const alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* A character's digit and 1; 0 is no digit. */
/* clang-format off */
static u8 const digit_and_1[256] = {
    ['1'] =  1,  2,  3,  4,  5,  6,  7,  8,  9,
    ['A'] = 10, 11, 12, 13, 14, 15, 16, 17,
    ['J'] = 18, 19, 20, 21, 22,
    ['P'] = 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
    ['a'] = 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    ['m'] = 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
};
/* clang-format on */

/* to_groups divides sz bytes by 58^5 again and again.  Returns how many groups it made, the
   least significant first. */
QS_INLINE u32
to_groups(u32 group[], u8 const *in, u32 sz)
{
    u32 limb[LIMB_MAX]; /* the most significant first */
    u32 limb_cnt = (sz + 3) / 4;
    u32 odd = sz % 4;
    limb[0] = 0;
    for (u32 i = 0; i < odd; i++)
        limb[0] = limb[0] << 8 | in[i];
    for (u32 i = odd ? 1 : 0, at = odd; at < sz; i++, at += 4)
        limb[i] = qs_load_be32(in + at);

    u32 group_cnt = 0;
    for (u32 first = 0;;) {
        while (first < limb_cnt && !limb[first])
            first++;
        if (first == limb_cnt)
            return group_cnt;
        u64 rest = 0;
        for (u32 i = first; i < limb_cnt; i++) {
            u64 part = rest << 32 | limb[i];
            limb[i] = (u32)(part / GROUP);
            rest = part % GROUP;
        }
        group[group_cnt++] = (u32)rest;
    }
}

/* encode returns the length of the text, or -ENOSPC. */
QS_INLINE i64
encode(char *out, u64 out_max, u8 const *in, u32 sz)
{
    u32 group[GROUP_MAX];
    u32 group_cnt = to_groups(group, in, sz);
    u32 zero_cnt = 0;
    while (zero_cnt < sz && !in[zero_cnt])
        zero_cnt++;

    char digits[GROUP_MAX * GROUP_LEN];
    u32 digit_cnt = group_cnt * GROUP_LEN;
    for (u32 g = 0; g < group_cnt; g++) {
        u32 rest = group[g];
        for (u32 i = 0; i < GROUP_LEN; i++, rest /= 58)
            digits[digit_cnt - 1 - g * GROUP_LEN - i] = alphabet[rest % 58];
    }
    u32 skip = 0; /* only the first group can begin with digits of no value */
    while (skip < digit_cnt && digits[skip] == alphabet[0])
        skip++;

    u64 len = zero_cnt + (digit_cnt - skip);
    if (len >= out_max)
        return -ENOSPC;
    memset(out, alphabet[0], zero_cnt);
    memcpy(out + zero_cnt, digits + skip, digit_cnt - skip);
    out[len] = 0;
    return (i64)len;
}

/* from_digits multiplies and adds, five digits at a time.  Returns how many limbs the number has,
   the least significant first, or -EINVAL: not a digit, or more than limb_max of them. */
QS_INLINE i32
from_digits(u32 limb[], u32 limb_max, char const *text, u32 len)
{
    u32 limb_cnt = 0;
    for (u32 at = 0, take = len % GROUP_LEN ? len % GROUP_LEN : GROUP_LEN; at < len;
         at += take, take = GROUP_LEN) {
        u64 carry = 0;
        bool bad = false;
        for (u32 i = 0; i < take; i++) {
            u64 digit = digit_and_1[(u8)text[at + i]];
            bad |= !digit;
            carry = carry * 58 + digit - 1;
        }
        if (bad)
            return -EINVAL;
        for (u32 i = 0; i < limb_cnt; i++) {
            carry += (u64)limb[i] * GROUP;
            limb[i] = (u32)carry;
            carry >>= 32;
        }
        if (!carry)
            continue;
        if (limb_cnt == limb_max)
            return -EINVAL;
        limb[limb_cnt++] = (u32)carry;
    }
    return (i32)limb_cnt;
}

/* decode returns the bytes text stands for, -EINVAL if they are not between sz_min and sz_max,
   or -ENOSPC. */
QS_INLINE i64
decode(u8 *out, u64 out_max, char const *text, u32 len, u32 sz_min, u32 sz_max)
{
    u32 limb[LIMB_MAX];
    u32 zero_cnt = 0;
    while (zero_cnt < len && text[zero_cnt] == alphabet[0])
        zero_cnt++;
    i32 limb_cnt = from_digits(limb, (sz_max + 3) / 4, text + zero_cnt, len - zero_cnt);
    if (limb_cnt < 0)
        return limb_cnt;

    u32 number_sz = 4 * (u32)limb_cnt;
    if (limb_cnt)
        number_sz -= (u32)__builtin_clz(limb[limb_cnt - 1]) / 8;
    u32 sz = zero_cnt + number_sz;
    if (sz < sz_min || sz > sz_max)
        return -EINVAL;
    if (sz > out_max)
        return -ENOSPC;
    memset(out, 0, zero_cnt);
    for (u32 i = 0; i < number_sz; i++)
        out[sz - 1 - i] = (u8)(limb[i / 4] >> 8 * (i % 4));
    return sz;
}

u32
qs_base58_encode_32(char out[QS_BASE58_32_MAX], u8 const in[32])
{
    return (u32)encode(out, QS_BASE58_32_MAX, in, 32);
}

u32
qs_base58_encode_64(char out[QS_BASE58_64_MAX], u8 const in[64])
{
    return (u32)encode(out, QS_BASE58_64_MAX, in, 64);
}

int
qs_base58_decode_32(u8 out[32], char const *text, u64 len)
{
    if (len >= QS_BASE58_32_MAX)
        return -EINVAL;
    return decode(out, 32, text, (u32)len, 32, 32) < 0 ? -EINVAL : 0;
}

int
qs_base58_decode_64(u8 out[64], char const *text, u64 len)
{
    if (len >= QS_BASE58_64_MAX)
        return -EINVAL;
    return decode(out, 64, text, (u32)len, 64, 64) < 0 ? -EINVAL : 0;
}

i64
qs_base58_encode(char *out, u64 out_max, u8 const *in, u64 sz)
{
    if (sz > QS_BASE58_SZ_MAX)
        return -EINVAL;
    return encode(out, out_max, in, (u32)sz);
}

i64
qs_base58_decode(u8 *out, u64 out_max, char const *text, u64 len)
{
    if (len > QS_BASE58_LEN_MAX)
        return -EINVAL;
    return decode(out, out_max, text, (u32)len, 0, QS_BASE58_SZ_MAX);
}

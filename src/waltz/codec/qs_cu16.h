/* qs_cu16 - compact-u16, the length prefix of Solana's formats: 7 bits a byte, the low ones first,
   the top bit of a byte says that another follows.

       0 .. 127          0xxxxxxx
       128 .. 16383      1xxxxxxx 0xxxxxxx
       16384 .. 65535    1xxxxxxx 1xxxxxxx 000000xx

   A number has exactly one encoding, the shortest; decoding accepts no other.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_CU16_H
#define QS_WALTZ_CODEC_CU16_H

#include "tango/base/qs_base.h"

#define QS_CU16_SZ_MAX 3u

/* qs_cu16_decode reads the number that begins at p, of which sz bytes may be read.  Returns how
   many bytes it takes, 0 if it goes on behind them, or -EINVAL: not the shortest encoding, or
   above 65535.  Unless it is positive *value is untouched. */
QS_INLINE i32
qs_cu16_decode(u16 *value, u8 const *p, u64 sz)
{
    if (qs_unlikely(!sz))
        return 0;
    if (qs_likely(p[0] < 0x80)) {
        *value = p[0];
        return 1;
    }
    if (sz < 2)
        return 0;
    if (p[1] < 0x80) {
        if (!p[1])
            return -EINVAL;
        *value = (u16)((p[0] & 0x7f) | p[1] << 7);
        return 2;
    }
    if (sz < 3)
        return 0;
    if (!p[2] || p[2] > 3)
        return -EINVAL;
    *value = (u16)((p[0] & 0x7f) | (p[1] & 0x7f) << 7 | p[2] << 14);
    return 3;
}

/* qs_cu16_sz returns how many bytes value takes. */
QS_INLINE u32
qs_cu16_sz(u16 value)
{
    return 1u + (value >= 0x80) + (value >= 0x4000);
}

/* qs_cu16_encode writes value to out, which has room for qs_cu16_sz(value) bytes, and returns
   how many those are. */
QS_INLINE u32
qs_cu16_encode(u8 *out, u16 value)
{
    u32 sz = qs_cu16_sz(value);

    for (u32 i = 0; i + 1 < sz; i++) {
        out[i] = (u8)(value | 0x80);
        value = (u16)(value >> 7);
    }
    out[sz - 1] = (u8)value;
    return sz;
}

#endif

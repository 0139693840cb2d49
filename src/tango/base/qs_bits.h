/* qs_bits.h - powers of two, rounding, and integers in a byte order of their own.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_BITS_H
#define QS_TANGO_BASE_BITS_H

#include "tango/base/qs_base.h"

QS_INLINE bool
qs_is_pow2(u64 x)
{
    return x && !(x & (x - 1));
}

/* qs_align_up rounds x up to a multiple of align, a power of two. */
QS_INLINE u64
qs_align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

/* qs_log2 returns the index of the highest set bit of x; x is not 0. */
QS_INLINE u32
qs_log2(u64 x)
{
    return 63u - (u32)__builtin_clzll(x);
}

QS_INLINE u64
qs_min_u64(u64 a, u64 b)
{
    return a < b ? a : b;
}

QS_INLINE u64
qs_max_u64(u64 a, u64 b)
{
    return a > b ? a : b;
}

/* qs_{load,store}_{le,be}{16,32,64} access unaligned bytes in the order they name. */
#define QS_BITS_ACCESS_(order, bits, swap_if)                                                      \
    QS_INLINE u##bits qs_load_##order##bits(void const *p)                                         \
    {                                                                                              \
        u##bits v;                                                                                 \
        memcpy(&v, p, sizeof(v));                                                                  \
        return __BYTE_ORDER__ == swap_if ? __builtin_bswap##bits(v) : v;                           \
    }                                                                                              \
    QS_INLINE void qs_store_##order##bits(void *p, u##bits v)                                      \
    {                                                                                              \
        if (__BYTE_ORDER__ == swap_if)                                                             \
            v = __builtin_bswap##bits(v);                                                          \
        memcpy(p, &v, sizeof(v));                                                                  \
    }

QS_BITS_ACCESS_(le, 16, __ORDER_BIG_ENDIAN__)
QS_BITS_ACCESS_(le, 32, __ORDER_BIG_ENDIAN__)
QS_BITS_ACCESS_(le, 64, __ORDER_BIG_ENDIAN__)
QS_BITS_ACCESS_(be, 16, __ORDER_LITTLE_ENDIAN__)
QS_BITS_ACCESS_(be, 32, __ORDER_LITTLE_ENDIAN__)
QS_BITS_ACCESS_(be, 64, __ORDER_LITTLE_ENDIAN__)

#endif

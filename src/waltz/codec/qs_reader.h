/* qs_reader - bytes of the wire, taken from the front and never past the end.

   Every read of a reader that has failed returns 0, so that a parser looks at `fault` where it
   matters (before it loops, and at the end) and not after every field.

       fixed width integers little end first, as bincode writes them
       compact-u16, varint: seven bits a byte, low bits first, only in the shortest form
       bit vector           option byte, u64 count of words, words, u64 count of bits

   Source: Solana's bincode (fixint), short_vec and serde_varint; bv::BitVec.

   Threads: the owner's.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_READER_H
#define QS_WALTZ_CODEC_READER_H

#include "tango/base/qs_bits.h"

typedef enum qs_reader_fault {
    QS_READER_OK,
    QS_READER_CUT,    /* the bytes end too early */
    QS_READER_VARINT, /* not the shortest form, or too large for its type */
    QS_READER_OPTION, /* an option byte that is neither 0 nor 1 */
    QS_READER_BITS,   /* more bits than words, or bits without words */
} qs_reader_fault_t;

typedef struct qs_reader {
    u8 const *data;
    u32 at, sz;
    qs_reader_fault_t fault; /* the first one */
} qs_reader_t;

QS_INLINE u32
qs_reader_left(qs_reader_t const *r)
{
    return r->sz - r->at;
}

QS_INLINE void
qs_reader_fail(qs_reader_t *r, qs_reader_fault_t fault)
{
    if (!r->fault)
        r->fault = fault;
    r->at = r->sz;
}

/* qs_read_skip passes n bytes, however large n is, and returns where they lie, as an offset. */
QS_INLINE u32
qs_read_skip(qs_reader_t *r, u64 n)
{
    u32 at = r->at;

    if (qs_unlikely(n > qs_reader_left(r)))
        qs_reader_fail(r, QS_READER_CUT);
    else
        r->at += (u32)n;
    return at;
}

#define QS_READ_FIXED_(bits)                                                                       \
    QS_INLINE u##bits qs_read_u##bits(qs_reader_t *r)                                              \
    {                                                                                              \
        u32 at = qs_read_skip(r, bits / 8);                                                        \
        return qs_unlikely(r->fault) ? 0 : qs_load_le##bits(r->data + at);                         \
    }

QS_READ_FIXED_(16)
QS_READ_FIXED_(32)
QS_READ_FIXED_(64)

QS_INLINE u8
qs_read_u8(qs_reader_t *r)
{
    u32 at = qs_read_skip(r, 1);
    return qs_unlikely(r->fault) ? 0 : r->data[at];
}

/* qs_read_varint reads a number of at most `bits` bits (16 or 64); compact-u16 is that of 16. */
QS_INLINE u64
qs_read_varint(qs_reader_t *r, u32 bits)
{
    u64 value = 0;

    for (u32 shift = 0;; shift += 7) {
        u8 byte = qs_read_u8(r);
        u64 group = byte & 127u;
        bool wide = shift >= bits || (shift + 7 > bits && group >> (bits - shift));
        if (qs_unlikely(wide || (shift && !byte))) {
            qs_reader_fail(r, QS_READER_VARINT); /* unless it had failed: then byte is 0 */
            return 0;
        }
        value |= group << shift;
        if (!(byte & 128u))
            return value;
    }
}

QS_INLINE u32
qs_read_cu16(qs_reader_t *r)
{
    return (u32)qs_read_varint(r, 16);
}

QS_INLINE bool
qs_read_option(qs_reader_t *r)
{
    u8 byte = qs_read_u8(r);

    if (qs_unlikely(byte > 1))
        qs_reader_fail(r, QS_READER_OPTION);
    return byte == 1;
}

/* Where a bit vector lies: words of 1 or 8 bytes. */
typedef struct qs_bits_view {
    u32 off;
    u32 word_cnt;
    u32 bit_cnt;
} qs_bits_view_t;

QS_INLINE qs_bits_view_t
qs_read_bits(qs_reader_t *r, u32 word_sz)
{
    bool some = qs_read_option(r);
    u64 words = some ? qs_read_u64(r) : 0;

    if (words > qs_reader_left(r)) { /* before it is multiplied */
        qs_reader_fail(r, QS_READER_CUT);
        return (qs_bits_view_t){0};
    }
    u32 off = qs_read_skip(r, words * word_sz);
    u64 bits = qs_read_u64(r);
    if (bits > words * word_sz * 8)
        qs_reader_fail(r, QS_READER_BITS);
    if (r->fault)
        return (qs_bits_view_t){0};
    return (qs_bits_view_t){.off = off, .word_cnt = (u32)words, .bit_cnt = (u32)bits};
}

#endif

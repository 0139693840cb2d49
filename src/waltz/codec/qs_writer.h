/* qs_writer - the other way round from qs_reader: bytes for the wire, never past the room.

   A writer that is full stays full and writes nothing more; look at `full` at the end.

   Threads: the owner's.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_WRITER_H
#define QS_WALTZ_CODEC_WRITER_H

#include "tango/base/qs_bits.h"

typedef struct qs_writer {
    u8 *data;
    u32 at, sz;
    bool full;
} qs_writer_t;

/* qs_write_room returns n bytes to be filled, or NULL. */
QS_INLINE u8 *
qs_write_room(qs_writer_t *w, u64 n)
{
    if (w->full || n > w->sz - w->at) {
        w->full = true;
        return NULL;
    }
    u8 *room = w->data + w->at;
    w->at += (u32)n;
    return room;
}

QS_INLINE void
qs_write_bytes(qs_writer_t *w, void const *bytes, u64 n)
{
    u8 *room = qs_write_room(w, n);
    if (room && n)
        memcpy(room, bytes, n);
}

QS_INLINE void
qs_write_u8(qs_writer_t *w, u8 v)
{
    qs_write_bytes(w, &v, 1);
}

#define QS_WRITE_FIXED_(bits)                                                                      \
    QS_INLINE void qs_write_u##bits(qs_writer_t *w, u##bits v)                                     \
    {                                                                                              \
        u8 *room = qs_write_room(w, bits / 8);                                                     \
        if (room)                                                                                  \
            qs_store_le##bits(room, v);                                                            \
    }

QS_WRITE_FIXED_(16)
QS_WRITE_FIXED_(32)
QS_WRITE_FIXED_(64)

QS_INLINE void
qs_write_varint(qs_writer_t *w, u64 v)
{
    for (; v > 127; v >>= 7)
        qs_write_u8(w, (u8)(v | 128u));
    qs_write_u8(w, (u8)v);
}

/* qs_write_bits writes a bit vector of words of 1 or 8 bytes, given as they lie on the wire. */
QS_INLINE void
qs_write_bits(qs_writer_t *w, void const *words, u64 word_cnt, u32 word_sz, u64 bit_cnt)
{
    qs_write_u8(w, word_cnt != 0);
    if (word_cnt) {
        qs_write_u64(w, word_cnt);
        qs_write_bytes(w, words, word_cnt * word_sz);
    }
    qs_write_u64(w, bit_cnt);
}

#endif

/* qs_sha256_streams.h - SHA-256 with the instructions made for it, for several messages that fill
   each other's gaps.  Private to qs_sha256_shani.c.

   The instructions want the state as ABEF and CDGH, words listed from the highest down.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SHA256_STREAMS_H
#define QS_WALTZ_CRYPTO_SHA256_STREAMS_H

#include <immintrin.h>

#include "waltz/crypto/qs_sha256_rounds.h"

#define STREAM_MAX 2u

typedef struct stream {
    __m128i abef, cdgh;
    __m128i w[4]; /* the sixteen words in flight */
} stream_t;

QS_INLINE void
load_state(stream_t *s, u32 const h[8])
{
    s->abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
    s->cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
}

QS_INLINE void
store_state(stream_t const *s, u32 h[8])
{
    u32 lo[4], hi[4];
    _mm_storeu_si128((__m128i *)lo, s->abef);
    _mm_storeu_si128((__m128i *)hi, s->cdgh);
    h[0] = lo[3], h[1] = lo[2], h[4] = lo[1], h[5] = lo[0];
    h[2] = hi[3], h[3] = hi[2], h[6] = hi[1], h[7] = hi[0];
}

QS_INLINE void
load_words(stream_t *s, u8 const *block)
{
    __m128i const swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    for (u32 i = 0; i < 4; i++)
        s->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((__m128i const *)(void const *)(block + 16 * i)),
                                   swap);
}

/* four_rounds does rounds 4i to 4i + 3.  After each pair of rounds the two halves of the
   state have changed roles. */
QS_INLINE void
four_rounds(stream_t *s, u32 i)
{
    __m128i const *k = (__m128i const *)(void const *)(qs_sha256_k + 4 * i);
    __m128i kw = _mm_add_epi32(s->w[i & 3], _mm_loadu_si128(k));
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, kw);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(kw, 0x0e));
}

/* extend replaces the oldest four words by those that are 16 rounds later. */
QS_INLINE void
extend(stream_t *s, u32 i)
{
    __m128i w8 = s->w[(i + 2) & 3], w12 = s->w[(i + 3) & 3];
    __m128i w9 = _mm_alignr_epi8(w12, w8, 4);
    __m128i near = _mm_add_epi32(_mm_sha256msg1_epu32(s->w[i & 3], s->w[(i + 1) & 3]), w9);
    s->w[i & 3] = _mm_sha256msg2_epu32(near, w12);
}

QS_INLINE void
compress(stream_t *s, u32 stream_cnt, u8 const *const *data, u64 off)
{
    __m128i abef[STREAM_MAX], cdgh[STREAM_MAX];
    for (u32 l = 0; l < stream_cnt; l++) {
        abef[l] = s[l].abef;
        cdgh[l] = s[l].cdgh;
        load_words(&s[l], data[l] + off);
    }
#pragma GCC unroll 16
    for (u32 i = 0; i < 16; i++) {
#pragma GCC unroll 4
        for (u32 l = 0; l < stream_cnt; l++) {
            if (i >= 4)
                extend(&s[l], i);
            four_rounds(&s[l], i);
        }
    }
    for (u32 l = 0; l < stream_cnt; l++) {
        s[l].abef = _mm_add_epi32(s[l].abef, abef[l]);
        s[l].cdgh = _mm_add_epi32(s[l].cdgh, cdgh[l]);
    }
}

/* compress_many does the work of a kernel's `many` with stream_cnt lanes, a constant. */
QS_INLINE void
compress_many(void *state, u32 stream_cnt, u8 const *const *data, u64 block_cnt)
{
    u32 *word = state;
    u32 h[STREAM_MAX][8];
    stream_t s[STREAM_MAX];
    for (u32 l = 0; l < stream_cnt; l++) {
        for (u32 i = 0; i < 8; i++)
            h[l][i] = word[i * stream_cnt + l];
        load_state(&s[l], h[l]);
    }
    for (u64 off = 0; off < block_cnt * 64; off += 64)
        compress(s, stream_cnt, data, off);
    for (u32 l = 0; l < stream_cnt; l++) {
        store_state(&s[l], h[l]);
        for (u32 i = 0; i < 8; i++)
            word[i * stream_cnt + l] = h[l][i];
    }
}

#endif

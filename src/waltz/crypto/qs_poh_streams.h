/* qs_poh_streams.h - chains by the instructions made for SHA-256, several that fill each other's gaps.
   Private to qs_poh*_shani*.c, whose compiler flags decide on the registers.

   A hash is 32 sha256rnds2 of which each waits for the one before.  The state never leaves its
   registers: two shuffles make message words of it.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_POH_STREAMS_H
#define QS_WALTZ_CRYPTO_POH_STREAMS_H

#include <immintrin.h>

#include "waltz/crypto/qs_poh_rounds.h"
#include "waltz/crypto/qs_sha256.h"

#define CHAIN_MAX 4u

/* Words are listed from the highest element down: abef is a, b, e, f. */
typedef struct chain {
    __m128i abef, cdgh;
    __m128i w[4];
} chain_t;

QS_INLINE __m128i
four_of(u32 const *word)
{
    return _mm_loadu_si128((__m128i const *)(void const *)word);
}

/* words_of makes words 0..3 (a b c d, from the lowest element up) and 4..7 of a digest. */
QS_INLINE void
words_of(chain_t *c)
{
    __m128i abcd = _mm_unpackhi_epi64(c->cdgh, c->abef); /* d c b a */
    __m128i efgh = _mm_unpacklo_epi64(c->cdgh, c->abef); /* h g f e */
    c->w[0] = _mm_shuffle_epi32(abcd, 0x1b);
    c->w[1] = _mm_shuffle_epi32(efgh, 0x1b);
}

QS_INLINE void
load_chain(chain_t *c, u32 const *state, u32 lane, u32 lanes)
{
    u32 h[8];
    for (u32 i = 0; i < 8; i++)
        h[i] = state[i * lanes + lane];
    c->abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
    c->cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
}

QS_INLINE void
store_chain(chain_t const *c, u32 *state, u32 lane, u32 lanes)
{
    u32 lo[4], hi[4];
    u32 *s = state + lane;
    _mm_storeu_si128((__m128i *)(void *)lo, c->abef);
    _mm_storeu_si128((__m128i *)(void *)hi, c->cdgh);
    s[0] = lo[3], s[lanes] = lo[2], s[4 * lanes] = lo[1], s[5 * lanes] = lo[0];
    s[2 * lanes] = hi[3], s[3 * lanes] = hi[2], s[6 * lanes] = hi[1], s[7 * lanes] = hi[0];
}

QS_INLINE void
rounds(chain_t *c, __m128i kw)
{
    c->cdgh = _mm_sha256rnds2_epu32(c->cdgh, c->abef, kw);
    c->abef = _mm_sha256rnds2_epu32(c->abef, c->cdgh, _mm_shuffle_epi32(kw, 0x0e));
}

/* four does rounds 4i to 4i + 3.  k are the round constants, those of the padding's words with these
   added. */
QS_INLINE void
four(chain_t *c, u32 i, __m128i const k[16])
{
    if (i >= 4) {
        __m128i w8 = c->w[(i + 2) & 3], w12 = c->w[(i + 3) & 3];
        __m128i near = _mm_sha256msg1_epu32(c->w[i & 3], c->w[(i + 1) & 3]);
        near = _mm_add_epi32(near, _mm_alignr_epi8(w12, w8, 4));
        c->w[i & 3] = _mm_sha256msg2_epu32(near, w12);
    }
    __m128i kw = i == 2 || i == 3 ? k[i] : _mm_add_epi32(c->w[i & 3], k[i]);
    rounds(c, kw);
}

/* iterate_lanes hashes each of `lanes` chains n times; lanes is a constant. */
QS_INLINE void
iterate_lanes(u32 *state, u32 lanes, u64 n)
{
    __m128i const pad2 = _mm_set_epi32(0, 0, 0, (int)QS_POH_PAD_FIRST);
    __m128i const pad3 = _mm_set_epi32((int)QS_POH_PAD_LAST, 0, 0, 0);
    __m128i
        k[16]; /* aligned: an operand in memory, where the table would cost a load and a register */
    u32 const *iv = qs_sha256_iv;
    __m128i const abef = _mm_set_epi32((int)iv[0], (int)iv[1], (int)iv[4], (int)iv[5]);
    __m128i const cdgh = _mm_set_epi32((int)iv[2], (int)iv[3], (int)iv[6], (int)iv[7]);
    chain_t c[CHAIN_MAX];

    for (u32 i = 0; i < 16; i++)
        k[i] = four_of(qs_sha256_k + 4 * i);
    k[2] = _mm_add_epi32(k[2], pad2);
    k[3] = _mm_add_epi32(k[3], pad3);
    for (u32 l = 0; l < lanes; l++)
        load_chain(&c[l], state, l, lanes);
    for (; n; n--) {
#pragma GCC unroll 4
        for (u32 l = 0; l < lanes; l++) {
            words_of(&c[l]);
            c[l].w[2] = pad2;
            c[l].w[3] = pad3;
            c[l].abef = abef;
            c[l].cdgh = cdgh;
        }
#pragma GCC unroll 16
        for (u32 i = 0; i < 16; i++) {
#pragma GCC unroll 4
            for (u32 l = 0; l < lanes; l++)
                four(&c[l], i, k);
        }
#pragma GCC unroll 4
        for (u32 l = 0; l < lanes; l++) {
            c[l].abef = _mm_add_epi32(c[l].abef, abef);
            c[l].cdgh = _mm_add_epi32(c[l].cdgh, cdgh);
        }
    }
    for (u32 l = 0; l < lanes; l++)
        store_chain(&c[l], state, l, lanes);
}

#endif

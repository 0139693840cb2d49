/* qs_poh_rounds.h - what is known of the block that a chain hashes: 32 bytes of state, then always the
   same padding.  Private to qs_poh*.c.

       w[0..8)  the state before, as words: what a digest is before it is written as bytes
       w[8]     0x80000000
       w[9..15) 0
       w[15]    256, the length in bits

   So the words go from one hash to the next without ever being bytes, and the parts of the message
   schedule that come of the padding alone are constants:

       w[i + 16] = w[i] + sigma0(w[i + 1]) + w[i + 9] + sigma1(w[i + 14])

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_POH_ROUNDS_H
#define QS_WALTZ_CRYPTO_POH_ROUNDS_H

#include "waltz/crypto/qs_sha256_rounds.h"

#define QS_POH_PAD_FIRST  0x80000000u
#define QS_POH_PAD_LAST   256u
#define QS_POH_ROR_(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define QS_POH_SIGMA0_(x) (QS_POH_ROR_(x, 7) ^ QS_POH_ROR_(x, 18) ^ (x) >> 3)
#define QS_POH_SIGMA1_(x) (QS_POH_ROR_(x, 17) ^ QS_POH_ROR_(x, 19) ^ (x) >> 10)

/* qs_poh_pad_ is word i of the block, if it is the padding's; i >= 8. */
QS_INLINE u32
qs_poh_pad_(u32 i)
{
    return i == 8 ? QS_POH_PAD_FIRST : i == 15 ? QS_POH_PAD_LAST : 0;
}

/* qs_poh_known_ is what words of the padding contribute to word i + 16, i < 16.  Words from 16 on
   are not of the padding any more. */
QS_INLINE u32
qs_poh_known_(u32 i)
{
    u32 sum = i >= 8 ? qs_poh_pad_(i) : 0;
    if (i + 1 >= 8 && i + 1 < 16)
        sum += QS_POH_SIGMA0_(qs_poh_pad_(i + 1));
    if (i + 9 < 16)
        sum += qs_poh_pad_(i + 9);
    if (i + 14 < 16)
        sum += QS_POH_SIGMA1_(qs_poh_pad_(i + 14));
    return sum;
}

#if defined(__x86_64__)
void qs_poh_iterate_avx2(u32 *state, u64 n);
void qs_poh_iterate_avx512(u32 *state, u64 n);
void qs_poh_iterate_1_shani(u32 *state, u64 n);
void qs_poh_iterate_2_shani(u32 *state, u64 n);
void qs_poh_iterate_4_shani_avx512(u32 *state, u64 n);
#endif

#endif

/* qs_ed25519_comb - choosing an entry of the signing table without telling which.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_COMB_H
#define QS_WALTZ_CRYPTO_ED25519_COMB_H

#include "tango/base/qs_base.h"

#define COMB_TEETH  26u
#define COMB_DIGITS (2 * COMB_TEETH) /* of five bits: tooth i has digits 2i and 2i + 1 */

/* What this file's flags let a register compare at once. */
#if defined(__AVX2__)
#define COMB_BYTES 32u
#else
#define COMB_BYTES 16u
#endif

typedef u32 comb_vec_t __attribute__((vector_size(COMB_BYTES)));

/* comb_select writes table[size - 1], or the neutral entry for size 0; it reads all of it. */
QS_INLINE void
comb_select(u64 word[3][4], u64 const table[16][3][4], u32 size)
{
    u32 is_zero = (size - 1) >> 31;
    comb_vec_t wanted = (comb_vec_t){0} + size, i = {0};
    comb_vec_t sum[96 / COMB_BYTES] = {{0}}, one_if_zero = {is_zero};
    sum[0] = one_if_zero;
    sum[32 / COMB_BYTES] = one_if_zero;
    comb_vec_t const *entry = (comb_vec_t const *)table;
    /* Unrolled, the comparisons would be scalar, and many. */
#pragma GCC unroll 1
    for (u32 n = 0; n < 16; n++, entry += 96 / COMB_BYTES) {
        i += 1;
        comb_vec_t mask = (comb_vec_t)(i == wanted);
#pragma GCC unroll 6
        for (u32 j = 0; j < 96 / COMB_BYTES; j++)
            sum[j] |= entry[j] & mask;
    }
    memcpy(word, sum, sizeof(sum));
}

#endif

/* qs_chacha_kernels.h - the kernels that live in files of their own.  Private to qs_chacha*.c.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_CHACHA_KERNELS_H
#define QS_WALTZ_CRYPTO_CHACHA_KERNELS_H

#include "tango/base/qs_bits.h"

#if defined(__x86_64__)
void qs_chacha_blocks_avx2(u8 *out, u32 const word[16], u32 round_cnt);
void qs_chacha_blocks_avx512(u8 *out, u32 const word[16], u32 round_cnt);
#endif

#endif

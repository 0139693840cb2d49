/* qs_chacha.h - ChaCha with 8 or 20 rounds, as a keystream and as the random numbers that a
   cluster agrees on (turbine trees, leader schedules).

   The layout is the original one, with a 64-bit block counter:

       word   0..3        4..11    12 13          14 15
              constants   key      block number   stream

   RFC 8439 gives words 13 to 15 to its nonce: its keystream is ours with the nonce's first word as
   the high half of the block number, as long as the low half does not overflow.

   Every function picks the fastest kernel that this processor has (qs_cpu.h).

   Threads: any, one per qs_chacha_rng_t.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_CHACHA_H
#define QS_WALTZ_CRYPTO_CHACHA_H

#include "tango/base/qs_bits.h"

#define QS_CHACHA_KEY_SZ   32u
#define QS_CHACHA_BLOCK_SZ 64u

typedef struct qs_chacha {
    u32 word[16];
    u32 round_cnt;
} qs_chacha_t;

/* qs_chacha_init sets the position; round_cnt is 8 or 20. */
void qs_chacha_init(qs_chacha_t *chacha, u8 const key[QS_CHACHA_KEY_SZ], u64 block_idx, u64 stream,
                    u32 round_cnt);

/* qs_chacha_keystream writes the next block_cnt blocks and moves the position past them. */
void qs_chacha_keystream(qs_chacha_t *chacha, u8 *out, u64 block_cnt);

/* The kernels, slowest first; the first is plain C.  lanes is how many consecutive blocks,
   from the one in word[12..13], blocks() writes at a time; it leaves the position alone.
   Tests and benches check qs_cpu_has(needs) before they run one. */
typedef struct qs_chacha_kernel {
    char const *name;
    u32 needs;
    u32 lanes;
    void (*blocks)(u8 *out, u32 const word[16], u32 round_cnt);
} qs_chacha_kernel_t;

extern qs_chacha_kernel_t const qs_chacha_kernels[];
extern u32 const qs_chacha_kernel_cnt;

/* qs_chacha_kernel returns the row that all functions but the next one use. */
qs_chacha_kernel_t const *qs_chacha_kernel(void);

void qs_chacha_keystream_with(qs_chacha_kernel_t const *kernel, qs_chacha_t *chacha, u8 *out,
                              u64 block_cnt);

/* qs_chacha_rng_t hands out the keystream as 64-bit numbers: what rand_chacha's ChaCha8Rng and
   ChaCha20Rng return from next_u64 after from_seed(key). */
#define QS_CHACHA_RNG_BLOCK_CNT_ 16u /* as many as the widest kernel makes */

typedef struct qs_chacha_rng {
    qs_chacha_t chacha;
    u32 used; /* bytes of ahead */
    u8 ahead[QS_CHACHA_RNG_BLOCK_CNT_ * QS_CHACHA_BLOCK_SZ];
} qs_chacha_rng_t;

void qs_chacha_rng_init(qs_chacha_rng_t *rng, u8 const seed[QS_CHACHA_KEY_SZ], u32 round_cnt);

QS_INLINE u64
qs_chacha_rng_u64(qs_chacha_rng_t *rng)
{
    if (rng->used == sizeof(rng->ahead)) {
        qs_chacha_keystream(&rng->chacha, rng->ahead, QS_CHACHA_RNG_BLOCK_CNT_);
        rng->used = 0;
    }
    u64 x = qs_load_le64(rng->ahead + rng->used);
    rng->used += 8;
    return x;
}

#endif

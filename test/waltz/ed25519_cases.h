/* ed25519_cases.h - signatures to judge: what test_ed25519, fuzz_ed25519 and others share.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_TEST_WALTZ_ED25519_CASES_H
#define QS_TEST_WALTZ_ED25519_CASES_H

#include <sodium.h>

#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519.h"

/* The encodings that decode to a point of order 1, 2, 4 or 8; SIMD-0376 lists them too.  The
   first eight are canonical. */
#define SMALL_CNT       14u
#define SMALL_CANONICAL 8u

/* One point of order 8, and what y = -1, 0, 1 and the others' y amount to. */
static inline void
small_order(u8 out[32], u32 i)
{
    static struct {
        u8 first, middle, last;
    } const simple[SMALL_CNT] = {
        [0] = {0x00, 0x00, 0x00},  [1] = {0x00, 0x00, 0x80},  [2] = {0x01, 0x00, 0x00},
        [7] = {0xec, 0xff, 0x7f},  [8] = {0xed, 0xff, 0x7f},  [9] = {0xed, 0xff, 0xff},
        [10] = {0xee, 0xff, 0x7f}, [11] = {0xee, 0xff, 0xff}, [12] = {0x01, 0x00, 0x80},
        [13] = {0xec, 0xff, 0xff},
    };
    static u8 const order8[2][32] = {
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };
    if (i >= 3 && i < 7) {
        memcpy(out, order8[(i - 3) / 2], 32);
        out[31] |= (u8)((i - 3) % 2 << 7);
        return;
    }
    memset(out, simple[i].middle, 32);
    out[0] = simple[i].first;
    out[31] = simple[i].last;
}

/* L, little endian. */
static u8 const group_order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                   0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};

/* out = a + n group_order, modulo 2^256. */
static inline void
add_order(u8 out[32], u8 const a[32], u32 n)
{
    u32 carry = 0;
    for (u32 i = 0; i < 32; i++) {
        carry += a[i] + n * group_order[i];
        out[i] = (u8)carry;
        carry >>= 8;
    }
}

/* A case: its own copy of everything, so that each part can be spoilt. */
#define CASE_MSG_MAX 256u

typedef struct sig_case {
    u8 signature[64];
    u8 public_key[32];
    u8 msg[CASE_MSG_MAX];
    u64 msg_sz;
} sig_case_t;

static inline qs_ed25519_item_t
case_item(sig_case_t const *c)
{
    return (qs_ed25519_item_t){c->signature, c->public_key, c->msg, c->msg_sz};
}

/* case_valid signs msg_sz bytes with the key of this number. */
static inline void
case_valid(sig_case_t *c, u32 key, u64 msg_sz)
{
    u8 seed[32] = {(u8)key, (u8)(key >> 8), (u8)(key >> 16), 7}, secret[64];
    crypto_sign_seed_keypair(c->public_key, secret, seed);
    c->msg_sz = msg_sz;
    randombytes_buf_deterministic(c->msg, msg_sz, seed);
    crypto_sign_detached(c->signature, NULL, c->msg, msg_sz, secret);
}

/* out += n T, T the point of order 8 that small_order lists fourth. */
static inline void
add_torsion(u8 out[32], u32 n)
{
    u8 t[32];
    small_order(t, 3);
    for (u32 i = 0; i < n; i++)
        QS_ASSERT(crypto_core_ed25519_add(out, out, t) == 0);
}

/* case_torsion signs with key = a B + m T, R = r B + n T, S = r + k a: what is left of the equation
   is -(k m + n) T.  Returns whether that is nothing: the strict verdict; SIMD-0376's is ok. */
static inline bool
case_torsion(sig_case_t *c, u32 number, u32 m, u32 n)
{
    u8 seed[32] = {(u8)number, (u8)(number >> 8), 9}, wide[136], a[32], r[32], k[32], ka[32];
    randombytes_buf_deterministic(wide, sizeof(wide), seed);
    crypto_core_ed25519_scalar_reduce(a, wide);
    crypto_core_ed25519_scalar_reduce(r, wide + 64);
    QS_ASSERT(crypto_scalarmult_ed25519_base_noclamp(c->public_key, a) == 0);
    QS_ASSERT(crypto_scalarmult_ed25519_base_noclamp(c->signature, r) == 0);
    add_torsion(c->public_key, m);
    add_torsion(c->signature, n);
    c->msg_sz = 8;
    memcpy(c->msg, wide + 128, 8);
    crypto_hash_sha512_state sha;
    crypto_hash_sha512_init(&sha);
    crypto_hash_sha512_update(&sha, c->signature, 32);
    crypto_hash_sha512_update(&sha, c->public_key, 32);
    crypto_hash_sha512_update(&sha, c->msg, 8);
    crypto_hash_sha512_final(&sha, wide);
    crypto_core_ed25519_scalar_reduce(k, wide);
    crypto_core_ed25519_scalar_mul(ka, k, a);
    crypto_core_ed25519_scalar_add(c->signature + 32, r, ka);
    return (k[0] * m + n) % 8 == 0;
}

#endif

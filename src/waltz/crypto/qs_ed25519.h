/* qs_ed25519 - signatures as Solana judges them: verify one, verify many, sign.

   A signature is R (32 bytes) then S (32 bytes, little endian).  The verdict is the first of
   these checks that fails (spec: RFC 8032 for the curve, SIMD-0376 for the second rule):

                                      QS_ED25519_STRICT          QS_ED25519_SIMD376
       QS_ED25519_S_RANGE             S < L                      the same
       QS_ED25519_KEY_DECODE          key is a point; y >= p     only its one canonical
                                      and -0 are tolerated       encoding decodes
       QS_ED25519_R_DECODE            the same for R             the same for R
       QS_ED25519_KEY_SMALL           8 key != 0                 the same
       QS_ED25519_R_SMALL             8 R != 0                   the same
       QS_ED25519_EQUATION            S B - k key - R == 0       8 (S B - k key - R) == 0
                                      k = SHA-512(R, key, message) mod L, over the bytes as sent

   Points are compared, never encodings.  Each signature is judged by itself: there is no random
   linear combination anywhere, and every kernel gives every input the same verdict.

   How the equation is made cheap without changing its answer: the curve's group has order 8L and
   is cyclic.  For an odd v with 0 < v < L, multiplying by v hides nothing, in any torsion; so
   with u = v k mod 8L the test is  (v S mod L) B - u key - v R == 0,  where a short vector of a
   lattice gives u and v of about 128 bits each, and half of the doublings go away.

   Verifying takes time that depends on its inputs, which are public.  Signing takes time that
   depends only on the message's size: no branch and no address depends on the secret.

   Threads: any.  Blocks: never.  Allocates: never (the stack: up to 64 KiB). */

#ifndef QS_WALTZ_CRYPTO_ED25519_H
#define QS_WALTZ_CRYPTO_ED25519_H

#include "tango/base/qs_base.h"

#define QS_ED25519_SIGNATURE_SZ 64u
#define QS_ED25519_KEY_SZ       32u /* public and secret alike */

typedef enum qs_ed25519_verdict {
    QS_ED25519_OK = 0,
    QS_ED25519_S_RANGE,
    QS_ED25519_KEY_DECODE,
    QS_ED25519_R_DECODE,
    QS_ED25519_KEY_SMALL,
    QS_ED25519_R_SMALL,
    QS_ED25519_EQUATION,
} qs_ed25519_verdict_t;

/* Which rule holds changes at an epoch's boundary and is consensus: the caller knows. */
typedef enum qs_ed25519_rule { QS_ED25519_STRICT, QS_ED25519_SIMD376 } qs_ed25519_rule_t;

/* One signature to verify; msg may be null if msg_sz is 0. */
typedef struct qs_ed25519_item {
    u8 const *signature;
    u8 const *public_key;
    u8 const *msg;
    u64 msg_sz;
} qs_ed25519_item_t;

/* qs_ed25519_verdict_name returns a short English phrase, never null. */
char const *qs_ed25519_verdict_name(qs_ed25519_verdict_t verdict);

/* qs_ed25519_verify judges one signature, by the kernel with the shortest latency. */
qs_ed25519_verdict_t qs_ed25519_verify(qs_ed25519_item_t const *item, qs_ed25519_rule_t rule);

/* qs_ed25519_verify_batch judges cnt signatures, each by itself; verdict[i] is item[i]'s.
   Fastest when cnt is a multiple of 8; no cnt is wrong. */
void qs_ed25519_verify_batch(qs_ed25519_verdict_t *verdict, qs_ed25519_item_t const *item, u64 cnt,
                             qs_ed25519_rule_t rule);

/* qs_ed25519_public_key derives the public key of a secret key (the 32-byte seed). */
void qs_ed25519_public_key(u8 public_key[QS_ED25519_KEY_SZ], u8 const secret[QS_ED25519_KEY_SZ]);

/* qs_ed25519_sign writes the one deterministic signature of RFC 8032.  public_key must be the
   secret's own: with another one the signature would give the secret away.  msg may be null if
   msg_sz is 0, and may not overlap signature. */
void qs_ed25519_sign(u8 signature[QS_ED25519_SIGNATURE_SZ], void const *msg, u64 msg_sz,
                     u8 const public_key[QS_ED25519_KEY_SZ], u8 const secret[QS_ED25519_KEY_SZ]);

/* One message to sign; msg may be null if msg_sz is 0. */
typedef struct qs_ed25519_order {
    u8 *signature;
    void const *msg;
    u64 msg_sz;
} qs_ed25519_order_t;

/* qs_ed25519_sign_batch is qs_ed25519_sign for cnt messages under one key, for half of the time or
   less when there are four or more.  No signature may overlap any message. */
void qs_ed25519_sign_batch(qs_ed25519_order_t const *order, u64 cnt,
                           u8 const public_key[QS_ED25519_KEY_SZ],
                           u8 const secret[QS_ED25519_KEY_SZ]);

/* The kernels, for tests and benches, which must check qs_cpu_has(needs) before they use one.
   The first is plain C and needs nothing. */
typedef struct qs_ed25519_kernel qs_ed25519_kernel_t;
extern qs_ed25519_kernel_t const *const qs_ed25519_kernels[];
extern u32 const qs_ed25519_kernel_cnt;

void qs_ed25519_verify_batch_with(qs_ed25519_kernel_t const *kernel, qs_ed25519_verdict_t *verdict,
                                  qs_ed25519_item_t const *item, u64 cnt, qs_ed25519_rule_t rule);
void qs_ed25519_sign_with(qs_ed25519_kernel_t const *kernel, u8 signature[QS_ED25519_SIGNATURE_SZ],
                          void const *msg, u64 msg_sz, u8 const public_key[QS_ED25519_KEY_SZ],
                          u8 const secret[QS_ED25519_KEY_SZ]);
void qs_ed25519_sign_batch_with(qs_ed25519_kernel_t const *kernel, qs_ed25519_order_t const *order,
                                u64 cnt, u8 const public_key[QS_ED25519_KEY_SZ],
                                u8 const secret[QS_ED25519_KEY_SZ]);

#endif

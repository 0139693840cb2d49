/* qs_sha.h - what sha-256 and sha-512 have in common: a message in parts, and a kernel's row.

   A message is the concatenation of up to three parts, so that a prefix, a key or a header
   need not be copied in front of a payload:

       merkle leaf    { prefix 26, bytes of the shred }
       merkle node    { prefix 26, left 20, right 20 }
       ed25519        { R 32, A 32, message }

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SHA_H
#define QS_WALTZ_CRYPTO_SHA_H

#include "tango/base/qs_base.h"

#define QS_SHA_PART_MAX 3u
#define QS_SHA_LANE_MAX 16u

typedef struct qs_sha_part {
    void const *data; /* may be null if sz is 0 */
    u64 sz;           /* bytes */
} qs_sha_part_t;

typedef struct qs_sha_msg {
    u8 *out; /* 32 or 64 bytes; overlaps no part of any message of its batch */
    qs_sha_part_t part[QS_SHA_PART_MAX];
} qs_sha_msg_t;

/* qs_sha_kernel_t is one way to compress blocks.  State words are u32 (sha-256) or u64
   (sha-512) in the machine's byte order. */
typedef struct qs_sha_kernel {
    char const *name;
    u32 needs;  /* QS_CPU_* bits */
    u32 lanes;  /* messages that `many` takes at a time, 1 if there is no `many` */
    u32 narrow; /* this many lanes or fewer are faster through `one` */

    /* one compresses block_cnt consecutive blocks into word[8]. */
    void (*one)(void *state, u8 const *data, u64 block_cnt);

    /* many compresses block_cnt consecutive blocks of each lane into word[8][lanes], which is
       64-byte aligned. */
    void (*many)(void *state, u8 const *const *data, u64 block_cnt);
} qs_sha_kernel_t;

#endif

/* qs_base58.h - bytes as base58 text, in Bitcoin's alphabet.

   The bytes are one big-endian number; each zero byte in front of it is written as one '1'.
   Every byte string has exactly one text, and decoding accepts no other.

   Public keys and hashes (32 bytes) and signatures (64 bytes) have functions of their own;
   the general ones take up to QS_BASE58_SZ_MAX bytes, and their time grows with the square.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_BASE58_H
#define QS_WALTZ_CODEC_BASE58_H

#include "tango/base/qs_base.h"

#define QS_BASE58_SZ_MAX  1232u /* a whole packet */
#define QS_BASE58_LEN_MAX 1683u /* characters of QS_BASE58_SZ_MAX bytes of 0xff */

/* Room for the longest text and the 0 that ends it. */
#define QS_BASE58_32_MAX 45u
#define QS_BASE58_64_MAX 89u

/* qs_base58_encode_{32,64} write the text of in and a 0.  Return its length without the 0:
   32 to 44, or 64 to 88. */
u32 qs_base58_encode_32(char out[QS_BASE58_32_MAX], u8 const in[32]);
u32 qs_base58_encode_64(char out[QS_BASE58_64_MAX], u8 const in[64]);

/* qs_base58_decode_{32,64} read a text of len characters that stands for exactly that many bytes.
   Return 0, or -EINVAL and leave out alone: another character, or another number of bytes. */
int qs_base58_decode_32(u8 out[32], char const *text, u64 len);
int qs_base58_decode_64(u8 out[64], char const *text, u64 len);

/* qs_base58_encode writes the text of sz bytes and a 0 to out, out_max bytes of room.
   Returns its length without the 0, -EINVAL if sz > QS_BASE58_SZ_MAX, or -ENOSPC and leaves
   out alone. */
i64 qs_base58_encode(char *out, u64 out_max, u8 const *in, u64 sz);

/* qs_base58_decode writes the bytes that text stands for to out, out_max bytes of room.
   Returns how many, -EINVAL if it is no base58 or stands for more than QS_BASE58_SZ_MAX bytes, or
   -ENOSPC; after an error out is as it was. */
i64 qs_base58_decode(u8 *out, u64 out_max, char const *text, u64 len);

#endif

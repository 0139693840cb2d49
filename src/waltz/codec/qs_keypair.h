/* qs_keypair - a node's key pair as a file holds it: a JSON array of 64 numbers, the 32 bytes of
   the secret seed and then the 32 bytes of the public key, as solana-keygen writes them.

   Whether the halves belong together is not looked at here.

   Threads: any.  Blocks: never.  Allocates: never.  Both sides hold a secret: the caller wipes. */

#ifndef QS_WALTZ_CODEC_KEYPAIR_H
#define QS_WALTZ_CODEC_KEYPAIR_H

#include "tango/base/qs_base.h"

#define QS_KEYPAIR_SZ       64u
#define QS_KEYPAIR_TEXT_MAX 259u /* [255,..,255], a newline and a 0 */

/* qs_keypair_encode writes the text, a newline and a 0.  Returns its length without the 0. */
u32 qs_keypair_encode(char out[QS_KEYPAIR_TEXT_MAX], u8 const pair[QS_KEYPAIR_SZ]);

/* qs_keypair_parse reads a text of len bytes; JSON's white space may stand between its parts.
   Returns 0, or -EINVAL and leaves pair zeroed: anything but one array of exactly 64 numbers from
   0 to 255. */
int qs_keypair_parse(u8 pair[QS_KEYPAIR_SZ], char const *text, u64 len);

#endif

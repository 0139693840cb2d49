/* SHA-256 of four messages at a time by the instructions made for it, for processors that can start
   one every cycle.  Four messages in flight are more than 16 registers hold; in the other 16 that
   AVX-512 has, their words wait.  Without them the stores and loads of words take the time that
   the third and fourth message should save. */

#include "waltz/crypto/qs_sha256_streams.h"

void
qs_sha256_many_shani_avx512(void *state, u8 const *const *data, u64 block_cnt)
{
    compress_many(state, 4, data, block_cnt);
}

/* SHA-256 with the instructions made for it.  The next sha256rnds2 can start before the one
   before it is done, but in one message it needs that one's result; `many` therefore has two
   lanes, whose messages fill each other's gaps. */

#include "waltz/crypto/qs_sha256_streams.h"

void
qs_sha256_one_shani(void *state, u8 const *data, u64 block_cnt)
{
    stream_t s;
    load_state(&s, state);
    for (u64 off = 0; off < block_cnt * 64; off += 64)
        compress(&s, 1, &data, off);
    store_state(&s, state);
}

void
qs_sha256_many_shani(void *state, u8 const *const *data, u64 block_cnt)
{
    compress_many(state, 2, data, block_cnt);
}

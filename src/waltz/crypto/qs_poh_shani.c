/* One chain, and two side by side, by the instructions made for SHA-256. */

#include "waltz/crypto/qs_poh_streams.h"

void
qs_poh_iterate_1_shani(u32 *state, u64 n)
{
    iterate_lanes(state, 1, n);
}

void
qs_poh_iterate_2_shani(u32 *state, u64 n)
{
    iterate_lanes(state, 2, n);
}

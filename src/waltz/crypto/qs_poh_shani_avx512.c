/* Four chains side by side, for processors that can start a sha256rnds2 every cycle.  Their words take
   more than the 16 registers that there are without AVX-512. */

#include "waltz/crypto/qs_poh_streams.h"

void
qs_poh_iterate_4_shani_avx512(u32 *state, u64 n)
{
    iterate_lanes(state, 4, n);
}

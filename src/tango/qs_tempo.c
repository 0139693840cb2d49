#include "tango/qs_tempo.h"

#define PERIOD_MAX (1ull << 62)

int
qs_tempo_init(qs_tempo_t *tempo, u64 period, u64 seed, u64 now)
{
    if (!period || period > PERIOD_MAX)
        return -EINVAL;
    *tempo = (qs_tempo_t){.next = now, .least = period - period / 4, .span = period / 4 * 2};
    qs_rng_init(&tempo->rng, seed, 0);
    return 0;
}

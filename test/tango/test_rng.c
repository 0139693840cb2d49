/* Goal: repeatable numbers without bias.  Method: known answers of the two published generators,
   and a bound for which a biased method is wrong by far more than chance. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_rng.h"

Test(rng, gives_the_known_numbers_of_xoshiro256pp)
{
    static u64 const want[] = {41943041, 58720359, 3588806011781223, 3591011842654386,
                               9228616714210784205ull};
    qs_rng_t rng = {.state = {1, 2, 3, 4}};
    for (u32 i = 0; i < QS_COUNT(want); i++)
        cr_assert(eq(u64, qs_rng_u64(&rng), want[i]));
}

Test(rng, seeds_through_splitmix64)
{
    static u64 const want[] = {6457827717110365317ull, 3203168211198807973ull,
                               9817491932198370423ull, 4593380528125082431ull};
    u64 counter = 1234567;
    for (u32 i = 0; i < QS_COUNT(want); i++)
        cr_assert(eq(u64, rng_mix_(&counter), want[i]));
}

Test(rng, same_seed_same_numbers_other_stream_others)
{
    qs_rng_t a;
    qs_rng_t b;
    qs_rng_t c;
    qs_rng_t d;
    qs_rng_init(&a, 7, 0);
    qs_rng_init(&b, 7, 0);
    qs_rng_init(&c, 7, 1);
    qs_rng_init(&d, 8, 0);
    for (u32 i = 0; i < 1000; i++) {
        u64 x = qs_rng_u64(&a);
        cr_assert(eq(u64, qs_rng_u64(&b), x));
        cr_assert(ne(u64, qs_rng_u64(&c), x));
        cr_assert(ne(u64, qs_rng_u64(&d), x));
    }
}

Test(rng, bounded_draws_reach_every_value_and_no_other)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 1, 0);
    u32 seen[7] = {0};
    for (u32 i = 0; i < 7000; i++) {
        u64 x = qs_rng_bounded(&rng, 7);
        cr_assert(x < 7);
        seen[x]++;
    }
    for (u32 i = 0; i < 7; i++)
        cr_assert(seen[i] > 800 && seen[i] < 1200, "%u drawn %u times", i, seen[i]);
    cr_assert(eq(u64, qs_rng_bounded(&rng, 1), 0));
    cr_assert(eq(u64, qs_rng_bounded(&rng, 0), 0));
}

/* Of 2^64 draws folded onto 3 * 2^62 values without rejection, every third value would be hit
   twice as often: one third of the values would get half of the draws. */
Test(rng, bounded_draws_have_no_bias)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 2, 0);
    u32 third[3] = {0};
    u32 residue[3] = {0};
    for (u32 i = 0; i < 30000; i++) {
        u64 x = qs_rng_bounded(&rng, 3ull << 62);
        third[x >> 62]++;
        residue[x % 3]++;
    }
    for (u32 i = 0; i < 3; i++) {
        cr_assert(third[i] > 9500 && third[i] < 10500, "third %u: %u", i, third[i]);
        cr_assert(residue[i] > 9500 && residue[i] < 10500, "residue %u: %u", i, residue[i]);
    }
}

Test(rng, the_os_gives_different_seeds)
{
    u64 a = 0;
    u64 b = 0;
    cr_assert(eq(int, qs_rng_seed_os(&a), 0));
    cr_assert(eq(int, qs_rng_seed_os(&b), 0));
    cr_assert(ne(u64, a, b));
}

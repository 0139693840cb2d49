/* Goal: only who answers the token that it was sent, from the address it was sent to, is proven; it
   stays so for its time; and nobody can have us ask an address more often than the rate.
   Method: each rule by name, on a steady clock of the test's. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_ping.h"
#include "waltz/codec/qs_gossip.h"

#define PAIRS 64u

static qs_ping_t ping;
static void *memory;

static void
open_cache(void)
{
    memory = calloc(1, qs_ping_footprint(PAIRS));
    qs_ping_init(&ping, memory, PAIRS, (qs_hash_key_t){1, 2});
}

static void
close_cache(void)
{
    free(memory);
}

TestSuite(ping, .init = open_cache, .fini = close_cache);

static qs_ping_pair_t
pair_of(u32 n)
{
    qs_ping_pair_t p = {.ip = 0x0a000000u + n, .port = 8001};
    qs_store_le32(p.pubkey, n);
    return p;
}

static bool
asks(qs_ping_pair_t const *pair, u8 tag, u64 now)
{
    u8 token[32] = {tag};
    return qs_ping_ask(&ping, pair, token, now);
}

static bool
answers(qs_ping_pair_t const *pair, u8 tag, u64 now)
{
    u8 token[32] = {tag}, hash[32];
    qs_gossip_pong_hash(hash, token);
    return qs_ping_answer(&ping, pair, hash, now);
}

static bool
is_proven(qs_ping_pair_t const *pair, u64 now)
{
    bool want;
    return qs_ping_check(&ping, pair, now, &want);
}

static bool
wants(qs_ping_pair_t const *pair, u64 now)
{
    bool want;
    qs_ping_check(&ping, pair, now, &want);
    return want;
}

Test(ping, a_pair_that_answers_is_proven_for_its_time_and_asked_again_before)
{
    qs_ping_pair_t a = pair_of(1);

    cr_assert(not(is_proven(&a, 5)));
    cr_assert(wants(&a, 5));
    cr_assert(asks(&a, 7, 5));
    cr_assert(not(is_proven(&a, 6)));
    cr_assert(answers(&a, 7, 10));
    cr_assert(is_proven(&a, 10));
    cr_assert(not(wants(&a, 10 + QS_PING_REFRESH_MS - 1)));
    cr_assert(wants(&a, 10 + QS_PING_REFRESH_MS));
    cr_assert(is_proven(&a, 10 + QS_PING_TTL_MS - 1));
    cr_assert(not(is_proven(&a, 10 + QS_PING_TTL_MS)));
}

Test(ping, an_answer_must_be_the_right_one_from_the_right_place_and_counts_once)
{
    qs_ping_pair_t a = pair_of(1), other_port = a, other_key = a, stranger = pair_of(2);

    other_port.port++;
    other_key.pubkey[5]++;
    cr_assert(not(answers(&a, 7, 1)));
    cr_assert(asks(&a, 7, 5));
    cr_assert(not(answers(&a, 8, 6)));
    cr_assert(not(answers(&other_port, 7, 6)));
    cr_assert(not(answers(&other_key, 7, 6)));
    cr_assert(not(answers(&stranger, 7, 6)));
    cr_assert(answers(&a, 7, 6));
    cr_assert(not(answers(&a, 7, 7)), "replayed");
}

Test(ping, one_question_at_a_time_and_another_after_a_while)
{
    qs_ping_pair_t a = pair_of(1);

    cr_assert(asks(&a, 7, 5));
    cr_assert(not(asks(&a, 8, 5 + QS_PING_RETRY_MS - 1)));
    cr_assert(asks(&a, 8, 5 + QS_PING_RETRY_MS));
    cr_assert(not(answers(&a, 7, 6 + QS_PING_RETRY_MS)), "the old token is void");
    cr_assert(answers(&a, 8, 6 + QS_PING_RETRY_MS));
}

Test(ping, a_pair_that_is_asked_again_stays_proven)
{
    qs_ping_pair_t a = pair_of(1);

    asks(&a, 7, 5);
    answers(&a, 7, 5);
    cr_assert(asks(&a, 9, 5 + QS_PING_REFRESH_MS));
    cr_assert(is_proven(&a, 6 + QS_PING_REFRESH_MS));
}

Test(ping, an_address_is_asked_only_so_often_whatever_keys_name_it)
{
    u32 asked = 0;

    for (u32 n = 0; n < 200; n++) {
        qs_ping_pair_t p = pair_of(n);
        p.ip = 0x0a0a0a0a;
        p.port = (u16)(1000 + n);
        asked += asks(&p, 1, 500);
    }
    cr_assert(eq(u32, asked, QS_PING_RATE));
    cr_assert(ne(u64, ping.slowed, 0));
    qs_ping_pair_t p = pair_of(1000);
    p.ip = 0x0a0a0a0a;
    cr_assert(asks(&p, 1, 1000), "the next second is a new one");
}

Test(ping, strangers_that_do_not_answer_make_room_and_those_who_answered_stay)
{
    u32 kept = 0, late = 0;

    for (u32 n = 0; n < PAIRS / 2; n++) {
        qs_ping_pair_t p = pair_of(n);
        if (asks(&p, 1, 1000ull * n) && answers(&p, 1, 1000ull * n))
            kept++;
    }
    for (u32 n = 0; n < 5000; n++) {
        qs_ping_pair_t p = pair_of(100000 + n);
        late += asks(&p, 1, 40000 + n);
    }
    for (u32 n = 0; n < PAIRS / 2; n++) {
        qs_ping_pair_t p = pair_of(n);
        kept -= is_proven(&p, 50000);
    }
    cr_assert(eq(u32, kept, 0), "all that had answered are still there");
    cr_assert(ge(u32, late, PAIRS / 2 + 1), "and others found room");
    cr_assert(ne(u64, ping.refused, 0));
}

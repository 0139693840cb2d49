/* Goal: a reader of the shared rows sees each whole or not at all, whatever its writer was doing when it
   died, and is told when it is worth reading them again; an object that is none is not taken for one.
   Method: rows written and read in turn; a version left odd by hand; a writer and a reader at once,
   until the reader has seen many changes. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#include "disco/gossip/qs_peers.h"

#define ROWS 8u

static qs_peers_t *peers;

static void
begin(void)
{
    peers = aligned_alloc(QS_ALIGN, qs_align_up(qs_peers_footprint(ROWS), QS_ALIGN));
    cr_assert(eq(int, qs_peers_new(peers, ROWS), 0));
}

static void
end(void)
{
    free(peers);
}

TestSuite(peers, .init = begin, .fini = end);

static qs_peers_row_t
row_of(u32 n)
{
    qs_peers_row_t row = {.stake = n, .wallclock = n, .ordinal = n, .own = (u8)(n & 1)};

    qs_store_le32(row.pubkey, n);
    for (u32 s = 0; s < QS_PEERS_SOCKET_CNT; s++)
        row.ip[s] = n;
    row.used = 1;
    return row;
}

Test(peers, a_row_reads_back_until_it_is_emptied)
{
    qs_peers_row_t row, want;

    for (u32 i = 0; i < ROWS; i++)
        cr_assert(not(qs_peers_get(peers, i, &row)));
    for (u32 i = 0; i < ROWS; i++) {
        want = row_of(i + 1);
        qs_peers_set(peers, i, &want);
        qs_peers_set(peers, i, &want);
        cr_assert(eq(u32, peers->cnt, i + 1));
    }
    cr_assert(qs_peers_get(peers, ROWS - 1, &row));
    cr_assert(eq(int, memcmp(&row, &want, sizeof(row)), 0));
    qs_peers_set(peers, 3, NULL);
    qs_peers_set(peers, 3, NULL);
    cr_assert(not(qs_peers_get(peers, 3, &row)));
    cr_assert(eq(u32, peers->cnt, ROWS - 1));
    qs_peers_clear(peers);
    cr_assert(eq(u32, peers->cnt, 0));
}

Test(peers, only_what_changes_more_than_times_is_news)
{
    qs_peers_row_t row = row_of(1);
    u64 want = 0;

    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, ++want));
    row.wallclock++;
    row.ordinal++;
    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, want));
    row.port[QS_PEERS_TVU]++;
    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, ++want));
    row.ip[QS_PEERS_TPU]++;
    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, ++want));
    row.stake++;
    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, ++want));
    row.shred_version++;
    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, ++want));
    row.pubkey[31]++;
    qs_peers_set(peers, 3, &row);
    cr_assert(eq(u64, peers->news, ++want));
    qs_peers_set(peers, 3, NULL);
    cr_assert(eq(u64, peers->news, ++want));
    qs_peers_set(peers, 3, NULL);
    cr_assert(eq(u64, peers->news, want));
}

Test(peers, a_row_whose_writer_died_in_the_middle_is_not_shown_and_is_cleared)
{
    qs_peers_row_t row = row_of(5);

    qs_peers_set(peers, 2, &row);
    peers->slot[2].version |= 1;
    cr_assert(not(qs_peers_get(peers, 2, &row)));
    qs_peers_clear(peers);
    cr_assert(eq(u32, peers->cnt, 0));
    row = row_of(6);
    qs_peers_set(peers, 2, &row);
    cr_assert(qs_peers_get(peers, 2, &row));
    cr_assert(eq(u64, row.stake, 6));
}

Test(peers, what_is_no_such_object_is_not_taken_for_one)
{
    u64 sz = qs_peers_footprint(ROWS);

    cr_assert(qs_peers_sound(peers, sz));
    cr_assert(not(qs_peers_sound(peers, sz - 1)));
    cr_assert(not(qs_peers_sound(peers, 63)));
    cr_assert(not(qs_peers_sound(NULL, 0)));
    peers->max = ROWS + 1;
    cr_assert(not(qs_peers_sound(peers, sz)));
    peers->max = UINT32_MAX;
    cr_assert(not(qs_peers_sound(peers, UINT64_MAX)));
    peers->max = ROWS;
    peers->magic++;
    cr_assert(not(qs_peers_sound(peers, sz)));
    cr_assert(eq(u64, qs_peers_footprint(0), 0));
    cr_assert(eq(u64, qs_peers_footprint(QS_PEERS_MAX + 1), 0));
}

static bool over;

static void *
write_on(void *arg)
{
    (void)arg;
    for (u32 n = 1; !qs_load_relaxed(&over); n++) {
        qs_peers_row_t row = row_of(n);
        qs_peers_set(peers, 0, n % 7 ? &row : NULL);
    }
    return NULL;
}

Test(peers, a_reader_beside_the_writer_sees_only_whole_rows)
{
    pthread_t writer;
    u64 last = 0;

    over = false;
    pthread_create(&writer, NULL, write_on, NULL);
    for (u32 seen = 0; seen < 2000;) {
        qs_peers_row_t row;
        if (!qs_peers_get(peers, 0, &row) || row.stake == last)
            continue;
        qs_peers_row_t want = row_of((u32)row.stake);
        cr_assert(eq(int, memcmp(&row, &want, sizeof(row)), 0));
        cr_assert(ge(u64, row.stake, last + 1));
        last = row.stake;
        seen++;
    }
    qs_store_relaxed(&over, true);
    pthread_join(writer, NULL);
}

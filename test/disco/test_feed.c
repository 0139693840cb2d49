/* Goal: every record of a feed reaches every reader that keeps up, whole and in order; one that does not
   learns exactly how many it missed; nothing in a broken or hostile file is believed.
   Method: payloads that are functions of their number, in files as a node makes them; readers in
   processes of their own; a producer that is forgotten in the middle of a record. */

#include <criterion/criterion.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disco/feed/qs_feed_tx.h"

#define LINES 64u
#define DATA  262144u
#define T0    1700000000000000000u

static char path[64];
static u8 *mem;
static u64 mem_sz;
static qs_feed_tx_t tx;

static void
make(u64 lines, u64 data)
{
    mem_sz = qs_feed_tx_footprint(lines, data);
    cr_assert(mem_sz);
    snprintf(path, sizeof(path), "/dev/shm/quickstep-test-feed-%d", getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && !ftruncate(fd, (off_t)mem_sz));
    mem = mmap(NULL, mem_sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    cr_assert(mem != MAP_FAILED);
    cr_assert_eq(qs_feed_tx_new(mem, lines, data, T0), 0);
    cr_assert_eq(qs_feed_tx_join(&tx, mem, mem_sz), 0);
}

static void
set_up(void)
{
    make(LINES, DATA);
}

static void
tear_down(void)
{
    munmap(mem, mem_sz);
    unlink(path);
}

TestSuite(feed, .init = set_up, .fini = tear_down);

/* The payload of record seq is its number, over and over. */
static u32
words_of(u64 seq)
{
    return (u32)(1 + seq * 13 % 300);
}

static u32
kind_of(u64 seq)
{
    return QS_FEED_SET + (u32)(seq % 4);
}

static u64
put(qs_feed_tx_t *t)
{
    u64 words[300];
    u64 seq = t->seq, cnt = words_of(seq);

    for (u64 i = 0; i < cnt; i++)
        words[i] = seq;
    qs_feed_rec_t rec = {
        .kind = kind_of(seq), .slot = seq / 3, .flags = (u32)seq, .arrival_ns = seq};
    u64 split = cnt / 3;
    return qs_feed_tx_publish(t, &rec, words, split * 8, words + split, (cnt - split) * 8, seq + 5);
}

static bool
right(qs_feed_rec_t const *r)
{
    u64 const *word = qs_feed_payload(r);

    if (r->sz != words_of(r->seq) * 8 || r->kind != kind_of(r->seq) || r->slot != r->seq / 3 ||
        r->flags != (u32)r->seq || r->arrival_ns != T0 + r->seq || r->verified_ns ||
        r->published_ns != T0 + r->seq + 5)
        return false;
    for (u32 i = 0; i < r->sz / 8; i++)
        if (word[i] != r->seq)
            return false;
    return true;
}

static qs_feed_t *
reader(qs_feed_from_t from)
{
    qs_feed_t *f;
    cr_assert_eq(qs_feed_open(&f, path, from), 0);
    return f;
}

Test(feed, arrives_whole_and_in_order)
{
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    qs_feed_rec_t const *r;

    cr_assert_eq(qs_feed_next(f, &r), 0);
    for (u64 seq = 1; seq < 10000; seq++) {
        cr_assert_eq(put(&tx), seq);
        cr_assert_eq(qs_feed_next(f, &r), 1);
        cr_assert_eq(r->seq, seq);
        cr_assert(right(r));
        cr_assert_eq(qs_feed_next(f, &r), 0);
    }
    cr_assert_eq(qs_feed_missed(f), 0);
    qs_feed_close(f);
}

Test(feed, begins_with_the_newest_or_the_oldest)
{
    qs_feed_rec_t const *r;

    for (u32 i = 0; i < 20; i++)
        put(&tx);
    qs_feed_t *f = reader(QS_FEED_NEWEST), *old = reader(QS_FEED_OLDEST);
    cr_assert_eq(qs_feed_next(f, &r), 0);
    cr_assert_eq(qs_feed_next(old, &r), 1);
    cr_assert_eq(r->seq, 1);
    put(&tx);
    cr_assert_eq(qs_feed_next(f, &r), 1);
    cr_assert_eq(r->seq, 21);
    qs_feed_close(f);
    qs_feed_close(old);

    for (u32 i = 0; i < 10 * LINES; i++)
        put(&tx);
    old = reader(QS_FEED_OLDEST);
    cr_assert_eq(qs_feed_next(old, &r), 1);
    cr_assert(right(r));
    cr_assert(r->seq < tx.seq && r->seq + LINES >= tx.seq);
    cr_assert_eq(qs_feed_missed(old), 0);
    qs_feed_close(old);
}

Test(feed, passes_over_kinds_that_nobody_wants)
{
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    qs_feed_rec_t const *r;
    u32 seen = 0;

    qs_feed_want(f, QS_FEED_KIND_BIT(QS_FEED_TXN));
    for (u32 i = 0; i < 40; i++)
        put(&tx);
    while (qs_feed_next(f, &r) == 1) {
        cr_assert_eq(r->kind, QS_FEED_TXN);
        cr_assert(right(r));
        seen++;
    }
    cr_assert_eq(seen, 10);
    cr_assert_eq(qs_feed_missed(f), 0);
    cr_assert_eq(qs_feed_seq(f), 41);
    qs_feed_close(f);
}

/* read_all returns how many it read, and that they are in order with only what was missed left out. */
static u64
read_all(qs_feed_t *f)
{
    qs_feed_rec_t const *r;
    u64 cnt = 0, missed = qs_feed_missed(f), seq = qs_feed_seq(f);

    for (u32 quiet = 0; quiet < 2;) {
        if (qs_feed_next(f, &r) != 1) {
            quiet = qs_feed_missed(f) == missed ? quiet + 1 : 0;
            seq += qs_feed_missed(f) - missed;
            missed = qs_feed_missed(f);
            continue;
        }
        cr_assert_eq(r->seq, seq);
        cr_assert(right(r));
        seq++;
        cnt++;
    }
    return cnt;
}

/* Both rings overrun a reader: many small records the lines, few large ones the bytes. */
Test(feed, counts_exactly_what_a_slow_reader_missed)
{
    u64 published = 0, seen = 0;
    qs_feed_t *f = reader(QS_FEED_NEWEST);

    for (u32 burst = 1; burst < 300; burst++) {
        for (u32 i = 0; i < burst; i++, published++)
            put(&tx);
        seen += read_all(f);
        cr_assert_eq(seen + qs_feed_missed(f), published);
    }
    cr_assert(qs_feed_missed(f) > 1000);
    cr_assert(seen > 3000);
    qs_feed_close(f);
}

Test(feed, bytes_overrun_a_reader_before_lines_do)
{
    static u8 big[QS_FEED_REC_MAX - sizeof(qs_feed_rec_t)];
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    qs_feed_rec_t const *r;

    for (u32 i = 0; i < 12; i++)
        qs_feed_tx_publish(&tx, &(qs_feed_rec_t){.kind = QS_FEED_SET}, big, sizeof(big), NULL, 0,
                           0);
    for (u64 seen = 0;; seen++) {
        if (qs_feed_next(f, &r) != 1 && qs_feed_next(f, &r) != 1) {
            cr_assert(seen >= 2);
            break;
        }
        cr_assert_eq(r->seq, qs_feed_missed(f) + seen + 1);
        cr_assert_eq(r->sz, sizeof(big));
    }
    cr_assert_eq(qs_feed_seq(f), 13);
    cr_assert(qs_feed_missed(f) >= 7);
    qs_feed_close(f);
}

/* A producer dies at any point of a record; the next one goes on without a gap. */
Test(feed, goes_on_after_a_producer_that_was_killed)
{
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    u64 published = 0, seen = 0;

    for (u32 round = 0; round < 400; round++) {
        for (u32 i = 0; i < round % 7; i++, published++)
            put(&tx);
        if (round % 2) { /* announced, half written */
            u64 at = qs_align_up(tx.pos, 64);
            tx.head->reserve_seq = tx.seq;
            tx.head->reserve_end = at + 3000;
            tx.line[tx.seq & tx.line_mask].pos = at;
            tx.line[tx.seq & tx.line_mask].sz = 7;
            memset(tx.data + (at & tx.data_mask), 0xee, qs_min_u64(3000, DATA - (at & (DATA - 1))));
        } else if (published) { /* published, and the bound not moved */
            tx.head->next_seq = tx.seq - 1;
        }
        cr_assert_eq(qs_feed_tx_join(&tx, mem, mem_sz), 0);
        cr_assert_eq(tx.seq, published + 1);
        seen += read_all(f);
    }
    cr_assert_eq(seen + qs_feed_missed(f), published);
    cr_assert(seen > published / 2);
    qs_feed_close(f);
}

/* What a producer announced stays announced when it is killed and the next one writes less: a reader
   that is nearly overtaken must not be given what lies there. */
Test(feed, what_was_half_overwritten_stays_void)
{
    qs_feed_rec_t const *r;
    enum { HURT = 30000 };

    tear_down();
    make(4096, DATA);
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    while (tx.pos + 3000 < DATA)
        put(&tx);
    tx.pos = DATA;
    tx.head->reserve_seq = tx.seq;
    tx.head->reserve_end = DATA + HURT;
    memset(tx.data, 0xee, HURT);
    cr_assert_eq(qs_feed_tx_join(&tx, mem, mem_sz), 0);
    qs_feed_tx_publish(&tx, &(qs_feed_rec_t){.kind = 9}, "", 1, NULL, 0, 0);
    while (qs_feed_next(f, &r) != 1)
        ;
    cr_assert(right(r), "record %lu was half overwritten", r->seq);
    cr_assert_eq(r->seq, qs_feed_missed(f) + 1);
    qs_feed_close(f);
}

Test(feed, a_line_that_is_being_written_is_void)
{
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    qs_feed_rec_t const *r;

    for (u32 i = 0; i < LINES; i++)
        put(&tx);
    qs_feed_line_t *l = &tx.line[tx.seq & tx.line_mask]; /* still record 1's */
    tx.head->reserve_seq = tx.seq;
    l->pos = tx.line[5].pos;
    l->sz = tx.line[5].sz;
    while (qs_feed_next(f, &r) != 1)
        ;
    cr_assert(right(r));
    cr_assert_eq(r->seq, qs_feed_missed(f) + 1);
    qs_feed_close(f);
}

Test(feed, a_broken_file_is_not_believed)
{
    qs_feed_head_t good = *(qs_feed_head_t *)mem, *h = (qs_feed_head_t *)mem;
    qs_feed_t *f;
    u64 const wrong[] = {0, 1, 3, 1u << 20, UINT64_MAX, UINT64_MAX / 32 + 1, 1ull << 41};

    for (u32 i = 0; i < QS_COUNT(wrong); i++) {
        h->line_cnt = wrong[i];
        if (wrong[i] != 1)
            cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), -EPROTO, "line_cnt %lu", wrong[i]);
        *h = good;
        h->data_sz = wrong[i];
        cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), -EPROTO, "data_sz %lu", wrong[i]);
        *h = good;
        h->line_off = wrong[i] ? wrong[i] : mem_sz;
        cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), -EPROTO, "line_off %lu", wrong[i]);
        *h = good;
        h->data_off = wrong[i] | 1;
        cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), -EPROTO, "data_off %lu", wrong[i]);
        *h = good;
    }
    h->abi = QS_FEED_ABI + 1;
    cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), -EPROTO);
    *h = good;
    h->magic++;
    cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), -EPROTO);
    cr_assert_eq(qs_feed_tx_join(&tx, mem, mem_sz), -EPROTO);
    *h = good;
    cr_assert_eq(qs_feed_tx_join(&tx, mem, mem_sz - 1), -EPROTO);
    cr_assert_eq(qs_feed_open(&f, "/dev/shm/quickstep-no-such-feed", QS_FEED_OLDEST), -ENOENT);
    cr_assert_eq(qs_feed_open(&f, path, QS_FEED_OLDEST), 0);
    qs_feed_close(f);
}

/* Whatever stands in the lines, a reader stays inside of its mapping and comes to an end. */
Test(feed, lines_of_a_hostile_producer_do_no_harm)
{
    u64 state = 88172645463325252ull;
    qs_feed_rec_t const *r;

    for (u32 round = 0; round < 2000; round++) {
        for (u32 i = 0; i < LINES; i++) {
            u64 *word = (u64 *)&tx.line[i];
            for (u32 k = 0; k < 4; k++) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word[k] = state % 3 ? state % 200 : state;
            }
        }
        tx.head->next_seq = state % 300;
        tx.head->reserve_seq = state % 200;
        tx.head->reserve_end = state % 300000;
        qs_feed_t *f = reader(round % 2 ? QS_FEED_OLDEST : QS_FEED_NEWEST);
        for (u32 i = 0; i < 200; i++)
            if (qs_feed_next(f, &r) == 1)
                cr_assert(r->sz <= QS_FEED_REC_MAX);
        qs_feed_close(f);
    }
    for (u32 i = 0; i < LINES; i++) /* a record that runs out of the ring */
        tx.line[i] = (qs_feed_line_t){.seq = i, .pos = DATA - 64, .sz = QS_FEED_REC_MAX, .kind = 1};
    tx.head->next_seq = 1;
    tx.head->reserve_seq = tx.head->reserve_end = 0;
    qs_feed_t *f = reader(QS_FEED_NEWEST);
    cr_assert_eq(qs_feed_next(f, &r), 0);
    qs_feed_close(f);
}

Test(feed, sizes)
{
    cr_assert_eq(qs_feed_tx_footprint(1, DATA), 0);
    cr_assert_eq(qs_feed_tx_footprint(3, DATA), 0);
    cr_assert_eq(qs_feed_tx_footprint(LINES, DATA / 2), 0);
    cr_assert_eq(qs_feed_tx_footprint(LINES, DATA + 1), 0);
    cr_assert_eq(qs_feed_tx_footprint(QS_FEED_LINE_MAX * 2ull, DATA), 0);
    cr_assert_eq(qs_feed_tx_new(mem, 3, DATA, 0), -EINVAL);
    cr_assert_eq(qs_feed_abi(), 1);
}

Test(feed, says_that_it_lives)
{
    qs_feed_t *f = reader(QS_FEED_NEWEST);

    qs_feed_tx_beat(&tx, 1);
    cr_assert(qs_feed_silent_ns(f) > 1000);
    cr_assert_neq(qs_feed_silent_ns(f), UINT64_MAX);
    qs_feed_tx_end(&tx);
    cr_assert_eq(qs_feed_silent_ns(f), UINT64_MAX);
    cr_assert_eq(qs_feed_wait(f, 100000), 0);
    put(&tx);
    cr_assert_eq(qs_feed_wait(f, 10000000000u), 1);
    qs_feed_close(f);
}

/* follow reads until record `last`, and returns 0 if all it got was right and nothing unaccounted. */
static int
follow(u64 last, int ready_fd)
{
    qs_feed_t *f;
    qs_feed_rec_t const *r;
    u64 seen = 0, expected = 1;

    if (qs_feed_open(&f, path, QS_FEED_NEWEST) || qs_feed_seq(f) != 1 ||
        write(ready_fd, "r", 1) != 1)
        return 1;
    while (qs_feed_seq(f) <= last) {
        if (!qs_feed_wait(f, 20000000000u))
            return 2;
        if (qs_feed_next(f, &r) != 1)
            continue;
        expected = 1 + seen + qs_feed_missed(f);
        if (r->seq != expected || !right(r))
            return 3;
        seen++;
    }
    return seen + qs_feed_missed(f) == last && seen ? 0 : 4;
}

/* Sixteen readers at once; the node waits for none of them. */
Test(feed, sixteen_readers)
{
    enum { READERS = 16, RECORDS = 200000 };
    pid_t pid[READERS];
    int ready[2];
    char byte;

    cr_assert_eq(pipe(ready), 0);
    for (u32 i = 0; i < READERS; i++) {
        pid[i] = fork();
        if (!pid[i])
            _exit(follow(RECORDS, ready[1]));
    }
    for (u32 i = 0; i < READERS; i++)
        cr_assert_eq(read(ready[0], &byte, 1), 1);
    for (u32 i = 0; i < RECORDS; i++)
        put(&tx);
    for (u32 i = 0; i < READERS; i++) {
        int status;
        cr_assert_eq(waitpid(pid[i], &status, 0), pid[i]);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "reader %u: %x", i, status);
    }
}

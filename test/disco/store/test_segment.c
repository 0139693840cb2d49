/* Goal: what was appended is read back, oldest first, in a bounded window; kill -9 at any moment takes
   none of it and leaves nothing torn; damage is found and everything else served; a reader beside the
   writer sees only whole records.
   Method: payloads that tell their own number and size, so that a reader knows each by itself; a writer
   in a child that is killed in a loop; files that are cut, flipped and exchanged. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disco/store/qs_segment.h"
#include "tango/rand.h"

#define SZ      QS_SEGMENT_SZ_MIN
#define CNT     3u
#define KILLS   40u
#define DATA_SZ 39000u

static char dir[64];
static u8 data[QS_SEGMENT_DATA_MAX];

static void
make_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_segment.XXXXXX");
    cr_assert(mkdtemp(dir) != NULL);
}

static void
remove_dir(void)
{
    char path[128];
    for (u32 i = 0; i <= QS_SEGMENT_MAX; i++) {
        snprintf(path, sizeof(path), i < QS_SEGMENT_MAX ? "%s/quickstep-%03u.seg" : "%s/lock", dir,
                 i);
        unlink(path);
    }
    rmdir(dir);
}

/* fill writes the payload of that number: of a size and of bytes that follow from it. */
static u32
fill(u8 *to, u64 number)
{
    u64 rng = number * 2 + 1;
    u32 sz = 16 + (u32)(rand_next(&rng) % (DATA_SZ - 16));
    qs_store_le64(to, number);
    qs_store_le64(to + 8, sz);
    for (u32 i = 16; i < sz; i++)
        to[i] = (u8)(number * 131 + i * 7);
    return sz;
}

static bool
is_whole(u8 const *d, u32 sz, u64 slot)
{
    static u8 want[QS_SEGMENT_DATA_MAX];
    return fill(want, slot) == sz && !memcmp(want, d, sz);
}

static int
append(qs_segment_tx_t *tx, u64 number)
{
    static u8 bytes[QS_SEGMENT_DATA_MAX];
    u32 sz = fill(bytes, number), cut = sz / 3;
    return qs_segment_append(tx, &(qs_segment_put_t){.slot = number,
                                                     .run = 5,
                                                     .kind = QS_SEGMENT_SET,
                                                     .data = {bytes, bytes + cut},
                                                     .sz = {cut, sz - cut}});
}

typedef struct seen {
    u64 cnt, first, last;
    bool rising;
} seen_t;

/* read_all reads what is there; every record that is served must be whole. */
static seen_t
read_all(qs_segment_rx_t *rx)
{
    seen_t s = {.rising = true};
    qs_segment_record_t rec;
    while (qs_segment_next(rx, &rec)) {
        if (!qs_segment_data(rx, &rec, data))
            continue;
        cr_assert(is_whole(data, rec.sz, rec.slot), "record %lu", rec.slot);
        cr_assert(eq(u64, rec.run, 5));
        s.rising &= !s.cnt || rec.slot > s.last;
        s.first = s.cnt++ ? s.first : rec.slot;
        s.last = rec.slot;
    }
    return s;
}

static seen_t
read_dir(qs_segment_rx_t *rx)
{
    cr_assert(eq(int, qs_segment_rx_open(rx, dir), 0));
    seen_t s = read_all(rx);
    qs_segment_rx_close(rx);
    return s;
}

static qs_segment_rx_t rx;
static qs_segment_tx_t tx;

Test(segment, what_was_appended_is_read_back_in_order, .init = make_dir, .fini = remove_dir)
{
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    for (u64 i = 1; i <= 30; i++)
        cr_assert(ge(int, append(&tx, i), 0));
    cr_assert(eq(int, qs_segment_sync(&tx), 0));
    seen_t s = read_dir(&rx);
    cr_assert(eq(u64, s.cnt, 30));
    cr_assert(s.rising);
    cr_assert(eq(u64, rx.damaged + rx.no_head + rx.truncated + rx.gone, 0));
    qs_segment_close(&tx);
}

Test(segment, the_window_is_bounded_and_the_oldest_goes, .init = make_dir, .fini = remove_dir)
{
    struct stat st;
    char path[128];
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    for (u64 i = 1; i <= 400; i++)
        cr_assert(ge(int, append(&tx, i), 0));
    seen_t s = read_dir(&rx);
    cr_assert(eq(u64, s.last, 400));
    cr_assert(eq(u64, s.cnt, 400 - s.first + 1)); /* without a gap */
    cr_assert(s.rising);
    cr_assert(ge(u64, s.first, 200));
    cr_assert(ge(u64, tx.recycled, 3));
    snprintf(path, sizeof(path), "%s/quickstep-001.seg", dir);
    cr_assert(eq(int, stat(path, &st), 0));
    cr_assert(eq(u64, (u64)st.st_size, SZ));
    snprintf(path, sizeof(path), "%s/quickstep-003.seg", dir);
    cr_assert(eq(int, access(path, F_OK), -1));
    qs_segment_close(&tx);
}

Test(segment, a_second_writer_is_refused_and_bad_numbers_are, .init = make_dir, .fini = remove_dir)
{
    static qs_segment_tx_t other;
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    cr_assert(eq(int, qs_segment_open(&other, dir, SZ, CNT), -EBUSY));
    qs_segment_close(&tx);
    cr_assert(eq(int, qs_segment_open(&other, dir, SZ, 1), -EINVAL));
    cr_assert(eq(int, qs_segment_open(&other, dir, SZ - 1, CNT), -EINVAL));
    cr_assert(eq(int, qs_segment_open(&other, "/proc/nothing/here", SZ, CNT), -ENOENT));
    cr_assert(eq(int, qs_segment_rx_open(&rx, "/proc/nothing/here"), -ENOENT));
}

/* write_until_killed goes on behind what is there, and says in shared memory what it has appended. */
static void
write_until_killed(u64 *done)
{
    if (qs_segment_open(&tx, dir, SZ, CNT))
        _exit(1);
    for (;;) {
        if (append(&tx, *done + 1) < 0)
            _exit(2);
        qs_store_release(done, *done + 1);
    }
}

/* The loop ends on what was seen: in each life something must have been appended. */
Test(segment, kill_at_any_moment_tears_nothing_and_takes_nothing_away, .init = make_dir,
     .fini = remove_dir)
{
    u64 *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    u64 rng = 11;
    for (u32 life = 0; life < KILLS; life++) {
        u64 before = *done;
        pid_t pid = fork();
        if (!pid)
            write_until_killed(done);
        u64 more = before + 1 + rand_next(&rng) % 60;
        while (qs_load_acquire(done) < more)
            cr_assert(eq(int, waitpid(pid, NULL, WNOHANG), 0));
        for (u64 spin = rand_next(&rng) % 20000; spin; spin--)
            qs_pause();
        kill(pid, SIGKILL);
        cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
        seen_t s = read_dir(&rx);
        cr_assert(ge(u64, s.last, *done)); /* the one in the making may be whole, too */
        cr_assert(le(u64, s.last, *done + 1));
        cr_assert(eq(u64, s.cnt, s.last - s.first + 1));
        cr_assert(s.rising);
        *done = s.last;
    }
    munmap(done, 4096);
}

static int
open_file(u32 idx)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/quickstep-%03u.seg", dir, idx);
    int fd = open(path, O_RDWR);
    cr_assert(ge(int, fd, 0));
    return fd;
}

static void
flip(u32 idx, u64 off)
{
    u8 byte;
    int fd = open_file(idx);
    cr_assert(eq(i64, pread(fd, &byte, 1, (off_t)off), 1));
    byte ^= 0x10;
    cr_assert(eq(i64, pwrite(fd, &byte, 1, (off_t)off), 1));
    close(fd);
}

static void
write_some(u64 cnt)
{
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    for (u64 i = 1; i <= cnt; i++)
        cr_assert(ge(int, append(&tx, i), 0));
    qs_segment_close(&tx);
}

Test(segment, a_flipped_bit_costs_its_record_and_no_other, .init = make_dir, .fini = remove_dir)
{
    u64 rng = 5;
    write_some(30);
    for (u32 i = 0; i < 60; i++) {
        u64 end = tx.cur == 0 ? tx.off : SZ / 2;
        u64 at = QS_SEGMENT_HEAD_SZ + rand_next(&rng) % (end - QS_SEGMENT_HEAD_SZ);
        flip(0, at);
        seen_t s = read_dir(&rx);
        cr_assert(ge(u64, s.cnt, 29), "byte %lu: %lu", at, s.cnt);
        cr_assert(eq(u64, s.cnt + (rx.damaged > 0), 30), "byte %lu", at); /* or it was padding */
        flip(0, at);
        s = read_dir(&rx);
        cr_assert(eq(u64, s.cnt, 30));
        cr_assert(eq(u64, rx.damaged, 0));
    }
}

Test(segment, a_head_has_a_second_copy_and_without_both_the_others_are_served, .init = make_dir,
     .fini = remove_dir)
{
    write_some(120);
    u64 all = read_dir(&rx).cnt;
    flip(0, 24);
    cr_assert(eq(u64, read_dir(&rx).cnt, all));
    cr_assert(eq(u64, rx.no_head, 0));
    flip(0, QS_SEGMENT_HEAD_SZ / 2 + 24);
    seen_t s = read_dir(&rx);
    cr_assert(eq(u64, rx.no_head, 1));
    cr_assert(s.cnt < all);
    cr_assert(ge(u64, s.cnt, all / 2));
}

Test(segment, a_file_that_was_cut_is_served_as_far_as_it_goes, .init = make_dir, .fini = remove_dir)
{
    write_some(120);
    u64 all = read_dir(&rx).cnt;
    int fd = open_file(0);
    cr_assert(eq(int, ftruncate(fd, SZ / 2 + 77), 0));
    close(fd);
    seen_t s = read_dir(&rx);
    cr_assert(eq(u64, rx.truncated, 1));
    cr_assert(s.cnt < all);
    cr_assert(ge(u64, s.cnt, all / 2 + 10));
    cr_assert(s.rising);
    /* A writer makes that file anew, and the rest is still there. */
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    cr_assert(ge(int, append(&tx, 121), 0));
    qs_segment_close(&tx);
    s = read_dir(&rx);
    cr_assert(eq(u64, s.last, 121));
    cr_assert(eq(u64, rx.truncated, 0));
}

Test(segment, bytes_inside_a_payload_never_pass_for_a_record, .init = make_dir, .fini = remove_dir)
{
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    cr_assert(ge(int, append(&tx, 1), 0));
    /* A stranger can write a record's head into a payload, but does not know the key. */
    static u8 forged[QS_SEGMENT_ALIGN * 8];
    static qs_segment_rx_t old;
    qs_segment_record_t rec;
    cr_assert(eq(int, qs_segment_rx_open(&old, dir), 0));
    cr_assert(qs_segment_next(&old, &rec));
    qs_segment_rx_close(&old);
    rec.key ^= 1;
    for (u32 i = 0; i < 8; i++)
        memcpy(forged + i * QS_SEGMENT_ALIGN, &rec, sizeof(rec));
    qs_segment_put_t put = {.slot = 9, .run = 5, .kind = QS_SEGMENT_SET, .data = {forged, NULL}};
    put.sz[0] = sizeof(forged);
    cr_assert(ge(int, qs_segment_append(&tx, &put), 0));
    u64 at = tx.off - sizeof(forged) - sizeof(rec); /* its own head is lost */
    cr_assert(ge(int, append(&tx, 2), 0));
    qs_segment_close(&tx);
    flip(0, at);
    seen_t s = read_dir(&rx);
    cr_assert(eq(u64, s.cnt, 2));
    cr_assert(eq(u64, s.last, 2));
    cr_assert(eq(u64, rx.damaged, 1));
}

Test(segment, a_reader_beside_the_writer_sees_whole_records_only, .init = make_dir,
     .fini = remove_dir)
{
    u64 *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (!pid)
        write_until_killed(done);
    u64 seen = 0, rounds = 0;
    while (qs_load_acquire(done) < 1500) {
        if (qs_segment_rx_open(&rx, dir))
            continue;
        seen += read_all(&rx).cnt;
        qs_segment_rx_close(&rx);
        rounds++;
        cr_assert(eq(int, waitpid(pid, NULL, WNOHANG), 0));
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    cr_assert(ge(u64, rounds, 2));
    cr_assert(ge(u64, seen, 1));
    munmap(done, 4096);
}

Test(segment, a_reader_that_stays_sees_what_is_appended_later, .init = make_dir, .fini = remove_dir)
{
    cr_assert(eq(int, qs_segment_open(&tx, dir, SZ, CNT), 0), "%s", tx.why);
    cr_assert(ge(int, append(&tx, 1), 0));
    cr_assert(eq(int, qs_segment_rx_open(&rx, dir), 0));
    cr_assert(eq(u64, read_all(&rx).cnt, 1));
    cr_assert(eq(u64, read_all(&rx).cnt, 0));
    cr_assert(ge(int, append(&tx, 2), 0));
    seen_t s = read_all(&rx);
    cr_assert(eq(u64, s.cnt, 1));
    cr_assert(eq(u64, s.last, 2));
    qs_segment_rx_close(&rx);
    qs_segment_close(&tx);
}

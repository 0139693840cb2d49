#include "disco/store/qs_segment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tango/base/qs_crc32c.h"
#include "tango/base/qs_rng.h"

#define FLUSH_SZ (4u << 20)

static int
fail(qs_segment_tx_t *tx, int err, char const *what, char const *name)
{
    snprintf(tx->why, sizeof(tx->why), "%.100s: %s: %s", name, what, strerror(-err));
    return err;
}

/* write_head begins segment number in file idx: whatever was in it is void. */
static int
write_head(qs_segment_tx_t *tx, u32 idx, u64 number)
{
    u8 block[QS_SEGMENT_HEAD_SZ] = {0};
    qs_segment_head_t head = {
        .magic = QS_SEGMENT_MAGIC, .abi = QS_SEGMENT_ABI, .number = number, .sz = tx->sz};
    int err = qs_rng_seed_os(&head.key);
    if (err)
        return err;
    head.crc = qs_crc32c(0, &head, offsetof(qs_segment_head_t, crc));
    memcpy(block, &head, sizeof(head));
    memcpy(block + QS_SEGMENT_HEAD_SZ / 2, &head, sizeof(head));
    if (pwrite(tx->fd[idx], block, sizeof(block), 0) != (ssize_t)sizeof(block))
        return errno ? -errno : -EIO;
    tx->cur = idx;
    tx->key = head.key;
    tx->number[idx] = number;
    tx->off = tx->synced = tx->flushing = QS_SEGMENT_HEAD_SZ;
    tx->dirty = true;
    return 0;
}

/* begin_next takes the oldest file, or one that has no segment yet. */
static int
begin_next(qs_segment_tx_t *tx)
{
    u32 idx = 0;
    u64 newest = 0;
    for (u32 i = 0; i < tx->cnt; i++) {
        idx = tx->number[i] < tx->number[idx] ? i : idx;
        newest = qs_max_u64(newest, tx->number[i]);
    }
    bool was = tx->number[idx] != 0;
    int err = write_head(tx, idx, newest + 1);
    tx->recycled += !err && was;
    return err;
}

static int
make_file(qs_segment_tx_t *tx, int dir_fd, u32 idx)
{
    char name[32];
    struct stat st;
    snprintf(name, sizeof(name), "quickstep-%03u.seg", idx);
    int fd = tx->fd[idx] = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0 || fstat(fd, &st))
        return fail(tx, -errno, "cannot be opened", name);
    if ((u64)st.st_size != tx->sz && st.st_size && ftruncate(fd, 0))
        return fail(tx, -errno, "cannot be made anew", name);
    int err = (u64)st.st_size == tx->sz ? 0 : posix_fallocate(fd, 0, (off_t)tx->sz);
    return err ? fail(tx, -err, "no room for it", name) : 0;
}

/* go_on continues behind the last good record of the newest segment. */
static int
go_on(qs_segment_tx_t *tx, char const *dir)
{
    static u8 data[QS_SEGMENT_DATA_MAX];
    qs_segment_rx_t *rx = malloc(sizeof(*rx));
    qs_segment_record_t rec;
    int err = rx ? qs_segment_rx_open(rx, dir) : -ENOMEM;
    if (err) {
        free(rx);
        return fail(tx, err, "cannot be read", dir);
    }
    u32 last = rx->cnt - 1;
    bool any = rx->cnt > 0;
    if (any) {
        rx->cur = last;
        rx->off = tx->off = QS_SEGMENT_HEAD_SZ;
        tx->key = rx->head[last].key;
    }
    while (any && qs_segment_next(rx, &rec))
        if (qs_segment_data(rx, &rec, data)) {
            tx->off = rx->off;
            tx->record = rec.number;
        }
    for (u32 i = 0; i < tx->cnt; i++) {
        qs_segment_head_t h;
        bool good = pread(tx->fd[i], &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
                    qs_segment_head_ok(&h) && h.sz == tx->sz;
        tx->number[i] = good ? h.number : 0;
        tx->cur = good && any && h.key == tx->key ? i : tx->cur;
    }
    tx->synced = tx->flushing = tx->off;
    any = any && tx->number[tx->cur] == rx->head[last].number;
    qs_segment_rx_close(rx);
    free(rx);
    return any ? 0 : begin_next(tx);
}

int
qs_segment_open(qs_segment_tx_t *tx, char const *dir, u64 sz, u32 cnt)
{
    *tx = (qs_segment_tx_t){.lock_fd = -1, .sz = sz, .cnt = cnt};
    for (u32 i = 0; i < QS_SEGMENT_MAX; i++)
        tx->fd[i] = -1;
    if (cnt < 2 || cnt > QS_SEGMENT_MAX || sz < QS_SEGMENT_SZ_MIN || sz > QS_SEGMENT_SZ_MAX)
        return fail(tx, -EINVAL, "2 to 64 segments of 1 MiB to 1 GiB", dir);
    if (mkdir(dir, 0750) && errno != EEXIST)
        return fail(tx, -errno, "cannot be made", dir);
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return fail(tx, -errno, "cannot be opened", dir);
    int err = 0;
    tx->lock_fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (tx->lock_fd < 0 || flock(tx->lock_fd, LOCK_EX | LOCK_NB))
        err = fail(tx, errno == EWOULDBLOCK ? -EBUSY : -errno, "its lock cannot be had", dir);
    for (u32 i = 0; !err && i < cnt; i++)
        err = make_file(tx, dir_fd, i);
    if (!err)
        err = fsync(dir_fd) ? fail(tx, -errno, "cannot be synced", dir) : go_on(tx, dir);
    close(dir_fd);
    if (err)
        qs_segment_close(tx);
    return err;
}

void
qs_segment_close(qs_segment_tx_t *tx)
{
    for (u32 i = 0; i < QS_SEGMENT_MAX; i++)
        if (tx->fd[i] >= 0)
            close(tx->fd[i]);
    if (tx->lock_fd >= 0)
        close(tx->lock_fd);
}

static u64
record_sz(u32 sz)
{
    return qs_align_up(sizeof(qs_segment_record_t) + sz, QS_SEGMENT_ALIGN);
}

bool
qs_segment_full(qs_segment_tx_t const *tx, u32 sz)
{
    return tx->off + record_sz(sz) > tx->sz;
}

int
qs_segment_append(qs_segment_tx_t *tx, qs_segment_put_t const *put)
{
    static u8 const zero[QS_SEGMENT_ALIGN];
    u32 sz = put->sz[0] + put->sz[1];
    int began = 0;
    QS_ASSERT(sz <= QS_SEGMENT_DATA_MAX);
    if (qs_segment_full(tx, sz)) {
        int err = begin_next(tx);
        if (err)
            return err;
        began = 1;
    }
    qs_segment_record_t rec = {.key = tx->key,
                               .number = tx->record + 1,
                               .slot = put->slot,
                               .run = put->run,
                               .written_ns = put->written_ns,
                               .sz = sz,
                               .kind = (u16)put->kind};
    rec.data_crc = qs_crc32c(0, put->data[0], put->sz[0]);
    rec.data_crc = qs_crc32c(rec.data_crc, put->data[1], put->sz[1]);
    rec.crc = qs_crc32c(0, &rec, offsetof(qs_segment_record_t, crc));
    u64 whole = record_sz(sz);
    struct iovec const part[4] = {{&rec, sizeof(rec)},
                                  {(void *)put->data[0], put->sz[0]},
                                  {(void *)put->data[1], put->sz[1]},
                                  {(void *)zero, whole - sizeof(rec) - sz}};
    ssize_t wrote = pwritev(tx->fd[tx->cur], part, 4, (off_t)tx->off);
    if (wrote != (ssize_t)whole)
        return wrote < 0 ? -errno : -EIO;
    tx->record++;
    tx->off += whole;
    tx->dirty = true;
    return began;
}

int
qs_segment_flush(qs_segment_tx_t *tx)
{
    if (tx->off - tx->flushing < FLUSH_SZ)
        return 0;
    u64 from = tx->flushing;
    tx->flushing = tx->off;
    return sync_file_range(tx->fd[tx->cur], (off_t)from, (off_t)(tx->off - from),
                           SYNC_FILE_RANGE_WRITE)
               ? -errno
               : 0;
}

int
qs_segment_sync(qs_segment_tx_t *tx)
{
    if (!tx->dirty)
        return 0;
    if (fdatasync(tx->fd[tx->cur]))
        return -errno;
    tx->dirty = false;
    tx->synced = tx->flushing = tx->off;
    return 0;
}

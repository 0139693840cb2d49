#include "disco/store/qs_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tango/base/qs_crc32c.h"

bool
qs_segment_head_ok(qs_segment_head_t const *h)
{
    return h->magic == QS_SEGMENT_MAGIC && h->abi == QS_SEGMENT_ABI && h->number && h->key &&
           h->sz >= QS_SEGMENT_SZ_MIN && h->sz <= QS_SEGMENT_SZ_MAX &&
           h->crc == qs_crc32c(0, h, offsetof(qs_segment_head_t, crc));
}

static bool
read_head(int fd, qs_segment_head_t *h)
{
    for (u32 copy = 0; copy < 2; copy++) {
        ssize_t got = pread(fd, h, sizeof(*h), copy * QS_SEGMENT_HEAD_SZ / 2);
        if (got == (ssize_t)sizeof(*h) && qs_segment_head_ok(h))
            return true;
    }
    return false;
}

/* insert keeps the segments in the order of their numbers. */
static void
insert(qs_segment_rx_t *rx, int fd, qs_segment_head_t const *head, u64 file_sz)
{
    u32 at = rx->cnt++;
    for (; at && rx->head[at - 1].number > head->number; at--) {
        rx->fd[at] = rx->fd[at - 1];
        rx->head[at] = rx->head[at - 1];
        rx->file_sz[at] = rx->file_sz[at - 1];
    }
    rx->fd[at] = fd;
    rx->head[at] = *head;
    rx->file_sz[at] = file_sz;
}

int
qs_segment_rx_open(qs_segment_rx_t *rx, char const *dir)
{
    memset(rx, 0, offsetof(qs_segment_rx_t, block));
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -errno;
    for (u32 i = 0; i < QS_SEGMENT_MAX; i++) {
        char name[32];
        struct stat st;
        qs_segment_head_t head;
        snprintf(name, sizeof(name), "quickstep-%03u.seg", i);
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
            continue;
        bool regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
        if (!regular || !read_head(fd, &head)) {
            u64 first = 0;
            rx->no_head += !regular || pread(fd, &first, sizeof(first), 0) != 8 || first != 0;
            close(fd);
            continue;
        }
        rx->truncated += (u64)st.st_size < head.sz;
        insert(rx, fd, &head, qs_min_u64((u64)st.st_size, head.sz));
    }
    close(dir_fd);
    qs_segment_rewind(rx);
    return 0;
}

void
qs_segment_rx_close(qs_segment_rx_t *rx)
{
    for (u32 i = 0; i < rx->cnt; i++)
        close(rx->fd[i]);
    rx->cnt = 0;
}

void
qs_segment_rewind(qs_segment_rx_t *rx)
{
    rx->cur = 0;
    rx->off = QS_SEGMENT_HEAD_SZ;
    rx->block_off = UINT64_MAX;
}

/* look returns the 64 bytes at off, a multiple of 64, or null at the end of the file. */
static u8 const *
look(qs_segment_rx_t *rx, u64 off, bool far)
{
    bool held = rx->block_off != UINT64_MAX && off >= rx->block_off &&
                off + QS_SEGMENT_ALIGN <= rx->block_off + rx->block_sz;
    if (!held) { /* one head, or as much as there is room for when all of it will be looked at */
        ssize_t got = pread(rx->fd[rx->cur], rx->block, far ? sizeof(rx->block) : QS_SEGMENT_ALIGN,
                            (off_t)off);
        rx->block_off = off;
        rx->block_sz = got > 0 ? (u32)got : 0;
    }
    return rx->block_sz - (off - rx->block_off) >= QS_SEGMENT_ALIGN && rx->block_sz
               ? rx->block + (off - rx->block_off)
               : NULL;
}

static bool
record_ok(qs_segment_rx_t const *rx, qs_segment_record_t const *rec, u64 off)
{
    u64 end = off + sizeof(*rec) + rec->sz;
    return rec->key == rx->head[rx->cur].key && rec->sz <= QS_SEGMENT_DATA_MAX &&
           end <= rx->file_sz[rx->cur] &&
           rec->crc == qs_crc32c(0, rec, offsetof(qs_segment_record_t, crc));
}

/* still_there says whether the segment in hand is the one that it was. */
static bool
still_there(qs_segment_rx_t const *rx)
{
    qs_segment_head_t h;
    return read_head(rx->fd[rx->cur], &h) && h.key == rx->head[rx->cur].key;
}

/* find_record looks from off on for a record.  Returns false at the end of the segment. */
static bool
find_record(qs_segment_rx_t *rx, qs_segment_record_t *rec)
{
    u64 end = rx->file_sz[rx->cur], begin = rx->off;
    bool begun = false; /* something with our key is there and is not whole */
    rx->block_off = UINT64_MAX;
    for (u64 off = begin; off + sizeof(*rec) <= end; off += QS_SEGMENT_ALIGN) {
        u8 const *at = look(rx, off, off != begin);
        if (!at)
            break;
        memcpy(rec, at, sizeof(*rec));
        if (record_ok(rx, rec, off)) {
            rx->damaged += off != begin;
            rx->data_off = off + sizeof(*rec);
            rx->off = off + qs_align_up(sizeof(*rec) + rec->sz, QS_SEGMENT_ALIGN);
            return true;
        }
        begun |= rec->key == rx->head[rx->cur].key;
    }
    rx->damaged += begun;
    return false;
}

bool
qs_segment_next(qs_segment_rx_t *rx, qs_segment_record_t *rec)
{
    while (rx->cur < rx->cnt) {
        if (find_record(rx, rec))
            return true;
        rx->gone += !still_there(rx);
        if (rx->cur + 1 == rx->cnt)
            return false;
        rx->cur++;
        rx->off = QS_SEGMENT_HEAD_SZ;
    }
    return false;
}

bool
qs_segment_data(qs_segment_rx_t *rx, qs_segment_record_t const *rec, void *data)
{
    u32 sz = rec->sz;
    if (sz <= QS_SEGMENT_DATA_MAX &&
        pread(rx->fd[rx->cur], data, sz, (off_t)rx->data_off) == (ssize_t)sz &&
        qs_crc32c(0, data, sz) == rec->data_crc)
        return true;
    if (still_there(rx))
        rx->damaged++;
    else
        rx->gone++;
    return false;
}

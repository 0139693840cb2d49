/* fuzz_segment - segment files that say anything: the input is written over a file, from a place that it
   names; without a file's head of its own it gets a good one, so that records are reached.

   Whatever is there: no record beyond the file or its bounds is served, and what is served has its
   sum; reading ends. */

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disco/store/qs_segment.h"
#include "tango/base/qs_crc32c.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static char dir[64], path[96];
static qs_segment_rx_t rx;
static u8 payload[QS_SEGMENT_DATA_MAX];

static void
clean_up(void)
{
    unlink(path);
    rmdir(dir);
}

static void
make_file(u8 const *data, size_t sz)
{
    qs_segment_head_t head = {.magic = QS_SEGMENT_MAGIC,
                              .abi = QS_SEGMENT_ABI,
                              .number = 7,
                              .key = 0x6b65796b65796b65,
                              .sz = QS_SEGMENT_SZ_MIN};
    head.crc = qs_crc32c(0, &head, offsetof(qs_segment_head_t, crc));
    if (!dir[0]) {
        snprintf(dir, sizeof(dir), "/tmp/fuzz_segment.XXXXXX");
        QS_ASSERT(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/quickstep-000.seg", dir);
        atexit(clean_up);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    QS_ASSERT(fd >= 0 && pwrite(fd, &head, sizeof(head), QS_SEGMENT_HEAD_SZ / 2) == sizeof(head));
    off_t at = sz && data[0] & 1 ? 0 : QS_SEGMENT_HEAD_SZ;
    QS_ASSERT(pwrite(fd, data + 1, sz - 1, at) == (ssize_t)(sz - 1));
    close(fd);
}

/* seal gives every record in the input that has the key the sums that it should have: mutations alone
   would not find them. */
static void
seal(u8 *data, size_t sz)
{
    for (size_t at = 1; at + sizeof(qs_segment_record_t) <= sz; at += QS_SEGMENT_ALIGN) {
        qs_segment_record_t rec;
        memcpy(&rec, data + at, sizeof(rec));
        if (rec.key != 0x6b65796b65796b65 || !(rec.pad & 1))
            continue;
        size_t left = sz - at - sizeof(rec);
        if (rec.sz <= left)
            rec.data_crc = qs_crc32c(0, data + at + sizeof(rec), rec.sz);
        rec.crc = qs_crc32c(0, &rec, offsetof(qs_segment_record_t, crc));
        memcpy(data + at, &rec, sizeof(rec));
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_segment_record_t rec;
    u64 served = 0;
    if (!sz || sz > QS_SEGMENT_SZ_MIN)
        return 0;
    u8 *copy = malloc(sz);
    memcpy(copy, data, sz);
    if (data[0] & 2)
        seal(copy, sz);
    make_file(copy, sz);
    QS_ASSERT(!qs_segment_rx_open(&rx, dir));
    while (qs_segment_next(&rx, &rec)) {
        QS_ASSERT(rec.sz <= QS_SEGMENT_DATA_MAX && rx.off <= rx.file_sz[0] + QS_SEGMENT_ALIGN);
        if (qs_segment_data(&rx, &rec, payload))
            QS_ASSERT(qs_crc32c(0, payload, rec.sz) == rec.data_crc);
        QS_ASSERT(++served <= sz / sizeof(rec));
    }
    qs_segment_rx_close(&rx);
    free(copy);
    return 0;
}

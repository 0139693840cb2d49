/* Goal: no file makes a join crash, and what a join accepts can be read from the first object's
   first byte to the last one's last.  Method: the first two bytes say how long the file is, in units
   of 16 bytes; the rest is what it begins with, the remainder is zero. */

#include <sys/mman.h>
#include <unistd.h>

#include "tango/base/qs_bits.h"
#include "tango/qs_wksp.h"

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    static qs_wksp_t w;
    if (sz < 2)
        return 0;
    u64 file_sz = 16u * qs_load_le16(data);
    u64 text_sz = qs_min_u64(sz - 2, file_sz);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    QS_ASSERT(fd >= 0 && !ftruncate(fd, (off_t)file_sz));
    QS_ASSERT(pwrite(fd, data + 2, text_sz, 0) == (ssize_t)text_sz);

    int err = qs_wksp_join(&w, fd, 0, QS_WKSP_RO);
    close(fd);
    QS_ASSERT(!err == !!w.mem);
    QS_ASSERT(!err == !w.why[0]);
    QS_ASSERT(memchr(w.why, 0, sizeof(w.why)));
    u64 end = QS_WKSP_OBJECTS_OFF;
    for (u32 i = 0; i < w.header.object_cnt; i++) {
        qs_wksp_object_t const *object = qs_wksp_find(&w, w.object[i].name);
        QS_ASSERT(object == &w.object[i]);
        QS_ASSERT(object->off >= end);
        end = object->off + object->sz;
        u8 const *mem = qs_wksp_object_addr(&w, object->name, object->sz);
        (void)qs_load_relaxed(&mem[0]);
        (void)qs_load_relaxed(&mem[object->sz - 1]);
    }
    QS_ASSERT(end <= file_sz || !w.header.object_cnt);
    qs_wksp_unmap(&w);
    return 0;
}

#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "tango/base/qs_bits.h"
#include "tango/qs_wksp.h"

#define WKSP_MAGIC 0x7173776b73703031ull /* "qswksp01" */
#define SZ_MAX     (1ull << 46)

static bool
name_ok(char const name[QS_WKSP_NAME_SZ])
{
    u64 sz = strnlen(name, QS_WKSP_NAME_SZ);
    for (u64 i = 0; i < sz; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return sz && sz < QS_WKSP_NAME_SZ;
}

static qs_wksp_object_t const *
find(qs_wksp_object_t const *object, u32 cnt, char const *name)
{
    for (u32 i = 0; i < cnt; i++) {
        if (!strncmp(object[i].name, name, QS_WKSP_NAME_SZ))
            return &object[i];
    }
    return NULL;
}

static int
plan_check(qs_wksp_plan_t const *plan, char const *name, u64 sz, u64 align)
{
    if (!name || strlen(name) >= QS_WKSP_NAME_SZ || !name_ok(name) || !sz || !qs_is_pow2(align) ||
        align > QS_WKSP_ALIGN_MAX)
        return -EINVAL;
    if (find(plan->object, plan->cnt, name))
        return -EEXIST;
    if (plan->cnt == QS_WKSP_OBJECT_MAX)
        return -ENOSPC;
    return sz > SZ_MAX || plan->end + sz > SZ_MAX ? -EOVERFLOW : 0;
}

u64
qs_wksp_plan_add(qs_wksp_plan_t *plan, char const *name, u32 kind, u64 sz, u64 align)
{
    int err = plan_check(plan, name, sz, align);
    if (err) {
        plan->err = plan->err ? plan->err : err;
        return 0;
    }
    u64 from = plan->end ? plan->end : QS_WKSP_OBJECTS_OFF;
    qs_wksp_object_t *object = &plan->object[plan->cnt++];
    *object = (qs_wksp_object_t){
        .kind = kind, .off = qs_align_up(from, qs_max_u64(align, QS_ALIGN)), .sz = sz};
    memcpy(object->name, name, strlen(name) + 1);
    plan->end = object->off + sz;
    return object->off;
}

u64
qs_wksp_plan_size(qs_wksp_plan_t const *plan)
{
    if (plan->err)
        return 0;
    return plan->end ? plan->end : QS_WKSP_OBJECTS_OFF;
}

__attribute__((format(printf, 3, 4))) static int
fail(qs_wksp_t *w, int err, char const *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->why, sizeof(w->why), format, args);
    va_end(args);
    return err;
}

static void
init(qs_wksp_t *w)
{
    memset(w, 0, sizeof(*w));
}

static int
map(qs_wksp_t *w, int fd, u64 sz, qs_wksp_mode_t mode)
{
    int prot = mode == QS_WKSP_RW_WARM ? PROT_READ | PROT_WRITE : PROT_READ;
    int flags = MAP_SHARED | (mode == QS_WKSP_RO ? 0 : MAP_POPULATE);
    void *mem = mmap(NULL, sz, prot, flags, fd, 0);
    if (mem == MAP_FAILED)
        return fail(w, -errno, "cannot map %lu bytes: %s", sz, strerror(errno));
    w->mem = mem;
    w->map_sz = sz;
    w->writable = mode == QS_WKSP_RW_WARM;
    return 0;
}

int
qs_wksp_create(qs_wksp_t *w, qs_shm_t const *shm, qs_wksp_plan_t const *plan, u64 layout_hash)
{
    init(w);
    if (plan->err)
        return fail(w, plan->err, "the plan has an object that cannot be placed");
    if (shm->fd_rw < 0)
        return fail(w, -EBADF, "workspace '%s' is open for reading only", shm->name);
    if (qs_wksp_plan_size(plan) > shm->sz)
        return fail(w, -ENOSPC, "the plan needs %lu bytes, the memory has %lu",
                    qs_wksp_plan_size(plan), shm->sz);
    int err = map(w, shm->fd_rw, shm->sz, QS_WKSP_RW_WARM);
    if (err)
        return err;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    w->header = (qs_wksp_header_t){
        .abi = QS_WKSP_ABI,
        .object_cnt = plan->cnt,
        .layout_hash = layout_hash,
        .sz = shm->sz,
        .page_sz = shm->page_sz,
        .creator_pid = (u64)getpid(),
        .created_ns = (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec,
    };
    memcpy(w->object, plan->object, sizeof(w->object));

    qs_wksp_header_t *header = (qs_wksp_header_t *)w->mem;
    qs_store_relaxed(&header->magic, 0);
    qs_fence(__ATOMIC_RELEASE);
    memcpy((u8 *)header + sizeof(u64), (u8 *)&w->header + sizeof(u64), sizeof(*header) - 8);
    memcpy(header + 1, w->object, sizeof(w->object));
    qs_store_release(&header->magic, WKSP_MAGIC); /* pairs with the fence in read_copy */
    w->header.magic = WKSP_MAGIC;
    return 0;
}

/* read_at is a system call and not a load, so that a file that is cut off meanwhile is an answer
   and not SIGBUS. */
static bool
read_at(int fd, void *to, u64 sz, u64 off)
{
    ssize_t got;
    do
        got = pread(fd, to, sz, (off_t)off);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sz;
}

/* read_copy brings header and directory to private memory; nothing is checked but the magic. */
static int
read_copy(qs_wksp_t *w, int fd, u64 file_sz)
{
    u64 magic = 0;
    if (!read_at(fd, &magic, sizeof(magic), 0) || magic != WKSP_MAGIC)
        return fail(w, -EPROTO, "not a quickstep workspace");
    qs_fence(__ATOMIC_ACQUIRE); /* pairs with the release of the magic */
    if (!read_at(fd, &w->header, sizeof(w->header), 0))
        return fail(w, -ENODATA, "truncated: file has %lu bytes, its header alone %lu", file_sz,
                    sizeof(w->header));
    return 0;
}

static int
check_header(qs_wksp_t *w, u64 file_sz, u64 layout_hash)
{
    qs_wksp_header_t const *h = &w->header;
    if (h->magic != WKSP_MAGIC)
        return fail(w, -EPROTO, "not a quickstep workspace");
    if (h->abi != QS_WKSP_ABI)
        return fail(w, -EPROTONOSUPPORT, "made by another version (abi %u, this is %u)", h->abi,
                    QS_WKSP_ABI);
    if (layout_hash && h->layout_hash != layout_hash)
        return fail(w, -ESTALE, "made for another topology (layout %016lx, this is %016lx)",
                    h->layout_hash, layout_hash);
    if (h->sz > file_sz)
        return fail(w, -ENODATA, "truncated: file has %lu bytes, header says %lu", file_sz, h->sz);
    if (h->sz > SZ_MAX || h->sz < QS_WKSP_OBJECTS_OFF || !qs_is_pow2(h->page_sz) ||
        h->sz % h->page_sz)
        return fail(w, -EILSEQ, "corrupt header: %lu bytes in pages of %lu", h->sz, h->page_sz);
    if (h->object_cnt > QS_WKSP_OBJECT_MAX)
        return fail(w, -EILSEQ, "corrupt header: %u objects, at most %u fit", h->object_cnt,
                    QS_WKSP_OBJECT_MAX);
    return 0;
}

/* check_directory relies on objects lying in the order of the directory: then each need only begin
   where the one before has ended. */
static int
check_directory(qs_wksp_t *w)
{
    u64 end = QS_WKSP_OBJECTS_OFF;
    for (u32 i = 0; i < w->header.object_cnt; i++) {
        qs_wksp_object_t const *object = &w->object[i];
        if (!name_ok(object->name))
            return fail(w, -EILSEQ, "corrupt directory: object %u has no proper name", i);
        if (find(w->object, i, object->name))
            return fail(w, -EILSEQ, "corrupt directory: two objects '%s'", object->name);
        if (!object->sz || object->off > w->header.sz || object->sz > w->header.sz - object->off)
            return fail(w, -EILSEQ, "corrupt directory: object '%s' lies outside", object->name);
        if (object->off < end)
            return fail(w, -EILSEQ, "corrupt directory: object '%s' overlaps another",
                        object->name);
        if (object->off % QS_ALIGN)
            return fail(w, -EILSEQ, "corrupt directory: object '%s' is misaligned", object->name);
        end = object->off + object->sz;
    }
    return 0;
}

/* page_sz_of is the unit that fd can be mapped and unmapped in. */
static u64
page_sz_of(int fd)
{
    struct statfs fs;
    bool huge = !fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC;
    return huge ? (u64)fs.f_bsize : (u64)sysconf(_SC_PAGESIZE);
}

int
qs_wksp_join(qs_wksp_t *w, int fd, u64 layout_hash, qs_wksp_mode_t mode)
{
    struct stat st;
    init(w);
    if (fstat(fd, &st))
        return fail(w, -errno, "cannot look at the file: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(w, -EPROTO, "not a quickstep workspace: not a file");
    u64 file_sz = (u64)st.st_size;
    int err = read_copy(w, fd, file_sz);
    if (!err)
        err = check_header(w, file_sz, layout_hash);
    if (!err &&
        !read_at(fd, w->object, w->header.object_cnt * sizeof(w->object[0]), sizeof(w->header)))
        err = fail(w, -ENODATA, "truncated: file has %lu bytes, its directory more", file_sz);
    if (!err)
        err = check_directory(w);
    if (!err)
        err = map(w, fd, qs_align_up(w->header.sz, page_sz_of(fd)), mode);
    if (err)
        w->header.object_cnt = 0;
    return err;
}

void
qs_wksp_unmap(qs_wksp_t *w)
{
    if (w->mem)
        munmap(w->mem, w->map_sz);
    w->mem = NULL;
    w->header.object_cnt = 0;
}

qs_wksp_object_t const *
qs_wksp_find(qs_wksp_t const *w, char const *name)
{
    return find(w->object, w->header.object_cnt, name);
}

void *
qs_wksp_addr(qs_wksp_t const *w, u64 off, u64 sz)
{
    if (!w->mem || off > w->header.sz || sz > w->header.sz - off)
        return NULL;
    return w->mem + off;
}

void *
qs_wksp_object_addr(qs_wksp_t const *w, char const *name, u64 sz)
{
    qs_wksp_object_t const *object = qs_wksp_find(w, name);
    return object && sz <= object->sz ? qs_wksp_addr(w, object->off, object->sz) : NULL;
}

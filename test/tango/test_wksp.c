/* Goal: what was planned is found again by everybody who maps the workspace, and a file that is
   foreign, old, cut off or corrupt is refused with a sentence that says which.  Method: a workspace
   in a memfd; for the rejections it is damaged one field at a time. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tango/qs_wksp.h"

#define HASH 0x1234abcdull

static qs_shm_t shm;
static qs_wksp_plan_t plan;
static qs_wksp_t w;
static u64 off[3];

/* An instance without a directory gives memfds; it takes nothing from the host. */
static qs_instance_t const nameless = {.name = "t", .dir_fd = -1, .lock_fd = -1, .owner = true};

static void
workspace(void)
{
    qs_instance_t inst = nameless;
    off[0] = qs_wksp_plan_add(&plan, "net_verify.mcache", 1, 1000, 1);
    off[1] = qs_wksp_plan_add(&plan, "net_verify.dcache", 2, 5000, 4096);
    off[2] = qs_wksp_plan_add(&plan, "net:0", 3, 1, 256);
    u64 sz = qs_wksp_plan_size(&plan);
    QS_ASSERT(!qs_shm_create(&shm, &inst, "net", sz, 4096, -1));
    QS_ASSERT(!qs_wksp_create(&w, &shm, &plan, HASH));
}

TestSuite(wksp, .init = workspace, .timeout = 60);

Test(wksp, objects_lie_aligned_in_order_and_apart)
{
    cr_assert(eq(u64, off[0], QS_WKSP_OBJECTS_OFF));
    cr_assert(eq(u64, off[1] % 4096, 0));
    cr_assert(eq(u64, off[2] % 256, 0));
    cr_assert(ge(u64, off[1], off[0] + 1000));
    cr_assert(ge(u64, off[2], off[1] + 5000));
    cr_assert(eq(u64, qs_wksp_plan_size(&plan), off[2] + 1));
}

Test(wksp, what_one_writes_another_finds_at_another_address)
{
    qs_wksp_t r;
    u64 *mine = qs_wksp_object_addr(&w, "net_verify.mcache", 1000);
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_ro, HASH, QS_WKSP_RO), 0));
    u64 const *theirs = qs_wksp_object_addr(&r, "net_verify.mcache", 1000);
    cr_assert(ne(ptr, (void *)mine, (void *)theirs));
    mine[124] = 77;
    cr_assert(eq(u64, theirs[124], 77));

    qs_wksp_object_t const *object = qs_wksp_find(&r, "net:0");
    cr_assert(eq(u32, object->kind, 3));
    cr_assert(eq(u64, object->off, off[2]));
    cr_assert(eq(ptr, qs_wksp_addr(&r, off[2], 1), r.mem + off[2]));
    cr_assert(eq(u64, r.header.sz, shm.sz));
    cr_assert(eq(u64, r.header.page_sz, 4096));
    cr_assert(eq(u64, r.header.creator_pid, (u64)getpid()));
    cr_assert(le(u64, r.header.created_ns / 1000000000u, (u64)time(NULL)));
    cr_assert(ge(u64, r.header.created_ns / 1000000000u, (u64)time(NULL) - 600));
    qs_wksp_unmap(&r);
    cr_assert(eq(ptr, (void *)qs_wksp_find(&r, "net:0"), NULL));
    cr_assert(eq(ptr, qs_wksp_addr(&r, 0, 1), NULL));
}

Test(wksp, nothing_outside_is_handed_out)
{
    cr_assert(eq(ptr, (void *)qs_wksp_find(&w, "net_verify"), NULL));
    cr_assert(eq(ptr, (void *)qs_wksp_find(&w, ""), NULL));
    cr_assert(eq(ptr, qs_wksp_object_addr(&w, "net_verify.mcache", 1001), NULL));
    cr_assert(eq(ptr, qs_wksp_addr(&w, shm.sz, 1), NULL));
    cr_assert(eq(ptr, qs_wksp_addr(&w, shm.sz - 1, 2), NULL));
    cr_assert(eq(ptr, qs_wksp_addr(&w, UINT64_MAX, 2), NULL));
    cr_assert(eq(ptr, qs_wksp_addr(&w, 1, UINT64_MAX), NULL));
    cr_assert(ne(ptr, qs_wksp_addr(&w, shm.sz - 1, 1), NULL));
}

Test(wksp, the_read_only_fd_joins_for_reading_only)
{
    qs_wksp_t r;
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_ro, HASH, QS_WKSP_RW_WARM), -EACCES));
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_ro, HASH, QS_WKSP_RO_WARM), 0));
    cr_assert(not(r.writable));
    cr_assert(eq(int, mprotect(r.mem, 4096, PROT_READ | PROT_WRITE), -1));
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_rw, HASH, QS_WKSP_RW_WARM), 0));
    cr_assert(r.writable);
    r.mem[off[0]] = 1;
}

Test(wksp, a_tile_that_rewrites_the_directory_moves_nothing_for_those_who_have_joined)
{
    qs_wksp_t r;
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_ro, HASH, QS_WKSP_RO), 0));
    memset(w.mem, 0xff, QS_WKSP_OBJECTS_OFF);
    cr_assert(eq(u64, qs_wksp_find(&r, "net_verify.dcache")->off, off[1]));
    cr_assert(eq(ptr, qs_wksp_object_addr(&r, "net_verify.dcache", 5000), r.mem + off[1]));
}

Test(wksp, a_plan_remembers_its_first_mistake)
{
    static qs_wksp_plan_t p;
    cr_assert(ne(u64, qs_wksp_plan_add(&p, "a", 0, 1, 1), 0));
    cr_assert(eq(u64, qs_wksp_plan_add(&p, "a", 0, 1, 1), 0));
    cr_assert(eq(u64, qs_wksp_plan_add(&p, "", 0, 1, 1), 0));
    cr_assert(eq(int, p.err, -EEXIST));
    cr_assert(eq(u64, qs_wksp_plan_size(&p), 0));
    cr_assert(eq(int, qs_wksp_create(&w, &shm, &p, 0), -EEXIST));
}

struct bad_add {
    char name[48];
    u64 sz, align;
    int err;
};

ParameterizedTestParameters(wksp, plan_rejects)
{
    static struct bad_add bad[] = {
        {"", 1, 1, -EINVAL},
        {"a b", 1, 1, -EINVAL},
        {"a\x7f", 1, 1, -EINVAL},
        {"a234567890123456789012345678901234567890", 1, 1, -EINVAL}, /* 40 */
        {"a", 0, 1, -EINVAL},
        {"a", 1, 0, -EINVAL},
        {"a", 1, 3, -EINVAL},
        {"a", 1, 8192, -EINVAL},
        {"net:0", 1, 1, -EEXIST},
        {"a", UINT64_MAX, 1, -EOVERFLOW},
        {"a", (1ull << 46) - 1, 1, -EOVERFLOW},
    };
    return cr_make_param_array(struct bad_add, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_add *p, wksp, plan_rejects)
{
    cr_assert(eq(u64, qs_wksp_plan_add(&plan, p->name, 0, p->sz, p->align), 0));
    cr_assert(eq(int, plan.err, p->err));
}

Test(wksp, a_full_directory_is_whole_and_one_more_is_refused)
{
    static qs_wksp_plan_t p;
    qs_instance_t inst = nameless;
    char name[8];
    for (u32 i = 0; i < QS_WKSP_OBJECT_MAX; i++) {
        snprintf(name, sizeof(name), "o%u", i);
        cr_assert(ne(u64, qs_wksp_plan_add(&p, name, i, 1, 1), 0));
    }
    u64 sz = qs_wksp_plan_size(&p);
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "full", sz, 4096, -1), 0));
    cr_assert(eq(int, qs_wksp_create(&w, &shm, &p, 0), 0));
    cr_assert(eq(int, qs_wksp_join(&w, shm.fd_ro, 0, QS_WKSP_RO), 0));
    cr_assert(eq(u32, qs_wksp_find(&w, "o255")->kind, 255));
    cr_assert(eq(u64, qs_wksp_plan_add(&p, "one_more", 0, 1, 1), 0));
    cr_assert(eq(int, p.err, -ENOSPC));
}

Test(wksp, a_plan_larger_than_the_memory_is_refused)
{
    static qs_wksp_plan_t p;
    qs_wksp_plan_add(&p, "big", 0, shm.sz, 1);
    cr_assert(eq(int, qs_wksp_create(&w, &shm, &p, 0), -ENOSPC));
    qs_shm_t reader = shm;
    reader.fd_rw = -1;
    cr_assert(eq(int, qs_wksp_create(&w, &reader, &plan, 0), -EBADF));
}

/* One damage each: sz bytes at off are overwritten with val; or the file is cut to cut bytes. */
struct damage {
    u64 off, sz, val, cut;
    int err;
    char why[128];
};

#define HEADER(field) offsetof(qs_wksp_header_t, field), sizeof(w.header.field)
#define OBJECT(i, field)                                                                           \
    sizeof(qs_wksp_header_t) + (i) * sizeof(qs_wksp_object_t) + offsetof(qs_wksp_object_t, field), 8

/* clang-format off */
ParameterizedTestParameters(wksp, join_rejects)
{
    static struct damage damage[] = {
        {HEADER(magic), 0, 0, -EPROTO, "not a quickstep workspace"},
        {HEADER(magic), 1, 0, -EPROTO, "not a quickstep workspace"},
        {0, 0, 0, 1, -EPROTO, "not a quickstep workspace"}, /* empty: cut - 1 bytes remain */
        {0, 0, 0, 8, -EPROTO, "not a quickstep workspace"},
        {0, 0, 0, 9, -ENODATA, "truncated: file has 8 bytes, its header alone 128"},
        {0, 0, 0, 129, -ENODATA, "truncated: file has 128 bytes, header says 28672"},
        {0, 0, 0, 4097, -ENODATA, "truncated: file has 4096 bytes, header says 28672"},
        {0, 0, 0, 28672, -ENODATA, "truncated: file has 28671 bytes, header says 28672"},
        {HEADER(abi), 3, 0, -EPROTONOSUPPORT, "made by another version (abi 3, this is 1)"},
        {HEADER(layout_hash), 5, 0, -ESTALE,
         "made for another topology (layout 0000000000000005, this is 000000001234abcd)"},
        {HEADER(sz), 2097152, 0, -ENODATA, "truncated: file has 28672 bytes, header says 2097152"},
        {HEADER(sz), UINT64_MAX, 0, -ENODATA,
         "truncated: file has 28672 bytes, header says 18446744073709551615"},
        {HEADER(sz), 0, 0, -EILSEQ, "corrupt header: 0 bytes in pages of 4096"},
        {HEADER(sz), 28671, 0, -EILSEQ, "corrupt header: 28671 bytes in pages of 4096"},
        {HEADER(page_sz), 0, 0, -EILSEQ, "corrupt header: 28672 bytes in pages of 0"},
        {HEADER(page_sz), 7168, 0, -EILSEQ, "corrupt header: 28672 bytes in pages of 7168"},
        {HEADER(object_cnt), 257, 0, -EILSEQ, "corrupt header: 257 objects, at most 256 fit"},
        {HEADER(object_cnt), UINT32_MAX, 0, -EILSEQ,
         "corrupt header: 4294967295 objects, at most 256 fit"},
        {HEADER(object_cnt), 4, 0, -EILSEQ, "corrupt directory: object 3 has no proper name"},
        {OBJECT(1, name), 0x0a41, 0, -EILSEQ, "corrupt directory: object 1 has no proper name"},
        {OBJECT(2, off), 28672, 0, -EILSEQ, "corrupt directory: object 'net:0' lies outside"},
        {OBJECT(2, off), UINT64_MAX, 0, -EILSEQ, "corrupt directory: object 'net:0' lies outside"},
        {OBJECT(2, sz), UINT64_MAX, 0, -EILSEQ, "corrupt directory: object 'net:0' lies outside"},
        {OBJECT(2, sz), 0, 0, -EILSEQ, "corrupt directory: object 'net:0' lies outside"},
        {OBJECT(0, off), 128, 0, -EILSEQ,
         "corrupt directory: object 'net_verify.mcache' overlaps another"},
        {OBJECT(1, sz), 5121, 0, -EILSEQ, "corrupt directory: object 'net:0' overlaps another"},
        {OBJECT(2, off), 25728, 0, 0, ""}, /* a multiple of 128: fine */
        {OBJECT(2, off), 25729, 0, -EILSEQ, "corrupt directory: object 'net:0' is misaligned"},
    };
    return cr_make_param_array(struct damage, damage, QS_COUNT(damage));
}
/* clang-format on */

/* copy_fd returns a file with the workspace's bytes that, unlike the memfd, can be cut. */
static int
copy_fd(void)
{
    int fd = memfd_create("copy", MFD_CLOEXEC);
    QS_ASSERT(write(fd, w.mem, shm.sz) == (ssize_t)shm.sz);
    return fd;
}

ParameterizedTest(struct damage *p, wksp, join_rejects)
{
    qs_wksp_t r;
    int fd = copy_fd();
    QS_ASSERT(pwrite(fd, &p->val, p->sz, (off_t)p->off) == (ssize_t)p->sz);
    if (p->cut)
        QS_ASSERT(!ftruncate(fd, (off_t)p->cut - 1));
    cr_assert(eq(int, qs_wksp_join(&r, fd, HASH, QS_WKSP_RO), p->err));
    cr_assert(eq(str, r.why, p->why));
    cr_assert(eq(int, !r.mem, !!p->err));
    if (p->err)
        cr_assert(eq(ptr, (void *)qs_wksp_find(&r, "net:0"), NULL));
}

Test(wksp, a_name_without_an_end_or_twice_is_refused)
{
    qs_wksp_t r;
    char name[QS_WKSP_NAME_SZ];
    memset(name, 'a', sizeof(name));
    int fd = copy_fd();
    QS_ASSERT(pwrite(fd, name, sizeof(name), sizeof(qs_wksp_header_t)) == sizeof(name));
    cr_assert(eq(int, qs_wksp_join(&r, fd, HASH, QS_WKSP_RO), -EILSEQ));
    cr_assert(eq(str, r.why, "corrupt directory: object 0 has no proper name"));

    fd = copy_fd();
    QS_ASSERT(pwrite(fd, "net_verify.dcache", 18, sizeof(qs_wksp_header_t)) == 18);
    cr_assert(eq(int, qs_wksp_join(&r, fd, HASH, QS_WKSP_RO), -EILSEQ));
    cr_assert(eq(str, r.why, "corrupt directory: two objects 'net_verify.dcache'"));
}

Test(wksp, what_is_no_file_is_refused)
{
    qs_wksp_t r;
    int fd[2];
    cr_assert(eq(int, pipe(fd), 0));
    cr_assert(eq(int, qs_wksp_join(&r, fd[0], 0, QS_WKSP_RO), -EPROTO));
    cr_assert(eq(int, qs_wksp_join(&r, -1, 0, QS_WKSP_RO), -EBADF));
    cr_assert(eq(int, qs_wksp_join(&r, open("/", O_RDONLY), 0, QS_WKSP_RO), -EPROTO));
}

/* The supervisor died between the file and its header. */
Test(wksp, memory_that_was_never_formatted_is_refused)
{
    qs_wksp_t r;
    qs_instance_t inst = nameless;
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "new", 32768, 4096, -1), 0));
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_ro, 0, QS_WKSP_RO), -EPROTO));
}

Test(wksp, hash_zero_joins_any_topology)
{
    qs_wksp_t r;
    cr_assert(eq(int, qs_wksp_join(&r, shm.fd_ro, 0, QS_WKSP_RO), 0));
    cr_assert(eq(u64, r.header.layout_hash, HASH));
}

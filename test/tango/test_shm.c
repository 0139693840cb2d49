/* Goal: memory comes in the largest pages there are, says what it lost, is all there when create
   returns, and goes away whole.  Method: tmpfs always, on a /dev/shm of the test's own; 2 MiB
   pages when root can get some: a child raises the pool and mounts a hugetlbfs that only it can
   see, the parent puts the pool back whatever became of the child. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <numa.h>
#include <numaif.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "shm_host.h"
#include "tango/qs_shm.h"

#define MIB         ((u64)1 << 20)
#define POOL_2M     "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define EXTRA_PAGES 8u

static bool usable;
static qs_instance_t inst;

static void
host(void)
{
    u64 bytes;
    usable = private_host("size=16m,mode=1777");
    if (usable)
        QS_ASSERT(!qs_instance_create(&inst, "a", false, &bytes));
}

TestSuite(shm, .init = host, .timeout = 120);

static u64
tmpfs_free(void)
{
    struct statvfs fs;
    QS_ASSERT(!statvfs("/dev/shm", &fs));
    return fs.f_bavail * fs.f_bsize;
}

Test(shm, small_pages_are_all_there_and_zero)
{
    if (!usable)
        return;
    qs_shm_t shm;
    struct stat st;
    u64 before = tmpfs_free();
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 5 * MIB + 1, 4096, -1), 0));
    cr_assert(eq(u64, shm.page_sz, 4096));
    cr_assert(eq(u64, shm.sz, 5 * MIB + 4096));
    cr_assert(eq(int, shm.why[0], QS_SHM_UNWANTED));
    cr_assert(eq(int, shm.why[2], QS_SHM_TAKEN));
    cr_assert(shm.named);
    cr_assert(eq(int, fstat(shm.fd_rw, &st), 0));
    cr_assert(eq(u64, (u64)st.st_blocks * 512, shm.sz));
    cr_assert(ge(u64, before - tmpfs_free(), shm.sz));

    u8 *mem = mmap(NULL, shm.sz, PROT_READ, MAP_SHARED, shm.fd_ro, 0);
    QS_ASSERT(mem != MAP_FAILED);
    static u8 resident[5 * MIB / 4096 + 1];
    cr_assert(eq(int, mincore(mem, shm.sz, resident), 0)); /* asked before we touch any ourselves */
    for (u64 i = 0; i < QS_COUNT(resident); i++)
        QS_ASSERT(resident[i] & 1);
    for (u64 off = 0; off < shm.sz; off++)
        QS_ASSERT(!mem[off]);
}

Test(shm, a_full_tmpfs_is_an_error_now_and_leaves_no_file)
{
    if (!usable)
        return;
    qs_shm_t shm;
    u64 before = tmpfs_free();
    char say[256];
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 17 * MIB, 4096, -1), -ENOSPC));
    cr_assert(eq(int, shm.fd_rw, -1));
    cr_assert(eq(int, faccessat(inst.dir_fd, "net.wksp", F_OK, 0), -1));
    cr_assert(eq(str, qs_shm_say(&shm, say, sizeof(say)),
                 "net: no memory; 4 KiB: too little memory, or room in its tmpfs"));
    cr_assert(le(u64, before - tmpfs_free(), 4096)); /* the record of files */
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", MIB, 4096, -1), 0));
}

Test(shm, more_than_the_machine_has_is_an_error_and_not_the_oom_killer)
{
    if (!usable)
        return;
    qs_shm_host_t host;
    qs_shm_t shm;
    qs_shm_host(&host);
    cr_assert(eq(int, mount(NULL, "/dev/shm", NULL, MS_REMOUNT, "size=15t"), 0));
    cr_assert(eq(int,
                 qs_shm_create(&shm, &inst, "net", host.mem_available + (1ull << 32), 4096, -1),
                 -ENOMEM));
}

Test(shm, the_read_only_fd_cannot_be_mapped_writable)
{
    if (!usable)
        return;
    qs_shm_t shm;
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 4096, 4096, -1), 0));
    cr_assert(
        eq(ptr, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shm.fd_ro, 0), MAP_FAILED));
    cr_assert(eq(int, errno, EACCES));
    u8 *mem = mmap(NULL, 4096, PROT_READ, MAP_SHARED, shm.fd_ro, 0);
    cr_assert(ne(ptr, mem, MAP_FAILED));
    cr_assert(eq(int, mprotect(mem, 4096, PROT_READ | PROT_WRITE), -1));
    cr_assert(eq(int, (int)write(shm.fd_ro, "x", 1), -1));
    cr_assert(eq(int, ftruncate(shm.fd_ro, 0), -1));

    qs_shm_t other;
    cr_assert(eq(int, qs_shm_open(&other, &inst, "net"), 0));
    cr_assert(eq(int, other.fd_rw, -1));
    cr_assert(
        eq(ptr, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, other.fd_ro, 0), MAP_FAILED));
}

struct bad_create {
    char name[16];
    u64 sz;
    u64 page_sz_max;
    int node;
};

ParameterizedTestParameters(shm, create_rejects)
{
    static struct bad_create bad[] = {
        {"", MIB, 0, -1},     {"a/b", MIB, 0, -1},      {"a", 0, 0, -1},
        {"a", MIB, 8192, -1}, {"a", MIB, 4095, -1},     {"a", QS_SHM_SZ_MAX + 1, 0, -1},
        {"a", MIB, 4096, -2}, {"a", UINT64_MAX, 0, -1},
    };
    return cr_make_param_array(struct bad_create, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_create *p, shm, create_rejects)
{
    qs_shm_t shm;
    cr_assert(
        eq(int, qs_shm_create(&shm, &inst, p->name, p->sz, p->page_sz_max, p->node), -EINVAL));
}

Test(shm, a_name_is_used_once_and_only_by_the_owner)
{
    if (!usable)
        return;
    qs_shm_t shm;
    qs_instance_t reader;
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 4096, 4096, -1), 0));
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 4096, 4096, -1), -EEXIST));
    cr_assert(eq(int, qs_instance_open(&reader, geteuid(), "a"), 0));
    cr_assert(eq(int, qs_shm_create(&shm, &reader, "x", 4096, 4096, -1), -EPERM));
    cr_assert(eq(int, qs_shm_open(&shm, &reader, "x"), -ENOENT));
}

Test(shm, a_file_that_somebody_put_in_the_place_is_not_followed)
{
    if (!usable)
        return;
    qs_shm_t shm;
    close(open("/dev/shm/victim", O_CREAT | O_WRONLY, 0600));
    cr_assert(eq(int, symlinkat("/dev/shm/victim", inst.dir_fd, "net.wksp"), 0));
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 4096, 4096, -1), -EBUSY));
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "x", 4096, 4096, -1), 0));
    cr_assert(eq(int, unlinkat(inst.dir_fd, "x.wksp", 0), 0));
    cr_assert(eq(int, symlinkat("/dev/shm/victim", inst.dir_fd, "x.wksp"), 0));
    cr_assert(eq(int, qs_shm_open(&shm, &inst, "x"), -EPERM));
}

Test(shm, binding_holds_for_every_page)
{
    if (!usable)
        return;
    qs_shm_t shm;
    int where[MIB / 4096];
    void *page[MIB / 4096];
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", MIB, 4096, 0), 0));
    if (shm.bind_err) {
        printf("skipped: no NUMA binding here: %s\n", strerror(-shm.bind_err));
        return;
    }
    cr_assert(eq(int, shm.node, 0));
    u8 *mem = mmap(NULL, MIB, PROT_READ, MAP_SHARED | MAP_POPULATE, shm.fd_ro, 0);
    QS_ASSERT(mem != MAP_FAILED);
    for (u64 i = 0; i < QS_COUNT(page); i++)
        page[i] = mem + i * 4096;
    cr_assert(eq(int, (int)move_pages(0, QS_COUNT(page), page, NULL, where, 0), 0));
    for (u64 i = 0; i < QS_COUNT(page); i++)
        QS_ASSERT(where[i] == 0);
    int mode = 0;
    cr_assert(eq(int, (int)get_mempolicy(&mode, NULL, 0, mem, MPOL_F_ADDR), 0));
    cr_assert(eq(int, mode, MPOL_BIND));
}

Test(shm, a_node_that_is_not_there_is_said)
{
    if (!usable)
        return;
    qs_shm_t shm;
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", MIB, 4096, 1000), 0));
    cr_assert(eq(int, shm.node, -1));
    cr_assert(ne(int, shm.bind_err, 0));
}

Test(shm, without_a_tmpfs_it_is_a_memfd_that_cannot_be_truncated)
{
    if (!usable)
        return;
    qs_instance_t nameless;
    qs_shm_t shm;
    u64 bytes;
    char say[256];
    cr_assert(eq(int, mount("/proc", "/dev/shm", NULL, MS_BIND, NULL), 0));
    unsetenv("XDG_RUNTIME_DIR");
    cr_assert(eq(int, qs_instance_create(&nameless, "b", false, &bytes), 0));
    cr_assert(eq(int, nameless.dir_fd, -1));
    cr_assert(eq(int, qs_shm_create(&shm, &nameless, "net", 3 * MIB, QS_SHM_AUTO, -1), 0));
    cr_assert(not(shm.named));
    cr_assert(eq(int, shm.why[1], QS_SHM_NAMELESS));
    cr_assert(eq(str, qs_shm_say(&shm, say, sizeof(say)),
                 "net: 3 MiB in 4 KiB pages, not visible to other commands; 1 GiB: workspace too "
                 "small for it; 2 MiB: no tmpfs to record its files in"));
    cr_assert(eq(int, ftruncate(shm.fd_rw, 0), -1));
    cr_assert(eq(int, errno, EPERM));
    cr_assert(eq(ptr, mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, shm.fd_ro, 0), MAP_FAILED));
}

Test(shm, the_runtime_directory_stands_in_for_dev_shm)
{
    if (!usable)
        return;
    char root[256];
    cr_assert(eq(int, mkdir("/dev/shm/run", 0700), 0));
    cr_assert(eq(int, qs_instance_root(root, sizeof(root)), 0));
    cr_assert(eq(str, root, "/dev/shm"));
    int keep = open("/dev/shm/run", O_RDONLY | O_DIRECTORY);
    char dir[64];
    snprintf(dir, sizeof(dir), "/proc/self/fd/%d", keep);
    setenv("XDG_RUNTIME_DIR", dir, 1);
    cr_assert(eq(int, mount("/proc", "/dev/shm", NULL, MS_BIND, NULL), 0));
    cr_assert(eq(int, qs_instance_root(root, sizeof(root)), 0));
    cr_assert(eq(str, root, dir));
}

/* What follows runs in a child with a pool and a hugetlbfs of its own; a failed assertion of the
   child is its exit code. */

static char huge_dir[] = "/tmp/qs_huge_XXXXXX";

static u64
pool_size(void)
{
    char text[32] = {0};
    int fd = open(POOL_2M, O_RDONLY);
    if (fd < 0)
        return UINT64_MAX;
    (void)!read(fd, text, sizeof(text) - 1);
    close(fd);
    return strtoull(text, NULL, 10);
}

static void
set_pool_size(u64 cnt)
{
    char text[32];
    snprintf(text, sizeof(text), "%lu", cnt);
    (void)write_text(POOL_2M, text);
}

static u64
free_2m(void)
{
    qs_shm_host_t h;
    qs_shm_host(&h);
    return qs_shm_host_free(&h, QS_SHM_PAGE_2M, -1);
}

/* with_huge_pages runs work in a child that has EXTRA_PAGES more pages of 2 MiB, and puts the pool
   back.  Another test of this machine may do the same beside us: a lock keeps them apart. */
static void
with_huge_pages(void (*work)(void), char const *options)
{
    int lock = open("/tmp/qs_test_huge.lock", O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    u64 was = pool_size();
    if (!usable || geteuid() || was == UINT64_MAX || lock < 0 ||
        fcntl(lock, F_OFD_SETLKW, &whole)) {
        printf("skipped: 2 MiB pages need root\n");
        return;
    }
    was = pool_size();
    u64 free_before = free_2m();
    set_pool_size(was + EXTRA_PAGES);
    int status = -1;
    if (free_2m() < free_before + EXTRA_PAGES) {
        printf("skipped: the kernel has no %u free pages of 2 MiB\n", EXTRA_PAGES);
        status = 0;
    } else {
        QS_ASSERT(mkdtemp(huge_dir));
        qs_instance_close(&inst); /* else the child's lock would be ours, too */
        pid_t pid = fork();
        if (!pid) {
            u64 bytes;
            alarm(60);
            QS_ASSERT(!qs_instance_create(&inst, "a", false, &bytes));
            QS_ASSERT(!mount("test", huge_dir, "hugetlbfs", 0, options));
            work();
            _exit(0);
        }
        waitpid(pid, &status, 0);
        umount2(huge_dir, MNT_DETACH);
        rmdir(huge_dir);
    }
    set_pool_size(was);
    u64 now = pool_size();
    close(lock);
    cr_assert(eq(int, status, 0));
    cr_assert(eq(u64, now, was));
}

static void
huge_life(void)
{
    qs_shm_t shm, again, none;
    struct stat st;
    char path[128];
    u64 bytes;
    u64 before = free_2m();
    QS_ASSERT(!qs_shm_create(&shm, &inst, "net", 3 * MIB, QS_SHM_AUTO, 0));
    QS_ASSERT(shm.page_sz == QS_SHM_PAGE_2M && shm.sz == 4 * MIB);
    QS_ASSERT(shm.why[0] == QS_SHM_TOO_SMALL && shm.why[1] == QS_SHM_TAKEN);
    QS_ASSERT(before - free_2m() == 2);
    QS_ASSERT(!fstat(shm.fd_rw, &st) && (u64)st.st_blocks * 512 == 4 * MIB);
    snprintf(path, sizeof(path), "%s/quickstep-%u.a.net", huge_dir, geteuid());
    QS_ASSERT(!access(path, F_OK));
    QS_ASSERT(mmap(NULL, shm.sz, PROT_WRITE, MAP_SHARED, shm.fd_ro, 0) == MAP_FAILED);
    u8 *mem = mmap(NULL, shm.sz, PROT_READ | PROT_WRITE, MAP_SHARED, shm.fd_rw, 0);
    QS_ASSERT(mem != MAP_FAILED);
    mem[shm.sz - 1] = 7;
    QS_ASSERT(!qs_shm_open(&again, &inst, "net"));
    QS_ASSERT(again.sz == shm.sz && again.page_sz == QS_SHM_PAGE_2M);
    QS_ASSERT(qs_shm_create(&none, &inst, "net", 3 * MIB, QS_SHM_AUTO, 0) == -EEXIST);
    munmap(mem, shm.sz);
    qs_shm_close(&shm);
    qs_shm_close(&again);
    qs_instance_close(&inst);
    QS_ASSERT(free_2m() == before - 2); /* dead and readable */
    QS_ASSERT(!qs_instance_create(&inst, "a", false, &bytes));
    QS_ASSERT(bytes == 4 * MIB && free_2m() == before);
}

Test(shm, huge_pages_live_until_the_next_start_and_come_back)
{
    with_huge_pages(huge_life, "pagesize=2M,mode=0700");
}

static void
huge_short(void)
{
    qs_shm_t shm;
    char say[256], want[256];
    u64 before = free_2m();
    /* The whole ladder in one: more than the pool, then a request that just fits. */
    u64 sz = (before + 1) * QS_SHM_PAGE_2M;
    QS_ASSERT(!mount(NULL, "/dev/shm", NULL, MS_REMOUNT, "size=256m"));
    QS_ASSERT(!qs_shm_create(&shm, &inst, "big", sz, QS_SHM_PAGE_2M, -1));
    QS_ASSERT(shm.page_sz == 4096 && shm.why[1] == QS_SHM_NO_PAGES);
    QS_ASSERT(shm.pages_need[1] == before + 1 && shm.pages_free[1] == before);
    snprintf(want, sizeof(want),
             "big: %lu MiB in 4 KiB pages; 2 MiB: too few free pages (need %lu, free %lu)",
             sz / MIB, before + 1, before);
    QS_ASSERT(!strcmp(qs_shm_say(&shm, say, sizeof(say)), want));
    QS_ASSERT(!qs_shm_create(&shm, &inst, "fit", sz - QS_SHM_PAGE_2M, QS_SHM_PAGE_2M, -1));
    QS_ASSERT(shm.page_sz == QS_SHM_PAGE_2M && free_2m() == 0);
    QS_ASSERT(!qs_shm_create(&shm, &inst, "small", MIB - 4096, QS_SHM_AUTO, -1));
    QS_ASSERT(shm.page_sz == 4096 && shm.why[1] == QS_SHM_TOO_SMALL);
}

Test(shm, a_short_pool_steps_down_and_says_how_short)
{
    with_huge_pages(huge_short, "pagesize=2M,mode=0700");
}

/* The mount's own limit does not show in the pool's numbers: only trying finds it. */
static void
huge_limit(void)
{
    qs_shm_t shm;
    u64 before = free_2m();
    QS_ASSERT(!qs_shm_create(&shm, &inst, "net", 6 * MIB, QS_SHM_AUTO, -1));
    QS_ASSERT(shm.page_sz == 4096 && shm.why[1] == QS_SHM_NO_PAGES);
    QS_ASSERT(free_2m() == before);
    char path[128];
    snprintf(path, sizeof(path), "%s/quickstep-%u.a.net", huge_dir, geteuid());
    QS_ASSERT(access(path, F_OK) && errno == ENOENT);
    qs_shm_t again;
    QS_ASSERT(!qs_shm_open(&again, &inst, "net") && again.page_sz == 4096);
}

Test(shm, a_failed_rung_leaves_neither_file_nor_page)
{
    with_huge_pages(huge_limit, "pagesize=2M,size=4M,mode=0700");
}

/* Reserved by somebody and not yet touched: free in the pool's count, and not ours. */
static void
huge_reserved(void)
{
    qs_shm_t shm;
    u64 before = free_2m();
    void *mem = mmap(NULL, before * QS_SHM_PAGE_2M, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0);
    QS_ASSERT(mem != MAP_FAILED);
    QS_ASSERT(free_2m() == 0);
    QS_ASSERT(!qs_shm_create(&shm, &inst, "net", 2 * MIB, QS_SHM_AUTO, -1));
    QS_ASSERT(shm.page_sz == 4096 && shm.why[1] == QS_SHM_NO_PAGES);
}

Test(shm, pages_that_others_reserved_are_not_free)
{
    with_huge_pages(huge_reserved, "pagesize=2M,mode=0700");
}

/* A leftover whose record is lost is taken over; one that is in use elsewhere is not. */
static void
huge_leftover(void)
{
    qs_shm_t shm, other;
    u64 bytes;
    u64 before = free_2m();
    QS_ASSERT(!qs_shm_create(&shm, &inst, "net", 2 * MIB, QS_SHM_AUTO, -1));
    QS_ASSERT(!mount("other", "/dev/shm", "tmpfs", 0, "size=16m,mode=1777"));
    qs_instance_t twin;
    QS_ASSERT(!qs_instance_create(&twin, "a", false, &bytes)); /* sees only the hugetlbfs */
    QS_ASSERT(!qs_shm_create(&other, &twin, "net", 2 * MIB, QS_SHM_AUTO, -1));
    QS_ASSERT(other.why[1] == QS_SHM_IN_USE && other.page_sz == 4096);
    qs_instance_close(&twin);
    QS_ASSERT(!qs_instance_create(&twin, "a", false, &bytes) && bytes == 2 * MIB);
    char path[128];
    snprintf(path, sizeof(path), "%s/quickstep-%u.a.net", huge_dir, geteuid());
    QS_ASSERT(!access(path, F_OK)); /* not ours, not removed */
    qs_shm_close(&shm);
    QS_ASSERT(!qs_shm_create(&other, &twin, "net", 2 * MIB, QS_SHM_AUTO, -1));
    QS_ASSERT(other.page_sz == QS_SHM_PAGE_2M && free_2m() == before - 1);
}

Test(shm, a_leftover_without_a_record_is_told_from_a_file_in_use)
{
    with_huge_pages(huge_leftover, "pagesize=2M,mode=0700");
}

static void
huge_forbidden(void)
{
    qs_shm_t shm;
    QS_ASSERT(!qs_shm_create(&shm, &inst, "net", 2 * MIB, QS_SHM_AUTO, -1));
    QS_ASSERT(shm.page_sz == 4096 && shm.why[1] == QS_SHM_PERMISSION);
}

static void
huge_forbidden_remount(void)
{
    QS_ASSERT(!mount(NULL, huge_dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    huge_forbidden();
}

Test(shm, a_mount_that_we_may_not_write_to_is_said)
{
    with_huge_pages(huge_forbidden_remount, "pagesize=2M,mode=0700");
}

Test(shm, no_mount_is_said)
{
    qs_shm_host_t h;
    qs_shm_t shm;
    if (!usable)
        return;
    qs_shm_host(&h);
    for (u32 i = 0; i < h.mount_cnt; i++) {
        if (h.mount[i].page_sz == QS_SHM_PAGE_2M && umount2(h.mount[i].path, MNT_DETACH)) {
            printf("skipped: a hugetlbfs is mounted and stays\n");
            return;
        }
    }
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 2 * MIB, QS_SHM_AUTO, -1), 0));
    cr_assert(eq(u64, shm.page_sz, 4096));
    cr_assert(eq(int, shm.why[1], QS_SHM_NO_MOUNT));
}

Test(shm, the_gigantic_rung_is_taken_when_a_page_is_free)
{
    qs_shm_t shm;
    qs_shm_host_t h;
    qs_shm_host(&h);
    if (!usable || geteuid() || !qs_shm_host_free(&h, QS_SHM_PAGE_1G, -1)) {
        printf("skipped: no free page of 1 GiB, or not root\n");
        return;
    }
    QS_ASSERT(mkdtemp(huge_dir));
    QS_ASSERT(!mount("test", huge_dir, "hugetlbfs", 0, "pagesize=1G,mode=0700"));
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 800 * MIB, QS_SHM_AUTO, -1), 0));
    u64 got = shm.page_sz;
    u64 bytes;
    qs_shm_close(&shm);
    qs_instance_close(&inst);
    cr_assert(eq(int, qs_instance_remove("a", &bytes), 0));
    umount2(huge_dir, MNT_DETACH);
    rmdir(huge_dir);
    cr_assert(eq(u64, got, QS_SHM_PAGE_1G));
}

static void
host_report(void)
{
    qs_shm_host_t h;
    qs_shm_host(&h);
    bool mounted = false;
    for (u32 i = 0; i < h.mount_cnt; i++)
        mounted |= !strcmp(h.mount[i].path, huge_dir) && h.mount[i].writable &&
                   h.mount[i].page_sz == QS_SHM_PAGE_2M;
    QS_ASSERT(mounted);
    u64 all = 0, nodes = 0;
    for (u32 i = 0; i < h.pool_cnt; i++) {
        if (h.pool[i].page_sz != QS_SHM_PAGE_2M)
            continue;
        *(h.pool[i].node < 0 ? &all : &nodes) += h.pool[i].total;
    }
    QS_ASSERT(all >= EXTRA_PAGES && all == nodes);
    QS_ASSERT(!strcmp(h.tmpfs, "/dev/shm") && h.tmpfs_sz == 16 * MIB);
}

Test(shm, the_host_report_lists_pools_per_node_and_mounts)
{
    with_huge_pages(host_report, "pagesize=2M,mode=0700");
}

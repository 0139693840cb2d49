#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <numa.h>
#include <numaif.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tango/base/qs_bits.h"
#include "tango/qs_shm.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define RUNG_SMALL 2u /* the last one; its page size is the kernel's own */

static struct {
    u64 page_sz;
    u64 waste_pct; /* of the memory taken, at most */
} const rungs[QS_SHM_RUNG_CNT] = {{QS_SHM_PAGE_1G, 25}, {QS_SHM_PAGE_2M, 50}, {0, 100}};

static u64
rung_page_sz(u32 rung)
{
    return rung == RUNG_SMALL ? (u64)sysconf(_SC_PAGESIZE) : rungs[rung].page_sz;
}

/* read_u64 reads a /sys file of one number; 0 if there is none. */
static u64
read_u64(char const *dir, char const *file)
{
    char path[512];
    char text[32] = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t sz = read(fd, text, sizeof(text) - 1);
    close(fd);
    return sz > 0 ? strtoull(text, NULL, 10) : 0;
}

static void
add_pools(qs_shm_host_t *host, char const *sys_dir, int node)
{
    DIR *dir = opendir(sys_dir);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir)) && host->pool_cnt < QS_SHM_POOL_MAX;) {
        char path[400];
        u64 kib;
        if (sscanf(e->d_name, "hugepages-%lukB", &kib) != 1)
            continue;
        snprintf(path, sizeof(path), "%s/%s", sys_dir, e->d_name);
        u64 free_cnt = read_u64(path, "free_hugepages");
        u64 resv_cnt = read_u64(path, "resv_hugepages"); /* nodes have none: 0 */
        host->pool[host->pool_cnt++] = (qs_shm_pool_t){
            .page_sz = kib << 10,
            .node = node,
            .total = read_u64(path, "nr_hugepages"),
            .free = free_cnt > resv_cnt ? free_cnt - resv_cnt : 0,
        };
    }
    closedir(dir);
}

static void
add_node_pools(qs_shm_host_t *host)
{
    char const *sys_dir = "/sys/devices/system/node";
    DIR *dir = opendir(sys_dir);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[400];
        int node;
        if (sscanf(e->d_name, "node%d", &node) != 1)
            continue;
        snprintf(path, sizeof(path), "%s/%s/hugepages", sys_dir, e->d_name);
        add_pools(host, path, node);
    }
    closedir(dir);
}

/* add_mounts asks each hugetlbfs itself for its page size: the mount table writes it in different
   ways, and may list a mount that another one hides. */
static void
add_mounts(qs_shm_host_t *host)
{
    char text[4096];
    struct mntent ent;
    FILE *f = setmntent("/proc/self/mounts", "re");
    if (!f)
        return;
    while (host->mount_cnt < QS_SHM_MOUNT_MAX && getmntent_r(f, &ent, text, sizeof(text))) {
        qs_shm_mount_t *m = &host->mount[host->mount_cnt];
        struct statfs fs;
        if (strcmp(ent.mnt_type, "hugetlbfs") || strlen(ent.mnt_dir) >= sizeof(m->path) ||
            statfs(ent.mnt_dir, &fs) || fs.f_type != HUGETLBFS_MAGIC)
            continue;
        m->page_sz = (u64)fs.f_bsize;
        m->writable = !faccessat(AT_FDCWD, ent.mnt_dir, W_OK | X_OK, AT_EACCESS);
        memcpy(m->path, ent.mnt_dir, strlen(ent.mnt_dir) + 1);
        host->mount_cnt++;
    }
    endmntent(f);
}

/* The two versions of control groups: how the line of /proc/self/cgroup goes on after its number, where
   the groups are, and the files that say what a group may take and what it has. */
static struct {
    char const *line, *root, *max, *used;
} const groups[] = {
    {":", "/sys/fs/cgroup", "memory.max", "memory.current"},
    {"memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"},
};

/* group_left returns what a control group may still take; the files that it holds go when need be. */
static u64
group_left(char const *dir, u32 version)
{
    char path[512], key[64];
    u64 max = read_u64(dir, groups[version].max), value;
    if (!max)
        return UINT64_MAX; /* "max", or no such file */
    u64 used = read_u64(dir, groups[version].used);
    u64 left = max > used ? max - used : 0;
    snprintf(path, sizeof(path), "%s/memory.stat", dir);
    FILE *f = fopen(path, "re");
    while (f && fscanf(f, "%63s %lu", key, &value) == 2)
        if (!strcmp(key, "inactive_file") || !strcmp(key, "active_file"))
            left += value;
    if (f)
        fclose(f);
    return left;
}

/* groups_left is the least of our control groups and of all above them: beyond that the kernel kills,
   although the host has memory. */
static u64
groups_left(void)
{
    char line[300], dir[400];
    u64 left = UINT64_MAX;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof(line), f)) {
        char const *rest = strchr(line, ':');
        line[strcspn(line, "\n")] = 0;
        for (u32 v = 0; rest && v < QS_COUNT(groups); v++) {
            u64 len = strlen(groups[v].line);
            if (strncmp(rest + 1, groups[v].line, len) != 0)
                continue;
            char *slash;
            snprintf(dir, sizeof(dir), "%s%s", groups[v].root, rest + 1 + len);
            do {
                left = qs_min_u64(left, group_left(dir, v));
                slash = strrchr(dir, '/');
                *slash = 0;
            } while (slash >= dir + strlen(groups[v].root));
        }
    }
    if (f)
        fclose(f);
    return left;
}

static u64
mem_available(void)
{
    char line[128];
    u64 kib = 0, group = groups_left();
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f)
        return group; /* not known; the kernel will say */
    while (!kib && fgets(line, sizeof(line), f))
        (void)sscanf(line, "MemAvailable: %lu kB", &kib);
    fclose(f);
    return qs_min_u64(group, kib ? kib << 10 : UINT64_MAX);
}

void
qs_shm_host(qs_shm_host_t *host)
{
    struct statfs fs;
    *host = (qs_shm_host_t){.mem_available = mem_available()};
    add_pools(host, "/sys/kernel/mm/hugepages", -1);
    add_node_pools(host);
    add_mounts(host);
    if (qs_instance_root(host->tmpfs, sizeof(host->tmpfs)) || statfs(host->tmpfs, &fs)) {
        host->tmpfs[0] = 0;
        return;
    }
    host->tmpfs_sz = (u64)fs.f_blocks * (u64)fs.f_bsize;
    host->tmpfs_free = (u64)fs.f_bavail * (u64)fs.f_bsize;
}

u64
qs_shm_host_free(qs_shm_host_t const *host, u64 page_sz, int node)
{
    u64 all_cnt = 0;
    u64 node_cnt = 0;
    for (u32 i = 0; i < host->pool_cnt; i++) {
        qs_shm_pool_t const *pool = &host->pool[i];
        if (pool->page_sz == page_sz && pool->node == -1)
            all_cnt = pool->free;
        else if (pool->page_sz == page_sz && pool->node == node)
            node_cnt = pool->free;
    }
    return node < 0 ? all_cnt : qs_min_u64(all_cnt, node_cnt);
}

static int
bind_node(void *mem, u64 sz, int node)
{
    if (node < 0)
        return 0;
    if (numa_available() < 0)
        return -ENOSYS;
    if (node > numa_max_node())
        return -EINVAL;
    struct bitmask *mask = numa_allocate_nodemask();
    if (!mask)
        return -ENOMEM;
    numa_bitmask_setbit(mask, (unsigned)node);
    int err = mbind(mem, sz, MPOL_BIND, mask->maskp, mask->size + 1, 0) ? -errno : 0;
    numa_bitmask_free(mask);
    return err;
}

/* touch makes a page table entry, and so proves a page, for all of mem.  Everything is allocated
   already, so this cannot fault on a kernel that lacks the madvise. */
static int
touch(u8 *mem, u64 sz, u64 page_sz)
{
    int err;
    do
        err = madvise(mem, sz, MADV_POPULATE_WRITE) ? -errno : 0;
    while (err == -EINTR || err == -EAGAIN);
    if (err == -EFAULT || err == -EHWPOISON)
        return -ENOMEM;
    if (err != -EINVAL && err != -EPERM && err != -ENOSYS) /* the last two: seccomp */
        return err;
    for (u64 off = 0; off < sz; off += page_sz)
        qs_store_relaxed(&mem[off], 0);
    return 0;
}

/* fill gives fd its size and all of its pages.  A short pool shows in mmap (which reserves) or in
   fallocate, both of which allocate by the policy that bind_node left in the file. */
static int
fill(qs_shm_t *shm, int fd, int node)
{
    if (ftruncate(fd, (off_t)shm->sz))
        return -errno;
    u8 *mem = mmap(NULL, shm->sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mem == MAP_FAILED)
        return -errno;
    shm->bind_err = bind_node(mem, shm->sz, node);
    shm->node = shm->bind_err ? -1 : node;
    int err;
    do
        err = fallocate(fd, 0, 0, (off_t)shm->sz) ? -errno : 0;
    while (err == -EINTR);
    if (!err)
        err = touch(mem, shm->sz, shm->page_sz);
    munmap(mem, shm->sz);
    return err;
}

/* open_new creates path and locks it, so that an instance of the same name that we cannot see (in a
   container that shares this hugetlbfs and not our tmpfs) is not mistaken for a leftover. */
static int
open_new(qs_instance_t const *inst, char const *path)
{
    for (u32 try = 0; try < 2; try++) {
        struct stat st;
        u64 page_sz;
        int fd =
            openat(inst->dir_fd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            (void)flock(fd, LOCK_EX | LOCK_NB);
            return fd;
        }
        if (errno != EEXIST)
            return -errno;
        fd = qs_instance_file_open(inst, path, &st, &page_sz);
        bool leftover = fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB);
        if (leftover)
            (void)unlinkat(inst->dir_fd, path, 0);
        if (fd >= 0)
            close(fd);
        if (!leftover)
            return -EBUSY;
    }
    return -EBUSY;
}

static int
make_file(qs_shm_t *shm, qs_instance_t *inst, char const *mount, int node)
{
    char path[QS_INSTANCE_PATH_MAX];
    int err = qs_instance_path(inst, mount, shm->name, path, sizeof(path));
    if (!err)
        err = qs_instance_record(inst, path);
    if (err)
        return err;
    shm->fd_rw = open_new(inst, path);
    if (shm->fd_rw < 0) {
        (void)qs_instance_unrecord(inst, path);
        return shm->fd_rw;
    }
    shm->fd_ro = openat(inst->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (shm->fd_ro < 0 || fchmod(shm->fd_rw, inst->group ? 0440 : 0400))
        err = -errno;
    if (!err)
        err = fill(shm, shm->fd_rw, node);
    if (err) {
        if (!unlinkat(inst->dir_fd, path, 0))
            (void)qs_instance_unrecord(inst, path);
        qs_shm_close(shm);
    }
    return err;
}

/* make_memfd is the 4 KiB rung without a tmpfs.  Sealed, it cannot be truncated under its users. */
static int
make_memfd(qs_shm_t *shm, int node)
{
    char path[64];
    shm->fd_rw = memfd_create(shm->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (shm->fd_rw < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", shm->fd_rw);
    shm->fd_ro = open(path, O_RDONLY | O_CLOEXEC);
    int err = shm->fd_ro < 0 ? -errno : fill(shm, shm->fd_rw, node);
    if (!err && fcntl(shm->fd_rw, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        err = -errno;
    if (err)
        qs_shm_close(shm);
    return err;
}

static qs_shm_why_t
why_of(int err)
{
    switch (err) {
    case 0:
        return QS_SHM_TAKEN;
    case -ENOMEM:
    case -ENOSPC:
        return QS_SHM_NO_PAGES;
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return QS_SHM_PERMISSION;
    case -EBUSY:
        return QS_SHM_IN_USE;
    default:
        return QS_SHM_FAILED;
    }
}

static qs_shm_why_t
try_huge(qs_shm_t *shm, u32 rung, qs_instance_t *inst, qs_shm_host_t const *host, int node)
{
    if (inst->dir_fd < 0)
        return QS_SHM_NAMELESS;
    qs_shm_why_t why = QS_SHM_NO_MOUNT;
    for (u32 i = 0; i < host->mount_cnt; i++) {
        qs_shm_mount_t const *m = &host->mount[i];
        if (m->page_sz != shm->page_sz)
            continue;
        if (!m->writable)
            why = QS_SHM_PERMISSION;
        else if (shm->pages_free[rung] < shm->pages_need[rung])
            return QS_SHM_NO_PAGES;
        else
            why = why_of(make_file(shm, inst, m->path, node));
        if (why == QS_SHM_TAKEN)
            break;
    }
    return why;
}

static bool
wastes(u32 rung, u64 taken, u64 sz)
{
    return (taken - sz) * 100u > taken * rungs[rung].waste_pct;
}

u64
qs_shm_page_fit(u64 sz, u64 page_sz_max)
{
    for (u32 rung = 0; rung < RUNG_SMALL; rung++) {
        u64 page_sz = rung_page_sz(rung);
        if ((page_sz_max == QS_SHM_AUTO || page_sz <= page_sz_max) &&
            !wastes(rung, qs_align_up(sz, page_sz), sz))
            return page_sz;
    }
    return rung_page_sz(RUNG_SMALL);
}

/* try_rung returns 0 if the rung was taken, else why not, as -errno; only the last one's counts. */
static int
try_rung(qs_shm_t *shm, u32 rung, qs_instance_t *inst, qs_shm_host_t const *host, u64 sz, int node)
{
    shm->page_sz = rung_page_sz(rung);
    shm->sz = qs_align_up(sz, shm->page_sz);
    shm->pages_need[rung] = shm->sz / shm->page_sz;
    if (wastes(rung, shm->sz, sz)) {
        shm->why[rung] = QS_SHM_TOO_SMALL;
        return -ENOSPC;
    }
    if (rung != RUNG_SMALL) {
        shm->pages_free[rung] = qs_shm_host_free(host, shm->page_sz, node);
        shm->why[rung] = try_huge(shm, rung, inst, host, node);
        return shm->why[rung] == QS_SHM_TAKEN ? 0 : -ENOSPC;
    }
    int err = -ENOMEM; /* the kernel would rather kill somebody than say so */
    if (shm->sz <= host->mem_available)
        err = inst->dir_fd < 0 ? make_memfd(shm, node) : make_file(shm, inst, NULL, node);
    shm->why[rung] = why_of(err);
    return err;
}

int
qs_shm_create(qs_shm_t *shm, qs_instance_t *inst, char const *name, u64 sz, u64 page_sz_max,
              int node)
{
    *shm = (qs_shm_t){.fd_rw = -1, .fd_ro = -1, .node = -1};
    u64 small_sz = rung_page_sz(RUNG_SMALL);
    if (!qs_instance_name_ok(name) || !sz || sz > QS_SHM_SZ_MAX || node < -1 ||
        (page_sz_max != QS_SHM_AUTO && page_sz_max != QS_SHM_PAGE_1G &&
         page_sz_max != QS_SHM_PAGE_2M && page_sz_max != small_sz))
        return -EINVAL;
    if (!inst->owner)
        return -EPERM;
    memcpy(shm->name, name, strlen(name) + 1);
    qs_shm_t same;
    int err = qs_shm_open(&same, inst, name);
    qs_shm_close(&same);
    if (err != -ENOENT)
        return err ? err : -EEXIST;

    qs_shm_host_t host;
    qs_shm_host(&host);
    for (u32 rung = 0; rung < QS_SHM_RUNG_CNT; rung++) {
        if (page_sz_max != QS_SHM_AUTO && rung_page_sz(rung) > page_sz_max) {
            shm->why[rung] = QS_SHM_UNWANTED;
            continue;
        }
        err = try_rung(shm, rung, inst, &host, sz, node);
        if (!err)
            break;
    }
    shm->named = !err && inst->dir_fd >= 0;
    return err;
}

typedef struct find {
    qs_instance_t const *inst;
    qs_shm_t *shm;
} find_t;

/* open_named returns 1 when it has opened the file.  A record without a file is no answer: the file
   may be a line further down. */
static int
open_named(void *ctx, char const *name, char const *path)
{
    find_t *find = ctx;
    struct stat st;
    if (strcmp(name, find->shm->name))
        return 0;
    int fd = qs_instance_file_open(find->inst, path, &st, &find->shm->page_sz);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    find->shm->fd_ro = fd;
    find->shm->sz = (u64)st.st_size;
    return 1;
}

int
qs_shm_open(qs_shm_t *shm, qs_instance_t const *inst, char const *name)
{
    *shm = (qs_shm_t){.fd_rw = -1, .fd_ro = -1, .node = -1, .named = true};
    if (!qs_instance_name_ok(name))
        return -EINVAL;
    memcpy(shm->name, name, strlen(name) + 1);
    find_t find = {.inst = inst, .shm = shm};
    int err = qs_instance_files(inst, open_named, &find);
    return err == 1 ? 0 : err ? err : -ENOENT;
}

void
qs_shm_close(qs_shm_t *shm)
{
    if (shm->fd_rw >= 0)
        close(shm->fd_rw);
    if (shm->fd_ro >= 0)
        close(shm->fd_ro);
    shm->fd_rw = shm->fd_ro = -1;
}

char const *
qs_shm_why_str(qs_shm_why_t why)
{
    static char const *const words[QS_SHM_WHY_CNT] = {
        [QS_SHM_UNTRIED] = "not needed",
        [QS_SHM_TAKEN] = "taken",
        [QS_SHM_UNWANTED] = "not asked for",
        [QS_SHM_TOO_SMALL] = "workspace too small for it",
        [QS_SHM_NAMELESS] = "no tmpfs to record its files in",
        [QS_SHM_NO_MOUNT] = "no hugetlbfs of that page size is mounted",
        [QS_SHM_PERMISSION] = "its hugetlbfs is not writable by us",
        [QS_SHM_NO_PAGES] = "too few free pages",
        [QS_SHM_IN_USE] = "a file of that name is in use by somebody else",
        [QS_SHM_FAILED] = "refused by the kernel",
    };
    return (u32)why < QS_SHM_WHY_CNT ? words[why] : "?";
}

/* size_str writes whole units only: 6 MiB, 20 KiB. */
static char *
size_str(u64 sz, char out[24])
{
    u32 unit = 0;
    for (; unit < 3 && sz && !(sz & 1023); unit++)
        sz >>= 10;
    snprintf(out, 24, "%lu %s", sz, (char const *[]){"B", "KiB", "MiB", "GiB"}[unit]);
    return out;
}

__attribute__((format(printf, 3, 4))) static void
append(char *out, u64 out_sz, char const *format, ...)
{
    u64 at = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + at, out_sz - at, format, args);
    va_end(args);
}

char *
qs_shm_say(qs_shm_t const *shm, char *out, u64 out_sz)
{
    char a[24];
    char b[24];
    out[0] = 0;
    append(out, out_sz, "%s: ", shm->name);
    if (shm->fd_ro < 0)
        append(out, out_sz, "no memory");
    else
        append(out, out_sz, "%s in %s pages%s", size_str(shm->sz, a), size_str(shm->page_sz, b),
               shm->named ? "" : ", not visible to other commands");
    if (shm->node >= 0)
        append(out, out_sz, " on node %d", shm->node);
    if (shm->bind_err)
        append(out, out_sz, ", on any node (binding: %s)", strerror(-shm->bind_err));
    for (u32 rung = 0; rung < QS_SHM_RUNG_CNT; rung++) {
        qs_shm_why_t why = shm->why[rung];
        if (why <= QS_SHM_UNWANTED)
            continue;
        char const *words = qs_shm_why_str(why);
        if (rung == RUNG_SMALL && why == QS_SHM_PERMISSION)
            words = "not permitted here";
        else if (rung == RUNG_SMALL && why == QS_SHM_NO_PAGES)
            words = "too little memory, or room in its tmpfs";
        append(out, out_sz, "; %s: %s", size_str(rung_page_sz(rung), a), words);
        if (why == QS_SHM_NO_PAGES && rung != RUNG_SMALL)
            append(out, out_sz, " (need %lu, free %lu)", shm->pages_need[rung],
                   shm->pages_free[rung]);
    }
    return out;
}

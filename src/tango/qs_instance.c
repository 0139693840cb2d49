#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tango/qs_instance.h"

#define LOCK_FILE  "lock"
#define FILES_FILE "files"
#define GUARD_FILE ".lock" /* no instance can be called that */
#define SUFFIX     ".wksp"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

bool
qs_instance_name_ok(char const *name)
{
    u64 sz = name ? strlen(name) : 0;
    return sz && sz <= QS_INSTANCE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == sz;
}

static bool
is_tmpfs(char const *path)
{
    struct statfs fs;
    return !statfs(path, &fs) && fs.f_type == TMPFS_MAGIC;
}

int
qs_instance_root(char *out, u64 out_sz)
{
    char const *root[] = {"/dev/shm", getenv("XDG_RUNTIME_DIR")};
    for (u64 i = 0; i < QS_COUNT(root); i++) {
        if (!root[i] || root[i][0] != '/' || !is_tmpfs(root[i]) ||
            faccessat(AT_FDCWD, root[i], W_OK | X_OK, AT_EACCESS))
            continue;
        int sz = snprintf(out, out_sz, "%s", root[i]);
        return sz < 0 || (u64)sz >= out_sz ? -ENAMETOOLONG : 0;
    }
    return -ENOENT;
}

/* open_dir opens a directory that only uid can have changed, or says -EPERM. */
static int
open_dir(int at_fd, char const *path, uid_t uid)
{
    int fd = openat(at_fd, path, OPEN_DIR);
    if (fd < 0)
        return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
    struct stat st;
    if (fstat(fd, &st) || st.st_uid != uid || (st.st_mode & (S_IWGRP | S_IWOTH))) {
        close(fd);
        return -EPERM;
    }
    return fd;
}

static int
open_base(uid_t uid, bool create)
{
    char root[QS_INSTANCE_PATH_MAX];
    char path[QS_INSTANCE_PATH_MAX + 32];
    int err = qs_instance_root(root, sizeof(root));
    if (err)
        return err;
    snprintf(path, sizeof(path), "%s/quickstep-%u", root, uid);
    if (create && mkdir(path, 0755) && errno != EEXIST)
        return -errno;
    return open_dir(AT_FDCWD, path, uid);
}

/* Whoever lives holds the whole file, whoever removes a dead one only its first byte: each keeps the
   other out, and a reader, who asks about LIFE_BYTE, takes no remover for a life. */
#define LIFE_BYTE 1

static int
set_lock(int fd, int cmd, off_t len)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = len};
    while (fcntl(fd, cmd, &range)) {
        if (errno != EINTR)
            return errno == EACCES ? -EAGAIN : -errno;
    }
    return 0;
}

static bool
is_locked(int fd)
{
    struct flock life = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LIFE_BYTE, .l_len = 1};
    return !fcntl(fd, F_OFD_GETLK, &life) && life.l_type != F_UNLCK;
}

/* open_guard opens the directory of our instances and its guard, locked.  Closing *guard_fd
   unlocks. */
static int
open_guard(int *guard_fd, bool create)
{
    int base_fd = open_base(geteuid(), create);
    if (base_fd < 0)
        return base_fd;
    int err = 0;
    *guard_fd = openat(base_fd, GUARD_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*guard_fd < 0)
        err = -errno;
    else if ((err = set_lock(*guard_fd, F_OFD_SETLKW, 0)))
        close(*guard_fd);
    if (!err)
        return base_fd;
    close(base_fd);
    return err;
}

static pid_t
read_pid(int lock_fd)
{
    char text[16] = {0};
    return pread(lock_fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static void
instance_init(qs_instance_t *inst, uid_t uid, char const *name)
{
    *inst = (qs_instance_t){.uid = uid, .dir_fd = -1, .lock_fd = -1};
    snprintf(inst->name, sizeof(inst->name), "%s", name);
}

void
qs_instance_close(qs_instance_t *inst)
{
    if (inst->dir_fd >= 0)
        close(inst->dir_fd);
    if (inst->lock_fd >= 0)
        close(inst->lock_fd);
    inst->dir_fd = inst->lock_fd = -1;
    inst->owner = false;
}

static int
open_at(qs_instance_t *inst, int base_fd, int lock_flags)
{
    int fd = open_dir(base_fd, inst->name, inst->uid);
    if (fd < 0)
        return fd;
    inst->dir_fd = fd;
    inst->lock_fd = openat(fd, LOCK_FILE, lock_flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (inst->lock_fd < 0) {
        int err = -errno;
        qs_instance_close(inst);
        return err;
    }
    inst->pid = read_pid(inst->lock_fd);
    return 0;
}

typedef struct sum {
    qs_instance_t const *inst;
    u64 bytes;
} sum_t;

static int
add_file(void *ctx, char const *name, char const *path)
{
    sum_t *sum = ctx;
    struct stat st;
    u64 page_sz;
    (void)name;
    int fd = qs_instance_file_open(sum->inst, path, &st, &page_sz);
    if (fd < 0)
        return fd;
    close(fd);
    sum->bytes += (u64)st.st_blocks * 512u;
    return 0;
}

/* count_file skips what cannot be read. */
static int
count_file(void *ctx, char const *name, char const *path)
{
    (void)add_file(ctx, name, path);
    return 0;
}

static int
remove_file(void *ctx, char const *name, char const *path)
{
    sum_t *sum = ctx;
    int err = add_file(ctx, name, path);
    if (err)
        return err == -ENOENT ? 0 : err; /* recorded, never made; or made and taken back */
    return unlinkat(sum->inst->dir_fd, path, 0) ? -errno : 0;
}

/* remove_dead removes what inst->name left behind.  Needs the guard.  Returns 0 also when there is
   nothing. */
static int
remove_dead(qs_instance_t *inst, int base_fd, u64 *bytes)
{
    int err = open_at(inst, base_fd, O_RDWR | O_CREAT);
    if (err)
        return err == -ENOENT ? 0 : err;
    sum_t sum = {.inst = inst};
    err = set_lock(inst->lock_fd, F_OFD_SETLK, LIFE_BYTE);
    if (err == -EAGAIN)
        err = -EBUSY;
    if (!err)
        err = qs_instance_files(inst, remove_file, &sum);
    *bytes += sum.bytes;
    if (!err && unlinkat(inst->dir_fd, FILES_FILE, 0) && errno != ENOENT)
        err = -errno;
    if (!err && unlinkat(inst->dir_fd, LOCK_FILE, 0))
        err = -errno;
    if (!err && unlinkat(base_fd, inst->name, AT_REMOVEDIR))
        err = -errno;
    qs_instance_close(inst);
    return err;
}

/* make_fresh makes and locks the directory of a new run.  Needs the guard. */
static int
make_fresh(qs_instance_t *inst, int base_fd)
{
    char pid[16];
    if (mkdirat(base_fd, inst->name, 0700))
        return -errno;
    int err = open_at(inst, base_fd, O_RDWR | O_CREAT | O_EXCL);
    if (!err)
        err = set_lock(inst->lock_fd, F_OFD_SETLK, 0);
    if (err)
        return err;
    inst->pid = getpid();
    int sz = snprintf(pid, sizeof(pid), "%d\n", inst->pid);
    if (write(inst->lock_fd, pid, (size_t)sz) != sz)
        return -ENOSPC;
    if (inst->group && (fchmod(inst->lock_fd, 0640) || fchmod(base_fd, 0755) ||
                        fchmod(inst->dir_fd, 0750))) /* whatever the umask is */
        return -errno;
    return 0;
}

int
qs_instance_create(qs_instance_t *inst, char const *name, bool group, u64 *stale_bytes)
{
    *stale_bytes = 0;
    if (!qs_instance_name_ok(name))
        return -EINVAL;
    instance_init(inst, geteuid(), name);
    inst->group = group;

    char root[QS_INSTANCE_PATH_MAX];
    if (qs_instance_root(root, sizeof(root))) {
        inst->owner = true;
        inst->pid = getpid();
        return 0;
    }
    int guard_fd;
    int base_fd = open_guard(&guard_fd, true);
    if (base_fd < 0)
        return base_fd;
    u64 ignored = 0;
    int err = remove_dead(inst, base_fd, stale_bytes);
    if (!err) {
        err = make_fresh(inst, base_fd);
        inst->owner = !err;
        if (err) {
            qs_instance_close(inst);
            (void)remove_dead(inst, base_fd, &ignored);
        }
    }
    close(guard_fd);
    close(base_fd);
    return err;
}

int
qs_instance_open(qs_instance_t *inst, uid_t uid, char const *name)
{
    if (!qs_instance_name_ok(name))
        return -EINVAL;
    instance_init(inst, uid, name);
    int base_fd = open_base(uid, false);
    if (base_fd < 0)
        return base_fd;
    int err = open_at(inst, base_fd, O_RDONLY);
    close(base_fd);
    return err;
}

bool
qs_instance_alive(qs_instance_t const *inst)
{
    return inst->owner || (inst->lock_fd >= 0 && is_locked(inst->lock_fd));
}

int
qs_instance_remove(char const *name, u64 *bytes)
{
    *bytes = 0;
    if (!qs_instance_name_ok(name))
        return -EINVAL;
    int guard_fd;
    int base_fd = open_guard(&guard_fd, false);
    if (base_fd < 0)
        return base_fd;
    qs_instance_t inst;
    instance_init(&inst, geteuid(), name);
    int err = faccessat(base_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
    if (!err)
        err = remove_dead(&inst, base_fd, bytes);
    close(guard_fd);
    close(base_fd);
    return err;
}

/* each_name calls each for every entry of base_fd that could be an instance. */
static int
each_name(int base_fd, int (*each)(void *ctx, int base_fd, char const *name), void *ctx)
{
    int fd = openat(base_fd, ".", OPEN_DIR); /* of its own: reading moves the position */
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int err = -errno;
        if (fd >= 0)
            close(fd);
        return err;
    }
    int stop = 0;
    for (struct dirent *e; !stop && (e = readdir(dir));) {
        if (qs_instance_name_ok(e->d_name))
            stop = each(ctx, base_fd, e->d_name);
    }
    closedir(dir);
    return stop;
}

typedef struct reap {
    char const *except;
    u64 bytes;
    int cnt;
} reap_t;

static int
reap_one(void *ctx, int base_fd, char const *name)
{
    reap_t *reap = ctx;
    qs_instance_t inst;
    if (reap->except && !strcmp(reap->except, name))
        return 0;
    instance_init(&inst, geteuid(), name);
    reap->cnt += !remove_dead(&inst, base_fd, &reap->bytes);
    return 0;
}

int
qs_instance_reap(char const *except, u64 *bytes)
{
    reap_t reap = {.except = except};
    int guard_fd;
    *bytes = 0;
    int base_fd = open_guard(&guard_fd, false);
    if (base_fd < 0)
        return base_fd == -ENOENT ? 0 : base_fd;
    int err = each_name(base_fd, reap_one, &reap);
    close(guard_fd);
    close(base_fd);
    *bytes = reap.bytes;
    return err ? err : reap.cnt;
}

typedef struct list {
    uid_t uid;
    int (*each)(void *ctx, qs_instance_info_t const *info);
    void *ctx;
} list_t;

static int
list_one(void *ctx, int base_fd, char const *name)
{
    list_t *list = ctx;
    qs_instance_t inst;
    instance_init(&inst, list->uid, name);
    if (open_at(&inst, base_fd, O_RDONLY))
        return 0; /* being made, being removed, or not for us */
    sum_t sum = {.inst = &inst};
    (void)qs_instance_files(&inst, count_file, &sum);
    qs_instance_info_t info = {
        .alive = qs_instance_alive(&inst), .pid = inst.pid, .bytes = sum.bytes};
    memcpy(info.name, inst.name, sizeof(info.name));
    qs_instance_close(&inst);
    return list->each(list->ctx, &info);
}

int
qs_instance_list(uid_t uid, int (*each)(void *ctx, qs_instance_info_t const *info), void *ctx)
{
    list_t list = {.uid = uid, .each = each, .ctx = ctx};
    int base_fd = open_base(uid, false);
    if (base_fd < 0)
        return base_fd == -ENOENT ? 0 : base_fd;
    int stop = each_name(base_fd, list_one, &list);
    close(base_fd);
    return stop;
}

int
qs_instance_path(qs_instance_t const *inst, char const *mount, char const *name, char *out,
                 u64 out_sz)
{
    int sz =
        mount ? snprintf(out, out_sz, "%s/quickstep-%u.%s.%s", mount, inst->uid, inst->name, name)
              : snprintf(out, out_sz, "%s" SUFFIX, name);
    return sz < 0 || (u64)sz >= out_sz ? -ENAMETOOLONG : 0;
}

/* name_of takes the workspace's name out of a recorded path.  False unless qs_instance_path makes
   the very same path from it: a record can then name nothing but files of this instance. */
static bool
name_of(qs_instance_t const *inst, char const *path, char *name)
{
    char mount[QS_INSTANCE_PATH_MAX];
    char again[QS_INSTANCE_PATH_MAX];
    char const *slash = strrchr(path, '/');
    char const *dot = strrchr(path, '.');
    if (!dot)
        return false;
    char const *from = slash ? dot + 1 : path;
    int sz = slash ? (int)strlen(from) : (int)(dot - path);
    if (snprintf(name, QS_INSTANCE_NAME_MAX + 1, "%.*s", sz, from) > (int)QS_INSTANCE_NAME_MAX)
        return false;
    snprintf(mount, sizeof(mount), "%.*s", slash ? (int)(slash - path) : 0, path);
    return qs_instance_name_ok(name) && (!slash || path[0] == '/') &&
           !qs_instance_path(inst, slash ? mount : NULL, name, again, sizeof(again)) &&
           !strcmp(again, path);
}

int
qs_instance_files(qs_instance_t const *inst,
                  int (*each)(void *ctx, char const *name, char const *path), void *ctx)
{
    if (inst->dir_fd < 0)
        return 0;
    int fd = openat(inst->dir_fd, FILES_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    FILE *f = fdopen(fd, "r");
    if (!f) {
        close(fd);
        return -ENOMEM;
    }
    int stop = 0;
    char path[QS_INSTANCE_PATH_MAX + 1];
    char name[QS_INSTANCE_NAME_MAX + 1];
    while (!stop && fgets(path, sizeof(path), f)) {
        char *end = strchr(path, '\n');
        if (!end)
            continue; /* not written whole, so its file was not made */
        *end = 0;
        if (name_of(inst, path, name))
            stop = each(ctx, name, path);
    }
    fclose(f);
    return stop;
}

static int
open_record(qs_instance_t const *inst)
{
    int fd = openat(inst->dir_fd, FILES_FILE,
                    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

int
qs_instance_record(qs_instance_t *inst, char const *path)
{
    char line[QS_INSTANCE_PATH_MAX + 2];
    if (!inst->owner)
        return -EPERM;
    if (strchr(path, '\n') || strlen(path) >= QS_INSTANCE_PATH_MAX)
        return -EINVAL;
    if (inst->dir_fd < 0)
        return 0;
    int fd = open_record(inst);
    if (fd < 0)
        return fd;
    int sz = snprintf(line, sizeof(line), "%s\n", path);
    ssize_t put = write(fd, line, (size_t)sz);
    int err = put == sz ? 0 : put < 0 ? -errno : -ENOSPC;
    if (!err && inst->group && fchmod(fd, 0640))
        err = -errno;
    close(fd);
    return err;
}

int
qs_instance_unrecord(qs_instance_t *inst, char const *path)
{
    struct stat st;
    int fd = inst->dir_fd < 0 ? -ENOENT : open_record(inst);
    if (fd < 0)
        return fd;
    off_t sz = (off_t)strlen(path) + 1;
    int err = fstat(fd, &st) || st.st_size < sz || ftruncate(fd, st.st_size - sz) ? -EIO : 0;
    close(fd);
    return err;
}

int
qs_instance_file_open(qs_instance_t const *inst, char const *path, struct stat *st, u64 *page_sz)
{
    struct statfs fs;
    int fd = openat(inst->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP ? -EPERM : -errno;
    bool ours = !fstat(fd, st) && !fstatfs(fd, &fs) && S_ISREG(st->st_mode) &&
                st->st_uid == inst->uid &&
                (fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC);
    if (ours) {
        *page_sz = (u64)fs.f_bsize;
        return fd;
    }
    close(fd);
    return -EPERM;
}

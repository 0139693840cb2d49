#include "app/qs_configure_kind.h"

#include <dirent.h>
#include <fcntl.h>
#include <mntent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PATH_CAP 1024u

char *
qs_configure_path(qs_configure_t const *c, char const *path, char *out, u64 out_sz)
{
    snprintf(out, out_sz, "%s%s", c->host.root ? c->host.root : "", path);
    return out;
}

int
qs_configure_read(qs_configure_t const *c, char const *path, char *out, u64 out_sz)
{
    char full[PATH_CAP], text[1024];
    int fd = open(qs_configure_path(c, path, full, sizeof(full)), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t sz = read(fd, text, sizeof(text) - 1);
    int err = sz < 0 ? -errno : 0;
    close(fd);
    if (err)
        return err;
    text[sz] = 0;
    text[strcspn(text, "\n")] = 0;
    for (char *t = text; (t = strchr(t, '\t'));)
        *t = ' ';
    u64 len = strlen(text);
    if (len >= out_sz)
        return -EOVERFLOW;
    memcpy(out, text, len + 1);
    return (int)len;
}

u64
qs_configure_read_u64(qs_configure_t const *c, char const *path)
{
    char text[32];
    return qs_configure_read(c, path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

int
qs_configure_write(qs_configure_t const *c, char const *path, char const *text)
{
    char full[PATH_CAP], line[QS_JOURNAL_VALUE_MAX + 1];

    if (c->host.write)
        return c->host.write(c->host.ctx, path, text);
    int fd = open(qs_configure_path(c, path, full, sizeof(full)), O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int sz = snprintf(line, sizeof(line), "%s\n", text);
    ssize_t wrote = write(fd, line, (size_t)sz);
    int err = wrote == sz ? 0 : wrote < 0 ? -errno : -EIO;
    close(fd);
    return err;
}

static int
look_file(qs_configure_t const *c, char const *path, char state[QS_JOURNAL_VALUE_MAX])
{
    int sz = qs_configure_read(c, path, state, QS_JOURNAL_VALUE_MAX);
    return sz < 0 ? sz : 0;
}

static bool
fits_exactly(char const *state, char const *want)
{
    return !strcmp(state, want);
}

static bool
fits_at_least(char const *state, char const *want)
{
    return strtoull(state, NULL, 10) >= strtoull(want, NULL, 10);
}

static bool
ours_exactly(char const *was, char const *want, char const *state)
{
    (void)was;
    return !strcmp(state, want);
}

/* ours_partly: of a pool the kernel may have given a part. */
static bool
ours_partly(char const *was, char const *want, char const *state)
{
    u64 now = strtoull(state, NULL, 10);
    return now > strtoull(was, NULL, 10) && now <= strtoull(want, NULL, 10);
}

static void
shell_write(char *out, u64 out_sz, char const *path, char const *value)
{
    bool bare = strspn(value, "0123456789") == strlen(value);
    snprintf(out, out_sz, bare ? "echo %s > %s" : "echo '%s' > %s", value, path);
}

static int
look_dir(qs_configure_t const *c, char const *path, char state[QS_JOURNAL_VALUE_MAX])
{
    char full[PATH_CAP];
    struct stat st;
    state[0] = 0;
    if (stat(qs_configure_path(c, path, full, sizeof(full)), &st))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    snprintf(state, QS_JOURNAL_VALUE_MAX, "dir %u:%u:%lu", major(st.st_dev), minor(st.st_dev),
             st.st_ino);
    return 0;
}

static bool
fits_dir(char const *state, char const *want)
{
    (void)want;
    return state[0];
}

static bool
ours_dir(char const *was, char const *want, char const *state)
{
    (void)was;
    (void)want;
    return state[0];
}

static int
make_dir(qs_configure_t const *c, char const *path, char const *want)
{
    char full[PATH_CAP];
    mode_t mode = (mode_t)strtoul(want, NULL, 8);
    if (mkdir(qs_configure_path(c, path, full, sizeof(full)), 0700))
        return -errno;
    return chmod(full, mode) ? -errno : 0; /* whatever the umask is */
}

static void
shell_mkdir(char *out, u64 out_sz, char const *path, char const *want)
{
    snprintf(out, out_sz, "mkdir -m %s %s", want, path);
}

static int
remove_dir(qs_configure_t const *c, char const *path, char const *was)
{
    char full[PATH_CAP];
    (void)was;
    if (!rmdir(qs_configure_path(c, path, full, sizeof(full))))
        return 0;
    return errno == EEXIST || errno == EBUSY ? -ENOTEMPTY : -errno;
}

static void
shell_rmdir(char *out, u64 out_sz, char const *path, char const *was)
{
    (void)was;
    snprintf(out, out_sz, "rmdir %s", path);
}

static int
look_mount(qs_configure_t const *c, char const *path, char state[QS_JOURNAL_VALUE_MAX])
{
    char full[PATH_CAP], text[4096];
    struct mntent ent;
    int err = 0;
    FILE *f = setmntent(qs_configure_path(c, "/proc/self/mounts", full, sizeof(full)), "re");
    if (!f)
        return -errno;
    state[0] = 0;
    while (getmntent_r(f, &ent, text, sizeof(text))) {
        if (strcmp(ent.mnt_dir, path) != 0)
            continue;
        int sz = snprintf(state, QS_JOURNAL_VALUE_MAX, "%s %s", ent.mnt_type, ent.mnt_opts);
        err = sz < (int)QS_JOURNAL_VALUE_MAX ? 0 : -EOVERFLOW;
    }
    endmntent(f);
    return err;
}

/* fits_mount compares the page size, the first of the options in want. */
static bool
fits_mount(char const *state, char const *want)
{
    size_t sz = strcspn(want, ",");
    char const *at = strncmp(state, "hugetlbfs ", 10) ? NULL : strstr(state, "pagesize=");
    return at && !strncmp(at, want, sz) && (!at[sz] || at[sz] == ',');
}

static bool
ours_mount(char const *was, char const *want, char const *state)
{
    (void)was;
    return fits_mount(state, want);
}

static int
make_mount(qs_configure_t const *c, char const *path, char const *want)
{
    char full[PATH_CAP];
    if (c->host.mount)
        return c->host.mount(c->host.ctx, path, want);
    qs_configure_path(c, path, full, sizeof(full));
    return mount("hugetlbfs", full, "hugetlbfs", MS_NOSUID | MS_NODEV, want) ? -errno : 0;
}

static void
shell_mount(char *out, u64 out_sz, char const *path, char const *want)
{
    snprintf(out, out_sz, "mount -t hugetlbfs -o nosuid,nodev,%s hugetlbfs %s", want, path);
}

/* holds_others says whether a mount holds files that no instance of ours made: they would go with
   it. */
static bool
holds_others(char const *full)
{
    bool others = false;
    DIR *dir = opendir(full);
    if (!dir)
        return false;
    for (struct dirent *e; !others && (e = readdir(dir));)
        others = e->d_name[0] != '.' && strncmp(e->d_name, "quickstep-", 10) != 0;
    closedir(dir);
    return others;
}

static int
remove_mount(qs_configure_t const *c, char const *path, char const *was)
{
    char full[PATH_CAP];
    (void)was;
    if (holds_others(qs_configure_path(c, path, full, sizeof(full))))
        return -ENOTEMPTY;
    if (c->host.umount)
        return c->host.umount(c->host.ctx, path);
    return umount2(full, UMOUNT_NOFOLLOW) ? -errno : 0;
}

static void
shell_umount(char *out, u64 out_sz, char const *path, char const *was)
{
    (void)was;
    snprintf(out, out_sz, "umount %s", path);
}

static int
look_owner(qs_configure_t const *c, char const *path, char state[QS_JOURNAL_VALUE_MAX])
{
    char full[PATH_CAP];
    struct stat st;
    if (stat(qs_configure_path(c, path, full, sizeof(full)), &st))
        return -errno;
    snprintf(state, QS_JOURNAL_VALUE_MAX, "%u:%u:%04o", st.st_uid, st.st_gid, st.st_mode & 07777);
    return 0;
}

static int
set_owner(qs_configure_t const *c, char const *path, char const *want)
{
    char full[PATH_CAP];
    u32 uid, gid, mode;
    if (sscanf(want, "%u:%u:%o", &uid, &gid, &mode) != 3)
        return -EINVAL;
    qs_configure_path(c, path, full, sizeof(full));
    return chown(full, uid, gid) || chmod(full, mode) ? -errno : 0;
}

static void
shell_own(char *out, u64 out_sz, char const *path, char const *want)
{
    char const *mode = strrchr(want, ':');
    if (mode)
        snprintf(out, out_sz, "chown %.*s %s && chmod %s %s", (int)(mode - want), want, path,
                 mode + 1, path);
}

/* fits_rule: a rule to that queue, at whatever place. */
static bool
fits_rule(char const *state, char const *want)
{
    size_t sz = strlen(want);
    return !strncmp(state, want, sz) && (!state[sz] || state[sz] == ' ');
}

static bool
ours_rule(char const *was, char const *want, char const *state)
{
    (void)was;
    return fits_rule(state, want);
}

/* clang-format off */
qs_configure_kind_row_t const qs_configure_kinds[QS_CONFIGURE_KIND_CNT] = {
    [QS_CONFIGURE_WRITE] = {"write", look_file, fits_exactly, ours_exactly, qs_configure_write,
                            qs_configure_write, shell_write, shell_write},
    [QS_CONFIGURE_RAISE] = {"raise", look_file, fits_at_least, ours_exactly, qs_configure_write,
                            qs_configure_write, shell_write, shell_write},
    [QS_CONFIGURE_POOL]  = {"pool", look_file, fits_at_least, ours_partly, qs_configure_write,
                            qs_configure_write, shell_write, shell_write},
    [QS_CONFIGURE_MKDIR] = {"mkdir", look_dir, fits_dir, ours_dir, make_dir, remove_dir,
                            shell_mkdir, shell_rmdir},
    [QS_CONFIGURE_MOUNT] = {"mount", look_mount, fits_mount, ours_mount, make_mount, remove_mount,
                            shell_mount, shell_umount},
    [QS_CONFIGURE_OFFLOAD] = {"offload", qs_configure_look_ethtool, fits_exactly, ours_exactly,
                              qs_configure_set_ethtool, qs_configure_set_ethtool,
                              qs_configure_shell_ethtool, qs_configure_shell_ethtool},
    [QS_CONFIGURE_QUEUES]  = {"queues", qs_configure_look_ethtool, fits_at_least, ours_exactly,
                              qs_configure_set_ethtool, qs_configure_set_ethtool,
                              qs_configure_shell_ethtool, qs_configure_shell_ethtool},
    [QS_CONFIGURE_STEER]   = {"steer", qs_configure_look_ethtool, fits_rule, ours_rule,
                              qs_configure_set_ethtool, qs_configure_set_ethtool,
                              qs_configure_shell_ethtool, qs_configure_shell_ethtool},
    [QS_CONFIGURE_OWN]   = {"own", look_owner, fits_exactly, ours_exactly, set_owner, set_owner,
                            shell_own, shell_own},
};
/* clang-format on */

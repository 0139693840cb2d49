#include "disco/qs_sandbox.h"

#include <cap-ng.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "disco/qs_config.h"
#include "disco/qs_sandbox_calls.h"
#include "disco/qs_sandbox_space.h"

#define OPEN_FD_MAX 1024

static bool
listed(int fd, int const *keep, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        if (keep[i] == fd)
            return true;
    return fd <= 2;
}

/* close_unlisted collects first: closing while reading would close the directory too. */
static bool
close_unlisted(int const *keep, u32 cnt)
{
    int open_fd[OPEN_FD_MAX];
    u32 open_cnt = 0;
    DIR *dir = opendir("/proc/self/fd");

    if (!dir)
        return false;
    for (struct dirent *e; open_cnt < OPEN_FD_MAX && (e = readdir(dir));) {
        int fd = atoi(e->d_name);
        if (e->d_name[0] != '.' && fd != dirfd(dir) && !listed(fd, keep, cnt))
            open_fd[open_cnt++] = fd;
    }
    closedir(dir);
    for (u32 i = 0; i < open_cnt; i++)
        close(open_fd[i]);
    return open_cnt < OPEN_FD_MAX;
}

/* fill_gaps leaves no descriptor free up to the highest one kept, which it returns, or -1. */
static int
fill_gaps(int const *keep, u32 cnt)
{
    int highest = 2;

    for (u32 i = 0; i < cnt; i++)
        highest = keep[i] > highest ? keep[i] : highest;
    for (int fd = 0; fd < highest; fd++)
        if (fcntl(fd, F_GETFD) < 0 && dup2(2, fd) < 0)
            return -1;
    return highest;
}

/* set_limits: the limit of open files cannot be 0, because poll takes no more than that. */
static bool
set_limits(int highest_fd, u64 file_max)
{
    struct rlimit none = {0, 0};
    struct rlimit bytes = {file_max, file_max};
    struct rlimit files = {(rlim_t)highest_fd + 1, (rlim_t)highest_fd + 1};
    bool ok = !setrlimit(RLIMIT_CORE, &none);

    ok &= !setrlimit(RLIMIT_FSIZE, &bytes);
    ok &= !setrlimit(RLIMIT_NPROC, &none);
    ok &= highest_fd >= 0 && !setrlimit(RLIMIT_NOFILE, &files);
    return ok;
}

static bool
drop_capabilities(void)
{
    capng_clear(CAPNG_SELECT_BOTH);
    return !capng_apply(CAPNG_SELECT_BOTH);
}

u32
qs_sandbox_want(u32 level)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    bool sanitized = true;
#elif defined(__has_feature)
    bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
    bool sanitized = false;
#endif
    if (level == QS_CONFIG_sandbox_level_off)
        return 0;
    if (level == QS_CONFIG_sandbox_level_basic)
        return QS_SANDBOX_BASIC;
    return sanitized ? QS_SANDBOX_ALL & ~(u32)(QS_SANDBOX_SECCOMP | QS_SANDBOX_MOUNT)
                     : QS_SANDBOX_ALL;
}

u32
qs_sandbox_enter(qs_sandbox_conf_t const *c)
{
    u32 got = 0;

    if (c->want & QS_SANDBOX_FDS && close_unlisted(c->fd, c->fd_cnt))
        got |= QS_SANDBOX_FDS;
    got |= qs_sandbox_spaces(c->want);
    if (c->want & QS_SANDBOX_CAPS && drop_capabilities())
        got |= QS_SANDBOX_CAPS;
    if (c->want & QS_SANDBOX_NO_NEW_PRIVS && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        got |= QS_SANDBOX_NO_NEW_PRIVS;
    if (c->want & QS_SANDBOX_LANDLOCK && !qs_sandbox_landlock())
        got |= QS_SANDBOX_LANDLOCK;
    if (c->want & QS_SANDBOX_LIMITS && set_limits(fill_gaps(c->fd, c->fd_cnt), c->file_max))
        got |= QS_SANDBOX_LIMITS;
    if (c->want & QS_SANDBOX_SECCOMP && !qs_sandbox_calls_load(c->syscalls))
        got |= QS_SANDBOX_SECCOMP;
    return got;
}

char const *
qs_sandbox_step_name(u32 step)
{
#define NAME(NAME, name) name,
    static char const *const name[] = {QS_SANDBOX_STEPS(NAME)};
#undef NAME
    return step < QS_COUNT(name) ? name[step] : "?";
}

char const *
qs_sandbox_names(u32 steps, char *buf, u64 buf_sz)
{
    u64 used = 0;

    buf[0] = 0;
    for (u32 i = 0; i < QS_SANDBOX_STEP_CNT; i++) {
        if (!(steps >> i & 1) || used >= buf_sz)
            continue;
        int wrote =
            snprintf(buf + used, buf_sz - used, "%s%s", used ? ", " : "", qs_sandbox_step_name(i));
        used += wrote > 0 ? (u64)wrote : 0;
    }
    return buf;
}

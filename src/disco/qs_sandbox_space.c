#include "disco/qs_sandbox_space.h"

#include <linux/landlock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disco/qs_sandbox.h"

/* What landlock's rule sets look like now; older headers know a part of it, older kernels take the
   rest as long as it is zero. */
typedef struct ruleset {
    u64 fs;
    u64 net;
    u64 scoped;
} ruleset_t;

/* hide_files: nothing of the host's files stays reachable.  An empty tmpfs becomes the root, and what
   was the root is detached. */
static bool
hide_files(void)
{
    static char const *const place[] = {"/proc", "/tmp", "/dev"}; /* any directory does */
    char const *limits = "size=4k,nr_inodes=1,mode=0111";
    u64 flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    u32 i = 0;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return false;
    while (i < QS_COUNT(place) && mount("none", place[i], "tmpfs", flags, limits))
        i++;
    if (i == QS_COUNT(place) || chdir(place[i]))
        return false;
    if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        return false;
    return !mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | flags, limits);
}

u32
qs_sandbox_spaces(u32 want)
{
    static struct {
        u32 step;
        int flag;
    } const space[] = {
        {QS_SANDBOX_IPC, CLONE_NEWIPC},
        {QS_SANDBOX_UTS, CLONE_NEWUTS},
        {QS_SANDBOX_NET, CLONE_NEWNET},
        {QS_SANDBOX_MOUNT, CLONE_NEWNS},
    };
    u32 got = 0;

    for (u32 i = 0; i < QS_COUNT(space); i++) {
        if (!(want & space[i].step))
            continue;
        /* A user namespace is asked for once, with the first, and gives the right to the others. */
        if (!unshare(space[i].flag) || (!got && !unshare(space[i].flag | CLONE_NEWUSER)))
            got |= space[i].step;
    }
    if (got & QS_SANDBOX_MOUNT && !hide_files())
        got &= ~(u32)QS_SANDBOX_MOUNT;
    return got;
}

/* all_of returns every right that a landlock of this ABI can take away. */
static ruleset_t
all_of(long abi)
{
    u32 fs_bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

    return (ruleset_t){.fs = (1ull << fs_bits) - 1,
                       .net = abi >= 4 ? 3 : 0, /* bind and connect TCP */
                       .scoped = abi >= 6 ? 3 : 0,
                       /* abstract sockets and signals */};
}

int
qs_sandbox_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return abi ? -errno : -ENOSYS;
    ruleset_t all = all_of(abi);
    long fd = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    if (fd < 0)
        return -errno;
    int err = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
    close((int)fd);
    return err;
}

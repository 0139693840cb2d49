/* shm_host - a host of one's own for a test: a mount namespace with a fresh tmpfs on /dev/shm, so
   that nothing is shared with other tests, nor with the machine's real instances. */

#ifndef QS_TEST_TANGO_SHM_HOST_H
#define QS_TEST_TANGO_SHM_HOST_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tango/base/qs_base.h"

static bool
write_text(char const *path, char const *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* own_namespace works for root, and for others where user namespaces are allowed. */
static bool
own_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWNS)) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
            return false;
        snprintf(map, sizeof(map), "%u %u 1", uid, uid);
        if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
            return false;
        snprintf(map, sizeof(map), "%u %u 1", gid, gid);
        if (!write_text("/proc/self/gid_map", map))
            return false;
    }
    return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* private_host puts a tmpfs with these options on /dev/shm, for this process and its children.
   False, with a line that says so, where that is not allowed. */
static bool
private_host(char const *options)
{
    if (own_namespace() && !mount("test", "/dev/shm", "tmpfs", 0, options))
        return true;
    printf("skipped: no mount namespace of our own here: %s\n", strerror(errno));
    return false;
}

#endif

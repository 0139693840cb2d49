/* netns - network namespaces for a test, each a host; gone with the test's process.

   Threads: the calling one moves between them; those it starts stay where it was. */

#ifndef QS_TEST_DISCO_NETNS_H
#define QS_TEST_DISCO_NETNS_H

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tango/base/qs_base.h"

/* netns_new returns a descriptor of a fresh namespace; the caller stays where it is.  -1: no. */
static inline int
netns_new(void)
{
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int fresh = -1;

    if (here < 0 || unshare(CLONE_NEWNET))
        return -1;
    fresh = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (setns(here, CLONE_NEWNET))
        abort();
    close(here);
    return fresh;
}

/* netns_run runs a shell command there and returns its exit code. */
__attribute__((format(printf, 2, 3))) static inline int
netns_run(int ns, char const *format, ...)
{
    char command[4096];
    va_list ap;
    int status = -1;

    va_start(ap, format);
    vsnprintf(command, sizeof(command), format, ap);
    va_end(ap);
    pid_t pid = fork();
    if (!pid) {
        if (setns(ns, CLONE_NEWNET))
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        printf("%s: status %x\n", command, (u32)status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* netns_socket opens a socket there. */
static inline int
netns_socket(int ns, int here, int family, int type, int protocol)
{
    if (setns(ns, CLONE_NEWNET))
        return -1;
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    if (setns(here, CLONE_NEWNET))
        abort();
    return fd;
}

#endif

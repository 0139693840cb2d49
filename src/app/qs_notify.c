#include "app/qs_notify.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MAX 512

static u64
watchdog_of(char const *usec, char const *pid)
{
    if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    u64 us = strtoull(usec, NULL, 10);
    return us < UINT64_MAX / 1000u ? us * 1000u : 0;
}

int
qs_notify_open(qs_notify_t *n)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char const *path = getenv("NOTIFY_SOCKET");
    size_t sz = path ? strlen(path) : 0;
    int err = 0;

    *n = (qs_notify_t){.fd = -1};
    if (sz && (sz >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@')))
        err = -EINVAL;
    if (sz && !err) {
        memcpy(to.sun_path, path, sz);
        if (path[0] == '@')
            to.sun_path[0] = 0;
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        socklen_t to_sz = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sz);
        if (n->fd < 0 || connect(n->fd, (struct sockaddr *)&to, to_sz))
            err = -errno;
        n->watchdog_ns = watchdog_of(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (err)
        qs_notify_close(n);
    return err;
}

void
qs_notify_send(qs_notify_t const *n, char const *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list args;

    if (n->fd < 0)
        return;
    va_start(args, fmt);
    int sz = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (sz > 0)
        send(n->fd, text, sz < MESSAGE_MAX ? (size_t)sz : MESSAGE_MAX - 1,
             MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
qs_notify_close(qs_notify_t *n)
{
    if (n->fd >= 0)
        close(n->fd);
    *n = (qs_notify_t){.fd = -1};
}

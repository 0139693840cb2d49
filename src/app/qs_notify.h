/* qs_notify - telling a service manager how we are, by systemd's protocol itself: datagrams of lines
   NAME=VALUE to the socket that the environment names.

       NOTIFY_SOCKET   a path, or @ and a name in the abstract namespace; absent: nobody asks
       WATCHDOG_USEC   how often we must say that we live, if WATCHDOG_PID is ours or absent

   What cannot be sent now is dropped: a service manager that does not listen stops no packet.

   Threads: one per handle.  Blocks: never.  Allocates: never. */

#ifndef QS_APP_NOTIFY_H
#define QS_APP_NOTIFY_H

#include "tango/base/qs_base.h"

typedef struct qs_notify {
    int fd;          /* -1: nobody asks */
    u64 watchdog_ns; /* 0: no watchdog */
} qs_notify_t;

/* qs_notify_open reads the environment, and takes these variables out of it, so that no child speaks
   for us.  Returns 0, or -errno if somebody asks and cannot be reached; then fd is -1. */
int qs_notify_open(qs_notify_t *n);

/* qs_notify_send sends lines, "READY=1\nSTATUS=...". */
void qs_notify_send(qs_notify_t const *n, char const *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void qs_notify_close(qs_notify_t *n);

#endif

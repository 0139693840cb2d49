/* qs_supervise - runs one group in this process until it is told to stop: what `run` is, and each
   node of the lab.

   SIGTERM and SIGINT stop it, SIGUSR1 lets it drain: the tiles that make work halt.  SIGHUP opens the
   log file anew, if there is one.  With notify, a service manager that asks for it (NOTIFY_SOCKET) is
   told of readiness, state, life and end (qs_notify.h).

   Threads: one.  Blocks: until the end.  Allocates: the group. */

#ifndef QS_APP_SUPERVISE_H
#define QS_APP_SUPERVISE_H

#include "disco/qs_group.h"

typedef struct qs_supervise {
    qs_group_conf_t group;
    u64 seconds;        /* 0: until a signal */
    bool ignore_sigint; /* a node of the lab: Ctrl-C is for the lab */
    bool quiet;         /* does not say that it runs */
    bool notify;        /* tells the service manager */
    int ready_fd;       /* a byte is written there when all tiles run; -1: nobody waits */
} qs_supervise_t;

/* qs_supervise returns the exit code. */
int qs_supervise(qs_supervise_t const *s);

#endif

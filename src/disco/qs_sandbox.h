/* qs_sandbox - what a tile gives up between boot and untrusted input.

   In this order, each step tried whatever became of the others; what could not be had is said:

       fds           descriptors not on the list are closed
       ipc, uts      namespaces of its own
       net           an empty network namespace: sockets that are open live on in theirs
       mount         a mount namespace of its own, whose root is empty and read-only
       caps          all capabilities are dropped, and the bounding set by who may: what is left of that is
                     worth nothing with the next step
       no_new_privs  no program can give them back
       landlock      no file can be opened, no TCP port bound or connected, nobody outside signalled
       limits        no core, no child, no file written beyond file_max, none opened: every free
                     number below the highest kept descriptor becomes one more standard error,
                     and the limit is there, so that poll still takes all that are kept
       seccomp       only the system calls on the list (qs_sandbox_calls.h); any other one traps
                     (qs_sandbox_trap.h)

   pid, a process namespace of its own, is the supervisor's to give, when it starts the tile.

   Who lacks CAP_SYS_ADMIN gets the namespaces by a user namespace, where the host has those for
   everybody.

   Threads: the whole process, which must have no other thread.  Blocks: never.  Allocates: the
   state of libcap-ng and libseccomp. */

#ifndef QS_DISCO_SANDBOX_H
#define QS_DISCO_SANDBOX_H

#include "tango/base/qs_base.h"

/* Bits of a level: steps that took. */
#define QS_SANDBOX_STEPS(X)                                                                        \
    X(LIMITS, "limits")                                                                            \
    X(FDS, "fds")                                                                                  \
    X(CAPS, "caps")                                                                                \
    X(NO_NEW_PRIVS, "no_new_privs")                                                                \
    X(SECCOMP, "seccomp")                                                                          \
    X(LANDLOCK, "landlock")                                                                        \
    X(MOUNT, "mount")                                                                              \
    X(NET, "net")                                                                                  \
    X(IPC, "ipc")                                                                                  \
    X(UTS, "uts")                                                                                  \
    X(PID, "pid")

#define QS_SANDBOX_BIT_(NAME, name)  QS_SANDBOX_BIT_##NAME,
#define QS_SANDBOX_ENUM_(NAME, name) QS_SANDBOX_##NAME = 1u << QS_SANDBOX_BIT_##NAME,
enum { QS_SANDBOX_STEPS(QS_SANDBOX_BIT_) QS_SANDBOX_STEP_CNT };
enum {
    QS_SANDBOX_STEPS(QS_SANDBOX_ENUM_) QS_SANDBOX_ALL = (1u << QS_SANDBOX_STEP_CNT) - 1,
    QS_SANDBOX_BASIC = QS_SANDBOX_LIMITS | QS_SANDBOX_FDS | QS_SANDBOX_CAPS |
                       QS_SANDBOX_NO_NEW_PRIVS, /* what a debugger can live with */
    QS_SANDBOX_SPACES = QS_SANDBOX_MOUNT | QS_SANDBOX_NET | QS_SANDBOX_IPC | QS_SANDBOX_UTS,
};

typedef struct qs_sandbox_conf {
    u32 want;      /* steps; the others are not tried */
    int const *fd; /* kept, besides standard input, output and error */
    u32 fd_cnt;
    u64 file_max;        /* bytes of the longest file that may be written; 0: none may */
    int const *syscalls; /* beyond those of every tile, ended by -1; NULL: none */
} qs_sandbox_conf_t;

/* qs_sandbox_want returns the steps of sandbox.level (its number in the configuration) that this build
   can bear: a sanitizer's run-time makes system calls of its own and looks at /proc. */
u32 qs_sandbox_want(u32 level);

/* qs_sandbox_enter returns the steps that took: at best all that were wanted, without pid. */
u32 qs_sandbox_enter(qs_sandbox_conf_t const *conf);

/* qs_sandbox_step_name returns the name of step 0, 1, ...: of bit 1 << step. */
char const *qs_sandbox_step_name(u32 step);

/* qs_sandbox_names writes the names of the steps in `steps` into buf, and returns it. */
char const *qs_sandbox_names(u32 steps, char *buf, u64 buf_sz);

#endif

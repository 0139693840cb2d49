/* qs_sandbox - what a tile gives up between boot and untrusted input.

   In this order: file descriptors not on the list are closed, all capabilities and the bounding
   set are dropped, no_new_privs, limits (no core, no child, no file written beyond file_max, none opened: every
   free number below the highest kept descriptor becomes one more standard error, and the limit
   is there, so that poll still takes all that are kept).  Each step is tried whatever became of
   the others; what could not be had is said.

   Threads: the whole process.  Blocks: never.  Allocates: libcap-ng's state. */

#ifndef QS_DISCO_SANDBOX_H
#define QS_DISCO_SANDBOX_H

#include "tango/base/qs_base.h"

enum {
    QS_SANDBOX_LIMITS = 1,
    QS_SANDBOX_FDS = 2,
    QS_SANDBOX_CAPS = 4,
    QS_SANDBOX_NO_NEW_PRIVS = 8,
    QS_SANDBOX_ALL = 15,
};

/* qs_sandbox_enter keeps fd[0..cnt) and standard input, output and error.  file_max: bytes of the
   longest file that may be written; 0: none may.  Returns the steps that took, QS_SANDBOX_ALL at
   best. */
u32 qs_sandbox_enter(int const *fd, u32 cnt, u64 file_max);

/* qs_sandbox_lacks writes the names of the steps not in `got` into buf, and returns it. */
char const *qs_sandbox_lacks(u32 got, char *buf, u64 buf_sz);

#endif

/* qs_sandbox_calls - the system calls a tile may make, as a seccomp filter.

   What every tile may: read and write what is open, sleep (ppoll, futex), read the clock, get memory
   that cannot be executed, abort, and end.  Whatever else its table names it may besides.  Where
   arguments are looked at, all 64 bits of them are, and a list cannot undo it.  Nothing that starts, opens, connects,
   executes or changes another process is on anybody's list, nor what changes a file's size.

   Any other call, and any of another architecture, raises SIGSYS; without a handler it kills.

   Threads: the calling thread, and those it starts later.  Blocks: never.  Allocates: libseccomp. */

#ifndef QS_DISCO_SANDBOX_CALLS_H
#define QS_DISCO_SANDBOX_CALLS_H

#include "tango/base/qs_base.h"

/* qs_sandbox_calls_load installs the filter; more is ended by -1, or NULL.  Needs no_new_privs, or
   CAP_SYS_ADMIN.  Returns 0 or -errno: the kernel has no filters, or forbids them. */
int qs_sandbox_calls_load(int const *more);

/* qs_sandbox_calls_write writes the filter for people to read.  Returns 0 or -errno. */
int qs_sandbox_calls_write(int const *more, int fd);

/* qs_sandbox_call_name writes the name of a system call of this machine into buf, and returns it; "?"
   if it has none. */
char const *qs_sandbox_call_name(u64 number, char *buf, u64 buf_sz);

#endif

/* qs_sandbox_space - the parts of the sandbox by which the kernel shows a tile an empty world:
   namespaces, an empty root, landlock.  For qs_sandbox.c.

   Threads: the whole process.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SANDBOX_SPACE_H
#define QS_DISCO_SANDBOX_SPACE_H

#include "tango/base/qs_base.h"

/* qs_sandbox_spaces enters those of QS_SANDBOX_SPACES that are wanted, and returns which took. */
u32 qs_sandbox_spaces(u32 want);

/* qs_sandbox_landlock forbids all that this kernel's landlock can.  Needs no_new_privs.  Returns 0 or
   -errno. */
int qs_sandbox_landlock(void);

#endif

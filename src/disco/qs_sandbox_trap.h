/* qs_sandbox_trap - what becomes of a tile that does what it may not.

   A system call that is not on its list, or a write to a workspace that it may only read, ends it at
   once: a handler writes what it was into the tile's stem metrics (denied, denied_call,
   denied_first, denied_second), the reason into its status block, and exits.  The supervisor tells
   it by name.  It is the tile's own word: one that is taken over can leave it out, but not go on.

       QS_EXIT_DENIED     denied_call the system call's number, arg0 and arg1 its first arguments
       QS_EXIT_TRESPASS   denied_call the owner's index in the plan (QS_TILE_MAX: workspace boot),
                          arg0 the offset
       QS_EXIT_ABORT      an assertion failed, or the C library found damage

   Threads: the tile's process.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SANDBOX_TRAP_H
#define QS_DISCO_SANDBOX_TRAP_H

#include "disco/qs_stem.h"
#include "tango/qs_wksp.h"

typedef struct qs_sandbox_trap {
    qs_stem_metrics_t *metrics;
    qs_cnc_tx_t cnc;
    u32 tile;              /* ours */
    qs_wksp_t const *wksp; /* QS_TILE_MAX of them; without memory: not mapped */
    qs_wksp_t const *boot;
} qs_sandbox_trap_t;

/* qs_sandbox_trap_set installs the handlers.  trap is kept, and what it points to.  aborts: SIGABRT,
   too, which the first process of a process namespace would not die of.  Returns 0 or -errno. */
int qs_sandbox_trap_set(qs_sandbox_trap_t const *trap, bool aborts);

#endif

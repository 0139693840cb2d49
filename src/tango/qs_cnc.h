/* qs_cnc - what a tile says of itself, and what the supervisor says to it.

       qs_cnc  status block    written by the tile alone         read by supervisor, monitor, metric
       qs_cmd  command word    written by the supervisor alone   read by the tile

   Two objects, because each lies in a workspace that only its writer maps writable.

       tile                                    reader
       T1  reason               relaxed        R1  state           acquire  (pairs with T2)
       T2  state                release        R2  the other words relaxed
       T3  pid, heartbeat, restarts  relaxed

   R1 before R2 means: a reader that sees HALTED or FAILED sees its reason too (or that of a later
   end).  A boot leaves the reason alone: it stays to say why there was a restart.

   A status block is the word of a tile that may have been taken over.  A reader gets bounded
   values (an unknown state is QS_CNC_UNKNOWN), never an index or a length, and acts on nothing
   but its own knowledge: the pid is for people, the supervisor signals the children it forked;
   a heartbeat may be forged, so a silent tile is surely ill but a lively one not surely well.

   Threads: one tx, many rx each.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_CNC_H
#define QS_TANGO_CNC_H

#include "tango/base/qs_base.h"

typedef enum qs_cnc_state {
    QS_CNC_BOOT,    /* privileged: getting files, memory, sockets      */
    QS_CNC_INIT,    /* sandboxed: laying out its own state             */
    QS_CNC_RUN,     /* in its loop                                     */
    QS_CNC_HALTED,  /* left its loop because it was told to            */
    QS_CNC_FAILED,  /* gave up for a reason; wants to be booted anew   */
    QS_CNC_UNKNOWN, /* never stored: what a reader makes of all others */
} qs_cnc_state_t;

typedef enum qs_cmd {
    QS_CMD_RUN,
    QS_CMD_HALT,
    QS_CMD_RENEW, /* end, to be started again */
} qs_cmd_t;

/* One writer's two cache lines, shared memory ABI. */
typedef struct qs_cnc {
    alignas(QS_ALIGN) u64 magic;
    u32 state;
    u32 reason;
    u32 pid;
    u32 restarts;
    u64 heartbeat_ns;
} qs_cnc_t;

typedef struct qs_cmd_word {
    alignas(QS_ALIGN) u64 magic;
    u32 cmd;
} qs_cmd_word_t;

_Static_assert(sizeof(qs_cnc_t) == QS_ALIGN, "qs_cnc_t is shared memory ABI");
_Static_assert(sizeof(qs_cmd_word_t) == QS_ALIGN, "qs_cmd_word_t is shared memory ABI");

/* A join is a role: who holds an rx has no function that writes. */
typedef struct qs_cnc_tx {
    qs_cnc_t *cnc;
} qs_cnc_tx_t;

typedef struct qs_cnc_rx {
    qs_cnc_t const *cnc;
} qs_cnc_rx_t;

typedef struct qs_cmd_tx {
    qs_cmd_word_t *word;
} qs_cmd_tx_t;

typedef struct qs_cmd_rx {
    qs_cmd_word_t const *word;
} qs_cmd_rx_t;

typedef struct qs_cnc_view {
    qs_cnc_state_t state;
    u32 reason; /* of the last HALTED or FAILED, by the numbers of disco; 0: none yet */
    u32 pid;    /* 0: never booted */
    u32 restarts;
    u64 heartbeat_ns; /* qs_clock ns of the instance; 0: none yet */
} qs_cnc_view_t;

/* qs_{cnc,cmd}_footprint return the bytes needed. */
u64 qs_cnc_footprint(void);
u64 qs_cmd_footprint(void);

/* qs_cnc_new formats mem as the block of a tile that was never booted (BOOT, pid 0); qs_cmd_new as
   the command RUN.  Return 0 or -EFAULT (mem is null or not aligned to QS_ALIGN). */
int qs_cnc_new(void *mem);
int qs_cmd_new(void *mem);

/* qs_{cnc,cmd}_{tx,rx}_join fill a local handle.  Return 0, -EFAULT, or -EPROTO if mem does not
   hold such an object of this ABI.  Valid while mem is mapped; nothing to leave. */
int qs_cnc_tx_join(qs_cnc_tx_t *tx, void *mem);
int qs_cnc_rx_join(qs_cnc_rx_t *rx, void const *mem);
int qs_cmd_tx_join(qs_cmd_tx_t *tx, void *mem);
int qs_cmd_rx_join(qs_cmd_rx_t *rx, void const *mem);

/* qs_cnc_boot is a process's first word: state BOOT under this pid (not 0).  If the
   block belonged to a process before, this is one more restart. */
void qs_cnc_boot(qs_cnc_tx_t *tx, u32 pid);

/* qs_cnc_query returns the block as it is now, state first. */
qs_cnc_view_t qs_cnc_query(qs_cnc_rx_t const *rx);

/* qs_cnc_state_name returns "boot" "init" "run" "halted" "failed", "?" for anything else. */
char const *qs_cnc_state_name(u32 state);

/* qs_cnc_state_set says which state the tile has come to. */
QS_INLINE void
qs_cnc_state_set(qs_cnc_tx_t *tx, qs_cnc_state_t state)
{
    qs_store_release(&tx->cnc->state, (u32)state); /* T2 */
}

/* qs_cnc_end is a process's last word: HALTED or FAILED, and why. */
QS_INLINE void
qs_cnc_end(qs_cnc_tx_t *tx, qs_cnc_state_t state, u32 reason)
{
    qs_store_relaxed(&tx->cnc->reason, reason); /* T1 */
    qs_cnc_state_set(tx, state);
}

/* qs_cnc_heartbeat says that the tile was alive at now_ns. */
QS_INLINE void
qs_cnc_heartbeat(qs_cnc_tx_t *tx, u64 now_ns)
{
    qs_store_relaxed(&tx->cnc->heartbeat_ns, now_ns); /* T3 */
}

/* qs_cmd_set gives the tile its command. */
QS_INLINE void
qs_cmd_set(qs_cmd_tx_t *tx, qs_cmd_t cmd)
{
    qs_store_release(&tx->word->cmd, (u32)cmd);
}

/* qs_cmd_query returns what the tile is to do.  Whatever is neither RUN nor RENEW is HALT. */
QS_INLINE qs_cmd_t
qs_cmd_query(qs_cmd_rx_t const *rx)
{
    u32 cmd = qs_load_acquire(&rx->word->cmd);
    return cmd == QS_CMD_RUN || cmd == QS_CMD_RENEW ? (qs_cmd_t)cmd : QS_CMD_HALT;
}

#endif

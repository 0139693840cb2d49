/* qs_tile - what a tile is: a table of callbacks, run by the stem (qs_stem.h).

   A tile is one single-threaded loop in a process of its own.  Its life:

       supervisor   share_new  formats the object it shares with its neighbours; once
                    keep     opens what must outlive the tile (sockets, XDP links); once
                    tend     now and then, and after each death: sees to what keep opened
                    drop     closes what is not in kept_fd
       tile         layout   places its memory: run twice, to measure and to place
                    boot     privileged: files, keys, set-up of kept descriptors
                    -------- sandbox: no privileges from here on
                    init     last preparations
                    -------- untrusted input from here on
                    run      { qs_stem_loop(&qs_tile_x, self, stem); }
                        want     cheap filter on sig, before anything is copied
                        peek     filter on the payload where it lies, before it is copied: bytes may
                                 be torn, and then its answer does not count
                        copy     speculative: bytes may be torn; writes scratch only
                        frag     a batch, real: returns how many it dealt with
                        poll     once a turn: for tiles that make work themselves
                        tidy     now and then: timers, gauges

   frag returns fewer than b->cnt when a publish had no credit; the stem presents the rest again.
   A fragment counts as consumed when frag has counted it, so everything derived from it must
   be published by then, or be held (qs_stem_hold): a restart is at-least-once.

   The memory that layout places lies in the tile's workspace and survives its death; ctx->fresh
   says whether it is new (zeroed) or the last run's.  Trust it as far as the tile itself.  Pointers
   in it are the dead process's: boot sets each anew, ctx->metrics too.  layout runs in the
   supervisor and in the tile and must come to the same size in both.

   A tile may own one object that all its neighbours (whoever a link joins it with, in either
   direction) may read: it says how large and how it is formatted, and finds it as ctx->share; they
   find it among ctx->shared.  Who may write what stays as it was.

   A tile that reads_all maps the workspaces of all tiles, read-only and without touching their pages,
   and finds them in boot as ctx->all, by their index in the plan: for tiles that tell what the others
   count.  It writes and wakes no more than any other tile.

   boot and layout see the environment that the supervisor was started with.

   Threads: callbacks of one tile never run at once.  The stem binds them at compile time: run
   is the only pointer that is called while the tile runs. */

#ifndef QS_DISCO_TILE_H
#define QS_DISCO_TILE_H

#include "disco/qs_metrics.h"
#include "tango/base/qs_clock.h"
#include "tango/qs_mcache.h"

#define QS_TILE_IN_KIND_MAX  8u
#define QS_TILE_OUT_KIND_MAX 8u
#define QS_TILE_FD_MAX       80u /* kept, and waited for */
#define QS_TILE_NOTE_MAX     8u
#define QS_TILE_SHARED_MAX   4u /* neighbours that share an object */
#define QS_BATCH             32u

/* What tend is called for, if not for a reason of the tile's own (qs_stem_exit), and answers. */
#define QS_TEND_LOOK   0u /* the tile runs */
#define QS_TEND_KILLED 1u /* it died, and did not say why */
#define QS_TEND_RENEW  1  /* the tile is to be started anew, with what kept_fd and note say now */

struct qs_config;
struct qs_plan;
typedef struct qs_stem qs_stem_t;

/* How a tile sleeps.  QS_WAIT_POLL if it waits for file descriptors too. */
typedef enum qs_wait { QS_WAIT_FUTEX, QS_WAIT_POLL } qs_wait_t;

/* An input by the tile's own enum: the index here is `in` in its callbacks.  "*" as last entry
   takes every other producer that the topology sends here. */
typedef struct qs_tile_in {
    char const *from;
    bool in_place; /* the payload is not copied: only for reliable links, and for tiles that
                      pass it on or bear that it changes while they read */
} qs_tile_in_t;

/* qs_layout_t hands out a tile's memory. */
typedef struct qs_layout {
    u8 *base; /* NULL while measuring */
    u64 sz;
} qs_layout_t;

/* More than any workspace can be: what does not fit is refused by name when all is measured. */
#define QS_LAYOUT_MAX (1ull << 62)

/* qs_layout_take returns sz bytes aligned to align (a power of two, at most 4096), or NULL while
   measuring: layout must not dereference what it takes. */
QS_INLINE void *
qs_layout_take(qs_layout_t *l, u64 sz, u64 align)
{
    u64 off = qs_align_up(l->sz, align);
    l->sz = off > QS_LAYOUT_MAX - qs_min_u64(sz, QS_LAYOUT_MAX) ? QS_LAYOUT_MAX : off + sz;
    return l->base ? l->base + off : NULL;
}

/* An object that a neighbour owns and lets this tile read: it lies in the neighbour's workspace and
   is mapped read-only.  Its content is a neighbour's: trust nothing in it. */
typedef struct qs_tile_shared {
    u32 tile; /* whose, in the plan */
    u64 sz;
    void const *mem;
} qs_tile_shared_t;

/* What a tile is told about itself. */
typedef struct qs_tile_ctx {
    struct qs_config const *cfg;
    struct qs_plan const *plan;
    struct qs_topo const *topo; /* for layout and boot */
    struct qs_wksp const *all;  /* boot, of a tile that reads_all: else NULL */
    struct qs_boot const *boot; /* likewise */
    qs_clock_t const *clock;
    u32 tile;      /* index in the plan */
    u32 idx;       /* which instance of its row: verify:idx */
    u32 cnt;       /* of cnt instances */
    bool fresh;    /* its memory is new */
    u64 seed;      /* of the instance: random, secret, the same for all its tiles */
    void *metrics; /* its struct of QS_METRICS, which goes on from where it was */
    void *share;   /* the object it shares, share_sz bytes, as its last run left it; for tend too */
    u32 shared_cnt; /* what its neighbours share (qs_tile_shared_of) */
    qs_tile_shared_t shared[QS_TILE_SHARED_MAX];
    int kept_fd[QS_TILE_FD_MAX]; /* what keep opened, in that order */
    u32 kept_cnt;
    u64 note[QS_TILE_NOTE_MAX];   /* what keep and tend tell boot besides */
    struct qs_instance *instance; /* keep: where files of its own may be recorded; else NULL */
    void **common;              /* keep, tend, drop: one pointer for all instances, NULL at first */
    u8 *mem;                    /* boot, init: its workspace; offsets are the plan's */
    int own_fd[QS_TILE_FD_MAX]; /* boot adds what it opened and is not waited for */
    u32 own_cnt;
    u64 file_max;                /* boot: it writes to files, never beyond that; 0: it does not */
    u32 exit_reason;             /* boot: why it failed, for tend */
    int wait_fd[QS_TILE_FD_MAX]; /* QS_WAIT_POLL: boot adds what wakes it when readable */
    u32 wait_cnt;
    char
        err[512]; /* keep, boot and init: one line for the user when they fail; tend: what it did */
} qs_tile_ctx_t;

/* A batch of one input.  data[i] are frag[i].sz readable bytes: a private copy, unless the input
   is in_place; NULL when the tile has its own copy. */
typedef struct qs_batch {
    u32 in;   /* the tile's own enum */
    u32 from; /* which instance of the producer */
    u32 link; /* stem->in[link] */
    u32 cnt;
    u32 slot; /* frag[i] went into copy's slot + i */
    qs_frag_t const *frag;
    u8 const *const *data;
} qs_batch_t;

typedef struct qs_tile {
    char const *name;
    char const *help; /* one line, for `quickstep topo` and the docs */
    qs_tile_in_t in[QS_TILE_IN_KIND_MAX];
    char const *out[QS_TILE_OUT_KIND_MAX]; /* by its own enum; "*": every consumer in the table */
    u32 must_out; /* bits of out that a topology must have a link for: the tile publishes there without
                       asking (qs_stem_out_of) whether it has one */
    bool
        passes_on; /* it copies what comes in to its outs: no out may have a smaller mtu than an in */
    qs_metric_desc_t const *metrics;
    qs_wait_t wait;
    bool is_net; /* its payloads begin anywhere: the low six bits of ctl are part of their address;
                    its link rows name ports */
    bool
        umem; /* its links out, all lossy, share one UMEM: every line of theirs owns a frame, and it
                    publishes with qs_stem_swap alone */
    bool reads_all; /* every workspace is mapped for it, read-only */
    u32 tidy_ns; /* between two tidy; 0: 100 us.  A busy tile looks for the order to halt as often.
                    A tile that sleeps tidies at least every 100 ms * (1 + links in and out) */
    int const *syscalls; /* beyond the stem's, ended by -1; NULL: none */

    u64 (*share_sz)(
        qs_tile_ctx_t const *ctx); /* of the object that neighbours may read; NULL: none */
    int (*share_new)(void *share, qs_tile_ctx_t const *ctx); /* formats it, once; supervisor */
    int (*keep)(qs_tile_ctx_t *ctx);                         /* 0 or -errno */
    int (*tend)(qs_tile_ctx_t *ctx, u32 why); /* 0, QS_TEND_RENEW, or -errno: the group ends */
    void (*drop)(qs_tile_ctx_t *ctx);
    void *(*layout)(qs_layout_t *l, qs_tile_ctx_t const *ctx); /* returns self */
    int (*boot)(void *self, qs_tile_ctx_t *ctx);               /* 0 or -errno */
    int (*init)(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem);
    bool (*want)(void *self, u32 in, u64 sig);
    bool (*peek)(void *self, u32 in, qs_frag_t const *frag, u8 const *data);
    void (*copy)(void *self, u32 in, u32 slot, qs_frag_t const *frag, u8 const *data);
    u32 (*frag)(void *self, qs_stem_t *stem, qs_batch_t const *b);
    u32 (*poll)(void *self, qs_stem_t *stem); /* returns how much it did */
    void (*tidy)(void *self, qs_stem_t *stem);
    void (*run)(void *self, qs_stem_t *stem);
} qs_tile_t;

#endif

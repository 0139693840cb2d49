/* qs_group - the supervisor: makes an instance's memory, starts a process per tile, and keeps it
   going.

   It is the only process that keeps privileges, and it reads no packet.  A tile is fork + exec of
   this program with a hand-over (qs_boot.h) and dies with the supervisor (PDEATHSIG).  What a
   tile writes to standard error comes through the supervisor, which remembers the last lines,
   so that a death can be told with its last words.  A dead tile is restarted with back-off, or
   ends the group, as its row says; the sockets and links that its `keep` opened stay open
   meanwhile.

   Threads: one.  Blocks: start, poll (as asked) and stop.  Allocates: yes. */

#ifndef QS_DISCO_GROUP_H
#define QS_DISCO_GROUP_H

#include "disco/qs_boot.h"
#include "disco/qs_cpus.h"
#include "tango/qs_instance.h"

#define QS_GROUP_LAST_LINES 4u
#define QS_GROUP_LINE_SZ    200u

typedef enum qs_group_state {
    QS_GROUP_STARTING,
    QS_GROUP_RUNNING,
    QS_GROUP_STOPPING,
    QS_GROUP_STOPPED,
    QS_GROUP_FAILED, /* a tile died that must not, or never came up */
} qs_group_state_t;

typedef struct qs_group_conf {
    char const *instance;
    qs_topo_t const *topo;
    qs_topo_t const *const *topos; /* all that this program knows; ended by NULL */
    qs_config_t const *cfg;
    qs_clock_t const *clock;
    bool threads; /* all tiles in this process: for debuggers and sanitizers; no restarts */
    qs_cpus_t const *cpus; /* the machine; NULL: qs_group_start looks itself */
    u32 others, first; /* tiles of groups that share it, and how many of them come before ours */
    int (*enter)(void *arg); /* called once memory is there and before anything is opened in the
                                network: the lab enters a namespace; 0 or -errno */
    void *enter_arg;
} qs_group_conf_t;

typedef struct qs_group_tile {
    i32 pid; /* 0: not running */
    int pidfd;
    int log_fd; /* read end of its standard error */
    u64 started_ns;
    u64 retry_at; /* 0: none is due */
    u32 failures; /* in a row */
    bool ended;   /* in good order, or for good */
    u32 line_cnt;
    u32 part_sz; /* bytes of an unfinished line */
    char part[QS_GROUP_LINE_SZ];
    char line[QS_GROUP_LAST_LINES][QS_GROUP_LINE_SZ];
    bool renewed;      /* it was told to end and be started again */
    u64 denied;        /* times it did what it may not, as far as they were told */
    qs_tile_ctx_t ctx; /* of keep and tend */
    qs_handover_t handover;
} qs_group_tile_t;

typedef struct qs_group {
    qs_group_conf_t conf;
    qs_instance_t instance;
    qs_group_state_t state;
    bool draining; /* tiles that make work are to halt, those that are restarted too */
    int exit_code;
    qs_plan_t *plan;
    qs_boot_t *boot;
    qs_shm_t boot_shm, bells_shm;
    qs_wksp_t boot_wksp, bells_wksp;
    qs_shm_t shm[QS_TILE_MAX];
    qs_wksp_t wksp[QS_TILE_MAX];
    qs_group_tile_t tile[QS_TILE_MAX];
    u64 thread[QS_TILE_MAX];
    void *common[QS_TILE_MAX]; /* of each row, for keep and tend */
    u64 tend_at;
    u64 stale_bytes;  /* memory of dead instances that start removed */
    u64 bytes;        /* memory of this one */
    bool bind;        /* memory to nodes: there are several */
    char placed[512]; /* where the tiles are, for the user */
    char err[512];    /* why start or the group failed, for the user */
} qs_group_t;

/* qs_group_read_log_ passes on what a tile wrote to standard error, and remembers its last lines; in
   qs_group_log.c, as the next.  qs_group_name_port_ writes which option is behind "UDP port N", or the
   address, that a tile could not have, and returns out.  qs_group_tell_death_ logs an end that nobody
   asked for, and the last lines; qs_group_tell_denied_ what the tile did that it may not, if it says so
   and was not told yet. */
void qs_group_read_log_(qs_group_tile_t *tile);
void qs_group_tell_denied_(qs_group_t *group, u32 tile, u32 reason);
void qs_group_tell_death_(qs_group_t *group, u32 tile, int status, u32 reason, char const *then);
char const *qs_group_name_port_(qs_group_t const *group, char const *said, int err, char *out,
                                u64 out_sz);

/* In qs_group_spawn.c.  qs_group_spawn_ forks the tile's process, in a process namespace of its own if
   that is wanted and can be had; what it writes to standard error goes to log_fd.  Returns its pid, or
   -1 and errno.  qs_group_bind_self_ puts the calling thread on the tile's cpu.
   qs_group_say_unguarded_ says loudly that tiles are not, or hardly, in a sandbox. */
int qs_group_spawn_(qs_group_t *group, u32 tile, int log_fd);
void qs_group_bind_self_(qs_group_t const *group, u32 tile);
void qs_group_say_unguarded_(qs_group_t const *group);

/* qs_group_page_max returns the largest page size that hugetlbfs.pages allows for workspaces, as
   qs_shm_create takes it. */
u64 qs_group_page_max(qs_config_t const *cfg);

/* qs_group_start makes the instance and starts its tiles.  Returns 0, or the exit code for the
   user: 2 (configuration, topology) or 3 (the host lacks something) with one line in
   group->err; nothing is left running then. */
int qs_group_start(qs_group_t *group, qs_group_conf_t const *conf);

/* qs_group_poll waits at most timeout_ms for something to happen to a tile and deals with it:
   passes on log lines, restarts, or gives up.  fd is watched too unless it is -1.  Returns true
   if fd became readable. */
bool qs_group_poll(qs_group_t *group, int fd, int timeout_ms);

/* qs_group_ready says whether every tile runs its loop, or has done its work. */
bool qs_group_ready(qs_group_t *group);

/* qs_group_drain halts the tiles that make work (no input, and no wire); the others go on. */
void qs_group_drain(qs_group_t *group);

/* qs_group_done says whether every tile has ended in good order by itself. */
bool qs_group_done(qs_group_t const *group);

/* qs_group_stop halts the tiles, kills those that do not, and closes the instance.  Its
   workspaces stay readable until the next start.  Returns the exit code: 0, or 1 if the group
   had failed. */
int qs_group_stop(qs_group_t *group);

#endif

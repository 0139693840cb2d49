/* qs_boot - what a tile process is handed when it starts, and how it becomes a tile.

   An instance's memory is one workspace per tile, holding all that this tile writes, and two more:

       boot     written by the supervisor: configuration, plan, clock, commands   read by all
       bells    one word per tile (qs_bell.h)                                     written by all
       <tile>   its rings and payloads, fseqs, metrics, status, state             read by neighbours

   so "who may write what" is a matter of which descriptors a process was given.  The hand-over
   is a pipe with the numbers of those descriptors; nothing is looked up by path.

   Threads: one per tile.  Blocks: boot does.  Allocates: boot does. */

#ifndef QS_DISCO_BOOT_H
#define QS_DISCO_BOOT_H

#include "disco/qs_stem.h"
#include "disco/qs_topo.h"
#include "tango/base/qs_errs.h"
#include "tango/qs_instance.h"

/* The supervisor's record of one tile. */
typedef struct qs_boot_tile {
    u64 starts;
    u64 deaths;      /* ends that nobody asked for */
    i32 last_status; /* as waitpid said */
    i32 pid;
} qs_boot_tile_t;

/* The only object of workspace "boot". */
typedef struct qs_boot {
    qs_config_t cfg;
    qs_plan_t plan;
    qs_clock_t clock;
    u64 seed;
    u64 started_ns;
    i32 supervisor_pid;
    u32 group_state; /* qs_group_state_t */
    qs_boot_tile_t tile[QS_TILE_MAX];
    qs_errs_t errs; /* the supervisor's; each tile has its own */
    qs_cmd_word_t cmd[QS_TILE_MAX];
} qs_boot_t;

typedef struct qs_handover {
    u64 magic;
    u32 tile;
    u32 first_start; /* its state is new */
    u32 own_pids;    /* it is the first process of a process namespace */
    int boot_fd, bells_fd;
    int wksp_fd[QS_TILE_MAX]; /* its own to write, its neighbours' to read; -1: not needed */
    int eventfd[QS_TILE_MAX]; /* its own, and those of neighbours that sleep in poll; -1 */
    int kept_fd[QS_TILE_FD_MAX];
    u32 kept_cnt;
    u64 note[QS_TILE_NOTE_MAX];
} qs_handover_t;

#define QS_HANDOVER_MAGIC 0x31766f646e616871ull

/* qs_boot_neighbours sets is[t] for every tile that `tile` shares rings with: itself, the producers of
   its inputs and the consumers of its outputs.  Their workspaces it maps, and their eventfds it may
   ring; one that reads_all maps the others' too. */
void qs_boot_neighbours(qs_plan_t const *plan, u32 tile, bool is[QS_TILE_MAX]);

/* qs_boot_workspace_name writes the name of a tile's workspace: "verify-3". */
void qs_boot_workspace_name(qs_plan_t const *plan, u32 tile, char name[QS_INSTANCE_NAME_MAX + 1]);

/* qs_boot_wksp_plan and qs_boot_bells_plan say what lies in the workspaces "boot" and "bells". */
void qs_boot_wksp_plan(qs_wksp_plan_t *plan);
void qs_boot_bells_plan(qs_wksp_plan_t *plan);

/* The supervisor's own mappings, for tiles that are threads of it.  They must not have others:
   TSan knows memory by its address, and would see nothing that passes between two mappings. */
typedef struct qs_boot_maps {
    qs_wksp_t const *boot, *bells;
    qs_wksp_t const *wksp; /* one per tile */
} qs_boot_maps_t;

/* qs_boot_run turns the calling process, or with maps the calling thread, into the tile: joins the
   workspaces, places the tile's memory, boots it, takes its privileges (a process's), initialises
   and runs it.  topos are the topologies this program knows, ended by NULL.  Returns the exit
   code for the process: 0 after an orderly end.  Errors go to the log. */
int qs_boot_run(qs_handover_t const *handover, qs_topo_t const *const *topos,
                qs_boot_maps_t const *maps);

/* qs_boot_main is qs_boot_run for an exec'd process: reads the hand-over from fd. */
int qs_boot_main(int handover_fd, qs_topo_t const *const *topos);

#endif

/* qs_schedule - leader schedules from an RPC server: fetched by a short-lived helper process, kept in a
   directory, a file for each epoch.

       supervisor --starts--> helper (`quickstep fetch-schedule URL DIR`) ~~HTTP~~> RPC server
           |                     | checks, writes, renames
           |                     v
           +--is there more?--> DIR/epoch-schedule.json, leaders-E.json, stakes-E.json
                                     ^
       shred tile, in boot --reads---+

   The supervisor reads no byte of what a server says: it starts the helper, kills it when it takes too
   long, and looks which files there are.  When the next epoch's has come the tile is started anew, which
   reads the two newest.  Without an answer what was kept before is used.

   Threads: the supervisor's; read: the tile's boot.  Blocks: keep, at first, until there is an answer;
   read, on files.  Allocates: yes. */

#ifndef QS_DISCO_SHRED_SCHEDULE_H
#define QS_DISCO_SHRED_SCHEDULE_H

#include "disco/qs_tile.h"
#include "disco/shred/qs_leaders_json.h"

#define QS_SCHEDULE_HELPER_MS 60000u /* the helper's life, at most */

/* qs_schedule_is_url says whether shred.leader_schedule names a server and no file. */
bool qs_schedule_is_url(char const *where);

/* qs_schedule_dir writes the directory for a server's schedules, below base: another server's are not ours. */
char const *qs_schedule_dir(char *buf, u64 buf_sz, char const *base, char const *url);

/* qs_schedule_newest returns the newest epoch of which dir has a leader schedule, or -1. */
i64 qs_schedule_newest(char const *dir);

/* qs_schedule_read loads the newest epoch and the one before it, as far as they are there and good, and
   stakes into json.  Returns QS_LEADERS_R_OK if one was, or why not. */
qs_leaders_reason_t qs_schedule_read(qs_leaders_t *leaders, qs_leaders_json_t *json,
                                     char const *dir);

/* For the shred tile's table. */
int qs_schedule_keep(qs_tile_ctx_t *ctx);
int qs_schedule_tend(qs_tile_ctx_t *ctx, u32 why);
void qs_schedule_drop(qs_tile_ctx_t *ctx);

#endif

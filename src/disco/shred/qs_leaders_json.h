/* qs_leaders_json - a leader schedule, or the stakes that one is drawn from, as JSON.
   Spec: leader_schedule.md 4.  Known forms, each alone or as "result" of a JSON-RPC answer:

       getLeaderSchedule   {"<identity>": [slot in the epoch, ..], ..}
       solana leader-schedule --output json
                           {"epoch": E, "leaderScheduleEntries": [{"slot": S, "leader": ".."}, ..]}
       getSlotLeaders      ["<identity>", ..], from the epoch's first slot on
       getVoteAccounts     {"current": [{"votePubkey", "nodePubkey", "activatedStake"}, ..],
                            "delinquent": [..]}

   The text comes from a file or a server and is not trusted.  It is taken value by value, so that
   memory is bounded by its largest value, and that by QS_LEADERS_JSON_HEAP_MAX.

   Threads: any, one waits for the other; no other user of jansson meanwhile (its allocator is
   process-wide).  Blocks: on the file.  Allocates: while it runs, within that bound. */

#ifndef QS_DISCO_SHRED_LEADERS_JSON_H
#define QS_DISCO_SHRED_LEADERS_JSON_H

#include "disco/shred/qs_leaders.h"

#define QS_LEADERS_JSON_SZ_MAX   (64ull << 20)
#define QS_LEADERS_JSON_HEAP_MAX (64ull << 20)

/* What is known beside the text. */
typedef struct qs_leaders_json {
    u64 epoch;                  /* where the text names none */
    qs_epoch_t const *schedule; /* null: an epoch has as many slots as the text covers, or 432000
                                   where it gives stakes, and epoch 0 begins at slot 0 */
    qs_leaders_stake_t *stake;  /* room for vote accounts */
    u32 stake_max;

    /* results */
    u32 stake_cnt; /* vote accounts with stake, sorted, if the text gave these */
    u64 at;        /* bytes that were read: where it was refused */
    qs_leaders_epoch_t const *loaded;
} qs_leaders_json_t;

/* qs_leaders_json_parse loads the epoch that text gives.  Returns QS_LEADERS_R_OK, or why not, and
   no epoch is loaded. */
qs_leaders_reason_t qs_leaders_json_parse(qs_leaders_t *leaders, qs_leaders_json_t *json,
                                          char const *text, u64 len);

/* qs_leaders_json_read does the same with a file. */
qs_leaders_reason_t qs_leaders_json_read(qs_leaders_t *leaders, qs_leaders_json_t *json,
                                         char const *path);

/* qs_epoch_json_parse reads what getEpochSchedule answers, alone or as "result". */
qs_leaders_reason_t qs_epoch_json_parse(qs_epoch_t *schedule, char const *text, u64 len);

#endif

/* qs_journal - what was changed on this host, and what it was before, on stable storage.

   One line per event; the fields are separated by tabs and hold none:

       intend  id  stage  kind  until  boot  time  path  was  want     about to change it
       done    id  got                                                 it was read back as this
       undone  id                                                      nothing of it is left to undo

   A line is on the disk before its function returns.  What a crash left half-written at the end
   never preceded an act and is dropped; anything else that cannot be read is an error, since
   guessing would be about somebody's host.  When nothing is left to undo the file is emptied.

   Threads: one per handle; others wait for the lock.  Blocks: on the lock and on fsync.
   Allocates: stdio buffers.  Needs: a directory that only we can write to. */

#ifndef QS_APP_JOURNAL_H
#define QS_APP_JOURNAL_H

#include "tango/base/qs_base.h"

#define QS_JOURNAL_ENTRY_MAX 256u
#define QS_JOURNAL_PATH_MAX  256u
#define QS_JOURNAL_VALUE_MAX 192u

typedef struct qs_journal_entry {
    u64 id;
    char stage[16];
    char kind[16];
    bool lasts; /* outlives a reboot */
    bool done;
    char boot[40]; /* the kernel's boot id */
    u64 time_s;    /* since 1970 */
    char path[QS_JOURNAL_PATH_MAX];
    char was[QS_JOURNAL_VALUE_MAX];
    char want[QS_JOURNAL_VALUE_MAX];
    char got[QS_JOURNAL_VALUE_MAX]; /* if done */
} qs_journal_entry_t;

typedef struct qs_journal {
    int fd;
    u64 sz;      /* of the lines that count */
    u64 next_id; /* above every id in the file */
    u32 cnt;
    qs_journal_entry_t entry[QS_JOURNAL_ENTRY_MAX]; /* not undone, in the order of the file */
} qs_journal_t;

/* qs_journal_open opens and locks the file, makes it (0600) and its directories if create, and reads
   it; nothing is written to an existing one.  Returns 0, -ENOENT, -EPERM if it is not a regular
   file of ours alone, -EILSEQ with *line telling where it cannot be read, -E2BIG, or what the
   kernel said. */
int qs_journal_open(qs_journal_t *j, char const *path, bool create, u32 *line);
void qs_journal_close(qs_journal_t *j);

/* qs_journal_intend writes an entry down, sets its id, and appends it to j->entry.  Returns 0,
   -EINVAL (a field that holds a tab or a newline), -ENOSPC, or what the kernel said. */
int qs_journal_intend(qs_journal_t *j, qs_journal_entry_t *e);

/* qs_journal_{done,undone} close the first or the second half of j->entry[i]; undone removes it
   from there.  Return 0 or as qs_journal_intend. */
int qs_journal_done(qs_journal_t *j, u32 i, char const *got);
int qs_journal_undone(qs_journal_t *j, u32 i);

#endif

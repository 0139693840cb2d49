/* qs_errs - the distinct warnings and errors of one writer, in shared memory: how often each was said,
   when first and last, and what it said last.  They can be read after the writer's death.

   Zeroed memory is an empty table.  A row is an id; a row whose text is being written has an odd
   version, and a reader tries again a few times before it takes what is there: text of a writer that
   died in the middle may be torn, never unbounded.

   Threads: one writer, any readers.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_ERRS_H
#define QS_TANGO_BASE_ERRS_H

#include "tango/base/qs_base.h"

#define QS_ERRS_MAX     16u
#define QS_ERRS_ID_SZ   16u
#define QS_ERRS_TEXT_SZ 192u

typedef struct qs_errs_row {
    u64 cnt; /* 0: the row is free */
    u64 first_ns, last_ns;
    u32 version;
    u32 level; /* qs_log_level_t */
    char id[QS_ERRS_ID_SZ];
    char text[QS_ERRS_TEXT_SZ];
} qs_errs_row_t;

typedef struct qs_errs {
    u64 more; /* said under ids that there was no room for */
    qs_errs_row_t row[QS_ERRS_MAX];
} qs_errs_t;

/* qs_errs_note counts one more of id at now_ns (since 1970).  text NULL: as before. */
void qs_errs_note(qs_errs_t *errs, char const *id, u32 level, u64 now_ns, char const *text);

/* qs_errs_read copies row i, with strings that end.  Returns false if it is free, or i is out of range. */
bool qs_errs_read(qs_errs_t const *errs, u32 i, qs_errs_row_t *row);

#endif

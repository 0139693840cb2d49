/* qs_log - one line to the operator, whole or not at all.

       text  2026-11-22T22:12:19.123Z warning net:0 QS-NET-003 ring 2 stalled (4 suppressed)
       json  {"time_ns":..,"level":"warning","tile":"net:0","id":"QS-NET-003","msg":"..",
              "suppressed":4,"truncated":true}     (on one line; the last two only if so)

       logfmt  time=2026-11-22T22:12:19.123Z level=warning tile=net:0 id=QS-NET-003
               msg="ring 2 stalled" suppressed=4 truncated=true      (likewise)

   For boot code of disco and for app.  Libraries never log, they return; a tile in its loop never
   logs, it counts.  A message is a site: a static row that names its stable id, its level and
   how many lines a second it may write.

       static qs_log_site_t stalled = {.id = "QS-NET-003", .level = QS_LOG_WARNING, .per_s = 5};
       qs_log(&stalled, "ring %u stalled", ring);

   A line is one write(2) of at most QS_LOG_LINE_MAX bytes, so lines of several processes do not
   mix on a pipe or an O_APPEND file.  What does not fit is cut and marked.  Control characters,
   backslashes and all bytes above 0x7e are written escaped (\n \t \xNN; JSON: \u00NN), so nobody
   can forge a line or move the cursor.  A line that cannot be written now, as on a full pipe with
   O_NONBLOCK, is dropped and counted; after a half-written one the next starts on a new line.

   What is said at warning or above is counted in the table of the thread's qs_log_errs too, also when
   it is suppressed or below the minimum.

   Threads: any; init and counters are for one (others may miscount).  Blocks: as the fd does.
   Allocates: never, as long as the caller's format has no %ls and no width beyond the line.
   Needs: the system calls write and clock_gettime; SIGPIPE ignored if the fd can be a pipe. */

#ifndef QS_TANGO_BASE_LOG_H
#define QS_TANGO_BASE_LOG_H

#include "tango/base/qs_errs.h"

#define QS_LOG_LINE_MAX 1024u /* with its newline; below PIPE_BUF */
#define QS_LOG_NAME_MAX 32u   /* bytes shown of a tile's name and of an id */

typedef enum qs_log_level {
    QS_LOG_DEBUG,
    QS_LOG_INFO,
    QS_LOG_NOTICE,
    QS_LOG_WARNING,
    QS_LOG_ERROR,
} qs_log_level_t;

typedef enum qs_log_format { QS_LOG_TEXT, QS_LOG_JSON, QS_LOG_LOGFMT } qs_log_format_t;

typedef struct qs_log_conf {
    int fd;
    qs_log_level_t min_level;
    qs_log_format_t format;
    u64 (*now_ns)(void); /* ns since 1970; null: CLOCK_REALTIME */
} qs_log_conf_t;

typedef struct qs_log_site {
    char const *id; /* stable, documented, never reused */
    qs_log_level_t level;
    u32 per_s; /* lines a second, 0: no limit */

    /* qs_log's own: the second that is running, lines written in it, and lines suppressed since
       the last one that was written. */
    u64 window_ns;
    u32 cnt;
    u32 suppressed;
} qs_log_site_t;

/* qs_log_init sets where and how this process logs; before it: fd 2, info and up, text.  Returns 0
   or -EINVAL (negative fd, unknown level or format). */
int qs_log_init(qs_log_conf_t const *conf);

/* qs_log_name sets the name that the calling thread's lines carry, at first "main". */
void qs_log_name(char const *name);

/* qs_log_errs sets the table in which the calling thread's warnings and errors are counted, which must
   stay; NULL: none, as at first. */
void qs_log_errs(qs_errs_t *errs);

/* qs_log writes one line, unless the level is below the minimum or the site has used up its
   second; then it is counted, and the next line of the site tells how many were suppressed.
   errno is left as it was. */
void qs_log(qs_log_site_t *site, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

/* qs_log_dropped returns how many lines of this process could not be written whole. */
u64 qs_log_dropped(void);

/* qs_log_level_name returns "debug" .. "error", "?" for anything else. */
char const *qs_log_level_name(u32 level);

#endif

#include "tango/base/qs_log.h"

#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull

/* What may follow the message: ","suppressed":4294967295,"truncated":true} and the newline; the other
   formats have less. */
#define TAIL_MAX 64u

static char const *const level_name[] = {
    [QS_LOG_DEBUG] = "debug",     [QS_LOG_INFO] = "info",   [QS_LOG_NOTICE] = "notice",
    [QS_LOG_WARNING] = "warning", [QS_LOG_ERROR] = "error",
};

static qs_log_conf_t conf_now = {.fd = 2, .min_level = QS_LOG_INFO, .format = QS_LOG_TEXT};
static __thread char thread_name[QS_LOG_NAME_MAX + 1] = "main";
static __thread qs_errs_t *thread_errs;
static u64 dropped;
static bool torn; /* the last line written ended in its middle */

/* text[0] is the newline that ends a torn line, sent only then; the line itself follows. */
typedef struct line {
    u32 sz;
    char text[1 + QS_LOG_LINE_MAX];
} line_t;

static u64
realtime_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (u64)ts.tv_sec * SECOND_NS + (u64)ts.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static void
put(line_t *line, char const *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    u64 room = sizeof(line->text) - line->sz;
    int sz = vsnprintf(line->text + line->sz, room, fmt, args);
    va_end(args);
    QS_ASSERT(sz >= 0 && (u64)sz < room);
    line->sz += (u32)sz;
}

/* escape writes byte as it may stand in a line and returns its size, at most 6. */
static u32
escape(char to[8], u8 byte)
{
    bool json = conf_now.format == QS_LOG_JSON, quoted = conf_now.format != QS_LOG_TEXT;
    if (byte >= 0x20 && byte < 0x7f && byte != '\\' && !(quoted && byte == '"')) {
        to[0] = (char)byte;
        return 1;
    }
    to[0] = '\\';
    to[1] = (char)(byte == '\n' ? 'n' : byte == '\t' ? 't' : byte);
    if (byte == '\n' || byte == '\t' || byte == '\\' || byte == '"')
        return 2;
    return (u32)snprintf(to, 8, json ? "\\u%04x" : "\\x%02x", byte);
}

/* put_escaped writes text up to its end, to max bytes of it or to where the tail must begin.
   Returns whether all of it was written. */
static bool
put_escaped(line_t *line, char const *text, u32 max)
{
    for (u32 i = 0; text[i]; i++) {
        char one[8];
        u32 sz = escape(one, (u8)text[i]);
        if (i == max || line->sz + sz > sizeof(line->text) - TAIL_MAX)
            return false;
        memcpy(line->text + line->sz, one, sz);
        line->sz += sz;
    }
    return true;
}

/* put_time writes ISO 8601 in UTC.  Not with gmtime_r: that may read the zone file, which a
   sandbox forbids.  Years here begin on March 1st, so that the leap day is a year's last. */
static void
put_time(line_t *line, u64 ns)
{
    u64 s = ns / SECOND_NS;
    u64 day = s / 86400 + 719468; /* since 0000-03-01; 1970-01-01 is day 719468 */
    u64 era = day / 146097;       /* 400 years, after which the calendar repeats */
    u64 era_day = day % 146097;
    u64 year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
    u64 year_day = era_day - (365 * year + year / 4 - year / 100);
    u64 march_month = (5 * year_day + 2) / 153; /* months from March: 31 30 31 30 31, repeated */
    u64 month_day = year_day - (153 * march_month + 2) / 5 + 1;
    u64 month = march_month < 10 ? march_month + 3 : march_month - 9;
    year += 400 * era + (month <= 2);

    put(line, "%04lu-%02lu-%02luT%02lu:%02lu:%02lu.%03luZ", year, month, month_day, s / 3600 % 24,
        s / 60 % 60, s % 60, ns / 1000000 % 1000);
}

static void
put_text(line_t *line, qs_log_site_t const *site, u64 now, char const *msg, u32 suppressed)
{
    put_time(line, now);
    put(line, " %s ", qs_log_level_name(site->level));
    put_escaped(line, thread_name, QS_LOG_NAME_MAX);
    put(line, " ");
    put_escaped(line, site->id, QS_LOG_NAME_MAX);
    put(line, " ");
    if (!put_escaped(line, msg, UINT32_MAX))
        put(line, "...");
    if (suppressed)
        put(line, " (%u suppressed)", suppressed);
    put(line, "\n");
}

static void
put_json(line_t *line, qs_log_site_t const *site, u64 now, char const *msg, u32 suppressed)
{
    put(line, "{\"time_ns\":%lu,\"level\":\"%s\",\"tile\":\"", now, qs_log_level_name(site->level));
    put_escaped(line, thread_name, QS_LOG_NAME_MAX);
    put(line, "\",\"id\":\"");
    put_escaped(line, site->id, QS_LOG_NAME_MAX);
    put(line, "\",\"msg\":\"");
    bool whole = put_escaped(line, msg, UINT32_MAX);
    put(line, "\"");
    if (suppressed)
        put(line, ",\"suppressed\":%u", suppressed);
    put(line, "%s}\n", whole ? "" : ",\"truncated\":true");
}

/* put_logfmt: names and ids have no blanks, and need no quotes. */
static void
put_logfmt(line_t *line, qs_log_site_t const *site, u64 now, char const *msg, u32 suppressed)
{
    put(line, "time=");
    put_time(line, now);
    put(line, " level=%s tile=", qs_log_level_name(site->level));
    put_escaped(line, thread_name, QS_LOG_NAME_MAX);
    put(line, " id=");
    put_escaped(line, site->id, QS_LOG_NAME_MAX);
    put(line, " msg=\"");
    bool whole = put_escaped(line, msg, UINT32_MAX);
    put(line, "\"");
    if (suppressed)
        put(line, " suppressed=%u", suppressed);
    put(line, "%s\n", whole ? "" : " truncated=true");
}

static void
write_line(line_t const *line)
{
    u32 skip = !torn;
    u64 sz = line->sz - skip;
    ssize_t written;
    do
        written = write(conf_now.fd, line->text + skip, sz);
    while (written < 0 && errno == EINTR);

    if (written >= 0 && (u64)written == sz) {
        torn = false;
        return;
    }
    torn = torn || written > 0;
    qs_store_relaxed(&dropped, dropped + 1);
}

/* admit says whether site may write now, and how many lines were suppressed before. */
static bool
admit(qs_log_site_t *site, u64 now, u32 *suppressed)
{
    if (now - site->window_ns >= SECOND_NS) { /* also when the clock was set back */
        site->window_ns = now;
        site->cnt = 0;
    }
    if (site->per_s && site->cnt >= site->per_s) {
        site->suppressed++;
        return false;
    }
    site->cnt++;
    *suppressed = site->suppressed;
    site->suppressed = 0;
    return true;
}

int
qs_log_init(qs_log_conf_t const *conf)
{
    if (conf->fd < 0 || (u32)conf->min_level > QS_LOG_ERROR || (u32)conf->format > QS_LOG_LOGFMT)
        return -EINVAL;
    conf_now = *conf;
    torn = false;
    return 0;
}

void
qs_log_name(char const *name)
{
    u64 sz = strnlen(name, QS_LOG_NAME_MAX);
    memcpy(thread_name, name, sz);
    thread_name[sz] = '\0';
}

void
qs_log_errs(qs_errs_t *errs)
{
    thread_errs = errs;
}

void
qs_log(qs_log_site_t *site, char const *fmt, ...)
{
    bool shown = site->level >= conf_now.min_level;
    bool counted = site->level >= QS_LOG_WARNING && thread_errs;
    if (!shown && !counted)
        return;
    int err = errno;
    u64 now = conf_now.now_ns ? conf_now.now_ns() : realtime_ns();
    u32 suppressed = 0;
    if (shown && !admit(site, now, &suppressed)) {
        if (counted)
            qs_errs_note(thread_errs, site->id, site->level, now, NULL);
        return;
    }

    /* One byte more than any line holds, so that a message cut here is cut there as well. */
    char msg[QS_LOG_LINE_MAX + 1];
    va_list args;
    va_start(args, fmt);
    errno = err; /* for %m */
    if (vsnprintf(msg, sizeof(msg), fmt, args) < 0)
        msg[0] = '\0';
    va_end(args);

    if (counted)
        qs_errs_note(thread_errs, site->id, site->level, now, msg);
    if (!shown) {
        errno = err;
        return;
    }
    line_t line;
    line.text[0] = '\n';
    line.sz = 1;
    if (conf_now.format == QS_LOG_JSON)
        put_json(&line, site, now, msg, suppressed);
    else if (conf_now.format == QS_LOG_LOGFMT)
        put_logfmt(&line, site, now, msg, suppressed);
    else
        put_text(&line, site, now, msg, suppressed);
    write_line(&line);
    errno = err;
}

u64
qs_log_dropped(void)
{
    return qs_load_relaxed(&dropped);
}

char const *
qs_log_level_name(u32 level)
{
    return level < QS_COUNT(level_name) ? level_name[level] : "?";
}

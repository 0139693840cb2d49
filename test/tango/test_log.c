/* Goal: every line is whole, bounded and honest, whatever it is asked to say; what is not written
   is counted.  Method: log into a pipe with an injected clock; JSON lines go through a strict
   little reader that undoes the escapes. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tango/base/qs_bits.h"
#include "tango/base/qs_log.h"

#define S 1000000000ull

static u64 now;
static int rd;
static int wr;
static char got[1 << 17];

static u64
injected_now(void)
{
    return now;
}

static void
log_to(int fd, qs_log_format_t format)
{
    qs_log_conf_t conf = {
        .fd = fd, .min_level = QS_LOG_INFO, .format = format, .now_ns = injected_now};
    cr_assert(eq(int, qs_log_init(&conf), 0));
}

static void
pipe_ready(void)
{
    int fd[2];
    cr_assert(eq(int, pipe2(fd, O_NONBLOCK), 0));
    rd = fd[0];
    wr = fd[1];
    now = 1795385539123456789ull; /* 2026-11-22T22:12:19.123456789Z */
    log_to(wr, QS_LOG_TEXT);
}

/* drain reads what was logged since the last drain into got. */
static char *
drain(void)
{
    ssize_t sz = read(rd, got, sizeof(got) - 1);
    got[sz > 0 ? sz : 0] = '\0';
    return got;
}

static bool
got_has(char const *text)
{
    return strstr(got, text) != NULL;
}

TestSuite(log, .init = pipe_ready);

static qs_log_site_t plain = {.id = "QS-TEST-001", .level = QS_LOG_WARNING};

Test(log, text_line_has_time_level_name_id_and_message)
{
    qs_log(&plain, "before %s", "naming");
    cr_assert(
        eq(str, drain(), "2026-11-22T22:12:19.123Z warning main QS-TEST-001 before naming\n"));
    qs_log_name("net:0");
    qs_log(&plain, "ring %d", 2);
    cr_assert(eq(str, drain(), "2026-11-22T22:12:19.123Z warning net:0 QS-TEST-001 ring 2\n"));
}

Test(log, dates_are_those_of_the_c_library)
{
    for (u64 day = 0; day < 80000; day++) {
        time_t s = (time_t)(day * 86400 + day % 86400);
        now = (u64)s * S;
        qs_log(&plain, "x");
        struct tm tm;
        char want[32];
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&s, &tm));
        cr_assert(not(strncmp(drain(), want, strlen(want))), "day %lu: %s", day, got);
    }
}

Test(log, levels_below_the_minimum_are_silent)
{
    qs_log_site_t debug = {.id = "QS-TEST-002", .level = QS_LOG_DEBUG};
    qs_log_site_t info = {.id = "QS-TEST-003", .level = QS_LOG_INFO};
    qs_log(&debug, "x");
    cr_assert(eq(str, drain(), ""));
    qs_log(&info, "x");
    cr_assert(ne(str, drain(), ""));
    cr_assert(eq(str, (char *)qs_log_level_name(QS_LOG_ERROR), "error"));
    cr_assert(eq(str, (char *)qs_log_level_name(5), "?"));
}

Test(log, text_cannot_forge_a_line_or_move_the_cursor)
{
    qs_log_name("a\nb");
    qs_log(&plain, "x\n2026 error\r\x1b[2J \\n \x7f\xc3\xa4\"q\"\t.");
    cr_assert(eq(str, drain(),
                 "2026-11-22T22:12:19.123Z warning a\\nb QS-TEST-001 "
                 "x\\n2026 error\\x0d\\x1b[2J \\\\n \\x7f\\xc3\\xa4\"q\"\\t.\n"));
}

/* json_string reads a JSON string at *at into out and moves *at past it; strict about what may
   stand unescaped. */
static bool
json_string(char const **at, char *out)
{
    char const *p = *at;
    if (*p++ != '"')
        return false;
    for (; *p != '"'; p++) {
        if ((u8)*p < 0x20 || (u8)*p > 0x7e)
            return false;
        if (*p != '\\') {
            *out++ = *p;
            continue;
        }
        unsigned code;
        p++;
        if (*p == 'n' || *p == 't')
            *out++ = *p == 'n' ? '\n' : '\t';
        else if (*p == '"' || *p == '\\')
            *out++ = *p;
        else if (sscanf(p, "u00%2x", &code) == 1) {
            *out++ = (char)code;
            p += 4;
        } else
            return false;
    }
    *out = '\0';
    *at = p + 1;
    return true;
}

typedef struct entry {
    char key[8][16];
    char value[8][2048];
    u32 cnt;
} entry_t;

/* json_line reads one flat object and its newline, and nothing after it. */
static bool
json_line(char const *at, entry_t *entry)
{
    entry->cnt = 0;
    if (*at != '{')
        return false;
    do {
        at++;
        u32 i = entry->cnt++;
        if (i == 8 || !json_string(&at, entry->key[i]) || *at++ != ':')
            return false;
        if (*at == '"') {
            if (!json_string(&at, entry->value[i]))
                return false;
        } else {
            u64 sz = strspn(at, "0123456789");
            sz = sz ? sz : strncmp(at, "true", 4) ? 0 : 4;
            if (!sz)
                return false;
            memcpy(entry->value[i], at, sz);
            entry->value[i][sz] = '\0';
            at += sz;
        }
    } while (*at == ',');
    return !strcmp(at, "}\n");
}

static char *
field(entry_t *entry, char const *key)
{
    for (u32 i = 0; i < entry->cnt; i++)
        if (!strcmp(entry->key[i], key))
            return entry->value[i];
    return "absent";
}

static entry_t entry;

Test(log, json_line_carries_hostile_bytes_unharmed)
{
    log_to(wr, QS_LOG_JSON);
    qs_log_name("t\"\\\n");
    for (u32 half = 0; half < 2; half++) { /* all at once would be cut */
        char hostile[129];
        for (u32 i = 0; i < 128; i++)
            hostile[i] = (char)(half * 127 + i + 1);
        hostile[128] = '\0';
        qs_log(&plain, "%s", hostile);
        cr_assert(json_line(drain(), &entry), "%s", got);
        cr_assert(eq(str, field(&entry, "msg"), hostile));
    }
    cr_assert(eq(str, field(&entry, "tile"), "t\"\\\n"));
    cr_assert(eq(str, field(&entry, "id"), "QS-TEST-001"));
    cr_assert(eq(str, field(&entry, "level"), "warning"));
    cr_assert(eq(str, field(&entry, "time_ns"), "1795385539123456789"));
    cr_assert(eq(u32, entry.cnt, 5));
}

Test(log, logfmt_line_keeps_its_keys_whatever_the_message_says)
{
    log_to(wr, QS_LOG_LOGFMT);
    qs_log_name("net:0");
    qs_log(&plain, "a \"b\" c=d\n\\");
    cr_assert(eq(str, drain(),
                 "time=2026-11-22T22:12:19.123Z level=warning tile=net:0 id=QS-TEST-001 "
                 "msg=\"a \\\"b\\\" c=d\\n\\\\\"\n"));
}

Test(log, warnings_are_counted_where_they_are_said_suppressed_and_hidden_ones_too)
{
    static qs_errs_t errs;
    qs_log_site_t often = {.id = "QS-TEST-002", .level = QS_LOG_ERROR, .per_s = 2};
    qs_log_site_t quiet = {.id = "QS-TEST-003", .level = QS_LOG_NOTICE};
    qs_log_site_t hidden = {.id = "QS-TEST-004", .level = QS_LOG_WARNING};
    qs_log_conf_t conf = {.fd = wr, .min_level = QS_LOG_ERROR, .now_ns = injected_now};
    qs_errs_row_t row;
    u64 first = now;

    qs_log_errs(&errs);
    cr_assert(eq(int, qs_log_init(&conf), 0));
    for (u32 i = 0; i < 5; i++, now++)
        qs_log(&often, "%u", i);
    qs_log(&quiet, "no");
    qs_log(&hidden, "unseen");
    qs_log_errs(NULL);
    qs_log(&often, "not here");
    cr_assert(qs_errs_read(&errs, 0, &row));
    cr_assert(eq(u64, row.cnt, 5));
    cr_assert(eq(u64, row.first_ns, first));
    cr_assert(eq(u64, row.last_ns, first + 4));
    cr_assert(eq(str, row.text, "1"), "the last that was written");
    cr_assert(qs_errs_read(&errs, 1, &row));
    cr_assert(eq(str, row.id, "QS-TEST-004"));
    cr_assert(eq(str, row.text, "unseen"));
    cr_assert(not(qs_errs_read(&errs, 2, &row)));
    drain();
    cr_assert(not(got_has("unseen")));
}

/* A message of sz bytes, each escaped to as many as fill can need, must give a whole line. */
static void
cut(qs_log_format_t format, char fill, u64 sz)
{
    static char msg[4096];
    memset(msg, fill, sz);
    msg[sz] = '\0';
    qs_log_site_t site = plain;
    site.suppressed = UINT32_MAX; /* the longest tail */
    log_to(wr, format);
    qs_log(&site, "%s", msg);
    u64 line_sz = strlen(drain());
    cr_assert(le(u64, line_sz, QS_LOG_LINE_MAX));
    cr_assert(got[line_sz - 1] == '\n' && strchr(got, '\n') == got + line_sz - 1);
    cr_assert(got_has("4294967295"));
    u64 kept = 0;
    if (format == QS_LOG_JSON) {
        cr_assert(json_line(got, &entry), "%s", got);
        kept = strlen(field(&entry, "msg"));
    } else {
        for (char *at = got; (at = strchr(at, fill == 1 ? '\\' : fill)); at++)
            kept++;
    }
    bool marked = got_has(format == QS_LOG_JSON ? "\"truncated\":true" : "... (");
    cr_assert(eq(int, marked, kept != sz));
    cr_assert(ge(u64, kept, qs_min_u64(sz, 140))); /* the least that a line has room for */
}

Test(log, long_messages_are_cut_marked_and_still_one_whole_line)
{
    static u64 const sizes[] = {0, 1, 2000, 4000};
    for (u32 format = QS_LOG_TEXT; format <= QS_LOG_JSON; format++) {
        for (u64 sz = 100; sz < 1100; sz++) {
            cut((qs_log_format_t)format, 'x', sz);
            cut((qs_log_format_t)format, '\x01', sz);
        }
        for (u32 i = 0; i < QS_COUNT(sizes); i++)
            cut((qs_log_format_t)format, '"', sizes[i]);
    }
}

Test(log, long_names_and_ids_leave_room_for_the_message)
{
    char name[512];
    memset(name, 1, sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    qs_log_site_t site = {.id = name, .level = QS_LOG_ERROR};
    log_to(wr, QS_LOG_JSON);
    qs_log_name(name);
    qs_log(&site, "here");
    cr_assert(json_line(drain(), &entry), "%s", got);
    cr_assert(eq(str, field(&entry, "msg"), "here"));
    cr_assert(eq(u64, strlen(field(&entry, "id")), QS_LOG_NAME_MAX));
    cr_assert(eq(u64, strlen(field(&entry, "tile")), QS_LOG_NAME_MAX));
}

static u32
lines(void)
{
    u32 cnt = 0;
    for (char *at = drain(); (at = strchr(at, '\n')); at++)
        cnt++;
    return cnt;
}

Test(log, a_site_writes_its_limit_a_second_and_tells_what_it_held_back)
{
    qs_log_site_t site = {.id = "QS-TEST-004", .level = QS_LOG_INFO, .per_s = 3};
    for (u32 i = 0; i < 10; i++)
        qs_log(&site, "x");
    cr_assert(eq(u32, lines(), 3));
    now += S - 1;
    qs_log(&site, "x");
    cr_assert(eq(u32, lines(), 0));
    now += 1;
    qs_log(&site, "x");
    drain();
    cr_assert(got_has(" x (8 suppressed)\n"), "%s", got);
    for (u32 i = 0; i < 10; i++)
        qs_log(&site, "x");
    drain();
    cr_assert(not(got_has("suppressed")), "%s", got);
    cr_assert(eq(u32, site.suppressed, 8));

    now -= 3600 * S; /* set back: the site is not silenced for an hour */
    log_to(wr, QS_LOG_JSON);
    qs_log(&site, "x");
    cr_assert(json_line(drain(), &entry), "%s", got);
    cr_assert(eq(str, field(&entry, "suppressed"), "8"));
}

Test(log, sites_do_not_share_their_limit)
{
    qs_log_site_t site[2] = {{.id = "QS-TEST-005", .level = QS_LOG_INFO, .per_s = 1},
                             {.id = "QS-TEST-006", .level = QS_LOG_INFO, .per_s = 1}};
    for (u32 i = 0; i < 6; i++)
        qs_log(&site[i % 2], "x");
    cr_assert(eq(u32, lines(), 2));
}

Test(log, full_pipe_drops_and_counts_and_keeps_errno)
{
    u32 asked = 0;
    while (!qs_log_dropped()) {
        errno = ENOENT;
        qs_log(&plain, "%0500d", 1);
        cr_assert(eq(int, errno, ENOENT));
        asked++;
    }
    qs_log(&plain, "%0500d", 1);
    cr_assert(eq(u64, qs_log_dropped(), 2));
    cr_assert(eq(u32, lines(), asked - 1));
    qs_log(&plain, "%m");
    drain();
    cr_assert(got_has("No such file or directory\n"), "%s", got);
    cr_assert(eq(u64, qs_log_dropped(), 2));
}

Test(log, after_a_half_written_line_the_next_starts_afresh)
{
    char path[] = "/tmp/test_log_XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    unlink(path);
    log_to(fd, QS_LOG_TEXT);

    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {.rlim_cur = 40, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    qs_log(&plain, "never seen whole");
    qs_log(&plain, "never seen");
    setrlimit(RLIMIT_FSIZE, &old);
    qs_log(&plain, "whole");
    qs_log(&plain, "whole");

    ssize_t sz = pread(fd, got, sizeof(got) - 1, 0);
    got[sz] = '\0';
    cr_assert(eq(str, got,
                 "2026-11-22T22:12:19.123Z warning main QS\n"
                 "2026-11-22T22:12:19.123Z warning main QS-TEST-001 whole\n"
                 "2026-11-22T22:12:19.123Z warning main QS-TEST-001 whole\n"));
    cr_assert(eq(u64, qs_log_dropped(), 2));
}

Test(log, init_refuses_what_it_does_not_know)
{
    cr_assert(eq(int, qs_log_init(&(qs_log_conf_t){.fd = -1}), -EINVAL));
    cr_assert(eq(int, qs_log_init(&(qs_log_conf_t){.min_level = QS_LOG_ERROR + 1}), -EINVAL));
    cr_assert(eq(int, qs_log_init(&(qs_log_conf_t){.format = QS_LOG_LOGFMT + 1}), -EINVAL));
    qs_log(&plain, "still to the pipe");
    cr_assert(ne(str, drain(), ""));
}

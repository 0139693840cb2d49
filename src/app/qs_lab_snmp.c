#include "app/qs_lab_snmp.h"

#include <fcntl.h>
#include <unistd.h>

#define TEXT_MAX 65536u

/* span_t is a piece of text: not terminated, perhaps empty. */
typedef struct span {
    char const *at;
    char const *end;
} span_t;

typedef struct udp_column {
    char const *name;
    u64 off;
} udp_column_t;

static udp_column_t const udp_columns[] = {
    {"InDatagrams", offsetof(qs_lab_snmp_t, udp_in)},
    {"NoPorts", offsetof(qs_lab_snmp_t, udp_no_ports)},
    {"InErrors", offsetof(qs_lab_snmp_t, udp_in_errors)},
    {"OutDatagrams", offsetof(qs_lab_snmp_t, udp_out)},
    {"RcvbufErrors", offsetof(qs_lab_snmp_t, udp_rcvbuf_errors)},
    {"SndbufErrors", offsetof(qs_lab_snmp_t, udp_sndbuf_errors)},
    {"InCsumErrors", offsetof(qs_lab_snmp_t, udp_in_csum_errors)},
};

static bool
take_line(span_t *text, span_t *line)
{
    if (text->at == text->end)
        return false;
    char const *nl = memchr(text->at, '\n', (u64)(text->end - text->at));
    *line = (span_t){text->at, nl ? nl : text->end};
    text->at = nl ? nl + 1 : text->end;
    return true;
}

static bool
take_word(span_t *line, span_t *word)
{
    while (line->at < line->end && *line->at == ' ')
        line->at++;
    word->at = line->at;
    while (line->at < line->end && *line->at != ' ')
        line->at++;
    word->end = line->at;
    return word->at < word->end;
}

static bool
word_is(span_t word, char const *name)
{
    u64 len = (u64)(word.end - word.at);
    return len == strlen(name) && !memcmp(word.at, name, len);
}

static bool
word_u64(span_t word, u64 *value)
{
    *value = 0;
    if (word.at == word.end)
        return false;
    for (; word.at < word.end; word.at++) {
        if (*word.at < '0' || *word.at > '9')
            return false;
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (u64)(*word.at - '0'), value))
            return false;
    }
    return true;
}

/* take_udp_line finds the next line that starts with the word "Udp:" and leaves the rest of it. */
static bool
take_udp_line(span_t *text, span_t *line)
{
    while (take_line(text, line)) {
        span_t word;
        if (take_word(line, &word) && word_is(word, "Udp:"))
            return true;
    }
    return false;
}

int
qs_lab_snmp_parse_udp(char const *text, u64 sz, qs_lab_snmp_t *snmp)
{
    span_t all = {text, text + sz};
    span_t names;
    span_t values;
    span_t name;
    span_t value;
    u32 seen = 0; /* bit per column */

    if (!take_udp_line(&all, &names) || !take_udp_line(&all, &values))
        return -EPROTO;
    while (take_word(&names, &name)) {
        take_word(&values, &value);
        for (u32 i = 0; i < QS_COUNT(udp_columns); i++) {
            if (!word_is(name, udp_columns[i].name))
                continue;
            if (!word_u64(value, (u64 *)((u8 *)snmp + udp_columns[i].off)))
                return -EPROTO;
            seen |= 1u << i;
        }
    }
    return seen == (1u << QS_COUNT(udp_columns)) - 1 ? 0 : -EPROTO;
}

int
qs_lab_snmp_parse_dev(char const *text, u64 sz, char const *ifname, qs_lab_snmp_t *snmp)
{
    /* By position behind "name:", as the two heading lines repeat names for rx and tx. */
    u64 *const column[] = {
        NULL, &snmp->if_rx_packets, NULL, &snmp->if_rx_drops, NULL, NULL, NULL, NULL,
        NULL, &snmp->if_tx_packets, NULL, &snmp->if_tx_drops};
    span_t all = {text, text + sz};
    span_t line;
    while (take_line(&all, &line)) {
        char const *colon = memchr(line.at, ':', (u64)(line.end - line.at));
        if (!colon)
            continue;
        span_t head = {line.at, colon};
        span_t word;
        if (!take_word(&head, &word) || !word_is(word, ifname))
            continue;
        line.at = colon + 1; /* a large count may touch the colon */
        for (u32 i = 0; i < QS_COUNT(column); i++) {
            u64 value;
            if (!take_word(&line, &word) || !word_u64(word, &value))
                return -EPROTO;
            if (column[i])
                *column[i] = value;
        }
        return 0;
    }
    return -ENODEV;
}

/* read_text returns the size of what it read into text, which has TEXT_MAX bytes, or -errno. */
static i64
read_text(u32 pid, char const *file, char *text)
{
    char path[64];
    if (pid)
        snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, file);
    else
        snprintf(path, sizeof(path), "/proc/thread-self/net/%s", file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;

    u64 sz = 0;
    ssize_t got = 1;
    while (got > 0 && sz < TEXT_MAX) {
        got = read(fd, text + sz, TEXT_MAX - sz);
        if (got > 0)
            sz += (u64)got;
    }
    int err = got < 0 ? -errno : got > 0 ? -EFBIG : 0;
    close(fd);
    return err ? err : (i64)sz;
}

int
qs_lab_snmp_read(u32 pid, char const *ifname, qs_lab_snmp_t *snmp)
{
    char text[TEXT_MAX];
    *snmp = (qs_lab_snmp_t){0};
    i64 sz = read_text(pid, "snmp", text);
    if (sz < 0)
        return (int)sz;
    int err = qs_lab_snmp_parse_udp(text, (u64)sz, snmp);
    if (err)
        return err;
    sz = read_text(pid, "dev", text);
    return sz < 0 ? (int)sz : qs_lab_snmp_parse_dev(text, (u64)sz, ifname, snmp);
}

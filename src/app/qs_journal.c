#include "app/qs_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELD_MAX 10u
#define LINE_CAP  2048u

/* sync_dir makes a new name in dir last. */
static int
sync_dir(char const *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fsync(fd) ? -errno : 0;
    close(fd);
    return err;
}

static int
make_dir(char *dir, mode_t mode)
{
    if (mkdir(dir, mode))
        return errno == EEXIST ? 0 : -errno;
    char *last = strrchr(dir, '/');
    *last = 0;
    int err = sync_dir(*dir ? dir : "/");
    *last = '/';
    return err;
}

/* make_dirs makes what is missing of the directories above path; the last one is for us only. */
static int
make_dirs(char const *path, char dir[QS_JOURNAL_PATH_MAX])
{
    if (strlen(path) >= QS_JOURNAL_PATH_MAX)
        return -ENAMETOOLONG;
    strcpy(dir, path);
    char *last = strrchr(dir, '/');
    if (!last || last == dir)
        return -EINVAL;
    *last = 0;
    for (char *at = dir + 1;; at++) {
        char cut = *at;
        if (cut && cut != '/')
            continue;
        *at = 0;
        int err = make_dir(dir, cut ? 0755 : 0700);
        if (err)
            return err;
        *at = cut;
        if (!cut)
            return 0;
    }
}

static int
open_file(char const *path, bool create)
{
    char dir[QS_JOURNAL_PATH_MAX];
    int err = create ? make_dirs(path, dir) : 0;
    if (err)
        return err;
    int fd = open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (fd < 0)
        return errno == ELOOP ? -EPERM : -errno;
    struct stat st;
    if (fstat(fd, &st))
        err = -errno;
    else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0022))
        err = -EPERM;
    if (!err && create)
        err = sync_dir(dir);
    while (!err && flock(fd, LOCK_EX))
        err = errno == EINTR ? 0 : -errno;
    if (!err)
        return fd;
    close(fd);
    return err;
}

static bool
take_text(char *out, size_t cap, char const *text)
{
    size_t sz = strlen(text);
    if (sz < cap)
        memcpy(out, text, sz + 1);
    return sz < cap;
}

static bool
take_number(u64 *out, char const *text)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

static i64
find(qs_journal_t const *j, u64 id)
{
    for (u32 i = 0; i < j->cnt; i++)
        if (j->entry[i].id == id)
            return i;
    return -1;
}

static void
forget(qs_journal_t *j, u32 i)
{
    j->cnt--;
    memmove(&j->entry[i], &j->entry[i + 1], (j->cnt - i) * sizeof(j->entry[0]));
}

static int
take_intend(qs_journal_t *j, char *const field[FIELD_MAX])
{
    qs_journal_entry_t e = {.lasts = !strcmp(field[4], "undone")};
    if (!take_number(&e.id, field[1]) || !take_text(e.stage, sizeof(e.stage), field[2]) ||
        !take_text(e.kind, sizeof(e.kind), field[3]) ||
        (!e.lasts && strcmp(field[4], "reboot") != 0) ||
        !take_text(e.boot, sizeof(e.boot), field[5]) || !take_number(&e.time_s, field[6]) ||
        !take_text(e.path, sizeof(e.path), field[7]) ||
        !take_text(e.was, sizeof(e.was), field[8]) ||
        !take_text(e.want, sizeof(e.want), field[9]) || e.id < j->next_id)
        return -EILSEQ;
    if (j->cnt == QS_JOURNAL_ENTRY_MAX)
        return -E2BIG;
    j->entry[j->cnt++] = e;
    j->next_id = e.id + 1;
    return 0;
}

/* take_line reads one line, without its end. */
static int
take_line(qs_journal_t *j, char *line)
{
    char *field[FIELD_MAX] = {0};
    u32 cnt = 0;
    u64 id;
    for (char *f; (f = strsep(&line, "\t")); cnt++) {
        if (cnt == FIELD_MAX)
            return -EILSEQ;
        field[cnt] = f;
    }
    if (!strcmp(field[0], "intend") && cnt == FIELD_MAX)
        return take_intend(j, field);
    if (cnt < 2 || !take_number(&id, field[1]))
        return -EILSEQ;
    i64 i = find(j, id);
    if (i < 0)
        return -EILSEQ;
    if (!strcmp(field[0], "undone") && cnt == 2) {
        forget(j, (u32)i);
        return 0;
    }
    if (strcmp(field[0], "done") != 0 || cnt != 3 || j->entry[i].done ||
        !take_text(j->entry[i].got, sizeof(j->entry[i].got), field[2]))
        return -EILSEQ;
    j->entry[i].done = true;
    return 0;
}

static int
read_all(qs_journal_t *j, u32 *line)
{
    char text[LINE_CAP];
    int copy = dup(j->fd);
    FILE *f = copy < 0 ? NULL : fdopen(copy, "r");
    int err = 0;

    if (!f) {
        err = -errno;
        if (copy >= 0)
            close(copy);
        return err;
    }
    rewind(f);
    for (*line = 1; !err && fgets(text, sizeof(text), f); (*line)++) {
        u64 sz = strlen(text);
        bool whole = sz && text[sz - 1] == '\n';
        if (whole) {
            text[sz - 1] = 0;
            err = take_line(j, text);
        } else if (fgetc(f) != EOF) {
            err = -EILSEQ;
        } else {
            break; /* the torn end */
        }
        j->sz += sz;
    }
    (*line)--;
    fclose(f);
    return err;
}

int
qs_journal_open(qs_journal_t *j, char const *path, bool create, u32 *line)
{
    memset(j, 0, sizeof(*j));
    j->next_id = 1;
    *line = 0;
    j->fd = open_file(path, create);
    if (j->fd < 0)
        return j->fd;
    int err = read_all(j, line);
    if (err)
        qs_journal_close(j);
    return err;
}

void
qs_journal_close(qs_journal_t *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
}

/* append makes one line last, behind the last whole one. */
static int
append(qs_journal_t *j, char const *line, int sz)
{
    struct stat st;
    if (sz < 0 || (u32)sz >= LINE_CAP)
        return -EINVAL;
    if (fstat(j->fd, &st))
        return -errno;
    if ((u64)st.st_size != j->sz && ftruncate(j->fd, (off_t)j->sz))
        return -errno;
    ssize_t wrote = write(j->fd, line, (size_t)sz);
    if (wrote != sz) /* the torn end of the next reader */
        return wrote < 0 ? -errno : -ENOSPC;
    j->sz += (u64)sz;
    return fdatasync(j->fd) ? -errno : 0;
}

static bool
is_field(char const *text)
{
    return !strpbrk(text, "\t\n");
}

int
qs_journal_intend(qs_journal_t *j, qs_journal_entry_t *e)
{
    char line[LINE_CAP];
    if (!is_field(e->stage) || !is_field(e->kind) || !is_field(e->boot) || !is_field(e->path) ||
        !is_field(e->was) || !is_field(e->want))
        return -EINVAL;
    if (j->cnt == QS_JOURNAL_ENTRY_MAX)
        return -ENOSPC;
    e->id = j->next_id;
    e->done = false;
    int err = append(j, line,
                     snprintf(line, sizeof(line), "intend\t%lu\t%s\t%s\t%s\t%s\t%lu\t%s\t%s\t%s\n",
                              e->id, e->stage, e->kind, e->lasts ? "undone" : "reboot", e->boot,
                              e->time_s, e->path, e->was, e->want));
    if (err)
        return err;
    j->next_id++;
    j->entry[j->cnt++] = *e;
    return 0;
}

int
qs_journal_done(qs_journal_t *j, u32 i, char const *got)
{
    char line[LINE_CAP];
    if (!is_field(got) || !take_text(j->entry[i].got, sizeof(j->entry[i].got), got))
        return -EINVAL;
    j->entry[i].done = true;
    return append(j, line, snprintf(line, sizeof(line), "done\t%lu\t%s\n", j->entry[i].id, got));
}

int
qs_journal_undone(qs_journal_t *j, u32 i)
{
    char line[LINE_CAP];
    u64 id = j->entry[i].id;

    forget(j, i);
    if (j->cnt)
        return append(j, line, snprintf(line, sizeof(line), "undone\t%lu\n", id));
    j->sz = 0;
    return ftruncate(j->fd, 0) || fdatasync(j->fd) ? -errno : 0;
}

#include "app/qs_configure.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>

#include "app/qs_configure_kind.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define COMPACT_PATH "/proc/sys/vm/compact_memory"

#define DONE     0
#define FAILED   1
#define NO_STAGE UINT32_MAX
#define LACKS    3

/* clang-format off */
qs_configure_stage_t const qs_configure_stages[QS_CONFIGURE_STAGE_CNT] = {
    {"hugetlbfs", "huge pages for the topology, and mounts that its user may use",
     qs_configure_list_hugetlbfs},
    {"sysctl",    "limits of the kernel that are in the way of many packets",
     qs_configure_list_sysctl},
    {"ethtool",   "offloads of the interface that XDP does not bear, and its queues",
     qs_configure_list_ethtool},
    {"sysfs",     "what preferred busy polling needs of the interface",
     qs_configure_list_sysfs},
    {"irq",       "the interface's interrupts away from the cores of tiles",
     qs_configure_list_irq},
};
/* clang-format on */

qs_configure_action_t *
qs_configure_add(qs_configure_list_t *list, qs_configure_kind_t kind, char const *path)
{
    if (list->cnt == QS_CONFIGURE_ACTION_MAX || strlen(path) >= QS_JOURNAL_PATH_MAX)
        return NULL;
    qs_configure_action_t *a = &list->action[list->cnt++];
    *a = (qs_configure_action_t){.kind = kind};
    strcpy(a->path, path);
    return a;
}

static void
step(qs_configure_t const *c)
{
    if (c->host.step)
        c->host.step(c->host.ctx);
}

static int
cannot(qs_configure_t *c, char const *path, char const *what, int err)
{
    qs_error_t *e = qs_error_add(c->errors, QS_ERROR_CNF_ACCESS, path, 0, 0, "cannot be %s: %s",
                                 what, strerror(-err));
    if (err == -EACCES || err == -EPERM)
        qs_error_hint(e, "run it as root (sudo), outside of containers");
    else if (err == -ENOENT)
        qs_error_hint(e, "this kernel has no such setting, or a container hides it: configure the "
                         "host itself");
    else if (err == -EROFS)
        qs_error_hint(e, "it is read-only here, as in most containers: configure the host itself");
    else
        qs_error_hint(e, "`quickstep configure undo` takes back what was done before this");
    return LACKS;
}

static int
journal_fails(qs_configure_t *c, int err, u32 line)
{
    char const *path = c->cfg->configure.journal_path;
    qs_error_t *e;

    if (err == -EILSEQ)
        e = qs_error_add(c->errors, QS_ERROR_CNF_JOURNAL, path, line, 0, "cannot be understood");
    else if (err == -EPERM)
        e = qs_error_add(c->errors, QS_ERROR_CNF_JOURNAL, path, 0, 0,
                         "others may write to it, or it is not a file of ours");
    else
        e = qs_error_add(c->errors, QS_ERROR_CNF_JOURNAL, path, 0, 0, "%s", strerror(-err));
    qs_error_hint(e, err == -EACCES ? "run it as root (sudo)"
                                    : "nothing is changed without a journal; see explain");
    return LACKS;
}

static int
open_journal(qs_configure_t *c, bool create)
{
    char path[2 * QS_JOURNAL_PATH_MAX];
    u32 line = 0;

    c->journal = malloc(sizeof(*c->journal));
    if (!c->journal)
        return journal_fails(c, -ENOMEM, 0);
    qs_configure_path(c, c->cfg->configure.journal_path, path, sizeof(path));
    int err = qs_journal_open(c->journal, path, create, &line);
    if (!err)
        return DONE;
    free(c->journal);
    c->journal = NULL;
    return err == -ENOENT && !create ? DONE : journal_fails(c, err, line);
}

static void
close_journal(qs_configure_t *c)
{
    if (c->journal)
        qs_journal_close(c->journal);
    free(c->journal);
    c->journal = NULL;
}

static void
say(qs_configure_t *c, qs_configure_report_t const *r)
{
    c->say(c->say_ctx, r);
}

/* look_at finds what an action would have to do.  Returns 0 with r->outcome, or an exit code. */
static int
look_at(qs_configure_t *c, qs_configure_action_t const *a, char state[QS_JOURNAL_VALUE_MAX],
        qs_configure_report_t *r)
{
    qs_configure_kind_row_t const *kind = &qs_configure_kinds[a->kind];
    int err = kind->look(c, a->path, state);

    r->kind = kind->name;
    r->path = a->path;
    r->want = a->want;
    r->note = a->why;
    r->now = state;
    if (err == -ENOENT && a->optional) {
        state[0] = 0;
        r->outcome = QS_CONFIGURE_ABSENT;
        return DONE;
    }
    if (err)
        return cannot(c, a->path, "read", err);
    r->outcome = kind->fits(state, a->want) ? QS_CONFIGURE_OK : QS_CONFIGURE_MISSING;
    return DONE;
}

/* lasts says whether what is made at path outlives a reboot. */
static bool
lasts(qs_configure_t const *c, qs_configure_kind_t kind, char const *path)
{
    char full[2 * QS_JOURNAL_PATH_MAX];
    struct statfs fs;

    if (kind != QS_CONFIGURE_MKDIR)
        return false;
    qs_configure_path(c, path, full, sizeof(full));
    *strrchr(full, '/') = 0;
    return statfs(*full ? full : "/", &fs) || fs.f_type != TMPFS_MAGIC;
}

static int
write_intent(qs_configure_t *c, char const *stage, qs_configure_action_t const *a, char const *was)
{
    qs_journal_entry_t e = {.lasts = lasts(c, a->kind, a->path), .time_s = (u64)time(NULL)};

    if (!c->journal && open_journal(c, true))
        return LACKS;
    int sz = qs_configure_read(c, BOOT_ID_PATH, e.boot, sizeof(e.boot));
    if (sz <= 0)
        return cannot(c, BOOT_ID_PATH, "read", sz ? sz : -EIO);
    snprintf(e.stage, sizeof(e.stage), "%s", stage);
    snprintf(e.kind, sizeof(e.kind), "%s", qs_configure_kinds[a->kind].name);
    memcpy(e.path, a->path, sizeof(e.path));
    memcpy(e.want, a->want, sizeof(e.want));
    memcpy(e.was, was, QS_JOURNAL_VALUE_MAX);
    int err = qs_journal_intend(c->journal, &e);
    step(c);
    return err ? journal_fails(c, err, 0) : DONE;
}

/* gather asks once more for huge pages after the kernel has moved other pages out of the way. */
static int
gather(qs_configure_t *c, qs_configure_action_t const *a, char got[QS_JOURNAL_VALUE_MAX],
       qs_configure_report_t *r)
{
    char shell[QS_CONFIGURE_RUN_MAX];

    snprintf(shell, sizeof(shell), "echo 1 > %s; echo %s > %s", COMPACT_PATH, a->want, a->path);
    r->outcome = QS_CONFIGURE_RUN;
    r->run = shell;
    say(c, r);
    (void)qs_configure_write(c, COMPACT_PATH, "1");
    int err = qs_configure_write(c, a->path, a->want);
    return err ? err : qs_configure_kinds[a->kind].look(c, a->path, got);
}

/* read_back finds what the act came to and completes the entry. */
static int
read_back(qs_configure_t *c, qs_configure_action_t const *a, qs_configure_report_t *r)
{
    qs_configure_kind_row_t const *kind = &qs_configure_kinds[a->kind];
    char got[QS_JOURNAL_VALUE_MAX] = "";
    char const *run = r->run;

    int err = kind->look(c, a->path, got);
    if (!err && a->kind == QS_CONFIGURE_POOL && !kind->fits(got, a->want))
        err = gather(c, a, got, r);
    r->run = run;
    if (err)
        return cannot(c, a->path, "read back", err);
    err = qs_journal_done(c->journal, c->journal->cnt - 1, got);
    step(c);
    if (err)
        return journal_fails(c, err, 0);
    if (kind->fits(got, a->want)) {
        r->outcome = QS_CONFIGURE_DONE;
        say(c, r);
        return DONE;
    }
    if (a->kind != QS_CONFIGURE_POOL)
        return cannot(c, a->path, "changed", -EINVAL);
    r->outcome = QS_CONFIGURE_SHORT;
    say(c, r);
    qs_error_t *e = qs_error_add(c->errors, QS_ERROR_CNF_SHORT, a->path, 0, 0,
                                 "the kernel found %s of %s pages", got, a->want);
    qs_error_hint(e, "free memory or reboot, and run it again; or set hugetlbfs.pages");
    return LACKS;
}

static int
take_action(qs_configure_t *c, char const *stage, qs_configure_action_t const *a)
{
    qs_configure_kind_row_t const *kind = &qs_configure_kinds[a->kind];
    char state[QS_JOURNAL_VALUE_MAX], now[QS_JOURNAL_VALUE_MAX], shell[QS_CONFIGURE_RUN_MAX] = "";
    qs_configure_report_t r = {.stage = stage, .run = ""};

    int code = look_at(c, a, state, &r);
    if (code)
        return code;
    if (r.outcome != QS_CONFIGURE_MISSING) {
        say(c, &r);
        return DONE;
    }
    kind->act_shell(shell, sizeof(shell), a->path, a->want);
    r.run = shell;
    r.outcome = c->dry_run ? QS_CONFIGURE_WOULD : QS_CONFIGURE_RUN;
    say(c, &r);
    if (c->dry_run)
        return DONE;
    code = write_intent(c, stage, a, state);
    if (code)
        return code;
    int err = kind->act(c, a->path, a->want);
    step(c);
    if (!err)
        return read_back(c, a, &r);
    bool same = !kind->look(c, a->path, now) && !strcmp(now, state);
    if (same)
        (void)qs_journal_undone(c->journal, c->journal->cnt - 1);
    if (same && a->wish) {
        r.outcome = QS_CONFIGURE_ABSENT;
        r.note = "the driver refuses it";
        say(c, &r);
        return DONE;
    }
    return cannot(c, a->path, "changed", err);
}

int
qs_configure_init(qs_configure_t *c, u32 mask)
{
    int code = DONE;

    for (u32 s = 0; !code && s < QS_CONFIGURE_STAGE_CNT; s++) {
        qs_configure_list_t list = {0};
        if (!(mask >> s & 1))
            continue;
        code = qs_configure_stages[s].list(c, &list);
        for (u32 i = 0; !code && i < list.cnt; i++)
            code = take_action(c, qs_configure_stages[s].name, &list.action[i]);
    }
    close_journal(c);
    return code;
}

static int
check_stage(qs_configure_t *c, qs_configure_stage_t const *stage)
{
    qs_configure_list_t list = {0};
    u32 missing = 0;
    int code = stage->list(c, &list);

    for (u32 i = 0; i < list.cnt; i++) {
        char state[QS_JOURNAL_VALUE_MAX], shell[QS_CONFIGURE_RUN_MAX] = "";
        qs_configure_action_t const *a = &list.action[i];
        qs_configure_report_t r = {.stage = stage->name, .run = ""};
        int unreadable = look_at(c, a, state, &r);
        code = code ? code : unreadable;
        if (unreadable)
            continue;
        if (r.outcome == QS_CONFIGURE_MISSING) {
            missing += !a->wish;
            qs_configure_kinds[a->kind].act_shell(shell, sizeof(shell), a->path, a->want);
            r.run = shell;
        }
        say(c, &r);
    }
    if (!missing)
        return code;
    qs_error_t *e = qs_error_add(c->errors, QS_ERROR_CNF_MISSING, stage->name, 0, 0,
                                 "%u of %u are not as they should be", missing, list.cnt);
    qs_error_hint(e, "`quickstep configure init %s` sets them up", stage->name);
    return code ? code : LACKS;
}

int
qs_configure_check(qs_configure_t *c, u32 mask)
{
    int code = DONE;

    for (u32 s = 0; s < QS_CONFIGURE_STAGE_CNT; s++) {
        int one = mask >> s & 1 ? check_stage(c, &qs_configure_stages[s]) : DONE;
        code = code ? code : one;
    }
    return code;
}

/* cross_out says what became of an entry and takes it out of the journal. */
static int
cross_out(qs_configure_t *c, u32 i, qs_configure_report_t *r, qs_configure_outcome_t outcome,
          char const *note)
{
    r->outcome = outcome;
    r->note = note;
    say(c, r);
    if (c->dry_run)
        return DONE;
    int err = qs_journal_undone(c->journal, i);
    step(c);
    return err ? journal_fails(c, err, 0) : DONE;
}

static int
refused(qs_configure_t *c, qs_journal_entry_t const *e, int err)
{
    if (err != -EBUSY)
        return cannot(c, e->path, "restored", err);
    qs_error_t *error =
        qs_error_add(c->errors, QS_ERROR_CNF_BUSY, e->path, 0, 0, "is in use and stays mounted");
    qs_error_hint(error, "stop the instances that use it (`quickstep ps`), and undo again");
    return FAILED;
}

/* put_back restores what is still as we left it. */
static int
put_back(qs_configure_t *c, u32 i, qs_configure_kind_row_t const *kind, qs_configure_report_t *r)
{
    qs_journal_entry_t const *e = &c->journal->entry[i];
    char shell[QS_CONFIGURE_RUN_MAX] = "", now[QS_JOURNAL_VALUE_MAX];

    kind->restore_shell(shell, sizeof(shell), e->path, e->was);
    r->run = shell;
    r->outcome = c->dry_run ? QS_CONFIGURE_WOULD : QS_CONFIGURE_RUN;
    say(c, r);
    if (c->dry_run) {
        c->would[i] = true;
        return DONE;
    }
    int err = kind->restore(c, e->path, e->was);
    step(c);
    if (err == -ENOTEMPTY)
        return cross_out(c, i, r, QS_CONFIGURE_LEFT, "it holds files of others");
    if (!err)
        err = kind->look(c, e->path, now);
    if (err)
        return refused(c, e, err);
    bool same = !strcmp(now, e->was);
    if (!same && kind != &qs_configure_kinds[QS_CONFIGURE_POOL])
        return cannot(c, e->path, "restored", -EINVAL);
    return cross_out(c, i, r, QS_CONFIGURE_RESTORED,
                     same ? "" : "the rest of the pages are in use, and go when they are freed");
}

/* look_after finds the state of an entry's thing; in a dry run, what it would be after the newer
   entries of its path are undone. */
static int
look_after(qs_configure_t *c, u32 i, qs_configure_kind_row_t const *kind,
           char state[QS_JOURNAL_VALUE_MAX])
{
    qs_journal_t const *j = c->journal;
    qs_journal_entry_t const *e = &j->entry[i];

    for (u32 n = i + 1; c->dry_run && n < j->cnt; n++) {
        if (strcmp(j->entry[n].path, e->path) != 0)
            continue;
        if (!c->would[n])
            break;
        bool same_kind = !strcmp(j->entry[n].kind, e->kind);
        memcpy(state, same_kind ? j->entry[n].was : e->got, QS_JOURNAL_VALUE_MAX);
        return 0;
    }
    return kind->look(c, e->path, state);
}

static int
undo_entry(qs_configure_t *c, u32 i, char const *boot_id)
{
    qs_journal_entry_t const *e = &c->journal->entry[i];
    qs_configure_report_t r = {
        .stage = e->stage, .kind = e->kind, .path = e->path, .now = "", .run = "", .note = ""};
    char now[QS_JOURNAL_VALUE_MAX], was[QS_JOURNAL_VALUE_MAX], path[QS_JOURNAL_PATH_MAX];
    char stage[sizeof(e->stage)], kind_name[sizeof(e->kind)];
    qs_configure_kind_row_t const *kind = NULL;

    for (u32 k = 0; k < QS_CONFIGURE_KIND_CNT; k++)
        if (!strcmp(qs_configure_kinds[k].name, e->kind))
            kind = &qs_configure_kinds[k];
    if (!kind)
        return journal_fails(c, -EILSEQ, 0);
    r.want = memcpy(was, e->was, sizeof(was)); /* the entry moves when it is crossed out */
    r.path = memcpy(path, e->path, sizeof(path));
    r.stage = memcpy(stage, e->stage, sizeof(stage));
    r.kind = memcpy(kind_name, e->kind, sizeof(kind_name));
    if (!e->lasts && strcmp(e->boot, boot_id) != 0)
        return cross_out(c, i, &r, QS_CONFIGURE_GONE, "the host was rebooted since");
    int err = look_after(c, i, kind, now);
    if (err == -ENOENT)
        return cross_out(c, i, &r, QS_CONFIGURE_LEFT, "it is not there any more");
    if (err)
        return cannot(c, e->path, "read", err);
    r.now = now;
    if (!strcmp(now, e->was))
        return cross_out(c, i, &r, QS_CONFIGURE_SAME, "");
    if (e->done ? !strcmp(now, e->got) : kind->ours(e->was, e->want, now))
        return put_back(c, i, kind, &r);
    return cross_out(c, i, &r, QS_CONFIGURE_LEFT, "somebody changed it since");
}

static u32
stage_of(char const *name)
{
    for (u32 s = 0; s < QS_CONFIGURE_STAGE_CNT; s++)
        if (!strcmp(qs_configure_stages[s].name, name))
            return s;
    return NO_STAGE;
}

int
qs_configure_undo(qs_configure_t *c, u32 mask)
{
    char boot_id[40];
    int code = open_journal(c, false);
    if (code || !c->journal)
        return code;
    int sz = qs_configure_read(c, BOOT_ID_PATH, boot_id, sizeof(boot_id));
    if (sz <= 0)
        code = cannot(c, BOOT_ID_PATH, "read", sz ? sz : -EIO);
    for (u32 i = c->journal->cnt; !code && i-- > 0;) {
        u32 s = stage_of(c->journal->entry[i].stage);
        if (s == NO_STAGE || mask >> s & 1)
            code = undo_entry(c, i, boot_id);
    }
    close_journal(c);
    return code;
}

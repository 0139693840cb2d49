/* Goal: instances never collide, a dead one stays readable until the next start, and nothing that
   it made outlives its removal.  Method: each test has a tmpfs of its own on /dev/shm; supervisors
   are children that are killed with SIGKILL. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "shm_host.h"
#include "tango/qs_shm.h"

#define WORKSPACE_SZ (1u << 20)

static char base[64];
static bool usable;

static void
host(void)
{
    usable = private_host("size=64m,mode=1777");
    snprintf(base, sizeof(base), "/dev/shm/quickstep-%u", geteuid());
}

TestSuite(instance, .init = host, .timeout = 60);

/* in_use is what the tmpfs has given away, in bytes. */
static u64
in_use(void)
{
    struct statvfs fs;
    cr_assert(eq(int, statvfs("/dev/shm", &fs), 0));
    return (fs.f_blocks - fs.f_bfree) * fs.f_bsize;
}

static char *
in_base(char const *path)
{
    static char out[256];
    snprintf(out, sizeof(out), "%s/%s", base, path);
    return out;
}

/* start forks a supervisor that has created name with one workspace, and returns its pid. */
static pid_t
start(char const *name)
{
    int ready[2];
    char byte = 0;
    cr_assert(eq(int, pipe(ready), 0));
    pid_t pid = fork();
    if (!pid) {
        qs_instance_t inst;
        qs_shm_t shm;
        u64 stale;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!qs_instance_create(&inst, name, false, &stale) &&
            !qs_shm_create(&shm, &inst, "net", WORKSPACE_SZ, 4096, -1))
            (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
    cr_assert(eq(chr, byte, 'r'));
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void
kill_hard(pid_t pid)
{
    kill(pid, SIGKILL);
    cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
}

struct bad_name {
    char name[40];
};

ParameterizedTestParameters(instance, a_name_that_could_be_a_path_is_refused)
{
    static struct bad_name bad[] = {
        {""},  {"."},   {".."},  {"a/b"}, {"../x"},
        {"A"}, {"a b"}, {"a\n"}, {"a.b"}, {"a23456789012345678901234567890123"},
    };
    return cr_make_param_array(struct bad_name, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad_name *p, instance, a_name_that_could_be_a_path_is_refused)
{
    qs_instance_t inst;
    u64 bytes;
    cr_assert(eq(int, qs_instance_create(&inst, p->name, false, &bytes), -EINVAL));
    cr_assert(eq(int, qs_instance_open(&inst, geteuid(), p->name), -EINVAL));
    cr_assert(eq(int, qs_instance_remove(p->name, &bytes), -EINVAL));
}

Test(instance, an_alive_one_is_busy_and_says_who_has_it)
{
    if (!usable)
        return;
    qs_instance_t inst;
    u64 bytes;
    pid_t pid = start("a");
    cr_assert(eq(int, qs_instance_create(&inst, "a", false, &bytes), -EBUSY));
    cr_assert(eq(int, inst.pid, pid));
    cr_assert(eq(int, qs_instance_remove("a", &bytes), -EBUSY));
    cr_assert(eq(int, qs_instance_open(&inst, geteuid(), "a"), 0));
    cr_assert(qs_instance_alive(&inst));
    cr_assert(eq(int, inst.pid, pid));
    kill_hard(pid);
    cr_assert(not(qs_instance_alive(&inst)));
}

Test(instance, a_dead_one_stays_readable_until_the_next_start_frees_all_of_it)
{
    if (!usable)
        return;
    qs_instance_t old, reader;
    qs_shm_t shm;
    u64 bytes;
    u64 before = in_use();
    kill_hard(start("a"));

    cr_assert(eq(int, qs_instance_open(&old, geteuid(), "a"), 0));
    cr_assert(not(qs_instance_alive(&old)));
    cr_assert(eq(int, qs_shm_open(&shm, &old, "net"), 0));
    cr_assert(eq(u64, shm.sz, WORKSPACE_SZ));
    qs_shm_close(&shm);

    qs_instance_t inst;
    cr_assert(eq(int, qs_instance_create(&inst, "a", false, &bytes), 0));
    cr_assert(eq(u64, bytes, WORKSPACE_SZ));
    cr_assert(eq(int, qs_instance_open(&reader, geteuid(), "a"), 0));
    cr_assert(eq(int, qs_shm_open(&shm, &reader, "net"), -ENOENT));
    cr_assert(qs_instance_alive(&reader));
    cr_assert(not(qs_instance_alive(&old))); /* a handle stays with its run */

    qs_instance_close(&old);
    qs_instance_close(&reader);
    qs_instance_close(&inst);
    cr_assert(eq(int, qs_instance_remove("a", &bytes), 0));
    cr_assert(eq(u64, in_use(), before));
    cr_assert(eq(int, access(in_base("a"), F_OK), -1));
    cr_assert(eq(int, qs_instance_remove("a", &bytes), -ENOENT));
}

Test(instance, twenty_that_start_at_once_have_one_winner)
{
    if (!usable)
        return;
    enum { CNT = 20, ROUNDS = 10 };
    for (u32 round = 0; round < ROUNDS; round++) {
        int go[2], said[2], stay[2];
        QS_ASSERT(!pipe(go) && !pipe(said) && !pipe(stay));
        pid_t child[CNT];
        for (u32 i = 0; i < CNT; i++) {
            child[i] = fork();
            if (child[i])
                continue;
            qs_instance_t inst;
            u64 bytes;
            char byte;
            close(go[1]);
            close(stay[1]);
            (void)!read(go[0], &byte, 1); /* end of file lets all go */
            int err = qs_instance_create(&inst, "a", false, &bytes);
            (void)!write(said[1], &err, sizeof(err));
            (void)!read(stay[0], &byte, 1);
            _exit(0);
        }
        close(go[1]);
        u32 won = 0, busy = 0;
        for (u32 i = 0; i < CNT; i++) {
            int err = 1;
            cr_assert(eq(int, (int)read(said[0], &err, sizeof(err)), (int)sizeof(err)));
            won += !err;
            busy += err == -EBUSY;
        }
        close(stay[1]);
        for (u32 i = 0; i < CNT; i++)
            waitpid(child[i], NULL, 0);
        cr_assert(eq(u32, won, 1));
        cr_assert(eq(u32, busy, CNT - 1));
        close(go[0]), close(said[0]), close(said[1]), close(stay[0]);
    }
}

/* A monitor that looks all the time, and a reaper that runs beside, must not cost a start.  It ends
   when the reaper has got its hands on many a fresh corpse. */
Test(instance, readers_and_reapers_never_make_a_start_fail)
{
    if (!usable)
        return;
    u64 *reaped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    QS_ASSERT(reaped != MAP_FAILED);
    pid_t child[2];
    for (u32 i = 0; i < 2; i++) {
        child[i] = fork();
        if (!child[i])
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (u64 bytes; !child[i];) {
            qs_instance_t inst;
            if (i && !qs_instance_open(&inst, geteuid(), "a")) {
                (void)qs_instance_alive(&inst);
                qs_instance_close(&inst);
            }
            if (!i && qs_instance_reap(NULL, &bytes) > 0)
                qs_store_relaxed(reaped, *reaped + 1);
        }
    }
    int err = 0;
    while (!err && qs_load_relaxed(reaped) < 500) {
        qs_instance_t inst;
        u64 bytes;
        err = qs_instance_create(&inst, "a", false, &bytes);
        if (!err)
            qs_instance_close(&inst);
    }
    kill_hard(child[0]);
    kill_hard(child[1]);
    cr_assert(eq(int, err, 0));
}

static int
collect(void *ctx, qs_instance_info_t const *info)
{
    qs_instance_info_t *seen = ctx; /* by name: a, b, c */
    seen[info->name[0] - 'a'] = *info;
    return 0;
}

/* A reader that opened it looks at it without pause while it is removed. */
Test(instance, a_dead_one_is_not_alive_while_it_is_removed)
{
    if (!usable)
        return;
    for (u32 turn = 0; turn < 100; turn++) {
        qs_instance_t inst;
        u64 bytes;
        kill_hard(start("a"));
        QS_ASSERT(!qs_instance_open(&inst, geteuid(), "a"));
        pid_t remover = fork();
        if (!remover)
            _exit(qs_instance_remove("a", &bytes) ? 1 : 0);
        int status;
        do {
            cr_assert(not(qs_instance_alive(&inst)), "turn %u", turn);
        } while (!waitpid(remover, &status, WNOHANG));
        cr_assert(eq(int, status, 0));
        qs_instance_close(&inst);
    }
}

Test(instance, list_tells_the_living_from_the_dead_and_reap_removes_only_the_dead)
{
    if (!usable)
        return;
    u64 bytes;
    qs_instance_info_t seen[3] = {0};
    cr_assert(eq(int, qs_instance_list(geteuid(), collect, seen), 0));
    cr_assert(eq(int, qs_instance_reap(NULL, &bytes), 0));
    pid_t alive = start("a");
    kill_hard(start("b"));
    kill_hard(start("c"));
    cr_assert(eq(int, qs_instance_list(geteuid(), collect, seen), 0));
    cr_assert(seen[0].alive && !seen[1].alive && !seen[2].alive);
    cr_assert(eq(int, seen[0].pid, alive));
    cr_assert(eq(u64, seen[1].bytes, WORKSPACE_SZ));

    cr_assert(eq(int, qs_instance_reap("c", &bytes), 1));
    cr_assert(eq(u64, bytes, WORKSPACE_SZ));
    memset(seen, 0, sizeof(seen));
    cr_assert(eq(int, qs_instance_list(geteuid(), collect, seen), 0));
    cr_assert(seen[0].alive && !seen[1].name[0] && seen[2].name[0]);
    kill_hard(alive);
}

Test(instance, removal_takes_exactly_what_was_recorded)
{
    if (!usable)
        return;
    u64 bytes;
    kill_hard(start("a"));
    /* Lines that a removal must not follow: other places, other instances, no end of line. */
    char lines[512];
    snprintf(lines, sizeof(lines),
             "/dev/shm/precious\n../b/net.wksp\n/dev/shm/quickstep-%u.b.net\n"
             "/dev/shm/x/../quickstep-%u.a.net.wksp\nnever.wksp\n/dev/shm/quickstep-%u.a.n",
             geteuid(), geteuid(), geteuid());
    char precious[64], other[64], torn[64];
    snprintf(precious, sizeof(precious), "/dev/shm/precious");
    snprintf(other, sizeof(other), "/dev/shm/quickstep-%u.b.net", geteuid());
    snprintf(torn, sizeof(torn), "/dev/shm/quickstep-%u.a.n", geteuid());
    close(open(torn, O_CREAT | O_WRONLY, 0600));
    close(open(precious, O_CREAT | O_WRONLY, 0600));
    close(open(other, O_CREAT | O_WRONLY, 0600));
    int fd = open(in_base("a/files"), O_WRONLY | O_APPEND);
    cr_assert(eq(int, (int)write(fd, lines, strlen(lines)), (int)strlen(lines)));
    close(fd);

    close(open(in_base("a/mine"), O_CREAT | O_WRONLY, 0600));
    cr_assert(eq(int, qs_instance_remove("a", &bytes), -ENOTEMPTY));
    cr_assert(eq(u64, bytes, WORKSPACE_SZ));
    cr_assert(eq(int, access(in_base("a/mine"), F_OK), 0));
    cr_assert(eq(int, access(precious, F_OK), 0));
    cr_assert(eq(int, access(other, F_OK), 0));
    cr_assert(eq(int, access(torn, F_OK), 0));
    unlink(in_base("a/mine"));
    cr_assert(eq(int, qs_instance_remove("a", &bytes), 0));
}

/* A crash between the record and the file, and one right after mkdir, leave nothing behind. */
Test(instance, a_start_that_died_half_way_is_removed_too)
{
    if (!usable)
        return;
    u64 bytes;
    u64 before = in_use();
    QS_ASSERT(!mkdir(base, 0755) && !mkdir(in_base("a"), 0700) && !mkdir(in_base("b"), 0700));
    int fd = open(in_base("b/files"), O_CREAT | O_WRONLY, 0600);
    cr_assert(eq(int, (int)write(fd, "net.wksp\n", 9), 9));
    close(fd);
    cr_assert(eq(int, qs_instance_reap(NULL, &bytes), 2));
    cr_assert(eq(u64, bytes, 0));
    cr_assert(eq(u64, in_use(), before));
}

static void
link_base(void)
{
    QS_ASSERT(!mkdir("/dev/shm/elsewhere", 0755) && !symlink("/dev/shm/elsewhere", base));
}

static void
open_base_to_others(void)
{
    QS_ASSERT(!mkdir(base, 0755) && !chmod(base, 0777));
}

static void
give_base_away(void)
{
    QS_ASSERT(!mkdir(base, 0755) && !chown(base, 65534, 65534));
}

static void
link_instance(void)
{
    QS_ASSERT(!mkdir(base, 0755) && !mkdir("/dev/shm/elsewhere", 0755) &&
              !symlink("/dev/shm/elsewhere", in_base("a")));
}

static void
open_instance_to_others(void)
{
    QS_ASSERT(!mkdir(base, 0755) && !mkdir(in_base("a"), 0700) && !chmod(in_base("a"), 0777));
}

Test(instance, a_directory_that_others_could_have_made_is_refused)
{
    void (*const trap[])(void) = {link_base, open_base_to_others, give_base_away, link_instance,
                                  open_instance_to_others};
    for (u32 i = 0; usable && i < QS_COUNT(trap); i++) {
        qs_instance_t inst;
        u64 bytes;
        if (trap[i] == give_base_away && geteuid())
            continue; /* only root can */
        trap[i]();
        cr_assert(eq(int, qs_instance_create(&inst, "a", false, &bytes), -EPERM));
        cr_assert(eq(int, qs_instance_open(&inst, geteuid(), "a"), -EPERM));
        cr_assert(eq(int, umount("/dev/shm"), 0));
        cr_assert(eq(int, mount("test", "/dev/shm", "tmpfs", 0, "size=64m,mode=1777"), 0));
    }
}

Test(instance, a_group_may_read_if_asked_and_nobody_else)
{
    if (!usable)
        return;
    qs_instance_t inst;
    qs_shm_t shm;
    struct stat st;
    u64 bytes;
    umask(077);
    for (u32 group = 0; group < 2; group++) {
        cr_assert(eq(int, qs_instance_create(&inst, "a", group, &bytes), 0));
        cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 4096, 4096, -1), 0));
        QS_ASSERT(!fstat(inst.dir_fd, &st) && (st.st_mode & 0777) == (group ? 0750 : 0700));
        QS_ASSERT(!fstat(shm.fd_rw, &st) && (st.st_mode & 0777) == (group ? 0440 : 0400));
        QS_ASSERT(!stat(in_base("a/files"), &st) && (st.st_mode & 0777) == (group ? 0640 : 0600));
        qs_shm_close(&shm);
        qs_instance_close(&inst);
    }
}

/* Exec'd tiles inherit neither the lock nor anything else that was not handed to them. */
Test(instance, all_fds_are_close_on_exec)
{
    if (!usable)
        return;
    qs_instance_t inst;
    qs_shm_t shm;
    u64 bytes;
    cr_assert(eq(int, qs_instance_create(&inst, "a", false, &bytes), 0));
    cr_assert(eq(int, qs_shm_create(&shm, &inst, "net", 4096, 4096, -1), 0));
    int fd[] = {inst.dir_fd, inst.lock_fd, shm.fd_rw, shm.fd_ro};
    for (u32 i = 0; i < QS_COUNT(fd); i++)
        cr_assert(eq(int, fcntl(fd[i], F_GETFD), FD_CLOEXEC));
}

/* Goal: behind the sandbox nothing can be opened, gained, started or seen, and what was kept works.
   Method: a child enters it and tries, one thing after the other; each failure has its own exit
   code.  A system call that may not be made kills, so each is tried in a child of its own. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disco/qs_sandbox.h"
#include "disco/qs_sandbox_calls.h"
#include "disco/qs_topos.h"

/* basic enters the small sandbox. */
static u32
basic(int const *fd, u32 cnt, u64 file_max)
{
    return qs_sandbox_enter(&(qs_sandbox_conf_t){
        .want = QS_SANDBOX_BASIC, .fd = fd, .fd_cnt = cnt, .file_max = file_max});
}

/* status_says returns whether /proc/self/status, read through fd, has this line. */
static bool
status_says(int fd, char const *line)
{
    char text[4096];
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got <= 0)
        return false;
    text[got] = 0;
    return strstr(text, line) != NULL;
}

static int
in_sandbox(void)
{
    int kept[2], unlisted[2];
    struct stat was, is;
    if (pipe(kept) || pipe(unlisted) || fstat(unlisted[0], &was))
        return 1;
    int status = open("/proc/self/status", O_RDONLY);
    int high = dup2(kept[0], 40); /* gaps on the way there */
    int const keep[] = {status, kept[1], high};
    u32 got = basic(keep, 3, 0);
    if (got != QS_SANDBOX_BASIC)
        return 2;
    if (!fstat(unlisted[0], &is) && is.st_ino == was.st_ino)
        return 3;
    if (open("/dev/null", O_RDONLY) >= 0 || errno != EMFILE)
        return 4;
    if (socket(AF_INET, SOCK_DGRAM, 0) >= 0 || dup(0) >= 0)
        return 5;
    if (!status_says(status, "CapEff:\t0000000000000000\n") ||
        !status_says(status, "CapPrm:\t0000000000000000\n") ||
        !status_says(status, "CapInh:\t0000000000000000\n"))
        return 6;
    if (!status_says(status, "NoNewPrivs:\t1\n"))
        return 7;
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max || getrlimit(RLIMIT_FSIZE, &limit) ||
        limit.rlim_max || getrlimit(RLIMIT_NPROC, &limit) || limit.rlim_max)
        return 8;
    struct pollfd p[] = {{.fd = high, .events = POLLIN}, {.fd = status, .events = POLLIN}};
    char byte;
    if (write(kept[1], "k", 1) != 1 || poll(p, 2, 1000) < 1 || !(p[0].revents & POLLIN))
        return 9;
    return read(high, &byte, 1) == 1 && byte == 'k' ? 0 : 10;
}

static int
child_says(int (*what)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (!pid)
        _exit(what());
    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Test(sandbox, nothing_can_be_opened_or_gained_behind_it_and_what_was_kept_works)
{
    cr_assert(eq(int, child_says(in_sandbox), 0));
}

static int
starts_a_child(void)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534)) /* the limit does not bind root */
        return 1;
    basic(NULL, 0, 0);
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    return pid < 0 ? 0 : 2;
}

Test(sandbox, no_child_can_be_started)
{
    cr_assert(eq(int, child_says(starts_a_child), 0));
}

static int
writes_a_file(void)
{
    FILE *f = tmpfile();
    int fd = f ? fileno(f) : -1;
    if (fd < 0 || ftruncate(fd, 8192))
        return 1;
    signal(SIGXFSZ, SIG_IGN);
    basic(&fd, 1, 4096);
    if (pwrite(fd, "x", 1, 4095) != 1)
        return 2;
    return pwrite(fd, "x", 1, 4096) < 0 && errno == EFBIG ? 0 : 3;
}

Test(sandbox, a_tile_that_writes_files_does_so_up_to_what_it_said)
{
    cr_assert(eq(int, child_says(writes_a_file), 0));
}

static int
two_times(void)
{
    int null = open("/dev/null", O_WRONLY);
    basic(&null, 1, 0);
    u32 got = basic(&null, 1, 0);
    return (got & (QS_SANDBOX_LIMITS | QS_SANDBOX_NO_NEW_PRIVS)) && write(null, "x", 1) == 1 ? 0
                                                                                             : 1;
}

Test(sandbox, entering_twice_harms_nothing)
{
    cr_assert(eq(int, child_says(two_times), 0));
}

/* What a tile may not, and the numbers that would make it pass if a part of a word were looked at. */
#define HIGH (1ull << 32)
static struct {
    char const *what;
    long call;
    u64 arg[6];
    bool allowed;
} const calls[] = {
    {"open", SYS_openat, {(u64)AT_FDCWD, (u64) "/dev/null"}, false},
    {"socket", SYS_socket, {AF_INET, SOCK_DGRAM}, false},
    {"connect", SYS_connect, {0}, false},
    {"sendto without it on the list", SYS_sendto, {0}, false},
    {"fork", SYS_clone, {SIGCHLD}, false},
    {"clone3", SYS_clone3, {0}, false},
    {"execve", SYS_execve, {0}, false},
    {"execveat", SYS_execveat, {0}, false},
    {"ptrace", SYS_ptrace, {0}, false},
    {"another's memory", SYS_process_vm_writev, {1}, false},
    {"kill", SYS_kill, {1, 0}, false},
    {"another's thread", SYS_tgkill, {1, 1, SIGABRT}, false},
    {"clock_settime", SYS_clock_settime, {CLOCK_REALTIME}, false},
    {"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1}, false},
    {"ftruncate", SYS_ftruncate, {0, 0}, false},
    {"fallocate", SYS_fallocate, {0, 0, 0, 4096}, false},
    {"mprotect", SYS_mprotect, {0, 4096, PROT_READ}, false},
    {"fcntl", SYS_fcntl, {0, F_GETFD}, false},
    {"ioctl", SYS_ioctl, {0}, false},
    {"bpf", SYS_bpf, {0}, false},
    {"unshare", SYS_unshare, {0}, false},
    {"io_uring", SYS_io_uring_setup, {1}, false},
    {"pipe", SYS_pipe2, {0}, false},
    {"sigaction", SYS_rt_sigaction, {0}, false},
#ifdef __x86_64__
    {"read of another ABI", 0x40000000 | SYS_read, {0}, false},
#endif
    {"memory to execute",
     SYS_mmap,
     {0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ~0ull},
     false},
    {"memory of a file", SYS_mmap, {0, 4096, PROT_READ, MAP_SHARED, 0}, false},
    {"mmap's high half", SYS_mmap, {0, 4096, HIGH | 3, MAP_PRIVATE | MAP_ANONYMOUS, ~0ull}, false},
    {"futex requeue", SYS_futex, {0, 3 /* FUTEX_REQUEUE */}, false},
    {"futex's high half", SYS_futex, {0, HIGH | 1}, false},
    {"memory",
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0ull},
     true},
    {"wake", SYS_futex, {0, 1 /* FUTEX_WAKE */, 1}, true},
    {"write", SYS_write, {1, 0, 0}, true},
    {"getrandom", SYS_getrandom, {0}, true},
    {"poll", SYS_ppoll, {0}, true}, /* of nothing, forever: but for the alarm */
};
static u32 tried;
static int const *more;

static int
makes_the_call(void)
{
    u64 const *a = calls[tried].arg;
    u32 want = QS_SANDBOX_NO_NEW_PRIVS | QS_SANDBOX_SECCOMP;

    alarm(1);
    if (qs_sandbox_enter(&(qs_sandbox_conf_t){.want = want, .syscalls = more}) != want)
        _exit(77);
    syscall(calls[tried].call, a[0], a[1], a[2], a[3], a[4], a[5]);
    syscall(SYS_exit_group, 0);
    return 1;
}

Test(sandbox, a_system_call_that_is_not_on_the_list_kills)
{
    for (tried = 0; tried < QS_COUNT(calls); tried++) {
        int end = child_says(makes_the_call);
        if (end == 77)
            cr_skip("no seccomp here");
        if (calls[tried].allowed)
            cr_expect(end == 0 || end == 128 + SIGALRM, "%s: %d", calls[tried].what, end);
        else
            cr_expect(eq(int, end, 128 + SIGSYS), "%s", calls[tried].what);
    }
}

Test(sandbox, what_a_tile_lists_besides_it_may)
{
    static int const list[] = {SYS_sendto, SYS_mmap, SYS_futex, SYS_tgkill, SYS_prctl, -1};

    more = list;
    for (tried = 0; tried < QS_COUNT(calls); tried++) {
        long call = calls[tried].call;
        if (calls[tried].allowed)
            continue;
        int end = child_says(makes_the_call);
        if (end == 77)
            cr_skip("no seccomp here");
        cr_expect(eq(int, end, call == SYS_sendto || call == SYS_prctl ? 0 : 128 + SIGSYS), "%s",
                  calls[tried].what);
    }
}

Test(sandbox, system_calls_have_their_names)
{
    char buf[32];

    cr_assert(eq(str, (char *)qs_sandbox_call_name(SYS_openat, buf, sizeof(buf)), "openat"));
    cr_assert(eq(str, (char *)qs_sandbox_call_name(999999, buf, sizeof(buf)), "?"));
    cr_assert(eq(str, (char *)qs_sandbox_call_name(UINT64_MAX, buf, sizeof(buf)), "?"));
}

/* A list of names, in order. */
typedef struct names {
    char const *name[64];
    u32 cnt;
} names_t;

static int
by_name(void const *a, void const *b)
{
    return strcmp(*(char const *const *)a, *(char const *const *)b);
}

static bool
is_in(names_t const *n, char const *name)
{
    return bsearch(&name, n->name, n->cnt, sizeof(name), by_name) != NULL;
}

/* between takes what stands in text, which it cuts up, between each open and the next close. */
static names_t
between(char *text, char const *open, char const *close)
{
    names_t n = {0};

    while ((text = strstr(text, open)) && n.cnt < QS_COUNT(n.name)) {
        n.name[n.cnt++] = text += strlen(open);
        text = strstr(text, close);
        cr_assert(ne(ptr, text, NULL));
        *text++ = 0;
    }
    qsort(n.name, n.cnt, sizeof(n.name[0]), by_name);
    return n;
}

/* filter_of returns the calls in the filter that the kernel gets for a list. */
static names_t
filter_of(int const *list, char *text, u64 text_sz)
{
    int fd = memfd_create("filter", 0);

    cr_assert(zero(int, qs_sandbox_calls_write(list, fd)));
    ssize_t got = pread(fd, text, text_sz - 1, 0);
    close(fd);
    cr_assert(got > 0 && (u64)got < text_sz - 1);
    text[got] = 0;
    return between(text, "filter for syscall \"", "\"");
}

/* same expects that the document says of somebody what the filter does, but for what is in base. */
static void
same(char const *of, names_t const *said, names_t const *does, names_t const *base)
{
    for (u32 i = 0; i < said->cnt; i++)
        cr_expect(is_in(does, said->name[i]), "%s may not %s, docs/security.md says", of,
                  said->name[i]);
    for (u32 i = 0; i < does->cnt; i++)
        cr_expect(is_in(said, does->name[i]) || is_in(base, does->name[i]),
                  "%s may %s, and docs/security.md does not say it", of, does->name[i]);
}

/* doc_row returns the row of a tile in the table, or an empty one. */
static char *
doc_row(char const *table, char const *tile, char row[1024])
{
    char head[32];
    snprintf(head, sizeof(head), "\n| %s ", tile);
    char const *at = strstr(table, head);
    snprintf(row, 1024, "%.*s", at ? (int)strcspn(at + 1, "\n") : 0, at ? at + 1 : "");
    return row;
}

Test(sandbox, the_document_lists_what_the_filters_let_through)
{
    static char doc[65536], text[65536], more_text[65536];
    char row[1024];
    FILE *in = fopen("docs/security.md", "r");

    cr_assert(ne(ptr, in, NULL), "run from the source's top folder");
    doc[fread(doc, 1, sizeof(doc) - 1, in)] = 0;
    fclose(in);
    char *common = strstr(doc, "\nEvery tile may make these calls"),
         *table = strstr(doc, "| system calls of its own |"),
         *rest = strstr(doc, "\n| all others |");
    cr_assert(common && table && rest);
    table[0] = rest[0] = 0;
    names_t said = between(common, "`", "`"), none = {0};
    names_t base = filter_of(NULL, text, sizeof(text));
    same("every tile", &said, &base, &none);

    for (u32 t = 0; qs_topos[t]; t++) {
        for (u32 r = 0; qs_topos[t]->tiles[r].tile; r++) {
            qs_tile_t const *tile = qs_topos[t]->tiles[r].tile;
            said = between(doc_row(table + 1, tile->name, row), "`", "`");
            names_t does = filter_of(tile->syscalls, more_text, sizeof(more_text));
            same(tile->name, &said, &does, &base);
        }
    }
}

/* out_by_network tries what landlock keeps from whom since Linux 6.7; the listener is at *to. */
static int
out_by_network(struct sockaddr_in const *to)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(1)};
    int s = socket(AF_INET, SOCK_STREAM, 0);

    if (!connect(s, (struct sockaddr const *)to, sizeof(*to)) || errno != EACCES)
        return 3;
    return !bind(s, (struct sockaddr *)&any, sizeof(any)) || errno != EACCES ? 4 : 0;
}

static int
under_landlock(void)
{
    u32 want = QS_SANDBOX_NO_NEW_PRIVS | QS_SANDBOX_LANDLOCK;
    int kept = open("/dev/null", O_WRONLY), inside = socket(AF_INET, SOCK_STREAM, 0);
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t to_sz = sizeof(to);

    if (bind(inside, (struct sockaddr *)&to, sizeof(to)) || listen(inside, 1) ||
        getsockname(inside, (struct sockaddr *)&to, &to_sz))
        return 77;
    if (qs_sandbox_enter(&(qs_sandbox_conf_t){.want = want}) != want)
        return 77;
    if (open("/dev/null", O_RDONLY) >= 0 || errno != EACCES)
        return 1;
    int net = abi >= 4 ? out_by_network(&to) : 0;
    if (net)
        return net;
    if (abi >= 6 && (!kill(getppid(), 0) || errno != EPERM))
        return 5;
    return write(kept, "x", 1) == 1 ? 0 : 2;
}

Test(sandbox, landlock_lets_no_file_be_opened_nobody_be_reached_and_leaves_what_is_open)
{
    int end = child_says(under_landlock);
    if (end == 77)
        cr_skip("no landlock here");
    cr_assert(eq(int, end, 0));
}

static struct {
    u32 step;
    char const *file;
} const spaces[] = {
    {QS_SANDBOX_NET, "/proc/self/ns/net"},
    {QS_SANDBOX_IPC, "/proc/self/ns/ipc"},
    {QS_SANDBOX_UTS, "/proc/self/ns/uts"},
};
static u32 space;

static int
in_a_space_of_its_own(void)
{
    struct stat was, is;

    if (stat(spaces[space].file, &was))
        return 1;
    u32 got = qs_sandbox_enter(&(qs_sandbox_conf_t){.want = spaces[space].step});
    if (stat(spaces[space].file, &is))
        return 2;
    bool other = is.st_ino != was.st_ino;
    return got != (other ? spaces[space].step : 0) ? 3 : got ? 0 : 77;
}

static int
behind_an_empty_root(void)
{
    struct stat st;
    int kept = open("/dev/null", O_WRONLY), here = open(".", O_RDONLY | O_DIRECTORY);

    if (qs_sandbox_enter(&(qs_sandbox_conf_t){.want = QS_SANDBOX_MOUNT}) != QS_SANDBOX_MOUNT)
        return 77;
    if (!stat("/proc", &st) || !stat("/tmp", &st) || !stat("/..//dev", &st))
        return 1;
    struct statvfs root;
    if (mkdir("/x", 0700) == 0 || open("/x", O_CREAT | O_WRONLY, 0600) >= 0)
        return 2;
    if (statvfs("/", &root) || !(root.f_flag & ST_RDONLY))
        return 4;
    return here >= 0 && write(kept, "x", 1) == 1 ? 0 : 3;
}

Test(sandbox, namespaces_are_its_own_and_the_root_is_empty)
{
    for (space = 0; space < QS_COUNT(spaces); space++) {
        int end = child_says(in_a_space_of_its_own);
        cr_expect(end == 0 || end == 77, "%s: %d", spaces[space].file, end);
    }
    int end = child_says(behind_an_empty_root);
    cr_expect(end == 0 || end == 77, "root: %d", end);
}

static int
as_a_plain_user(void)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534))
        return 1;
    struct stat user, is;
    if (stat("/proc/self/ns/user", &user))
        return 2;
    if (!(qs_sandbox_enter(&(qs_sandbox_conf_t){.want = QS_SANDBOX_UTS})))
        return 77; /* the host has no user namespaces for everybody */
    return stat("/proc/self/ns/user", &is) || is.st_ino == user.st_ino ? 3 : 0;
}

Test(sandbox, a_plain_user_gets_namespaces_by_a_user_namespace)
{
    int end = child_says(as_a_plain_user);
    cr_expect(end == 0 || end == 77, "%d", end);
}

static int
plain_user_in_all(void)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534))
        return 1;
    u32 want = QS_SANDBOX_ALL & ~(u32)(QS_SANDBOX_PID | QS_SANDBOX_SECCOMP);
    u32 got = qs_sandbox_enter(&(qs_sandbox_conf_t){.want = want});
    return got == want ? 0 : got & QS_SANDBOX_UTS ? 2 : 77;
}

Test(sandbox, a_plain_user_gets_all_of_it_where_there_are_user_namespaces)
{
    int end = child_says(plain_user_in_all);
    cr_expect(end == 0 || end == 77, "%d", end);
}

Test(sandbox, steps_are_named)
{
    char buf[128];
    cr_assert(eq(str, (char *)qs_sandbox_names(0, buf, sizeof(buf)), ""));
    cr_assert(eq(str, (char *)qs_sandbox_names(QS_SANDBOX_ALL, buf, sizeof(buf)),
                 "limits, fds, caps, no_new_privs, seccomp, landlock, mount, net, ipc, uts, pid"));
    cr_assert(eq(str, (char *)qs_sandbox_names(QS_SANDBOX_CAPS, buf, sizeof(buf)), "caps"));
    cr_assert(eq(str, (char *)qs_sandbox_names(QS_SANDBOX_BASIC, buf, 8), "limits,"));
    cr_assert(eq(str, (char *)qs_sandbox_step_name(QS_SANDBOX_STEP_CNT), "?"));
}

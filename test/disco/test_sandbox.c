/* Goal: behind the sandbox nothing can be opened, gained or started, and what was kept works.
   Method: a child enters it and tries, one thing after the other; each failure has its own exit
   code. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disco/qs_sandbox.h"

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
    u32 got = qs_sandbox_enter(keep, 3, 0);
    if (got != QS_SANDBOX_ALL)
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
    qs_sandbox_enter(NULL, 0, 0);
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
    qs_sandbox_enter(&fd, 1, 4096);
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
    qs_sandbox_enter(&null, 1, 0);
    u32 got = qs_sandbox_enter(&null, 1, 0);
    return (got & (QS_SANDBOX_LIMITS | QS_SANDBOX_NO_NEW_PRIVS)) && write(null, "x", 1) == 1 ? 0
                                                                                             : 1;
}

Test(sandbox, entering_twice_harms_nothing)
{
    cr_assert(eq(int, child_says(two_times), 0));
}

Test(sandbox, what_is_lacking_is_named)
{
    char buf[80];
    cr_assert(eq(str, (char *)qs_sandbox_lacks(QS_SANDBOX_ALL, buf, sizeof(buf)), ""));
    cr_assert(eq(str, (char *)qs_sandbox_lacks(0, buf, sizeof(buf)),
                 "limits, descriptors, capabilities, no_new_privs"));
    cr_assert(eq(str,
                 (char *)qs_sandbox_lacks(QS_SANDBOX_ALL & ~(u32)QS_SANDBOX_CAPS, buf, sizeof(buf)),
                 "capabilities"));
    cr_assert(eq(str, (char *)qs_sandbox_lacks(0, buf, 8), "limits,"));
}

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disco/qs_group.h"
#include "disco/qs_sandbox.h"
#include "tango/base/qs_log.h"

static qs_log_site_t floats = {.id = "QS-GRP-005", .level = QS_LOG_WARNING};
static qs_log_site_t unguarded = {.id = "QS-GRP-007", .level = QS_LOG_WARNING};

/* let_through clears close-on-exec of what this tile is given; everything else closes at exec. */
static void
let_through(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

void
qs_group_bind_self_(qs_group_t const *g, u32 tile)
{
    i32 cpu = g->plan->tile[tile].cpu;
    int err = cpu < 0 ? 0 : qs_cpus_bind((u32)cpu);
    char name[QS_NAME_MAX + 4];

    if (err)
        qs_log(&floats, "%s cannot have cpu %d: %s; it floats",
               qs_plan_label(g->plan, tile, name, sizeof(name)), cpu, strerror(-err));
}

static void
become_tile(qs_group_t *g, u32 tile, int log_fd, int supervisor_fd)
{
    qs_handover_t const *h = &g->tile[tile].handover;
    char number[16];
    struct pollfd ended = {.fd = supervisor_fd, .events = POLLIN};

    qs_log_errs(NULL); /* the table is the supervisor's to write */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (h->own_pids ? poll(&ended, 1, 0) != 0 : getppid() != g->boot->supervisor_pid)
        _exit(1); /* it died before the line above */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the supervisor, which halts us in good order */
    signal(SIGPIPE, SIG_IGN);
    int nothing =
        open("/dev/null", O_RDWR | O_CLOEXEC); /* our terminal and pipes are not for tiles */
    dup2(nothing < 0 ? log_fd : nothing, 0);
    dup2(nothing < 0 ? log_fd : nothing, 1);
    dup2(log_fd, 2);
    qs_group_bind_self_(g, tile);
    int handover[2]; /* a pipe: containers may forbid memfd_create */
    _Static_assert(sizeof(*h) <= PIPE_BUF, "a pipe takes it at once");
    if (pipe(handover) || write(handover[1], h, sizeof(*h)) != (ssize_t)sizeof(*h))
        _exit(1);
    fcntl(handover[1], F_SETFD, FD_CLOEXEC);
    let_through(h->boot_fd);
    let_through(h->bells_fd);
    for (u32 t = 0; t < QS_TILE_MAX; t++) {
        let_through(h->wksp_fd[t]);
        let_through(h->eventfd[t]);
    }
    for (u32 i = 0; i < h->kept_cnt; i++)
        let_through(h->kept_fd[i]);
    snprintf(number, sizeof(number), "%d", handover[0]);
    execl("/proc/self/exe", program_invocation_short_name, "tile", number, g->plan->tile[tile].name,
          NULL);
    _exit(127);
}

/* In a process namespace of its own the child cannot ask for its parent, so it gets a descriptor that
   tells whether we live. */
int
qs_group_spawn_(qs_group_t *g, u32 tile, int log_fd)
{
    bool want = qs_sandbox_want(g->conf.cfg->sandbox.level) & QS_SANDBOX_PID;
    int self = want ? (int)syscall(SYS_pidfd_open, getpid(), 0) : -1;
    qs_handover_t *h = &g->tile[tile].handover;
    pid_t pid = -1;

    h->own_pids = self >= 0;
    if (self >= 0)
        pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (pid < 0) {
        h->own_pids = false;
        pid = fork();
    }
    if (pid == 0)
        become_tile(g, tile, log_fd, self);
    if (self >= 0)
        close(self);
    return pid;
}

void
qs_group_say_unguarded_(qs_group_t const *g)
{
    u32 level = g->conf.cfg->sandbox.level;

    if (g->conf.threads)
        qs_log(&unguarded, "tiles are threads of one process: THERE IS NO SANDBOX");
    else if (level == QS_CONFIG_sandbox_level_off)
        qs_log(&unguarded,
               "THE SANDBOX IS OFF (sandbox.level = off): who takes over a tile has all "
               "that this user has");
    else if (level == QS_CONFIG_sandbox_level_basic)
        qs_log(&unguarded, "the sandbox is small (sandbox.level = basic): who takes over a tile "
                           "can make any system call");
}

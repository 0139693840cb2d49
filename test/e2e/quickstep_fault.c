/* quickstep with faults in it (disco/qs_fault.h): quickstep_fault --fault NAME,... COMMAND...
   The tiles it starts are itself again, and find the names in the environment.

   A single name sandbox.ATTACK lets every tile, at its first start and once in its sandbox, do what the
   table below says: as somebody would who has taken it over. */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "app/qs_main.h"
#include "disco/qs_fault.h"
#include "disco/qs_topos.h"
#include "tango/base/qs_log.h"

#define VARIABLE "QS_FAULTS"
#define ATTACK   "sandbox."

static void
open_file(qs_fault_attack_t const *a)
{
    (void)a;
    open("/", O_RDONLY | O_DIRECTORY);
}

static void
connect_socket(qs_fault_attack_t const *a)
{
    struct sockaddr_un nobody = {.sun_family = AF_UNIX};
    (void)a;
    connect(0, (struct sockaddr *)&nobody, sizeof(nobody));
}

static void
fork_child(qs_fault_attack_t const *a)
{
    (void)a;
    if (!fork())
        _exit(0);
}

static void
exec_program(qs_fault_attack_t const *a)
{
    char *const none[] = {NULL};
    (void)a;
    execve("/nothing", none, none);
}

static void
trace_supervisor(qs_fault_attack_t const *a)
{
    if (!ptrace(PTRACE_SEIZE, a->supervisor, 0, 0))
        ptrace(PTRACE_DETACH, a->supervisor, 0, 0);
}

static void
signal_supervisor(qs_fault_attack_t const *a)
{
    kill(a->supervisor, 0);
}

static void
get_code(qs_fault_attack_t const *a)
{
    (void)a;
    mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
set_clock(qs_fault_attack_t const *a)
{
    struct timespec never = {.tv_nsec = -1}; /* refused, if it gets so far */
    (void)a;
    syscall(SYS_clock_settime, CLOCK_REALTIME, &never);
}

static void
write_foreign(qs_fault_attack_t const *a)
{
    if (a->foreign)
        qs_store_relaxed((u64 *)a->foreign, qs_load_relaxed((u64 *)a->foreign));
}

static void
find_itself_broken(qs_fault_attack_t const *a)
{
    (void)a;
    abort(); /* no attack: what QS_ASSERT does, in the sandbox */
}

static struct {
    char const *name;
    void (*make)(qs_fault_attack_t const *attack);
} const attacks[] = {
    {"open", open_file},           {"connect", connect_socket},  {"fork", fork_child},
    {"exec", exec_program},        {"ptrace", trace_supervisor}, {"kill", signal_supervisor},
    {"mmap_exec", get_code},       {"clock_settime", set_clock}, {"write", write_foreign},
    {"abort", find_itself_broken},
};

static u32 chosen;

/* attack comes back only if nothing stopped it. */
static void
attack(qs_fault_attack_t const *a)
{
    static qs_log_site_t undenied = {.id = "TEST", .level = QS_LOG_ERROR};

    attacks[chosen].make(a);
    qs_log(&undenied, "attack %s was not denied", attacks[chosen].name);
}

static int
set_attack(char const *name)
{
    for (chosen = 0; chosen < QS_COUNT(attacks); chosen++) {
        if (strcmp(attacks[chosen].name, name))
            continue;
        qs_fault_attack = attack;
        return 0;
    }
    return -EINVAL;
}

int
main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "--fault")) {
        setenv(VARIABLE, argv[2], 1);
        argv[2] = argv[0];
        argc -= 2;
        argv += 2;
    }
    char const *names = getenv(VARIABLE);
    bool attacked = names && !strncmp(names, ATTACK, strlen(ATTACK));
    int err = !names ? 0 : attacked ? set_attack(names + strlen(ATTACK)) : qs_fault_set(names);
    if (err) {
        fprintf(stderr, "quickstep_fault: no such fault: %s\n", names);
        return 2;
    }
    return qs_main(argc, argv, qs_topos);
}

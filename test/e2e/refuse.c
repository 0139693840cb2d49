/* refuse ERRNO SYSCALL[,SYSCALL...] COMMAND... - runs a command in which those system calls fail, as
   they do in containers with a seccomp profile: with EPERM or ENOSYS, as ERRNO says. */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tango/base/qs_base.h"

#define NAME(x)                                                                                    \
    {                                                                                              \
#x, SYS_##x                                                                                \
    }

static struct {
    char const *name;
    u32 number;
} const calls[] = {
    NAME(mbind),     NAME(set_mempolicy), NAME(get_mempolicy),   NAME(setns),
    NAME(unshare),   NAME(bpf),           NAME(pidfd_open),      NAME(memfd_create),
    NAME(mount),     NAME(umount2),       NAME(perf_event_open), NAME(sched_setaffinity),
    NAME(capset),    NAME(eventfd2),      NAME(madvise),         NAME(close_range),
    NAME(fallocate), NAME(getrandom),     NAME(prlimit64),       NAME(chroot),
};

#define CALL_MAX 32u

static struct sock_filter code[2 * CALL_MAX + 3];
static u32 code_cnt;

static void
add(struct sock_filter line)
{
    code[code_cnt++] = line;
}

static bool
add_call(char const *name, u32 err)
{
    for (u32 i = 0; i < QS_COUNT(calls); i++) {
        if (strcmp(calls[i].name, name) != 0)
            continue;
        add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1));
        add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err));
        return true;
    }
    return false;
}

int
main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    u32 err = !strcmp(argv[1], "ENOSYS") ? ENOSYS : EPERM;
    char *list = argv[2];

    add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    for (char *name; (name = strsep(&list, ","));)
        if (code_cnt + 3 > QS_COUNT(code) || !add_call(name, err)) {
            fprintf(stderr, "refuse: no such system call here: %s\n", name);
            return 2;
        }
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    struct sock_fprog prog = {.len = (u16)code_cnt, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
        fprintf(stderr, "refuse: no seccomp: %s\n", strerror(errno));
        return 77;
    }
    execvp(argv[3], argv + 3);
    fprintf(stderr, "refuse: %s: %s\n", argv[3], strerror(errno));
    return 127;
}

/* refuse ERRNO SYSCALL[,SYSCALL...] COMMAND... - runs a command in which those system calls fail, as
   they do in containers with a seccomp profile: with EPERM or ENOSYS, as ERRNO says.  =SYSCALL,...
   means all but those, as a service manager's allow-list does; what this machine does not know of that
   list is passed over. */

#include <seccomp.h>
#include <unistd.h>

#include "tango/base/qs_base.h"

int
main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    u32 fails = SCMP_ACT_ERRNO(!strcmp(argv[1], "ENOSYS") ? ENOSYS : EPERM);
    bool only = argv[2][0] == '=';
    char *list = argv[2] + only;
    scmp_filter_ctx f = seccomp_init(only ? fails : SCMP_ACT_ALLOW);

    for (char *name; (name = strsep(&list, ","));) {
        int call = seccomp_syscall_resolve_name(name);
        if (only && call < 0)
            continue;
        if (call < 0 || seccomp_rule_add(f, only ? SCMP_ACT_ALLOW : fails, call, 0)) {
            fprintf(stderr, "refuse: no such system call here: %s\n", name);
            return 2;
        }
    }
    int err = seccomp_load(f);
    if (err) {
        fprintf(stderr, "refuse: no seccomp: %s\n", strerror(-err));
        return 77;
    }
    seccomp_release(f);
    execvp(argv[3], argv + 3);
    fprintf(stderr, "refuse: %s: %s\n", argv[3], strerror(errno));
    return 127;
}

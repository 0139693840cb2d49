#include "disco/qs_sandbox_calls.h"

#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Calls whose arguments do not matter, on descriptors that are open already. */
static int const plain[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),          /* the C library's last words */
    SCMP_SYS(ppoll),           /* sleeping on files */
    SCMP_SYS(restart_syscall), /* the same after SIGSTOP and SIGCONT */
    SCMP_SYS(clock_gettime),   /* where the vDSO cannot */
    SCMP_SYS(getrandom),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(getpid), /* abort */
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Calls that have rules: a list that names one gets no more of it. */
static int const checked[] = {SCMP_SYS(futex), SCMP_SYS(mmap), SCMP_SYS(tgkill)};

static bool
is_checked(int call)
{
    for (u32 i = 0; i < QS_COUNT(checked); i++)
        if (checked[i] == call)
            return true;
    return false;
}

/* A rule per line: all its comparisons must hold. */
typedef struct rule {
    int call;
    unsigned cnt;
    struct scmp_arg_cmp arg[2];
} rule_t;

#define EQ(n, x)     SCMP_CMP64((n), SCMP_CMP_EQ, (x), 0)
#define WITHIN(n, x) SCMP_CMP64((n), SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(x), 0)

static int
add_checked(scmp_filter_ctx f)
{
    rule_t const rule[] = {
        {SCMP_SYS(futex), 1, {EQ(1, FUTEX_WAIT)}}, /* bells */
        {SCMP_SYS(futex), 1, {EQ(1, FUTEX_WAKE)}},
        {SCMP_SYS(futex), 1, {EQ(1, FUTEX_WAIT_PRIVATE)}}, /* the C library's locks */
        {SCMP_SYS(futex), 1, {EQ(1, FUTEX_WAKE_PRIVATE)}},
        {SCMP_SYS(mmap),
         2,
         {WITHIN(2, PROT_READ | PROT_WRITE), EQ(3, MAP_PRIVATE | MAP_ANONYMOUS)}},
        {SCMP_SYS(tgkill), 2, {EQ(0, (u32)getpid()), EQ(2, SIGABRT)}},
    };
    int err = 0;

    for (u32 i = 0; !err && i < QS_COUNT(rule); i++)
        err = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, rule[i].call, rule[i].cnt, rule[i].arg);
    return err;
}

/* set_up: the tile runs no foreign code, so the kernel needs not slow it down against speculation, as
   older ones do with every process that has a filter. */
static int
set_up(scmp_filter_ctx f)
{
    int err = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);

    err = err ? err : seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
    (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return err;
}

/* make returns the filter, or NULL and -errno in *err. */
static scmp_filter_ctx
make(int const *more, int *err)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);

    *err = f ? set_up(f) : -ENOMEM;
    for (u32 i = 0; !*err && i < QS_COUNT(plain); i++)
        *err = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, plain[i], 0, NULL);
    *err = *err ? *err : add_checked(f);
    for (; !*err && more && *more >= 0; more++)
        if (!is_checked(*more))
            *err = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, *more, 0, NULL);
    if (!*err)
        return f;
    if (f)
        seccomp_release(f);
    return NULL;
}

int
qs_sandbox_calls_load(int const *more)
{
    int err;
    scmp_filter_ctx f = make(more, &err);

    if (!f)
        return err;
    err = seccomp_load(f);
    seccomp_release(f);
    return err;
}

int
qs_sandbox_calls_write(int const *more, int fd)
{
    int err;
    scmp_filter_ctx f = make(more, &err);

    if (!f)
        return err;
    err = seccomp_export_pfc(f, fd);
    seccomp_release(f);
    return err;
}

char const *
qs_sandbox_call_name(u64 number, char *buf, u64 buf_sz)
{
    char *name = number <= INT32_MAX
                     ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number)
                     : NULL;

    snprintf(buf, buf_sz, "%s", name ? name : "?");
    free(name);
    return buf;
}

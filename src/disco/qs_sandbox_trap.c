#include "disco/qs_sandbox_trap.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

static qs_sandbox_trap_t trap;

/* end is called by handlers: stores and one system call. */
_Noreturn static void
end(u32 reason, u64 call, u64 arg0, u64 arg1)
{
    qs_stem_metrics_t *m = trap.metrics;

    qs_metric_set(&m->denied_call, call);
    qs_metric_set(&m->denied_first, arg0);
    qs_metric_set(&m->denied_second, arg1);
    if (reason != QS_EXIT_ABORT)
        qs_metric_inc(&m->denied);
    qs_cnc_end(&trap.cnc, QS_CNC_FAILED, reason);
    _exit(1);
}

static void
on_call(int signal, siginfo_t *info, void *context)
{
    ucontext_t const *c = context;
    u64 arg[2] = {0};

    (void)signal;
#if defined(__x86_64__)
    arg[0] = (u64)c->uc_mcontext.gregs[REG_RDI];
    arg[1] = (u64)c->uc_mcontext.gregs[REG_RSI];
#elif defined(__aarch64__)
    arg[0] = c->uc_mcontext.regs[0];
    arg[1] = c->uc_mcontext.regs[1];
#else
    (void)c;
#endif
    end(QS_EXIT_DENIED, (u32)info->si_syscall, arg[0], arg[1]);
}

/* on_fault: any other fault is met once more, and then its default kills. */
static void
on_fault(int signal, siginfo_t *info, void *context)
{
    u8 const *at = info->si_addr;

    (void)signal;
    (void)context;
    if (info->si_code != SEGV_ACCERR)
        return;
    for (u32 i = 0; i <= QS_TILE_MAX; i++) {
        qs_wksp_t const *w = i < QS_TILE_MAX ? &trap.wksp[i] : trap.boot;
        if (i != trap.tile && w->mem && at >= w->mem && at < w->mem + w->map_sz)
            end(QS_EXIT_TRESPASS, i, (u64)(at - w->mem), 0);
    }
}

static void
on_abort(int signal)
{
    (void)signal;
    end(QS_EXIT_ABORT, 0, 0, 0);
}

int
qs_sandbox_trap_set(qs_sandbox_trap_t const *t, bool aborts)
{
    struct sigaction call = {.sa_sigaction = on_call, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND)};
    struct sigaction fault = {.sa_sigaction = on_fault,
                              .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND)};
    struct sigaction abort = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};

    trap = *t;
    if (sigaction(SIGSYS, &call, NULL) || sigaction(SIGSEGV, &fault, NULL))
        return -errno;
    return aborts && sigaction(SIGABRT, &abort, NULL) ? -errno : 0;
}

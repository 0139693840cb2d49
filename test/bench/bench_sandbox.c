/* bench sandbox - what it takes a process to enter the sandbox: all of it, and each step by itself.

   The sandbox cannot be left, so each turn is a child, which times itself by the clock and tells us
   through a pipe.  What the host refuses has no row; seccomp is timed with no_new_privs. */

#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "disco/qs_sandbox.h"

#define ALL (QS_SANDBOX_ALL & ~(u32)QS_SANDBOX_PID) /* that one is the supervisor's to give */

typedef struct told {
    double ns;
    u32 got;
} told_t;

static told_t
enter(bench_t const *b, u32 want)
{
    told_t told = {0};
    int ends[2], status = 0;

    QS_ASSERT(!pipe(ends));
    pid_t pid = fork();
    QS_ASSERT(pid >= 0);
    if (!pid) {
        qs_sandbox_conf_t conf = {.want = want, .fd = &ends[1], .fd_cnt = 1};
        double begun = bench_now_ns(b);
        told.got = qs_sandbox_enter(&conf);
        told.ns = bench_now_ns(b) - begun;
        _exit(write(ends[1], &told, sizeof(told)) != (ssize_t)sizeof(told));
    }
    close(ends[1]);
    bool heard = read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told);
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (!heard || status)
        told.got = 0;
    return told;
}

int
main(int argc, char **argv)
{
    static bench_t b;
    u32 want[QS_SANDBOX_STEP_CNT + 1];

    bench_init(&b, "sandbox", argc, argv);
    b.clock = CLOCK_MONOTONIC;
    for (u32 i = 0; i <= QS_SANDBOX_STEP_CNT; i++) {
        u32 steps = i ? 1u << (i - 1) : ALL;
        steps |= steps == QS_SANDBOX_SECCOMP ? (u32)QS_SANDBOX_NO_NEW_PRIVS : 0;
        if (!(steps & ALL))
            continue;
        u32 lacks = steps & ~enter(&b, steps).got;
        if (lacks) {
            char names[128];
            fprintf(stderr, "bench sandbox: not to be had here: %s\n",
                    qs_sandbox_names(lacks, names, sizeof(names)));
            continue;
        }
        want[b.row_cnt] = steps;
        bench_add(&b, &(bench_row_t){.what = i ? "entering one step" : "entering the sandbox",
                                     .variant = i ? qs_sandbox_step_name(i - 1) : "all but pid",
                                     .ops = 1});
    }
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++)
        for (u32 i = 0; i < b.row_cnt; i++)
            b.row[i].ns_per_op[round] = enter(&b, want[i]).ns;
    bench_finish(&b);
    return 0;
}

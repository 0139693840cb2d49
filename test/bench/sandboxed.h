/* sandboxed.h - the same work in a process that is in the sandbox and in one that is not, in turns.

   The sandbox cannot be left, so each is a child.  They share one core, wait for their turns in a pipe, and
   time themselves.  A child first prepares its work by go, which ends by calling twin_serve with
   the row; that one never returns. */

#ifndef QS_TEST_BENCH_SANDBOXED_H
#define QS_TEST_BENCH_SANDBOXED_H

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "disco/qs_sandbox.h"

#define WHAT_TWINS "seccomp and landlock on hot tiles"
#define TWIN_STEPS (QS_SANDBOX_ALL & ~(u32)QS_SANDBOX_PID)

typedef struct twin {
    pid_t pid;
    int ask, answer;
    u32 steps; /* of the sandbox: wanted, and then those it is in */
} twin_t;

static twin_t twin_self;

static inline void
twin_read(int fd, void *p, size_t sz)
{
    if (read(fd, p, sz) != (ssize_t)sz)
        _exit(1);
}

static inline void
twin_write(int fd, void const *p, size_t sz)
{
    if (write(fd, p, sz) != (ssize_t)sz)
        _exit(1);
}

static inline void
twin_serve(bench_t const *b, bench_row_t row)
{
    int keep[] = {twin_self.ask, twin_self.answer};
    u32 got = twin_self.steps ? qs_sandbox_enter(&(qs_sandbox_conf_t){
                                    .want = twin_self.steps, .fd = keep, .fd_cnt = 2})
                              : 0;

    twin_write(twin_self.answer, &got, sizeof(got));
    bench_warm_up(b, &row);
    for (u8 turn;;) {
        twin_read(twin_self.ask, &turn, 1);
        if (!turn)
            _exit(0);
        double ns = bench_calls_ns(b, &row, row.call_cnt) / (double)(row.call_cnt * row.ops);
        twin_write(twin_self.answer, &ns, sizeof(ns));
    }
}

static inline void
twin_start(twin_t *t, u32 steps, void (*go)(void))
{
    int ask[2], answer[2];

    QS_ASSERT(!pipe(ask) && !pipe(answer));
    t->pid = fork();
    QS_ASSERT(t->pid >= 0);
    if (!t->pid) {
        close(ask[1]); /* ours would keep us waiting when the parent is gone */
        twin_self = (twin_t){.ask = ask[0], .answer = answer[1], .steps = steps};
        go();
        _exit(1);
    }
    close(ask[0]);
    close(answer[1]);
    t->ask = ask[1];
    t->answer = answer[0];
    twin_read(t->answer, &t->steps, sizeof(t->steps));
}

/* twins_run adds two rows and fills them in. */
static inline void
twins_run(bench_t *b, char const *variant, u64 ops, void (*go)(void))
{
    twin_t twin[2];
    cpu_set_t all, one;
    bench_row_t *row = &b->row[b->row_cnt];
    char names[128];

    bench_add(b, &(bench_row_t){
                     .what = WHAT_TWINS, .variant = variant, .against = "no sandbox", .ops = ops});
    bench_add(b, &(bench_row_t){
                     .what = WHAT_TWINS, .variant = variant, .peer = "no sandbox", .ops = ops});
    QS_ASSERT(!sched_getaffinity(0, sizeof(all), &all));
    CPU_ZERO(&one);
    CPU_SET((u32)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    for (u32 i = 0; i < 2; i++)
        twin_start(&twin[i], i ? 0 : TWIN_STEPS, go);
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++)
        for (u32 i = 0; i < 2; i++) {
            u32 who = (round + i) & 1; /* each is first every other time */
            twin_write(twin[who].ask, &(u8){1}, 1);
            twin_read(twin[who].answer, &row[who].ns_per_op[round], sizeof(double));
        }
    for (u32 i = 0; i < 2; i++) {
        twin_write(twin[i].ask, &(u8){0}, 1);
        waitpid(twin[i].pid, NULL, 0);
    }
    sched_setaffinity(0, sizeof(all), &all);
    if (twin[0].steps != TWIN_STEPS)
        fprintf(stderr, "bench %s: this host's sandbox lacks %s\n", b->name,
                qs_sandbox_names(TWIN_STEPS & ~twin[0].steps, names, sizeof(names)));
}

#endif

/* duo.h - benches of two threads, one on each of two cores: bench.h's rows, with rounds that know
   whether anything else ran meanwhile.

   A row's ctx is a duo_row_t.  Its turn function runs on cpu 0, hands a job to the partner thread
   on cpu 1 with duo_start, waits for it with duo_join, and returns nanoseconds per operation.
   Two threads that wait for each other measure the scheduler as soon as one of them is
   preempted, so such a turn is thrown away and taken again, for every contender alike; but not
   where the threads sleep by design.

   Threads: duo_run's caller and the partner.  Blocks: spins.  Allocates: duo_arena. */

#ifndef QS_TEST_BENCH_DUO_H
#define QS_TEST_BENCH_DUO_H

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bench/bench.h"
#include "tango/base/qs_bits.h"

#define DUO_TRY_MAX 400u /* turns until an undisturbed one, per row and round */

typedef struct duo_row {
    double (*turn)(void *ctx); /* returns ns per operation */
    void *ctx;
    bool sleeps; /* gives up its core by design */
} duo_row_t;

typedef struct duo {
    alignas(QS_ALIGN) u64 posted; /* jobs handed to the partner */
    void (*job)(void *ctx);       /* null: the partner ends */
    void *job_ctx;
    alignas(QS_ALIGN) u64 begun;
    alignas(QS_ALIGN) u64 done;
    long partner_preempted;
    alignas(QS_ALIGN) pthread_t partner;
    u32 turn_cnt, disturbed_cnt, kept_disturbed_cnt;
} duo_t;

static duo_t duo;

static inline void
duo_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set)) {
        fprintf(stderr, "this bench needs cpu %d\n", cpu);
        exit(3);
    }
}

static inline u64
duo_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* duo_preempted returns how often the calling thread lost its core before it wanted to. */
static inline long
duo_preempted(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

/* duo_arena returns sz bytes, 2 MiB aligned, touched, in transparent huge pages if there are
   some: every contender's shared memory comes from here. */
static inline u8 *
duo_arena(u64 sz)
{
    u8 *mem = aligned_alloc(2u << 20, qs_align_up(sz, 2u << 20));
    QS_ASSERT(mem);
    madvise(mem, sz, MADV_HUGEPAGE);
    memset(mem, 0, sz);
    return mem;
}

static inline void *
duo_partner_(void *arg)
{
    duo_pin(1);
    for (u64 n = 1;; n++) {
        while (qs_load_acquire(&duo.posted) != n) /* pairs with duo_start */
            qs_pause();
        if (!duo.job)
            return arg;
        long before = duo_preempted();
        qs_store_release(&duo.begun, n);
        duo.job(duo.job_ctx);
        duo.partner_preempted = duo_preempted() - before;
        qs_store_release(&duo.done, n); /* pairs with duo_join */
    }
}

/* duo_start lets the partner run job and returns when it has begun. */
static inline void
duo_start(void (*job)(void *ctx), void *ctx)
{
    u64 n = duo.posted + 1;
    duo.job = job;
    duo.job_ctx = ctx;
    qs_store_release(&duo.posted, n);
    while (job && qs_load_acquire(&duo.begun) != n)
        qs_pause();
}

static inline void
duo_join(void)
{
    while (qs_load_acquire(&duo.done) != duo.posted)
        qs_pause();
}

/* duo_ticks reads the finest clock there is, duo_ns_per_tick says what it counts. */
QS_INLINE u64
duo_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return duo_now_ns();
#endif
}

static inline double
duo_ns_per_tick(void)
{
    static double ns_per_tick;
    if (ns_per_tick > 0)
        return ns_per_tick;
    u64 t0 = duo_ticks(), ns0 = duo_now_ns(), ns1;
    while ((ns1 = duo_now_ns()) - ns0 < 20000000u)
        qs_pause();
    ns_per_tick = (double)(ns1 - ns0) / (double)(duo_ticks() - t0);
    return ns_per_tick;
}

/* duo_median sorts cnt spans and returns the one in the middle. */
static inline double
duo_median(double *span, u64 cnt)
{
    qsort(span, cnt, sizeof(*span), bench_compare_);
    return span[cnt / 2];
}

/* duo_turn_ takes one turn that nothing disturbed, or the last of many. */
static inline double
duo_turn_(duo_row_t const *row)
{
    double ns = 0;
    for (u32 i = 0; i < DUO_TRY_MAX; i++) {
        long before = duo_preempted();
        ns = row->turn(row->ctx);
        duo.turn_cnt++;
        if (row->sleeps || (duo_preempted() == before && !duo.partner_preempted))
            return ns;
        duo.disturbed_cnt++;
    }
    duo.kept_disturbed_cnt++;
    return ns;
}

/* duo_run measures every row and prints them.  Returns the exit code. */
static inline int
duo_run(bench_t *b)
{
    duo_pin(0);
    QS_ASSERT(!pthread_create(&duo.partner, NULL, duo_partner_, NULL));
    for (u32 i = 0; i < b->row_cnt; i++)
        duo_turn_(b->row[i].ctx); /* warms up */
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++)
        for (u32 i = 0; i < b->row_cnt; i++)
            b->row[i].ns_per_op[round] = duo_turn_(b->row[i].ctx);
    duo_start(NULL, NULL);
    pthread_join(duo.partner, NULL);

    for (u32 i = 0; i < b->row_cnt; i++)
        qsort(b->row[i].ns_per_op, BENCH_ROUND_CNT, sizeof(double), bench_compare_);
    if (b->json)
        bench_print_json_(b);
    else
        bench_print_table_(b);
    if (duo.disturbed_cnt)
        fprintf(stderr, "bench %s: %u of %u turns were preempted and taken again, %u kept\n",
                b->name, duo.disturbed_cnt, duo.turn_cnt, duo.kept_disturbed_cnt);
    return 0;
}

#endif

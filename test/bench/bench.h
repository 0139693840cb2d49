/* bench.h - times ways of doing the same thing side by side, and prints who is faster.

   A contender is a function that does ops operations per call.  Every round runs every contender
   once, in turn, so that a noisy neighbour or a change of clock speed disturbs all of them; a
   contender's figure is the median of its rounds.

       static void ours(void *ctx);
       int main(int argc, char **argv)
       {
           static bench_t b;
           bench_init(&b, "sha512", argc, argv);
           bench_add(&b, &(bench_row_t){.what = "sha-512, 8 x 200 bytes", .variant = "avx512",
                                        .against = "OpenSSL", .fn = ours, .ctx = &in, .ops = 8});
           bench_add(&b, &(bench_row_t){.what = "sha-512, 8 x 200 bytes", .variant = "SHA512()",
                                        .peer = "OpenSSL", .fn = theirs, .ctx = &in, .ops = 8});
           return bench_run(&b);
       }

   The clock counts the processor time of this thread, so that what else ran here does not count.
   A bench that waits, or has threads of its own, sets b.clock to CLOCK_MONOTONIC.

   Without arguments it prints a table, with --json one object; anything else is exit code 2.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_TEST_BENCH_BENCH_H
#define QS_TEST_BENCH_BENCH_H

#include <time.h>

#include "tango/base/qs_base.h"

#define BENCH_ROW_MAX   64u
#define BENCH_ROUND_CNT 25u
#define BENCH_RUN_NS                                                                               \
    1500000.0 /* one turn: long against the clock's own cost, short against a time slice */

typedef struct bench_row {
    char const *what;    /* what is done; rows with the same text are compared */
    char const *variant; /* how: our kernel, or the peer's function */
    char const *peer;    /* whose code it is; null: ours */
    char const *against; /* ours only: the peer that ratio refers to */
    void (*fn)(void *ctx);
    void *ctx;
    u64 ops; /* operations per call of fn */

    /* The rest is filled in by bench_run. */
    u64 call_cnt;
    double ns_per_op[BENCH_ROUND_CNT]; /* sorted in the end: the median is in the middle */
} bench_row_t;

typedef struct bench {
    char const *name;
    bool json;
    clockid_t clock;
    u32 row_cnt;
    bench_row_t row[BENCH_ROW_MAX];
} bench_t;

static inline void
bench_init(bench_t *b, char const *name, int argc, char **argv)
{
    *b = (bench_t){.name = name, .clock = CLOCK_THREAD_CPUTIME_ID};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json")) {
            fprintf(stderr, "usage: %s [--json]\n", argv[0]);
            exit(2);
        }
        b->json = true;
    }
}

static inline void
bench_add(bench_t *b, bench_row_t const *row)
{
    QS_ASSERT(b->row_cnt < BENCH_ROW_MAX && row->ops);
    b->row[b->row_cnt++] = *row;
}

/* bench_absent tells the reader that a peer could not be measured, and why. */
static inline void
bench_absent(bench_t const *b, char const *peer, char const *why)
{
    fprintf(stderr, "bench %s: %s is absent: %s\n", b->name, peer, why);
}

/* bench_use makes the compiler believe that the bytes at p are read, so that work whose
   result nobody looks at is still done. */
QS_INLINE void
bench_use(void const *p)
{
    __asm__ volatile("" ::"r"(p) : "memory");
}

static inline double
bench_now_ns(bench_t const *b)
{
    struct timespec t;
    clock_gettime(b->clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline double
bench_calls_ns(bench_t const *b, bench_row_t const *row, u64 call_cnt)
{
    double start = bench_now_ns(b);
    for (u64 i = 0; i < call_cnt; i++)
        row->fn(row->ctx);
    return bench_now_ns(b) - start;
}

/* bench_warm_up runs the row until a turn is long enough to be timed. */
static inline void
bench_warm_up(bench_t const *b, bench_row_t *row)
{
    double ns = 0;
    for (row->call_cnt = 1; (ns = bench_calls_ns(b, row, row->call_cnt)) < BENCH_RUN_NS / 4;)
        row->call_cnt *= 2;
    row->call_cnt = (u64)((double)row->call_cnt * BENCH_RUN_NS / ns) + 1;
}

static inline int
bench_compare_(void const *a, void const *b)
{
    double x = *(double const *)a, y = *(double const *)b;
    return x < y ? -1 : x > y;
}

static inline double
bench_median_ns(bench_row_t const *row)
{
    return row->ns_per_op[BENCH_ROUND_CNT / 2];
}

/* bench_ratio returns how many times faster row is than the peer it names, 0 if there is none. */
static inline double
bench_ratio(bench_t const *b, bench_row_t const *row)
{
    for (u32 i = 0; row->against && i < b->row_cnt; i++) {
        bench_row_t const *peer = &b->row[i];
        if (peer->peer && !strcmp(peer->peer, row->against) && !strcmp(peer->what, row->what))
            return bench_median_ns(peer) / bench_median_ns(row);
    }
    return 0;
}

/* bench_cpu returns the processor's name as the kernel tells it. */
static inline char const *
bench_cpu(void)
{
    static char line[256];
    char const *name = "unknown";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10))
            continue;
        colon[strcspn(colon, "\n")] = 0;
        name = colon[1] == ' ' ? colon + 2 : colon + 1;
        break;
    }
    if (f)
        fclose(f);
    return name;
}

static inline void
bench_print_string_(char const *s)
{
    if (!s) {
        printf("null");
        return;
    }
    putchar('"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        if ((u8)*s >= ' ')
            putchar(*s);
    }
    putchar('"');
}

static inline void
bench_print_json_(bench_t const *b)
{
    printf("{\"bench\":");
    bench_print_string_(b->name);
    printf(",\"cpu\":");
    bench_print_string_(bench_cpu());
    printf(",\"rows\":[");
    for (u32 i = 0; i < b->row_cnt; i++) {
        bench_row_t const *row = &b->row[i];
        double ns = bench_median_ns(row), ratio = bench_ratio(b, row);
        printf("%s{\"what\":", i ? "," : "");
        bench_print_string_(row->what);
        printf(",\"variant\":");
        bench_print_string_(row->variant);
        printf(",\"ns_per_op\":%.3f,\"ops_per_s\":%.0f,\"peer\":", ns, 1e9 / ns);
        bench_print_string_(row->peer);
        if (ratio > 0)
            printf(",\"ratio\":%.3f}", ratio);
        else
            printf(",\"ratio\":null}");
    }
    printf("]}\n");
}

static inline void
bench_print_table_(bench_t const *b)
{
    printf("%s on %s, medians of %u rounds\n", b->name, bench_cpu(), BENCH_ROUND_CNT);
    printf("%-32s %-22s %12s %14s  %s\n", "what", "who", "ns per op", "ops per s", "faster than");
    for (u32 i = 0; i < b->row_cnt; i++) {
        bench_row_t const *row = &b->row[i];
        double ns = bench_median_ns(row), ratio = bench_ratio(b, row);
        char who[64];
        snprintf(who, sizeof(who), "%s%s%s", row->peer ? row->peer : "", row->peer ? " " : "",
                 row->variant);
        printf("%-32s %-22s %12.1f %14.0f", row->what, who, ns, 1e9 / ns);
        if (ratio > 0)
            printf("  %.2f x %s", ratio, row->against);
        printf("\n");
    }
}

/* bench_run measures every row and prints them.  Returns the exit code. */
static inline int
bench_run(bench_t *b)
{
    for (u32 i = 0; i < b->row_cnt; i++)
        bench_warm_up(b, &b->row[i]);
    for (u32 round = 0; round < BENCH_ROUND_CNT; round++) {
        for (u32 i = 0; i < b->row_cnt; i++) {
            bench_row_t *row = &b->row[i];
            double op_cnt = (double)(row->call_cnt * row->ops);
            row->ns_per_op[round] = bench_calls_ns(b, row, row->call_cnt) / op_cnt;
        }
    }
    for (u32 i = 0; i < b->row_cnt; i++)
        qsort(b->row[i].ns_per_op, BENCH_ROUND_CNT, sizeof(double), bench_compare_);
    if (b->json)
        bench_print_json_(b);
    else
        bench_print_table_(b);
    return 0;
}

#endif

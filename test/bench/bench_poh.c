/* Proof of history: checking entries of 12,500 hashes in lanes, against one stream of SHA-NI, which is the
   best that can be done with one entry after the other, and against OpenSSL.  An operation is a hash. */

#include <openssl/sha.h>

#include "bench/bench.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_poh.h"

#define WHAT    "PoH check, entries of 12,500 hashes"
#define HASHES  12500u
#define ENTRIES 16u
#define STREAM  "one SHA-NI stream"

static qs_poh_check_t check[ENTRIES];

static void
ours(void *kernel)
{
    static qs_poh_checker_t c;
    qs_poh_checker_init_with(&c, kernel);
    for (u32 i = 0; i < ENTRIES; i++)
        qs_poh_checker_add(&c, &check[i]);
    while (qs_poh_checker_step(&c, UINT64_MAX)) {
    }
    QS_ASSERT(!c.wrong_cnt);
}

static void
openssl(void *ctx)
{
    u8 state[QS_POH_SZ];
    (void)ctx;
    memcpy(state, check[0].start, sizeof(state));
    for (u32 i = 0; i < HASHES; i++)
        SHA256(state, sizeof(state), state);
    QS_ASSERT(!memcmp(state, check[0].hash, sizeof(state)));
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bool shani = qs_cpu_has(QS_CPU_SHANI);
    bench_init(&b, "poh", argc, argv);
    for (u32 i = 0; i < ENTRIES; i++) {
        check[i] = (qs_poh_check_t){.num_hashes = HASHES};
        memset(check[i].start, (int)i, QS_POH_SZ);
        memcpy(check[i].hash, check[i].start, QS_POH_SZ);
        qs_poh_append(check[i].hash, HASHES);
    }
    for (u32 i = 0; i < qs_poh_kernel_cnt; i++) {
        qs_poh_kernel_t const *k = &qs_poh_kernels[i];
        bool stream = k->lanes == 1 && k->needs == QS_CPU_SHANI;
        if (qs_cpu_has(k->needs))
            bench_add(&b, &(bench_row_t){.what = WHAT,
                                         .variant = k->name,
                                         .peer = stream ? STREAM : NULL,
                                         .against = stream  ? NULL
                                                    : shani ? STREAM
                                                            : "OpenSSL",
                                         .fn = ours,
                                         .ctx = (void *)(uintptr_t)k,
                                         .ops = (u64)ENTRIES * HASHES});
    }
    if (!shani)
        bench_absent(&b, STREAM, "this processor has no SHA-NI");
    bench_add(
        &b,
        &(bench_row_t){
            .what = WHAT, .variant = "SHA256()", .peer = "OpenSSL", .fn = openssl, .ops = HASHES});
    return bench_run(&b);
}

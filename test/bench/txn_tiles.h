/* txn_tiles.h - what stands around the tiles of the transaction front when they are measured: a source that
   does nothing of itself, and an end that counts. */

#ifndef QS_TEST_BENCH_TXN_TILES_H
#define QS_TEST_BENCH_TXN_TILES_H

#include "bench/one_thread.h"
#include "disco/qs_format.h"
#include "disco/qs_tiles.h"

static u64 out_cnt; /* fragments that came out at the end */

static u32
out_frag(void *self, qs_stem_t *s, qs_batch_t const *batch)
{
    (void)self, (void)s;
    out_cnt += batch->cnt;
    return batch->cnt;
}

static void
no_run(void *self, qs_stem_t *s)
{
    (void)self, (void)s;
}

/* clang-format off */
#define SOURCE_TILE(name_, to)                                                                    \
    {.name = name_, .out = {to}, .run = no_run}
#define END_TILE(name_, from_)                                                                    \
    {.name = name_, .in = {{.from = from_, .in_place = true}}, .frag = out_frag, .run = no_run}
#define NET_TO_VERIFY    { "net",    "verify", 4096, 1024, QS_UDP_MAX,      QS_LOSSY,    NULL }
#define VERIFY_TO_DEDUP  { "verify", "dedup",  1024,  256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL }
#define DEDUP_TO_OUT     { "dedup",  "out",    1024,  256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL }
/* clang-format on */

#endif

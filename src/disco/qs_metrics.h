/* qs_metrics - counters and gauges in shared memory, one list per tile.

   A tile writes its list once; struct, names, help, Prometheus text and monitor derive:

       #define DEDUP_METRICS(COUNTER, GAUGE)                                 \
           COUNTER(txn_dup, "transactions dropped as already seen")          \
           GAUGE(tag_cnt, "tags remembered now")
       QS_METRICS(dedup, DEDUP_METRICS);     -> dedup_metrics_t, dedup_metric_desc

   Counters only grow, across restarts too.  In Prometheus the first is called
   quickstep_dedup_txn_dup_total.  Units are base units and end the name (_ns, _bytes).

   Threads: one writer (the tile), any readers, also when it is dead.
   Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_METRICS_H
#define QS_DISCO_METRICS_H

#include "tango/base/qs_base.h"

typedef enum qs_metric_kind { QS_METRIC_COUNTER = 1, QS_METRIC_GAUGE } qs_metric_kind_t;

typedef struct qs_metric_desc {
    qs_metric_kind_t kind; /* 0 ends a list */
    char const *name;
    char const *help;
} qs_metric_desc_t;

#define QS_METRIC_FIELD_(name, help)   u64 name;
#define QS_METRIC_COUNTER_(name, help) {QS_METRIC_COUNTER, #name, help},
#define QS_METRIC_GAUGE_(name, help)   {QS_METRIC_GAUGE, #name, help},

#define QS_METRICS_STRUCT(tile, LIST)                                                              \
    typedef struct tile##_metrics {                                                                \
        LIST(QS_METRIC_FIELD_, QS_METRIC_FIELD_)                                                   \
    } tile##_metrics_t
#define QS_METRICS_DESC(tile, LIST)                                                                \
    static qs_metric_desc_t const tile##_metric_desc[] = {                                         \
        LIST(QS_METRIC_COUNTER_, QS_METRIC_GAUGE_){0, NULL, NULL}}
#define QS_METRICS(tile, LIST)                                                                     \
    QS_METRICS_STRUCT(tile, LIST);                                                                 \
    QS_METRICS_DESC(tile, LIST)

/* qs_metric_add and qs_metric_set write one u64 that other processes read: single writer. */
#define qs_metric_add(p, n) qs_store_relaxed((p), *(p) + (u64)(n))
#define qs_metric_inc(p)    qs_metric_add((p), 1)
#define qs_metric_set(p, v) qs_store_relaxed((p), (u64)(v))
#define qs_metric_get(p)    qs_load_relaxed(p)

QS_INLINE u32
qs_metric_cnt(qs_metric_desc_t const *desc)
{
    u32 cnt = 0;
    while (desc && desc[cnt].kind)
        cnt++;
    return cnt;
}

/* What the stem counts for every tile, input and output. */
/* clang-format off */
#define QS_STEM_METRICS(COUNTER, GAUGE)                                                       \
    COUNTER(caught_up_ns,     "time spent with nothing to do, asleep or spinning")            \
    COUNTER(processing_ns,    "time spent in batches that did work")                          \
    COUNTER(backpressured_ns, "time spent with work that had no credit to be published")      \
    COUNTER(park,             "times the tile went to sleep")                                 \
    COUNTER(wake,             "wakes it sent to its neighbours")                              \
    COUNTER(start,            "times the tile was started")                                   \
    GAUGE(sandbox,            "steps of the sandbox it is in, a sum: 1 limits, 2 fds, 4 caps, 8 no_new_privs, " \
                              "16 seccomp, 32 landlock, 64 mount, 128 net, 256 ipc, 512 uts, 1024 pid") \
    GAUGE(sandbox_ns,         "time that entering it took at the last start")                 \
    COUNTER(denied,           "times it was ended because it did what it may not")            \
    GAUGE(denied_call,        "number of the system call that it made then, or the tile whose workspace it wrote") \
    GAUGE(denied_first,        "first argument of that call, or the offset in the workspace")  \
    GAUGE(denied_second,        "second argument of that call")

#define QS_IN_METRICS(COUNTER, GAUGE)                                                         \
    COUNTER(frag,     "fragments handed to the tile")                                         \
    COUNTER(bytes,    "payload bytes of those")                                               \
    COUNTER(batch,    "batches they came in")                                                 \
    COUNTER(filtered, "fragments the tile did not want")                                      \
    COUNTER(lost,     "fragments overwritten before they were read")                          \
    COUNTER(bad,      "descriptors whose chunk or size lie outside the link")

#define QS_OUT_METRICS(COUNTER, GAUGE)                                                        \
    COUNTER(frag,      "fragments published")                                                 \
    COUNTER(bytes,     "payload bytes of those")                                              \
    COUNTER(no_credit, "times a fragment could not be published because a consumer lags")     \
    COUNTER(cut,       "times an expendable consumer was given up")
/* clang-format on */

QS_METRICS_STRUCT(qs_stem, QS_STEM_METRICS);
QS_METRICS_STRUCT(qs_in, QS_IN_METRICS);
QS_METRICS_STRUCT(qs_out, QS_OUT_METRICS);

extern qs_metric_desc_t const qs_stem_metric_desc[];
extern qs_metric_desc_t const qs_in_metric_desc[];
extern qs_metric_desc_t const qs_out_metric_desc[];

/* qs_metric_hash tells lists apart, desc and the stem's three together: numbers in shared memory mean
   the same to two programs if it is the same in both. */
u64 qs_metric_hash(qs_metric_desc_t const *desc);

#endif

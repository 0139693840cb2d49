#include "disco/qs_metrics.h"

#include "tango/base/qs_hash.h"

#define QS_METRICS_TABLE(tile, LIST)                                                               \
    qs_metric_desc_t const tile##_metric_desc[] = {                                                \
        LIST(QS_METRIC_COUNTER_, QS_METRIC_GAUGE_){0, NULL, NULL}}

QS_METRICS_TABLE(qs_stem, QS_STEM_METRICS);
QS_METRICS_TABLE(qs_in, QS_IN_METRICS);
QS_METRICS_TABLE(qs_out, QS_OUT_METRICS);

static u64
hash_list(u64 hash, qs_metric_desc_t const *desc)
{
    for (; desc && desc->kind; desc++) {
        u8 kind = (u8)desc->kind;
        hash = qs_hash_bytes(hash, &kind, sizeof(kind));
        hash = qs_hash_bytes(hash, desc->name, strlen(desc->name) + 1);
    }
    return qs_hash_bytes(hash, "", 1);
}

u64
qs_metric_hash(qs_metric_desc_t const *desc)
{
    u64 hash = hash_list(0, desc);

    hash = hash_list(hash, qs_stem_metric_desc);
    hash = hash_list(hash, qs_in_metric_desc);
    return hash_list(hash, qs_out_metric_desc);
}

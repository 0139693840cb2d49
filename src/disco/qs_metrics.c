#include "disco/qs_metrics.h"

#define QS_METRICS_TABLE(tile, LIST)                                                               \
    qs_metric_desc_t const tile##_metric_desc[] = {                                                \
        LIST(QS_METRIC_COUNTER_, QS_METRIC_GAUGE_){0, NULL, NULL}}

QS_METRICS_TABLE(qs_stem, QS_STEM_METRICS);
QS_METRICS_TABLE(qs_in, QS_IN_METRICS);
QS_METRICS_TABLE(qs_out, QS_OUT_METRICS);

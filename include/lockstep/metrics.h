/* Metrics: what the recipe's key "metrics" asks for, of the predictions on a set of rows. */
#ifndef LOCKSTEP_METRICS_H
#define LOCKSTEP_METRICS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LS_METRICS_MAX = 32, LS_METRIC_NAME_SIZE = 112 };

typedef struct ls_metric {
    char name[LS_METRIC_NAME_SIZE]; /* "accuracy", "top_5", "f1"; with several outputs "NAME.accuracy" */
    double value;                   /* NaN where it is not defined for these rows, and for a matrix */
    /* The confusion matrix; classes is 0 for all other metrics. Not owned: valid until the next evaluation of
       the same run or predictor, and not in ls_run_result. */
    int classes;
    const int64_t *confusion; /* [classes][classes]: rows of each true class, columns of each predicted one */
    const char *const *class_names; /* [classes] */
} ls_metric;

typedef struct ls_metrics {
    int count;
    ls_metric item[LS_METRICS_MAX];
} ls_metrics;

#ifdef __cplusplus
}
#endif
#endif

/* Metrics of predictions. One file a metric (or a few of one kind) with one table each, one line in
 * nn/registry.h. All that a metric sums is exact, integers or wide sums, or an order of all scores, so that
 * its value does not depend on threads and ranks. */
#ifndef LS_NN_METRIC_H
#define LS_NN_METRIC_H

#include "base/wide.h"
#include "nn/loss.h"

typedef struct ls_metric_fit { /* what there is to judge */
    int64_t units;             /* of the predictions */
    int classes;               /* 0: target values */
    int64_t outputs;           /* target values a row, 0 with classes */
    const float *origin; /* [outputs]: the targets of the first row, near which sums of targets are kept */
} ls_metric_fit;

typedef struct ls_metric_panel { /* of one thread; lanes from count on hold nothing */
    const ls_metric_fit *fit;
    int64_t lanes, count;
    const float *x;         /* [units][lanes]: the outputs as the loss gets them */
    const float *predicted; /* [units][lanes]: what predict writes */
    const int32_t *index;   /* [lanes]: the class that is predicted; with classes */
    const int32_t *label;   /* [lanes]: the true class, -1 where the loss ignores it; with classes */
    const float *values;    /* [outputs][lanes]: targets; with target values */
} ls_metric_panel;

/* Room for sums: counts are plain integers, sums are wide. All begin as 0. */
typedef struct ls_metric_sums {
    int64_t *count;
    ls_wide *sum;
} ls_metric_sums;

typedef struct ls_metric_type {
    ls_component_type base;
    bool of_classes; /* else of target values */
    /* What does not fit, without place; NULL: nothing but of_classes. */
    ls_status (*check)(const void *options, const ls_metric_fit *fit);
    /* How many of each are wanted; NULL: none. */
    int64_t (*counts)(const ls_metric_fit *fit);
    int64_t (*sums)(const ls_metric_fit *fit);
    void (*add)(const void *options, const ls_metric_panel *panel, ls_metric_sums *to);
    /* From the sums over all rows. NaN where nothing was counted. */
    double (*value)(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from);
    /* The name in records; NULL: that of the type. */
    void (*name)(const void *options, char *name, size_t size);
    bool is_matrix; /* the counts [classes][classes] are the result, and value is NULL */
    /* For metrics of an order of all rows, in place of sums: the value for one class against the others, from
     * the scores [rows] of that class; labels below 0 are left out; work [2 * rows]. NaN where it is not
     * defined. The metric is that of the second class of two, else the mean over the classes where it is. */
    double (*of_scores)(int64_t rows, const float *score, const int32_t *label, int32_t of, uint64_t *work);
} ls_metric_type;

extern const ls_registry ls_metric_registry;

#endif

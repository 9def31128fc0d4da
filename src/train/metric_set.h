/* The metrics of one evaluation: each thread adds what it sees to sums of its own, then all are put together,
 * exactly. */
#ifndef LS_TRAIN_METRIC_SET_H
#define LS_TRAIN_METRIC_SET_H

#include <lockstep/metrics.h>
#include "nn/metric.h"
#include "parallel/comm.h"

typedef struct ls_metric_request {
    const ls_component_list *metrics; /* of the recipe; empty: accuracy or rmse */
    const char *file;                 /* of the recipe, for messages */
    ls_metric_fit fit;
    const char *const *class_names; /* [fit.classes] */
    const char *prefix; /* of the names: the output's, which takes only what fits its kind of targets; NULL:
                           there is one output alone, and all must fit */
    int threads;
} ls_metric_request;

typedef struct ls_metric_part { /* one metric of the set */
    const ls_metric_type *type;
    const void *options;
    int64_t first_count, first_sum;
} ls_metric_part;

typedef struct ls_metric_set {
    ls_metric_fit fit;
    float *origin; /* of fit */
    const char *const *class_names;
    int part_count;
    ls_metric_part *part;
    int threads;
    int64_t counts, sums;   /* of a thread */
    int64_t words;          /* of a thread: counts, then sums, and padding */
    int64_t *memory;        /* [threads][words] */
    bool scores_wanted;     /* rows are kept for metrics of an order */
    int64_t rows, capacity; /* of this rank */
    float *score;           /* [score_columns][capacity] */
    int32_t *label;         /* [capacity] */
    ls_metrics result;
} ls_metric_set;

/* Local. Errors: LS_ERROR_RECIPE where a metric does not fit the output, with its place; LS_ERROR_MEMORY. */
ls_status ls_metric_set_create(const ls_metric_request *request, ls_metric_set *set);
void ls_metric_set_free(ls_metric_set *set);

/* Begins an evaluation in which this rank sees rows rows. Local; gets memory where there are metrics of an
 * order. */
ls_status ls_metric_set_begin(ls_metric_set *set, int64_t rows);
/* A panel whose first lane is row first of this rank. Panels of different threads at the same time. */
void ls_metric_set_add(ls_metric_set *set, int thread, int64_t first, const ls_metric_panel *panel);
/* set->result from the rows of all ranks, the same on each. Collective. */
ls_status ls_metric_set_finish(ls_metric_set *set, ls_comm *comm);

#endif

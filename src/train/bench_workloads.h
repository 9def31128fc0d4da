/* The workloads of "lockstep bench": networks and batches that others measure, too. Their names are relied on
 * by scripts. */
#ifndef LS_TRAIN_BENCH_WORKLOADS_H
#define LS_TRAIN_BENCH_WORKLOADS_H

#include "nn/layer.h"

typedef struct ls_workload {
    const char *name, *describe;
    ls_shape input;
    int classes; /* 1: one logit with labels 0 and 1 */
    int batch;
    const char *model, *loss, *optimizer; /* as in a recipe */
} ls_workload;

extern const ls_workload ls_workloads[];
extern const int ls_workload_count;

#endif

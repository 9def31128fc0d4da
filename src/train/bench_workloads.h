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

enum { LS_WORKLOAD_LAYERS_MAX = 64, LS_WORKLOAD_TEXT = 64 * (LS_WORKLOAD_LAYERS_MAX + 1) };

/* A workload that is made up from its name: "dense-784-512-256-10-b128" is a network of 784 inputs and dense
 * layers of 512 and 256 (relu) and 10 units, batch 128, momentum. name stays the caller's and must outlive
 * it; text gets the layers. False where the name is none of these. */
bool ls_workload_from_name(const char *name, ls_workload *work, char text[LS_WORKLOAD_TEXT]);

#endif

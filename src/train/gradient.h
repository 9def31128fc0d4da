/* Weight gradients: for each task of the plan, for each local grain, one small matrix product into a
 * cache-resident float tile, rounded into a cache-resident integer tile. */
#ifndef LS_TRAIN_GRADIENT_H
#define LS_TRAIN_GRADIENT_H

#include "nn/plan.h"

typedef struct ls_gradient_scratch { /* of one thread */
    float *packed; /* [rows][LS_BLOCK] activations of one block of columns, samples as rows */
    float *tile;   /* [LS_TILE_ROWS][LS_BLOCK] */
    uint64_t *sum; /* [LS_TILE_ROWS][LS_BLOCK] */
} ls_gradient_scratch;

enum { LS_TILE_ROWS = 48 };

typedef struct ls_gradient_job {
    const ls_plan *plan;
    const ls_kernels *kernels;
    const float *memory;         /* of all panels, one after the other */
    int64_t rows;                /* of this rank; the first plan->lanes in panel 0, and so on */
    bool exact;                  /* false: one float sum over all rows of the rank */
    const ls_exact_scale *scale; /* [parameter_count] */
    uint64_t terms;              /* grains of the global batch */
    double factor;               /* that the sum over samples is multiplied by */
    uint64_t *sums;  /* arena of the sums of this rank; NULL if it is alone: then gradient gets the result */
    float *gradient; /* arena */
} ls_gradient_job;

ls_status ls_gradient_scratch_create(int64_t rows, ls_gradient_scratch *scratch);
void ls_gradient_scratch_free(ls_gradient_scratch *scratch);

/* One task. Tasks of a step may run in any order on any thread. */
void ls_gradient_run(const ls_gradient_job *job, const ls_tile_task *task, ls_gradient_scratch *scratch);

#endif

/* Weight gradients: for each task of the plan, for each local grain, one small matrix product into a
 * cache-resident float tile, rounded into a cache-resident integer tile. */
#ifndef LS_TRAIN_GRADIENT_H
#define LS_TRAIN_GRADIENT_H

#include <stdatomic.h>

#include "nn/plan.h"

typedef struct ls_gradient_scratch { /* of one thread */
    float *tile;                     /* [LS_TILE_ROWS][ld] */
    uint64_t *sum;                   /* [LS_TILE_ROWS][ld] */
    ls_grain_part *part;             /* of one grain */
    float *layer;                    /* [plan.tile_scratch] */
    int64_t ld;                      /* of tiles: the widest one and the padding of a row that ends in it */
} ls_gradient_scratch;

typedef struct ls_gradient_splits { /* where threads share the samples of a tile */
    uint64_t *sum;                  /* [plan.splits][plan.split_elements] of each group of samples */
    atomic_int *left;               /* [plan.tile_count] groups that are not done */
} ls_gradient_splits;

typedef struct ls_gradient_job {
    const ls_plan *plan;
    const ls_kernels *kernels;
    int64_t rows;               /* that the gradients are made of */
    const ls_sample_part *part; /* [parts]: where they lie; grains are whole */
    int64_t parts;
    bool exact;                  /* false: one float sum over all rows of the rank */
    const ls_exact_scale *scale; /* [parameter_count] */
    uint64_t terms;              /* grains of the global batch */
    double factor;               /* that the sum over samples is multiplied by */
    double mean_factor;          /* the same for untrained parameters: one over the rows of the batch */
    uint64_t *sums;  /* arena of the sums of this rank; NULL if it is alone: then gradient gets the result */
    float *gradient; /* arena */
    const ls_gradient_splits *splits;
    ls_small_outer *small; /* [task_count] as ls_gradient_prepare_small made it, if ls_gradient_is_small; else
                              NULL */
} ls_gradient_job;

/* For grains of up to parts parts; a thread that makes no gradients has 0. */
ls_status ls_gradient_scratch_create(const ls_plan *plan, int64_t parts, ls_gradient_scratch *scratch);
void ls_gradient_scratch_free(ls_gradient_scratch *scratch);

/* For the tasks of a plan as they are. */
ls_status ls_gradient_splits_create(const ls_plan *plan, ls_gradient_splits *splits);
void ls_gradient_splits_free(ls_gradient_splits *splits);

/* That the sum of a parameter is multiplied by. */
double ls_gradient_factor(const ls_gradient_job *job, int parameter);

/* Columns up to the end of the padding if the block reaches the end of the rows: sums hold terms there, too.
 */
int64_t ls_gradient_width(const ls_gradient_job *job, const ls_tile_task *task);

/* A task of the kind LS_GRADIENT_ROWS (train/gradient_rows.c). */
void ls_gradient_run_rows(const ls_gradient_job *job, const ls_tile_task *task);

/* For each task of the plan with a kernel of its own for few columns, what it is called with from step to
 * step (but rows, scale, terms and factor); M 0 for the others. */
void ls_gradient_prepare_small(const ls_plan *plan, const float *memory, float *gradient,
                               ls_small_outer *small);

/* Whether that kernel can be used: no other rank has samples, and they are in one panel. */
bool ls_gradient_is_small(const ls_gradient_job *job);

/* One task, by its number in the plan. Tasks of a step may run in any order on any thread. */
void ls_gradient_run(const ls_gradient_job *job, int index, ls_gradient_scratch *scratch);

#endif

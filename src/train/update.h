/* From sums to new weights: the last phase of a step. */
#ifndef LS_TRAIN_UPDATE_H
#define LS_TRAIN_UPDATE_H

#include "train/step.h"

typedef struct ls_update_job {
    ls_step *step;
    double learning_rate;
    double factor;  /* that sums over samples are multiplied by */
    uint64_t terms; /* grains of the batch */
    int64_t rows;   /* samples of the batch */
} ls_update_job;

/* The gradient of a piece from the sums over ranks into to; or, where there are no sums, the place in the
 * arena itself. */
const float *ls_update_gradient(const ls_update_job *job, const ls_piece *piece, float *to);

/* Sum of squares of a piece, one chain in double precision (times the factor that float sums still lack). */
double ls_update_norm_part(const ls_update_job *job, const ls_piece *piece, const float *gradient);

/* New weights and optimiser state for one piece. scale: of clipping, 1 without. */
void ls_update_piece(const ls_update_job *job, const ls_piece *piece, const float *gradient, double scale);

/* Lets a layer bring the parameters that it keeps itself up to date (train/after_step.c). */
void ls_update_node(const ls_update_job *job, int node);

#endif

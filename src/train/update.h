/* From sums to new weights: the last phase of a step. */
#ifndef LS_TRAIN_UPDATE_H
#define LS_TRAIN_UPDATE_H

#include <stdatomic.h>

#include "train/step.h"

typedef struct ls_update_job {
    ls_step *step;
    double learning_rate;
    double factor;   /* that sums over samples are multiplied by */
    uint64_t terms;  /* grains of the batch */
    int64_t rows;    /* samples of the batch */
    float *total;    /* arena: the sum over the parts of the batch so far; NULL: the batch is not collected */
    bool first_part; /* total begins anew */
    bool measures;   /* for step->health */
    /* Pieces and nodes are handed out, one counter a phase. */
    _Alignas(64) atomic_int next_collected;
    atomic_int next_mean, next_norm, next_square, next_piece;
} ls_update_job;

/* The number of a piece that is this rank's to update and that nobody has taken from next; -1: none is left.
 */
static inline int ls_update_take(const ls_update_job *job, const ls_team *team, atomic_int *next)
{
    const ls_plan *plan = &job->step->plan;
    int64_t index = plan->home_piece[0][0] + ls_team_take(team, next);
    return index < plan->home_piece[LS_SECTIONS - 1][plan->home_count] ? (int)index : -1;
}

/* The gradient of a piece, of the part of the batch at hand, from the sums over ranks into to; or, where
 * there are no sums, the place in the arena itself. */
const float *ls_update_gradient(const ls_update_job *job, const ls_piece *piece, float *to);

/* Takes the gradients of the part of the batch at hand, and the means that layers want, into job->total.
 * Called by every thread of the team (train/accumulate.c). */
void ls_update_collect(ls_update_job *job, const ls_team *team, int thread);

/* New weights and optimiser state: the norm of the gradient where it is clipped, norms of parameters where
 * the optimiser wants them, then piece after piece. Called by every thread of the team. */
void ls_update_run(ls_update_job *job, ls_team *team, int thread);

/* Whether a parameter is kept by its layer from means over the batch, and the mean of the part at hand (over
 * the samples of the whole batch). */
bool ls_update_is_mean(const ls_step *step, int parameter);
const float *ls_update_mean(const ls_update_job *job, int parameter);

/* Lets a layer bring the parameters that it keeps itself up to date (train/after_step.c). */
void ls_update_node(const ls_update_job *job, int node);

#endif

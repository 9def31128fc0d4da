/* Steps of optimisers that evaluate the loss of all rows several times (optim/function.h). */
#ifndef LS_TRAIN_WHOLE_BATCH_H
#define LS_TRAIN_WHOLE_BATCH_H

#include "optim/function.h"
#include "train/batch.h"
#include "train/step.h"

struct ls_trainer;

typedef struct ls_whole_state {
    int states, vectors;
    float **vector;                       /* [vectors] arenas, those of the state first */
    int64_t number[LS_ITERATION_NUMBERS]; /* part of checkpoints, as the states are */
    bool known;                           /* value, gradient and score are those of the weights */
    double value;
    ls_score score;
} ls_whole_state;

/* Whether the optimiser of the recipe is one of those. */
bool ls_whole_wanted(const ls_recipe *recipe);
/* Whether the recipe and the model fit such an optimiser. Errors: LS_ERROR_RECIPE. Local. */
ls_status ls_whole_check(const struct ls_trainer *trainer);
ls_status ls_whole_create(struct ls_trainer *trainer);
void ls_whole_free(struct ls_trainer *trainer);

/* One step on all training rows. call: status and wish of this rank, learning rate. Collective. */
ls_status ls_whole_step(struct ls_trainer *trainer, ls_step_call *call);

/* Why it is over, in words; NULL while it is not. */
const char *ls_convergence_text(int64_t convergence);

#endif

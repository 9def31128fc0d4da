/* The inside of a trainer: everything a training consists of, on one rank. */
#ifndef LS_TRAIN_TRAINER_H
#define LS_TRAIN_TRAINER_H

#include <lockstep/trainer.h>
#include "data/dataset.h"
#include "io/recipe.h"
#include "parallel/context.h"
#include "train/decide.h"
#include "train/step.h"
#include "train/whole_batch.h"

struct ls_trainer {
    ls_context *context;     /* not owned */
    const ls_recipe *recipe; /* not owned */
    bool described; /* the data are not there, only what the recipe says of them: shapes and classes */
    ls_dataset train, test;
    ls_normalisation normalisation;
    ls_model model;
    ls_step step;
    bool has_classes;       /* some output predicts classes */
    ls_metric_set *metrics; /* [LS_HEADS_MAX], those of the heads in use are made */
    uint64_t data_digest;
    int64_t batch; /* rows of a full batch */
    /* where the training is: all of it is in checkpoints */
    int64_t epoch;       /* finished epochs */
    int64_t position;    /* rows of the current epoch that are done */
    int64_t epoch_steps; /* steps of the current epoch that are done */
    ls_score carried;    /* score of the current epoch up to the last checkpoint */
    double wall_before;  /* seconds before this process resumed */
    ls_decisions decisions;
    ls_whole_state *whole; /* NULL unless the optimiser works on whole batches */
    bool measure;          /* the health of the layers in the next step */
    int64_t health_is_new; /* measured since the last record; part of checkpoints */
    int64_t averaged;      /* how often weights went into the average */
    float *average;        /* arena; NULL without training.average */
    float *best;           /* arena of the rank that writes: weights of the best epoch; NULL elsewhere */
    /* derived */
    uint32_t *order;     /* of the current epoch; NULL if rows are taken in order */
    int64_t order_epoch; /* that order is of; -1: none yet */
};

/* Loads and builds everything; the steps are those of a new training. Collective, the same status everywhere.
 */
ls_status ls_trainer_setup(ls_context *context, const ls_recipe *recipe, ls_trainer *trainer);
/* The same without the data, for looking at the model: it has no rows, and cannot be trained. Errors:
 * LS_ERROR_RECIPE also where the recipe does not tell the shape of a row. */
ls_status ls_trainer_setup_described(ls_context *context, const ls_recipe *recipe, ls_trainer *trainer);
void ls_trainer_clear(ls_trainer *trainer);

/* Part of both, in trainer_data.c. Local. */
ls_status ls_trainer_load_data(ls_trainer *trainer);

/* The learning rate of the next step. */
double ls_trainer_rate(const ls_trainer *trainer);

/* What happens to rows that are trained on; NULL: nothing. */
const ls_component_list *ls_trainer_augment(const ls_trainer *trainer);

/* One step, and what follows from it: averages, too many skipped steps. Collective. */
ls_status ls_trainer_step_on(ls_trainer *trainer, ls_step_call *call);

/* The next rows of the current epoch. Collective. */
ls_status ls_trainer_advance(ls_trainer *trainer, ls_status mine, ls_wish *wish);
bool ls_trainer_epoch_is_over(const ls_trainer *trainer);

/* The score of the current epoch so far, over all ranks. Collective. */
ls_status ls_trainer_epoch_score(ls_trainer *trainer, ls_score *score);

/* The share of samples whose class was predicted right; NaN without classes. */
double ls_score_accuracy(const ls_score *score, const ls_trainer *trainer);

/* Takes the weights of this moment into the average where they belong there: after a step that changed them,
 * or after an epoch. Local; the same on all ranks. */
void ls_trainer_average(ls_trainer *trainer, bool epoch_end);

/* The weights that results are told of and models are written with: the average once it has begun. */
float *ls_trainer_weights(const ls_trainer *trainer);

/* Loss and metrics of the test set with other weights than those that are trained. Collective. */
ls_status ls_trainer_evaluate(ls_trainer *trainer, float *weights, ls_score *score);
/* Makes the metrics that the recipe asks for, for rows such as those of data (its first row keeps sums of
 * targets small). Local. */
ls_status ls_trainer_make_metrics(ls_trainer *trainer, const ls_dataset *data);
void ls_trainer_free_metrics(ls_trainer *trainer);
/* The metrics of the last evaluation, which gave this score. */
void ls_trainer_metrics(const ls_trainer *trainer, const ls_score *score, ls_metrics *metrics);

/* Compares the parameters of all ranks; LS_ERROR_REPLICA names the rank and the first tensor that differs.
 * Collective. */
ls_status ls_replica_check(ls_step *step);

#endif

/* Training: a whole run from a recipe, or step by step inside another program. */
#ifndef LOCKSTEP_TRAINER_H
#define LOCKSTEP_TRAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <lockstep/context.h>
#include <lockstep/metrics.h>
#include <lockstep/recipe.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is known after an epoch, and at the end. NaN where a number does not apply. */
typedef struct ls_progress {
    int64_t epoch, epochs; /* finished, planned */
    int64_t step, steps;   /* finished, planned, over the whole run */
    double loss;           /* training loss of the epoch (mean over samples, or mean over steps of the sum) */
    double accuracy;       /* of training samples as they were trained on */
    double test_loss, test_accuracy; /* NaN where not evaluated in this epoch or there is no test set */
    ls_metrics test_metrics;         /* of that evaluation; none where there was none */
    double learning_rate;
    double gradient_norm; /* of the last step, before clipping; NaN unless clipping is on */
    double samples_per_s, wall_s;
    int64_t skipped_steps;          /* left out because of infinity or NaN, with the policy "skip" */
    int64_t best_epoch;             /* with early stopping: the best epoch so far, 1 for the first; else 0 */
    bool stopped_early;             /* no improvement for as long as the recipe allows */
    bool converged;                 /* of optimisers that can tell */
    const struct ls_health *health; /* of the layers, where it was measured; for records */
    const char *weights; /* finished: what was written: "last", "average" or "best" (of best_epoch); else
                            NULL */
    bool epoch_end;      /* false: within an epoch (at most about ten times a second) */
    bool finished;
} ls_progress;

typedef struct ls_run_options {
    const char *directory; /* run directory; NULL: nothing is written */
    bool resume;           /* continue from the newest valid checkpoint */
    bool overwrite;        /* a finished run in directory may be replaced */
    void (*progress)(void *user, const ls_progress *progress); /* called on rank 0 by the calling thread;
                                                                  NULL: not wanted */
    void (*note)(void *user, const char *message); /* one-line remarks for the user, rank 0; NULL: not wanted
                                                    */
    void *user;
} ls_run_options;

typedef struct ls_run_result {
    ls_progress last;
    bool already_finished; /* resume of a finished run: nothing was done */
} ls_run_result;

/* Trains as the recipe says: loads data, trains, evaluates, writes the run directory. options and result may
   be NULL. Collective over the context: all ranks return the same status. Errors: any but LS_ERROR_ARGUMENT;
   LS_INTERRUPTED after ls_request_stop. On failure the directory holds what was complete before. */
LS_API ls_status ls_train(ls_context *context, const ls_recipe *recipe, const ls_run_options *options,
                          ls_run_result *result);

/* --- Inside another program: the recipe's data section is {type: push, inputs: I, outputs: O} or {...,
 * classes: C}; target_classes says which of the O target values are classes, given by their numbers from 0.
 * --- */

typedef struct ls_trainer ls_trainer;

/* A trainer with initial weights. Collective. The caller frees *trainer with ls_trainer_free. context and
 * recipe must outlive it. */
LS_API ls_status ls_trainer_create(ls_context *context, const ls_recipe *recipe, ls_trainer **trainer);
LS_API void ls_trainer_free(ls_trainer *trainer); /* NULL is allowed; local */

LS_API int64_t ls_trainer_inputs(const ls_trainer *trainer);
LS_API int64_t ls_trainer_outputs(const ls_trainer *trainer); /* units of all outputs */
LS_API int64_t ls_trainer_steps(const ls_trainer *trainer);   /* done so far */

/* One optimiser step on the samples of all ranks: each gives rows >= 0 (they may differ), inputs
   [rows][inputs], and targets [rows][outputs] or, where the recipe says classes, labels [rows] (the other one
   NULL). The batch is all ranks' rows in the order of ranks; the weights depend on that sequence, not on how
   it is spread over ranks or threads. No rows anywhere is no step. *loss (may be NULL) gets the loss of the
   batch, on every rank. Collective. Data are copied. Errors: LS_ERROR_DATA (a label out of range),
   LS_ERROR_NUMERIC, LS_ERROR_PARALLEL, LS_ERROR_MEMORY. */
LS_API ls_status ls_trainer_step(ls_trainer *trainer, int64_t rows, const float *inputs, const float *targets,
                                 const int32_t *labels, double *loss);

/* What the model says of rows samples: values, or probabilities where the loss is a cross-entropy; outputs
 * [rows][outputs]. Local. */
LS_API ls_status ls_trainer_predict(ls_trainer *trainer, int64_t rows, const float *inputs, float *outputs);

LS_API ls_status ls_trainer_save_model(ls_trainer *trainer, const char *path); /* rank 0 writes; collective */
LS_API ls_status ls_trainer_save_checkpoint(ls_trainer *trainer, const char *path); /* rank 0 writes;
                                                                                       collective */
LS_API ls_status ls_trainer_load_checkpoint(ls_trainer *trainer, const char *path); /* rank 0 reads, all get
                                                                                       it; collective */

#ifdef __cplusplus
}
#endif
#endif

/* What is decided at the end of an epoch from its results: to stop early, to lower the learning rate, which
 * weights are the best so far. All ranks have the same results, bit for bit, and so decide alike. */
#ifndef LS_TRAIN_DECIDE_H
#define LS_TRAIN_DECIDE_H

#include <lockstep/trainer.h>
#include "io/recipe.h"
#include "train/watch.h"

/* Why a training is over before its last epoch. */
typedef enum ls_ending { LS_ENDING_NONE, LS_ENDING_EARLY, LS_ENDING_CONVERGED } ls_ending;

typedef struct ls_decisions { /* part of checkpoints: members of 8 bytes */
    ls_watch stopping, plateau;
    int64_t ended;       /* ls_ending */
    int64_t convergence; /* ls_convergence, of optimisers that know */
    int64_t cooldown;    /* epochs to come that the plateau does not count */
    double rate_factor;  /* product of all reductions of the learning rate */
    double best;         /* value of the best epoch so far, by the rule of ls_decide_best; NaN: none */
    int64_t best_epoch;  /* 1 for the first */
    double best_loss, best_accuracy; /* of its training */
} ls_decisions;

typedef struct ls_verdict {
    bool best;    /* no epoch so far was better: its weights are to be kept */
    bool stop;    /* training is over */
    bool reduced; /* the learning rate was lowered */
} ls_verdict;

void ls_decisions_start(ls_decisions *decisions);

/* Whether results are needed after every epoch, not only where a record is due. */
bool ls_decides_each_epoch(const ls_recipe *recipe);

/* Whether the weights of the best epoch become the result of the training. */
bool ls_restores_best(const ls_recipe *recipe);

/* Whether what the recipe wants to watch exists. Errors: LS_ERROR_RECIPE naming the key. Local. */
typedef struct ls_watchable {
    bool epochs; /* there are epochs: rows are not pushed */
    bool test;   /* there are test rows */
    bool classes;
    const ls_metrics *metrics; /* names of those that are found on the test set */
} ls_watchable;
ls_status ls_decide_check(const ls_recipe *recipe, const ls_watchable *has);

/* Takes the results of a finished epoch. */
ls_verdict ls_decide_epoch(const ls_recipe *recipe, const ls_progress *results, ls_decisions *decisions);

/* Only whether it is the best so far: by what early stopping watches, else the accuracy on the test set, else
 * the loss on it, else the loss. */
bool ls_decide_best(const ls_recipe *recipe, const ls_progress *results, ls_decisions *decisions);

/* The learning rate after the reductions, where the schedule says rate. */
double ls_decided_rate(const ls_recipe *recipe, const ls_decisions *decisions, double rate);

#endif

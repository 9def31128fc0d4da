/* One optimiser step over all ranks and threads: the phases of docs/architecture.md. */
#ifndef LS_TRAIN_STEP_H
#define LS_TRAIN_STEP_H

#include "io/recipe.h"
#include "optim/optimizer.h"
#include "parallel/comm.h"
#include "parallel/shared.h"
#include "parallel/team.h"
#include "train/batch.h"
#include "train/gradient.h"
#include "train/health.h"
#include "train/phases.h"

typedef struct ls_thread_space { /* what one thread writes; on cache lines of its own */
    ls_gradient_scratch gradient;
    ls_batch_scratch batch;
    float *piece;   /* [plan.piece_elements] */
    float *scratch; /* [plan.scratch] of layers */
    ls_score score;
} ls_thread_space;

/* Neighbouring pieces whose parameters share a rule: elements [first, first + count) of the arena. */
typedef struct ls_update_range {
    int parameter; /* the first of them */
    int64_t first, count;
} ls_update_range;

/* A bound on the sum over a batch of the absolute values of an element of a parameter's gradient: a number
 * that depends on the layer, the rows, and two of the largest values. */
typedef struct ls_bound {
    double terms;                  /* of a sample; 0: there is no such sum */
    const uint32_t *value, *delta; /* bits of floats in the exchange (or 1) */
} ls_bound;

/* The share of this rank in a number of rows. */
typedef struct ls_step_share {
    int64_t rows; /* 0: none yet */
    int64_t first, count, panels;
    int group_panel[LS_HOMES_MAX + 1]; /* first panel of each of plan.groups groups of threads */
    int64_t parts;  /* in step->part: of this rank's rows, or of those of all ranks of its host */
    uint64_t terms; /* grains of all rows */
} ls_step_share;

typedef struct ls_step {
    ls_comm *comm;           /* not owned */
    const ls_model *model;   /* not owned */
    const ls_recipe *recipe; /* not owned */
    ls_objective objective;
    ls_metric_set *metrics; /* [objective.head_count] that evaluations fill, not owned; NULL: none */
    const ls_kernels *kernels;
    ls_plan plan;
    int64_t batch;         /* that it was made for */
    int64_t lanes, panels; /* that ranks of one host agreed on for their plans; 0: nothing yet */
    int threads;           /* for work other than steps; plan.threads take part in steps */
    int state_count;
    float *parameters; /* arena */
    float *gradient;   /* arena */
    float *total;      /* arena: the gradient of a batch in parts, or that is wanted as such; else NULL */
    float *state[LS_STATES_MAX]; /* arenas of the optimiser */
    uint64_t *sums;        /* arena; NULL with one rank or one host (unless a layer needs it) or float sums */
    struct ls_host *host;  /* ranks that share memory with this one (train/host.h); NULL: none */
    float *memory;         /* of plan.panels panels */
    ls_sample_part *part;  /* [share.parts]: where the rows lie that gradients are made of */
    ls_panel *panel;       /* [plan.panels] */
    uint32_t *largest;     /* [panels - 1][largest_words], as in ls_panel; those of panel 0 lie in exchange */
    int64_t largest_words; /* in whole cache lines */
    uint32_t *exchange;    /* status, wish to stop, [tensors] largest values, [plan.exchange_words] */
    double *lane_sums;     /* [panels][plan.meeting_sums][lanes] */
    ls_wide *meeting;      /* [plan.meeting_sums] */
    double *batch_sums;    /* [plan.meeting_sums] */
    ls_exact_scale *scale; /* [parameters] */
    ls_bound *bound;       /* [parameters] */
    ls_small_outer *small; /* [plan.task_count], train/gradient.h */
    ls_gradient_splits splits;
    uint64_t *hash;          /* [parameters], for the comparison of replicas */
    double *norm_part;       /* [pieces] */
    ls_parameter_rule *rule; /* [parameters] */
    ls_update_range *range;  /* [range_count]: all that the update changes, elementwise; 0: piece by piece */
    int range_count;
    int home_range[LS_HOMES_MAX + 1]; /* first of the ranges of each of the plan's homes */
    ls_squares *squares;              /* [pieces]; NULL unless the optimiser needs norms of parameters */
    double *ratio;                    /* [parameters]; likewise */
    struct ls_step_run_state *run;    /* train/step_run.h */
    ls_step_share share;
    ls_thread_space *space; /* [threads] */
    int64_t steps;          /* done, skipped ones among them */
    int64_t skipped;
    int64_t skipped_in_row; /* up to the last step */
    /* The largest output of any layer in the first step of this process, and in the last that was finite. */
    float first_output, last_output;
    int64_t first_step;    /* 1 for the first of the training; 0: none yet */
    ls_health *health;     /* NULL where training.health is off */
    ls_score *kept;        /* [threads]: what was scored before this step; NULL unless steps may be skipped */
    double gradient_norm;  /* of the last step, before clipping; NaN without clipping */
    ls_phase_clock *clock; /* not owned; NULL: nobody asks how long phases take */
} ls_step;

typedef enum ls_wish { LS_WISH_NONE, LS_WISH_CHECKPOINT, LS_WISH_STOP } ls_wish; /* after this step */

typedef struct ls_step_call {
    ls_rows rows;     /* the global batch, the same on all ranks */
    ls_status status; /* of this rank before the step; not LS_OK makes all ranks leave */
    double learning_rate;
    bool gradient_only; /* no update: the gradient of the batch goes to step->total (for optimisers that work
                           on whole batches). The step is not counted, random numbers are those of step 0.
                           out: whether it is finite in call->finite */
    bool finite;        /* out */
    bool measure;       /* into step->health, if the step is not left out */
    ls_wish wish;       /* of this rank; out: the strongest of all ranks */
} ls_step_call;

/* Plans, gets all memory and sets the initial weights. batch: rows of the largest global batch. Local. */
ls_status ls_step_create(ls_comm *comm, int threads, const ls_model *model, const ls_recipe *recipe,
                         int64_t batch, ls_step *step);
/* Lets the ranks of one host share memory (train/host.h), where they can, rather than send messages, which is
 * only faster. For all ranks, after all have created their step. Collective. Errors: LS_ERROR_MEMORY,
 * LS_ERROR_PARALLEL. */
ls_status ls_step_connect(ls_step *step);
/* The contrary, before the plan is made anew: weights and state are each rank's own again. Collective. */
ls_status ls_step_disconnect(ls_step *step);
/* Makes the optimiser's state complete on all ranks, which is needed before it is written. Collective.
 * Errors: LS_ERROR_PARALLEL. */
ls_status ls_step_collect_state(ls_step *step);
void ls_step_free(ls_step *step);
/* Makes room for batches of up to batch rows; weights, state and the grain stay. Collective, with the same
 * status on all ranks. */
ls_status ls_step_resize(ls_step *step, int64_t batch);

/* What the update does in one go, of this rank's pieces; part of ls_step_create. Local. */
void ls_step_list_ranges(ls_step *step);

/* Rows of the parts that a batch of rows rows is gone through in: rows / accumulate, in whole grains. */
int64_t ls_step_part_rows(const ls_recipe *recipe, int64_t rows, int64_t grain);

/* Forward, backward, sums, update. Collective, the same status on all ranks. No memory is allocated. Errors:
 * LS_ERROR_NUMERIC (infinity or NaN, naming the layer; with the policy "skip" the step is left out and
 * counted instead), LS_ERROR_PARALLEL, and what any rank brought in call->status. Weights are not touched on
 * failure. */
ls_status ls_step_run(ls_step *step, ls_step_call *call);

/* Adds up and clears what the threads scored since the last call, over all ranks. Collective. */
ls_status ls_step_score(ls_step *step, ls_score *score);

/* Loss of rows without training, and metrics into step->metrics where there are some. Collective. */
ls_status ls_step_evaluate(ls_step *step, const ls_rows *rows, ls_score *score);

/* What the loss's predict makes of rows: outputs [rows][units of all heads]; classes [rows][heads] (-1
 * where a head has none) or NULL. Local. */
void ls_step_predict(ls_step *step, const ls_rows *rows, float *outputs, int32_t *classes);

const char *ls_tensor_name(const ls_model *model, int tensor); /* "input" or the layer whose output it is */

#endif

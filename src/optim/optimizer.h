/* Optimisers: elementwise updates over flat arenas, piece by piece. One file each, one line in
 * optim/registry.h. */
#ifndef LS_OPTIM_OPTIMIZER_H
#define LS_OPTIM_OPTIMIZER_H

#include "base/component.h"
#include "base/error.h"
#include "math/kernels.h"
#include "optim/function.h"
#include "optim/schedule.h"

enum { LS_STATES_MAX = 3 };

typedef enum ls_decay_on {
    LS_DECAY_WEIGHTS,
    LS_DECAY_ALL,
    LS_DECAY_SAME /* as the optimiser: groups only */
} ls_decay_on;

typedef struct ls_optimizer_options { /* options of every optimiser begin with it */
    double learning_rate;             /* key "lr" */
    double weight_decay;
    bool decoupled; /* weight decay shrinks the weights beside the step instead of being part of the gradient
                     */
    int decay_on;   /* ls_decay_on */
    double l1;
    double max_norm; /* 0: no limit */
    ls_component schedule;
    ls_warmup_options warmup;
    ls_component_list groups; /* of ls_group_options */
} ls_optimizer_options;

/* What holds for one parameter, from the optimiser's options and the first group that its name matches. */
typedef struct ls_parameter_rule {
    double lr_factor;    /* 0: the parameter does not change, nor does its state */
    double weight_decay; /* 0 where decays is false */
    double l1;           /* 0 where decays is false */
    double max_norm;     /* of a row; 0: no limit, always for vectors */
    bool decays; /* weights do, biases and scales and shifts of norms do not, unless decay_on is all */
} ls_parameter_rule;

/* One piece of one parameter: count elements, contiguous, a multiple of 16. */
typedef struct ls_update {
    const ls_kernels *kernels;
    int64_t count;
    float *w;
    const float *gradient;
    float *state[LS_STATES_MAX];
    double learning_rate;  /* of this step and parameter */
    double gradient_scale; /* of clipping by norm; 1 without */
    double clip_value;     /* largest magnitude of an element of the gradient after scaling; 0: no limit */
    const ls_parameter_rule *rule;
    int64_t step; /* 1 for the first; steps that were left out do not count */
    double ratio; /* of optimisers with squares: what ratio() made of them */
} ls_update;

/* An optimiser that looks at the loss of all rows several times a step (optim/function.h). */
typedef struct ls_whole_batch {
    int (*states)(const void *options);  /* arrays of the arena's size that belong to checkpoints */
    int (*vectors)(const void *options); /* all arrays, those first */
    ls_status (*iterate)(const void *options, ls_iteration *iteration);
} ls_whole_batch;

typedef struct ls_optimizer_type {
    ls_component_type base;
    /* How many arrays of the arena's size it keeps, zero at first, and what they are called in checkpoints.
     */
    int (*states)(const void *options, const char *name[LS_STATES_MAX]);
    /* Elements that are zero in weights and gradient (padding) must stay zero in the weights. */
    void (*update)(const void *options, const ls_update *update);
    /* Of optimisers whose step depends on norms of a whole parameter, NULL in others: sums of squares of the
       weights and of a direction over a piece, before the weights change (state may). They are added over the
       pieces of the parameter in their order, which is that of every layout; ratio() makes a number of the
       sums, which then stands in ls_update when update() is called for the pieces. */
    ls_squares (*squares)(const void *options, const ls_update *update);
    double (*ratio)(const void *options, const ls_parameter_rule *rule, ls_squares sums);
    const ls_whole_batch *whole; /* in place of update, squares and ratio; NULL in others */
    bool finds_steps; /* it finds the size of its steps itself: there is no learning rate that could be
                         changed */
} ls_optimizer_type;

extern const ls_registry ls_optimizer_registry;
extern const ls_registry ls_group_registry;

/* The part of a step that all optimisers share: learning rate, clipping, regularisation. */
ls_step_rule ls_update_step_rule(const ls_optimizer_options *options, const ls_update *update);

/* NULL, or what is wrong with the options that all optimisers have. Compared as float, which is what the
 * kernels compute with. */
const char *ls_optimizer_check(const ls_optimizer_options *options);
/* The same for an optimiser that finds the size of its steps itself, so that the rate must stay as it is. */
const char *ls_optimizer_check_constant(const ls_optimizer_options *options);

/* ls_schedule_factor times the recipe's learning rate. */
double ls_learning_rate(const ls_optimizer_options *options, const ls_schedule_time *time);

/* Rows that all tables share; STRUCT begins with the member "common". DECAY says what weight_decay does. */
#define LS_OPTIMIZER_LR(STRUCT, DEFAULT)                                                                     \
    {                                                                                                        \
        .key = "lr", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, common.learning_rate), .minimum = 0, \
        .maximum = 1e30, .default_text = DEFAULT, .help = "Learning rate, above 0."                          \
    }

#define LS_OPTIMIZER_DECAY(STRUCT, DEFAULT, DECAY)                                                           \
    {                                                                                                        \
        .key = "weight_decay", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, common.weight_decay),      \
        .minimum = 0, .maximum = 1e30, .default_text = DEFAULT, .help = DECAY                                \
    }

#define LS_COUPLED_DECAY                                                                                     \
    "This many times the weight is added to its gradient (an L2 penalty of half of it times the square). "   \
    "Biases, and scales and shifts of norms, do not decay."

#define LS_OPTIMIZER_DECOUPLED(STRUCT)                                                                       \
    {                                                                                                        \
        .key = "decoupled", .kind = LS_OPTION_BOOLEAN, .offset = offsetof(STRUCT, common.decoupled),         \
        .default_text = "false",                                                                             \
        .help =                                                                                              \
            "Weight decay is no part of the gradient: each step takes learning rate times `weight_decay` "   \
            "times the weight off the weight (Loshchilov and Hutter, ICLR 2019)."                            \
    }

#define LS_OPTIMIZER_REST(STRUCT)                                                                            \
    {.key = "l1",                                                                                            \
     .kind = LS_OPTION_REAL,                                                                                 \
     .offset = offsetof(STRUCT, common.l1),                                                                  \
     .minimum = 0,                                                                                           \
     .maximum = 1e30,                                                                                        \
     .default_text = "0",                                                                                    \
     .help =                                                                                                 \
         "This many times the sign of the weight is added to its gradient (an L1 penalty). For the same "    \
         "parameters as `weight_decay`."},                                                                   \
        {.key = "decay_on",                                                                                  \
         .kind = LS_OPTION_CHOICE,                                                                           \
         .offset = offsetof(STRUCT, common.decay_on),                                                        \
         .default_text = "weights",                                                                          \
         .choices = ls_decay_choices,                                                                        \
         .help = "Where `weight_decay` and `l1` apply. weights: not to biases, nor to scales and shifts of " \
                 "norms. all: to every parameter."},                                                         \
        {.key = "max_norm",                                                                                  \
         .kind = LS_OPTION_REAL,                                                                             \
         .offset = offsetof(STRUCT, common.max_norm),                                                        \
         .minimum = 0,                                                                                       \
         .maximum = 1e30,                                                                                    \
         .default_text = "0",                                                                                \
         .help =                                                                                             \
             "After each step the weights of an output unit are scaled down to this Euclidean norm where "   \
             "they are longer (Srivastava et al., JMLR 2014, section 5.1). 0: no limit."},                   \
        {.key = "schedule",                                                                                  \
         .kind = LS_OPTION_COMPONENT,                                                                        \
         .offset = offsetof(STRUCT, common.schedule),                                                        \
         .default_text = "constant",                                                                         \
         .registry = &ls_schedule_registry,                                                                  \
         .help = "How the learning rate changes with time."},                                                \
        {.key = "warmup",                                                                                    \
         .kind = LS_OPTION_GROUP,                                                                            \
         .offset = offsetof(STRUCT, common.warmup),                                                          \
         .group = ls_warmup_option_table,                                                                    \
         .help = "A straight rise of the learning rate in front of the schedule."},                          \
    {                                                                                                        \
        .key = "groups", .kind = LS_OPTION_LIST, .offset = offsetof(STRUCT, common.groups),                  \
        .default_text = "", .registry = &ls_group_registry,                                                  \
        .help = "Other settings for some of the parameters; the first group that matches a name counts."     \
    }

extern const char *const ls_decay_choices[];

#endif

/* What Adam, AdamW and LAMB share: running means of the gradient and its square, with their corrections. */
#ifndef LS_OPTIM_MOMENTS_H
#define LS_OPTIM_MOMENTS_H

#include "optim/optimizer.h"

typedef struct ls_moments_options { /* options of these optimisers begin with it */
    ls_optimizer_options common;
    double beta1, beta2, epsilon;
    bool amsgrad;
} ls_moments_options;

const char *ls_moments_check(const void *options);
int ls_moments_states(const void *options, const char *name[LS_STATES_MAX]);
/* The step of the kernels; step.rule.learning_rate is that of the update without corrections. */
ls_adam_step ls_moments_step(const ls_moments_options *options, const ls_update *update);
/* The update of Adam and AdamW. */
void ls_moments_update(const void *options, const ls_update *update);

#define LS_MOMENTS_BETAS(STRUCT, MEMBER1, MEMBER2)                                                           \
    {.key = "beta1",                                                                                         \
     .kind = LS_OPTION_REAL,                                                                                 \
     .offset = offsetof(STRUCT, MEMBER1),                                                                    \
     .minimum = 0,                                                                                           \
     .maximum = 1,                                                                                           \
     .default_text = "0.9",                                                                                  \
     .help = "Share of the mean of gradients that is kept, from 0 to below 1."},                             \
    {                                                                                                        \
        .key = "beta2", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, MEMBER2), .minimum = 0,           \
        .maximum = 1, .default_text = "0.999",                                                               \
        .help = "Share of the mean of squares that is kept, from 0 to below 1."                              \
    }

#define LS_MOMENTS_EPSILON(STRUCT, MEMBER, DEFAULT)                                                          \
    {                                                                                                        \
        .key = "epsilon", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, MEMBER), .minimum = 0,          \
        .maximum = 1e30, .default_text = DEFAULT,                                                            \
        .help = "Added to the root of the corrected mean of squares, above 0."                               \
    }

#define LS_MOMENTS_AMSGRAD(STRUCT, MEMBER)                                                                   \
    {                                                                                                        \
        .key = "amsgrad", .kind = LS_OPTION_BOOLEAN, .offset = offsetof(STRUCT, MEMBER),                     \
        .default_text = "false",                                                                             \
        .help =                                                                                              \
            "Divide by the largest mean of squares so far (Reddi, Kale and Kumar, ICLR 2018, algorithm 2)."  \
    }

#endif

/* RMSprop (Tieleman and Hinton, lecture 6.5, 2012; centred as in Graves, arXiv:1308.0850, eq. 38 to 45). The
   formula stands in math/kernels.h. As RMSprop in PyTorch: epsilon is added to the root, the learning rate
   multiplies the velocity. Unlike there, a centred variance that rounding makes negative counts as 0 instead
   of giving NaN. */
#include "optim/registry.h"

typedef struct rmsprop_options {
    ls_optimizer_options common;
    double alpha, epsilon, momentum;
    bool centered;
} rmsprop_options;

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(rmsprop_options, "0.01"),
    {.key = "alpha",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rmsprop_options, alpha),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.99",
     .help = "Share of the mean of squares that is kept, from 0 to below 1."},
    {.key = "epsilon",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rmsprop_options, epsilon),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "1e-8",
     .help = "Added to the root of the mean of squares, above 0."},
    {.key = "momentum",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rmsprop_options, momentum),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0",
     .help = "Share of the last step's velocity that is kept, from 0 to below 1."},
    {.key = "centered",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(rmsprop_options, centered),
     .default_text = "false",
     .help = "Divide by an estimate of the standard deviation instead of the root of the mean square."},
    LS_OPTIMIZER_DECAY(rmsprop_options, "0", LS_COUPLED_DECAY),
    LS_OPTIMIZER_DECOUPLED(rmsprop_options),
    LS_OPTIMIZER_REST(rmsprop_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const rmsprop_options *rmsprop = options;
    if (!((float)rmsprop->alpha < 1)) return "alpha must be below 1";
    if (!((float)rmsprop->momentum < 1)) return "momentum must be below 1";
    if (!((float)rmsprop->epsilon > 0)) return "epsilon must be above 0";
    return ls_optimizer_check(&rmsprop->common);
}

static int states(const void *options, const char *name[LS_STATES_MAX])
{
    const rmsprop_options *rmsprop = options;
    int count = 0;
    name[count++] = "square";
    if (rmsprop->centered) name[count++] = "average";
    if (rmsprop->momentum > 0) name[count++] = "velocity";
    return count;
}

static void update(const void *options, const ls_update *update)
{
    const rmsprop_options *rmsprop = options;
    ls_rmsprop_step step = {
        .rule = ls_update_step_rule(&rmsprop->common, update),
        .alpha = (float)rmsprop->alpha,
        .rest = (float)(1 - rmsprop->alpha),
        .epsilon = (float)rmsprop->epsilon,
        .momentum = (float)rmsprop->momentum,
    };
    float *average = rmsprop->centered ? update->state[1] : NULL;
    float *velocity = rmsprop->momentum > 0 ? update->state[rmsprop->centered ? 2 : 1] : NULL;
    update->kernels->rmsprop(&step, update->count, update->w, update->gradient, update->state[0], average,
                             velocity);
}

const ls_optimizer_type ls_optimizer_rmsprop = {
    .base = {.name = "rmsprop",
             .help =
                 "The gradient divided by the root of a running mean of its square, with momentum if wanted.",
             .options = option_table,
             .options_size = sizeof(rmsprop_options),
             .check = check},
    .states = states,
    .update = update,
};

/* Adagrad (Duchi, Hazan and Singer, JMLR 12, 2011, figure 1 with diagonal matrices). The formula stands in
   math/kernels.h. As Adagrad in PyTorch: epsilon is added to the root, the learning rate falls with
   1 / (1 + lr_decay (t - 1)). */
#include "optim/registry.h"

typedef struct adagrad_options {
    ls_optimizer_options common;
    double lr_decay, initial, epsilon;
} adagrad_options;

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(adagrad_options, "0.01"),
    {.key = "lr_decay",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(adagrad_options, lr_decay),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0",
     .help = "The learning rate of step t is divided by 1 + lr_decay (t - 1)."},
    {.key = "initial",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(adagrad_options, initial),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0",
     .help = "What the sums of squares begin with."},
    {.key = "epsilon",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(adagrad_options, epsilon),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "1e-10",
     .help = "Added to the root of the sum of squares, above 0."},
    LS_OPTIMIZER_DECAY(adagrad_options, "0", LS_COUPLED_DECAY),
    LS_OPTIMIZER_DECOUPLED(adagrad_options),
    LS_OPTIMIZER_REST(adagrad_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const adagrad_options *adagrad = options;
    if (!((float)adagrad->epsilon > 0)) return "epsilon must be above 0";
    return ls_optimizer_check(&adagrad->common);
}

static int states(const void *options, const char *name[LS_STATES_MAX])
{
    (void)options;
    name[0] = "square_sum";
    return 1;
}

/* The initial value is added when the root is taken, so that the state can begin with zeros. */
static void update(const void *options, const ls_update *update)
{
    const adagrad_options *adagrad = options;
    double slower = 1 + adagrad->lr_decay * (double)(update->step - 1);
    ls_adagrad_step step = {
        .rule = ls_update_step_rule(&adagrad->common, update),
        .initial = (float)adagrad->initial,
        .epsilon = (float)adagrad->epsilon,
    };
    step.rule.learning_rate = (float)(update->learning_rate / slower);
    update->kernels->adagrad(&step, update->count, update->w, update->gradient, update->state[0]);
}

const ls_optimizer_type ls_optimizer_adagrad = {
    .base = {.name = "adagrad",
             .help = "The gradient divided by the root of the sum of all its squares so far.",
             .options = option_table,
             .options_size = sizeof(adagrad_options),
             .check = check},
    .states = states,
    .update = update,
};

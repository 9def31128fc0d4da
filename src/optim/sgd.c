/* Stochastic gradient descent with momentum (Sutskever, Martens, Dahl and Hinton, ICML 2013; the formula
 * stands in math/kernels.h). */
#include "optim/registry.h"

typedef struct sgd_options {
    ls_optimizer_options common;
    double momentum;
    bool nesterov;
} sgd_options;

static const ls_option option_table[] = {
    {.key = "lr",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(sgd_options, common.learning_rate),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0.01",
     .help = "Learning rate, above 0."},
    {.key = "momentum",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(sgd_options, momentum),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0",
     .help = "Share of the last step's velocity that is kept, from 0 to below 1."},
    {.key = "nesterov",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(sgd_options, nesterov),
     .default_text = "false",
     .help = "Nesterov's form of momentum."},
    {.key = "weight_decay",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(sgd_options, common.weight_decay),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0",
     .help = "This many times the weight is added to its gradient. Biases do not decay."},
    {.key = "schedule",
     .kind = LS_OPTION_COMPONENT,
     .offset = offsetof(sgd_options, common.schedule),
     .default_text = "constant",
     .registry = &ls_schedule_registry,
     .help = "How the learning rate changes over the epochs."},
    LS_OPTION_END,
};

/* Compared as float, which is what the kernel computes with. */
static const char *check(const void *options)
{
    const sgd_options *sgd = options;
    if (!((float)sgd->common.learning_rate > 0)) return "lr must be above 0";
    if (!((float)sgd->momentum < 1)) return "momentum must be below 1";
    if (sgd->nesterov && !(sgd->momentum > 0)) return "nesterov needs momentum above 0";
    return NULL;
}

static int states(const void *options)
{
    const sgd_options *sgd = options;
    return sgd->momentum > 0 ? 1 : 0;
}

static void update(const void *options, const ls_update *update)
{
    const sgd_options *sgd = options;
    ls_sgd_step step = {
        .learning_rate = (float)update->learning_rate,
        .momentum = (float)sgd->momentum,
        .weight_decay = update->decay ? (float)sgd->common.weight_decay : 0,
        .gradient_scale = (float)update->gradient_scale,
        .nesterov = sgd->nesterov,
    };
    float *velocity = sgd->momentum > 0 ? update->state[0] : NULL;
    update->kernels->sgd(&step, update->count, update->w, update->gradient, velocity);
}

const ls_optimizer_type ls_optimizer_sgd = {
    .base = {.name = "sgd",
             .help = "Stochastic gradient descent, with momentum if wanted.",
             .options = option_table,
             .options_size = sizeof(sgd_options),
             .check = check},
    .states = states,
    .state_name = {"velocity"},
    .update = update,
};

/* Stochastic gradient descent with momentum (Sutskever, Martens, Dahl and Hinton, ICML 2013, eq. 1 to 4; the
 * formula stands in math/kernels.h). As SGD in PyTorch with dampening 0. */
#include "optim/registry.h"

typedef struct sgd_options {
    ls_optimizer_options common;
    double momentum;
    bool nesterov;
} sgd_options;

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(sgd_options, "0.01"),
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
    LS_OPTIMIZER_DECAY(sgd_options, "0", LS_COUPLED_DECAY),
    LS_OPTIMIZER_DECOUPLED(sgd_options),
    LS_OPTIMIZER_REST(sgd_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const sgd_options *sgd = options;
    if (!((float)sgd->momentum < 1)) return "momentum must be below 1";
    if (sgd->nesterov && !(sgd->momentum > 0)) return "nesterov needs momentum above 0";
    return ls_optimizer_check(&sgd->common);
}

static int states(const void *options, const char *name[LS_STATES_MAX])
{
    const sgd_options *sgd = options;
    name[0] = "velocity";
    return sgd->momentum > 0 ? 1 : 0;
}

static void update(const void *options, const ls_update *update)
{
    const sgd_options *sgd = options;
    ls_sgd_step step = {
        .rule = ls_update_step_rule(&sgd->common, update),
        .momentum = (float)sgd->momentum,
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
    .update = update,
};

/* LARS (You, Gitman and Ginsburg, arXiv:1708.03888, eq. 6 and algorithm 1): gradient descent with momentum,
   where each parameter has the local rate trust |w| / (|g| + weight_decay |w|). The local rate is 1 where |w|
   or the denominator is 0, and for parameters that do not decay (biases, scales and shifts of norms). PyTorch
   has no LARS; as in its SGD the learning rate multiplies the velocity, whereas in the paper it multiplies
   what goes into the velocity: the same as long as it is constant. */
#include <math.h>
#include "optim/registry.h"

typedef struct lars_options {
    ls_optimizer_options common;
    double momentum, trust;
} lars_options;

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(lars_options, "1"),
    {.key = "momentum",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(lars_options, momentum),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.9",
     .help = "Share of the last step's velocity that is kept, from 0 to below 1."},
    {.key = "trust",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(lars_options, trust),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0.001",
     .help = "How long a step is, as a share of the norm of the parameter, if `lr` is 1. Above 0."},
    LS_OPTIMIZER_DECAY(
        lars_options, "0",
        "This many times the weight is added to its gradient. Biases, and scales and shifts of norms, "
        "do not decay, and their steps are those of sgd."),
    LS_OPTIMIZER_REST(lars_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const lars_options *lars = options;
    if (!((float)lars->momentum < 1)) return "momentum must be below 1";
    if (!((float)lars->trust > 0)) return "trust must be above 0";
    return ls_optimizer_check(&lars->common);
}

static int states(const void *options, const char *name[LS_STATES_MAX])
{
    const lars_options *lars = options;
    name[0] = "velocity";
    return lars->momentum > 0 ? 1 : 0;
}

/* The norm of the gradient is that before weight decay. */
static ls_squares squares(const void *options, const ls_update *update)
{
    const lars_options *lars = options;
    ls_step_rule rule = ls_update_step_rule(&lars->common, update);
    rule.weight_decay = 0;
    return update->kernels->squares(&rule, update->count, update->w, update->gradient);
}

static double ratio(const void *options, const ls_parameter_rule *rule, ls_squares sums)
{
    const lars_options *lars = options;
    double weight = sqrt(sums.weight);
    double below = sqrt(sums.direction) + rule->weight_decay * weight;
    return rule->decays && weight > 0 && below > 0 ? lars->trust * weight / below : 1;
}

/* The local rate multiplies everything that makes up the direction. */
static void update(const void *options, const ls_update *update)
{
    const lars_options *lars = options;
    double local = update->ratio;
    ls_sgd_step step = {.rule = ls_update_step_rule(&lars->common, update),
                        .momentum = (float)lars->momentum};
    step.rule.gradient_scale = (float)(update->gradient_scale * local);
    step.rule.clip_value = (float)(update->clip_value * local);
    step.rule.weight_decay = (float)(update->rule->weight_decay * local);
    step.rule.l1 = (float)(update->rule->l1 * local);
    update->kernels->sgd(&step, update->count, update->w, update->gradient,
                         lars->momentum > 0 ? update->state[0] : NULL);
}

const ls_optimizer_type ls_optimizer_lars = {
    .base = {.name = "lars",
             .help = "Gradient descent with momentum and steps in proportion to the norm of each parameter, "
                     "for large "
                     "batches.",
             .options = option_table,
             .options_size = sizeof(lars_options),
             .check = check},
    .states = states,
    .squares = squares,
    .ratio = ratio,
    .update = update,
};

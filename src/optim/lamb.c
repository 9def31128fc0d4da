/* LAMB (You et al., ICLR 2020, algorithm 2, with phi the identity): a step of Adam, weight decay included, as
   long as learning rate times the norm of the parameter. The ratio is 1 where a norm is 0, and for parameters
   that do not decay (biases, scales and shifts of norms). PyTorch has no LAMB. */
#include <math.h>
#include "optim/moments.h"
#include "optim/registry.h"

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(ls_moments_options, "0.001"),
    LS_MOMENTS_BETAS(ls_moments_options, beta1, beta2),
    LS_MOMENTS_EPSILON(ls_moments_options, epsilon, "1e-6"),
    LS_OPTIMIZER_DECAY(
        ls_moments_options, "0.01",
        "This many times the weight is added to the step before its length is set. Biases, and scales "
        "and shifts of norms, do not decay, and their steps keep their length."),
    LS_OPTIMIZER_REST(ls_moments_options),
    LS_OPTION_END,
};

static ls_adam_step step_of(const ls_moments_options *lamb, const ls_update *update)
{
    ls_adam_step step = ls_moments_step(lamb, update);
    step.decay = step.rule.weight_decay;
    step.rule.weight_decay = 0;
    return step;
}

static ls_squares squares(const void *options, const ls_update *update)
{
    ls_adam_step step = step_of(options, update);
    return update->kernels->lamb_moments(&step, update->count, update->w, update->gradient, update->state[0],
                                         update->state[1]);
}

static double ratio(const void *options, const ls_parameter_rule *rule, ls_squares sums)
{
    (void)options;
    bool adapts = rule->decays && sums.weight > 0 && sums.direction > 0;
    return adapts ? sqrt(sums.weight / sums.direction) : 1;
}

static void update(const void *options, const ls_update *update)
{
    ls_adam_step step = step_of(options, update);
    step.rule.learning_rate = (float)(update->learning_rate * update->ratio);
    update->kernels->lamb_apply(&step, update->count, update->w, update->state[0], update->state[1]);
}

const ls_optimizer_type ls_optimizer_lamb = {
    .base = {.name = "lamb",
             .help = "Steps of Adam in proportion to the norm of each parameter, for large batches.",
             .options = option_table,
             .options_size = sizeof(ls_moments_options),
             .check = ls_moments_check},
    .states = ls_moments_states,
    .squares = squares,
    .ratio = ratio,
    .update = update,
};

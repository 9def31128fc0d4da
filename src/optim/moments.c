#include "optim/moments.h"

#include <math.h>

#include "base/elementary.h"

const char *ls_moments_check(const void *options)
{
    const ls_moments_options *moments = options;
    if (!((float)moments->beta1 < 1)) return "beta1 must be below 1";
    if (!((float)moments->beta2 < 1)) return "beta2 must be below 1";
    if (!((float)moments->epsilon > 0)) return "epsilon must be above 0";
    return ls_optimizer_check(&moments->common);
}

int ls_moments_states(const void *options, const char *name[LS_STATES_MAX])
{
    const ls_moments_options *moments = options;
    name[0] = "mean";
    name[1] = "square";
    name[2] = "largest_square";
    return moments->amsgrad ? 3 : 2;
}

/* The corrections are functions of the number of the step alone: the same on every layout and after a resume.
 */
ls_adam_step ls_moments_step(const ls_moments_options *options, const ls_update *update)
{
    return (ls_adam_step){
        .rule = ls_update_step_rule(&options->common, update),
        .beta1 = (float)options->beta1,
        .rest1 = (float)(1 - options->beta1),
        .beta2 = (float)options->beta2,
        .rest2 = (float)(1 - options->beta2),
        .epsilon = (float)options->epsilon,
        .mean_factor = (float)(1 / (1 - ls_power(options->beta1, update->step))),
        .root_factor = (float)(1 / sqrt(1 - ls_power(options->beta2, update->step))),
    };
}

void ls_moments_update(const void *options, const ls_update *update)
{
    const ls_moments_options *moments = options;
    ls_adam_step step = ls_moments_step(moments, update);
    step.rule.learning_rate = (float)(update->learning_rate / (1 - ls_power(moments->beta1, update->step)));
    update->kernels->adam(&step, update->count, update->w, update->gradient, update->state[0],
                          update->state[1], moments->amsgrad ? update->state[2] : NULL);
}

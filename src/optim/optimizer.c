#include "optim/registry.h"

const char *const ls_decay_choices[] = {"weights", "all", NULL};

ls_step_rule ls_update_step_rule(const ls_optimizer_options *options, const ls_update *update)
{
    double decay = update->rule->weight_decay;
    return (ls_step_rule){
        .learning_rate = (float)update->learning_rate,
        .gradient_scale = (float)update->gradient_scale,
        .clip_value = (float)update->clip_value,
        .weight_decay = options->decoupled ? 0 : (float)decay,
        .l1 = (float)update->rule->l1,
        .shrink = options->decoupled ? (float)(update->learning_rate * decay) : 0,
    };
}

const char *ls_optimizer_check(const ls_optimizer_options *options)
{
    return (float)options->learning_rate > 0 ? NULL : "lr must be above 0";
}

const char *ls_optimizer_check_constant(const ls_optimizer_options *options)
{
    const ls_component_type *schedule = options->schedule.type;
    if (options->warmup.length > 0 || (schedule != NULL && schedule != &ls_schedule_constant.base))
        return "it finds the size of its steps itself, expected neither warmup nor a schedule but constant";
    return ls_optimizer_check(options);
}

double ls_learning_rate(const ls_optimizer_options *options, const ls_schedule_time *time)
{
    return options->learning_rate * ls_schedule_factor(&options->schedule, &options->warmup, time);
}

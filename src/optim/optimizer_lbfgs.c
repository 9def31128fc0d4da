/* The optimiser lbfgs (optim/lbfgs.h) in recipes. */
#include "optim/groups.h"
#include "optim/lbfgs.h"
#include "optim/registry.h"

typedef struct lbfgs_options {
    ls_optimizer_options common;
    ls_lbfgs_rule rule;
} lbfgs_options;

static const ls_option option_table[] = {
    {.key = "lr",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(lbfgs_options, common.learning_rate),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "1",
     .help = "The step that a line search tries first; with a history 1 is the natural one."},
    {.key = "history",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(lbfgs_options, rule.history),
     .minimum = 1,
     .maximum = LS_LBFGS_HISTORY_MAX,
     .default_text = "10",
     .help =
         "Steps that are remembered to estimate the curvature; each takes twice the memory of the weights."},
    {.key = "evaluations",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(lbfgs_options, rule.evaluations),
     .minimum = 1,
     .maximum = 1000,
     .default_text = "25",
     .help = "How often the loss of all rows may be evaluated in one step, by its line search."},
    {.key = "tolerance_gradient",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(lbfgs_options, rule.tolerance_gradient),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "1e-7",
     .help = "Training has converged when no element of the gradient is larger."},
    {.key = "tolerance_change",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(lbfgs_options, rule.tolerance_change),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "1e-9",
     .help = "Training has converged when a step changes no weight by more, or the loss by no more than this "
             "share of it."},
    LS_OPTIMIZER_DECAY(lbfgs_options, "0", LS_COUPLED_DECAY),
    LS_OPTIMIZER_REST(lbfgs_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const lbfgs_options *lbfgs = options;
    const ls_component_list *groups = &lbfgs->common.groups;
    const char *kinks = "l1 and max_norm do not go with lbfgs, which needs a smooth function";
    if (lbfgs->common.l1 > 0 || lbfgs->common.max_norm > 0) return kinks;
    for (int g = 0; g < groups->count; g++) {
        const ls_group_options *group = groups->item[g].options;
        if (group->l1 > 0 || group->max_norm > 0) return kinks;
        if (group->lr_factor != 0 && group->lr_factor != 1)
            return "with lbfgs lr_factor of a group must be 1, or 0 for parameters that do not change";
    }
    return ls_optimizer_check_constant(&lbfgs->common);
}

static int states(const void *options, const char *name[LS_STATES_MAX])
{
    (void)options;
    (void)name;
    return 0;
}

static const ls_lbfgs_rule *rule_of(const void *options)
{
    return &((const lbfgs_options *)options)->rule;
}

static int whole_states(const void *options)
{
    return ls_lbfgs_states(rule_of(options));
}

static int whole_vectors(const void *options)
{
    return ls_lbfgs_vectors(rule_of(options));
}

static ls_status iterate(const void *options, ls_iteration *iteration)
{
    return ls_lbfgs_iterate(rule_of(options), iteration);
}

static const ls_whole_batch whole = {.states = whole_states, .vectors = whole_vectors, .iterate = iterate};

const ls_optimizer_type ls_optimizer_lbfgs = {
    .base = {.name = "lbfgs",
             .help =
                 "Limited-memory BFGS with a line search for the strong Wolfe conditions, for small problems "
                 "that are to be solved precisely. Each step works on all rows (`training.batch: 0`) and may "
                 "evaluate the loss several times. Training ends when it has converged. Layers that draw "
                 "random numbers draw the same ones in every step.",
             .options = option_table,
             .options_size = sizeof(lbfgs_options),
             .check = check},
    .states = states,
    .whole = &whole,
    .finds_steps = true,
};

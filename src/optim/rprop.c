/* Rprop (Riedmiller and Braun, IEEE International Conference on Neural Networks, 1993, eq. 4 and 5) without
   weight backtracking (iRprop-, Igel and Huesken, 2000): after a change of sign the gradient counts as 0. The
   formula stands in math/kernels.h. As Rprop in PyTorch: lr is the size of the first step alone. For full
   batches. */
#include "optim/registry.h"

typedef struct rprop_options {
    ls_optimizer_options common;
    double shrink, grow, smallest, largest;
} rprop_options;

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(rprop_options, "0.01"),
    {.key = "shrink",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rprop_options, shrink),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.5",
     .help = "What the step of a weight is multiplied by when its gradient changes sign; between 0 and 1."},
    {.key = "grow",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rprop_options, grow),
     .minimum = 1,
     .maximum = 1e6,
     .default_text = "1.2",
     .help = "What the step of a weight is multiplied by when its gradient keeps its sign; above 1."},
    {.key = "smallest",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rprop_options, smallest),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "1e-6",
     .help = "Smallest step."},
    {.key = "largest",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(rprop_options, largest),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "50",
     .help = "Largest step."},
    LS_OPTIMIZER_DECAY(rprop_options, "0", LS_COUPLED_DECAY),
    LS_OPTIMIZER_REST(rprop_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const rprop_options *rprop = options;
    if (!((float)rprop->shrink > 0 && (float)rprop->shrink < 1)) return "shrink must be between 0 and 1";
    if (!((float)rprop->grow > 1)) return "grow must be above 1";
    if (!(rprop->smallest < rprop->largest)) return "smallest must be below largest";
    return ls_optimizer_check_constant(&rprop->common);
}

static int states(const void *options, const char *name[LS_STATES_MAX])
{
    (void)options;
    name[0] = "previous_gradient";
    name[1] = "step_size";
    return 2;
}

static void update(const void *options, const ls_update *update)
{
    const rprop_options *rprop = options;
    ls_rprop_step step = {
        .rule = ls_update_step_rule(&rprop->common, update),
        .shrink = (float)rprop->shrink,
        .grow = (float)rprop->grow,
        .smallest = (float)rprop->smallest,
        .largest = (float)rprop->largest,
        .first = update->step == 1,
    };
    update->kernels->rprop(&step, update->count, update->w, update->gradient, update->state[0],
                           update->state[1]);
}

const ls_optimizer_type ls_optimizer_rprop = {
    .base = {.name = "rprop",
             .help = "A step size for each weight, which follows the sign of its gradient; for full batches.",
             .options = option_table,
             .options_size = sizeof(rprop_options),
             .check = check},
    .states = states,
    .update = update,
    .finds_steps = true,
};

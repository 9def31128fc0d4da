/* AdamW: Adam whose weight decay is decoupled (Loshchilov and Hutter, ICLR 2019, algorithm 2, where the
   schedule multiplies the learning rate). As AdamW in PyTorch: the decay is learning rate times weight_decay,
   taken off before the step. */
#include "optim/moments.h"
#include "optim/registry.h"

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(ls_moments_options, "0.001"),
    LS_MOMENTS_BETAS(ls_moments_options, beta1, beta2),
    LS_MOMENTS_EPSILON(ls_moments_options, epsilon, "1e-8"),
    LS_MOMENTS_AMSGRAD(ls_moments_options, amsgrad),
    LS_OPTIMIZER_DECAY(
        ls_moments_options, "0.01",
        "Each step takes learning rate times this times the weight off the weight. Biases, and scales "
        "and shifts of norms, do not decay."),
    LS_OPTIMIZER_REST(ls_moments_options),
    LS_OPTION_END,
};

static void update(const void *options, const ls_update *update)
{
    ls_moments_options moments = *(const ls_moments_options *)options;
    moments.common.decoupled = true;
    ls_moments_update(&moments, update);
}

const ls_optimizer_type ls_optimizer_adamw = {
    .base = {.name = "adamw",
             .help = "Adam with decoupled weight decay.",
             .options = option_table,
             .options_size = sizeof(ls_moments_options),
             .check = ls_moments_check},
    .states = ls_moments_states,
    .update = update,
};

/* Adam (Kingma and Ba, ICLR 2015, algorithm 1; the formula stands in math/kernels.h). As Adam in PyTorch:
   epsilon is added to the root of the corrected mean of squares, and with amsgrad the largest mean is taken
   before the correction. */
#include "optim/moments.h"
#include "optim/registry.h"

static const ls_option option_table[] = {
    LS_OPTIMIZER_LR(ls_moments_options, "0.001"),
    LS_MOMENTS_BETAS(ls_moments_options, beta1, beta2),
    LS_MOMENTS_EPSILON(ls_moments_options, epsilon, "1e-8"),
    LS_MOMENTS_AMSGRAD(ls_moments_options, amsgrad),
    LS_OPTIMIZER_DECAY(ls_moments_options, "0", LS_COUPLED_DECAY),
    LS_OPTIMIZER_DECOUPLED(ls_moments_options),
    LS_OPTIMIZER_REST(ls_moments_options),
    LS_OPTION_END,
};

const ls_optimizer_type ls_optimizer_adam = {
    .base = {.name = "adam",
             .help = "The mean of gradients divided by the root of the mean of their squares.",
             .options = option_table,
             .options_size = sizeof(ls_moments_options),
             .check = ls_moments_check},
    .states = ls_moments_states,
    .update = ls_moments_update,
};

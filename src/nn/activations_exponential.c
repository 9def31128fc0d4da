/* Activations that are straight above zero and an exponential below. */
#include <math.h>
#include "nn/activation.h"
#include "nn/registry.h"

static double kink_at_zero(const ls_node *node, const double *x)
{
    return ls_activation_distance(node, x, 0);
}

typedef struct elu_options {
    double alpha;
} elu_options;

static double alpha_of(const void *options)
{
    return ((const elu_options *)options)->alpha;
}

static double elu_value(double x, const void *options)
{
    return x > 0 ? x : alpha_of(options) * expm1(x);
}

static double elu_derivative(double x, const void *options)
{
    return x > 0 ? 1 : alpha_of(options) * exp(x);
}

static const ls_option elu_option_table[] = {
    {.key = "alpha",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(elu_options, alpha),
     .minimum = 0,
     .maximum = 1e6,
     .default_text = "1",
     .help = "Minus the value at minus infinity."},
    LS_OPTION_END,
};

LS_ACTIVATION_LAYER(
    elu, LS_ACTIVATION_ELU, alpha_of(options), .in_place = true, .kink = kink_at_zero,
    .base = {.name = "elu",
             .help = "y = x for positive x, alpha (exp(x) - 1) otherwise (Clevert, Unterthiner and "
                     "Hochreiter 2016).",
             .options = elu_option_table,
             .options_size = sizeof(elu_options)});

/* The fixed point of mean 0 and variance 1 (Klambauer et al. 2017, section 2, eq. 14 of the appendix). */
static const double lambda = 1.0507009873554804934, alpha = 1.6732632423543772848;

static double selu_value(double x, const void *options)
{
    (void)options;
    return lambda * (x > 0 ? x : alpha * expm1(x));
}

static double selu_derivative(double x, const void *options)
{
    (void)options;
    return lambda * (x > 0 ? 1 : alpha * exp(x));
}

LS_ACTIVATION_LAYER(
    selu, LS_ACTIVATION_SELU, 0, .in_place = true, .kink = kink_at_zero,
    .base = {.name = "selu",
             .help = "y = 1.0507 x for positive x, 1.7581 (exp(x) - 1) otherwise: keeps mean 0 and "
                     "variance 1 with `lecun` weights (Klambauer et al. 2017)."});

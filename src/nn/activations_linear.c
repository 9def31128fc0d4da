/* Activations made of straight lines, and hard_swish, made of straight lines and a parabola. */
#include <math.h>
#include "nn/activation.h"
#include "nn/registry.h"

static double kink_at_zero(const ls_node *node, const double *x)
{
    return ls_activation_distance(node, x, 0);
}

static double kinks_at_three(const ls_node *node, const double *x)
{
    return fmin(ls_activation_distance(node, x, -3), ls_activation_distance(node, x, 3));
}

static double identity_value(double x, const void *options)
{
    (void)options;
    return x;
}

static double identity_derivative(double x, const void *options)
{
    (void)x, (void)options;
    return 1;
}

LS_ACTIVATION_LAYER(identity, LS_ACTIVATION_IDENTITY, 0, .in_place = true,
                    .base = {.name = "identity", .help = "y = x."});

static double relu_value(double x, const void *options)
{
    (void)options;
    return x > 0 ? x : 0;
}

static double relu_derivative(double x, const void *options)
{
    (void)options;
    return x > 0 ? 1 : 0;
}

LS_ACTIVATION_LAYER(relu, LS_ACTIVATION_RELU, 0, .in_place = true, .kink = kink_at_zero,
                    .base = {.name = "relu", .help = "y = max(x, 0)."});

typedef struct leaky_relu_options {
    double slope;
} leaky_relu_options;

static double slope_of(const void *options)
{
    return ((const leaky_relu_options *)options)->slope;
}

static double leaky_relu_value(double x, const void *options)
{
    return x > 0 ? x : slope_of(options) * x;
}

static double leaky_relu_derivative(double x, const void *options)
{
    return x > 0 ? 1 : slope_of(options);
}

static const ls_option leaky_relu_option_table[] = {
    {.key = "slope",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(leaky_relu_options, slope),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.01",
     .help = "Slope for negative inputs."},
    LS_OPTION_END,
};

LS_ACTIVATION_LAYER(leaky_relu, LS_ACTIVATION_LEAKY_RELU, slope_of(options), .kink = kink_at_zero,
                    .base = {.name = "leaky_relu",
                             .help = "y = x for positive x, slope times x otherwise.",
                             .options = leaky_relu_option_table,
                             .options_size = sizeof(leaky_relu_options)});

static double hard_sigmoid_value(double x, const void *options)
{
    (void)options;
    return fmin(1, fmax(0, x / 6 + 0.5));
}

static double hard_sigmoid_derivative(double x, const void *options)
{
    (void)options;
    return fabs(x) < 3 ? 1.0 / 6 : 0;
}

LS_ACTIVATION_LAYER(hard_sigmoid, LS_ACTIVATION_HARD_SIGMOID, 0, .in_place = true, .kink = kinks_at_three,
                    .base = {.name = "hard_sigmoid",
                             .help = "y = x / 6 + 1/2, kept within 0 and 1 (Howard et al. 2019)."});

static double hard_swish_value(double x, const void *options)
{
    return x * hard_sigmoid_value(x, options);
}

static double hard_swish_derivative(double x, const void *options)
{
    return hard_sigmoid_value(x, options) + x * hard_sigmoid_derivative(x, options);
}

LS_ACTIVATION_LAYER(hard_swish, LS_ACTIVATION_HARD_SWISH, 0, .kink = kinks_at_three,
                    .base = {.name = "hard_swish", .help = "y = x hard_sigmoid(x) (Howard et al. 2019)."});

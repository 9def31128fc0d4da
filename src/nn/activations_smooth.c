/* Activations that are smooth everywhere. */
#include <math.h>
#include "nn/activation.h"
#include "nn/registry.h"

static double sigmoid_value(double x, const void *options)
{
    (void)options;
    return 1 / (1 + exp(-x));
}

static double sigmoid_derivative(double x, const void *options)
{
    double y = sigmoid_value(x, options);
    return y * (1 - y);
}

LS_ACTIVATION_LAYER(sigmoid, LS_ACTIVATION_SIGMOID, 0, .in_place = true,
                    .base = {.name = "sigmoid", .help = "y = 1 / (1 + exp(-x))."});

static double tanh_value(double x, const void *options)
{
    (void)options;
    return tanh(x);
}

static double tanh_derivative(double x, const void *options)
{
    double y = tanh_value(x, options);
    return (1 - y) * (1 + y);
}

LS_ACTIVATION_LAYER(tanh, LS_ACTIVATION_TANH, 0, .in_place = true,
                    .base = {.name = "tanh", .help = "y = tanh(x)."});

static double silu_value(double x, const void *options)
{
    return x * sigmoid_value(x, options);
}

static double silu_derivative(double x, const void *options)
{
    return sigmoid_value(x, options) + x * sigmoid_derivative(x, options);
}

LS_ACTIVATION_LAYER(silu, LS_ACTIVATION_SILU, 0,
                    .base = {.name = "silu",
                             .help = "y = x sigmoid(x), also called swish (Elfwing, Uchibe and Doya 2018)."});

static double softplus_value(double x, const void *options)
{
    (void)options;
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double softplus_derivative(double x, const void *options)
{
    return sigmoid_value(x, options);
}

LS_ACTIVATION_LAYER(softplus, LS_ACTIVATION_SOFTPLUS, 0, .in_place = true,
                    .base = {.name = "softplus", .help = "y = log(1 + exp(x)), a smooth relu."});

enum { EXACT, TANH };

typedef struct gelu_options {
    int approximate;
} gelu_options;

static bool is_exact(const void *options)
{
    return ((const gelu_options *)options)->approximate == EXACT;
}

static const double two_pi = 6.283185307179586477;

/* The argument of tanh, and its derivative. */
static double gelu_argument(double x)
{
    return sqrt(4 / two_pi) * (x + 0.044715 * x * x * x);
}

static double gelu_value(double x, const void *options)
{
    if (is_exact(options)) return 0.5 * x * erfc(-x * sqrt(0.5));
    return 0.5 * x * (1 + tanh(gelu_argument(x)));
}

/* Phi(x) + x phi(x) with the normal distribution's Phi and phi, or what takes their places. */
static double gelu_derivative(double x, const void *options)
{
    if (is_exact(options)) return 0.5 * erfc(-x * sqrt(0.5)) + x * exp(-0.5 * x * x) / sqrt(two_pi);
    double t = tanh(gelu_argument(x)), slope = sqrt(4 / two_pi) * (1 + 3 * 0.044715 * x * x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t) * (1 + t) * slope;
}

static const char *const gelu_choices[] = {"none", "tanh", NULL};

static const ls_option gelu_option_table[] = {
    {.key = "approximate",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(gelu_options, approximate),
     .default_text = "none",
     .choices = gelu_choices,
     .help = "tanh: y = x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2, as in older models."},
    LS_OPTION_END,
};

LS_ACTIVATION_LAYER(gelu, is_exact(options) ? LS_ACTIVATION_GELU : LS_ACTIVATION_GELU_TANH, 0,
                    .base = {
                        .name = "gelu",
                        .help = "y = x Phi(x), with Phi of the normal distribution (Hendrycks and Gimpel "
                                "2016).",
                        .options = gelu_option_table,
                        .options_size = sizeof(gelu_options)});

/* The activation layers: y = f(x) for each element. The formulas in float are those of the kernels
 * (math/vector/activation.h); here they stand once more in double, for the tests. */
#include <math.h>
#include "nn/registry.h"

typedef struct leaky_relu_options {
    double slope;
} leaky_relu_options;

typedef double (*scalar_function)(double x, double slope);

static double slope_of(const ls_node *node)
{
    const leaky_relu_options *options = node->options; /* the others have none */
    return options == NULL ? 0 : options->slope;
}

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    build->node->out = build->node->in[0];
    return LS_OK;
}

static void forward(const ls_layer_call *call, ls_activation which)
{
    int64_t count = ls_shape_size(&call->node->out) * call->lanes;
    call->kernels->activation_forward(which, (float)slope_of(call->node), call->x[0], call->y, count);
}

static void backward(const ls_layer_call *call, ls_activation which)
{
    if (call->dx[0] == NULL) return;
    int64_t count = ls_shape_size(&call->node->out) * call->lanes;
    const float *saved = ls_activation_from_output(which) ? call->y : call->x[0];
    call->kernels->activation_backward(which, (float)slope_of(call->node), saved, call->dy, call->dx[0],
                                       count);
}

static void reference_forward(const ls_reference_call *call, scalar_function value)
{
    int64_t count = ls_shape_size(&call->node->out);
    for (int64_t i = 0; i < count; i++) call->y[i] = value(call->x[0][i], slope_of(call->node));
}

static void reference_backward(const ls_reference_call *call, scalar_function derivative)
{
    if (call->dx[0] == NULL) return;
    int64_t count = ls_shape_size(&call->node->out);
    for (int64_t i = 0; i < count; i++)
        call->dx[0][i] = call->dy[i] * derivative(call->x[0][i], slope_of(call->node));
}

static double distance_to_zero(const ls_node *node, const double *x)
{
    double nearest = INFINITY;
    int64_t count = ls_shape_size(&node->out);
    for (int64_t i = 0; i < count; i++) nearest = fmin(nearest, fabs(x[i]));
    return nearest;
}

static double identity_value(double x, double slope)
{
    (void)slope;
    return x;
}

static double identity_derivative(double x, double slope)
{
    (void)x, (void)slope;
    return 1;
}

static double sigmoid_value(double x, double slope)
{
    (void)slope;
    return 1 / (1 + exp(-x));
}

static double sigmoid_derivative(double x, double slope)
{
    double y = sigmoid_value(x, slope);
    return y * (1 - y);
}

static double tanh_value(double x, double slope)
{
    (void)slope;
    return tanh(x);
}

static double tanh_derivative(double x, double slope)
{
    double y = tanh_value(x, slope);
    return (1 - y) * (1 + y);
}

static double relu_value(double x, double slope)
{
    (void)slope;
    return x > 0 ? x : 0;
}

static double relu_derivative(double x, double slope)
{
    (void)slope;
    return x > 0 ? 1 : 0;
}

static double leaky_relu_value(double x, double slope)
{
    return x > 0 ? x : slope * x;
}

static double leaky_relu_derivative(double x, double slope)
{
    return x > 0 ? 1 : slope;
}

static double gelu_value(double x, double slope)
{
    (void)slope;
    return 0.5 * x * erfc(-x * sqrt(0.5));
}

/* Phi(x) + x phi(x) with the normal distribution's Phi and phi */
static double gelu_derivative(double x, double slope)
{
    (void)slope;
    const double two_pi = 6.283185307179586477;
    return 0.5 * erfc(-x * sqrt(0.5)) + x * exp(-0.5 * x * x) / sqrt(two_pi);
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

/* The functions of one activation and its table. IN_PLACE: whether the derivative comes from the output, as
 * ls_activation_from_output says. */
#define ACTIVATION_LAYER(NAME, WHICH, IN_PLACE, KINK, OPTIONS, OPTIONS_SIZE, HELP)                           \
    static void NAME##_forward(const ls_layer_call *call)                                                    \
    {                                                                                                        \
        forward(call, WHICH);                                                                                \
    }                                                                                                        \
    static void NAME##_backward(const ls_layer_call *call)                                                   \
    {                                                                                                        \
        backward(call, WHICH);                                                                               \
    }                                                                                                        \
    static void NAME##_reference_forward(const ls_reference_call *call)                                      \
    {                                                                                                        \
        reference_forward(call, NAME##_value);                                                               \
    }                                                                                                        \
    static void NAME##_reference_backward(const ls_reference_call *call)                                     \
    {                                                                                                        \
        reference_backward(call, NAME##_derivative);                                                         \
    }                                                                                                        \
    const ls_layer_type ls_layer_##NAME = {                                                                  \
        .base = {.name = #NAME, .help = HELP, .options = OPTIONS, .options_size = OPTIONS_SIZE},             \
        .in_place = IN_PLACE,                                                                                \
        .build = build,                                                                                      \
        .forward = NAME##_forward,                                                                           \
        .backward = NAME##_backward,                                                                         \
        .reference_forward = NAME##_reference_forward,                                                       \
        .reference_backward = NAME##_reference_backward,                                                     \
        .kink = KINK,                                                                                        \
    };

ACTIVATION_LAYER(identity, LS_ACTIVATION_IDENTITY, true, NULL, NULL, 0, "y = x.")
ACTIVATION_LAYER(sigmoid, LS_ACTIVATION_SIGMOID, true, NULL, NULL, 0, "y = 1 / (1 + exp(-x)).")
ACTIVATION_LAYER(tanh, LS_ACTIVATION_TANH, true, NULL, NULL, 0, "y = tanh(x).")
ACTIVATION_LAYER(relu, LS_ACTIVATION_RELU, true, distance_to_zero, NULL, 0, "y = max(x, 0).")
ACTIVATION_LAYER(leaky_relu, LS_ACTIVATION_LEAKY_RELU, false, distance_to_zero, leaky_relu_option_table,
                 sizeof(leaky_relu_options), "y = x for positive x, slope times x otherwise.")
ACTIVATION_LAYER(gelu, LS_ACTIVATION_GELU, false, NULL, NULL, 0,
                 "y = x Phi(x), with Phi of the normal distribution (Hendrycks and Gimpel 2016).")

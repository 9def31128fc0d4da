/* The leaky relu with a slope that is learned, one for each channel or one in all (He, Zhang, Ren and Sun,
 * ICCV 2015, eq. 1): y = x for positive x, slope times x otherwise. The derivative by a slope (eq. 9) is the
 * sum of x dy over the positions where x is not positive. */
#include <math.h>
#include <string.h>
#include "nn/activation.h"
#include "nn/registry.h"

typedef struct prelu_options {
    bool shared;
    ls_component initializer;
} prelu_options;

static int64_t channels_of(const ls_node *node)
{
    return node->out.dim[0];
}

static int64_t positions_of(const ls_node *node)
{
    return ls_shape_size(&node->out) / node->out.dim[0];
}

/* The number of the slope of a channel. */
static int64_t slope_of(const ls_node *node, int64_t channel)
{
    return ((const prelu_options *)node->options)->shared ? 0 : channel;
}

static ls_status build(ls_layer_build *build)
{
    const prelu_options *options = build->node->options;
    LS_TRY(ls_activation_build(build));
    int64_t slopes = options->shared ? 1 : channels_of(build->node);
    return ls_layer_declare(build, "slope", 1, 1, slopes, 1, 1, options->initializer, false);
}

static void forward(const ls_layer_call *call)
{
    int64_t count = positions_of(call->node) * call->lanes;
    for (int64_t c = 0; c < channels_of(call->node); c++)
        call->kernels->activation_forward(LS_ACTIVATION_LEAKY_RELU,
                                          call->parameter[0][slope_of(call->node, c)], call->x[0] + c * count,
                                          call->y + c * count, count);
}

/* One chain a sample, in the order of positions; NaN goes through. */
static void add_products(int64_t positions, int64_t lanes, const float *x, const float *dy, float *sum)
{
    for (int64_t p = 0; p < positions; p++)
        for (int64_t n = 0; n < lanes; n++) {
            float product = x[p * lanes + n] * dy[p * lanes + n];
            sum[n] += x[p * lanes + n] > 0 ? 0 : product;
        }
}

static void backward(const ls_layer_call *call)
{
    int64_t lanes = call->lanes, positions = positions_of(call->node), channels = channels_of(call->node);
    int64_t slopes = slope_of(call->node, channels - 1) + 1;
    memset(call->sample_gradient[0], 0, (size_t)(slopes * lanes) * sizeof(float));
    for (int64_t c = 0; c < channels; c++) {
        int64_t at = c * positions * lanes, slope = slope_of(call->node, c);
        add_products(positions, lanes, call->x[0] + at, call->dy + at,
                     call->sample_gradient[0] + slope * lanes);
        if (call->dx[0] == NULL) continue;
        call->kernels->activation_backward(LS_ACTIVATION_LEAKY_RELU, call->parameter[0][slope],
                                           call->x[0] + at, call->dy + at, call->dx[0] + at,
                                           positions * lanes);
    }
}

static ls_gradient_kind gradient(const ls_node *node, int parameter)
{
    (void)node, (void)parameter;
    return LS_GRADIENT_SAMPLES;
}

static void reference_forward(const ls_reference_call *call)
{
    int64_t positions = positions_of(call->node);
    for (int64_t i = 0; i < ls_shape_size(&call->node->out); i++) {
        double x = call->x[0][i];
        call->y[i] = x > 0 ? x : call->parameter[0][slope_of(call->node, i / positions)] * x;
    }
}

static void reference_backward(const ls_reference_call *call)
{
    int64_t positions = positions_of(call->node);
    for (int64_t i = 0; i < ls_shape_size(&call->node->out); i++) {
        int64_t slope = slope_of(call->node, i / positions);
        bool positive = call->x[0][i] > 0;
        call->dx[0][i] = positive ? call->dy[i] : call->parameter[0][slope] * call->dy[i];
        call->gradient[0][slope] += positive ? 0 : call->x[0][i] * call->dy[i];
    }
}

static double kink(const ls_node *node, const double *x)
{
    return ls_activation_distance(node, x, 0);
}

static const ls_option option_table[] = {
    {.key = "shared",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(prelu_options, shared),
     .default_text = "false",
     .help = "One slope in all instead of one for each unit or channel."},
    {.key = "initializer",
     .kind = LS_OPTION_COMPONENT,
     .offset = offsetof(prelu_options, initializer),
     .default_text = "{type: constant, value: 0.25}",
     .registry = &ls_initialiser_registry,
     .help = "Initial values of the slopes."},
    LS_OPTION_END,
};

const ls_layer_type ls_layer_prelu = {
    .base = {.name = "prelu",
             .help = "y = x for positive x, a learned slope times x otherwise (He et al. 2015).",
             .options = option_table,
             .options_size = sizeof(prelu_options)},
    .build = build,
    .forward = forward,
    .backward = backward,
    .gradient = gradient,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .kink = kink,
};

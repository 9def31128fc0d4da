/* Normalisation of a sample by itself.
   group_norm (Wu and He, ECCV 2018, eq. 1 to 3): the channels are cut into groups; each group is brought to
   mean 0 and variance 1 over its channels and positions, then each channel is scaled and shifted.
   layer_norm (Ba, Kiros and Hinton 2016, eq. 4): one group of all numbers, each scaled and shifted.
   Derivative, over a group of N numbers with z = (x - mean) / deviation and g = weight dy:
     dx = (g - mean(g) - z mean(g z)) / deviation */
#include <math.h>
#include "nn/norm.h"
#include "nn/registry.h"

typedef struct norm_options {
    double epsilon;
    bool affine;
    int64_t groups; /* 0 for layer_norm, which has no such option */
} norm_options;

#define COMMON_OPTIONS                                                                                       \
    {.key = "epsilon",                                                                                       \
     .kind = LS_OPTION_REAL,                                                                                 \
     .offset = offsetof(norm_options, epsilon),                                                              \
     .minimum = 1e-30,                                                                                       \
     .maximum = 1e30,                                                                                        \
     .default_text = "1e-5",                                                                                 \
     .help = "Added to the variance."},                                                                      \
    {                                                                                                        \
        .key = "affine", .kind = LS_OPTION_BOOLEAN, .offset = offsetof(norm_options, affine),                \
        .default_text = "true", .help = "Whether the result is scaled and shifted by learned numbers."       \
    }

static const ls_option layer_norm_option_table[] = {COMMON_OPTIONS, LS_OPTION_END};

static const ls_option group_norm_option_table[] = {
    {.key = "groups",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(norm_options, groups),
     .minimum = 1,
     .maximum = 1 << 24,
     .default_text = "1",
     .help = "Number of groups that the channels are cut into; as many as channels is instance "
             "normalisation."},
    COMMON_OPTIONS,
    LS_OPTION_END,
};

enum { WEIGHT, BIAS };

/* How a shape is cut: groups of units with one mean each, scaled by a number for every run of units. */
typedef struct cut {
    int64_t groups, group; /* units a group */
    int64_t run;           /* units that share a weight */
} cut;

static cut cut_of(const ls_node *node)
{
    int64_t size = ls_shape_size(&node->out);
    int64_t groups = ((const norm_options *)node->options)->groups;
    if (groups == 0) return (cut){.groups = 1, .group = size, .run = 1}; /* layer_norm */
    return (cut){.groups = groups, .group = size / groups, .run = ls_norm_positions(&node->out)};
}

static bool is_affine(const ls_node *node)
{
    return ((const norm_options *)node->options)->affine;
}

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    ls_node *node = build->node;
    node->out = node->in[0];
    cut of = cut_of(node);
    int64_t channels = ls_norm_channels(&node->out);
    if (channels % of.groups != 0)
        return ls_layer_error(build, "%lld channels cannot be cut into %lld groups: %lld is not a divisor",
                              (long long)channels, (long long)of.groups, (long long)of.groups);
    if (of.group == 1)
        return ls_layer_error(build, "a group of a single number would always become 0; it needs at least 2");
    return is_affine(node) ? ls_norm_declare(build, ls_shape_size(&node->out) / of.run) : LS_OK;
}

static int64_t saved(const ls_node *node)
{
    return 2 * cut_of(node).groups; /* mean and inverse deviation of each lane */
}

static float weight_of(const ls_layer_call *call, int64_t index)
{
    return is_affine(call->node) ? call->parameter[WEIGHT][index] : 1;
}

static void find_moments(const ls_layer_call *call, const cut *of, int64_t group, float *mean, float *inverse)
{
    double of_lane[LS_PANEL_LANES_MAX], m2[LS_PANEL_LANES_MAX];
    double epsilon = ((const norm_options *)call->node->options)->epsilon;
    call->kernels->moments(of->group, call->lanes, call->x[0] + group * of->group * call->lanes, of_lane, m2);
    for (int64_t n = 0; n < call->lanes; n++) {
        mean[n] = (float)of_lane[n];
        inverse[n] = ls_norm_inverse(m2[n] / (double)of->group, epsilon);
    }
}

static void forward(const ls_layer_call *call)
{
    cut of = cut_of(call->node);
    for (int64_t g = 0; g < of.groups; g++) {
        float *mean = call->saved + g * call->lanes, *inverse = mean + of.groups * call->lanes;
        float scale[LS_PANEL_LANES_MAX];
        find_moments(call, &of, g, mean, inverse);
        for (int64_t u = g * of.group; u < (g + 1) * of.group; u += of.run) {
            float weight = weight_of(call, u / of.run);
            float shift = is_affine(call->node) ? call->parameter[BIAS][u / of.run] : 0;
            for (int64_t n = 0; n < call->lanes; n++) scale[n] = weight * inverse[n];
            call->kernels->normalise(of.run, call->lanes, call->x[0] + u * call->lanes, mean, scale, shift,
                                     call->y + u * call->lanes);
        }
    }
}

/* Sums over a group of g and g (x - mean); on the way the gradients of weight and bias. */
static void sum_group(const ls_layer_call *call, const cut *of, int64_t group, double *sum, double *product)
{
    const float *mean = call->saved + group * call->lanes, *inverse = mean + of->groups * call->lanes;
    double dy[LS_PANEL_LANES_MAX], dyx[LS_PANEL_LANES_MAX];
    for (int64_t n = 0; n < call->lanes; n++) sum[n] = product[n] = 0;
    for (int64_t u = group * of->group; u < (group + 1) * of->group; u += of->run) {
        int64_t at = u * call->lanes, index = u / of->run;
        call->kernels->norm_sums(of->run, call->lanes, call->x[0] + at, mean, call->dy + at, dy, dyx);
        double weight = weight_of(call, index);
        for (int64_t n = 0; n < call->lanes; n++) {
            sum[n] += weight * dy[n];
            product[n] += weight * dyx[n];
        }
        for (int64_t n = 0; is_affine(call->node) && n < call->lanes; n++) {
            call->sample_gradient[WEIGHT][index * call->lanes + n] = (float)(dyx[n] * (double)inverse[n]);
            call->sample_gradient[BIAS][index * call->lanes + n] = (float)dy[n];
        }
    }
}

static void backward(const ls_layer_call *call)
{
    cut of = cut_of(call->node);
    double share = 1.0 / (double)of.group;
    for (int64_t g = 0; g < of.groups; g++) {
        const float *mean = call->saved + g * call->lanes, *inverse = mean + of.groups * call->lanes;
        double sum[LS_PANEL_LANES_MAX], product[LS_PANEL_LANES_MAX];
        float a[LS_PANEL_LANES_MAX], b[LS_PANEL_LANES_MAX], c[LS_PANEL_LANES_MAX];
        sum_group(call, &of, g, sum, product);
        if (call->dx[0] == NULL) continue;
        for (int64_t n = 0; n < call->lanes; n++) {
            double i = inverse[n];
            b[n] = (float)(i * (sum[n] * share));
            c[n] = (float)(i * (i * i) * (product[n] * share));
        }
        for (int64_t u = g * of.group; u < (g + 1) * of.group; u += of.run) {
            int64_t at = u * call->lanes;
            for (int64_t n = 0; n < call->lanes; n++) a[n] = weight_of(call, u / of.run) * inverse[n];
            call->kernels->norm_backward(of.run, call->lanes, call->x[0] + at, mean, call->dy + at, a, b, c,
                                         call->dx[0] + at);
        }
    }
}

static ls_gradient_kind gradient(const ls_node *node, int parameter)
{
    (void)node, (void)parameter;
    return LS_GRADIENT_SAMPLES;
}

/* Mean and deviation of a group of the reference. */
static void describe(const ls_reference_call *call, const cut *of, int64_t group, double *mean,
                     double *deviation)
{
    const double *x = call->x[0] + group * of->group;
    double sum = 0, square = 0;
    for (int64_t i = 0; i < of->group; i++) sum += x[i];
    *mean = sum / (double)of->group;
    for (int64_t i = 0; i < of->group; i++) square += (x[i] - *mean) * (x[i] - *mean);
    *deviation = sqrt(square / (double)of->group + ((const norm_options *)call->node->options)->epsilon);
}

static void reference_forward(const ls_reference_call *call)
{
    cut of = cut_of(call->node);
    bool affine = is_affine(call->node);
    for (int64_t g = 0; g < of.groups; g++) {
        double mean, deviation;
        describe(call, &of, g, &mean, &deviation);
        for (int64_t u = g * of.group; u < (g + 1) * of.group; u++) {
            double z = (call->x[0][u] - mean) / deviation;
            call->y[u] =
                affine ? call->parameter[WEIGHT][u / of.run] * z + call->parameter[BIAS][u / of.run] : z;
        }
    }
}

static void reference_backward(const ls_reference_call *call)
{
    cut of = cut_of(call->node);
    bool affine = is_affine(call->node);
    for (int64_t g = 0; g < of.groups; g++) {
        double mean, deviation, sum = 0, product = 0;
        describe(call, &of, g, &mean, &deviation);
        for (int64_t u = g * of.group; u < (g + 1) * of.group; u++) {
            double z = (call->x[0][u] - mean) / deviation;
            double scaled = (affine ? call->parameter[WEIGHT][u / of.run] : 1) * call->dy[u];
            sum += scaled;
            product += scaled * z;
            if (!affine) continue;
            call->gradient[WEIGHT][u / of.run] += call->dy[u] * z;
            call->gradient[BIAS][u / of.run] += call->dy[u];
        }
        for (int64_t u = g * of.group; call->dx[0] != NULL && u < (g + 1) * of.group; u++) {
            double z = (call->x[0][u] - mean) / deviation;
            double scaled = (affine ? call->parameter[WEIGHT][u / of.run] : 1) * call->dy[u];
            call->dx[0][u] = (scaled - (sum + z * product) / (double)of.group) / deviation;
        }
    }
}

/* Not a kink, but where a group hardly varies, derivatives are so large that comparisons say nothing. */
static double kink(const ls_node *node, const double *x)
{
    cut of = cut_of(node);
    ls_reference_call call = {.node = node, .x = {x}};
    double nearest = INFINITY;
    for (int64_t g = 0; g < of.groups; g++) {
        double mean, deviation;
        describe(&call, &of, g, &mean, &deviation);
        nearest = fmin(nearest, deviation - 0.45);
    }
    return nearest;
}

#define NORM_LAYER(NAME, HELP, SIZE)                                                                         \
    const ls_layer_type ls_layer_##NAME = {                                                                  \
        .base = {.name = #NAME, .help = HELP, .options = NAME##_option_table, .options_size = SIZE},         \
        .build = build,                                                                                      \
        .forward = forward,                                                                                  \
        .backward = backward,                                                                                \
        .gradient = gradient,                                                                                \
        .reference_forward = reference_forward,                                                              \
        .reference_backward = reference_backward,                                                            \
        .kink = kink,                                                                                        \
        .saved = saved,                                                                                      \
    };

NORM_LAYER(layer_norm,
           "All numbers of a sample are brought to mean 0 and variance 1 together, then each is scaled and "
           "shifted.",
           sizeof(norm_options))
NORM_LAYER(group_norm,
           "The channels of a sample are cut into groups, each of which is brought to mean 0 and variance 1 "
           "over its channels and positions; then each channel is scaled and shifted.",
           sizeof(norm_options))

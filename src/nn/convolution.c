/* Convolutions (cross-correlations, as in LeCun et al., Proceedings of the IEEE 86, 1998) of images
 * {channels, height, width} and of signals {channels, length}: y[o][p] = b[o] + sum over i, k of W[o][i][k]
 * x[i][p * stride - padding + k * dilation] with W as [filters][channels / groups * kernel]. A signal is an
 * image of height 1. Windows of 3 by 3 and of 5 by 5 may be computed by Winograd's algorithm
 * (math/winograd.h), another order of additions; which one follows from the shapes of the layer alone, as
 * bits may depend on nothing else. */
#include "math/winograd.h"
#include "nn/registry.h"
#include "nn/window.h"

typedef struct conv_options {
    ls_window_options window;
    int64_t filters, groups;
    bool bias;
    ls_component activation, initializer, bias_initializer;
    int algorithm; /* of conv2d */
} conv_options;

enum { AUTO, DIRECT, WINOGRAD };
static const char *const algorithms[] = {"auto", "direct", "winograd", NULL};

#define COMMON_OPTIONS                                                                                       \
    {.key = "filters",                                                                                       \
     .kind = LS_OPTION_INTEGER,                                                                              \
     .offset = offsetof(conv_options, filters),                                                              \
     .minimum = 1,                                                                                           \
     .maximum = 1 << 20,                                                                                     \
     .help = "Number of channels of the output."},                                                           \
        LS_WINDOW_OPTIONS("1", ""),                                                                          \
        {.key = "groups",                                                                                    \
         .kind = LS_OPTION_INTEGER,                                                                          \
         .offset = offsetof(conv_options, groups),                                                           \
         .minimum = 1,                                                                                       \
         .maximum = 1 << 20,                                                                                 \
         .default_text = "1",                                                                                \
         .help = "Channels and filters are cut into so many groups that do not see each other; as many as "  \
                 "channels: a window of its own for each channel."},                                         \
        {.key = "bias",                                                                                      \
         .kind = LS_OPTION_BOOLEAN,                                                                          \
         .offset = offsetof(conv_options, bias),                                                             \
         .default_text = "true",                                                                             \
         .help = "Whether a learned constant is added to each filter's output."},                            \
        {.key = "activation",                                                                                \
         .kind = LS_OPTION_COMPONENT,                                                                        \
         .offset = offsetof(conv_options, activation),                                                       \
         .default_text = "",                                                                                 \
         .registry = &ls_activation_registry,                                                                \
         .help = "Activation applied to the outputs; none if absent."},                                      \
        {.key = "initializer",                                                                               \
         .kind = LS_OPTION_COMPONENT,                                                                        \
         .offset = offsetof(conv_options, initializer),                                                      \
         .default_text = "glorot",                                                                           \
         .registry = &ls_initialiser_registry,                                                               \
         .help = "Initial values of the weights."},                                                          \
    {                                                                                                        \
        .key = "bias_initializer", .kind = LS_OPTION_COMPONENT,                                              \
        .offset = offsetof(conv_options, bias_initializer), .default_text = "zeros",                         \
        .registry = &ls_initialiser_registry, .help = "Initial values of the biases."                        \
    }

static const ls_option options_1d[] = {COMMON_OPTIONS, LS_OPTION_END};

static const ls_option options_2d[] = {
    COMMON_OPTIONS,
    {.key = "algorithm",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(conv_options, algorithm),
     .default_text = "auto",
     .choices = algorithms,
     .help =
         "How it is computed, which shows in the last bits. direct: each output is one sum of products. "
         "winograd: for windows of 3 by 3 in tiles of 2 by 2 outputs with 16 products instead of 36, for "
         "windows of 5 by 5 in tiles of 4 by 4 outputs with 121 products instead of 400, with stride and "
         "dilation 1 in one group; as precise as direct sums. auto: winograd where it pays, which follows "
         "from the shapes alone."},
    LS_OPTION_END,
};

enum { WEIGHT, BIAS };

static const conv_options *options_of(const ls_node *node)
{
    return node->options;
}

static ls_conv geometry(const ls_node *node)
{
    const ls_window window = ls_window_of(node);
    return (ls_conv){.in_channels = node->in[0].dim[0],
                     .out_channels = node->out.dim[0],
                     .groups = options_of(node)->groups,
                     .height = window.height,
                     .width = window.width};
}

static bool is_winograd(const ls_node *node)
{
    const ls_conv conv = geometry(node);
    const int algorithm = options_of(node)->algorithm;
    return algorithm == WINOGRAD || (algorithm == AUTO && ls_winograd_pays(&conv));
}

static int64_t window_size(const ls_window *window)
{
    return window->height.kernel * window->width.kernel;
}

static ls_status declare(ls_layer_build *build, int dimensions, const ls_window *window)
{
    const conv_options *options = options_of(build->node);
    const int64_t channels = build->node->in[0].dim[0] / options->groups, filters = options->filters;
    const int64_t inputs = channels * window_size(window),
                  outputs = filters / options->groups * window_size(window);
    LS_TRY(
        ls_layer_declare(build, "weight", 2, filters, inputs, inputs, outputs, options->initializer, true));
    if (dimensions == 1)
        ls_layer_dimensions(build, 3, (const int64_t[]){filters, channels, window->width.kernel});
    else
        ls_layer_dimensions(
            build, 4, (const int64_t[]){filters, channels, window->height.kernel, window->width.kernel});
    if (!options->bias) return LS_OK;
    return ls_layer_declare(build, "bias", 1, 1, filters, inputs, outputs, options->bias_initializer, false);
}

static ls_status check_algorithm(const ls_layer_build *build)
{
    const ls_conv conv = geometry(build->node);
    if (options_of(build->node)->algorithm != WINOGRAD || ls_winograd_fits(&conv)) return LS_OK;
    return ls_layer_error(
        build,
        "algorithm is winograd, which takes a kernel of 3 by 3 or 5 by 5 with stride 1 and dilation 1 in 1 "
        "group, but here are a kernel of %lld by %lld, stride %lld by %lld, dilation %lld by "
        "%lld and %lld group%s; use auto or direct",
        (long long)conv.height.kernel, (long long)conv.width.kernel, (long long)conv.height.stride,
        (long long)conv.width.stride, (long long)conv.height.dilation, (long long)conv.width.dilation,
        (long long)conv.groups, ls_plural(conv.groups));
}

static ls_status build(ls_layer_build *build, int dimensions)
{
    const conv_options *options = options_of(build->node);
    ls_window window;
    LS_TRY(ls_window_build(build, dimensions, &window));
    const int64_t channels = build->node->in[0].dim[0], groups = options->groups;
    if (channels % groups != 0 || options->filters % groups != 0)
        return ls_layer_error(build, "groups is %lld, which does not divide %s %lld", (long long)groups,
                              channels % groups != 0 ? "the input's channels," : "filters,",
                              (long long)(channels % groups != 0 ? channels : options->filters));
    build->node->out = ls_window_shape(build->node, options->filters, &window);
    LS_TRY(check_algorithm(build));
    if (options->activation.type != NULL) build->activation = &options->activation;
    return declare(build, dimensions, &window);
}

static ls_status build_1d(ls_layer_build *layer)
{
    return build(layer, 1);
}

static ls_status build_2d(ls_layer_build *layer)
{
    return build(layer, 2);
}

static ls_conv geometry_of_call(const ls_layer_call *call)
{
    ls_conv conv = geometry(call->node);
    conv.lanes = call->lanes;
    conv.weight = call->parameter[WEIGHT];
    conv.ld = call->ld[WEIGHT];
    return conv;
}

static void forward(const ls_layer_call *call)
{
    const ls_conv conv = geometry_of_call(call);
    const float *bias = options_of(call->node)->bias ? call->parameter[BIAS] : NULL;
    if (is_winograd(call->node))
        call->kernels->winograd_forward(&conv, call->x[0], bias, call->y, call->scratch);
    else
        call->kernels->conv_forward(&conv, call->x[0], bias, call->y);
}

static void backward(const ls_layer_call *call)
{
    const ls_conv conv = geometry_of_call(call);
    if (options_of(call->node)->bias)
        call->kernels->channel_sums(conv.out_channels, conv.height.out * conv.width.out, call->lanes,
                                    call->dy, call->sample_gradient[BIAS]);
    if (call->dx[0] == NULL) return;
    if (is_winograd(call->node))
        call->kernels->winograd_backward(&conv, call->dy, call->dx[0], call->scratch);
    else
        call->kernels->conv_backward(&conv, call->dy, call->dx[0]);
}

static int64_t scratch(const ls_node *node, int64_t lanes)
{
    ls_conv conv = geometry(node);
    conv.lanes = lanes;
    return is_winograd(node) ? ls_winograd_scratch(&conv) : 0;
}

static ls_gradient_kind gradient(const ls_node *node, int parameter)
{
    (void)node;
    return parameter == WEIGHT ? LS_GRADIENT_TILE : LS_GRADIENT_SAMPLES;
}

static ls_grain_rule grain_rule(const ls_node *node)
{
    (void)node;
    return LS_GRAIN_ALIGNED;
}

static int64_t divided_up(int64_t number, int64_t by)
{
    return (number + by - 1) / by;
}

/* Whole windows where they fit, and bands of equal height. Where nothing has to be padded first, smaller
 * tiles cost no more and share out better: about 100,000 multiply-adds a sample. */
static void direct_tile(const ls_conv *shape, int64_t *rows, int64_t *columns)
{
    enum { WORK = 100000, ROWS_MIN = 5 };
    const ls_conv conv = *shape;
    const int64_t window = conv.height.kernel * conv.width.kernel;
    const int64_t all = conv.in_channels / conv.groups * window;
    *columns = window <= LS_BLOCK ? LS_BLOCK / window * window : LS_BLOCK;
    if (*columns > all) *columns = all;
    int64_t highest = LS_TILE_ROWS;
    if (!ls_conv_is_padded(&conv)) {
        const int64_t few = WORK / (*columns * conv.height.out * conv.width.out);
        if (few < highest) highest = few > ROWS_MIN ? few : ROWS_MIN;
    }
    *rows = divided_up(conv.out_channels, divided_up(conv.out_channels, highest));
}

static int64_t whole_vectors(int64_t channels)
{
    return divided_up(channels, LS_LANES) * LS_LANES;
}

/* Each tile transforms its channels of x and of dy anew, so few and large ones are best. The channels that
 * lie side by side in vectors, those of the input or, with 5 by 5, of the output, should fill them. */
static void winograd_tile(const ls_conv *conv, int64_t *rows, int64_t *columns)
{
    enum { ROWS = 32, CHANNELS = 64 };
    const int64_t in = conv->in_channels, out = conv->out_channels, bands = divided_up(out, ROWS);
    int64_t channels = divided_up(in, divided_up(in, CHANNELS)), filters = divided_up(out, bands);
    if (!ls_winograd_is_5(conv))
        channels = whole_vectors(channels);
    else
        filters = whole_vectors(filters);
    *rows = filters < out ? filters : out;
    *columns = (channels < in ? channels : in) * conv->height.kernel * conv->width.kernel;
}

static void tile_size(const ls_node *node, int parameter, int64_t *rows, int64_t *columns)
{
    (void)parameter;
    const ls_conv conv = geometry(node);
    if (is_winograd(node))
        winograd_tile(&conv, rows, columns);
    else
        direct_tile(&conv, rows, columns);
}

static int64_t tile_scratch(const ls_node *node)
{
    const ls_conv conv = geometry(node);
    if (!is_winograd(node)) return ls_conv_gradient_scratch(&conv, LS_TILE_ROWS);
    int64_t rows, columns;
    winograd_tile(&conv, &rows, &columns);
    return ls_winograd_gradient_scratch(&conv, rows, columns / (conv.height.kernel * conv.width.kernel));
}

static void gradient_tile(const ls_tile_call *call)
{
    ls_conv conv = geometry(call->node);
    conv.lanes = call->lanes;
    const ls_conv_gradient block = {
        .conv = &conv,
        .part = call->part,
        .part_count = call->part_count,
        .first_row = call->first_row,
        .rows = call->rows,
        .first_column = call->first_column,
        .columns = call->columns,
        .scratch = call->scratch,
        .tile = call->tile,
        .ld = call->ld,
    };
    if (is_winograd(call->node))
        call->kernels->winograd_gradient(&block);
    else
        call->kernels->conv_gradient(&block);
}

/* The terms of one sample, by position of the output, as the formula stands. */
typedef struct term {
    int64_t output, input, weight, filter;
} term;

typedef void term_visit(const ls_reference_call *call, const term *at);

static void each_tap(const ls_reference_call *call, const ls_conv *conv, term at, int64_t h, int64_t w,
                     term_visit *visit)
{
    const int64_t in = conv->in_channels / conv->groups, out = conv->out_channels / conv->groups;
    const int64_t first = at.filter / out * in;
    for (int64_t i = 0; i < in; i++)
        for (int64_t kh = 0; kh < conv->height.kernel; kh++)
            for (int64_t kw = 0; kw < conv->width.kernel; kw++) {
                const int64_t ih = ls_window_input(&conv->height, h, kh),
                              iw = ls_window_input(&conv->width, w, kw);
                if (ih < 0 || iw < 0) continue;
                at.input = ((first + i) * conv->height.in + ih) * conv->width.in + iw;
                at.weight = ((at.filter * in + i) * conv->height.kernel + kh) * conv->width.kernel + kw;
                visit(call, &at);
            }
}

static void each_term(const ls_reference_call *call, term_visit *visit)
{
    const ls_conv conv = geometry(call->node);
    term at = {.output = 0};
    for (at.filter = 0; at.filter < conv.out_channels; at.filter++)
        for (int64_t h = 0; h < conv.height.out; h++)
            for (int64_t w = 0; w < conv.width.out; w++, at.output++) each_tap(call, &conv, at, h, w, visit);
}

static void add_output(const ls_reference_call *call, const term *at)
{
    call->y[at->output] += call->parameter[WEIGHT][at->weight] * call->x[0][at->input];
}

static void add_derivatives(const ls_reference_call *call, const term *at)
{
    call->gradient[WEIGHT][at->weight] += call->dy[at->output] * call->x[0][at->input];
    if (call->dx[0] != NULL)
        call->dx[0][at->input] += call->dy[at->output] * call->parameter[WEIGHT][at->weight];
}

static void reference_forward(const ls_reference_call *call)
{
    const int64_t outputs = ls_shape_size(&call->node->out), positions = outputs / call->node->out.dim[0];
    for (int64_t o = 0; o < outputs; o++)
        call->y[o] = options_of(call->node)->bias ? call->parameter[BIAS][o / positions] : 0;
    each_term(call, add_output);
}

static void reference_backward(const ls_reference_call *call)
{
    const int64_t outputs = ls_shape_size(&call->node->out), positions = outputs / call->node->out.dim[0];
    for (int64_t i = 0; call->dx[0] != NULL && i < ls_shape_size(&call->node->in[0]); i++) call->dx[0][i] = 0;
    for (int64_t o = 0; options_of(call->node)->bias && o < outputs; o++)
        call->gradient[BIAS][o / positions] += call->dy[o];
    each_term(call, add_derivatives);
}

static int64_t operations(const ls_node *node)
{
    const ls_window window = ls_window_of(node);
    return ls_shape_size(&node->out) * (node->in[0].dim[0] / options_of(node)->groups) * window_size(&window);
}

#define CONVOLUTION(NAME, OPTIONS, BUILD, HELP)                                                              \
    {                                                                                                        \
        .base = {.name = NAME, .help = HELP, .options = OPTIONS, .options_size = sizeof(conv_options)},      \
        .build = BUILD, .forward = forward, .backward = backward, .gradient = gradient,                      \
        .reference_forward = reference_forward, .reference_backward = reference_backward,                    \
        .operations = operations, .grain_rule = grain_rule, .tile_scratch = tile_scratch,                    \
        .tile_size = tile_size, .scratch = scratch, .gradient_tile = gradient_tile,                          \
    }

const ls_layer_type ls_layer_conv1d = CONVOLUTION("conv1d", options_1d, build_1d,
                                                  "Convolution of a signal: channels x length. Weights are "
                                                  "written to files as `[filters, channels / groups, "
                                                  "kernel]`.");
const ls_layer_type ls_layer_conv2d = CONVOLUTION("conv2d", options_2d, build_2d,
                                                  "Convolution of an image: channels x height x width. "
                                                  "Weights are written to files as `[filters, channels / "
                                                  "groups, height, width]`.");

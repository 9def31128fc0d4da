/* The mean of the inputs of each window, or of each channel. */
#include "nn/registry.h"
#include "nn/window.h"

typedef struct average_options {
    ls_window_options window;
    bool count_padding;
} average_options;

static const ls_option option_table[] = {
    LS_WINDOW_OPTIONS("", " The kernel if absent, so that windows lie side by side."),
    {.key = "count_padding",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(average_options, count_padding),
     .default_text = "true",
     .help = "Whether padding counts, as zeros: the sum is divided by the size of the window. Else it is "
             "divided by the number of "
             "inputs in it."},
    LS_OPTION_END,
};

static ls_status build_global(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    const ls_shape *in = &build->node->in[0];
    char text[LS_SHAPE_TEXT];
    ls_shape_text(in, text, sizeof text);
    if (in->rank < 2)
        return ls_layer_error(
            build,
            "an input of %s comes in, but a layer of type %s takes channels x length or channels x "
            "height x width",
            text, build->node->type->base.name);
    build->node->out = (ls_shape){.rank = 1, .dim = {in->dim[0]}};
    return LS_OK;
}

static bool is_global(const ls_node *node)
{
    return node->options == NULL;
}

/* A whole channel is one window. */
static ls_pool geometry(const ls_node *node, int64_t lanes)
{
    ls_pool pool = {.channels = node->in[0].dim[0], .lanes = lanes};
    if (is_global(node)) {
        const int64_t positions = ls_shape_size(&node->in[0]) / pool.channels;
        pool.height = (ls_span){.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1};
        pool.width =
            (ls_span){.in = positions, .out = 1, .kernel = positions, .stride = positions, .dilation = 1};
        return pool;
    }
    const ls_window window = ls_window_of(node);
    pool.height = window.height;
    pool.width = window.width;
    pool.count_padding = ((const average_options *)node->options)->count_padding;
    return pool;
}

static void forward(const ls_layer_call *call)
{
    const ls_pool pool = geometry(call->node, call->lanes);
    call->kernels->average_pool_forward(&pool, call->x[0], call->y);
}

static void backward(const ls_layer_call *call)
{
    const ls_pool pool = geometry(call->node, call->lanes);
    if (call->dx[0] != NULL) call->kernels->average_pool_backward(&pool, call->dy, call->dx[0]);
}

/* One output: adds up its inputs, or deals out its derivative, with the weight one over their number. */
static void reference_output(const ls_reference_call *call, const ls_pool *pool, int64_t output,
                             bool backward)
{
    const int64_t width = pool->width.out, plane = pool->height.out * width;
    const int64_t c = output / plane, h = output % plane / width, w = output % width;
    int64_t inputs = 0;
    for (int64_t kh = 0; kh < pool->height.kernel; kh++)
        for (int64_t kw = 0; kw < pool->width.kernel; kw++)
            inputs += ls_window_input(&pool->height, h, kh) >= 0 && ls_window_input(&pool->width, w, kw) >= 0;
    if (pool->count_padding) inputs = pool->height.kernel * pool->width.kernel;
    for (int64_t kh = 0; kh < pool->height.kernel; kh++)
        for (int64_t kw = 0; kw < pool->width.kernel; kw++) {
            const int64_t ih = ls_window_input(&pool->height, h, kh),
                          iw = ls_window_input(&pool->width, w, kw);
            if (ih < 0 || iw < 0) continue;
            const int64_t place = (c * pool->height.in + ih) * pool->width.in + iw;
            if (backward)
                call->dx[0][place] += call->dy[output] / (double)inputs;
            else
                call->y[output] += call->x[0][place] / (double)inputs;
        }
}

static void reference_forward(const ls_reference_call *call)
{
    const ls_pool pool = geometry(call->node, 1);
    for (int64_t o = 0; o < ls_shape_size(&call->node->out); o++) {
        call->y[o] = 0;
        reference_output(call, &pool, o, false);
    }
}

static void reference_backward(const ls_reference_call *call)
{
    const ls_pool pool = geometry(call->node, 1);
    for (int64_t i = 0; i < ls_shape_size(&call->node->in[0]); i++) call->dx[0][i] = 0;
    for (int64_t o = 0; o < ls_shape_size(&call->node->out); o++) reference_output(call, &pool, o, true);
}

const ls_layer_type ls_layer_average_pool = {
    .base = {.name = "average_pool",
             .help = "The mean of the numbers of each window, channel by channel: of images (channels x "
                     "height x width) and of "
                     "signals (channels x length).",
             .options = option_table,
             .options_size = sizeof(average_options)},
    .build = ls_window_build_pool,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

const ls_layer_type ls_layer_global_average_pool = {
    .base = {.name = "global_average_pool",
             .help = "The mean of each channel of an image or a signal: one number a channel."},
    .build = build_global,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

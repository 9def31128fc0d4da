/* The largest input of each window. Of equal ones the first counts: it gets the derivative. */
#include <math.h>
#include "nn/registry.h"
#include "nn/window.h"

static const ls_option option_table[] = {
    LS_WINDOW_OPTIONS("", " The kernel if absent, so that windows lie side by side."),
    LS_OPTION_END,
};

static ls_pool geometry(const ls_layer_call *call)
{
    const ls_window window = ls_window_of(call->node);
    return (ls_pool){.channels = call->node->in[0].dim[0],
                     .lanes = call->lanes,
                     .height = window.height,
                     .width = window.width};
}

/* What is kept is the number of the tap of each output. */
static int64_t saved(const ls_node *node)
{
    return ls_shape_size(&node->out);
}

static void forward(const ls_layer_call *call)
{
    const ls_pool pool = geometry(call);
    call->kernels->max_pool_forward(&pool, call->x[0], call->y, (int32_t *)call->saved);
}

static void backward(const ls_layer_call *call)
{
    const ls_pool pool = geometry(call);
    if (call->dx[0] != NULL)
        call->kernels->max_pool_backward(&pool, call->dy, (const int32_t *)call->saved, call->dx[0]);
}

/* The largest and the second largest input of a window, and where the first is. */
typedef struct best {
    double first, second;
    int64_t place;
} best;

static best best_of(const ls_window *window, const double *x, int64_t output)
{
    const int64_t width = window->width.out, plane = window->height.out * width;
    const int64_t c = output / plane, h = output % plane / width, w = output % width;
    best found = {-INFINITY, -INFINITY, -1};
    for (int64_t kh = 0; kh < window->height.kernel; kh++)
        for (int64_t kw = 0; kw < window->width.kernel; kw++) {
            const int64_t ih = ls_window_input(&window->height, h, kh),
                          iw = ls_window_input(&window->width, w, kw);
            if (ih < 0 || iw < 0) continue;
            const int64_t place = (c * window->height.in + ih) * window->width.in + iw;
            if (x[place] > found.first) {
                found.second = found.first;
                found.first = x[place];
                found.place = place;
            } else if (x[place] > found.second) {
                found.second = x[place];
            }
        }
    return found;
}

static void reference_forward(const ls_reference_call *call)
{
    const ls_window window = ls_window_of(call->node);
    for (int64_t o = 0; o < ls_shape_size(&call->node->out); o++)
        call->y[o] = best_of(&window, call->x[0], o).first;
}

static void reference_backward(const ls_reference_call *call)
{
    const ls_window window = ls_window_of(call->node);
    for (int64_t i = 0; i < ls_shape_size(&call->node->in[0]); i++) call->dx[0][i] = 0;
    for (int64_t o = 0; o < ls_shape_size(&call->node->out); o++)
        call->dx[0][best_of(&window, call->x[0], o).place] += call->dy[o];
}

static double kink(const ls_node *node, const double *x)
{
    const ls_window window = ls_window_of(node);
    double nearest = INFINITY;
    for (int64_t o = 0; o < ls_shape_size(&node->out); o++) {
        const best found = best_of(&window, x, o);
        nearest = fmin(nearest, found.first - found.second);
    }
    return nearest;
}

const ls_layer_type ls_layer_max_pool = {
    .base = {.name = "max_pool",
             .help = "The largest number of each window, channel by channel: of images (channels x height x "
                     "width) and of "
                     "signals (channels x length).",
             .options = option_table,
             .options_size = sizeof(ls_window_options)},
    .build = ls_window_build_pool,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .kink = kink,
    .saved = saved,
};

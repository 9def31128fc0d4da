/* The logarithm of softmax over the first dimension: y_c = x_c - log(sum_d exp(x_d)). Each position is a
 * lane, as in nn/softmax.c. */
#include <math.h>
#include "nn/activation.h"
#include "nn/registry.h"

static int64_t channels_of(const ls_node *node)
{
    return node->out.dim[0];
}

static int64_t positions_of(const ls_node *node)
{
    return ls_shape_size(&node->out) / node->out.dim[0];
}

static void forward(const ls_layer_call *call)
{
    call->kernels->log_softmax(channels_of(call->node), positions_of(call->node) * call->lanes, call->x[0],
                               call->y);
}

static void backward(const ls_layer_call *call)
{
    if (call->dx[0] == NULL) return;
    call->kernels->log_softmax_backward(channels_of(call->node), positions_of(call->node) * call->lanes,
                                        call->y, call->dy, call->dx[0]);
}

static double log_sum(const double *x, int64_t channels, int64_t positions)
{
    double sum = 0;
    for (int64_t c = 0; c < channels; c++) sum += exp(x[c * positions]);
    return log(sum);
}

static void reference_forward(const ls_reference_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    for (int64_t p = 0; p < positions; p++)
        for (int64_t c = 0; c < channels; c++)
            call->y[c * positions + p] =
                call->x[0][c * positions + p] - log_sum(call->x[0] + p, channels, positions);
}

/* y_d depends on x_c as (c = d) - softmax_c. */
static void reference_backward(const ls_reference_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    for (int64_t p = 0; p < positions; p++)
        for (int64_t c = 0; c < channels; c++) {
            int64_t at = c * positions + p;
            double sum = 0, share = exp(call->x[0][at] - log_sum(call->x[0] + p, channels, positions));
            for (int64_t d = 0; d < channels; d++) sum += call->dy[d * positions + p] * ((c == d) - share);
            call->dx[0][at] = sum;
        }
}

const ls_layer_type ls_layer_log_softmax = {
    .base = {.name = "log_softmax",
             .help = "y = x - log(sum of exp(x)) over the units, or over the channels at each position."},
    .in_place = true,
    .build = ls_activation_build,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

/* Softmax over the first dimension (units, or the channels at each position): y_c = exp(x_c) / sum_d
 * exp(x_d). A panel [channels][positions][lanes] is one of [channels][positions x lanes], so each position is
 * a lane. */
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
    call->kernels->softmax(channels_of(call->node), positions_of(call->node) * call->lanes, call->x[0],
                           call->y);
}

static void backward(const ls_layer_call *call)
{
    if (call->dx[0] == NULL) return;
    call->kernels->softmax_backward(channels_of(call->node), positions_of(call->node) * call->lanes, call->y,
                                    call->dy, call->dx[0]);
}

static void reference_forward(const ls_reference_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    for (int64_t p = 0; p < positions; p++) {
        double sum = 0;
        for (int64_t c = 0; c < channels; c++) sum += exp(call->x[0][c * positions + p]);
        for (int64_t c = 0; c < channels; c++)
            call->y[c * positions + p] = exp(call->x[0][c * positions + p]) / sum;
    }
}

/* dx_c = sum_d dy_d dy_d/dx_c, where y_d depends on x_c as y_d ((c = d) - y_c). */
static void reference_backward(const ls_reference_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    reference_forward(call);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t p = 0; p < positions; p++) {
            double sum = 0;
            for (int64_t d = 0; d < channels; d++)
                sum += call->dy[d * positions + p] * call->y[d * positions + p] *
                       ((c == d) - call->y[c * positions + p]);
            call->dx[0][c * positions + p] = sum;
        }
}

const ls_layer_type ls_layer_softmax = {
    .base = {.name = "softmax",
             .help =
                 "y = exp(x) / sum of exp(x) over the units, or over the channels at each position. A loss "
                 "of the kind softmax_cross_entropy has it built in and wants the numbers before it."},
    .in_place = true,
    .build = ls_activation_build,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

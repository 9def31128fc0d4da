/* The sum of several tensors of one shape: y = x_0 + x_1 + ..., from left to right. With the input of a block
 * as one of them it is the shortcut of a residual network (He et al., CVPR 2016, eq. 1). */
#include <string.h>
#include "nn/registry.h"

static ls_status build(ls_layer_build *build)
{
    ls_node *node = build->node;
    LS_TRY(ls_layer_takes_several(build));
    for (int i = 1; i < node->input_count; i++) {
        if (ls_shape_equal(&node->in[i], &node->in[0])) continue;
        char first[LS_SHAPE_TEXT], other[LS_SHAPE_TEXT];
        ls_shape_text(&node->in[0], first, sizeof first);
        ls_shape_text(&node->in[i], other, sizeof other);
        return ls_layer_error(build, "%s is %s, but %s is %s; only equal shapes can be added",
                              ls_layer_input_name(build, 0), first, ls_layer_input_name(build, i), other);
    }
    node->out = node->in[0];
    return LS_OK;
}

static void forward(const ls_layer_call *call)
{
    int64_t count = ls_shape_size(&call->node->out) * call->lanes;
    const float *first = call->x[0];
    for (int i = 1; i < call->node->input_count; i++) {
        call->kernels->add(first, call->x[i], call->y, count);
        first = call->y;
    }
}

static void backward(const ls_layer_call *call)
{
    int64_t count = ls_shape_size(&call->node->out) * call->lanes;
    for (int i = 0; i < call->node->input_count; i++)
        if (call->dx[i] != NULL) memcpy(call->dx[i], call->dy, (size_t)count * sizeof(float));
}

static void reference_forward(const ls_reference_call *call)
{
    for (int64_t k = 0; k < ls_shape_size(&call->node->out); k++) {
        call->y[k] = 0;
        for (int i = 0; i < call->node->input_count; i++) call->y[k] += call->x[i][k];
    }
}

static void reference_backward(const ls_reference_call *call)
{
    for (int i = 0; i < call->node->input_count; i++)
        for (int64_t k = 0; k < ls_shape_size(&call->node->out); k++) call->dx[i][k] = call->dy[k];
}

const ls_layer_type ls_layer_add = {
    .base = {.name = "add",
             .help = "The sum of its inputs, which have the same shape. Name them in `inputs`, as in "
                     "`{type: add, inputs: [conv_2, shortcut]}`."},
    .build = build,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

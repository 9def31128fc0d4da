/* Several tensors behind each other along the first dimension: units, or the channels of images. As a panel
 * is [channels][...][lanes], the inputs are contiguous pieces of the output. */
#include <string.h>
#include "nn/registry.h"

/* Whether two shapes agree in all dimensions but the first. */
static bool fits(const ls_shape *a, const ls_shape *b)
{
    ls_shape same = *b;
    same.dim[0] = a->dim[0];
    return ls_shape_equal(a, &same);
}

static ls_status build(ls_layer_build *build)
{
    ls_node *node = build->node;
    LS_TRY(ls_layer_takes_several(build));
    node->out = node->in[0];
    for (int i = 1; i < node->input_count; i++) {
        if (!fits(&node->in[0], &node->in[i])) {
            char first[LS_SHAPE_TEXT], other[LS_SHAPE_TEXT];
            ls_shape_text(&node->in[0], first, sizeof first);
            ls_shape_text(&node->in[i], other, sizeof other);
            return ls_layer_error(build, "%s is %s, but %s is %s; all dimensions but the first must be equal",
                                  ls_layer_input_name(build, 0), first, ls_layer_input_name(build, i), other);
        }
        node->out.dim[0] += node->in[i].dim[0];
    }
    return LS_OK;
}

static size_t bytes_of(const ls_layer_call *call, int input)
{
    return (size_t)(ls_shape_size(&call->node->in[input]) * call->lanes) * sizeof(float);
}

static void forward(const ls_layer_call *call)
{
    char *to = (char *)call->y;
    for (int i = 0; i < call->node->input_count; i++) {
        memcpy(to, call->x[i], bytes_of(call, i));
        to += bytes_of(call, i);
    }
}

static void backward(const ls_layer_call *call)
{
    const char *from = (const char *)call->dy;
    for (int i = 0; i < call->node->input_count; i++) {
        if (call->dx[i] != NULL) memcpy(call->dx[i], from, bytes_of(call, i));
        from += bytes_of(call, i);
    }
}

static void reference_forward(const ls_reference_call *call)
{
    int64_t at = 0;
    for (int i = 0; i < call->node->input_count; i++)
        for (int64_t k = 0; k < ls_shape_size(&call->node->in[i]); k++) call->y[at++] = call->x[i][k];
}

static void reference_backward(const ls_reference_call *call)
{
    int64_t at = 0;
    for (int i = 0; i < call->node->input_count; i++)
        for (int64_t k = 0; k < ls_shape_size(&call->node->in[i]); k++) call->dx[i][k] = call->dy[at++];
}

const ls_layer_type ls_layer_concatenate = {
    .base = {.name = "concatenate",
             .help =
                 "Its inputs behind each other along the first dimension: units, or the channels of images, "
                 "whose other dimensions must agree. Name them in `inputs`."},
    .build = build,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

#include "nn/activation.h"
#include <math.h>

ls_status ls_activation_build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    build->node->out = build->node->in[0];
    return LS_OK;
}

static int64_t count_of(const ls_layer_call *call)
{
    return ls_shape_size(&call->node->out) * call->lanes;
}

void ls_activation_run(const ls_layer_call *call, ls_activation which, double parameter)
{
    call->kernels->activation_forward(which, (float)parameter, call->x[0], call->y, count_of(call));
}

void ls_activation_run_back(const ls_layer_call *call, ls_activation which, double parameter)
{
    if (call->dx[0] == NULL) return;
    const float *saved = ls_activation_from_output(which) ? call->y : call->x[0];
    call->kernels->activation_backward(which, (float)parameter, saved, call->dy, call->dx[0], count_of(call));
}

void ls_activation_reference(const ls_reference_call *call, ls_scalar_function value)
{
    int64_t count = ls_shape_size(&call->node->out);
    for (int64_t i = 0; i < count; i++) call->y[i] = value(call->x[0][i], call->node->options);
}

void ls_activation_reference_back(const ls_reference_call *call, ls_scalar_function derivative)
{
    if (call->dx[0] == NULL) return;
    int64_t count = ls_shape_size(&call->node->out);
    for (int64_t i = 0; i < count; i++)
        call->dx[0][i] = call->dy[i] * derivative(call->x[0][i], call->node->options);
}

double ls_activation_distance(const ls_node *node, const double *x, double point)
{
    double nearest = INFINITY;
    int64_t count = ls_shape_size(&node->out);
    for (int64_t i = 0; i < count; i++) nearest = fmin(nearest, fabs(x[i] - point));
    return nearest;
}

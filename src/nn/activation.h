/* What the activation layers share: y = f(x) for each element, by the kernels of math/vector/activation.h in
 * float, and once more in double for the tests. */
#ifndef LS_NN_ACTIVATION_H
#define LS_NN_ACTIVATION_H

#include "nn/layer.h"

typedef double (*ls_scalar_function)(double x, const void *options);

/* The shape of the input. */
ls_status ls_activation_build(ls_layer_build *build);
void ls_activation_run(const ls_layer_call *call, ls_activation which, double parameter);
void ls_activation_run_back(const ls_layer_call *call, ls_activation which, double parameter);
void ls_activation_reference(const ls_reference_call *call, ls_scalar_function value);
void ls_activation_reference_back(const ls_reference_call *call, ls_scalar_function derivative);
/* Distance of the nearest input to a point, for kinks. */
double ls_activation_distance(const ls_node *node, const double *x, double point);

/* The functions of one activation, made of NAME_value and NAME_derivative, and its table. WHICH and PARAMETER
 * may use "options" of the node. What follows are further members of the table: .base, .in_place (whether the
 * derivative comes from the output, as ls_activation_from_output says), .kink. */
#define LS_ACTIVATION_LAYER(NAME, WHICH, PARAMETER, ...)                                                     \
    static void NAME##_forward(const ls_layer_call *call)                                                    \
    {                                                                                                        \
        const void *options = call->node->options;                                                           \
        (void)options;                                                                                       \
        ls_activation_run(call, WHICH, PARAMETER);                                                           \
    }                                                                                                        \
    static void NAME##_backward(const ls_layer_call *call)                                                   \
    {                                                                                                        \
        const void *options = call->node->options;                                                           \
        (void)options;                                                                                       \
        ls_activation_run_back(call, WHICH, PARAMETER);                                                      \
    }                                                                                                        \
    static void NAME##_reference_forward(const ls_reference_call *call)                                      \
    {                                                                                                        \
        ls_activation_reference(call, NAME##_value);                                                         \
    }                                                                                                        \
    static void NAME##_reference_backward(const ls_reference_call *call)                                     \
    {                                                                                                        \
        ls_activation_reference_back(call, NAME##_derivative);                                               \
    }                                                                                                        \
    const ls_layer_type ls_layer_##NAME = {.build = ls_activation_build,                                     \
                                           .forward = NAME##_forward,                                        \
                                           .backward = NAME##_backward,                                      \
                                           .reference_forward = NAME##_reference_forward,                    \
                                           .reference_backward = NAME##_reference_backward,                  \
                                           __VA_ARGS__}

#endif

/* What layers share that change the shape alone: y is x and dx is dy. A copy is made only where the plan does
 * not let them work in place. */
#ifndef LS_NN_LAYER_VIEW_H
#define LS_NN_LAYER_VIEW_H

#include <string.h>
#include "nn/layer.h"

static inline void ls_view_forward(const ls_layer_call *call)
{
    size_t count = (size_t)(ls_shape_size(&call->node->out) * call->lanes);
    if (call->y != call->x[0]) memcpy(call->y, call->x[0], count * sizeof(float));
}

static inline void ls_view_backward(const ls_layer_call *call)
{
    size_t count = (size_t)(ls_shape_size(&call->node->out) * call->lanes);
    if (call->dx[0] != NULL && call->dx[0] != call->dy) memcpy(call->dx[0], call->dy, count * sizeof(float));
}

static inline void ls_view_reference_forward(const ls_reference_call *call)
{
    for (int64_t i = 0; i < ls_shape_size(&call->node->out); i++) call->y[i] = call->x[0][i];
}

static inline void ls_view_reference_backward(const ls_reference_call *call)
{
    for (int64_t i = 0; i < ls_shape_size(&call->node->out); i++) call->dx[0][i] = call->dy[i];
}

#endif

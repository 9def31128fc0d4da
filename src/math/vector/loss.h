/* What the kernels of losses share: how results leave, and the steps of a softmax. */
#ifndef LS_MATH_VECTOR_LOSS_H
#define LS_MATH_VECTOR_LOSS_H

#include "math/vector/activation.h"

/* Derivatives go to delta times the factor of the lane; lanes of weight 0 get +0 whatever they hold. */
LS_INLINE void ls_store_weighted(const float *weight, const float *value, float *delta)
{
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
    {
        float product = value[n] * weight[n];
        delta[n] = weight[n] == 0.0f ? 0.0f : product;
    }
}

LS_INLINE void ls_store_loss(const float *weight, const float *value, float *loss)
{
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) loss[n] = weight[n] == 0.0f ? 0.0f : value[n];
}

/* The largest of each lane; a NaN in the first place stays, one behind it shows in the exponentials. */
LS_INLINE void ls_lane_maxima(int64_t units, int64_t lanes, const float *x, float *largest)
{
    memcpy(largest, x, LS_LANES * sizeof *x);
    for (int64_t u = 1; u < units; u++) {
        const float *xu = x + u * lanes;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) largest[n] =
            xu[n] > largest[n] ? xu[n] : largest[n];
    }
}

/* y = exp(x - largest) if y is wanted, and its sum over the units. */
LS_INLINE void ls_lane_exponentials(int64_t units, int64_t lanes, const float *x, const float *largest,
                                    float *y, float *sum)
{
    memset(sum, 0, LS_LANES * sizeof *sum);
    for (int64_t u = 0; u < units; u++) {
        const float *xu = x + u * lanes;
        float e[LS_LANES];
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            e[n] = ls_exp(xu[n] - largest[n]);
            sum[n] += e[n];
        }
        if (y) memcpy(y + u * lanes, e, sizeof e);
    }
}

#endif
